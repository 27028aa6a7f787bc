"""Finding the own recording among all: R@1, R@10, mean reciprocal rank."""

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from dsp.distances import embeddings
from dsp.distances.distance import SHARE, Distance, measured
from dsp.distances.embeddings import Floats, Sets
from dsp.statistics.intervals import Groups

_SAME = 1e-12  # cosines nearer than this are equal: one product rounds differently from another


class Retrieval(NamedTuple):
    """Shares of queries that find their own recording, each with its chance.

    Attributes
    ----------
    r1, r10 : found first, or among the first ten.
    mrr : mean of 1 / rank.
    """

    r1: Distance
    r10: Distance
    mrr: Distance


def retrieval(
    a: ArrayLike, b: ArrayLike, groups: Groups | None = None, *, mean: ArrayLike | None = None
) -> Retrieval:
    """How often an estimate is nearest, by cosine, to its own truth among those of all others.

    Parameters
    ----------
    a : (n, dim) true embeddings, the gallery.
    b : (n, dim) estimates, the queries, row by row.
    groups : (n,) the patient of each row; other recordings of the query's own patient are not in
        its gallery, since finding them is no error. Every row its own if not given.
    mean : (dim,) taken out of both, of the training data; that of a if not given.

    Returns
    -------
    R@1, R@10 and MRR; equal cosines share their ranks, so that a constant estimate scores chance.
    The figures depend on the size of the gallery: compare only with like.

    Raises
    ------
    LengthError
        If the shapes differ, or there are fewer than two rows.
    SignalError
        If a number is not finite.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(500, 8))
    >>> found = retrieval(z, z)
    >>> found.r1.value, round(found.r1.chance, 4), round(found.r10.chance, 4)
    (1.0, 0.002, 0.02)
    """
    sets = embeddings.pairs(a, b, groups)
    above, ties, size = _places(sets, embeddings.centre(sets.a, mean))
    harmonic = scipy.special.digamma
    rows = {
        "R@1": (_within(1, above, ties), _within(1, 0 * above, size - 1)),
        "R@10": (_within(10, above, ties), _within(10, 0 * above, size - 1)),
        "MRR": (
            (harmonic(above + ties + 2) - harmonic(above + 1)) / (ties + 1),
            (harmonic(size + 1) - harmonic(1)) / size,
        ),
    }
    return Retrieval(
        *(
            measured(
                name,
                each.mean(),
                (each - each.mean()) / len(each),
                None,
                sets,
                chance=float(chance.mean()),
                bounds=SHARE,
            )
            for name, (each, chance) in rows.items()
        )
    )


def ranks(
    a: ArrayLike, b: ArrayLike, groups: Groups | None = None, *, mean: ArrayLike | None = None
) -> Floats:
    """(n,) the rank of each row's own truth, 1 the best; a half where cosines are equal.

    Parameters
    ----------
    a, b, groups, mean : as `retrieval`.

    Returns
    -------
    One number a row.

    Raises
    ------
    LengthError, SignalError
        As `retrieval`.

    Examples
    --------
    >>> ranks(np.eye(3), np.eye(3)[[1, 0, 2]]).tolist()
    [2.5, 2.5, 1.0]
    """
    sets = embeddings.pairs(a, b, groups)
    above, ties, _ = _places(sets, embeddings.centre(sets.a, mean))
    return np.asarray(above + 1 + ties / 2)


def _places(sets: Sets, mean: Floats) -> tuple[Floats, Floats, Floats]:
    """For each query: how many are nearer than its own, how many as near, the gallery's size."""
    gallery, queries = embeddings.units(sets.a, mean), embeddings.units(sets.b, mean)
    own = (gallery * queries).sum(axis=1)
    above, ties, size = np.empty(len(own)), np.empty(len(own)), np.empty(len(own))
    for part in embeddings.blocks(len(own), len(own)):
        cosine = queries[part] @ gallery.T - own[part, None]
        others = sets.patient_a[part, None] != sets.patient_a
        above[part] = ((cosine > _SAME) & others).sum(axis=1)
        ties[part] = ((abs(cosine) <= _SAME) & others).sum(axis=1)
        size[part] = others.sum(axis=1) + 1
    return above, ties, size


def _within(k: int, above: Floats, ties: Floats) -> Floats:
    """Chance to be among the first k when equals are put in random order."""
    return np.asarray(np.clip((k - above) / (ties + 1), 0, 1))
