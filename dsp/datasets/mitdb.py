"""MIT-BIH Arrhythmia Database: half-hour two-lead recordings, each beat named; DS1, DS2 and the paced."""

from pathlib import Path
from typing import Final

from dsp.datasets.dataset import Dataset, Entry
from dsp.datasets.layout import locate, natural
from dsp.datasets.reading import recording
from dsp.record import ECG

DS1: Final = (
    "101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122",
    "124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230",
)  # fmt: skip
"""Training records (de Chazal, O'Dwyer and Reilly 2004)."""
DS2: Final = (
    "100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210",
    "212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234",
)  # fmt: skip
"""Test records of the same division; 202 is the subject of 201, which is in DS1."""
PACED: Final = ("102", "104", "107", "217")
"""Records with paced beats, in neither."""
_SPLITS: Final = {
    name: part for part, names in (("DS1", DS1), ("DS2", DS2), ("paced", PACED)) for name in names
}


def mitdb(root: str | Path) -> Dataset:
    """The MIT-BIH Arrhythmia Database 1.0.0 (Moody and Mark 2001).

    Parameters
    ----------
    root : the data set's folder, or the folder that holds it as ``mitdb``.

    Returns
    -------
    Entries ``mitdb/100`` ...: two leads, 360 Hz, 30 min; beats and rhythm under the annotator
    ``atr``; `split` is ``DS1``, ``DS2`` or ``paced``. Records 201 and 202 are one patient.

    Raises
    ------
    ReadError
        If it is not there; the message says what to download.

    Examples
    --------
    >>> mitdb("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: The MIT-BIH Arrhythmia Database is neither ... into nowhere/mitdb.
    """
    url = "mitdb 1.0.0 (https://physionet.org/content/mitdb/1.0.0/)"
    title = "The MIT-BIH Arrhythmia Database"
    home = locate(root, "mitdb", ["[12][0-9][0-9].hea"], title, url)
    return Dataset("MIT-BIH", tuple(_entry(h) for h in natural(home.glob("[12][0-9][0-9].hea"))))


def subject(record: str) -> str:
    """The patient of a record; 201 and 202 are one.

    Examples
    --------
    >>> subject("202")
    'mitdb/201'
    """
    return "mitdb/201" if record == "202" else f"mitdb/{record}"


def _entry(header: Path) -> Entry:
    return Entry(
        name=f"mitdb/{header.stem}",
        source="mitdb",
        path=header.with_suffix(""),
        read=_read,
        patient=subject(header.stem),
        split=_SPLITS.get(header.stem),
    )


def _read(path: Path) -> ECG:
    return recording(path, ("atr",))
