"""Pre-training: from unlabelled recordings to a beatformer, in sizes from two cores to a GPU."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import dsp
from dsp import QRSTokenizer, leads
from dsp.checks import Signal
from dsp.tokens.words import Mode
from recon import training
from recon.beatformer.clear import Clear
from recon.beatformer.encoder import Beatformer
from recon.beatformer.heartlang import HeartLang
from recon.beatformer.vocabulary import Vocabulary
from recon.beatformer.words import FS, tensors


@dataclasses.dataclass(frozen=True, slots=True)
class Size:
    """How large a model is and how long it learns.

    Attributes
    ----------
    width, depth, heads : of the transformer.
    codes : of the vocabulary.
    batch : recordings a step.
    steps : of the optimiser; the vocabulary learns for as many.
    rate : highest learning rate.
    """

    width: int
    depth: int
    heads: int
    codes: int
    batch: int
    steps: int
    rate: float


PRESETS: Final[Mapping[str, Size]] = {
    "tiny": Size(width=64, depth=3, heads=2, codes=256, batch=16, steps=600, rate=2e-3),
    "base": Size(width=384, depth=8, heads=6, codes=2048, batch=256, steps=20_000, rate=5e-4),
}
"""Sizes by name: minutes on two cores; an hour on a large GPU."""

Kind = Literal["heartlang", "clear"]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Recordings to learn from, without labels.

    Attributes
    ----------
    x : (n, 8, time) float32 mV, the eight leads at 100 Hz, 0.5-40 Hz, as of `recon.tasks.Cohort`.
    peaks : R peaks of each, samples at 100 Hz.
    """

    x: Signal
    peaks: Sequence[NDArray[np.int64]]

    @classmethod
    def of(cls, x: Signal) -> Corpus:
        """Recordings with the beats that `dsp.r_peaks` finds on all their leads.

        Examples
        --------
        >>> len(Corpus.of(np.zeros((2, 8, 1000), "f4")).peaks)
        2
        """
        return cls(x, list(dsp.r_peaks(x, FS)))


def batches(corpora: Sequence[Corpus], size: int, *, mode: Mode, seed: int) -> training.Batches:
    """Step to sentences of twelve leads; of each recording the corpus is drawn first, so that small ones count.

    Raises
    ------
    LengthError
        If there is no recording.

    Examples
    --------
    >>> corpus = Corpus(np.zeros((5, 8, 1000), "f4"), [np.array([100, 200, 300])] * 5)
    >>> batches([corpus], 2, mode="heartlang", seed=0)(7)["samples"].shape
    torch.Size([2, 256, 96])
    """
    tokenizer = QRSTokenizer(FS, mode=mode)
    full = [corpus for corpus in corpora if len(corpus.x)]
    if not full:
        raise dsp.LengthError("no recordings to learn from; give a corpus that has some.")

    def batch(step: int) -> Mapping[str, Tensor]:
        draw = np.random.default_rng((seed, step))
        chosen = [full[k] for k in draw.integers(len(full), size=size)]
        places = [int(draw.integers(len(corpus.x))) for corpus in chosen]
        pairs = list(zip(chosen, places, strict=True))
        x = leads.twelve(np.stack([corpus.x[i] for corpus, i in pairs]))
        return tensors(tokenizer.encode(x, FS, [corpus.peaks[i] for corpus, i in pairs]))

    return batch


def pretrain(
    kind: Kind,
    corpora: Sequence[Corpus],
    size: Size = PRESETS["tiny"],
    *,
    mode: Mode = "lossless",
    seed: int = 0,
    out: str | Path | None = None,
    device: str | None = None,
) -> Beatformer:
    """Pre-train a beatformer on recordings without labels.

    Parameters
    ----------
    kind : one of `KINDS`.
    corpora : recordings; a step draws from each equally often.
    size : how large, how long.
    mode : how recordings are cut into words.
    seed : of everything random.
    out : folder for checkpoints and logs; a killed run goes on from there.
    device : "cpu", "cuda"; by default whatever there is.

    Returns
    -------
    The model, on the CPU, ready to `embed`.

    Raises
    ------
    ECGError
        If `kind` is not known, or as `recon.training.fit`.

    Examples
    --------
    >>> small = Size(width=16, depth=1, heads=1, codes=8, batch=2, steps=2, rate=1e-3)
    >>> corpus = Corpus(np.ones((4, 8, 1000), "f4"), [np.array([100, 200, 300])] * 4)
    >>> type(pretrain("clear", [corpus], small, device="cpu")).__name__
    'Clear'
    """
    if kind not in KINDS:
        raise dsp.SignalError(f"kind {kind!r} is not one of {', '.join(KINDS)}.")
    home = None if out is None else Path(out)
    feed = batches(corpora, size.batch, mode=mode, seed=seed)

    def learn(model: training.Network, name: str) -> training.Network:
        schedule = training.Schedule(size.steps, rate=size.rate)
        place = None if home is None else home / name
        return training.fit(model, feed, schedule, out=place, seed=seed, device=device)

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return KINDS[kind](size, mode, learn)


Learn = Callable[[Any, str], Any]


def _heartlang(size: Size, mode: Mode, learn: Learn) -> HeartLang:
    """First the vocabulary, then the sentences."""
    model = HeartLang(
        mode=mode, width=size.width, depth=size.depth, heads=size.heads, codes=size.codes
    )
    model.learn(learn(Vocabulary(**model.vocabulary.config), "vocabulary"))
    trained: HeartLang = learn(model, "heartlang")
    return trained


def _clear(size: Size, mode: Mode, learn: Learn) -> Clear:
    model = Clear(mode=mode, width=size.width, depth=size.depth, heads=size.heads)
    trained: Clear = learn(model, "clear")
    return trained


KINDS: Final[Mapping[str, Callable[[Size, Mode, Learn], Beatformer]]] = {
    "heartlang": _heartlang,
    "clear": _clear,
}
"""What can be pre-trained."""
