"""Gradient guidance, diffusion posterior sampling (Chung et al. 2023): any energy, differentiated through the network."""

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

Predict = Callable[[Tensor, float], Tensor]


@dataclasses.dataclass(frozen=True, slots=True)
class Gradient:
    """Estimate = estimate - strength * d sum(sqrt(energy)) / d noisy, in mV.

    Attributes
    ----------
    energy : (n, 8, time) mV -> (n,) mV², differentiable, such as `Physics.energy`.
    strength : mV a step may move at most, as root mean square over the signal.

    Examples
    --------
    >>> bent = Gradient(lambda x: x.square().mean((1, 2)), 0.1)(lambda noisy, t: noisy)
    >>> bent(torch.ones(1, 8, 5), 0.5)[0, 0, 0].item()
    0.8999999761581421
    """

    energy: Callable[[Tensor], Tensor]
    strength: float

    def __call__(self, predict: Predict) -> Predict:
        """The guided predictor."""

        def estimate(noisy: Tensor, t: float) -> Tensor:
            with torch.enable_grad():
                start = noisy.detach().requires_grad_()
                clean = predict(start, t)
                size = (self.energy(clean) + 1e-12).sqrt()
                (slope,) = torch.autograd.grad(size.sum(), start)
            steepness = slope.square().mean((1, 2), keepdim=True).sqrt()
            return clean.detach() - self.strength * slope / (steepness + 1e-12)

        return estimate
