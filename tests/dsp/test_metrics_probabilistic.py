"""Stated uncertainty: each score by its definition, and reports that see through a mean."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

import dsp
from dsp import metrics

ROUNDING = 1e-5  # float32 in
LEADS = ("V1", "V2", "V3")


def world(seed=0, records=60, time=400, spread=1.0):
    """Errors that are as stated, in records of different size: (truth, mean, std)."""
    rng = np.random.default_rng(seed)
    size = np.exp(spread * rng.normal(size=(records, 1, 1))) * np.ones((1, 3, time))
    mean = rng.normal(size=size.shape)
    return mean + size * rng.normal(size=size.shape), mean, size


def test_crps_is_the_integral_it_closes():
    """Integral of (F(y) - [y >= x])^2 on a grid; a step of 1e-3 of the deviation is good to 1e-4."""
    for x, m, s in ((0.3, 0.0, 1.0), (-2.0, 0.5, 0.2), (1.0, 1.0, 3.0)):
        y = np.linspace(-30, 30, 60_001)
        expected = np.trapezoid((scipy.stats.norm.cdf(y, m, s) - (y >= x)) ** 2, y)
        assert float(metrics.crps([x], [m], [s])) == pytest.approx(expected, abs=1e-3)


@given(st.floats(0.1, 10), st.floats(-5, 5), st.floats(0.01, 5))
def test_crps_scales_and_is_least_for_the_true_width(gain, error, width):
    one = float(metrics.crps([error], [0.0], [width]))
    assert float(metrics.crps([gain * error], [0.0], [gain * width])) == pytest.approx(
        gain * one, rel=1e-4
    )
    assert one <= abs(error) + width / np.sqrt(np.pi)  # no dearer than the parts it is made of


def test_crps_prefers_the_truth_and_is_the_absolute_error_without_width():
    x, m, s = world()
    right = np.mean(metrics.crps(x, m, s))
    assert right < np.mean(metrics.crps(x, m, 0.7 * s))
    assert right < np.mean(metrics.crps(x, m, 1.4 * s))
    assert np.allclose(metrics.crps(x, m, 0 * s), metrics.mae(x, m), rtol=ROUNDING)


def test_energy_score_of_one_lead_is_the_crps():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1, 400))
    draws = rng.normal(size=(2000, 1, 400))
    # 2,000 draws at 400 times: a standard error of some 0.02 / sqrt(400).
    assert float(metrics.energy_score(x, draws)) == pytest.approx(
        float(metrics.crps(x[0], 0 * x[0], 1 + 0 * x[0])), abs=0.004
    )


def test_energy_score_sees_how_leads_err_together():
    """The same margins, right and wrong correlation: CRPS cannot tell them apart."""
    rng = np.random.default_rng(2)
    common = rng.normal(size=4000)
    truth = np.stack([common, common])
    same = np.repeat(rng.normal(size=(50, 1, 4000)), 2, axis=1)
    alone = rng.normal(size=(50, 2, 4000))
    assert metrics.energy_score(truth, same) < metrics.energy_score(truth, alone) - 0.01


def test_pit_is_even_when_right_and_tells_what_is_wrong():
    x, m, s = world(records=100)
    right = metrics.pit(x, m, s, bins=10)
    assert right.sum() == pytest.approx(1)
    # 120,000 samples: a standard error of .0009 a bin; four of them.
    assert np.abs(right - 0.1).max() < 0.004
    narrow, wide = metrics.pit(x, m, 0.5 * s, bins=10), metrics.pit(x, m, 2 * s, bins=10)
    assert narrow[0] > 0.15 > narrow[5]
    assert wide[0] < 0.05 < 0.15 < wide[5]
    assert metrics.pit(x + s, m, s, bins=10)[-1] > 0.2


def test_report_finds_the_records_that_a_mean_hides():
    """Nineteen in twenty too wide and one far too narrow: right on average, and wrong."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(100, 3, 500))
    std = np.where(np.arange(100) % 20 < 18, 1.15, 0.3)[:, None, None] * np.ones_like(x)
    report = metrics.uncertainty(x, 0 * x, std, leads=LEADS)
    assert report.overall(0.9) == pytest.approx(0.9, abs=0.03)
    assert report.worst(0.9) < 0.5
    assert report.per_record(0.9).shape == (100,)
    assert report.per_lead(0.9).shape == (3,)
    assert "worst" in report.table
    assert "90 %" in repr(report)


