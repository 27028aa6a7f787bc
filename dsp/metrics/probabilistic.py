"""Scores of a stated uncertainty: coverage, CRPS, PIT, energy score, rank with the error, the worst records."""

from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp import checks
from dsp.errors import LengthError, SignalError

Values = NDArray[np.float64]

WORST: Final = 0.05
"""A mean of coverage hides the records it fails: also reported is what one record in twenty stays below."""
_BINS: Final = 20


def coverage(truth: ArrayLike, low: ArrayLike, high: ArrayLike) -> Any:
    """Share of the samples that an interval holds, its ends included.

    Parameters
    ----------
    truth, low, high : (..., time), the same shape and unit; samples count where all are finite.

    Returns
    -------
    (...) float64 from 0 to 1; NaN where nothing counts.

    Raises
    ------
    LengthError
        If the shapes differ.
    SignalError
        As `dsp.checks.signal`.

    Examples
    --------
    >>> float(coverage([0, 1, 2, 3], [0, 0, 0, 0], [2, 2, 2, 2]))
    0.75
    """
    x, below, above = (checks.signal(a) for a in (truth, low, high))
    if not x.shape == below.shape == above.shape:
        raise LengthError(f"shapes {x.shape}, {below.shape} and {above.shape} must be the same.")
    known = np.isfinite(x) & np.isfinite(below) & np.isfinite(above)
    held = np.where(known, (x >= below) & (x <= above), np.nan)
    return mean_of(held)[()]


def crps(truth: ArrayLike, mean: ArrayLike, std: ArrayLike) -> Any:
    """Continuous ranked probability score of Gaussians, mean over time: what error and width cost together.

    Of a deviation of 0 it is the absolute error, so that it stands beside MAE (Gneiting and
    Raftery, J Am Stat Assoc 2007;102:359).

    Parameters
    ----------
    truth, mean, std : (..., time) mV; samples count where all are finite.

    Returns
    -------
    (...) mV; less is better. NaN where nothing counts.

    Raises
    ------
    LengthError
        If the shapes differ.
    SignalError
        If a deviation is negative; else as `dsp.checks.signal`.

    Examples
    --------
    >>> round(float(crps([0.0], [0.0], [1.0])), 4), float(crps([0.0], [2.0], [0.0]))
    (0.2337, 2.0)
    """
    x, m, s = (a.astype(np.float64) for a in three(truth, mean, std))
    error = x - m
    z = _standardised(error, s)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    spread = s * (2 * density - 1 / np.sqrt(np.pi))
    return mean_of(error * scipy.special.erf(z / np.sqrt(2)) + spread)[()]


def pit(truth: ArrayLike, mean: ArrayLike, std: ArrayLike, *, bins: int = _BINS) -> Values:
    """Histogram of the probability integral transform: where in its stated Gaussian each sample fell.

    Even if the Gaussians are right; a valley says too narrow, a hill too wide, a slope biased.

    Parameters
    ----------
    truth, mean, std : (..., time) mV; samples count where all are finite.
    bins : of equal width from 0 to 1.

    Returns
    -------
    (bins,) shares of the samples, sum 1; NaN if none counts.

    Raises
    ------
    LengthError, SignalError
        As `crps`.

    Examples
    --------
    >>> pit([-1.0, 1.0], [0.0, 0.0], [0.1, 0.1], bins=4).tolist()
    [0.5, 0.0, 0.0, 0.5]
    """
    x, m, s = (a.astype(np.float64) for a in three(truth, mean, std))
    place = scipy.special.ndtr(_standardised(x - m, s))
    counts = np.histogram(place[np.isfinite(place)], bins, (0.0, 1.0))[0]
    with np.errstate(invalid="ignore"):
        return np.asarray(counts / counts.sum())


