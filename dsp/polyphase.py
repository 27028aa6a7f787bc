"""Polyphase: a rate changed by a rational factor, a stretch of samples at a time, as one matrix product.

What `scipy.signal.resample_poly` does sample by sample, with its filter, for many rows several times faster: the
outputs of a stretch are a fixed matrix times the inputs around it.
"""

import dataclasses
import functools
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from dsp.checks import Signal

_HALF: Final = 10  # of the filter's length, in samples of the slower rate, as in SciPy
_SHAPE: Final = ("kaiser", 5.0)
_AT_ONCE: Final = 2**20  # samples copied for one product, to bound memory
_LARGEST: Final = 2**20  # entries of a matrix; odd factors with larger ones are left to SciPy


def resample(rows: Signal, up: int, down: int) -> Signal:
    """Rows at ``up / down`` times their rate.

    Beyond the ends lies the line through the first and the last sample, so that no offset or drift rings.

    Parameters
    ----------
    rows : (n, time), finite; any unit.
    up, down : without a common divisor.

    Returns
    -------
    (n, ceil(time * up / down)) float32.

    Examples
    --------
    >>> resample(np.ones((2, 10), "f4"), 5, 1).shape
    (2, 50)
    """
    length = rows.shape[-1]
    n_out = -(-length * up // down)
    first = rows[:, :1]
    slope = (rows[:, -1:] - first) / np.float32(max(length - 1, 1))
    bare = np.asarray(rows - slope * np.arange(length, dtype=np.float32), np.float32)
    bare -= first
    stretch = _stretch(up, down)
    if stretch is None:
        out = scipy.signal.resample_poly(bare, up, down, axis=-1, window=_SHAPE)
    else:
        out = stretch.run(bare, n_out)
    line = slope * (np.arange(n_out) * (down / up)).astype(np.float32)
    line += first
    line += out
    return np.asarray(line, np.float32)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Some outputs, and the inputs they are made of.

    Attributes
    ----------
    matrix : (inputs, outputs), float32.
    before : how many of the inputs come before the first output.
    step : how many inputs further the next stretch lies.

    Examples
    --------
    >>> Stretch(np.eye(3, dtype="f4"), 0, 3).run(np.ones((1, 6), "f4"), 5)
    array([[1., 1., 1., 1., 1.]], dtype=float32)
    """

    matrix: NDArray[np.float32]
    before: int
    step: int

    def run(self, rows: Signal, n_out: int) -> Signal:
        """(n, n_out): zeros beyond the ends."""
        inputs, made = self.matrix.shape
        n = -(-n_out // made)
        size = max((n - 1) * self.step + inputs, self.before + rows.shape[-1])
        padded = np.zeros((len(rows), size), np.float32)
        padded[:, self.before : self.before + rows.shape[-1]] = rows
        around = np.lib.stride_tricks.sliding_window_view(padded, inputs, axis=-1)[:, :: self.step]
        out = np.empty((len(rows), n, made), np.float32)
        some = max(1, _AT_ONCE // (len(rows) * inputs))
        for k in range(0, n, some):
            part = slice(k, min(k + some, n))
            np.matmul(around[:, part].copy(), self.matrix, out=out[:, part])
        return out.reshape(len(rows), -1)[:, :n_out]


@functools.lru_cache(maxsize=16)
def _stretch(up: int, down: int) -> Stretch | None:
    """As much new input as the filter is long; None if the matrix would be too large."""
    half = _HALF * max(up, down)
    periods = max(1, (2 * half // up) // down)
    made, before = periods * up, half // up
    inputs = before + (half + (made - 1) * down) // up + 1
    if inputs * made > _LARGEST:
        return None
    taps = up * scipy.signal.firwin(2 * half + 1, 1 / max(up, down), window=_SHAPE)
    lag = half + down * np.arange(made) - up * (np.arange(inputs)[:, None] - before)
    there = (lag >= 0) & (lag <= 2 * half)
    matrix = np.where(there, taps[np.clip(lag, 0, 2 * half)], 0.0).astype(np.float32)
    return Stretch(matrix, before, periods * down)
