"""P and T waves: found in all leads together, guided by the neighbouring beats, bounded in each."""

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.waves import shapes
from dsp.waves.shapes import GRID, Bools, Floats, Found, Ints, samples

NEIGHBOURS: Final = 8
"""Beats to each side that guide a beat: about a 10 s strip."""
LATE_T: Final = (0.55, 0.55)
"""s after the R peak, and share of the RR interval: no T wave peaks later than the lesser."""
USUAL_T: Final = (0.30, 0.09)
"""T peaks 0.30 sqrt(RR) s after the R peak, give or take (SD, s)."""
RATES: Final = (0.4, 1.4)
"""s; RR intervals beyond these change T waves no further."""
BEFORE: Final = 0.72
"""s before the QRS onset; as much of the pause as is looked at."""
LONG_PR: Final = 0.32
"""s before the QRS onset: no P wave peaks earlier."""
USUAL_P: Final = (0.11, 0.10)
"""P peaks this long before the QRS onset, give or take (SD), s."""
STEADY: Final = 0.5
"""How far a lead's marks are drawn to where they lie, from the peak of all leads, nearby."""
AWAY: Final = np.float32(0.5)
"""How much the distance of a T wave from the level before the QRS counts beside its bump."""
AFTER_T: Final = 0.08
"""s; P peaks at least this long after the T peak of the beat before."""
SHOULDER: Final = (np.float32(0.5), 0.04)
"""Weight, and distance (s) to both sides, of the bend of a P wave that rides on a T wave."""
VISIBLE: Final = (0.025, 0.05)
"""Height in some lead, in SDs of the largest lead (some 0.2 mV), from no P wave to a P wave: without
noise, even the feet of other waves are alike from beat to beat."""
HALF_P: Final = 0.05
"""s; half the window in which P waves are compared between beats."""
_P_SCALE: Final = np.array([6.0, -0.8, 0.8, 1.2])
_P_OFFSET: Final = -3.2
_T_NOISE: Final = 3.0


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """What tells a P wave from a T wave; all times in seconds.

    Attributes
    ----------
    smoothing : full length of the Hann window the signal is smoothed by.
    reach : distance to both sides over which the wave stands out (`shapes.bump`).
    near : a lead's peak lies this near to the peak of all leads.
    far : the baseline is reached within this time of the peak; for T times the root of the usual RR
        interval, since T waves shorten with it and a longer way leads on to P.
    guide : SD of a beat's peak about that of its neighbours.
    own : share of a lead's own onset, peak and offset where there are many leads; the rest is the
        leads' median.
    """

    smoothing: float
    reach: float
    near: float
    far: float
    guide: float
    own: tuple[float, float, float]


P: Final = Kind(smoothing=0.03, reach=0.06, near=0.04, far=0.065, guide=0.04, own=(0.4, 0.5, 0.6))
T: Final = Kind(smoothing=0.04, reach=0.10, near=0.08, far=0.13, guide=0.06, own=(0.5, 0.7, 0.5))


