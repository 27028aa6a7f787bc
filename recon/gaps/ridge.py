"""Ridge: one linear map for read-outs, decoders and probes, never fitted to the patient it is applied to."""

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

STRENGTHS: Final = np.logspace(-4, 3, 15)
"""Penalties tried, in units of the mean squared singular value."""


@dataclasses.dataclass(frozen=True, eq=False)
class Ridge:
    """An affine map.

    Attributes
    ----------
    weights : (inputs, outputs). offset : (outputs,).
    """

    weights: Matrix
    offset: Matrix

    def __call__(self, x: NDArray[np.floating]) -> Matrix:
        """(n, outputs) from (n, inputs)."""
        return np.asarray(x, np.float64) @ self.weights + self.offset


def fit(x: NDArray[np.floating], y: NDArray[np.floating]) -> Ridge:
    """Ridge regression on standardised inputs, its strength by leaving one record out.

    Parameters
    ----------
    x : (n, inputs). y : (n, outputs). Rows with a NaN in either are left out.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> bool(np.allclose(fit(x, x @ [[1.0], [2.0], [0.0]])(x), x @ [[1.0], [2.0], [0.0]], atol=0.01))
    True
    """
    whole = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    a, b = np.asarray(x[whole], np.float64), np.asarray(y[whole], np.float64)
    if not len(a):
        return Ridge(np.zeros((x.shape[1], y.shape[1])), np.full(y.shape[1], np.nan))
    centre, middle = a.mean(axis=0), b.mean(axis=0)
    spread = a.std(axis=0)
    scale = np.where(
        spread > 1e-9 * (1 + np.abs(centre)), spread, np.inf
    )  # a constant says nothing
    u, s, v = np.linalg.svd((a - centre) / scale, full_matrices=False)
    target = u.T @ (b - middle)
    unit = max(float((s**2).mean()), 1e-12)
    errors = [_left_out(u, s, target, b - middle, unit * strength) for strength in STRENGTHS]
    penalty = unit * STRENGTHS[int(np.argmin(errors))]
    weights = (v.T * (s / (s**2 + penalty))) @ target / scale[:, None]
    return Ridge(weights, middle - centre @ weights)


class CrossFitted:
    """A map for each fold, fitted to the records of all others.

    Parameters
    ----------
    x : (n, inputs). y : (n, outputs). Rows with a NaN are not fitted to.
    folds : (n,) by patient.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(40, 2))
    >>> CrossFitted(x, x[:, :1], np.arange(40) % 5)(x).shape
    (40, 1)
    """

    def __init__(
        self, x: NDArray[np.floating], y: NDArray[np.floating], folds: NDArray[np.int64]
    ) -> None:
        self.folds = folds
        self.maps = {k: fit(x[folds != k], y[folds != k]) for k in np.unique(folds).tolist()}
        self.outputs = y.shape[1]

    def __call__(self, x: NDArray[np.floating]) -> Matrix:
        """(n, outputs), each record by the map that never saw its patient; NaN stay NaN."""
        out = np.full((len(x), self.outputs), np.nan)
        for k, ridge in self.maps.items():
            inside = self.folds == k
            out[inside] = ridge(x[inside])
        return out


def cross_fit(x: NDArray[np.floating], y: NDArray[np.floating], folds: NDArray[np.int64]) -> Matrix:
    """`y` as the maps of the other folds give it from `x`: (n, outputs).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(40, 2))
    >>> cross_fit(x, x[:, :1], np.arange(40) % 5).shape
    (40, 1)
    """
    return CrossFitted(x, y, folds)(x)


def _left_out(u: Matrix, s: Matrix, target: Matrix, y: Matrix, penalty: float) -> float:
    """Squared error of each record by the map of all others."""
    shrunk = s**2 / (s**2 + penalty)
    leverage = (u**2) @ shrunk + 1 / len(u)
    rest = (y - (u * shrunk) @ target) / np.maximum(1 - leverage, 1e-6)[:, None]
    return float((rest**2).sum())
