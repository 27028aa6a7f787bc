"""True classes and scores as arrays (records, classes), and areas of every column at once."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp.errors import LengthError, SignalError
from dsp.statistics import intervals
from dsp.statistics.intervals import Groups
from dsp.statistics.ranks import CURVES, Floats, Name, Ranking, rank

FEWEST_POSITIVES: Final = 10
"""Below this many positives an area says little: it carries a warning, and no mean is taken over it."""


class FewPositivesError(SignalError):
    """A class has too few positives to be averaged with others."""


def prepare(
    positive: ArrayLike,
    scores: ArrayLike,
    groups: Groups | None,
    level: float,
    *,
    several: bool = False,
) -> tuple[NDArray[np.bool_], Floats, NDArray[np.int64]]:
    """Classes and scores as (records, classes), and the number of each record's patient."""
    raw, x = np.asarray(positive), np.asarray(scores, np.float64)
    names: Any = np.arange(len(raw)) if groups is None else groups
    if raw.ndim != 1 + several or raw.shape != x.shape or len(names) != len(raw):
        raise LengthError(
            f"{raw.shape} classes, {x.shape} scores, {len(names)} groups; give one of each a record."
        )
    if not np.isfinite(x).all() or not 0 < level < 1:
        raise SignalError(f"scores must be finite and 0 < level={level!r} < 1.")
    if not (raw == raw.astype(bool)).all():
        raise SignalError("classes must be true or false; leave out records of unknown class.")
    rows = raw.astype(bool).reshape(len(raw), -1)
    if not len(rows):
        return rows, x.reshape(rows.shape), np.empty(0, np.int64)
    return rows, x.reshape(rows.shape), intervals.numbered(np.zeros(len(rows)), names)[1]


def enough(y: NDArray[np.bool_], fewest: int, classes: tuple[str, ...] = ()) -> None:
    """Refuse classes with fewer than `fewest` positives or negatives."""
    ones = y.sum(axis=0)
    names = classes or tuple(f"class {i}" for i in range(y.shape[1]))
    scarce = np.minimum(ones, len(y) - ones)
    poor = [f"{names[i]} ({ones[i]} of {len(y)})" for i in np.flatnonzero(scarce < max(fewest, 1))]
    if poor:
        raise FewPositivesError(
            f"fewer than {max(fewest, 1)} positive or negative records: {', '.join(poor)}. "
            "Leave these classes out, or ask for them by a smaller fewest=."
        )


def _rankings(y: NDArray[np.bool_], x: Floats) -> list[Ranking]:
    return [rank(y[:, k], x[:, k]) for k in range(y.shape[1])]


def whole(area: Name, y: NDArray[np.bool_], x: Floats) -> Floats:
    """(classes,) the areas of all recordings."""
    one = np.ones(len(y))
    return np.array([float(CURVES[area].value(r, one)) for r in _rankings(y, x)])


def influences(area: Name, y: NDArray[np.bool_], x: Floats) -> Floats:
    """(records, classes) what each recording adds to the area of each class."""
    out = np.empty(y.shape)
    for k, ranking in enumerate(_rankings(y, x)):
        out[ranking.order, k] = CURVES[area].influence(ranking)
    return out


def drawn(
    area: Name,
    y: NDArray[np.bool_],
    tables: tuple[Floats, ...],
    member: NDArray[np.int64],
    *,
    n: int = 1000,
    seed: int = 0,
) -> Floats:
    """(tables, draws, classes) the areas when patients are drawn; NaN where a class has none."""
    rankings = [_rankings(y, x) for x in tables]
    blocks = []
    for counts in intervals.draws(n, int(member.max()) + 1, seed, width=8 * len(member)):
        weights = counts[:, member].astype(np.float64)
        blocks.append(
            [
                np.stack([CURVES[area].value(r, weights[:, r.order]) for r in row], axis=-1)
                for row in rankings
            ]
        )
    return np.concatenate(blocks, axis=1)
