"""The fit: planted hearts come back, real beats are described, and the twin lives on."""

import numpy as np
import pytest

import dsp
import ecgsynth
from dsp import leads
from dsp.errors import ECGError, LeadError, LengthError, SignalError
from ecgsynth import noise
from ecgsynth.fit import Twin, fit, typical_beat

PLANTED_R = 0.999  # at 20 dB, all twelve leads at once, against the noiseless truth
REAL_R = 0.99  # median over recordings
PLANTED = ("NORM", "AMI", "CLBBB", "CRBBB", "LVH", "IMI", "LAFB", "HYPERK")


def planted(
    diagnosis: str, snr: float | None, seed: int = 0
) -> tuple[dsp.ECG, np.ndarray, dsp.ECG]:
    """A noisy record, its R peaks, and the same record without noise."""
    sim = ecgsynth.simulate(1, diagnosis=diagnosis, rhythm="SR", seed=seed)
    clean = dsp.ECG(sim.signal[0], sim.fs, leads.TWELVE)
    if snr is None:
        return clean, sim.r_peaks[0], clean
    mixture = {"muscle": snr + 3, "white": snr + 3}
    noisy = noise.add(sim.signal[:1], sim.fs, mixture, seed=seed)[0]
    return dsp.ECG(noisy, sim.fs, leads.TWELVE), sim.r_peaks[0], clean


def eight(ecg: dsp.ECG) -> np.ndarray:
    return ecg[leads.EIGHT].astype(float)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """All leads at once, each about its mean: the zero of a lead is not known to the fit."""
    pair = [(x - x.mean(-1, keepdims=True)).ravel() for x in (a, b)]
    return float(np.corrcoef(*pair)[0, 1])


@pytest.mark.parametrize("diagnosis", PLANTED)
def test_planted_waveforms_are_recovered_from_noisy_beats(diagnosis):
    noisy, peaks, clean = planted(diagnosis, 20.0, seed=3)
    twin = fit(noisy, r_peaks=peaks)
    truth = leads.twelve(typical_beat(eight(clean), clean.fs, peaks).x8)
    assert correlation(twin.fitted, truth) >= PLANTED_R


def test_the_fit_is_closer_to_the_truth_than_what_it_was_given():
    noisy, peaks, clean = planted("NORM", 10.0, seed=1)
    twin = fit(noisy, r_peaks=peaks)
    truth = leads.twelve(typical_beat(eight(clean), clean.fs, peaks).x8)
    assert correlation(twin.fitted, truth) > correlation(twin.observed, truth)


def test_planted_lead_field_is_nearer_than_the_prior():
    gaps = []
    for seed in range(6):
        sim = ecgsynth.simulate(1, rhythm="SR", seed=seed)
        field = sim.batches[0].heart.field[0]
        twin = fit(sim.record(0), r_peaks=sim.r_peaks[0], restarts=1)
        # Up to the choice of axes: what part of the true field lies outside the one found.
        for candidate in (twin.field[0], dsp.vcg.DOWER):
            basis = np.linalg.qr(candidate)[0]
            gaps.append(np.linalg.norm(field - basis @ (basis.T @ field)) / np.linalg.norm(field))
    found, prior = np.mean(gaps[::2]), np.mean(gaps[1::2])
    assert found < prior


def test_limb_algebra_and_consistency():
    noisy, peaks, _ = planted("NORM", 20.0)
    twin = fit(noisy, r_peaks=peaks)
    assert abs(leads.residual(twin.fitted)).max() < 1e-6
    assert abs(leads.residual(twin.observed)).max() < 1e-6
    assert twin.residual == pytest.approx(np.sqrt(1 - twin.correlation**2), abs=0.02)
    assert 0.8 < twin.dipolar <= 1
    assert twin.n_beats >= 8


