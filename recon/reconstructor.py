"""Reconstructor: any leads in, twelve leads out, with how sure it is and what was only inferred."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, overload

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp import ECG, LengthError, SignalError, checks, filters, leads
from recon import calibration
from recon.calibration import Patient
from recon.gaussian import Conditional, Gaussian, condition, covariance, given_space, split

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Source = Literal["measured", "derived", "inferred"]

BUNDLED: Final = Path(__file__).parent / "weights" / "gaussian"
SHORTEST: Final = 0.5
"""Seconds of signal below which nothing can be said of a record's leads."""
_ASSUMED_FS: Final = 500.0
_BLOCK: Final = 500_000  # samples at once in float64, to bound memory


class AssumptionWarning(UserWarning):
    """A sampling rate or a lead name was not given, and was assumed."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """Twelve leads, and how far to trust each.

    Attributes
    ----------
    ecg : the twelve leads; given ones are bit-equal to the input, the limb algebra holds.
    std : (12, time) float32 mV, standard deviation of the error; 0 where measured or derived.
    source : by lead: "measured" (given), "derived" (algebra of given leads) or "inferred".

    Examples
    --------
    >>> t = np.arange(5000) / 500
    >>> out = Reconstructor.from_pretrained().predict(ECG(np.sin(7 * t), 500, ["I"]))
    >>> out.source["I"], out.source["V3"], out.ecg.signal.shape
    ('measured', 'inferred', (12, 5000))
    """

    ecg: ECG
    std: checks.Signal
    source: Mapping[str, Source]

    def interval(self, level: float = 0.9) -> tuple[checks.Signal, checks.Signal]:
        """Where the true signal lies with probability `level`: (low, high), each (12, time) mV.

        Raises
        ------
        SignalError
            Unless 0 < level < 1.

        Examples
        --------
        >>> ecg = ECG(np.sin(np.arange(5000)), 500, ["I"])
        >>> low, high = Reconstructor.from_pretrained().predict(ecg).interval(0.9)
        >>> bool((low <= high).all())
        True
        """
        if not 0 < level < 1:
            raise SignalError(f"level={level!r}: an interval has a level between 0 and 1.")
        half = np.float32(scipy.special.ndtri(0.5 + level / 2)) * self.std
        return self.ecg.signal - half, self.ecg.signal + half

    def plot(self, *, level: float = 0.9, **options: Any) -> Figure:
        """Draw on ECG paper with the interval of `level`; `options` as for `dsp.plot`.

        Examples
        --------
        >>> ecg = ECG(np.sin(np.arange(5000)), 500, ["I"])
        >>> figure = Reconstructor.from_pretrained().predict(ecg).plot()
        """
        return self.ecg.plot(source=self.source, band=self.interval(level), **options)


class Reconstructor:
    """From any of the twelve leads to all of them, by the Gaussian predictor.

    Parameters
    ----------
    model : the population (`Gaussian`), or one patient (`Patient`, as `calibrate` makes).

    Examples
    --------
    >>> model = Reconstructor.from_pretrained()
    >>> model.predict(ECG(np.sin(np.arange(5000)), 500, ["II"])).ecg.leads[:3]
    ('I', 'II', 'III')
    """

    def __init__(self, model: Gaussian | Patient) -> None:
        self.model = model

    @classmethod
    def from_pretrained(cls, folder: str | Path | None = None) -> Self:
        """The bundled weights, or those in a folder.

        Raises
        ------
        ECGError
            If the folder holds no model.

        Examples
        --------
        >>> Reconstructor.from_pretrained().model.covariances.shape[2:]
        (8, 8)
        """
        return cls(Gaussian.load(folder or BUNDLED))

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
        >>> out = Reconstructor.from_pretrained().predict(ECG(np.sin(np.arange(5000)), 500, ["I"]))
        >>> bool((out.ecg["I"] == np.sin(np.arange(5000)).astype("f4")).all())
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
        return Reconstruction(twelve, std, source)

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
        (..., 12, time) float32 mV, twice: the twelve leads, and their standard deviations.

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
        mean = np.empty((len(flat), 12, x.shape[-1]), np.float32)
        std = np.empty_like(mean)
        for record, m, s in zip(flat, mean, std, strict=True):
            self._estimate_one(record, fs, names, m, s)
        shape = (*x.shape[:-2], 12, x.shape[-1])
        return mean.reshape(shape), std.reshape(shape)

    def _estimate_one(
        self, x: checks.Signal, fs: float, names: tuple[str, ...], mean: Any, std: Any
    ) -> None:
        """Fill `mean` and `std`, (12, time), for one record (n_given, time)."""
        banded = split(filters.clean(x, fs), fs)
        present = ~np.isnan(banded[0])
        alive = _alive(x)
        if not alive.any():
            raise SignalError(
                f"{' '.join(names)}: flat in every lead given; there is nothing to reconstruct from."
            )
        present &= alive[:, None]
        mean[:], std[:] = np.nan, np.nan
        # One conditional for each set of leads that are present together: usually one in all.
        codes = (1 << np.arange(len(names), dtype=np.int64)) @ present
        for code in np.unique(codes[codes > 0]):
            rows = np.flatnonzero(code >> np.arange(len(names)) & 1)
            together = codes == code
            basis, coordinates = given_space(tuple(names[i] for i in rows))
            given = self._conditional(
                basis, coordinates, banded[:, rows], present[rows].all(axis=0)
            )
            where = slice(None) if together.all() else np.flatnonzero(together)
            _apply(given, basis, coordinates, x[rows], banded[:, rows], where, mean, std)
        for name, row in zip(names, x, strict=True):
            mean[leads.TWELVE.index(name)] = row
            std[leads.TWELVE.index(name)] = 0

    def _conditional(
        self, basis: Any, coordinates: Any, banded: checks.Signal, usable: NDArray[np.bool_]
    ) -> Conditional:
        seen = covariance(banded if usable.all() else banded[..., usable])
        return condition(self.model.votes(basis, coordinates @ seen @ coordinates.T), basis)

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
        >>> rng = np.random.default_rng(0)
        >>> wave = np.cumsum(rng.normal(size=(8, 2000)), axis=1) / 100
        >>> ecg = ECG(wave, 500, leads.EIGHT)
        >>> mine = Reconstructor.from_pretrained().calibrate(ecg)
        >>> mine.predict(ecg.select("I", "V2")).ecg.signal.shape
        (12, 2000)
        """
        if isinstance(self.model, Patient):
            raise SignalError("already calibrated to a patient; calibrate the population's model.")
        return Reconstructor(Patient(self.model, calibration.seconds(ecg)))


