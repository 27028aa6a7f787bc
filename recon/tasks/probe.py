"""Probes: what a linear reader, or the nearest neighbours, can tell from embeddings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import LengthError

Scores = NDArray[np.float64]

STRENGTHS: Final = tuple(float(s) for s in 10.0 ** np.arange(-3, 3.5, 0.5))
"""Ridge strengths tried, relative to the number of records."""


@dataclasses.dataclass(frozen=True, eq=False)
class Probe:
    """A ridge classifier for each label.

    Least squares on yes and no, its strength chosen by leaving out one record after another in
    closed form: no optimiser, no seed, the same answer everywhere.

    Attributes
    ----------
    mean, size : (dim,) of the training embeddings.
    weights : (dim, k). bias : (k,).
    strengths : (k,), as chosen; NaN where a label had only one answer.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=(80, 5))
    >>> probe = Probe.fit(z, z[:, :1] > 0)
    >>> bool(np.corrcoef(probe.scores(z)[:, 0], z[:, 0])[0, 1] > 0.9)
    True
    """

    mean: Scores
    size: Scores
    weights: Scores
    bias: Scores
    strengths: Scores

    @classmethod
    def fit(cls, z: ArrayLike, labels: ArrayLike) -> Probe:
        """Learn from embeddings (n, dim) and labels (n, k) or (n,), NaN where unknown.

        Raises
        ------
        LengthError
            If there is not one row of labels for each embedding.
        """
        x, y = _checked(z, labels)
        mean, size = x.mean(axis=0), x.std(axis=0) + 1e-9
        x = (x - mean) / size
        columns = [_ridge(x, column) for column in y.T]
        weights = np.stack([c[0] for c in columns], axis=1)
        bias, strengths = (np.array([c[k] for c in columns]) for k in (1, 2))
        return cls(mean, size, weights, bias, strengths)

    def scores(self, z: ArrayLike) -> Scores:
        """(n, k) of embeddings (n, dim): larger where the label is likelier; 0 if it was never seen."""
        x = (np.atleast_2d(np.asarray(z, np.float64)) - self.mean) / self.size
        return np.asarray(x @ self.weights + self.bias)


def neighbours(z: ArrayLike, labels: ArrayLike, queries: ArrayLike, k: int = 10) -> Scores:
    """Share of the `k` nearest training records, by centred cosine, that have a label.

    Parameters
    ----------
    z : (n, dim) of the training records. labels : (n, c), NaN where unknown.
    queries : (m, dim).

    Returns
    -------
    (m, c); neighbours of which the label is unknown are passed over.

    Raises
    ------
    LengthError
        If there is not one row of labels for each embedding.

    Examples
    --------
    >>> neighbours([[1, 0], [0, 1], [-1, -1]], [[1], [0], [0]], [[2, 0.1]], k=1).tolist()
    [[1.0]]
    """
    x, y = _checked(z, labels)
    mean = x.mean(axis=0)
    cosines = _unit(np.asarray(queries, np.float64) - mean) @ _unit(x - mean).T
    out = np.zeros((len(cosines), y.shape[1]))
    for c, column in enumerate(y.T):
        known = np.flatnonzero(np.isfinite(column))
        if known.size:
            nearest = np.argsort(-cosines[:, known], axis=1, kind="stable")[:, :k]
            out[:, c] = column[known][nearest].mean(axis=1)
    return out


def few_shot(
    z: ArrayLike, labels: ArrayLike, queries: ArrayLike, shots: Sequence[int], *, seed: int = 0
) -> list[Scores]:
    """Scores of probes that saw few records: a curve of how many labels an embedding needs.

    Parameters
    ----------
    z, labels, queries : as `neighbours`.
    shots : training records to draw, each draw containing the smaller ones.
    seed : of the draw.

    Returns
    -------
    (m, c) for each of `shots`.

    Raises
    ------
    LengthError
        As `Probe.fit`, or if there are fewer records than shots.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(50, 3))
    >>> [s.shape for s in few_shot(z, z[:, :2] > 0, z, (10, 50))]
    [(50, 2), (50, 2)]
    """
    x, y = _checked(z, labels)
    if max(shots) > len(x):
        raise LengthError(f"{max(shots)} shots of {len(x)} records.")
    order = np.random.default_rng(seed).permutation(len(x))
    return [Probe.fit(x[order[:n]], y[order[:n]]).scores(queries) for n in shots]


def _checked(z: ArrayLike, labels: ArrayLike) -> tuple[Scores, Scores]:
    x, y = np.asarray(z, np.float64), np.asarray(labels, np.float64)
    y = y[:, None] if y.ndim == 1 else y
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or not len(x):
        raise LengthError(
            f"embeddings {x.shape} and labels {y.shape}; give one row for each record."
        )
    return x, y


def _ridge(x: Scores, labels: Scores) -> tuple[Scores, float, float]:
    """Weights, bias and strength for one label; the strength with the least leave-one-out error."""
    known = np.isfinite(labels)
    x, y = x[known], 2 * labels[known] - 1
    if not y.size or y.min() == y.max():
        return np.zeros(x.shape[1]), 0.0, np.nan
    centre, level = x.mean(axis=0), y.mean()
    left, size, right = np.linalg.svd(x - centre, full_matrices=False)
    shrunk = size**2 / (size**2 + len(y) * np.array(STRENGTHS)[:, None])
    fitted = (shrunk * (left.T @ (y - level))) @ left.T + level
    leverage = shrunk @ (left.T**2) + 1 / len(y)
    errors = (((y - fitted) / np.maximum(1 - leverage, 1e-6)) ** 2).mean(axis=1)
    best = int(errors.argmin())
    factor = size / (size**2 + len(y) * STRENGTHS[best])
    weights = right.T @ (factor * (left.T @ (y - level)))
    return weights, float(level - centre @ weights), STRENGTHS[best]


def _unit(x: Scores) -> Scores:
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12))
