"""Whether a set of embeddings fills its space: uniformity, effective rank, and collapse."""

import dataclasses
from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike

from dsp.distances import embeddings
from dsp.distances.distance import Distance, measured
from dsp.distances.embeddings import Sets
from dsp.errors import LengthError
from dsp.statistics.intervals import Groups

NARROW: Final = -0.01
"""Uniformity above this: unit vectors are less than 0.07 apart, root mean square (cosine 0.9975)."""
FLAT: Final = 2.0
"""Effective rank below this: all embeddings lie on a line or in a point."""


@dataclasses.dataclass(frozen=True, slots=True)
class Collapse:
    """How much of its space a set of embeddings uses.

    Attributes
    ----------
    uniformity : as `uniformity`.
    effective_rank : exponential of the entropy of the shares of variance (Roy and Vetterli 2007):
        1 on a line, dim for a sphere; 0 for a point.
    dim : dimensions.
    reason : why it counts as collapsed; empty if it does not.

    Examples
    --------
    >>> print(Collapse(-3.2, 20.5, 64, ""))
    effective rank 20.5 of 64, uniformity -3.20
    """

    uniformity: float
    effective_rank: float
    dim: int
    reason: str

    @property
    def collapsed(self) -> bool:
        """Whether there is a reason."""
        return bool(self.reason)

    def __str__(self) -> str:
        note = f"; COLLAPSED: {self.reason}" if self.reason else ""
        return (
            f"effective rank {self.effective_rank:.1f} of {self.dim}, "
            f"uniformity {self.uniformity:.2f}{note}"
        )


def uniformity(a: ArrayLike, groups: Groups | None = None) -> Distance:
    """Log E exp(-2 |u - v|^2) over pairs on the unit sphere (Wang and Isola 2020).

    Nothing is centred. Pairs of recordings of one patient do not count.

    Parameters
    ----------
    a : (n, dim).
    groups : (n,) the patient of each row; every row its own if not given.

    Returns
    -------
    0 for a point, about -4 for directions spread over a sphere of many dimensions.

    Raises
    ------
    LengthError
        If there are fewer than two rows or patients.
    SignalError
        If a number is not finite.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(200, 64))
    >>> round(uniformity(z).value, 1), round(uniformity(z + 100).value, 3)
    (-3.9, -0.0)
    """
    return _uniformity(embeddings.pairs(a, a, groups))


def collapse(a: ArrayLike, groups: Groups | None = None) -> Collapse:
    """Tell an encoder that maps all to one place, or to one line.

    Collapsed is a uniformity above -0.01 or, in three dimensions or more, an effective rank below 2.
    A narrow cone alone is usual for electrocardiograms: centre before cosines mean anything.

    Parameters
    ----------
    a, groups : as `uniformity`.

    Returns
    -------
    The figures, and the reason if it has collapsed.

    Raises
    ------
    LengthError, SignalError
        As `uniformity`.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(200, 16))
    >>> collapse(z).collapsed, collapse(z * np.eye(16)[0]).reason
    (False, 'effective rank 1.0: the embeddings lie on a line')
    """
    sets = embeddings.pairs(a, a, groups)
    value, dim = _uniformity(sets).value, sets.a.shape[1]
    x = sets.a - sets.a.mean(axis=0)
    variance = scipy.linalg.svdvals(x) ** 2
    total = variance.sum()
    rank = 0.0
    if total > 1e-24 * (sets.a**2).sum():
        rank = float(np.exp(scipy.special.entr(variance / total).sum()))
    reasons = []
    if dim > 2 and rank < FLAT:
        where = "are one point" if rank == 0 else "lie on a line"
        reasons.append(f"effective rank {rank:.1f}: the embeddings {where}")
    if value > NARROW:
        reasons.append(f"uniformity {value:.2g}: they all point the same way")
    return Collapse(value, rank, dim, "; ".join(reasons))


def _uniformity(sets: Sets) -> Distance:
    if sets.n_patients < 2:
        raise LengthError("embeddings of a single patient: at least two are needed.")
    unit = embeddings.units(sets.a)
    rows, counts = np.empty(len(unit)), np.empty(len(unit))
    for part in embeddings.blocks(len(unit), len(unit)):
        table = np.exp(-2 * embeddings.squared(unit[part], unit))
        other = sets.patient_a[part, None] != sets.patient_a
        rows[part], counts[part] = (table * other).sum(axis=1), other.sum(axis=1)
    mean = rows.sum() / counts.sum()
    influence = 2 * (rows - mean * counts) / counts.sum() / mean
    return measured("uniformity", np.log(mean), influence, None, sets, bounds=(-8.0, 0.0))
