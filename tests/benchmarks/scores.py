"""Every honest score of held-out predictions in one row, with intervals by patient.

    from tests.benchmarks import scores
    one = scores.score("network", x8, mean, variance, ("I", "II"))      # held-out, (n, 8, time)
    print(scores.table([one], patients))

Hidden independent leads only; mean over leads, then over records; 100 Hz, 0.5-40 Hz, mV.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from dsp import leads, metrics, statistics
from recon.population import FS

DRAWS: Final = 12
"""Of the energy score; its estimate has no bias for any number."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """One predictor on one lead set.

    Attributes
    ----------
    name, given : of what.
    conventions : r by name of `dsp.metrics.CONVENTIONS`.
    uncertainty, clinical : reports of `dsp.metrics`.
    by_record : (records,) of each score that is a mean over records.
    """

    name: str
    given: tuple[str, ...]
    conventions: Mapping[str, float]
    uncertainty: metrics.UncertaintyReport
    clinical: metrics.ClinicalReport
    by_record: Mapping[str, np.ndarray]


COLUMNS: Final = {
    "r": 3,
    "RMSE": 3,
    "CRPS": 4,
    "energy": 3,
    "held 90": 3,
    "ST": 3,
    "R": 3,
    "QRS": 3,
    "T": 3,
    "ectopic": 2,
}
"""Mean over records of each, with its interval; places after the point."""
LEGEND: Final = """\
RMSE, CRPS, energy score, ST (at J + 60 ms), R wave, and RMSE within QRS and T: mV, mean over hidden leads;
held 90: samples within the 90 % interval; worst 90: what the worst twentieth of records stays below;
ectopic: r within beats of another shape; rank: of error with stated deviation over records;
slope: of log estimated on log true peak-to-peak; ST>.1: share of ST levels off by more than 0.1 mV."""


def score(name, x8, mean, variance, given, *, raw=None, half=None, marks=None, seed=0):
    """Score held-out predictions (n, 8, time) of x8.

    raw : the same records without any filter, for the convention of that name; NaN there without.
    half : half widths by level, (n, 8, time) mV, where intervals are other than Gaussian.
    marks : `dsp.metrics.landmarks` of each record, if there are any already.
    """
    given = tuple(given)
    report = metrics.reconstruction(
        leads.twelve(x8), leads.twelve(mean), FS, given=given, band=None
    )
    rows = [leads.EIGHT.index(lead) for lead in report.hidden]
    x, m = x8[:, rows].astype(np.float32), mean[:, rows].astype(np.float32)
    std = np.sqrt(np.maximum(variance[:, rows], 0)).astype(np.float32)
    only = None if half is None else {level: each[:, rows] for level, each in half.items()}
    sure = metrics.uncertainty(x, m, std, leads=report.hidden, half=only)
    seen = metrics.clinical(x8, mean, FS, given=given, marks=marks)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((DRAWS, *m.shape[1:]), np.float32)
    energy = [metrics.energy_score(a, b + c * noise) for a, b, c in zip(x, m, std, strict=True)]
    conventions = {name: one.value for name, one in report.scores.items()}
    conventions["raw"] = np.nan if raw is None else float(_credited(raw[:, rows], m).mean())
    clinical = seen.per_record
    by_record = {
        "r": _credited(x, m).mean(axis=1),
        "RMSE": metrics.rmse(x, m).mean(axis=1),
        "CRPS": sure.crps.mean(axis=1),
        "energy": np.array(energy),
        "held 90": sure.per_record(0.9),
        "ST": clinical["ST"],
        "R": clinical["R"],
        "QRS": clinical["QRS RMSE"],
        "T": clinical["T RMSE"],
        "ectopic": seen.ectopic,
    }
    return Scores(name, given, conventions, sure, seen, by_record)


def table(rows: Sequence[Scores], patients, *, seed: int = 0) -> str:
    """Text: a row a predictor and lead set; means over records with 95 % intervals by patient."""
    head = f"{'given':12}{'predictor':14}" + "".join(f"{c:>21}" for c in COLUMNS)
    lines = [head + f"{'worst 90':>21}{'rank':>7}{'slope':>7}{'ST>.1':>7}"]
    for row in rows:
        line = f"{' '.join(row.given):12}{row.name:14}"
        for column, places in COLUMNS.items():
            line += _cell(row.by_record[column], patients, np.mean, places, seed)
        line += _cell(row.by_record["held 90"], patients, metrics.worst, 3, seed)
        line += f"{row.uncertainty.rank:7.2f}{row.clinical.slope:7.2f}{row.clinical.st_large:7.3f}"
        lines.append(line)
    return "\n".join(lines)


def conventions(rows: Sequence[Scores]) -> str:
    """Text: r under the five conventions, a row a predictor and lead set."""
    names = list(metrics.CONVENTIONS)
    lines = [f"{'given':12}{'predictor':14}" + "".join(f"{name:>8}" for name in names)]
    lines += [
        f"{' '.join(row.given):12}{row.name:14}"
        + "".join(f"{row.conventions[name]:8.3f}" for name in names)
        for row in rows
    ]
    return "\n".join([*lines, *(f"{name}: {text}" for name, text in metrics.CONVENTIONS.items())])


def by_lead(row: Scores) -> str:
    """Text: coverage by level and lead, PIT, amplitudes, ST and windows by lead, ectopic beats apart."""
    head = f"{row.name} from {' '.join(row.given)}"
    return "\n\n".join([head, row.uncertainty.table, row.clinical.table])


def _credited(truth, estimate):
    """R of each record and lead; 0 for an estimate without a wave, which must not gain by it."""
    return np.nan_to_num(metrics.r(truth, estimate))


def _cell(values, patients, statistic, places, seed):
    if not np.isfinite(values).any():
        return f"{'-':>21}"
    found = statistics.bootstrap(values, patients, statistic, n=400, seed=seed)
    return f"  {found.value:.{places}f} [{found.low:.{places}f},{found.high:.{places}f}]".rjust(21)
