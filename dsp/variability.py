"""Variability: how the intervals between beats vary, in time and in frequency."""

import dataclasses
from typing import Any, Final, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp import checks
from dsp.errors import LengthError, SignalError
from dsp.segments import Index, check_peaks

LF_BAND: Final = (0.04, 0.15)
HF_BAND: Final = (0.15, 0.40)
"""Hz; the bands of the Task Force (Circulation 1996;93:1043), as are the shortest durations."""
SHORTEST_LF: Final = 120.0
SHORTEST_HF: Final = 60.0
_GRID: Final = 4.0  # Hz of the evenly sampled RR intervals
_WINDOW: Final = SHORTEST_LF  # s of a Welch segment at most: four segments in five minutes
_ECTOPIC: Final = (
    0.2  # share of the local median by which the RR interval of a sinus beat may differ
)
_AROUND: Final = 11  # RR intervals of a local median


@dataclasses.dataclass(frozen=True, slots=True)
class Variability:
    """Heart rate and its variability; NaN for what the beats are too few to tell.

    Attributes
    ----------
    n_beats : R peaks given.
    n_intervals : RR intervals used.
    mean_rr : s.
    heart_rate : beats per minute, 60 / `mean_rr`.
    sdnn : s, standard deviation of the intervals (with n - 1).
    rmssd : s, root mean square of successive differences.
    pnn50 : share (0 to 1) of successive differences above 50 ms.
    lf, hf : s^2, power from 0.04 to 0.15 and from 0.15 to 0.40 Hz; at least 120 and 60 s are needed.
    lf_hf : their ratio.

    Examples
    --------
    >>> variability([0, 500, 1000], 500).sdnn
    0.0
    """

    n_beats: int
    n_intervals: int
    mean_rr: float
    heart_rate: float
    sdnn: float
    rmssd: float
    pnn50: float
    lf: float
    hf: float
    lf_hf: float


def variability(
    peaks: ArrayLike, fs: float, *, ectopy: Literal["keep", "drop"] = "keep"
) -> Variability:
    """Heart rate variability of a sequence of beats.

    Parameters
    ----------
    peaks : (beats,) ascending sample indices of the R peaks.
    fs : Hz of those indices.
    ectopy : ``"drop"`` leaves out RR intervals more than 20 % off the median of the eleven around
        them (ectopic beats, their pauses, missed and doubled beats), and the differences they
        belong to.

    Returns
    -------
    Variability, in seconds and shares. The spectrum is Welch's (Hann windows of up to 120 s, half
    overlapping) of the RR intervals on a 4 Hz grid by a cubic spline, their mean removed.

    Raises
    ------
    SignalError, LengthError, RateError
        If the peaks are no ascending indices, `fs` is no rate, or `ectopy` is another word.

    Examples
    --------
    >>> v = variability([0, 400, 840, 1220, 1640], 500)
    >>> round(v.heart_rate, 1), round(v.rmssd, 3), v.pnn50
    (73.2, 0.095, 1.0)
    """
    fs = checks.rate(fs)
    if ectopy not in ("keep", "drop"):
        raise SignalError(f"ectopy={ectopy!r}; give 'keep' or 'drop'.")
    peaks = _ascending(peaks)
    intervals = np.diff(peaks)
    kept = np.ones(len(intervals), np.bool_) if ectopy == "keep" else _sinus(intervals)
    steps = np.diff(intervals)[kept[1:] & kept[:-1]]  # whole samples: exactly 50 ms is not above
    rr, times = intervals[kept] / fs, peaks[1:][kept] / fs
    mean = _mean(rr)
    lf, hf = _bands(rr, times)
    return Variability(
        n_beats=len(peaks),
        n_intervals=len(rr),
        mean_rr=mean,
        heart_rate=60 / mean,
        sdnn=float(rr.std(ddof=1)) if len(rr) > 1 else float("nan"),
        rmssd=_mean(steps**2) ** 0.5 / fs,
        pnn50=_mean(np.abs(steps) > 0.05 * fs),
        lf=lf,
        hf=hf,
        lf_hf=lf / hf if hf > 0 else float("nan"),
    )


def _ascending(peaks: ArrayLike) -> Index:
    raw = np.asarray(peaks)
    if raw.ndim != 1:
        raise LengthError(f"peaks of shape {raw.shape}; expected (beats,) sample indices.")
    last = raw.max(initial=0) if raw.dtype.kind in "iuf" else 0
    return check_peaks(peaks, int(last) + 1 if np.isfinite(last) else 1)


def _mean(values: NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _sinus(rr: Index) -> NDArray[np.bool_]:
    """True for intervals near the median of their neighbourhood."""
    if not len(rr):
        return np.zeros(0, np.bool_)
    local = scipy.ndimage.median_filter(
        rr.astype(np.float64), min(_AROUND, len(rr)), mode="nearest"
    )
    return np.asarray(np.abs(rr - local) <= _ECTOPIC * local)


def _bands(rr: NDArray[np.float64], times: NDArray[np.float64]) -> tuple[float, float]:
    """Power in the low and the high band, s^2."""
    duration = times[-1] - times[0] if len(times) > 3 else 0.0
    if duration < SHORTEST_HF:
        return float("nan"), float("nan")
    grid = np.arange(times[0], times[-1], 1 / _GRID)
    even = scipy.interpolate.CubicSpline(times, rr)(grid)
    size = min(len(even), round(_WINDOW * _GRID))
    f, power = scipy.signal.welch(
        even - even.mean(), _GRID, nperseg=size, nfft=max(size, 4096), detrend=False
    )
    lf, hf = (
        float(power[(f >= low) & (f < high)].sum() * (f[1] - f[0]))
        for low, high in (LF_BAND, HF_BAND)
    )
    return (lf if duration >= SHORTEST_LF else float("nan")), hf
