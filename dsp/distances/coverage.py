"""Whether generated embeddings lie where real ones do, and wherever they do: density and coverage."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dsp.distances import embeddings
from dsp.distances.distance import SHARE, Distance, measured
from dsp.distances.embeddings import Floats, Sets
from dsp.errors import LengthError
from dsp.statistics.intervals import Groups


class Coverage(NamedTuple):
    """Density and coverage (Naeem et al. 2020).

    Attributes
    ----------
    density : how many balls around real embeddings a generated one lies in, as a share of k: 1 where
        real ones are dense, above 1 if all huddle there, 0 off the real ones.
    coverage : share of real embeddings with a generated one in their ball; falls if modes are missed.
    """

    density: Distance
    coverage: Distance


def density_coverage(
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups | None = None,
    groups_b: Groups | None = None,
    *,
    k: int = 5,
) -> Coverage:
    """Fidelity and variety of b by balls that reach the k-th neighbour of each row of a.

    Rows of one patient are not each other's neighbours and lie in none of each other's balls, so
    that an estimate gains nothing from its own truth. Intervals take the balls as they are.

    Parameters
    ----------
    a : (n, dim) real embeddings.
    b : (m, dim) generated ones.
    groups : the patient of each row of a, and of b unless `groups_b` is given; without either,
        every row is a patient of its own.
    groups_b : the patient of each row of b.
    k : the neighbour of a real row that its ball reaches.

    Returns
    -------
    Both; for two samples of one distribution and size 1, and 1 - 2^-k.

    Raises
    ------
    LengthError
        If dimensions or groups do not match, or a row has fewer than `k` of other patients.
    SignalError
        If a number is not finite.

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 400, 4))
    >>> found = density_coverage(x, y)
    >>> round(found.density.value, 1), round(found.coverage.value, 2)
    (1.0, 0.97)
    >>> round(density_coverage(x, y[:, :1] * np.eye(4)[0]).coverage.value, 1)
    0.1
    """
    sets = embeddings.sets(a, b, groups, groups_b)
    others = len(sets.a) - np.bincount(sets.patient_a)[sets.patient_a]
    if not 1 <= k <= others.min():
        raise LengthError(f"k={k!r} neighbours among {others.min()} rows of other patients.")
    radius = _radius(sets, k)
    holds, within, alone = np.empty(len(sets.a)), np.zeros(len(sets.b)), np.zeros(len(sets.b))
    for part in embeddings.blocks(len(sets.a), len(sets.b)):
        inside = embeddings.squared(sets.a[part], sets.b) <= radius[part, None]
        inside &= sets.patient_a[part, None] != sets.patient_b
        holds[part] = inside.sum(axis=1)
        within += inside.sum(axis=0)
        alone += (inside & (holds[part] == 1)[:, None]).sum(axis=0)
    within /= k
    covered = holds > 0
    return Coverage(
        measured(
            "density",
            within.mean(),
            (holds - holds.mean()) / (k * len(within)),
            (within - within.mean()) / len(within),
            sets,
            bounds=(0.0, np.inf),
        ),
        measured(
            "coverage",
            covered.mean(),
            (covered - covered.mean()) / len(covered),
            (alone - alone.mean()) / len(covered),
            sets,
            bounds=SHARE,
        ),
    )


def _radius(sets: Sets, k: int) -> Floats:
    """(n,) squared distance to the k-th nearest row of another patient."""
    out = np.empty(len(sets.a))
    for part in embeddings.blocks(len(sets.a), len(sets.a)):
        table = embeddings.squared(sets.a[part], sets.a)
        table[sets.patient_a[part, None] == sets.patient_a] = np.inf
        out[part] = np.partition(table, k - 1, axis=1)[:, k - 1]
    return out
