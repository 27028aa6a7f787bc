"""Beats: where the ventricles fire."""

from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import checks
from dsp.beats import candidates, confidence, energy, placement
from dsp.checks import Signal

Peaks = NDArray[np.int64]
Scores = NDArray[np.float32]
_BLOCK = 4_000_000  # samples of input worked on at once


def r_peaks(x: ArrayLike, fs: float, *, scores: bool = False):
    """Find beats."""
    x, fs = checks.signal(x), checks.rate(fs)
    if x.ndim <= 2:
        return _detect(x.reshape(1, -1, x.shape[-1]), fs)[0][0 if not scores else slice(None)]
    batch = x.reshape(-1, *x.shape[-2:])
    per_block = max(1, _BLOCK // (batch.shape[1] * batch.shape[2]))
    found = []
    for first in range(0, len(batch), per_block):
        found += _detect(batch[first : first + per_block], fs)
    return [f[0] for f in found]


def _detect(x: Signal, fs: float):
    """Beats of each record of (records, leads, time)."""
    grid = energy.Grid.of(fs)
    y = energy.decimate(x, grid.step)
    if y.shape[-1] < 3:
        return [(np.zeros(0, np.int64), np.zeros(0)) for _ in x]
    g = energy.slope(y, grid)
    a = energy.relative(energy.magnitude(g, grid), grid)
    found = candidates.find(a, grid)
    found = found.take(candidates.choose(found, grid))
    marks = placement.place(x, fs, found.record, found.sample * grid.step)
    trust, keep = confidence.judge(y, g, marks // grid.step, found, grid)
    marks, trust, record = marks[keep], trust[keep], found.record[keep]
    ends = np.searchsorted(record, np.arange(len(x) + 1))
    return [(marks[a:b], trust[a:b]) for a, b in zip(ends[:-1], ends[1:], strict=True)]
