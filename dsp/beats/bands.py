"""Bands: the derivative of a lead where a QRS is, and P, T, baseline, muscle and mains are not."""

import functools
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from dsp.checks import Signal

LOW: Final = (5.0, 20.0)
"""Hz; slower are P, T and baseline, faster is muscle and mains."""
HIGH: Final = (10.0, 25.0)
"""Hz; slower are also electrodes that move."""
_TAIL: Final = 0.2  # s; the filter's response has decayed to 1e-3 here
_COLUMNS: Final = 64


def slopes(y: Signal, fs: float) -> tuple[Signal, Signal]:
    """The derivative of the signal in the low and the high band; a gap has none, whatever its two ends.

    Parameters
    ----------
    y : (..., time) on the inner grid, NaN in gaps.
    fs : Hz, of the inner grid.
    """
    steps = np.zeros_like(y)
    np.subtract(y[..., 1:], y[..., :-1], out=steps[..., 1:])
    np.nan_to_num(steps, copy=False, nan=0.0)
    return _convolve(steps, _response(fs, LOW)), _convolve(steps, _response(fs, HIGH))


@functools.lru_cache(maxsize=64)
def _response(fs: float, band: tuple[float, float]) -> NDArray[np.float32]:
    """Impulse response of a first-order band-pass run both ways, cut at 0.2 s; its sum is zero."""
    tail = round(_TAIL * fs)
    sos = scipy.signal.butter(
        1, [band[0], min(band[1], 0.45 * fs)], "bandpass", fs=fs, output="sos"
    )
    pulse = np.zeros(6 * tail + 1)
    pulse[3 * tail] = 1.0
    both = scipy.signal.sosfilt(sos, scipy.signal.sosfilt(sos, pulse)[::-1])[::-1]
    taps = both[2 * tail : 4 * tail + 1] * np.hanning(2 * tail + 3)[1:-1] ** 0.25
    return np.asarray(taps - taps.mean(), np.float32)


def _convolve(x: Signal, taps: NDArray[np.float32]) -> Signal:
    """Centred convolution with a short kernel, mirrored at the ends, as one matrix product."""
    n, reach = x.shape[-1], len(taps) // 2
    rows = x.reshape(-1, n)
    blocks = -(-n // _COLUMNS)
    wide = np.zeros((len(rows), blocks * _COLUMNS + 2 * reach), np.float32)
    wide[:, reach : reach + n] = rows
    ends = min(reach, n - 1)
    # The first step is that from the first sample to itself: mirror about the second.
    wide[:, reach - ends + 1 : reach + 1] = rows[:, ends:0:-1]
    wide[:, reach + n : reach + n + ends] = rows[:, n - 1 : n - 1 - ends : -1]
    frames = np.lib.stride_tricks.sliding_window_view(wide, _COLUMNS + 2 * reach, axis=1)
    out = frames[:, ::_COLUMNS].reshape(-1, _COLUMNS + 2 * reach) @ _banded(taps.tobytes())
    return out.reshape(len(rows), -1)[:, :n].reshape(x.shape)


@functools.lru_cache(maxsize=64)
def _banded(raw: bytes) -> NDArray[np.float32]:
    """Matrix whose column j holds the reversed kernel from row j on."""
    taps = np.frombuffer(raw, np.float32)
    matrix = np.zeros((_COLUMNS + len(taps) - 1, _COLUMNS), np.float32)
    for column in range(_COLUMNS):
        matrix[column : column + len(taps), column] = taps[::-1]
    return matrix
