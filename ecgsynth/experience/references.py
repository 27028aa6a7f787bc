"""References: what is remembered of a recording: codes, age, sex, report, and its median beat."""

import ast
import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import dsp
from dsp import filters, leads
from dsp.datasets.dataset import Entry
from dsp.errors import LeadError, ReadError
from ecgsynth.statements import unified

Floats = NDArray[np.float32]
BEAT_FS: Final = 250.0
"""Hz of the prototypes."""
BEAT_BEFORE: Final = 60
"""Samples of a prototype before its R peak."""
BEAT_SAMPLES: Final = 170
"""Samples of a prototype."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One recording that may be remembered.

    Attributes
    ----------
    name : unique. patient : who it is of; retrieval can leave a patient out.
    diagnoses, medication, procedures : codes, in any one vocabulary each; diagnoses best as of
        `ecgsynth.statements.unified`.
    age : years or None. sex : F, M or None. text : a report.
    beat : (8, samples) mV, the median beat at `BEAT_FS`, or None.

    Examples
    --------
    >>> Reference("a", diagnoses=("AFIB",)).patient
    ''
    """

    name: str
    patient: str = ""
    diagnoses: tuple[str, ...] = ()
    medication: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    age: float | None = None
    sex: str | None = None
    text: str = ""
    beat: Floats | None = None


def ptbxl_reports(table: str | Path) -> list[Reference]:
    """References from PTB-XL's own table (``ptbxl_database.csv``), reports included, without signals.

    Parameters
    ----------
    table : the table, or an excerpt of it; rows without SCP codes are passed over.

    Returns
    -------
    One reference a row: its SCP codes, age (300 in the table, for over 89, becomes 90), sex, and
    report (German, English or Swedish).

    Raises
    ------
    ReadError
        If it cannot be read as such a table.

    Examples
    --------
    >>> ptbxl_reports("nowhere.csv")
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: cannot read nowhere.csv as a table of PTB-XL: ...
    """
    try:
        with Path(table).open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["scp_codes"]]
        return [_reported(row) for row in rows]
    except (OSError, KeyError, ValueError, SyntaxError, TypeError, csv.Error) as error:
        raise ReadError(f"cannot read {table} as a table of PTB-XL: {error}.") from None


def _reported(row: Mapping[str, str]) -> Reference:
    codes: Any = ast.literal_eval(row["scp_codes"])
    age = float(row["age"]) if row["age"] else None
    return Reference(
        name=f"ptb-xl/{int(float(row['ecg_id']))}",
        patient=f"ptb-xl/{int(float(row['patient_id']))}",
        diagnoses=unified(sorted(codes)),
        age=min(age, 90.0) if age is not None else None,
        sex={"0": "M", "1": "F"}.get(row["sex"].split(".")[0]),
        text=row["report"],
    )


def median_beat(ecg: dsp.ECG) -> Floats | None:
    """(8, 170) mV, the median beat of the eight leads at 250 Hz, 0.24 s before R to 0.44 s after.

    Returns
    -------
    None where there is no whole beat, or the leads do not determine all twelve.

    Examples
    --------
    >>> median_beat(dsp.ECG(np.zeros((12, 5000)), 500, leads.TWELVE)) is None
    True
    """
    try:
        x = ecg.twelve_leads()[leads.EIGHT]
    except LeadError:
        return None
    x = filters.clean(filters.resample(x, ecg.fs, BEAT_FS), BEAT_FS)
    peaks = dsp.r_peaks(x, BEAT_FS)
    before, after = BEAT_BEFORE / BEAT_FS, (BEAT_SAMPLES - BEAT_BEFORE) / BEAT_FS
    cut = dsp.segment(x, BEAT_FS, peaks, window="fixed", before=before, after=after)
    beat = cut.median()
    return beat if len(cut) and np.isfinite(beat).all() else None


def remember(entry: Entry) -> Reference:
    """What is remembered of an entry of a data set: its labels as statements, its report, its beat.

    Examples
    --------
    >>> entry = Entry("a/1", "a", Path("1"), lambda path: dsp.ECG(np.zeros(5000), 500, ["I"]), ("SR",))
    >>> remember(entry).diagnoses
    ('SR',)
    """
    report, ecg = entry.details.get("report", ""), entry.ecg
    return Reference(
        name=entry.name,
        patient=entry.group,
        diagnoses=unified(entry.labels),
        age=ecg.meta["age"],
        sex=ecg.meta["sex"],
        text=report if isinstance(report, str) else "",
        beat=median_beat(ecg),
    )
