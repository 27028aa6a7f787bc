"""Filters: cleaning and resampling without phase shift, with gaps kept as gaps."""

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import Final, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp import checks, polyphase, recursion
from dsp.checks import Signal
from dsp.errors import RateError

CLEAN_BAND: Final = (0.5, 40.0)
"""Hz; the monitoring band, and the band of every figure of this library unless said otherwise."""
_BLOCK: Final = 2_000_000  # samples filtered at once in float64, to bound memory


def bandpass(
    x: ArrayLike, fs: float, low: float | None, high: float | None, *, order: int = 3
) -> Signal:
    """Zero-phase Butterworth filter, forward and backward.

    Parameters
    ----------
    x : (..., time); any unit. NaN samples are bridged for filtering and are NaN again after it.
    fs : Hz.
    low, high : corner frequencies, Hz; None leaves that side open.
    order : of the one-way filter; the gain at a corner is 1/2 after both passes.

    Returns
    -------
    float32 array of the shape of `x`.

    Raises
    ------
    RateError
        Unless 0 < low < high < fs / 2.
    SignalError, LengthError
        As `dsp.checks.signal`.

    Examples
    --------
    >>> t = np.arange(5000) / 500
    >>> y = bandpass(np.sin(2 * np.pi * 10 * t) + 3, 500, 0.5, 40)
    >>> bool(abs(y - np.sin(2 * np.pi * 10 * t))[1500:-1500].max() < 0.01)
    True
    """
    x, fs = checks.signal(x), checks.rate(fs)
    sos = _butterworth(fs, low, high, order)
    return _each_block(x, lambda rows: recursion.zero_phase(rows, sos))


def clean(x: ArrayLike, fs: float) -> Signal:
    """The usual cleaning: baseline and muscle noise out, 0.5 to 40 Hz, zero phase.

    Parameters
    ----------
    x : (..., time); any unit; NaN gaps stay gaps.
    fs : Hz; below 100 Hz the upper corner is 0.4 fs.

    Returns
    -------
    float32 array of the shape of `x`.

    Raises
    ------
    RateError, SignalError, LengthError
        As `bandpass`.

    Examples
    --------
    >>> bool(abs(clean(np.full(5000, 7.0), 500)).max() < 1e-3)
    True
    """
    low, high = CLEAN_BAND
    return bandpass(x, fs, low, min(high, 0.4 * checks.rate(fs)))


def resample(x: ArrayLike, fs: float, to: float) -> Signal:
    """The same signal at another sampling rate, by a polyphase anti-aliasing filter.

    Parameters
    ----------
    x : (..., time); any unit. NaN gaps stay gaps of the same place and length.
    fs, to : Hz, old and new.

    Returns
    -------
    (..., round(time * to / fs)) float32; sample k is at k / to seconds. The line from the first to
    the last sample is taken off before and put back after, so that an offset rings nowhere.

    Raises
    ------
    RateError
        If either rate is no rate for an ECG.
    SignalError, LengthError
        As `dsp.checks.signal`.

    Examples
    --------
    >>> resample(np.ones(1000), 500, 100).shape
    (200,)
    """
    x, fs, to = checks.signal(x), checks.rate(fs), checks.rate(to)
    if fs == to:
        return x.copy()
    ratio = Fraction(to / fs).limit_denominator(10_000)
    up, down = ratio.numerator, ratio.denominator
    n_out = max(1, round(x.shape[-1] * to / fs))
    return _each_block(x, lambda rows: of_length(polyphase.resample(rows, up, down), n_out))


def of_length(x: Signal, n_samples: int) -> Signal:
    """The signal cut, or its last sample repeated, to a length that rounding may have missed.

    Examples
    --------
    >>> of_length(np.ones((2, 5)), 6).shape
    (2, 6)
    """
    short = n_samples - x.shape[-1]
    if short > 0:
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, short)], mode="edge")
    return x[..., :n_samples]


@functools.lru_cache(maxsize=64)
def _butterworth(
    fs: float, low: float | None, high: float | None, order: int
) -> NDArray[np.float64]:
    corners = [float(c) for c in (low, high) if c is not None]
    if not corners or not all(0 < c < fs / 2 for c in corners) or sorted(set(corners)) != corners:
        raise RateError(
            f"band {low} to {high} Hz at fs={fs:g} Hz; give 0 < low < high < fs/2 = {fs / 2:g} Hz."
        )
    if len(corners) == 2:
        return np.asarray(scipy.signal.butter(order, corners, "bandpass", fs=fs, output="sos"))
    side: Literal["highpass", "lowpass"] = "highpass" if high is None else "lowpass"
    return np.asarray(scipy.signal.butter(order, corners[0], side, fs=fs, output="sos"))


def _each_block(x: Signal, run: Callable[[Signal], Signal]) -> Signal:
    """Apply `run` to the rows of `x` in blocks of bounded size; gaps are bridged and restored."""
    flat = x.reshape(-1, x.shape[-1])
    per_block = max(1, _BLOCK // x.shape[-1])
    done = np.zeros((len(flat), 0), np.float32)
    for first in range(0, len(flat), per_block):
        rows = flat[first : first + per_block]
        if checks.all_finite(rows):
            out = run(rows)
        else:
            gaps = np.isnan(rows)
            out = run(_bridge(rows, gaps))
            out[_stretch(gaps, out.shape[-1])] = np.nan
        if len(rows) == len(flat):
            done = out
        else:
            done = done if first else np.empty((len(flat), out.shape[-1]), np.float32)
            done[first : first + per_block] = out
    return done.reshape(*x.shape[:-1], done.shape[-1])


def _bridge(rows: Signal, gaps: NDArray[np.bool_]) -> Signal:
    """Straight lines across gaps, level beyond the outermost samples; all-gap rows become zero."""
    rows = rows.copy()
    index = np.arange(rows.shape[-1])
    for row, gap in zip(rows, gaps, strict=True):
        row[gap] = np.interp(index[gap], index[~gap], row[~gap]) if not gap.all() else 0.0
    return rows


def _stretch(gaps: NDArray[np.bool_], n_out: int) -> NDArray[np.bool_]:
    """The gap mask on a grid of `n_out` samples over the same time."""
    n = gaps.shape[-1]
    if n == n_out:
        return gaps
    nearest = np.minimum(np.rint(np.arange(n_out) * (n / n_out)).astype(int), n - 1)
    return gaps[:, nearest]
