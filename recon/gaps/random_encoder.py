"""A random encoder: what convolutions know of an ECG before they have learned anything."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp import filters
from recon.population import FS

TAPS: Final = 9
SLOWEST_DILATION: Final = 8
"""At 100 Hz a kernel spans 0.09 to 0.65 s: a QRS complex to a QT interval."""
_BLOCK: Final = 16  # records convolved at once


class RandomEncoder:
    """Random dilated convolutions over leads and time, pooled over time; nothing is learned.

    It is scale-free: the input is divided by the root mean square of the leads that carry a
    signal, so that absent (all zero) leads change nothing.

    Parameters
    ----------
    n_kernels : the latent has twice as many numbers: mean of the positive part, and root mean square.
    seed : which kernels.

    Examples
    --------
    >>> RandomEncoder(8)(np.random.default_rng(0).normal(size=(3, 12, 500))).shape
    (3, 16)
    """

    def __init__(self, n_kernels: int = 48, *, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.mix = rng.normal(size=(n_kernels, 12)) * (rng.random((n_kernels, 12)) < 1 / 3)
        self.mix[np.arange(n_kernels), rng.integers(12, size=n_kernels)] = rng.choice((-1.0, 1.0))
        taps = rng.normal(size=(n_kernels, TAPS))
        self.taps = taps - taps.mean(axis=1, keepdims=True)
        self.dilation = rng.integers(1, SLOWEST_DILATION + 1, size=n_kernels)
        self.bias = rng.uniform(0.0, 1.0, size=n_kernels)

    def __call__(self, x: NDArray[np.floating], fs: float = FS) -> NDArray[np.float32]:
        """(n, 2 * n_kernels) from (n, 12, time) at `fs`."""
        y = np.asarray(filters.resample(x, fs, FS), np.float64)
        n_samples = y.shape[-1]
        at = np.zeros((len(self.taps), n_samples))
        for tap in range(TAPS):
            np.add.at(at, (np.arange(len(at)), tap * self.dilation % n_samples), self.taps[:, tap])
        response = np.fft.rfft(at)
        blocks = [
            self._encode(y[first : first + _BLOCK], response) for first in range(0, len(y), _BLOCK)
        ]
        return np.concatenate(blocks).astype(np.float32)

    def _encode(
        self, x: NDArray[np.float64], response: NDArray[np.complex128]
    ) -> NDArray[np.float64]:
        power = (x**2).mean(axis=-1)
        carried = np.maximum((power > 0).sum(axis=-1), 1)
        x = x / np.sqrt(np.maximum(power.sum(axis=-1) / carried, 1e-12))[:, None, None]
        y = np.fft.irfft((self.mix @ np.fft.rfft(x)) * response, n=x.shape[-1])
        positive = np.maximum(y - self.bias[:, None], 0).mean(axis=-1)
        return np.concatenate([positive, np.sqrt((y**2).mean(axis=-1))], axis=-1)
