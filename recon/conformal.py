"""Conformal intervals: factors on a stated deviation with which intervals hold for the next patient.

A patient's samples err together, so that ten thousand samples of one patient are worth little more than
one. The unit is the patient: each has the same weight, however many records and samples, and one more
with an infinite error stands for whoever comes next. A sample of that patient is then inside with
at least the nominal probability, whatever the distribution (hierarchical conformal prediction: Lee,
Barber and Willett 2023; Vovk, Gammerman and Shafer 2005 for the exchangeable case).
"""

import itertools
from collections.abc import Hashable, Sequence
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp import LengthError, SignalError

Values = NDArray[np.float64]

LEVELS: Final = (0.5, 0.8, 0.9, 0.95)
"""The levels a table of factors is made for; others are read off between them."""
STEADINESS: Final = 0.9
"""How far an interval keeps one width within a record, from 0, the stated deviation as it stands, to 1,
its root mean square. Most of what a deviation gets wrong is the size of a whole record. An interval
that is as tight as can be at every sample then misses all of such a record at once, one of a steadier
width only the QRS complexes; the price is that QRS complexes are held less often than the rest."""


def scales(
    errors: ArrayLike,
    stds: ArrayLike,
    groups: Sequence[Hashable] | NDArray[Any],
    levels: Sequence[float] = LEVELS,
) -> Values:
    """Factors on the stated deviation, by level and lead, from the errors of patients not trained on.

    Parameters
    ----------
    errors, stds : (records, leads, time) mV; samples count where both are finite, so that leads
        that were given are NaN.
    groups : (records,) the patient of each. Where patients are unknown and hardly any came twice,
        a name for each record: one name for a whole data set would count it as one patient.
    levels : nominal coverage, ascending.

    Returns
    -------
    (levels, leads), ascending along the first axis; the interval is the mean -+ factor * std.
    NaN for a lead without a sample.

    Raises
    ------
    LengthError
        If the shapes do not agree, or the patients are too few: level / (1 - level) are needed, 19 for
        95 %.
    SignalError
        If a level is not between 0 and 1 or they do not ascend, or a deviation is not positive
        where the error is known.

    Examples
    --------
    >>> errors = np.random.default_rng(0).normal(size=(100, 1, 1000))
    >>> scales(errors, np.ones_like(errors), range(100)).round(1)[:, 0]
    array([0.7, 1.3, 1.7, 2. ])
    """
    e, s = np.asarray(errors, np.float64), np.asarray(stds, np.float64)
    names = groups.tolist() if isinstance(groups, np.ndarray) else list(groups)
    if e.ndim != 3 or e.shape != s.shape or len(names) != len(e):
        raise LengthError(
            f"errors of shape {e.shape}, stds {s.shape}, {len(names)} groups; give (records, leads, "
            "time) twice and a patient for each record."
        )
    wanted = _ascending(levels)
    known = np.isfinite(e) & np.isfinite(s)
    if (s[known] <= 0).any():
        raise SignalError("a standard deviation is not positive; make errors of given leads NaN.")
    place: dict[Hashable, int] = {}
    patient = np.array([place.setdefault(name, len(place)) for name in names], np.int64)
    table = [
        _quantiles(np.abs(e[:, lead]), s[:, lead], known[:, lead], patient, wanted)
        for lead in range(e.shape[1])
    ]
    return np.stack(table, axis=-1)


def factor(table: ArrayLike, level: float, levels: Sequence[float] = LEVELS) -> Values:
    """Factors at any level, between and beyond those of a table.

    A straight line over the Gaussian's own factor between two levels, and from 0; beyond the last, in
    proportion to the Gaussian's. So it is exact at the levels of the table, and ascending.

    Parameters
    ----------
    table : (levels, leads) as of `scales`.
    level : from 0 to 1, both excluded.
    levels : of the rows of the table.

    Returns
    -------
    (leads,)

    Raises
    ------
    SignalError
        Unless 0 < level < 1.
    LengthError
        If the table has not a row for each level.

    Examples
    --------
    >>> float(factor([[0.5], [1.0], [2.0], [3.0]], 0.9)[0])
    2.0
    """
    rows = np.asarray(table, np.float64)
    if not 0 < level < 1:
        raise SignalError(f"level={level!r}: an interval has a level between 0 and 1.")
    if rows.ndim != 2 or len(rows) != len(levels):
        raise LengthError(f"a table of shape {rows.shape} for {len(levels)} levels.")
    knots = np.append(0.0, _gaussian(_ascending(levels)))
    at = float(_gaussian(np.array(level)))
    rows = np.concatenate([np.zeros_like(rows[:1]), rows])
    if at >= knots[-1]:
        return np.asarray(rows[-1] * (at / knots[-1]))
    k = int(np.searchsorted(knots, at, side="right"))
    part = (at - knots[k - 1]) / (knots[k] - knots[k - 1])
    return np.asarray(rows[k - 1] * (1 - part) + rows[k] * part)


def steady(std: ArrayLike, steadiness: float = STEADINESS) -> Values:
    """A stated deviation, drawn towards one width within each record and lead.

    Parameters
    ----------
    std : (..., time) mV, >= 0; NaN where unknown.
    steadiness : from 0, unchanged, to 1, the root mean square throughout.

    Returns
    -------
    (..., time) mV: the weighted geometric mean of the two.

    Raises
    ------
    SignalError
        Unless 0 <= steadiness <= 1.

    Examples
    --------
    >>> steady([1.0, 7.0], 1.0), steady([1.0, 7.0], 0.0)
    (array([5., 5.]), array([1., 7.]))
    """
    if not 0 <= steadiness <= 1:
        raise SignalError(f"steadiness={steadiness!r}: give a share from 0 to 1.")
    s = np.asarray(std, np.float64)
    known = np.isfinite(s)
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    mean = np.sqrt((np.where(known, s, 0.0) ** 2).sum(axis=-1, keepdims=True) / count)
    return np.asarray(s ** (1 - steadiness) * mean**steadiness)


def _quantiles(
    errors: Values,
    stds: Values,
    known: NDArray[np.bool_],
    patient: NDArray[np.int64],
    levels: Values,
) -> Values:
    """(levels,) of one lead: errors (records, time) in deviations, every patient alike."""
    per_record = known.sum(axis=-1)
    seen = per_record > 0
    if not seen.any():
        return np.full(len(levels), np.nan)
    records = np.bincount(patient[seen], minlength=int(patient.max()) + 1)
    n = int((records > 0).sum())
    if levels[-1] > n / (n + 1):
        raise LengthError(
            f"{n} patients cannot vouch for {100 * levels[-1]:g} %: at least "
            f"{int(np.ceil(levels[-1] / (1 - levels[-1]) - 1e-9))} are needed."
        )
    weight = 1 / (np.maximum(per_record, 1) * np.maximum(records[patient], 1) * (n + 1))
    score = errors[known] / stds[known]
    order = np.argsort(score)
    reached = np.cumsum(np.repeat(weight, per_record)[order])
    place = np.searchsorted(reached, levels * (1 - 1e-12))
    return np.asarray(score[order][np.minimum(place, len(order) - 1)])


def _gaussian(levels: Values) -> Values:
    """Half the width, in deviations, of a Gaussian's interval."""
    return np.asarray(scipy.special.ndtri(0.5 + levels / 2))


def _ascending(levels: Sequence[float]) -> Values:
    if not levels or not all(0 < a < b for a, b in itertools.pairwise((*levels, 1.0))):
        raise SignalError(f"levels={tuple(levels)!r}: give some between 0 and 1, ascending.")
    return np.array(levels, np.float64)
