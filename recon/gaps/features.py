"""Measurements as a latent: what a clinician reads from the given leads, in numbers."""

import numpy as np
from numpy.typing import NDArray

import dsp
from dsp import ECG


def measurements(ecg: ECG) -> NDArray[np.float64]:
    """Intervals, rate and axis, then ST level, R and S amplitude of each given lead.

    Returns
    -------
    (dim,); what could not be measured is 0, and a second number of each is 1 where it could.

    Examples
    --------
    >>> measurements(ECG(np.zeros(1000), 100, ["I"])).shape
    (24,)
    """
    found = dsp.measure(ecg)
    values = np.array(
        [value for _, value, _ in found.rows]
        + [*found.st_level, *found.r_amplitude, *found.s_amplitude]
    )
    known = np.isfinite(values)
    return np.concatenate([np.where(known, values, 0.0), known.astype(np.float64)])
