"""The typical beat of a recording: baseline out, beats aligned, the odd ones left out, then the median."""

import dataclasses
from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp import filters
from dsp.errors import LengthError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BEFORE: Final = 0.36
"""Share of the RR interval that lies before the R peak in the typical beat: P to the end of T."""
_LONGEST_BEFORE, _LONGEST_AFTER = 0.36, 0.75  # s
_QUIET_BEFORE_QRS: Final = (0.030, 0.010)  # s, where the PR segment is taken to be zero
_SLOPE_SHARE: Final = 0.08  # of the steepest slope, below which there is no QRS
_LIKE: Final = 0.9  # correlation with the median that makes a beat one of the kind


@dataclasses.dataclass(frozen=True, slots=True)
class Beat:
    """The typical beat.

    Attributes
    ----------
    x8 : (8, time) mV, leads I II V1..V6, zero in the PR segment. fs : Hz.
    r : sample of the R peak.
    onset, offset : s from the R peak, of the QRS.
    rr : s, median.
    n_beats : how many went into it.
    """

    x8: Floats
    fs: float
    r: int
    onset: float
    offset: float
    rr: float
    n_beats: int

    @property
    def times(self) -> Floats:
        """(time,) s from the R peak."""
        return (np.arange(self.x8.shape[1]) - self.r) / self.fs


def typical_beat(x8: Floats, fs: float, r_peaks: ArrayLike) -> Beat:
    """The typical beat of eight leads.

    Parameters
    ----------
    x8 : (8, time) mV, without gaps. fs : Hz. r_peaks : sample indices, at least two.

    Returns
    -------
    Beat. The baseline is a curve through the PR segments; beats are moved to where they match best,
    and those unlike the median (ectopic, disturbed) are left out.

    Raises
    ------
    LengthError
        If fewer than two R peaks lie inside the recording.

    Examples
    --------
    >>> x = np.tile(np.exp(-((np.arange(400) - 200) ** 2) / 50.0), (8, 5))  # the last is cut
    >>> typical_beat(x, 500, 200 + 400 * np.arange(5)).n_beats
    4
    """
    peaks = np.unique(np.asarray(r_peaks, np.int64))
    peaks = peaks[(peaks >= 0) & (peaks < x8.shape[1])]
    if len(peaks) < 2:
        raise LengthError(f"{len(peaks)} R peaks in the recording; a fit needs at least two beats.")
    rr = float(np.median(np.diff(peaks))) / fs
    before = round(min(BEFORE * rr + 0.06, _LONGEST_BEFORE) * fs)
    after = round(min((1 - BEFORE) * rr, _LONGEST_AFTER) * fs)
    whole = peaks[(peaks >= before) & (peaks + after < x8.shape[1])]
    peaks = whole if len(whole) else peaks[:1].clip(before, x8.shape[1] - after - 1)

    rough = filters.clean(x8, fs).astype(np.float64)
    places = _aligned(rough, peaks, fs, before, after)
    middle = np.median(_cut(rough, places, before, after), 0)
    onset, offset = qrs_bounds(middle, fs, before)
    flat = x8 - _baseline(x8, fs, places, onset - before)
    beats = _cut(flat, places, before, after)
    kept = _alike(beats, np.median(beats, 0))
    typical = np.median(beats[kept], 0)
    return Beat(
        typical, fs, before, (onset - before) / fs, (offset - before) / fs, rr, int(kept.sum())
    )


