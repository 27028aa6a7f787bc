"""Confidence: a beat stands out from what surrounds it, looks like its neighbours, and comes back to its level."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.beats.candidates import Candidates, neighbours
from dsp.beats.energy import Grid
from dsp.checks import Signal

FLOOR: Final = 0.15
"""Where the beats around are less credible than this, there is no ECG."""
CONTRAST: Final = (0.55, 0.90)
"""1 - background / height from not a beat to surely one; noise of any band has 0.45 to 0.55."""
CALM: Final = (0.65, 0.75)
"""The usual contrast around, from a heart that never rests between deflections (fibrillation,
flutter: alike, but no beats to rely on) to an ECG; muscle noise as strong as the beats has 0.7."""
AGREEMENT: Final = (0.4, 0.9)
"""Mean correlation with the neighbours' shapes; noise, aligned at its extrema, has 0 to 0.3."""
RETURN: Final = (0.1, 0.3)
"""Share of a deflection that comes back within 0.25 s; a step has none."""
_HALF_BEATS: Final = 8
_FAR: Final = 10.0  # s
_SHAPE: Final = 0.08  # s on either side of the mark

Index = NDArray[np.int64]
Float = NDArray[np.float64]


def judge(
    y: Signal, g: Signal, gain: Signal, marks: Index, beats: Candidates, grid: Grid
) -> tuple[Float, NDArray[np.bool_]]:
    """How credible each beat is, and which to keep.

    Parameters
    ----------
    y, g : (records, leads, time) signal and slope on the inner grid.
    gain : (beats, leads, 1) how much each lead counts, per mV.
    marks : (beats,) samples of the inner grid.
    beats : what was chosen, ordered by record and time.

    Returns
    -------
    (beats,) confidence in [0, 1], and the mask of beats in whose surroundings there is an ECG.
    """
    if len(marks) == 0:
        return np.zeros(0), np.zeros(0, bool)
    far = _FAR * grid.fs
    near = [neighbours(beats.record, marks, shift, far) for shift in range(1, _HALF_BEATS + 1)]
    contrast = 1 - beats.background / beats.height
    alike = _agreement(g, gain, marks, beats.record, near, grid)
    doubt = (1 - _ramp(contrast, CONTRAST)) * (1 - _ramp(alike, AGREEMENT))
    back = _ramp(_returned(y, gain, marks, beats.record, grid), RETURN)
    own = (1 - doubt) * back
    around = _around(own, near)
    calm = _ramp(_around(contrast, near), CALM)
    return calm * (own + around) / 2, (around >= FLOOR) & (back > 0)


def _ramp(value: Float, span: tuple[float, float]) -> Float:
    return np.clip((value - span[0]) / (span[1] - span[0]), 0.0, 1.0)


def _agreement(
    g: Signal,
    gain: Signal,
    marks: Index,
    record: Index,
    near: list[NDArray[np.bool_]],
    grid: Grid,
) -> Float:
    """Mean correlation of each beat's slopes with those of up to 16 neighbours."""
    half = grid.samples(_SHAPE)
    shape = gain * _windows(g, marks, record, np.arange(-half, half + 1))
    shape = shape.reshape(len(marks), -1)
    shape /= np.maximum(np.sqrt(np.einsum("bs,bs->b", shape, shape)), 1e-30)[:, None]
    total, count = np.zeros(len(marks)), np.zeros(len(marks))
    for shift, pair in enumerate(near, 1):
        alike = np.einsum("bs,bs->b", shape[shift:], shape[:-shift]) * pair
        total[shift:] += alike
        total[:-shift] += alike
        count[shift:] += pair
        count[:-shift] += pair
    # Two or three that agree may do so by chance.
    return np.asarray(total / np.maximum(count, 6))


def _returned(y: Signal, gain: Signal, marks: Index, record: Index, grid: Grid) -> Float:
    """Share of the deflection that is gone a quarter of a second later, summed over leads."""
    edge, far = grid.samples(0.1), grid.samples(0.25)
    before = np.median(_windows(y, marks, record, np.arange(-far, -edge + 1)), axis=-1)
    after = np.median(_windows(y, marks, record, np.arange(edge, far + 1)), axis=-1)
    around = _windows(y, marks, record, np.arange(-edge, edge + 1))
    middle = (before + after)[..., None] / 2
    peak = np.nansum(np.abs(around - middle).max(axis=-1) * gain[..., 0], axis=-1)
    moved = np.nansum(np.abs(after - before) * gain[..., 0], axis=-1) / 2
    return np.asarray(1 - moved / np.maximum(peak, 1e-30), np.float64)


def _windows(x: Signal, marks: Index, record: Index, offsets: Index) -> Signal:
    """(beats, leads, offsets); the ends are held."""
    places = np.clip(marks[:, None] + offsets, 0, x.shape[-1] - 1)
    if x.shape[1] == 1:
        return np.asarray(x[record[:, None], 0, places][:, None])
    return np.ascontiguousarray(np.moveaxis(x[record[:, None], :, places], 1, 2))


def _around(own: Float, near: list[NDArray[np.bool_]]) -> Float:
    """Median over each beat and its neighbours."""
    table = np.full((len(own), 2 * _HALF_BEATS + 1), np.nan)
    table[:, 0] = own
    for shift, pair in enumerate(near, 1):
        table[shift:, 2 * shift - 1] = np.where(pair, own[:-shift], np.nan)
        table[:-shift, 2 * shift] = np.where(pair, own[shift:], np.nan)
    table.sort(axis=1)
    count = np.isfinite(table).sum(axis=1)
    rows = np.arange(len(own))
    return np.asarray((table[rows, (count - 1) // 2] + table[rows, count // 2]) / 2)
