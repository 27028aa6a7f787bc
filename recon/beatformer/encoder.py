"""Beatformer: what the two beat-token encoders share, from leads and beats to one vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from dsp import leads
from dsp.tokens.words import Mode
from recon.beatformer.words import Sentence, sentences


class Beatformer(nn.Module):
    """A transformer on words that gives each lead a summary; its kinds are `HeartLang` and `Clear`.

    Any leads of the twelve, any number of beats. Words may come in any order: time, lead and
    duration are told to the model, places are not.

    Attributes
    ----------
    mode : how recordings are cut into words, a mode of `dsp.QRSTokenizer`.
    config : the arguments it was built with.

    Examples
    --------
    >>> import numpy as np
    >>> from recon.beatformer import Clear
    >>> model = Clear().eval()
    >>> words = model.read(np.zeros((12, 1000)), 100, peaks=[[100, 200, 300]])
    >>> model.embed(words).shape, model.summaries(words).shape
    (torch.Size([1, 64]), torch.Size([1, 12, 64]))
    """

    mode: Mode
    config: dict[str, Any]

    def read(
        self,
        x: ArrayLike,
        fs: float,
        *,
        leads: Sequence[str] = leads.TWELVE,
        peaks: Sequence[ArrayLike] | None = None,
    ) -> Sentence:
        """Recordings (batch, leads, time) or (leads, time) in mV as this model's words, on its device.

        Parameters and errors are those of `recon.beatformer.sentences`.
        """
        device = next(self.parameters()).device
        words = sentences(x, fs, leads=leads, mode=self.mode, peaks=peaks)
        return {name: value.to(device) for name, value in words.items()}

    def summaries(self, sentence: Sentence) -> Tensor:
        """(B, 12, D): what the model says of each lead; of leads not given, nothing meant to be used."""
        raise NotImplementedError

    @torch.no_grad()
    def embed(self, sentence: Sentence) -> Tensor:
        """(B, D): the mean of the summaries of the leads given; zero without any word."""
        given = leads_given(sentence).unsqueeze(-1)
        return (self.summaries(sentence) * given).sum(1) / given.sum(1).clamp(min=1)


def leads_given(sentence: Sentence) -> Tensor:
    """(B, 12) bool: which leads have words.

    Examples
    --------
    >>> s = {"lead": torch.tensor([[2, 2, 12, 0]]), "present": torch.tensor([[True, True, True, False]])}
    >>> leads_given(s).nonzero()[:, 1].tolist()
    [1, 11]
    """
    return _belongs(sentence).any(1)


def mean_by_lead(x: Tensor, sentence: Sentence) -> Tensor:
    """(B, 12, D): the mean of x (B, W, D) over the words of each lead; zero for leads not given.

    Examples
    --------
    >>> s = {"lead": torch.tensor([[1, 1, 2]]), "present": torch.tensor([[True, True, True]])}
    >>> mean_by_lead(torch.tensor([[[1.0], [3.0], [5.0]]]), s)[0, :3, 0].tolist()
    [2.0, 5.0, 0.0]
    """
    belongs = _belongs(sentence).to(x.dtype)
    return belongs.transpose(1, 2) @ x / belongs.sum(1).clamp(min=1)[..., None]


def _belongs(sentence: Sentence) -> Tensor:
    """(B, W, 12) bool: word w is of lead l."""
    number = F.one_hot(sentence["lead"], len(leads.TWELVE) + 1)[..., 1:].bool()
    return number & sentence["present"][..., None]
