"""Array operations on wave shapes: windows around beats, bumps, corners, averages over beats.

Signals are (leads, records, time); beats are those of all records, one record after another, each
with the number of its record. No record sees another.
"""

import itertools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

GRID: Final = 250.0
"""Hz; the rate all of delineation runs at. 40 Hz content needs no more, and a mark gains nothing."""


class Found(NamedTuple):
    """Marks of one kind of wave, grid samples, and the probability that it is there.

    Each (leads, beats).
    """

    onset: NDArray[np.float64]
    peak: NDArray[np.float64]
    offset: NDArray[np.float64]
    probability: NDArray[np.float64]


def samples(seconds: float) -> int:
    """Grid samples in a duration.

    Examples
    --------
    >>> samples(0.1)
    25
    """
    return round(seconds * GRID)


def windows(y: NDArray[Any], record: Ints, starts: Ints, length: int) -> tuple[NDArray[Any], Bools]:
    """Windows of every lead, and which of their samples lie within the recording.

    Parameters
    ----------
    y : (leads, records, time).
    record : (beats,) which record each window is of.
    starts : (beats,) first sample of each window; may lie outside.
    length : samples.

    Returns
    -------
    (leads, beats, length) with the outermost sample repeated outside, and (beats, length) bool.

    Examples
    --------
    >>> windows(np.arange(4)[None, None], np.array([0, 0]), np.array([-1, 2]), 3)[0].tolist()
    [[[0, 0, 1], [2, 3, 3]]]
    """
    index = starts[:, None] + np.arange(length)
    last = y.shape[-1] - 1
    inside = (index >= 0) & (index <= last)
    tape = (record * y.shape[-1])[:, None] + np.minimum(np.maximum(index, 0), last)
    return y.reshape(len(y), -1).take(tape, axis=-1), inside


def smooth(y: Floats, seconds: float) -> Floats:
    """Running mean with a Hann window of this full length along time; edges repeat.

    Examples
    --------
    >>> smooth(np.ones((1, 50), np.float32), 0.04)[0, 0].round(6).item()
    1.0
    """
    kernel = np.hanning(max(3, samples(seconds) | 1) + 2)[1:-1].astype(np.float32)
    return scipy.ndimage.convolve1d(y, kernel / kernel.sum(), axis=-1, mode="nearest")


def bump(y: Floats, reach: float) -> Floats:
    """How far the signal stands out from both sides, the lesser of the two, with sign.

    The lesser difference to the lowest points within `reach` seconds before and after, for waves
    that point up; the same upside down, with a minus; the greater of both. A level, a slope and
    the foot of a wave give zero, a wave of up to twice the reach gives its height.

    Examples
    --------
    >>> float(abs(bump(np.arange(60, dtype=np.float32)[None], 0.04)).max())
    0.0
    """
    k, n = samples(reach), y.shape[-1]
    wide = _edged(y, k)
    foot, top = lowest(wide, k + 1), -lowest(-wide, k + 1)
    up = y - np.maximum(foot[..., :n], foot[..., k:])
    down = np.minimum(top[..., :n], top[..., k:]) - y
    return np.where(up >= down, up, -down)


def bend(y: Floats, reach: float) -> Floats:
    """How far the signal lies from the middle of what is `reach` seconds before and after it.

    Examples
    --------
    >>> bend(np.array([[0, 0, 1, 0, 0]], "f4"), 0.004).tolist()
    [[0.0, -0.5, 1.0, -0.5, 0.0]]
    """
    k = samples(reach)
    wide = _edged(y, k)
    return y - np.float32(0.5) * (wide[..., 2 * k :] + wide[..., : -2 * k])


def _edged(y: Floats, k: int) -> Floats:
    """The outermost samples repeated k times."""
    first, last = (np.repeat(y[..., at], k, axis=-1) for at in (slice(1), slice(-1, None)))
    return np.concatenate([first, y, last], axis=-1)


