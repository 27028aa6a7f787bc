"""Candidates: peaks of energy, and which of them are beats, by height, by neighbours, by silence."""

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.beats.energy import Grid
from dsp.checks import Signal

WEAK: Final = 0.15
HEIGHT: Final = 0.27
"""Least height of a beat above the background, in units of the beats around it."""
BACKGROUND: Final = 1.25
"""How often the background is taken off the height: in noise, a beat must stand out from it."""
CAP: Final = 1.5
"""An artefact counts no higher than this against its neighbours."""
REFRACTORY: Final = 0.24
NEAR: Final = 0.65
"""Share of the usual interval within which a much lower neighbour is a T wave or noise."""
LOWER: Final = 0.3
NOISY: Final = 1.75
"""A near neighbour goes below this share of the height, plus this much of the background: in noise
two near peaks must be more equal to be two beats."""
SILENCE: Final = 1.5
"""Multiple of the usual interval after which a lower peak is taken for a beat."""
SOUGHT: Final = 0.2
_APART: Final = 0.1  # s between candidates
_AROUND: Final = 0.75  # s on either side, where the background is measured
_HALF_BEATS: Final = 8
_FAR: Final = 10.0  # s beyond which an interval says nothing about this one
_ROUNDS: Final = 3
_RECORD_APART: Final = 1e5  # s between records laid end to end

Index = NDArray[np.int64]
Float = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Candidates:
    """Peaks of relative energy: record, sample on the inner grid, height, background around it."""

    record: Index
    sample: Index
    height: Float
    background: Float

    def take(self, which: NDArray[np.bool_]) -> "Candidates":
        """Those of the mask."""
        return Candidates(
            self.record[which], self.sample[which], self.height[which], self.background[which]
        )


def find(a: Signal, grid: Grid) -> Candidates:
    """Peaks that are the highest within 0.1 s.

    Parameters
    ----------
    a : (records, time) relative magnitude.
    """
    inner = a[:, 1:-1]
    peak = np.zeros(a.shape, bool)
    np.logical_and(inner > a[:, :-2], inner >= a[:, 2:], out=peak[:, 1:-1])
    peak &= a > WEAK
    record, sample = np.nonzero(peak)
    apart, around = grid.samples(_APART), grid.samples(_AROUND)
    wide = np.pad(a, ((0, 0), (apart, apart)))
    offsets = np.arange(2 * apart + 1)
    near = wide[record[:, None], sample[:, None] + offsets]
    height = near[:, apart]
    # Of equal peaks the first counts.
    top = (near[:, :apart] < height[:, None]).all(axis=1) & (near.max(axis=1, initial=0) == height)
    record, sample, height = record[top], sample[top], height[top]
    offsets = np.arange(-around, around + 1, grid.samples(0.05))
    places = np.abs(sample[:, None] + offsets)
    places = np.minimum(places, 2 * (a.shape[1] - 1) - places)
    near = np.sort(a[record[:, None], np.maximum(places, 0)], axis=1)
    background = near[:, round(0.3 * (len(offsets) - 1))]
    return Candidates(record, sample, height.astype(np.float64), background.astype(np.float64))


def choose(found: Candidates, grid: Grid) -> NDArray[np.bool_]:
    """Which candidates are beats.

    Every rule looks at most some seconds around, so that a piece of a recording with enough of its
    surroundings gives the beats of the whole.
    """
    time = found.sample / grid.fs + found.record * _RECORD_APART
    height = np.minimum(found.height, CAP) - BACKGROUND * found.background
    kept = height > HEIGHT
    usual = usual_interval(time, height, kept)
    unequal = LOWER + NOISY * found.background
    for _ in range(_ROUNDS):
        _drop_neighbours(time, height, usual, unequal, kept)
    _search_back(time, height, usual, kept)
    _drop_neighbours(time, height, usual, unequal, kept)
    return kept


