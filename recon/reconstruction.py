"""Reconstruction: twelve leads, where each comes from, and how far to trust it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from dsp import ECG, SignalError, checks, leads, metrics
from recon.familiarity import STRANGE
from recon.intervals import Intervals, inferred, rank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Source = Literal["measured", "derived", "inferred"]

WAVES: Final = ("all", "P", "QRS", "ST", "T")
"""Columns of `Reconstruction.trust`."""


class UnfamiliarWarning(UserWarning):
    """The given leads do not look like an ECG that the model could know anything about."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """Twelve leads, and how far to trust each.

    Attributes
    ----------
    ecg : the twelve leads; given ones are bit-equal to the input, the limb algebra holds.
    std : (12, time) float32 mV, standard deviation of the error; 0 where measured or derived.
    source : by lead: "measured" (given), "derived" (algebra of given leads) or "inferred".
    familiarity : 0 to 1, how much the given leads look like those the model was made of; NaN if it
        keeps no record of them. Below 0.002 it is no ECG, or in another unit.
    intervals : calibration of the intervals on held-out patients; None for a Gaussian's.

    Examples
    --------
    >>> import recon
    >>> t = np.arange(5000) / 500
    >>> model = recon.Reconstructor.from_pretrained("gaussian")
    >>> out = model.predict(ECG(np.sin(7 * t), 500, ["I"]))
    >>> out.source["I"], out.source["V3"], out.ecg.signal.shape
    ('measured', 'inferred', (12, 5000))
    """

    ecg: ECG
    std: checks.Signal
    source: Mapping[str, Source]
    familiarity: float = float("nan")
    intervals: Intervals | None = None

    @property
    def familiar(self) -> bool:
        """Whether the given leads look like an ECG.

        Examples
        --------
        >>> Reconstruction(ECG(np.ones((12, 500)), 500, leads.TWELVE), None, {}, 0.2).familiar
        True
        """
        return not self.familiarity < STRANGE

    def interval(self, level: float = 0.9) -> tuple[checks.Signal, checks.Signal]:
        """Where the true signal lies with probability `level`: (low, high), each (12, time) mV.

        Raises
        ------
        SignalError
            Unless 0 < level < 1.

        Examples
        --------
        >>> import recon
        >>> ecg = ECG(np.sin(np.arange(5000)), 500, ["I"])
        >>> low, high = recon.Reconstructor.from_pretrained("gaussian").predict(ecg).interval(0.9)
        >>> bool((low <= high).all())
        True
        """
        if not 0 < level < 1:
            raise SignalError(f"level={level!r}: an interval has a level between 0 and 1.")
        halves: NDArray[Any] = np.full(12, scipy.special.ndtri(0.5 + level / 2))
        given = [lead for lead, source in self.source.items() if source == "measured"]
        if self.intervals is not None and given:
            halves = self.intervals.factor(level, rank(given))
        half = halves.astype(np.float32)[:, None] * self.std
        return self.ecg.signal - half, self.ecg.signal + half

    @property
    def trust(self) -> dict[str, dict[str, float]]:
        """By lead and wave: the r with the true lead that the model expects there.

        With an error that the estimate knows nothing of, ``r² = m² / (m² + s²)``: m² the power of the
        estimate, s² that of its error. "all" is the whole record; P, QRS, ST and T are where the
        given leads show those waves, NaN if they show none. 1 for what is measured or derived;
        0 for what is inferred from something that does not look like an ECG.

        Returns
        -------
        ``trust["V3"]["T"]``, a number from 0 to 1.

        Examples
        --------
        >>> import recon
        >>> ecg = ECG(np.sin(np.arange(5000)), 500, ["I"])
        >>> trust = recon.Reconstructor.from_pretrained("gaussian").predict(ecg).trust
        >>> trust["I"]["all"], 0 <= trust["V2"]["all"] < 1
        (1.0, True)
        """
        given = [lead for lead, source in self.source.items() if source == "measured"]
        there = ~np.isnan(self.ecg.signal).all(axis=0)
        marks: Mapping[str, NDArray[np.bool_]] = {}
        if there.any() and given:
            marks = metrics.landmarks(np.nan_to_num(self.ecg[tuple(given)]), self.ecg.fs).waves
        cleaned = np.nan_to_num(_baseline_free(self.ecg))
        table: dict[str, dict[str, float]] = {}
        for row, lead in enumerate(self.ecg.leads):
            if self.source[lead] != "inferred":
                table[lead] = dict.fromkeys(WAVES, 1.0)
                continue
            table[lead] = {
                wave: self._expected(
                    cleaned[row], self.std[row], np.asarray(marks.get(wave, there) & there)
                )
                for wave in WAVES
            }
        return table

    def _expected(self, mean: checks.Signal, std: checks.Signal, where: NDArray[np.bool_]) -> float:
        if not where.any():
            return float("nan")
        if not self.familiar:
            return 0.0
        power = float(np.mean(mean[where].astype(np.float64) ** 2))
        error = float(np.nanmean(std[where].astype(np.float64) ** 2))
        return float(np.sqrt(power / (power + error))) if power + error > 0 else float("nan")

    def plot(self, *, level: float = 0.9, **options: Any) -> Figure:
        """Draw on ECG paper with the interval of `level`; `options` as for `dsp.plot`.

        Examples
        --------
        >>> import recon
        >>> ecg = ECG(np.sin(np.arange(5000)), 500, ["I"])
        >>> figure = recon.Reconstructor.from_pretrained("gaussian").predict(ecg).plot()
        """
        return self.ecg.plot(source=self.source, band=self.interval(level), **options)


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
    found: dict[str, Source] = {}
    for lead, unknown in zip(leads.TWELVE, inferred(names), strict=True):
        found[lead] = "measured" if lead in names else "inferred" if unknown else "derived"
    return found


def _baseline_free(ecg: ECG) -> checks.Signal:
    from dsp import clean

    return clean(ecg.signal, ecg.fs)
