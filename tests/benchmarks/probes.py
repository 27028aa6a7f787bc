"""Probes: tasks of several labels, held-out scores of embeddings, and their areas with intervals by patient.

AUROC is the mean over labels and seeds; the interval sums DeLong's influences by patient, so that labels
which are unknown in some records, and differences of the same records, are no trouble.
"""

import csv
import dataclasses
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray
from tqdm.auto import tqdm

import dsp
from dsp import datasets, statistics
from recon import population, tasks

FEWEST: Final = 10
"""Patients with a label, and without, that it must have to be asked about."""


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """Records (n, 8, time) with labels (n, k), NaN where unknown; `split` says train and test, or None."""

    name: str
    x: NDArray[np.float32]
    labels: NDArray[np.float32]
    groups: tuple[str, ...]
    split: NDArray[np.str_] | None = None

    def parts(self):
        """Pairs of masks: to learn from, to score."""
        if self.split is not None:
            return [(self.split == "train", self.split == "test")]
        folds = datasets.grouped_folds(self.groups, 5, 0)
        return [(folds != k, folds == k) for k in range(5)]


def known(name, x, labels, groups, split=None):
    """A task of the labels that enough patients have."""
    names = np.array(groups)
    scored = np.ones(len(x), bool) if split is None else split == "test"
    columns = [
        k
        for k, column in enumerate(labels.T)
        if min(len(set(names[scored & (column == value)])) for value in (0, 1)) >= FEWEST
    ]
    return Task(name, x, labels[:, columns], tuple(groups), split)


def ptbxl(root):
    """The four tasks of PTB-XL, or none where it is not there in full; and the cohort of folds 1-8."""
    try:
        entries = datasets.ptbxl(root)
    except dsp.ReadError:
        return [], None
    if len(entries) < 1000:
        return [], None
    home = root / "ptbxl" if (root / "ptbxl").is_dir() else root
    with (home / "scp_statements.csv").open(newline="", encoding="utf-8") as file:
        said = {row.get("") or "": row for row in csv.DictReader(file)}
    kept = [(e, next(population.windows(e.ecg), None)) for e in tqdm(entries, desc="PTB-XL")]
    kept = [(entry, x) for entry, x in kept if x is not None]
    x, split = np.stack([x for _, x in kept]), np.array([entry.split for entry, _ in kept])
    groups = tuple(entry.group for entry, _ in kept)
    asked = {
        "super": lambda code: said[code]["diagnostic_class"],
        "sub": lambda code: said[code]["diagnostic_subclass"],
        "form": lambda code: code if said[code]["form"] else "",
        "rhythm": lambda code: code if said[code]["rhythm"] else "",
    }
    found = []
    for name, answer in asked.items():
        answers = [{answer(code) for code in e.labels if code in said} - {""} for e, _ in kept]
        names = sorted(set().union(*answers))
        labels = np.array([[n in a for n in names] for a in answers], np.float32)
        rows = np.array([bool(a) for a in answers])  # as in the benchmark of its authors
        part = tuple(g for g, row in zip(groups, rows, strict=True) if row)
        found.append(known(name, x[rows], labels[rows], part, split[rows]))
    learn = split == "train"
    unknown = np.full((learn.sum(), len(tasks.KNOBS)), np.nan, np.float32)
    empty = np.zeros((learn.sum(), 0), np.float32)
    part = tuple(g for g, row in zip(groups, learn, strict=True) if row)
    return found, tasks.Cohort(x[learn], empty, (), unknown, part)


def probed(task, z):
    """(n, k) held-out scores; NaN where a record is not scored."""
    scores = np.full(task.labels.shape, np.nan)
    for learn, test in task.parts():
        scores[test] = tasks.Probe.fit(z[learn], task.labels[learn]).scores(z[test])
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
