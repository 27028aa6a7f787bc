"""NeuroKit2's DataFrames: ours are accepted there, theirs are understood here."""

import warnings

import numpy as np
import pytest

import dsp
from dsp.beats import r_peaks
from dsp.neurokit import COLUMNS, from_neurokit, to_neurokit
from dsp.waves import delineate

nk = pytest.importorskip("neurokit2")
FS = 250


@pytest.fixture(scope="module")
def x():
    return nk.ecg_simulate(duration=30, sampling_rate=FS, random_state=4).astype(np.float32)


@pytest.fixture(scope="module")
def theirs(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nk.ecg_process(x, sampling_rate=FS)


def test_ours_has_the_columns_they_have(x, theirs):
    signals, info = to_neurokit(dsp.ECG(x, FS, ["II"]))
    assert set(signals.columns) <= set(theirs[0].columns)
    assert set(info) <= set(theirs[1])
    assert len(signals) == len(x)
    np.testing.assert_array_equal(np.flatnonzero(signals["ECG_R_Peaks"]), info["ECG_R_Peaks"])


def test_they_read_ours(x):
    signals, info = to_neurokit(dsp.ECG(x, FS, ["II"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = nk.ecg_intervalrelated(signals, sampling_rate=FS).iloc[0]
        time = nk.hrv_time(info, sampling_rate=FS).iloc[0]
    v = dsp.variability(info["ECG_R_Peaks"], FS)
    assert float(np.ravel(table["ECG_Rate_Mean"])[0]) == pytest.approx(v.heart_rate, rel=0.02)
    assert time["HRV_MeanNN"] == pytest.approx(1000 * v.mean_rr)


def test_we_read_theirs(theirs):
    signals, info = theirs
    ecg, waves = from_neurokit(signals, info, lead="ii")
    assert ecg.leads == ("II",)
    assert ecg.fs == FS
    np.testing.assert_array_equal(waves.peaks, info["ECG_R_Peaks"])
    np.testing.assert_allclose(waves.t.peak[0], info["ECG_T_Peaks"])
    np.testing.assert_array_equal(waves.p.probability[0], np.isfinite(waves.p.peak[0]))


def test_columns_alone_say_the_same_as_the_dictionary(theirs):
    signals, info = theirs
    with_info = from_neurokit(signals, info, lead="II")[1]
    without = from_neurokit(signals, lead="II", fs=FS)[1]
    np.testing.assert_array_equal(without.peaks, with_info.peaks)
    np.testing.assert_array_equal(without.p.peak, with_info.p.peak)
    np.testing.assert_array_equal(without.t.offset, with_info.t.offset)


def test_there_and_back_changes_nothing(x):
    y = np.stack([x, -x])
    ecg = dsp.ECG(y, FS, ["I", "II"])
    waves = delineate(y, FS, r_peaks(y, FS))
    back, again = from_neurokit(*to_neurokit(ecg, "II", waves=waves), lead="II")
    np.testing.assert_array_equal(back.signal[0], y[1])
    np.testing.assert_array_equal(again.peaks, waves.peaks)
    for kind, edge in COLUMNS.values():
        want = np.rint(waves.positions[1, :, kind, edge])
        np.testing.assert_array_equal(again.positions[0, :, kind, edge], want)


def test_a_recording_without_beats_passes(x):
    ecg = dsp.ECG(np.zeros(1000), FS, ["I"])
    signals, info = to_neurokit(ecg)
    assert not signals["ECG_R_Peaks"].any()
    assert np.isnan(signals["ECG_Rate"]).all()
    assert len(from_neurokit(signals, info, lead="I")[1].peaks) == 0


def test_refusals_are_named(x, theirs):
    both = dsp.ECG(np.stack([x, x]), FS, ["I", "II"])
    with pytest.raises(dsp.LeadError, match="which of I II"):
        to_neurokit(both)
    with pytest.raises(dsp.LeadError, match="no lead V1"):
        to_neurokit(both, "V1")
    with pytest.raises(dsp.LengthError, match="waves of 1 leads"):
        to_neurokit(both, "I", waves=delineate(x[None], FS, [100]))
    with pytest.raises(dsp.RateError, match="sampling_rate"):
        from_neurokit(theirs[0], lead="II")
    with pytest.raises(dsp.SignalError, match="ecg_process"):
        from_neurokit(theirs[0][["ECG_Rate"]], lead="II", fs=FS)
