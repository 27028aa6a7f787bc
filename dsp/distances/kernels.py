"""Maximum mean discrepancy, without bias, with its standard error: KID and the Gaussian kernel."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from dsp.distances import embeddings
from dsp.distances.distance import Distance, measured
from dsp.distances.embeddings import Floats, Numbers, Sets
from dsp.errors import LengthError, SignalError
from dsp.statistics.intervals import Groups

Kernel = Callable[[Floats, Floats], Floats]
_MOST_ROWS: Final = 500  # of each set, to estimate the second-order part of the variance
_FOR_WIDTH: Final = 1000  # rows that decide the width of the Gaussian kernel


def kid(
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups | None = None,
    groups_b: Groups | None = None,
) -> Distance:
    """Kernel distance of two samples, squared, by the unbiased U-statistic (Binkowski 2018).

    The kernel is (x . y / dim + 1)^3. Unlike the Frechet distance its mean does not depend on the
    number of rows, so that it can be negative. Pairs of recordings of one patient never count.
    The standard error holds both where the distributions differ and where they are the same
    (both terms of Hoeffding's variance; Sutherland 2019).

    Parameters
    ----------
    a, b : (n, dim) and (m, dim).
    groups : the patient of each row of a, and of b unless `groups_b` is given; without either,
        every row is a patient of its own.
    groups_b : the patient of each row of b.

    Returns
    -------
    0 within three standard errors if both are of one distribution; depends on the unit.

    Raises
    ------
    LengthError
        If dimensions or groups do not match, or a set is of a single patient.
    SignalError
        If a number is not finite.

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 300, 8))
    >>> same, other = kid(x, y), kid(x, y + 1)
    >>> abs(same.value) < 3 * same.error, other.value > 3 * other.error
    (True, True)
    """
    return _discrepancy("KID", _cubic, embeddings.sets(a, b, groups, groups_b))


def mmd(
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups | None = None,
    groups_b: Groups | None = None,
    *,
    width: float | None = None,
) -> Distance:
    """Squared maximum mean discrepancy under a Gaussian kernel, unbiased (Gretton et al. 2012).

    Parameters
    ----------
    a, b, groups, groups_b : as `kid`.
    width : standard deviation of the kernel; the median distance within a if not given.

    Returns
    -------
    As `kid`; at most 2, and free of the unit if `width` is not given.

    Raises
    ------
    LengthError, SignalError
        As `kid`; SignalError also if `width` is not above 0 (or all of a is the same).

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 300, 8))
    >>> abs(mmd(x, y).value) < 3 * mmd(x, y).error < mmd(x, y + 1).value
    True
    """
    sets = embeddings.sets(a, b, groups, groups_b)
    scale = median_distance(sets.a) if width is None else float(width)
    if not 0 < scale < np.inf:
        raise SignalError(f"a kernel of width {scale!r}: give one above 0.")

    def gaussian(x: Floats, y: Floats) -> Floats:
        return np.asarray(np.exp(embeddings.squared(x, y) / (-2 * scale**2)))

    return _discrepancy("MMD", gaussian, sets)


def median_distance(a: ArrayLike) -> float:
    """Median distance of two rows, of at most 1000 evenly taken ones.

    Parameters
    ----------
    a : (n, dim).

    Returns
    -------
    A length in the unit of the embeddings.

    Raises
    ------
    LengthError, SignalError
        As `kid`.

    Examples
    --------
    >>> median_distance([[0.0], [3.0]])
    3.0
    """
    x = embeddings.vectors(a)
    rows = x[np.linspace(0, len(x) - 1, min(len(x), _FOR_WIDTH)).astype(np.int64)]
    upper = np.triu_indices(len(rows), 1)
    return float(np.sqrt(np.median(embeddings.squared(rows, rows)[upper])))


def _cubic(x: Floats, y: Floats) -> Floats:
    table = x @ y.T / x.shape[1] + 1
    return np.asarray(table * table * table)


def _discrepancy(name: str, kernel: Kernel, sets: Sets) -> Distance:
    """The U-statistic over pairs of different patients, as of three means of kernel values."""
    if min(len(np.unique(sets.patient_a)), len(np.unique(sets.patient_b))) < 2:
        raise LengthError("a set of a single patient: at least two patients are needed in each.")
    aa = _means(kernel, sets.a, sets.a, sets.patient_a, sets.patient_a)
    bb = _means(kernel, sets.b, sets.b, sets.patient_b, sets.patient_b)
    ab = _means(kernel, sets.a, sets.b, sets.patient_a, sets.patient_b)
    value = aa.value + bb.value - 2 * ab.value
    of_a = 2 * (aa.share(aa.rows, aa.n_rows) - ab.share(ab.rows, ab.n_rows))
    of_b = 2 * (bb.share(bb.rows, bb.n_rows) - ab.share(ab.columns, ab.n_columns))
    return measured(
        name, value, of_a, of_b, sets, second_order=_second_order(kernel, sets, aa, bb, ab)
    )


class _Means:
    """Sums of a kernel over pairs of different patients, by row and column, and how many these are."""

    def __init__(self, rows: Floats, columns: Floats, n_rows: Floats, n_columns: Floats) -> None:
        self.rows, self.columns, self.n_rows, self.n_columns = rows, columns, n_rows, n_columns
        self.total = float(n_rows.sum())
        self.value = float(rows.sum()) / self.total

    def share(self, sums: Floats, counts: Floats) -> Floats:
        """What each row adds to the mean by having more than the mean."""
        return np.asarray((sums - self.value * counts) / self.total)

    def centred(self, table: Floats, rows: Numbers, columns: Numbers) -> Floats:
        """A part of the table without the means of its rows and columns, as a share of the whole."""
        by_row = (self.rows / np.maximum(self.n_rows, 1))[rows, None]
        by_column = (self.columns / np.maximum(self.n_columns, 1))[columns]
        return np.asarray((table - by_row - by_column + self.value) / self.total)


def _means(kernel: Kernel, x: Floats, y: Floats, of_x: Numbers, of_y: Numbers) -> _Means:
    rows, columns = np.empty(len(x)), np.zeros(len(y))
    for part in embeddings.blocks(len(x), len(y)):
        table = kernel(x[part], y)
        table[of_x[part, None] == of_y] = 0
        rows[part] = table.sum(axis=1)
        columns += table.sum(axis=0)
    n = int(max(of_x.max(), of_y.max())) + 1
    n_rows = len(y) - np.bincount(of_y, minlength=n)[of_x]
    n_columns = len(x) - np.bincount(of_x, minlength=n)[of_y]
    return _Means(rows, columns, n_rows.astype(np.float64), n_columns.astype(np.float64))


def _second_order(kernel: Kernel, sets: Sets, aa: _Means, bb: _Means, ab: _Means) -> float:
    """Variance by pairs of patients: twice the sum of squares of the doubly centred kernel.

    All that is left where both distributions are the same. It needs a table of all pairs; that of
    the first patients tells it well enough.
    """
    order = np.random.default_rng(0).permutation(sets.n_patients)
    place = np.argsort(order)
    ends_a, ends_b = (
        np.bincount(place[p], minlength=sets.n_patients).cumsum()
        for p in (sets.patient_a, sets.patient_b)
    )
    used = max(2, int(np.searchsorted(np.maximum(ends_a, ends_b), _MOST_ROWS, side="right")))
    rows_a = np.flatnonzero(place[sets.patient_a] < used)
    rows_b = np.flatnonzero(place[sets.patient_b] < used)
    x, y = sets.a[rows_a], sets.b[rows_b]
    cross = -ab.centred(kernel(x, y), rows_a, rows_b)
    table = np.block(
        [
            [aa.centred(kernel(x, x), rows_a, rows_a), cross],
            [cross.T, bb.centred(kernel(y, y), rows_b, rows_b)],
        ]
    )
    patient = np.concatenate([place[sets.patient_a[rows_a]], place[sets.patient_b[rows_b]]])
    table[patient[:, None] == patient] = 0
    sort = np.argsort(patient, kind="stable")
    starts = np.flatnonzero(np.diff(patient[sort], prepend=-1))
    table = np.add.reduceat(np.add.reduceat(table[sort][:, sort], starts, 0), starts, 1)
    part = used * (used - 1) / (sets.n_patients * (sets.n_patients - 1))
    return 2 * float((table**2).sum()) / part
