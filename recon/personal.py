"""Personal: the network after seconds of one patient's own leads, still in closed form.

What the network gets wrong in this patient is a ridge regression on the given leads and on the network's
own estimate, slow and fast waves apart, learned from the calibration seconds; and what is left then at
every beat alike (`recon.remainder`). The strength of the regression is chosen for each lead set by leaving
out one second after another; so is the factor on the standard deviation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from dsp import ECG, SignalError, filters, leads
from dsp.checks import Signal
from recon.calibration import Patient, usable
from recon.familiarity import Familiarity
from recon.gaussian import Gaussian, Matrix, covariance, given_space, split
from recon.intervals import Intervals
from recon.predictor import FS, Given, Learned, OfWindows, Predictor
from recon.remainder import Peaks, Remainder, peaks_of
from recon.voting import EIGHT_OF_TWELVE, Float

RIDGES: Final = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Of the mean power of the regressors."""
STEADINESS: Final = 4.0
"""Seconds that the population's standard deviation counts for."""


class Correction(NamedTuple):
    """What a lead set gains by the calibration.

    Attributes
    ----------
    weights : (8, regressors).
    remainder : what to add at each beat; None for nothing.
    widths : (12,) factor on the standard deviation.
    """

    weights: Matrix
    remainder: Remainder | None
    widths: Float

    def of(self, told: Matrix, shows: Matrix, peaks: Peaks) -> Matrix:
        """(8, time) mV to add to the estimate.

        Parameters
        ----------
        told : (regressors, time), as of `regressors`. shows : (r, time), as of `shown`.
        peaks : of `shows`, as of `recon.remainder.peaks_of`.
        """
        found = self.weights @ told
        return found if self.remainder is None else found + self.remainder.added(shows, peaks)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Personal(OfWindows):
    """A predictor of windows at 100 Hz, as `recon.predictor.Predictor`, for one patient.

    Parameters
    ----------
    population : with a network.
    model : the patient in closed form, for who asks for it.
    x8 : (8, time) mV, what was calibrated on, at 100 Hz, cleaned.
    seconds : which parts of it are free of artefact; at least two.

    Examples
    --------
    >>> from recon import weights
    >>> from recon.gaussian import covariance
    >>> population = weights.load("gaussian")
    >>> x8 = np.cumsum(np.random.default_rng(0).normal(size=(8, 300)), axis=1).astype("f4")
    >>> parts = [slice(0, 100), slice(100, 200), slice(200, 300)]
    >>> patient = Patient(population.model, np.stack([covariance(split(x8[:, p], 100)) for p in parts]))
    >>> mine = Personal(population, patient, x8, parts)
    >>> mine.believe(x8[None], [(("I", "V2"), slice(None))])[0].shape
    (1, 12, 300)
    """

    population: Predictor
    model: Patient
    x8: Signal
    seconds: Sequence[slice]
    _found: dict[tuple[str, ...], Correction] = dataclasses.field(default_factory=dict)

    @property
    def network(self) -> Learned | None:
        """That of the population."""
        return self.population.network

    @property
    def intervals(self) -> Intervals | None:
        """Those of the population."""
        return self.population.intervals

    @property
    def familiarity(self) -> Familiarity | None:
        """That of the population."""
        return self.population.familiarity

    def believe(self, x8: Signal, sets: Given) -> tuple[Float, Float]:
        """As `recon.predictor.Predictor.believe`."""
        mean, variance = self.population.believe(x8, sets)
        for given, where in sets:
            found = self.correction(given)
            mean8 = mean[:, EIGHT_OF_TWELVE]
            each = zip(regressors(x8, mean8, given), shown(x8, given), strict=True)
            mended = mean8 + np.stack([found.of(told, z, peaks_of(z)) for told, z in each])
            twelve = (leads.EIGHT_TO_TWELVE @ mended).astype(np.float32)
            mean[..., where] = twelve[..., where]
            variance[..., where] *= np.square(found.widths)[:, None]
        return mean, variance

    def correction(self, given: tuple[str, ...]) -> Correction:
        """What is corrected for a lead set; found once.

        Examples
        --------
        >>> Personal(...).correction(("I",)).weights.shape  # doctest: +SKIP
        (8, 18)
        """
        if given not in self._found:
            self._found[given] = self._learned(given)
        return self._found[given]

    def _learned(self, given: tuple[str, ...]) -> Correction:
        x8 = self.x8[None]
        sets = [(given, slice(None))]
        mean, variance = self.population.believe(x8, sets)
        mean8 = mean[:, EIGHT_OF_TWELVE]
        told = regressors(x8, mean8, given)[0].astype(np.float64)
        missed = (x8 - mean8)[0].astype(np.float64)
        power = (self.x8.astype(np.float64) ** 2).mean(axis=1, keepdims=True) + 1e-12
        shows = shown(x8, given)[0]
        peaks = peaks_of(shows)
        errors: dict[float, list[Matrix]] = {ridge: [] for ridge in RIDGES}
        for out in self.seconds:
            rest = [part for part in self.seconds if part != out]
            for ridge, each in errors.items():
                found = _fitted(told, (shows, peaks), missed, rest, ridge)
                each.append((missed - found.of(told, shows, peaks))[:, out])
        best = min(RIDGES, key=lambda ridge: sum((e**2 / power).mean() for e in errors[ridge]))
        found = _fitted(told, (shows, peaks), missed, self.seconds, best)
        return found._replace(
            widths=self._widths(np.concatenate(errors[best], axis=1), variance[0])
        )

    def _widths(self, errors: Matrix, variance: Float) -> Float:
        """How wrong the stated deviations are in this patient, drawn towards not at all."""
        twelve = ((leads.EIGHT_TO_TWELVE @ errors) ** 2).mean(axis=1)
        stated = _joined(variance.astype(np.float64), self.seconds).mean(axis=1)
        ratio = twelve / np.maximum(stated, 1e-12)
        n = len(self.seconds)
        return np.asarray(np.sqrt((n * ratio + STEADINESS) / (n + STEADINESS)), np.float32)


