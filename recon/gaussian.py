"""The Gaussian predictor: every lead set in closed form, from the 8 x 8 covariances of many patients.

For given leads ``z = A x`` and a covariance ``C`` of the eight independent leads, the best estimate is
``W z`` with ``W = C A' (A C A')^-1``. Lead fields differ between patients, so there is one ``C`` a
training patient; each votes with the likelihood of what the given leads show of their own covariance.
Depolarisation and repolarisation have different sources, so there is one ``C`` for slow and one for
fast waves. All is linear algebra on what the record shows: no training loop, any of 255 lead sets.
"""

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from dsp import ECGError, LengthError, SignalError, filters, leads, storage
from dsp.checks import Signal

Matrix = NDArray[np.float64]

SHRINKAGE: Final = 0.1
"""Weight of the population's covariance in each patient's: ten seconds leave directions unseen."""
SLOW_HZ: Final = 5.0
"""Most of the T wave lies below, most of QRS above."""
BANDS: Final = 2
EVIDENCE: Final = 12.0
"""Effective numbers in a vote, over all leads: samples, beats and leads of an ECG repeat each other."""
_UPPER: Final = np.triu_indices(8)


@dataclasses.dataclass(frozen=True)
class Votes:
    """What a model believes of one record: covariances, and how likely each is.

    Attributes
    ----------
    weights : (k,), summing to 1.
    covariances : (bands, k, 8, 8), in the record's own scale, mV².
    """

    weights: Matrix
    covariances: Matrix


@dataclasses.dataclass(frozen=True)
class Conditional:
    """The twelve leads given coordinates ``z`` of some of them, slow and fast ones stacked.

    Attributes
    ----------
    mean : (12, bands * rank), applied to ``z``.
    floor : (12,) mV², variance that does not depend on the sample.
    spread : (12, bands * rank, bands * rank), variance ``z' spread z``: patients who disagree.
    """

    mean: Matrix
    floor: Matrix
    spread: Matrix


