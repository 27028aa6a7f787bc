"""Worth: what one lead adds to a set, by three definitions that give three answers.

A function of sets of leads, ``v(S)``, has 256 values; each definition is a fixed sum of them, so a
matrix. Marginal: the lead alone. Conditional: what goes when only it is taken away. Shapley: its
gain, mean over all orders in which leads can be added, so that the gains sum to ``v(all)``.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def marginal(players: int) -> Matrix:
    """(256, 8): alone, ``v({i}) - v({})``.

    Parameters
    ----------
    players : the code of the leads that take part, bit i for lead i.

    Examples
    --------
    >>> np.flatnonzero(marginal(255)[:, 2]).tolist()
    [0, 4]
    """
    return _gains(players, lambda others, _n: float(others == 0))


def conditional(players: int) -> Matrix:
    """(256, 8): given all others, ``v(all) - v(all but i)``.

    Examples
    --------
    >>> np.flatnonzero(conditional(255)[:, 2]).tolist()
    [251, 255]
    """
    return _gains(players, lambda others, n: float(others == n - 1))


def shapley(players: int) -> Matrix:
    """(256, 8): mean over all orders, exact (Shapley 1953).

    Examples
    --------
    >>> sizes = np.array([code.bit_count() for code in range(256)])
    >>> bool(np.allclose(sizes @ shapley(255), 1))
    True
    """
    return _gains(players, lambda others, n: 1 / (n * math.comb(n - 1, others)))


DEFINITIONS: Final[Mapping[str, Callable[[int], Matrix]]] = {
    "marginal": marginal,
    "conditional": conditional,
    "shapley": shapley,
}
"""Every definition by name."""


def _gains(players: int, weight: Callable[[int, int], float]) -> Matrix:
    """Sum over sets S without i of ``weight(|S|, n) (v(S + i) - v(S))``, as a matrix."""
    out = np.zeros((256, 8))
    n = players.bit_count()
    for i in range(8):
        if not players >> i & 1:
            continue
        for code in range(256):
            if code & ~players or code >> i & 1:
                continue
            share = weight(code.bit_count(), n)
            out[code | 1 << i, i] += share
            out[code, i] -= share
    return out
