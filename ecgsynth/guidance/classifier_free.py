"""Classifier-free guidance (Ho and Salimans 2022): away from the estimate that knows no condition."""

import dataclasses
from collections.abc import Callable

from torch import Tensor

Predict = Callable[[Tensor, float], Tensor]


@dataclasses.dataclass(frozen=True, slots=True)
class ClassifierFree:
    """Estimate = unconditional + scale * (conditional - unconditional).

    Attributes
    ----------
    unconditional : predictor that was told less.
    scale : 1 changes nothing, more follows the conditions more closely.

    Examples
    --------
    >>> import torch
    >>> zero = lambda noisy, t: 0 * noisy
    >>> ClassifierFree(zero, 2.0)(lambda noisy, t: noisy)(torch.ones(1), 0.5).item()
    2.0
    """

    unconditional: Predict
    scale: float

    def __call__(self, predict: Predict) -> Predict:
        """The guided predictor."""

        def estimate(noisy: Tensor, t: float) -> Tensor:
            without = self.unconditional(noisy, t)
            return without + self.scale * (predict(noisy, t) - without)

        return estimate
