"""Counts: millivolts as integers, bit-exact where they once were integers, finest steps otherwise."""

import dataclasses
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp.record import ECG

USUAL: Final = ((1000.0, 0), (200.0, 0), (200.0, 1024))
"""Counts per mV and the count of 0 mV, as most archives have them."""
_FINEST = 1e6


@dataclasses.dataclass(frozen=True, eq=False)
class Counts:
    """One lead as integers: millivolt = (values - baseline) / gain; the lowest value marks a gap.

    Attributes
    ----------
    values : (time,) int16.
    gain : counts per mV.
    baseline : the count of 0 mV.
    gap : the value that stands for NaN.
    """

    values: NDArray[np.int16]
    gain: float
    baseline: int
    gap: int


def from_millivolt(x: NDArray[np.float32], remembered: Any, *, bits: int = 16) -> Counts:
    """Integers for one lead.

    Parameters
    ----------
    x : (time,) mV; NaN marks gaps.
    remembered : (gain, baseline) the lead was read with, or None.
    bits : of the integers.

    Returns
    -------
    Counts that give `x` back bit for bit if a remembered or usual gain can; else the finest steps
    that hold the range, and an error of at most half a step.

    Examples
    --------
    >>> counts = from_millivolt(np.array([0.005, np.nan], np.float32), None)
    >>> counts.values.tolist(), counts.gain
    ([5, -32768], 1000.0)
    """
    top = 2 ** (bits - 1) - 1
    present = np.isfinite(x)
    given = x[present].astype(np.float64)
    values = np.full(len(x), -top - 1, np.int16)
    choices = (*_valid(remembered), *USUAL)
    for gain, baseline in choices if given.size else USUAL[:1]:
        counts = np.rint(given * gain + baseline)
        if np.abs(counts).max(initial=0) <= top and np.array_equal(
            to_millivolt(counts, gain, baseline), x[present]
        ):
            break
    else:
        gain, baseline = _finest(float(given.min()), float(given.max()), top)
        counts = np.rint(given * gain + baseline)
    values[present] = counts
    return Counts(values, gain, baseline, -top - 1)


def to_millivolt(
    values: NDArray[Any], gain: float, baseline: float, gap: int | None = None
) -> NDArray[np.float32]:
    """Millivolts of integers, NaN where they equal `gap`.

    Examples
    --------
    >>> to_millivolt(np.array([5, -32768]), 1000, 0, -32768).tolist()
    [0.004999999888241291, nan]
    """
    x = ((values.astype(np.float64) - baseline) / gain).astype(np.float32)
    if gap is not None:
        x[values == gap] = np.nan
    return x


def of(ecg: ECG, *, bits: int = 16) -> list[Counts]:
    """Integers for each lead, with the gains in ``ecg.meta`` where they still fit.

    Examples
    --------
    >>> of(ECG(np.zeros(500), 500, ["I"]))[0].gain
    1000.0
    """
    gains, baselines = (_mapping(ecg.meta.get(key)) for key in ("gain", "baseline"))
    return [
        from_millivolt(x, (gains.get(lead), baselines.get(lead)), bits=bits)
        for lead, x in zip(ecg.leads, ecg.signal, strict=True)
    ]


def _finest(low: float, high: float, top: int) -> tuple[float, int]:
    """Gain and baseline that spread low..high over the integers; six digits are plenty."""
    gain = _FINEST
    if high - low > 2 * (top - 2) / _FINEST:
        exact = 2 * (top - 2) / (high - low)
        step = 10.0 ** (np.floor(np.log10(exact)) - 5)
        gain = float(f"{np.floor(exact / step) * step:.6g}")
    return gain, -round((low + high) / 2 * gain)


def _valid(remembered: Any) -> tuple[tuple[float, int], ...]:
    match remembered:
        case (float() | int() as gain, float() | int() as baseline):
            if np.isfinite(gain) and gain > 0 and abs(baseline) < 2**31:
                return ((float(gain), round(baseline)),)
    return ()


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}
