"""Noise at a stated ratio of signal to noise."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import checks
from dsp.checks import Signal
from dsp.errors import LeadError, SignalError
from ecgsynth.noise.electrodes import sample
from ecgsynth.noise.spectra import AMBULATORY

if TYPE_CHECKING:
    import torch

HIGH_PASS: Final = 0.5
"""Hz; what lies below counts as no signal in a signal-to-noise ratio."""


def add(
    x: ArrayLike,
    fs: float,
    snr: float | Mapping[str, float],
    *,
    seed: "int | np.random.Generator | torch.Generator" = 0,
    first: int = 0,
) -> Signal:
    """Twelve leads with noise at a stated signal-to-noise ratio.

    Parameters
    ----------
    x : (..., 12, time) mV, leads in standard order.
    fs : Hz.
    snr : decibel of the mixture `AMBULATORY`, or decibel by kind, ``{"muscle": 10}``. The ratio is
        the power of `x` at 0.5 Hz and above to that of the noise at all frequencies, both averaged
        over time and the twelve leads of a record.
    seed, first : as in `sample`.

    Returns
    -------
    (..., 12, time) float32 mV. What `x` keeps of the limb algebra, the result keeps.

    Raises
    ------
    SignalError, LengthError, RateError, LeadError
        As `sample`, and for a signal that is not twelve leads or has gaps.

    Examples
    --------
    >>> t = np.arange(5000) / 500
    >>> x = np.tile(np.sin(2 * np.pi * 5 * t), (12, 1))
    >>> y = add(x, 500, 10)
    >>> round(float((y - x).var() / 0.5), 2)
    0.1
    """
    x, fs = checks.signal(x, axes=2), checks.rate(fs)
    if x.shape[-2] != 12:
        raise LeadError(f"shape {x.shape}: noise is added to (..., 12, time), all twelve leads.")
    flat = x.reshape(-1, *x.shape[-2:])
    heard = power(flat, fs).mean(-1)
    if not np.isfinite(heard).all():
        raise SignalError("the signal has gaps (NaN); fill or cut them before adding noise.")
    if not isinstance(snr, Mapping):
        snr = {kind: snr - 10 * np.log10(share) for kind, share in AMBULATORY.items()}
    powers = {kind: heard * 10 ** (-np.asarray(db) / 10) for kind, db in snr.items()}
    drawn = sample(len(flat), x.shape[-1], fs, powers, seed=seed, first=first)
    drawn += flat
    return drawn.reshape(x.shape)


def power(x: NDArray[np.floating], fs: float) -> NDArray[np.float64]:
    """Mean power of a signal at 0.5 Hz and above.

    Parameters
    ----------
    x : (..., time). fs : Hz.

    Returns
    -------
    (...) squared unit of `x`: the mean square less that of the discrete Fourier components below
    0.5 Hz.

    Examples
    --------
    >>> t = np.arange(1000) / 100
    >>> round(float(power(7 + np.sin(2 * np.pi * t), 100)), 3)
    0.5
    """
    n = x.shape[-1]
    # Slow components survive averaging over tenths of a second, which makes them cheap to find.
    width = max(1, int(fs / 10))
    blocks = n // width
    means = x[..., : blocks * width].reshape(*x.shape[:-1], blocks, width).mean(-1)
    count = max(1, int(np.ceil(HIGH_PASS * blocks * width / fs)))
    slow = np.abs(np.fft.rfft(means)[..., :count]) / np.sinc(np.arange(count) / blocks)
    below = (2 * (slow**2).sum(-1) - slow[..., 0] ** 2) / blocks**2
    total = np.einsum("...t,...t->...", x, x) / n
    return np.maximum(np.asarray(total - below, np.float64), 0.0)
