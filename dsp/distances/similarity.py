"""Whether two spaces arrange the same recordings alike, whatever their axes: CKA, mutual k-NN."""

import numpy as np
from numpy.typing import ArrayLike

from dsp.distances import embeddings
from dsp.distances.distance import SHARE, Distance, measured
from dsp.distances.embeddings import Floats, Numbers
from dsp.errors import LengthError
from dsp.statistics.intervals import Groups


def cka(a: ArrayLike, b: ArrayLike, groups: Groups | None = None) -> Distance:
    """Centred kernel alignment with a linear kernel, debiased (Kornblith 2019; Song 2012).

    Sees the arrangement as a whole; rotating, shifting or scaling either space changes nothing.
    Takes n dim dim' operations: no table of pairs is made.

    Parameters
    ----------
    a, b : (n, dim) and (n, dim'), row by row; the dimensions may differ.
    groups : (n,) the patient of each row; every row its own if not given.

    Returns
    -------
    1 is best; about 0 for unrelated spaces, hence also below; NaN if a space is constant.

    Raises
    ------
    LengthError
        If the rows differ in number, or are fewer than four.
    SignalError
        If a number is not finite.

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 200, 8))
    >>> turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    >>> round(cka(x, 5 * x @ turn + 3).value, 9), abs(cka(x, y).value) < 0.05
    (1.0, True)
    """
    sets = embeddings.pairs(a, b, groups, fewest=4, same=False)
    x, y = sets.a - sets.a.mean(axis=0), sets.b - sets.b.mean(axis=0)
    # Of numbers that are all the same, centring leaves rounding.
    if min(_spread(x, sets.a), _spread(y, sets.b)) == 0:
        return measured("CKA", np.nan, np.full(len(x), np.nan), None, sets)
    (xy, of_xy), (xx, of_xx), (yy, of_yy) = _hsic(x, y), _hsic(x, x), _hsic(y, y)
    if min(xx, yy) <= 0:  # noise alone, in too few rows
        return measured("CKA", np.nan, np.full(len(x), np.nan), None, sets)
    size = np.sqrt(xx * yy)
    influence = of_xy / size - xy / size * (of_xx / xx + of_yy / yy) / 2
    return measured("CKA", xy / size, influence, None, sets, chance=0.0, bounds=(-np.inf, 1.0))


def mutual_knn(
    a: ArrayLike, b: ArrayLike, groups: Groups | None = None, *, k: int = 10
) -> Distance:
    """Share of the k nearest neighbours that a recording has in both spaces (Huh et al. 2024).

    Near is by cosine about the mean of each space. Sees local arrangement. Recordings of the same
    patient are no neighbours.

    Parameters
    ----------
    a, b, groups : as `cka`.
    k : neighbours.

    Returns
    -------
    1 is best; chance is k / (n - 1).

    Raises
    ------
    LengthError
        As `cka`; also if a recording has fewer than `k` of other patients.
    SignalError
        If a number is not finite.

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 201, 8))
    >>> mutual_knn(x, x).value, mutual_knn(x, y).chance
    (1.0, 0.05)
    """
    sets = embeddings.pairs(a, b, groups, same=False)
    others = len(sets.a) - np.bincount(sets.patient_a)[sets.patient_a]
    if not 1 <= k <= others.min():
        raise LengthError(f"k={k!r} neighbours among {others.min()} rows of other patients.")
    x = embeddings.units(sets.a, sets.a.mean(axis=0))
    y = embeddings.units(sets.b, sets.b.mean(axis=0))
    shared, twice, once = np.empty(len(x)), np.zeros(len(x)), np.zeros(len(x))
    for part in embeddings.blocks(len(x), len(x) + k * k):
        own = sets.patient_a[part, None] == sets.patient_a
        first, second = _nearest(x, part, own, k), _nearest(y, part, own, k)
        same = (first[:, :, None] == second[:, None, :]).any(axis=2)
        shared[part] = same.mean(axis=1)
        twice += np.bincount(first[same], minlength=len(x))
        once += np.bincount(np.concatenate([first, second]).ravel(), minlength=len(x)) / 2
    value = shared.mean()
    # A recording counts by its own neighbours and as a neighbour of others.
    influence = shared - value + (twice - value * once) / k
    return measured(
        "mutual k-NN",
        value,
        influence / len(shared),
        None,
        sets,
        chance=float((k / others).mean()),
        bounds=SHARE,
    )


def _spread(centred: Floats, raw: Floats) -> float:
    size = float((centred**2).sum())
    return size if size > 1e-24 * float((raw**2).sum()) else 0.0


def _hsic(x: Floats, y: Floats) -> tuple[float, Floats]:
    """Unbiased HSIC of linear kernels of centred rows, and the influence of each row.

    [tr(KL) + 1'K1 1'L1 / ((n-1)(n-2)) - 2 1'KL1 / (n-2)] / (n(n-3)), K = XX' and L = YY' with zero
    diagonals; all sums are written by X and Y.
    """
    n = len(x)
    own_x, own_y = (x**2).sum(axis=1), (y**2).sum(axis=1)
    # Row sums of K and L: with centred rows only the diagonal that is left out remains.
    row_x, row_y = x @ x.sum(axis=0) - own_x, y @ y.sum(axis=0) - own_y
    shared = ((x @ (x.T @ y)) * y).sum(axis=1) - own_x * own_y
    value = (
        shared.sum()
        + row_x.sum() * row_y.sum() / ((n - 1) * (n - 2))
        - 2 * (row_x @ row_y) / (n - 2)
    ) / (n * (n - 3))
    return float(value), np.asarray(2 * (shared - shared.mean()) / (n * (n - 1)))


def _nearest(z: Floats, part: slice, own: Numbers, k: int) -> Numbers:
    """(rows, k) the rows with the largest cosine, those of the own patient excluded."""
    table = z[part] @ z.T
    table[own] = -np.inf
    return np.argpartition(-table, k - 1, axis=1)[:, :k].astype(np.int64)
