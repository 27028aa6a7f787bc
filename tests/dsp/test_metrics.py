"""Metrics: each score by its definition, the five conventions by hand, matching against an oracle."""

import time

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

import dsp
from dsp import leads, metrics

ROUNDING = 1e-6  # float32 in, float64 inside


def pair(seed=0, shape=(3, 4, 500)):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=shape).astype(np.float32)
    return truth, (0.7 * truth + 0.5 * rng.normal(size=shape)).astype(np.float32)


# Scores of a signal


def test_scores_by_their_definitions():
    x, y = (a.astype(np.float64) for a in pair())
    error, power = ((x - y) ** 2).sum(-1), ((x - x.mean(-1, keepdims=True)) ** 2).sum(-1)
    expected = {
        "r": np.array([[np.corrcoef(a, b)[0, 1] for a, b in zip(u, v, strict=True)] for u, v in zip(x, y, strict=True)]),
        "RMSE": np.sqrt(error / 500),
        "MAE": np.abs(x - y).mean(-1),
        "R2": 1 - error / power,
        "PRD": 100 * np.sqrt(error / power),
        "SNR": 10 * np.log10(power / error),
    }  # fmt: skip
    assert list(expected) == list(metrics.METRICS)
    for name, values in expected.items():
        score = metrics.METRICS[name][0](x, y)
        assert score.shape == (3, 4)
        assert np.allclose(score, values, atol=ROUNDING), name


@pytest.mark.parametrize("name", metrics.METRICS)
def test_only_samples_finite_in_both_count(name):
    score = metrics.METRICS[name][0]
    x, y = pair()
    keep = np.ones(500, bool)
    keep[100:180] = keep[300:310] = False
    u, v = x.copy(), y.copy()
    u[..., 100:180] = np.nan
    v[..., 300:310] = np.nan
    assert np.allclose(score(u, v), score(x[..., keep], y[..., keep]), atol=ROUNDING)
    u[1, 2] = np.nan
    assert np.isnan(score(u, v)[1, 2])
    assert np.isfinite(score(u, v)).sum() == 11


@pytest.mark.parametrize("name", metrics.METRICS)
def test_one_lead_is_as_in_the_batch_and_inputs_are_left_alone(name):
    score = metrics.METRICS[name][0]
    x, y = pair()
    before = x.copy(), y.copy()
    x.flags.writeable = y.flags.writeable = False
    assert score(x[1, 2], y[1, 2]) == pytest.approx(score(x, y)[1, 2], abs=1e-12)
    assert np.ndim(score(x[1, 2], y[1, 2])) == 0
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])


def test_constant_leads_have_no_r():
    # 0.1 is not a binary number: its mean over 777 samples is off by rounding, and so would r be.
    flat, x = np.full(777, 0.1, np.float32), np.random.default_rng(0).normal(size=777)
    for a, b in ((flat, x), (x, flat), (flat, flat)):
        assert np.isnan(metrics.r(a, b))
    for name in ("R2", "PRD", "SNR"):
        assert np.isnan(metrics.METRICS[name][0](flat, x)), name
        assert np.isfinite(metrics.METRICS[name][0](x, flat)), name
    assert metrics.rmse(flat, flat + 1) == pytest.approx(1)


def test_exact_estimates():
    x = pair()[0]
    assert np.allclose(metrics.r(x, x), 1)
    assert (metrics.rmse(x, x) == 0).all()
    assert (metrics.r2(x, x) == 1).all()
    assert np.isposinf(metrics.snr(x, x)).all()


@given(gain=st.floats(0.01, 100), offset=st.floats(-10, 10))
def test_r_knows_no_gain_and_no_offset_and_prd_no_common_offset(gain, offset):
    x, y = (a[0, 0].astype(np.float64) for a in pair())
    assert metrics.r(x, gain * y + offset) == pytest.approx(metrics.r(x, y), abs=1e-4)
    assert metrics.prd(x + offset, y + offset) == pytest.approx(metrics.prd(x, y), rel=1e-4)
    assert metrics.rmse(gain * x, gain * y) == pytest.approx(gain * metrics.rmse(x, y), rel=1e-4)


def test_shapes_must_agree():
    with pytest.raises(dsp.LengthError, match="must be the same"):
        metrics.r(np.zeros((2, 100)), np.zeros(100))


# The five conventions


def world(n=6, time=1000, seed=0):
    """Twelve-lead truth and an estimate made from lead I with noise that differs by record."""
    rng = np.random.default_rng(seed)
    x8 = np.cumsum(rng.normal(size=(n, 8, time)), axis=-1) / 20
    noise = rng.normal(size=x8.shape) * rng.uniform(0.1, 2, size=(n, 1, 1))
    y8 = x8 + noise
    y8[:, 0] = x8[:, 0]
    return leads.twelve(x8), leads.twelve(y8)


