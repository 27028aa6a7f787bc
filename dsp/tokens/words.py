"""Words: the sentence of one recording, or the sentences of a batch."""

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dsp.checks import Signal
from dsp.segments import Index

Mode = Literal["lossless", "heartlang"]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words of one recording (words,) or of a batch (batch, words), lead by lead.

    Attributes
    ----------
    samples : (..., words, points) float32 mV; zero in padding.
    present : (..., words) bool, False in padding.
    lead : (..., words) int64, 1 to 12 in the order of `dsp.leads.TWELVE`; 0 in padding.
    beat : (..., words) int64, number of the beat from 1; 0 in padding and in words without R peak.
    second : (..., words) int64, second of the R peak (without one: of the start) from 1; 0 in padding.
    start : (..., words) int64, first sample of the signal, at `fs`, that the word holds.
    before, after : (..., words) int64, samples it holds before the R peak, and from it on.
    gaps : (..., leads, time) bool where the signal was NaN, or None if it nowhere was.
    leads : the leads encoded, in order.
    mode : ``"lossless"`` or ``"heartlang"``.
    fs : Hz.
    n_samples : length of the signal at `fs`.

    Examples
    --------
    >>> from dsp import QRSTokenizer
    >>> words = QRSTokenizer(leads="I, II").encode(np.zeros((2, 640)), 100, [250, 350, 450])
    >>> words.samples.shape, words.beat.tolist()
    ((10, 192), [0, 1, 2, 3, 0, 0, 1, 2, 3, 0])
    """

    samples: Signal
    present: NDArray[np.bool_]
    lead: Index
    beat: Index
    second: Index
    start: Index
    before: Index
    after: Index
    gaps: NDArray[np.bool_] | None
    leads: tuple[str, ...]
    mode: Mode
    fs: float
    n_samples: int

    @property
    def duration(self) -> NDArray[np.float64]:
        """(..., words) seconds each word spans."""
        return np.asarray((self.before + self.after) / self.fs)

    @property
    def r_peak(self) -> Index:
        """(..., words) sample of the R peak at `fs`; -1 in words without one."""
        return np.where(self.beat > 0, self.start + self.before, -1)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Stretches of time, one a row; a word without R peak (beat 0) has its peak at its first sample.

    Attributes
    ----------
    record : (spans,) int64, which recording.
    beat : (spans,) int64, number of the beat from 1, or 0.
    peak, first, stop : (spans,) int64, samples of the R peak, the first, and the one after the last.
    """

    record: Index
    beat: Index
    peak: Index
    first: Index
    stop: Index

    @classmethod
    def of(cls, parts: list[tuple[Index, Index, Index, Index]]) -> "Spans":
        """Those of several recordings: beat, peak, first and stop of each."""
        record = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
        return cls(record, *(np.concatenate(column) for column in zip(*parts, strict=True)))

    def __len__(self) -> int:
        return len(self.record)

    @property
    def before(self) -> Index:
        """(spans,) samples before the R peak."""
        return np.asarray(self.peak - self.first)

    @property
    def after(self) -> Index:
        """(spans,) samples from the R peak on."""
        return np.asarray(self.stop - self.peak)