def lowest(y: Floats, size: int) -> Floats:
    """The least of each `size` successive samples, (..., time - size + 1), by doubling the span.

    Examples
    --------
    >>> lowest(np.array([3, 1, 2, 5, 4], "f4"), 3).tolist()
    [1.0, 1.0, 2.0]
    """
    span = 1
    while span < size:
        step = min(span, size - span)
        y = np.minimum(y[..., :-step], y[..., step:])
        span += step
    return y


def without(y: Floats, record: Ints, first: Ints, last: Ints) -> Floats:
    """The signal with straight lines in place of the spans (first, last).

    Parameters
    ----------
    y : (leads, records, time).
    record : (beats,) which record each span is of.
    first, last : (beats,) ends of the spans, grid samples; both stay.

    Examples
    --------
    >>> y = np.array([[[0.0, 9, 9, 3]]], "f4")
    >>> without(y, np.array([0]), np.array([0]), np.array([3])).tolist()
    [[[0.0, 1.0, 2.0, 3.0]]]
    """
    n = y.shape[-1]
    change = np.zeros((y.shape[1], n + 1), np.int64)
    np.add.at(change, (record, np.clip(first + 1, 0, n)), 1)
    np.add.at(change, (record, np.clip(np.maximum(last, first + 1), 0, n)), -1)
    keep = np.cumsum(change[:, :-1], axis=-1) == 0
    index = np.arange(n)
    left = np.maximum.accumulate(np.where(keep, index, -1), axis=-1)
    right = np.minimum.accumulate(np.where(keep, index, n)[:, ::-1], axis=-1)[:, ::-1]
    left, right = np.where(left < 0, right, left), np.where(right == n, left, right)
    left, right = np.clip(left, 0, n - 1), np.clip(right, 0, n - 1)
    share = ((index - left) / np.maximum(1, right - left)).astype(np.float32)
    out = y.copy()
    row, cut = np.nonzero(~keep)
    a, b = y[:, row, left[row, cut]], y[:, row, right[row, cut]]
    out[:, row, cut] = a + (b - a) * share[row, cut]
    return out


def nearby_mean(
    values: NDArray[Any], record: Ints, weight: NDArray[Any], reach: int
) -> NDArray[Any]:
    """Weighted mean over a record's beats from `reach` before to `reach` after each.

    Parameters
    ----------
    values : (..., beats, samples).
    record : (beats,) which record each beat is of, ascending.
    weight : (beats, samples) or (beats, 1), >= 0.

    Returns
    -------
    (..., beats, samples); zero where the weights sum to zero.

    Examples
    --------
    >>> values, record = np.array([[0.0], [3.0], [6.0]]), np.zeros(3, int)
    >>> nearby_mean(values, record, np.ones((3, 1)), 1)[:, 0].round(6).tolist()
    [1.5, 3.0, 4.5]
    """
    total = nearby_sum(values * weight, record, reach)
    return np.asarray(total / np.maximum(nearby_sum(weight, record, reach), 1e-12))


def nearby_sum(values: NDArray[Any], record: Ints, reach: int) -> NDArray[Any]:
    """Sum over a record's beats from `reach` before to `reach` after each; as of `nearby_mean`.

    Examples
    --------
    >>> nearby_sum(np.ones((4, 1)), np.array([0, 0, 0, 1]), 1)[:, 0].round(6).tolist()
    [2.0, 3.0, 2.0, 1.0]
    """
    wide = 2 * reach + 1
    beat = np.arange(len(record)) + reach * (record - record[:1])  # far from the next record's
    apart = values
    if len(beat) and record[-1] > record[0]:
        apart = np.zeros((*values.shape[:-2], beat[-1] + 1, values.shape[-1]), values.dtype)
        apart[..., beat, :] = values
    mean = scipy.ndimage.uniform_filter1d(apart, wide, axis=-2, mode="constant")
    return np.asarray(mean[..., beat, :] * wide)


