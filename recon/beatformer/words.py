"""Sentences: the words of recordings as tensors, split into what a word is and where it stands.

What a word is (its samples) may be hidden from a model; where it stands (lead, time, duration) never
is. The two are embedded apart, each word by itself, so that nothing of a hidden word can reach a
visible one before attention, which a mask governs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from dsp import QRSTokenizer, Words, checks, filters, leads
from dsp.tokens.words import Mode

FS: Final = 100.0
"""Hz of the words."""
QUIET_MV: Final = 0.01
"""Below this root mean square a word's shape is not blown up further: it is noise."""
FASTEST_S: Final = 0.25
SLOWEST_S: Final = 40.0
"""Shortest and longest period of the waves that tell the time of a word."""

Sentence = dict[str, Tensor]
"""Words of recordings: samples (B, W, P) mV; present (B, W) bool, False in padding; lead (B, W) 1 to
12, 0 in padding; event (B, W), the same for words of one beat (or one stretch without beat) in all
leads; time (B, W) s of the R peak; before, after (B, W) s held before and from the R peak; beat
(B, W) bool, False in words without R peak."""


def sentences(
    x: ArrayLike,
    fs: float,
    *,
    leads: Sequence[str] = leads.TWELVE,
    mode: Mode = "lossless",
    peaks: Sequence[ArrayLike] | None = None,
) -> Sentence:
    """Recordings, cleaned and cut into words.

    Parameters
    ----------
    x : (batch, leads, time), or (leads, time) for one recording; mV; NaN marks gaps.
    fs : Hz.
    leads : names of the rows; any of the twelve, in any order.
    mode : of `dsp.QRSTokenizer`.
    peaks : R peaks of each recording as samples at `fs`; found on the leads given if not given.

    Returns
    -------
    `Sentence` at 100 Hz, 0.5-40 Hz.

    Raises
    ------
    ECGError
        As `dsp.QRSTokenizer`.

    Examples
    --------
    >>> words = sentences(np.ones((2, 600)), 100, leads=("II", "V1"), peaks=[[90, 190, 290]])
    >>> words["samples"].shape, words["lead"].unique().tolist(), words["event"][0, :5].tolist()
    (torch.Size([1, 10, 192]), [2, 7], [0, 140, 240, 386, 578])
    """
    batch = checks.signal(x)
    batch = batch[None] if batch.ndim == 2 else batch
    tokenizer = QRSTokenizer(FS, mode=mode, leads=leads)
    found = None
    if peaks is not None:
        found = [np.asarray(p, np.float64) * (FS / fs) for p in peaks]
        found = [np.unique(np.rint(p).astype(np.int64)) for p in found]
    y = filters.clean(filters.resample(batch, fs, FS), FS)
    return tensors(tokenizer.encode(y, FS, found))


def tensors(words: Words) -> Sentence:
    """A batch of words as a `Sentence`.

    Examples
    --------
    >>> words = QRSTokenizer(leads="I, V2").encode(np.zeros((3, 2, 640)), 100, [[250, 350]] * 3)
    >>> {name: tuple(value.shape) for name, value in tensors(words).items()}["samples"]
    (3, 10, 192)
    """
    start, before, after = (
        torch.from_numpy(np.asarray(field / words.fs, np.float32))
        for field in (words.start, words.before, words.after)
    )
    return {
        "samples": torch.from_numpy(words.samples),
        "present": torch.from_numpy(words.present),
        "lead": torch.from_numpy(words.lead),
        "event": torch.from_numpy(words.start),
        "time": start + before,
        "before": before,
        "after": after,
        "beat": torch.from_numpy(words.beat > 0),
    }


def take(sentence: Sentence, index: Tensor) -> Sentence:
    """The words at places `index` (B, n) of each recording.

    Examples
    --------
    >>> s = {"lead": torch.tensor([[1, 2, 3]]), "samples": torch.zeros(1, 3, 4)}
    >>> take(s, torch.tensor([[2, 0]]))["lead"], take(s, torch.tensor([[2, 0]]))["samples"].shape
    (tensor([[3, 1]]), torch.Size([1, 2, 4]))
    """
    rows = torch.arange(len(index), device=index.device)[:, None]
    return {name: value[rows, index] for name, value in sentence.items()}


