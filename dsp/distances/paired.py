"""How near each estimate is to its own truth: cosine gap, alignment, R2, modality gap."""

import numpy as np
from numpy.typing import ArrayLike

from dsp.distances import embeddings
from dsp.distances.distance import Distance, measured
from dsp.distances.embeddings import Floats, Sets
from dsp.statistics.intervals import Groups


def cosine_gap(
    a: ArrayLike, b: ArrayLike, groups: Groups | None = None, *, mean: ArrayLike | None = None
) -> Distance:
    """One minus the mean cosine of the pairs, about the mean of the truth.

    Embeddings of electrocardiograms lie in a narrow cone, where all cosines are near 1: hence the
    mean is taken out first, the same from both.

    Parameters
    ----------
    a : (n, dim) true embeddings.
    b : (n, dim) estimates of them, row by row.
    groups : (n,) the patient of each row; every row its own if not given.
    mean : (dim,) of the training data; that of a if not given.

    Returns
    -------
    0 is best, 1 without any information about the pairing, 2 opposite.

    Raises
    ------
    LengthError
        If the shapes differ, or there are fewer than two rows.
    SignalError
        If a number is not finite.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(40, 8))
    >>> round(cosine_gap(z, 3 * z, mean=np.zeros(8)).value, 12)
    0.0
    """
    sets = embeddings.pairs(a, b, groups)
    gaps = _gaps(sets, embeddings.centre(sets.a, mean))
    return _average("cosine gap", gaps, sets, chance=1.0, bounds=(0.0, 2.0))


def cosine_gaps(a: ArrayLike, b: ArrayLike, *, mean: ArrayLike | None = None) -> Floats:
    """(n,) the cosine gap of each pair: which recordings are worst, and for `dsp.statistics.paired`.

    Parameters
    ----------
    a, b, mean : as `cosine_gap`.

    Returns
    -------
    One number a row, from 0 to 2.

    Raises
    ------
    LengthError, SignalError
        As `cosine_gap`.

    Examples
    --------
    >>> cosine_gaps([[1, 0], [0, 1]], [[0, 1], [0, 1]], mean=[0, 0]).tolist()
    [1.0, 0.0]
    """
    sets = embeddings.pairs(a, b, None)
    return _gaps(sets, embeddings.centre(sets.a, mean))


def alignment(a: ArrayLike, b: ArrayLike, groups: Groups | None = None) -> Distance:
    """Mean squared distance of the pairs on the unit sphere (Wang and Isola 2020).

    Nothing is centred, so that a collapsed encoder aligns perfectly: read it with `uniformity`.

    Parameters
    ----------
    a, b, groups : as `cosine_gap`.

    Returns
    -------
    0 is best, 4 opposite.

    Raises
    ------
    LengthError, SignalError
        As `cosine_gap`.

    Examples
    --------
    >>> alignment([[1, 0], [0, 1]], [[0, 1], [0, 1]]).value
    1.0
    """
    sets = embeddings.pairs(a, b, groups)
    gaps = ((embeddings.units(sets.a) - embeddings.units(sets.b)) ** 2).sum(axis=1)
    return _average("alignment", gaps, sets, bounds=(0.0, 4.0))


def r2(
    a: ArrayLike, b: ArrayLike, groups: Groups | None = None, *, mean: ArrayLike | None = None
) -> Distance:
    """Share of the variance of the true embeddings that the estimates explain, as they stand.

    Parameters
    ----------
    a, b, groups, mean : as `cosine_gap`.

    Returns
    -------
    1 is best, 0 as good as the mean, below 0 worse; NaN if a is constant.

    Raises
    ------
    LengthError, SignalError
        As `cosine_gap`.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(40, 8))
    >>> r2(z, z).value, abs(round(r2(z, 0 * z + z.mean(axis=0)).value, 12))
    (1.0, 0.0)
    """
    sets = embeddings.pairs(a, b, groups)
    about = embeddings.centre(sets.a, mean)
    return explained("R2", sets, sets.b, about)


