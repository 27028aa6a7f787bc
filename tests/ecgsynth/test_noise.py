"""Noise: its power, its spectra, its coherence over leads, and that a seed means one record."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from dsp import bandpass
from dsp.errors import LeadError, LengthError, RateError, SignalError
from dsp.leads import residual
from ecgsynth import noise

FS = 500.0
EVERY = (*noise.SPECTRA, *noise.LINES)
ALGEBRA = 1e-6  # mV, of noise of 1 mV^2: rounding of float32


def ecg_like(n: int = 3) -> np.ndarray:
    t = np.arange(5000) / FS
    pulses = np.exp(-(((t % 0.8) - 0.4) ** 2) / (2 * 0.02**2)) + 0.3
    return np.multiply.outer(np.ones((n, 12)), pulses).astype(np.float32)


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("fs", [100.0, 250.0, 500.0, 1000.0])
def test_power_is_exact_and_algebra_holds(kind, fs):
    x = noise.sample(3, int(10 * fs), fs, {kind: [0.01, 1.0, 0.2]})
    if kind in noise.LINES and fs == 100.0:
        assert not x.any()  # the mains lie at half the rate or above
        return
    assert x.dtype == np.float32
    np.testing.assert_allclose((x**2).mean((1, 2)), [0.01, 1.0, 0.2], rtol=1e-4)  # float32 sums
    assert abs(residual(x)).max() < ALGEBRA


def test_powers_of_spectra_and_lines_add():
    x = noise.sample(4, 5000, FS, {"muscle": 0.01, "baseline": 0.03, "mains_60": 0.02})
    # Two exact parts; their correlation over ten seconds is what is left.
    np.testing.assert_allclose((x**2).mean((1, 2)), 0.06, rtol=0.02)


def test_each_kind_keeps_its_share_on_average():
    x = noise.sample(200, 2500, 250.0, {"muscle": 0.02, "baseline": 0.02}, seed=3)
    fast = (bandpass(x, 250.0, 4.0, None) ** 2).mean()
    # 200 records: the share has a standard error of about 2 %; 2 % of the wander lies above 4 Hz.
    assert 0.017 < fast < 0.023


@given(
    db=st.floats(-20, 40),
    kind=st.sampled_from([k for k in EVERY if k != "mains_60"]),
    fs=st.sampled_from([250.0, 360.0, 500.0]),
)
def test_snr_is_what_was_asked_for(db, kind, fs):
    rng = np.random.default_rng(1)
    x = bandpass(rng.normal(size=(2, 12, int(8 * fs))), fs, 1.0, 30.0)
    x += np.float32(3.0)  # an offset is no signal
    y = noise.add(x, fs, {kind: db}, seed=5)
    fourier = np.abs(np.fft.rfft(x)) ** 2 * 2 / x.shape[-1] ** 2
    heard = fourier[..., np.fft.rfftfreq(x.shape[-1], 1 / fs) >= 0.5].sum(-1).mean(-1)
    error = (y.astype(float) - x).reshape(2, -1)
    got = 10 * np.log10(heard / (error**2).mean(-1))
    np.testing.assert_allclose(got, db, atol=0.01)  # dB; float32


def test_a_bare_number_is_the_mixture():
    x = ecg_like()
    error = (noise.add(x, FS, 6.0) - x).astype(float)
    heard = noise.power(x, FS).mean(-1)
    got = 10 * np.log10(heard / (error**2).mean((1, 2)))
    np.testing.assert_allclose(got, 6.0, atol=0.15)
    assert sum(noise.AMBULATORY.values()) == pytest.approx(1)


def test_power_counts_nothing_below_half_a_hertz():
    t = np.arange(10_000) / FS
    slow, fast = 5 * np.sin(2 * np.pi * 0.2 * t) + 2, np.sin(2 * np.pi * 3 * t)
    assert noise.power(slow + fast, FS) == pytest.approx(0.5, rel=1e-3)
    assert noise.power(slow, FS) < 1e-3


def test_record_k_depends_on_seed_and_k_only():
    kinds = dict.fromkeys(EVERY, 0.01)
    whole = noise.sample(23, 1000, FS, kinds, seed=7)
    np.testing.assert_array_equal(whole[9:14], noise.sample(5, 1000, FS, kinds, seed=7, first=9))
    others = noise.sample(23, 1000, FS, kinds, seed=8)
    assert abs(np.corrcoef(whole[:, 0].ravel(), others[:, 0].ravel())[0, 1]) < 0.1
    assert abs(np.corrcoef(whole[0, 0], whole[1, 0])[0, 1]) < 0.3


def test_a_generator_is_a_seed():
    one = noise.sample(1, 1000, FS, {"white": 1.0}, seed=np.random.default_rng(3))
    two = noise.sample(1, 1000, FS, {"white": 1.0}, seed=np.random.default_rng(3))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("kind", "slope"), [("white", 0.0), ("pink", -1.0)])
def test_slopes(kind, slope):
    x = noise.sample(40, 10_000, FS, {kind: 1.0})[:, 6]
    f, density = scipy.signal.welch(x, FS, nperseg=2000)
    inside = (f > 1) & (f < 200)
    fitted = np.polyfit(np.log10(f[inside]), np.log10(density.mean(0)[inside]), 1)[0]
    assert fitted == pytest.approx(slope, abs=0.05)


def test_mains_is_a_line_with_harmonics():
    x = noise.sample(30, 5000, FS, {"mains_50": 1.0})
    density = (np.abs(np.fft.rfft(x[:, :2])) ** 2).mean((0, 1))
    share = density / density.sum()
    assert share[[500, 1000, 1500, 2000]].sum() > 0.999
    assert share[500] > 0.8


def test_electrodes_are_unequal_and_precordial_leads_share_the_terminal():
    x = noise.sample(400, 500, FS, {"white": 1.0}, seed=2)
    # Equal electrodes: V1 and V2 share 1/9 + 1/9 + 1/9 of 4/3 of the power: correlation 1/4.
    shared = np.mean([np.corrcoef(r[6], r[7])[0, 1] for r in x])
    assert 0.15 < shared < 0.35
    limb = np.mean([np.corrcoef(r[0], r[1])[0, 1] for r in x])
    assert 0.4 < limb < 0.6  # RA is half of each
    spread = np.log((x[:, 6:] ** 2).mean(-1)).std(1).mean()
    assert spread > 0.1


def test_a_record_does_not_end_where_it_begins():
    x = noise.sample(300, 2500, 250.0, {"baseline": 1.0})[:, 8]
    joined = np.corrcoef(x[:, 0], x[:, -1])[0, 1]
    assert abs(joined) < 0.6  # 1 for noise that is periodic in the record


@pytest.mark.data
@pytest.mark.parametrize(
    ("kind", "name", "low"), [("baseline", "bw", 0.1), ("motion", "em", 0.1), ("muscle", "ma", 6.0)]
)
@pytest.mark.parametrize("fs", [360.0, 500.0])
def test_spectra_are_those_of_the_recordings(data, kind, name, low, fs):
    real = np.load(data / "nstdb" / f"{name}.npy")
    hz = [f for f in (0.1, 0.25, 0.63, 1.6, 4, 8, 16, 32, 64, 128) if f >= low]
    made = noise.sample(20, int(20 * fs), fs, {kind: 1.0})
    rows = made.reshape(-1, made.shape[-1])
    gap = noise.fit_spectrum(rows, fs, hz) - noise.fit_spectrum(real, 360.0, hz)
    # Two channels of 20 s: the recording's own level is known to about 2 dB in a band.
    assert np.std(gap) < 3.0
    assert abs(gap - np.mean(gap)).max() < 6.0


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"powers": {"hiss": 1.0}}, SignalError, "baseline, motion"),
        ({"powers": {"white": -1.0}}, SignalError, "0 or more"),
        ({"powers": {"white": [1.0, 2.0, 3.0]}}, SignalError, "one number or 2"),
        ({"powers": {"white": np.nan}}, SignalError, "0 or more"),
        ({"fs": 1.0}, RateError, "fs"),
        ({"n": 0}, LengthError, "nothing to draw"),
    ],
)
def test_bad_arguments_say_what_is_wrong(change, error, words):
    with pytest.raises(error, match=words):
        noise.sample(**({"n": 2, "n_samples": 500, "fs": FS, "powers": {"white": 1.0}} | change))


def test_add_wants_twelve_whole_leads():
    with pytest.raises(LeadError, match="twelve"):
        noise.add(np.zeros((8, 500)), FS, 10)
    x = ecg_like(1)
    x[0, 3, 10] = np.nan
    with pytest.raises(SignalError, match="gaps"):
        noise.add(x, FS, 10)


def test_the_input_is_left_alone():
    x = ecg_like(1)
    x.flags.writeable = False
    before = x.copy()
    noise.add(x, FS, 0.0)
    np.testing.assert_array_equal(x, before)
