"""R peaks: what they must not depend on, what must not disturb them, and where there are none."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import patient, rates

import dsp
from dsp.beats import bands, candidates, energy, placement
from dsp.metrics import match

FS = 500.0
X, TRUTH = patient(20.0, FS)
LEAD_II = X[1]
AT_THE_PEAK = 0.012  # s: half an R wave of the patient; marks of a Gaussian R are far nearer
NEARBY = 1.0  # s around a disturbance, in which beats may be lost or invented


def found(peaks, truth=TRUTH, fs=FS, tolerance=AT_THE_PEAK):
    """(missed, invented) beats, sample numbers of the truth and of the peaks."""
    result = match(truth, peaks, fs, tolerance=tolerance)
    return np.asarray(truth)[result.missed], np.asarray(peaks)[result.extra]


@given(rates, st.sampled_from([45.0, 70.0, 110.0, 160.0]))
def test_every_beat_is_marked_at_its_peak_at_any_rate(fs, heart_rate):
    x, truth = patient(12.0, fs, heart_rate)
    peaks = dsp.r_peaks(x[1], fs)
    assert peaks.dtype == np.int64
    assert len(peaks) == len(truth)
    # 2 ms of bias, or the half sample to which a peak can be told.
    assert abs(np.mean(peaks - truth)) / fs <= max(0.002, 0.5 / fs)
    np.testing.assert_array_less(np.abs(peaks - truth) / fs, max(AT_THE_PEAK, 1.01 / fs))


@given(st.floats(-4, 4), st.sampled_from([-1, 1]), st.floats(-5, 5))
def test_neither_scale_nor_sign_nor_offset_matters(decade, sign, offset):
    scale = np.float32(10.0**decade)
    x = sign * scale * (LEAD_II + np.float32(offset))
    np.testing.assert_array_equal(*map(len, (dsp.r_peaks(x, FS), TRUTH)))
    # Inverted, the S is upright: the mark may go to it, a tenth of a second at most.
    missed, invented = found(dsp.r_peaks(x, FS), tolerance=0.05)
    assert len(missed) == len(invented) == 0


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float64, ">f4"])
def test_the_type_does_not_matter(dtype):
    counts = np.round(LEAD_II * 1000).astype(np.float32)
    np.testing.assert_array_equal(dsp.r_peaks(counts.astype(dtype), FS), dsp.r_peaks(counts, FS))


def test_input_is_left_alone_and_may_be_read_only():
    x = LEAD_II.copy()
    x[3000:3100] = np.nan
    before = x.copy()
    x.flags.writeable = False
    dsp.r_peaks(x, FS)
    np.testing.assert_array_equal(x, before)


def test_a_batch_is_each_record_alone_and_leads_may_be_in_any_order():
    batch = np.stack([X, np.roll(X, 77, axis=1), 0 * X])
    peaks = dsp.r_peaks(batch, FS)
    assert [len(p) for p in peaks] == [len(TRUTH), len(peaks[1]), 0]
    for record, alone in zip(batch, peaks, strict=True):
        np.testing.assert_array_equal(dsp.r_peaks(record, FS), alone)
    np.testing.assert_array_equal(dsp.r_peaks(X[::-1], FS), dsp.r_peaks(X, FS))


DISTURBANCES = {
    "a step of 20 mV": lambda x: np.concatenate([x[:5000], x[5000:] + 20]),
    "a gap": lambda x: np.where(np.arange(x.size) // 100 == 50, np.nan, x),
    "a flat second": lambda x: np.where(np.arange(x.size) // 500 == 10, x[5000], x),
    "gain x 0.1": lambda x: np.concatenate([x[:5000], x[5000:] * 0.1]),
    "gain x 10": lambda x: np.concatenate([x[:5000], x[5000:] * 10]),
    "an artefact of 100 mV": lambda x: x + 100 * (np.arange(x.size) // 20 == 250),
}


@pytest.mark.parametrize("name", DISTURBANCES)
def test_a_disturbance_costs_no_beat_outside_its_neighbourhood(name):
    x = DISTURBANCES[name](LEAD_II).astype(np.float32)
    missed, invented = found(dsp.r_peaks(x, FS))
    last = 5500 if name == "a flat second" else 5100
    for beat in np.concatenate([missed, invented]):
        assert 5000 - NEARBY * FS <= beat <= last + NEARBY * FS


def test_noise_in_eight_leads_and_silence_in_ten_cost_nothing():
    rng = np.random.default_rng(0)
    noisy, flat, gaps = X.copy(), X.copy(), X.copy()
    noisy[2:10] = rng.normal(size=(8, X.shape[1]))
    flat[2:] = 7.0
    gaps[::2] = np.nan
    for lead in range(1, 12, 2):
        gaps[lead, 700 * lead : 700 * lead + 200] = np.nan
    for x in (noisy, flat, gaps):
        missed, invented = found(dsp.r_peaks(x, FS), tolerance=0.05)
        assert len(missed) == len(invented) == 0


def test_an_artefact_of_one_lead_is_no_beat_of_twelve():
    x = X.copy()
    for lead, at in enumerate(range(1000, 9000, 700)):
        x[lead, at:] += 20.0  # mV: a lost electrode, wherever in the beat it falls
    missed, invented = found(dsp.r_peaks(x, FS), tolerance=0.05)
    assert len(missed) == len(invented) == 0


def test_a_t_wave_taller_than_the_qrs_is_no_beat():
    t = np.arange(X.shape[1]) / FS
    tall = sum(2.5 * np.exp(-0.5 * ((t - r / FS - 0.3) / 0.06) ** 2) for r in TRUTH)
    missed, invented = found(dsp.r_peaks(LEAD_II + tall.astype(np.float32), FS), tolerance=0.05)
    assert len(missed) == len(invented) == 0


def test_a_beat_of_a_quarter_of_the_height_is_found_in_a_silence():
    t = np.arange(X.shape[1]) / FS
    small = TRUTH[10]
    x = LEAD_II * (1 - 0.75 * np.exp(-0.5 * ((t - small / FS) / 0.1) ** 8))
    assert len(found(dsp.r_peaks(x.astype(np.float32), FS))[0]) == 0


def test_pacing_spikes_are_not_the_mark():
    x = LEAD_II.copy()
    for r in TRUTH:
        x[r - 30 : r - 28] += 3.0  # 4 ms wide, 60 ms before the R
    missed, invented = found(dsp.r_peaks(x, FS))
    assert len(missed) == len(invented) == 0


def test_pauses_and_the_beats_at_the_edges():
    t = np.arange(round(20 * FS)) / FS
    beats = np.array([0.1, 1.0, 1.9, 2.8, 6.8, 7.7, 8.6, 9.5, 10.4, 15.4, 16.3, 17.2, 18.1, 19.9])
    x = sum(np.exp(-0.5 * ((t - beat) / 0.011) ** 2) for beat in beats).astype(np.float32)
    np.testing.assert_array_equal(dsp.r_peaks(x, FS), np.rint(beats * FS).astype(int))


def no_ecg(kind, rng, fs=FS, seconds=30):
    t = np.arange(round(seconds * fs)) / fs
    if kind == "ventricular fibrillation":
        noise = np.fft.rfft(rng.normal(size=t.size))
        f = np.fft.rfftfreq(t.size, 1 / fs)
        return np.fft.irfft(noise * ((f > 3) & (f < 7)), t.size)
    return {
        "asystole": 1e-3 * rng.normal(size=t.size),
        "flat": np.full(t.size, 1.7),
        "white noise": rng.normal(size=t.size),
        "mains": np.sin(2 * np.pi * 50 * t) + 0.001 * rng.normal(size=t.size),
        "square wave": np.sign(np.sin(2 * np.pi * 1.3 * t)),
        "saturation": np.sign(np.sin(2 * np.pi * 0.2 * t + 1)) * 5.0,
        "a ramp": 100 * t,
    }[kind]


@pytest.mark.parametrize("band", [(3, 6), (4, 6), (4, 8), (2, 9)])
@pytest.mark.parametrize("seed", range(10))
def test_fibrillation_of_any_band_has_no_credible_heart_rate(band, seed):
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=round(30 * FS)))
    f = np.fft.rfftfreq(round(30 * FS), 1 / FS)
    x = np.fft.irfft(spectrum * ((f > band[0]) & (f < band[1])))
    peaks, confidence = dsp.r_peaks(x, FS, confidence=True)
    assert len(peaks) == 0 or np.median(confidence) < 0.5


@pytest.mark.parametrize("heart_rate", [160, 200, 240])
def test_a_fast_rhythm_stays_credible(heart_rate):
    x, truth = patient(20.0, FS, heart_rate)
    peaks, confidence = dsp.r_peaks(x[1], FS, confidence=True)
    assert len(found(peaks, truth)[0]) == 0
    assert np.median(confidence) > 0.5


@pytest.mark.parametrize(
    "kind",
    [
        "asystole", "flat", "white noise", "mains", "square wave", "saturation", "a ramp",
        "ventricular fibrillation",
    ],
)  # fmt: skip
@pytest.mark.parametrize("seed", range(3))
def test_no_ecg_has_no_credible_heart_rate(kind, seed):
    x = no_ecg(kind, np.random.default_rng(seed)).astype(np.float32)
    peaks, confidence = dsp.r_peaks(x, FS, confidence=True)
    assert peaks.shape == confidence.shape
    assert len(peaks) == 0 or np.median(confidence) < 0.5


def test_confidence_is_high_in_a_clean_signal_and_falls_with_noise():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=LEAD_II.size).astype(np.float32)
    levels = [
        np.mean(dsp.r_peaks(LEAD_II + sd * noise, FS, confidence=True)[1]) for sd in (0.0, 0.3, 0.6)
    ]
    assert levels[0] > 0.95
    assert levels == sorted(levels, reverse=True)
    lists = dsp.r_peaks(X[None], FS, confidence=True)
    assert [len(part) for part in lists] == [1, 1]


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 49, 200])
def test_short_input_is_answered(n):
    peaks = dsp.r_peaks(LEAD_II[:n], FS)
    assert ((peaks >= 0) & (peaks < n)).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 1500), rates)
def test_peaks_ascend_inside_any_signal(seed, n_leads, n, fs):
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.standard_t(2, size=(n_leads, n)), axis=1).astype(np.float32)
    x[:, 1:][rng.random((n_leads, n - 1)) < 0.01] = np.nan
    peaks, confidence = dsp.r_peaks(x, fs, confidence=True)
    assert (np.diff(peaks) > 0).all()
    assert ((peaks >= 0) & (peaks < n)).all()
    assert ((confidence >= 0) & (confidence <= 1)).all()


def test_more_than_three_axes_are_refused():
    with pytest.raises(dsp.LengthError, match="reshape"):
        dsp.r_peaks(np.ones((1, 2, 3, 500)), FS)


@given(st.integers(1, 16), st.integers(1, 200))
def test_decimation_keeps_a_ramp_in_its_place(step, n):
    x = np.arange(n, dtype=np.float32)[None]
    y = energy.decimate(x, step)
    inside = slice(1, max(1, n // step))
    np.testing.assert_allclose(y[0, inside], x[0, ::step][inside], rtol=1e-5)  # float32 sums


def test_the_filter_ignores_offset_and_passes_the_qrs():
    for fs, band in itertools.product((94.0, 125.0, 187.0), (bands.LOW, bands.HIGH)):
        taps = bands._response(fs, band)
        assert abs(taps.sum()) < 1e-6  # float32 rounding of a sum of one
        f = np.array([1.0, np.sqrt(band[0] * band[1])])
        gain = np.abs(np.exp(-2j * np.pi * f[:, None] * np.arange(len(taps)) / fs) @ taps)
        assert gain[0] < 0.05
        assert 0.9 < gain[1] < 1.1


def test_the_band_in_which_beats_stand_out_decides():
    grid, rng = energy.Grid.of(125.0), np.random.default_rng(0)
    beats = np.zeros((1, 2500), np.float32)
    beats[:, 60::125] = 1.0
    noise = np.abs(rng.normal(size=beats.shape)).astype(np.float32)
    for bad in (0, 1):
        pair = [3 * beats + (k == bad) * noise for k in (0, 1)]
        mixed = energy.mix(*pair, grid)
        mixed /= mixed[:, 60::125].mean()
        spoilt = pair[bad] / pair[bad][:, 60::125].mean()
        assert mixed[beats == 0].mean() < 0.3 * spoilt[beats == 0].mean()
    both = energy.mix(3 * beats, 3 * beats, grid)
    np.testing.assert_allclose(both, 3 * beats, rtol=1e-5)
    quieter = energy.mix(3 * beats, 0.01 * beats, grid)  # each in units of its own beats
    np.testing.assert_allclose(quieter, 3 * beats, rtol=1e-5)


def test_of_two_beats_too_near_the_lower_goes():
    beats = candidates.Candidates(
        np.zeros(4, int),
        np.array([100, 122, 225, 350]),
        np.array([1.0, 0.5, 1.0, 1.0]),
        np.zeros(4),
    )
    kept = candidates.choose(beats, energy.Grid.of(125.0))
    np.testing.assert_array_equal(kept, [True, False, True, True])


@pytest.mark.data
def test_real_strips_keep_their_beats(data):
    """A floor, not a record: LUDB lead II, every tenth subject; a change must not lose a beat."""
    lost = invented = 0
    for entry in dsp.datasets.ludb(data / "ludb")[::10]:
        marks = entry.ecg.annotations["ii"]
        truth = marks.samples[np.array(marks.symbols) == "N"]
        result = match(truth, dsp.r_peaks(entry.ecg["II"], FS), FS, between=True)
        lost, invented = lost + result.fn, invented + result.fp
    assert (lost, invented) == (0, 0)


@pytest.mark.parametrize("size", [0.8, 0.85, 0.9])  # noise alone would decide for each beat
def test_beats_of_one_shape_are_marked_at_one_deflection(size):
    t, beats = np.arange(30 * FS) / FS, np.arange(0.5, 29.5, 0.8)[:, None]
    r = 0.25 * np.exp(-0.5 * ((t - beats) / 0.01) ** 2).sum(axis=0)
    s = -np.exp(-0.5 * ((t - beats - 0.05) / 0.01) ** 2).sum(axis=0)
    x = r + size * s + 0.02 * np.random.default_rng(0).normal(size=t.size)
    after = 1000 * (dsp.r_peaks(x, FS) / FS - beats[:, 0])
    assert np.ptp(after) < 15
    assert min(abs(after.mean()), abs(after.mean() - 50)) < 5


def test_marks_do_not_depend_on_how_many_beats_are_placed_at_once(monkeypatch):
    x, _ = patient(60.0, FS, 75.0)
    whole = dsp.r_peaks(x, FS)
    monkeypatch.setattr(placement, "AT_ONCE", 3000)  # eight beats
    np.testing.assert_array_equal(dsp.r_peaks(x, FS), whole)


@pytest.mark.data
@pytest.mark.parametrize("name", ["JS45545", "JS45546"])
def test_a_fast_heart_keeps_its_beats(data, name):
    """Ventricular tachycardia: nothing rests between beats, which nobody may rely on, but there they are."""
    header = next((data / "cinc2020-2021").rglob(f"{name}.hea"))
    ecg = dsp.read(header)
    peaks = dsp.r_peaks(ecg.signal, ecg.fs)
    assert 120 < 60 / np.median(np.diff(peaks) / ecg.fs) < 220
