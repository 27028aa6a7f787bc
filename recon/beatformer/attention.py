"""Attention: a pre-norm transformer that is told, for each pair of tokens, who may attend to whom."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name


class Block(nn.Module):
    """Attention and a two-layer network, each on a normalised input and added to it.

    Examples
    --------
    >>> alone = torch.eye(5, dtype=torch.bool)[None]
    >>> Block(16, 2)(torch.randn(1, 5, 16), alone).shape
    torch.Size([1, 5, 16])
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.together = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.then = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor, may_attend: Tensor) -> Tensor:
        """Tokens (B, T, D) after those they may attend to (B, T or 1, T) bool, queries by keys."""
        n, tokens, width = x.shape
        parts = self.together(self.before(x)).view(n, tokens, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (B, heads, T, D / heads)
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=may_attend[:, None])
        x = x + self.out(seen.transpose(1, 2).reshape(n, tokens, width))
        return torch.add(x, self.then(x))


class Transformer(nn.Module):
    """Blocks, and a norm.

    Parameters
    ----------
    width : of a token, a multiple of `heads`.
    depth : blocks.
    heads : of each attention.

    Examples
    --------
    >>> everyone = torch.ones(2, 5, 5, dtype=torch.bool)
    >>> Transformer(16, 2, 4)(torch.randn(2, 5, 16), everyone).shape
    torch.Size([2, 5, 16])
    """

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, may_attend: Tensor) -> Tensor:
        """Tokens (B, T, D) after those they may attend to (B, T or 1, T) bool, queries by keys."""
        for block in self.blocks:
            x = block(x, may_attend)
        out: Tensor = self.norm(x)
        return out
