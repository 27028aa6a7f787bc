"""NPZ: a recording as NumPy arrays and one line of JSON, without pickle."""

import io
import math
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp import storage
from dsp.errors import ReadError, WriteError
from dsp.formats import notes
from dsp.formats.request import Request
from dsp.record import ECG

SUFFIXES = (".npz",)
_SPARE = 50_000_000  # bytes that a compressed file may unpack to


def recognises(_path: Path, head: bytes) -> bool:
    """Whether the first bytes are those of a zip archive."""
    return head.startswith(b"PK\x03\x04")


def read(request: Request) -> ECG:
    """The recording in an NPZ with ``signal``, and ``fs``, ``leads``, ``unit``, ``notes`` if known.

    Raises
    ------
    ReadError
        If the archive is damaged, holds objects, or unpacks to far more than its size.
    """
    path = request.path
    try:
        with zipfile.ZipFile(path) as archive:
            members = {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
            if sum(i.file_size for i in members.values()) > _SPARE + 2 * path.stat().st_size:
                raise ReadError(f"{path.name} unpacks to far more than its size; it is refused.")
            raw = {name: archive.read(i) for name, i in members.items() if name in _WANTED}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ReadError(f"{path.name} is a damaged NPZ: {error}.") from None
    found = {name: plain_array(data, f"{path.name}: {name}") for name, data in raw.items()}
    if "signal" not in found:
        raise ReadError(f"{path.name} has no array 'signal'; it holds {', '.join(members)}.")
    x = np.atleast_2d(found["signal"])
    if x.ndim != 2 or x.dtype.kind not in "iuf":
        raise ReadError(f"{path.name}: signal is {x.dtype} of shape {x.shape}, not leads by time.")
    names = [str(name) for name in found["leads"].ravel()] if "leads" in found else None
    if names is not None and len(names) != len(x):
        raise ReadError(f"{path.name}: {len(names)} names for {len(x)} leads.")
    annotations, meta = (
        notes.loads(str(found["notes"].ravel()[0])) if "notes" in found else ({}, {})
    )
    fs = request.rate(_rate(path, found["fs"]) if "fs" in found else None)
    factor = request.to_millivolt(str(found["unit"].ravel()[0]) if "unit" in found else None)
    rows = request.rows(names, len(x))
    first, last = request.span(fs, x.shape[1])
    part = x[list(rows.values()), first:last]
    marks = request.marks(annotations, first, last, x.shape[1])
    return request.record(part if factor == 1.0 else part * factor, fs, rows, marks, meta)


_WANTED = ("signal", "fs", "leads", "unit", "notes")


def _rate(path: Path, value: NDArray[Any]) -> float:
    if value.size != 1 or value.dtype.kind not in "iuf" or not value.ravel()[0] > 0:
        raise ReadError(f"{path.name}: fs is not one positive number.")
    return float(value.ravel()[0])


def plain_array(raw: bytes, name: str) -> NDArray[Any]:
    """One array of numbers or text from the bytes of an NPY file, its head held against its bytes.

    Raises
    ------
    ReadError
        If they do not agree, or the array holds objects.
    """
    file = io.BytesIO(raw)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            form = np.lib.format
            old = form.read_magic(file) == (1, 0)
            shape, _, dtype = (form.read_array_header_1_0 if old else form.read_array_header_2_0)(
                file
            )
            size = math.prod(shape) * dtype.itemsize
            if dtype.hasobject or 0 in shape or size != len(raw) - file.tell():
                raise ReadError(f"{name} is damaged, or no plain array: {dtype} of shape {shape}.")
            file.seek(0)
            return np.asarray(form.read_array(file, allow_pickle=False))
    except (ValueError, SyntaxError, TypeError, OverflowError, tokenize.TokenError) as error:
        if isinstance(error, ReadError):
            raise
        raise ReadError(f"{name} is damaged, or no plain array: {error}.") from None


def write(ecg: ECG, path: Path) -> None:
    """Signal, rate, lead names, unit, and the rest as JSON; exact.

    Raises
    ------
    WriteError
        If the place cannot be written.
    """
    with storage.publish(path) as draft:
        try:
            with draft.open("wb") as file:
                np.savez(
                    file,
                    signal=ecg.signal,
                    fs=np.float64(ecg.fs),
                    leads=np.array(ecg.leads),
                    unit=np.array("mV"),
                    notes=np.array(notes.dumps(ecg)),
                )
        except OSError as error:
            raise WriteError(f"cannot write {path}: {error.strerror or error}.") from None
