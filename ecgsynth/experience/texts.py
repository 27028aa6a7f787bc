"""Texts: reports and codes as vectors, by hashing, without a model or a network."""

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp.errors import LengthError

Floats = NDArray[np.float32]
Embedding = Callable[[Sequence[str]], NDArray[Any]]
"""Texts -> (n, d): any; `hashing` needs no model and no network."""


def hashing(texts: Sequence[str], width: int = 64) -> Floats:
    """Texts as vectors without a model: words, pairs of words and word parts, hashed with a sign.

    The hash is keyless, so that vectors agree between runs and machines (Weinberger et al.,
    "Feature hashing for large scale multitask learning", ICML 2009).

    Parameters
    ----------
    texts : n of them, any language. width : numbers each.

    Returns
    -------
    (n, width) float32, each of length 1, or 0 for a text without words.

    Raises
    ------
    LengthError
        If `width` is below 1.

    Examples
    --------
    >>> a, b, c = hashing(["sinus rhythm", "Sinus  rhythm.", "paced"])
    >>> bool(np.allclose(a, b)), float(a @ b) > float(a @ c)
    (True, True)
    """
    if width < 1:
        raise LengthError(f"width={width}: give 1 or more.")
    out = np.zeros((len(texts), width), np.float32)
    for row, text in enumerate(texts):
        words = re.findall(r"\w+", text.lower())
        parts = words + [" ".join(pair) for pair in itertools.pairwise(words)]
        parts += [f"#{part}" for word in words for part in _fours(f"<{word}>")]
        out[row] = bag(parts, width)
    return unit(out)


def bag(parts: Iterable[str], width: int) -> Floats:
    """Words or codes, in any order, as one vector: each adds its sign at its place.

    Examples
    --------
    >>> bool((bag(["a", "b"], 8) == bag(["b", "a"], 8)).all())
    True
    """
    out = np.zeros(width, np.float32)
    for part in parts:
        value = int.from_bytes(hashlib.blake2b(part.encode(), digest_size=8).digest(), "little")
        out[(value >> 1) % width] += 1 if value & 1 else -1
    return out


def unit(x: NDArray[Any]) -> Floats:
    """Rows of length 1; rows of zeros stay.

    Examples
    --------
    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(length > 0, length, 1.0), np.float32)


def _fours(word: str) -> Iterable[str]:
    """The parts of four letters, so that German compounds find their relatives."""
    return (word[i : i + 4] for i in range(len(word) - 3))
