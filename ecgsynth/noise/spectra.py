"""What noise sounds like: spectra fitted to recordings, and the lines of the mains."""

import itertools
from typing import Final, NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp import checks


class Spectrum(NamedTuple):
    """A stationary Gaussian noise: its power spectral density, and how electrodes differ.

    Attributes
    ----------
    hz : frequencies, ascending; beyond the first and the last there is no power.
    level : decibel at each, up to a constant; straight lines between on logarithmic axes.
    spread : standard deviation over electrodes of the logarithm of the amplitude.
    """

    hz: tuple[float, ...]
    level: tuple[float, ...]
    spread: float


class Line(NamedTuple):
    """Mains hum: a fundamental and its harmonics, of random size and phase at each electrode.

    Attributes
    ----------
    hz : of the fundamental.
    harmonics : amplitudes of the fundamental, twice, three times ... its frequency.
    """

    hz: float
    harmonics: tuple[float, ...]


SLOW_HZ: Final = (
    0.05, 0.1, 0.16, 0.25, 0.4, 0.63, 1.0, 1.6, 2.5, 4.0, 6.3, 10.0, 16.0, 25.0, 40.0, 63.0, 100.0,
    180.0,
)  # fmt: skip
FAST_HZ: Final = (5.0, 7.1, 10.0, 14.0, 20.0, 28.0, 40.0, 56.0, 80.0, 112.0, 180.0)
_HARMONICS: Final = (1.0, 0.08, 0.3, 0.04, 0.12)

# Levels by `fit_spectrum` of the recordings bw, em and ma of the MIT-BIH Noise Stress Test Database:
# python -m tests.benchmarks.noise --refit prints them. Muscle noise begins at 5 Hz: what that
# recording holds below is wander of its baseline.
_WANDER: Final = (
    -6.8, 0.0, -3.0, -12.2, -17.8, -29.8, -34.3, -47.4, -51.8, -56.3,
    -57.7, -60.6, -61.2, -62.4, -63.0, -64.1, -69.9, -75.6,
)  # fmt: skip
_MOTION: Final = (
    -13.0, -2.8, 0.0, -11.0, -16.1, -23.2, -20.7, -20.8, -25.8, -31.4,
    -31.4, -36.3, -44.0, -48.9, -51.9, -56.8, -64.4, -68.7,
)  # fmt: skip
_MUSCLE: Final = (-6.6, -8.1, -2.9, -1.8, -0.1, 0.0, -2.0, -8.9, -21.0, -23.9, -24.0)  # fmt: skip

SPECTRA: Final = {
    "baseline": Spectrum(SLOW_HZ, _WANDER, 0.3),
    "motion": Spectrum(SLOW_HZ, _MOTION, 0.8),
    "muscle": Spectrum(FAST_HZ, _MUSCLE, 0.4),
    "white": Spectrum((0.05, 10_000.0), (0.0, 0.0), 0.2),
    "pink": Spectrum((0.05, 10_000.0), (0.0, -53.0103), 0.2),
}
LINES: Final = {"mains_50": Line(50.0, _HARMONICS), "mains_60": Line(60.0, _HARMONICS)}
"""Only the levels are fitted; spread over electrodes and sizes of harmonics are assumptions."""
AMBULATORY: Final = {
    "baseline": 0.45,
    "motion": 0.2,
    "muscle": 0.25,
    "pink": 0.05,
    "mains_50": 0.05,
}
"""Shares of power in the mixture that a bare signal-to-noise ratio stands for: a choice of ours."""


def fit_spectrum(x: ArrayLike, fs: float, hz: ArrayLike) -> NDArray[np.float64]:
    """Level of a noise recording at some frequencies: its spectrum averaged in bands around them.

    Parameters
    ----------
    x : (channels, time), any unit; each channel counts the same.
    fs : Hz.
    hz : (k,) ascending. Each band reaches half way, on a logarithmic axis, to its neighbours.

    Returns
    -------
    (k,) decibel, the highest 0.

    Raises
    ------
    SignalError, LengthError, RateError
        As `dsp.checks`.

    Examples
    --------
    >>> white = np.random.default_rng(0).normal(size=(2, 50_000))
    >>> bool(abs(np.ptp(fit_spectrum(white, 360, [1, 10, 100]))) < 0.5)
    True
    """
    x, fs = checks.signal(x, axes=2).astype(np.float64), checks.rate(fs)
    hz = np.asarray(hz, np.float64)
    n = x.shape[-1]
    window = scipy.signal.windows.hann(n, sym=False)
    density = np.abs(np.fft.rfft((x - x.mean(-1, keepdims=True)) * window)) ** 2
    density = (density / density.sum(-1, keepdims=True)).mean(0)
    between = np.sqrt(hz[1:] * hz[:-1])
    edges = np.concatenate([[hz[0] ** 2 / between[0]], between, [hz[-1] ** 2 / between[-1]]])
    f = np.fft.rfftfreq(n, 1 / fs)
    level = np.empty(hz.size)
    for k, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = (f >= low) & (f < high) & (f > 0)
        level[k] = density[inside].mean() if inside.any() else np.interp(hz[k], f[1:], density[1:])
    return np.asarray(10 * np.log10(level / level.max()))
