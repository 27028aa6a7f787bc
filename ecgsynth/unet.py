"""UNet1d, the one convolutional trunk: it knows neither leads nor noise schedules.

Every level has a time step and a kernel in milliseconds, so that the same network is built for any
sampling rate: only the first and the last layer depend on it. A block is

    x + gate * conv(silu(conv(silu(scale * norm(x) + shift))))

with scale, shift and gate from the modulation vector; every gate and the head start at zero, so that
a new network is the zero function.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from dsp import RateError, SignalError

GROUPS = 8
"""Of every group norm: statistics of one record only, so that a batch changes nothing."""


class UNet1d(nn.Module):
    """A 1-D U-Net of residual blocks, with attention and a modulation vector.

    Parameters
    ----------
    inputs, outputs : channels.
    fs : Hz of the signal.
    levels : (width, step, kernel) of each: channels, a multiple of 8; the time between samples, ms,
        a multiple of the one before; the extent of the convolutions, ms.
    depth : blocks a level, on the way down and on the way up.
    attention : levels, from the coarsest, that attend across time (and to the context).
    modulation : size of the modulation vector; 0 for none.
    context : size of a context token; 0 for none.

    Raises
    ------
    RateError
        If a time step is no whole number of samples at `fs`, or of the step before.
    SignalError
        If a width is no multiple of 8.

    Examples
    --------
    >>> net = UNet1d(8, 8, fs=100)
    >>> x = torch.randn(2, 8, 999)
    >>> net(x).shape, bool((net(x) == 0).all())
    (torch.Size([2, 8, 999]), True)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        fs: float,
        levels: Sequence[tuple[int, float, float]] = (
            (48, 20, 140),
            (96, 80, 400),
            (192, 320, 960),
        ),
        depth: int = 2,
        attention: int = 1,
        modulation: int = 0,
        context: int = 0,
    ) -> None:
        super().__init__()
        widths = [width for width, _, _ in levels]
        if any(width % GROUPS for width in widths):
            raise SignalError(f"widths {widths}: each must be a multiple of {GROUPS}.")
        strides = _strides(fs, [step for _, step, _ in levels])
        kernels = [2 * round(kernel / step / 2 - 0.5) + 1 for _, step, kernel in levels]
        self.first, self.total = strides[0], math.prod(strides)
        self.stem = nn.Conv1d(inputs, widths[0], 2 * self.first + 1, self.first, self.first)
        self.head = nn.Conv1d(widths[0], outputs * self.first, 3, padding=1)
        for part in self.head.parameters():
            nn.init.zeros_(part)

        def blocks(k: int) -> nn.ModuleList:
            attends = k >= len(widths) - attention
            each = (
                Block(widths[k], kernels[k], modulation, context, attends=attends)
                for _ in range(depth)
            )
            return nn.ModuleList(each)

        self.down = nn.ModuleList(map(blocks, range(len(widths))))
        self.up = nn.ModuleList(map(blocks, range(len(widths) - 1)))
        pairs = list(zip(widths[:-1], widths[1:], strides[1:], strict=True))
        self.coarser = nn.ModuleList(nn.Conv1d(a, b, s, s) for a, b, s in pairs)
        self.finer = nn.ModuleList(nn.Conv1d(b, a * s, 1) for a, b, s in pairs)

    def forward(
        self,
        x: Tensor,
        modulation: Tensor | None = None,
        context: Tensor | None = None,
        context_mask: Tensor | None = None,
    ) -> Tensor:
        """Run the network.

        Parameters
        ----------
        x : (batch, inputs, time), of any length.
        modulation : (batch, modulation).
        context : (batch, n, context), tokens to attend to.
        context_mask : (batch, n) bool, True where a token may be attended to.

        Returns
        -------
        (batch, outputs, time).
        """
        length = x.shape[-1]
        # Written so that an exporter sees a multiple: all levels fit, whatever the length.
        whole = (length + self.total - 1) // self.total * self.total
        h = self.stem(F.pad(x, (0, whole - length)))
        skips = []
        for k, blocks in enumerate(self.down):
            if k:
                skips.append(h)
                h = self.coarser[k - 1](h)
            h = _run(blocks, h, modulation, context, context_mask)
        for k in reversed(range(len(self.up))):
            h = skips[k] + _unfold(self.finer[k](h), skips[k].shape[1])
            h = _run(self.up[k], h, modulation, context, context_mask)
        y = self.head(F.silu(h))
        return _unfold(y, y.shape[1] // self.first)[..., :length]


class Block(nn.Module):
    """Two convolutions and, where asked, attention across time; each behind a gate that starts at 0.

    Parameters
    ----------
    width, kernel : channels; samples.
    modulation, context : sizes, as of `UNet1d`.
    attends : whether the block attends across time, and to the context.

    Examples
    --------
    >>> Block(16, 5, 0, 0, attends=True)(torch.ones(1, 16, 50), None, None, None).shape
    torch.Size([1, 16, 50])
    """

    def __init__(
        self, width: int, kernel: int, modulation: int, context: int, *, attends: bool
    ) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width, affine=False)
        self.inner = nn.Conv1d(width, width, kernel, padding=kernel // 2)
        self.outer = nn.Conv1d(width, width, kernel, padding=kernel // 2)
        self.constant = nn.Parameter(torch.zeros(3 * width))
        self.modulate = nn.Linear(modulation, 3 * width, bias=False) if modulation else None
        if self.modulate is not None:
            # Scale and shift may differ from the start; the gate opens by training only.
            nn.init.zeros_(self.modulate.weight[2 * width :])
        self.across = Attention(width, width) if attends else None
        self.to_context = Attention(width, context) if attends and context else None

    def forward(
        self,
        x: Tensor,
        modulation: Tensor | None,
        context: Tensor | None,
        context_mask: Tensor | None,
    ) -> Tensor:
        """(batch, width, time) to the same shape."""
        told = self.constant
        if self.modulate is not None:
            if modulation is None:
                raise SignalError("this network needs its modulation vector.")
            told = told + self.modulate(modulation)
        scale, shift, gate = told.unsqueeze(-1).chunk(3, dim=-2)
        h = F.silu(torch.addcmul(shift, self.norm(x), 1 + scale))
        x = x + gate * self.outer(F.silu(self.inner(h)))
        if self.across is not None:
            x = self.across(x, x.transpose(1, 2), None)
        if self.to_context is not None and context is not None:
            x = self.to_context(x, context, context_mask)
        return x


class Attention(nn.Module):
    """Multi-head attention of a signal to tokens, behind a gate that starts at zero.

    Parameters
    ----------
    width : channels of the signal.
    tokens : size of a token.
    heads : at most; each has at least 16 channels.

    Examples
    --------
    >>> Attention(32, 5)(torch.ones(1, 32, 10), torch.ones(1, 3, 5), None).shape
    torch.Size([1, 32, 10])
    """

    def __init__(self, width: int, tokens: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = next(
            h for h in range(min(heads, max(1, width // 16)), 0, -1) if width % h == 0
        )
        self.norm, self.token_norm = nn.LayerNorm(width), nn.LayerNorm(tokens)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(tokens, 2 * width)
        self.out = nn.Linear(width, width)
        self.gate = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, width, time), (batch, n, tokens), (batch, n) True = may be seen."""
        q = self._split(self.query(self.norm(x.transpose(1, 2))))
        k, v = map(self._split, self.key_value(self.token_norm(tokens)).chunk(2, dim=-1))
        seen = None if mask is None else mask[:, None, None, :]
        h = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        h = self.out(h.transpose(1, 2).flatten(2))
        if mask is not None:  # nothing to see is nothing learned, not a mean of nothing
            h = torch.where(mask.any(dim=1)[:, None, None], h, h.new_zeros(()))
        return x + (self.gate * h).transpose(1, 2)

    def _split(self, h: Tensor) -> Tensor:
        """(B, T, W) to (B, heads, T, W / heads)."""
        return h.reshape(*h.shape[:2], self.heads, -1).transpose(1, 2)


def _unfold(h: Tensor, channels: int) -> Tensor:
    """(B, channels * s, T) to (B, channels, T * s): each sample becomes s."""
    h = h.reshape(h.shape[0], channels, -1, h.shape[-1])  # (B, C, s, T)
    return h.transpose(2, 3).flatten(2)


def _run(blocks: nn.Module, h: Tensor, *told: Tensor | None) -> Tensor:
    """One block after the other."""
    for block in blocks.children():
        h = block(h, *told)
    return h


def _strides(fs: float, steps_ms: Sequence[float]) -> list[int]:
    """Samples of each level's step, in steps of the level before."""
    found = []
    before = 1000 / fs
    for step in steps_ms:
        ratio = step / before
        if ratio < 1 or abs(ratio - round(ratio)) > 1e-6:
            raise RateError(
                f"a step of {step:g} ms is {ratio:g} of the {before:g} ms before it; "
                "it must be a whole number of them."
            )
        found.append(round(ratio))
        before = step
    return found
