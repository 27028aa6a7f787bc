"""Waves: marks where the waves are, none where they are not; measurements with known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsp

FS = 500
N = 5000
PEAKS = np.arange(300, N - 200, 430)
P_AT, T_AT = -0.16, 0.28  # s from the R peak
P_SD, R_SD, T_SD = 0.020, 0.010, 0.035  # s, of the Gaussians
GRID_MS = 4.0  # delineation runs at 250 Hz


def train(heights=(0.15, 1.0, 0.3), peaks=PEAKS, n=N, fs=FS, noise=0.0, seed=0):
    """A beat train of Gaussians with P, R, T of these heights (mV) at known places."""
    t = np.arange(n)[:, None] / fs - np.asarray(peaks) / fs
    shapes = zip(heights, (P_AT, 0.0, T_AT), (P_SD, R_SD, T_SD), strict=True)
    x = sum(h * np.exp(-0.5 * ((t - at) / sd) ** 2) for h, at, sd in shapes).sum(axis=1)
    return (x + noise * np.random.default_rng(seed).normal(size=n)).astype(np.float32)


def ms(found, truth):
    return 1e3 * (found - truth) / FS


def test_golden_positions_of_a_synthetic_train():
    waves = dsp.delineate(train(noise=0.005), FS, PEAKS)
    for wave, at, sd in ((waves.p, P_AT, P_SD), (waves.qrs, 0.0, R_SD), (waves.t, T_AT, T_SD)):
        centre = PEAKS + at * FS
        assert wave.peak.shape == (1, len(PEAKS))
        # One grid step, and the wander of a smooth top in 5 uV noise.
        assert np.abs(ms(wave.peak[0], centre)).max() <= 2 * GRID_MS
        # By convention a Gaussian ends two to three SD from its centre.
        for bound, side in ((wave.onset, -1), (wave.offset, 1)):
            reach = side * ms(bound[0], centre) / (1e3 * sd)
            assert (reach > 1.5).all()
            assert (reach < 3.8).all()


def test_all_waves_of_a_clear_train_are_present_and_ordered():
    waves = dsp.delineate(train(noise=0.005), FS, PEAKS)
    assert (waves.probability > 0.5).all()
    line = waves.positions[0].reshape(len(PEAKS), 9)
    assert (np.diff(line, axis=1) > 0).all()


@given(st.sampled_from([1e-4, 0.03, 7.0, 2e4]), st.booleans(), st.floats(-50, 50))
def test_positions_ignore_scale_sign_and_offset(scale, invert, offset):
    x = train(noise=0.01)
    plain = dsp.delineate(x, FS, PEAKS).positions
    other = dsp.delineate((-scale if invert else scale) * (x + np.float32(offset)), FS, PEAKS)
    # Rounding of float32 at an offset of 50 mV moves single marks by a grid step at most.
    assert np.nanmax(np.abs(ms(other.positions, plain))) <= GRID_MS
    assert (np.isnan(other.positions) == np.isnan(plain)).all()


@given(st.integers(1, 400))
def test_marks_move_with_the_signal(shift):
    peaks = PEAKS[:-1]
    x = train(noise=0.01, peaks=peaks + 400, n=N + 400)
    a = dsp.delineate(x[400:], FS, peaks)
    b = dsp.delineate(x[400 - shift : N + 400 - shift], FS, peaks + shift)
    same = slice(2, -2)  # away from the ends, where the filters see different things
    moved = b.positions[0, same] - shift
    # Even shifts are whole steps of the grid; odd ones fall between two of its samples.
    assert np.median(np.abs(ms(moved, a.positions[0, same]))) <= (
        0.1 if shift % 2 == 0 else GRID_MS
    )


def test_one_lead_is_the_same_with_and_without_the_lead_axis():
    x = train(noise=0.01)
    flat, deep = dsp.delineate(x, FS, PEAKS), dsp.delineate(x[None], FS, PEAKS)
    np.testing.assert_array_equal(flat.positions, deep.positions)


def test_equal_leads_share_the_marks_of_one():
    x = train(noise=0.01)
    one = dsp.delineate(x, FS, PEAKS).positions
    three = dsp.delineate(np.stack([x, x, x]), FS, PEAKS).positions
    np.testing.assert_allclose(three, np.broadcast_to(one, three.shape), atol=1e-3)


def test_no_p_wave_is_invented_where_there_is_none():
    waves = dsp.delineate(train(heights=(0, 1, 0.3), noise=0.01), FS, PEAKS)
    claimed = np.isfinite(waves.p.peak).sum()
    assert claimed <= 0.3 * len(PEAKS)
    assert np.isnan(waves.p.onset[waves.p.probability < 0.5]).all()
    assert np.isfinite(waves.t.peak).all()


def test_a_dead_lead_has_no_waves_and_does_no_harm():
    x = train(noise=0.01)
    waves = dsp.delineate(np.stack([x, np.zeros_like(x), x]), FS, PEAKS)
    assert np.isnan(waves.positions[1]).all()
    alone = dsp.delineate(np.stack([x, x]), FS, PEAKS).positions
    assert np.nanmedian(np.abs(ms(waves.positions[[0, 2]], alone))) <= GRID_MS


def test_waves_in_a_gap_are_absent_and_the_others_stay():
    x = train(noise=0.01)
    gap = x.copy()
    middle = len(PEAKS) // 2
    t_peak = PEAKS[middle] + int(T_AT * FS)
    gap[t_peak - 20 : t_peak + 20] = np.nan
    waves, whole = dsp.delineate(gap, FS, PEAKS), dsp.delineate(x, FS, PEAKS)
    assert np.isnan(waves.t.peak[0, middle])
    others = np.arange(len(PEAKS)) != middle
    assert np.nanmax(np.abs(ms(waves.qrs.peak, whole.qrs.peak))) <= GRID_MS
    assert np.isfinite(waves.t.peak[0, others]).all()


def test_waves_beyond_the_ends_are_absent_not_an_error():
    x = train(noise=0.01)
    peaks = PEAKS[2:5]
    cut = x[peaks[0] - 20 : peaks[-1] + 60]
    waves = dsp.delineate(cut, FS, peaks - peaks[0] + 20)
    assert np.isnan(waves.p.peak[0, 0])
    assert np.isnan(waves.t.peak[0, -1])
    marks = waves.positions[np.isfinite(waves.positions)]
    assert marks.min() >= 0
    assert marks.max() <= len(cut) - 1


@pytest.mark.parametrize("n", [1, 2, 40, 5000])
def test_no_beats_give_empty_arrays(n):
    waves = dsp.delineate(np.zeros((3, n)), FS, [])
    assert waves.positions.shape == (3, 0, 3, 3)
    assert waves.together.qrs.onset.shape == (0,)


@pytest.mark.parametrize("fs", [100, 128, 250, 360, 1000])
def test_other_rates_agree(fs):
    peaks = np.rint(PEAKS * fs / FS).astype(int)
    x = train(peaks=peaks, n=N * fs // FS, fs=fs, noise=0.002)
    waves = dsp.delineate(x, fs, peaks)
    step = 1e3 / min(fs, 250)
    assert np.abs(1e3 * (waves.t.peak[0] - peaks) / fs - 1e3 * T_AT).max() <= 2 * step
    assert np.abs(1e3 * (waves.p.peak[0] - peaks) / fs - 1e3 * P_AT).max() <= 2 * step


@pytest.mark.parametrize(
    ("peaks", "message"),
    [([10, 9000], "10 to 9000"), ([300, 200], "ascending"), ([[1, 2]], "sample indices")],
)
def test_wrong_peaks_are_refused(peaks, message):
    with pytest.raises(dsp.SignalError, match=message):
        dsp.delineate(np.zeros(N), FS, peaks)


def test_a_batch_is_each_record_alone():
    """Also a record with another number of beats, without any, with a gap, and next to larger ones."""
    x = np.stack([train(noise=0.005), np.roll(train(noise=0.03), 700), np.zeros(N, "f4")])
    x = np.stack([x, 300 * x[[1, 0, 2]], x[[1, 0, 2]]])
    x[0, :, 900:1100] = np.nan
    peaks = dsp.r_peaks(x, FS)
    peaks[2] = peaks[2][:0]
    for waves, record, at in zip(dsp.delineate(x, FS, peaks), x, peaks, strict=True):
        alone = dsp.delineate(record, FS, at)
        np.testing.assert_allclose(waves.positions, alone.positions, atol=1e-6)
        np.testing.assert_allclose(waves.probability, alone.probability, atol=1e-3)
        np.testing.assert_allclose(waves.overall, alone.overall, atol=1e-6)


def test_a_beat_whose_t_wave_was_not_recorded_bends_no_other():
    """The window of the last beat's T lies beyond the end: its neighbours' marks stay."""
    x = train(noise=0.005)
    end = PEAKS[-1] + round(0.05 * FS)
    whole, cut = (dsp.delineate(part, FS, PEAKS).t for part in (x, x[:end]))
    assert np.isnan(cut.peak[0, -1])
    for name in ("onset", "peak", "offset"):
        moved = getattr(cut, name)[0, :-1] - getattr(whole, name)[0, :-1]
        assert np.abs(1e3 * moved / FS).max() <= GRID_MS / 2


def test_a_batch_needs_peaks_for_each_record():
    with pytest.raises(dsp.LengthError, match="one for each"):
        dsp.delineate(np.zeros((2, 3, 500)), FS, [])
    with pytest.raises(dsp.LengthError, match="reshape"):
        dsp.delineate(np.zeros((2, 2, 3, 500)), FS, [])


def test_input_is_not_changed_and_may_be_read_only():
    x = train()
    x.flags.writeable = False
    before = x.copy()
    dsp.delineate(x, FS, PEAKS)
    np.testing.assert_array_equal(x, before)


def test_annotations_are_the_marks_of_all_leads_in_order_of_time():
    x = train(noise=0.01)
    waves = dsp.delineate(np.stack([x, 0.5 * x]), FS, PEAKS)
    marks = waves.annotations()
    assert marks.symbols == ("(", "p", ")", "(", "N", ")", "(", "t", ")") * len(PEAKS)
    np.testing.assert_array_equal(marks.samples, np.rint(waves.overall).ravel())
    assert (np.diff(marks.samples) > 0).all()


def test_annotations_leave_absent_waves_out():
    waves = dsp.delineate(train(heights=(0, 1, 0.3), noise=0.01), FS, PEAKS)
    marks = waves.annotations()
    assert marks.symbols.count("p") == np.isfinite(waves.together.p.peak).sum()
    assert marks.symbols.count("N") == len(PEAKS)
    assert len(dsp.delineate(np.zeros(N), FS, []).annotations()) == 0


# ----- measure


def limb(angle):
    """I and aVF of a heart vector at `angle` rad, in proportion to what the leads see of it."""
    noise = 0.004 * np.random.default_rng(1).normal(size=(2, N))
    seen = np.array([np.cos(angle), np.sqrt(3) / 2 * np.sin(angle)])
    return seen[:, None] * train() + noise


@pytest.mark.parametrize("degrees", [-60, 0, 45, 90, 170])
def test_the_axis_of_a_known_vector(degrees):
    ecg = dsp.ECG(limb(np.radians(degrees)), FS, ("I", "aVF"))
    found = np.degrees(dsp.measure(ecg).axis)
    # Noise of 4 uV over a QRS of 1 mV, median over beats: well below a degree or two.
    assert abs((found - degrees + 180) % 360 - 180) < 2


def test_the_axis_follows_from_other_limb_leads():
    i, avf = limb(np.radians(40))
    pair = np.stack([i, avf + i / 2])
    assert dsp.measure(dsp.ECG(pair, FS, ("I", "II"))).axis == pytest.approx(
        dsp.measure(dsp.ECG([i, avf], FS, ("I", "aVF"))).axis, abs=0.01
    )
    assert np.isnan(dsp.measure(dsp.ECG(pair[:1], FS, ["I"])).axis)


def test_measurements_of_a_known_beat():
    found = dsp.measure(dsp.ECG(train(noise=0.004), FS, ["II"]))
    assert found.n_beats == len(PEAKS)
    assert found.rr == pytest.approx(430 / FS, abs=1e-3)
    assert found.heart_rate == pytest.approx(60 / found.rr)
    assert found.qtc_bazett == pytest.approx(found.qt / found.rr**0.5)
    assert found.qtc_fridericia == pytest.approx(found.qt / found.rr ** (1 / 3))
    # P and R start two to three SD before their centres, T ends as many after.
    assert 0.10 < found.pr < 0.22
    assert 0.04 < found.qrs_duration < 0.09
    assert 0.33 < found.qt < 0.44
    # Band-free amplitudes: the Gaussian's height to 10 %, for the foot of P below the level.
    assert found.r_amplitude[0] == pytest.approx(1.0, rel=0.1)


def test_st_level_of_a_raised_segment():
    x = train(noise=0.002)
    t = np.arange(N)[:, None] - PEAKS
    raised = x + 0.2 * ((t > 15) & (t < 75)).any(axis=1)
    flat, high = (dsp.measure(dsp.ECG(s, FS, ["V2"])).st_level[0] for s in (x, raised))
    assert high - flat == pytest.approx(0.2, abs=0.05)


def test_no_pr_interval_without_p_waves():
    ecg = dsp.ECG(train(heights=(0, 1, 0.3), noise=0.01), FS, ["II"])
    found = dsp.measure(ecg)
    assert np.isnan(found.pr)
    assert np.isnan(found.p_duration)
    assert "PR interval            - ms" in found.table


def test_table_has_a_line_for_each_measurement_and_lead():
    found = dsp.measure(dsp.ECG(limb(0.5), FS, ("I", "aVF")))
    assert len(found.table.splitlines()) == len(found.rows) + 2 + 2


def test_a_recording_without_beats_measures_nothing():
    found = dsp.measure(dsp.ECG(np.zeros((2, N)), FS, ("I", "aVF")))
    assert found.n_beats == 0
    assert np.isnan([found.heart_rate, found.qt, found.axis, *found.st_level]).all()
    assert "- bpm" in found.table


# ----- real recordings: counts that a change must not make worse


def reference(ecg, lead, symbol, offset=0):
    marks = ecg.annotations[lead.lower()]
    places = np.flatnonzero([s == symbol for s in marks.symbols]) + offset
    return marks.samples[places]


@pytest.mark.data
@pytest.mark.parametrize("number", [3, 36, 54, 153, 176])
def test_clear_sinus_records_of_ludb_are_marked_in_full(data, number):
    ecg = next(e for e in dsp.datasets.ludb(data) if e.name == f"ludb/{number}").ecg
    waves = dsp.delineate(ecg.signal, ecg.fs, dsp.r_peaks(ecg.signal, ecg.fs))
    for row, lead in enumerate(ecg.leads):
        for wave, symbol in ((waves.p, "p"), (waves.qrs, "N"), (waves.t, "t")):
            found = wave.peak[row]
            m = dsp.metrics.match(
                reference(ecg, lead, symbol), found[np.isfinite(found)], ecg.fs, between=True
            )
            assert (m.fn, m.fp) == (0, 0), (lead, symbol)


@pytest.mark.data
@pytest.mark.parametrize("number", [8, 38, 96, 112, 129])
def test_no_p_waves_in_atrial_fibrillation_of_ludb(data, number):
    entry = next(e for e in dsp.datasets.ludb(data) if e.name == f"ludb/{number}")
    waves = dsp.delineate(entry.ecg.signal, 500, dsp.r_peaks(entry.ecg.signal, 500))
    assert np.isfinite(waves.p.peak).mean() <= 0.3
    assert np.isnan(dsp.measure(entry.ecg).pr)


@pytest.mark.data
def test_p_waves_that_ride_on_the_t_wave_are_found(data):
    ecg = next(e for e in dsp.datasets.qtdb(data) if e.name.endswith("sel38")).ecg
    truth = reference(ecg, "q1c", "p")
    ecg = ecg.crop((truth[0] - 30 * ecg.fs) / ecg.fs, (truth[-1] + 10 * ecg.fs) / ecg.fs)
    truth = reference(ecg, "q1c", "p")
    waves = dsp.delineate(ecg.signal, ecg.fs, dsp.r_peaks(ecg.signal, ecg.fs))
    found = np.unique(waves.p.peak[np.isfinite(waves.p.peak)])
    m = dsp.metrics.match(truth, found, ecg.fs)
    # Measured: all 30, within 90 ms; a shoulder has no peak to agree on.
    assert m.fn <= 0.1 * len(truth)
    assert 1e3 * np.abs(m.errors).max() <= 100


@pytest.mark.parametrize("noise", [0.0, 1e-4, 1e-3])
def test_without_noise_the_feet_of_other_waves_are_no_p_waves(noise):
    t, beats = np.arange(10 * 500) / 500, np.arange(0.5, 10, 0.8)[:, None]
    x = (np.exp(-0.5 * ((t - beats) / 0.012) ** 2)).sum(axis=0)
    x += 0.25 * np.exp(-0.5 * ((t - beats - 0.28) / 0.05) ** 2).sum(axis=0)
    x += noise * np.random.default_rng(0).normal(size=t.size)
    assert np.isnan(dsp.delineate(x, 500, dsp.r_peaks(x, 500)).p.peak).all()
