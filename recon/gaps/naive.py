"""Naive fills: what stands in for leads nobody measured."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

import dsp
from dsp import ECG, checks, leads
from recon.gaps.median_beat import AFTER, BEFORE, LENGTH, Marks, median_beat
from recon.gaussian import given_space

ENOUGH: Final = 100
"""Records whose mean beat is taken."""


def zero(ecg: ECG) -> checks.Signal:
    """(12, time) mV: hidden independent leads are 0.

    Examples
    --------
    >>> zero(ECG(np.ones(100), 100, ["I"]))[:3, 0].tolist()
    [1.0, 0.0, -1.0]
    """
    basis, coordinates = given_space(ecg.leads)
    return leads.twelve(basis @ (coordinates @ ecg.signal))


def copy(ecg: ECG) -> checks.Signal:
    """(12, time) mV: hidden independent leads are copies of the first given lead.

    Examples
    --------
    >>> copy(ECG(np.ones(100), 100, ["I"]))[:3, 0].tolist()
    [1.0, 1.0, 0.0]
    """
    return _with_given(ecg, np.tile(ecg.signal[0].astype(np.float64), (8, 1)))


def mean(train: Sequence[ECG]) -> Callable[[ECG], checks.Signal]:
    """The mean over training records of the median beat, set down at every beat of the given leads.

    Parameters
    ----------
    train : twelve-lead records of other patients, at 100 Hz.

    Returns
    -------
    A fill: (12, time) mV from an `ECG`.

    Examples
    --------
    >>> wave = np.random.default_rng(0).normal(size=(12, 1000))
    >>> fill = mean([ECG(wave, 100, leads.TWELVE)])
    >>> fill(ECG(wave[0], 100, ["I"])).shape
    (12, 1000)
    """
    some = [train[k] for k in range(0, len(train), -(-len(train) // ENOUGH))]
    beats = np.stack([median_beat(ecg[leads.EIGHT], _peaks(ecg)) for ecg in some])
    whole = np.isfinite(beats).all(axis=(1, 2))
    template = beats[whole].mean(axis=0) if whole.any() else np.zeros((8, LENGTH))

    def fill(ecg: ECG) -> checks.Signal:
        peaks = np.asarray(dsp.r_peaks(ecg.signal, ecg.fs))
        return _with_given(ecg, _placed(template, peaks, ecg.n_samples))

    return fill


def _peaks(ecg: ECG) -> Marks:
    """The beats alone: a mean of many records has no need of exact waves."""
    peaks = np.asarray(dsp.r_peaks(ecg.signal, ecg.fs))
    inside = (peaks >= BEFORE) & (peaks <= ecg.n_samples - AFTER)
    nowhere = (np.nan, np.nan)
    return Marks(peaks[inside], nowhere, nowhere)


def _placed(
    template: NDArray[np.float64], peaks: NDArray[np.int64], n_samples: int
) -> NDArray[np.float64]:
    """(8, time): a beat at each peak, ended where the next begins."""
    padded = np.zeros((8, n_samples + 2 * LENGTH))
    for peak in peaks:
        padded[:, LENGTH + peak - BEFORE : LENGTH + peak + AFTER] = template
    x8 = padded[:, LENGTH : LENGTH + n_samples]
    return np.asarray(x8 - x8.mean(axis=1, keepdims=True))


def _with_given(ecg: ECG, x8: NDArray[np.float64]) -> checks.Signal:
    """Twelve leads of `x8`, except in what the given leads determine."""
    basis, coordinates = given_space(ecg.leads)
    return leads.twelve(x8 + basis @ (coordinates @ ecg.signal - basis.T @ x8))
