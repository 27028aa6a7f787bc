"""Streams: pieces make the whole, and no piece holds more than it must."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import patient

import dsp

FS = 100.0
SAME = 1e-6  # mV: what two edges 20 s away may leave, beside rounding to float32


def long_recording(seconds=400.0, seed=0):
    """A patient with noise that grows and shrinks, a gap in all leads and one in one."""
    x, _ = patient(seconds, FS)
    rng = np.random.default_rng(seed)
    swell = 0.4 * (1 + np.sin(np.arange(x.shape[1]) / 1500)) ** 2
    x = x[:2] + (swell * rng.normal(size=(2, x.shape[1]))).astype(np.float32)
    x[:, 9000:9400] = np.nan
    x[0, 20000:21500] = np.nan
    return dsp.ECG(x, FS, ("I", "II"))


RECORDING = long_recording()
WHOLE_PEAKS = dsp.r_peaks(RECORDING.signal, FS)
WHOLE_CLEAN = dsp.clean(RECORDING.signal, FS)


@given(st.floats(0.5, 450.0))
@settings(max_examples=8)
def test_pieces_make_the_whole(seconds):
    pieces = list(dsp.stream(RECORDING, max(seconds, 10.0)))
    assert [p.start for p in pieces[1:]] == [p.start + p.n_samples for p in pieces[:-1]]
    np.testing.assert_array_equal(
        np.concatenate([p.signal for p in pieces], axis=1), RECORDING.signal
    )
    np.testing.assert_array_equal(np.concatenate([p.r_peaks() for p in pieces]), WHOLE_PEAKS)
    cleaned = np.concatenate([p.clean() for p in pieces], axis=1)
    np.testing.assert_allclose(cleaned, WHOLE_CLEAN, rtol=0, atol=SAME)


def test_a_piece_holds_no_more_than_its_surroundings():
    widest = max(piece.around.shape[1] for piece in dsp.stream(RECORDING, 20))
    assert widest <= (20 + 2 * 50 + 2) * FS
    assert not any(piece.around.flags.writeable for piece in dsp.stream(RECORDING, 100))


def test_files_are_read_in_parts(tmp_path):
    dsp.write(RECORDING.crop(0, 85), tmp_path / "record")
    asked = []

    def reader(start, stop):
        asked.append((start, stop))
        return dsp.read(tmp_path / "record", start=start, stop=stop)

    whole = dsp.read(tmp_path / "record")
    for source in (tmp_path / "record", reader):
        joined = np.concatenate([p.signal for p in dsp.stream(source, 30)], axis=1)
        np.testing.assert_array_equal(joined, whole.signal)
    assert asked == [(0, 30), (30, 60), (60, 90)]


def test_a_recording_of_whole_pieces_ends():
    pieces = list(dsp.stream(RECORDING.crop(0, 60), 30))
    assert [p.n_samples for p in pieces] == [3000, 3000]


def test_a_piece_without_any_sample_is_a_gap():
    x = np.full((1, 30000), np.nan, np.float32)
    x[0, :3000] = x[0, -3000:] = 0.0
    ecg = dsp.ECG(x, FS, ["II"])

    def reader(start, stop):
        if start >= ecg.duration:
            raise dsp.LengthError("after the end")
        return ecg.crop(start, min(stop, ecg.duration))

    pieces = list(dsp.stream(reader, 30))
    assert len(pieces) == 10
    assert np.isnan(pieces[5].signal).all()
    assert np.isnan(pieces[5].clean()).all()
    assert len(pieces[5].r_peaks()) == 0


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_piece_must_have_a_length(seconds):
    with pytest.raises(dsp.LengthError, match="positive"):
        dsp.stream(RECORDING, seconds)


@pytest.mark.data
@pytest.mark.slow
def test_half_an_hour_of_arrhythmia_in_pieces(data):
    ecg = dsp.read(data / "mitdb" / "207")
    whole = dsp.r_peaks(ecg.signal, ecg.fs)
    for seconds in (17.3, 60.0):
        pieces = dsp.stream(data / "mitdb" / "207", seconds)
        np.testing.assert_array_equal(np.concatenate([p.r_peaks() for p in pieces]), whole)