def each_record(
    values: NDArray[Any], record: Ints, of: Callable[..., NDArray[Any]]
) -> NDArray[Any]:
    """What `of` finds over each record's beats, at every one of them.

    Parameters
    ----------
    values : (..., beats).
    record : (beats,) which record each beat is of, ascending.
    of : a reduction that knows ``axis`` and ``keepdims``, such as `numpy.median`.

    Examples
    --------
    >>> each_record(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 2]), np.mean).tolist()
    [2.0, 2.0, 5.0]
    """
    out = np.empty(values.shape, np.float64)
    ends = np.flatnonzero(np.diff(record, prepend=-1, append=-1))
    for first, last in itertools.pairwise(ends):
        out[..., first:last] = of(values[..., first:last], axis=-1, keepdims=True)
    return out


def majority(n_leads: int) -> float:
    """Weight of what all leads say beside what one says: of two, neither outvotes the other.

    Examples
    --------
    >>> majority(1), majority(2), majority(8)
    (0.0, 0.0, 0.75)
    """
    return max(0, n_leads - 2) / n_leads


def at(w: NDArray[Any], index: Ints) -> NDArray[Any]:
    """``w[..., index]`` of each window: (leads, beats, samples) and (leads, beats) give the latter.

    Examples
    --------
    >>> at(np.array([[[5, 6, 7]]]), np.array([[2]])).tolist()
    [[7]]
    """
    return w[np.arange(w.shape[0])[:, None], np.arange(w.shape[1]), index]


def corner(w: Floats, steep: Ints, far: Ints) -> Ints:
    """Where a flank ends in the baseline: the vertex of the largest trapezium (Zhang 2006).

    Between the steepest point of the flank and a point `far` on the baseline, the mark maximises
    the area above the signal; no threshold, and a tilted baseline shifts it little.

    Parameters
    ----------
    w : (leads, beats, samples), waves that point up.
    steep, far : (leads, beats) sample of each window; `far` may lie to either side.

    Returns
    -------
    (leads, beats) sample indices of the windows.

    Examples
    --------
    >>> w = np.array([[[4, 3, 2, 1, 0, 0, 0, 0]]], "f4")
    >>> corner(w, np.array([[1]]), np.array([[7]])).tolist()
    [[4]]
    """
    t = np.arange(w.shape[-1], dtype=np.float32)
    steep_, far_ = steep[..., None].astype(np.float32), far[..., None].astype(np.float32)
    area = (at(w, steep)[..., None] - w) * np.abs(2 * far_ - steep_ - t)
    between = (t >= np.minimum(steep_, far_)) & (t <= np.maximum(steep_, far_))
    return np.asarray(np.where(between, area, -np.inf).argmax(-1))


def vertex(w: Floats, index: Ints) -> NDArray[np.float64]:
    """The extremum near `index` between samples, by the parabola through three of them.

    Examples
    --------
    >>> vertex(np.array([[[0.0, 3, 4, 3, 0]]], "f4"), np.array([[2]])).tolist()
    [[2.0]]
    """
    last = w.shape[-1] - 1
    here = at(w, index)
    before, after = at(w, np.maximum(index - 1, 0)), at(w, np.minimum(index + 1, last))
    rise, bend = 0.5 * (before - after), before - 2 * here + after
    small = (np.abs(rise) <= 0.5 * np.abs(bend)) & (bend != 0)
    shift = np.divide(rise, bend, out=np.zeros_like(rise), where=small)
    return np.asarray(index + shift, np.float64)


def median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over the leads, (leads, ...) without NaN; NumPy's own is slow on small arrays.

    Examples
    --------
    >>> median(np.array([[1.0], [5.0], [2.0], [4.0]])).tolist()
    [3.0]
    """
    ordered, n = np.sort(values, axis=0), len(values)
    return np.asarray(0.5 * (ordered[(n - 1) // 2] + ordered[n // 2]))
