"""Formats: one file a format; a recording is told by its content and written by its suffix."""

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from dsp.errors import ReadError, WriteError
from dsp.formats import arrays, clinical, dicom, edf, npz, physionet, record_files, tabular
from dsp.formats.record_files import Fmt
from dsp.formats.request import Request
from dsp.record import ECG

__all__ = ["FORMATS", "read", "write"]


@dataclasses.dataclass(frozen=True)
class Format:
    """One row of the table: how a format is told, read, and (if it can be) written."""

    name: str
    recognises: Callable[[Path, bytes], bool]
    read: Callable[[Request], ECG]
    suffixes: tuple[str, ...] = ()
    write: Callable[[ECG, Path], None] | None = None


FORMATS: Final = (
    Format("EDF", edf.recognises, edf.read, edf.SUFFIXES, edf.write),
    Format("DICOM", dicom.recognises, dicom.read, dicom.SUFFIXES, dicom.write),
    Format("NPZ", npz.recognises, npz.read, npz.SUFFIXES, npz.write),
    Format("WFDB", physionet.recognises, physionet.read, record_files.SUFFIXES, record_files.write),
    Format("array", arrays.recognises, arrays.read),
    Format("CSV", tabular.recognises, tabular.read, tabular.SUFFIXES, tabular.write),
    Format("clinical", clinical.recognises, clinical.read),
)
"""In the order in which they are asked: certain signs first, what takes anything last."""
_HEAD = 4096  # bytes shown to `recognises`


def read(
    path: str | os.PathLike[str],
    *,
    annotators: Iterable[str] | None = None,
    rename: Mapping[str, str | None] | None = None,
    unit: str | None = None,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    start: float | None = None,
    stop: float | None = None,
) -> ECG:
    """Read a recording: WFDB, challenge ``.mat``, EDF, DICOM, CSV, NPZ, NPY, or a clinical format.

    Parameters
    ----------
    path : a file, told by its content; or a WFDB record, with or without a suffix.
    annotators : which annotations; for WFDB the suffixes of their files, such as ``("atr", "q1c")``.
        Unasked: all the file holds; for WFDB those the header lists, or ``atr``.
    rename : from the file's names to leads, ``{"MLII": "II"}``; None leaves a channel out.
    unit, fs : what the file does not say itself (bare arrays, tables); nothing is guessed.
    leads : the names of the rows where the file has none; else the leads wanted, in that order.
    start, stop : the part wanted, seconds; of WFDB and EDF no more than that is decoded.

    Returns
    -------
    ECG in mV; ``ecg.meta`` has the comments, ``age``, ``sex``, ``dx`` and gains that the file has.

    Raises
    ------
    ReadError
        If the file is missing, damaged, contradicts its header or checksum, or lacks what only the
        caller can say. No other kind of exception than `dsp.ECGError` leaves this function.
    LeadError, UnitError, RateError, LengthError, SignalError
        If the content cannot be an ECG.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     write(ECG(np.zeros((2, 500)), 500, ("I", "II")), f"{home}/record")
    ...     read(f"{home}/record", leads=["II"])
    ECG(II; 1 s at 500 Hz)
    """
    try:
        request = Request(
            Path(path),
            tuple([annotators] if isinstance(annotators, str) else annotators)
            if annotators is not None
            else None,
            rename or {},
            unit,
            fs,
            leads,
            start,
            stop,
        )
        return _format_of(request.path).read(request)
    except OSError as error:
        raise ReadError(f"cannot read {path}: {error.strerror or error}.") from None
    except MemoryError:
        raise ReadError(
            f"{path} does not fit into memory; read it in parts: start, stop."
        ) from None


def _format_of(path: Path) -> Format:
    """The first row of the table whose signs the file bears."""
    head = b""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if not head:
            raise ReadError(f"{path} is empty.")
    elif physionet.header_of(path) is None:
        what = "is a folder, not a recording" if path.is_dir() else "does not exist"
        raise ReadError(f"{path} {what}; name a file, or a WFDB record without its suffix.")
    return next(row for row in FORMATS if row.recognises(path, head))


def write(ecg: ECG, path: str | os.PathLike[str], *, fmt: Fmt | None = None) -> None:
    """Write a recording in the format of the suffix; every file appears whole or not at all.

    Parameters
    ----------
    ecg : the recording.
    path : ends in ``.edf``, ``.dcm``, ``.csv`` or ``.npz``; ``.hea``, ``.dat`` or no suffix for a
        WFDB record with a file for each annotator; ``.mat`` for a record as in the CinC challenges.
    fmt : signal format of WFDB, ``"16"`` (default) or ``"212"`` (12 bits).

    Raises
    ------
    WriteError
        For an unknown suffix, a folder that cannot be written, or what the format cannot hold.

    Notes
    -----
    CSV and NPZ are exact. WFDB, EDF and DICOM hold integers: exact with the gain a recording was
    read with, if the values are still multiples of it, or at 1000 or 200 per mV; else rounded to the
    finest steps that hold each lead's range. NaN and annotations are kept by all.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     write(ECG(np.ones((1, 500)), 500, ["V1"]), f"{home}/a.csv")
    ...     float(read(f"{home}/a.csv")["V1"][0])
    1.0
    """
    if not isinstance(ecg, ECG):
        raise WriteError(
            f"dsp.write takes a dsp.ECG, not {type(ecg).__name__}; make one: dsp.ECG(x, fs, leads)."
        )
    target = Path(path)
    known = [(suffix, row) for row in FORMATS if row.write for suffix in row.suffixes]
    row = next((row for suffix, row in known if suffix == target.suffix.lower()), None)
    if row is None or not target.name:
        raise WriteError(
            f"{target.name!r} has no suffix that can be written; known: "
            f"{' '.join(suffix for suffix, _ in known if suffix)}, or none for WFDB."
        )
    if row.name == "WFDB":
        record_files.write(ecg, target, fmt or "16")
    elif fmt is not None:
        raise WriteError(f"fmt={fmt!r} is for WFDB only, not for {target.suffix}.")
    elif row.write is not None:
        row.write(ecg, target)
