"""QRS bounds: where the slopes of all leads together rise out of, and sink back into, the quiet."""

from typing import Final

import numpy as np
import scipy

from dsp.waves import shapes
from dsp.waves.shapes import Bools, Floats, Ints, samples

HALF_WINDOW: Final = 0.30
"""s; half of the widest ventricular complex, with quiet on both sides to measure noise in."""
CORE: Final = 0.08
"""s; the steepest slope of the complex lies this near to the R peak."""
QUIET: Final = 0.02
"""s; a bound is where the activity stays low this long, longer than any notch."""
SHARE: Final = (0.06, 0.07)
"""Activity at onset and offset, relative to the steepest slope of the beat."""
NOISE_FACTOR: Final = 2.5
"""Slopes below this many times the slopes between beats are noise."""
STK = (1.0, 2.0)
LULL = ((0.04, 0.13), (0.04, 0.16))
LK = 1.1
STEEP = 0.5
WIDE = 0.12
ST = (0.1, 0.25)
OWN_SHARE: Final = 0.5
"""How far a lead's own bound may pull its mark away from the bound of all leads."""


def activity(w: Floats) -> Floats:
    """Size of the slope and curvature of every sample, in the unit of the signal.

    The second difference stands in for the first where the signal turns, as sine and cosine do.

    Examples
    --------
    >>> activity(np.zeros((1, 9), np.float32)).max().item()
    0.0
    """
    out = np.zeros_like(w)
    before, here, after = w[..., :-4], w[..., 2:-2], w[..., 4:]
    out[..., 2:-2] = np.hypot(after - before, after + before - 2 * here)
    return out


def weights(a: Floats) -> Floats:
    """(leads, beats, 1) trust in each lead: near 1 where slopes stand far above its noise."""
    middle, core = a.shape[-1] // 2, samples(CORE)
    peak = a[..., middle - core : middle + core + 1].max(axis=-1)
    noise = np.quantile(a[..., : middle - 2 * core], 0.3, axis=-1)
    ratio = np.median(peak, axis=-1) / np.maximum(np.median(noise, axis=-1), 1e-9)
    trust = ratio**2 / (ratio**2 + 10.0**2)
    return np.asarray(trust / max(float(trust.max()), 1e-9), np.float32)[:, None, None]


def bounds(a: Floats) -> tuple[Ints, Ints, Floats]:
    """Onset, offset and contrast of the complex in the middle of each window of activity.

    Parameters
    ----------
    a : (..., samples), odd length, the R peak in the middle.

    Returns
    -------
    Onset and offset relative to the middle, and steepest slope over noise, all (...).
    """
    middle, core, quiet = a.shape[-1] // 2, samples(CORE), samples(QUIET)
    t = np.arange(a.shape[-1])
    inner = a[..., middle - core : middle + core + 1]
    peak = inner.max(axis=-1)
    steep = (a >= STEEP * peak[..., None]) & (np.abs(t - middle) <= samples(WIDE))
    first = np.where(steep, t, a.shape[-1]).min(axis=-1, keepdims=True)
    final = np.where(steep, t, -1).max(axis=-1, keepdims=True)
    noise = np.quantile(a[..., : middle - 2 * core], 0.3, axis=-1)
    envelope = scipy.ndimage.maximum_filter1d(a, quiet, axis=-1)
    found = []
    for share, side, extra, reach in zip(SHARE, (-1, 1), STK, LULL, strict=True):
        away = t - final if side > 0 else first - t
        later = (away >= samples(ST[0])) & (away <= samples(ST[1]))
        st = np.nanmedian(np.where(later, a, np.nan), axis=-1) if extra else 0.0
        close = (away >= samples(reach[0])) & (away <= samples(reach[1]))
        lull = np.where(close, envelope, np.inf).min(axis=-1)
        floor = np.maximum(NOISE_FACTOR * noise, extra * st)
        level = np.maximum(share * peak, np.minimum(floor, 0.3 * peak))
        level = np.maximum(level, LK * lull)[..., None]
        found.append(envelope < level)
    onset = np.where(found[0] & (t < first), t, -1).max(axis=-1) + quiet // 2 + 1
    offset = np.where(found[1] & (t > final), t, a.shape[-1]).min(axis=-1) - quiet // 2 - 1
    contrast = peak / np.maximum(noise, 1e-6)
    return onset - middle, offset - middle, contrast
