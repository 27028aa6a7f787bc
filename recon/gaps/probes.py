"""Probes: what a latent is worth to whoever reads diagnoses from it."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dsp.statistics import FEWEST_POSITIVES
from recon.gaps.draws import Draws, Values


@dataclasses.dataclass(frozen=True, eq=False)
class Tasks:
    """The statements that can be asked for.

    Attributes
    ----------
    names : of the statements. positive : (n, tasks).
    """

    names: tuple[str, ...]
    positive: NDArray[np.bool_]

    @property
    def targets(self) -> NDArray[np.float64]:
        """(n, tasks): 1 and 0."""
        return self.positive.astype(np.float64)


def tasks(labels: Sequence[Sequence[str]], folds: NDArray[np.int64]) -> Tasks:
    """Statements with enough records on either side, and on either side of every division.

    Examples
    --------
    >>> tasks([["AMI", "SR"]] * 20 + [["SR"]] * 20, np.arange(40) % 5).names
    ('AMI',)
    """
    counted = Counter(name for statements in labels for name in set(statements))
    kept: list[str] = []
    columns: list[NDArray[np.bool_]] = []
    for name in sorted(counted):
        has = np.array([name in statements for statements in labels])
        enough = min(has.sum(), (~has).sum()) >= FEWEST_POSITIVES
        if enough and len(np.unique(folds[has])) > 1 and len(np.unique(folds[~has])) > 1:
            kept.append(name)
            columns.append(has)
    positive = np.stack(columns, axis=1) if columns else np.zeros((len(labels), 0), bool)
    return Tasks(tuple(kept), positive)


def areas(scores: NDArray[np.float64], asked: Tasks, draws: Draws) -> list[Values]:
    """The area under the curve of each task, in each draw."""
    return [draws.auroc(y, x) for y, x in zip(asked.positive.T, scores.T, strict=True)]


def recovery(path: Values, floor: Values, ceiling: Values) -> Values:
    """(path - floor) / (ceiling - floor): 0 is a random encoder, 1 is all twelve leads.

    NaN in draws in which twelve leads are no better than the random encoder.

    Examples
    --------
    >>> recovery(np.array([0.7]), np.array([0.6]), np.array([0.8])).round(6).tolist()
    [0.5]
    """
    room = ceiling - floor
    out = np.full(room.shape, np.nan)
    return np.asarray(np.divide(path - floor, room, out=out, where=room > 0))