def usual_interval(time: Float, height: Float, kept: NDArray[np.bool_]) -> Float:
    """Median interval of up to 17 around each candidate, between those that are surely beats, s."""
    sure = kept.copy()
    _drop_neighbours(time, height, np.full(len(time), 0.6), np.full(len(time), LOWER), sure)
    t = time[sure]
    if len(t) < 2:
        return np.full(len(time), 0.8)
    intervals, middle = np.diff(t), (t[1:] + t[:-1]) / 2
    width = 2 * _HALF_BEATS + 1
    wide = np.pad(intervals, _HALF_BEATS, constant_values=np.inf)
    where = np.pad(middle, _HALF_BEATS, constant_values=np.inf)
    windows = np.lib.stride_tricks.sliding_window_view
    far = np.abs(windows(where, width) - middle[:, None]) > _FAR
    near = np.sort(np.where(far, np.inf, windows(wide, width)), axis=1)
    count = np.isfinite(near).sum(axis=1)
    median = near[np.arange(len(near)), np.maximum(count - 1, 0) // 2]
    median = np.clip(np.where(count > 0, median, 0.8), 0.3, 2.0)
    nearest = np.clip(np.searchsorted(middle, time), 0, len(middle) - 1)
    return np.asarray(median[nearest])


def neighbours(record: Index, sample: Index, shift: int, far: float) -> NDArray[np.bool_]:
    """Whether beat i and beat i + shift are of one record and less than `far` samples apart."""
    same = record[shift:] == record[:-shift]
    return np.asarray(same & (sample[shift:] - sample[:-shift] < far))


def _drop_neighbours(
    time: Float, height: Float, usual: Float, unequal: Float, kept: NDArray[np.bool_]
) -> None:
    """Of two beats too near, the lower goes, unless what drops it is itself dropped; in place."""
    index = np.flatnonzero(kept)
    if len(index) < 2:
        return
    t, h = time[index], height[index]
    gap = np.diff(t)
    lower = np.minimum(h[1:], h[:-1]) / np.maximum(h[1:], h[:-1])
    near = gap < np.minimum(NEAR * usual[index[:-1]], 0.6)
    clash = (gap < REFRACTORY) | (near & (lower < unequal[index[:-1]]))
    later = clash & (h[1:] < h[:-1])  # the later of the pair is the lower
    earlier = clash & ~later
    threatened = np.zeros(len(index), bool)
    threatened[1:] |= later
    threatened[:-1] |= earlier
    dropped = np.zeros(len(index), bool)
    dropped[1:] |= later & ~threatened[:-1]
    dropped[:-1] |= earlier & ~threatened[1:]
    kept[index[dropped]] = False


def _search_back(time: Float, height: Float, usual: Float, kept: NDArray[np.bool_]) -> None:
    """In a silence, the highest of the lower peaks around is a beat; in place."""
    index = np.flatnonzero(kept)
    if len(index) < 2:
        return
    t = time[index]
    before = np.searchsorted(t, time) - 1
    inside = (before >= 0) & (before < len(t) - 1) & ~kept
    maybe = np.flatnonzero(inside & (height > SOUGHT))
    since, until = time[maybe] - t[before[maybe]], t[before[maybe] + 1] - time[maybe]
    rr = usual[maybe]
    away = np.minimum(since, until) > np.maximum(0.36, 0.4 * rr)
    maybe = maybe[away & (since + until > SILENCE * rr) & (since + until < _RECORD_APART / 2)]
    if len(maybe) == 0:
        return
    kept[maybe] = True
    # Among the newly kept, neighbours nearer than half an interval leave only the highest.
    for _ in range(_ROUNDS):
        new = maybe[kept[maybe]]
        close = np.diff(time[new]) < 0.5 * usual[new[:-1]]
        second = close & (height[new[1:]] < height[new[:-1]])
        loses = np.zeros(len(new), bool)
        loses[1:] |= second
        loses[:-1] |= close & ~second
        kept[new[loses]] = False
