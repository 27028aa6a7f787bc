"""Encoding: recordings as vectors, by signal processing alone, for when no encoder is given."""

import dataclasses
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

import dsp
from dsp import checks, filters, leads
from ecgsynth.fidelity.cohort import Cohort

Floats = NDArray[np.float64]
BANDS: Final = ((0.0, 0.5), (0.5, 15.0), (15.0, 40.0), (40.0, 50.0))
"""Hz; the four bands whose shares of the power are compared."""
QUANTITIES: Final = {
    "heart_rate": ("heart rate", "bpm", 1.0),
    "sdnn": ("SDNN", "ms", 1e3),
    "rmssd": ("RMSSD", "ms", 1e3),
    "pr": ("PR interval", "ms", 1e3),
    "p_duration": ("P duration", "ms", 1e3),
    "qrs": ("QRS duration", "ms", 1e3),
    "qt": ("QT interval", "ms", 1e3),
    "qtc": ("QTc (Fridericia)", "ms", 1e3),
    "axis": ("QRS axis", "deg", 180 / np.pi),
}
"""What is measured of each recording: name, unit in reports, and how many of them one of ours is."""
_ROWS: Final = [leads.TWELVE.index(lead) for lead in leads.EIGHT]
_BEAT: Final = (0.24, 0.44)  # s before and after the R peak
_BEAT_POINTS: Final = 69  # 100 Hz: the shape of a beat, not its grain
_LEAST: Final = 1e-3  # mV, so that a logarithm of nothing is finite


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What is measured of a cohort, once.

    Attributes
    ----------
    quantities : name of `QUANTITIES` -> (n,), NaN where it cannot be measured; s, bpm, rad.
    beats : (n, 8 * points) mV, the median beats of the eight leads; NaN without beats.
    bands : (n, bands) shares of the power of the eight leads, as far as the rate reaches.
    correlation : (n, 28) between the eight leads.
    texture : (n,) mV, median absolute first difference, mean over the eight leads.
    """

    quantities: dict[str, Floats]
    beats: Floats
    bands: Floats
    correlation: Floats
    texture: Floats


def measured(cohort: Cohort) -> Measured:
    """Measure every recording of a cohort: intervals, beat, spectrum, correlation, texture."""
    rows = [_one(cohort.ecg(k)) for k in range(len(cohort))]
    x8 = cohort.signal[:, _ROWS].astype(np.float64)
    return Measured(
        quantities={name: np.array([row[0][name] for row in rows]) for name in QUANTITIES},
        beats=np.stack([row[1] for row in rows]),
        bands=bands(x8, cohort.fs),
        correlation=_correlation(x8),
        # The mean over leads of their medians: one median of whole microvolts would be one of few values.
        texture=np.median(np.abs(np.diff(x8)), axis=2).mean(axis=1),
    )


def features(x: ArrayLike, fs: float) -> Floats:
    """Recordings as vectors: amplitudes and texture by lead, spectrum, correlation, rate.

    Not normalised: a user of the vectors scales them by the spread of real ones.

    Parameters
    ----------
    x : (n, 12, time) mV. fs : Hz.

    Returns
    -------
    (n, 36): of each of the eight leads log height, log depth and log texture; logarithms of three
    shares of the power; correlation of neighbouring leads; heart rate, bpm; log of the RMSSD.

    Raises
    ------
    dsp.ECGError
        For bad signals or rates.

    Examples
    --------
    >>> import ecgsynth
    >>> features(ecgsynth.simulate(2, fs=100).signal, 100).shape
    (2, 36)
    """
    x8 = filters.clean(checks.signal(x, axes=3)[:, _ROWS], checks.rate(fs))
    low, high = np.quantile(x8, [0.005, 0.995], axis=-1)
    texture = np.median(np.abs(np.diff(x8)), axis=-1)
    heights = np.log(np.stack([np.maximum(v, _LEAST) for v in (high, -low)], axis=1))
    grain = np.log(np.maximum(texture, _LEAST / 10))
    centred = x8 - x8.mean(axis=-1, keepdims=True)
    size = np.maximum(np.linalg.norm(centred, axis=-1), _LEAST)
    near = (centred[:, 1:] * centred[:, :-1]).sum(-1) / (size[:, 1:] * size[:, :-1])
    spectrum = np.log(np.maximum(_shares(x8, fs, ((0.5, 5), (5, 15), (15, 40))), 1e-6))
    beats = np.array([_rate(peaks, fs) for peaks in dsp.r_peaks(x8, fs)])
    n = len(x8)
    return np.concatenate([heights.reshape(n, -1), grain, near, spectrum, beats], axis=1)


def _rate(peaks: Any, fs: float) -> tuple[float, float]:
    rr = np.diff(peaks) / fs
    if len(rr) < 2:
        return 0.0, 0.0
    rmssd = float(np.sqrt(np.mean(np.diff(rr) ** 2)))
    return float(60 / rr.mean()), float(np.log(max(rmssd, 1e-3)))


def _one(ecg: dsp.ECG) -> tuple[dict[str, float], Floats]:
    found = dsp.measure(ecg)
    peaks = found.waves.peaks
    v = dsp.variability(peaks, ecg.fs)
    values = {
        "heart_rate": found.heart_rate, "sdnn": v.sdnn, "rmssd": v.rmssd, "pr": found.pr,
        "p_duration": found.p_duration, "qrs": found.qrs_duration, "qt": found.qt,
        "qtc": found.qtc_fridericia, "axis": found.axis,
    }  # fmt: skip
    x8 = filters.clean(ecg[leads.EIGHT], ecg.fs)
    cut = dsp.segment(x8, ecg.fs, peaks, window="fixed", before=_BEAT[0], after=_BEAT[1])
    beat = cut.median().astype(np.float64)
    places = np.linspace(0, beat.shape[-1] - 1, _BEAT_POINTS)
    at = np.arange(beat.shape[-1])
    return values, np.concatenate([np.interp(places, at, lead) for lead in beat])


def bands(x8: NDArray[Any], fs: float) -> Floats:
    """(n, bands) shares of the power in those of `BANDS` that lie below half the rate."""
    return _shares(x8, fs, tuple(band for band in BANDS if band[1] <= fs / 2))


def _shares(x: NDArray[Any], fs: float, edges: tuple[tuple[float, float], ...]) -> Floats:
    x = x - x.mean(axis=-1, keepdims=True)
    power = (np.abs(np.fft.rfft(x * np.hanning(x.shape[-1]))) ** 2).sum(axis=1)
    f = np.fft.rfftfreq(x.shape[-1], 1 / fs)
    total = np.maximum(power.sum(axis=-1), 1e-30)
    each = [power[:, (f >= low) & (f < high)].sum(axis=-1) / total for low, high in edges]
    return np.asarray(np.stack(each, axis=1), np.float64)


def _correlation(x8: Floats) -> Floats:
    x = x8 - x8.mean(axis=-1, keepdims=True)
    size = np.maximum(np.linalg.norm(x, axis=-1), _LEAST)
    c = (x @ x.swapaxes(1, 2)) / (size[:, :, None] * size[:, None])
    first, second = np.triu_indices(len(_ROWS), 1)
    return np.asarray(c[:, first, second])
