"""Events of a rhythm: trains of beats with an exact mean rate and variability, and how to change them."""

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecgsynth.draws import Draws, Floats

FASTEST: Final = 4.2
"""Beats per second; sets how many events a record has room for."""
BEFORE: Final = 1.0
AFTER: Final = 0.45
"""s around the record in which an event can still be seen inside it."""
_LEAD_IN: Final = 3  # beats drawn before the first one inside

Knobs = Mapping[str, Floats]
"""(n,) each: heart_rate bpm, sdnn s, lf_hf, breath_rate Hz, breath_phase rad."""


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


def room(duration: float) -> int:
    """Events a record has room for; depends on nothing but its duration.

    Examples
    --------
    >>> room(10.0)
    50
    """
    return int((duration + BEFORE + AFTER) * FASTEST) + _LEAD_IN - 1


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
    >>> z = np.sin(np.arange(room(10.0)))[None]
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
    late = np.maximum(
        duration
        + 0.002
        - last
        - np.take_along_axis(rr, (count[:, None] + _LEAD_IN).astype(np.int64), 1),
        0,
    )  # the first one after stays after
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


def regular(time: Floats) -> Rhythm:
    """Every event conducted, with its P."""
    n = len(time)
    rr = np.diff(time, axis=1, prepend=2 * time[:, :1] - time[:, 1:2])
    zeros = np.zeros(time.shape, np.int64)
    return Rhythm(
        time.copy(), rr, zeros, np.full(time.shape, "N"), time.copy(), zeros.copy(),
        np.zeros(time.shape), np.full((n, 0), np.nan), np.zeros((n, 4)),
    )  # fmt: skip


def recount(out: Rhythm, time: Floats) -> Rhythm:
    """The same rhythm with other ventricular times, NaN for those that fail."""
    filled = _forward_fill(time)
    before = np.concatenate([filled[:, :1] - 60, filled[:, :-1]], 1)
    rr = np.where(np.isnan(time - before), 1.0, np.minimum(time - before, 3.0))
    return dataclasses.replace(out, time=time, rr=rr)


def _forward_fill(x: Floats) -> Floats:
    index = np.where(np.isnan(x), 0, np.arange(x.shape[1]))
    return np.take_along_axis(x, np.maximum.accumulate(index, 1), 1)


def sinus(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Sinus rhythm at the rate, variability and LF/HF asked for."""
    course = sinus_course(draws, knobs, duration)
    place = draws.uniform("rhythm place")[:, 0]
    return regular(train(knobs["heart_rate"], knobs["sdnn"], course, place, duration))


def oscillation(draws: Draws, rate: Floats, depth: Floats) -> Floats:
    """(n, 4) an atrial oscillation, see `Rhythm`."""
    slow = draws.between("rhythm f slow", 0.25, 0.55)
    return np.stack([rate, depth, slow, draws.between("rhythm f phase", 0, 2 * np.pi)], 1)


def scattered(draws: Draws, time: Floats, duration: float) -> NDArray[np.bool_]:
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


def dissociated(draws: Draws, out: Rhythm, duration: float) -> Rhythm:
    """The atria on their own, at 65 to 100 a minute."""
    rate = draws.between("rhythm atrial rate", 65, 100)
    z = draws.normal("rhythm atrial", room(duration))
    place = draws.uniform("rhythm atrial place")[:, 0]
    p_time = train(rate, np.full(len(rate), 0.015), z, place, duration)
    return dataclasses.replace(
        out, p_time=p_time, p_kind=np.zeros(p_time.shape, np.int64), p_delay=np.zeros(p_time.shape)
    )
