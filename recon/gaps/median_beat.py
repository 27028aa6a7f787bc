"""Median beat: what the beats of a record have in common, and where its waves lie in it."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

import dsp
from dsp import checks
from recon.gaps.cohort import FS

BEFORE: Final = 30
AFTER: Final = 50
LENGTH: Final = BEFORE + AFTER
"""Samples at 100 Hz: 0.3 s before the R peak to 0.5 s after."""
_LEVEL: Final = 2  # samples before the QRS onset that are the zero of all amplitudes

Beat = NDArray[np.float64]
"""(..., leads, LENGTH) mV."""


@dataclasses.dataclass(frozen=True, eq=False)
class Marks:
    """Where the truth has its beats and waves: the referee's clock, the same for every path.

    Attributes
    ----------
    peaks : (beats,) R peaks whose window lies within the record.
    qrs, t : (onset, offset) in samples of the median beat; NaN where unknown.
    """

    peaks: NDArray[np.int64]
    qrs: tuple[float, float]
    t: tuple[float, float]


def marks(records: checks.Signal) -> list[Marks]:
    """Beats and waves of the leads together, of each record.

    Parameters
    ----------
    records : (n, leads, time) mV at 100 Hz.

    Examples
    --------
    >>> marks(np.zeros((1, 12, 1000), "f4"))[0].peaks
    array([], dtype=int64)
    """
    found = dsp.delineate(records, FS, list(dsp.r_peaks(records, FS)))
    return [_marks(waves, records.shape[-1]) for waves in found]


def _marks(waves: dsp.Waves, n_samples: int) -> Marks:
    peaks, all_ = waves.peaks, waves.together
    inside = (peaks >= BEFORE) & (peaks <= n_samples - AFTER)
    nowhere = (np.nan, np.nan)
    found = []
    for wave in (all_.qrs, all_.t):
        ends = np.stack([wave.onset, wave.offset], axis=1) - peaks[:, None]
        ends = ends[np.isfinite(ends).all(axis=1)]
        found.append(tuple(np.median(ends, axis=0) + BEFORE) if len(ends) else nowhere)
    return Marks(peaks[inside], found[0], found[1])


def median_beat(x: NDArray[np.floating], at: Marks) -> Beat:
    """The median over beats, of each lead from its level just before the QRS complex.

    Parameters
    ----------
    x : (leads, time) mV. at : the truth's marks.

    Returns
    -------
    (leads, LENGTH) mV; NaN throughout where there is no beat.

    Examples
    --------
    >>> bool(np.isnan(median_beat(np.ones((2, 1000)), marks(np.zeros((1, 2, 1000), "f4"))[0])).all())
    True
    """
    if not len(at.peaks):
        return np.full((len(x), LENGTH), np.nan)
    windows = np.asarray(x)[:, at.peaks[:, None] + np.arange(-BEFORE, AFTER)]
    beat = np.median(windows, axis=1).astype(np.float64)
    onset = at.qrs[0] if np.isfinite(at.qrs[0]) else BEFORE - 5
    end = int(np.clip(np.floor(onset), _LEVEL, LENGTH))
    return np.asarray(beat - beat[:, end - _LEVEL : end].mean(axis=1, keepdims=True))
