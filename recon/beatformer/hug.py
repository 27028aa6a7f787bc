"""HUG: one answer from the summaries of leads, by way of lead groups, their pairs, and all of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from dsp import leads

GROUPS: Final = (leads.LIMB[:3], leads.LIMB[3:], leads.PRECORDIAL)
"""Standard limb leads, augmented limb leads, chest leads."""
SETS: Final = tuple(
    chosen for size in (1, 2, 3) for chosen in itertools.combinations(range(len(GROUPS)), size)
)
"""Each group, each pair of groups, and all: seven experts."""


class _Head(nn.Module):
    """Answers from summaries, learned by binary cross-entropy, one answer a label."""

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Of a batch with summaries (B, 12, D), given (B, 12) bool, labels (B, answers) 0 or 1."""
        answers = self(batch["summaries"], batch["given"])
        return {"loss": F.binary_cross_entropy_with_logits(answers, batch["labels"].float())}


class Hug(_Head):
    """The head of CLEAR-HUG: an expert for each set of lead groups; their outputs side by side.

    Without the non-linearity, as its authors publish it, the head is a linear map of three group
    means, however many parameters it has.

    Parameters
    ----------
    width : of a summary.
    answers : how many.
    linear : leave out the non-linearity of the experts.

    Examples
    --------
    >>> Hug(16, 9)(torch.randn(2, 12, 16), torch.ones(2, 12, dtype=torch.bool)).shape
    torch.Size([2, 9])
    """

    def __init__(self, width: int, answers: int, *, linear: bool = False) -> None:
        super().__init__()
        self.experts = nn.ModuleList([nn.Linear(len(chosen) * width, width) for chosen in SETS])
        self.bend = nn.Identity() if linear else nn.GELU()
        self.out = nn.Linear(len(SETS) * width, answers)

    def forward(self, summaries: Tensor, given: Tensor) -> Tensor:
        """(B, answers) from summaries (B, 12, D) of the leads given (B, 12); absent groups are zero."""
        means = group_means(summaries, given)
        said = [
            self.bend(expert(torch.cat([means[:, g] for g in chosen], -1)))
            for chosen, expert in zip(SETS, self.experts, strict=True)
        ]
        out: Tensor = self.out(torch.cat(said, -1))
        return out


class Pool(_Head):
    """Plain pooling: the mean over leads, then a linear map, or a network with one hidden layer.

    Parameters
    ----------
    width : of a summary.
    answers : how many.
    hidden : width of the hidden layer; 0 for none.

    Examples
    --------
    >>> Pool(16, 9)(torch.randn(2, 12, 16), torch.ones(2, 12, dtype=torch.bool)).shape
    torch.Size([2, 9])
    """

    def __init__(self, width: int, answers: int, *, hidden: int = 0) -> None:
        super().__init__()
        layers: Sequence[nn.Module] = [nn.Linear(width, answers)]
        if hidden:
            layers = [nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, answers)]
        self.out = nn.Sequential(*layers)

    @classmethod
    def as_large_as(cls, head: nn.Module, width: int, answers: int) -> Pool:
        """The one with a hidden layer whose parameters are as many as those of another head."""
        wanted = sum(p.numel() for p in head.parameters())
        return cls(width, answers, hidden=max(1, round((wanted - answers) / (width + answers + 1))))

    def forward(self, summaries: Tensor, given: Tensor) -> Tensor:
        """(B, answers) from summaries (B, 12, D) of the leads given (B, 12)."""
        weight = given[..., None].to(summaries.dtype)
        out: Tensor = self.out((summaries * weight).sum(1) / weight.sum(1).clamp(min=1))
        return out


def group_means(summaries: Tensor, given: Tensor) -> Tensor:
    """(B, 3, D): the mean over the given leads (B, 12) of each group; zero for a group without any.

    Examples
    --------
    >>> given = torch.arange(12)[None] > 8
    >>> group_means(torch.ones(1, 12, 1), given)[0, :, 0].tolist()
    [0.0, 0.0, 1.0]
    """
    member = torch.tensor(
        [[lead in group for lead in leads.TWELVE] for group in GROUPS], device=summaries.device
    )
    weight = (member & given[:, None]).to(summaries.dtype)  # (B, groups, leads)
    return weight @ summaries / weight.sum(-1, keepdim=True).clamp(min=1)
