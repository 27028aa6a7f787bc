"""The Gaussian predictor: every lead set in closed form, from the 8 x 8 covariances of many patients.

For given leads ``z = A x`` and a covariance ``C`` of the eight independent leads, the best estimate is
``W z`` with ``W = C A' (A C A')^-1``. Lead fields differ between patients, so there is one ``C`` a
training patient; each votes with the likelihood of what the given leads show of their own covariance.
"""

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from dsp import ECGError, LengthError, SignalError, leads, storage

Matrix = NDArray[np.float64]

SHRINKAGE: Final = 0.1
"""Weight of the population's covariance in each patient's: ten seconds leave directions unseen."""
EVIDENCE: Final = 4.0
"""Effective samples in a vote: neighbouring samples of an ECG, and its beats, are far from independent."""
STRENGTHS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""What the population may count for in a calibration, relative to the patient's own seconds."""
_UPPER: Final = np.triu_indices(8)


@dataclasses.dataclass(frozen=True)
class Votes:
    """What a model believes of one record: covariances, and how likely each is.

    Attributes
    ----------
    weights : (k,), summing to 1.
    covariances : (k, 8, 8), in the record's own scale, mV².
    """

    weights: Matrix
    covariances: Matrix


@dataclasses.dataclass(frozen=True)
class Conditional:
    """The Gaussian conditional of the twelve leads given the coordinates of some of them.

    Attributes
    ----------
    mean : (12, rank), applied to the given coordinates.
    floor : (12,) mV², variance that does not depend on the sample.
    spread : (12, rank, rank), variance that grows with the sample: patients who disagree.
    """

    mean: Matrix
    floor: Matrix
    spread: Matrix


class Gaussian:
    """Covariances of the eight independent leads, one a training patient.

    Parameters
    ----------
    covariances : (patients, 8, 8), positive definite, of any scale.

    Raises
    ------
    LengthError
        If the shape is not (patients, 8, 8).

    Examples
    --------
    >>> model = Gaussian(np.eye(8)[None] + 1.0)
    >>> model.weights(("I", "II")).shape
    (8, 2)
    """

    def __init__(self, covariances: Matrix) -> None:
        self.covariances = np.array(covariances, np.float64)
        if self.covariances.ndim != 3 or self.covariances.shape[1:] != (8, 8):
            raise LengthError(f"covariances of shape {self.covariances.shape}; expected (n, 8, 8).")
        self.covariances.flags.writeable = False

    @classmethod
    def fit(cls, covariances: Matrix) -> Self:
        """Learn from the covariances of training records.

        Tyler's scatter matrix (Ann Statist 1987;15:234), of trace 8, is the population; each
        record is brought to its scale, so that no large one dominates, and shrunk towards it.

        Parameters
        ----------
        covariances : (records, 8, 8) mV², of the eight leads in `dsp.clean`'s band.

        Raises
        ------
        SignalError
            If a record has a lead without signal.

        Examples
        --------
        >>> Gaussian.fit(np.eye(8)[None] * [[[4.0]], [[9.0]]]).covariances[:, 0, 0].round(6)
        array([1., 1.])
        """
        records = np.asarray(covariances, np.float64)
        dead = np.flatnonzero(np.einsum("nii->ni", records).min(axis=1) <= 0)
        if dead.size:
            raise SignalError(f"training records {dead[:5].tolist()} have a lead without signal.")
        shape, scales = records.mean(axis=0), np.ones(len(records))
        for _ in range(100):
            scales = _mahalanobis(np.linalg.inv(shape + 1e-9 * np.trace(shape) * np.eye(8)), records)
            new = (records / scales[:, None, None]).mean(axis=0)
            new *= 8 / np.trace(new)
            change = np.abs(new - shape).max()
            shape = new
            if change < 1e-9:
                break
        own = records / scales[:, None, None]
        return cls((own + SHRINKAGE * shape) / (1 + SHRINKAGE))

    @functools.cached_property
    def population(self) -> Matrix:
        """(8, 8): the mean covariance."""
        return np.asarray(self.covariances.mean(axis=0))

    def weights(self, given: Sequence[str]) -> Matrix:
        """Population weights ``W_S``: (8, n_given), eight leads from the given ones.

        Raises
        ------
        LeadError
            If a lead is not one of the twelve, or doubled.

        Examples
        --------
        >>> Gaussian(np.eye(8)[None] + 1.0).weights(["I"])[:, 0].tolist()
        [1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
        """
        basis, coordinates = given_space(leads.canonical_all(given))
        return np.asarray(_predictors(self.population[None], basis)[0] @ coordinates)

    def votes(self, basis: Matrix, seen: Matrix) -> Votes:
        """How much each training patient is like a record.

        Parameters
        ----------
        basis : (8, rank), as of `given_space`.
        seen : (rank, rank) mV², covariance of the record in those coordinates.

        Examples
        --------
        >>> Gaussian(np.eye(8)[None]).votes(np.eye(8)[:, :1], np.eye(1)).weights
        array([1.])
        """
        inverse, logdet = self._inverses(_key(basis))
        scale = _mahalanobis(inverse, seen)
        rank = basis.shape[1]
        # Likelihood of a zero-mean Gaussian with its scale at the maximum.
        score = -0.5 * EVIDENCE * (rank * np.log(scale) + logdet)
        weights = np.exp(score - score.max())
        return Votes(weights / weights.sum(), self.covariances * scale[:, None, None])

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
        ...     Gaussian(np.eye(8)[None]).save(home)
        ...     len(Gaussian.load(home).covariances)
        1
        """
        rows = [[float(f"{v:.4g}") for v in c[_UPPER]] for c in self.covariances]
        config = {"model": "gaussian", "version": 1, "leads": list(leads.EIGHT), **about}
        head = json.dumps(config, indent=1)[:-2]
        body = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        text = f'{head},\n "upper_triangles": [\n{body}\n]}}\n'
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
        >>> import recon
        >>> Gaussian.load(recon.reconstructor.BUNDLED).covariances.shape[1:]
        (8, 8)
        """
        path = Path(folder) / "config.json"
        try:
            config = json.loads(path.read_text())
            rows = np.array(config["upper_triangles"], np.float64)
            out = np.zeros((len(rows), 8, 8))
            out[:, _UPPER[0], _UPPER[1]] = rows
            out[:, _UPPER[1], _UPPER[0]] = rows
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise ECGError(
                f"{path} holds no Gaussian model ({type(error).__name__}: {error}); "
                "give a folder that Gaussian.save wrote."
            ) from None
        return cls(out)


