"""Sweep: a recording of any rate and length in windows of ten seconds, faded into each other.

A window begins every eight seconds, wherever the recording was cut for reading, and is predicted by
itself: a stream gives what the whole gives, in the memory of some windows. The last window ends with
the recording, and is ten seconds long whenever the recording is.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp import cores, filters, leads
from dsp.checks import Signal
from recon.gaussian import given_space
from recon.personal import Personal
from recon.predictor import FS, Predictor, Sets
from recon.voting import EIGHT_OF_TWELVE, Float

WINDOW_S: Final = 10.0
FADE_S: Final = 2.0
AT_ONCE: Final = 32
"""Windows predicted together."""
_FEWEST: Final = 4  # of a thread: fewer are not worth one
_LIMB: Final = leads.EIGHT_TO_TWELVE[2:6, :2]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some samples of the given leads: as they came, and cleaned.

    Attributes
    ----------
    raw, cleaned : (n_given, time) mV; NaN in gaps.

    Examples
    --------
    >>> x = np.ones((1, 5), "f4")
    >>> (Part(x, x) + Part(x, x))[3:].raw.shape
    (1, 7)
    """

    raw: Signal
    cleaned: Signal

    def __add__(self, other: Part) -> Part:
        pairs = ((self.raw, other.raw), (self.cleaned, other.cleaned))
        return Part(*(np.concatenate(pair, axis=1) for pair in pairs))

    def __getitem__(self, where: slice) -> Part:
        return Part(self.raw[:, where], self.cleaned[:, where])

    def __len__(self) -> int:
        return int(self.raw.shape[1])


def sweep(
    predictor: Predictor | Personal, parts: Iterable[Part], fs: float, given: tuple[str, ...]
) -> Iterator[tuple[Float, Float]]:
    """The twelve leads of a recording that comes in parts.

    Parameters
    ----------
    predictor : of windows.
    parts : one after the other, of any length.
    fs : Hz.
    given : names of the rows, among the twelve.

    Yields
    ------
    mean and standard deviation, (12, time) float32 mV each, of one stretch after the other; NaN
    where no given lead is there. What cleaning took away (baseline, mains) belongs to the given
    leads: it is in them and in what follows from them by algebra, and is not spread to others.

    Examples
    --------
    >>> from recon.gaussian import Gaussian
    >>> x = np.sin(np.arange(15_000, dtype="f4"))[None]
    >>> model = Predictor(Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8)))
    >>> sum(mean.shape[1] for mean, _ in sweep(model, [Part(x, x)], 500, ("I",)))
    15000
    """
    fade = round(FADE_S * fs)
    rising = ((np.arange(fade) + 0.5) / fade).astype(np.float32)
    tail: Float | None = None  # (2, 12, fade), the end of the window before, to be faded out
    for window, found in _believed(predictor, parts, fs, given):
        believed = found if tail is None else found[..., window.overlap - fade :]
        if tail is not None:  # what is given is the same in both, and stays
            believed[..., :fade] = tail + rising * (believed[..., :fade] - tail)
        end = believed.shape[-1] - (0 if window.last else fade)
        yield believed[0, :, :end], believed[1, :, :end]
        tail = believed[..., end:]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """Ten seconds, and how many samples of them the window before had too."""

    part: Part
    overlap: int = 0
    last: bool = False


def _windows(parts: Iterable[Part], fs: float) -> Iterator[_Window]:
    """Every eight seconds one; all of the same length unless the recording is shorter."""
    size, hop = round(WINDOW_S * fs), round((WINDOW_S - FADE_S) * fs)
    held: Part | None = None
    overlap = 0  # of the next window with the one before
    ahead = 0  # where in `held` the next window begins
    for part in parts:
        held = part if held is None else held[max(ahead - hop, 0) :] + part
        ahead = min(ahead, hop)
        while len(held) > ahead + size:  # one sample more: this is not the last
            yield _Window(held[ahead : ahead + size], overlap)
            overlap = size - hop
            ahead += hop
    if held is not None and len(held):
        first = max(0, min(ahead, len(held) - size))
        # `ahead` is where the window would begin if it were not the last.
        yield _Window(held[first:], overlap + (ahead - first if overlap else 0), last=True)


