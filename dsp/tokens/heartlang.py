"""HeartLang words: the published rule, 96 samples at 100 Hz with the R peak at 48, 256 at most."""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dsp.checks import Signal
from dsp.segments import Index
from dsp.tokens.words import Spans

POINTS: Final = 96
BUDGET: Final = 256
FS: Final = 100.0


def encode(y: Signal, peaks: list[Index], points: int) -> tuple[Spans, Signal]:
    """Spans, and their samples (spans, leads, points), of a batch (batch, leads, time)."""
    spans = Spans.of([published(p, y.shape[-1], points // 2) for p in peaks])
    column = np.maximum(points // 2 - spans.before, 0)
    padded = np.pad(y, ((0, 0), (0, 0), (points, points)))
    windows = sliding_window_view(padded, points, axis=-1)
    samples = windows[spans.record, :, spans.first - column + points]
    place = np.arange(points) - column[:, None]
    samples *= ((place >= 0) & (place < (spans.stop - spans.first)[:, None]))[:, None]
    return spans, samples


def decode(samples: Signal, spans: Spans, y: Signal) -> None:
    """Put words (words, points) back into rows (`spans.record`) of `y` (rows, time)."""
    points = samples.shape[-1]
    word, place = np.nonzero(np.arange(points) < (spans.stop - spans.first)[:, None])
    column = np.maximum(points // 2 - spans.before, 0)
    y[spans.record[word], spans.first[word] + place] = samples[word, column[word] + place]


def published(peaks: Index, n: int, half: int) -> tuple[Index, Index, Index, Index]:
    """Beat, peak, first and stop of the words of one recording.

    From the middle of one RR interval to the middle of the next (whole samples, rounded down);
    the first beat begins `half` samples before its peak, the last ends as many after it, and a
    word that would be longer than ``2 * half`` is that long, from `half` before its peak. A word
    whose peak cannot stand in column `half`, because more than that lies before it, begins in
    column 0; what passes the right end is cut.
    """
    middle = (peaks[:-1] + peaks[1:]) // 2
    ahead = np.maximum(peaks - half, 0)
    first = np.concatenate([ahead[:1], middle])
    stop = np.concatenate([middle, peaks[-1:] + half])
    if len(peaks) == 1:
        stop = first + 2 * half
    long = np.minimum(stop, n) - first > 2 * half
    first = np.where(long, ahead, first)
    stop = np.minimum(np.where(long, first + 2 * half, stop), n)
    room = 2 * half - np.maximum(half - (peaks - first), 0)
    return np.arange(1, len(peaks) + 1), peaks, first, np.minimum(stop, first + room)