def explained(name: str, sets: Sets, estimate: Floats, about: Floats) -> Distance:
    """1 - residual / total, the total about a mean (dim,) or one a row (n, dim).

    Examples
    --------
    >>> z = np.eye(3)
    >>> explained("R2", embeddings.pairs(z, z, None), z, z.mean(axis=0)).value
    1.0
    """
    left = ((sets.a - estimate) ** 2).sum(axis=1)
    total = ((sets.a - about) ** 2).sum(axis=1)
    whole = total.sum()
    if whole == 0:
        return measured(name, np.nan, np.full(len(left), np.nan), None, sets)
    share = left.sum() / whole
    return measured(
        name, 1 - share, (share * total - left) / whole, None, sets, bounds=(-np.inf, 1.0)
    )


def gap_vector(a: ArrayLike, b: ArrayLike) -> Floats:
    """(dim,) how far the mean of the estimates is off, in total standard deviations of a.

    Parameters
    ----------
    a, b : (n, dim) and (m, dim).

    Returns
    -------
    (mean b - mean a) / sqrt(trace of the covariance of a); NaN if a is constant.

    Raises
    ------
    LengthError, SignalError
        As `modality_gap`.

    Examples
    --------
    >>> gap_vector([[1.0, 0], [-1, 0]], [[1, 2], [-1, 2]]).tolist()
    [0.0, 2.0]
    """
    sets = embeddings.sets(a, b, None, None)
    spread = np.sqrt(sets.a.var(axis=0).sum())
    shift = sets.b.mean(axis=0) - sets.a.mean(axis=0)
    return np.asarray(shift / spread if spread > 0 else np.full_like(shift, np.nan))


def modality_gap(
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups | None = None,
    groups_b: Groups | None = None,
) -> Distance:
    """Length of `gap_vector` (Liang et al. 2022): a constant shift between two encoders.

    It hurts a probe that is carried over, not one that is trained anew. Chance makes the length
    of two samples of one distribution sqrt(1 / n + 1 / m) or so, not 0.

    Parameters
    ----------
    a, b : (n, dim) and (m, dim).
    groups : the patient of each row of a, and of b unless `groups_b` is given; without either,
        every row is a patient of its own.
    groups_b : the patient of each row of b.

    Returns
    -------
    0 is best; NaN if a is constant.

    Raises
    ------
    LengthError
        If dimensions or groups do not match.
    SignalError
        If a number is not finite.

    Examples
    --------
    >>> modality_gap([[1.0, 0], [-1, 0]], [[1, 2], [-1, 2]]).value
    2.0
    """
    sets = embeddings.sets(a, b, groups, groups_b)
    x, y = sets.a - sets.a.mean(axis=0), sets.b - sets.b.mean(axis=0)
    vector = gap_vector(sets.a, sets.b)
    value = float(np.linalg.norm(vector))
    if not value > 0:
        return measured("modality gap", value, np.zeros(len(x)), None, sets, bounds=(0.0, np.inf))
    variance = (x**2).sum(axis=1)
    way = vector / value / np.sqrt(variance.mean())
    of_a = -(x @ way) / len(x) - value * (variance / variance.mean() - 1) / 2 / len(x)
    return measured("modality gap", value, of_a, y @ way / len(y), sets, bounds=(0.0, np.inf))


def _gaps(sets: Sets, mean: Floats) -> Floats:
    cosine = (embeddings.units(sets.a, mean) * embeddings.units(sets.b, mean)).sum(axis=1)
    return np.asarray(1 - np.clip(cosine, -1, 1))


def _average(
    name: str, each: Floats, sets: Sets, *, bounds: tuple[float, float], chance: float = np.nan
) -> Distance:
    """The mean over rows."""
    value = float(each.mean())
    return measured(
        name, value, (each - value) / len(each), None, sets, chance=chance, bounds=bounds
    )