def qrs_bounds(x8: Floats, fs: float, r: int) -> tuple[int, int]:
    """First and last sample of the QRS around sample `r`: where the heart vector moves fast.

    Parameters
    ----------
    x8 : (8, time) mV. fs : Hz. r : sample of the R peak.

    Examples
    --------
    >>> x = np.tile(np.exp(-(np.linspace(-8, 8, 401) ** 2)), (8, 1))
    >>> first, last = qrs_bounds(x, 500, 200)
    >>> 140 < first < 170 < 230 < last < 260
    True
    """
    smooth = scipy.ndimage.gaussian_filter1d(x8, 0.004 * fs, axis=1)
    speed = np.sqrt((np.gradient(smooth, axis=1) ** 2).sum(0))
    low, high = max(0, r - round(0.12 * fs)), min(len(speed), r + round(0.16 * fs))
    near = speed[low:high]
    fast = np.flatnonzero(near > _SLOPE_SHARE * near.max() + np.median(speed))
    # Slow stretches up to 24 ms inside a notched QRS do not end it.
    parts = np.split(fast, np.flatnonzero(np.diff(fast) > 0.024 * fs) + 1)
    middle = int(near.argmax())
    around = next(part for part in parts if part[0] <= middle <= part[-1])
    pad = round(0.004 * fs)
    return max(0, low + int(around[0]) - pad), min(len(speed) - 1, low + int(around[-1]) + pad)


def _cut(x: Floats, places: Floats, before: int, after: int) -> Floats:
    """(beats, leads, before + after + 1) around places between samples, by cubic interpolation."""
    whole = np.floor(places).astype(np.int64)
    s = (places - whole)[:, None]
    index = whole[:, None] + np.arange(-before, after + 1)
    p = [x[:, (index + k).clip(0, x.shape[1] - 1)] for k in (-1, 0, 1, 2)]
    # Catmull and Rom's cubic through the four neighbours.
    bend = 2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]
    twist = 3 * (p[1] - p[2]) + p[3] - p[0]
    return np.moveaxis(p[1] + s / 2 * (p[2] - p[0] + s * (bend + s * twist)), 0, 1)


def _aligned(x8: Floats, peaks: Ints, fs: float, before: int, after: int) -> Floats:
    """Where each beat's QRS matches the median best, between samples, within 20 ms of its peak."""
    reach, half = round(0.02 * fs), round(0.06 * fs)
    places = peaks.astype(np.float64)
    for _ in range(2):
        wide = _cut(x8, places, half + reach, half + reach)
        middle = np.median(wide[..., reach : reach + 2 * half + 1], 0)
        middle -= middle.mean(-1, keepdims=True)
        shifted = np.lib.stride_tricks.sliding_window_view(wide, 2 * half + 1, axis=-1)
        match = np.einsum("nlsw,lw->ns", shifted, middle)
        best = match.argmax(-1).clip(1, 2 * reach - 1)
        left, top, right = (match[np.arange(len(match)), best + k] for k in (-1, 0, 1))
        curve = np.minimum(left - 2 * top + right, -1e-12)
        shift = best - reach + ((left - right) / (2 * curve)).clip(-0.5, 0.5)
        moved = places + shift - np.median(shift)  # on the whole the R peaks stay where they are
        places = np.where((moved >= before) & (moved + after < x8.shape[1]), moved, places)
    return places


def _baseline(x8: Floats, fs: float, places: Floats, onset: int) -> Floats:
    """Straight lines through the level of each PR segment; level beyond the first and the last.

    `onset` is that of the QRS in samples from the R peak (negative).
    """
    first, last = (round(s * fs) for s in _QUIET_BEFORE_QRS)
    peaks = np.rint(places).astype(np.int64)
    index = peaks[:, None] + np.arange(onset - first, onset - last + 1)
    level = np.median(x8[:, index.clip(0, x8.shape[1] - 1)], -1)
    middles, t = peaks + onset - (first + last) / 2, np.arange(x8.shape[1])
    return np.stack([np.interp(t, middles, row) for row in level])


def _alike(beats: Floats, middle: Floats) -> NDArray[np.bool_]:
    """Which beats have the shape of the median; all of them if fewer than two have."""
    a = beats - beats.mean(-1, keepdims=True)
    b = middle - middle.mean(-1, keepdims=True)
    scale = np.sqrt((a**2).sum((1, 2)) * (b**2).sum())
    alike = (a * b).sum((1, 2)) > _LIKE * np.where(scale > 0, scale, 1)
    return alike if alike.sum() >= 2 else np.ones(len(beats), bool)
