"""Energy: how fast a lead moves in the bands of a QRS, on a grid of about 125 Hz and in units of its beats."""

import dataclasses
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from dsp.checks import Signal

INNER_FS: Final = 125.0
"""Hz; every recording is brought near this rate by an integer step, so that the answer hardly knows `fs`."""
WIDTH: Final = 0.1
"""s; the duration of a normal QRS, over which energy is averaged."""
BLOCK_S: Final = 1.0
HALF_BLOCKS: Final = 8
"""The level of a beat is a median over 2 x 8 + 1 blocks of one second."""
BEYOND: Final = 0.01
"""Of several leads each counts up to the height of its own beats, and with this share of what is
beyond: an artefact of one lead is no beat, and peaks stay peaks."""
STANDS_OUT: Final = 2.3
"""Highest over mean from which on beats are seen; in noise of any band it is 1.5 to 2.2."""
PREFERENCE: Final = 0.75
"""How far beats in the high band must stand out, relative to the low, to count as much."""
SHARPNESS: Final = 8.0
"""How quickly the band in which beats stand out less is forgotten."""
_LEAST: Final = 0.1  # in favour of the low band, where beats hardly stand out
_TINY: Final = 1e-30


@dataclasses.dataclass(frozen=True, slots=True)
class Grid:
    """The inner time grid: every `step`-th sample, `fs` of them a second, `block` of them a block."""

    step: int
    fs: float
    block: int

    @classmethod
    def of(cls, fs: float) -> "Grid":
        """The grid of a recording of `fs` Hz."""
        step = max(1, round(fs / INNER_FS))
        return cls(step, fs / step, round(BLOCK_S * fs / step))

    def samples(self, seconds: float) -> int:
        """A duration in samples of the grid, at least one."""
        return max(1, round(seconds * self.fs))