class Patient:
    """The same model after seconds of one patient's own leads.

    The posterior covariance is ``S + strength * P``: the patient's own, and the population's in
    the patient's scale. For any given leads that is ridge regression towards ``W_S``; its strength
    is chosen for them by leaving out one second after another.

    Parameters
    ----------
    model : the population.
    seconds : (n, 8, 8) mV², covariance of each second of the eight leads; n >= 2.

    Raises
    ------
    LengthError
        For fewer than two seconds.

    Examples
    --------
    >>> Patient(Gaussian(np.eye(8)[None]), np.stack([np.eye(8)] * 2)).seconds.shape
    (2, 8, 8)
    """

    def __init__(self, model: Gaussian, seconds: Matrix) -> None:
        if len(seconds) < 2:
            raise LengthError(f"{len(seconds)} usable seconds; a calibration needs at least two.")
        self.seconds = np.array(seconds, np.float64)
        self._total = self.seconds.sum(axis=0)
        self._prior = _in_scale(model, self._total)
        self._held_out = [
            (second, self._total - second, _in_scale(model, self._total - second))
            for second in self.seconds
        ]

    def votes(self, basis: Matrix, seen: Matrix) -> Votes:
        """One covariance, in the scale of the record; as `Gaussian.votes`.

        Examples
        --------
        >>> patient = Patient(Gaussian(np.eye(8)[None]), np.stack([np.eye(8)] * 2))
        >>> patient.votes(np.eye(8)[:, :1], np.eye(1)).covariances.shape
        (1, 8, 8)
        """
        own = self._total + self.strength(basis) * self._prior
        scale = _mahalanobis(np.linalg.inv(basis.T @ own @ basis), seen)
        return Votes(np.ones(1), (own * scale)[None])

    def strength(self, basis: Matrix) -> float:
        """The row of `STRENGTHS` with the least leave-one-second-out error for these leads.

        Examples
        --------
        >>> patient = Patient(Gaussian(np.eye(8)[None]), np.stack([np.eye(8)] * 2))
        >>> patient.strength(np.eye(8)[:, :1]) in STRENGTHS
        True
        """
        return self._strength(_key(basis))

    @functools.lru_cache(maxsize=256)  # noqa: B019 - models are few and live long
    def _strength(self, key: tuple[tuple[float, ...], ...]) -> float:
        basis = np.array(key)
        power = np.diag(self._total) + 1e-12
        errors = []
        for strength in STRENGTHS:
            error = 0.0
            for second, rest, prior in self._held_out:
                away = np.eye(8) - _predictors((rest + strength * prior)[None], basis)[0] @ basis.T
                error += float((np.diag(away @ second @ away.T) / power).sum())
            errors.append(error)
        return STRENGTHS[int(np.argmin(errors))]


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
    return right[:rank].T, left[:, :rank].T / size[:rank, None]


def condition(votes: Votes, basis: Matrix) -> Conditional:
    """The twelve leads given ``basis.T @ x8``: a mixture of Gaussians, its mean and variance.

    Parameters
    ----------
    votes : of one record.
    basis : (8, rank), as of `given_space`.

    Examples
    --------
    >>> votes = Votes(np.ones(1), np.eye(8)[None])
    >>> condition(votes, np.eye(8)[:, :2]).floor.round(2).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    each = _predictors(votes.covariances, basis)
    left = votes.covariances - each @ (basis.T @ votes.covariances)
    to_12 = leads.EIGHT_TO_TWELVE
    variance = np.einsum("hi,kij,hj->kh", to_12, left, to_12)
    mean = np.einsum("k,kij->ij", votes.weights, each)
    apart = to_12 @ (each - mean)
    spread = np.einsum("k,khi,khj->hij", votes.weights, apart, apart)
    return Conditional(to_12 @ mean, np.clip(votes.weights @ variance, 0, None), spread)


def _predictors(covariances: Matrix, basis: Matrix) -> Matrix:
    """(k, 8, rank): ``C B (B' C B)^-1`` of each covariance."""
    cross = covariances @ basis
    inner = basis.T @ cross
    inner = inner + 1e-9 * np.einsum("kii->k", inner)[:, None, None] * np.eye(basis.shape[1])
    return np.asarray(np.linalg.solve(inner, cross.transpose(0, 2, 1)).transpose(0, 2, 1))


def _mahalanobis(inverse: Matrix, seen: Matrix) -> Matrix:
    """Mean squared length of `seen` by `inverse`: the scale at which the likelihood is greatest."""
    return np.asarray(np.einsum("...ij,...ji->...", inverse, seen) / seen.shape[-1])


def _in_scale(model: Gaussian, total: Matrix) -> Matrix:
    """What the population makes of a patient whose eight leads are seen, in the patient's scale."""
    votes = model.votes(np.eye(8), total)
    return np.asarray(np.einsum("k,kij->ij", votes.weights, votes.covariances))


def _key(basis: Matrix) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, basis.tolist()))
