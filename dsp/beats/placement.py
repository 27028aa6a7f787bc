"""Placement: the mark of a beat is the extremum of its QRS, at the full sampling rate.

Which extremum, R or S, is decided for similar beats together: else noise would throw the mark to and
fro between two of nearly the same size, and the intervals between beats with it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.beats.candidates import neighbours
from dsp.checks import Signal

REACH: Final = 0.09
"""s on either side of the energy's peak, where the extremum of one lead is sought."""
REACH_TOGETHER: Final = 0.03
"""The same for several leads, whose common energy is already centred on the QRS."""
UPRIGHT: Final = 4.0
"""An R is the mark unless its S or Q is more than this many times as large."""
TAPER: Final = 0.9
AROUND: Final = 4
"""Beats before and after that are looked at, so that beats of one shape are marked at one place."""
ALIKE: Final = 0.8
"""Least correlation of beats of one shape."""
FAR: Final = 5.0
"""s, beyond which a beat is nobody's neighbour."""
NEAR: Final = 0.02
"""s around the extremum of the mean of similar beats, within which a beat's own is sought."""
AT_ONCE: Final = 2_000_000
"""Samples around beats that are looked at together: a bound of memory."""
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
    offsets = np.arange(-reach, reach + 1)
    taper = 1 - TAPER * np.square((offsets / reach).astype(np.float32))
    moved = np.empty_like(centre)
    per_part = max(1, AT_ONCE // (x.shape[1] * len(offsets)))
    for first in range(0, len(centre), per_part):
        last = min(first + per_part, len(centre))
        # With the neighbours of its ends, so that a part gives what the whole gives.
        seen = slice(max(first - AROUND, 0), last + AROUND)
        around = gain[seen] * deviation(x, fs, record[seen], centre[seen], reach)
        score = np.where(around > 0, np.float32(UPRIGHT) * around, -around).sum(axis=1)
        shifts = range(1, min(AROUND, len(score) - 1) + 1)
        near = [neighbours(record[seen], centre[seen], k, round(FAR * fs) + 1) for k in shifts]
        mean = _of_alike(score, around.sum(axis=1), near)
        usual = offsets[np.argmax(mean * taper, axis=1)]
        own = np.where(np.abs(offsets - usual[:, None]) <= round(NEAR * fs), score, -np.inf)
        part = slice(first - seen.start, last - seen.start)
        moved[first:last] = (centre[seen] + offsets[np.argmax(own, axis=1)])[part]
    return np.clip(moved, 0, x.shape[-1] - 1)


def _of_alike(score: Signal, shape: Signal, near: list[NDArray[np.bool_]]) -> Signal:
    """Mean score (beats, time) of each beat and of those near it that look like it."""
    length = np.sqrt((shape**2).sum(axis=1)) + np.float32(1e-9)
    total, count = score.copy(), np.ones((len(score), 1), np.float32)
    for shift, both in enumerate(near, 1):
        early, late = slice(None, -shift), slice(shift, None)
        like = (shape[early] * shape[late]).sum(axis=1) / (length[early] * length[late])
        weight = (both & (like > ALIKE)).astype(np.float32)[:, None]
        total[early] += weight * score[late]
        total[late] += weight * score[early]
        count[early] += weight
        count[late] += weight
    return np.asarray(total / count)


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
