"""Beats: where the ventricles fire."""

import itertools
from typing import Final, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import checks
from dsp.beats import bands, candidates, energy, placement
from dsp.beats import confidence as trust
from dsp.checks import Signal
from dsp.errors import LengthError

Peaks = NDArray[np.int64]
Scores = NDArray[np.float32]
HORIZON_S: Final = 50.0
"""s; a beat depends on nothing farther away: two levels of 10 s, an interval of 20 s, neighbours of
one shape within 5 s, some rules."""
_BLOCK: Final = 1_000_000  # samples of input worked on at once


@overload
def r_peaks(
    x: ArrayLike, fs: float, *, confidence: Literal[False] = False
) -> Peaks | list[Peaks]: ...
@overload
def r_peaks(
    x: ArrayLike, fs: float, *, confidence: Literal[True]
) -> tuple[Peaks, Scores] | tuple[list[Peaks], list[Scores]]: ...
def r_peaks(
    x: ArrayLike, fs: float, *, confidence: bool = False
) -> Peaks | list[Peaks] | tuple[Peaks, Scores] | tuple[list[Peaks], list[Scores]]:
    """Find the beats, in one lead or in all leads together.

    The energy of the slope between 5 and 20 Hz, of each lead in units of its own beats and
    weighted by how far they stand out, is searched for peaks; a peak is a beat by its height above
    the background, by its neighbours (T waves are lower) and by silence (a lower one is accepted).
    Every decision is local in time. The mark is then moved to the extremum of the QRS: the R, or
    the Q or S if more than four times as large; the same one in similar beats.

    Parameters
    ----------
    x : (time,), (leads, time) or (batch, leads, time), in any unit and of either sign; it need
        not be cleaned. NaN marks gaps.
    fs : Hz, 80 or more for the stated accuracy.
    confidence : also return how credible each beat is.

    Returns
    -------
    int64 samples, ascending; a list of such arrays for a batch. Empty where there is no beat:
    noise, flat line, fibrillation, mains. With `confidence`, a pair: the samples, and float32 in
    [0, 1] for each (a list for a batch); below 0.5, do not rely on a beat.

    Raises
    ------
    SignalError, LengthError
        As `dsp.checks.signal`; also for more than three axes.
    RateError
        If `fs` is no rate for an ECG.

    Examples
    --------
    >>> t = np.arange(5000) / 500
    >>> x = np.exp(-((((t + 0.5) % 1 - 0.5) / 0.015) ** 2))    # a beat each full second
    >>> r_peaks(x, 500)[:3]
    array([ 500, 1000, 1500])
    """
    x, fs = checks.signal(x), checks.rate(fs)
    if x.ndim > 3:
        raise LengthError(
            f"the signal has shape {x.shape}; r_peaks takes (time,), (leads, time) or "
            "(batch, leads, time): reshape it."
        )
    batch = checks.safe_to_square(x.reshape(-1, *x.shape[-2:]) if x.ndim > 1 else x[None, None])
    per_block = max(1, _BLOCK // (batch.shape[1] * batch.shape[2]))
    marks: list[Peaks] = []
    scores: list[Scores] = []
    for first in range(0, len(batch), per_block):
        found = detect(batch[first : first + per_block], fs)
        marks += found[0]
        scores += found[1]
    if x.ndim < 3:
        return (marks[0], scores[0]) if confidence else marks[0]
    return (marks, scores) if confidence else marks


def detect(x: Signal, fs: float) -> tuple[list[Peaks], list[Scores]]:
    """Beats of each record of (records, leads, time) checked samples, and their confidence."""
    grid = energy.Grid.of(fs)
    y = energy.decimate(x, grid.step)
    if y.shape[-1] < 3:
        return [np.zeros(0, np.int64) for _ in x], [np.zeros(0, np.float32) for _ in x]
    g, high = bands.slopes(y, grid.fs)
    a = energy.mix(energy.magnitude(g, grid), energy.magnitude(high, grid), grid)
    a, gains = energy.fuse(a, grid)
    found = candidates.find(a, grid)
    found = found.take(candidates.choose(found, grid))
    gain = energy.at(gains, grid, found.record, found.sample)
    marks = placement.place(x, fs, gain, found.record, found.sample * grid.step)
    score, kept = trust.judge(y, g, gain, marks // grid.step, found, grid)
    marks, score, record = marks[kept], score[kept], found.record[kept]
    ends = np.searchsorted(record, np.arange(len(x) + 1))
    parts = [slice(a, b) for a, b in itertools.pairwise(ends)]
    return [marks[part] for part in parts], [np.asarray(score[part], np.float32) for part in parts]