def test_same_seed_same_twin_and_more_starts_are_no_worse():
    noisy, peaks, _ = planted("NORM", 20.0)
    one, two = (fit(noisy, r_peaks=peaks, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.fitted, two.fitted)
    alone = fit(noisy, r_peaks=peaks, restarts=1)
    assert one.correlation > alone.correlation - 5e-4


def test_r_peaks_are_found_where_none_are_given():
    noisy, peaks, _ = planted("NORM", 20.0)
    given, found = fit(noisy, r_peaks=peaks), fit(noisy)
    assert found.n_beats == given.n_beats
    assert found.correlation > given.correlation - 1e-3


def test_ectopic_beats_are_left_out():
    sim = ecgsynth.simulate(1, rhythm="PVC", seed=2, duration=20)
    twin = fit(sim.record(0), r_peaks=sim.r_peaks[0])
    normal = sim.symbols[0] == "N"
    assert (~normal).any()
    assert twin.n_beats <= normal.sum()
    assert twin.correlation > PLANTED_R


@pytest.fixture(scope="module")
def twin() -> Twin:
    noisy, peaks, _ = planted("NORM", 25.0, seed=4)
    return fit(noisy, r_peaks=peaks)


def test_the_twin_beats_like_the_patient(twin):
    rate = float(twin.draft.knobs["heart_rate"][0])
    again = twin.simulate()
    peaks = again.annotations["atr"].samples
    assert 60 / np.median(np.diff(peaks) / again.fs) == pytest.approx(rate, rel=0.05)
    beat = leads.twelve(typical_beat(eight(again), again.fs, peaks).x8)
    n = min(beat.shape[1], twin.fitted.shape[1]) - 8
    r = max(correlation(beat[:, s : s + n], twin.fitted[:, :n]) for s in range(8))
    assert r > 0.98  # breathing and beat-to-beat variability are the simulator's own


def test_the_twin_at_another_rate(twin):
    for rate in (50.0, 100.0):
        fast = twin.simulate(heart_rate=rate, duration=30)
        peaks = fast.annotations["atr"].samples
        mean = 60 / np.diff(peaks).mean() * fast.fs
        assert mean == pytest.approx(rate, rel=0.03)
    assert abs(leads.residual(fast.signal)).max() < 1e-6


def test_a_disease_is_added_to_this_patient(twin):
    well, ill = (twin.simulate(diagnosis=code, severity=0.9, seed=1) for code in ("NORM", "IMI"))
    peaks = well.annotations["atr"].samples
    st = round(0.11 * well.fs)
    inside = peaks[(peaks + st) < well.n_samples]
    rise = {
        lead: float(np.median(ill[lead][inside + st] - well[lead][inside + st]))
        for lead in ("III", "aVF", "aVL")
    }
    assert rise["III"] > 0.05
    assert rise["aVF"] > 0.05
    assert rise["aVL"] < -0.02  # reciprocal, by geometry


def test_a_twin_in_fibrillation_has_no_p(twin):
    af = twin.simulate(rhythm="AFIB", duration=30)
    rr = np.diff(af.annotations["atr"].samples) / af.fs
    assert np.std(rr) > 0.05


def test_bad_arguments_say_what_is_wrong(twin):
    noisy, peaks, _ = planted("NORM", 20.0)
    with pytest.raises(LengthError, match="two beats"):
        fit(noisy, r_peaks=peaks[:1])
    with pytest.raises(LeadError, match="do not determine"):
        fit(noisy.select("I", "V2"), r_peaks=peaks)
    x = noisy.signal.copy()
    x[6, 100] = np.nan
    with pytest.raises(SignalError, match="gaps"):
        fit(dsp.ECG(x, 500, leads.TWELVE), r_peaks=peaks)
    with pytest.raises(ECGError, match="CLBBB"):
        twin.simulate(diagnosis="XYZ")
    with pytest.raises(ECGError, match="subacute"):
        twin.simulate(stage="late")


@pytest.mark.data
@pytest.mark.slow
def test_real_beats_are_described(data):
    ludb = dsp.datasets.ludb(data / "ludb")
    r = []
    for entry in ludb[::10]:
        marks = entry.ecg.annotations["ii"]
        r.append(fit(entry.ecg, r_peaks=marks.select("N").samples, restarts=2).correlation)
    assert len(r) >= 10
    assert np.median(r) >= REAL_R
    assert min(r) > 0.97
