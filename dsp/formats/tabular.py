"""Tables: a recording as CSV, a column a lead, a row a sample."""

import contextlib
import itertools
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp import storage
from dsp.errors import ReadError, WriteError
from dsp.formats import notes
from dsp.formats.request import Request
from dsp.record import ECG, Annotations

SUFFIXES: Final = (".csv",)
_STATEMENT = re.compile(r"#.*?\bfs=(?P<fs>[\d.eE+-]+)(?:\s+unit=(?P<unit>\S+))?")
_NOTES = "# notes "
_TIME = re.compile(r"(?:time|t)\s*(?:[\[(_ ]\s*(?P<unit>s|sec|ms)\s*[\])]?)?", re.IGNORECASE)
_DELIMITERS = (",", ";", "\t")


def recognises(_path: Path, head: bytes) -> bool:
    """Whether the file begins as text with a row of numbers in its first lines."""
    if b"\0" in head or not head.strip():
        return False
    text = head.decode("utf-8-sig", errors="replace")
    if text.lstrip().startswith(("<", "{")):  # the clinical formats in XML and JSON
        return False
    lines = [line for line in text.splitlines() if line.strip()]
    rows = [line for line in lines if not line.startswith("#")][:2]
    if not rows:
        return bool(lines) and _STATEMENT.match(lines[0]) is not None
    return any(_numeric(row) for row in rows) or _delimiter(rows[0]) is not None


def read(request: Request) -> ECG:
    """A table with a header row of lead names or none, and a time column, a ``# fs=`` line, or neither.

    Raises
    ------
    ReadError
        If a cell is no number, the rows differ in length, or the times are not evenly spaced.
    """
    path = request.path
    with path.open(encoding="utf-8-sig", errors="replace", newline=None) as file:
        stated: dict[str, str | None] = {}
        annotations: dict[str, Annotations] = {}
        meta: dict[str, Any] = {}
        first = ""
        for first in file:
            if not first.startswith("#") and first.strip():
                break
            if first.startswith(_NOTES):
                annotations, meta = notes.loads(first.removeprefix(_NOTES))
            elif match := _STATEMENT.match(first):
                stated = match.groupdict()
        delimiter = _delimiter(first)
        names = (
            None if _numeric(first) else [c.strip().strip('"') for c in _split(first, delimiter)]
        )
        rows = itertools.chain([] if names else [first], file)
        table = _table(path, _filled(rows, delimiter), delimiter)
    if names is not None and len(names) != table.shape[1]:
        raise ReadError(f"{path.name}: {len(names)} column names, {table.shape[1]} columns.")
    fs = _number(path, stated.get("fs"))
    clock = _TIME.fullmatch(names[0]) if names else None
    if names and clock:
        fs = fs or _rate(path, table[:, 0] / (1000 if clock["unit"] == "ms" else 1))
        names, table = names[1:], table[:, 1:]
    return _record(request, names, table, fs, stated.get("unit"), annotations, meta)


def _record(
    request: Request,
    names: list[str] | None,
    table: NDArray[np.float64],
    fs: float | None,
    unit: str | None,
    annotations: dict[str, Annotations],
    meta: dict[str, Any],
) -> ECG:
    rate = request.rate(fs)
    factor = request.to_millivolt(unit)
    rows = request.rows(names, table.shape[1])
    first, last = request.span(rate, len(table))
    x = np.ascontiguousarray(table[first:last, list(rows.values())].T, np.float64) * factor
    marks = request.marks(annotations, first, last, len(table))
    return request.record(x, rate, rows, marks, meta)


def _table(path: Path, lines: Iterator[str], delimiter: str | None) -> NDArray[np.float64]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an empty table, which is an error here
            table = np.loadtxt(lines, delimiter=delimiter, ndmin=2, comments="#")
    except (ValueError, IndexError, OverflowError) as error:
        raise ReadError(f"{path.name} is not a table of numbers: {error}.") from None
    if table.size == 0:
        raise ReadError(f"{path.name} holds no samples.")
    return table


def _filled(lines: Iterator[str], delimiter: str | None) -> Iterator[str]:
    """The lines, empty cells as nan: what is missing is a gap."""
    if delimiter is None:
        yield from lines
        return
    double = delimiter * 2
    for line in lines:
        bare = line.rstrip("\r\n")
        if double in bare or bare.startswith(delimiter) or bare.endswith(delimiter):
            yield delimiter.join(cell if cell.strip() else "nan" for cell in bare.split(delimiter))
        elif bare.strip():
            yield bare


def _delimiter(line: str) -> str | None:
    """The first delimiter that occurs, None for blanks."""
    return next((mark for mark in _DELIMITERS if mark in line), None)


def _split(line: str, delimiter: str | None) -> list[str]:
    return line.strip("\r\n").split(delimiter)


def _numeric(line: str) -> bool:
    """Whether every cell that is not empty is a number."""
    cells = [cell for cell in _split(line, _delimiter(line)) if cell.strip()]
    with contextlib.suppress(ValueError):
        return bool([float(cell) for cell in cells])
    return False


def _number(path: Path, text: str | None) -> float | None:
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        if float(text) > 0:
            return float(text)
    raise ReadError(f"{path.name}: fs={text} is not a positive number.")


def _rate(path: Path, times: NDArray[np.float64]) -> float:
    """Sampling rate of evenly spaced times, s."""
    steps = np.diff(times)
    step = float(np.median(steps)) if len(steps) else 0.0
    if not step > 0 or not np.abs(steps - step).max() < 0.5 * step:
        raise ReadError(
            f"{path.name}: the times are not evenly spaced; resample the table, or leave the time "
            "column out and give fs."
        )
    # Over the whole length the rounding of printed times averages out.
    return float(f"{(len(times) - 1) / (times[-1] - times[0]):.6g}")


def write(ecg: ECG, path: Path) -> None:
    """A line ``# fs=... unit=mV``, notes, lead names, then numbers that read back bit for bit.

    Raises
    ------
    WriteError
        If the place cannot be written.
    """
    fs = int(ecg.fs) if float(ecg.fs).is_integer() else repr(ecg.fs)
    with storage.publish(path) as draft:
        try:
            with draft.open("w", encoding="utf-8", newline="\n") as file:
                file.write(f"# fs={fs} unit=mV\n")
                if ecg.annotations or ecg.meta:
                    file.write(f"{_NOTES}{notes.dumps(ecg)}\n")
                file.write(",".join(ecg.leads) + "\n")
                _write_rows(file, ecg.signal.T)
        except OSError as error:
            raise WriteError(f"cannot write {path}: {error.strerror or error}.") from None


def _write_rows(file: IO[str], table: NDArray[np.float32]) -> None:
    """Three to six decimals where they are exact, nine digits otherwise."""
    wide = table.astype(np.float64)
    for decimals in (3, 4, 6):
        if np.array_equal(np.round(wide, decimals).astype(np.float32), table, equal_nan=True):
            np.savetxt(file, wide, fmt=f"%.{decimals}f", delimiter=",")
            return
    np.savetxt(file, table, fmt="%.9g", delimiter=",")
