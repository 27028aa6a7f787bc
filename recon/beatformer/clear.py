"""CLEAR: redraw hidden beats from the same beat in other leads and from a summary of their own lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from dsp import QRSTokenizer, leads
from dsp.tokens.words import Mode
from recon.beatformer.attention import Transformer
from recon.beatformer.encoder import Beatformer
from recon.beatformer.masks import HIDDEN, PADDING, SEEN, SUMMARY, conduction
from recon.beatformer.words import FS, Content, Place, Sentence, first, shapes, some_leads

HIDE: Final = 0.8
"""Share of the words that are hidden in pre-training."""


class Clear(Beatformer):
    """A masked auto-encoder of beats with sparse attention (after Pan et al. 2026, arXiv 2512.24002).

    The encoder is given the visible words only. Unlike the published code, the mask is boolean and
    built from what each token is, so it holds for any leads in any order; each recording has its own
    hidden words; and nothing is random outside of training.

    Parameters
    ----------
    mode : how recordings are cut into words, a mode of `dsp.QRSTokenizer`.
    width, depth, heads : of the encoder; the decoder has half the width.
    decoder_depth : blocks of the decoder.

    Examples
    --------
    >>> import numpy as np
    >>> model = Clear()
    >>> words = model.read(np.zeros((12, 1000)), 100, peaks=[[100, 200, 300]])
    >>> model.loss(words)["loss"].shape
    torch.Size([])
    """

    def __init__(
        self,
        *,
        mode: Mode = "lossless",
        width: int = 64,
        depth: int = 3,
        heads: int = 2,
        decoder_depth: int = 2,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.config = {
            "mode": mode, "width": width, "depth": depth, "heads": heads,
            "decoder_depth": decoder_depth,
        }  # fmt: skip
        points, half = QRSTokenizer(FS, mode=mode).points, width // 2
        n_leads = len(leads.TWELVE)
        self.content, self.place = Content(points, width), Place(width)
        self.views = nn.Parameter(torch.randn(n_leads, width) * 0.02)
        self.trunk = Transformer(width, depth, heads)
        self.narrow = nn.Linear(width, half)
        self.sought, self.unknown = Place(half), nn.Parameter(torch.randn(half) * 0.02)
        self.decoder = Transformer(half, decoder_depth, heads)
        self.draw = nn.Linear(half, points)

    def encode(self, sentence: Sentence) -> tuple[Tensor, Tensor]:
        """The summary of each of the twelve leads (B, 12, D), and each word in its context (B, W, D)."""
        words = self.content(sentence) + self.place(sentence)
        x = torch.cat([self.views.expand(len(words), -1, -1), words], 1)
        x = self.trunk(x, conduction(*_tokens(sentence)))
        return x[:, : len(self.views)], x[:, len(self.views) :]

    def summaries(self, sentence: Sentence) -> Tensor:
        """(B, 12, D): the token that stands for each lead."""
        return self.encode(sentence)[0]

    def redraw(self, sentence: Sentence, hidden: Tensor) -> Tensor:
        """The shape (B, H, points) of the hidden words (B, W), in their order, padded.

        Their samples are not used: the encoder is given the others, the decoder where these stand.
        """
        seen, sought = first(sentence, sentence["present"] & ~hidden), first(sentence, hidden)
        summaries, words = self.encode(seen)
        n_known = summaries.shape[1] + words.shape[1]
        known = self.narrow(torch.cat([summaries, words], 1))
        query = self.unknown + self.sought(sought)
        x = self.decoder(torch.cat([known, query], 1), conduction(*_tokens(seen, sought)))
        drawn: Tensor = self.draw(x[:, n_known:])
        return drawn

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Mean square error of the shapes of hidden words."""
        sentence = some_leads(dict(batch))
        present = sentence["present"]
        hidden = present & (torch.rand(present.shape, device=present.device) < HIDE)
        sought = first(sentence, hidden)
        shape, _ = shapes(sought["samples"])
        error = F.mse_loss(self.redraw(sentence, hidden), shape, reduction="none").mean(-1)
        return {"loss": (error * sought["present"]).sum() / sought["present"].sum().clamp(min=1)}


def _tokens(seen: Sentence, sought: Sentence | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Kind, lead and event (B, T) of twelve summaries, the words seen, and those sought."""
    n, device = len(seen["lead"]), seen["lead"].device
    numbers = torch.arange(1, len(leads.TWELVE) + 1, device=device).expand(n, -1)
    kind, lead = [torch.full_like(numbers, SUMMARY)], [numbers]
    event = [torch.zeros_like(numbers)]
    for words, what in ((seen, SEEN), (sought, HIDDEN)):
        if words is not None:
            kind.append(torch.where(words["present"], what, PADDING))
            lead.append(words["lead"])
            event.append(words["event"])
    return torch.cat(kind, 1), torch.cat(lead, 1), torch.cat(event, 1)
