"""Fine-tuning: an encoder and a linear reader learned together."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recon.encoders import ResidualEncoder
from recon.tasks.cohort import FS, Cohort

_RATE = 3e-4
_AT_ONCE = 64


class FineTuning(nn.Module):
    """An encoder with a linear head; the loss is the cross-entropy of the labels that are known.

    Parameters
    ----------
    encoder : copied. labels : how many.

    Examples
    --------
    >>> model = FineTuning(ResidualEncoder.preset("tiny"), 3)
    >>> model(torch.randn(2, 8, 500), torch.eye(8).expand(2, 8, 8)).shape
    torch.Size([2, 3])
    """

    def __init__(self, encoder: ResidualEncoder, labels: int) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder).requires_grad_(True)  # noqa: FBT003
        self.head = nn.Linear(encoder.dim, labels)

    def forward(self, x: Tensor, projector: Tensor) -> Tensor:
        """(B, labels) logits."""
        out: Tensor = self.head(self.encoder(x, projector))
        return out

    def loss(self, batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Of `recon.align.PairBatches`."""
        known = batch["labels"].isfinite()
        logits = self(batch["x"], batch["projector"])[known]
        return {"loss": functional.binary_cross_entropy_with_logits(logits, batch["labels"][known])}


def fine_tune(
    encoder: ResidualEncoder,
    cohort: Cohort,
    leads: tuple[str, ...],
    *,
    steps: int = 300,
    seed: int = 0,
    device: str | None = None,
) -> FineTuning:
    """Learn a cohort's labels from some leads, starting from an encoder.

    Parameters
    ----------
    encoder : unchanged. cohort : to learn from, at least 16 records.
    leads : what is given; () for all twelve.
    steps : of the optimiser.

    Raises
    ------
    LengthError
        If the cohort is too small.

    Examples
    --------
    >>> from recon.tasks import simulated
    >>> model = fine_tune(ResidualEncoder.preset("tiny"), simulated(16), ("I",), steps=1)
    """
    from recon.align.pairs import PairBatches
    from recon.training import Schedule, fit

    model = FineTuning(encoder, cohort.labels.shape[1])
    batches = PairBatches(cohort, min(64, max(16, len(cohort) // 4)), leads=leads, seed=seed)
    schedule = Schedule(steps, rate=_RATE, ema=0.99)
    return fit(model, batches, schedule, seed=seed, device=device)


def scores(model: FineTuning, cohort: Cohort, leads: tuple[str, ...]) -> NDArray[np.float64]:
    """(n, labels) of a fine-tuned model.

    Examples
    --------
    >>> from recon.tasks import simulated
    >>> scores(FineTuning(ResidualEncoder.preset("tiny"), 2), simulated(3), ("I",)).shape
    (3, 2)
    """
    from recon.align.pairs import leads_projector

    onto = torch.from_numpy(leads_projector(leads))
    x = torch.from_numpy(cohort.x[..., : round(10 * FS)])
    with torch.inference_mode():
        found = [model(part, onto.expand(len(part), 8, 8)) for part in torch.split(x, _AT_ONCE)]
    return torch.cat(found).numpy().astype(np.float64)
