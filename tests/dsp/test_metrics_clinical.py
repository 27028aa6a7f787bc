"""Clinical scores: worlds where slope, ST, R wave, wave and ectopic errors are set by hand."""

import numpy as np
import pytest

import dsp
from dsp import leads, metrics

FS = 250.0
ROWS = 8


def beats(n=10, fs=FS, ectopic=(), st=0.0, seed=0):
    """One lead of a simple heart, a beat a second: P, QRS, an ST level of `st` mV, T; ectopic beats are wide."""
    t = np.arange(round(n * fs)) / fs
    x = np.zeros_like(t)

    def add(at, height, width):
        x[:] += height * np.exp(-0.5 * ((t - at) / width) ** 2)

    for k in range(n):
        r = k + 0.5
        if k in ectopic:
            add(r, -1.2, 0.05)
            add(r + 0.3, 0.4, 0.05)
            continue
        add(r - 0.16, 0.12, 0.02)
        add(r, 1.0, 0.011)
        add(r + 0.3, 0.3, 0.045)
        x += st * ((t > r + 0.045) & (t < r + 0.18))
    return x + 0.002 * np.random.default_rng(seed).normal(size=len(t))


def cohort(sizes, **options):
    """(records, 8, time): each record and lead as large as told."""
    sizes = np.asarray(sizes, float)
    if sizes.ndim == 1:
        sizes = sizes[:, None] * np.ones(ROWS)
    return np.stack([size[:, None] * beats(seed=k, **options) for k, size in enumerate(sizes)])


def test_a_perfect_estimate():
    x = cohort(np.linspace(0.5, 2, 6))
    report = metrics.clinical(x, x, FS, given=["I"])
    assert report.hidden == leads.EIGHT[1:]
    assert report.slope == pytest.approx(1)
    assert report.st == 0
    assert report.st_large == 0
    assert np.nanmax(np.abs(report.r_error)) == 0
    for values in report.rmse.values():
        assert np.nanmax(values) == 0
    assert report.usual == pytest.approx(1)
    assert np.isnan(report.ectopic).all()


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
def test_slope_is_how_far_amplitudes_follow(slope):
    """All sizes drawn to a geometric mean of 1: the estimate's size is the truth's to the power `slope`."""
    sizes = np.exp(np.linspace(-0.7, 0.7, 9))
    x = cohort(sizes)
    y = x * (sizes ** (slope - 1))[:, None, None]
    found = metrics.clinical(x, y, FS, given=["I", "II"])
    assert found.slope == pytest.approx(slope, abs=0.01)  # the noise of 2 uV is not of one size
    one = found.amplitude["V3"]
    assert one.sd_ratio == pytest.approx(slope, abs=0.01)
    assert one.ratio == pytest.approx(1, abs=0.02)
    assert one.error_truth == pytest.approx(-1 if slope < 1 else 0, abs=0.05)


def test_r_does_not_see_what_the_slope_sees():
    sizes = np.exp(np.linspace(-0.7, 0.7, 9))
    x = cohort(sizes)
    y = x / sizes[:, None, None]
    assert np.min(metrics.r(x, y)) > 0.999
    assert metrics.clinical(x, y, FS, given=["I"]).slope < 0.05


def test_st_is_read_at_j_plus_60_from_the_pq_level():
    x = cohort(np.ones(4))
    lifted = cohort(np.ones(4), st=0.15)
    for offset in (0.0, 0.7):  # a baseline is no ST segment
        report = metrics.clinical(x, lifted + offset, FS, given=["I"])
        # The window of 20 ms may touch the lift's edge in none of the beats: 10 uV are noise and marks.
        assert np.allclose(report.st_error, 0.15, atol=0.01)
        assert report.st_large == 1.0
        assert report.st == pytest.approx(0.15, abs=0.01)
    assert metrics.clinical(x, cohort(np.ones(4), st=0.08), FS, given=["I"]).st_large == 0.0


def test_r_wave_error_is_in_millivolt_and_per_lead():
    x = cohort(np.ones(3))
    y = x.copy()
    y[:, 4] *= 0.5
    report = metrics.clinical(x, y, FS, given=["I", "II"])
    column = report.hidden.index("V3")
    # The Gaussian P and QRS overlap the PQ level by hundredths.
    assert np.allclose(report.r_error[:, column], -0.5, atol=0.03)
    assert np.delete(report.r_error, column, axis=1) == pytest.approx(0)


