"""Record files: a recording as WFDB header, signal file and annotation files, each published whole."""

import re
import tempfile
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from dsp import storage
from dsp.errors import WriteError
from dsp.formats import clock, counts, marks, notes, samples
from dsp.formats.physionet import ANNOTATORS, SOURCES
from dsp.record import ECG

Fmt = Literal["16", "212"]
BITS: Final[dict[Fmt, int]] = {"16": 16, "212": 12}
"""Bits per sample of the formats that are written."""
SUFFIXES: Final = ("", ".hea", ".dat", ".mat")


def write(ecg: ECG, path: Path, fmt: Fmt = "16") -> None:
    """Header, signals and annotations beside each other; ``.mat`` gives the challenges' form.

    Raises
    ------
    WriteError
        If the name or an annotation does not fit WFDB, or the folder cannot be written.
    """
    record, matlab = path.with_suffix("").name, path.suffix == ".mat"
    if not re.fullmatch(r"[-\w]+", record, re.ASCII):
        raise WriteError(
            f"{record!r} cannot name a WFDB record: letters, digits, - and _ only. Known suffixes "
            "are listed in dsp.write."
        )
    if fmt not in BITS or (matlab and fmt != "16"):
        raise WriteError(f"fmt={fmt!r} cannot be written; known: {' '.join(BITS)} (.mat: 16 only).")
    leads = counts.of(ecg, bits=BITS[fmt])
    table = np.stack([lead.values for lead in leads], axis=1)
    signals = f"{record}{'.mat' if matlab else '.dat'}"
    form = "16+24" if matlab else fmt
    files = {
        f"{record}.{name}": marks.encode(found, f"{record}.{name}")
        for name, found in ecg.annotations.items()
        if _annotator(name)
    }
    files[signals] = _matlab(table) if matlab else samples.PACK[fmt](table)
    # The header comes last: while it is missing or old, nothing promises what is not there yet.
    files[f"{record}.hea"] = _header(ecg, record, [f"{signals} {form}"] * len(leads), leads)
    for name, content in files.items():
        storage.write_bytes(path.with_name(name), content)


def _annotator(name: str) -> bool:
    if not re.fullmatch(r"[-\w]{1,40}", name, re.ASCII) or name in ("hea", "dat", "mat"):
        raise WriteError(f"{name!r} cannot name an annotation file: letters, digits, - and _ only.")
    return True


def _header(ecg: ECG, record: str, places: list[str], leads: list[counts.Counts]) -> bytes:
    start = clock.of(ecg.meta)
    when = f" {start:%H:%M:%S %d/%m/%Y}" if start else ""
    lines = [f"{record} {len(leads)} {_number(ecg.fs)} {ecg.n_samples}{when}"]
    for place, name, lead in zip(places, ecg.leads, leads, strict=True):
        total = int(lead.values.sum(dtype=np.int64))
        checksum = (total + 32768) % 65536 - 32768
        lines.append(
            f"{place} {_number(lead.gain)}({lead.baseline})/mV {lead.gap.bit_length()} 0 "
            f"{lead.values[0]} {checksum} 0 {name}"
        )
    lines += [f"#{comment}" for comment in _comments(ecg)]
    if ecg.annotations and set(ecg.annotations) != {"atr"}:
        lines.append(f"#{ANNOTATORS} {' '.join(ecg.annotations)}")
    if sources := notes.sources(ecg.meta.get("lead_sources")):
        lines.append(f"#{SOURCES} {' '.join(f'{lead}={word}' for lead, word in sources.items())}")
    return ("\n".join(lines) + "\n").encode()


def _comments(ecg: ECG) -> list[str]:
    """The comments it came with; else age, sex and diagnoses in the words of the challenges."""
    given = ecg.meta.get("comments")
    if isinstance(given, tuple | list):
        return [line for comment in given for line in str(comment).splitlines()]
    facts: dict[str, Any] = {key: ecg.meta[key] for key in ("age", "sex", "dx") if key in ecg.meta}
    if isinstance(facts.get("dx"), list | tuple):
        facts["dx"] = ",".join(str(code) for code in facts["dx"])
    return [f"{key.capitalize()}: {' '.join(str(value).split())}" for key, value in facts.items()]


def _number(value: float) -> str:
    """The shortest text that gives the same float back, in the digits a header may have."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _matlab(table: NDArray[np.int16]) -> bytes:
    """A level-4 MAT-file of one matrix ``val``: 24 bytes of head, then the samples of format 16."""
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "val.mat"
        scipy.io.savemat(str(file), {"val": table.T}, format="4")
        return file.read_bytes()
