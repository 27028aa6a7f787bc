"""HeartLang: learn to name, from the other words, the words of a sentence that are hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from dsp import QRSTokenizer
from dsp.tokens.words import Mode
from recon.beatformer.attention import Transformer
from recon.beatformer.encoder import Beatformer, mean_by_lead
from recon.beatformer.masks import everyone
from recon.beatformer.vocabulary import Vocabulary
from recon.beatformer.words import FS, Content, Place, Sentence, some_leads

HIDE: Final = 0.5
"""Share of the words that are hidden in pre-training."""


class HeartLang(Beatformer):
    """Masked-sentence modelling over a beat vocabulary (after Jin et al. 2025, arXiv 2502.10707).

    Unlike the published code: a word is embedded by itself, not mixed with its neighbours before it
    is hidden; padding is seen by no word and costs nothing in the loss; codes depend on the word
    alone, in training and afterwards; words have no place number but the time of their R peak.

    Parameters
    ----------
    mode : how recordings are cut into words, a mode of `dsp.QRSTokenizer`.
    width, depth, heads : of the transformer.
    codes : size of the vocabulary.

    Examples
    --------
    >>> import numpy as np
    >>> model = HeartLang(codes=16)
    >>> words = model.read(np.zeros((12, 1000)), 100, peaks=[[100, 200, 300]])
    >>> sorted(model.loss(words))
    ['accuracy', 'loss']
    """

    def __init__(
        self,
        *,
        mode: Mode = "lossless",
        width: int = 64,
        depth: int = 3,
        heads: int = 2,
        codes: int = 256,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.config = {
            "mode": mode, "width": width, "depth": depth, "heads": heads, "codes": codes,
        }  # fmt: skip
        points = QRSTokenizer(FS, mode=mode).points
        # It names words and learns nothing here: a word's code must not depend on its batch.
        vocabulary = Vocabulary(points, codes=codes).requires_grad_(requires_grad=False)
        self.vocabulary = vocabulary.eval()
        self.content, self.place = Content(points, width), Place(width)
        self.unknown = nn.Parameter(torch.randn(width) * 0.02)
        self.trunk = Transformer(width, depth, heads)
        self.name = nn.Linear(width, codes)

    def learn(self, vocabulary: Vocabulary) -> HeartLang:
        """Take over a trained vocabulary, for good."""
        self.vocabulary.load_state_dict(vocabulary.state_dict())
        return self

    def train(self, mode: bool = True) -> HeartLang:  # noqa: FBT001, FBT002 - the form of torch
        """As of every module; the vocabulary stays as it is."""
        super().train(mode)
        self.vocabulary.eval()
        return self

    def encode(self, sentence: Sentence, hidden: Tensor | None = None) -> Tensor:
        """(B, W, D): each word in its context; of hidden words (B, W) the samples are not used."""
        content = self.content(sentence)
        if hidden is not None:
            content = torch.where(hidden[..., None], self.unknown, content)
        x: Tensor = self.trunk(content + self.place(sentence), everyone(sentence["present"]))
        return x

    def summaries(self, sentence: Sentence) -> Tensor:
        """(B, 12, D): the mean of each lead's words."""
        return mean_by_lead(self.encode(sentence), sentence)

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Cross-entropy of the codes of hidden words."""
        sentence = some_leads(dict(batch))
        present = sentence["present"]
        hidden = present & (torch.rand(present.shape, device=present.device) < HIDE)
        guess = self.name(self.encode(sentence, hidden)[hidden])
        code = self.vocabulary.codes(sentence["samples"][hidden])
        n = max(len(code), 1)
        return {
            "loss": F.cross_entropy(guess, code, reduction="sum") / n,
            "accuracy": (guess.argmax(-1) == code).sum() / n,
        }
