"""Matching marks, such as beats, one to one: who was found, missed, invented, and how far off."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp import checks
from dsp.errors import LengthError, SignalError

TOLERANCE: Final = 0.150
"""s; the customary window for beats (ANSI/AAMI EC57). It hides a wrong place or polarity: give 0.05 too."""

_BATCH: Final = 500  # marks assigned at once


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Match:
    """Which marks belong together.

    Attributes
    ----------
    pairs : (tp, 2) int64, places in the reference and in the detected marks, as given.
    missed : (fn,) int64, places in the reference without a partner.
    extra : (fp,) int64, places in the detected marks without a partner.
    errors : (tp,) s, detected minus reference.
    """

    pairs: NDArray[np.int64]
    missed: NDArray[np.int64]
    extra: NDArray[np.int64]
    errors: NDArray[np.float64]

    @property
    def tp(self) -> int:
        """Marks found."""
        return len(self.pairs)

    @property
    def fn(self) -> int:
        """Marks missed."""
        return len(self.missed)

    @property
    def fp(self) -> int:
        """Marks invented."""
        return len(self.extra)

    @property
    def sensitivity(self) -> float:
        """Found / (found + missed); NaN without reference marks."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def ppv(self) -> float:
        """Positive predictive value, found / (found + invented); NaN without detected marks."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """Harmonic mean of the two; NaN if there are no marks at all."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fn + self.fp)

    @property
    def bias(self) -> float:
        """Mean error, s; NaN if nothing was found."""
        return float(self.errors.mean()) if self.tp else float("nan")

    @property
    def sd(self) -> float:
        """Standard deviation of the errors (n - 1), s; NaN for fewer than two."""
        return float(self.errors.std(ddof=1)) if self.tp > 1 else float("nan")

    def __repr__(self) -> str:
        return (
            f"Match(tp={self.tp}, fp={self.fp}, fn={self.fn}; Se {100 * self.sensitivity:.2f} %, "
            f"PPV {100 * self.ppv:.2f} %, F1 {100 * self.f1:.2f} %; "
            f"error {1000 * self.bias:.1f} +- {1000 * self.sd:.1f} ms)"
        )


def match(
    reference: ArrayLike,
    detected: ArrayLike,
    fs: float,
    *,
    tolerance: float = TOLERANCE,
    ignore: Iterable[tuple[float, float]] = (),
    between: bool = False,
) -> Match:
    """Match detected marks to reference marks, each at most once.

    As many pairs as possible within the tolerance; among such matchings, the one with the least
    sum of distances. (Closest-first alone can lose a pair where marks crowd.)

    Parameters
    ----------
    reference, detected : (n,) and (m,) sample indices, in any order.
    fs : Hz.
    tolerance : s, the largest distance of a pair, inclusive.
    ignore : spans (start, stop) of samples, stop excluded, that do not count: a pair whose
        reference mark lies in one, and marks without a partner in one, are left out. The first
        five minutes, or fibrillation, for instance.
    between : whether an invented mark counts only between the first and the last reference mark,
        for references that leave the edges unmarked (LUDB, QTDB).

    Returns
    -------
    The match, with `tp`, `fp`, `fn`, `sensitivity`, `ppv`, `f1`, `bias`, `sd`.

    Raises
    ------
    LengthError
        If the marks are not one-dimensional.
    SignalError
        If a mark is not a finite number, or the tolerance is negative.
    RateError
        If `fs` is no rate for an ECG.

    Examples
    --------
    >>> match([100, 500, 900], [105, 480, 1200], 500)
    Match(tp=2, fp=1, fn=1; Se 66.67 %, PPV 66.67 %, F1 66.67 %; error -15.0 +- 35.4 ms)
    """
    fs = checks.rate(fs)
    if not tolerance >= 0:
        raise SignalError(f"tolerance={tolerance!r}: give seconds, 0 or more.")
    ref, det = _marks(reference, "reference"), _marks(detected, "detected")
    ref_order, det_order = np.argsort(ref, kind="stable"), np.argsort(det, kind="stable")
    pairs = _pairs(ref[ref_order], det[det_order], tolerance * fs * (1 + 1e-12))
    pairs = np.stack([ref_order[pairs[:, 0]], det_order[pairs[:, 1]]], axis=1)
    missed, extra = _others(len(ref), pairs[:, 0]), _others(len(det), pairs[:, 1])
    if between:
        first, last = (ref.min(), ref.max()) if len(ref) else (np.inf, -np.inf)
        extra = extra[(det[extra] >= first) & (det[extra] <= last)]
    for start, stop in ignore:
        pairs = pairs[~_within(ref[pairs[:, 0]], start, stop)]
        missed = missed[~_within(ref[missed], start, stop)]
        extra = extra[~_within(det[extra], start, stop)]
    return Match(pairs, missed, extra, (det[pairs[:, 1]] - ref[pairs[:, 0]]) / fs)


