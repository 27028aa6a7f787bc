"""P and T waves: found in all leads together, guided by the neighbouring beats, bounded in each."""

import dataclasses
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsp.waves import shapes
from dsp.waves.shapes import Bools, Floats, Ints, samples

NEIGHBOURS: Final = 8
"""Beats to each side that guide a beat: about a 10 s strip."""


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """What tells a P wave from a T wave; all in seconds.

    Attributes
    ----------
    smoothing : full length of the Hann window the signal is smoothed by.
    reach : half the distance over which the wave stands out (`shapes.bump`).
    near : a lead's peak lies this near to the peak of all leads.
    far : the baseline is reached within this time of the peak.
    own : share of a lead's own mark in its onset, peak and offset; the rest is all leads' median.
    """

    smoothing: float
    reach: float
    near: float
    far: float
    own: tuple[float, float, float]


P: Final = Kind(smoothing=0.030, reach=0.06, near=0.04, far=0.06, own=(0.4, 0.5, 0.4))
T: Final = Kind(smoothing=0.040, reach=0.08, near=0.08, far=0.12, own=(0.5, 0.7, 0.5))


REF = 1
PPRI = (0.09, 0.08)
PB = lambda z: shapes.bump(z, P.reach)
PLOW = 0.32
TG = 0.06
PRI = (0.3, 0.12)
TB = lambda z: shapes.bump(z, T.reach)


class Found(NamedTuple):
    """Marks in grid samples and the probability that the wave is there; each (leads, beats)."""

    onset: NDArray[np.float64]
    peak: NDArray[np.float64]
    offset: NDArray[np.float64]
    probability: NDArray[np.float64]
    centre: NDArray[np.float64]


def t_waves(y: Floats, quiet: Floats, peaks: Ints, onset: Ints, offset: Ints, rr: NDArray[np.float64]) -> Found:
    """T waves of every beat and lead."""
    z = shapes.smooth(quiet, T.smoothing)
    length = samples(0.9)
    h, inside = shapes.windows(TB(z), peaks, length)
    w, _ = shapes.windows(z, peaks, length)
    t = np.arange(length)
    cap = np.minimum(0.55, 0.62 * rr) * shapes.GRID
    inside &= (t >= (offset - peaks + samples(0.04))[:, None]) & (t <= cap[:, None])
    expected = PRI[0] * np.sqrt(np.clip(rr, 0.4, 1.4)) * shapes.GRID
    prior = np.exp(-0.5 * ((t - expected[:, None]) / samples(PRI[1])) ** 2)
    energy = np.sqrt(np.mean(h * h, axis=0)) * prior
    if TG:
        mean = shapes.nearby_mean(h, inside.astype(float), NEIGHBOURS)
        m = np.where(inside, np.sqrt(np.mean(mean * mean, axis=0)) * prior, -1.0).argmax(-1)
        energy *= np.exp(-0.5 * ((t - m[:, None]) / samples(TG)) ** 2)
    centre = np.where(inside, energy, -1.0).argmax(axis=-1)
    latest = ((rr - 0.12) * shapes.GRID).astype(np.int64)
    found = bounded(T, w, h, inside, centre, offset - peaks + 1, latest)
    there = inside.any(axis=-1)
    return Found(*(peaks + f for f in found), np.where(there, 1.0, 0.0) * np.ones(h.shape[:2]), peaks + centre)


def bounded(kind: Kind, w: Floats, h: Floats, inside: Bools, centre: Ints, earliest: Ints, latest: Ints) -> list[NDArray[np.float64]]:
    """Onset, peak and offset (leads, beats) of the wave near `centre` (beats,), in window samples."""
    t = np.arange(w.shape[-1])
    last = w.shape[-1] - 1
    near = inside & (np.abs(t - centre[:, None]) <= samples(kind.near))
    peak = np.where(near, np.abs(h), -1.0).argmax(axis=-1)
    sign = np.sign(shapes.at(h, peak))
    slope = np.gradient(w, axis=-1) * -sign[..., None]
    reach = samples(min(kind.far, 0.12))
    right = np.clip(np.minimum(peak + samples(kind.far), latest), peak + 4, last)
    left = np.clip(np.maximum(peak - samples(kind.far), earliest), 0, np.maximum(peak - 4, 0))
    right = np.minimum(right, last)
    falling = (t >= peak[..., None]) & (t <= np.minimum(right, peak + reach)[..., None])
    rising = (t <= peak[..., None]) & (t >= np.maximum(left, peak - reach)[..., None])
    offset = shapes.corner(w, np.where(falling, slope, -np.inf).argmax(axis=-1), right, sign)
    onset = shapes.corner(w, np.where(rising, -slope, -np.inf).argmax(axis=-1), left, sign)
    if REF:
        within = (t >= onset[..., None]) & (t <= offset[..., None])
        v = w * sign[..., None]
        if REF == 2:
            a_, b_ = shapes.at(v, onset)[..., None], shapes.at(v, offset)[..., None]
            v = v - (a_ + (b_ - a_) * (t - onset[..., None]) / np.maximum(1, offset - onset)[..., None])
        peak = np.where(within, v, -np.inf).argmax(-1)
    marks = (onset.astype(float), shapes.vertex(w, peak), offset.astype(float))
    together = [np.median(m, axis=0) for m in marks]
    n = len(w)
    share = (n - 1) / (n + 1)
    return [v + share * (1 - own) * (m - v) for m, v, own in zip(together, marks, kind.own, strict=True)]


