"""Calibration to a patient: which seconds of a recording can be believed, and what they say."""

import functools
import warnings
from typing import Any, Final

import numpy as np

from dsp import ECG, LengthError, SignalError, checks, filters, leads
from recon.gaussian import (
    Gaussian,
    Matrix,
    Votes,
    as_key,
    mahalanobis,
    predictors,
)

STRENGTHS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""What the population may count for in a calibration, relative to the patient's own seconds."""
SHORTEST: Final = 2.0
WIDEST_MV: Final = 8.0
"""Peak to peak within a second, cleaned; no beat of a surface lead is larger."""
STEEPEST_DRIFT_MV: Final = 1.5
"""Change of the baseline (below 0.5 Hz) within a second; electrodes being moved do more."""
NOISIEST: Final = 0.35
"""Share of a lead's power above 40 Hz; a clean ECG has some hundredths."""
SHARE_CLIPPED: Final = 0.025
"""Share of a second at its own two extremes; a beat touches each for a few milliseconds."""


class Patient:
    """The same model after seconds of one patient's own leads.

    The posterior covariance is ``S + strength * P``: the patient's own, and the population's in
    the patient's scale. For any given leads that is ridge regression towards ``W_S``; its strength
    is chosen for them by leaving out one second after another.

    Parameters
    ----------
    model : the population.
    seconds : (n, bands, 8, 8) mV², `covariance` of each second of the eight leads; n >= 2.

    Raises
    ------
    LengthError
        For fewer than two seconds.

    Examples
    --------
    >>> one = np.ones((2, 1, 1, 1)) * np.eye(8)
    >>> Patient(Gaussian(one), np.stack([one[:, 0]] * 3)).seconds.shape
    (3, 2, 8, 8)
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
        >>> one = np.ones((2, 1, 1, 1)) * np.eye(8)
        >>> patient = Patient(Gaussian(one), np.stack([one[:, 0]] * 2))
        >>> patient.votes(np.eye(8)[:, :1], np.ones((2, 1, 1))).covariances.shape
        (2, 1, 8, 8)
        """
        own = self._total + self.strength(basis) * self._prior
        scale = mahalanobis(np.linalg.inv(basis.T @ own @ basis), seen)
        return Votes(np.ones(1), (own * scale[:, None, None])[:, None])

    def strength(self, basis: Matrix) -> float:
        """The row of `STRENGTHS` with the least leave-one-second-out error for these leads.

        Examples
        --------
        >>> one = np.ones((2, 1, 1, 1)) * np.eye(8)
        >>> patient = Patient(Gaussian(one), np.stack([one[:, 0]] * 2))
        >>> patient.strength(np.eye(8)[:, :1]) in STRENGTHS
        True
        """
        return self._strength(as_key(basis))

    @functools.lru_cache(maxsize=256)  # noqa: B019 - models are few and live long
    def _strength(self, key: tuple[tuple[float, ...], ...]) -> float:
        basis = np.array(key)
        power = np.einsum("bii->i", self._total) + 1e-12
        errors = []
        for strength in STRENGTHS:
            error = 0.0
            for second, rest, prior in self._held_out:
                away = np.eye(8) - predictors(rest + strength * prior, basis) @ basis.T
                left = np.einsum("bij,bjk,bik->i", away, second, away)
                error += float((left / power).sum())
            errors.append(error)
        return STRENGTHS[int(np.argmin(errors))]


def usable(ecg: ECG) -> tuple[checks.Signal, list[slice]]:
    """The eight leads, cleaned, and which seconds of them are free of artefact.

    Parameters
    ----------
    ecg : leads that determine all twelve, at least two seconds.

    Returns
    -------
    (8, time) mV, and at least two slices of a second each.

    Warns
    -----
    UserWarning
        If some seconds were left out.

    Raises
    ------
    LeadError
        If the leads do not determine all twelve.
    LengthError
        For less than two seconds.
    SignalError
        If fewer than two seconds are free of artefact.

    Examples
    --------
    >>> wave = np.cumsum(np.random.default_rng(0).normal(size=(8, 1500)), axis=1) / 100
    >>> len(usable(ECG(wave, 500, leads.EIGHT))[1])
    3
    """
    if ecg.duration < SHORTEST:
        raise LengthError(f"{ecg.duration:g} s to calibrate on; give at least {SHORTEST:g} s.")
    x = ecg.twelve_leads()[leads.EIGHT]
    cleaned = filters.clean(x, ecg.fs)
    step = round(ecg.fs)
    kept, refused = [], []
    for k in range(x.shape[1] // step):
        part = slice(k * step, (k + 1) * step)
        fault = _artefact(x[:, part], cleaned[:, part])
        if fault:
            refused.append(f"second {k}: {fault}")
        else:
            kept.append(part)
    if len(kept) < SHORTEST:
        raise SignalError(
            f"{len(kept)} of {len(kept) + len(refused)} seconds are free of artefact; at least two "
            f"are needed ({'; '.join(refused[:4])})."
        )
    if refused:
        warnings.warn(
            f"left out of the calibration: {'; '.join(refused[:4])}"
            + (f" and {len(refused) - 4} more." if len(refused) > 4 else "."),
            stacklevel=4,
        )
    return cleaned, kept


def _artefact(x: checks.Signal, cleaned: checks.Signal) -> str:
    """What is wrong with one second (8, samples), or nothing."""
    if np.isnan(x).any():
        return _say("a gap", np.isnan(x).sum(axis=1))
    baseline = x - cleaned
    span = np.ptp(cleaned, axis=1)
    drift = np.abs(np.median(baseline[:, -10:], axis=1) - np.median(baseline[:, :10], axis=1))
    rough = np.var(np.diff(baseline, axis=1), axis=1) / (np.var(np.diff(x, axis=1), axis=1) + 1e-12)
    extremes = (x == x.max(axis=1, keepdims=True)) | (x == x.min(axis=1, keepdims=True))
    clipped = extremes.mean(axis=1)
    # A row of this table: what it is called, how bad each lead is, where it begins.
    table: tuple[tuple[str, Any, float], ...] = (
        ("flat", -np.ptp(x, axis=1), -1e-6),
        ("larger than any beat", span, WIDEST_MV),
        ("baseline jump", drift, STEEPEST_DRIFT_MV),
        ("clipped", np.where(span > 1.0, clipped, 0), SHARE_CLIPPED),
        (
            "noise above 40 Hz",
            np.where(rough > NOISIEST, np.std(np.diff(x, axis=1), axis=1), 0),
            0.1,
        ),
    )
    for name, badness, limit in table:
        if (badness > limit).any():
            return _say(name, badness)
    return ""


def _say(name: str, badness: Any) -> str:
    return f"{name} in {leads.EIGHT[int(np.argmax(badness))]}"


def _in_scale(model: Gaussian, total: Matrix) -> Matrix:
    """What the population makes of a patient whose eight leads are seen, in the patient's scale."""
    votes = model.votes(np.eye(8), total)
    return np.asarray(np.einsum("k,bkij->bij", votes.weights, votes.covariances))
