"""Utility: what a classifier learns from synthetic recordings, judged on real patients it has not seen."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp.datasets import grouped_folds
from dsp.statistics import auroc, paired_area
from ecgsynth.fidelity.report import Finding

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
SHARES: Final = (0.1, 0.3, 1.0)
"""Of the real training patients, in the augmentation curve."""
FEWEST: Final = 10
"""Positives and negatives a label must have in either cohort."""
MOST_LABELS: Final = 3
_FOLDS: Final = 5
_RIDGE: Final = 0.1  # of the variance of a standardised feature


def shared_labels(real: list[tuple[str, ...]], made: list[tuple[str, ...]]) -> list[str]:
    """The commonest labels that both cohorts have often enough, at most three.

    Examples
    --------
    >>> shared_labels([("A",)] * 10 + [("B",)] * 12, [("A", "B")] * 10 + [("C",)] * 10)
    ['B', 'A']
    """
    counts = [Counter(name for names in rows for name in set(names)) for rows in (real, made)]
    usable = [
        name
        for name, _ in counts[0].most_common()
        if all(
            FEWEST <= count[name] <= len(rows) - FEWEST
            for count, rows in zip(counts, (real, made), strict=True)
        )
    ]
    return usable[:MOST_LABELS]


def utility(
    label: str,
    real: tuple[Floats, list[tuple[str, ...]], NDArray[Any]],
    made: tuple[Floats, list[tuple[str, ...]]],
    seed: int,
) -> Iterator[Finding]:
    """A linear probe on the encoder's vectors: real for real, synthetic for real, and both.

    Parameters
    ----------
    label : to be told from its absence.
    real : vectors (n, d), labels, patients. made : vectors (m, d), labels. seed : of the folds.

    Yields
    ------
    AUROCs over five folds by patient: TSTR beside TRTR, then for each of `SHARES` the real share
    with all synthetic ones beside that share alone; the difference of the two in the note.
    """
    x, labels, groups = real
    y = np.array([label in names for names in labels])
    y_made = np.array([label in names for names in made[1]])
    if len(set(groups.tolist())) < _FOLDS:
        return
    folds = grouped_folds(groups.tolist(), _FOLDS, seed)
    random = np.random.default_rng(seed)
    order = {name: place for place, name in enumerate(random.permutation(np.unique(groups)))}
    place = np.array([order[name] for name in groups])

    def scores(share: float, *, synthetic: bool) -> Floats:
        out = np.zeros(len(y))
        for fold in range(_FOLDS):
            train = (folds != fold) & (place < share * len(order))
            fit_x, fit_y = [x[train]], [y[train]]
            if synthetic:
                fit_x, fit_y = [*fit_x, made[0]], [*fit_y, y_made]
            out[folds == fold] = probe(
                np.concatenate(fit_x), np.concatenate(fit_y), x[folds == fold]
            )
        return out

    def row(name: str, with_: Floats, without: Floats) -> Finding:
        area, reference = auroc(y, with_, groups), auroc(y, without, groups)
        gain = paired_area(y, with_, without, groups)
        return Finding(
            "utility", f"{label}: {name}", "AUROC", area.value, area.low, area.high,
            reference.value, reference.low, reference.high,
            n_real=len(y), n_synthetic=len(y_made),
            note=f"{int(y.sum())} positive; difference {gain.value:+.3f} "
            f"({gain.low:+.3f} to {gain.high:+.3f})",
        )  # fmt: skip

    yield row("synthetic for real (beside real for real)", scores(0.0, synthetic=True),
              scores(1.0, synthetic=False))  # fmt: skip
    for share in SHARES:
        with_, without = (scores(share, synthetic=both) for both in (True, False))
        yield row(f"{100 * share:g} % real + synthetic (beside without)", with_, without)


def probe(x: Floats, y: Mask, new: Floats) -> Floats:
    """Scores of a ridge regression to the classes, features in units of the training spread.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 3))
    >>> auroc(x[:, 0] > 0, probe(x, x[:, 0] > 0, x)).value > 0.99
    True
    """
    if len(y) < 2 or y.all() or not y.any():
        return np.zeros(len(new))
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    z = (x - mean) / spread
    gram = z.T @ z / len(z) + _RIDGE * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, z.T @ (y - y.mean()) / len(z))
    return np.asarray((new - mean) / spread @ weights)
