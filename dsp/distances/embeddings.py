"""The gate for embeddings: two sets of vectors, and which of them are of one patient."""

import dataclasses
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp.errors import LengthError, SignalError
from dsp.statistics.intervals import Groups, numbered

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
_BLOCK: Final = 2_000_000  # numbers of an n x m table held at once, to bound memory


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sets:
    """Two sets of embeddings and the number of the patient of each row.

    Attributes
    ----------
    a, b : (n, dim) and (m, dim') float64.
    patient_a, patient_b : (n,) and (m,); one numbering for both.
    n_patients : of both together.
    """

    a: Floats
    b: Floats
    patient_a: Numbers
    patient_b: Numbers
    n_patients: int

    @property
    def paired(self) -> bool:
        """Whether row i of either is of the same patient."""
        return np.array_equal(self.patient_a, self.patient_b)


def vectors(z: ArrayLike, name: str = "embeddings") -> Floats:
    """Embeddings as (n, dim) float64.

    Raises
    ------
    LengthError
        If not two axes, or empty, or a single row.
    SignalError
        If not real numbers, or not finite.

    Examples
    --------
    >>> vectors([[1, 2], [3, 4]]).dtype
    dtype('float64')
    """
    out = numbers(z, name)
    bad = ~np.isfinite(out).all(axis=1)
    if bad.any():
        raise SignalError(
            f"{int(bad.sum())} of {len(out)} {name} are not finite, the first at row "
            f"{int(bad.argmax())}; leave them out of both sets."
        )
    return out


def numbers(z: ArrayLike, name: str) -> Floats:
    """As `vectors`, but rows need not be finite.

    Raises
    ------
    LengthError, SignalError
        As `vectors`.

    Examples
    --------
    >>> numbers([[1, np.nan], [2, 3]], "embeddings").shape
    (2, 2)
    """
    try:
        raw = np.asarray(z)
    except ValueError as error:
        raise SignalError(f"{name} are not a rectangular array: {error}.") from None
    if raw.dtype.kind not in "iuf":
        raise SignalError(f"{name} are of type {raw.dtype}; give real numbers.")
    if raw.ndim != 2 or len(raw) < 2 or raw.shape[1] < 1:
        raise LengthError(
            f"{name} have shape {raw.shape}; give (n, dim), one row a recording, two at least."
        )
    return np.asarray(raw, np.float64)


def pairs(
    a: ArrayLike, b: ArrayLike, groups: Groups | None, *, fewest: int = 2, same: bool = True
) -> Sets:
    """Rows that belong together.

    `same` asks for one dimension, `fewest` for so many rows.

    Raises
    ------
    LengthError, SignalError
        As `vectors`; LengthError also if rows, dimensions or groups do not match.

    Examples
    --------
    >>> pairs(np.eye(3), np.eye(3), "xyx").n_patients
    2
    """
    x, y = vectors(a, "embeddings a"), vectors(b, "embeddings b")
    if len(x) != len(y):
        raise LengthError(
            f"{len(x)} embeddings and {len(y)}: row i of both must be of the same recording."
        )
    return _sets(x, y, (np.arange(len(x)) if groups is None else groups, None), fewest, same=same)


def sets(
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups | None,
    groups_b: Groups | None,
    *,
    fewest: int = 2,
    same: bool = True,
) -> Sets:
    """Two samples; without groups each row is a patient of its own.

    Raises
    ------
    LengthError, SignalError
        As `pairs`.

    Examples
    --------
    >>> sets(np.eye(3), np.eye(3), None, None).n_patients
    6
    >>> sets(np.eye(3), np.eye(3), [7, 8, 9], None).n_patients
    3
    """
    x, y = vectors(a, "embeddings a"), vectors(b, "embeddings b")
    if groups is None and groups_b is None:
        groups, groups_b = np.arange(len(x)), len(x) + np.arange(len(y))
    elif groups is None:
        raise LengthError("groups_b without groups; give the patients of a as well.")
    return _sets(x, y, (groups, groups_b), fewest, same=same)


def _sets(
    x: Floats, y: Floats, groups: tuple[Groups, Groups | None], fewest: int, *, same: bool
) -> Sets:
    first = list(groups[0])
    second = first if groups[1] is None else list(groups[1])
    if len(first) != len(x) or len(second) != len(y):
        raise LengthError(
            f"{len(x)} and {len(y)} embeddings, {len(first)} and {len(second)} groups; give one a "
            "row (groups_b for b, if its rows are not those of a)."
        )
    if same and x.shape[1] != y.shape[1]:
        raise LengthError(
            f"{x.shape[1]} and {y.shape[1]} dimensions; this distance needs one space for both."
        )
    if min(len(x), len(y)) < fewest:
        raise LengthError(f"{len(x)} and {len(y)} embeddings; at least {fewest} are needed.")
    member = numbered(np.zeros(len(x) + len(y)), [*first, *second])[1]
    return Sets(x, y, member[: len(x)], member[len(x) :], int(member.max()) + 1)


def blocks(n: int, width: int) -> Iterator[slice]:
    """Slices of n rows, each so short that a table of `width` columns fits in memory.

    Examples
    --------
    >>> [s.stop for s in blocks(5, 1_000_000)]
    [2, 4, 5]
    """
    step = max(1, _BLOCK // max(width, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def units(z: Floats, mean: Floats | None = None) -> Floats:
    """Rows of length 1 about `mean`; a row at the mean has no direction and stays 0.

    Examples
    --------
    >>> units(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    x = z if mean is None else z - mean
    length = np.linalg.norm(x, axis=1, keepdims=True)
    # What is left of equal numbers after subtraction is rounding, not direction.
    tiny = 1e-12 * (np.linalg.norm(z, axis=1, keepdims=True) + 1e-300)
    return np.asarray(np.divide(x, length, out=np.zeros_like(x), where=length > tiny))


def centre(a: Floats, mean: ArrayLike | None) -> Floats:
    """The mean given (of training data), checked, or that of a.

    Raises
    ------
    LengthError
        If it has another dimension.

    Examples
    --------
    >>> centre(np.eye(2), None).tolist()
    [0.5, 0.5]
    """
    if mean is None:
        return np.asarray(a.mean(axis=0))
    out = np.asarray(mean, np.float64)
    if out.shape != a.shape[1:] or not np.isfinite(out).all():
        raise LengthError(
            f"the mean has shape {out.shape}; it must be ({a.shape[1]},) finite numbers."
        )
    return out


def squared(x: Floats, y: Floats) -> Floats:
    """(n, m) squared distances.

    Examples
    --------
    >>> squared(np.zeros((1, 2)), np.array([[3.0, 4.0]])).tolist()
    [[25.0]]
    """
    table = -2 * (x @ y.T)
    table += (x**2).sum(axis=1)[:, None]
    table += (y**2).sum(axis=1)
    return np.asarray(np.maximum(table, 0, out=table))