def test_report_of_what_is_right():
    x, m, s = world(records=200)
    report = metrics.uncertainty(x, m, s, leads=LEADS)
    for level in metrics.LEVELS:
        # 240,000 samples: a standard error of at most .001; four of them.
        assert report.overall(level) == pytest.approx(level, abs=0.004)
        assert np.allclose(report.width[level], 2 * scipy.special.ndtri(0.5 + level / 2) * s[..., 0], rtol=1e-4)  # fmt: skip
    assert report.rank > 0.99
    constant = metrics.uncertainty(x, m, np.ones_like(s), leads=LEADS)
    assert np.isnan(constant.rank)
    assert report.crps.mean() < constant.crps.mean()


def test_widths_that_are_not_gaussian():
    x, m, s = world(records=20)
    report = metrics.uncertainty(x, m, s, leads=LEADS, half={0.9: s, 0.5: 0.0})
    assert list(report.coverage) == [0.9, 0.5]
    assert report.overall(0.9) == pytest.approx(2 * scipy.special.ndtr(1) - 1, abs=0.02)
    assert report.overall(0.5) == 0.0
    assert np.allclose(report.width[0.9], 2 * s[..., 0], rtol=ROUNDING)


def test_gaps_do_not_count():
    x, m, s = world(records=4)
    keep = np.ones(400, bool)
    keep[50:90] = keep[200:210] = False
    y, w = x.copy(), s.copy()
    y[..., 50:90] = np.nan
    w[..., 200:210] = np.nan
    for score in (metrics.crps, lambda a, b, c: metrics.coverage(a, b - c, b + c)):
        assert np.allclose(score(y, m, w), score(x[..., keep], m[..., keep], s[..., keep]))
    assert np.allclose(metrics.pit(y, m, w), metrics.pit(*(a[..., keep] for a in (x, m, s))))
    y[1, 2] = np.nan
    report = metrics.uncertainty(y, m, w, leads=LEADS)
    assert np.isnan(report.coverage[0.9][1, 2])
    assert np.isfinite(report.per_record(0.9)).all()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: metrics.crps([1.0, 2.0], [1.0], [1.0]), dsp.LengthError, "same"),
        (lambda: metrics.crps([1.0], [1.0], [-1.0]), dsp.SignalError, "negative"),
        (lambda: metrics.coverage([1.0], [0.0, 0.0], [1.0]), dsp.LengthError, "same"),
        (lambda: metrics.energy_score(np.ones((2, 5)), np.ones((1, 2, 5))), dsp.LengthError, "n >= 2"),
        (lambda: metrics.uncertainty(*np.ones((3, 2, 3, 9)), leads=("V1",)), dsp.LengthError, "name"),
        (lambda: metrics.uncertainty(*np.ones((3, 2, 1, 9)), leads=("V1",), half={90: 1}), dsp.SignalError, "level"),
        (lambda: metrics.uncertainty(*np.ones((3, 2, 1, 9)), leads=("V1",), half={0.9: -1}), dsp.SignalError, "half-width"),
        (lambda: metrics.rank([1, 2], [1, 2, 3]), dsp.LengthError, "each"),
        (lambda: metrics.worst([np.nan]), dsp.LengthError, "finite"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_said(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_rank_is_spearmans():
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 9, (2, 50)).astype(float)
    assert metrics.rank(a, b) == pytest.approx(scipy.stats.spearmanr(a, b).statistic)
    assert np.isnan(metrics.rank([1.0, np.nan, 2.0], [1.0, 2.0, 3.0]))


def test_the_worst_twentieth_has_an_interval():
    values, patients = np.random.default_rng(5).uniform(size=200), np.arange(200)
    interval = dsp.statistics.bootstrap(values, patients, metrics.worst, n=200)
    assert interval.low < metrics.worst(values) < interval.high
