"""Losses of alignment: a row each, from two sets of vectors and what is known of their pairs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn import functional

Loss = Literal["siglip", "infonce", "cosine", "mse", "relation"]
Negatives = Literal["all", "far", "risk"]

FAR_SHARE: Final = 0.5
"""Share of the other records, the most distant ones, that count as negatives with ``far``."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pairs:
    """What the losses know of the B x B pairs.

    Attributes
    ----------
    scale, bias : learned; scalars.
    weight : (B, B), what each negative counts; its mean off the diagonal is 1.
    similarity : (B, B), the cosine that a pair should have; NaN where nobody knows.
    """

    scale: Tensor
    bias: Tensor
    weight: Tensor
    similarity: Tensor


def siglip(z: Tensor, target: Tensor, pairs: Pairs) -> Tensor:
    """Each pair alone, right or wrong (Zhai et al. 2023): minus the log sigmoid, over B.

    Examples
    --------
    >>> one = Pairs(torch.tensor(10.0), torch.tensor(-10.0), torch.ones(1, 1), torch.ones(1, 1))
    >>> round(siglip(torch.ones(1, 4), torch.ones(1, 4), one).item(), 4)
    0.6931
    """
    logits = pairs.scale * _cosines(z, target) + pairs.bias
    sign = 2 * torch.eye(len(z), device=z.device) - 1
    weight = pairs.weight.clone().fill_diagonal_(1.0)
    return -(weight * functional.logsigmoid(sign * logits)).sum() / len(z)


def infonce(z: Tensor, target: Tensor, pairs: Pairs) -> Tensor:
    """The own partner among all, both ways; negatives by weight.

    Examples
    --------
    >>> two = Pairs(torch.tensor(0.0), torch.tensor(0.0), torch.ones(2, 2), torch.ones(2, 2))
    >>> round(infonce(torch.eye(2), torch.eye(2), two).item(), 4)
    0.6931
    """
    weight = pairs.weight.clone().fill_diagonal_(1.0)
    logits = pairs.scale * _cosines(z, target) + weight.clamp_min(1e-9).log()
    own = torch.arange(len(z), device=z.device)
    there, back = functional.cross_entropy(logits, own), functional.cross_entropy(logits.T, own)
    return (there + back) / 2


def cosine(z: Tensor, target: Tensor, _pairs: Pairs) -> Tensor:
    """One minus the cosine of each pair; no negatives.

    Examples
    --------
    >>> none = torch.empty(0)
    >>> cosine(torch.eye(2), -torch.eye(2), Pairs(none, none, none, none)).item()
    2.0
    """
    return 1 - functional.cosine_similarity(z, target).mean()


def mse(z: Tensor, target: Tensor, _pairs: Pairs) -> Tensor:
    """Mean squared error; 1 is the mean teacher vector, as teachers have unit variance.

    Examples
    --------
    >>> none = torch.empty(0)
    >>> mse(torch.ones(2, 3), torch.zeros(2, 3), Pairs(none, none, none, none)).item()
    1.0
    """
    return functional.mse_loss(z, target)


def relation(z: Tensor, target: Tensor, pairs: Pairs) -> Tensor:
    """Cosines of different records as alike as their risks are (CLEF, Shu et al. 2025).

    Examples
    --------
    >>> two = Pairs(torch.empty(0), torch.empty(0), torch.ones(2, 2), torch.eye(2))
    >>> relation(torch.eye(2), torch.eye(2), two).item()
    0.0
    """
    known = pairs.similarity.isfinite()
    away = (_cosines(z, target) - pairs.similarity.nan_to_num()).square() * known
    return away.sum() / known.sum().clamp_min(1)


LOSSES: Final[Mapping[str, Callable[[Tensor, Tensor, Pairs], Tensor]]] = {
    "siglip": siglip,
    "infonce": infonce,
    "cosine": cosine,
    "mse": mse,
    "relation": relation,
}
"""Every loss between a student's and a target's vectors, both (B, D)."""


def distances(about: Tensor) -> Tensor:
    """Mean squared difference of what is known of two records.

    Parameters
    ----------
    about : (B, k) standardised, NaN where unknown: simulator parameters, or a risk score.

    Returns
    -------
    (B, B); NaN where nothing is known of both.

    Examples
    --------
    >>> distances(torch.tensor([[0.0, 1.0], [2.0, float("nan")]])).tolist()
    [[0.0, 4.0], [4.0, 0.0]]
    """
    known = about.isfinite().float()
    x = about.nan_to_num()
    both = known @ known.T
    squares = (x.square() @ known.T) + (known @ x.square().T) - 2 * x @ x.T
    return torch.where(both > 0, squares.clamp_min(0) / both.clamp_min(1), torch.nan)


def all_alike(between: Tensor) -> Tensor:
    """Every other record is as good a negative."""
    return torch.ones_like(between)


def far(between: Tensor) -> Tensor:
    """Only the most distant half; where a distance is unknown, as if it were among them."""
    others = ~torch.eye(len(between), dtype=torch.bool, device=between.device)
    filled = between.nan_to_num(torch.inf).masked_fill(~others, -torch.inf)
    kept = max(1, round(FAR_SHARE * (len(between) - 1)))
    order = filled.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    chosen = ((order < kept) | (between.isnan())) & others
    return _of_mean_one(chosen.float())


def by_risk(between: Tensor) -> Tensor:
    """By the softmax of the squared difference of risk; unknown ones like the mean."""
    others = ~torch.eye(len(between), dtype=torch.bool, device=between.device)
    usable = others & between.isfinite()
    logits = between.nan_to_num().masked_fill(~usable, -torch.inf)
    share = logits.softmax(dim=1).nan_to_num() * usable.sum(dim=1, keepdim=True)
    return _of_mean_one(torch.where(usable, share, others.float()))


NEGATIVES: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "all": all_alike,
    "far": far,
    "risk": by_risk,
}
"""What negatives count, (B, B), from the distances of the records."""


def similarity(between: Tensor) -> Tensor:
    """The cosine two records should have: 1 at distance 0, falling to 0 (a Gaussian of distance).

    Examples
    --------
    >>> similarity(torch.tensor([[0.0, 2.0]])).round(decimals=2).tolist()
    [[1.0, 0.3700000047683716]]
    """
    return torch.exp(-between / 2)


def _of_mean_one(weight: Tensor) -> Tensor:
    others = ~torch.eye(len(weight), dtype=torch.bool, device=weight.device)
    return weight * others.sum() / weight[others].sum().clamp_min(1e-9)


def _cosines(z: Tensor, target: Tensor) -> Tensor:
    return functional.normalize(z, dim=1) @ functional.normalize(target, dim=1).T
