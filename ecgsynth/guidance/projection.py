"""Projection: linear facts hold in every estimate, so that they hold to rounding in the result."""

import dataclasses
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ecgsynth.given import Given

Predict = Callable[[Tensor, float], Tensor]


@dataclasses.dataclass(frozen=True, slots=True)
class Projection:
    """Estimate = the nearest signal in which the given leads are as given.

    Any of the twelve leads may be given; what two limb leads say of the other four holds with them.

    Attributes
    ----------
    given : what is known, mV.

    Examples
    --------
    >>> import numpy as np
    >>> facts = Given(np.ones((1, 3), np.float32), ("V1",))
    >>> Projection(facts)(lambda noisy, t: noisy)(torch.zeros(1, 8, 3), 0.5)[0, 2].tolist()
    [1.0, 1.0, 1.0]
    """

    given: Given

    def __call__(self, predict: Predict) -> Predict:
        """The guided predictor."""

        def estimate(noisy: Tensor, t: float) -> Tensor:
            clean = predict(noisy, t)
            held = clean.clone()
            for p in self.given.patterns:
                at = torch.from_numpy(p.samples).to(clean.device)
                known = self.given.values[np.ix_(p.rows, p.samples)]
                matrix, inverse, wanted = (
                    torch.from_numpy(m).to(clean) for m in (p.matrix, p.inverse, known)
                )
                part = clean[..., at]
                held[..., at] = part + inverse @ (wanted - matrix @ part)
            return held

        return estimate


@dataclasses.dataclass(frozen=True, slots=True)
class Baseline:
    """Estimate = estimate less its mean over time, lead by lead: no offset.

    Examples
    --------
    >>> Baseline()(lambda noisy, t: noisy)(torch.ones(1, 8, 3), 0.5).abs().max().item()
    0.0
    """

    def __call__(self, predict: Predict) -> Predict:
        """The guided predictor."""

        def estimate(noisy: Tensor, t: float) -> Tensor:
            clean = predict(noisy, t)
            return clean - clean.mean(-1, keepdim=True)

        return estimate
