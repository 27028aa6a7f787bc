"""Measurements as a latent: what a clinician reads from the given leads, in numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import dsp
from dsp import ECG


def measurements(ecgs: Sequence[ECG]) -> NDArray[np.float64]:
    """Intervals, rate and axis, then ST level, R and S amplitude of each given lead.

    Parameters
    ----------
    ecgs : n records of the same leads, rate and length.

    Returns
    -------
    (n, dim); what could not be measured is 0, and a second number of each is 1 where it could.

    Examples
    --------
    >>> measurements([ECG(np.zeros(1000), 100, ["I"])]).shape
    (1, 24)
    """
    x, fs = np.stack([ecg.signal for ecg in ecgs]), ecgs[0].fs
    waves = dsp.delineate(x, fs, list(dsp.r_peaks(x, fs)))
    return np.stack([_numbers(dsp.measure(ecg, at)) for ecg, at in zip(ecgs, waves, strict=True)])


def _numbers(found: dsp.Measurements) -> NDArray[np.float64]:
    """The measurements of one record, (dim,)."""
    values = np.array(
        [value for _, value, _ in found.rows]
        + [*found.st_level, *found.r_amplitude, *found.s_amplitude]
    )
    known = np.isfinite(values)
    return np.concatenate([np.where(known, values, 0.0), known.astype(np.float64)])
