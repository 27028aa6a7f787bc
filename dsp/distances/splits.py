"""Random halves and random pairs by patient: what floors are made of."""

import numpy as np

from dsp.distances.embeddings import Numbers
from dsp.errors import LengthError


def halves(patient: Numbers, generator: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Rows of two equally large halves that share no patient.

    Raises
    ------
    LengthError
        If fewer than four patients make halves of at least two rows impossible.

    Examples
    --------
    >>> first, second = halves(np.array([0, 0, 1, 1, 2, 2, 3, 3]), np.random.default_rng(0))
    >>> len(first), len(second), set(first // 2) & set(second // 2)
    (4, 4, set())
    """
    names, place = np.unique(patient, return_inverse=True)
    if len(names) < 4:
        raise LengthError(f"{len(names)} patients: at least four are needed for two halves.")
    order = generator.permutation(len(names))
    before = np.empty(len(names), np.int64)
    before[order] = np.bincount(place)[order].cumsum()
    rows = generator.permutation(len(patient))
    # The patient in whom the half falls goes to the smaller side.
    cut = np.clip(np.searchsorted(np.sort(before), len(patient) / 2) + 1, 2, len(names) - 2)
    chosen = np.isin(place[rows], order[:cut])
    first, second = rows[chosen], rows[~chosen]
    size = min(len(first), len(second))
    return first[:size], second[:size]


def strangers(patient: Numbers, generator: np.random.Generator) -> Numbers:
    """For each row a row of another patient, each once; where one patient has half of all, any.

    Examples
    --------
    >>> patient = np.array([0, 0, 1, 1, 2, 2])
    >>> other = strangers(patient, np.random.default_rng(0))
    >>> (patient != patient[other]).all(), sorted(other.tolist())
    (np.True_, [0, 1, 2, 3, 4, 5])
    """
    names, place = np.unique(patient, return_inverse=True)
    seat = generator.permutation(len(names))[place]
    line = np.lexsort((generator.random(len(patient)), seat))
    most = int(np.bincount(place).max())
    step = int(generator.integers(most, max(len(patient) - most, most) + 1)) % len(patient)
    out = np.empty(len(patient), np.int64)
    out[line] = np.roll(line, step)
    return out
