"""Rhythm: when atria and ventricles fire, drawn for many records at once."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecgsynth.draws import Draws
from ecgsynth.rhythm import atrial, conduction, ventricular
from ecgsynth.rhythm.events import AFTER, BEFORE, Knobs, Rhythm, sinus

__all__ = ["RHYTHMS", "Rhythm", "Row", "rhythms"]


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One rhythm: how it is made, what it is called, and how fast it usually is.

    Attributes
    ----------
    make : (draws, knobs, duration) -> Rhythm.
    name : in words.
    rate : mean, standard deviation, lowest and highest of the heart rate, bpm.
    statement : the SCP statement, empty where SCP has none.
    """

    make: Callable[[Draws, Knobs, float], Rhythm]
    name: str
    rate: tuple[float, float, float, float]
    statement: str


RHYTHMS: Final[Mapping[str, Row]] = {
    "SR": Row(sinus, "sinus rhythm", (71, 11, 60, 100), "SR"),
    "SBRAD": Row(sinus, "sinus bradycardia", (53, 4, 40, 59.9), "SBRAD"),
    "STACH": Row(sinus, "sinus tachycardia", (113, 9, 100.1, 150), "STACH"),
    "SARRH": Row(atrial.arrhythmia, "sinus arrhythmia", (66, 9, 50, 90), "SARRH"),
    "AFIB": Row(atrial.fibrillation, "atrial fibrillation", (86, 20, 50, 150), "AFIB"),
    "AFLT": Row(atrial.flutter, "atrial flutter", (90, 28, 55, 160), "AFLT"),
    "PAC": Row(atrial.atrial_premature, "atrial premature beats", (71, 10, 55, 95), "PAC"),
    "PVC": Row(
        ventricular.ventricular_premature, "ventricular premature beats", (72, 10, 55, 95), "PVC"
    ),
    "BIGU": Row(ventricular.bigeminy, "ventricular bigeminy", (74, 9, 55, 95), "BIGU"),
    "1AVB": Row(conduction.first_degree, "first-degree AV block", (67, 9, 50, 90), "1AVB"),
    "WENCK": Row(
        conduction.wenckebach, "second-degree AV block, Wenckebach", (72, 9, 55, 95), "2AVB"
    ),
    "2AVB": Row(conduction.two_to_one, "second-degree AV block, 2:1", (41, 4, 33, 50), "2AVB"),
    "3AVB": Row(conduction.complete_block, "complete AV block", (39, 5, 28, 52), "3AVB"),
    "JUNC": Row(atrial.junctional, "junctional rhythm", (50, 5, 38, 62), ""),
    "SVTAC": Row(
        atrial.supraventricular, "supraventricular tachycardia", (178, 16, 145, 215), "SVTAC"
    ),
    "VTACH": Row(
        ventricular.ventricular_tachycardia, "ventricular tachycardia", (165, 17, 125, 205), ""
    ),
    "PAUSE": Row(conduction.pause, "sinoatrial pauses", (64, 7, 50, 80), ""),
    "PACE": Row(ventricular.paced, "ventricular pacing", (68, 7, 55, 90), "PACE"),
}
"""Every rhythm by its short form (SCP's where SCP has one)."""


def rhythms(codes: NDArray[np.str_], draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """The rhythm of each record.

    Parameters
    ----------
    codes : (n,) keys of `RHYTHMS`.
    draws : for these n records.
    knobs : (n,) each: heart_rate (bpm), sdnn (s), lf_hf, breath_rate (Hz), breath_phase (rad).
    duration : s.

    Returns
    -------
    Rhythm whose events are sorted and within sight of the record.

    Examples
    --------
    >>> knobs = {"heart_rate": np.array([60.0]), "sdnn": np.array([0.0]), "lf_hf": np.array([1.0])}
    >>> knobs |= {"breath_rate": np.array([0.25]), "breath_phase": np.array([0.0])}
    >>> out = rhythms(np.array(["SR"]), Draws(0, 0, 1), knobs, 10.0)
    >>> int(((out.time >= 0) & (out.time < 10)).sum())
    10
    """
    parts = []
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        chosen = {name: value[rows] for name, value in knobs.items()}
        parts.append((rows, RHYTHMS[str(code)].make(draws.select(rows), chosen, duration)))
    beats = _gather(parts, len(codes), duration, ("time", "rr", "kind", "symbol"))
    atria = _gather(parts, len(codes), duration, ("p_time", "p_kind", "p_delay"))
    spikes = _gather(parts, len(codes), duration, ("spike",))
    oscillation = np.zeros((len(codes), 4))
    for rows, part in parts:
        oscillation[rows] = part.oscillation
    return Rhythm(**beats, **atria, **spikes, oscillation=oscillation)


def _gather(
    parts: list[tuple[NDArray[np.int64], Rhythm]], n: int, duration: float, names: tuple[str, ...]
) -> dict[str, Any]:
    """The events of all parts in one set of arrays, in time order, no wider than they must be."""
    packed = []
    for rows, part in parts:
        time = getattr(part, names[0])
        seen = (time > -BEFORE) & (time < duration + AFTER)
        order = np.argsort(np.where(seen, time, np.inf), axis=1, kind="stable")
        packed.append((rows, part, seen, order))
    width = max([1, *(int(seen.sum(1).max(initial=0)) for _, _, seen, _ in packed)])
    out: dict[str, Any] = {}
    for name in names:
        kind = getattr(parts[0][1], name).dtype
        full = np.full((n, width), np.nan if kind.kind == "f" else np.zeros(1, kind)[0], kind)
        for rows, part, seen, order in packed:
            values = np.take_along_axis(getattr(part, name), order[:, :width], 1)
            valid = np.take_along_axis(seen, order[:, :width], 1)
            target = full[rows]
            target[:, : values.shape[1]][valid] = values[valid]
            full[rows] = target
        out[name] = full
    return out
