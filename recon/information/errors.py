"""Errors: what each of the 255 lead sets leaves unexplained of patients held out, as second moments."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Hashable, Sequence
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

import dsp
from dsp.checks import Signal
from recon.information.lead_sets import SUBSETS
from recon.information.predictors import Family
from recon.population import FS

Float = NDArray[np.float32]

WAVES: Final = ("P", "QRS", "ST", "T")
"""ST is from the end of QRS to the onset of T; bounds of all leads together."""
EDGES: Final = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 26, 30, 35, 40, 50)
"""Hz; spectra are means between these: narrow where an ECG has most of its power."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """What is left of the eight leads of n records, by lead set given; set 0 is nothing given.

    Attributes
    ----------
    covariance : (n, 256, 8, 8) float32 mV², mean over time of the error times itself; that of set
        0 is the signal's own. Given leads leave nothing.
    waves : (n, 256, 8, 4) float32 mV², mean square within each of `WAVES`, about the baseline of
        the record, so that an ST level counts; NaN where a record has no such wave.
    spectrum : (n, 256, 8, bands) float32 mV²/Hz, one-sided, mean within `EDGES`.
    """

    covariance: Float
    waves: Float
    spectrum: Float

    def take(self, records: NDArray[np.integer] | NDArray[np.bool_]) -> Errors:
        """Those of some records.

        Examples
        --------
        >>> z = np.zeros((3, 256, 8, 8), "f4")
        >>> len(Errors(z, z, z).take(np.array([2])).covariance)
        1
        """
        return Errors(self.covariance[records], self.waves[records], self.spectrum[records])


def measure(
    x8: Signal,
    groups: Sequence[Hashable],
    family: Family,
    *,
    folds: int = 5,
    seed: int = 0,
) -> Errors:
    """Fit on all folds but one, ask about the one, for every lead set.

    Parameters
    ----------
    x8 : (n, 8, time) mV at 100 Hz, 0.5-40 Hz.
    groups : (n,) the patient of each; nobody is in two folds.
    family : as of `recon.information.predictors`; called once a fold, in ascending order of
        ``dsp.datasets.grouped_folds(groups, folds, seed)``.

    Raises
    ------
    LengthError
        If there are fewer groups than folds.

    Examples
    --------
    >>> from recon.information.predictors import linear
    >>> x = np.random.default_rng(0).normal(size=(4, 8, 300)).astype("f4")
    >>> measure(x, "abcd", linear, folds=2).covariance.shape
    (4, 256, 8, 8)
    """
    from tqdm.auto import tqdm

    fold_of = dsp.datasets.grouped_folds(groups, folds, seed)
    when = np.stack([masks(x) for x in x8])
    n, bands = len(x8), len(EDGES) - 1
    found = Errors(
        np.zeros((n, 256, 8, 8), np.float32),
        np.zeros((n, 256, 8, len(WAVES)), np.float32),
        np.zeros((n, 256, 8, bands), np.float32),
    )
    with tqdm(total=folds * 255, desc="lead sets", disable=None) as progress:
        for fold in range(folds):
            held_out = np.flatnonzero(fold_of == fold)
            x = x8[held_out]
            guess = family(x8[fold_of != fold], x)
            for code, given in enumerate(SUBSETS[:-1]):
                error = x - guess(given) if given else x
                _note(found, held_out, code, error, when[held_out])
                progress.update()
    # A wave that a record does not have is not known to be well guessed.
    found.waves.transpose(0, 3, 1, 2)[~when.any(axis=2)] = np.nan
    return found


def _note(found: Errors, records: NDArray[np.int64], code: int, error: Signal, when: Float) -> None:
    """Put the moments of an error (n, 8, time) into their places; given leads keep zero."""
    hidden = np.array([i for i in range(8) if not code >> i & 1])
    e = np.ascontiguousarray(error[:, hidden])
    here = records[:, None]
    moments = e @ e.swapaxes(1, 2) / np.float32(e.shape[-1])
    found.covariance[here[:, None], code, hidden[:, None], hidden] = moments
    share = when / np.maximum(when.sum(axis=2, keepdims=True), 1)
    found.waves[here, code, hidden] = (e * e) @ share.swapaxes(1, 2)
    found.spectrum[here, code, hidden] = spectrum(e, FS)


def masks(x8: Signal) -> Float:
    """Which samples of a window belong to which wave.

    Parameters
    ----------
    x8 : (8, time) mV at 100 Hz.

    Returns
    -------
    (4, time) float32, 1 or 0, in the order of `WAVES`; all 0 for a wave that no beat has.

    Examples
    --------
    >>> masks(np.random.default_rng(0).normal(size=(8, 1000)).astype("f4")).shape
    (4, 1000)
    """
    out = np.zeros((len(WAVES), x8.shape[-1]), np.float32)
    peaks = dsp.r_peaks(x8, FS)
    if not len(peaks):
        return out
    p, qrs, t = np.moveaxis(dsp.delineate(x8, FS, peaks).overall, 1, 0)  # (beats, 3) each
    bounds = (
        (p[:, 0], p[:, 2]),
        (qrs[:, 0], qrs[:, 2]),
        (qrs[:, 2], t[:, 0]),
        (t[:, 0], t[:, 2]),
    )
    for row, (starts, stops) in zip(out, bounds, strict=True):
        there = np.isfinite(starts) & np.isfinite(stops)
        for start, stop in zip(starts[there], stops[there], strict=True):
            row[int(np.ceil(start)) : int(np.ceil(stop))] = 1
    return out


def spectrum(x: Signal, fs: float) -> Float:
    """Power density, mean within the bands of `EDGES`.

    Parameters
    ----------
    x : (..., time) mV; mean removed.
    fs : Hz; at least 100.

    Returns
    -------
    (..., bands) float32 mV²/Hz, one-sided; a Hann taper keeps the window's ends from leaking.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=10_000).astype("f4")
    >>> bool(abs(spectrum(x, 100) @ np.diff(EDGES) - 1) < 0.1)
    True
    """
    taper, share = _bands(x.shape[-1], fs)
    rows = scipy.fft.rfft(x * taper, axis=-1)
    return np.asarray((rows.real**2 + rows.imag**2) @ share)


@functools.cache
def _bands(n: int, fs: float) -> tuple[Float, Float]:
    """A taper (n,) in units of the density, and the means (frequencies, bands) within `EDGES`."""
    taper = scipy.signal.windows.hann(n, sym=False)
    taper *= np.sqrt(2 / (fs * (taper**2).sum()))
    place = np.digitize(np.fft.rfftfreq(n, 1 / fs), EDGES) - 1
    share = np.equal.outer(np.minimum(place, len(EDGES) - 2), np.arange(len(EDGES) - 1))
    share = share / np.maximum(share.sum(axis=0), 1)
    return taper.astype(np.float32), share.astype(np.float32)