def t_waves(
    quiet: Floats,
    record: Ints,
    peaks: Ints,
    onset: Ints,
    offset: Ints,
    rr: NDArray[np.float64],
) -> tuple[Found, NDArray[np.float64]]:
    """T waves of every beat and lead, and the place of all leads' T peak.

    Parameters
    ----------
    quiet : (leads, records, time) on the grid, without QRS complexes.
    record : (beats,) the number of each one's record.
    peaks, onset, offset : (beats,) R peaks and QRS bounds, grid samples.
    rr : (beats,) s to the next beat.
    """
    z = shapes.smooth(quiet, T.smoothing)
    stands_out = shapes.bump(z, T.reach)
    length = samples(LATE_T[0])
    h, inside = shapes.windows(stands_out, record, peaks, length)
    level = z[:, record, np.clip(onset - 2, 0, z.shape[-1] - 1)]
    above = shapes.windows(z, record, peaks, length)[0] - level[..., None]
    # The valley between T and P stands out as well, but it lies on the level before the QRS.
    h = h + AWAY * above * (h * above > 0)
    t = np.arange(length)
    latest = np.minimum(LATE_T[0], LATE_T[1] * rr) * GRID
    span = (offset - peaks + samples(0.04), latest.astype(np.int64))
    inside &= (t >= span[0][:, None]) & (t <= span[1][:, None])
    usual = USUAL_T[0] * np.sqrt(np.clip(rr, *RATES)) * GRID
    prior = _bell(t, usual, USUAL_T[1])
    mean = shapes.nearby_mean(h, record, inside.astype(np.float32), NEIGHBOURS)
    guide = _place(_size(mean) * prior, inside)
    centre = peaks + _place(_size(h) * prior * _bell(t, guide, T.guide), inside)
    next_p = peaks + ((rr - 0.12) * GRID).astype(np.int64)
    pace = np.sqrt(np.clip(_usual(rr[None], record, np.ones(len(rr), bool))[0], *RATES))
    far = np.rint(T.far * GRID * pace).astype(np.int64)
    marks, height = _bounded(
        T, z, stands_out, record, centre, far, [peaks + s for s in span], (offset + 1, next_p)
    )
    rough, _ = shapes.windows(np.abs(quiet - z), record, peaks, length)
    noise = (rough * inside).sum(axis=-1) / np.maximum(inside.sum(axis=-1), 1)
    ratio = height / np.maximum(_T_NOISE * noise, 1e-6)
    whole = peaks + guide + samples(T.near) < quiet.shape[-1]
    probability = np.where(whole & inside.any(axis=-1), ratio**2 / (1 + ratio**2), 0.0)
    return Found(marks[0], marks[1], marks[2], probability), centre.astype(np.float64)


def p_waves(quiet: Floats, record: Ints, onset: Ints, earlier_t: NDArray[np.float64]) -> Found:
    """P waves of every beat and lead.

    Where fewer than half of a record's beats show one, P may ride on the T wave before, a shoulder
    that stands out of nothing: then the bend of the signal counts too, if that finds it in most beats.

    Parameters
    ----------
    quiet : (leads, records, time) on the grid, without QRS complexes.
    record : (beats,) the number of each one's record.
    onset : (beats,) QRS onsets, grid samples.
    earlier_t : (beats,) T peaks of the beats before, grid samples; far below for the first.
    """
    z = shapes.smooth(quiet, P.smoothing)
    stands_out = shapes.bump(z, P.reach)
    found = _p_waves(z, stands_out, record, onset, earlier_t)
    rare = ~_in_most_beats(found, record)
    if not rare.any():
        return found
    weight, distance = SHOULDER
    unsure, place = np.unique(record[rare], return_inverse=True)
    z, stands_out = z[:, unsure], stands_out[:, unsure]
    bent = stands_out + weight * shapes.bend(z, distance)
    other = _p_waves(z, bent, place, onset[rare], earlier_t[rare])
    better = _in_most_beats(other, place)
    for mine, its in zip(found, other, strict=True):
        mine[:, np.flatnonzero(rare)[better]] = its[:, better]
    return found


def _in_most_beats(found: Found, record: Ints) -> Bools:
    """(beats,) whether most beats of a beat's record show the wave."""
    seen = (found.probability >= 0.5).mean(axis=0)
    return np.asarray(shapes.each_record(seen, record, np.mean) >= 0.5)


def _p_waves(
    z: Floats, stands_out: Floats, record: Ints, onset: Ints, earlier_t: NDArray[np.float64]
) -> Found:
    length = samples(BEFORE) + 1
    start = onset - length + 1
    h, recorded = shapes.windows(stands_out, record, start, length)
    t = np.arange(length) - length + 1
    first = np.maximum(earlier_t - onset + samples(AFTER_T), -LONG_PR * GRID)
    inside = recorded & (t >= first[:, None]) & (t <= -samples(0.02))
    mean, noise, count = _coherent(h, record, inside)
    h_white, mean_white = h / noise, mean / noise
    prior = _bell(t, np.full(len(onset), -USUAL_P[0] * GRID), USUAL_P[1])
    guide = _place(_size(mean_white) * prior, inside)
    centre = _place(_size(h_white) * _bell(t, t[guide], P.guide), inside)
    span = [np.ceil(onset + first).astype(np.int64), onset - samples(0.02)]
    far = np.full(len(onset), samples(P.far))
    marks, _ = _bounded(P, z, stands_out, record, start + centre, far, span, (start, onset))
    gap = recorded & (t >= (earlier_t - onset + samples(0.14))[:, None])
    gap &= t <= t[centre][:, None] - samples(0.11)
    evidence = np.stack(
        [
            *_alike(h_white, record, mean_white, count, guide, centre),
            *_isolated(h_white, record, centre, gap),
        ]
    )
    with np.errstate(over="ignore"):
        probability = 1 / (1 + np.exp(-(_P_SCALE @ evidence + _P_OFFSET)))
    height = np.abs(mean[:, np.arange(len(guide)), guide]).max(axis=0)
    probability = probability * np.clip((height - VISIBLE[0]) / (VISIBLE[1] - VISIBLE[0]), 0, 1)
    # The first beats of a recording may have their P wave before it.
    probability = np.where((start + guide >= samples(P.near)) & inside.any(axis=-1), probability, 0)
    every_lead = np.broadcast_to(probability, marks[0].shape).copy()
    return Found(marks[0], marks[1], marks[2], every_lead)


