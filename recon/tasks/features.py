"""Features: what signal processing measures by hand, as a vector beside the learned ones."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

import dsp
from recon.encoders.preparation import FS, prepare

BEFORE_S: Final = 0.3
AFTER_S: Final = 0.5
"""Around R: P, QRS and most of T."""
_KEPT: Final = 2  # one sample of the median beat in so many


def features(x: ArrayLike, fs: float, leads: Sequence[str]) -> NDArray[np.float32]:
    """Median beat of what the leads tell, in its own scale, and the numbers of the rhythm.

    Parameters
    ----------
    x : (..., leads, time) mV. fs : Hz. leads : names of the rows, among the twelve.

    Returns
    -------
    (..., 8 * 40 + 6) float32: the beat of the eight leads from 0.3 s before to 0.5 s after R, every
    20 ms, zeros for leads that are not given; then the logarithm of its scale, mean, spread and
    successive differences of the RR intervals in s, their longest relative to the mean, and beats
    a second. Zeros where there are no beats.

    Raises
    ------
    LeadError, LengthError, RateError, SignalError, UnitError
        As `recon.encoders.prepare`.

    Examples
    --------
    >>> wave = np.cumsum(np.random.default_rng(0).normal(size=(2, 1, 5000)), axis=-1) / 100
    >>> features(wave, 500, ["I"]).shape
    (2, 326)
    """
    shape = np.shape(x)
    width = round((BEFORE_S + AFTER_S) * FS)
    out = np.zeros((int(np.prod(shape[:-2], dtype=int)), 8 * (width // _KEPT) + 6), np.float32)
    for part in prepare(x, fs, leads):
        known = np.flatnonzero(part.projector.diagonal() > 0)
        for place, signal in zip(part.places, part.x, strict=True):
            out[place] = _one(signal, known, width)
    return out.reshape(*shape[:-2], out.shape[-1])


def _one(x: NDArray[np.float32], known: NDArray[np.int64], width: int) -> NDArray[np.float32]:
    peaks = np.asarray(dsp.r_peaks(x[known], FS))
    scale = float(np.sqrt((x[known] ** 2).mean())) + 1e-6
    beat = np.zeros((8, width // _KEPT), np.float32)
    first = peaks - round(BEFORE_S * FS)
    first = first[(first >= 0) & (first + width <= x.shape[1])]
    if first.size:
        cut = np.stack([x[:, k : k + width] for k in first])
        beat = np.median(cut, axis=0)[:, ::_KEPT] / scale
    rr = np.diff(peaks) / FS
    rhythm = np.zeros(5)
    if rr.size > 1:
        steps = np.abs(np.diff(rr)).mean()
        rhythm[:] = rr.mean(), rr.std(), steps, rr.max() / rr.mean(), len(peaks) / x.shape[1] * FS
    return np.concatenate([beat.ravel(), [np.log10(scale)], rhythm]).astype(np.float32)
