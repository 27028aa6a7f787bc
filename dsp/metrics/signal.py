"""Scores of an estimated signal, one for each lead: r, RMSE, MAE, R2, PRD, SNR."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import checks
from dsp.errors import LengthError

Rows = NDArray[np.float64]
_BLOCK: Final = 2_000_000  # samples scored at once in float64, to bound memory


def r(truth: ArrayLike, estimate: ArrayLike) -> Any:
    """Pearson's correlation over time.

    Parameters
    ----------
    truth, estimate : (..., time), the same shape and unit; samples count where both are finite.

    Returns
    -------
    (...) float64 from -1 to 1; NaN where either is constant or nothing is finite in both.

    Raises
    ------
    LengthError
        If the shapes differ.
    SignalError
        As `dsp.checks.signal`.

    Examples
    --------
    >>> float(r([0, 1, 2, np.nan], [5, 7, 9, 0]))
    1.0
    """
    return _each(truth, estimate, _r)


def rmse(truth: ArrayLike, estimate: ArrayLike) -> Any:
    """Root mean square error, in the unit given (mV).

    Parameters, Returns, Raises
    ---------------------------
    As `r`; a constant lead has an RMSE like any other.

    Examples
    --------
    >>> float(rmse([0, 0, 0, 0], [1, -1, 1, -1]))
    1.0
    """
    return _each(truth, estimate, lambda x, y, n: np.sqrt(_total((x - y) ** 2) / n))


def mae(truth: ArrayLike, estimate: ArrayLike) -> Any:
    """Mean absolute error, in the unit given (mV).

    Parameters, Returns, Raises
    ---------------------------
    As `rmse`.

    Examples
    --------
    >>> float(mae([0, 0], [1, -3]))
    2.0
    """
    return _each(truth, estimate, lambda x, y, n: _total(np.abs(x - y)) / n)


def r2(truth: ArrayLike, estimate: ArrayLike) -> Any:
    """Share of the truth's variance explained, 1 - error power / variance; negative when worse than its mean.

    Parameters, Returns, Raises
    ---------------------------
    As `r`; NaN where the truth is constant.

    Examples
    --------
    >>> float(r2([1, 2, 3], [2, 2, 2]))
    0.0
    """
    return 1.0 - _each(truth, estimate, _unexplained)


def prd(truth: ArrayLike, estimate: ArrayLike) -> Any:
    """Percentage root-mean-square difference, 100 sqrt(error power / variance of the truth), %.

    The truth's power is taken about its mean (the literature's PRDN): about zero, an offset
    would pass for accuracy.

    Parameters, Returns, Raises
    ---------------------------
    As `r2`.

    Examples
    --------
    >>> float(prd([1, 2, 3], [2, 2, 2]))
    100.0
    """
    return 100.0 * np.sqrt(_each(truth, estimate, _unexplained))


def snr(truth: ArrayLike, estimate: ArrayLike) -> Any:
    """Signal-to-noise ratio of the estimate, 10 log10(variance of the truth / error power), dB.

    Parameters, Returns, Raises
    ---------------------------
    As `r2`; infinite where the estimate is exact.

    Examples
    --------
    >>> float(snr([1, 2, 3], [2, 2, 2]))
    0.0
    """
    with np.errstate(divide="ignore"):
        return 0.0 - 10.0 * np.log10(_each(truth, estimate, _unexplained))


METRICS: Final[Mapping[str, tuple[Callable[[ArrayLike, ArrayLike], Any], str]]] = {
    "r": (r, ""),
    "RMSE": (rmse, "mV"),
    "MAE": (mae, "mV"),
    "R2": (r2, ""),
    "PRD": (prd, "%"),
    "SNR": (snr, "dB"),
}
"""Each score by name, with its unit."""


def _each(truth: ArrayLike, estimate: ArrayLike, score: Callable[[Rows, Rows, Rows], Rows]) -> Any:
    """`score` of every row; samples that are not finite in both are NaN in both."""
    x, y = checks.signal(truth), checks.signal(estimate)
    if x.shape != y.shape:
        raise LengthError(f"truth has shape {x.shape}, estimate {y.shape}; they must be the same.")
    flat_x, flat_y = x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])
    out = np.empty(len(flat_x))
    per_block = max(1, _BLOCK // x.shape[-1])
    for first in range(0, len(out), per_block):
        part = slice(first, first + per_block)
        rows_x, rows_y = flat_x[part].astype(np.float64), flat_y[part].astype(np.float64)
        lost = np.isnan(rows_x) | np.isnan(rows_y)
        rows_x[lost] = rows_y[lost] = np.nan
        n = (x.shape[-1] - lost.sum(axis=-1)).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            out[part] = np.where(n > 0, score(rows_x, rows_y, n), np.nan)
    return out.reshape(x.shape[:-1])[()]


def _total(rows: Rows) -> Rows:
    total = np.asarray(rows.sum(axis=-1))  # twice as fast as nansum, and mostly enough
    return np.asarray(np.nansum(rows, axis=-1)) if np.isnan(total).any() else total


def _varies(rows: Rows) -> NDArray[np.bool_]:
    """Which rows have two different values: exact, where a variance would be left with rounding."""
    return np.asarray(np.fmax.reduce(rows, axis=-1) > np.fmin.reduce(rows, axis=-1))


def _centred(rows: Rows, n: Rows) -> Rows:
    return rows - (_total(rows) / n)[:, None]


def _r(x: Rows, y: Rows, n: Rows) -> Rows:
    a, b = _centred(x, n), _centred(y, n)
    value = _total(a * b) / np.sqrt(_total(a * a) * _total(b * b))
    return np.where(_varies(x) & _varies(y), np.clip(value, -1.0, 1.0), np.nan)


def _unexplained(x: Rows, y: Rows, n: Rows) -> Rows:
    share = _total((x - y) ** 2) / _total(_centred(x, n) ** 2)
    return np.where(_varies(x), share, np.nan)
