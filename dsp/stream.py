"""Stream: hours of signal piece by piece in bounded memory, with the same result as the whole."""

import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp import beats, checks, filters, formats
from dsp.beats.energy import Grid
from dsp.checks import Signal
from dsp.errors import LengthError, SignalError
from dsp.record import ECG

Reader = Callable[[float, float], ECG]
"""(start, stop) in seconds -> that part, or less at the end of the recording."""
AROUND_S: Final = beats.HORIZON_S
SETTLED_S: Final = 40.0
"""s after which the 0.5 Hz corner of `dsp.clean` has forgotten an edge to below 1e-7."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a recording that knows its surroundings.

    Attributes
    ----------
    around : (leads, time) float32 mV, read-only: the piece with up to 50 s on either side.
    before, n_samples : where in `around` the piece starts, and its length, samples.
    start : sample of the recording at which the piece starts.
    fs : Hz.
    leads : names of the rows.
    """

    around: Signal
    before: int
    n_samples: int
    start: int
    fs: float
    leads: tuple[str, ...]

    @property
    def signal(self) -> Signal:
        """The piece itself, (leads, time) mV."""
        return self.around[:, self.before : self.before + self.n_samples]

    def clean(self) -> Signal:
        """The piece of what `dsp.clean` makes of the whole recording.

        Examples
        --------
        >>> ecg = ECG(np.ones((1, 60_000)), 500, ["II"])
        >>> [piece.clean().shape for piece in stream(ecg, 60)]
        [(1, 30000), (1, 30000)]
        """
        margin = round(SETTLED_S * self.fs)
        first = max(0, self.before - margin)
        near = self.around[:, first : self.before + self.n_samples + margin]
        if np.isnan(near).all():
            return self.signal
        return filters.clean(near, self.fs)[:, self.before - first :][:, : self.n_samples]

    def r_peaks(self) -> NDArray[np.int64]:
        """The beats of this piece that `dsp.r_peaks` finds in the whole recording.

        Returns
        -------
        int64 samples, counted from the start of the recording.

        Examples
        --------
        >>> ecg = ECG(np.zeros((1, 60_000)), 500, ["II"])
        >>> np.concatenate([piece.r_peaks() for piece in stream(ecg, 60)])
        array([], dtype=int64)
        """
        if np.isnan(self.around).all():
            return np.zeros(0, np.int64)
        found = np.asarray(beats.r_peaks(self.around, self.fs)) - self.before
        return found[(found >= 0) & (found < self.n_samples)] + self.start


def stream(source: str | os.PathLike[str] | ECG | Reader, seconds: float = 60.0) -> Iterator[Piece]:
    """Go through a long recording; memory is that of a piece with 50 s on either side.

    Parameters
    ----------
    source : a file for `dsp.read` (of WFDB and EDF only the part needed is decoded), an `ECG`, or
        a function of start and stop in seconds, such as
        ``lambda start, stop: dsp.read(path, rename={"ECG": "II"}, start=start, stop=stop)``.
    seconds : length of a piece; the last may be shorter.

    Yields
    ------
    Piece, one after the other, without overlap and without a hole. Its `clean` and `r_peaks`
    equal the part of the whole recording's, filters to 1e-6 and beats exactly, so long as no gap
    lasts longer than 20 s. A piece in which the file has no sample at all is NaN.

    Raises
    ------
    LengthError
        If `seconds` is not positive.
    ReadError, LeadError, UnitError, RateError, SignalError
        As `dsp.read`.

    Examples
    --------
    >>> ecg = ECG(np.zeros((1, 50_000)), 500, ["II"])
    >>> [(piece.start, piece.n_samples) for piece in stream(ecg, 60)]
    [(0, 30000), (30000, 20000)]
    """
    if not seconds > 0:
        raise LengthError(f"seconds={seconds!r}: a piece must have a positive length.")
    return _pieces(_reader(source), seconds)


def _reader(source: str | os.PathLike[str] | ECG | Reader) -> Reader:
    if isinstance(source, ECG):
        return lambda start, stop: source.crop(start, min(stop, source.duration))
    if callable(source):
        return source
    return lambda start, stop: formats.read(source, annotators=(), start=start, stop=stop)


def _pieces(read: Reader, seconds: float) -> Iterator[Piece]:
    first = read(0.0, seconds)
    fs, leads = first.fs, first.leads
    size = max(1, round(seconds * fs))
    grid = Grid.of(fs)
    unit = grid.step * grid.block  # surroundings start on the detector's own grid of blocks
    margin = round(AROUND_S * fs)
    held, held_from, start = first.signal, 0, 0
    ended = held.shape[1] < size
    while True:
        while not ended and held_from + held.shape[1] < start + size + margin:
            more = _read_on(read, held_from + held.shape[1], size, fs, len(leads))
            ended = more.shape[1] < size
            held = np.concatenate([held, more], axis=1)
        low = max(0, start - margin) // unit * unit
        held, held_from = held[:, low - held_from :].copy(), low
        held.flags.writeable = False
        total = held_from + held.shape[1]
        n_samples = min(size, total - start)
        if n_samples <= 0:
            return
        around = held[:, : start + n_samples + margin - low]
        yield Piece(around, start - low, n_samples, start, fs, leads)
        start += n_samples


def _read_on(read: Reader, first: int, size: int, fs: float, n_leads: int) -> Signal:
    """The next samples; fewer than `size`, or none, at the end."""
    try:
        return checks.signal(read(first / fs, (first + size) / fs).signal)
    except LengthError:
        return np.zeros((n_leads, 0), np.float32)
    except SignalError:
        return np.full((n_leads, size), np.nan, np.float32)