def _believed(
    predictor: Predictor | Personal, parts: Iterable[Part], fs: float, given: tuple[str, ...]
) -> Iterator[tuple[_Window, Float]]:
    """Windows with their mean and standard deviation, (2, 12, time), predicted some at a time."""
    windows = _windows(parts, fs)
    while batch := list(itertools.islice(windows, AT_ONCE)):
        found = believe(predictor, [window.part for window in batch], fs, given)
        yield from zip(batch, found, strict=True)


def believe(
    predictor: Predictor | Personal, parts: Sequence[Part], fs: float, given: tuple[str, ...]
) -> list[Float]:
    """Mean and standard deviation of windows of one length, (2, 12, time) each.

    Parameters
    ----------
    predictor : of windows.
    parts : of at most ten seconds and the same length.
    fs : Hz.
    given : names of the rows, among the twelve.

    Examples
    --------
    >>> from recon.gaussian import Gaussian
    >>> x = np.sin(np.arange(5000, dtype="f4"))[None]
    >>> model = Predictor(Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8)))
    >>> believe(model, [Part(x, x)], 500, ("I",))[0].shape
    (2, 12, 5000)
    """
    size = _size(predictor, len(parts))
    pieces = [parts[first : first + size] for first in range(0, len(parts), size)]
    found = cores.each(lambda piece: _together(predictor, piece, fs, given), pieces)
    return list(itertools.chain.from_iterable(found))


