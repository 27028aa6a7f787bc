"""Areas compared on the same recordings: differences, and the share of the way to a ceiling."""

import numpy as np
from numpy.typing import ArrayLike

from dsp.statistics import intervals, tables
from dsp.statistics.areas import Method
from dsp.statistics.intervals import Groups, Interval
from dsp.statistics.ranks import Floats, Name
from dsp.statistics.tables import FEWEST_POSITIVES


def paired_area(
    positive: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups | None = None,
    *,
    area: Name = "auroc",
    method: Method = "delong",
    level: float = 0.95,
    fewest: int = FEWEST_POSITIVES,
    seed: int = 0,
) -> Interval:
    """Interval of the difference of two areas of the same recordings, that of `a` minus that of `b`.

    What both scores of a recording share cancels: DeLong's paired test, summed by patient. With
    several classes, of the difference of the means over classes.

    Parameters
    ----------
    positive : (records,) or (records, classes) true or false.
    a, b : scores of two methods, of the same shape.
    groups, method, level, seed : as `auroc`; the bootstrap draws 1000 times.
    area : ``"auroc"`` or ``"auprc"``.
    fewest : positives, and negatives, that each of several classes must have.

    Returns
    -------
    The interval; one that leaves out 0 tells a difference.

    Raises
    ------
    LengthError, SignalError
        As `auroc`.
    FewPositivesError
        If one of several classes has fewer than `fewest` positives or negatives.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(500) < 0.3
    >>> good, poor = y + rng.normal(size=500), y + 3 * rng.normal(size=500)
    >>> paired_area(y, good, poor).low > 0
    True
    """
    several = np.ndim(positive) > 1
    y, first, member = tables.prepare(positive, a, groups, level, several=several)
    _, second, _ = tables.prepare(positive, b, groups, level, several=several)
    tables.enough(y, fewest if several else 1)
    value = float(np.mean(tables.whole(area, y, first) - tables.whole(area, y, second)))
    if method == "bootstrap":
        replicates = tables.drawn(area, y, (first, second), member, seed=seed)
        difference = (replicates[0] - replicates[1]).mean(axis=-1)
        counts = (int(member.max()) + 1, len(y))
        return intervals.percentiles(value, difference, counts, level)
    influence = (tables.influences(area, y, first) - tables.influences(area, y, second)).mean(
        axis=-1
    )
    return intervals.from_influence(value, influence, member, level=level)


def recovery(
    positive: ArrayLike,
    scores: ArrayLike,
    floor: ArrayLike,
    ceiling: ArrayLike,
    groups: Groups | None = None,
    *,
    area: Name = "auroc",
    level: float = 0.95,
    fewest: int = FEWEST_POSITIVES,
    seed: int = 0,
) -> Interval:
    """How much of the way from a floor to a ceiling scores go: (A - floor) / (ceiling - floor).

    With several classes, of the means over classes. All three areas are of the same draws of
    patients.

    Parameters
    ----------
    positive : (records,) or (records, classes) true or false.
    scores, floor, ceiling : scores of the same shape: of what is judged, of a random encoder, of
        all leads.
    groups, area, level, fewest, seed : as `paired_area`; there are 1000 draws.

    Returns
    -------
    The interval; draws in which the ceiling is not above the floor have no ratio and are told.

    Raises
    ------
    LengthError, SignalError, FewPositivesError
        As `paired_area`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(900) < 0.3
    >>> ceiling, floor = y + 0.5 * rng.normal(size=900), rng.normal(size=900)
    >>> half = recovery(y, y + 1.5 * rng.normal(size=900), floor, ceiling)
    >>> 0 < half.low < half.value < half.high < 1
    True
    """
    several = np.ndim(positive) > 1
    columns = []
    for given in (scores, floor, ceiling):
        y, x, member = tables.prepare(positive, given, groups, level, several=several)
        columns.append(x)
    tables.enough(y, fewest if several else 1)
    points = np.array([tables.whole(area, y, x).mean() for x in columns])
    replicates = tables.drawn(area, y, tuple(columns), member, seed=seed).mean(axis=-1)
    counts = (int(member.max()) + 1, len(y))
    return intervals.percentiles(
        float(_share(points[:, None])[0]), _share(replicates), counts, level
    )


def _share(areas: Floats) -> Floats:
    """Of (scores, floor, ceiling) x draws."""
    way = areas[2] - areas[1]
    empty = np.full_like(way, np.nan)
    return np.asarray(np.divide(areas[0] - areas[1], way, out=empty, where=way > 0))
