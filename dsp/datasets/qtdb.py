"""QT Database: quarter-hour two-lead excerpts, some thirty beats of each marked wave by wave by hand."""

import re
from pathlib import Path
from typing import Final

from dsp import leads
from dsp.datasets.dataset import Dataset, Entry
from dsp.datasets.layout import locate, natural
from dsp.datasets.mitdb import subject
from dsp.datasets.reading import recording
from dsp.errors import LeadError
from dsp.formats import header
from dsp.record import ECG

_ANNOTATORS: Final = ("atr", "man", "q1c", "q2c", "qt1", "qt2", "pu", "pu0", "pu1")


def qtdb(root: str | Path) -> Dataset:
    """The QT Database 1.0.0 (Laguna et al. 1997).

    Parameters
    ----------
    root : the data set's folder, or the folder that holds it as ``qtdb``.

    Returns
    -------
    Entries ``qtdb/sel102`` ...: two leads, 250 Hz, 15 min; manual waves under ``q1c`` (first
    cardiologist; ``q2c`` the second, where there is one), automatic ones under ``pu0`` and
    ``pu1``, beats under ``atr`` and ``man``. Excerpts of MIT-BIH records (``sel1..``, ``sel2..``)
    carry the patient of the source; of the others the patient is unknown. A channel whose name is
    no lead is called ``ECG1`` or ``ECG2`` by its place.

    Raises
    ------
    ReadError
        If it is not there; the message says what to download.

    Examples
    --------
    >>> qtdb("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: The QT Database is neither ... put its files into nowhere/qtdb.
    """
    url = "qtdb 1.0.0 (https://physionet.org/content/qtdb/1.0.0/)"
    home = locate(root, "qtdb", ["sel*.hea"], "The QT Database", url)
    return Dataset("QTDB", tuple(_entry(h) for h in natural(home.glob("sel*.hea"))))


def _entry(path: Path) -> Entry:
    excerpt = re.fullmatch(r"sel([12]\d\d)", path.stem)
    return Entry(
        name=f"qtdb/{path.stem}",
        source="qtdb",
        path=path.with_suffix(""),
        read=_read,
        patient=subject(excerpt[1]) if excerpt else None,
    )


def _read(path: Path) -> ECG:
    channels = header.load(path.with_name(f"{path.name}.hea")).channels
    unknown = {
        channel.name: f"ECG{place}"
        for place, channel in enumerate(channels, 1)
        if not _is_lead(channel.name)
    }
    return recording(path, _ANNOTATORS, unknown)


def _is_lead(name: str) -> bool:
    try:
        return bool(leads.canonical(name))
    except LeadError:
        return False
