"""Muon: momentum whose matrices are made orthogonal, so that no direction of a layer is learned last.

After K. Jordan et al., "Muon: an optimizer for hidden layers" (2024), with the step of Liu et al.
(arXiv 2502.16982): as large, root mean square, as one of AdamW, so that both share a learning rate.
`torch.optim.Muon` works in bfloat16, fifteen times slower on a CPU without it, and on matrices only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn

ITERATIONS: Final = 5
COEFFICIENTS: Final = (3.4445, -4.7750, 2.0315)
"""Of the quintic that takes singular values from (0, 1] to about 1; Jordan's."""
RMS: Final = 0.2
"""Of a step of AdamW, in learning rates."""
ENDS: Final = frozenset({"stem", "head"})
"""Layers that are not hidden, by name."""


class Muon(torch.optim.Optimizer):
    """For the weights of hidden layers; a convolution's kernel is one matrix, (out, in * taps).

    Parameters
    ----------
    parameters : of two dimensions or more.
    lr : learning rate, of the size that suits AdamW.
    decay : of weights, decoupled.
    momentum : Nesterov's.

    Examples
    --------
    >>> layer = nn.Linear(3, 2, bias=False)
    >>> before = layer.weight.detach().clone()
    >>> layer.weight.grad = torch.tensor([[5.0, 0, 0], [0, 0.1, 0]])
    >>> Muon([layer.weight], lr=1.0, decay=0.0).step()
    >>> step = (before - layer.weight.detach())[:, :2]
    >>> bool(step[1, 1] > 0.5 * step[0, 0])  # of singular values 5 and 0.1
    True
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float,
        decay: float,
        momentum: float = 0.95,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "decay": decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group)

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["mean"] = torch.zeros_like(weight)
        mean = state["mean"].lerp_(gradient, 1 - group["momentum"])
        along = orthogonal(gradient.lerp(mean, group["momentum"]).flatten(1))
        weight.mul_(1 - group["lr"] * group["decay"])
        weight.add_(along.view_as(weight), alpha=-group["lr"] * RMS * max(along.shape) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """About the nearest matrix with orthonormal rows, or columns, by Newton and Schulz's iteration.

    Parameters
    ----------
    matrix : (m, n).

    Examples
    --------
    >>> torch.linalg.svdvals(orthogonal(torch.diag(torch.tensor([9.0, 1.0, 0.5])))).round().tolist()
    [1.0, 1.0, 1.0]
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm() + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def is_hidden(name: str, parameter: Tensor) -> bool:
    """Whether a parameter of a model is the weight of a hidden layer.

    Examples
    --------
    >>> [is_hidden(name, torch.zeros(2, 2)) for name in ("trunk.inner.weight", "trunk.head.weight")]
    [True, False]
    """
    layers = name.split(".")[:-1]
    return parameter.ndim > 1 and bool(layers) and ENDS.isdisjoint(layers)
