"""Noise as electrodes pick it up: drawn on nine potentials, so that limb algebra survives it."""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dsp import checks, cores
from dsp.checks import Signal
from dsp.errors import LengthError, SignalError
from dsp.leads import EIGHT_TO_TWELVE, PRECORDIAL
from ecgsynth.draws import series_seed
from ecgsynth.noise.spectra import LINES, SPECTRA

if TYPE_CHECKING:
    import torch

ELECTRODES: Final = ("RA", "LA", "LL", *PRECORDIAL)
"""Potentials against the ground RL."""
LEADS_FROM_ELECTRODES: Final[NDArray[np.float32]] = np.zeros((8, 9), np.float32)
"""(8, 9): I = LA - RA, II = LL - RA, Vi = Vi - (RA + LA + LL) / 3."""
LEADS_FROM_ELECTRODES[:2, :3] = [[-1, 1, 0], [-1, 0, 1]]
LEADS_FROM_ELECTRODES[2:, :3] = -1 / 3
LEADS_FROM_ELECTRODES[2:, 3:] = np.eye(6)
LEADS_FROM_ELECTRODES.flags.writeable = False
_TWELVE_FROM_EIGHT_POWER: Final = EIGHT_TO_TWELVE.T @ EIGHT_TO_TWELVE

_LONGER: Final = 1.2  # drawn for longer than wanted, or a record would end where it begins
_BLOCK: Final = 8  # records a thread draws before it asks for more
_NORMAL_BINS: Final = 256
_STREAM: Final = 0x6E6F6973  # so that one seed gives rhythm and noise different numbers


def sample(
    n: int,
    n_samples: int,
    fs: float,
    powers: Mapping[str, ArrayLike],
    *,
    seed: "int | np.random.Generator | torch.Generator" = 0,
    first: int = 0,
) -> Signal:
    """Noise in twelve leads.

    Parameters
    ----------
    n, n_samples, fs : records, samples of each, Hz.
    powers : by kind, names of `SPECTRA` and `LINES`: mV^2, averaged over time and leads, one number or (n,).
    seed : record k depends on `seed`, k and `powers`, not on `n`.
    first : number k of the first record.

    Returns
    -------
    (n, 12, n_samples) float32 mV. In each record the power of all spectra together is exact, and
    that of each line; how the spectra share theirs holds on average.

    Raises
    ------
    SignalError
        For an unknown kind, or a power that is negative or not finite.
    LengthError
        Unless `n` and `n_samples` are positive.
    RateError
        If `fs` is no rate for an ECG.

    Examples
    --------
    >>> x = sample(2, 5000, 500, {"muscle": 0.01, "baseline": 0.04})
    >>> x.shape, (x**2).mean((1, 2)).round(4).tolist()
    ((2, 12, 5000), [0.05000000074505806, 0.05000000074505806])
    """
    fs = checks.rate(fs)
    if n < 1 or n_samples < 2:
        raise LengthError(f"{n} records of {n_samples} samples: there is nothing to draw.")
    table = _checked(powers, n)
    out = np.empty((n, 12, n_samples), np.float32)
    series = series_seed(seed)

    def fill(start: int) -> None:
        for k in range(start, min(start + _BLOCK, n)):
            generator = np.random.Generator(np.random.SFC64([series, _STREAM, first + k]))
            mine = {kind: float(values[k]) for kind, values in table.items()}
            _record(generator, mine, fs, out[k])

    cores.each(fill, range(0, n, _BLOCK))
    return out


def _checked(powers: Mapping[str, ArrayLike], n: int) -> dict[str, NDArray[np.float64]]:
    """The powers as (n,) arrays, by kind."""
    table = {}
    for kind, value in powers.items():
        if kind not in SPECTRA and kind not in LINES:
            known = ", ".join((*SPECTRA, *LINES))
            raise SignalError(f"noise {kind!r} is not one of {known}.")
        array = np.asarray(value, np.float64)
        if array.shape not in ((), (n,)) or not (np.isfinite(array) & (array >= 0)).all():
            raise SignalError(
                f"the power of {kind} must be one number or {n}, each 0 or more, in mV^2."
            )
        table[kind] = np.broadcast_to(array, n)
    return table


def _record(
    generator: np.random.Generator, powers: dict[str, float], fs: float, out: NDArray[np.float32]
) -> None:
    """Fill one record, (12, time), with noise."""
    n_samples = out.shape[1]
    parts = []
    spectra = tuple(kind for kind in powers if kind in SPECTRA)
    if spectra:
        share = np.array([powers[kind] for kind in spectra], np.float32)
        parts.append((_coloured(generator, spectra, share, n_samples, fs), float(share.sum())))
    parts += [(_hum(generator, k, n_samples, fs), powers[k]) for k in powers if k in LINES]
    x8 = np.zeros((8, n_samples), np.float32)
    for x, wanted in parts:
        x8 += _scale(x, wanted)
    out[:2], out[6:] = x8[:2], x8[2:]
    one, two = out[:2]
    np.subtract(two, one, out=out[2])
    np.multiply(one + two, np.float32(-0.5), out=out[3])
    np.subtract(one, np.float32(0.5) * two, out=out[4])
    np.subtract(two, np.float32(0.5) * one, out=out[5])


