"""Quality: what to trust, a score for each lead and the reasons by name."""

import dataclasses
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp import checks, electrodes, filters
from dsp import leads as lead_names
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
    "noise": (0.08, 0.60),
    "no QRS": (0.30, 0.50),
}
"""What is perfect and what is worthless, by reason: share of missing samples, share of 2 s stretches
that span less than `FLAT_MV`, share of samples in cut-off tops, mV rms of the mains line, mV that the
baseline spans in ten seconds, 1 - correlation of a beat with its neighbours, and typical over
greatest slope (half a share or more: there is no QRS)."""
TOLD: Final = 0.9
"""A reason is named where it alone would leave less than this of the score."""
FLAT_MV: Final = 0.01
OFF_MV: Final = 0.05
"""A lead whose median beat spans less, while it is unlike its neighbours, is off."""
MAINS_HZ: Final = (50.0, 60.0)
_EPOCH: Final = 10.0  # s measured at once
_BEAT: Final = (0.25, 0.40)  # s around the R peak compared from beat to beat: P to T
_NEIGHBOURS: Final = (1, 2)  # beats apart that are compared: bigeminy repeats every second beat
_QRS_BAND: Final = (8.0, 25.0)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """How far a recording can be trusted.

    Attributes
    ----------
    score : (leads,) float64 from 0, worthless, to 1, nothing to complain about.
    reasons : for each lead the names of what lowers its score, rows of `LIMITS` or ``"lead off"``.
    findings : what concerns the recording as a whole: ``"no beats"``, limb leads swapped or
        contradicting each other.
    verdict : ``"good"`` if all leads score 0.5 or more and there are no findings, ``"bad"`` if none
        scores 0.3 or no beats are found, else ``"fair"``.
    leads : names, empty if none were given.

    Examples
    --------
    >>> quality(np.zeros((1, 5000)), 500).reasons
    (('flat', 'lead off'),)
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
    SignalError, LengthError, RateError, LeadError
        For a bad signal, rate, or peaks, less than a second, or names that do not fit the rows.

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
    found = _peaks(x, fs) if peaks is None else check_peaks(peaks, x.shape[-1])
    y = filters.clean(x, fs)
    likeness, span = _beats(y, fs, found)
    measured = _measure(x, y, fs) | {"noise": 1 - _by_epoch(likeness, found, x, fs)}
    left = {name: _left(values, *LIMITS[name]) for name, values in measured.items()}
    score = np.prod([left[name] for name in LIMITS], axis=0).mean(axis=-1)
    mean = {name: left[name].mean(axis=-1) for name in LIMITS}
    off = (mean["flat"] < 1 - TOLD) | ((span < OFF_MV) & (mean["noise"] < 0.5))
    reasons = tuple(
        (*(name for name in LIMITS if mean[name][row] < TOLD), *(["lead off"] if off[row] else []))
        for row in range(len(x))
    )
    findings = _findings(y, names, fs, found, mean["no QRS"])
    return Quality(score, reasons, findings, _verdict(score, findings), names)


def _peaks(x: Signal, fs: float) -> Index:
    from dsp.beats import r_peaks

    return np.asarray(r_peaks(x, fs))


def _left(value: Measured, good: float, bad: float) -> Measured:
    """What a measure leaves of the score."""
    return np.clip((bad - value) / (bad - good), 0, 1)


def _epochs(x: NDArray[np.floating], fs: float) -> NDArray[np.floating]:
    """(leads, epochs, samples) of about ten seconds; fewer samples than epochs are left at the end."""
    n = max(1, int(x.shape[-1] / (_EPOCH * fs)))
    size = x.shape[-1] // n
    return x[:, : n * size].reshape(len(x), n, size)


def _measure(x: Signal, y: Signal, fs: float) -> dict[str, Measured]:
    """All measures that need no beats, each (leads, epochs); `x` raw, `y` cleaned."""
    gaps = np.isnan(x)
    raw = _epochs(np.nan_to_num(filters.bandpass(x, fs, None, 0.45 * fs) if False else x), fs)
    missing = _epochs(gaps, fs)
    return {
        "gap": missing.mean(axis=-1),
        "flat": _flat(raw, missing, fs),
        "clipped": _clipped(raw, missing),
        "mains": _mains(raw, fs),
        "baseline": _wander(raw, fs),
        "no QRS": _slopes(y, fs),
    }
