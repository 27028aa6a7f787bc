"""Draws: the same patients drawn for every path, so that every interval and difference is paired."""

from collections.abc import Hashable, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp.statistics import Interval, intervals
from dsp.statistics.ranks import CURVES, rank

Values = NDArray[np.float64]
"""(1 + draws,) a statistic of all records, then of each draw."""

N_DRAWS: Final = 1000
LEVEL: Final = 0.95
_BLOCK: Final = 2_000_000  # numbers held at once


class Draws:
    """How often each record is drawn: patients with all their records.

    Parameters
    ----------
    groups : (n,) the patient of each record.
    seed : the same seed draws the same patients.

    Examples
    --------
    >>> draws = Draws(range(40))
    >>> draws.interval(draws.mean(np.ones(40))).value
    1.0
    """

    def __init__(self, groups: Sequence[Hashable], *, n: int = N_DRAWS, seed: int = 0) -> None:
        _, self.member = intervals.numbered(np.zeros(len(groups)), list(groups))
        drawn = np.concatenate(list(intervals.draws(n, int(self.member.max()) + 1, seed)))
        self.counts = np.ones((1 + n, len(self.member)), np.float32)
        self.counts[1:] = drawn[:, self.member]

    def sums(self, *columns: ArrayLike) -> NDArray[np.float64]:
        """(columns, 1 + draws) sums of columns (n,) over the records that are whole in all of them."""
        x = np.stack([np.asarray(column, np.float64) for column in columns], axis=1)
        whole = np.isfinite(x).all(axis=1)
        return np.asarray((self.counts[:, whole] @ x[whole]).T)

    def share(self, part: ArrayLike, whole: ArrayLike) -> Values:
        """Sum of one (n,) over the sum of another; NaN where that is nothing."""
        over, under = self.sums(part, whole)
        out = np.full(over.shape, np.nan)
        return np.asarray(np.divide(over, under, out=out, where=under > 0))

    def mean(self, values: ArrayLike) -> Values:
        """Mean of (n,) values; records with a NaN do not count."""
        return self.share(values, np.ones(np.shape(values)))

    def auroc(self, positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> Values:
        """Area under the ROC curve of (n,) scores; ties count half, records with a NaN not at all."""
        whole = np.isfinite(scores)
        ranking = rank(positive[whole], np.asarray(scores[whole], np.float64))
        counts = self.counts[:, whole][:, ranking.order]
        rows = max(1, _BLOCK // max(counts.shape[1], 1))
        blocks = [
            CURVES["auroc"].value(ranking, counts[first : first + rows].astype(np.float64))
            for first in range(0, len(counts), rows)
        ]
        return np.concatenate(blocks)

    def interval(self, values: Values, counted: NDArray[np.bool_] | None = None) -> Interval:
        """A statistic with its interval.

        Parameters
        ----------
        values : (1 + draws,), that of all records first.
        counted : (n,) which records it rests on; all, if not given.
        """
        member = self.member if counted is None else self.member[counted]
        n_patients = len(np.unique(member))
        if n_patients < 2:
            return Interval(
                float(values[0]), np.nan, np.nan, LEVEL, n_patients, len(member), "no interval"
            )
        return intervals.percentiles(float(values[0]), values[1:], (n_patients, len(member)), LEVEL)
