"""Rhythm: when atria and ventricles fire, drawn for many records at once."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecgsynth.draws import Draws, Floats

FASTEST: Final = 4.2
"""Beats per second; sets how many events a record has room for."""
_BEFORE, _AFTER = 1.6, 0.6  # s around the record in which an event can still be seen inside it
_LEAD_IN = 3  # beats drawn before the first one inside


@dataclasses.dataclass(slots=True)
class Rhythm:
    """Events of n records; NaN time: no event.

    Attributes
    ----------
    time : (n, E) s, onsets of the QRS. rr : (n, E) s, the interval before each.
    kind : (n, E) int64, 0 conducted, 1 of ventricular (or paced) origin.
    symbol : (n, E) beat labels in the code of WFDB: N, A, V, J, E, /.
    p_time : (n, M) s, for each P wave the QRS onset it should lead to.
    p_kind : (n, M) int64, 0 sinus, 1 ectopic or retrograde.
    p_delay : (n, M) s, PR beyond the patient's own; negative: the P follows its QRS.
    spike : (n, S) s, pacing spikes.
    oscillation : (n, 4) atrial oscillation: rate Hz, depth and phase of its modulation rad, rate Hz
        of the modulation; rate 0 where there is none.
    """

    time: Floats
    rr: Floats
    kind: NDArray[np.int64]
    symbol: NDArray[np.str_]
    p_time: Floats
    p_kind: NDArray[np.int64]
    p_delay: Floats
    spike: Floats
    oscillation: Floats


Knobs = Mapping[str, Floats]
"""(n,) each: heart_rate bpm, sdnn s, lf_hf, breath_rate Hz, breath_phase rad."""


def room(duration: float) -> int:
    """Events a record has room for; depends on nothing but its duration.

    Examples
    --------
    >>> room(10.0)
    53
    """
    return int((duration + _BEFORE + _AFTER) * FASTEST) + _LEAD_IN - 1


def train(rate: Floats, sd: Floats, z: Floats, place: Floats, duration: float) -> Floats:
    """Onset times whose mean rate and standard deviation of intervals are exactly as asked.

    Parameters
    ----------
    rate : (n,) bpm. sd : (n,) s.
    z : (n, E) the course of the intervals, any scale and offset.
    place : (n,) in (0, 1), where in the record the train begins.
    duration : s.

    Returns
    -------
    (n, E) s. The intervals between the events inside the record have mean 60 / rate and standard
    deviation `sd` (of the population kind); events beyond it are put beyond it.

    Examples
    --------
    >>> z = np.sin(np.arange(53))[None]
    >>> t = train(np.array([75.0]), np.array([0.03]), z, np.array([0.5]), 10.0)[0]
    >>> rr = np.diff(t[(t >= 0) & (t < 10)])
    >>> round(float(60 / rr.mean()), 3), round(float(rr.std()), 4)
    (75.0, 0.03)
    """
    mean = 60 / rate
    count = np.floor((duration - 0.004) / mean)  # intervals inside
    order = np.arange(z.shape[1]) - _LEAD_IN
    inside = (order >= 0) & (order < count[:, None])
    z = standardise(z, inside)
    rr = np.maximum(mean[:, None] + sd[:, None] * z, np.minimum(0.2, 0.7 * mean)[:, None])
    first = place * (duration - 0.002 - count * mean)
    before = np.maximum(rr[:, _LEAD_IN - 1], first + 0.002)  # the last one before stays before
    rr[:, _LEAD_IN - 1] = before
    time = np.cumsum(rr, 1) - rr
    time += (first - time[:, _LEAD_IN])[:, None]
    last = np.take_along_axis(time, (count[:, None] + _LEAD_IN).astype(np.int64), 1)
    late = np.maximum(duration + 0.002 - last - np.take_along_axis(
        rr, (count[:, None] + _LEAD_IN).astype(np.int64), 1), 0)  # the first one after stays after
    return np.asarray(time + late * (order > count[:, None]))


def standardise(z: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Zero mean and unit variance over the entries inside; zero where fewer than two are.

    Examples
    --------
    >>> standardise(np.array([[1.0, 3.0, 9.0]]), np.array([[True, True, False]])).tolist()
    [[-1.0, 1.0, 7.0]]
    """
    count = np.maximum(inside.sum(1, keepdims=True), 1)
    z = z - (z * inside).sum(1, keepdims=True) / count
    sd = np.sqrt((z * z * inside).sum(1, keepdims=True) / count)
    return np.where(sd > 1e-9, z / np.maximum(sd, 1e-9), 0.0)