def test_the_five_conventions_by_hand():
    x, y = world()
    u, v = dsp.clean(x, 100), dsp.clean(y, 100)
    report = metrics.reconstruction(x, y, 100, given=["I"])
    hidden = [1, *range(6, 12)]
    assert report.hidden == ("II", *leads.PRECORDIAL)
    r = metrics.r(u, v)
    by_hand = {
        "mean": r[:, hidden].mean(1).mean(),
        "median": np.median(r[:, hidden]),
        "all12": r.mean(),
        "pooled": np.corrcoef(u[:, hidden].ravel(), v[:, hidden].ravel())[0, 1],
        "raw": metrics.r(x, y)[:, hidden].mean(),
    }
    assert set(by_hand) == set(report.scores) == set(metrics.CONVENTIONS)
    for name, value in by_hand.items():
        assert float(report.scores[name]) == pytest.approx(value, abs=1e-6), name
    assert len({round(value, 3) for value in by_hand.values()}) == 5
    assert report.score is report.scores["mean"]
    assert report.per_record.mean() == pytest.approx(by_hand["mean"], abs=1e-6)


def test_every_score_says_how_it_was_made():
    x, y = world()
    report = metrics.reconstruction(x, y, 100, given=["I", "II", "V2"])
    text = str(report.scores["mean"])
    for part in ("mean over records", "6 records", "V1 V3 V4 V5 V6", "0.5-40 Hz", "mV"):
        assert part in text
    assert "unfiltered" in str(report.scores["raw"])
    assert "aVF" in str(report.scores["all12"])
    for name, score in report.scores.items():
        assert (score.convention, score.n_records) == (name, 6)
        assert str(score) in report.table
    assert [line.split()[1] for line in report.table.splitlines()[1:13]] == [
        "given", "given", "derived", "derived", "derived", "derived",
        "hidden", "given", "hidden", "hidden", "hidden", "hidden",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given_leads", "hidden"),
    [
        (("aVR", "aVF"), leads.PRECORDIAL),
        (("II", "III"), leads.PRECORDIAL),
        (("aVR",), leads.EIGHT),
        (("V3", "I"), ("II", "V1", "V2", "V4", "V5", "V6")),
    ],
)
def test_hidden_leads_are_those_the_given_ones_leave_open(given_leads, hidden):
    x, y = world(2)
    assert metrics.reconstruction(x, y, 100, given=given_leads).hidden == hidden


def test_a_flat_estimate_gains_nothing_and_a_flat_truth_is_not_scored():
    x, y = world()
    y[:, 6] = 0
    worse = metrics.reconstruction(x, y, 100, given=["I"], band=None)
    r = metrics.r(x, y)[:, [1, *range(6, 12)]]
    assert np.isnan(r[:, 1]).all()
    assert worse.score.value == pytest.approx(np.nan_to_num(r).mean(), abs=1e-6)
    x[:, 6] = 0
    assert metrics.reconstruction(x, y, 100, given=["I"], band=None).score.value == pytest.approx(
        np.nanmean(r), abs=1e-6
    )


def test_records_without_a_lead_to_score_are_counted():
    x, y = world()
    x[4] = 0
    score = metrics.reconstruction(x, y, 100, given=["I"]).score
    assert (score.n_records, score.n_unscored) == (5, 1)
    assert "1 more without" in str(score)


def test_reconstruction_refuses_what_it_cannot_score():
    x, y = world(2)
    with pytest.raises(dsp.LeadError, match="nothing is left to score"):
        metrics.reconstruction(x, y, 100, given=leads.EIGHT)
    with pytest.raises(dsp.LengthError, match="12, time"):
        metrics.reconstruction(x[:, :8], y[:, :8], 100, given=["I"])
    with pytest.raises(dsp.LeadError, match="V7"):
        metrics.reconstruction(x, y, 100, given=["V7"])


# Matching


def oracle(reference, detected, limit):
    """Most pairs, then least distance, by a dense assignment."""
    distance = np.abs(np.subtract.outer(reference, detected)).astype(float)
    cost = np.where(distance <= limit, distance - 1e6, 0.0)
    rows, columns = scipy.optimize.linear_sum_assignment(cost)
    taken = distance[rows, columns] <= limit
    return taken.sum(), distance[rows, columns][taken].sum()


@given(seed=st.integers(0, 10_000), crowd=st.integers(1, 60))
def test_matching_is_one_to_one_and_optimal(seed, crowd):
    rng = np.random.default_rng(seed)
    reference = rng.integers(0, 40 * crowd, rng.integers(1, 40))
    detected = rng.integers(0, 40 * crowd, rng.integers(1, 40))
    found = metrics.match(reference, detected, 500, tolerance=0.05)
    n, distance = oracle(reference, detected, 25)
    assert found.tp == n
    assert np.abs(found.errors).sum() * 500 == pytest.approx(distance)
    assert len(set(found.pairs[:, 0])) == len(set(found.pairs[:, 1])) == n
    difference = detected[found.pairs[:, 1]] - reference[found.pairs[:, 0]]
    assert np.allclose(difference / 500, found.errors)
    assert sorted([*found.pairs[:, 0], *found.missed]) == list(range(len(reference)))
    assert sorted([*found.pairs[:, 1], *found.extra]) == list(range(len(detected)))