def calibrated(population: Predictor, ecg: ECG) -> Predictor | Personal:
    """A predictor for the patient of a recording.

    Parameters
    ----------
    population : of windows; without a network the patient's covariance is all there is.
    ecg : seconds of this patient, of leads that determine all twelve.

    Raises
    ------
    LeadError, LengthError, SignalError
        As `recon.calibration.usable`.

    Examples
    --------
    >>> from recon import weights
    >>> wave = np.cumsum(np.random.default_rng(0).normal(size=(8, 1500)), axis=1) / 100
    >>> calibrated(weights.load("gaussian"), ECG(wave, 500, leads.EIGHT)).network is None
    True
    """
    if not isinstance(population.model, Gaussian):
        raise SignalError("already calibrated to a patient; calibrate the population's model.")
    cleaned, parts = usable(ecg)
    banded = split(cleaned, ecg.fs)
    patient = Patient(population.model, np.stack([covariance(banded[..., part]) for part in parts]))
    if population.network is None:
        return dataclasses.replace(population, model=patient)
    x8 = np.nan_to_num(filters.resample(cleaned, ecg.fs, FS))
    seconds = [slice(*(round(at * FS / ecg.fs) for at in (p.start, p.stop))) for p in parts]
    return Personal(population, patient, x8, seconds)


def regressors(x8: Signal, mean8: Float, given: tuple[str, ...]) -> Float:
    """(n, 2 (r + 8), time): the given leads and the estimate, slow and fast waves of each.

    Parameters
    ----------
    x8, mean8 : (n, 8, time) mV at 100 Hz.
    given : leads, of rank r.

    Examples
    --------
    >>> x8 = np.ones((1, 8, 100), "f4")
    >>> regressors(x8, x8, ("I", "II")).shape
    (1, 20, 100)
    """
    slow, fast = split(np.concatenate([shown(x8, given), mean8], axis=1), FS)
    return np.concatenate([slow, fast], axis=1)


def shown(x8: Signal, given: tuple[str, ...]) -> Float:
    """(n, r, time) mV: what the given leads show of (n, 8, time) mV, in directions of their own.

    Examples
    --------
    >>> shown(np.ones((1, 8, 5), "f4"), ("I", "V2")).shape
    (1, 2, 5)
    """
    basis, _ = given_space(leads.canonical_all(given))
    return np.asarray(np.einsum("ir,nit->nrt", basis.astype(np.float32), x8))


def _fitted(
    told: Matrix,
    beats: tuple[Matrix, Peaks],
    missed: Matrix,
    parts: Sequence[slice],
    strength: float,
) -> Correction:
    """The regression, and what it leaves at every beat; deviations as they are stated."""
    weights = _ridge(_joined(told, parts), _joined(missed, parts), strength)
    remainder = Remainder.learned(*beats, missed - weights @ told, parts)
    return Correction(weights, remainder, np.ones(12, np.float32))


def _joined(x: Matrix, parts: Sequence[slice]) -> Matrix:
    return np.concatenate([x[:, part] for part in parts], axis=1)


def _ridge(told: Matrix, target: Matrix, strength: float) -> Matrix:
    """(targets, regressors), least squares drawn towards 0."""
    inner = told @ told.T
    inner = inner + strength * np.trace(inner) / len(inner) * np.eye(len(inner))
    return np.asarray(np.linalg.solve(inner, told @ target.T).T)