def _bell(t: Ints, middle: NDArray[np.float64] | Ints, seconds: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * ((t - middle[:, None]) / (seconds * GRID)) ** 2))


def _size(h: NDArray[np.floating]) -> NDArray[np.float64]:
    """(beats, samples) root mean square over the leads."""
    return np.asarray(np.sqrt(np.mean(h * h, axis=0)))


def _place(size: NDArray[np.float64], inside: Bools) -> Ints:
    return np.asarray(np.where(inside, size, -1.0).argmax(axis=-1))


def _bounded(
    kind: Kind,
    z: Floats,
    stands_out: Floats,
    record: Ints,
    centre: Ints,
    far: Ints,
    span: list[Ints],
    limits: tuple[Ints, Ints],
) -> tuple[tuple[NDArray[np.float64], ...], Floats]:
    """Onset, peak and offset of the wave near `centre`, and its height, (leads, beats).

    Parameters
    ----------
    z, stands_out : (leads, records, time).
    record : (beats,) the number of each one's record.
    centre : (beats,) peak of all leads, grid samples.
    far : (beats,) grid samples from the peak within which the baseline is reached.
    span, limits : two (beats,) each, between which the peak, and the bounds, lie.
    """
    middle = samples(kind.near) + int(far.max()) + 4
    start, last = centre - middle, 2 * middle
    h, inside = shapes.windows(stands_out, record, start, last + 1)
    w, _ = shapes.windows(z, record, start, last + 1)
    t = np.arange(last + 1)
    inside &= (np.abs(t - middle) <= samples(kind.near)) & (t >= (span[0] - start)[:, None])
    inside &= t <= (span[1] - start)[:, None]
    size = np.abs(h) * inside
    # A lead in which nothing stands out has its wave where the others have it.
    peak = np.where(size.any(axis=-1), size.argmax(axis=-1), middle)
    height = shapes.at(h, peak)
    up = w * np.where(height < 0, np.float32(-1), np.float32(1))[..., None]
    slope = np.zeros_like(up)
    slope[..., 1:-1] = up[..., 2:] - up[..., :-2]
    right = np.minimum(np.maximum(np.minimum(peak + far, limits[1] - start), peak + 4), last)
    left = np.maximum(np.minimum(np.maximum(peak - far, limits[0] - start), peak - 4), 0)
    falling = (t >= peak[..., None]) & (t <= right[..., None])
    rising = (t <= peak[..., None]) & (t >= left[..., None])
    offset = shapes.corner(up, np.where(falling, -slope, -np.inf).argmax(axis=-1), right)
    onset = shapes.corner(up, np.where(rising, slope, -np.inf).argmax(axis=-1), left)
    within = (t >= onset[..., None]) & (t <= offset[..., None])
    peak = np.where(within, up, -np.inf).argmax(axis=-1)
    found = (onset.astype(np.float64), shapes.vertex(w, peak), offset.astype(np.float64))
    # Where there is nothing to look at, nothing was found.
    seen = np.asarray(inside.any(axis=-1))
    marks = [m + STEADY * (_usual(m, record, seen) - m) for m in found]
    share = shapes.majority(len(w))
    shared = [shapes.median(m) for m in marks]
    fused = [
        m + share * (1 - own) * (s - m) for m, s, own in zip(marks, shared, kind.own, strict=True)
    ]
    return tuple(start + m for m in fused), np.abs(height)


