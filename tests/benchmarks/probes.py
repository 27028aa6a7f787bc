"""Probes: held-out scores of embeddings of a cohort, and their areas with intervals by patient.

AUROC is the mean over labels and seeds; the interval sums DeLong's influences by patient, so that labels
which are unknown in some records, and differences of the same records, are no trouble.
"""

import numpy as np
import scipy

from dsp import statistics
from recon import tasks


def probed(task, z):
    """(n, k) held-out scores; NaN where a record is not scored."""
    scores = np.full(task.labels.shape, np.nan)
    asked = np.isfinite(task.labels).any(axis=1)
    for learn, test in task.parts():
        scored = test & asked
        scores[scored] = tasks.Probe.fit(z[learn], task.labels[learn]).scores(z[scored])
    return scores


def area(task, scores):
    """Mean AUROC over seeds and labels of (seeds, n, k), and what each record adds to it (n,)."""
    values, influence = [], np.zeros(len(task.x))
    for one in scores:
        for truth, score in zip(task.labels.T, one.T, strict=True):
            rows = np.flatnonzero(np.isfinite(truth) & np.isfinite(score))
            y, x = truth[rows] > 0.5, score[rows]
            rank = scipy.stats.rankdata
            placed = rank(x)  # the share of the other class each record is rightly ranked against
            placed[y] = (placed[y] - rank(x[y])) / (~y).sum()
            placed[~y] = 1 - (placed[~y] - rank(x[~y])) / y.sum()
            values.append(placed[y].mean())
            influence[rows] += (placed - values[-1]) / np.where(y, y.sum(), (~y).sum())
    return float(np.mean(values)), influence / len(values)


def interval(task, first, second=None):
    """Of an area, or of the difference of two."""
    value, influence = area(task, first)
    if second is not None:
        other, its = area(task, second)
        value, influence = value - other, influence - its
    scored = np.isfinite(first[0]).any(axis=1)
    groups = [g for g, row in zip(task.groups, scored, strict=True) if row]
    return statistics.from_influence(value, influence[scored], groups)


def cell(found):
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def signed(found):
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