def sinus_course(draws: Draws, knobs: Knobs, duration: float) -> Floats:
    """(n, E) the course of sinus intervals: a slow (0.1 Hz) and a respiratory wave at the ratio asked.

    The two waves are made orthogonal over the record, so that their variances have the ratio LF/HF
    exactly, and the respiratory one has the phase of the breath that turns the heart.
    """
    mean = 60 / knobs["heart_rate"]
    order = np.arange(room(duration)) - _LEAD_IN
    t = order * mean[:, None]
    inside = (order >= 0) & (t + mean[:, None] <= duration)
    slow = np.zeros_like(t)
    phases = draws.uniform("rhythm slow phase", 3)
    for i, f in enumerate((0.085, 0.1, 0.115)):
        slow += np.sin(2 * np.pi * (f * t + phases[:, i, None]))
    breath = np.sin(2 * np.pi * knobs["breath_rate"][:, None] * t + knobs["breath_phase"][:, None])
    slow, breath = standardise(slow, inside), standardise(breath, inside)
    shared = (slow * breath * inside).sum(1, keepdims=True) / np.maximum(inside.sum(1), 1)[:, None]
    slow = standardise(slow - shared * breath, inside)
    ratio = knobs["lf_hf"][:, None]
    return np.asarray(np.sqrt(ratio / (1 + ratio)) * slow + np.sqrt(1 / (1 + ratio)) * breath)


def _regular(time: Floats) -> Rhythm:
    """Every event conducted, with its P."""
    n = len(time)
    rr = np.diff(time, axis=1, prepend=2 * time[:, :1] - time[:, 1:2])
    zeros = np.zeros(time.shape, np.int64)
    return Rhythm(
        time.copy(), rr, zeros, np.full(time.shape, "N"), time.copy(), zeros.copy(),
        np.zeros(time.shape), np.full((n, 0), np.nan), np.zeros((n, 4)),
    )  # fmt: skip


