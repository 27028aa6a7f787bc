"""PTB-XL: 21,799 ten-second twelve-lead recordings with statements, ten patient-wise folds."""

import ast
import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from dsp.datasets.dataset import Dataset, Entry
from dsp.datasets.layout import locate, years
from dsp.datasets.reading import recording
from dsp.errors import ReadError

_SPLITS: Final = {"9": "val", "10": "test"} | {str(fold): "train" for fold in range(1, 9)}
_FILES: Final[Mapping[int, str]] = {100: "filename_lr", 500: "filename_hr"}
_SEX: Final = {"0": "M", "1": "F"}


def ptbxl(root: str | Path, fs: Literal[100, 500] = 100) -> Dataset:
    """PTB-XL 1.0.3 (Wagner et al. 2020), in its official layout and folds.

    Parameters
    ----------
    root : the data set's folder, or the folder that holds it as ``ptbxl``.
    fs : 100 or 500 Hz, the two forms in which each recording is published.

    Returns
    -------
    Entries ``ptbxl/00001_lr`` ... for the recordings whose files are there: 12 leads, 10 s.
    `split` is ``train`` (folds 1-8), ``val`` (9) or ``test`` (10). `labels` are the SCP codes,
    all of them; `details` has ``scp_codes`` (code to likelihood, %), ``superclass`` (of the
    diagnostic codes: CD, HYP, MI, NORM, STTC), ``strat_fold`` and the other columns.

    Raises
    ------
    ReadError
        If it is not there, its tables are damaged, or it has no files at that rate.

    Examples
    --------
    >>> ptbxl("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: PTB-XL is neither ... put its files into nowhere/ptbxl.
    """
    home = _home(root)
    if fs not in _FILES:
        raise ReadError(f"fs={fs!r}: PTB-XL is published at 100 and at 500 Hz; give one of them.")
    classes = _superclasses(home / "scp_statements.csv")
    rows = _rows(home).values()
    found = ((row, _file(home, row.get(_FILES[fs], ""))) for row in rows if row.get("scp_codes"))
    entries = tuple(_entry(row, path, classes) for row, path in found if path)
    if not entries:
        raise ReadError(
            f"{home} has the tables of PTB-XL and no recording at {fs} Hz; "
            f"put the folder records{fs} beside them."
        )
    return Dataset(f"PTB-XL at {fs} Hz", entries)


def patients(root: str | Path) -> dict[int, str]:
    """The patient of each recording by its number (``ecg_id``), from the tables alone.

    Raises
    ------
    ReadError
        If PTB-XL is not there.

    Examples
    --------
    >>> patients("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: PTB-XL is neither ...
    """
    return {number: _patient(row) for number, row in _rows(_home(root)).items()}


def _home(root: str | Path) -> Path:
    url = "ptb-xl 1.0.3 (https://physionet.org/content/ptb-xl/1.0.3/)"
    markers = ["ptbxl_database.csv", "labels/ptbxl_database*.csv"]
    return locate(root, "ptbxl", markers, "PTB-XL", url)


def _rows(home: Path) -> dict[int, dict[str, str]]:
    """Rows by ecg_id: of the official table, or of whatever excerpts of it there are."""
    tables = [home / "ptbxl_database.csv"]
    if not tables[0].is_file():
        # Whole rows first, then the narrow label tables, which still know patient and fold.
        tables = [
            path
            for pattern in ("labels/ptbxl_database*.csv", "labels/*/*.csv")
            for path in sorted(home.glob(pattern))
        ]
    rows: dict[int, dict[str, str]] = {}
    for table in tables:
        for row in _read_table(table):
            try:
                rows.setdefault(int(float(row["ecg_id"])), row)
            except (KeyError, ValueError) as error:
                raise ReadError(f"{table} is no table of PTB-XL: {error}.") from None
    return rows


def _read_table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReadError(f"cannot read {path}: {error}.") from None


def _superclasses(path: Path) -> dict[str, str]:
    rows = _read_table(path)
    return {row.get("", ""): row.get("diagnostic_class") or "" for row in rows}


def _file(home: Path, name: str) -> Path | None:
    """The record of that name, in its official folder or loose in the data set's folder."""
    for path in (home / name, home / Path(name).name):
        if name and path.with_name(path.name + ".hea").is_file():
            return path
    return None


def _patient(row: Mapping[str, str]) -> str:
    return f"ptb-xl/{int(float(row['patient_id']))}"


def _codes(row: Mapping[str, str]) -> dict[str, float]:
    try:
        codes: Any = ast.literal_eval(row["scp_codes"])
        return {str(code): float(likelihood) for code, likelihood in codes.items()}
    except (ValueError, SyntaxError, AttributeError, TypeError) as error:
        text = row["scp_codes"][:60]
        raise ReadError(f"PTB-XL {row['ecg_id']}: no dict of codes: {text!r} ({error}).") from None


def _entry(row: Mapping[str, str], path: Path, classes: Mapping[str, str]) -> Entry:
    codes = _codes(row)
    superclass = tuple(sorted({classes[code] for code in codes if classes.get(code)}))
    return Entry(
        name=f"ptbxl/{path.name}",
        source="ptb-xl",
        path=path,
        read=recording,
        labels=tuple(codes),
        patient=_patient(row),
        split=_SPLITS.get(row.get("strat_fold", "").split(".")[0]),
        age=years(row.get("age")),
        sex=_SEX.get(row.get("sex", "").split(".")[0]),
        details={**row, "scp_codes": codes, "superclass": superclass},
    )
