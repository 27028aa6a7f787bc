"""Rhythms of the atria and the junction: arrhythmia, premature beats, fibrillation, flutter, tachycardia."""

import numpy as np

from ecgsynth.draws import Draws, Floats
from ecgsynth.rhythm.events import (
    Knobs,
    Rhythm,
    oscillation,
    regular,
    room,
    scattered,
    sinus,
    train,
)


def arrhythmia(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Respiratory sinus arrhythmia: at least a tenth of the mean interval, nearly all with the breath."""
    sdnn = np.maximum(knobs["sdnn"], 0.1 * 60 / knobs["heart_rate"])
    return sinus(draws, {**knobs, "sdnn": sdnn, "lf_hf": 0 * sdnn + 0.15}, duration)


def fibrillation(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """No P, an atrial oscillation of 4 to 9 Hz, and independent, right-skewed intervals."""
    z = np.exp(0.45 * draws.normal("rhythm af", room(duration), limit=2.2))
    spread = draws.between("rhythm af spread", 0.16, 0.24) * 60 / knobs["heart_rate"]
    place = draws.uniform("rhythm place")[:, 0]
    out = regular(train(knobs["heart_rate"], spread, z, place, duration))
    out.p_time[:] = np.nan
    rate = np.clip(6.3 + 0.9 * draws.one("rhythm f rate"), 4, 9)
    depth = draws.between("rhythm f depth", 0.8, 1.6)
    out.oscillation = oscillation(draws, rate, depth)
    return out


def flutter(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """A sawtooth near 300 a minute, every second to fifth wave conducted."""
    ratio = np.maximum(np.rint(300 / knobs["heart_rate"]), 1)
    out = sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.004)}, duration)
    out.p_time[:] = np.nan
    out.oscillation = oscillation(draws, ratio * knobs["heart_rate"] / 60, np.zeros(len(ratio)))
    return out


def atrial_premature(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Early beats with another P; the sinus node is reset, so the pause is less than compensatory."""
    out = sinus(draws, knobs, duration)
    early = scattered(draws, out.time, duration)
    share = draws.between("rhythm coupling", 0.25, 0.4)[:, None]
    advance = np.where(early, share * out.rr, 0.0)
    pause = np.roll(advance, 1, axis=1) * 0.25
    time = out.time - np.cumsum(advance, 1) + np.cumsum(pause, 1)
    new = regular(time)
    new.p_kind[early] = 1
    new.symbol[early] = "A"
    return new


def junctional(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """No P before the QRS; in half of the records a retrograde one after it."""
    out = sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.02)}, duration)
    return _retrograde(draws, out, "J", draws.between("rhythm retrograde", 0.06, 0.12))


def supraventricular(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """A fast regular rhythm; in half of the records a retrograde P shows behind the QRS."""
    out = sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.004)}, duration)
    return _retrograde(draws, out, "N", draws.between("rhythm retrograde", 0.08, 0.11))


def _retrograde(draws: Draws, out: Rhythm, symbol: str, after: Floats) -> Rhythm:
    shown = draws.uniform("rhythm retrograde shown")[:, :1] < 0.5
    out.p_time = np.where(shown, out.time, np.nan)
    out.p_kind[:] = 1
    out.p_delay = np.broadcast_to(-after[:, None], out.time.shape).copy()
    out.symbol[:] = symbol
    return out
