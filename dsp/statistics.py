"""Statistics: intervals that count patients, not recordings."""

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp.errors import LengthError, SignalError

FEWEST_PATIENTS: Final = 30
"""Below this a bootstrap interval can be too narrow for its level; the result carries a warning."""
_BLOCK: Final = 4_000_000  # counts held at once, to bound memory

Statistic = Callable[[NDArray[np.float64]], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """A value with its interval.

    Attributes
    ----------
    value : of all recordings.
    low, high : the ends; NaN for a single patient.
    level : nominal coverage, from 0 to 1.
    n_patients, n_records : what it rests on.
    warning : why to mistrust it; empty if there is no reason.

    Examples
    --------
    >>> print(Interval(0.76, 0.74, 0.78, 0.95, 231, 379))
    0.76 (0.74 to 0.78, 95 % interval; 379 records of 231 patients)
    """

    value: float
    low: float
    high: float
    level: float
    n_patients: int
    n_records: int
    warning: str = ""

    def __str__(self) -> str:
        note = f"; {self.warning}" if self.warning else ""
        return (
            f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g}, {100 * self.level:g} % interval; "
            f"{self.n_records} records of {self.n_patients} patients{note})"
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Auroc:
    """An area under the curve with its interval and what it rests on.

    Attributes
    ----------
    value, low, high, level : as of `Interval`.
    n_positive, n_negative : recordings of either class.
    n_patients : of both together.

    Examples
    --------
    >>> print(Auroc(0.91, 0.88, 0.93, 0.95, 210, 1988, 1894))
    0.91 (0.88 to 0.93, 95 % interval; 210 positive and 1988 negative records of 1894 patients)
    """

    value: float
    low: float
    high: float
    level: float
    n_positive: int
    n_negative: int
    n_patients: int

    def __str__(self) -> str:
        return (
            f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g}, {100 * self.level:g} % interval; "
            f"{self.n_positive} positive and {self.n_negative} negative records "
            f"of {self.n_patients} patients)"
        )


