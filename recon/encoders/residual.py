"""ResidualEncoder: a compact residual network over time, told which leads it sees; no batch statistics."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Preset = Literal["tiny", "base", "large"]

PRESETS: Final[Mapping[str, dict[str, Any]]] = {
    "tiny": {"widths": (24, 48, 72, 104), "blocks": 1, "dim": 128},
    "base": {"widths": (64, 96, 144, 208), "blocks": 2, "dim": 128},
    "large": {"widths": (96, 144, 240, 368), "blocks": 3, "dim": 256},
}
"""Arguments of `ResidualEncoder` by name: about 0.3, 2 and 8 million parameters."""
LEAST_MV: Final = 1e-4
"""Quieter records are not made as loud as others."""
LARGEST: Final = 12.0
"""Multiples of a record's own root mean square; beyond lies artefact."""
_KNOWN: Final = 10
_KERNEL: Final = 5


def own_scale(x: Tensor, projector: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A record in units of its own leads, and what the network is told of them.

    Parameters
    ----------
    x : (B, 8, time) mV. projector : (B, 8, 8), onto what the leads given tell.

    Returns
    -------
    (B, 8, time), of mean square 1 over the leads given; (B, 10): the projector's diagonal, its
    entry that couples I and II, and the logarithm of the scale; and the scale (B, 1, 1) itself, mV.
    Nothing of other leads enters.

    Examples
    --------
    >>> x, known, _ = own_scale(torch.randn(2, 8, 500), torch.eye(8).expand(2, 8, 8))
    >>> round(x.square().mean().item(), 3), known.shape
    (1.0, torch.Size([2, 10]))
    """
    seen = projector @ x
    seen = seen - seen.mean(dim=2, keepdim=True)
    diagonal = projector.diagonal(dim1=1, dim2=2)
    power = seen.square().mean(dim=2).sum(dim=1) / diagonal.sum(dim=1)
    scale = power.sqrt().clamp_min(LEAST_MV)[:, None, None]
    size = (scale[:, :, 0].log10() + 1).clamp(-2, 2)  # 0.1 mV is usual
    known = torch.cat([diagonal, projector[:, :1, 1], size], dim=1)
    return (seen / scale).clamp(-LARGEST, LARGEST), known, scale


class ResidualEncoder(nn.Module):
    """Eight leads, as far as they are known, to a vector.

    A stem down to 25 Hz, residual stages, mean and standard deviation over time. Normalisation is by
    groups within a record, so that a record gives the same alone and in a batch; any length goes.

    Parameters
    ----------
    widths : channels of the stages, each at half the rate of the one before: 25, 12.5 ... Hz.
    blocks : residual blocks a stage.
    dim : of the embedding.

    Examples
    --------
    >>> net = ResidualEncoder.preset("tiny")
    >>> net(torch.randn(2, 8, 1000), torch.eye(8).expand(2, 8, 8)).shape
    torch.Size([2, 128])
    """

    offset: Tensor
    gain: Tensor

    def __init__(self, widths: tuple[int, ...], blocks: int, dim: int) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"widths": list(widths), "blocks": blocks, "dim": dim}
        self.dim = dim
        self.stem = nn.Conv1d(8, widths[0], 21, stride=4, padding=10)
        self.known = nn.Linear(_KNOWN, widths[0])
        stages: list[nn.Module] = [_Block(widths[0]) for _ in range(blocks)]
        for before, after in itertools.pairwise(widths):
            stages.append(_Down(before, after))
            stages += [_Block(after) for _ in range(blocks)]
        self.stages = nn.Sequential(*stages)
        self.last = nn.GroupNorm(8, widths[-1])
        self.head = nn.Linear(2 * widths[-1], dim)
        # Place and size of the embedding are conventions; they are set once after training.
        self.register_buffer("offset", torch.zeros(dim))
        self.register_buffer("gain", torch.ones(()))

    @classmethod
    def preset(cls, name: Preset) -> ResidualEncoder:
        """An untrained network of a size that has a name.

        Examples
        --------
        >>> sum(p.numel() for p in ResidualEncoder.preset("tiny").parameters()) < 400_000
        True
        """
        return cls(**PRESETS[name])

    def features(self, x: Tensor, projector: Tensor) -> Tensor:
        """The last stage, (B, widths[-1], about time / 32), of x (B, 8, time) mV.

        Examples
        --------
        >>> net = ResidualEncoder.preset("tiny")
        >>> net.features(torch.randn(1, 8, 640), torch.eye(8)[None]).shape
        torch.Size([1, 104, 20])
        """
        seen, known, _ = own_scale(x, projector)
        h = self.stem(seen) + self.known(known)[:, :, None]
        out: Tensor = functional.silu(self.last(self.stages(h)))
        return out

    def pooled(self, features: Tensor) -> Tensor:
        """(B, dim) of `features`."""
        mean = features.mean(dim=2)
        spread = (features.var(dim=2, unbiased=False) + 1e-5).sqrt()
        z: Tensor = self.head(torch.cat([mean, spread], dim=1))
        return (z - self.offset) * self.gain

    def forward(self, x: Tensor, projector: Tensor) -> Tensor:
        """(B, dim) of x (B, 8, time) mV at 100 Hz, of which only ``projector @ x`` is used."""
        return self.pooled(self.features(x, projector))

    @torch.no_grad()
    def standardise(self, z: Tensor) -> None:
        """Make embeddings `z` (n, dim), as they come out now, of mean 0 and mean variance 1.

        Examples
        --------
        >>> net = ResidualEncoder.preset("tiny")
        >>> x, every = torch.randn(9, 8, 300), torch.eye(8).expand(9, 8, 8)
        >>> net.standardise(net(x, every))
        >>> round(net(x, every).var(dim=0, unbiased=False).mean().item(), 3)
        1.0
        """
        self.offset += z.mean(dim=0) / self.gain
        self.gain *= z.var(dim=0, unbiased=False).mean().clamp_min(1e-12).rsqrt()

    @torch.no_grad()
    def match(self, z: Tensor, target: Tensor) -> None:
        """Move and stretch embeddings `z` (n, dim), as they come out now, onto `target` (n, dim).

        One factor and one shift, by least squares: what losses of angles alone leave open.

        Examples
        --------
        >>> net = ResidualEncoder.preset("tiny")
        >>> x, every = torch.randn(9, 8, 300), torch.eye(8).expand(9, 8, 8)
        >>> net.match(net(x, every), 3 * net(x, every) + 1)
        >>> round(net.gain.item(), 2)
        3.0
        """
        own, mean = z - z.mean(dim=0), target.mean(dim=0)
        factor = (own * (target - mean)).sum() / own.square().sum().clamp_min(1e-12)
        factor = factor.clamp_min(1e-3)  # never turned round, whatever it learned
        self.offset += (z.mean(dim=0) - mean / factor) / self.gain
        self.gain *= factor


class _Down(nn.Module):
    """Half the rate, another width; the signal itself passes beside the filter."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, before)
        self.conv = nn.Conv1d(before, after, _KERNEL, stride=2, padding=_KERNEL // 2)
        self.skip = nn.Conv1d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        short = functional.avg_pool1d(x, 2, ceil_mode=True, count_include_pad=False)
        return self.conv(functional.silu(self.norm(x))) + self.skip(short)  # type: ignore[no-any-return]


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.GroupNorm(8, width) for _ in range(2)])
        self.convs = nn.ModuleList(
            [nn.Conv1d(width, width, _KERNEL, padding=_KERNEL // 2) for _ in range(2)]
        )
        nn.init.zeros_(self.norms[1].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            h = conv(functional.silu(norm(h)))
        return x + h