def _coloured(
    generator: np.random.Generator,
    spectra: tuple[str, ...],
    share: NDArray[np.float32],
    n_samples: int,
    fs: float,
) -> NDArray[np.float32]:
    """Eight leads of Gaussian noise with the sum of some spectra: one transform, however many."""
    spread = np.array([SPECTRA[kind].spread for kind in spectra], np.float32)
    gain = np.exp(2 * spread * generator.standard_normal((9, len(spectra)), np.float32))
    n_drawn = scipy.fft.next_fast_len(int(_LONGER * n_samples) + 2, real=True)
    density = _densities(spectra, fs, n_drawn)
    bins = density.shape[1]
    potentials = _coefficients(generator, bins)
    potentials *= np.sqrt((gain * share) @ density)
    leads = LEADS_FROM_ELECTRODES @ potentials
    fourier = np.zeros((8, n_drawn // 2 + 1), np.complex64)
    fourier.real[:, 1 : 1 + bins], fourier.imag[:, 1 : 1 + bins] = leads
    wide = scipy.fft.irfft(fourier, n_drawn)
    return np.asarray(wide[:, :n_samples])


def _coefficients(generator: np.random.Generator, bins: int) -> NDArray[np.float32]:
    """(2, 9, bins) independent numbers of mean 0 and variance 1: real and imaginary parts.

    The slow bins, of which a few may hold all the power, are normal. Thousands of fast bins add up
    to Gaussian noise whatever their law, so those are uniform, which is drawn many times faster.
    """
    out = np.empty((2, 9, bins), np.float32)
    slow = min(bins, _NORMAL_BINS)
    out[..., :slow] = generator.standard_normal((2, 9, slow), np.float32)
    words = generator.integers(0, 2**64, 9 * (bins - slow) // 2 + 9, np.uint64)
    fast = words.view(np.int16)[: 18 * (bins - slow)].reshape(2, 9, -1)
    np.multiply(fast, np.float32(np.sqrt(3) / 2**15), out=out[..., slow:], casting="unsafe")
    return out


def _hum(
    generator: np.random.Generator, kind: str, n_samples: int, fs: float
) -> NDArray[np.float32]:
    """Eight leads of mains hum; zero where the rate is too low for any harmonic."""
    waves = _waves(kind, fs, n_samples)
    turn = np.exp(2j * np.pi * generator.random(len(waves)))
    couple = generator.standard_normal((9, 1)) + 1j * generator.standard_normal((9, 1))
    mixed = LEADS_FROM_ELECTRODES @ (couple * turn)
    weights = np.stack([mixed.real, -mixed.imag], -1).reshape(8, -1).astype(np.float32)
    return np.asarray(weights @ waves.reshape(-1, n_samples))


def _scale(x8: NDArray[np.float32], wanted: float) -> NDArray[np.float32]:
    """Give eight leads, in place, the wanted mean power over all twelve."""
    gram = (x8 @ x8.T).astype(np.float64)
    realised = float((gram * _TWELVE_FROM_EIGHT_POWER).sum()) / (12 * x8.shape[1])
    if realised > 0:
        x8 *= np.float32(np.sqrt(wanted / realised))
    return x8


@functools.lru_cache(maxsize=64)
def _densities(spectra: tuple[str, ...], fs: float, n_drawn: int) -> NDArray[np.float32]:
    """(kinds, bins): share of power in each Fourier bin, from the first bin above zero."""
    log_f = np.log10(np.fft.rfftfreq(n_drawn, 1 / fs)[1:-1])
    rows = []
    for kind in spectra:
        log_hz = np.log10(np.array(SPECTRA[kind].hz))
        density = 10 ** (np.interp(log_f, log_hz, SPECTRA[kind].level) / 10)
        density[(log_f < log_hz[0]) | (log_f > log_hz[-1])] = 0
        rows.append(density / max(density.sum(), np.finfo(float).tiny))
    table = np.array(rows, np.float32)
    return table[:, : int(np.flatnonzero(table.any(0))[-1]) + 1]


@functools.lru_cache(maxsize=16)
def _waves(kind: str, fs: float, n_samples: int) -> NDArray[np.float32]:
    """(harmonics, 2, n_samples): cosine and sine of each harmonic below half the rate."""
    line = LINES[kind]
    t = np.arange(n_samples) / fs
    rows = [
        size * np.stack([np.cos(angle), np.sin(angle)])
        for number, size in enumerate(line.harmonics, 1)
        if number * line.hz < fs / 2
        for angle in [2 * np.pi * number * line.hz * t]
    ]
    return np.array(rows, np.float32).reshape(-1, 2, n_samples)