def sources(given: Sequence[str]) -> dict[str, Source]:
    """What each of the twelve leads is when `given` are measured.

    Raises
    ------
    LeadError
        If a lead is not one of the twelve, or doubled.

    Examples
    --------
    >>> sources(["I", "aVF"])["II"], sources(["I"])["II"]
    ('derived', 'inferred')
    """
    names = leads.canonical_all(given)
    basis, _ = given_space(names)
    unseen = leads.EIGHT_TO_TWELVE - leads.EIGHT_TO_TWELVE @ basis @ basis.T
    found: dict[str, Source] = {}
    for lead, rest in zip(leads.TWELVE, np.abs(unseen).max(axis=1), strict=True):
        found[lead] = "measured" if lead in names else "derived" if rest < 1e-9 else "inferred"
    return found


def _alive(x: checks.Signal) -> NDArray[np.bool_]:
    """(n_given,): leads that are not constant throughout."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a lead that is one gap
        span = np.nanmax(x, axis=1) - np.nanmin(x, axis=1)
    return np.asarray(np.nan_to_num(span) > 0)


def _apply(
    given: Conditional,
    basis: Any,
    coordinates: Any,
    x: checks.Signal,
    banded: checks.Signal,
    where: Any,
    mean: Any,
    std: Any,
) -> None:
    """Fill `mean` and `std` at the samples `where`, in blocks.

    What cleaning took away (baseline, mains) belongs to the given leads: it stays in them and in
    what follows from them by algebra, and is not spread to the inferred ones.
    """
    samples = np.arange(x.shape[1])[where]
    own = leads.EIGHT_TO_TWELVE @ basis
    for first in range(0, len(samples), _BLOCK):
        part = samples[first : first + _BLOCK]
        each = coordinates @ banded[..., part].astype(np.float64)
        away = coordinates @ x[:, part].astype(np.float64) - each.sum(axis=0)
        z = np.concatenate(list(each))
        mean[:, part] = given.mean @ z + own @ away
        variance = np.einsum("it,hij,jt->ht", z, given.spread, z, optimize=True)
        std[:, part] = np.sqrt(np.clip(variance + given.floor[:, None], 0, None))
    # The eight as stored decide the other four, so that the algebra holds to rounding.
    limb = leads.EIGHT_TO_TWELVE[2:6, :2]
    mean[2:6, where] = limb @ mean[:2, where].astype(np.float64)


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
