"""Placement: the mark of a beat is the extremum of its QRS, at the full sampling rate."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.checks import Signal

REACH: Final = 0.09
"""s on either side of the energy's peak, where the extremum of one lead is sought."""
REACH_TOGETHER: Final = 0.03
"""The same for several leads, whose common energy is already centred on the QRS."""
UPRIGHT: Final = 2.0
"""An R is the mark unless its S or Q is more than this many times as large."""
TAPER: Final = 0.9
_SPIKE: Final = 0.006  # s; pacing spikes are narrower
_SMOOTH: Final = 0.01  # s
_BASE: Final = 0.3  # s on either side, whose median is the baseline


def place(
    x: Signal,
    fs: float,
    gain: Signal,
    record: NDArray[np.int64],
    centre: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Move each mark to the largest deviation from the baseline around it.

    Parameters
    ----------
    x : (records, leads, time).
    fs : Hz.
    gain : (beats, leads, 1) how much each lead counts, per mV.
    record, centre : (beats,) the record and about the sample of each beat.

    Returns
    -------
    (beats,) samples. Of several leads, the deviations are summed.
    """
    reach = round((REACH if x.shape[1] == 1 else REACH_TOGETHER) * fs)
    if len(centre) == 0 or reach < 1:
        return centre
    taper = 1 - TAPER * np.square(np.arange(-reach, reach + 1, dtype=np.float32) / reach)
    moved = np.empty_like(centre)
    per_part = max(1, 2_000_000 // (x.shape[1] * (2 * reach + 1)))
    for first in range(0, len(centre), per_part):
        part = slice(first, first + per_part)
        around = gain[part] * deviation(x, fs, record[part], centre[part], reach)
        score = np.where(around > 0, np.float32(UPRIGHT) * around, -around).sum(axis=1)
        moved[part] = centre[part] + np.argmax(score * taper, axis=-1) - reach
    return np.clip(moved, 0, x.shape[-1] - 1)


def deviation(
    x: Signal, fs: float, record: NDArray[np.int64], centre: NDArray[np.int64], reach: int
) -> Signal:
    """The signal around each beat less its baseline, without pacing spikes, slightly smoothed.

    Returns
    -------
    (beats, leads, 2 reach + 1) float32; zero in gaps and beyond the ends.
    """
    spike = round(_SPIKE * fs) if fs >= 230 else 0
    half = round(_SMOOTH * fs) // 2
    edge = spike + half
    near = _gather(x, record, centre, np.arange(-reach - edge, reach + edge + 1))
    if spike:
        a, b, c = near[..., : -2 * spike], near[..., spike:-spike], near[..., 2 * spike :]
        near = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    if half:
        size = near.shape[-1] - 2 * half
        total = near[..., :size].copy()
        for shift in range(1, 2 * half + 1):
            total += near[..., shift : shift + size]
        near = total / np.float32(2 * half + 1)
    far = round(_BASE * fs)
    base = np.sort(_gather(x, record, centre, np.linspace(-far, far, 31).round().astype(int)))
    present = np.isfinite(base).sum(axis=-1, keepdims=True)  # NaN sort last
    middle = np.take_along_axis(base, np.maximum(present - 1, 0) // 2, axis=-1)
    near = near - middle
    return np.nan_to_num(near, copy=False, nan=0.0)


def _gather(
    x: Signal, record: NDArray[np.int64], centre: NDArray[np.int64], offsets: NDArray[np.int64]
) -> Signal:
    """(beats, leads, offsets) samples of `x` around each beat; the ends are held."""
    places = np.clip(centre[:, None] + offsets, 0, x.shape[-1] - 1)
    if x.shape[1] == 1:
        return np.asarray(x[record[:, None], 0, places][:, None])
    return np.moveaxis(x[record[:, None], :, places], 1, 2)