def energy_score(truth: ArrayLike, draws: ArrayLike) -> Any:
    """Energy score over leads, mean over time: CRPS for all leads at once, which sees how they err together.

    Mean distance of the draws from the truth, less half the mean distance of one draw from the
    next, which is the score without bias for any number of draws. Of one lead it is the CRPS.

    Parameters
    ----------
    truth : (..., leads, time) mV; samples count where all leads are finite.
    draws : (n, ..., leads, time) mV, n >= 2 samples of what is believed.

    Returns
    -------
    (...) mV; less is better. NaN where nothing counts.

    Raises
    ------
    LengthError
        If the shapes do not agree, or there is a single draw.
    SignalError
        As `dsp.checks.signal`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> round(float(energy_score(np.zeros((1, 9000)), rng.normal(size=(100, 1, 9000)))), 2)
    0.23
    """
    x, y = checks.signal(truth, axes=2), checks.signal(draws, axes=3)
    if y.shape[1:] != x.shape or len(y) < 2:
        raise LengthError(
            f"truth has shape {x.shape}, the draws {y.shape}; give (n, *truth.shape), n >= 2."
        )
    away, apart = np.zeros((*x.shape[:-2], x.shape[-1])), 0.0
    for one, next_ in zip(y, np.roll(y, 1, axis=0), strict=True):
        away = away + np.linalg.norm((one - x).astype(np.float64), axis=-2)
        apart = apart + np.linalg.norm((one - next_).astype(np.float64), axis=-2)
    return mean_of((away - apart / 2) / len(y))[()]


def rank(error: ArrayLike, stated: ArrayLike) -> float:
    """Spearman's rank correlation over records of the error made with the deviation stated.

    Parameters
    ----------
    error, stated : (records,) mV; records count where both are finite.

    Returns
    -------
    From -1 to 1; NaN for fewer than three records, or if either is the same for all.

    Raises
    ------
    LengthError
        If the shapes differ.

    Examples
    --------
    >>> rank([0.1, 0.2, 0.3], [1.0, 2.0, 9.0])
    1.0
    """
    a, b = np.asarray(error, np.float64), np.asarray(stated, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise LengthError(f"shapes {a.shape} and {b.shape}; give one of each a record.")
    known = np.isfinite(a) & np.isfinite(b)
    a, b = (scipy.stats.rankdata(v[known]) for v in (a, b))
    if len(a) < 3 or not np.ptp(a) or not np.ptp(b):
        return float("nan")
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))


def worst(values: ArrayLike) -> float:
    """What the worst twentieth of records stays below: the 5th percentile of a score, NaN left out.

    As the statistic of `dsp.statistics.bootstrap` it gets an interval.

    Raises
    ------
    LengthError
        If no value is finite.

    Examples
    --------
    >>> worst(np.arange(101) / 100)
    0.05
    """
    x = np.asarray(values, np.float64)
    if not np.isfinite(x).any():
        raise LengthError(f"none of {x.size} values is finite: there is no worst one.")
    return float(np.nanquantile(x, WORST))


def three(truth: ArrayLike, mean: ArrayLike, std: ArrayLike) -> tuple[checks.Signal, ...]:
    """Truth, mean and standard deviation, checked: one shape, no negative deviation."""
    x, m, s = (checks.signal(a) for a in (truth, mean, std))
    if not x.shape == m.shape == s.shape:
        raise LengthError(
            f"truth has shape {x.shape}, mean {m.shape}, std {s.shape}; they must be the same."
        )
    if (s < 0).any():
        raise SignalError(f"{int((s < 0).sum())} of the standard deviations are negative.")
    return x, m, s


def _standardised(error: Values, std: Values) -> Values:
    """Errors in deviations; of a deviation of 0, infinite, unless the error is 0 too."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = error / std
    return np.where((error == 0) & (std == 0), 0.0, z)


def mean_of(values: NDArray[Any]) -> Values:
    """Mean along the last axis of what is finite; NaN where nothing is."""
    known = np.isfinite(values)
    total, count = np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
