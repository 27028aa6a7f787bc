"""What every beat of a patient has in common beyond the rule: added to its likes, in their size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.remainder import AFTER, BEFORE, DOUBT, Remainder, peaks_of

LENGTH = 1000


def beats(peaks, sizes, width=2.5):
    """(2, LENGTH) mV: an R with its S at each place."""
    t = np.arange(LENGTH)
    x = np.zeros((2, LENGTH))
    for peak, size in zip(peaks, sizes, strict=True):
        at = (t - peak) / width
        x += size * np.stack(
            [np.exp(-(at**2)), 0.6 * np.exp(-(at**2)) - 0.3 * np.exp(-((at - 3) ** 2))]
        )
    return x


def offset(peaks, sizes):
    """(8, LENGTH) mV, something of its own in each lead from 0.1 to 0.2 s after each peak."""
    missed = np.zeros((8, LENGTH))
    for peak, size in zip(peaks, sizes, strict=True):
        missed[:, peak + 10 : peak + 20] = size * np.linspace(-0.1, 0.3, 8)[:, None]
    return missed


@pytest.fixture(scope="module")
def learned():
    peaks = np.arange(60, LENGTH - 60, 90)
    shows, missed = beats(peaks, peaks * 0 + 1.0), offset(peaks, peaks * 0 + 1.0)
    return Remainder.learned(shows, peaks_of(shows), missed, [slice(0, 400)]), peaks


def added(remainder, shows):
    return remainder.added(shows, peaks_of(shows))


def test_what_recurs_is_added_as_far_as_it_was_seen(learned):
    remainder, peaks = learned
    n = np.sum(peaks + AFTER < 400)
    found = added(remainder, beats(peaks, peaks * 0 + 1.0))
    middle = found[:, peaks[7] + 10 : peaks[7] + 20]
    np.testing.assert_allclose(
        middle, n / (n + DOUBT) * np.linspace(-0.1, 0.3, 8)[:, None] * np.ones(10), atol=1e-3
    )
    between = found[:, peaks[7] + AFTER + 2 : peaks[8] - BEFORE - 2]
    assert np.abs(between).max() < 1e-6


def test_an_ectopic_beat_is_left_alone(learned):
    remainder, peaks = learned
    x = beats(peaks, peaks * 0 + 1.0)
    wide = beats([peaks[4]], [-1.5], width=9.0)
    x[:, peaks[4] - 40 : peaks[4] + 40] = wide[:, peaks[4] - 40 : peaks[4] + 40]
    found = added(remainder, x)
    assert np.abs(found[:, peaks[4] + 10 : peaks[4] + 20]).max() < 1e-6
    assert np.abs(found[:, peaks[6] + 10 : peaks[6] + 20]).max() > 0.2


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.05, 20), shift=st.integers(-20, 20))
def test_twice_the_signal_is_twice_the_remainder_wherever_it_is(learned, gain, shift):
    remainder, peaks = learned
    x = beats(peaks, peaks * 0 + 1.0)
    found = added(remainder, x)
    np.testing.assert_allclose(added(remainder, gain * x), gain * found, atol=1e-9 * gain + 1e-12)
    moved = added(remainder, np.roll(x, shift, axis=1))
    inside = slice(100, LENGTH - 150)
    np.testing.assert_allclose(
        moved[:, inside], np.roll(found, shift, axis=1)[:, inside], atol=1e-6
    )


def test_without_beats_there_is_none(learned):
    remainder, _ = learned
    assert (
        Remainder.learned(
            np.zeros((1, 300)), peaks_of(np.zeros((1, 300))), np.ones((8, 300)), [slice(0, 300)]
        )
        is None
    )
    assert not added(remainder, np.zeros((2, 300))).any()
    assert not added(remainder, np.zeros((2, 5))).any()
