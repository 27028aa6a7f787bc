"""Energy: where a lead moves as fast as a QRS does, on a grid of about 125 Hz and in units of its beats."""

import dataclasses
import functools
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from dsp.checks import Signal

BAND: Final = (5.0, 20.0)
"""Hz; slower are P, T and baseline, faster is muscle and mains."""
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
_TAIL: Final = 0.2  # s; the filter's response has decayed to 1e-3 here
_COLUMNS: Final = 64
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


def slope(y: Signal, grid: Grid) -> Signal:
    """The derivative of the band-passed signal; a gap has none, whatever the levels on its two sides.

    Parameters
    ----------
    y : (..., time) on the inner grid, NaN in gaps.
    """
    steps = np.zeros_like(y)
    np.subtract(y[..., 1:], y[..., :-1], out=steps[..., 1:])
    np.nan_to_num(steps, copy=False, nan=0.0)
    return _convolve(steps, _response(grid.fs))


@functools.lru_cache(maxsize=64)
def _response(fs: float) -> NDArray[np.float32]:
    """Impulse response of a first-order band-pass run both ways, cut at 0.2 s; its sum is zero."""
    tail = round(_TAIL * fs)
    sos = scipy.signal.butter(
        1, [BAND[0], min(BAND[1], 0.45 * fs)], "bandpass", fs=fs, output="sos"
    )
    pulse = np.zeros(6 * tail + 1)
    pulse[3 * tail] = 1.0
    both = scipy.signal.sosfilt(sos, scipy.signal.sosfilt(sos, pulse)[::-1])[::-1]
    taps = both[2 * tail : 4 * tail + 1] * np.hanning(2 * tail + 3)[1:-1] ** 0.25
    return np.asarray(taps - taps.mean(), np.float32)


def _convolve(x: Signal, taps: NDArray[np.float32]) -> Signal:
    """Centred convolution with a short kernel, mirrored at the ends, as one matrix product."""
    n, reach = x.shape[-1], len(taps) // 2
    rows = x.reshape(-1, n)
    blocks = -(-n // _COLUMNS)
    wide = np.zeros((len(rows), blocks * _COLUMNS + 2 * reach), np.float32)
    wide[:, reach : reach + n] = rows
    ends = min(reach, n - 1)
    # The first step is that from the first sample to itself: mirror about the second.
    wide[:, reach - ends + 1 : reach + 1] = rows[:, ends:0:-1]
    wide[:, reach + n : reach + n + ends] = rows[:, n - 1 : n - 1 - ends : -1]
    frames = np.lib.stride_tricks.sliding_window_view(wide, _COLUMNS + 2 * reach, axis=1)
    out = frames[:, ::_COLUMNS].reshape(-1, _COLUMNS + 2 * reach) @ _banded(taps.tobytes())
    return out.reshape(len(rows), -1)[:, :n].reshape(x.shape)


@functools.lru_cache(maxsize=64)
def _banded(raw: bytes) -> NDArray[np.float32]:
    """Matrix whose column j holds the reversed kernel from row j on."""
    taps = np.frombuffer(raw, np.float32)
    matrix = np.zeros((_COLUMNS + len(taps) - 1, _COLUMNS), np.float32)
    for column in range(_COLUMNS):
        matrix[column : column + len(taps), column] = taps[::-1]
    return matrix


def magnitude(g: Signal, grid: Grid) -> Signal:
    """Root of the mean squared slope over the duration of a QRS."""
    power = scipy.ndimage.uniform_filter1d(
        np.square(g), grid.samples(WIDTH) | 1, axis=-1, mode="nearest"
    )
    return np.sqrt(np.maximum(power, 0.0, out=power), out=power)


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
    """Median over `half` neighbours on either side, fewer at the ends."""
    ends = [(0, 0)] * (values.ndim - 1) + [(half, half)]
    wide = np.pad(values, ends, constant_values=np.inf)
    near = np.sort(np.lib.stride_tricks.sliding_window_view(wide, 2 * half + 1, axis=-1), axis=-1)
    count = np.isfinite(near).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(near, (count - 1) // 2, axis=-1)
    high = np.take_along_axis(near, count // 2, axis=-1)
    return np.asarray((low + high)[..., 0] / 2, np.float32)


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
    height = np.maximum(level(highest), np.float32(_TINY))
    usual = np.maximum(median_around(mean, HALF_BLOCKS), np.float32(_TINY))
    # In noise the maximum of two seconds is about 1.7 times the mean, in an ECG three to ten.
    weight = np.clip(height / usual - 2.0, 0.1, 1.0) * (height > 2 * _TINY)
    total = np.sqrt(np.square(weight).sum(axis=1, keepdims=True))
    share = (weight / np.maximum(total, np.float32(_TINY))).astype(np.float32)
    gain = share / height
    if a.shape[1] == 1:
        return a[:, 0] * spread(gain[:, 0], grid, a.shape[-1]), gain
    power = np.zeros((a.shape[0], a.shape[-1]), np.float32)
    for lead in range(a.shape[1]):
        part = a[:, lead] * spread(gain[:, lead], grid, a.shape[-1])
        beat = spread(share[:, lead] * np.float32(1 - BEYOND), grid, a.shape[-1])
        np.minimum(part, beat + np.float32(BEYOND) * part, out=part)
        power += np.square(part, out=part)
    fused = np.sqrt(power)
    highest, _ = blockwise(fused, grid)
    fused /= spread(np.maximum(level(highest), np.float32(_TINY)), grid, a.shape[-1])
    return fused, gain


def spread(blocks: Signal, grid: Grid, n: int) -> Signal:
    """Each block's value at each of its samples."""
    return np.repeat(blocks, grid.block, axis=-1)[..., :n]


def at(gain: Signal, grid: Grid, record: NDArray[np.int64], sample: NDArray[np.int64]) -> Signal:
    """Gain of each lead at each beat, (beats, leads, 1)."""
    return np.asarray(gain[record, :, sample // grid.block][..., None])
