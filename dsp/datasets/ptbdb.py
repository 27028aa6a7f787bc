"""PTB: fifteen leads at once, the standard twelve and Frank's three; mostly infarctions."""

import bisect
import re
from pathlib import Path
from typing import Final

from dsp.datasets.dataset import Dataset, Entry
from dsp.datasets.layout import comments, gender, locate, natural, years
from dsp.datasets.reading import recording

_FIRST_PATIENTS: Final = {
    "s0010_re": "patient001", "s0014lre": "patient001", "s0016lre": "patient001",
    "s0015lre": "patient002", "s0017lre": "patient003",
}  # fmt: skip
"""For files out of their patient's folder; the records the challenge calls S0001 to S0005."""
_FIRST_OF_PATIENT: Final = (1, 4, 5, 6, 8)
"""Challenge records S0001-3, S0004, S0005, S0006-7 and S0008-10 are one patient each; from S0008 on
the borders are not known, and all are kept together."""
_PATIENTS: Final = ("patient001", "patient002", "patient003", "patient004", "later patients")


def ptbdb(root: str | Path) -> Dataset:
    """The PTB Diagnostic ECG Database 1.0.0 (Bousseljot et al. 1995).

    Parameters
    ----------
    root : the data set's folder, or the folder that holds it as ``ptbdb``.

    Returns
    -------
    Entries ``ptbdb/s0010_re`` ...: 12 leads and X Y Z, 1000 Hz; the label is the reason for
    admission. The challenge set ``ptb`` of `cinc` holds the same recordings: ``ptb/S0001`` is
    ``ptbdb/s0010_re``, and has the same patient here.

    Raises
    ------
    ReadError
        If it is not there; the message says what to download.

    Examples
    --------
    >>> ptbdb("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: The PTB Diagnostic ECG Database is neither ... into nowhere/ptbdb.
    """
    url = "ptbdb 1.0.0 (https://physionet.org/content/ptbdb/1.0.0/)"
    markers = ["s0*.hea", "patient*/s0*.hea"]
    home = locate(root, "ptbdb", markers, "The PTB Diagnostic ECG Database", url)
    headers = natural(header for marker in markers for header in home.glob(marker))
    return Dataset("PTB", tuple(_entry(header) for header in headers))


def challenge_patient(record: str) -> str | None:
    """The patient of a record of the challenge set ``ptb``.

    Examples
    --------
    >>> challenge_patient("S0002"), challenge_patient("S0007")
    ('ptb/patient001', 'ptb/patient004')
    """
    number = re.fullmatch(r"S(\d+)", record)
    if number is None:
        return None
    return f"ptb/{_PATIENTS[bisect.bisect(_FIRST_OF_PATIENT, int(number[1])) - 1]}"


def _entry(header: Path) -> Entry:
    folder = re.fullmatch(r"patient\d+", header.parent.name)
    patient = folder[0] if folder else _FIRST_PATIENTS.get(header.stem)
    said = comments(header)
    return Entry(
        name=f"ptbdb/{header.stem}",
        source="ptbdb",
        path=header.with_suffix(""),
        read=recording,
        labels=tuple(filter(None, [said.get("reason for admission")])),
        patient=f"ptb/{patient}" if patient else None,
        age=years(said.get("age")),
        sex=gender(said.get("sex")),
        details=said,
    )
