"""Objectives: what is mixed with noise how, and what the network is to say of it; a row of functions each.

All are one linear law. At time t from 0 (signal) to 1 (noise)

    noisy = a * signal + b * noise,        target = p * signal + q * noise,

so that the signal estimate is ``(q * noisy - b * output) / (a * q - b * p)``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import torch
from torch import Tensor

SPREAD: Final = 1.0
"""Standard deviation of the signals that laws are made for; EDM's sigma_data."""
SIGMA_LEAST, SIGMA_MOST, RHO = 0.002, 80.0, 7.0
"""Karras et al. 2022, table 1."""
_OFFSET: Final = 0.008  # of the cosine schedule, Nichol and Dhariwal 2021


class Law(NamedTuple):
    """The coefficients at some times; `scale` is put on the noisy signal before the network sees it."""

    a: Tensor
    b: Tensor
    p: Tensor
    q: Tensor
    scale: Tensor

    def clean(self, noisy: Tensor, output: Tensor) -> Tensor:
        """The signal estimate that an output stands for.

        Examples
        --------
        >>> law = OBJECTIVES["flow"].law(torch.tensor([0.25]))
        >>> law.clean(torch.tensor([1.0]), torch.tensor([2.0])).item()
        0.5
        """
        return (self.q * noisy - self.b * output) / (self.a * self.q - self.b * self.p)

    def linear(self, spread: Tensor | float = SPREAD) -> tuple[Tensor, Tensor]:
        """Factor on the noisy signal of the best linear guess of the target, and what it leaves.

        For independent signals of standard deviation `spread` and noise of 1. A network that only
        has to learn the rest, in units of the standard deviation left, learns sooner.

        Examples
        --------
        >>> [part.item() for part in OBJECTIVES["flow"].law(torch.tensor([1.0])).linear()]
        [1.0, 1.0]
        """
        power = torch.as_tensor(spread, dtype=self.a.dtype, device=self.a.device) ** 2
        total = self.a**2 * power + self.b**2
        factor = (self.p * self.a * power + self.q * self.b) / total
        left = (self.p * self.b - self.q * self.a).abs() * (power / total).sqrt()
        return factor, left

    def output(self, noisy: Tensor, clean: Tensor) -> Tensor:
        """The output that stands for a signal estimate; the inverse of `clean`.

        Examples
        --------
        >>> law = OBJECTIVES["flow"].law(torch.tensor([0.25]))
        >>> law.output(torch.tensor([1.0]), torch.tensor([0.5])).item()
        2.0
        """
        return (self.q * noisy - (self.a * self.q - self.b * self.p) * clean) / self.b


@dataclasses.dataclass(frozen=True, slots=True)
class Objective:
    """One way to teach a network.

    Attributes
    ----------
    law : t -> `Law`, each coefficient of the shape of t.
    draw : uniform u in (0, 1) -> t, how often each time is trained on.
    timestep : t -> what a diffusers scheduler calls it. time : and back.
    """

    law: Callable[[Tensor], Law]
    draw: Callable[[Tensor], Tensor]
    timestep: Callable[[Tensor], Tensor]
    time: Callable[[Tensor], Tensor]


def _flow(t: Tensor) -> Law:
    one = torch.ones_like(t)
    return Law(1 - t, t, -one, one, one)


def _v(t: Tensor) -> Law:
    angle = (t + _OFFSET) / (1 + _OFFSET) * math.pi / 2
    a = (angle.cos() / math.cos(_OFFSET / (1 + _OFFSET) * math.pi / 2)).clamp(1e-4, 1 - 1e-6)
    b = (1 - a * a).sqrt()
    return Law(a, b, -b, a, torch.ones_like(t))


def _sigma(t: Tensor) -> Tensor:
    low, high = SIGMA_LEAST ** (1 / RHO), SIGMA_MOST ** (1 / RHO)
    sigma: Tensor = (low + t * (high - low)) ** RHO
    return sigma


def _t_of(sigma: Tensor) -> Tensor:
    low, high = SIGMA_LEAST ** (1 / RHO), SIGMA_MOST ** (1 / RHO)
    t: Tensor = ((sigma ** (1 / RHO) - low) / (high - low)).clamp(0.0, 1.0)
    return t


def _edm(t: Tensor) -> Law:
    sigma = _sigma(t)
    size = (sigma**2 + SPREAD**2).sqrt()
    skip, out = SPREAD**2 / size**2, sigma * SPREAD / size
    return Law(torch.ones_like(t), sigma, (1 - skip) / out, -skip * sigma / out, 1 / size)


def _normal(u: Tensor) -> Tensor:
    z: Tensor = torch.special.ndtri(u.clamp(1e-4, 1 - 1e-4))
    return z


OBJECTIVES: Final[Mapping[str, Objective]] = {
    "flow": Objective(
        _flow, lambda u: torch.sigmoid(_normal(u)), lambda t: 1000 * t, lambda s: s / 1000
    ),
    "v": Objective(_v, lambda u: u, lambda t: 1000 * t - 1, lambda s: (s + 1) / 1000),
    "edm": Objective(
        _edm,
        lambda u: _t_of(2 * SPREAD * (1.2 * _normal(u) - 1.2).exp()),
        lambda t: _sigma(t).log() / 4,
        lambda s: _t_of((4 * s).exp()),
    ),
}
"""Rectified flow (logit-normal times, Esser et al. 2024), v-prediction with the cosine schedule
(Salimans and Ho 2022), and EDM's preconditioned signal (Karras et al. 2022)."""
