"""Alignment: a student that sees some leads learns the vectors that a teacher gives to all twelve."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from dsp import SignalError
from recon.align.losses import LOSSES, NEGATIVES, Loss, Negatives, Pairs, distances, similarity
from recon.encoders import ResidualEncoder
from recon.encoders.residual import own_scale

_FASTER: Final = 10.0  # temperature and bias move this much faster than weights


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a student is aligned.

    Parameters
    ----------
    losses : weight of each row of `LOSSES` in the alignment.
    signal : from 0, alignment alone, to 1, reconstruction of the hidden leads alone.
    leads : what the student is given; None for any subset, drawn anew each time.
    negatives : a row of `NEGATIVES`.
    momentum : None keeps the teacher frozen; else it follows the student with this momentum.

    Raises
    ------
    SignalError
        For an unknown loss or negatives, or a number out of its range.

    Examples
    --------
    >>> Recipe(signal=0.5).losses
    {'siglip': 1.0}
    """

    losses: Mapping[Loss, float] = dataclasses.field(default_factory=lambda: {"siglip": 1.0})
    signal: float = 0.0
    leads: tuple[str, ...] | None = None
    negatives: Negatives = "all"
    momentum: float | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.losses if name not in LOSSES]
        if unknown or (not self.losses and self.signal < 1):
            raise SignalError(f"losses {dict(self.losses)}; give some of {' '.join(LOSSES)}.")
        if self.negatives not in NEGATIVES:
            raise SignalError(f"negatives {self.negatives!r}; give one of {' '.join(NEGATIVES)}.")
        if not 0 <= self.signal <= 1 or not 0 <= (self.momentum or 0) < 1:
            raise SignalError(f"signal={self.signal}, momentum={self.momentum}: 0 to 1.")


RECIPES: Final[Mapping[str, Recipe]] = {
    "selfmis": Recipe(leads=("I",)),
    "infonce": Recipe({"infonce": 1.0}, leads=("I",)),
    "cosine": Recipe({"cosine": 1.0}, leads=("I",)),
    "mse": Recipe({"mse": 1.0}, leads=("I",)),
    "far": Recipe(leads=("I",), negatives="far"),
    "clef": Recipe({"infonce": 0.5, "relation": 0.5}, leads=("I",), negatives="risk"),
    "hybrid": Recipe({"siglip": 1.0, "mse": 1.0}, signal=0.3, leads=("I",)),
    "any-subset": Recipe({"siglip": 1.0, "mse": 1.0}, signal=0.3),
}
"""Recipes that have a name: SelfMIS as published, one loss alone, its variants, and ours."""


