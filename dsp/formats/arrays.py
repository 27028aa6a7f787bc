"""Bare arrays, ``.mat`` and ``.npy``: numbers whose rate, leads and unit only the caller knows."""

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from dsp.errors import LengthError, ReadError
from dsp.formats.npz import plain_array
from dsp.formats.request import Request
from dsp.record import ECG

_NAMES = ("val", "ecg", "signal", "data")  # variables that hold the signal in public archives
_SPARE = 40_000_000  # bytes that a compressed file may unpack to
_COMPRESSED = 15  # the type of a zlib element in a level-5 MAT-file


def recognises(path: Path, head: bytes) -> bool:
    """Whether the first bytes are those of NumPy's or MATLAB's array files."""
    return head.startswith((b"\x93NUMPY", b"MATLAB 5.0", b"MATLAB 7.3")) or _level4(path, head)


def read(request: Request) -> ECG:
    """The array as a recording; ``fs``, ``leads`` and ``unit`` must come from the caller.

    Raises
    ------
    ReadError
        If one of them is missing, or the file does not hold one two-dimensional array.
    """
    content = request.path.read_bytes()
    numpy = content.startswith(b"\x93NUMPY")
    x = plain_array(content, request.path.name) if numpy else _matlab(request.path)
    if x.ndim == 2 and x.shape[1] == 1 < x.shape[0]:
        x = x.T  # one lead, stored as a column
    x = np.atleast_2d(x)
    if x.ndim != 2 or x.dtype.kind not in "iuf" or x.size == 0:
        raise ReadError(
            f"{request.path.name} holds {x.dtype} of shape {x.shape}, not leads by time."
        )
    if x.shape[0] > 64 >= x.shape[1]:
        raise LengthError(
            f"{request.path.name} holds shape {x.shape}: time must be the second axis; transpose it."
        )
    fs = request.rate(None)
    factor = request.to_millivolt(None)
    rows = request.rows(None, len(x))
    first, last = request.span(fs, x.shape[1])
    marks = request.marks({}, first, last, x.shape[1])
    return request.record(x[:, first:last] * factor, fs, rows, marks, {})


def _level4(path: Path, head: bytes) -> bool:
    """Level-4 MAT-files have no magic: five integers that fit together, then a name."""
    if len(head) < 24:
        return False
    kind, n_rows, n_columns, imaginary, length = struct.unpack("<5I", head[:20])
    name = head[20 : 20 + length]
    fits = kind in {0, 10, 20, 30, 40, 50} and imaginary < 2 and 1 < length <= 64
    return fits and name[:-1].isalnum() and n_rows * n_columns <= path.stat().st_size


def _matlab(path: Path) -> NDArray[Any]:
    """The variable that holds the signal, once its claimed size has been held against the file's."""
    errors = (ValueError, TypeError, KeyError, IndexError, OverflowError, NotImplementedError, OSError,
              struct.error, EOFError, AttributeError, zlib.error)  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if _unpacked(path) > _SPARE:
                raise ReadError(f"{path.name} unpacks to far more than its size; it is refused.")
            found = {name: shape for name, shape, _ in scipy.io.whosmat(path)}
            name = _chosen(path, found)
            if np.prod([float(n) for n in found[name]]) * 8 > _SPARE + 4 * path.stat().st_size:
                raise ReadError(
                    f"{path.name}: {name} of shape {found[name]} cannot be in this file."
                )
            return np.asarray(scipy.io.loadmat(path, variable_names=[name])[name])
    except ReadError:
        raise
    except errors as error:
        raise ReadError(
            f"{path.name} is a damaged MAT-file, or one of version 7.3 (save it with -v7): {error}."
        ) from None


def _unpacked(path: Path) -> int:
    """Bytes that the compressed elements of a level-5 file unpack to, counted in little memory."""
    total = 0
    with path.open("rb") as file:
        order = "<" if file.read(128)[126:] == b"IM" else ">"
        while len(tag := file.read(8)) == 8:
            kind, length = struct.unpack(f"{order}2I", tag)
            after = file.tell() + length
            if kind == _COMPRESSED:
                stream = zlib.decompressobj()
                packed = file.read(min(length, path.stat().st_size))
                while packed and total <= _SPARE:
                    total += len(stream.decompress(packed, 1_000_000))
                    packed = stream.unconsumed_tail
            file.seek(after)
    return total


def _chosen(path: Path, found: dict[str, tuple[int, ...]]) -> str:
    named = [name for name in _NAMES if name in found]
    if not named and len(found) != 1:
        raise ReadError(
            f"{path.name} holds {', '.join(found) or 'nothing'}; no {', '.join(_NAMES)}."
        )
    return (named or list(found))[0]
