"""Summary: the report as rows, for people and for machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dsp import leads
from dsp.statistics import Interval, from_influence
from recon.information.errors import WAVES
from recon.information.lead_sets import SUBSETS, cost
from recon.information.measures import MEASURES, Question, count
from recon.information.worth import DEFINITIONS

if TYPE_CHECKING:
    from recon.information.best import Best
    from recon.information.report import LeadInformation

Rows = list[dict[str, Any]]

SETS: Final = ("I", "II", "I II", "I II V2", "I II V3", "I II V4", "I II V2 V5", "I II V1 V3 V5")
"""What wearables and short protocols record."""
WAVE_SETS: Final = ("I", "I II", "I II V2", "I II V2 V5")
NOISES: Final = (0.005, 0.01, 0.02)
FEWEST_RECORDS: Final = 15
"""A diagnosis of fewer records is not listed."""


def common(info: LeadInformation) -> Rows:
    """Lead sets in use, and what they tell of the leads they leave out."""
    return [
        {"given": given, "electrodes": cost(given.split())}
        | {_head(m): info.score(given=given, measure=m) for m in ("r2", "bits", "joint", "rate")}
        for given in SETS
    ]


def precordial(info: LeadInformation) -> Rows:
    """Each chest lead from the two limb leads."""
    return [
        {"lead": lead}
        | {_head(m): info.score(lead, "I II", m) for m in ("r2", "bits", "rate", "rmse")}
        for lead in leads.PRECORDIAL
    ]


def worth(info: LeadInformation) -> Rows:
    """Each lead by three definitions, in shares of all eight leads and in bits about all eight."""
    columns = {
        f"{definition} {_head(measure)}": info.worth(None, measure, definition=definition)
        for measure in ("r2", "joint")
        for definition in DEFINITIONS
    }
    return [
        {"lead": lead} | {name: each[lead] for name, each in columns.items()}
        for lead in leads.EIGHT
    ]


def unique(info: LeadInformation) -> Rows:
    """What the seven other leads leave open of each."""
    rows = []
    for lead in leads.EIGHT:
        others = [other for other in leads.EIGHT if other != lead]
        row: dict[str, Any] = {"lead": lead}
        row |= {_head(m): info.score(lead, others, m) for m in ("r2", "bits", "rmse")}
        rows.append(row)
    return rows


def by_leads(info: LeadInformation) -> Rows:
    """The best set of each number of leads."""
    return [_best(found, "leads") for found in info.best("leads")]


def by_electrodes(info: LeadInformation) -> Rows:
    """The best set of each number of electrodes."""
    return [_best(found, "electrodes") for found in info.best("electrodes")]


def waves(info: LeadInformation) -> Rows:
    """Each wave: R² of the leads left out."""
    return [
        {"wave": wave} | {given: info.score(given=given, wave=wave) for given in WAVE_SETS}
        for k, wave in enumerate(("all", *WAVES))
        if not k or np.isfinite(info.errors.waves[:, 0, 0, k - 1]).any()
    ]


def diagnoses(info: LeadInformation) -> Rows:
    """Each diagnosis: R² of the leads left out."""
    rows = []
    for label, n in info.diagnoses(FEWEST_RECORDS).items():
        part = info.where(label)
        row: dict[str, Any] = {"label": label, "records": n, "patients": len(set(part.groups))}
        rows.append(row | {given: part.score(given=given) for given in WAVE_SETS})
    return rows


def noise(info: LeadInformation) -> Rows:
    """How much the assumed noise floor matters: bits per sample and lead."""
    rows = []
    for floor in NOISES:
        part = info.with_noise(floor)
        row: dict[str, Any] = {"noise µV": 1000 * floor}
        rows.append(row | {given: part.score(given=given, measure="bits") for given in WAVE_SETS})
    return rows


SECTIONS: Final[Mapping[str, Callable[[LeadInformation], Rows]]] = {
    "hidden leads, from common lead sets": common,
    "each chest lead, from I and II": precordial,
    "what a lead is worth": worth,
    "each lead, from the seven others": unique,
    "best by number of leads, R² of all eight": by_leads,
    "best by number of electrodes, R² of all eight": by_electrodes,
    "R² of hidden leads by wave": waves,
    "R² of hidden leads by diagnosis": diagnoses,
    "bits/sample of hidden leads by noise floor": noise,
}
"""The report, a heading a function."""


def text(info: LeadInformation) -> str:
    """All sections, for people."""
    parts = [f"{head(info)}\n"]
    for title, section in SECTIONS.items():
        rows = section(info)
        if rows:
            parts.append(f"{title}\n{_aligned(rows)}\n")
    return "\n".join(parts)


def head(info: LeadInformation) -> str:
    """What was measured, on whom, and by what convention."""
    return (
        f"{info.predictor} predictor; {len(info)} records of {len(set(info.groups))} patients, all "
        f"held out; 100 Hz, 0.5-40 Hz; noise floor {1000 * info.noise:g} µV; value [95 % interval, "
        "by patient]"
    )


def values(info: LeadInformation) -> dict[str, Any]:
    """All sections and all 255 lead sets, for machines."""
    found: dict[str, Any] = {
        "predictor": info.predictor,
        "records": len(info),
        "patients": len(set(info.groups)),
        "noise_mv": info.noise,
        "convention": head(info),
        "measures": {
            name: f"{measure.unit} {measure.says}".strip() for name, measure in MEASURES.items()
        },
    }
    found |= {title: plain(section(info)) for title, section in SECTIONS.items()}
    return found | {"all lead sets": plain(every(info))}


def every(info: LeadInformation) -> Rows:
    """All 255 lead sets, and R² of each lead; intervals by linearisation, not by draws."""
    each_lead = [info.counts(lead).mean(axis=0) for lead in leads.EIGHT]
    rows: Rows = []
    for code, given in enumerate(SUBSETS[1:], 1):
        row: dict[str, Any] = {"given": " ".join(given), "electrodes": cost(given)}
        hidden = tuple(i for i in range(8) if not code >> i & 1)
        for measure in ("r2", "bits", "joint", "rate") if hidden else ():
            asked = Question(hidden, np.array([code]), info.noise)
            each = count(measure, info.errors, asked)[:, 0]
            row[_head(measure)] = from_influence(
                float(each.mean()), (each - each.mean()) / len(each), info.groups
            )
        row |= {leads.EIGHT[i]: float(each_lead[i][code]) for i in hidden}
        rows.append(row)
    return rows


def plain(rows: Rows) -> Rows:
    """Rows of what JSON knows: an interval is its value and its ends; what is undefined is null."""
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return {name: _plain(getattr(value, name)) for name in ("value", "low", "high")}
    if isinstance(value, float):
        return round(value, 5) if np.isfinite(value) else None
    return value


def _best(found: Best, by: str) -> dict[str, Any]:
    return {
        by: found.size,
        "given": " ".join(found.given),
        "R²": found.value,
        "runner-up": " ".join(found.runner_up),
        "ahead by": found.ahead,
    }


def _head(measure: str) -> str:
    unit = MEASURES[measure].unit
    return {
        "r2": "R²",
        "pooled": "R² pooled",
        "joint": f"joint {unit}",
        "rmse": f"rmse {unit}",
    }.get(measure, unit)


def _aligned(rows: Rows) -> str:
    """Columns as wide as their widest cell."""
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _cell(value: Any) -> str:
    if isinstance(value, Interval):
        digits = 0 if abs(value.value) >= 100 else 1 if abs(value.value) >= 10 else 3
        return f"{value.value:.{digits}f} [{value.low:.{digits}f}, {value.high:.{digits}f}]"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
