"""Rhythms in which beats are late or fail on their way: pauses and the AV blocks."""

import dataclasses

import numpy as np

from ecgsynth.draws import Draws
from ecgsynth.rhythm.events import Knobs, Rhythm, dissociated, recount, sinus


def first_degree(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Every P is followed, late."""
    out = sinus(draws, knobs, duration)
    out.p_delay += draws.between("rhythm first degree", 0.07, 0.14)[:, None]
    return out


def wenckebach(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """PR grows by ever smaller steps until one P is not followed."""
    out = sinus(draws, knobs, duration)
    length = 3 + (draws.uniform("rhythm cycle")[:, 0] * 3).astype(np.int64)[:, None]
    step = draws.between("rhythm step", 0.06, 0.11)[:, None]
    place = (np.arange(out.time.shape[1]) + length // 2) % length
    delay = step * (1 - 0.55**place) / 0.45
    dropped = place == length - 1
    out.p_delay = np.where(dropped, 0.0, delay)
    out.p_time = out.time + out.p_delay
    return recount(out, np.where(dropped, np.nan, out.time + delay))


def two_to_one(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Every second P is followed; the heart rate is that of the ventricles."""
    out = sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.02)}, duration)
    between = out.time + 0.5 * np.diff(
        out.time, axis=1, append=2 * out.time[:, -1:] - out.time[:, -2:-1]
    )
    p_time = np.concatenate([out.time, between], 1)
    return dataclasses.replace(
        out, p_time=p_time, p_kind=np.zeros(p_time.shape, np.int64), p_delay=np.zeros(p_time.shape)
    )


def complete_block(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Atria and ventricles apart; the escape comes from the junction or, wide, from a ventricle."""
    out = sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.015)}, duration)
    out = dissociated(draws, out, duration)
    wide = draws.uniform("rhythm escape")[:, 0] < 0.4
    out.kind[wide] = 1
    out.symbol[:] = "J"
    out.symbol[wide] = "E"
    return out


def pause(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Sinoatrial block: one or two beats in the middle are missing with their P."""
    out = sinus(draws, knobs, duration)
    start = draws.between("rhythm pause", 0.3, 0.6) * duration
    first = (out.time < start[:, None]).sum(1)
    length = 1 + (draws.uniform("rhythm pause length")[:, 0] < 0.4)
    order = np.arange(out.time.shape[1])
    gone = (order >= first[:, None]) & (order < (first + length)[:, None])
    out.p_time[gone] = np.nan
    return recount(out, np.where(gone, np.nan, out.time))
