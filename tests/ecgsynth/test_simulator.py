"""simulate: control, truth, coherence, reproducibility, tensors and errors."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import dsp
import ecgsynth
from dsp import leads
from ecgsynth import dipole, simulator

ROUNDING = 1e-6  # mV, float32


def rates(sim):
    return np.array([60 * sim.fs / np.diff(r).mean() for r in sim.r_peaks])


def sdnn(sim):
    return np.array([np.diff(r).std() / sim.fs for r in sim.r_peaks])


@pytest.mark.parametrize("noise", [None, 12.0, "ambulatory"])
def test_record_k_depends_on_seed_and_k_only(noise, monkeypatch):
    asked = {"diagnosis": "any", "duration": 4.0, "seed": 3, "noise": noise}
    whole = ecgsynth.simulate(21, **asked)
    monkeypatch.setattr(simulator, "CHUNK_SAMPLES", 5 * 2000)
    split = ecgsynth.simulate(21, **asked)
    fewer = ecgsynth.simulate(2, **asked)
    assert np.array_equal(whole.signal, split.signal)
    assert np.array_equal(whole.signal[:2], fewer.signal)
    assert whole.labels == split.labels
    for a, b in zip(whole.waves, split.waves, strict=True):
        assert np.array_equal(a.positions, b.positions, equal_nan=True)
    other = ecgsynth.simulate(2, **(asked | {"seed": 4}))
    assert not np.allclose(other.signal, fewer.signal)


def test_threads_change_nothing(monkeypatch):
    monkeypatch.setattr(simulator, "CHUNK_SAMPLES", 3 * 1000)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = ecgsynth.simulate(10, duration=2.0)
        torch.set_num_threads(3)
        three = ecgsynth.simulate(10, duration=2.0)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(one.signal, three.signal)


@pytest.mark.parametrize("noise", [None, 6.0, {"muscle": 10.0, "mains_50": 20.0}])
def test_limb_algebra_holds(noise):
    sim = ecgsynth.simulate(16, diagnosis="any", duration=5.0, noise=noise)
    assert abs(leads.residual(sim.signal)).max() <= ROUNDING
    assert sim.signal.dtype == np.float32


@settings(max_examples=15)
@given(rate=st.floats(40, 180), share=st.floats(0.0, 0.06))
def test_rate_and_variability_are_as_asked(rate, share):
    wanted = share * 60 / rate
    sim = ecgsynth.simulate(3, heart_rate=rate, parameters={"sdnn": wanted})
    assert abs(rates(sim) - rate).max() < 0.1
    assert abs(sdnn(sim) - wanted).max() < 0.002


@pytest.mark.parametrize("rate", [45, 60, 75, 100, 140])
def test_intervals_are_as_asked(rate):
    n, rng = 12, np.random.default_rng(rate)
    wanted = {
        "pr": rng.uniform(0.12, 0.20, n),
        "qrs": rng.uniform(0.075, 0.12, n),
        "qt": rng.uniform(0.37, 0.46, n) * np.cbrt(60 / rate),
    }
    sim = ecgsynth.simulate(n, heart_rate=rate, parameters=wanted | {"sdnn": 0.0}, seed=rate)
    for k, waves in enumerate(sim.waves):
        p, qrs, t = (waves.overall[1:-1, i] / 500 for i in range(3))
        got = {"pr": qrs[:, 0] - p[:, 0], "qrs": qrs[:, 2] - qrs[:, 0], "qt": t[:, 2] - qrs[:, 0]}
        for name, values in got.items():
            assert abs(np.nanmedian(values) - wanted[name][k]) < 0.005, name


def test_measure_reads_the_intervals_asked_for():
    n, rng = 24, np.random.default_rng(4)
    rate = rng.uniform(48, 95, n)  # beyond, P may lie on T
    wanted = {
        "pr": rng.uniform(0.12, 0.20, n),
        "qrs": rng.uniform(0.08, 0.12, n),
        "qt": rng.uniform(0.38, 0.45, n) * np.cbrt(60 / rate),
    }
    sim = ecgsynth.simulate(n, heart_rate=rate, parameters=wanted)
    found = [dsp.measure(sim.record(k)) for k in range(n)]
    got = {
        "pr": [m.pr for m in found],
        "qrs": [m.qrs_duration for m in found],
        "qt": [m.qt for m in found],
    }
    for name, values in got.items():
        error = abs(np.array(values) - wanted[name])
        assert np.median(error) <= 0.005, name  # what the simulator promises
        assert error.max() <= 0.025, name  # a detector's worst, 6 samples of its grid


def test_p_is_as_high_as_in_people():
    sim = ecgsynth.simulate(60, heart_rate=65, parameters={"variability": 0.0})
    height = np.array(
        [
            x[:, np.rint(w.together.p.peak[3]).astype(int)]
            for x, w in zip(sim.signal, sim.waves, strict=True)
        ]
    )
    usual = np.median(height, axis=0)
    clinical = {"I": 0.05, "II": 0.10, "V2": 0.03, "V4": 0.06, "V6": 0.05}  # mV, shared recordings
    for lead, value in clinical.items():
        assert usual[leads.TWELVE.index(lead)] == pytest.approx(value, abs=0.02), lead


def test_truth_agrees_with_the_signal():
    sim = ecgsynth.simulate(30, seed=2, parameters={"variability": 0.0})
    for x, waves, peaks in zip(sim.signal, sim.waves, sim.r_peaks, strict=True):
        size = np.sqrt((x[[0, 1, 6, 7, 8, 9, 10, 11]] ** 2).sum(0))
        for peak in peaks[(peaks > 50) & (peaks < 4950)]:
            assert (
                size[peak] > 0.9 * size[peak - 30 : peak + 30].max()
            )  # breath may prefer a twin peak
        lead = int(np.argmax(np.ptp(x, axis=1)))
        marks = waves.qrs.peak[lead, 1:-1]
        heights = abs(x[lead, np.rint(marks).astype(int)])
        near = [abs(x[lead, int(m) - 20 : int(m) + 20]).max() for m in marks]
        assert heights == pytest.approx(
            near, rel=0.12
        )  # T and P lie under the QRS, breath moves it


def test_labels_beats_and_records():
    sim = ecgsynth.simulate(3, diagnosis=["AMI", "NORM", "NORM"], rhythm=["SR", "PVC", "AF"])
    assert sim.labels == [("AMI", "SR"), ("PVC",), ("AFIB",)]
    assert "V" in sim.symbols[1]
    assert np.isnan(sim.waves[2].p.peak).all()
    ecg = sim.record(1)
    assert ecg.leads == leads.TWELVE
    assert ecg.annotations["atr"].samples.tolist() == sim.r_peaks[1].tolist()
    assert set(ecg.annotations["waves"].symbols) == {"(", "p", "N", "t", ")"}
    assert ecg.meta["sex"] in {"F", "M"}


@pytest.mark.parametrize(
    ("fs", "duration"), [(100, 10), (250, 2.5), (1000, 3), (500, 60), (500, 1)]
)
def test_rates_and_durations(fs, duration):
    sim = ecgsynth.simulate(2, fs=fs, duration=duration, seed=1)
    assert sim.signal.shape == (2, 12, round(fs * duration))
    fine = ecgsynth.simulate(2, fs=fs * 2, duration=duration, seed=1)
    assert abs(fine.signal[..., ::2] - sim.signal).max() < 3e-4  # windows end at other samples


def test_long_records_keep_their_timing():
    sim = ecgsynth.simulate(1, duration=900.0, fs=100, heart_rate=61.0, seed=5)
    x = np.sqrt((sim.signal[0, 6:] ** 2).sum(0))
    for peak in sim.r_peaks[0][-20:-1]:
        assert abs(np.argmax(x[peak - 8 : peak + 8]) - 8) <= 1
    assert abs(rates(sim) - 61).max() < 0.1


def test_age_sex_and_parameters_are_kept():
    sim = ecgsynth.simulate(
        4, age=[20, 40, 60, 80], sex=["F", "M", "F", "M"], parameters={"axis": 0.5}
    )
    assert sim.parameters["age"].tolist() == [20, 40, 60, 80]
    assert sim.parameters["male"].tolist() == [0, 1, 0, 1]
    assert (sim.parameters["axis"] == 0.5).all()


def test_tensors_equal_arrays_and_carry_gradients():
    arrays = ecgsynth.simulate(3, diagnosis="any", duration=3.0)
    tensors = ecgsynth.simulate(3, diagnosis="any", duration=3.0, device="cpu", noise=20.0)
    with torch.no_grad():
        clean = ecgsynth.simulate(3, diagnosis="any", duration=3.0, device="cpu")
    assert not clean.signal.requires_grad
    assert np.allclose(clean.signal.numpy(), arrays.signal, atol=ROUNDING)
    tensors.signal.square().mean().backward()
    heart = tensors.batches[0].heart
    for name in ("field", "pr", "p_duration", "qrs", "qt", "breath", "tilt"):
        assert getattr(heart, name).grad.abs().max() > 0, name
    for wave in ("P", "QRS", "T"):
        assert heart.waves[wave].vector.grad.abs().max() > 0
    assert heart.events["beats"].time.grad.abs().max() > 0
    assert len(tensors.waves) == 3
    assert tensors.record(0).n_samples == 1500


def test_memory_does_not_grow_with_n():
    scratch = dipole.Scratch()
    from ecgsynth.patients import patients

    sizes = []
    with torch.inference_mode():
        for first in (0, 64, 128):
            dipole.eight_leads(
                patients(64, first=first).heart.tensors(), 500, 5000, scratch=scratch
            )
            sizes.append(sum(b.numel() for b in scratch.buffers.values()))
    assert sizes[-1] < 1.5 * sizes[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n >= 1"),
        ({"n": 1, "duration": 0.1}, "1 to 90000 s"),
        ({"n": 1, "fs": 5}, "fs=5"),
        ({"n": 1, "diagnosis": "XYZ"}, "not known"),
        ({"n": 1, "rhythm": "AMI"}, "rhythm 'AMI'"),
        ({"n": 3, "heart_rate": [60, 70]}, "2 values for 3"),
        ({"n": 1, "heart_rate": 900}, "outside 15 to 250"),
        ({"n": 1, "sex": "male"}, "F or M"),
        ({"n": 1, "noise": "loud"}, "noise 'loud'"),
        ({"n": 1, "parameters": {"stage": "late"}}, "acute, subacute, old"),
        ({"n": 1, "parameters": {"colour": 1}}, "'colour' is not known"),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(dsp.ECGError, match=message):
        ecgsynth.simulate(**arguments)
