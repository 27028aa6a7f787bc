"""Rhythms that start in a ventricle: premature beats, bigeminy, tachycardia, pacing."""

import numpy as np
from numpy.typing import NDArray

from ecgsynth.draws import Draws, Floats
from ecgsynth.rhythm.events import (
    Knobs,
    Rhythm,
    dissociated,
    oscillation,
    regular,
    scattered,
    sinus,
)


def ventricular_premature(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """One to three wide early beats, each with a full pause."""
    out = sinus(draws, knobs, duration)
    share = draws.between("rhythm coupling", 0.25, 0.42)
    return _ventricular(out, scattered(draws, out.time, duration), share)


def bigeminy(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Every second beat is a wide early one; the heart rate counts both."""
    out = sinus(draws, knobs, duration)
    early = np.broadcast_to(np.arange(out.time.shape[1]) % 2 == 0, out.time.shape)
    return _ventricular(out, early, draws.between("rhythm coupling", 0.3, 0.42))


def _ventricular(out: Rhythm, early: NDArray[np.bool_], share: Floats) -> Rhythm:
    """Early wide beats; the sinus goes on underneath, so the pause is fully compensatory."""
    time = out.time - np.where(early, share[:, None] * out.rr, 0.0)
    new = regular(time)
    new.p_time = out.p_time.copy()
    new.p_time[early] = np.nan  # lost in the wide beat
    new.kind[early] = 1
    new.symbol[early] = "V"
    return new


def ventricular_tachycardia(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """Wide beats only; the atria go their own way."""
    out = sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.008)}, duration)
    out = dissociated(draws, out, duration)
    out.kind[:] = 1
    out.symbol[:] = "V"
    return out


def paced(draws: Draws, knobs: Knobs, duration: float) -> Rhythm:
    """A spike before each wide beat; behind the patient's own P, or without one over fibrillation."""
    out = sinus(draws, {**knobs, "sdnn": np.minimum(knobs["sdnn"], 0.004)}, duration)
    out.kind[:] = 1
    out.symbol[:] = "/"
    out.spike = out.time - 0.006
    alone = draws.uniform("rhythm paced alone")[:, 0] < 0.4
    out.p_time[alone] = np.nan
    rate = np.where(alone, np.clip(6.3 + 0.9 * draws.one("rhythm f rate"), 4, 9), 0.0)
    out.oscillation = oscillation(draws, rate, draws.between("rhythm f depth", 0.8, 1.6))
    return out
