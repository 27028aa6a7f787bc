"""Sliced Wasserstein distance: transport along random lines."""

import numpy as np
from numpy.typing import ArrayLike

from dsp.distances import embeddings
from dsp.distances.distance import Distance, measured
from dsp.distances.embeddings import Floats, Numbers
from dsp.statistics.intervals import Groups


def sliced_wasserstein(
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups | None = None,
    groups_b: Groups | None = None,
    *,
    lines: int = 256,
    seed: int = 0,
) -> Distance:
    """Root mean square, over random lines, of the 2-Wasserstein distance of the projections.

    Exact along each line (Bonneel et al. 2015), for unequal sizes too. Sees all of the shape, where
    the Frechet distance sees mean and covariance; biased upward by few rows, so read it beside the
    floor. Intervals come from the potentials of the transport.

    Parameters
    ----------
    a, b : (n, dim) and (m, dim).
    groups : the patient of each row of a, and of b unless `groups_b` is given; without either,
        every row is a patient of its own.
    groups_b : the patient of each row of b.
    lines : how many.
    seed : of the lines; the same for the same dimension.

    Returns
    -------
    0 is best; in the unit of the embeddings. A shift by s in one of dim dimensions makes about
    s / sqrt(dim).

    Raises
    ------
    LengthError
        If dimensions or groups do not match.
    SignalError
        If a number is not finite.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(300, 4))
    >>> round(sliced_wasserstein(x, x + 1).value, 1)
    1.0
    """
    sets = embeddings.sets(a, b, groups, groups_b)
    n, m, dim = len(sets.a), len(sets.b), sets.a.shape[1]
    ways = np.random.default_rng(seed).normal(size=(dim, lines))
    ways /= np.linalg.norm(ways, axis=0)
    at_a, at_b, mass = _pairs(n, m)
    total, of_a, of_b = 0.0, np.zeros(n), np.zeros(m)
    for part in embeddings.blocks(lines, n + m):
        x, y = ways[:, part].T @ sets.a.T, ways[:, part].T @ sets.b.T  # (lines, rows)
        order_x, order_y = np.argsort(x, axis=1), np.argsort(y, axis=1)
        x, y = np.take_along_axis(x, order_x, 1), np.take_along_axis(y, order_y, 1)
        gap = x[:, at_a] - y[:, at_b]
        total += float((gap**2 @ mass).sum())
        of_a += _potential(x, gap, at_a, mass, order_x)
        of_b += _potential(y, -gap, at_b, mass, order_y)
    value = np.sqrt(total / lines)
    scale = 2 * value * lines if value > 0 else np.inf
    return measured(
        "sliced Wasserstein", value, of_a / scale, of_b / scale, sets, bounds=(0.0, np.inf)
    )


def _pairs(n: int, m: int) -> tuple[Numbers, Numbers, Floats]:
    """Which sorted rows of n and of m meet, and the mass that moves between them."""
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)  # in units of 1 / (n m)
    return (ends - 1) // m, (ends - 1) // n, np.diff(ends, prepend=0) / (n * m)


def _potential(x: Floats, gap: Floats, at: Numbers, mass: Floats, order: Numbers) -> Floats:
    """Sum over lines of what each row adds to the squared distance, as its share of the mass.

    The potential's slope at x is twice the way from x to where it is carried.
    """
    n = x.shape[1]
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    slope = 2 * n * np.add.reduceat(gap * mass, starts, axis=1)
    height = np.zeros_like(x)
    np.cumsum(np.diff(x, axis=1) * (slope[:, 1:] + slope[:, :-1]) / 2, axis=1, out=height[:, 1:])
    height -= height.mean(axis=1, keepdims=True)
    return np.asarray(np.bincount(order.ravel(), height.ravel(), minlength=n) / n)
