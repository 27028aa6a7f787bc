"""The closed form: each wave is a Gaussian less its exponentially modified Gaussian."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ecgsynth.ecgsyn.request import Run, mix, samples

if TYPE_CHECKING:
    from torch import Tensor


def exact(run: Run) -> Tensor:
    """The solution at the samples, to rounding: z (..., time)."""
    import torch

    at = samples(run)
    b = run.waves.b[..., None]
    rr = run.rr.to(b.dtype)[..., None, :]
    w = 2 * math.pi / rr
    # The low-pass of each wave, from zero at the beginning of each beat: (..., waves, beats).
    at_edge = torch.exp(-((at.d_edge / b) ** 2) / 2)
    smeared_edge = smeared(at.d_edge / w, b / w)
    early = at_edge - smeared_edge
    opposite = (math.pi - at.d_edge) / w
    seam = smeared(rr / 2, b / w) - smeared(-rr / 2, b / w)
    late = early + torch.exp(opposite) * seam
    whole = (b**2 / w) * (smeared_edge - at_edge + torch.exp(-rr) * late)
    carried = _carry(-run.start[..., 2], mix(run.waves.a, whole), rr[..., 0, :])

    b_w = b / at.w
    memory = torch.where(
        at.late,
        torch.take_along_dim(late, at.beat, -1),
        torch.take_along_dim(early, at.beat, -1),
    )
    fading = torch.exp(-at.tau)
    unit = (b * b_w) * (
        torch.exp(-((at.d / b) ** 2) / 2) - smeared(at.d / at.w, b_w) - fading * memory
    )
    left = fading[..., 0, :] * torch.take_along_dim(carried, at.beat[..., 0, :], -1)
    return mix(run.waves.a, unit) - left + _filtered_baseline(run)


def smeared(t: Tensor, sigma: Tensor) -> Tensor:
    """A Gaussian exp(-t^2 / (2 sigma^2)) through the one-pole filter y' + y = u, since always."""
    import torch

    x = (t / sigma - sigma) / math.sqrt(2)
    past = x >= 0
    # erfcx keeps every term bounded, where exp() times erf() would overflow or cancel.
    tail = torch.exp(-((t / sigma) ** 2) / 2) * torch.special.erfcx(torch.where(past, x, -x))
    whole = 2 * torch.exp(torch.where(past, sigma**2 / 2 - t, 0))
    return math.sqrt(math.pi / 2) * sigma * torch.where(past, whole - tail, tail)


def _carry(first: Tensor, whole: Tensor, rr: Tensor) -> Tensor:
    """Value at the beginning of each beat, (..., beats), of what decays as exp(-t) between."""
    import torch

    decay = torch.exp(-rr)
    shape = np.broadcast_shapes(first.shape, whole.shape[:-1], rr.shape[:-1])
    value, values = first.expand(shape), []
    for beat in range(rr.shape[-1]):
        values.append(value)
        value = decay[..., beat] * value + whole[..., beat]
    return torch.stack(values, -1)


def _filtered_baseline(run: Run) -> Tensor:
    """Solution of z' + z = A sin(w t), z(0) = 0."""
    import torch

    w = 2 * math.pi * run.breathing[..., None]
    t = torch.arange(run.n, device=w.device, dtype=torch.float64) / run.fs
    angle = w * t
    wave = torch.sin(angle) - w * torch.cos(angle) + w * torch.exp(-t)
    return run.baseline[..., None] * (wave / (1 + w**2)).to(run.baseline.dtype)
