"""Lossless words: a partition of the signal, each half of a beat on a fixed number of phase steps."""

import functools
from collections.abc import Iterator

import numpy as np
import scipy
from numpy.lib.stride_tricks import sliding_window_view

from dsp.checks import Signal
from dsp.segments import Index
from dsp.tokens.words import Spans


def encode(y: Signal, peaks: list[Index], points: int) -> tuple[Spans, Signal]:
    """Spans, and their samples (spans, leads, points), of a batch (batch, leads, time)."""
    spans = Spans.of([partition(p, y.shape[-1], points) for p in peaks])
    samples = np.zeros((len(spans), y.shape[1], points), np.float32)
    for part, first, size, columns in _parts(spans, points):
        # (words of one size, leads, size)
        held = sliding_window_view(y, size, axis=-1)[spans.record[part], :, first]
        samples[part, :, columns] = held @ _series(size, columns.stop - columns.start).T
    return spans, samples


def decode(samples: Signal, spans: Spans, y: Signal) -> None:
    """Put words (words, points) back into rows (`spans.record`) of `y` (rows, time)."""
    for part, first, size, columns in _parts(spans, samples.shape[-1]):
        time = first[:, None] + np.arange(size)
        back = _series(columns.stop - columns.start, size).T
        y[spans.record[part, None], time] = samples[part, columns] @ back


def partition(peaks: Index, n: int, points: int) -> tuple[Index, Index, Index, Index]:
    """Beat, peak, first and stop of words that hold each of `n` samples once.

    Beats meet in the middle of the RR interval; they reach ``points / 2`` samples to either side
    of the R peak at most, and what is free between them goes to words of up to `points` samples.
    """
    half = points // 2
    border = np.concatenate([[0], (peaks[:-1] + peaks[1:] + 1) // 2, [n]])
    first = np.maximum(border[: len(peaks)], peaks - half)
    stop = np.minimum(border[1 : len(peaks) + 1], peaks + half)
    free_first, free_stop = np.append(0, stop), np.append(first, n)
    pieces = -(-(free_stop - free_first) // points)
    owner = np.repeat(np.arange(len(pieces)), pieces)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    more_first = free_first[owner] + rank * points
    more_stop = np.minimum(more_first + points, free_stop[owner])
    number = np.concatenate([np.arange(1, len(peaks) + 1), np.zeros(len(owner), np.int64)])
    all_first = np.concatenate([first, more_first])
    order = np.argsort(all_first)
    return (
        number[order],
        np.concatenate([peaks, more_first])[order],
        all_first[order],
        np.concatenate([stop, more_stop])[order],
    )


def _parts(spans: Spans, points: int) -> Iterator[tuple[Index, Index, int, slice]]:
    """Halves of words by length: which words, their first samples, how many, and in which columns.

    Words without R peak are one part over all columns.
    """
    half, whole = points // 2, spans.beat == 0
    for chosen, first, size, columns in (
        (~whole, spans.first, spans.before, slice(0, half)),
        (~whole, spans.peak, spans.after, slice(half, points)),
        (whole, spans.first, spans.after, slice(0, points)),
    ):
        for length in np.unique(size[chosen & (size > 0)]):
            part = np.flatnonzero(chosen & (size == length))
            yield part, first[part], int(length), columns


@functools.lru_cache(maxsize=1024)
def _series(n: int, m: int) -> Signal:
    """(m, n): n samples to m, at equal steps over the same time, by a cosine series.

    The series has as many terms as there are samples on the shorter side, so
    ``_series(m, n) @ _series(n, m)`` is the identity when m >= n.
    """
    terms = min(n, m)
    forward = scipy.fft.dct(np.eye(n), axis=0, norm="ortho")[:terms]
    back = scipy.fft.idct(np.eye(m), axis=0, norm="ortho")[:, :terms]
    matrix = np.asarray(np.sqrt(m / n) * (back @ forward), np.float32)
    matrix.flags.writeable = False
    return matrix
