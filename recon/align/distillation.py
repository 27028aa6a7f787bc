"""Distillation: one student, one teacher for missing leads and one for noise, turn by turn (TolerantECG)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from recon.align.alignment import follow
from recon.encoders import ResidualEncoder

MOMENTUM: Final = 0.996
WARM: Final = 0.1
COLD: Final = 0.07
CENTRE: Final = 0.9
"""Temperatures of student and teacher, and momentum of the centre, as TolerantECG has them."""


class _Prototypes(nn.Module):
    """An encoder and its similarity to learned directions."""

    def __init__(self, encoder: ResidualEncoder, n: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.mix = nn.Sequential(nn.Linear(encoder.dim, encoder.dim), nn.SiLU())
        self.directions = nn.Linear(encoder.dim, n, bias=False)

    def forward(self, x: Tensor, leads: Tensor) -> Tensor:
        z = functional.normalize(self.mix(self.encoder(x, leads)), dim=1)
        directions = functional.normalize(self.directions.weight, dim=1)
        return z @ directions.T


class Distillation(nn.Module):
    """A student that gives degraded records the distribution its teachers give to whole ones.

    In even steps leads are missing, in odd ones there is noise; each kind has its own teacher, a
    moving average of the student, that sees twelve clean leads. Teachers are centred and sharpened
    so that not all records become one (Caron et al. 2021).

    Parameters
    ----------
    encoder : where student and teachers start; it becomes the student.
    prototypes : directions that records are compared with.

    Examples
    --------
    >>> from recon.align import PairBatches
    >>> from recon.tasks import simulated
    >>> model = Distillation(ResidualEncoder.preset("tiny"))
    >>> sorted(model.loss(PairBatches(simulated(16), 8, noisy=True)(1)))
    ['loss', 'spread']
    """

    centres: Tensor

    def __init__(self, encoder: ResidualEncoder, prototypes: int = 256) -> None:
        super().__init__()
        self.student = _Prototypes(encoder, prototypes)
        self.teachers = nn.ModuleList()
        for _ in range(2):
            teacher = _Prototypes(copy.deepcopy(encoder), prototypes)
            teacher.load_state_dict(self.student.state_dict())
            self.teachers.append(teacher.requires_grad_(False))  # noqa: FBT003
        self.register_buffer("centres", torch.zeros(2, prototypes))

    def loss(self, batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Of `PairBatches` with ``noisy``: the cross-entropy, and how far the teacher spreads, in nats."""
        turn = int(batch["turn"][0])
        every = torch.eye(8, device=batch["x"].device).expand(len(batch["x"]), 8, 8)
        seen, leads = (batch["noisy"], every) if turn else (batch["x"], batch["projector"])
        teacher = self.teachers[turn]
        if self.training:
            follow(teacher, self.student, MOMENTUM)
        with torch.no_grad():
            raw = teacher(batch["x"], every)
            wanted = ((raw - self.centres[turn]) / COLD).softmax(dim=1)
            if self.training:
                self.centres[turn] = CENTRE * self.centres[turn] + (1 - CENTRE) * raw.mean(dim=0)
        said = (self.student(seen, leads) / WARM).log_softmax(dim=1)
        mean = wanted.mean(dim=0)
        return {
            "loss": -(wanted * said).sum(dim=1).mean(),
            "spread": -(mean * mean.clamp_min(1e-12).log()).sum(),
        }
