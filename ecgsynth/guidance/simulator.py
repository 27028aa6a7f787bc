"""Simulator guidance: the estimate is drawn to the exact simulator that fits it best.

The energy is half the squared distance of the estimate to its own fit (`ecgsynth.physics`), so its
gradient is the residual, and a step against it is exact: nothing passes through the network.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

from torch import Tensor

from ecgsynth.physics import Physics

Predict = Callable[[Tensor, float], Tensor]

SCHEDULES: Final[Mapping[str, Callable[[float], float]]] = {
    "constant": lambda _t: 1.0,
    "early": lambda t: t,
    "late": lambda t: 1.0 - t,
}
"""Factor on the strength at time t, 1 noise to 0 signal: ``early`` leaves the last word, which is
texture, to the network."""


@dataclasses.dataclass(frozen=True, slots=True)
class Simulator:
    """Estimate = estimate - strength * schedule(t) * residual.

    Attributes
    ----------
    physics : the simulator around the patients; its `tightness` says whether sizes are the
        patients' own (large) or fitted to the estimate (small).
    strength : 0 changes nothing, 1 removes the residual.
    schedule : a key of `SCHEDULES`.

    Examples
    --------
    >>> import torch
    >>> space = Physics(torch.ones(1, 1, 4), torch.zeros(1, 8, 1), 0.0)
    >>> x = torch.arange(4.0).expand(1, 8, 4)
    >>> Simulator(space, 1.0, "constant")(lambda noisy, t: noisy)(x, 0.5)[0, 0].tolist()
    [1.5, 1.5, 1.5, 1.5]
    """

    physics: Physics
    strength: float
    schedule: str = "early"

    def __call__(self, predict: Predict) -> Predict:
        """The guided predictor."""

        def estimate(noisy: Tensor, t: float) -> Tensor:
            clean = predict(noisy, t)
            weight = min(max(self.strength * SCHEDULES[self.schedule](t), 0.0), 1.0)
            return clean - weight * self.physics.residual(clean)

        return estimate
