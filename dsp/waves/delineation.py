"""Delineation: from R peaks to the marks of P, QRS and T in every lead."""

import itertools
from collections.abc import Sequence
from typing import Final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import checks, filters
from dsp.checks import Signal
from dsp.errors import LengthError, SignalError
from dsp.recursion import FEW_ROWS
from dsp.waves import p_and_t, qrs, shapes
from dsp.waves.marks import Waves
from dsp.waves.shapes import GRID, Floats, Found, Ints

BAND: Final = (0.5, 40.0)
"""Hz; what waves are marked in."""
_SHORTEST: Final = 0.2
_USUAL_RR: Final = 0.8
_BLOCK: Final = 500_000  # samples of input worked on at once


@overload
def delineate(x: ArrayLike, fs: float, peaks: list[Ints]) -> list[Waves]: ...
@overload
def delineate(x: ArrayLike, fs: float, peaks: ArrayLike) -> Waves: ...
def delineate(x: ArrayLike, fs: float, peaks: ArrayLike | list[Ints]) -> Waves | list[Waves]:
    """Onset, peak and offset of P, QRS and T for every beat and lead.

    All leads are searched together (slopes for QRS, what stands out before and after for P and T),
    guided by up to eight beats to each side; then each lead gets its own bounds near those of all.
    So a lead's marks depend a little on the leads beside it: give one lead to have it alone.
    A P wave is claimed only where the waves at that place are alike from beat to beat and stand
    out of the pause before, so fibrillation and flutter have none. One P wave at most per QRS.
    P and T marks of a lead are drawn half way to where they lie in the neighbouring beats.

    Parameters
    ----------
    x : (time,), (leads, time) or (batch, leads, time), any unit, NaN marks gaps.
    fs : Hz.
    peaks : (beats,) R peaks of all leads in samples, ascending, as from `dsp.r_peaks`; for a batch a
        list of them, one for each record.

    Returns
    -------
    Waves, whose arrays are (leads, beats); one lead for (time,), no beats for no peaks. A wave
    that reaches into a gap or beyond the recording is absent there, NaN. A list for a batch.

    Raises
    ------
    SignalError, LengthError, RateError
        As `dsp.checks`; LengthError also for a fourth axis, or unless a batch has one array of
        peaks a record; SignalError for peaks that are not ascending positions within the recording.

    Notes
    -----
    Works on a 250 Hz grid between 0.5 and 40 Hz: scale, offset and sign of a signal do not matter.
    QRS bounds: activity thresholds on slope and curvature. P and T bounds: the largest trapezium
    (Zhang et al., Computing in Cardiology 2006). Constants come from physiology and from half of
    the subjects of LUDB (Kalyakulina et al., IEEE Access 2020;8:186181).

    Examples
    --------
    >>> t = np.arange(5000) / 500 - 0.5
    >>> bump = lambda at, width: np.exp(-0.5 * (((t[:, None] - at - np.arange(10)) / width) ** 2))
    >>> x = (0.1 * bump(-0.16, 0.02) + bump(0, 0.01) + 0.3 * bump(0.3, 0.04)).sum(axis=1)
    >>> waves = delineate(x, 500, np.arange(250, 5000, 500))
    >>> round(float(waves.p.peak[0, 3]) - 1750)
    -80
    >>> bool(np.isnan(waves.t.peak[0, -1]))  # beyond the end
    False
    """
    x, fs = checks.signal(x), checks.rate(fs)
    if x.ndim > 3:
        raise LengthError(
            f"shape {x.shape}: give (time,), (leads, time) or (batch, leads, time); reshape it."
        )
    batch = checks.safe_to_square(x if x.ndim == 3 else np.atleast_2d(x)[None])
    each = [_peaks(r, x.shape[-1]) for r in (peaks if x.ndim == 3 else [peaks])]  # type: ignore[union-attr]
    if len(each) != len(batch):
        raise LengthError(
            f"{len(batch)} records and {len(each)} arrays of peaks: give one for each."
        )
    size = max(1, _BLOCK // (batch.shape[1] * batch.shape[2]))
    found: list[Waves] = []
    for first in range(0, len(batch), size):
        found += _marked(batch[first : first + size], fs, each[first : first + size])
    return found if x.ndim == 3 else found[0]


def _marked(x: Signal, fs: float, peaks: Sequence[Ints]) -> list[Waves]:
    """The marks of each record of (records, leads, time)."""
    n_leads = x.shape[1]
    r = np.concatenate(peaks)
    if not len(r) or x.shape[-1] < _SHORTEST * fs:
        positions, overall = (
            np.full((n_leads, len(r), 3, 3), np.nan),
            np.full((len(r), 3, 3), np.nan),
        )
        probability = np.zeros((n_leads, len(r), 3))
    else:
        record = np.repeat(np.arange(len(x)), [len(part) for part in peaks])
        y, gaps = _on_grid(x.swapaxes(0, 1), fs)
        on_grid = np.minimum(np.rint(r * (GRID / fs)).astype(np.int64), y.shape[-1] - 1)
        found, onset, offset = _find(y, record, on_grid)
        positions = np.stack([np.stack(f[:3], axis=-1) for f in found], axis=-2)
        probability = np.stack([f.probability for f in found], axis=-1)
        probability = _only_recorded(positions, probability, record, gaps)
        positions[probability < 0.5] = np.nan
        overall = _overall(positions, onset, offset) * (fs / GRID)
        positions *= fs / GRID
    ends = np.cumsum([0, *map(len, peaks)])
    parts = [slice(a, b) for a, b in itertools.pairwise(ends)]
    return [Waves(positions[:, k], probability[:, k], overall[k], r[k], fs) for k in parts]


def _peaks(peaks: ArrayLike, n_samples: int) -> Ints:
    r = np.asarray(peaks)
    if r.size == 0:
        return np.zeros(0, np.int64)
    if r.ndim != 1 or r.dtype.kind not in "iuf" or not np.isfinite(r).all():
        raise SignalError(
            f"peaks of type {r.dtype}, shape {r.shape}: give (beats,) sample indices."
        )
    out: Ints = np.rint(r).astype(np.int64)
    if out.min() < 0 or out.max() >= n_samples or (np.diff(out) <= 0).any():
        raise SignalError(
            f"peaks from {out.min()} to {out.max()} in {n_samples} samples: they must be ascending "
            "indices of this recording, at its sampling rate."
        )
    return out


def _on_grid(x: Signal, fs: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Band-passed leads at 250 Hz, in units of the largest lead of a record, and their gaps.

    (leads, records, time) each.
    """
    y = filters.resample(x, fs, GRID)
    gaps = np.isnan(y)
    for row, gap in zip(y.reshape(-1, y.shape[-1]), gaps.reshape(-1, y.shape[-1]), strict=True):
        if gap.any():
            inside = np.flatnonzero(~gap)
            known = row[inside] if len(inside) else np.zeros(1)
            row[gap] = np.interp(np.flatnonzero(gap), inside if len(inside) else [0], known)
    largest = np.abs(y).max(axis=(0, 2))
    # Few rows at a time are filtered in double: marks must not depend on a record's company.
    rows = np.split(y.reshape(-1, y.shape[-1]), range(FEW_ROWS - 1, y[..., 0].size, FEW_ROWS - 1))
    y = np.concatenate([filters.bandpass(few, GRID, *BAND) for few in rows]).reshape(y.shape)
    size = y.std(axis=-1).max(axis=0)
    # What is left of a constant is rounding, no signal.
    unit = np.where(size > 1e-6 * largest, size, np.inf).astype(np.float32)
    return y / unit[:, None], gaps


def _find(y: Floats, record: Ints, peaks: Ints) -> tuple[tuple[Found, Found, Found], Ints, Ints]:
    last = np.append(record[1:] != record[:-1], True)
    rr = np.append(np.diff(peaks) / GRID, np.nan)
    rr[last] = np.nan
    rr[last] = shapes.each_record(rr, record, _usual_rr)[last]
    complexes, onset, offset = qrs.waves(y, record, peaks)
    quiet = shapes.without(y, record, onset - 2, offset + 2)
    t, t_peak = p_and_t.t_waves(quiet, record, peaks, onset, offset, rr)
    # Where the beat before is not in the recording, nothing is known of its T wave.
    before = np.roll(np.where(last, -np.inf, t_peak), 1)
    p = p_and_t.p_waves(quiet, record, onset, before)
    return (p, complexes, t), onset, offset


def _usual_rr(rr: NDArray[np.float64], **_: object) -> NDArray[np.float64]:
    """(1,) s, the median of one record's intervals; the last beat has none, and a lone beat is usual."""
    return np.median(rr[:-1], keepdims=True) if len(rr) > 1 else np.array([_USUAL_RR])


def _only_recorded(
    positions: NDArray[np.float64],
    probability: NDArray[np.float64],
    record: Ints,
    gaps: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Probability with zeros for waves that touch a gap or an end of the recording."""
    n = gaps.shape[-1]
    first, last = positions[..., 0], positions[..., 2]
    whole = (first > 0) & (last < n - 1)
    if gaps.any():
        until = np.cumsum(np.pad(gaps, ((0, 0), (0, 0), (1, 0))), axis=-1)
        lead, of = np.arange(len(gaps))[:, None, None], record[:, None]
        start = np.clip(np.floor(first), 0, n - 1).astype(np.int64)
        stop = np.clip(np.ceil(last) + 1, 0, n).astype(np.int64)
        whole &= until[lead, of, stop] == until[lead, of, start]
    alive = probability[..., 1:2] >= 0.5  # a lead without this beat's QRS has no other wave of it
    return np.where(whole & alive, probability, 0.0)


def _overall(positions: NDArray[np.float64], onset: Ints, offset: Ints) -> NDArray[np.float64]:
    """(beats, 3, 3) marks of all leads together; NaN where no lead has the wave."""
    ordered = np.sort(positions, axis=0)  # NaN last
    most = np.maximum(np.isfinite(positions).sum(axis=0) - 1, 0)
    place = most * np.array([0.25, 0.5, 0.75])
    low = np.floor(place).astype(np.int64)
    a, b = (
        np.take_along_axis(ordered, i[None], axis=0)[0] for i in (low, np.minimum(low + 1, most))
    )
    out = np.asarray(a + (place - low) * (b - a))
    there = np.isfinite(out[:, 1, 1])
    out[there, 1, 0], out[there, 1, 2] = onset[there], offset[there]
    return out