def _usual(mark: NDArray[np.float64], record: Ints, seen: Bools) -> NDArray[np.float64]:
    """Mean of the mark over those of the neighbouring beats that have one, (leads, beats)."""
    weight = seen[:, None].astype(np.float64)
    return shapes.nearby_mean(mark[..., None], record, weight, NEIGHBOURS)[..., 0]


def _coherent(
    h: Floats, record: Ints, inside: Bools
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean over the neighbouring beats, SD about it within the windows, beats that took part."""
    weight = inside.astype(np.float32)
    mean = shapes.nearby_mean(h, record, weight, NEIGHBOURS)
    power = shapes.nearby_mean(h * h, record, weight, NEIGHBOURS)
    n = np.maximum(inside.sum(axis=-1), 1)[:, None]
    total = (power * inside).sum(axis=-1, keepdims=True) / n
    noise = ((power - mean**2) * inside).sum(axis=-1, keepdims=True) / n
    return (
        mean,
        np.sqrt(np.maximum(noise, 0) + 0.02 * total + 1e-9),
        shapes.nearby_sum(weight, record, NEIGHBOURS),
    )


def _alike(
    h: NDArray[np.float64],
    record: Ints,
    mean: NDArray[np.float64],
    count: NDArray[np.float64],
    guide: Ints,
    centre: Ints,
) -> tuple[NDArray[np.float64], ...]:
    """How alike the waves of neighbouring beats are, and how unlike this one is; each (beats,).

    Coherence is the share of the energy at the usual place that all beats have in common: near 1
    for P waves that belong to the QRS, near 0 for fibrillation, whatever its amplitude. One
    made-up beat of coherence 1/2 keeps short recordings undecided. Unlike is a beat whose wave is
    larger or smaller than the mean of the others, by the logarithm.
    """
    beat = np.arange(len(guide))[:, None]
    span = np.arange(-samples(HALF_P), samples(HALF_P) + 1)
    usual = np.clip(guide[:, None] + span, 0, h.shape[-1] - 1)
    actual = np.clip(centre[:, None] + span, 0, h.shape[-1] - 1)
    own = h[:, beat, usual]
    n = count[beat, usual].mean(axis=-1)
    shared = (mean[:, beat, usual] ** 2).sum(axis=(0, 2))
    one = np.ones((len(guide), 1))
    neighbours = shapes.nearby_mean((h * h).sum(axis=0), record, one, NEIGHBOURS)
    energy = neighbours[beat, usual].sum(axis=-1)
    coherence = (n * shared / np.maximum(energy, 1e-12) - 0.5) / np.maximum(n, 1)
    others = (mean[:, beat, usual] * n[:, None] - own) / np.maximum(n - 1, 1)[:, None]
    size = (h[:, beat, actual] ** 2).sum(axis=(0, 2)) + 1e-9
    other_size = (others**2).sum(axis=(0, 2)) + 1e-9
    return coherence, np.minimum(0.5 * np.abs(np.log(size / other_size)), 2.3)


def _isolated(
    h: NDArray[np.float64], record: Ints, centre: Ints, gap: Bools
) -> tuple[NDArray[np.float64], ...]:
    """How far the wave stands out of the pause after T: logarithm, of the neighbours and this beat.

    Flutter is as regular as P waves, but never pauses. Zero where there is no pause to compare.
    """
    power = (h * h).mean(axis=0)
    here = np.abs(np.arange(h.shape[-1]) - centre[:, None]) <= samples(0.03)
    wave = np.where(here, power, 0.0).sum(axis=-1) / here.sum(axis=-1)
    length = gap.sum(axis=-1)
    pause = np.where(gap, power, 0.0).sum(axis=-1) / np.maximum(length, 1)
    known = length >= samples(0.08)
    beat = np.where(known, np.log((wave + 1e-6) / (pause + 1e-6)), 0.0)
    weight = known[:, None].astype(np.float64)
    usual = shapes.nearby_mean(beat[:, None], record, weight, NEIGHBOURS)[:, 0]
    return np.clip(usual, -3, 4), np.clip(beat, -3, 4)
