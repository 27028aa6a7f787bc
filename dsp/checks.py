"""The gate: whatever comes in becomes one canonical form here, once; inside, arrays are trusted."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp.errors import LengthError, RateError, SignalError, UnitError

Signal = NDArray[np.float32]
"""(..., leads, time) float32 mV; NaN marks a gap."""

SLOWEST_FS: Final = 50.0
FASTEST_FS: Final = 20_000.0
WIDEST_SPAN_MV: Final = 50.0
"""No surface ECG spans more; microvolts taken for millivolts span hundreds."""
TO_MILLIVOLT: Final = {"V": 1e3, "mV": 1.0, "uV": 1e-3, "nV": 1e-6}
_MOST_LEADS: Final = 64
_SAMPLED: Final = 200_000


def rate(fs: Any, *, low: float = SLOWEST_FS, high: float = FASTEST_FS) -> float:
    """A sampling rate in Hz, as a float.

    Raises
    ------
    RateError
        If `fs` is not a number from `low` to `high` Hz.

    Examples
    --------
    >>> rate(500)
    500.0
    """
    try:
        value = float(fs)
    except (TypeError, ValueError):
        raise RateError(f"fs={fs!r}: the sampling rate must be a number of Hz.") from None
    if not low <= value <= high:
        raise RateError(
            f"fs={value:g} Hz is outside {low:g} to {high:g} Hz; give the rate in Hz (samples per "
            "second), and resample first if the recording really is outside."
        )
    return value


def signal(x: ArrayLike, *, axes: int = 1, seconds: float = 0.0, fs: float = 0.0) -> Signal:
    """A signal as float32 with time last; never a copy where none is needed, never a change.

    Parameters
    ----------
    x : (..., time) or (..., leads, time), real numbers; NaN marks gaps, masked entries become NaN.
    axes : the least number of axes.
    seconds, fs : the shortest duration, if the caller has one.

    Returns
    -------
    float32 array of the same shape; read-only input gives a read-only result.

    Raises
    ------
    SignalError
        For other than real numbers, an infinity, or nothing but NaN.
    LengthError
        For too few axes, an empty array, axes that look swapped, or fewer than `seconds`.

    Examples
    --------
    >>> signal([[0, 1, 2]]).dtype
    dtype('float32')
    """
    if isinstance(x, np.ma.MaskedArray):
        x = np.ma.filled(x.astype(np.float32), np.nan)
    try:
        raw = np.asarray(x)
    except ValueError as error:
        raise SignalError(f"the signal is not a rectangular array: {error}.") from None
    if raw.dtype.kind not in "iuf":
        raise SignalError(
            f"the signal is of type {raw.dtype}; give real numbers (float or int) in mV."
        )
    _check_shape(raw, axes)
    with np.errstate(over="ignore"):
        out = np.asarray(raw, np.float32)
    finite_count = _finite_count(out)
    if finite_count == 0:
        raise SignalError(f"all {out.size} samples are NaN: there is no signal.")
    if seconds and out.shape[-1] < seconds * fs:
        raise LengthError(
            f"{out.shape[-1]} samples at {fs:g} Hz are {out.shape[-1] / fs:.3g} s; "
            f"at least {seconds:g} s are needed."
        )
    return out


def _check_shape(raw: NDArray[Any], axes: int) -> None:
    if raw.ndim < axes:
        raise LengthError(
            f"the signal has shape {raw.shape}; expected "
            f"{'(..., leads, time)' if axes > 1 else '(..., time)'}."
        )
    if raw.size == 0:
        raise LengthError(f"the signal is empty (shape {raw.shape}).")
    if raw.ndim >= 2 and raw.shape[-1] <= 15 and raw.shape[-2] > _MOST_LEADS:
        raise LengthError(
            f"shape {raw.shape} looks like (time, leads); time must be the last axis: "
            "np.swapaxes(x, -1, -2)."
        )


def all_finite(x: Signal) -> bool:
    """Whether it is certain, at the cost of one pass, that there is neither NaN nor infinity.

    Examples
    --------
    >>> all_finite(np.zeros(5, np.float32)), all_finite(np.full(5, np.nan, np.float32))
    (True, False)
    """
    # A sum is finite only if every sample is.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(x.sum()))


def _finite_count(out: Signal) -> int:
    """Number of finite samples; an infinity is an error."""
    if all_finite(out):
        return out.size
    infinite = np.isinf(out)
    if infinite.any():
        place = np.unravel_index(int(infinite.argmax()), out.shape)
        raise SignalError(
            f"{int(infinite.sum())} infinite samples, the first at index "
            f"{tuple(int(i) for i in place)}; set them to NaN if they are gaps."
        )
    return int(np.isfinite(out).sum())


def millivolt(x: Signal) -> Signal:
    """The same signal, if its amplitudes can be millivolt.

    Raises
    ------
    UnitError
        If the median lead spans more than 50 mV (0.5th to 99.5th percentile): microvolts or raw
        counts, most likely.

    Examples
    --------
    >>> millivolt(np.zeros((2, 10), np.float32)).shape
    (2, 10)
    """
    if x.max() - x.min() <= WIDEST_SPAN_MV:  # false where there is a NaN
        return x
    flat = x.reshape(-1, x.shape[-1])[:_MOST_LEADS]
    step = max(1, flat.size // _SAMPLED)
    thin = flat[:, ::step]
    with np.errstate(invalid="ignore"):
        rows = thin[np.isfinite(thin).any(axis=1)]
        if rows.size == 0:
            return x
        low, high = np.nanpercentile(rows, [0.5, 99.5], axis=1)
    span = float(np.median(high - low))
    if span > WIDEST_SPAN_MV:
        raise UnitError(
            f"the median lead spans {span:.0f} mV, more than any ECG: these are microvolts or raw "
            'counts. Divide by 1000, or say the unit: dsp.ECG(..., unit="uV").'
        )
    return x


def safe_to_square(x: Signal) -> Signal:
    """The same signal, by a power of two if its squares would leave float32.

    For what does not depend on the unit: a power of two changes no digit.

    Examples
    --------
    >>> safe_to_square(np.full(3, 1e30, np.float32)).max() < 1
    np.True_
    """
    size = float(max(np.nanmax(x), -np.nanmin(x)))
    if size == 0 or 1e-9 < size < 1e9:
        return x
    return np.ldexp(x, -int(np.frexp(size)[1]))


def scale_to_millivolt(unit: str) -> float:
    """Factor from `unit` to mV.

    Raises
    ------
    UnitError
        If `unit` is not V, mV, uV (or µV) or nV.

    Examples
    --------
    >>> scale_to_millivolt("uV")
    0.001
    """
    name = (
        str(unit).strip().replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u")
    )
    for known, factor in TO_MILLIVOLT.items():
        if name.lower() == known.lower():
            return factor
    raise UnitError(f"unit {unit!r} is not a voltage; known: {' '.join(TO_MILLIVOLT)}.")
