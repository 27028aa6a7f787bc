"""The reference: the same right-hand side, integrated step by step by torchdiffeq."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from ecgsynth.ecgsyn.request import Run, wrap

if TYPE_CHECKING:
    from torch import Tensor

_TOLERANCE: Final = (1e-9, 1e-11)  # relative, absolute


def ode(run: Run) -> Tensor:
    """The solution z (..., time) by dopri5, restarted where the angular speed jumps."""
    import torch
    import torchdiffeq

    double = torch.float64
    theta, a, b = (value.to(double) for value in run.waves)
    baseline, breathing = run.baseline.to(double), run.breathing.to(double)
    ends = run.rr.cumsum(-1)
    shape = np.broadcast_shapes(
        run.rr.shape[:-1], *(p.shape[:-1] for p in run.waves), baseline.shape, breathing.shape,
        run.start.shape[:-1],
    )  # fmt: skip

    def slope(t: Tensor, state: Tensor) -> Tensor:
        x, y, z = state.unbind(-1)
        passed = (ends.detach() <= t).sum(-1, keepdim=True).clamp(max=ends.shape[-1] - 1)
        w = 2 * math.pi / torch.take_along_dim(run.rr, passed, -1)[..., 0]
        pull = 1 - torch.hypot(x, y)
        d = wrap(torch.atan2(y, x)[..., None] - theta)
        push = (a * d * torch.exp(-((d / b) ** 2) / 2)).sum(-1)
        drift = baseline * torch.sin(2 * math.pi * breathing * t) - z
        return torch.stack([pull * x - w * y, pull * y + w * x, drift - push], -1)

    t = torch.arange(run.n, device=ends.device, dtype=double) / run.fs
    jumps = torch.unique(ends.detach())
    jumps = jumps[(jumps > 0) & (jumps < t[-1])]
    relative, absolute = _TOLERANCE
    states = torchdiffeq.odeint(
        slope,
        run.start.to(double).expand(*shape, 3),
        t,
        method="dopri5",
        rtol=relative,
        atol=absolute,
        options={"jump_t": jumps},
    )
    z: Tensor = states[..., 2].movedim(0, -1)
    return z.to(run.waves.a.dtype)
