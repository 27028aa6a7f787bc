"""What a distance returns: a value, how each patient moves it, and what it rests on."""

import dataclasses
from typing import Final

import numpy as np
import scipy

from dsp.distances.embeddings import Floats, Sets
from dsp.errors import LengthError
from dsp.statistics import FEWEST_PATIENTS, Interval

LEVEL: Final = 0.95
UNBOUNDED: Final = (-np.inf, np.inf)
SHARE: Final = (0.0, 1.0)


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Distance:
    """A distance between two sets of embeddings, with its 95 % interval by patient.

    Attributes
    ----------
    name : what it is.
    value : of all rows; NaN where it is not defined (of a constant set, say).
    error : standard error; patients are the units.
    influence : (n_patients,) derivative of the value by the weight of each patient.
    n_a, n_b : rows of either set.
    n_patients : of both together.
    dim : of the embeddings of a.
    chance : what rows without information would score, where a formula tells; NaN elsewhere.
    bounds : between which the value must lie.
    warning : why to mistrust it; empty if there is no reason.

    Examples
    --------
    >>> sets = Sets(np.eye(4), np.eye(4), np.arange(4), np.arange(4), 4)
    >>> print(measured("gap", 0.5, np.array([0.1, -0.1, 0.0, 0.0]), None, sets))
    gap 0.5 (-0.01969 to 1.02, 95 % interval; 4 and 4 embeddings of 4 patients, 4 dimensions; \
fewer than 30 patients: the interval may be too narrow)
    """

    name: str
    value: float
    error: float
    influence: Floats
    n_a: int
    n_b: int
    n_patients: int
    dim: int
    chance: float = np.nan
    bounds: tuple[float, float] = UNBOUNDED
    warning: str = ""

    def __float__(self) -> float:
        return self.value

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self._ends[0]

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self._ends[1]

    @property
    def _ends(self) -> tuple[float, float]:
        """Symmetric and cut to the bounds; of a share on the logit scale, of none or all exact."""
        if not np.isfinite(self.value) or not np.isfinite(self.error):
            return np.nan, np.nan
        half = float(scipy.special.stdtrit(self.n_patients - 1, (1 + LEVEL) / 2) * self.error)
        if self.bounds == SHARE:
            if self.value in SHARE:
                unseen = 1 - ((1 - LEVEL) / 2) ** (1 / self.n_patients)
                return max(self.value - unseen, 0.0), min(self.value + unseen, 1.0)
            half /= self.value * (1 - self.value)
            ends = scipy.special.expit(scipy.special.logit(self.value) + np.array([-half, half]))
            return float(ends[0]), float(ends[1])
        return max(self.value - half, self.bounds[0]), min(self.value + half, self.bounds[1])

    def __repr__(self) -> str:
        chance = f"; chance {self.chance:.4g}" if np.isfinite(self.chance) else ""
        note = f"; {self.warning}" if self.warning else ""
        return (
            f"{self.name} {self.value:.4g} ({self.low:.4g} to {self.high:.4g}, "
            f"{100 * LEVEL:g} % interval; {self.n_a} and {self.n_b} embeddings of "
            f"{self.n_patients} patients, {self.dim} dimensions{chance}{note})"
        )


def measured(
    name: str,
    value: float,
    influence_a: Floats,
    influence_b: Floats | None,
    sets: Sets,
    *,
    second_order: float = 0.0,
    chance: float = np.nan,
    bounds: tuple[float, float] = UNBOUNDED,
    warning: str = "",
) -> Distance:
    """A `Distance` from the influence of each row, summed by patient.

    `influence_a` is (n,); `influence_b` (m,) or None where rows of b have none of their own.
    `second_order` is the variance that the squares of the influences of a U-statistic count twice.

    Examples
    --------
    >>> sets = Sets(np.eye(3), np.eye(3), np.array([0, 0, 1]), np.array([0, 0, 1]), 2)
    >>> measured("gap", 0.5, np.array([0.1, 0.1, -0.2]), None, sets).influence.tolist()
    [0.2, -0.2]
    """
    n = sets.n_patients
    influence = np.bincount(sets.patient_a, influence_a, minlength=n).astype(np.float64)
    if influence_b is not None:
        influence += np.bincount(sets.patient_b, influence_b, minlength=n)
    notes = [warning] if warning else []
    error = np.nan
    if n > 1:
        squares = float((influence**2).sum()) * n / (n - 1)
        error = float(np.sqrt(max(squares - second_order, second_order)))
    if n < FEWEST_PATIENTS:
        notes.append(
            f"fewer than {FEWEST_PATIENTS} patients: the interval may be too narrow"
            if n > 1
            else "a single patient: no interval"
        )
    return Distance(
        name,
        float(value),
        error,
        influence,
        len(sets.a),
        len(sets.b),
        n,
        sets.a.shape[1],
        float(chance),
        bounds,
        "; ".join(notes),
    )


def difference(first: Distance, second: Distance) -> Interval:
    """Interval of the difference of one distance for two methods on the same recordings.

    Parameters
    ----------
    first, second : the same distance from the same real set; what both share cancels by patient.

    Returns
    -------
    The 95 % interval of first - second; one that leaves out 0 tells a difference.

    Raises
    ------
    LengthError
        If they are other distances, or of other patients.

    Examples
    --------
    >>> from dsp.distances import cosine_gap
    >>> z = np.random.default_rng(0).normal(size=(200, 8))
    >>> noise = np.random.default_rng(1).normal(size=z.shape)
    >>> difference(cosine_gap(z, z + noise), cosine_gap(z, z + 0.5 * noise)).low > 0
    True
    """
    if first.name != second.name or first.influence.shape != second.influence.shape:
        raise LengthError(
            f"{first.name} of {first.n_patients} patients and {second.name} of "
            f"{second.n_patients}: give one distance of the same recordings."
        )
    n, value = first.n_patients, first.value - second.value
    squares = ((first.influence - second.influence) ** 2).sum() * n / max(n - 1, 1)
    half = scipy.special.stdtrit(max(n - 1, 1), (1 + LEVEL) / 2) * np.sqrt(squares)
    note = "; ".join(dict.fromkeys(w for w in (first.warning, second.warning) if w))
    low, high = (value - half, value + half) if n > 1 else (np.nan, np.nan)
    return Interval(value, float(low), float(high), LEVEL, n, first.n_a, note)
