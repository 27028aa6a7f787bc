"""Intervals that count patients, not recordings."""

import dataclasses
import itertools
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp.errors import LengthError, SignalError

FEWEST_PATIENTS: Final = 30
"""Below this a bootstrap interval can be too narrow for its level; the result carries a warning."""
_BLOCK: Final = 4_000_000  # counts held at once, to bound memory

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Any]
Groups = Sequence[Hashable] | NDArray[Any]


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


def bootstrap(
    values: ArrayLike,
    groups: Groups,
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
    check(level, n)
    kept, member = numbered(values, groups)
    n_patients = int(member.max()) + 1
    value = float(statistic(kept))
    if n_patients == 1:
        return Interval(value, np.nan, np.nan, level, 1, len(kept), "a single patient: no interval")
    replicates = _replicates(kept, member, statistic, draws(n, n_patients, seed))
    return percentiles(value, replicates, (n_patients, len(kept)), level)


def paired(
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups,
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


def from_influence(
    value: float, influence: ArrayLike, groups: Groups, *, level: float = 0.95
) -> Interval:
    """Interval of a smooth statistic from what each recording adds to it.

    The influences are summed by patient, their squares give the variance (the infinitesimal
    jackknife; Efron 1982), and Student's quantile the ends. Needs no draws.

    Parameters
    ----------
    value : of all recordings.
    influence : (records,) derivative of the value by the weight of each recording; they sum to 0.
    groups : (records,) the patient of each.
    level : nominal coverage.

    Returns
    -------
    The interval, symmetric about the value; NaN ends for a single patient.

    Raises
    ------
    LengthError, SignalError
        As `bootstrap`.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=400)
    >>> print(from_influence(x.mean(), (x - x.mean()) / 400, np.arange(400)))
    -0.03662 (-0.1346 to 0.06132, 95 % interval; 400 records of 400 patients)
    """
    check(level)
    kept, member = numbered(influence, groups)
    n_patients = int(member.max()) + 1
    if n_patients == 1:
        return Interval(value, np.nan, np.nan, level, 1, len(kept), "a single patient: no interval")
    half = scipy.special.stdtrit(n_patients - 1, (1 + level) / 2) * error(kept, member)
    low, high = float(value - half), float(value + half)
    return Interval(value, low, high, level, n_patients, len(kept), _few(n_patients))


def error(influence: Floats, member: NDArray[np.int64]) -> float:
    """Standard error: the root of the summed squares of the patients' influences."""
    by_patient = np.bincount(member, influence)
    n = len(by_patient)
    return float(np.sqrt((by_patient**2).sum() * n / max(n - 1, 1)))


def percentiles(
    value: float, replicates: Floats, counts: tuple[int, int], level: float
) -> Interval:
    """The interval that draws of patients give; `counts` are patients and recordings."""
    n_patients, n_records = counts
    finite = np.isfinite(replicates)
    low, high = _ends(replicates[finite], n_patients, level)
    notes = [_few(n_patients)] if _few(n_patients) else []
    if not finite.all():
        notes.append(f"undefined in {int((~finite).sum())} of {len(replicates)} draws")
    return Interval(value, low, high, level, n_patients, n_records, "; ".join(notes))


def check(level: float, n: int = 100) -> None:
    """A level and a number of draws that make an interval, or SignalError."""
    if not 0 < level < 1 or n < 100:
        raise SignalError(f"level={level!r}, n={n!r}: give 0 < level < 1 and at least 100 draws.")


def numbered(values: ArrayLike, groups: Groups) -> tuple[Floats, NDArray[np.int64]]:
    """The values without NaN, and the number of the patient of each, in order of appearance."""
    x = np.asarray(values, np.float64)
    if x.ndim not in (1, 2) or len(x) != len(groups):
        raise LengthError(f"values of shape {x.shape} and {len(groups)} groups; give one for each.")
    keep = np.asarray(np.isfinite(x) if x.ndim == 1 else np.isfinite(x).all(axis=1))
    if not keep.any():
        raise LengthError(f"none of {len(x)} values is finite: there is nothing to draw from.")
    if isinstance(groups, np.ndarray) and groups.dtype.kind in "biuSU":  # sorting is faster
        _, first, found = np.unique(groups[keep], return_index=True, return_inverse=True)
        return x[keep], np.argsort(np.argsort(first))[found]
    place: dict[Hashable, int] = {}
    member = [
        place.setdefault(name, len(place)) for name in itertools.compress(groups, keep.tolist())
    ]
    return x[keep], np.array(member, np.int64)


def draws(n: int, n_patients: int, seed: int, width: int = 1) -> Iterator[NDArray[np.int64]]:
    """How often each patient is drawn, (some of `n`, n_patients) at a time.

    So few at a time that as many rows of `width` numbers fit in memory too; the draws stay the same.
    """
    generator = np.random.default_rng(seed)
    share = np.full(n_patients, 1 / n_patients)
    at_once = max(1, _BLOCK // max(n_patients, width))
    for first in range(0, n, at_once):
        yield generator.multinomial(n_patients, share, size=min(at_once, n - first))


def _replicates(
    x: Floats,
    member: NDArray[np.int64],
    statistic: Statistic,
    blocks: Iterator[NDArray[np.int64]],
) -> Floats:
    """The statistic for each row of patient counts."""
    if statistic is np.mean and x.ndim == 1:
        sums, sizes = np.bincount(member, x), np.bincount(member)
        return np.concatenate([(block @ sums) / (block @ sizes) for block in blocks])
    records = np.arange(len(x))
    return np.array(
        [float(statistic(x[np.repeat(records, row[member])])) for block in blocks for row in block]
    )


def _ends(replicates: Floats, n_patients: int, level: float) -> tuple[float, float]:
    """The percentiles of the draws between which the value lies with probability `level`."""
    if not replicates.size:
        return np.nan, np.nan
    student = scipy.special.stdtrit(n_patients - 1, (1 + level) / 2)
    wide = student * np.sqrt(n_patients / (n_patients - 1))
    low, high = np.quantile(replicates, scipy.special.ndtr([-wide, wide]))
    return float(low), float(high)


def _few(n_patients: int) -> str:
    if n_patients >= FEWEST_PATIENTS:
        return ""
    return f"fewer than {FEWEST_PATIENTS} patients: the interval may be too narrow"