def pool(matches: Sequence[Match]) -> Match:
    """The match of several recordings taken together, for gross figures.

    Parameters
    ----------
    matches : of different recordings; their places are kept, and no longer say of which.

    Raises
    ------
    LengthError
        If there are none.

    Examples
    --------
    >>> pool([match([1], [1], 500), match([1], [], 500)]).sensitivity
    0.5
    """
    if not matches:
        raise LengthError("no matches to pool; give at least one.")
    return Match(
        np.concatenate([m.pairs for m in matches]),
        np.concatenate([m.missed for m in matches]),
        np.concatenate([m.extra for m in matches]),
        np.concatenate([m.errors for m in matches]),
    )


def _marks(values: ArrayLike, name: str) -> NDArray[np.float64]:
    try:
        marks = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise SignalError(f"the {name} marks are no numbers: {error}.") from None
    if marks.ndim != 1:
        raise LengthError(f"the {name} marks have shape {marks.shape}; give one list of samples.")
    if not np.isfinite(marks).all():
        raise SignalError(f"{int((~np.isfinite(marks)).sum())} of the {name} marks are not finite.")
    return marks


def _pairs(ref: NDArray[np.float64], det: NDArray[np.float64], limit: float) -> NDArray[np.int64]:
    """(tp, 2) places in the sorted marks: most pairs, then least total distance."""
    low = np.searchsorted(ref, det - limit, side="left")
    high = np.searchsorted(ref, det + limit, side="right")
    near = np.flatnonzero(high > low)
    low, high = low[near], high[near]
    if not near.size:
        return np.zeros((0, 2), np.int64)
    # Two neighbouring reference marks that one detected mark could take belong to one cluster.
    links = np.zeros(len(ref), np.int64)
    np.add.at(links, low, 1)
    np.add.at(links, high - 1, -1)
    cluster_of_ref = np.cumsum(np.append(True, np.cumsum(links)[:-1] == 0)) - 1
    cluster_of_det = cluster_of_ref[low]
    n = int(cluster_of_ref[-1]) + 1
    single = (np.bincount(cluster_of_ref, minlength=n) == 1) & (
        np.bincount(cluster_of_det, minlength=n) == 1
    )
    easy = single[cluster_of_det]
    pairs = [np.stack([low[easy], near[easy]], axis=1)]
    pairs += [
        _assign(ref, det, near[part], low[part], high[part], limit)
        for part in _batches(np.flatnonzero(~easy), cluster_of_det)
    ]
    found = np.concatenate(pairs)
    return np.asarray(found[np.argsort(found[:, 0], kind="stable")])


def _batches(crowded: NDArray[np.int64], cluster: NDArray[np.int64]) -> Iterable[NDArray[np.int64]]:
    """Crowded marks, some hundreds at a time, no cluster cut: assignment costs more than linearly."""
    starts = np.flatnonzero(np.diff(cluster[crowded], prepend=-1))
    cuts = starts[np.unique(starts // _BATCH, return_index=True)[1]]
    return np.split(crowded, cuts[1:]) if crowded.size else []


def _assign(
    ref: NDArray[np.float64],
    det: NDArray[np.float64],
    rows: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    limit: float,
) -> NDArray[np.int64]:
    """Detected marks `rows` to reference marks `low` to `high`, as a sparse assignment.

    Each detected mark may also take a blank of its own, dearer than any rearrangement of the
    others, so that an assignment of all exists and the cheapest one has the most pairs.
    """
    counts = high - low
    row = np.repeat(np.arange(len(rows)), counts)
    starts = np.cumsum(counts) - counts
    column = np.arange(counts.sum()) - np.repeat(starts - low, counts)
    used, column = np.unique(column, return_inverse=True)
    cost = np.abs(ref[used[column]] - det[rows[row]]) + 1.0
    blank = (limit + 2.0) * (len(rows) + 1)
    graph = scipy.sparse.csr_array(
        (
            np.append(cost, np.full(len(rows), blank)),
            (
                np.append(row, np.arange(len(rows))),
                np.append(column, len(used) + np.arange(len(rows))),
            ),
        ),
        shape=(len(rows), len(used) + len(rows)),
    )
    chosen_row, chosen = scipy.sparse.csgraph.min_weight_full_bipartite_matching(graph)
    real = chosen < len(used)
    return np.stack([used[chosen[real]], rows[chosen_row[real]]], axis=1)


def _others(n: int, taken: NDArray[np.int64]) -> NDArray[np.int64]:
    free = np.ones(n, bool)
    free[taken] = False
    return np.flatnonzero(free)


def _within(marks: NDArray[np.float64], start: float, stop: float) -> NDArray[np.bool_]:
    return (marks >= start) & (marks < stop)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
