"""The Gaussian predictor for many ten-second windows at once, with an error bar for every sample.

`recon.gaussian` says what one record's leads tell of the others; here a batch of records that have
the same leads is predicted together, from tables made once a lead set.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsp import filters, leads
from dsp.checks import Signal
from recon.calibration import Patient
from recon.gaussian import (
    EVIDENCE,
    SLOW_HZ,
    Gaussian,
    Matrix,
    as_key,
    covariance,
    given_space,
    mahalanobis,
    predictors,
)

Float = NDArray[np.float32]
EIGHT_OF_TWELVE = [leads.TWELVE.index(lead) for lead in leads.EIGHT]


class Table(NamedTuple):
    """What one lead set needs, for each of k covariances; r the rank of what is given.

    Attributes
    ----------
    inverse, logdet : (bands, k, r, r), (bands, k) of what the given leads should show.
    weights : (k, 12, bands * r), twelve leads from the coordinates, slow and fast ones stacked.
    left : (bands, k, 12), variance that is left, for covariances of the scale they are stored in.
    """

    inverse: Matrix
    logdet: Matrix
    weights: Matrix
    left: Matrix


class Voting:
    """A Gaussian, or a patient's, as a predictor of windows at 100 Hz.

    Parameters
    ----------
    model : as of `recon.Reconstructor`.
    fs : Hz of the windows.

    Examples
    --------
    >>> x8 = np.random.default_rng(0).normal(size=(3, 8, 1000)).astype("f4")
    >>> mean, variance = Voting(Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8))).predict8(x8, ["I", "II"])
    >>> mean.shape, bool(variance[:, 0].max() < 1e-6 < variance[:, 2].min())
    ((3, 8, 1000), True)
    """

    def __init__(self, model: Gaussian | Patient, fs: float = 100.0) -> None:
        self.model, self.fs = model, fs

    def predict8(
        self, x8: Signal, given: Sequence[str], *, without: NDArray[np.bool_] | None = None
    ) -> tuple[Float, Float]:
        """The eight independent leads; as `predict12` otherwise.

        Examples
        --------
        >>> model = Voting(Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8)))
        >>> model.predict8(np.ones((1, 8, 1000), "f4"), ["V2"])[0].shape
        (1, 8, 1000)
        """
        mean, variance = self.predict12(x8, given, without=without)
        return mean[:, EIGHT_OF_TWELVE], variance[:, EIGHT_OF_TWELVE]

    def predict12(
        self, x8: Signal, given: Sequence[str], *, without: NDArray[np.bool_] | None = None
    ) -> tuple[Float, Float]:
        """The twelve leads of windows of which only the given leads are looked at.

        Parameters
        ----------
        x8 : (n, 8, time) mV, 0.5-40 Hz.
        given : names among the twelve.
        without : (n, patients), training patients who must not vote on a window; for training.

        Returns
        -------
        mean (n, 12, time) mV and variance (n, 12, time) mV², float32.

        Raises
        ------
        LeadError
            If a name is not one of the twelve.

        Examples
        --------
        >>> model = Voting(Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8)))
        >>> model.predict12(np.ones((1, 8, 1000), "f4"), ["V2"])[0].shape
        (1, 12, 1000)
        """
        basis, _ = given_space(leads.canonical_all(given))
        z = np.einsum("ir,nit->nrt", basis.astype(np.float32), x8, optimize=True)
        slow = filters.bandpass(z, self.fs, None, SLOW_HZ)
        banded = np.stack([slow, z - slow], axis=1)  # (n, bands, r, time)
        seen = covariance(banded).swapaxes(0, 1)  # (bands, n, r, r)
        stacked = banded.reshape(len(x8), -1, x8.shape[-1])
        if isinstance(self.model, Patient):
            return self._of_patient(self.model, basis, seen, stacked)
        key = as_key(basis)
        table, products = self._table(key), self._products(key)
        weights, scale = self._votes(table, seen, without)
        # Twice the digits: what the patients disagree about is a difference of nearly equal numbers.
        mean = np.tensordot(weights, table.weights, 1)  # (n, 12, j)
        floor = np.einsum("bnk,bki->ni", weights * scale, table.left, optimize=True)
        outer = (weights @ products.reshape(len(products), -1)).reshape(-1, *products.shape[1:])
        return _apply(mean, floor, outer - mean[..., :, None] * mean[..., None, :], stacked)

    def _of_patient(
        self, patient: Patient, basis: Matrix, seen: Matrix, stacked: Signal
    ) -> tuple[Float, Float]:
        """One covariance a window: no votes to weigh."""
        own = [patient.votes(basis, one).covariances[:, 0] for one in seen.swapaxes(0, 1)]
        tables = [_tabulate(c[:, None], basis) for c in own]
        mean = np.stack([table.weights[0] for table in tables])
        floor = np.stack([table.left[:, 0].sum(axis=0) for table in tables])
        return _apply(mean, floor, None, stacked)

    def _votes(
        self, table: Table, seen: Matrix, without: NDArray[np.bool_] | None
    ) -> tuple[Matrix, Matrix]:
        """Weights (n, k) of the training patients, and their scales (bands, n, k) in each window."""
        scale = mahalanobis(table.inverse[:, None], seen[:, :, None])
        scale = np.maximum(scale, 1e-12)
        logdet = table.logdet[:, None] / seen.shape[-1]
        score = -0.5 * EVIDENCE * (np.log(scale) + logdet).mean(axis=0)
        if without is not None:
            score = np.where(without, -np.inf, score)
        weights = np.exp(score - score.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        return weights, scale

    @functools.lru_cache(maxsize=256)  # noqa: B019 - models are few and live long
    def _table(self, key: tuple[tuple[float, ...], ...]) -> Table:
        return _tabulate(self.model.covariances, np.array(key))  # type: ignore[union-attr]

    @functools.lru_cache(maxsize=16)  # noqa: B019 - models are few and live long
    def _products(self, key: tuple[tuple[float, ...], ...]) -> Matrix:
        """(k, 12, bands * r, bands * r): each lead's weights times themselves."""
        weights = self._table(key).weights
        return weights[..., :, None] * weights[..., None, :]


def _tabulate(covariances: Matrix, basis: Matrix) -> Table:
    """The table of covariances (bands, k, 8, 8) for what `basis` (8, r) shows of them."""
    inner = basis.T @ covariances @ basis
    each = predictors(covariances, basis)  # (bands, k, 8, r)
    left = covariances - each @ (basis.T @ covariances)
    to_12 = leads.EIGHT_TO_TWELVE
    variance = np.einsum("hi,bkij,hj->bkh", to_12, left, to_12, optimize=True)
    return Table(
        np.asarray(np.linalg.inv(inner), np.float64),
        np.asarray(np.linalg.slogdet(inner)[1], np.float64),
        np.concatenate(list(to_12 @ each), axis=-1),
        np.clip(variance, 0, None),
    )


def _apply(
    mean: NDArray[np.floating],
    floor: NDArray[np.floating],
    spread: NDArray[np.floating] | None,
    stacked: Signal,
) -> tuple[Float, Float]:
    """Weights (n, 12, j), variances (n, 12), disagreement (n, 12, j, j), coordinates (n, j, time)."""
    y = np.asarray(mean, np.float32) @ stacked
    variance = np.broadcast_to(floor[..., None], y.shape).astype(np.float32)
    if spread is not None:
        for k in range(y.shape[1]):  # a lead at a time, to bound memory
            each = np.asarray(spread[:, k], np.float32) @ stacked  # (n, j, time)
            variance[:, k] += (stacked * each).sum(axis=1)
    return y, np.clip(variance, 0, None)
