"""Folds: a k-fold division in which nobody is on both sides."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from dsp.errors import LengthError


def grouped_folds(groups: Sequence[Hashable], k: int = 5, seed: int = 0) -> NDArray[np.int64]:
    """The fold of each recording; all of one group in one fold, folds as even as groups allow.

    Parameters
    ----------
    groups : (n,) the patient of each recording (`Dataset.groups`).
    k : folds.
    seed : which of the equally even divisions; the same seed gives the same folds.

    Returns
    -------
    (n,) int64 from 0 to k - 1. Groups go, largest first, to the fold that is smallest so far.

    Raises
    ------
    LengthError
        If there are fewer groups than folds, or fewer than two folds.

    Examples
    --------
    >>> folds = grouped_folds(["ann", "bob", "ann", "cleo"], k=2)
    >>> bool(folds[0] == folds[2]), np.bincount(folds).tolist()
    (True, [2, 2])
    """
    names = list(dict.fromkeys(groups))
    place = {name: i for i, name in enumerate(names)}
    member = np.array([place[group] for group in groups], np.int64)
    if not 2 <= k <= len(names):
        raise LengthError(f"{k} folds of {len(names)} groups; give 2 <= k <= number of groups.")
    sizes = np.bincount(member, minlength=len(names))
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of = np.zeros(len(names), np.int64)
    filled = np.zeros(k, np.int64)
    for group in order:
        fold_of[group] = filled.argmin()
        filled[fold_of[group]] += sizes[group]
    return fold_of[member]
