"""The PhysioNet/CinC Challenges of 2020 and 2021: seven twelve-lead collections with SNOMED codes."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from dsp.datasets.dataset import Dataset, Entry
from dsp.datasets.layout import comments, gender, locate, natural, years
from dsp.datasets.ptbdb import challenge_patient
from dsp.datasets.ptbxl import patients
from dsp.datasets.reading import recording
from dsp.errors import ReadError

_CHAPMAN: Final = "chapman-shaoxing-ningbo"
_SOURCES: Final[Mapping[str, str]] = {
    "cpsc2018": "cpsc2018", "cpsc20182": "cpsc2018-extra", "cpsc2018extra": "cpsc2018-extra",
    "georgia": "georgia", "ga": "georgia", "ptb": "ptb", "ptbxl": "ptb-xl",
    "stpetersburg": "st-petersburg", "stpetersburgincart": "st-petersburg",
    "chapmanshaoxing": _CHAPMAN, "ningbo": _CHAPMAN, "chapmanshaoxingningbo": _CHAPMAN,
}  # fmt: skip
"""Collection by the name of its folder, in small letters without ``WFDB_`` and punctuation."""
SNOMED: Final[Mapping[str, str]] = {
    "Normal": "426783006", "AF": "164889003", "I-AVB": "270492004", "LBBB": "164909002",
    "RBBB": "59118001", "PAC": "284470004", "PVC": "164884008", "STD": "429622005", "STE": "164931005",
}  # fmt: skip
"""The nine names of CPSC 2018 as the SNOMED CT codes the challenges gave them."""


def cinc(root: str | Path) -> Dataset:
    """The training sets of the PhysioNet/CinC Challenges 2020 and 2021 (Reyna et al. 2021).

    Parameters
    ----------
    root : the data set's folder, or the folder that holds it as ``cinc2020-2021``; one sub-folder
        a collection, under the names of either year.

    Returns
    -------
    Entries ``georgia/E00002`` ...: 12 leads, 500 Hz (``ptb`` 1000, ``st-petersburg`` 257); labels
    are the SNOMED CT codes of the header, and the nine names of CPSC 2018 in the same codes. The
    patient is known in the Chapman collection (one recording each), in ``ptb``, and in ``ptb-xl``
    if the tables of PTB-XL lie beside `root` or in it, in a folder ``ptbxl``; else None.

    Raises
    ------
    ReadError
        If it is not there; the message says what to download.

    Examples
    --------
    >>> cinc("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: The CinC Challenge 2020/2021 is neither ... into nowhere/cinc2020-2021.
    """
    url = "challenge-2021 1.0.3 (https://physionet.org/content/challenge-2021/1.0.3/)"
    markers = [
        "*/[AEHIJQS]*[0-9].hea",
        "training/*/*/[AEHIJQS]*[0-9].hea",
        "*/g1/[AEHIJQS]*[0-9].hea",
    ]
    home = locate(root, "cinc2020-2021", markers, "The CinC Challenge 2020/2021", url)
    home = home / "training" if (home / "training").is_dir() else home
    known = _known_patients(home)
    entries = tuple(
        _entry(header, source, known)
        for folder in natural(path for path in home.iterdir() if path.is_dir())
        if (source := _source(folder.name))
        for header in natural(folder.rglob("*.hea"))
    )
    return Dataset("CinC 2020/2021", entries)


def _source(folder: str) -> str | None:
    return _SOURCES.get(re.sub(r"[^a-z0-9]", "", folder.lower().removeprefix("wfdb_")))


def _known_patients(home: Path) -> dict[str, Callable[[str], str | None]]:
    """Who a record is of, for the collections where that is known."""
    of_ptbxl = _ptbxl_patients(home)
    return {
        _CHAPMAN: lambda record: f"{_CHAPMAN}/{record}",
        "ptb": challenge_patient,
        "ptb-xl": lambda record: of_ptbxl.get(int(re.sub(r"\D", "", record) or 0)),
    }


def _ptbxl_patients(home: Path) -> dict[int, str]:
    """Patients by the number in ``HR00001``, which is that of PTB-XL; empty without its tables."""
    for place in (home, home.parent, home.parent.parent):
        if (place / "ptbxl").is_dir():
            try:
                return patients(place / "ptbxl")
            except ReadError:
                continue  # a folder of that name without the tables tells nothing
    return {}


def _entry(header: Path, source: str, known: Mapping[str, Callable[[str], str | None]]) -> Entry:
    said = comments(header)
    codes = [code.strip() for code in said.get("dx", "").split(",")]
    return Entry(
        name=f"{source}/{header.stem}",
        source=source,
        path=header.with_suffix(""),
        read=recording,
        labels=tuple(SNOMED.get(code, code) for code in codes if code),
        patient=known[source](header.stem) if source in known else None,
        age=years(said.get("age")),
        sex=gender(said.get("sex")),
        details=said,
    )
