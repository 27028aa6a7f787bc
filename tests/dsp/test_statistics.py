"""Statistics: intervals cover as often as they say when patients come with several recordings."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

import dsp
from dsp.statistics import FEWEST_PATIENTS, auroc, bootstrap, paired


def clusters(seed, n_patients=60):
    """Recordings that share most of their value with the patient's others; the true mean is 0."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_patients), rng.integers(1, 6, n_patients))
    return rng.normal(size=n_patients)[groups] + 0.5 * rng.normal(size=len(groups)), groups


@pytest.mark.slow
def test_covers_as_often_as_it_says_and_counting_recordings_does_not():
    """400 worlds: 2 standard errors of a share of 95 % are 2.2 %."""
    by_patient = by_record = 0
    for seed in range(400):
        x, groups = clusters(seed)
        interval = bootstrap(x, groups, n=500, seed=seed)
        by_patient += interval.low <= 0 <= interval.high
        naive = bootstrap(x, np.arange(len(x)), n=500, seed=seed)
        by_record += naive.low <= 0 <= naive.high
    assert 0.92 <= by_patient / 400 <= 0.98
    assert by_record / 400 < 0.85


@pytest.mark.slow
def test_other_statistics_cover_too():
    hits = 0
    for seed in range(300):
        x, groups = clusters(seed)
        interval = bootstrap(x, groups, np.median, n=300, seed=seed)
        hits += interval.low <= 0 <= interval.high
    assert 0.91 <= hits / 300 <= 0.99  # 2 standard errors are 2.5 %; medians of draws are coarse


