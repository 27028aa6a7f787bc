"""Guidance: what bends the signal estimate while sampling; one method a file, one call form.

A predictor is ``predict(noisy, t) -> (n, 8, time) mV``, the signal estimate at time t; a guidance takes
a predictor and returns another. So they combine in any order, with any sampler.
"""

from collections.abc import Callable, Iterable

from torch import Tensor

from ecgsynth.guidance.classifier_free import ClassifierFree
from ecgsynth.guidance.gradient import Gradient
from ecgsynth.guidance.projection import Baseline, Projection
from ecgsynth.guidance.simulator import SCHEDULES, Simulator

Predict = Callable[[Tensor, float], Tensor]
Guidance = Callable[[Predict], Predict]

__all__ = [
    "SCHEDULES",
    "Baseline",
    "ClassifierFree",
    "Gradient",
    "Guidance",
    "Predict",
    "Projection",
    "Simulator",
    "guided",
]


def guided(predict: Predict, by: Iterable[Guidance]) -> Predict:
    """The predictor under several guidances; the last one has the last word.

    Examples
    --------
    >>> import torch
    >>> half = lambda predict: lambda noisy, t: predict(noisy, t) / 2
    >>> guided(lambda noisy, t: noisy, [half, half])(torch.ones(1), 0.5).item()
    0.25
    """
    for guidance in by:
        predict = guidance(predict)
    return predict
