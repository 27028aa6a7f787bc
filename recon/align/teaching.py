"""Teaching: how a twelve-lead teacher is made, from simulated patients who are known and real ones who are not."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from recon.align.losses import Pairs, infonce
from recon.encoders import ResidualEncoder

TEMPERATURE = 0.1
LABELS, KNOBS, VIEWS = 1.0, 0.5, 0.25
"""What statements, parameters and the two crops count for."""


class Teaching(nn.Module):
    """An encoder that must tell diagnoses, parameters, and one record from another.

    Statements and parameters are known for simulated patients only; that two crops are of one
    record (InfoNCE) is known for real ones as well, and keeps the encoder in touch with what
    simulators leave out. With batches of random lead sets it makes the lead-dropout encoder, whose
    two crops have different leads.

    Parameters
    ----------
    encoder : to be taught.
    labels, knobs : how many of each the batches have.

    Examples
    --------
    >>> from recon.align import PairBatches
    >>> from recon.tasks import simulated
    >>> cohort = simulated(16)
    >>> model = Teaching(ResidualEncoder.preset("tiny"), cohort.labels.shape[1], cohort.knobs.shape[1])
    >>> sorted(model.loss(PairBatches(cohort, 8, leads=(), other=True)(0)))
    ['knobs', 'labels', 'loss', 'views']
    """

    def __init__(self, encoder: ResidualEncoder, labels: int, knobs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.labels = nn.Linear(encoder.dim, labels)
        self.knobs = nn.Linear(encoder.dim, knobs)
        self.views = nn.Sequential(
            nn.Linear(encoder.dim, encoder.dim), nn.SiLU(), nn.Linear(encoder.dim, 64)
        )

    def loss(self, batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Of `PairBatches` with ``other``: the sum, and its parts."""
        x = torch.cat([batch["x"], batch["other"]])
        # The other crop has its neighbour's leads: other ones where leads are dropped.
        leads = torch.cat([batch["projector"], batch["projector"].roll(1, dims=0)])
        z = self.encoder(x, leads)
        labels, knobs = (batch[name].repeat(2, 1) for name in ("labels", "knobs"))
        parts = {
            "labels": functional.binary_cross_entropy_with_logits(
                *_known(self.labels(z), labels), reduction="sum"
            )
            / labels.isfinite().any(dim=1).sum().clamp_min(1),
            "knobs": functional.mse_loss(*_known(self.knobs(z), knobs)),
            "views": self._views(z),
        }
        total = LABELS * parts["labels"] + KNOBS * parts["knobs"] + VIEWS * parts["views"]
        return {"loss": total, **parts}

    def _views(self, z: Tensor) -> Tensor:
        one, other = self.views(z).chunk(2)
        every = torch.ones(len(one), len(one), device=z.device)
        scale = z.new_tensor(1 / TEMPERATURE)
        return infonce(one, other, Pairs(scale, scale, every, every))


def _known(said: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Both where the truth is known; one zero of each if it is nowhere."""
    known = truth.isfinite()
    if not known.any():
        return said.sum()[None] * 0, truth.new_zeros(1)
    return said[known], truth[known]