def _sinus(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    course = sinus_course(draws, knobs, duration)
    place = draws.uniform("rhythm place")[:, 0]
    return _regular(train(knobs["heart_rate"], knobs["sdnn"], course, place, duration))


def _arrhythmia(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Respiratory sinus arrhythmia: at least a tenth of the mean interval, nearly all with the breath."""
    sdnn = np.maximum(knobs["sdnn"], 0.1 * 60 / knobs["heart_rate"])
    return _sinus(draws, {**knobs, "sdnn": sdnn, "lf_hf": np.full(draws_n(knobs), 0.15)}, duration)


def draws_n(knobs: Knobs) -> int:
    """Number of records.

    Examples
    --------
    >>> draws_n({"heart_rate": np.zeros(3)})
    3
    """
    return len(knobs["heart_rate"])


def _fibrillation(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """No P, an atrial oscillation of 4 to 9 Hz, and independent, right-skewed intervals."""
    z = np.exp(0.45 * draws.normal("rhythm af", room(duration), limit=2.2))
    spread = draws.between("rhythm af spread", 0.16, 0.24) * 60 / knobs["heart_rate"]
    place = draws.uniform("rhythm place")[:, 0]
    out = _regular(train(knobs["heart_rate"], spread, z, place, duration))
    out.p_time[:] = np.nan
    rate = np.clip(6.3 + 0.9 * draws.one("rhythm f rate"), 4, 9)
    depth = draws.between("rhythm f depth", 0.8, 1.6)
    out.oscillation = _oscillation(draws, rate, depth)
    return out


def _oscillation(draws: Draws, rate: Floats, depth: Floats) -> Floats:
    slow = draws.between("rhythm f slow", 0.25, 0.55)
    return np.stack([rate, depth, slow, draws.between("rhythm f phase", 0, 2 * np.pi)], 1)


def _flutter(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """A sawtooth near 300 a minute, every second to fifth wave conducted."""
    ratio = np.clip(np.rint(300 / knobs["heart_rate"]), 2, 6)
    out = _sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.004)}, duration)
    out.p_time[:] = np.nan
    out.oscillation = _oscillation(draws, ratio * knobs["heart_rate"] / 60, np.zeros(len(ratio)))
    return out


def _scattered(draws: Draws, time: Floats, duration: float) -> NDArray[np.bool_]:
    """Which events are premature: one to three, never two in a row, never at the record's edge."""
    usable = (time > 0.8) & (time < duration - 0.9)
    score = np.where(usable, draws.uniform("rhythm premature", time.shape[1]), 9.0)
    wanted = 1 + (draws.uniform("rhythm how many")[:, 0] * 3).astype(np.int64)
    chosen = np.zeros(time.shape, bool)
    rows = np.arange(len(time))
    for i in range(3):
        best = score.argmin(1)
        take = (wanted > i) & (score[rows, best] < 9)
        chosen[rows[take], best[take]] = True
        for near in (-1, 0, 1):
            score[rows, np.clip(best + near, 0, time.shape[1] - 1)] = 9.0
    return chosen


def _atrial_premature(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Early beats with another P; the sinus node is reset, so the pause is less than compensatory."""
    out = _sinus(draws, knobs, duration)
    early = _scattered(draws, out.time, duration)
    share = draws.between("rhythm coupling", 0.25, 0.4)[:, None]
    advance = np.where(early, share * out.rr, 0.0)
    pause = np.roll(advance, 1, axis=1) * 0.25
    time = out.time - np.cumsum(advance, 1) + np.cumsum(pause, 1)
    new = _regular(time)
    new.p_kind[early] = 1
    new.symbol[early] = "A"
    return new


def _ventricular(out: Rhythm, early: NDArray[np.bool_], share: Floats) -> Rhythm:
    """Early wide beats; the sinus goes on underneath, so the pause is fully compensatory."""
    time = out.time - np.where(early, share[:, None] * out.rr, 0.0)
    new = _regular(time)
    new.p_time = out.p_time.copy()
    new.p_time[early] = np.nan  # lost in the wide beat
    new.kind[early] = 1
    new.symbol[early] = "V"
    return new


def _ventricular_premature(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    out = _sinus(draws, knobs, duration)
    share = draws.between("rhythm coupling", 0.25, 0.42)
    return _ventricular(out, _scattered(draws, out.time, duration), share)


def _bigeminy(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    out = _sinus(draws, knobs, duration)
    early = np.broadcast_to(np.arange(out.time.shape[1]) % 2 == 0, out.time.shape)
    return _ventricular(out, early, draws.between("rhythm coupling", 0.3, 0.42))


def _first_degree(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    out = _sinus(draws, knobs, duration)
    out.p_delay += draws.between("rhythm first degree", 0.07, 0.14)[:, None]
    return out


def _wenckebach(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """PR grows by ever smaller steps until one P is not followed."""
    out = _sinus(draws, knobs, duration)
    length = 3 + (draws.uniform("rhythm cycle")[:, 0] * 3).astype(np.int64)[:, None]
    step = draws.between("rhythm step", 0.06, 0.11)[:, None]
    place = (np.arange(out.time.shape[1]) + length // 2) % length
    delay = step * (1 - 0.55 ** place) / 0.45
    dropped = place == length - 1
    out.p_delay = np.where(dropped, 0.0, delay)
    out.p_time = out.time + out.p_delay
    return _recount(out, np.where(dropped, np.nan, out.time + delay))


def _recount(out: Rhythm, time: Floats) -> Rhythm:
    """The same rhythm with other ventricular times, NaN for those that fail."""
    filled = _forward_fill(time)
    before = np.concatenate([filled[:, :1] - 60, filled[:, :-1]], 1)
    rr = np.where(np.isnan(time - before), 1.0, np.minimum(time - before, 3.0))
    return dataclasses.replace(out, time=time, rr=rr)


def _forward_fill(x: Floats) -> Floats:
    index = np.where(np.isnan(x), 0, np.arange(x.shape[1]))
    return np.take_along_axis(x, np.maximum.accumulate(index, 1), 1)


def _two_to_one(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    out = _sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.02)}, duration)
    between = out.time + 0.5 * np.diff(out.time, axis=1, append=2 * out.time[:, -1:] - out.time[:, -2:-1])
    p_time = np.concatenate([out.time, between], 1)
    return dataclasses.replace(
        out, p_time=p_time, p_kind=np.zeros(p_time.shape, np.int64), p_delay=np.zeros(p_time.shape)
    )


def _dissociated(draws: Draws, out: Rhythm, duration: float) -> Rhythm:
    """The atria on their own, at 65 to 100 a minute."""
    rate = draws.between("rhythm atrial rate", 65, 100)
    z = draws.normal("rhythm atrial", room(duration))
    place = draws.uniform("rhythm atrial place")[:, 0]
    p_time = train(rate, np.full(len(rate), 0.015), z, place, duration)
    return dataclasses.replace(
        out, p_time=p_time, p_kind=np.zeros(p_time.shape, np.int64), p_delay=np.zeros(p_time.shape)
    )


def _complete_block(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Atria and ventricles apart; the escape comes from the junction or, wide, from a ventricle."""
    out = _sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.015)}, duration)
    out = _dissociated(draws, out, duration)
    wide = draws.uniform("rhythm escape")[:, 0] < 0.4
    out.kind[wide] = 1
    out.symbol[:] = "J"
    out.symbol[wide] = "E"
    return out


def _junctional(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """No P before the QRS; in half of the records a retrograde one after it."""
    out = _sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.02)}, duration)
    return _retrograde(draws, out, "J", draws.between("rhythm retrograde", 0.06, 0.12))


def _retrograde(draws: Draws, out: Rhythm, symbol: str, after: Floats) -> Rhythm:
    shown = draws.uniform("rhythm retrograde shown")[:, :1] < 0.5
    out.p_time = np.where(shown, out.time, np.nan)
    out.p_kind[:] = 1
    out.p_delay = np.broadcast_to(-after[:, None], out.time.shape).copy()
    out.symbol[:] = symbol
    return out