def test_one_recording_each_is_the_plain_bootstrap():
    """Its ends are those of SciPy's percentile bootstrap, up to the noise of 9999 draws."""
    x = np.random.default_rng(0).exponential(size=200)
    ours = bootstrap(x, np.arange(200), n=9999)
    plain = scipy.stats.bootstrap(
        (x,), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    width = plain.high - plain.low
    # Student's quantile and sqrt(n / (n - 1)) widen it by 0.9 %; each end has 2 % of noise.
    assert ours.low == pytest.approx(plain.low, abs=0.05 * width)
    assert ours.high == pytest.approx(plain.high, abs=0.05 * width)
    # The fast path of the mean draws the same patients as any other statistic.
    slow = bootstrap(x, np.arange(200), lambda v: float(v.mean()), n=500)
    assert (slow.low, slow.high) == pytest.approx(
        (bootstrap(x, np.arange(200), n=500).low, bootstrap(x, np.arange(200), n=500).high)
    )


def test_patients_are_drawn_with_all_their_recordings():
    """Ten copies of each recording change nothing if they are the patient's, and much if not."""
    x = np.random.default_rng(0).normal(size=50)
    once, copied = (
        bootstrap(x, np.arange(50)),
        bootstrap(np.repeat(x, 10), np.repeat(np.arange(50), 10)),
    )
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    assert (copied.n_patients, copied.n_records) == (50, 500)
    naive = bootstrap(np.repeat(x, 10), np.arange(500))
    assert naive.high - naive.low < 0.5 * (once.high - once.low)


@given(seed=st.integers(0, 1000))
def test_the_seed_decides(seed):
    x, groups = clusters(seed, 40)
    a, b = bootstrap(x, groups, n=200, seed=seed), bootstrap(x, groups, n=200, seed=seed)
    assert a == b
    assert a != bootstrap(x, groups, n=200, seed=seed + 1)
    assert a.low <= a.value <= a.high


def test_names_of_patients_may_be_anything_and_their_order_too():
    x, groups = clusters(1)
    names = [f"ptb/{g}" for g in groups]
    assert bootstrap(x, names) == bootstrap(x, groups)
    order = np.argsort(-groups, kind="stable")
    other = bootstrap(x[order], groups[order])
    assert other.value == pytest.approx(bootstrap(x, groups).value)


def test_more_is_narrower_and_surer_is_wider():
    x, groups = clusters(0, 400)
    few = bootstrap(x[groups < 50], groups[groups < 50])
    many = bootstrap(x, groups)
    assert many.high - many.low < 0.6 * (few.high - few.low)
    surer = bootstrap(x, groups, level=0.99)
    assert surer.low < many.low
    assert surer.high > many.high


def test_recordings_without_a_value_are_left_out_and_not_counted():
    x, groups = clusters(0)
    y = x.copy()
    y[groups == 3] = np.nan
    y[0] = np.inf
    kept = np.isfinite(y)
    assert bootstrap(y, groups) == bootstrap(x[kept], groups[kept])
    assert bootstrap(y, groups).n_patients == 59


def test_few_patients_carry_a_warning():
    x, groups = clusters(0, FEWEST_PATIENTS)
    assert bootstrap(x, groups).warning == ""
    kept = groups > 0
    fewer = bootstrap(x[kept], groups[kept])
    assert "fewer than 30 patients" in fewer.warning
    assert fewer.warning in str(fewer)
    alone = bootstrap(x, np.zeros(len(x)))
    assert "a single patient" in alone.warning
    assert np.isnan([alone.low, alone.high]).all()


def test_draws_without_a_statistic_are_told():
    x, y = np.random.default_rng(0).normal(size=40), np.zeros(40)
    y[:2] = 1
    area = bootstrap(
        np.column_stack([y, x]), np.arange(40), lambda v: auroc(v[:, 0], v[:, 1]).value, n=200
    )
    assert "undefined in" in area.warning
    assert area.low <= area.value <= area.high


def test_paired_differences_cancel_what_patients_share():
    x, groups = clusters(0)
    better = x + 0.1 + 0.05 * np.random.default_rng(9).normal(size=len(x))
    difference = paired(better, x, groups)
    assert 0.05 < difference.low < 0.1 < difference.high < 0.15
    alone = bootstrap(better, groups)
    assert alone.low < 0 < alone.high
    gap = x.copy()
    gap[5] = np.nan
    assert paired(better, gap, groups).n_records == len(x) - 1
    with pytest.raises(dsp.LengthError, match="must be the same"):
        paired(x, x[:-1], groups)


def test_what_cannot_be_drawn_from():
    with pytest.raises(dsp.LengthError, match="3 groups"):
        bootstrap([1.0, 2.0], [1, 2, 3])
    with pytest.raises(dsp.LengthError, match="none of 2"):
        bootstrap([np.nan, np.nan], [1, 2])
    with pytest.raises(dsp.LengthError, match="none of 0"):
        bootstrap([], [])
    for wrong in ({"level": 95}, {"level": 0}, {"n": 10}):
        with pytest.raises(dsp.SignalError, match="at least 100 draws"):
            bootstrap([1.0, 2.0], [1, 2], **wrong)


# AUROC


def placements(y, x):
    """DeLong's variance by its definition, all pairs at once."""
    wins = (x[y][:, None] > x[~y]) + 0.5 * (x[y][:, None] == x[~y])
    return wins.mean(), np.var(wins.mean(1), ddof=1) / y.sum() + np.var(wins.mean(0), ddof=1) / (
        ~y
    ).sum()


@given(seed=st.integers(0, 1000), ties=st.booleans())
def test_auroc_is_delongs(seed, ties):
    rng = np.random.default_rng(seed)
    y = rng.random(300) < 0.4
    x = y + rng.normal(size=300)
    x = np.rint(2 * x) if ties else x
    area, variance = placements(y, x)
    result = auroc(y, x)
    assert result.value == pytest.approx(area)
    assert (result.n_positive, result.n_negative) == (y.sum(), (~y).sum())
    # Width on the logit scale; summing by patient divides by n - 1 over both classes: within 1 %.
    spread = scipy.special.logit(result.high) - scipy.special.logit(result.low)
    error = spread / (2 * 1.959964) * area * (1 - area)
    assert error == pytest.approx(np.sqrt(variance), rel=0.01)


@pytest.mark.slow
def test_auroc_covers_when_patients_repeat():
    truth = scipy.special.ndtr(1 / np.sqrt(2))
    hits = naive = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(120), 3)
        y = np.repeat(rng.random(120) < 0.3, 3)
        x = y + 0.9 * rng.normal(size=120)[groups] + np.sqrt(0.19) * rng.normal(size=360)
        result, alone = auroc(y, x, groups), auroc(y, x)
        hits += result.low <= truth <= result.high
        naive += alone.low <= truth <= alone.high
    assert 0.92 <= hits / 400 <= 0.98
    assert naive / 400 < 0.88


def test_auroc_at_its_ends():
    assert auroc([0, 1], [0.0, 1.0]).value == 1
    assert np.isnan(auroc([0, 0, 1, 1], [0, 1, 2, 3]).low)
    assert auroc([0, 1, 0, 1], [1, 1, 1, 1]).value == 0.5
    alone = auroc([1, 1], [0.0, 1.0])
    assert np.isnan(alone.value)
    assert (alone.n_positive, alone.n_negative) == (2, 0)
    one_patient = auroc([0, 1, 0, 1], [0, 1, 2, 3], ["a"] * 4)
    assert np.isnan(one_patient.low)
    assert one_patient.n_patients == 1
    with pytest.raises(dsp.LengthError, match="one of each"):
        auroc([0, 1], [1.0])
    with pytest.raises(dsp.SignalError, match="finite"):
        auroc([0, 1], [np.nan, 1.0])
