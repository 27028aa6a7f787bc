"""Quality: what to trust, a score for each lead and the reasons by name."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp import checks, electrodes, filters
from dsp import leads as lead_names
from dsp.beats import r_peaks
from dsp.checks import Signal
from dsp.errors import LengthError
from dsp.segments import Index, check_peaks, segment

Verdict = Literal["good", "fair", "bad"]
Measured = NDArray[np.float64]

LIMITS: Final[dict[str, tuple[float, float]]] = {
    "gap": (0.0, 0.5),
    "flat": (0.0, 0.5),
    "clipped": (0.002, 0.05),
    "mains": (0.01, 0.25),
    "baseline": (0.4, 4.0),
    "noise": (0.05, 0.50),
    "no QRS": (0.20, 0.40),
}
"""What is perfect and what is worthless, by reason: share of missing samples; share of 2 s stretches
that span less than `FLAT_MV`; share of samples on a cut-off top or bottom; mV rms of the mains line;
mV that the baseline spans in ten seconds; 1 - correlation of a beat with its neighbours; usual
over greatest slope (in 9 of 10 leads below 0.16, ventricular flutter 0.3 to 0.6, noise 0.6; fast
ventricular tachycardia lies between)."""
TOLD: Final = 0.9
"""A reason is named where it alone would leave less than this of the score."""
FLAT_MV: Final = 0.01
OFF_MV: Final = 0.05
"""A lead whose median beat spans less, while noise or the want of QRS takes half its score, is off."""
MAINS_HZ: Final = (50.0, 60.0)
_LINE: Final = 3.0  # times the power of its neighbourhood that a line has at least
_EPOCH: Final = 10.0  # s measured at once
_STRETCH: Final = 2.0  # s; no heart is still for so long, but for a pause
_WANDER: Final = 0.5  # Hz below which there is only baseline
_BEAT: Final = (0.25, 0.40)  # s around the R peak compared from beat to beat: P to T
_ABSENT: Final = 0.25  # share of missing samples above which a beat is compared with none
_NEIGHBOURS: Final = (1, 2)  # beats apart that are compared: bigeminy repeats every second beat
_SLOPE_BAND: Final = (1.0, 30.0)  # Hz whose slopes are looked at
_QRS_WIDTH: Final = 0.1  # s
_RAIL: Final = 1e-4  # share of the span by which samples on a cut-off top may differ
_PEAKED: Final = 0.25  # share of the span a cut-off top is from the median; less is baseline


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """How far a recording can be trusted.

    Attributes
    ----------
    score : (leads,) float64 from 0, worthless, to 1, nothing to complain about.
    reasons : for each lead the names of what lowers its score, rows of `LIMITS` or ``"lead off"``.
    findings : what concerns the recording as a whole: ``"no clear beats"``, limb leads swapped or
        contradicting each other.
    verdict : ``"good"`` if all leads score 0.6 or more and there are no findings, ``"bad"`` if none
        scores 0.3 or there are no clear beats, else ``"fair"``.
    leads : names, empty if none were given.

    Examples
    --------
    >>> quality(np.zeros((1, 5000)), 500).reasons
    (('flat', 'no QRS', 'lead off'),)
    """

    score: Measured
    reasons: tuple[tuple[str, ...], ...]
    findings: tuple[str, ...]
    verdict: Verdict
    leads: tuple[str, ...]


def quality(
    x: ArrayLike, fs: float, *, leads: Sequence[str] | None = None, peaks: ArrayLike | None = None
) -> Quality:
    """Score each lead and say what is wrong with it.

    Parameters
    ----------
    x : (leads, time) or (time,), mV, not yet cleaned; NaN marks gaps.
    fs : Hz.
    leads : names of the rows; the limb leads among them are tested for swapped electrodes.
    peaks : R peaks, found by `dsp.r_peaks` if not given.

    Returns
    -------
    Quality. A score is the product over `LIMITS` of what each measure leaves, averaged over stretches
    of ten seconds: 1 up to the first limit, 0 beyond the second, linear between.

    Raises
    ------
    SignalError, LengthError, RateError, LeadError, UnitError
        For a bad signal, rate, or peaks, less than a second, names that do not fit the rows, or
        amplitudes that cannot be millivolt.

    Examples
    --------
    >>> t = np.arange(5000) / 500
    >>> noise = 0.1 * np.random.default_rng(0).normal(size=(1, 5000))
    >>> quality(noise + np.sin(2 * np.pi * 50 * t), 500, peaks=[]).reasons
    (('mains', 'no QRS'),)
    """
    fs = checks.rate(fs)
    x = np.atleast_2d(checks.signal(x, seconds=1.0, fs=fs))
    if x.ndim != 2:
        raise LengthError(f"shape {x.shape}: judge one recording (leads, time) at a time.")
    checks.millivolt(x)
    names = () if leads is None else lead_names.canonical_all(leads, len(x))
    found = check_peaks(r_peaks(x, fs) if peaks is None else peaks, x.shape[-1])
    y = filters.clean(x, fs)
    likeness, beat = _beats(y, fs, found)
    measured = _measure(x, y, fs)
    counts, measured["noise"] = _each_epoch(likeness, found, x.shape[-1], measured["gap"].shape)
    measured["no QRS"][:, counts == 0] = 1.0
    left = {name: _left(measured[name], *LIMITS[name]) for name in LIMITS}
    mean = {name: left[name].mean(axis=-1) for name in LIMITS}
    unclear = np.minimum(mean["noise"], mean["no QRS"]) < 0.5
    faint = (np.ptp(beat, axis=-1) < OFF_MV) & unclear
    off = faint | (mean["flat"] < 1 - TOLD)
    reasons = tuple(
        (*(name for name in LIMITS if mean[name][row] < TOLD), *(["lead off"] if off[row] else []))
        for row in range(len(x))
    )
    silent = np.median(mean["no QRS"]) < 0.5
    findings = (("no clear beats",) if silent else ()) + electrodes.exchanged(y, beat, names)
    score = np.prod(list(left.values()), axis=0).mean(axis=-1)
    return Quality(score, reasons, findings, _verdict(score, findings), names)


def _verdict(score: Measured, findings: tuple[str, ...]) -> Verdict:
    if score.max() < 0.3 or "no clear beats" in findings:
        return "bad"
    return "good" if score.min() >= 0.6 and not findings else "fair"


def _left(value: Measured, good: float, bad: float) -> Measured:
    """What a measure leaves of the score."""
    return np.clip((bad - value) / (bad - good), 0, 1)


def _epochs(x: NDArray[Any], fs: float, seconds: float = _EPOCH) -> NDArray[Any]:
    """(..., epochs, samples) of at least `seconds`, of what `x` (..., time) has; a rest is left out."""
    n = max(1, int(x.shape[-1] / (seconds * fs)))
    size = x.shape[-1] // n
    return x[..., : n * size].reshape(*x.shape[:-1], n, size)


def _measure(x: Signal, y: Signal, fs: float) -> dict[str, Measured]:
    """All measures that need no beats, each (leads, epochs); `x` raw, `y` cleaned."""
    gaps = np.isnan(x)
    raw = np.nan_to_num(x)
    slow = np.nan_to_num(filters.bandpass(x, fs, None, _WANDER))
    return {
        "gap": _epochs(gaps, fs).mean(axis=-1),
        "flat": _flat(_epochs(raw, fs), _epochs(gaps, fs), fs),
        "clipped": _epochs(_railed(x), fs).mean(axis=-1),
        "mains": _mains(_epochs(raw, fs), fs),
        "baseline": np.ptp(_epochs(slow, fs), axis=-1).astype(np.float64),
        "no QRS": _evenness(y, fs),
    }


def _flat(x: NDArray[Any], gaps: NDArray[Any], fs: float) -> Measured:
    """Share of stretches without a gap that hardly move."""
    span = np.ptp(_epochs(x, fs, _STRETCH), axis=-1)
    whole = ~_epochs(gaps, fs, _STRETCH).any(axis=-1)
    return np.asarray(((span < FLAT_MV) & whole).mean(axis=-1), np.float64)


def _railed(x: Signal) -> NDArray[np.bool_]:
    """Samples that stay, with a neighbour, on the highest or lowest value of a lead."""
    empty = np.isnan(x).all(axis=-1, keepdims=True)
    low, middle, high = np.nanpercentile(
        np.where(empty, 0, x), [0, 50, 100], axis=-1, keepdims=True
    )
    tolerance, far = _RAIL * (high - low), _PEAKED * (high - low)
    top = (x >= high - tolerance) & (high - middle > far)
    bottom = (x <= low + tolerance) & (middle - low > far)
    out = np.zeros(x.shape, np.bool_)
    for end in (top, bottom):
        pair = end[:, 1:] & end[:, :-1]
        out[:, 1:] |= pair
        out[:, :-1] |= pair
    return out


def _mains(x: NDArray[Any], fs: float) -> Measured:
    """Millivolt rms of the stronger mains line above what its neighbourhood has."""
    n = x.shape[-1]
    window = np.hanning(n).astype(np.float32)
    power = np.abs(np.fft.rfft((x - x.mean(axis=-1, keepdims=True)) * window, axis=-1)) ** 2
    power *= 2 / (n * float((window**2).sum()))
    f = np.fft.rfftfreq(n, 1 / fs)
    lines = [np.zeros(x.shape[:-1])]
    for line in MAINS_HZ:
        off = np.abs(f - line)
        own, around = off <= 0.5 + 2 * f[1], (off > 1 + 2 * f[1]) & (off < 5 + 2 * f[1])
        if line + 1 < fs / 2:
            floor = power[..., around].mean(axis=-1, keepdims=True)
            there, chance = power[..., own].sum(axis=-1), floor[..., 0] * own.sum()
            lines.append(np.sqrt(np.where(there > _LINE * chance, there - chance, 0)))
    return np.asarray(np.max(lines, axis=0), np.float64)


def _evenness(y: Signal, fs: float) -> Measured:
    """Usual over greatest slope: small where short steep waves stand out of a quiet line."""
    wave = filters.bandpass(y, fs, _SLOPE_BAND[0], min(_SLOPE_BAND[1], 0.4 * fs), order=2)
    slope = np.abs(np.nan_to_num(np.gradient(wave, axis=-1))) * np.float32(fs)
    slope = scipy.ndimage.uniform_filter1d(slope, max(1, round(_QRS_WIDTH * fs)), axis=-1)
    usual, greatest = np.percentile(_epochs(slope, fs), [50, 98], axis=-1)
    return np.asarray(usual / np.maximum(greatest, 1e-3), np.float64)


def _beats(y: Signal, fs: float, peaks: Index) -> tuple[Measured, Signal]:
    """Correlation of each beat with the most similar near it (leads, beats), and the median beat."""
    beats = segment(y, fs, peaks, window="fixed", before=_BEAT[0], after=_BEAT[1])
    missing = np.isnan(beats.signal)
    shapes = np.where(missing, 0, beats.signal)
    count = np.maximum((~missing).sum(axis=-1, keepdims=True), 1)
    shapes = np.where(missing, 0, shapes - shapes.sum(axis=-1, keepdims=True) / count)
    norm = np.linalg.norm(shapes, axis=-1, keepdims=True)
    still = np.ptp(shapes, axis=-1, keepdims=True) < FLAT_MV
    worthless = still | (missing.mean(axis=-1, keepdims=True) > _ABSENT)
    shapes /= np.where(worthless, np.nan, norm + 1e-12)
    likeness = np.full(shapes.shape[:2], np.nan)
    for apart in _NEIGHBOURS:
        r = np.einsum("bls,bls->bl", shapes[apart:], shapes[:-apart])
        likeness[apart:] = np.fmax(likeness[apart:], r)
        likeness[:-apart] = np.fmax(likeness[:-apart], r)
    return likeness.T, beats.median()


def _each_epoch(
    likeness: Measured, peaks: Index, n_samples: int, shape: tuple[int, ...]
) -> tuple[Index, Measured]:
    """Beats in each epoch, and (leads, epochs) 1 - median likeness; 0 where nothing is compared."""
    n = shape[-1]
    epoch = np.minimum(peaks // (n_samples // n), n - 1)
    order = np.argsort(epoch, kind="stable")
    counts = np.bincount(epoch, minlength=n)
    groups = np.split(likeness[:, order], np.cumsum(counts)[:-1], axis=1)
    medians = [_median(group) for group in groups]
    return counts, 1 - np.stack(medians, axis=-1)


def _median(values: Measured) -> Measured:
    """Median of each row, the lower of two, without the NaN; 1 for rows without values."""
    known = np.isfinite(values).sum(axis=-1, keepdims=True)
    ordered = np.sort(np.concatenate([values, np.ones((len(values), 1))], axis=-1), axis=-1)
    middle = np.take_along_axis(ordered, np.maximum(known - 1, 0) // 2, axis=-1)
    return np.asarray(middle[:, 0])
