"""How well scores rank positives above negatives: AUROC and AUPRC with their intervals."""

import dataclasses
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike

from dsp.errors import SignalError
from dsp.statistics import intervals, tables
from dsp.statistics.intervals import Groups
from dsp.statistics.ranks import Name
from dsp.statistics.tables import FEWEST_POSITIVES

Method = Literal["delong", "bootstrap"]


@dataclasses.dataclass(frozen=True, slots=True)
class Area:
    """An area under a curve with its interval and what it rests on.

    Attributes
    ----------
    value, low, high, level : as of `Interval`.
    n_positive, n_negative : recordings of either class.
    n_patients : of both together.
    name : AUROC or AUPRC.
    warning : why to mistrust it; empty if there is no reason.

    Examples
    --------
    >>> print(Area(0.91, 0.88, 0.93, 0.95, 210, 1988, 1894))
    0.91 (0.88 to 0.93, 95 % interval; 210 positive and 1988 negative records of 1894 patients)
    """

    value: float
    low: float
    high: float
    level: float
    n_positive: int
    n_negative: int
    n_patients: int
    name: str = "AUROC"
    warning: str = ""

    @property
    def chance(self) -> float:
        """What scores without information reach: 0.5, or the share of positives."""
        if self.name == "AUROC":
            return 0.5
        return self.n_positive / max(self.n_positive + self.n_negative, 1)

    def __str__(self) -> str:
        chance = f"; chance {self.chance:.2g}" if self.name != "AUROC" else ""
        note = f"; {self.warning}" if self.warning else ""
        return (
            f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g}, {100 * self.level:g} % interval; "
            f"{self.n_positive} positive and {self.n_negative} negative records "
            f"of {self.n_patients} patients{chance}{note})"
        )


def auroc(
    positive: ArrayLike,
    scores: ArrayLike,
    groups: Groups | None = None,
    *,
    method: Method = "delong",
    level: float = 0.95,
    n: int = 1000,
    seed: int = 0,
) -> Area:
    """Area under the receiver operating characteristic, with its interval.

    By default the standard error is that of DeLong, DeLong and Clarke-Pearson (1988), from ranks
    (Sun and Xu 2014) and summed by patient as in Obuchowski (1997); the interval is symmetric on
    the logit scale, so that it stays within 0 and 1.

    Parameters
    ----------
    positive : (records,) true or false.
    scores : (records,) larger for positive.
    groups : (records,) the patient of each; every record its own if not given.
    method : ``"bootstrap"`` draws patients instead, with all their recordings.
    level : nominal coverage.
    n, seed : draws of the bootstrap.

    Returns
    -------
    The area with its interval and counts; NaN without both classes, and an interval of NaN at
    an area of exactly 0 or 1 (nothing is known of its spread) or with a single patient. Fewer
    than ten positives carry a warning.

    Raises
    ------
    LengthError
        If the lengths differ.
    SignalError
        If a score is not finite, a class is not true or false, `level` not between 0 and 1, or
        `n` below 100.

    Examples
    --------
    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value
    0.75
    """
    return _area("auroc", (positive, scores, groups), method, level, (n, seed))


def auprc(
    positive: ArrayLike,
    scores: ArrayLike,
    groups: Groups | None = None,
    *,
    method: Method = "delong",
    level: float = 0.95,
    n: int = 1000,
    seed: int = 0,
) -> Area:
    """Area under the precision-recall curve (average precision), with its interval.

    Mean over positives of the precision at their own score, without interpolation. Chance is the
    share of positives, so that areas of unequal shares cannot be compared. The default interval is
    DeLong's carried over: each record's influence, summed by patient, on the logit scale.

    Parameters
    ----------
    positive, scores, groups, method, level, n, seed : as `auroc`.

    Returns
    -------
    As `auroc`.

    Raises
    ------
    LengthError, SignalError
        As `auroc`.

    Examples
    --------
    >>> area = auprc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> round(area.value, 4), area.chance
    (0.8333, 0.5)
    """
    return _area("auprc", (positive, scores, groups), method, level, (n, seed))


def _area(
    name: Name,
    given: tuple[ArrayLike, ArrayLike, Groups | None],
    method: Method,
    level: float,
    sampling: tuple[int, int],
) -> Area:
    """One area of (positive, scores, groups)."""
    y, x, member = tables.prepare(*given, level)
    n, seed = sampling
    intervals.check(level, n)
    if method not in ("delong", "bootstrap"):
        raise SignalError(f"method={method!r}: give delong or bootstrap.")
    ones, patients = int(y.sum()), int(member.max()) + 1 if len(y) else 0
    value, low, high, notes = np.nan, np.nan, np.nan, []
    if 0 < ones < len(y):
        value = float(tables.whole(name, y, x)[0])
        if method == "delong":
            spread = intervals.error(tables.influences(name, y, x)[:, 0], member)
            low, high = _logit_ends(value, spread, patients, level)
        elif patients > 1:
            replicates = tables.drawn(name, y, (x,), member, n=n, seed=seed)[0, :, 0]
            found = intervals.percentiles(value, replicates, (patients, len(y)), level)
            low, high = found.low, found.high
            notes += [found.warning] if found.warning else []
    if ones < FEWEST_POSITIVES:
        notes.append(f"fewer than {FEWEST_POSITIVES} positive records")
    return Area(
        value, low, high, level, ones, len(y) - ones, patients, name.upper(), "; ".join(notes)
    )


def _logit_ends(value: float, spread: float, patients: int, level: float) -> tuple[float, float]:
    """Ends that are symmetric on the logit scale."""
    if not 0 < value < 1 or patients < 2:
        return np.nan, np.nan
    half = scipy.special.ndtri((1 + level) / 2) * spread / (value * (1 - value))
    low, high = scipy.special.expit(scipy.special.logit(value) + np.array([-half, half]))
    return float(low), float(high)
