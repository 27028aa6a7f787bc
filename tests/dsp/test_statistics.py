"""Statistics: intervals cover as often as they say when patients come with several recordings."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

import dsp
from dsp.statistics import (
    FEWEST_PATIENTS,
    FewPositivesError,
    auprc,
    auroc,
    bootstrap,
    from_influence,
    paired,
    paired_area,
    per_class,
    recovery,
)


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


# AUPRC, differences, classes


def average_precision(y, x):
    """By its definition: at each positive, how many of those as high are positive."""
    return np.mean([(y[x >= score]).mean() for score in x[y]])


def ranked(seed, n=300, ties=False, good=1.0):
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.3
    x = good * y + rng.normal(size=n)
    return y, np.rint(2 * x) if ties else x


@given(seed=st.integers(0, 1000), ties=st.booleans())
def test_auprc_is_average_precision(seed, ties):
    y, x = ranked(seed, ties=ties)
    area = auprc(y, x)
    assert area.value == pytest.approx(average_precision(y, x))
    assert area.chance == y.mean()
    assert area.low < area.value < area.high
    assert auroc(y, x).chance == 0.5


@pytest.mark.parametrize("judge", [auroc, auprc])
def test_influence_is_the_derivative_by_weight(judge):
    """A recording that is there twice moves the area by its influence, to second order."""
    from dsp.statistics import tables

    y, x = ranked(0, 200, ties=True)
    influence = tables.influences(judge.__name__, y[:, None], x[:, None])[:, 0]
    assert influence.sum() == pytest.approx(0, abs=1e-12)
    for i in (0, 7, 50):
        twice = np.append(np.arange(200), i)
        moved = judge(y[twice], x[twice]).value - judge(y, x).value
        assert moved == pytest.approx(influence[i], rel=0.1, abs=1e-4)


@given(seed=st.integers(0, 100), ties=st.booleans())
def test_bootstrap_of_areas_is_that_of_their_recordings(seed, ties):
    """Weights in place of copies: the same draws give the same areas."""
    from dsp.statistics import intervals, tables

    y, x = ranked(seed, 60, ties=ties)
    member = np.repeat(np.arange(30), 2)
    counts = np.concatenate(list(intervals.draws(100, 30, seed)))
    for name, judge in (("auroc", auroc), ("auprc", auprc)):
        areas = tables.drawn(name, y[:, None], (x[:, None],), member, n=100, seed=seed)[0, :, 0]
        for k in (0, 50, 99):
            rows = np.repeat(np.arange(60), counts[k][member])
            assert areas[k] == pytest.approx(judge(y[rows], x[rows]).value)


@pytest.mark.parametrize("judge", [auroc, auprc])
def test_the_two_intervals_of_an_area_agree(judge):
    y, x = ranked(0, 600)
    fast, drawn = judge(y, x), judge(y, x, method="bootstrap", n=2000)
    assert fast.value == drawn.value
    # A tenth of the width: noise of the draws, and logit against percentile.
    width = fast.high - fast.low
    assert drawn.low == pytest.approx(fast.low, abs=0.1 * width)
    assert drawn.high == pytest.approx(fast.high, abs=0.1 * width)
    assert drawn == judge(y, x, method="bootstrap", n=2000)
    assert drawn != judge(y, x, method="bootstrap", n=2000, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["delong", "bootstrap"])
def test_auprc_covers_when_patients_repeat(method):
    """300 worlds: 2 standard errors of a share of 95 % are 2.5 %; the truth from a large world."""

    def world(seed, n_patients):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(n_patients), 3)
        y = np.repeat(rng.random(n_patients) < 0.3, 3)
        return (
            y,
            y + 0.9 * rng.normal(size=n_patients)[groups] + 0.44 * rng.normal(size=len(y)),
            groups,
        )

    truth = auprc(*world(999, 200_000)).value
    hits = 0
    for seed in range(300):
        found = auprc(*world(seed, 150), method=method, n=300)
        hits += found.low <= truth <= found.high
    assert 0.91 <= hits / 300 <= 0.985


def covariance(y, x, other):
    """DeLong's covariance of two areas by their placements, all pairs at once."""
    wins = [(s[y][:, None] > s[~y]) + 0.5 * (s[y][:, None] == s[~y]) for s in (x, other)]
    by_positive = np.cov(wins[0].mean(1), wins[1].mean(1)) / y.sum()
    return by_positive + np.cov(wins[0].mean(0), wins[1].mean(0)) / (~y).sum()


def test_paired_areas_are_delongs():
    y, x = ranked(0)
    other = x + np.random.default_rng(9).normal(size=len(x))
    found = paired_area(y, x, other)
    assert found.value == pytest.approx(auroc(y, x).value - auroc(y, other).value)
    table = covariance(y, x, other)
    error = np.sqrt(table[0, 0] + table[1, 1] - 2 * table[0, 1])
    half = scipy.special.stdtrit(len(y) - 1, 0.975) * error
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.01)  # n - 1 over both classes
    drawn = paired_area(y, x, other, method="bootstrap")
    assert drawn.low == pytest.approx(found.low, abs=0.2 * half)
    assert drawn.high == pytest.approx(found.high, abs=0.2 * half)
    assert paired_area(y, x, x).high == 0
    for area in ("auroc", "auprc"):
        assert (
            paired_area(y, x, other, area=area).low > 0 > paired_area(y, other, x, area=area).high
        )


