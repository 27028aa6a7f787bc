"""Draws: random numbers that depend on the seed, a name and the record's own index, and on nothing else."""

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]


class Draws:
    """Random numbers for the records `first` to `first + n` of a series that has no end.

    Every name is a stream of its own (Philox, a counter-based generator), and every record owns a
    stretch of it. So record k is the same in any batch, and a new draw under a new name changes
    nothing that was drawn before.

    Parameters
    ----------
    seed : of the series, 0 or more.
    first, n : the records wanted.

    Examples
    --------
    >>> whole, part = Draws(0, 0, 5), Draws(0, 3, 2)
    >>> bool((whole.normal("axis", 4)[3:] == part.normal("axis", 4)).all())
    True
    """

    def __init__(
        self, seed: int, first: int, n: int, rows: NDArray[np.int64] | None = None
    ) -> None:
        self.seed, self.first, self.n, self.rows = seed, first, n, rows

    def select(self, rows: NDArray[np.int64]) -> "Draws":
        """The same numbers for some of the records: rows (m,) of this batch.

        Examples
        --------
        >>> Draws(0, 0, 9).select(np.array([2, 5])).uniform("x").shape
        (2, 1)
        """
        return Draws(self.seed, self.first, self.n, rows if self.rows is None else self.rows[rows])

    def uniform(self, name: str, size: int = 1) -> Floats:
        """(n, size) numbers from the open interval (0, 1).

        Examples
        --------
        >>> Draws(0, 0, 2).uniform("x", 3).shape
        (2, 3)
        """
        counters = -(-size // 4)  # Philox makes four numbers a count
        key = np.array([self.seed, zlib.crc32(name.encode())], np.uint64)
        bits = np.random.Philox(key=key).advance(self.first * counters)
        u = np.random.Generator(bits).random((self.n, counters * 4))[:, :size]
        u = np.maximum(u, 1e-16)
        return u if self.rows is None else u[self.rows]

    def normal(self, name: str, size: int = 1, *, limit: float = 3.5) -> Floats:
        """(n, size) numbers from the standard normal law, held within `limit`.

        Examples
        --------
        >>> bool(abs(Draws(0, 0, 1000).normal("x")).max() <= 3.5)
        True
        """
        return np.asarray(np.clip(scipy.special.ndtri(self.uniform(name, size)), -limit, limit))

    def one(self, name: str) -> Floats:
        """(n,) standard normal numbers, one a record.

        Examples
        --------
        >>> Draws(0, 0, 3).one("x").shape
        (3,)
        """
        return self.normal(name)[:, 0]

    def between(self, name: str, low: float, high: float) -> Floats:
        """(n,) numbers, uniform from `low` to `high`.

        Examples
        --------
        >>> 2 < Draws(0, 0, 1).between("x", 2, 3)[0] < 3
        np.True_
        """
        return np.asarray(low + (high - low) * self.uniform(name)[:, 0])


def series_seed(seed: "int | np.random.Generator | torch.Generator") -> int:
    """The number that names a series, from any of the three forms of seed.

    Raises
    ------
    ValueError
        If `seed` is a negative number.

    Examples
    --------
    >>> series_seed(7)
    7
    """
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**62))
    if not isinstance(seed, (int, np.integer)):
        return _from_torch(seed)
    if seed < 0:
        raise ValueError(f"seed={seed}: give a whole number of 0 or more.")
    return int(seed) % 2**64


def _from_torch(generator: Any) -> int:
    import torch

    return int(torch.randint(2**62, (), generator=generator, device=generator.device))
