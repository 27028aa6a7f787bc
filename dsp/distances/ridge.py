"""A ridge map from one space to another, always applied to patients it was not fitted on."""

from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp.datasets.folds import grouped_folds
from dsp.distances import embeddings, paired
from dsp.distances.distance import Distance
from dsp.distances.embeddings import Floats, Sets
from dsp.errors import LengthError
from dsp.statistics.intervals import Groups

PENALTIES: Final = np.logspace(-6, 3, 19)
"""Tried for each map, as shares of the mean variance of its input."""


def cross_predict(
    a: ArrayLike, b: ArrayLike, groups: Groups | None = None, *, folds: int = 5, seed: int = 0
) -> Floats:
    """Predict a from b by ridge regression, each patient by a map fitted on other patients.

    The penalty of each map is chosen on a fold of its own training patients. For latents of a judge
    that b does not live in, and for decoders that are the same for every method.

    Parameters
    ----------
    a : (n, dim) what is predicted.
    b : (n, dim') what it is predicted from, row by row.
    groups : (n,) the patient of each row; every row its own if not given.
    folds : parts the patients are divided into; fewer if there are fewer patients.
    seed : of the division.

    Returns
    -------
    (n, dim).

    Raises
    ------
    LengthError
        If the rows differ in number, there are fewer than three patients, or `folds` is below 3.
    SignalError
        If a number is not finite.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(200, 4))
    >>> bool(abs(cross_predict(z @ np.ones((4, 2)) + 7, z) - z @ np.ones((4, 2)) - 7).max() < 1e-3)
    True
    """
    return _predict(embeddings.pairs(a, b, groups, same=False), folds, seed)[0]


def ridge_r2(
    a: ArrayLike, b: ArrayLike, groups: Groups | None = None, *, folds: int = 5, seed: int = 0
) -> Distance:
    """Share of the variance of a that a ridge map from b explains on patients it has not seen.

    What is left of the gap when a linear map may correct shift, scale and rotation.

    Parameters
    ----------
    a, b, groups, folds, seed : as `cross_predict`.

    Returns
    -------
    1 is best, 0 as good as the mean of the training patients, below 0 worse.

    Raises
    ------
    LengthError, SignalError
        As `cross_predict`.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(200, 4))
    >>> round(ridge_r2(z, 3 - 2 * z[:, ::-1]).value, 4)
    1.0
    """
    sets = embeddings.pairs(a, b, groups, same=False)
    predicted, about = _predict(sets, folds, seed)
    return paired.explained("R2 after ridge", sets, predicted, about)


def _predict(sets: Sets, folds: int, seed: int) -> tuple[Floats, Floats]:
    """Predictions, and for each row the mean of the patients its map was fitted on."""
    if folds < 3 or sets.n_patients < 3:
        raise LengthError(
            f"{folds} folds of {sets.n_patients} patients; three at least: to fit, to choose the "
            "penalty, and to predict."
        )
    k = min(folds, sets.n_patients)
    fold = grouped_folds(sets.patient_a.tolist(), k, seed)
    out, about = np.empty_like(sets.a), np.empty_like(sets.a)
    for held in range(k):
        test, choose = fold == held, fold == (held + 1) % k
        penalty = _choose(sets, ~test & ~choose, choose)
        out[test] = _Map(sets.b[~test], sets.a[~test])(sets.b[test], penalty)
        about[test] = sets.a[~test].mean(axis=0)
    return out, about


def _choose(sets: Sets, fit: NDArray[np.bool_], score: NDArray[np.bool_]) -> float:
    fitted = _Map(sets.b[fit], sets.a[fit])
    errors = [((fitted(sets.b[score], p) - sets.a[score]) ** 2).sum() for p in PENALTIES]
    return float(PENALTIES[int(np.argmin(errors))])


class _Map:
    """A regression whose penalty may still be chosen."""

    def __init__(self, x: Floats, y: Floats) -> None:
        self.mean_x, self.mean_y = x.mean(axis=0), y.mean(axis=0)
        centred = x - self.mean_x
        self.variance, self.axes = scipy.linalg.eigh(centred.T @ centred)
        self.weights = self.axes.T @ (centred.T @ (y - self.mean_y))

    def __call__(self, x: Floats, penalty: float) -> Floats:
        # Penalty times mean variance; the smallest number keeps a constant input at the mean.
        size = penalty * max(float(self.variance.mean()), 0.0) + np.finfo(np.float64).tiny
        scaled = self.weights / (np.maximum(self.variance, 0) + size)[:, None]
        return np.asarray((x - self.mean_x) @ self.axes @ scaled + self.mean_y)
