"""Landmarks: where in a record each clinical score applies, by the marks of the true leads."""

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import beats, checks
from dsp.errors import LengthError
from dsp.waves import Waves, delineate

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

WAVES: Final = ("P", "QRS", "ST", "T", "rest")
"""The parts of a record: ST is what lies between QRS and T, rest what is none of the others."""
ALIKE: Final = 0.8
"""Correlation of a beat's QRS with the record's median beat, all leads together, below which the beat
is called ectopic: another shape means another path through the ventricles. Atrial ectopic beats
have the usual QRS, and count as usual."""
FEWEST_BEATS: Final = 4
"""Below this there is no usual beat to be unlike."""
_HALF_QRS: Final = 0.08  # s to either side of the R peak that are compared
_HALF_BEAT: Final = (
    0.10,
    0.30,
)  # s before and after the R peak that an ectopic beat is scored over


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Marks of one record, from its true leads; an estimate is scored at the same places.

    Attributes
    ----------
    onset, offset : (beats,) samples, QRS of all leads together; NaN where there is none.
    ectopic : (beats,) whether the QRS is unlike the record's usual one.
    waves : (time,) masks by name of `WAVES`; together they are the whole record.
    ectopic_time : (time,) the beats that are ectopic.
    fs : Hz.

    Examples
    --------
    >>> t = np.arange(5000) / 500 - 0.5
    >>> x = np.exp(-0.5 * (((t[:, None] - np.arange(10)) / 0.01) ** 2)).sum(axis=1)
    >>> found = landmarks(x[None], 500)
    >>> len(found.onset), found.ectopic.any(), sorted(found.waves)
    (10, np.False_, ['P', 'QRS', 'ST', 'T', 'rest'])
    """

    onset: Values
    offset: Values
    ectopic: Mask
    waves: Mapping[str, Mask]
    ectopic_time: Mask
    fs: float


def landmarks(truth: ArrayLike, fs: float) -> Landmarks:
    """Mark one record, all leads together.

    Parameters
    ----------
    truth : (leads, time) mV, the true leads, given and hidden.
    fs : Hz.

    Returns
    -------
    The landmarks; without a single beat all of the record is rest.

    Raises
    ------
    LengthError
        For more or fewer than two axes.
    SignalError, RateError
        As `dsp.checks`.

    Examples
    --------
    >>> found = landmarks(np.zeros((8, 1000)), 100)
    >>> len(found.onset), bool(found.waves["rest"].all())
    (0, True)
    """
    x, fs = checks.signal(truth, axes=2), checks.rate(fs)
    if x.ndim != 2:
        raise LengthError(f"shape {x.shape}: give (leads, time), one record at a time.")
    peaks = np.asarray(beats.r_peaks(x, fs), np.int64)
    marks = delineate(x, fs, peaks).together
    ectopic = _unlike(x, peaks, fs)
    before, after = (round(s * fs) for s in _HALF_BEAT)
    spans = np.stack([peaks[ectopic] - before, peaks[ectopic] + after], axis=-1)
    return Landmarks(
        marks.qrs.onset,
        marks.qrs.offset,
        ectopic,
        _parts(marks, x.shape[-1]),
        _mask(spans.astype(np.float64), x.shape[-1]),
        fs,
    )


def levels(x: ArrayLike, at: Values, offsets: Values) -> Values:
    """Mean level of each lead around each of some times, between samples by a straight line.

    Parameters
    ----------
    x : (leads, time).
    at : (beats,) samples; NaN gives NaN.
    offsets : (n,) samples around `at` that are averaged.

    Returns
    -------
    (leads, beats); NaN where a sample is missing or outside.

    Examples
    --------
    >>> levels(np.arange(10.0)[None], np.array([4.5, np.nan]), np.array([-0.5, 0.5])).tolist()
    [[4.5, nan]]
    """
    signal = np.asarray(x, np.float64)
    times = at[:, None] + offsets
    low = np.floor(np.nan_to_num(times, nan=-1.0)).astype(np.int64)
    outside = (low < 0) | (low + 1 >= signal.shape[-1])
    low = np.where(outside, 0, low)
    part = np.where(outside, np.nan, times - low)
    values = signal[:, low] * (1 - part) + signal[:, low + 1] * part
    return np.asarray(values.mean(axis=-1))


def _parts(marks: Waves, n: int) -> dict[str, Mask]:
    """The record divided among `WAVES`; where two meet, the earlier row of the table here has it."""
    p, qrs, t = marks.p, marks.qrs, marks.t
    table = {
        "QRS": (qrs.onset, qrs.offset),
        "T": (t.onset, t.offset),
        "ST": (qrs.offset, t.onset),
        "P": (p.onset, p.offset),
    }
    taken, parts = np.zeros(n, bool), {}
    for name, bounds in table.items():
        parts[name] = _mask(np.stack(bounds, axis=-1), n) & ~taken
        taken |= parts[name]
    parts["rest"] = ~taken
    return {name: parts[name] for name in WAVES}


def _mask(spans: Values, n: int) -> Mask:
    """(n,) True within any of the spans (k, 2), ends included."""
    inside = np.zeros(n, bool)
    for first, last in spans[np.isfinite(spans).all(axis=-1)]:
        inside[max(0, round(first)) : max(0, round(last) + 1)] = True
    return inside


def _unlike(x: checks.Signal, peaks: NDArray[np.int64], fs: float) -> Mask:
    """(beats,) whose QRS is not that of the median beat."""
    if len(peaks) < FEWEST_BEATS:
        return np.zeros(len(peaks), bool)
    half = round(_HALF_QRS * fs)
    index = np.clip(peaks[:, None] + np.arange(-half, half + 1), 0, x.shape[-1] - 1)
    each = np.nan_to_num(x[:, index].astype(np.float64))  # (leads, beats, samples)
    each -= each.mean(axis=-1, keepdims=True)
    usual = np.median(each, axis=1, keepdims=True)
    size = np.sqrt((each**2).sum(axis=(0, 2)) * (usual**2).sum())
    alike = (each * usual).sum(axis=(0, 2)) / np.maximum(size, 1e-12)
    cut = (peaks < half) | (peaks + half >= x.shape[-1])
    return np.asarray((alike < ALIKE) & ~cut)
