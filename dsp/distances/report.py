"""All distances of two sets of embeddings in one table, each beside the floor that real recordings set."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from dsp.distances import embeddings, paired, splits
from dsp.distances.coverage import density_coverage
from dsp.distances.distance import Distance
from dsp.distances.embeddings import Floats, Numbers, Sets
from dsp.distances.frechet import frechet, frechet_infinity
from dsp.distances.kernels import kid, mmd
from dsp.distances.retrieval import retrieval
from dsp.distances.ridge import ridge_r2
from dsp.distances.similarity import cka, mutual_knn
from dsp.distances.sliced import sliced_wasserstein
from dsp.distances.spread import Collapse, collapse, uniformity
from dsp.errors import LengthError
from dsp.statistics.intervals import Groups, numbered

Measure = Callable[[Floats, Floats, Numbers, Numbers], tuple[Distance, ...]]


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """One line of the table of metrics.

    Attributes
    ----------
    measure : of (a, b, patients of a, patients of b), one distance or several.
    best : the value of each for identical sets, or for two samples of one distribution.
    pairs : whether row i of either must be of the same recording.
    raw : as embedded, where all others see embeddings about the mean of a in units of its spread.
    """

    measure: Measure
    best: tuple[float, ...]
    pairs: bool = False
    raw: bool = False


METRICS: Final[tuple[Metric, ...]] = (
    Metric(lambda x, y, g, _: (paired.cosine_gap(x, y, g, mean=_zero(x)),), (0,), pairs=True),
    Metric(lambda x, y, g, _: (paired.r2(x, y, g, mean=_zero(x)),), (1,), pairs=True),
    Metric(lambda x, y, g, _: (ridge_r2(x, y, g),), (1,), pairs=True),
    Metric(lambda x, y, g, _: retrieval(x, y, g, mean=_zero(x)), (1, 1, 1), pairs=True),
    Metric(lambda x, y, g, _: (cka(x, y, g),), (1,), pairs=True),
    Metric(lambda x, y, g, _: (mutual_knn(x, y, g),), (1,), pairs=True),
    Metric(lambda x, y, g, _: (paired.alignment(x, y, g),), (0,), pairs=True, raw=True),
    Metric(lambda _, y, __, h: (uniformity(y, h),), (np.nan,), raw=True),
    Metric(lambda x, y, g, h: (paired.modality_gap(x, y, g, h),), (0,)),
    Metric(lambda x, y, g, h: (kid(x, y, g, h),), (0,)),
    # Two rows of a are so far apart, root mean square, once its spread is the unit.
    Metric(lambda x, y, g, h: (mmd(x, y, g, h, width=np.sqrt(2 * x.shape[1])),), (0,)),
    Metric(lambda x, y, g, h: (frechet(_total(x), _total(y), g, h),), (0,)),
    Metric(lambda x, y, g, h: (frechet_infinity(_total(x), _total(y), g, h),), (0,)),
    Metric(lambda x, y, g, h: (sliced_wasserstein(x, y, g, h),), (0,)),
    Metric(lambda x, y, g, h: density_coverage(x, y, g, h), (1, 1)),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A distance beside its floor.

    Attributes
    ----------
    distance : of all rows.
    best : what it would be for identical sets, or for two samples of one distribution.
    floor : (repeats,) the same of real recordings alone: where pairs count, of all real ones with
        those of other patients; else of two halves of the real ones that share no patient.
    at_floor : (repeats,) of the first half of the real ones and the estimates of the second: as many
        rows as the floor has, so that the two can be compared; empty where pairs count.
    """

    distance: Distance
    best: float
    floor: Floats
    at_floor: Floats

    @property
    def cells(self) -> tuple[str, ...]:
        """Name, value, interval, floor with its range, and value at the floor's size, as text."""
        d = self.distance
        return (
            d.name,
            _number(d.value),
            f"{_number(d.low)} to {_number(d.high)}" if np.isfinite(d.low) else "-",
            _mean(self.floor),
            f"{_number(self.floor.min())} to {_number(self.floor.max())}"
            if self.floor.size
            else "-",
            _mean(self.at_floor),
            _number(self.best),
        )


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class DistanceReport:
    """All distances from real embeddings to estimates of them.

    Attributes
    ----------
    rows : `Row` by name of the distance.
    missing : why a distance could not be taken, by place in `METRICS`.
    collapse_a, collapse_b : whether either set has collapsed.
    n_a, n_b, n_patients, dim : what it rests on.
    left_out : rows of either that were not finite.
    """

    rows: Mapping[str, Row]
    missing: tuple[str, ...]
    collapse_a: Collapse
    collapse_b: Collapse
    n_a: int
    n_b: int
    n_patients: int
    dim: int
    left_out: int

    def __getitem__(self, name: str) -> Row:
        return self.rows[name]

    def __repr__(self) -> str:
        return f"DistanceReport({self._head})"

    @property
    def _head(self) -> str:
        lost = f", {self.left_out} left out" if self.left_out else ""
        return (
            f"{self.n_a} and {self.n_b} embeddings of {self.n_patients} patients{lost}, "
            f"{self.dim} dimensions"
        )

    @property
    def table(self) -> str:
        """Text: a row a distance with interval, floor, its range, the value at the floor's size."""
        head = ("", "value", "95 % interval", "floor", "its range", "at its size", "best")
        cells = [head, *(row.cells for row in self.rows.values())]
        wide = [max(len(row[k]) for row in cells) for k in range(len(head))]
        lines = [self._head, f"a: {self.collapse_a}", f"b: {self.collapse_b}"]
        lines += [
            "  ".join(
                [
                    f"{row[0]:<{wide[0]}}",
                    *(f"{c:>{w}}" for c, w in zip(row[1:], wide[1:], strict=True)),
                ]
            )
            for row in cells
        ]
        notes: dict[str, list[str]] = {}
        for name, row in self.rows.items():
            for note in filter(None, row.distance.warning.split("; ")):
                notes.setdefault(note, []).append(name)
        for note, names in notes.items():
            which = "all" if len(names) == len(self.rows) else ", ".join(names)
            lines.append(f"{which}: {note}")
        return "\n".join([*lines, *(f"not taken: {reason}" for reason in self.missing)])

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain numbers for JSON, by name of the distance; None for what is not defined."""
        out: dict[str, dict[str, Any]] = {}
        for name, row in self.rows.items():
            d = row.distance
            numbers = {
                "value": d.value,
                "low": d.low,
                "high": d.high,
                "error": d.error,
                "chance": d.chance,
                "best": row.best,
                "floor": float(row.floor.mean()) if row.floor.size else np.nan,
                "at_floor": float(row.at_floor.mean()) if row.at_floor.size else np.nan,
            }
            out[name] = {k: v if np.isfinite(v) else None for k, v in numbers.items()}
            out[name] |= {"n_a": d.n_a, "n_b": d.n_b, "n_patients": d.n_patients}
            out[name] |= {"warning": d.warning}
        return out


def compare(
    a: ArrayLike,
    b: ArrayLike,
    groups: Groups | None = None,
    *,
    paired: bool = True,
    mean: ArrayLike | None = None,
    repeats: int = 10,
    seed: int = 0,
) -> DistanceReport:
    """Take all distances from real embeddings to estimates of them, each with interval and floor.

    All but alignment and uniformity see both sets about the mean of the real one and in units of its
    spread (one number: the root of the mean variance), so that nothing depends on the unit of the
    encoder; Frechet distances are shares of its total variance.

    Parameters
    ----------
    a : (n, dim) embeddings of real recordings.
    b : (m, dim) embeddings of estimates of them, row by row; of generated ones if not `paired`.
    groups : (n,) the patient of each row of a (and of b if `paired`); every row its own if not given.
    paired : whether row i of b is of the same recording as row i of a.
    mean : (dim,) of the training data, for both; that of a if not given.
    repeats : random halves, or random pairs, for the floors.
    seed : of all that is random.

    Returns
    -------
    A report with `.table`, `.rows`, `.to_dict()`. Rows that are not finite are left out (of both
    sets, if paired) and counted; a distance that needs more rows, or one space, is named in
    `.missing`.

    Raises
    ------
    LengthError
        If the shapes do not match, fewer than two rows are finite, or all are of one patient.
    SignalError
        If the embeddings are not numbers.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(120, 8))
    >>> report = compare(z, z + np.random.default_rng(1).normal(size=z.shape), repeats=3)
    >>> row = report["cosine gap"]
    >>> row.distance.high < row.floor.min()
    np.True_
    """
    sets, left_out = _finite(a, b, groups, paired=paired)
    raw, unit = sets, _standard(sets, mean)
    rows: dict[str, Row] = {}
    missing = []
    for metric in METRICS:
        view = raw if metric.raw else unit
        if metric.pairs and not paired:
            continue
        try:
            found = metric.measure(view.a, view.b, view.patient_a, view.patient_b)
        except LengthError as error:
            missing.append(str(error))
            continue
        floor, at_floor = _floor(metric, view, repeats, seed, paired=paired)
        for k, distance in enumerate(found):
            rows[distance.name] = Row(distance, metric.best[k], floor[:, k], at_floor[:, k])
    return DistanceReport(
        MappingProxyType(rows),
        tuple(dict.fromkeys(missing)),
        collapse(raw.a, raw.patient_a),
        collapse(raw.b, raw.patient_b),
        len(raw.a),
        len(raw.b),
        raw.n_patients,
        raw.a.shape[1],
        left_out,
    )


def _finite(a: ArrayLike, b: ArrayLike, groups: Groups | None, *, paired: bool) -> tuple[Sets, int]:
    """The rows that are finite, and how many are not."""
    x, y = embeddings.numbers(a, "embeddings a"), embeddings.numbers(b, "embeddings b")
    if paired and len(x) != len(y):
        raise LengthError(
            f"{len(x)} embeddings and {len(y)}: row i of both must be of the same recording, or "
            "give paired=False."
        )
    names = np.arange(len(x)) if groups is None else groups
    patient = numbered(np.zeros(len(x)), names)[1]
    good_x, good_y = np.isfinite(x).all(axis=1), np.isfinite(y).all(axis=1)
    if paired:
        good = good_x & good_y
        kept = embeddings.sets(x[good], y[good], patient[good], None, same=False)
        return kept, int((~good).sum())
    others = len(x) + np.arange(len(y))  # generated: each a patient of its own
    kept = embeddings.sets(x[good_x], y[good_y], patient[good_x], others[good_y], same=False)
    return kept, int((~good_x).sum() + (~good_y).sum())


def _standard(sets: Sets, mean: ArrayLike | None) -> Sets:
    """Both about one mean and in units of the spread of a; b as it is if it lives elsewhere."""
    about = embeddings.centre(sets.a, mean)
    scale = float(np.sqrt(sets.a.var(axis=0).mean()))
    unit = scale if scale > 0 else 1.0
    b = (sets.b - about) / unit if sets.b.shape[1] == len(about) else sets.b
    return dataclasses.replace(sets, a=(sets.a - about) / unit, b=b)


def _floor(
    metric: Metric, view: Sets, repeats: int, seed: int, *, paired: bool
) -> tuple[Floats, Floats]:
    """(repeats, distances) of real recordings alone, and of estimates in as many rows."""
    generator = np.random.default_rng(seed)
    real, judged = [], []
    x, y, g, h = view.a, view.b, view.patient_a, view.patient_b
    width = len(metric.best)
    try:
        for _ in range(repeats):
            if metric.pairs:
                real.append(metric.measure(x, y[splits.strangers(g, generator)], g, g))
                continue
            i, j = splits.halves(g, generator)
            size = min(len(i), len(y))
            k = j[:size] if paired else generator.permutation(len(y))[:size]
            real.append(metric.measure(x[i[:size]], x[j[:size]], g[i[:size]], g[j[:size]]))
            judged.append(metric.measure(x[i[:size]], y[k], g[i[:size]], h[k]))
    except LengthError:  # too few rows for halves
        return np.empty((0, width)), np.empty((0, width))
    tables = [np.array([[d.value for d in row] for row in rows]) for rows in (real, judged)]
    return tables[0].reshape(-1, width), tables[1].reshape(-1, width)


def _zero(x: Floats) -> Floats:
    return np.zeros(x.shape[1])


def _total(x: Floats) -> Floats:
    """In units of the total spread: what is squared is a share of the total variance."""
    return np.asarray(x / np.sqrt(x.shape[1]))


def _number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "-"


def _mean(values: Floats) -> str:
    return _number(float(values.mean())) if values.size else "-"