def p_waves(y, quiet, onset, earlier, rr):
    """P waves; earlier (beats,): end of the T before."""
    z = shapes.smooth(quiet, P.smoothing)
    length = samples(0.72)+1
    start = onset - length + 1
    h, inside = shapes.windows(PB(z), start, length)
    w, _ = shapes.windows(z, start, length)
    t = np.arange(length) - length + 1
    low = -np.minimum(PLOW, np.maximum(rr * 0.62 - 0.12, 0.12)) * shapes.GRID if PLOW > 0 else np.maximum(PLOW * shapes.GRID, earlier - onset)
    inside &= (t >= low[:, None]) & (t <= -samples(0.02))
    whole = inside.any(-1)
    prior = np.exp(-0.5 * ((t + PPRI[0] * shapes.GRID) / samples(PPRI[1])) ** 2)
    weight = inside.astype(np.float64)
    mean = shapes.nearby_mean(h, weight, NEIGHBOURS)
    power = shapes.nearby_mean(h * h, weight, NEIGHBOURS)
    count = shapes._window_sum(weight, weight.shape[0], NEIGHBOURS)
    # incoherent energy
    n = np.maximum(count, 1)
    noise = np.where(inside, power - mean**2, 0).sum(-1, keepdims=True) / np.maximum(1, inside.sum(-1))[:, None]
    total = np.where(inside, power, 0).sum(-1, keepdims=True) / np.maximum(1, inside.sum(-1))[:, None]
    scale = noise + 0.02 * total + 1e-9
    guide = np.sqrt((mean**2 / scale).mean(0)) * prior
    m = np.where(inside, guide, -1).argmax(-1)
    e = np.sqrt((h * h / scale).mean(0)) * np.exp(-0.5 * ((t - t[m][:, None]) / samples(0.04)) ** 2)
    centre = np.where(inside, e, -1).argmax(-1)
    found = bounded(P, w, h, inside, centre, np.zeros_like(centre), np.full_like(centre, length - 1))
    f = features(h, inside, mean, power, scale, m, centre, count)
    f.update(isolation(h, scale, earlier, onset, t, centre, start))
    return Found(*(start + f for f in found), np.ones(h.shape[:2]), start + centre), f


def features(h, inside, mean, power, scale, m, centre, count):
    k = np.arange(-12, 13)
    idx = np.clip(m[:, None] + k, 0, h.shape[-1] - 1)
    b = np.arange(len(m))[:, None]
    S = (mean**2 / scale)[:, b, idx].sum((0, 2)); Pw = (power / scale)[:, b, idx].sum((0, 2))
    n = count[b, idx].mean(1)
    R = S / np.maximum(Pw, 1e-9)
    coh = (n * R - 1) / np.maximum(n - 1, 1)
    # beat against template at its own place
    idb = np.clip(centre[:, None] + k, 0, h.shape[-1] - 1)
    x = h[:, b, idb] / np.sqrt(scale); T_ = mean[:, b, idx] / np.sqrt(scale)
    # leave own out
    nn = n[:, None]
    own = h[:, b, idx] / np.sqrt(scale)
    T_ = (T_ * nn - own) / np.maximum(nn - 1, 1)
    r = (x * T_).sum((0, 2)) / np.sqrt((x * x).sum((0, 2)) * (T_ * T_).sum((0, 2)) + 1e-12)
    amp = np.sqrt((x*x).sum((0,2)) / ((T_*T_).sum((0,2))+1e-12))
    return dict(coh=coh, r=r, amp=amp, n=n)


def isolation(h, scale, earlier, onset, t, centre, start):
    e = (h * h / scale).mean(0)
    c = t[centre][:, None]
    gap = (t >= (earlier - onset + samples(.04))[:, None]) & (t <= c - samples(.11)) & ((start[:, None] + np.arange(len(t))) >= 0)
    at_p = np.abs(t - c) <= samples(.03)
    n = gap.sum(-1)
    ok = (n >= samples(.08))[:, None]
    eg = np.where(gap, e, 0).sum(-1) / np.maximum(n, 1)
    ep = np.where(at_p, e, 0).sum(-1) / at_p.sum(-1)
    isob = np.where(ok[:, 0], np.log((ep + 1e-6) / (eg + 1e-6)), 0)
    iso = shapes.nearby_mean(isob[:, None], ok * 1.0, NEIGHBOURS)[:, 0]
    return dict(iso=iso, isob=isob, ok=ok[:, 0])
