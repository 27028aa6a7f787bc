"""Content: what is drawn beside the traces, checked: overlay, band, sources, marks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import checks
from dsp.errors import ECGError, LeadError, LengthError, SignalError
from dsp.paper import ink
from dsp.record import ECG, Annotations

Band = tuple[ArrayLike, ArrayLike]
Source = Mapping[str, str] | Sequence[str]
Marks = Annotations | Sequence[int] | NDArray[np.integer]


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """What is drawn beside the traces, checked."""

    overlay: ECG | None
    band: tuple[checks.Signal, checks.Signal] | None
    source: Mapping[str, str]
    marks: Annotations | None

    def styles(self) -> list[ink.Style]:
        """The line styles in use, for the legend."""
        used = [style for name, style in ink.SOURCES.items() if name in self.source.values()]
        if self.overlay is not None:
            label = plain(self.overlay.meta.get("label", ink.OVERLAY.legend))[:24]
            used.append(ink.OVERLAY._replace(legend=label))
        return used + [ink.BAND] * (self.band is not None)


def gather(
    ecg: ECG, overlay: ECG | None, band: Band | None, source: Source | None, marks: Marks | None
) -> Content:
    """Check what was given with a recording.

    Raises
    ------
    ECGError, LeadError, LengthError, SignalError
        If a part does not fit the recording.
    """
    if overlay is not None:
        require_ecg(overlay, "overlay")
        if not set(overlay.leads) & set(ecg.leads):
            raise LeadError(
                f"the overlay has {' '.join(overlay.leads)}, the recording {' '.join(ecg.leads)}: "
                "they share no lead."
            )
    return Content(overlay, _limits(ecg, band), _sources(ecg, source), _annotations(ecg, marks))


def _limits(ecg: ECG, band: Band | None) -> tuple[checks.Signal, checks.Signal] | None:
    if band is None:
        return None
    if not isinstance(band, tuple | list) or len(band) != 2:
        raise LengthError(f"band is of type {type(band).__name__}; give a pair, (low, high).")
    low, high = (checks.signal(limit, axes=2) for limit in band)
    if not low.shape == high.shape == ecg.signal.shape:
        raise LengthError(
            f"band of shapes {low.shape} and {high.shape} for a signal of {ecg.signal.shape}; "
            "low and high are (leads, time) like the signal."
        )
    if (low > high).any():
        raise SignalError(f"the band's low exceeds its high at {int((low > high).sum())} samples.")
    return low, high


def _sources(ecg: ECG, source: Source | None) -> Mapping[str, str]:
    if source is None:
        return _noted_sources(ecg)
    if not isinstance(source, Mapping):
        if not isinstance(source, tuple | list) or len(source) != len(ecg.leads):
            raise LeadError(f"source={source!r}: give one for each of {' '.join(ecg.leads)}.")
        source = dict(zip(ecg.leads, source, strict=True))
    unsaid = [lead for lead in ecg.leads if lead not in source]
    if unsaid:
        raise LeadError(f"source does not say where {' '.join(unsaid)} come from.")
    wrong = sorted({str(source[lead]) for lead in ecg.leads} - set(ink.SOURCES))
    if wrong:
        raise ECGError(f"source {' '.join(wrong)!r} is not one of {', '.join(ink.SOURCES)}.")
    return {lead: str(source[lead]) for lead in ecg.leads}


def _noted_sources(ecg: ECG) -> Mapping[str, str]:
    """What the recording itself says about its leads.

    A lead it does not mention was made later, by algebra, and is as uncertain as any it was made of.
    """
    noted = ecg.meta.get("lead_sources")
    if not isinstance(noted, Mapping):
        return {}
    known = {lead: str(word) for lead, word in noted.items() if str(word) in ink.SOURCES}
    if not known:
        return {}
    worst = max(known.values(), key=list(ink.SOURCES).index)
    return {lead: known.get(lead, worst) for lead in ecg.leads}


def _annotations(ecg: ECG, marks: Marks | None) -> Annotations | None:
    if marks is None:
        return None
    if not isinstance(marks, Annotations):
        samples = np.asarray(marks)
        if samples.ndim != 1 or (samples.size and samples.dtype.kind not in "iu"):
            raise SignalError(
                f"marks of shape {samples.shape} and type {samples.dtype}; give sample indices: "
                "whole numbers, one axis."
            )
        if samples.size and not 0 <= samples.min() <= samples.max() < ecg.n_samples:
            raise LengthError(
                f"marks from {samples.min()} to {samples.max()} in a recording of "
                f"{ecg.n_samples} samples; give indices of its samples."
            )
        marks = Annotations(samples.astype(np.int64), ("",) * len(samples))
    return marks


def require_ecg(ecg: Any, name: str) -> None:
    """Refuse anything but an `ECG`.

    Raises
    ------
    ECGError
        Saying how to make one.
    """
    if not isinstance(ecg, ECG):
        raise ECGError(
            f"{name} is of type {type(ecg).__name__}; give a dsp.ECG, made by dsp.read(path) or "
            'dsp.ECG(x, 500, ("I", "II")).'
        )


def plain(words: Any) -> str:
    """One printable line; a file's text may hold anything."""
    return "".join(c if c.isprintable() else " " for c in str(words)).strip()[:120]