def test_each_wave_has_its_own_error():
    x = cohort(np.ones(3))
    at_t = metrics.landmarks(x[0], FS).waves["T"]
    y = x + np.where(at_t, 0.2, 0.0)
    report = metrics.clinical(x, y, FS, given=["I"])
    # Records differ in noise only, so that their T waves may be marked a sample apart.
    assert report.rmse["T"].mean() == pytest.approx(0.2, abs=0.01)
    assert report.rmse["QRS"].max() < 0.05
    assert report.rmse["P"].max() < 0.05


def test_waves_divide_the_record():
    waves = metrics.landmarks(cohort([1.0])[0], FS).waves
    assert np.array_equal(sum(mask.astype(int) for mask in waves.values()), np.ones(2500, int))
    assert waves["QRS"].mean() == pytest.approx(0.08, abs=0.03)
    assert 0.1 < waves["T"].mean() < 0.4


def test_ectopic_beats_are_scored_apart():
    """The estimate is exact but for the ectopic beats, of which it makes a third: no mean sees it."""
    x = cohort(np.ones(3), n=12, ectopic=(4, 8))
    found = metrics.landmarks(x[0], FS)
    assert found.ectopic.sum() == 2
    y = np.where(found.ectopic_time, x / 3, x)
    report = metrics.clinical(x, y, FS, given=["I"])
    assert report.ectopic_ratio == pytest.approx(1 / 3, abs=0.05)
    assert report.usual == pytest.approx(1, abs=1e-3)
    flipped = metrics.clinical(x, np.where(found.ectopic_time, -x, x), FS, given=["I"])
    assert (flipped.ectopic < 0).all()
    assert flipped.st == pytest.approx(0, abs=1e-6)
    assert "ectopic beats, in 3 records" in flipped.table


def test_marks_may_be_given_and_leads_may_be_twelve():
    x = cohort(np.linspace(0.5, 2, 4))
    y = (0.9 * x).astype(np.float32)
    marks = [metrics.landmarks(record, FS) for record in x]
    eight = metrics.clinical(x, y, FS, given=["I", "II"])
    again = metrics.clinical(x, y, FS, given=["I", "II"], marks=marks)
    assert np.array_equal(eight.st_error, again.st_error)
    twelve = metrics.clinical(leads.twelve(x), leads.twelve(y), FS, given=["I", "II"])
    # Twelve leads weigh the limbs more in the marks: by a sample or two.
    assert twelve.st_error == pytest.approx(eight.st_error, abs=0.01)
    assert twelve.hidden == eight.hidden


def test_a_record_without_beats_leaves_the_rest_scored():
    x = cohort(np.ones(4))
    x[1] = 0
    report = metrics.clinical(x, 0.8 * x, FS, given=["I"])
    assert np.isnan(report.st_error[1]).all()
    assert np.isfinite(report.st_error[[0, 2, 3]]).all()
    assert np.isnan(report.usual[1])
    assert report.table


def test_what_cannot_be_scored_is_said():
    x = cohort(np.ones(3))
    with pytest.raises(dsp.LengthError, match="8 or 12"):
        metrics.clinical(x[:, :5], x[:, :5], FS, given=["I"])
    with pytest.raises(dsp.LengthError, match="landmarks for 3"):
        metrics.clinical(x, x, FS, given=["I"], marks=[])
    with pytest.raises(dsp.LeadError, match="nothing is left"):
        metrics.clinical(x, x, FS, given=leads.EIGHT)
    with pytest.raises(dsp.LengthError, match="one record"):
        metrics.landmarks(x, FS)
    nothing = metrics.amplitudes(x[:2, 0], x[:2, 0])
    assert np.isnan(nothing.slope)


@pytest.mark.data
@pytest.mark.slow
def test_ectopic_beats_are_those_that_cardiologists_annotated(data):
    """MIT-BIH 119 (two leads), five minutes: 80 ventricular beats among 246 usual ones.

    All are told apart today; a change may not lose more than three of either.
    """
    record = next(
        entry for entry in dsp.datasets.mitdb(data / "mitdb") if entry.name == "mitdb/119"
    )
    ecg, right = record.ecg, {"V": 0, "N": 0}
    for start in range(0, 300, 30):
        part = ecg.crop(start, start + 30)
        found = metrics.landmarks(part.signal, part.fs)
        peaks = dsp.r_peaks(part.signal, part.fs)
        truth = part.annotations["atr"]
        for symbol in right:
            own = truth.select(symbol).samples
            beat = metrics.match(own, peaks, part.fs).pairs[:, 1]
            right[symbol] += int((found.ectopic[beat] == (symbol == "V")).sum())
    assert right["V"] >= 77
    assert right["N"] >= 243
