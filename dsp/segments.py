"""Segments: beats cut from a signal, with the map back to the samples they came from."""

import dataclasses
from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from dsp import checks
from dsp.checks import Signal
from dsp.errors import LengthError, SignalError

Index = NDArray[np.int64]
Window = Literal["fixed", "rr", "trimmed-rr"]
USUAL_RR: Final = 1.0
"""Seconds; the RR interval assumed where fewer than two beats leave none to measure."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Beats of one recording, R peaks in one column.

    Attributes
    ----------
    signal : (beats, leads, samples) float32, unit of the input; NaN where a beat has no sample:
        before the record, after it, in a gap, or in a neighbour's share of the time.
    r_peaks : (beats,) int64, sample of each R peak in the source.
    start : (beats,) int64, source sample of column 0; negative where the window leaves the record.
    spans : (beats, 2) int64, first source sample that belongs to the beat, and the first that no
        longer does.
    fs : Hz.
    n_samples : length of the source.

    Examples
    --------
    >>> beats = segment(np.arange(3000.0), 500, [500, 1000, 1500])
    >>> beats.signal.shape, beats.r_column
    ((3, 1, 500), 250)
    """

    signal: Signal
    r_peaks: Index
    start: Index
    spans: Index
    fs: float
    n_samples: int

    def __len__(self) -> int:
        return len(self.r_peaks)

    @property
    def r_column(self) -> int:
        """The column of the R peaks."""
        return int(self.r_peaks[0] - self.start[0]) if len(self) else 0

    @property
    def times(self) -> NDArray[np.float64]:
        """(samples,) seconds from the R peak."""
        return (np.arange(self.signal.shape[-1]) - self.r_column) / self.fs

    @property
    def index(self) -> Index:
        """(beats, samples) int64, the source sample of each column; -1 where there is none."""
        index = self.start[:, None] + np.arange(self.signal.shape[-1])
        owned = (index >= self.spans[:, :1]) & (index < self.spans[:, 1:])
        return np.where(owned, index, -1)

    @property
    def complete(self) -> NDArray[np.bool_]:
        """(beats,) True for beats whose whole window lies in the record."""
        stop = self.start + self.signal.shape[-1]
        return np.asarray((self.start >= 0) & (stop <= self.n_samples))

    def median(self) -> Signal:
        """The median beat of each lead, (leads, samples); NaN where no beat has a sample.

        Examples
        --------
        >>> beats = segment(np.arange(3000.0), 500, [500, 1000, 1500])
        >>> float(beats.median()[0, beats.r_column])
        1000.0
        """
        if not len(self):
            return np.full(self.signal.shape[1:], np.nan, np.float32)
        ordered = np.sort(self.signal, axis=0)  # NaN go last
        count = np.isfinite(ordered).sum(axis=0, keepdims=True)
        low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=0)
        high = np.take_along_axis(ordered, np.minimum(count // 2, len(self) - 1), axis=0)
        middle = np.where(count > 0, (low + high) / 2, np.nan)
        return np.asarray(middle[0], np.float32)

    def place(self, beats: ArrayLike | None = None) -> Signal:
        """Beats back in their places, as a signal.

        Parameters
        ----------
        beats : (beats, leads, samples), or (leads, samples) to put one beat, such as the median,
            in all places; the segments themselves if not given.

        Returns
        -------
        (leads, n_samples) float32; NaN where no beat lies, the mean where several overlap.

        Raises
        ------
        LengthError
            If the shape is neither of the two.

        Examples
        --------
        >>> x = np.arange(3000.0)
        >>> y = segment(x, 500, [500, 1000, 1500]).place()[0]
        >>> bool((y[250:1750] == x[250:1750]).all()), int(np.isnan(y).sum())
        (True, 1500)
        """
        values = self.signal if beats is None else checks.signal(beats, axes=2)
        if values.shape not in (self.signal.shape, self.signal.shape[1:]):
            raise LengthError(
                f"beats of shape {values.shape}; expected {self.signal.shape} or "
                f"{self.signal.shape[1:]}."
            )
        n_leads, n = self.signal.shape[1], self.n_samples
        values = np.broadcast_to(values, self.signal.shape)
        index = np.broadcast_to(self.index[:, None], values.shape)
        kept = (index >= 0) & np.isfinite(values)
        target = (index + n * np.arange(n_leads)[:, None])[kept]
        total = np.bincount(target, values[kept], minlength=n_leads * n)
        count = np.bincount(target, minlength=n_leads * n)
        mean = np.divide(total, count, out=np.full(n_leads * n, np.nan), where=count > 0)
        return mean.reshape(n_leads, n).astype(np.float32)


def segment(
    x: ArrayLike,
    fs: float,
    peaks: ArrayLike,
    *,
    window: Window = "trimmed-rr",
    before: float | None = None,
    after: float | None = None,
) -> Segments:
    """Cut a signal into beats.

    Parameters
    ----------
    x : (leads, time) or (time,), any unit; NaN marks gaps.
    fs : Hz.
    peaks : (beats,) ascending sample indices of the R peaks, as `dsp.r_peaks` gives them.
    window : a row of `WINDOWS`.
        ``"fixed"``: `before` and `after` in seconds (0.25 and 0.45); neighbours may show.
        ``"rr"``: `before` as a share of the RR interval that ends in the beat and `after` of the
        one that starts with it (0.35 and 0.65); each beat has its own length.
        ``"trimmed-rr"``: both as shares of the record's mean RR interval, outliers trimmed (0.5
        and 0.5: the QRS in the middle, one length for all beats).
        In the last two no sample belongs to two beats: a neighbour's share is NaN.
    before, after : the extent of the window to either side of the R peak.

    Returns
    -------
    Segments; every beat is kept, and what lies outside the record is NaN (`Segments.complete`
    tells which beats are whole).

    Raises
    ------
    SignalError, LengthError, RateError
        For a bad signal or rate, peaks that are not ascending indices of it, an unknown window,
        or an extent that is not positive (not a share below 1 for the RR windows).

    Notes
    -----
    Outliers of the RR intervals are those beyond Tukey's fences, 1.5 interquartile ranges outside
    the quartiles. With fewer than two beats an interval of one second is assumed.

    Examples
    --------
    >>> x = np.zeros((12, 5000))
    >>> segment(x, 500, [700, 1200, 1700]).signal.shape
    (3, 12, 500)
    >>> segment(x, 500, [700, 1200, 1700], window="fixed", before=0.2, after=0.4).signal.shape
    (3, 12, 300)
    """
    x, fs = checks.signal(x), checks.rate(fs)
    if x.ndim > 2:
        raise LengthError(f"shape {x.shape}: segment one recording (leads, time) at a time.")
    x = np.atleast_2d(x)
    peaks = check_peaks(peaks, x.shape[-1])
    if window not in WINDOWS:
        raise SignalError(f"window {window!r} is not one of {', '.join(WINDOWS)}.")
    default, shares, spread = WINDOWS[window]
    before = default[0] if before is None else float(before)
    after = default[1] if after is None else float(after)
    if not (before >= 0 and after > 0 and (not shares or before + after <= 1 + 1e-9)):
        raise LengthError(
            f"a window of {before:g} before and {after:g} after the R peak; both must be positive"
            f"{' and, as shares of RR, sum to at most 1' if shares else ' seconds'}."
        )
    left, right, spans = spread(peaks, fs, before, after)
    spans = np.clip(spans, 0, x.shape[-1])
    start = peaks - left
    return Segments(_cut(x, start, spans, left + right), peaks, start, spans, fs, x.shape[-1])


def check_peaks(peaks: ArrayLike, n_samples: int) -> Index:
    """R peaks as int64 indices into a signal of `n_samples`.

    Raises
    ------
    SignalError
        Unless they are whole numbers, strictly ascending, from 0 to `n_samples` - 1.
    LengthError
        Unless they have one axis.

    Examples
    --------
    >>> check_peaks([10.0, 300.0], 5000)
    array([ 10, 300])
    """
    raw = np.asarray(peaks)
    if raw.ndim != 1:
        raise LengthError(f"peaks of shape {raw.shape}; expected (beats,) sample indices.")
    if raw.size == 0:
        return np.zeros(0, np.int64)
    if raw.dtype.kind not in "iuf" or not np.array_equal(raw, np.rint(raw)):
        raise SignalError("peaks must be whole sample indices (not seconds, not NaN, not a mask).")
    out = raw.astype(np.int64)
    if out.size > 1 and np.diff(out).min() <= 0:
        place = int(np.argmax(np.diff(out) <= 0))
        raise SignalError(
            f"peaks must ascend; number {place + 1} ({out[place + 1]}) comes after {out[place]}."
        )
    if out[0] < 0 or out[-1] >= n_samples:
        raise SignalError(
            f"peaks from {out[0]} to {out[-1]} do not lie in a signal of {n_samples} samples; "
            "are they at another sampling rate?"
        )
    return out


def typical_rr(peaks: Index) -> float:
    """Mean RR interval in samples, intervals beyond Tukey's fences left out; NaN for < 2 beats.

    Examples
    --------
    >>> typical_rr(np.array([0, 100, 202, 300, 400, 700]))
    100.0
    """
    rr = np.diff(peaks)
    if not rr.size:
        return float("nan")
    low, high = np.percentile(rr, [25, 75])
    reach = 1.5 * (high - low)
    return float(rr[(rr >= low - reach) & (rr <= high + reach)].mean())


def _cut(x: Signal, start: Index, spans: Index, width: int) -> Signal:
    """(beats, leads, width) windows from `start`, NaN outside the spans."""
    padded = np.pad(x, ((0, 0), (width, width)), constant_values=np.nan)
    windows = sliding_window_view(padded, width, axis=-1).swapaxes(0, 1)
    out = windows[start + width]
    index = start[:, None] + np.arange(width)
    foreign = (index < spans[:, :1]) | (index >= spans[:, 1:])
    beat, column = np.nonzero(foreign)
    out[beat, :, column] = np.nan
    return out


_Spread = Callable[[Index, float, float, float], tuple[int, int, Index]]


def _fixed(peaks: Index, fs: float, before: float, after: float) -> tuple[int, int, Index]:
    """Samples left and right of the R peak, and the span of each beat."""
    left, right = round(before * fs), max(1, round(after * fs))
    return left, right, np.stack([peaks - left, peaks + right], axis=1)


def _rr(peaks: Index, fs: float, before: float, after: float) -> tuple[int, int, Index]:
    typical = typical_rr(peaks) if len(peaks) > 1 else USUAL_RR * fs
    rr = np.concatenate([[typical], np.diff(peaks), [typical]])
    # Rounded up on one side and down on the other, so that shares of sum 1 leave nothing between.
    first = peaks - np.floor(before * rr[:-1] + 1e-6).astype(np.int64)
    stop = peaks + np.maximum(np.ceil(after * rr[1:] - 1e-6).astype(np.int64), 1)
    first[1:] = np.maximum(first[1:], peaks[:-1] + 1)
    stop[:-1] = np.minimum(stop[:-1], first[1:])
    left = int(np.max(peaks - first, initial=0))
    return left, int(np.max(stop - peaks, initial=1)), np.stack([first, stop], axis=1)


def _trimmed_rr(peaks: Index, fs: float, before: float, after: float) -> tuple[int, int, Index]:
    typical = typical_rr(peaks) if len(peaks) > 1 else USUAL_RR * fs
    left, right = round(before * typical), max(1, round(after * typical))
    first, stop = peaks - left, peaks + right
    # At least a sample after the peak, so that each beat holds its own however close the next.
    share = np.rint(after / (before + after) * np.diff(peaks)).astype(np.int64)
    border = peaks[:-1] + np.maximum(share, 1)
    first[1:] = np.maximum(first[1:], border)
    stop[:-1] = np.minimum(stop[:-1], border)
    return left, right, np.stack([first, stop], axis=1)


WINDOWS: Final[dict[Window, tuple[tuple[float, float], bool, _Spread]]] = {
    "fixed": ((0.25, 0.45), False, _fixed),
    "rr": ((0.35, 0.65), True, _rr),
    "trimmed-rr": ((0.5, 0.5), True, _trimmed_rr),
}
"""The windows: default extent (before, after), whether it is a share of RR, and the rule."""