class Gaussian:
    """Covariances of the eight independent leads, slow and fast, one a training patient.

    Parameters
    ----------
    covariances : (bands, patients, 8, 8), positive definite, of any scale.

    Raises
    ------
    LengthError
        If the shape is not (2, patients, 8, 8).

    Examples
    --------
    >>> model = Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8) + 1.0)
    >>> model.weights(("I", "II")).shape
    (2, 8, 2)
    """

    def __init__(self, covariances: Matrix) -> None:
        self.covariances = np.array(covariances, np.float64)
        shape = self.covariances.shape
        if len(shape) != 4 or shape[0] != BANDS or shape[2:] != (8, 8) or not shape[1]:
            raise LengthError(f"covariances of shape {shape}; expected ({BANDS}, patients, 8, 8).")
        self.covariances.flags.writeable = False

    @classmethod
    def fit(cls, covariances: Matrix) -> Self:
        """Learn from the covariances of training records.

        Tyler's scatter matrix (Ann Statist 1987;15:234), of trace 8, is the population; each
        record is brought to its scale, so that no large one dominates, and shrunk towards it.

        Parameters
        ----------
        covariances : (records, bands, 8, 8) mV², as of `covariance`.

        Raises
        ------
        SignalError
            If a record has a lead without signal.

        Examples
        --------
        >>> records = np.ones((3, 2, 1, 1)) * np.eye(8) * [[[[4.0]]], [[[9.0]]], [[[1.0]]]]
        >>> Gaussian.fit(records).covariances[:, :, 0, 0].round(6).tolist()
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
        """
        records = np.asarray(covariances, np.float64)
        dead = np.flatnonzero(np.einsum("nbii->nbi", records).min(axis=(1, 2)) <= 0)
        if dead.size:
            raise SignalError(f"training records {dead[:5].tolist()} have a lead without signal.")
        return cls(np.stack([_same_scale(band) for band in records.swapaxes(0, 1)]))

    @functools.cached_property
    def population(self) -> Matrix:
        """(bands, 8, 8): the mean covariance."""
        return np.asarray(self.covariances.mean(axis=1))

    def weights(self, given: Sequence[str]) -> Matrix:
        """Population weights ``W_S``: (bands, 8, n_given), eight leads from the given ones.

        Raises
        ------
        LeadError
            If a lead is not one of the twelve, or doubled.

        Examples
        --------
        >>> model = Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8) + 1.0)
        >>> model.weights(["I"])[0, :, 0].round(6).tolist()
        [1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
        """
        basis, coordinates = given_space(leads.canonical_all(given))
        return np.asarray(predictors(self.population, basis) @ coordinates)

    def votes(self, basis: Matrix, seen: Matrix) -> Votes:
        """How much each training patient is like a record.

        Parameters
        ----------
        basis : (8, rank), as of `given_space`.
        seen : (bands, rank, rank) mV², covariance of the record in those coordinates.

        Examples
        --------
        >>> model = Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8))
        >>> model.votes(np.eye(8)[:, :1], np.ones((2, 1, 1))).weights
        array([1.])
        """
        inverse, logdet = self._inverses(as_key(basis))
        scale = mahalanobis(inverse, seen[:, None])
        # Likelihood of a zero-mean Gaussian, its scale at the maximum, mean over bands and leads.
        score = -0.5 * EVIDENCE * (np.log(scale) + logdet / basis.shape[1]).mean(axis=0)
        weights = np.exp(score - score.max())
        return Votes(weights / weights.sum(), self.covariances * scale[..., None, None])

    @functools.lru_cache(maxsize=256)  # noqa: B019 - models are few and live long
    def _inverses(self, key: tuple[tuple[float, ...], ...]) -> tuple[Matrix, Matrix]:
        basis = np.array(key)
        inner = basis.T @ self.covariances @ basis
        return np.linalg.inv(inner), np.linalg.slogdet(inner)[1]

    def save(self, folder: str | Path, **about: Any) -> None:
        """Write ``config.json`` into `folder`; `about` is kept beside the numbers.

        Raises
        ------
        WriteError
            If the folder cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as home:
        ...     Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8)).save(home)
        ...     Gaussian.load(home).covariances.shape
        (2, 1, 8, 8)
        """
        config = {"model": "gaussian", "version": 1, "leads": list(leads.EIGHT), **about}
        head = json.dumps(config, indent=1)[:-2]
        bands = (_rows_as_text(band) for band in self.covariances)
        text = f'{head},\n "upper_triangles": [{", ".join(bands)}]}}\n'
        storage.write_bytes(Path(folder) / "config.json", text.encode())

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        ECGError
            If the folder holds no such model.

        Examples
        --------
        >>> from recon import weights
        >>> Gaussian.load(weights.find("gaussian")).covariances.shape[2:]
        (8, 8)
        """
        path = Path(folder) / "config.json"
        try:
            config = json.loads(path.read_text())
            rows = np.array(config["upper_triangles"], np.float64)
            out = np.zeros((*rows.shape[:2], 8, 8))
            out[..., _UPPER[0], _UPPER[1]] = rows
            out[..., _UPPER[1], _UPPER[0]] = rows
            return cls(out)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise ECGError(
                f"{path} holds no Gaussian model ({type(error).__name__}: {error}); "
                "give a folder that Gaussian.save wrote."
            ) from None


def split(cleaned: Signal, fs: float) -> Signal:
    """Slow and fast waves of a cleaned signal, which they sum to.

    Parameters
    ----------
    cleaned : (..., time), as of `dsp.clean`.
    fs : Hz.

    Returns
    -------
    (bands, ..., time) float32.

    Raises
    ------
    SignalError, RateError
        As `dsp.bandpass`.

    Examples
    --------
    >>> split(np.ones((3, 500), "f4"), 500).shape
    (2, 3, 500)
    """
    slow = filters.bandpass(cleaned, fs, None, SLOW_HZ)
    return np.stack([slow, cleaned - slow])


def covariance(banded: NDArray[np.floating]) -> Matrix:
    """What a record is known by.

    Parameters
    ----------
    banded : (bands, n, time) mV, as of `split`; without gaps.

    Returns
    -------
    (bands, n, n) mV², means removed.

    Examples
    --------
    >>> covariance(np.ones((2, 8, 100))).shape
    (2, 8, 8)
    """
    z = np.asarray(banded, np.float64)
    z = z - z.mean(axis=-1, keepdims=True)
    return np.asarray(z @ z.swapaxes(-1, -2) / z.shape[-1])


@functools.lru_cache(maxsize=512)
def given_space(given: tuple[str, ...]) -> tuple[Matrix, Matrix]:
    """What some leads tell of the eight: an orthonormal basis, and how to find the coordinates.

    Parameters
    ----------
    given : canonical names among the twelve; derived and redundant ones are welcome.

    Returns
    -------
    basis : (8, rank); the given leads tell ``basis.T @ x8`` and nothing else.
    coordinates : (rank, n_given); least squares, ``basis.T @ x8 = coordinates @ x_given``.

    Raises
    ------
    LeadError
        If a lead is not one of the twelve.

    Examples
    --------
    >>> given_space(("I", "II", "III"))[0].shape
    (8, 2)
    """
    left, size, right = np.linalg.svd(leads.rows(given), full_matrices=False)
    rank = int((size > 1e-9).sum())
    basis, coordinates = right[:rank].T, left[:, :rank].T / size[:rank, None]
    for shared in (basis, coordinates):
        shared.setflags(write=False)
    return basis, coordinates


def condition(votes: Votes, basis: Matrix) -> Conditional:
    """The twelve leads given ``basis.T @ x8``: a mixture of Gaussians, its mean and variance.

    Parameters
    ----------
    votes : of one record.
    basis : (8, rank), as of `given_space`.

    Examples
    --------
    >>> votes = Votes(np.ones(1), np.ones((2, 1, 1, 1)) * np.eye(8))
    >>> condition(votes, np.eye(8)[:, :2]).floor.round(2).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    """
    each = predictors(votes.covariances, basis)
    left = votes.covariances - each @ (basis.T @ votes.covariances)
    to_12 = leads.EIGHT_TO_TWELVE
    variance = np.einsum("hi,bkij,hj->kh", to_12, left, to_12)
    stacked = np.concatenate(list(to_12 @ each), axis=-1)  # (k, 12, bands * rank)
    mean = np.einsum("k,kij->ij", votes.weights, stacked)
    apart = stacked - mean
    spread = np.einsum("k,khi,khj->hij", votes.weights, apart, apart)
    return Conditional(mean, np.clip(votes.weights @ variance, 0, None), spread)


def predictors(covariances: Matrix, basis: Matrix) -> Matrix:
    """(..., 8, rank): ``C B (B' C B)^-1`` of each covariance."""
    cross = covariances @ basis
    inner = basis.T @ cross
    ridge = 1e-9 * np.einsum("...ii->...", inner)[..., None, None]
    inner = inner + ridge * np.eye(basis.shape[1])
    return np.asarray(np.linalg.solve(inner, cross.swapaxes(-1, -2)).swapaxes(-1, -2))


def _same_scale(records: Matrix) -> Matrix:
    """Covariances (n, 8, 8) in the scale of their Tyler scatter matrix, shrunk towards it."""
    shape, scales = records.mean(axis=0), np.ones(len(records))
    for _ in range(200):
        scales = mahalanobis(np.linalg.inv(shape + 1e-9 * np.trace(shape) * np.eye(8)), records)
        new = (records / scales[:, None, None]).mean(axis=0)
        new *= 8 / np.trace(new)
        change = np.abs(new - shape).max()
        shape = new
        if change < 1e-9:
            break
    return np.asarray((records / scales[:, None, None] + SHRINKAGE * shape) / (1 + SHRINKAGE))


def mahalanobis(inverse: Matrix, seen: Matrix) -> Matrix:
    """Mean squared length of `seen` by `inverse`: the scale at which the likelihood is greatest."""
    return np.asarray(np.einsum("...ij,...ji->...", inverse, seen) / seen.shape[-1])


def as_key(basis: Matrix) -> tuple[tuple[float, ...], ...]:
    """A matrix as something a cache can look up."""
    return tuple(map(tuple, basis.tolist()))


def _rows_as_text(covariances: Matrix) -> str:
    """JSON of upper triangles, a line a patient, four digits."""
    rows = ([float(f"{value:.4g}") for value in c[_UPPER]] for c in covariances)
    return "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "]"
