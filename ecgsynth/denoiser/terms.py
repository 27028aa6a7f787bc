"""Terms: further losses on the signal estimate, each with gradients into the network.

A term is ``term(estimate, truth, batch, fs) -> (n,)``, estimate and truth (n, 8, time) mV, and is weighted
by how much of the noise is gone. The batch holds ``courses`` (n, 32, time), ``prior`` (n, 8, 32) and
``r_peaks`` (n, beats), int64 samples, -1 where there are no more.
"""

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor

from ecgsynth.physics import Physics

Batch = Mapping[str, Tensor]
Term = Callable[[Tensor, Tensor, Batch, float], Tensor]

BEFORE, AFTER = 0.2, 0.4
"""s around the R peak that make a beat, as SE-Diff cuts it."""


def _physics(estimate: Tensor, truth: Tensor, batch: Batch, _fs: float) -> Tensor:
    """Mean square of what the simulator cannot explain of the estimate, relative to the truth."""
    physics = Physics(batch["courses"], batch["prior"])
    return physics.energy(estimate) / (truth.square().mean((1, 2)) + 1e-4)


def beat(x8: Tensor, r_peaks: Tensor, fs: float) -> Tensor:
    """(n, 8, samples) mV: the mean beat of each signal, what SE-Diff learns to decode from latents.

    Parameters
    ----------
    x8 : (n, 8, time) mV. r_peaks : (n, beats) int64, -1 where there is none.
    fs : Hz.

    Examples
    --------
    >>> beat(torch.ones(1, 8, 500), torch.tensor([[100, 200, -1]]), 100).shape
    torch.Size([1, 8, 60])
    """
    first, last = round(BEFORE * fs), round(AFTER * fs)
    offsets = torch.arange(-first, last, device=x8.device)
    inside = (r_peaks >= first) & (r_peaks < x8.shape[-1] - last)
    index = (r_peaks.clamp_min(0)[..., None] + offsets).clamp(0, x8.shape[-1] - 1)  # (n, B, S)
    flat = index.flatten(1)[:, None].expand(-1, 8, -1)
    cut = x8.gather(2, flat).view(*x8.shape[:2], *index.shape[1:])  # (n, 8, B, S)
    weight = inside.to(x8.dtype)[:, None, :, None]
    mean: Tensor = (cut * weight).sum(2) / weight.sum(2).clamp_min(1.0)
    return mean


def _euler(estimate: Tensor, truth: Tensor, batch: Batch, fs: float) -> Tensor:
    """SE-Diff's residual: difference of the estimate's beat less the simulator's right-hand side.

    The right-hand side is the derivative of the dipole's Gaussians at the sizes that fit the estimate.
    """
    physics = Physics(batch["courses"], batch["prior"])
    simulated = physics.fit(estimate) @ physics.courses
    gap = (beat(estimate, batch["r_peaks"], fs) - beat(simulated, batch["r_peaks"], fs)).diff(
        dim=-1
    )
    size = beat(truth, batch["r_peaks"], fs).diff(dim=-1).square().mean((1, 2))
    return gap.square().mean((1, 2)) / (size + 1e-5)


def _aligned(estimate: Tensor, truth: Tensor, batch: Batch, fs: float) -> Tensor:
    """Mean square error of the mean beat."""
    gap = beat(estimate, batch["r_peaks"], fs) - beat(truth, batch["r_peaks"], fs)
    return gap.square().mean((1, 2)) / (truth.square().mean((1, 2)) + 1e-4)


def _spectral(estimate: Tensor, truth: Tensor, _batch: Batch, _fs: float) -> Tensor:
    """Mean square difference of log-magnitude spectra, over a floor of 1 µV."""
    magnitude = [(torch.fft.rfft(x, norm="ortho").abs() + 1e-3).log() for x in (estimate, truth)]
    gap: Tensor = magnitude[0] - magnitude[1]
    return gap.square().mean((1, 2))


TERMS: Final[Mapping[str, Term]] = {
    "physics": _physics,
    "euler": _euler,
    "aligned": _aligned,
    "spectral": _spectral,
}
"""Name -> term; `Denoiser` takes a weight for each it should use."""
