"""Uncertainty: how often stated intervals hold the truth, record by record, and what width that costs."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike

from dsp.errors import LengthError, SignalError
from dsp.metrics.probabilistic import Values, coverage, crps, mean_of, pit, rank, three, worst

LEVELS: Final = (0.5, 0.8, 0.9, 0.95)
"""The nominal levels that are reported."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class UncertaintyReport:
    """How often intervals hold the truth, and how wide they have to be for it.

    Attributes
    ----------
    leads : names of the columns.
    coverage : by nominal level, (records, leads) share of samples inside; NaN where none count.
    width : by nominal level, (records, leads) mV, mean width of the interval: sharpness.
    crps : (records, leads) mV, of the Gaussian with the stated mean and standard deviation.
    pit : shares of the samples by their place in the Gaussian, equal if it is right.
    error, stated : (records,) mV, root mean square of the errors, and of the standard deviations.
    """

    leads: tuple[str, ...]
    coverage: Mapping[float, Values]
    width: Mapping[float, Values]
    crps: Values
    pit: Values
    error: Values
    stated: Values

    def overall(self, level: float) -> float:
        """Mean coverage of the records, each of which is the mean of its leads."""
        return _all(self.per_record(level))

    def per_lead(self, level: float) -> Values:
        """(leads,) mean coverage over records."""
        return mean_of(self.coverage[level].T)

    def per_record(self, level: float) -> Values:
        """(records,) mean coverage over leads: for intervals by patient."""
        return mean_of(self.coverage[level])

    def worst(self, level: float) -> float:
        """The coverage that the worst twentieth of records stays below, or equals."""
        return worst(self.per_record(level))

    @property
    def rank(self) -> float:
        """Spearman's correlation over records of the error with the stated standard deviation."""
        return rank(self.error, self.stated)

    def __repr__(self) -> str:
        return (
            f"UncertaintyReport({len(self.error)} records; 90 % intervals hold "
            f"{100 * self.overall(0.9):.1f} %, in the worst twentieth at most "
            f"{100 * self.worst(0.9):.1f} %; CRPS {_all(self.crps):.4f} mV)"
        )

    @property
    def table(self) -> str:
        """Text: a row a level with coverage overall, in the worst twentieth, and by lead."""
        head = f"{'level':>6}{'overall':>9}{'worst':>8}{'mV wide':>9}"
        lines = [head + "".join(f"{lead:>7}" for lead in self.leads)]
        lines += [
            f"{level:6.2f}{self.overall(level):9.3f}{self.worst(level):8.3f}"
            f"{_all(self.width[level]):9.3f}"
            + "".join(f"{share:7.3f}" for share in self.per_lead(level))
            for level in self.coverage
        ]
        lines += [
            "",
            f"CRPS {_all(self.crps):.4f} mV; error follows the stated deviation over "
            f"records with rank correlation {self.rank:.2f}",
            "PIT " + " ".join(f"{len(self.pit) * share:.2f}" for share in self.pit) + " (1: right)",
        ]
        return "\n".join(lines)


def uncertainty(
    truth: ArrayLike,
    mean: ArrayLike,
    std: ArrayLike,
    *,
    leads: Sequence[str],
    half: Mapping[float, ArrayLike] | None = None,
) -> UncertaintyReport:
    """Judge stated uncertainty against the truth, record by record and lead by lead.

    Samples of a record depend on each other, so that coverage of all samples together says little
    of the next record: coverage is taken in each, and its lower end is reported beside its mean.

    Parameters
    ----------
    truth, mean, std : (records, leads, time) mV, of hidden leads only: given ones are exact and
        would flatter. Samples count where all three are finite.
    leads : a name for each row.
    half : by level, half the width of the interval about the mean, (records, leads, time) or what
        broadcasts to it, mV; Gaussian, at `LEVELS`, if not given.

    Returns
    -------
    A report with `.overall`, `.per_lead`, `.per_record`, `.worst`, `.rank`, `.table`.

    Raises
    ------
    LengthError
        If the shapes differ, or the names are not one for each lead.
    SignalError
        For a negative width or a level outside 0 to 1; else as `dsp.checks.signal`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> report = uncertainty(rng.normal(size=(40, 2, 500)), np.zeros((40, 2, 500)),
    ...                      np.ones((40, 2, 500)), leads=("V1", "V2"))
    >>> round(report.overall(0.9), 2), round(report.worst(0.9), 2)
    (0.9, 0.89)
    """
    x, m, s = three(truth, mean, std)
    if x.ndim != 3 or len(leads) != x.shape[1]:
        raise LengthError(
            f"shape {x.shape} and {len(leads)} names; give (records, leads, time) and a name a lead."
        )
    if half is None:
        half = {q: float(scipy.special.ndtri(0.5 + q / 2)) * s for q in LEVELS}
    covered, width = {}, {}
    for level, each in half.items():
        reach = np.broadcast_to(np.asarray(each, np.float32), x.shape)
        if not 0 < level < 1 or (reach < 0).any():
            raise SignalError(
                f"level={level!r}: give levels between 0 and 1, and no half-width below 0."
            )
        covered[level] = coverage(x, m - reach, m + reach)
        width[level] = mean_of(2.0 * reach.astype(np.float64))
    kept = np.isfinite(x - m) & np.isfinite(s)
    squares = np.where(kept, (x - m).astype(np.float64) ** 2, np.nan)
    variance = np.where(kept, s.astype(np.float64) ** 2, np.nan)
    return UncertaintyReport(
        tuple(leads),
        MappingProxyType(covered),
        MappingProxyType(width),
        np.asarray(crps(x, m, s)),
        pit(x, m, s),
        np.sqrt(mean_of(squares.reshape(len(x), -1))),
        np.sqrt(mean_of(variance.reshape(len(x), -1))),
    )


def _all(values: Values) -> float:
    return float(mean_of(values.ravel()))
