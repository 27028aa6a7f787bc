"""Frechet distance of two Gaussians fitted to embeddings, and what is left of it for infinitely many rows."""

import numpy as np
import scipy
from numpy.typing import ArrayLike

from dsp.distances import embeddings, splits
from dsp.distances.distance import Distance, measured
from dsp.distances.embeddings import Floats, Sets
from dsp.statistics.intervals import Groups

_SPLITS = 4  # halvings whose distances are averaged


def frechet(
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups | None = None,
    groups_b: Groups | None = None,
) -> Distance:
    """Squared Frechet distance of the Gaussians fitted to two samples (Heusel et al. 2017).

    |mean a - mean b|^2 + trace(A + B - 2 (A^1/2 B A^1/2)^1/2). Biased upward by about dim / n:
    never compare values of other n or dim, and read it beside the floor of real against real.
    Intervals are by influence (the potentials of optimal transport) and leave the bias in.

    Parameters
    ----------
    a, b : (n, dim) and (m, dim).
    groups : the patient of each row of a, and of b unless `groups_b` is given; without either,
        every row is a patient of its own.
    groups_b : the patient of each row of b.

    Returns
    -------
    0 is best; in the squared unit of the embeddings. Fewer than two rows a dimension warn.

    Raises
    ------
    LengthError
        If dimensions or groups do not match.
    SignalError
        If a number is not finite.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(300, 8))
    >>> round(frechet(x, x + 0.5).value, 9)
    2.0
    """
    sets = embeddings.sets(a, b, groups, groups_b)
    value, of_a, of_b = _transport(sets.a, sets.b)
    return measured(
        "Frechet", value, of_a, of_b, sets, bounds=(0.0, np.inf), warning=_thin(sets, 2)
    )


def frechet_infinity(
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups | None = None,
    groups_b: Groups | None = None,
    *,
    seed: int = 0,
) -> Distance:
    """Frechet distance without its bias, extrapolated to infinitely many rows.

    The bias falls as 1 / n (Chong and Forsyth 2020), so that twice the distance of all rows minus
    the mean distance of random halves, by patient, is free of it to first order.

    Parameters
    ----------
    a, b, groups, groups_b : as `frechet`.
    seed : of the halves.

    Returns
    -------
    About 0 for two samples of one distribution, hence also below 0. Fewer than four rows a
    dimension warn: then even the halves are too small for the rule.

    Raises
    ------
    LengthError, SignalError
        As `frechet`; LengthError also below four patients in either set.

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 500, 16))
    >>> round(frechet(x, y).value, 2), abs(round(frechet_infinity(x, y).value, 2)) <= 0.02
    (0.37, True)
    """
    sets = embeddings.sets(a, b, groups, groups_b)
    value, of_a, of_b = _transport(sets.a, sets.b)
    generator = np.random.default_rng(seed)
    halves = []
    for _ in range(_SPLITS):
        first = splits.halves(sets.patient_a, generator)
        second = first if sets.paired else splits.halves(sets.patient_b, generator)
        halves += [_apart(sets.a[i], sets.b[j]) for i, j in zip(first, second, strict=True)]
    return measured(
        "Frechet, n to infinity",
        2 * value - float(np.mean(halves)),
        of_a,
        of_b,
        sets,
        warning=_thin(sets, 4),
    )


def _thin(sets: Sets, rows: int) -> str:
    n, dim = min(len(sets.a), len(sets.b)), sets.a.shape[1]
    if n >= rows * dim:
        return ""
    return f"fewer than {rows} embeddings a dimension ({n} of {dim}): reduce dimensions first"


def _factor(x: Floats) -> Floats:
    """(dim, rank) R with R R' the covariance of centred rows."""
    if len(x) < x.shape[1]:
        _, size, axes = scipy.linalg.svd(x, full_matrices=False)
        variance = size**2 / (len(x) - 1)
        directions = axes.T
    else:
        variance, directions = scipy.linalg.eigh(x.T @ x / (len(x) - 1))
    kept = variance > 1e-12 * max(float(variance.max(initial=0)), 1e-300)
    return np.asarray(directions[:, kept] * np.sqrt(variance[kept]))


def _apart(a: Floats, b: Floats) -> float:
    """The squared distance alone."""
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)
    common = scipy.linalg.svdvals(_factor(x).T @ _factor(y)).sum() if x.any() and y.any() else 0.0
    spread = (x**2).sum() / (len(x) - 1) + (y**2).sum() / (len(y) - 1)
    return max(float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + spread - 2 * common), 0.0)


def _transport(a: Floats, b: Floats) -> tuple[float, Floats, Floats]:
    """The squared distance and the influence of each row of either.

    A row x moves it by 2 (mean a - mean b) . x + x' (1 - T) x about its mean, with T the map of
    optimal transport from one Gaussian to the other.
    """
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    x, y = a - mean_a, b - mean_b
    first, second = _factor(x), _factor(y)
    left, size, right = scipy.linalg.svd(first.T @ second, full_matrices=False)
    of_a = _moves(x, mean_a - mean_b, first, left, size)
    of_b = _moves(y, mean_b - mean_a, second, right.T, size)
    return _apart(a, b), of_a, of_b


def _moves(x: Floats, shift: Floats, factor: Floats, turn: Floats, size: Floats) -> Floats:
    # Columns of the factor are orthogonal: divided by their squared lengths they invert it.
    inverse = factor / np.maximum((factor**2).sum(axis=0), 1e-300)
    carried = ((x @ (inverse @ turn)) ** 2) @ size
    moved = 2 * x @ shift + (x**2).sum(axis=1) - carried
    return np.asarray((moved - moved.mean()) / len(x))
