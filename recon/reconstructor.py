"""Reconstructor: any leads in, twelve leads out, with how sure it is and what was only inferred."""

from __future__ import annotations

import functools
import itertools
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self, overload

import numpy as np
from numpy.typing import ArrayLike

import dsp
from dsp import ECG, LengthError, SignalError, checks, filters, leads
from dsp.stream import Reader
from recon import personal, sweep, weights
from recon.calibration import Patient
from recon.familiarity import STRANGE
from recon.gaussian import Gaussian
from recon.personal import Personal
from recon.predictor import FS, Predictor
from recon.reconstruction import Reconstruction, UnfamiliarWarning, sources

SHORTEST: Final = 0.5
"""Seconds of signal below which nothing can be said of a record's leads."""
_ASSUMED_FS: Final = 500.0
_LOOK_S: Final = 2.0  # a shorter record says little of what it is
_RARE: Final = 0.05
_NO_HEART: Final = {"no QRS", "flat", "lead off"}
_LOOKS: Final = 30  # windows looked at: five minutes tell what a recording is


class AssumptionWarning(UserWarning):
    """A sampling rate or a lead name was not given, and was assumed."""


class Reconstructor:
    """From any of the twelve leads to all of them.

    Parameters
    ----------
    predictor : of windows; a `Gaussian` or a `Patient` alone is one without a network.

    Examples
    --------
    >>> import ecgsynth
    >>> ecg = ecgsynth.simulate(1).record(0)
    >>> Reconstructor.from_pretrained().predict(ecg.select("II")).ecg.leads[:3]
    ('I', 'II', 'III')
    """

    def __init__(self, predictor: Predictor | Personal | Gaussian | Patient) -> None:
        self.predictor: Predictor | Personal
        if isinstance(predictor, Gaussian | Patient):
            self.predictor = Predictor(predictor)
        else:
            self.predictor = predictor

    @property
    def model(self) -> Gaussian | Patient:
        """The closed form below: of the population, or of a patient."""
        return self.predictor.model

    @classmethod
    def from_pretrained(cls, name: str | Path | None = None) -> Self:
        """The bundled weights, or others.

        Parameters
        ----------
        name : ``"base"`` (the network; the default) or ``"gaussian"`` (the closed form, without
            torch), both bundled; a folder; or ``owner/name`` on the Hugging Face hub.

        Raises
        ------
        ECGError
            If there is no such model.

        Examples
        --------
        >>> Reconstructor.from_pretrained().model.covariances.shape[2:]
        (8, 8)
        """
        return cls(weights.load(name))

    def predict(self, ecg: ECG) -> Reconstruction:
        """All twelve leads of a recording that holds at least one of them.

        A lead that is flat throughout is kept but not believed. At samples where a given lead has
        a gap it stays a gap, and the inferred leads follow from the leads that are there.

        Raises
        ------
        LeadError
            If no lead is one of the twelve, or any is none of them.
        LengthError, SignalError
            If it is shorter than 0.5 s, or flat in every lead.

        Examples
        --------
        >>> import ecgsynth
        >>> ecg = ecgsynth.simulate(1).record(0)
        >>> out = Reconstructor.from_pretrained().predict(ecg.select("I"))
        >>> bool((out.ecg["I"] == ecg["I"]).all())
        True
        """
        mean, std = self.estimate(ecg.signal, ecg.fs, ecg.leads)
        source = sources(ecg.leads)
        twelve = ECG(
            mean,
            ecg.fs,
            leads.TWELVE,
            annotations=ecg.annotations,
            meta={**ecg.meta, "lead_sources": dict(source)},
        )
        known = self._familiarity(ecg)
        if known < STRANGE:
            warnings.warn(
                f"{' '.join(ecg.leads)} does not look like an ECG in mV (familiarity {known:.4f}): "
                "check unit, rate and lead; trust is 0.",
                UnfamiliarWarning,
                stacklevel=2,
            )
        return Reconstruction(twelve, std, source, known, self.predictor.intervals)

    def stream(
        self, source: str | os.PathLike[str] | ECG | Reader, seconds: float = 60.0
    ) -> Iterator[Reconstruction]:
        """Go through a long recording: twelve leads in the memory of a minute.

        Parameters
        ----------
        source, seconds : as of `dsp.stream`.

        Yields
        ------
        One stretch after the other, without overlap and without a hole: together what `predict`
        makes of the whole, to 1e-4 mV.

        Raises
        ------
        LeadError, LengthError, SignalError, ReadError, RateError, UnitError
            As `predict` and `dsp.stream`.

        Examples
        --------
        >>> ecg = ECG(np.sin(np.arange(40_000)), 500, ["II"])
        >>> model = Reconstructor.from_pretrained("gaussian")
        >>> sum(part.ecg.duration for part in model.stream(ecg))
        80.0
        """
        pieces = dsp.stream(source, seconds)
        first = next(pieces)
        names = leads.canonical_all(first.leads)
        leads.require_standard(names)
        found = sources(names)
        parts = (
            sweep.Part(checks.millivolt(piece.signal), piece.clean())
            for piece in itertools.chain([first], pieces)
        )
        for mean, std in sweep.sweep(self.predictor, parts, first.fs, names):
            ecg = ECG(mean, first.fs, leads.TWELVE, meta={"lead_sources": dict(found)})
            yield Reconstruction(ecg, std, found, intervals=self.predictor.intervals)

    def _familiarity(self, ecg: ECG) -> float:
        """Of the clearest ten seconds of a recording; NaN where there is nothing to compare with."""
        known = self.predictor.familiarity
        whole = ~np.isnan(ecg.signal).any(axis=0)
        if known is None or whole.sum() < _LOOK_S * ecg.fs:
            return float("nan")
        size = round(sweep.WINDOW_S * FS)
        longest = round(_LOOKS * sweep.WINDOW_S * ecg.fs)
        x = filters.clean(ecg.signal[:, whole][:, :longest], ecg.fs)
        x = filters.resample(x, ecg.fs, FS)
        x = x[x.std(axis=1) > 0]
        parts = [x[:, k : k + size] for k in range(0, max(x.shape[1] - size // 2, 1), size)]
        if not len(x):
            return float("nan")
        score = max(known.score(part) for part in parts)
        # Rare, and no lead with a heart beat in it: there is nothing to infer from.
        found = dsp.quality(x, FS).reasons if score < _RARE else ()
        if found and all(_NO_HEART & set(reasons) for reasons in found):
            return 0.0
        return score

    def estimate(
        self, x: ArrayLike, fs: float, given: Sequence[str]
    ) -> tuple[checks.Signal, checks.Signal]:
        """Mean and standard deviation of all twelve leads, for arrays.

        Parameters
        ----------
        x : (..., n_given, time) mV.
        fs : Hz.
        given : a name for each row.

        Returns
        -------
        (..., 12, time) float32 mV, twice: the twelve leads, and their standard deviations. The leads of
            twice the input are twice the leads; deviations grow by less (`recon.difficulty`).

        Raises
        ------
        LeadError, LengthError, SignalError, RateError, UnitError
            As `predict`.

        Examples
        --------
        >>> x = np.sin(np.arange(10000).reshape(2, 1, 5000))
        >>> Reconstructor.from_pretrained().estimate(x, 500, ["I"])[0].shape
        (2, 12, 5000)
        """
        fs = checks.rate(fs)
        x = checks.millivolt(checks.signal(x, axes=2, seconds=SHORTEST, fs=fs))
        names = leads.canonical_all(given, x.shape[-2])
        leads.require_standard(names)
        flat = x.reshape(-1, *x.shape[-2:])
        if not all(sweep.alive(record).any() for record in flat):
            raise SignalError(
                f"{' '.join(names)}: flat in every lead given; there is nothing to reconstruct from."
            )
        mean = np.empty((len(flat), 12, x.shape[-1]), np.float32)
        std = np.empty_like(mean)
        if x.shape[-1] <= round(sweep.WINDOW_S * fs):
            for first in range(0, len(flat), sweep.AT_ONCE):
                some = flat[first : first + sweep.AT_ONCE]
                parts = [
                    sweep.Part(*pair) for pair in zip(some, filters.clean(some, fs), strict=True)
                ]
                for k, pair in enumerate(sweep.believe(self.predictor, parts, fs, names), first):
                    mean[k], std[k] = pair
        else:
            for record, m, s in zip(flat, mean, std, strict=True):
                part, done = sweep.Part(record, filters.clean(record, fs)), 0
                for some_mean, some_std in sweep.sweep(self.predictor, [part], fs, names):
                    stretch = slice(done, done + some_mean.shape[1])
                    m[:, stretch], s[:, stretch] = some_mean, some_std
                    done = stretch.stop
        shape = (*x.shape[:-2], 12, x.shape[-1])
        return mean.reshape(shape), std.reshape(shape)

    def calibrate(self, ecg: ECG) -> Reconstructor:
        """A better model for this patient, from seconds of the patient's own leads.

        Parameters
        ----------
        ecg : at least two clean seconds in which all eight independent leads are present (or
            follow by algebra): usually a twelve-lead recording.

        Returns
        -------
        A new reconstructor; this one is unchanged. Seconds with artefact are left out with a warning.

        Raises
        ------
        LeadError
            If the leads do not determine all twelve.
        SignalError
            If fewer than two seconds are free of artefact; the message says what was found.

        Examples
        --------
        >>> import ecgsynth
        >>> ecg = ecgsynth.simulate(1).record(0)
        >>> mine = Reconstructor.from_pretrained().calibrate(ecg.crop(0, 3))
        >>> mine.predict(ecg.select("I", "V2")).ecg.signal.shape
        (12, 5000)
        """
        if isinstance(self.predictor, Personal) or isinstance(self.model, Patient):
            raise SignalError("already calibrated to a patient; calibrate the population's model.")
        return Reconstructor(personal.calibrated(self.predictor, ecg))


@overload
def to_12lead(x: ECG) -> ECG: ...
@overload
def to_12lead(
    x: ArrayLike, fs: float | None = None, leads: Sequence[str] | None = None
) -> checks.Signal: ...


def to_12lead(
    x: ECG | ArrayLike, fs: float | None = None, leads: Sequence[str] | None = None
) -> ECG | checks.Signal:
    """Twelve leads from any of them, by the bundled model.

    Parameters
    ----------
    x : an `ECG`; or an array in mV, (time,) of one lead or (..., leads, time).
    fs : Hz, for arrays; 500 is assumed, with a warning, if it is not given.
    leads : names of the rows, for arrays; lead I is assumed for a single row.

    Returns
    -------
    An `ECG` for an ECG; else (..., 12, time) float32 mV in the order of `dsp.leads.TWELVE`.

    Warns
    -----
    AssumptionWarning
        If the rate or the lead was assumed. Heart rate cannot check a rate: most 250 Hz
        recordings read as 500 Hz still look like a resting heart.

    Raises
    ------
    LeadError, LengthError, SignalError, RateError, UnitError
        As `Reconstructor.predict`; LeadError too for several rows without names.

    Examples
    --------
    >>> to_12lead(np.sin(np.arange(5000)), fs=500, leads=["I"]).shape
    (12, 5000)
    """
    model = _bundled()
    if isinstance(x, ECG):
        return model.predict(x).ecg
    signal = checks.signal(x)
    rows = signal[None] if signal.ndim == 1 else signal
    assumed = []
    if fs is None:
        fs = _ASSUMED_FS
        assumed.append("fs=500")
    if leads is None:
        if rows.shape[-2] != 1:
            raise LengthError(
                f"shape {signal.shape} holds {rows.shape[-2]} leads; name them: leads=(...)."
            )
        leads = ("I",)
        assumed.append('leads=("I",)')
    if assumed:
        warnings.warn(
            f"assumed {' and '.join(assumed)}; say so to be sure.", AssumptionWarning, stacklevel=2
        )
    return model.estimate(rows, fs, leads)[0]


@functools.cache
def _bundled() -> Reconstructor:
    return Reconstructor.from_pretrained()
