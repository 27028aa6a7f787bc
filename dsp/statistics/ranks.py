"""Areas under the ROC and precision-recall curves from ranks, and how each record moves them.

Both are written for any weights of the records, so that a draw of patients is a row of weights and
a thousand draws need the scores sorted once; the derivative by these weights is DeLong's placement
for the one, and its counterpart for the other.
"""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Name = Literal["auroc", "auprc"]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Records by falling score.

    Attributes
    ----------
    order : (records,) which record stands there.
    first, last : (records,) the places where the records of the same score begin and end.
    positive : (records,) 1.0 or 0.0, by place.
    """

    order: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    positive: Floats


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """An area: its value for (draws, records) weights by place, and the record's influence by place."""

    value: Callable[[Ranking, Floats], Floats]
    influence: Callable[[Ranking], Floats]


def rank(positive: NDArray[np.bool_], scores: Floats) -> Ranking:
    """Sort, and find equal scores.

    Examples
    --------
    >>> rank(np.array([True, False, True]), np.array([0.5, 0.1, 0.5])).last.tolist()
    [1, 1, 2]
    """
    order = np.argsort(-scores, kind="stable")
    x = -scores[order]
    first = np.searchsorted(x, x, side="left").astype(np.int64)
    last = np.searchsorted(x, x, side="right").astype(np.int64) - 1
    return Ranking(order, first, last, positive[order].astype(np.float64))


def _counts(ranking: Ranking, weights: Floats) -> tuple[Floats, Floats]:
    """How many there are down to the last, and before the first, of each score."""
    total = np.cumsum(weights, axis=-1)
    if (ranking.first == ranking.last).all():  # as scores mostly are; gathering costs time
        return total, total - weights
    before = np.concatenate([np.zeros_like(total[..., :1]), total], axis=-1)
    return total[..., ranking.last], before[..., ranking.first]


def _classes(ranking: Ranking) -> tuple[Floats, Floats]:
    """1.0 for positives and for negatives, by place."""
    return ranking.positive, 1 - ranking.positive


def _roc(ranking: Ranking, weights: Floats) -> Floats:
    """P(score of a positive > of a negative) + half of P(equal)."""
    own, others = (weights * kind for kind in _classes(ranking))
    down, before = _counts(ranking, others)
    ones, zeros = own.sum(axis=-1), others.sum(axis=-1)
    beaten = zeros[..., None] - (down + before) / 2
    return _ratio(np.einsum("...i,...i->...", own, beaten), ones * zeros)


def _roc_influence(ranking: Ranking) -> Floats:
    """DeLong's placements about their mean, as shares of their class."""
    y = ranking.positive
    ones, zeros = y.sum(), (1 - y).sum()
    (up, up_before), (down, down_before) = (_counts(ranking, kind) for kind in _classes(ranking))
    placed = np.where(
        y > 0, (zeros - (down + down_before) / 2) / zeros, (up + up_before) / 2 / ones
    )
    return np.asarray((placed - (placed @ y) / ones) / np.where(y > 0, ones, zeros))


def _precision(ranking: Ranking, weights: Floats) -> Floats:
    """Average precision: mean over positives of the precision at their own score."""
    own, others = (weights * kind for kind in _classes(ranking))
    up, down = _counts(ranking, own)[0], _counts(ranking, others)[0]
    return _ratio((own * _ratio(up, up + down, 0.0)).sum(axis=-1), own.sum(axis=-1))


def _precision_influence(ranking: Ranking) -> Floats:
    """Derivative of average precision: a positive's own term, and what it does to all below it."""
    y = ranking.positive
    up, down = (_counts(ranking, kind)[0] for kind in _classes(ranking))
    both = up + down
    own = y * (up / both - (y * up / both).sum() / y.sum())
    # By the weight of a positive, A / (A + B) changes by B / (A + B)^2; of a negative, -A / ...
    gain = np.cumsum((y * down / both**2)[::-1])[::-1][ranking.first]
    loss = np.cumsum((y * up / both**2)[::-1])[::-1][ranking.first]
    return np.asarray((own + np.where(y > 0, gain, -loss)) / y.sum())


def _ratio(over: Floats, under: Floats, empty: float = np.nan) -> Floats:
    """The quotient; `empty` where there is nothing below the line."""
    return np.divide(over, under, out=np.full_like(over, empty), where=under > 0)


CURVES: Final[Mapping[Name, Curve]] = MappingProxyType(
    {
        "auroc": Curve(_roc, _roc_influence),
        "auprc": Curve(_precision, _precision_influence),
    }
)
