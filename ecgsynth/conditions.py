"""Conditions: everything the denoiser is told besides the noisy signal; each part may be missing."""

from __future__ import annotations

import dataclasses
import itertools
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from dsp import LengthError, SignalError
from ecgsynth.statements import VOCABULARY, canonical

NUMBERS: Final[Mapping[str, tuple[float, float]]] = {
    "heart_rate": (75.0, 22.0),
    "sdnn": (0.04, 0.06),
    "pr": (0.16, 0.04),
    "p_duration": (0.11, 0.02),
    "qrs": (0.10, 0.025),
    "qt": (0.39, 0.05),
    "axis_cos": (0.0, 1.0),
    "axis_sin": (0.0, 1.0),
    "age": (58.0, 18.0),
    "male": (0.5, 0.5),
    "trust": (0.5, 0.35),
    "real": (0.5, 0.5),
}
"""Numbers a network is told, with the centre and spread it sees them by: bpm; s; the frontal axis of
the QRS as cosine and sine; years; 1 male, 0 female; how far the sketch is to be trusted, 0 to 1; and
whether a real recording is wanted (1) or a simulated one (0)."""
TEXT_SIZE: Final = 64
TOKEN_SIZE: Final = 64
"""Of the further tokens, where nothing else is said."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """What a batch of n signals is conditioned on.

    Attributes
    ----------
    sketch : (n, 8, time) mV, where the bridge starts: a simulated or a roughly reconstructed signal;
        zero where there is none.
    given : (n, 8, time) mV, leads that are known; zero where they are not.
    mask : (n, 8, time), 1 where `given` is known.
    phase : (n, 2, time), cosine and sine of the cardiac phase (0 at the R peak); zero if unknown.
    statements : (n, S), 1 for each statement of `VOCABULARY` that holds; all zero if unknown.
    numbers : (n, K), the values of `NUMBERS`; NaN where unknown.
    text : (n, E), an embedding; NaN where there is none.
    tokens : (n, k, C), further tokens to attend to, such as retrieved patients; k may be 0.
    """

    sketch: Tensor
    given: Tensor
    mask: Tensor
    phase: Tensor
    statements: Tensor
    numbers: Tensor
    text: Tensor
    tokens: Tensor

    @classmethod
    def nothing(cls, n: int, n_samples: int, *, text: int = TEXT_SIZE, tokens: int = 1) -> Self:
        """N signals of which nothing is known.

        Examples
        --------
        >>> Conditions.nothing(2, 1000).sketch.shape
        torch.Size([2, 8, 1000])
        """
        eight = torch.zeros(n, 8, n_samples)
        return cls(
            eight, eight, eight, torch.zeros(n, 2, n_samples), torch.zeros(n, len(VOCABULARY)),
            torch.full((n, len(NUMBERS)), torch.nan), torch.full((n, text), torch.nan),
            torch.zeros(n, 0, tokens),
        )  # fmt: skip

    @classmethod
    def of(cls, batch: Mapping[str, Tensor]) -> Self:
        """From a mapping that holds a tensor for each field, and maybe others.

        Examples
        --------
        >>> Conditions.of(Conditions.nothing(1, 100).tensors()).numbers.shape
        torch.Size([1, 12])
        """
        return cls(**{field.name: batch[field.name] for field in dataclasses.fields(cls)})

    def tensors(self) -> dict[str, Tensor]:
        """Field -> tensor.

        Examples
        --------
        >>> sorted(Conditions.nothing(1, 100).tensors())[:3]
        ['given', 'mask', 'numbers']
        """
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    def rows(self, part: slice) -> Self:
        """Some of the signals.

        Examples
        --------
        >>> Conditions.nothing(5, 100).rows(slice(1, 3)).text.shape
        torch.Size([2, 64])
        """
        return type(self)(**{name: value[part] for name, value in self.tensors().items()})

    def to(self, device: torch.device | str) -> Self:
        """The same on another device.

        Examples
        --------
        >>> Conditions.nothing(1, 100).to("cpu").mask.device.type
        'cpu'
        """
        return type(self)(**{name: value.to(device) for name, value in self.tensors().items()})

    def without_sketch(self) -> Self:
        """The same with no sketch, and no word on how far to trust one.

        Examples
        --------
        >>> bool(Conditions.nothing(1, 100).without_sketch().sketch.any())
        False
        """
        numbers = self.numbers.clone()
        numbers[:, list(NUMBERS).index("trust")] = torch.nan
        return dataclasses.replace(self, sketch=torch.zeros_like(self.sketch), numbers=numbers)

    def unknown(self) -> Self:
        """The same signals with statements, numbers (but trust and real), text and tokens unknown.

        Examples
        --------
        >>> bool(Conditions.nothing(1, 100).unknown().statements.any())
        False
        """
        kept = torch.tensor([name in {"trust", "real"} for name in NUMBERS])
        kept = kept.to(self.numbers.device)
        return dataclasses.replace(
            self,
            statements=torch.zeros_like(self.statements),
            numbers=torch.where(kept, self.numbers, torch.nan),
            text=torch.full_like(self.text, torch.nan),
            tokens=self.tokens[:, :0],
        )


def statements_as_rows(lists: Iterable[Iterable[str]]) -> Tensor:
    """(n, S): 1 for each statement that holds.

    Examples
    --------
    >>> int(statements_as_rows([["AMI", "SR"]]).sum())
    2
    """
    rows = [[code in known for code in VOCABULARY] for known in map(set, map(canonical, lists))]
    return torch.tensor(rows, dtype=torch.float32)


def numbers_as_rows(n: int, values: Mapping[str, ArrayLike]) -> Tensor:
    """(n, K) the values of `NUMBERS`, NaN where not among `values`.

    Parameters
    ----------
    values : name -> one value, or (n,). ``axis`` in rad stands for its cosine and sine.

    Raises
    ------
    SignalError
        For a name that is not known.

    Examples
    --------
    >>> numbers_as_rows(2, {"heart_rate": 60, "axis": [0.0, 1.5]}).isnan().sum(1).tolist()
    [9, 9]
    """
    told = {name: np.asarray(value, np.float64) for name, value in values.items()}
    if "axis" in told:
        axis = told.pop("axis")
        told |= {"axis_cos": np.cos(axis), "axis_sin": np.sin(axis)}
    foreign = sorted(set(told) - set(NUMBERS))
    if foreign:
        raise SignalError(f"{' '.join(foreign)}: not among {' '.join(NUMBERS)} and axis.")
    out = np.full((n, len(NUMBERS)), np.nan, np.float32)
    for column, name in enumerate(NUMBERS):
        if name in told:
            out[:, column] = told[name]
    return torch.from_numpy(out)


def hashed_text(text: str, size: int = TEXT_SIZE) -> NDArray[np.float32]:
    """An embedding of free text that needs no model: words and pairs of words, hashed (Weinberger 2009).

    Parameters
    ----------
    text : in any language. size : of the embedding.

    Returns
    -------
    (size,) float32 of length 1; zero for no words.

    Examples
    --------
    >>> a, b = hashed_text("anterior infarction"), hashed_text("old anterior infarction")
    >>> bool(a @ b > 0.5), bool(abs(a @ hashed_text("sinus rhythm")) < 0.5)
    (True, True)
    """
    words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    out = np.zeros(size, np.float32)
    for token in [*words, *(f"{a} {b}" for a, b in itertools.pairwise(words))]:
        key = zlib.crc32(token.encode())
        out[key % size] += 1.0 if (key >> 16) & 1 else -1.0
    norm = float(np.linalg.norm(out))
    return out / norm if norm else out


def text_as_rows(n: int, text: str | Sequence[str] | ArrayLike | None, size: int) -> Tensor:
    """(n, size): text by `hashed_text`, or an embedding of one's own.

    Parameters
    ----------
    text : a string, n strings, (size,) or (n, size) numbers, or None.

    Raises
    ------
    LengthError
        If numbers have another shape, or there are other than n strings.

    Examples
    --------
    >>> text_as_rows(3, "sinus rhythm", 64).shape
    torch.Size([3, 64])
    """
    if text is None:
        return torch.full((n, size), torch.nan)
    if isinstance(text, str):
        rows: NDArray[np.float32] = hashed_text(text, size)
    elif isinstance(text, Sequence) and all(isinstance(line, str) for line in text):
        rows = np.stack([hashed_text(str(line), size) for line in text])
    else:
        rows = np.asarray(text, np.float32)
    if rows.shape not in {(size,), (n, size)}:
        raise LengthError(
            f"text of shape {rows.shape}: give a string, {n} strings, or an embedding ({size},) or "
            f"({n}, {size}); this network was trained with embeddings of size {size}."
        )
    return torch.from_numpy(np.broadcast_to(rows, (n, size)).copy())


def phase(r_times: Sequence[NDArray[np.floating]], fs: float, n_samples: int) -> Tensor:
    """Cosine and sine of the cardiac phase: 0 at each R peak, linear from one to the next.

    Parameters
    ----------
    r_times : for each signal the R peaks, s, ascending; before the first and after the last the
        median interval goes on.
    fs : Hz. n_samples : of the signals.

    Returns
    -------
    (n, 2, n_samples) float32; zero for a signal with fewer than two beats.

    Examples
    --------
    >>> phase([np.array([0.0, 1.0, 2.0])], 4, 5)[0, 0].round().int().tolist()
    [1, 0, -1, 0, 1]
    """
    out = np.zeros((len(r_times), 2, n_samples), np.float32)
    t = np.arange(n_samples) / fs
    for row, beats in zip(out, r_times, strict=True):
        if len(beats) < 2:
            continue
        usual = float(np.median(np.diff(beats)))
        before = beats[0] - usual * np.arange(int(beats[0] / usual) + 1, 0, -1)
        more = max(int((n_samples / fs - beats[-1]) / usual) + 1, 1)
        after = beats[-1] + usual * np.arange(1, more + 1)
        knots = np.concatenate([before, beats, after])
        angle = 2 * np.pi * np.interp(t, knots, np.arange(len(knots)))
        row[:] = np.cos(angle), np.sin(angle)
    return torch.from_numpy(out)
