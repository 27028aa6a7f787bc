"""QRS bounds: where the slopes of all leads together rise out of, and sink back into, the quiet."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.waves import shapes
from dsp.waves.shapes import Floats, Found, Ints, samples

HALF_WINDOW: Final = 0.30
"""s; half of the widest ventricular complex, with quiet on both sides to measure noise in."""
CORE: Final = 0.08
"""s; the steepest slope of the complex lies this near to the R peak."""
BODY: Final = 0.14
"""s; slopes at least half as steep as the steepest and this near to the R peak are the complex."""
QUIET: Final = 0.02
"""s; outside a bound the activity stays low this long, longer than the turn of a wave."""
SHARE: Final = (0.06, 0.07)
"""Activity at onset and offset, relative to the steepest slope of the beat."""
NOISE_FACTOR: Final = 2.5
"""Slopes below this many times those between beats are noise."""
BESIDE: Final = (0.10, 0.25)
"""s from the complex; where the slopes of P, or of ST and T, are measured ..."""
BESIDE_FACTOR: Final = (1.0, 2.0)
"""... and how many times their median still is no QRS: T is steeper than P."""
LULL: Final = ((0.04, 0.13), (0.04, 0.16))
"""s from the complex; the calmest place there is outside it, whatever its level."""
OWN_SHARE: Final = 0.5
"""How far a lead's own bound pulls its mark away from the bound of all leads."""
OWN_LIMIT: Final = 0.04
"""s; a lead's own bound further away than this is taken for noise beyond it."""
_LEAST_CONTRAST: Final = 5.0


def waves(y: Floats, record: Ints, peaks: Ints) -> tuple[Found, Ints, Ints]:
    """QRS complexes of every beat and lead, and the bounds all leads share.

    Parameters
    ----------
    y : (leads, records, time) band-passed, on the grid.
    record, peaks : (beats,) the number of its record, and the R peak, grid samples.

    Returns
    -------
    Marks of (leads, beats), then onset and offset (beats,) of all leads together.
    """
    half = samples(HALF_WINDOW)
    w, _ = shapes.windows(y, record, peaks - half, 2 * half + 1)
    a = activity(w)
    trust = weights(a, record)
    onset, offset, _ = bounds(np.sqrt((trust * a * a).sum(axis=0) / trust.sum(axis=0)))
    own_on, own_off, contrast = bounds(a)
    limit = samples(OWN_LIMIT)
    own = 1 - shapes.majority(len(y)) * (1 - OWN_SHARE)
    marks_on = onset + own * np.clip(own_on - onset, -limit, limit)
    marks_off = offset + own * np.clip(own_off - offset, -limit, limit)
    peak = _largest(w, onset + half, offset + half) - half
    # Evidence grows with the logarithm of the contrast; one half at the least contrast of a beat.
    ratio = np.maximum(contrast, 1e-3) / _LEAST_CONTRAST
    probability = ratio**4 / (1 + ratio**4)
    found = Found(peaks + marks_on, peaks + peak, peaks + marks_off, probability)
    return found, peaks + onset, peaks + offset


def activity(w: Floats) -> Floats:
    """Size of slope and curvature of every sample, in the unit of the signal.

    The second difference stands in for the first where the signal turns, as a sine for a cosine.

    Examples
    --------
    >>> activity(np.zeros((1, 9), np.float32)).max().item()
    0.0
    """
    out = np.zeros_like(w)
    before, here, after = w[..., :-4], w[..., 2:-2], w[..., 4:]
    out[..., 2:-2] = np.hypot(after - before, after + before - 2 * here)
    return out


def weights(a: Floats, record: Ints) -> Floats:
    """(leads, beats, 1) trust in each lead of a record: 1 where its beats stand far above its noise."""
    middle, core = a.shape[-1] // 2, samples(CORE)
    peak = a[..., middle - core : middle + core + 1].max(axis=-1)
    usual, noise = (shapes.each_record(part, record, np.median) for part in (peak, _noise(a)))
    ratio = usual / np.maximum(noise, 1e-6)
    trust = ratio**2 / (ratio**2 + 100.0) + 1e-6
    return np.asarray(trust / trust.max(axis=0), np.float32)[..., None]


def bounds(a: Floats) -> tuple[Ints, Ints, Floats]:
    """Onset, offset and contrast of the complex in the middle of each window of activity.

    Parameters
    ----------
    a : (..., samples), odd length, the R peak in the middle.

    Returns
    -------
    Onset and offset relative to the middle, and steepest slope over noise; all (...).
    """
    middle, core, quiet = a.shape[-1] // 2, samples(CORE), samples(QUIET)
    t = np.arange(a.shape[-1], dtype=np.int32)
    peak = a[..., middle - core : middle + core + 1].max(axis=-1)
    noise = _noise(a)
    steep = (a >= 0.5 * peak[..., None]) & (np.abs(t - middle) <= samples(BODY))
    first = steep.argmax(axis=-1, keepdims=True).astype(np.int32)
    final = t[-1] - steep[..., ::-1].argmax(axis=-1, keepdims=True).astype(np.int32)
    side_pad = [(0, 0)] * (a.ndim - 1) + [(quiet // 2, quiet // 2)]
    envelope = -shapes.lowest(-np.pad(a, side_pad, mode="edge"), quiet)
    calm = []
    for side, away in enumerate((first - t, t - final)):
        lull = (away >= samples(LULL[side][0])) & (away <= samples(LULL[side][1]))
        floor = np.maximum(NOISE_FACTOR * noise, BESIDE_FACTOR[side] * _beside(a, away))
        level = np.maximum(SHARE[side] * peak, np.minimum(floor, 0.3 * peak))
        calmest = envelope.min(axis=-1, initial=np.inf, where=lull)
        calm.append((envelope < np.maximum(level, 1.1 * calmest)[..., None]) & (away > 0))
    onset = np.where(calm[0], t, -1).max(axis=-1) + quiet // 2 + 1
    offset = np.where(calm[1], t, a.shape[-1]).min(axis=-1) - quiet // 2 - 1
    return onset - middle, offset - middle, peak / np.maximum(noise, np.float32(1e-6))


def _noise(a: Floats) -> Floats:
    """Activity between beats: the quieter third of what precedes the complex."""
    early = a[..., : a.shape[-1] // 2 - 2 * samples(CORE)]
    rank = int(0.3 * early.shape[-1])
    return np.asarray(np.partition(early, rank, axis=-1)[..., rank])


def _beside(a: Floats, away: Ints) -> Floats:
    """Median activity where `away` is within BESIDE; the window's last sample stands for more."""
    length = samples(BESIDE[1] - BESIDE[0])
    ahead = away[..., -1:] > away[..., :1]
    start = np.argmax(away == samples(BESIDE[0]), axis=-1)[..., None]
    index = start + np.where(ahead, 1, -1) * np.arange(length)
    values = np.take_along_axis(a, np.clip(index, 2, a.shape[-1] - 3), axis=-1)
    return np.asarray(np.partition(values, length // 2, axis=-1)[..., length // 2])


def _largest(w: Floats, first: Ints, last: Ints) -> NDArray[np.float64]:
    """Place of the largest deflection from the level at the onset, (leads, beats)."""
    t = np.arange(w.shape[-1])
    level = shapes.at(w, np.broadcast_to(first, w.shape[:2]))
    within = (t >= first[:, None]) & (t <= last[:, None])
    height = np.where(within, np.abs(w - level[..., None]), -1.0)
    return shapes.vertex(w, height.argmax(axis=-1))