def _size(predictor: Predictor | Personal, n: int) -> int:
    """Windows of a piece: as many pieces as threads; all at once where a GPU does the work."""
    if getattr(getattr(predictor.network, "device", None), "type", "cpu") != "cpu":
        return n
    return max(_FEWEST, -(-n // cores.count()))


def _together(
    predictor: Predictor | Personal, parts: Sequence[Part], fs: float, given: tuple[str, ...]
) -> list[Float]:
    """As `believe`, in one thread."""
    slow = filters.resample(np.stack([part.cleaned for part in parts]), fs, FS)
    live = np.stack([alive(part.raw) for part in parts])  # (n, g)
    whole = live.all(axis=1) & np.isfinite(slow).all(axis=(1, 2))
    found: list[Float | None] = [None] * len(parts)
    if whole.any():
        sets: Sets = [(tuple(range(len(given))), slice(None))]
        together = _at_rate(predictor, slow[whole], sets, given, fs, len(parts[0]))
        for k, pair in zip(np.flatnonzero(whole), together, strict=True):
            found[k] = pair
    for k in np.flatnonzero(~whole):
        sets = _sets(~np.isnan(slow[k]) & live[k][:, None])
        x = np.nan_to_num(slow[k : k + 1])
        found[k] = _at_rate(predictor, x, sets, given, fs, len(parts[0]))[0]
    return [
        _with_given(pair, part, given, each)
        for pair, part, each in zip(found, parts, live, strict=True)
        if pair is not None
    ]


def _at_rate(
    predictor: Predictor | Personal,
    x: Signal,
    sets: Sets,
    given: tuple[str, ...],
    fs: float,
    n_samples: int,
) -> Float:
    """Belief about windows (n, g, time) at 100 Hz, as (n, 2, 12, n_samples) at `fs`."""
    named: list[tuple[tuple[str, ...], NDArray[np.intp] | slice]] = []
    x8 = np.zeros((len(x), 8, x.shape[-1]), np.float32)
    for rows, where in sets:
        names = tuple(given[row] for row in rows)
        basis, coordinates = given_space(names)
        to_8 = (basis @ coordinates).astype(np.float32)
        x8[..., where] = to_8 @ x[:, list(rows)][..., where]
        named.append((names, where))
    mean, variance = predictor.believe(x8, named)
    there = np.zeros(x.shape[-1], bool)
    for _, where in sets:
        there[where] = True
    mean, variance = _bridged(mean, there), _bridged(variance, there)
    out = np.empty((len(x), 2, 12, n_samples), np.float32)
    at = np.arange(n_samples) * (FS / fs)
    for first in range(0, len(x), _FEWEST):  # a few at a time, so that they stay in the cache
        some = slice(first, first + _FEWEST)
        fast = filters.resample(mean[some, EIGHT_OF_TWELVE], FS, fs)
        out[some, 0] = leads.twelve(filters.of_length(fast, n_samples))
        out[some, 1] = _interpolated(np.sqrt(variance[some]), at)
    return out


def _with_given(
    believed: Float, part: Part, given: tuple[str, ...], live: NDArray[np.bool_]
) -> Float:
    """The belief (2, 12, time) with what is known put into it, exactly."""
    there = ~np.isnan(part.cleaned) & live[:, None]
    known = np.zeros(len(part), bool)
    y8 = believed[0, EIGHT_OF_TWELVE].astype(np.float64)
    for rows, where in _sets(there):
        basis, coordinates = given_space(tuple(given[row] for row in rows))
        told = coordinates @ part.raw[list(rows)][:, where].astype(np.float64)
        y8[:, where] += basis @ (told - basis.T @ y8[:, where])
        known[where] = True
    believed[0, EIGHT_OF_TWELVE] = y8
    believed[..., ~known] = np.nan
    # The eight as stored decide the other four, so that the algebra holds to rounding.
    believed[0, 2:6] = _LIMB @ believed[0, :2].astype(np.float64)
    for name, row in zip(given, part.raw, strict=True):
        believed[0, leads.TWELVE.index(name)] = row
        believed[1, leads.TWELVE.index(name)] = 0
    return believed


def _sets(there: NDArray[np.bool_]) -> Sets:
    """Which rows of (g, time) are there together, and at which samples: usually one set."""
    if there.all():
        return [(tuple(range(len(there))), slice(None))]
    codes = (1 << np.arange(len(there), dtype=np.int64)) @ there
    found: Sets = []
    for code in np.unique(codes[codes > 0]):
        rows = tuple(np.flatnonzero(code >> np.arange(len(there)) & 1).tolist())
        where = codes == code
        found.append((rows, slice(None) if where.all() else np.flatnonzero(where)))
    return found


def alive(x: Signal) -> NDArray[np.bool_]:
    """(n_given,): leads that are not constant throughout, nor one gap.

    Parameters
    ----------
    x : (n_given, time) mV.

    Examples
    --------
    >>> alive(np.array([[1.0, np.nan, 1.0], [1.0, np.nan, 2.0]])).tolist()
    [False, True]
    """
    return np.asarray(np.fmax.reduce(x, axis=1) > np.fmin.reduce(x, axis=1))


def _bridged(y: Float, there: NDArray[np.bool_]) -> Float:
    """(..., time) with lines over the samples where nothing is there, so that no edge rings."""
    if there.all() or not there.any():
        return y
    known = np.flatnonzero(there)
    place = np.interp(np.arange(y.shape[-1]), known, np.arange(len(known)))
    return _interpolated(y[..., known], place)


def _interpolated(y: NDArray[np.floating], at: NDArray[np.floating]) -> Float:
    """(..., time) at fractional samples `at`, along lines."""
    low = np.clip(at.astype(np.int64), 0, max(y.shape[-1] - 2, 0))
    rise = np.diff(y, axis=-1, append=y[..., -1:]).take(low, axis=-1)
    rise *= np.clip(at - low, 0, 1).astype(np.float32)
    return np.asarray(y.take(low, axis=-1) + rise, np.float32)