class Alignment(nn.Module):
    """A student, its teacher, and what the recipe adds.

    The student starts as a copy of the teacher. Where batches have ``target``, (B, d) frozen vectors
    such as of reports (METS), these take the teacher's place.

    Parameters
    ----------
    teacher : an encoder; a copy of it is kept, and not trained.
    recipe : how to align.
    dim : of the targets, if they are not the teacher's.

    Examples
    --------
    >>> from recon.align import PairBatches
    >>> from recon.tasks import simulated
    >>> model = Alignment(ResidualEncoder.preset("tiny"), RECIPES["hybrid"])
    >>> sorted(model.loss(PairBatches(simulated(16), 8, leads=("I",))(0)))
    ['loss', 'mse', 'siglip', 'signal']
    """

    def __init__(self, teacher: ResidualEncoder, recipe: Recipe, dim: int | None = None) -> None:
        super().__init__()
        self.recipe = recipe
        self.teacher = frozen(teacher)
        self.student = copy.deepcopy(teacher).requires_grad_(True)  # noqa: FBT003
        widths = teacher.config["widths"]
        self.decoder = Decoder(widths[-1]) if recipe.signal else None
        self.onto = nn.Linear(teacher.dim, dim) if dim not in (None, teacher.dim) else nn.Identity()
        # SigLIP's own start: t' = log 10, b = -10 (Zhai et al. 2023).
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0) / _FASTER))
        self.bias = nn.Parameter(torch.tensor(-10.0 / _FASTER))

    def loss(self, batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Of `PairBatches`: the sum, and its parts."""
        x, leads = batch["x"], batch["projector"]
        target = self._target(batch)
        features = self.student.features(x, leads)
        z = self.onto(self.student.pooled(features))
        share = self.recipe.signal
        parts: dict[str, Tensor] = {}
        if share < 1:
            pairs = self._pairs(batch["knobs"])
            parts = {name: LOSSES[name](z, target, pairs) for name in self.recipe.losses}
        total = z.new_zeros(())
        for name, weight in self.recipe.losses.items() if share < 1 else ():
            total = total + (1 - share) * weight * parts[name]
        if self.decoder is not None:
            parts["signal"] = self._hidden_error(x, leads, self.decoder(features, x.shape[2]))
            total = total + share * parts["signal"]
        return {"loss": total, **parts}

    def _target(self, batch: Mapping[str, Tensor]) -> Tensor:
        if "target" in batch:
            return batch["target"]
        if self.recipe.momentum is not None and self.training:
            follow(self.teacher, self.student, self.recipe.momentum)
        with torch.no_grad():
            every = torch.eye(8, device=batch["x"].device).expand(len(batch["x"]), 8, 8)
            target: Tensor = self.teacher(batch["x"], every)
            return target

    def _pairs(self, about: Tensor) -> Pairs:
        between = distances(about)
        scale = (_FASTER * self.log_scale).exp().clamp_max(100.0)
        weight = NEGATIVES[self.recipe.negatives](between)
        return Pairs(scale, _FASTER * self.bias, weight, similarity(between))

    def _hidden_error(self, x: Tensor, leads: Tensor, guess: Tensor) -> Tensor:
        """Squared error over power of what the student's leads do not tell; 1 is silence."""
        *_, scale = own_scale(x, leads)
        hidden = torch.eye(8, device=x.device) - leads
        truth = hidden @ (x - x.mean(dim=2, keepdim=True)) / scale
        away = truth - hidden @ guess
        # Loud records do not outweigh the others: amplitudes hidden leads can have are bounded.
        power = truth.square().mean(dim=(1, 2)) + 1e-3
        return (away.square().mean(dim=(1, 2)) / power).mean()


class Decoder(nn.Module):
    """Features of a student back to eight leads, in units of its own leads.

    Examples
    --------
    >>> Decoder(104)(torch.randn(2, 104, 32), 1000).shape
    torch.Size([2, 8, 1000])
    """

    def __init__(self, width: int, inner: int = 48) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, inner, 3, padding=1)
        self.second = nn.Conv1d(inner, inner, 5, padding=2)
        self.third = nn.Conv1d(inner, inner, 5, padding=2)
        self.last = nn.Conv1d(inner, 8, 9, padding=4)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor, n_samples: int) -> Tensor:
        """(B, 8, n_samples) of (B, width, about n_samples / 32)."""
        h = functional.silu(self.first(features))
        for layer, share in ((self.second, 8), (self.third, 2)):
            h = functional.interpolate(h, -(-n_samples // share), mode="linear")
            h = functional.silu(layer(h))
        out: Tensor = self.last(functional.interpolate(h, n_samples, mode="linear"))
        return out


def frozen(encoder: ResidualEncoder) -> ResidualEncoder:
    """A copy that no optimiser changes."""
    return copy.deepcopy(encoder).requires_grad_(False).eval()  # noqa: FBT003


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """Move a teacher's weights towards the student's.

    Examples
    --------
    >>> a, b = nn.Linear(1, 1), nn.Linear(1, 1)
    >>> follow(a, b, 0.0)
    >>> bool(a.weight == b.weight)
    True
    """
    mine: list[Any] = list(teacher.parameters())
    torch._foreach_lerp_(mine, list(student.parameters()), 1 - momentum)
