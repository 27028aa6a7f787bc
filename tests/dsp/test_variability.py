"""Heart rate variability: against its definitions, a known spectrum, and a peer on a real record."""

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsp

FS = 1000.0


def beats_of(rate_at, seconds):
    """Peaks whose RR interval is `rate_at(t)` seconds, to the sample at 1000 Hz."""
    times = [0.0]
    while times[-1] < seconds:
        times.append(times[-1] + rate_at(times[-1]))
    return np.rint(np.array(times) * FS).astype(int)


@given(st.lists(st.integers(300, 1500), min_size=3, max_size=40))
def test_time_domain_is_its_definition(rr):
    v = dsp.variability(np.cumsum([0, *rr]), FS)
    assert v.pnn50 == pytest.approx(np.mean(np.abs(np.diff(rr)) > 50))
    rr = np.array(rr) / FS
    assert v.n_beats == len(rr) + 1
    assert v.mean_rr == pytest.approx(rr.mean())
    assert v.heart_rate == pytest.approx(60 / rr.mean())
    assert v.sdnn == pytest.approx(rr.std(ddof=1))
    assert v.rmssd == pytest.approx(np.sqrt(np.mean(np.diff(rr) ** 2)))


@pytest.mark.parametrize(("low", "high"), [(0.03, 0.03), (0.06, 0.02), (0.01, 0.04)])
@pytest.mark.parametrize("rr", [0.6, 0.8, 1.0])
def test_known_spectrum(low, high, rr):
    peaks = beats_of(
        lambda t: rr + low * np.sin(2 * np.pi * 0.1 * t) + high * np.sin(2 * np.pi * 0.25 * t), 600
    )
    v = dsp.variability(peaks, FS)
    # 12 %: at 60 bpm the spline over one sample a second loses a tenth of a 0.25 Hz wave's power.
    assert v.lf == pytest.approx(low**2 / 2, rel=0.12)
    assert v.hf == pytest.approx(high**2 / 2, rel=0.12)
    assert v.lf_hf == pytest.approx(v.lf / v.hf)


def test_too_few_beats_give_nan_not_errors():
    for peaks in ([], [100]):
        v = dsp.variability(peaks, 500)
        assert v.n_beats == len(peaks)
        assert np.isnan([v.mean_rr, v.heart_rate, v.sdnn, v.rmssd, v.pnn50, v.lf, v.hf]).all()
    v = dsp.variability([100, 600], 500)
    assert v.heart_rate == 60
    assert np.isnan([v.sdnn, v.rmssd, v.pnn50, v.lf_hf]).all()


def test_bands_need_their_durations():
    peaks = beats_of(lambda t: 0.8 + 0.03 * np.sin(2 * np.pi * 0.25 * t), 90)
    v = dsp.variability(peaks, FS)
    assert v.hf > 0
    assert np.isnan(v.lf)
    assert np.isnan(v.lf_hf)
    assert np.isnan(dsp.variability(peaks[peaks < 50 * FS], FS).hf)


def test_dropping_ectopy_restores_the_sinus_figures():
    rng = np.random.default_rng(0)
    rr = 800 + np.rint(rng.normal(0, 20, 300)).astype(int)
    early = rr.copy()
    early[20:280:20] -= 300
    early[21:281:20] += 300
    clean, ectopic = (dsp.variability(np.cumsum([0, *r]), FS) for r in (rr, early))
    dropped = dsp.variability(np.cumsum([0, *early]), FS, ectopy="drop")
    assert ectopic.sdnn > 3 * clean.sdnn
    assert dropped.n_intervals == 300 - 26
    assert dropped.sdnn == pytest.approx(clean.sdnn, rel=0.1)
    assert dropped.rmssd == pytest.approx(clean.rmssd, rel=0.1)
    assert dropped.n_beats == 301


def test_refusals_are_named():
    with pytest.raises(dsp.SignalError, match="whole sample"):
        dsp.variability([0.0, 0.81, 1.62], 500)
    with pytest.raises(dsp.SignalError, match="whole sample"):
        dsp.variability([0, np.nan, 900], 500)
    with pytest.raises(dsp.SignalError, match="ascend"):
        dsp.variability([900, 100], 500)
    with pytest.raises(dsp.LengthError, match="shape"):
        dsp.variability([[1, 2]], 500)
    with pytest.raises(dsp.SignalError, match="ectopy"):
        dsp.variability([1, 2], 500, ectopy=True)
    with pytest.raises(dsp.RateError):
        dsp.variability([1, 2], 0)


def test_result_is_frozen_and_plain():
    v = dsp.variability([0, 500, 1000], 500)
    with pytest.raises(dataclasses.FrozenInstanceError):
        v.sdnn = 1.0
    assert all(type(value) in (int, float) for value in dataclasses.asdict(v).values())


@pytest.mark.data
@pytest.mark.parametrize("name", ["101", "112"])
def test_agrees_with_neurokit2_on_a_real_record(data, name):
    nk = pytest.importorskip("neurokit2")
    import wfdb

    marks = wfdb.rdann(str(data / "mitdb" / name), "atr")
    peaks = marks.sample[np.isin(marks.symbol, list("NLRAaJSVFejE/fQ"))]
    v = dsp.variability(peaks, 360)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        intervals = {"RRI": np.diff(peaks) / 0.36, "RRI_Time": peaks[1:] / 360}
        peer = nk.hrv_time(intervals).iloc[0].to_dict()
        peer |= nk.hrv_frequency(intervals, normalize=False).iloc[0].to_dict()
    assert 1000 * v.mean_rr == pytest.approx(peer["HRV_MeanNN"], rel=1e-6)
    assert 1000 * v.sdnn == pytest.approx(peer["HRV_SDNN"], rel=1e-6)
    assert 1000 * v.rmssd == pytest.approx(peer["HRV_RMSSD"], rel=1e-6)
    # The peer counts differences of exactly 50 ms or not, as rounding falls.
    assert v.pnn50 == pytest.approx(peer["HRV_pNN50"] / 100, abs=0.02)
    # Grid, spline order and windows differ; the peer's ratio for 101 goes from 0.576 to 0.511 when
    # the beats of the last five seconds are left out.
    assert v.lf_hf == pytest.approx(peer["HRV_LFHF"], rel=0.2)
