"""The Gaussian posterior: whole twelve-lead signals that the given leads allow, drawn at random.

The Gaussian predictor says of the hidden leads: some training patient's predictor, plus what that
patient leaves unexplained. A sample draws the patient by the votes and adds a residual of the
patient's own conditional covariance, slow and fast, with the spectrum of the given leads and random
phases. The mean over samples tends to the predictor's estimate.
"""

import numpy as np
from numpy.typing import NDArray

from dsp import ECG, checks, filters, leads
from recon.gaussian import Gaussian, Matrix, covariance, given_space, predictors, split


class GaussianPosterior:
    """Samples of twelve leads given some of them.

    Parameters
    ----------
    model : the population.

    Examples
    --------
    >>> sampler = GaussianPosterior(Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8)))
    >>> sampler(ECG(np.sin(np.arange(1000)), 100, ["I"]), samples=4, seed=0).shape
    (4, 12, 1000)
    """

    def __init__(self, model: Gaussian) -> None:
        self.model = model

    def __call__(self, ecg: ECG, samples: int, seed: int) -> checks.Signal:
        """(samples, 12, time) float32 mV; the given leads are in every sample as they are.

        Raises
        ------
        LeadError
            If a lead is not one of the twelve.
        """
        basis, coordinates = given_space(ecg.leads)
        z = coordinates @ split(filters.clean(ecg.signal, ecg.fs), ecg.fs).astype(np.float64)
        votes = self.model.votes(basis, covariance(z))
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(votes.weights), size=samples, p=votes.weights)
        which, place = np.unique(chosen, return_inverse=True)
        beliefs = votes.covariances[:, which]
        each = predictors(beliefs, basis)  # (bands, patients, 8, rank)
        hidden = np.eye(8) - basis @ basis.T  # what is given has no residual, to rounding
        roots = _roots(hidden @ (beliefs - each @ (basis.T @ beliefs)) @ hidden)
        away = coordinates @ ecg.signal.astype(np.float64) - z.sum(axis=0)
        x8 = np.empty((samples, 8, ecg.n_samples))
        for k, patient in enumerate(place):
            x8[k] = basis @ away
            for band in range(len(z)):
                residual = roots[band, patient] @ _surrogate(z[band], 8, rng)
                x8[k] += each[band, patient] @ z[band] + residual
        return leads.twelve(x8)


def _roots(covariances: Matrix) -> Matrix:
    """Square roots of positive semi-definite matrices (..., 8, 8)."""
    size, directions = np.linalg.eigh((covariances + covariances.swapaxes(-1, -2)) / 2)
    least = 1e-9 * size[..., -1:]
    return np.asarray(directions * np.sqrt(np.where(size > least, size, 0.0))[..., None, :])


def _surrogate(z: Matrix, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n, time) independent noise of unit variance with the spectrum of (rank, time)."""
    n_samples = z.shape[-1]
    power = (np.abs(np.fft.rfft(z)) ** 2).sum(axis=0)
    power[0] = 0.0
    weight = np.full(len(power), 2.0)
    if n_samples % 2 == 0:
        weight[-1] = 1.0  # the highest frequency is real and stands alone
    size = np.sqrt(power / max(float(weight @ power), 1e-30)) * n_samples
    phases = rng.normal(size=(n, len(power), 2)) @ (1, 1j) / np.sqrt(2)
    if n_samples % 2 == 0:
        phases[:, -1] = rng.normal(size=n)
    return np.asarray(np.fft.irfft(phases * size, n=n_samples))