def first(sentence: Sentence, chosen: Tensor) -> Sentence:
    """The chosen words (B, W) of each recording in their order, and padding behind them.

    Examples
    --------
    >>> s = {"present": torch.tensor([[True, True, True]]), "lead": torch.tensor([[1, 2, 3]])}
    >>> first(s, torch.tensor([[False, True, True]]))["lead"]
    tensor([[2, 3]])
    """
    n = max(int(chosen.sum(1).max()), 1)
    order = (~chosen).to(torch.uint8).argsort(dim=1, stable=True)[:, :n]
    part = take({**sentence, "present": chosen}, order)
    padding = ~part["present"]
    return {
        name: value.masked_fill(padding.view(*padding.shape, *[1] * (value.ndim - 2)), 0)
        for name, value in part.items()
    }


def some_leads(sentence: Sentence) -> Sentence:
    """Half of the recordings with all their leads, the others with a random part, one lead at least.

    Draws from torch's generator.

    Examples
    --------
    >>> s = {"present": torch.ones(4, 24, dtype=torch.bool), "lead": torch.arange(24)[None] % 12 + 1}
    >>> s["lead"] = s["lead"].expand(4, -1)
    >>> bool(some_leads(s)["present"].any(1).all())
    True
    """
    lead, present = sentence["lead"], sentence["present"]
    n, device = len(lead), lead.device
    chance = torch.rand(n, 13, device=device).gather(1, lead)
    luckiest = chance.masked_fill(~present, 0).amax(1, keepdim=True)
    bar = torch.rand(n, 1, device=device) * (torch.rand(n, 1, device=device) < 0.5)
    return {**sentence, "present": present & (chance >= bar * luckiest)}


def shapes(samples: Tensor) -> tuple[Tensor, Tensor]:
    """What a word is: its shape (..., P), mean 0 and size 1, and its mean (mV) and log size (..., 2).

    Examples
    --------
    >>> shape, size = shapes(torch.tensor([1.0, 3.0]))
    >>> shape.round(decimals=2).tolist(), size.round(decimals=2).tolist()
    ([-1.0, 1.0], [2.0, 0.0])
    """
    mean = samples.mean(-1, keepdim=True)
    rms = ((samples - mean).square().mean(-1, keepdim=True) + QUIET_MV**2).sqrt()
    return (samples - mean) / rms, torch.cat([mean, rms.log()], -1)


class Place(nn.Module):
    """Embeds where words stand: lead, time and duration.

    Parameters
    ----------
    width : of an embedding, even.

    Examples
    --------
    >>> words = sentences(np.ones((2, 600)), 100, leads=("II", "V1"), peaks=[[90, 190, 290]])
    >>> Place(16)(words).shape
    torch.Size([1, 10, 16])
    """

    waves: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lead = nn.Embedding(len(leads.TWELVE) + 1, width)
        self.span = nn.Linear(3, width)
        periods = torch.logspace(math.log10(FASTEST_S), math.log10(SLOWEST_S), width // 2)
        self.register_buffer("waves", 2 * math.pi / periods, persistent=False)

    def forward(self, sentence: Sentence) -> Tensor:
        """(B, W, D)."""
        angle = sentence["time"][..., None] * self.waves
        span = torch.stack([sentence["before"], sentence["after"], sentence["beat"].float()], -1)
        where = self.lead(sentence["lead"]) + self.span(span)
        return torch.add(where, torch.cat([angle.sin(), angle.cos()], -1))


class Content(nn.Module):
    """Embeds what words are, each by itself: shape and size.

    Parameters
    ----------
    points : samples of a word.
    width : of an embedding.

    Examples
    --------
    >>> Content(192, 16)({"samples": torch.randn(1, 10, 192)}).shape
    torch.Size([1, 10, 16])
    """

    def __init__(self, points: int, width: int) -> None:
        super().__init__()
        self.shape = nn.Linear(points, width)
        self.size = nn.Linear(2, width, bias=False)

    def forward(self, sentence: Sentence) -> Tensor:
        """(B, W, D)."""
        shape, size = shapes(sentence["samples"])
        return torch.add(self.shape(shape), self.size(size))
