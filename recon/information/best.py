"""Best: the lead set of each size that tells most, and whether it is really ahead."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from dsp import SignalError
from dsp.statistics import Interval
from recon.information.lead_sets import EVERYTHING, SIZES, SUBSETS

if TYPE_CHECKING:
    from recon.information.report import LeadInformation

ABOUT_ALL: Final = ("r2", "pooled", "joint")
"""Measures in which a given lead counts as known; in the others all sets are not comparable."""


@dataclasses.dataclass(frozen=True, slots=True)
class Best:
    """The best set of a size, and whether that matters.

    Attributes
    ----------
    size : leads or electrodes.
    given : the leads.
    value : of the measure, about all eight leads.
    runner_up : the next best set of that size; empty if there is none.
    ahead : by how much the best is better than it, on the same records; None without one.
    """

    size: int
    given: tuple[str, ...]
    value: Interval
    runner_up: tuple[str, ...]
    ahead: Interval | None


def best(info: LeadInformation, by: str, measure: str) -> tuple[Best, ...]:
    """As `LeadInformation.best`.

    Examples
    --------
    >>> import recon
    >>> x = np.random.default_rng(0).normal(size=(5, 8, 1000))
    >>> info = recon.information(x, predictor="linear", folds=2)
    >>> [found.size for found in best(info, "electrodes", "r2")]
    [2, 3, 4, 5, 6, 7, 8]
    """
    if by not in SIZES or measure not in ABOUT_ALL:
        raise SignalError(
            f"by={by!r}, measure={measure!r}: by is one of {' '.join(SIZES)}, the measure one of "
            f"{' '.join(ABOUT_ALL)}."
        )
    each = info.counts(None, measure)
    value, sizes = each.mean(axis=0), np.array(SIZES[by])
    found = []
    for size in sorted(set(sizes[1:EVERYTHING]) - {sizes[EVERYTHING]}):
        order = np.flatnonzero(sizes == size)
        first, *others = order[np.argsort(-value[order], kind="stable")]
        second = others[0] if others else None
        found.append(
            Best(
                int(size),
                SUBSETS[first],
                info.interval(each[:, first]),
                SUBSETS[second] if second is not None else (),
                info.interval(each[:, first] - each[:, second]) if second is not None else None,
            )
        )
    return tuple(found)
