"""Beats cut from a signal: shapes, the map back, and that beats never mix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsp
from dsp.segments import WINDOWS, check_peaks, typical_rr


@st.composite
def recordings(draw):
    """A random signal whose samples are all different, and ascending peaks in it."""
    n = draw(st.integers(50, 3000))
    peaks = draw(st.lists(st.integers(0, n - 1), max_size=12, unique=True).map(sorted))
    n_leads = draw(st.integers(1, 3))
    return np.arange(n_leads * n, dtype=np.float32).reshape(n_leads, n), np.array(peaks, int)


@given(recordings(), st.sampled_from(list(WINDOWS)))
def test_index_leads_back_to_the_source(recording, window):
    x, peaks = recording
    beats = dsp.segment(x, 250, peaks, window=window)
    assert beats.signal.shape[:2] == (len(peaks), len(x))
    held = beats.index >= 0
    for lead in range(len(x)):
        np.testing.assert_array_equal(beats.signal[:, lead][held], x[lead, beats.index[held]])
        assert np.isnan(beats.signal[:, lead][~held]).all()
    if len(peaks):
        column = beats.r_column
        np.testing.assert_array_equal(beats.signal[:, :, column], x[:, peaks].T)
        assert beats.times[column] == 0


@given(recordings(), st.sampled_from(["rr", "trimmed-rr"]))
def test_beats_never_mix(recording, window):
    x, peaks = recording
    beats = dsp.segment(x, 250, peaks, window=window)
    used = beats.index[beats.index >= 0]
    assert len(np.unique(used)) == len(used)


@given(recordings(), st.sampled_from(list(WINDOWS)))
def test_placing_beats_back_restores_what_they_held(recording, window):
    x, peaks = recording
    beats = dsp.segment(x, 250, peaks, window=window)
    y = beats.place()
    assert y.shape == x.shape
    held = np.zeros(x.shape[1], bool)
    held[beats.index[beats.index >= 0]] = True
    np.testing.assert_array_equal(y[:, held], x[:, held])
    assert np.isnan(y[:, ~held]).all()


def test_rr_windows_with_shares_of_one_leave_nothing_between():
    peaks = np.array([40, 113, 207, 350, 391])
    beats = dsp.segment(np.zeros(450), 100, peaks, window="rr", before=0.35, after=0.65)
    np.testing.assert_array_equal(beats.spans[1:, 0], beats.spans[:-1, 1])


def test_rr_window_follows_each_beat():
    beats = dsp.segment(np.zeros(1000), 100, [100, 200, 400], window="rr", before=0.4, after=0.6)
    np.testing.assert_array_equal(beats.spans[1], [200 - 40, 200 + 120])


def test_trimmed_window_ignores_a_pause():
    peaks = np.cumsum([80] * 10 + [400] + [80] * 10)
    beats = dsp.segment(np.zeros(peaks[-1] + 100), 100, peaks)
    assert typical_rr(peaks) == 80
    assert beats.signal.shape == (21, 1, 80)
    assert beats.r_column == 40


def test_a_record_of_one_beat_takes_one_second():
    assert dsp.segment(np.zeros(5000), 500, [2500]).signal.shape == (1, 1, 500)
    assert dsp.segment(np.zeros(5000), 500, [2500], window="rr").signal.shape == (1, 1, 500)


def test_no_beats_give_no_segments():
    beats = dsp.segment(np.zeros((3, 5000)), 500, [])
    assert beats.signal.shape == (0, 3, 500)
    assert np.isnan(beats.median()).all()
    assert np.isnan(beats.place()).all()


def test_beats_at_the_edges_are_kept_and_marked():
    beats = dsp.segment(np.ones(1000), 100, [10, 500, 990], window="fixed", before=0.3, after=0.3)
    assert beats.complete.tolist() == [False, True, False]
    assert np.isnan(beats.signal[0, 0, :20]).all()
    assert np.isfinite(beats.signal[0, 0, 20:]).all()


def test_median_resists_one_bad_beat_and_gaps():
    rng = np.random.default_rng(0)
    shape = rng.normal(size=60).astype(np.float32)
    x = np.tile(shape, 9)[None].repeat(2, axis=0)
    x[0, 250:270] = 50.0
    x[1, 100:130] = np.nan
    beats = dsp.segment(x, 60, np.arange(9) * 60 + 30, window="fixed", before=0.5, after=0.5)
    np.testing.assert_array_equal(beats.median(), [shape, shape])


def test_median_of_an_even_number_is_the_mean_of_the_middle_two():
    x = np.repeat([1.0, 2.0, 4.0, 9.0], 10)
    beats = dsp.segment(x, 50, [5, 15, 25, 35], window="fixed", before=0.1, after=0.1)
    assert (beats.median() == 3.0).all()


def test_one_beat_in_all_places():
    x = np.zeros((1, 300), np.float32)
    beats = dsp.segment(x, 100, [50, 150, 250], window="fixed", before=0.1, after=0.1)
    y = beats.place(np.ones((1, 20)))
    assert np.nansum(y) == 60
    assert (y[0, 40:60] == 1).all()


def test_input_may_be_read_only_and_is_not_changed():
    x = np.random.default_rng(0).normal(size=(2, 500))
    kept = x.copy()
    x.flags.writeable = False
    dsp.segment(x, 100, [90, 200, 300]).signal[:] = 0
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize(
    ("peaks", "error", "text"),
    [
        ([1.5], dsp.SignalError, "whole sample"),
        ([np.nan], dsp.SignalError, "whole sample"),
        ([True, False], dsp.SignalError, "whole sample"),
        ([30, 20], dsp.SignalError, "ascend"),
        ([20, 20], dsp.SignalError, "ascend"),
        ([-1], dsp.SignalError, "another sampling rate"),
        ([1000], dsp.SignalError, "another sampling rate"),
        ([[1, 2]], dsp.LengthError, "shape"),
    ],
)
def test_bad_peaks_are_named(peaks, error, text):
    with pytest.raises(error, match=text):
        check_peaks(peaks, 1000)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"window": "mean"}, "trimmed-rr"),
        ({"window": "rr", "before": 0.6, "after": 0.6}, "at most 1"),
        ({"window": "fixed", "before": 0.2, "after": -0.1}, "positive"),
        ({"window": "fixed", "before": float("nan")}, "positive"),
    ],
)
def test_bad_windows_are_named(options, text):
    with pytest.raises(dsp.ECGError, match=text):
        dsp.segment(np.zeros(1000), 100, [500], **options)


def test_a_batch_is_refused_and_so_are_odd_beats():
    with pytest.raises(dsp.LengthError, match="one recording"):
        dsp.segment(np.zeros((2, 3, 1000)), 100, [500])
    with pytest.raises(dsp.LengthError, match="beats of shape"):
        dsp.segment(np.zeros(1000), 100, [500]).place(np.zeros((3, 3)))


@pytest.mark.data
def test_real_beats_lie_in_place_and_average(data):
    import wfdb

    name = str(data / "mitdb" / "101")
    x = wfdb.rdrecord(name).p_signal.T.astype(np.float32)
    marks = wfdb.rdann(name, "atr")
    peaks = np.unique(marks.sample[np.isin(marks.symbol, list("NLRAV"))])
    beats = dsp.segment(x, 360, peaks)
    assert len(beats) == len(peaks)
    # The median beat of a sinus rhythm looks like its beats: the QRS stands out tenfold.
    median = beats.median()[0]
    assert abs(median[beats.r_column]) > 0.7
    assert np.nanmedian(np.abs(median)) < abs(median[beats.r_column]) / 2
