"""LUDB: 200 subjects, twelve leads, each wave of each lead marked by hand; amplitudes set right."""

import csv
from pathlib import Path
from typing import Final

from dsp.datasets.dataset import Dataset, Entry
from dsp.datasets.layout import gender, locate, natural, years
from dsp.datasets.reading import counts
from dsp.errors import ReadError
from dsp.leads import TWELVE
from dsp.record import ECG

_COUNTS_PER_MV: Final = 1000.0
_ANNOTATORS: Final = tuple(lead.lower() for lead in TWELVE)


def ludb(root: str | Path) -> Dataset:
    """The Lobachevsky University Database 1.0.1 (Kalyakulina et al. 2020).

    The gains in its headers are each lead's own span, so that every lead comes out 1 mV tall and
    Einthoven's law is lost. The digital samples are read instead, all at 1000 counts per mV.

    Parameters
    ----------
    root : the data set's folder, or the folder that holds it as ``ludb``.

    Returns
    -------
    Entries ``ludb/1`` ...: 12 leads, 500 Hz, 10 s; one patient each; the marks of each lead under
    the annotators ``i`` ... ``v6`` (``(``, ``p N t``, ``)``); labels are the statements of ludb.csv.

    Raises
    ------
    ReadError
        If it is not there; the message says what to download.

    Examples
    --------
    >>> ludb("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: LUDB is neither in nowhere/ludb ... put its files into nowhere/ludb.
    """
    url = "ludb 1.0.1 (https://physionet.org/content/ludb/1.0.1/)"
    home = locate(root, "ludb", ["data/*.hea"], "LUDB", url)
    table = _table(home / "ludb.csv")
    return Dataset("LUDB", tuple(_entry(h, table) for h in natural((home / "data").glob("*.hea"))))


def _table(path: Path) -> dict[str, dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return {row["ID"].strip(): row for row in csv.DictReader(file)}
    except (OSError, KeyError, csv.Error) as error:
        raise ReadError(f"cannot read the labels of LUDB in {path}: {error}.") from None


def _entry(header: Path, table: dict[str, dict[str, str]]) -> Entry:
    row = {key: (value or "").strip() for key, value in table.get(header.stem, {}).items()}
    states = {key: value for key, value in row.items() if key not in ("ID", "Sex", "Age")}
    return Entry(
        name=f"ludb/{header.stem}",
        source="ludb",
        path=header.with_suffix(""),
        read=_read,
        labels=tuple(line.strip() for text in states.values() for line in text.splitlines()),
        patient=f"ludb/{header.stem}",
        age=years(row.get("Age")),
        sex=gender(row.get("Sex")),
        details=states,
    )


def _read(path: Path) -> ECG:
    return counts(path, _COUNTS_PER_MV, _ANNOTATORS)