def bootstrap(
    values: ArrayLike,
    groups: Sequence[Hashable] | NDArray[Any],
    statistic: Statistic = np.mean,
    *,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of a statistic of recordings, by drawing patients with all their recordings.

    Percentiles of the draws, with the patient as the unit drawn (Field and Welsh 2007), widened to
    Student's quantile and by sqrt(n / (n - 1)) for n patients (Hesterberg 2015, "expanded
    percentile"). On simulated patients with unequally many recordings it covers as often as, or
    oftener than, the bias-corrected accelerated interval, and is simpler.

    Parameters
    ----------
    values : (records,) or (records, columns); recordings with a NaN are left out and not counted.
    groups : (records,) the patient of each.
    statistic : of the values of the recordings drawn, a number. The mean of one column is
        computed for all draws at once; others are called `n` times.
    n : draws.
    level : nominal coverage.
    seed : the same seed gives the same interval.

    Returns
    -------
    The interval, with a warning below 30 patients. Draws in which the statistic is NaN (one class
    only, say) are left out, and the warning tells how many.

    Raises
    ------
    LengthError
        If `values` and `groups` differ in length, or nothing is left.
    SignalError
        If `level` is not between 0 and 1, or `n` below 100.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=400)
    >>> interval = bootstrap(x, np.arange(400) // 4)
    >>> interval.n_patients, interval.low < interval.value < interval.high
    (100, True)
    """
    if not 0 < level < 1 or n < 100:
        raise SignalError(f"level={level!r}, n={n!r}: give 0 < level < 1 and at least 100 draws.")
    kept, member = _prepare(values, groups)
    n_patients = int(member.max()) + 1
    value = float(statistic(kept))
    if n_patients == 1:
        return Interval(value, np.nan, np.nan, level, 1, len(kept), "a single patient: no interval")
    replicates = _replicates(kept, member, statistic, _draws(n, n_patients, seed))
    finite = np.isfinite(replicates)
    low, high = _ends(replicates[finite], n_patients, level)
    notes = []
    if n_patients < FEWEST_PATIENTS:
        notes.append(f"fewer than {FEWEST_PATIENTS} patients: the interval may be too narrow")
    if not finite.all():
        notes.append(f"undefined in {int((~finite).sum())} of {n} draws")
    return Interval(value, low, high, level, n_patients, len(kept), "; ".join(notes))


def paired(
    a: ArrayLike,
    b: ArrayLike,
    groups: Sequence[Hashable] | NDArray[Any],
    statistic: Statistic = np.mean,
    *,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of a statistic of the differences a - b of the same recordings.

    Parameters
    ----------
    a, b : (records,) scores of two methods; recordings either could not be scored on are left out.
    groups, statistic, n, level, seed : as `bootstrap`.

    Returns
    -------
    The interval; one that leaves out 0 tells a difference.

    Raises
    ------
    LengthError, SignalError
        As `bootstrap`; LengthError also if `a` and `b` differ in shape.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=60)
    >>> paired(x + 1, x, np.arange(60)).low > 0
    True
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape:
        raise LengthError(f"a has shape {first.shape}, b {second.shape}; they must be the same.")
    return bootstrap(first - second, groups, statistic, n=n, level=level, seed=seed)


def auroc(
    positive: ArrayLike,
    scores: ArrayLike,
    groups: Sequence[Hashable] | NDArray[Any] | None = None,
    *,
    level: float = 0.95,
) -> Auroc:
    """Area under the receiver operating characteristic, with its interval.

    The standard error is that of DeLong, DeLong and Clarke-Pearson (1988), summed by patient as
    in Obuchowski (1997); the interval is symmetric on the logit scale, so that it stays within
    0 and 1.

    Parameters
    ----------
    positive : (records,) true or false.
    scores : (records,) larger for positive.
    groups : (records,) the patient of each; every record its own if not given.
    level : nominal coverage.

    Returns
    -------
    The area with its interval and counts; NaN without both classes, and an interval of NaN at
    an area of exactly 0 or 1 (nothing is known of its spread) or with a single patient.

    Raises
    ------
    LengthError
        If the lengths differ.
    SignalError
        If a score is not finite, or `level` not between 0 and 1.

    Examples
    --------
    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value
    0.75
    """
    y, x = np.asarray(positive, bool), np.asarray(scores, np.float64)
    names = np.arange(len(y)) if groups is None else groups
    if y.ndim != 1 or y.shape != x.shape or len(names) != len(y):
        raise LengthError(
            f"{y.shape} classes, {x.shape} scores, {len(names)} groups; give one of each a record."
        )
    if not np.isfinite(x).all() or not 0 < level < 1:
        raise SignalError(f"scores must be finite and 0 < level={level!r} < 1.")
    n_positive, n_negative = int(y.sum()), int((~y).sum())
    if not n_positive or not n_negative:
        return Auroc(np.nan, np.nan, np.nan, level, n_positive, n_negative, len(set(names)))
    # Placement: the share of the other class each record is rightly ranked against.
    rank = scipy.stats.rankdata
    placed = rank(x)
    placed[y] = (placed[y] - rank(x[y])) / n_negative
    placed[~y] = 1 - (placed[~y] - rank(x[~y])) / n_positive
    area = float(placed[y].mean())
    influence = (placed - area) / np.where(y, n_positive, n_negative)
    _, member = _prepare(influence, names)
    by_patient = np.bincount(member, influence)
    n_patients = len(by_patient)
    error = np.sqrt((by_patient**2).sum() * n_patients / max(n_patients - 1, 1))
    low, high = np.nan, np.nan
    if 0 < area < 1 and n_patients > 1:
        half = scipy.special.ndtri((1 + level) / 2) * error / (area * (1 - area))
        low, high = scipy.special.expit(scipy.special.logit(area) + np.array([-half, half]))
    return Auroc(area, float(low), float(high), level, n_positive, n_negative, n_patients)


def _prepare(
    values: ArrayLike, groups: Sequence[Hashable] | NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The values without NaN, and the number of the patient of each, in order of appearance."""
    x = np.asarray(values, np.float64)
    names = groups.tolist() if isinstance(groups, np.ndarray) else list(groups)
    if x.ndim not in (1, 2) or len(x) != len(names):
        raise LengthError(f"values of shape {x.shape} and {len(names)} groups; give one for each.")
    keep = np.isfinite(x) if x.ndim == 1 else np.isfinite(x).all(axis=1)
    if not keep.any():
        raise LengthError(f"none of {len(x)} values is finite: there is nothing to draw from.")
    place: dict[Hashable, int] = {}
    member = [place.setdefault(names[i], len(place)) for i in np.flatnonzero(keep)]
    return x[keep], np.array(member, np.int64)


def _draws(n: int, n_patients: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """How often each patient is drawn, (some of `n`, n_patients) at a time."""
    generator = np.random.default_rng(seed)
    share = np.full(n_patients, 1 / n_patients)
    at_once = max(1, _BLOCK // n_patients)
    for first in range(0, n, at_once):
        yield generator.multinomial(n_patients, share, size=min(at_once, n - first))


def _replicates(
    x: NDArray[np.float64],
    member: NDArray[np.int64],
    statistic: Statistic,
    blocks: Iterator[NDArray[np.int64]],
) -> NDArray[np.float64]:
    """The statistic for each row of patient counts."""
    if statistic is np.mean and x.ndim == 1:
        sums, sizes = np.bincount(member, x), np.bincount(member)
        return np.concatenate([(block @ sums) / (block @ sizes) for block in blocks])
    records = np.arange(len(x))
    return np.array(
        [float(statistic(x[np.repeat(records, row[member])])) for block in blocks for row in block]
    )


def _ends(replicates: NDArray[np.float64], n_patients: int, level: float) -> tuple[float, float]:
    """The percentiles of the draws between which the value lies with probability `level`."""
    if not replicates.size:
        return np.nan, np.nan
    student = scipy.special.stdtrit(n_patients - 1, (1 + level) / 2)
    wide = student * np.sqrt(n_patients / (n_patients - 1))
    low, high = np.quantile(replicates, scipy.special.ndtr([-wide, wide]))
    return float(low), float(high)
