"""Pairs: batches of records beside their own leads, a pure function of the step."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dsp import LengthError, leads
from recon.encoders import projector
from recon.tasks.cohort import FS, Cohort

USUAL: Final = (("I",), ("II",), ("I", "II"), ("I", "II", "V2"))
"""Lead sets that devices have; two in five of the random subsets are one of them."""
LENGTHS_S: Final = (4.0, 6.0, 8.0)
"""Seconds that a batch's crops last."""
MIXING, LOG_GAIN, STRETCH = 0.05, 0.2, 0.15
"""Random electrode places (each lead plus that share of the others), gain, and speed of the heart."""
WHITE_MV: Final = 0.01
_BANK: Final = 256  # noise records drawn once


@dataclasses.dataclass(frozen=True, eq=False)
class PairBatches:
    """Batches for training, half real and half simulated where there are both.

    Called with a step it gives ``x`` (B, 8, time), the eight leads; ``projector`` (B, 8, 8), onto
    the leads that the student is given; ``labels``, ``knobs`` as in the cohort, NaN if unknown; and
    what the fields below add. Records are cropped and gently changed, teacher's and student's view
    alike; a stretched record is a real one, whose parameters nobody knows.

    Attributes
    ----------
    cohort : what to draw from; the signals must last 8 s stretched, which 10 s are.
    size : B.
    leads : what students are given; None draws a subset anew for each record, () gives all twelve.
    seed : of everything.
    other : add ``other``, a second crop of each record.
    noisy : add ``noisy``, `x` with ambulatory noise of 0-15 dB.
    targets : (n, d) frozen vectors to align to, such as of reports, by record; added as ``target``.

    Raises
    ------
    LengthError
        If the cohort is smaller than a batch, or `targets` are not one a record.
    LeadError
        If a lead is not one of the twelve.

    Examples
    --------
    >>> from recon.tasks import simulated
    >>> batch = PairBatches(simulated(16), 8, leads=("I",))(0)
    >>> batch["x"].shape[:2], int(batch["projector"][0].trace())
    (torch.Size([8, 8]), 1)
    """

    cohort: Cohort
    size: int = 64
    leads: Sequence[str] | None = None
    seed: int = 0
    other: bool = False
    noisy: bool = False
    targets: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if len(self.cohort) < self.size:
            raise LengthError(f"{len(self.cohort)} records for batches of {self.size}.")
        if self.targets is not None and len(self.targets) != len(self.cohort):
            raise LengthError(f"{len(self.targets)} targets for {len(self.cohort)} records.")
        longest = round(max(LENGTHS_S) * FS * (1 + STRETCH))
        if self.cohort.x.shape[-1] < longest:
            raise LengthError(
                f"records of {self.cohort.x.shape[-1]} samples; {longest} are needed."
            )
        if self.leads:
            projector(self.leads)

    def __call__(self, step: int) -> Mapping[str, Tensor]:
        """The batch of a step."""
        generator = np.random.default_rng([self.seed, step])
        rows = self._rows(generator)
        wide = round(float(generator.choice(LENGTHS_S)) * FS)
        batch = {
            "x": self._view(rows, wide, generator),
            "projector": torch.from_numpy(self._projectors(len(rows), generator)),
            "labels": torch.from_numpy(self.cohort.labels[rows]),
            "knobs": torch.from_numpy(self.cohort.knobs[rows]),
            "turn": torch.full((len(rows),), step % 2),
        }
        if self.other:
            batch["other"] = self._view(rows, wide, generator)
        if self.noisy:
            batch["noisy"] = batch["x"] + self._noise(batch["x"], generator)
        if self.targets is not None:
            batch["target"] = torch.from_numpy(self.targets[rows])
        return batch

    @functools.cached_property
    def _pools(self) -> list[NDArray[np.int64]]:
        real = np.isnan(self.cohort.knobs).all(axis=1)
        return [pool for pool in (np.flatnonzero(real), np.flatnonzero(~real)) if pool.size]

    def _rows(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Different records, real ones first."""
        share = np.array_split(np.arange(self.size), len(self._pools))
        wanted = [min(len(part), len(pool)) for part, pool in zip(share, self._pools, strict=True)]
        wanted[-1] = self.size - sum(wanted[:-1])
        if wanted[-1] > len(self._pools[-1]):
            wanted[0], wanted[-1] = self.size - len(self._pools[-1]), len(self._pools[-1])
        drawn = (
            generator.choice(pool, n, replace=False)
            for pool, n in zip(self._pools, wanted, strict=True)
        )
        return np.concatenate(list(drawn))

    def _view(self, rows: NDArray[np.int64], wide: int, generator: np.random.Generator) -> Tensor:
        """(B, 8, wide): a crop, real records stretched, leads mixed, gain and white noise changed."""
        real = np.isnan(self.cohort.knobs[rows]).all(axis=1)
        speed = 1 + STRETCH * generator.uniform(-1, 1)
        parts = []
        for group, width in ((rows[real], round(wide * speed)), (rows[~real], wide)):
            if not group.size:
                continue
            starts = generator.integers(0, self.cohort.x.shape[-1] - width + 1, len(group))
            cut = [
                self.cohort.x[row, :, s : s + width] for row, s in zip(group, starts, strict=True)
            ]
            x = torch.from_numpy(np.stack(cut))
            parts.append(x if width == wide else functional.interpolate(x, wide, mode="linear"))
        order = np.argsort(np.argsort(~real, kind="stable"), kind="stable")
        x = torch.cat(parts)[torch.from_numpy(order)]
        mixing = np.eye(8) + MIXING * generator.normal(size=(len(rows), 8, 8))
        mixing *= np.exp(LOG_GAIN * generator.normal(size=(len(rows), 1, 1)))
        white = generator.standard_normal(x.shape, np.float32) * np.float32(WHITE_MV)
        white *= generator.random((len(rows), 1, 1), np.float32)
        return torch.from_numpy(mixing.astype(np.float32)) @ x + torch.from_numpy(white)

    def _projectors(self, n: int, generator: np.random.Generator) -> NDArray[np.float32]:
        if self.leads is None:
            return np.stack([leads_projector(_subset(generator)) for _ in range(n)])
        return np.repeat(leads_projector(tuple(self.leads))[None], n, axis=0)

    @functools.cached_property
    def _bank(self) -> NDArray[np.float32]:
        """(256, 8, time) ambulatory noise of mean square 1."""
        from dsp.filters import clean
        from ecgsynth import noise

        silence = np.zeros((_BANK, 12, self.cohort.x.shape[-1]), np.float32)
        silence[..., :] = np.sin(
            np.arange(silence.shape[-1]) / 3
        )  # a ratio needs something to be of
        twelve = noise.add(silence, FS, 0.0, seed=self.seed) - silence
        x = clean(twelve[:, [leads.TWELVE.index(lead) for lead in leads.EIGHT]], FS)
        return np.asarray(x / np.sqrt((x**2).mean(axis=(1, 2), keepdims=True)))

    def _noise(self, x: Tensor, generator: np.random.Generator) -> Tensor:
        wide = x.shape[-1]
        start = int(generator.integers(0, self._bank.shape[-1] - wide + 1))
        drawn = self._bank[generator.integers(0, _BANK, len(x)), :, start : start + wide]
        ratio = 10 ** (-generator.uniform(0, 15, (len(x), 1, 1)) / 20)
        size = x.square().mean(dim=(1, 2), keepdim=True).sqrt()
        return torch.from_numpy(drawn * ratio.astype(np.float32)) * size


@functools.lru_cache(maxsize=4096)
def leads_projector(given: tuple[str, ...]) -> NDArray[np.float32]:
    """`recon.encoders.projector`, remembered; () stands for all twelve leads.

    Examples
    --------
    >>> float(leads_projector(()).trace())
    8.0
    """
    return projector(given) if given else np.eye(8, dtype=np.float32)


def _subset(generator: np.random.Generator) -> tuple[str, ...]:
    """A set that devices have, or one to seven of the twelve leads."""
    if generator.random() < 0.4:
        return USUAL[int(generator.integers(len(USUAL)))]
    chosen = generator.choice(len(leads.TWELVE), int(generator.integers(1, 8)), replace=False)
    return tuple(leads.TWELVE[k] for k in sorted(chosen))


def unlabelled(cohort: Cohort, names: Sequence[str]) -> Cohort:
    """The same records, of which none of the labels `names` is known: what real records teach with.

    Examples
    --------
    >>> from recon.tasks import simulated
    >>> bool(np.isnan(unlabelled(simulated(2), ["AMI"]).labels).all())
    True
    """
    labels = np.full((len(cohort), len(names)), np.nan, np.float32)
    return dataclasses.replace(cohort, labels=labels, names=tuple(names))
