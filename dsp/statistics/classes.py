"""A table of many classes, in which the positives of each are always shown."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp.errors import LengthError
from dsp.statistics import areas, intervals, tables
from dsp.statistics.areas import Area, Method
from dsp.statistics.intervals import Groups, Interval
from dsp.statistics.ranks import Floats, Name
from dsp.statistics.tables import FEWEST_POSITIVES


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClassReport:
    """Areas of several classes, one by one; a mean only where each has enough positives.

    Attributes
    ----------
    classes : names.
    auroc, auprc : an `Area` a class.
    positive, scores : (records, classes) what it was made from.
    patient : (records,) number of each record's patient.
    level : nominal coverage.
    """

    classes: tuple[str, ...]
    auroc: tuple[Area, ...]
    auprc: tuple[Area, ...]
    positive: NDArray[np.bool_]
    scores: Floats
    patient: NDArray[np.int64]
    level: float

    def __repr__(self) -> str:
        return f"ClassReport({len(self.classes)} classes, {len(self.positive)} records)"

    @property
    def n_positive(self) -> NDArray[np.int64]:
        """(classes,) positive recordings."""
        return np.asarray(self.positive.sum(axis=0), np.int64)

    @property
    def table(self) -> str:
        """Text: a row a class with its positives, their patients, AUROC, AUPRC and its chance."""
        wide = max(len("class"), *(len(name) for name in self.classes))
        lines = [f"{'class':<{wide}} positive patients  {'AUROC':<24}{'AUPRC':<24}chance"]
        for k, name in enumerate(self.classes):
            patients = len(set(self.patient[self.positive[:, k]]))
            few = "*" if self.auroc[k].n_positive < FEWEST_POSITIVES else " "
            cells = "".join(f"{_cell(row[k]):<24}" for row in (self.auroc, self.auprc))
            lines.append(
                f"{name:<{wide}} {self.auroc[k].n_positive:>8} {patients:>8}{few} {cells}"
                f"{self.auprc[k].chance:.3f}"
            )
        lines.append(
            f"{len(self.positive)} records of {self.patient.max() + 1} patients; "
            f"{100 * self.level:g} % intervals"
        )
        if (self.n_positive < FEWEST_POSITIVES).any():
            lines.append(f"* fewer than {FEWEST_POSITIVES} positives: in no mean unless asked for")
        return "\n".join(lines)

    def macro(
        self,
        area: Name = "auroc",
        *,
        method: Method = "delong",
        fewest: int = FEWEST_POSITIVES,
        n: int = 1000,
        seed: int = 0,
    ) -> Interval:
        """Mean over classes with its interval by patient.

        Parameters
        ----------
        area : ``"auroc"`` or ``"auprc"``.
        method : ``"bootstrap"`` draws patients; the default sums influences.
        fewest : positives (and negatives) each class must have; a smaller number asks for
            classes that have fewer, and the interval then names them.
        n, seed : draws of the bootstrap.

        Raises
        ------
        FewPositivesError
            If a class has fewer.
        """
        intervals.check(self.level, n)
        tables.enough(self.positive, fewest, self.classes)
        value = float(tables.whole(area, self.positive, self.scores).mean())
        if method == "bootstrap":
            replicates = tables.drawn(
                area, self.positive, (self.scores,), self.patient, n=n, seed=seed
            )
            counts = (int(self.patient.max()) + 1, len(self.positive))
            found = intervals.percentiles(value, replicates[0].mean(axis=-1), counts, self.level)
        else:
            influence = tables.influences(area, self.positive, self.scores).mean(axis=-1)
            found = intervals.from_influence(value, influence, self.patient, level=self.level)
        few = [
            f"{name} has {count} positives"
            for name, count in zip(self.classes, self.n_positive, strict=True)
            if count < FEWEST_POSITIVES
        ]
        notes = [note for note in (found.warning, *few) if note]
        return dataclasses.replace(found, warning="; ".join(notes))


def per_class(
    positive: ArrayLike,
    scores: ArrayLike,
    classes: Sequence[str],
    groups: Groups | None = None,
    *,
    method: Method = "delong",
    level: float = 0.95,
    seed: int = 0,
) -> ClassReport:
    """AUROC and AUPRC of each class, with its positives.

    Parameters
    ----------
    positive : (records, classes) true or false.
    scores : (records, classes) larger for positive.
    classes : names of the columns.
    groups, method, level, seed : as `auroc`.

    Returns
    -------
    A report with `.table`, `.auroc`, `.auprc`, and `.macro()`, which refuses classes with fewer
    than ten positives unless asked.

    Raises
    ------
    LengthError
        If the shapes differ, or there is nothing.
    SignalError
        As `auroc`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random((400, 2)) < [0.3, 0.01]
    >>> report = per_class(y, y + rng.normal(size=y.shape), ["IMI", "PMI"])
    >>> print(report.table)
    class positive patients  AUROC                   AUPRC                   chance
    IMI        111      111  0.784 (0.732 to 0.828)  0.587 (0.486 to 0.681)  0.278
    PMI          4        4* 0.932 (0.865 to 0.968)  0.104 (0.026 to 0.331)  0.010
    400 records of 400 patients; 95 % intervals
    * fewer than 10 positives: in no mean unless asked for
    """
    y, x, member = tables.prepare(positive, scores, groups, level, several=True)
    if not y.size or len(classes) != y.shape[1]:
        raise LengthError(
            f"{len(classes)} names for classes of shape {y.shape}; give one a column."
        )
    found: dict[str, list[Area]] = {"auroc": [], "auprc": []}
    for k in range(y.shape[1]):
        for name, judge in (("auroc", areas.auroc), ("auprc", areas.auprc)):
            found[name].append(
                judge(y[:, k], x[:, k], member, method=method, level=level, seed=seed)
            )
    return ClassReport(
        tuple(str(name) for name in classes),
        tuple(found["auroc"]),
        tuple(found["auprc"]),
        y,
        x,
        member,
        level,
    )


def _cell(area: Area) -> str:
    if np.isnan(area.value):
        return "-"
    if np.isnan(area.low):
        return f"{area.value:.3f}"
    return f"{area.value:.3f} ({area.low:.3f} to {area.high:.3f})"
