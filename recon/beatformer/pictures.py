"""Pictures of a vocabulary: what each word looks like, with the beats that go by it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from recon.beatformer.vocabulary import Usage, Vocabulary
from recon.beatformer.words import Sentence, shapes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINE, _BAND = "#7d0a0a", "#e8b4b4"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Each code with the words of some recordings that have it.

    Attributes
    ----------
    picture : (codes, points) the shape a code stands for.
    low, high : (codes, points) the range of the middle 80 % of its words; NaN if it has none.
    usage : how often each code is used.
    """

    picture: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    usage: Usage

    @classmethod
    def of(cls, vocabulary: Vocabulary, sentences: Iterable[Sentence]) -> Atlas:
        """Look up the words of sentences.

        Examples
        --------
        >>> words = {"samples": torch.randn(1, 9, 32), "present": torch.ones(1, 9, dtype=torch.bool)}
        >>> Atlas.of(Vocabulary(32, codes=4), [words]).low.shape
        (4, 32)
        """
        samples = torch.cat([s["samples"][s["present"]] for s in sentences])
        code, shape = vocabulary.codes(samples).numpy(), shapes(samples)[0].numpy()
        n_codes = len(vocabulary.book)
        low = np.full((n_codes, shape.shape[1]), np.nan, np.float32)
        high = low.copy()
        for k in np.unique(code):
            low[k], high[k] = np.quantile(shape[code == k], (0.1, 0.9), axis=0)
        counts = torch.from_numpy(np.bincount(code, minlength=n_codes))
        return cls(vocabulary.pictures().numpy(), low, high, Usage.of(counts))

    def plot(self, n: int = 60, *, columns: int = 10) -> Figure:
        """The `n` codes used most, with their share of all words; the R peak is in the middle.

        Examples
        --------
        >>> words = {"samples": torch.randn(1, 9, 32), "present": torch.ones(1, 9, dtype=torch.bool)}
        >>> len(Atlas.of(Vocabulary(32, codes=4), [words]).plot().axes)
        4
        """
        from matplotlib.figure import Figure

        counts = self.usage.counts.numpy()
        order = np.argsort(-counts, kind="stable")[:n]
        rows = -(-len(order) // columns)
        figure = Figure(figsize=(1.15 * columns, 1.05 * rows), layout="constrained")
        grid: Any = figure.subplots(rows, columns, squeeze=False)
        time = np.arange(self.picture.shape[1])
        for ax, k in zip(grid.flat, order, strict=False):
            ax.axvline(time.size / 2, color="#dddddd", linewidth=0.7)
            ax.fill_between(time, self.low[k], self.high[k], color=_BAND, linewidth=0)
            ax.plot(time, self.picture[k], color=_LINE, linewidth=0.9)
            ax.set_title(f"{100 * counts[k] / counts.sum():.1f} %", fontsize=6, pad=1)
            ax.set(xticks=[], yticks=[], xlim=(0, time.size - 1))
            ax.spines[:].set_visible(False)
        for ax in grid.flat[len(order) :]:
            ax.remove()
        return figure
