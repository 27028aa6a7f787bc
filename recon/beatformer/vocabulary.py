"""The vocabulary: a finite list of beat shapes, learned by vector quantisation.

A word's code depends on that word alone, and its shape is redrawn from the code alone, so that the
picture of a code is its whole meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from recon.beatformer.words import shapes

MEMORY: Final = 0.97
"""Decay of the codebook's moving averages."""
DEAD: Final = 0.1
"""A code used less than this share of an even use is dead, and starts anew at some word."""


class Usage(NamedTuple):
    """How a vocabulary is used.

    Attributes
    ----------
    counts : (codes,) words of each code.
    used : codes with any word.
    perplexity : exp of the entropy of `counts`; the number of codes if all are used evenly.

    Examples
    --------
    >>> Usage.of(torch.tensor([4, 4, 0])).perplexity
    2.0
    """

    counts: Tensor
    used: int
    perplexity: float

    @classmethod
    def of(cls, counts: Tensor) -> Usage:
        """That of counts (codes,)."""
        share = counts.double() / counts.sum().clamp(min=1)
        perplexity = float(torch.special.entr(share).sum().exp())
        return cls(counts, int((counts > 0).sum()), round(perplexity, 9))


class Vocabulary(nn.Module):
    """A vector-quantised auto-encoder of the shapes of single words (after HeartLang, arXiv 2502.10707).

    The codebook lies on the unit sphere, follows the words by moving averages, and gives codes that
    fall out of use a new start.

    Parameters
    ----------
    points : samples of a word.
    codes : words the vocabulary has.
    width : of the hidden layers.
    size : of a code.

    Examples
    --------
    >>> vocabulary = Vocabulary(192, codes=8)
    >>> vocabulary.codes(torch.randn(2, 5, 192)).shape, vocabulary.pictures().shape
    (torch.Size([2, 5]), torch.Size([8, 192]))
    """

    book: Tensor
    share: Tensor
    total: Tensor

    def __init__(self, points: int, *, codes: int = 256, width: int = 128, size: int = 32) -> None:
        super().__init__()
        self.config = {"points": points, "codes": codes, "width": width, "size": size}
        self.into = _layers(points, width, size)
        self.spread = nn.BatchNorm1d(size, affine=False)  # else all words lie in one direction
        self.back = _layers(size, width, points)
        self.register_buffer("book", F.normalize(torch.randn(codes, size), dim=-1))
        self.register_buffer("share", torch.zeros(codes))
        self.register_buffer("total", torch.zeros(codes, size))

    def codes(self, samples: Tensor) -> Tensor:
        """(...) int64, the code of each word (..., points)."""
        return self._nearest(self._place(shapes(samples)[0]))

    @torch.no_grad()
    def pictures(self) -> Tensor:
        """(codes, points): the shape that each code stands for."""
        drawn: Tensor = self.back(self.book)
        return drawn

    @torch.no_grad()
    def usage(self, sentences: Iterable[Mapping[str, Tensor]]) -> Usage:
        """How often each code is used in sentences."""
        counts = torch.zeros(len(self.book), dtype=torch.int64)
        for sentence in sentences:
            used = self.codes(sentence["samples"][sentence["present"]])
            counts += torch.bincount(used.cpu(), minlength=len(counts))
        return Usage.of(counts)

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Of words redrawn from their codes; while training, the codebook learns as well."""
        shape, _ = shapes(batch["samples"][batch["present"]])
        z = self._place(shape)
        if self.training:
            self._revive(z.detach())
        code = self._nearest(z)
        near = self.book[code]
        redrawn = F.mse_loss(self.back(z + (near - z).detach()), shape)
        commitment = (1 - (z * near).sum(-1)).mean()
        if self.training:
            self._follow(z.detach(), code)
        counts = torch.bincount(code, minlength=len(self.book))
        return {
            "loss": redrawn + commitment,
            "redrawn": redrawn,
            "perplexity": torch.tensor(Usage.of(counts).perplexity),
        }

    def _place(self, shape: Tensor) -> Tensor:
        z = self.spread(self.into(shape.reshape(-1, shape.shape[-1])))
        return F.normalize(z, dim=-1).view(*shape.shape[:-1], -1)

    @torch.no_grad()
    def _nearest(self, z: Tensor) -> Tensor:
        return (z @ self.book.T).argmax(-1)

    @torch.no_grad()
    def _revive(self, z: Tensor) -> None:
        """Put dead codes on random words. All are dead before the first step."""
        codes = len(self.book)
        dead = (self.share < DEAD / codes)[:, None]
        some = z[torch.randint(len(z), (codes,), device=z.device)]
        self.book.copy_(torch.where(dead, some, self.book))
        self.total.copy_(torch.where(dead, some / codes, self.total))
        self.share.copy_(torch.where(dead[:, 0], 1 / codes, self.share))

    @torch.no_grad()
    def _follow(self, z: Tensor, code: Tensor) -> None:
        """Move each code towards the mean of its words."""
        counts = torch.bincount(code, minlength=len(self.book)) / len(z)
        sums = torch.zeros_like(self.total).index_add_(0, code, z.float()) / len(z)
        self.share.lerp_(counts, 1 - MEMORY)
        self.total.lerp_(sums, 1 - MEMORY)
        self.book.copy_(F.normalize(self.total, dim=-1))


def _layers(inputs: int, width: int, outputs: int) -> nn.Sequential:
    parts: list[Any] = [nn.Linear(inputs, width), nn.GELU(), nn.Linear(width, width), nn.GELU()]
    return nn.Sequential(*parts, nn.Linear(width, outputs))
