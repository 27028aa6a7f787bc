"""The tokenizer: ECGs to words and back, by name of lead and in batches."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import checks, filters
from dsp import leads as lead_names
from dsp.beats import r_peaks
from dsp.checks import Signal
from dsp.errors import LeadError, LengthError, RateError, SignalError
from dsp.segments import Index, check_peaks
from dsp.tokens import heartlang, lossless
from dsp.tokens.words import Mode, Spans, Words

LONGEST_RR: Final = 1.92
"""Seconds a lossless word spans at most (31 bpm); longer beats go on in continuation words."""


class _Rule(NamedTuple):
    """One mode: what makes words and undoes them, and what it fixes, if it does."""

    encode: Callable[[Signal, list[Index], int], tuple[Spans, Signal]]
    decode: Callable[[Signal, Spans, Signal], None]
    fs: float | None = None
    points: int | None = None
    budget: int | None = None


MODES: Final[dict[Mode, _Rule]] = {
    "lossless": _Rule(lossless.encode, lossless.decode),
    "heartlang": _Rule(
        heartlang.encode, heartlang.decode, heartlang.FS, heartlang.POINTS, heartlang.BUDGET
    ),
}


class QRSTokenizer:
    """Cut ECGs into words, one a beat and lead, and put them together again.

    Two modes. ``"lossless"`` partitions the signal at the middle of the RR intervals. The half of a
    word before its R peak and the half from it on are each resampled to ``points / 2`` equal
    steps of phase by cosine series, which is exactly invertible as long as a half has no more samples
    than steps. What is longer goes on in continuation words without R peak, as does a
    signal without beats: every sample is in exactly one word of its lead. ``"heartlang"`` is the
    published rule of HeartLang (arXiv 2502.10707): at 100 Hz, 96 samples with the R peak at 48, cut
    at the middle of the RR intervals or at 48 samples, at most 256 words; slow hearts lose signal
    and fast ones words, so it is for models trained that way. Unlike there, beats are found on
    all leads at the signal's own rate, and a mask tells words from padding.

    Parameters
    ----------
    fs : Hz of the words; signals are resampled to it. ``"heartlang"`` knows 100 only.
    mode : one of `MODES`.
    leads : the leads to encode, in order; any of the twelve, ``"I, II, V2"`` or a sequence of names.
    points : samples in a word, even; 1.92 s if not given, and 96 in ``"heartlang"``.

    Raises
    ------
    LeadError, RateError, LengthError, SignalError
        For unknown leads, an impossible rate or mode, or `points` that are odd or below 2.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(12, 1000)).astype("float32")
    >>> tok = QRSTokenizer(fs=100)
    >>> words = tok.encode(x, 100, peaks=[80, 190, 290, 400, 520, 630, 750, 860, 960])
    >>> bool(abs(tok.decode(words) - x).max() < 1e-4)
    True
    """

    def __init__(
        self,
        fs: float = 100,
        *,
        mode: Mode = "lossless",
        leads: Sequence[str] = lead_names.TWELVE,
        points: int | None = None,
    ) -> None:
        if mode not in MODES:
            raise SignalError(f"mode {mode!r} is not one of {', '.join(MODES)}.")
        rule = MODES[mode]
        self.mode: Mode = mode
        self.fs = checks.rate(fs)
        self.leads = lead_names.canonical_all(leads)
        lead_names.require_standard(self.leads)
        usual = rule.points or 2 * round(LONGEST_RR * self.fs / 2)
        self.points = usual if points is None else int(points)
        if rule.fs not in (None, self.fs):
            raise RateError(f"fs={fs} Hz: {mode} words are defined at {rule.fs:g} Hz only.")
        if self.points < 2 or self.points % 2 or rule.points not in (None, self.points):
            raise LengthError(
                f"points={points}: a {mode} word has {rule.points or 'an even number of'} samples."
            )

    def __repr__(self) -> str:
        return (
            f"QRSTokenizer(fs={self.fs:g}, mode={self.mode!r}, leads={' '.join(self.leads)!r}, "
            f"points={self.points})"
        )

    def encode(
        self,
        x: ArrayLike,
        fs: float,
        peaks: ArrayLike | Sequence[ArrayLike] | None = None,
        *,
        leads: Sequence[str] | None = None,
    ) -> Words:
        """The words of a signal.

        Parameters
        ----------
        x : (leads, time), (batch, leads, time), or (time,) for one lead; mV; NaN marks gaps.
        fs : Hz.
        peaks : R peaks as sample indices at `fs`, a list of them for a batch; found by
            `dsp.r_peaks` on all leads of `x` if not given.
        leads : names of the rows of `x`; those of the tokenizer if not given. Rows are picked by
            name, in the tokenizer's order.

        Returns
        -------
        Words, lead by lead and in each lead by time; stretches that are all gap give no word.
        Batches are padded to the longest recording (heartlang: always to 256).

        Raises
        ------
        LeadError
            If `x` lacks a lead of the tokenizer, or names and rows differ in number.
        SignalError, LengthError, RateError, UnitError
            For a bad signal, rate, or peaks, or amplitudes that cannot be millivolt.

        Examples
        --------
        >>> tok = QRSTokenizer(mode="heartlang", leads=["I", "V1"])
        >>> words = tok.encode(np.ones((2, 5000)), 500, [700, 1200], leads=["V1", "I"])
        >>> words.samples.shape, words.lead[:5].tolist(), words.second[:5].tolist()
        ((256, 96), [1, 1, 7, 7, 0], [2, 3, 2, 3, 0])
        """
        x, fs = checks.signal(x), checks.rate(fs)
        x = np.atleast_2d(checks.millivolt(x))
        if x.ndim > 3:
            raise LengthError(f"shape {x.shape}; expected (leads, time) or (batch, leads, time).")
        single = x.ndim == 2
        batch = x[None] if single else x
        rows = self._rows(leads, batch.shape[1])
        found = self._peaks(batch, fs, peaks, single=single)
        y = filters.resample(batch[:, rows], fs, self.fs)
        n = y.shape[-1]
        found = [
            np.unique(np.minimum(np.rint(p * (self.fs / fs)), n - 1).astype(int)) for p in found
        ]
        gaps = np.isnan(y)
        spans, samples = MODES[self.mode].encode(_bridge(y, gaps), found, self.points)
        words = self._sentences(spans, samples, gaps)
        return _only(words) if single else words

    def decode(self, words: Words) -> Signal:
        """The signal the words were made of.

        Parameters
        ----------
        words : as `encode` gave them; `samples` may have been changed since, by a model.

        Returns
        -------
        (..., leads, time) float32 mV at `words.fs`; NaN in gaps and wherever no word lies.

        Raises
        ------
        SignalError
            If the words come from a tokenizer of another mode, rate, leads, or word length.

        Examples
        --------
        >>> tok = QRSTokenizer(leads=["II"])
        >>> tok.decode(tok.encode(np.full((1, 700), 3.0), 100, [300])).round(4).max()
        np.float32(3.0)
        """
        mine = (self.mode, self.fs, self.leads, self.points)
        theirs = (words.mode, words.fs, words.leads, words.samples.shape[-1])
        if mine != theirs:
            raise SignalError(
                f"words of (mode, fs, leads, points) {theirs}; this tokenizer has {mine}."
            )
        single = words.present.ndim == 1
        present = np.atleast_2d(words.present)
        record, place = np.nonzero(present)
        lead, beat, first, before, after = (
            np.atleast_2d(field)[record, place]
            for field in (words.lead, words.beat, words.start, words.before, words.after)
        )
        samples = words.samples.reshape(*present.shape, self.points)[record, place]
        n_leads = len(self.leads)
        row = np.zeros(len(lead_names.TWELVE) + 1, np.int64)
        row[_numbers(self.leads)] = np.arange(n_leads)
        peak = first + before
        spans = Spans(record * n_leads + row[lead], beat, peak, first, peak + after)
        y = np.full((len(present) * n_leads, words.n_samples), np.nan, np.float32)
        MODES[self.mode].decode(samples, spans, y)
        if words.gaps is not None:
            y[words.gaps.reshape(y.shape)] = np.nan
        return y if single else y.reshape(len(present), n_leads, -1)

    def _rows(self, leads: Sequence[str] | None, n_rows: int) -> list[int]:
        """Rows of the input, by name, in the tokenizer's order."""
        names = self.leads if leads is None else leads
        names = lead_names.canonical_all(names, n_rows)
        missing = [lead for lead in self.leads if lead not in names]
        if missing:
            raise LeadError(
                f"the signal has {' '.join(names)} but not {' '.join(missing)}; make a tokenizer "
                "with leads=... for what is there."
            )
        return [names.index(lead) for lead in self.leads]

    def _peaks(
        self,
        batch: Signal,
        fs: float,
        peaks: ArrayLike | Sequence[ArrayLike] | None,
        *,
        single: bool,
    ) -> list[Index]:
        if peaks is None:
            return list(r_peaks(batch, fs))
        given: list[Any] = [peaks] if single else list(peaks)  # type: ignore[arg-type]
        if len(given) != len(batch):
            raise LengthError(f"peaks of {len(given)} recordings for a batch of {len(batch)}.")
        return [check_peaks(p, batch.shape[-1]) for p in given]

    def _sentences(self, spans: Spans, samples: Signal, gaps: NDArray[np.bool_]) -> Words:
        """Lay (spans, leads, points) out as (batch, words, points): lead by lead, padded or cut."""
        n_batch, _, n = gaps.shape
        span, row = np.nonzero(_heard(spans, gaps))
        order = np.lexsort((span, row, spans.record[span]))
        span, row = span[order], row[order]
        record = spans.record[span]
        count = np.bincount(record, minlength=n_batch)
        place = np.arange(len(record)) - np.repeat(np.cumsum(count) - count, count)
        width = MODES[self.mode].budget or int(count.max(initial=0))
        kept = place < width
        span, row, target = span[kept], row[kept], (record[kept], place[kept])

        def lay(values: NDArray[Any]) -> NDArray[Any]:
            out = np.zeros((n_batch, width, *values.shape[1:]), values.dtype)
            out[target] = values
            return out

        return Words(
            samples=lay(samples[span, row]),
            present=lay(np.ones(len(span), np.bool_)),
            lead=lay(_numbers(self.leads)[row]),
            beat=lay(spans.beat[span]),
            second=lay((spans.peak[span] // self.fs).astype(np.int64) + 1),
            start=lay(spans.first[span]),
            before=lay(spans.before[span]),
            after=lay(spans.after[span]),
            gaps=gaps if gaps.any() else None,
            leads=self.leads,
            mode=self.mode,
            fs=self.fs,
            n_samples=n,
        )


def _numbers(leads: tuple[str, ...]) -> Index:
    """Number of each lead from 1, in the order of the twelve."""
    return np.array([lead_names.TWELVE.index(lead) + 1 for lead in leads])


def _heard(spans: Spans, gaps: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(spans, leads) True where a lead has a sample in a span, rather than one long gap."""
    if not gaps.any():
        return np.ones((len(spans), gaps.shape[1]), np.bool_)
    sampled = np.pad(np.cumsum(~gaps, axis=-1), ((0, 0), (0, 0), (1, 0)))
    return np.asarray(
        sampled[spans.record, :, spans.stop] > sampled[spans.record, :, spans.first], np.bool_
    )


def _bridge(y: Signal, gaps: NDArray[np.bool_]) -> Signal:
    """Straight lines over gaps, level at the ends of the recording, zero where all is gap."""
    if not gaps.any():
        return y
    n = y.shape[-1]
    time = np.arange(n)
    left = np.maximum.accumulate(np.where(gaps, -1, time), axis=-1)
    right = np.minimum.accumulate(np.where(gaps, n, time)[..., ::-1], axis=-1)[..., ::-1]
    left, right = np.where(left < 0, right, left), np.where(right == n, left, right)
    low = np.take_along_axis(y, np.clip(left, 0, n - 1), axis=-1)
    high = np.take_along_axis(y, np.clip(right, 0, n - 1), axis=-1)
    share = (time - left) / np.maximum(right - left, 1)
    line = low + np.clip(share, 0, 1) * (high - low)
    return np.asarray(np.nan_to_num(line), np.float32)


def _only(words: Words) -> Words:
    """The only recording of a batch."""
    fields = {f.name: getattr(words, f.name) for f in dataclasses.fields(words)}
    arrays = {name: field[0] for name, field in fields.items() if isinstance(field, np.ndarray)}
    return dataclasses.replace(words, **arrays)