def _supraventricular(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    out = _sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.004)}, duration)
    return _retrograde(draws, out, "N", draws.between("rhythm retrograde", 0.08, 0.11))


def _ventricular_tachycardia(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    out = _sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.008)}, duration)
    out = _dissociated(draws, out, duration)
    out.kind[:] = 1
    out.symbol[:] = "V"
    return out


def _pause(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Sinoatrial block: one or two beats in the middle are missing with their P."""
    out = _sinus(draws, knobs, duration)
    start = draws.between("rhythm pause", 0.3, 0.6) * duration
    first = (out.time < start[:, None]).sum(1)
    length = 1 + (draws.uniform("rhythm pause length")[:, 0] < 0.4)
    order = np.arange(out.time.shape[1])
    gone = (order >= first[:, None]) & (order < (first + length)[:, None])
    out.p_time[gone] = np.nan
    return _recount(out, np.where(gone, np.nan, out.time))


def _paced(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """A spike before each wide beat; behind the patient's own P, or without one over fibrillation."""
    out = _sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.004)}, duration)
    out.kind[:] = 1
    out.symbol[:] = "/"
    out.spike = out.time - 0.006
    alone = draws.uniform("rhythm paced alone")[:, 0] < 0.4
    out.p_time[alone] = np.nan
    rate = np.where(alone, np.clip(6.3 + 0.9 * draws.one("rhythm f rate"), 4, 9), 0.0)
    out.oscillation = _oscillation(draws, rate, draws.between("rhythm f depth", 0.8, 1.6))
    return out


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
    "SR": Row(_sinus, "sinus rhythm", (71, 11, 60, 100), "SR"),
    "SBRAD": Row(_sinus, "sinus bradycardia", (53, 4, 40, 59.9), "SBRAD"),
    "STACH": Row(_sinus, "sinus tachycardia", (113, 9, 100.1, 150), "STACH"),
    "SARRH": Row(_arrhythmia, "sinus arrhythmia", (66, 9, 50, 90), "SARRH"),
    "AFIB": Row(_fibrillation, "atrial fibrillation", (86, 20, 50, 150), "AFIB"),
    "AFLT": Row(_flutter, "atrial flutter", (90, 28, 55, 160), "AFLT"),
    "PAC": Row(_atrial_premature, "atrial premature beats", (71, 10, 55, 95), "PAC"),
    "PVC": Row(_ventricular_premature, "ventricular premature beats", (72, 10, 55, 95), "PVC"),
    "BIGU": Row(_bigeminy, "ventricular bigeminy", (74, 9, 55, 95), "BIGU"),
    "1AVB": Row(_first_degree, "first-degree AV block", (67, 9, 50, 90), "1AVB"),
    "WENCK": Row(_wenckebach, "second-degree AV block, Wenckebach", (72, 9, 55, 95), "2AVB"),
    "2AVB": Row(_two_to_one, "second-degree AV block, 2:1", (41, 4, 33, 50), "2AVB"),
    "3AVB": Row(_complete_block, "complete AV block", (39, 5, 28, 52), "3AVB"),
    "JUNC": Row(_junctional, "junctional rhythm", (50, 5, 38, 62), ""),
    "SVTAC": Row(_supraventricular, "supraventricular tachycardia", (178, 16, 145, 215), "SVTAC"),
    "VTACH": Row(_ventricular_tachycardia, "ventricular tachycardia", (165, 17, 125, 205), ""),
    "PAUSE": Row(_pause, "sinoatrial pauses", (64, 7, 50, 80), ""),
    "PACE": Row(_paced, "ventricular pacing", (68, 7, 55, 90), "PACE"),
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
) -> dict[str, NDArray[np.generic]]:
    """The events of all parts in one set of arrays, in time order, no wider than they must be."""
    packed = []
    for rows, part in parts:
        time = getattr(part, names[0])
        seen = (time > -_BEFORE) & (time < duration + _AFTER)
        order = np.argsort(np.where(seen, time, np.inf), axis=1, kind="stable")
        packed.append((rows, part, seen, order))
    width = max([1, *(int(seen.sum(1).max(initial=0)) for _, _, seen, _ in packed)])
    out: dict[str, NDArray[np.generic]] = {}
    for name in names:
        kind = getattr(parts[0][1], name).dtype
        full = np.full((n, width), np.nan if kind.kind == "f" else np.zeros(1, kind)[0], kind)
        for rows, part, seen, order in packed:
            order = order[:, :width]
            values = np.take_along_axis(getattr(part, name), order, 1)
            valid = np.take_along_axis(seen, order, 1)
            target = full[rows]
            target[:, : values.shape[1]][valid] = values[valid]
            full[rows] = target
        out[name] = full
    return out