def decimate(x: Signal, step: int) -> Signal:
    """Every `step`-th sample of a triangular average; sample k stays at k * step; NaN spreads.

    Parameters
    ----------
    x : (..., time).
    step : how many samples become one.
    """
    if step == 1:
        return x
    n = x.shape[-1]
    n_out = -(-n // step)
    if n_out * step != n:
        x = np.concatenate([x, np.repeat(x[..., -1:], n_out * step - n, axis=-1)], axis=-1)
    ramp = np.arange(step, dtype=np.float32)
    weights = np.stack([step - ramp, ramp], axis=1) / np.float32(step * step)
    halves = x.reshape(*x.shape[:-1], n_out, step) @ weights
    out: Signal = np.ascontiguousarray(halves[..., 0])
    out[..., 1:] += halves[..., :-1, 1]
    out[..., 0] += x[..., 0] * np.float32((step - 1) / (2 * step))
    return out


def magnitude(g: Signal, grid: Grid) -> Signal:
    """Root of the mean squared slope over the duration of a QRS."""
    power = scipy.ndimage.uniform_filter1d(
        np.square(g), grid.samples(WIDTH) | 1, axis=-1, mode="nearest"
    )
    return np.sqrt(np.maximum(power, 0.0, out=power), out=power)


def mix(low: Signal, high: Signal, grid: Grid) -> Signal:
    """One magnitude of two bands, in units of the low: each counts by how far its beats stand out.

    Electrodes that move disturb the low band, muscle the high one; in a clean recording both count.

    Parameters
    ----------
    low, high : (..., time) magnitudes.
    """
    heights, shown = [], []
    for a in (low, high):
        highest, mean = blockwise(a, grid)
        heights.append(level(highest))
        shown.append(np.maximum(heights[-1] / median_around(mean, HALF_BLOCKS) - STANDS_OUT, 0))
    # Where the low band shows no beats there is no heart: fibrillation, flutter, noise.
    odds = (PREFERENCE * shown[1] / (shown[0] + _LEAST)) ** SHARPNESS * (shown[0] > 0)
    share = (odds / (1 + odds)).astype(np.float32)
    n = low.shape[-1]
    out = np.square(low) * spread(1 - share, grid, n)
    out += np.square(high) * spread(share * np.square(heights[0] / heights[1]), grid, n)
    return np.sqrt(out, out=out)


def blockwise(a: Signal, grid: Grid) -> tuple[Signal, Signal]:
    """Maximum and mean of each block of about one second.

    Returns
    -------
    two arrays (..., blocks).
    """
    n = a.shape[-1]
    full = n // grid.block
    inside = a[..., : full * grid.block].reshape(*a.shape[:-1], full, grid.block)
    highest, mean = inside.max(axis=-1), inside.mean(axis=-1)
    if full * grid.block < n:
        rest = a[..., full * grid.block :]
        highest = np.concatenate([highest, rest.max(axis=-1, keepdims=True)], axis=-1)
        mean = np.concatenate([mean, rest.mean(axis=-1, keepdims=True)], axis=-1)
    return highest, mean


def level(highest: Signal) -> Signal:
    """How high beats are: the median over blocks of what two neighbouring blocks reach.

    Two blocks hold a beat down to 30 a minute; the median forgets an artefact and a lost electrode.
    """
    if highest.shape[-1] > 1:
        pairs = np.maximum(highest[..., 1:], highest[..., :-1])
        highest = np.concatenate([pairs, pairs[..., -1:]], axis=-1)
    return median_around(highest, HALF_BLOCKS)


def median_around(values: Signal, half: int) -> Signal:
    """Median over `half` neighbours on either side, fewer at the ends; never 0, to divide by."""
    ends = [(0, 0)] * (values.ndim - 1) + [(half, half)]
    wide = np.pad(values, ends, constant_values=np.inf)
    near = np.sort(np.lib.stride_tricks.sliding_window_view(wide, 2 * half + 1, axis=-1), axis=-1)
    count = np.isfinite(near).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(near, (count - 1) // 2, axis=-1)
    high = np.take_along_axis(near, count // 2, axis=-1)
    return np.maximum(np.asarray((low + high)[..., 0] / 2, np.float32), np.float32(_TINY))


def fuse(a: Signal, grid: Grid) -> tuple[Signal, Signal]:
    """All leads as one magnitude, in units of the beats around.

    Parameters
    ----------
    a : (records, leads, time) magnitudes.

    Returns
    -------
    fused : (records, time), 1 where a beat is as high as the beats around it.
    gain : (records, leads, blocks), by which a lead counts in each block: its energy is taken in
        units of its own beats and weighted by how far these stand out, so that noisy, flat and
        absent leads have next to no say, and no lead counts much above one beat.
    """
    highest, mean = blockwise(a, grid)
    height = level(highest)
    if a.shape[1] == 1:
        own = np.asarray((height > 2 * _TINY) / height, np.float32)
        return a[:, 0] * spread(own[:, 0], grid, a.shape[-1]), own
    # In noise the maximum of two seconds is about 1.7 times the mean, in an ECG three to ten.
    out = height / median_around(mean, HALF_BLOCKS)
    weight = np.clip(out - 2.0, 0.1, 1.0) * (height > 2 * _TINY)
    total = np.sqrt(np.square(weight).sum(axis=1, keepdims=True))
    share = (weight / np.maximum(total, np.float32(_TINY))).astype(np.float32)
    gain = share / height
    power = np.zeros((a.shape[0], a.shape[-1]), np.float32)
    for lead in range(a.shape[1]):
        part = a[:, lead] * spread(gain[:, lead], grid, a.shape[-1])
        beat = spread(share[:, lead] * np.float32(1 - BEYOND), grid, a.shape[-1])
        np.minimum(part, beat + np.float32(BEYOND) * part, out=part)
        power += np.square(part, out=part)
    fused = np.sqrt(power)
    highest, _ = blockwise(fused, grid)
    fused /= spread(level(highest), grid, a.shape[-1])
    return fused, gain


def spread(blocks: Signal, grid: Grid, n: int) -> Signal:
    """Each block's value at each of its samples."""
    return np.repeat(blocks, grid.block, axis=-1)[..., :n]


def at(gain: Signal, grid: Grid, record: NDArray[np.int64], sample: NDArray[np.int64]) -> Signal:
    """Gain of each lead at each beat, (beats, leads, 1)."""
    return np.asarray(gain[record, :, sample // grid.block][..., None])