@pytest.mark.slow
def test_paired_areas_cover_zero_where_there_is_no_difference():
    hits = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(80), 3)
        y = np.repeat(rng.random(80) < 0.3, 3)
        shared = y + rng.normal(size=80)[groups]
        a, b = shared + rng.normal(size=(2, 80))[:, groups] + 0.3 * rng.normal(size=(2, 240))
        found = paired_area(y, a, b, groups)
        hits += found.low <= 0 <= found.high
    assert 0.92 <= hits / 300 <= 0.98


def several(seed=0, n=400, shares=(0.3, 0.2, 0.1)):
    rng = np.random.default_rng(seed)
    y = rng.random((n, len(shares))) < shares
    return y, y + rng.normal(size=y.shape), np.repeat(np.arange(n // 2), 2)


def test_a_table_of_classes_always_shows_positives():
    y, x, groups = several()
    report = per_class(y, x, ["IMI", "AMI", "PMI"], groups)
    assert report.n_positive.tolist() == y.sum(0).tolist()
    for k, name in enumerate(["IMI", "AMI", "PMI"]):
        assert report.auroc[k] == auroc(y[:, k], x[:, k], groups)
        assert report.auprc[k] == auprc(y[:, k], x[:, k], groups)
        row = next(line for line in report.table.splitlines() if line.startswith(name))
        assert int(row.split()[1]) == y[:, k].sum()
        assert int(row.split()[2]) == len(set(groups[y[:, k]]))
    assert "400 records of 200 patients" in report.table
    assert report.macro().value == pytest.approx(np.mean([area.value for area in report.auroc]))
    assert report.macro("auprc").value < report.macro().value
    # The mean of three is surer than one, and both methods say so alike.
    one, mean, drawn = report.auroc[2], report.macro(), report.macro(method="bootstrap")
    assert mean.high - mean.low < one.high - one.low
    assert drawn.high - drawn.low == pytest.approx(mean.high - mean.low, rel=0.2)


def test_classes_with_few_positives_are_in_no_mean_unless_asked_for():
    y, x, groups = several()
    y[:, 2] = False
    y[:9, 2] = True
    report = per_class(y, x, ["IMI", "AMI", "PMI"], groups)
    assert "PMI" in report.table
    assert "9*" not in report.table.splitlines()[1]
    assert "in no mean unless asked for" in report.table
    assert "fewer than 10 positive" in report.auroc[2].warning
    assert report.auroc[2].warning in str(report.auroc[2])
    for refused in (
        report.macro,
        lambda: paired_area(y, x, x),
        lambda: recovery(y, x, x, x),
        lambda: report.macro(fewest=10),
    ):
        with pytest.raises(FewPositivesError, match=r"9 of 400.*fewest"):
            refused()
    asked = report.macro(fewest=1)
    assert "PMI has 9 positives" in asked.warning
    y[:, 2] = False
    with pytest.raises(FewPositivesError, match=r"PMI \(0 of 400\)"):
        per_class(y, x, ["IMI", "AMI", "PMI"]).macro(fewest=0)
    assert per_class(y, x, ["IMI", "AMI", "PMI"]).table.count(" - ") == 2
    assert issubclass(FewPositivesError, dsp.ECGError)


def test_recovery_is_the_share_of_the_way():
    y, ceiling, groups = several(shares=(0.3, 0.2))
    rng = np.random.default_rng(5)
    floor = rng.normal(size=y.shape)
    assert recovery(y, ceiling, floor, ceiling, groups).value == 1
    assert recovery(y, floor, floor, ceiling, groups).high == 0
    scores = y + 2 * rng.normal(size=y.shape)
    found = recovery(y, scores, floor, ceiling, groups)
    parts = [per_class(y, s, ["a", "b"]).macro().value for s in (scores, floor, ceiling)]
    assert found.value == pytest.approx((parts[0] - parts[1]) / (parts[2] - parts[1]))
    assert 0 < found.low < found.value < found.high < 1
    assert found.n_patients == 200
    useless = recovery(y, scores, floor, rng.normal(size=y.shape), groups)
    assert "undefined in" in useless.warning


def test_areas_refuse_what_they_cannot_judge():
    y, x, groups = several()
    with pytest.raises(dsp.SignalError, match="unknown class"):
        auprc([0, 1, np.nan], [0.0, 1.0, 2.0])
    with pytest.raises(dsp.SignalError, match="give delong or bootstrap"):
        auroc([0, 1], [0.0, 1.0], method="exact")
    with pytest.raises(dsp.LengthError, match="2 names"):
        per_class(y, x, ["a", "b"])
    with pytest.raises(dsp.LengthError, match="one of each"):
        per_class(y[:, 0], x[:, 0], ["a"])
    with pytest.raises(dsp.LengthError, match="one of each"):
        paired_area(y, x, x[:, :2], groups)
    with pytest.raises(FewPositivesError, match="0 of 3"):
        paired_area([0, 0, 0], [1.0, 2, 3], [1.0, 2, 3])


def test_influences_give_the_interval_of_draws():
    x, groups = clusters(0, 200)
    fast = from_influence(x.mean(), (x - x.mean()) / len(x), groups)
    drawn = bootstrap(x, groups)
    assert fast.value == drawn.value
    width = drawn.high - drawn.low  # of which 5 % are noise of 1000 draws
    assert (fast.low, fast.high) == pytest.approx((drawn.low, drawn.high), abs=0.05 * width)
    assert np.isnan(from_influence(1.0, [0.5, -0.5], [0, 0]).low)
    assert "fewer than 30" in from_influence(1.0, [0.5, -0.5], [0, 1]).warning
    with pytest.raises(dsp.SignalError, match="level"):
        from_influence(1.0, [0.5, -0.5], [0, 1], level=2)