def test_closest_first_would_lose_a_pair_here():
    found = metrics.match([0, 100], [80, 190], 500, tolerance=0.2)
    assert found.pairs.tolist() == [[0, 0], [1, 1]]


def test_the_window_is_inclusive_at_every_rate():
    for fs, tolerance, distance in (
        (500, 0.15, 75),
        (360, 0.15, 54),
        (250, 0.05, 12.5),
        (1000, 0.15, 150),
    ):
        assert metrics.match([1000], [1000 + distance], fs, tolerance=tolerance).tp == 1
        assert metrics.match([1000], [1000 - distance], fs, tolerance=tolerance).tp == 1
        assert metrics.match([1000], [1001 + distance], fs, tolerance=tolerance).tp == 0


def test_scores_of_a_match():
    found = metrics.match([100, 600, 1100, 1600], [110, 590, 1110, 2500, 3000], 500)
    assert (found.tp, found.fp, found.fn) == (3, 2, 1)
    assert found.sensitivity == 3 / 4
    assert found.ppv == 3 / 5
    assert found.f1 == 6 / 9
    assert found.bias == pytest.approx(10 / 3 / 500)
    assert found.sd == pytest.approx(np.std([10, -10, 10], ddof=1) / 500)


def test_marks_may_be_missing_altogether():
    nothing = metrics.match([], [], 500)
    assert (nothing.tp, nothing.fp, nothing.fn) == (0, 0, 0)
    assert np.isnan([nothing.f1, nothing.sensitivity, nothing.ppv, nothing.bias, nothing.sd]).all()
    assert metrics.match([], [5], 500).fp == 1
    assert metrics.match([5], [], 500).f1 == 0
    assert metrics.match([], [5], 500, between=True).fp == 0


def test_spans_left_out():
    reference, detected = [100, 600, 1100, 1600], [105, 400, 598, 900, 2000]
    found = metrics.match(
        reference, detected, 500, tolerance=0.05, ignore=[(350, 700), (1600, 1601)]
    )
    assert found.pairs.tolist() == [[0, 0]]
    assert found.missed.tolist() == [2]
    assert found.extra.tolist() == [3, 4]
    # The pair goes with its reference mark, even if the detected one lies across the border.
    across = metrics.match([600], [598], 500, ignore=[(599, 700)])
    assert (across.tp, across.fp, across.fn) == (0, 0, 0)


def test_between_counts_invented_marks_only_inside_the_reference():
    found = metrics.match([1000, 2000], [10, 1001, 1500, 2001, 2900], 500, between=True)
    assert (found.tp, found.fp, found.fn) == (2, 1, 0)
    assert metrics.match([1000, 2000], [10, 1001, 1500, 2001, 2900], 500).fp == 3


def test_order_of_the_marks_does_not_matter():
    rng = np.random.default_rng(3)
    reference = np.cumsum(rng.integers(200, 500, 300))
    detected = reference + rng.integers(-40, 40, 300)
    shuffled = rng.permutation(300)
    a = metrics.match(reference, detected, 360)
    b = metrics.match(reference, detected[shuffled], 360)
    assert np.array_equal(a.pairs[:, 1], shuffled[b.pairs[:, 1]])
    assert np.array_equal(a.errors, b.errors)


def test_pooling_counts_all_recordings():
    parts = [metrics.match([1, 900], [2], 500), metrics.match([5], [5, 700], 500)]
    together = metrics.pool(parts)
    assert (together.tp, together.fp, together.fn) == (2, 1, 1)
    assert together.bias == pytest.approx(0.001)
    with pytest.raises(dsp.LengthError, match="no matches"):
        metrics.pool([])


def test_marks_that_are_none():
    with pytest.raises(dsp.LengthError, match="one list"):
        metrics.match(np.zeros((2, 2)), [1], 500)
    with pytest.raises(dsp.SignalError, match="1 of the detected marks"):
        metrics.match([1], [np.nan], 500)
    with pytest.raises(dsp.SignalError, match="no numbers"):
        metrics.match(["N"], [1], 500)
    with pytest.raises(dsp.SignalError, match="tolerance"):
        metrics.match([1], [1], 500, tolerance=-1)
    with pytest.raises(dsp.RateError):
        metrics.match([1], [1], 5)


def test_time_grows_as_the_number_of_marks():
    """A day of beats with invented marks among them; a dense assignment would take hours."""

    def seconds(n):
        rng = np.random.default_rng(0)
        reference = np.cumsum(rng.integers(200, 500, n))
        detected = np.concatenate([reference + 5, rng.integers(0, reference[-1], n // 2)])
        start = time.perf_counter()
        assert metrics.match(reference, detected, 360).tp == n
        return time.perf_counter() - start

    seconds(1000)
    assert seconds(100_000) < 200 * max(seconds(5_000), 0.005)  # 20 times the marks; squared: 400
