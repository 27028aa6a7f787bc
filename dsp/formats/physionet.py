"""PhysioNet's WFDB records, read: header, signals and annotations, each checked before it is used."""

import math
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp import checks
from dsp.checks import Signal
from dsp.errors import ReadError, UnitError
from dsp.formats import clock, counts, header, marks, notes, samples
from dsp.formats.header import BYTES, MOST_VALUES, Channel, Header
from dsp.formats.request import Request
from dsp.record import ECG, Annotations

_GAP: Final = {
    "16": -(2**15), "24": -(2**23), "32": -(2**31), "61": -(2**15), "80": -(2**7),
    "160": -(2**15), "212": -(2**11), "310": -(2**9), "311": -(2**9),
    "508": -(2**7), "516": -(2**15), "524": -(2**23),
}  # fmt: skip
"""The count that marks an invalid sample, by format."""
_PIECE = 4_000_000  # values decoded at once, to bound memory
_FACTS = re.compile(r"\s*<?(age|sex|dx)>?\s*:\s*(.+?)\s*", re.IGNORECASE)
_SEXES: Final = {"f": "F", "female": "F", "m": "M", "male": "M"}
ANNOTATORS: Final = " annotators:"
"""Begins the comment in which a written record lists its annotation files."""
SOURCES: Final = " lead sources:"
"""Begins the comment in which a written record says which leads were measured, and which made."""


def header_of(path: Path) -> Path | None:
    """The header a path stands for: itself, its record's, or the one that names it as signal file."""
    if path.suffix == ".hea" or not path.name:
        return path if path.name else None
    named, beside = path.with_name(f"{path.name}.hea"), path.with_suffix(".hea")
    if named.is_file():
        return named
    if path.suffix and beside.is_file() and header.names(beside, path.name):
        return beside
    return None


def recognises(path: Path, _head: bytes) -> bool:
    """Whether `path` is a record's name, its header, or a file of the record."""
    return header_of(path) is not None


def read(request: Request) -> ECG:
    """One record, or a part of it, with its annotations.

    Raises
    ------
    ReadError
        Naming file, line and field, or the file whose bytes are wrong.
    """
    path = header_of(request.path)
    if path is None:
        raise ReadError(f"{request.path.name} has no WFDB header.")
    head = header.load(path)
    parts = _parts(head)
    fs = request.rate(head.fs)
    n_samples = sum(length for _, length in parts)
    names = tuple(dict.fromkeys(c.name for part, _ in parts if part for c in part.channels))
    if len(parts) == 1:
        names = tuple(channel.name for channel in head.channels)
    rows = request.rows(names, len(names))
    first, last = request.span(fs, n_samples)
    if (last - first) * len(rows) > MOST_VALUES + sum(_present(part) for part, _ in parts if part):
        raise ReadError(f"{path.name} claims more samples than its files can bear out.")
    x = np.full((len(rows), last - first), np.nan, np.float32)
    begin = 0
    for part, length in parts:
        low, high = max(first, begin), min(last, begin + length)
        if part and low < high:
            places = _channels(part, names, rows, alone=len(parts) == 1)
            span = (low - begin, high - begin)
            _fill(request, x[:, low - first : high - first], part, places, span)
        begin += length
    found = _annotations(head, fs, request)
    wanted = request.marks(found, first, last, n_samples)
    return request.record(x, fs, rows, wanted, _meta(request, head, rows))


def _parts(head: Header) -> list[tuple[Header | None, int]]:
    """The segments in order with their lengths; None where nothing was recorded."""
    if not head.segments:
        return [(head, head.n_samples or 0)]
    recorded = [name for name, _ in head.segments if name != "~"]
    if len(set(recorded)) < len(recorded):
        raise ReadError(f"{head.path.name} names a segment twice; it is damaged.")
    parts: list[tuple[Header | None, int]] = []
    for name, length in head.segments:
        if length == 0:  # a layout: names and gains without samples, repeated by each segment
            continue
        part = None if name == "~" else header.load(head.path.with_name(name + ".hea"))
        if part and (part.segments or part.n_samples != length or part.fs != head.fs):
            raise ReadError(
                f"{part.path.name} is not the segment of {length} samples that {head.path.name} "
                "says it is."
            )
        parts.append((part, length))
    if not any(part for part, _ in parts) or sum(n for _, n in parts) != head.n_samples:
        raise ReadError(
            f"{head.path.name}: the segments do not add up to {head.n_samples} samples."
        )
    return parts


def _channels(
    part: Header, names: tuple[str, ...], rows: dict[str, int], *, alone: bool
) -> list[tuple[int, int]]:
    """(row of the result, channel of the part) for each lead the part holds."""
    found = []
    for k, row in enumerate(rows.values()):
        places = (
            [row] if alone else [i for i, c in enumerate(part.channels) if c.name == names[row]]
        )
        found += [(k, place) for place in places[:1]]
    return found


def _fill(
    request: Request, x: Signal, part: Header, wanted: list[tuple[int, int]], span: tuple[int, int]
) -> None:
    """Write millivolts into `x`, piece by piece, and hold the whole against the checksums."""
    channels = [part.channels[place] for _, place in wanted]
    gains = [_per_millivolt(request, channel) for channel in channels]
    sums = np.zeros(len(channels), np.int64)
    for low, values in _pieces(part, [place for _, place in wanted], span):
        for k, (channel, gain) in enumerate(zip(channels, gains, strict=True)):
            column = values[k]
            sums[k] += column.sum(dtype=np.int64)
            out = x[wanted[k][0], low - span[0] : low - span[0] + len(column)]
            out[:] = counts.to_millivolt(column, gain, channel.baseline, _GAP.get(channel.fmt))
    if span != (0, part.n_samples):
        return
    for channel, total in zip(channels, sums.tolist(), strict=True):
        plain = channel.frame == 1 and channel.skew == 0 and channel.file != "~"
        if plain and channel.checksum is not None and (total - channel.checksum) % 65536:
            raise ReadError(
                f"{channel.file}: the checksum of {channel.name} is {total % 65536}, and "
                f"{part.path.name} says {channel.checksum % 65536}; one of the two files is corrupt."
            )


def _pieces(
    part: Header, places: list[int], span: tuple[int, int]
) -> Iterator[tuple[int, list[NDArray[Any]]]]:
    """(first sample, integers of each channel) of each piece of a span."""
    first, last = span
    plain = all(
        c.fmt in samples.UNPACK and c.frame == 1 and c.skew == 0 and c.file != "~"
        for c in part.channels
    )
    # Sums of differences, and compressed blocks, only make sense from the start.
    whole = any(c.fmt == "8" or not BYTES[c.fmt] or c.skew for c in part.channels)
    step = last if whole else max(_PIECE // sum(c.frame for c in part.channels), 1)
    for low in range(0 if whole else first, last, step):
        columns = (_plain if plain else _by_library)(part, places, low, min(low + step, last))
        yield (first, [c[first:] for c in columns]) if whole else (low, columns)


def _plain(part: Header, places: list[int], low: int, high: int) -> list[NDArray[Any]]:
    """Channels of files in formats 16 and 212."""
    columns: dict[int, NDArray[Any]] = {}
    for name in {part.channels[place].file for place in places}:
        group = [k for k, channel in enumerate(part.channels) if channel.file == name]
        first, width = part.channels[group[0]], len(group)
        path = part.path.with_name(name)
        flat = samples.read(path, first.fmt, first.offset, low * width, high * width)
        columns |= dict(zip(group, flat.reshape(-1, width).T, strict=True))
    return [columns[place] for place in places]


def _by_library(part: Header, places: list[int], low: int, high: int) -> list[NDArray[Any]]:
    """Channels of any format the wfdb library knows; what it throws becomes one error."""
    import wfdb

    narrow = all(abs(_GAP.get(c.fmt, 2**31)) <= 2**15 for c in part.channels)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            record = wfdb.rdrecord(
                str(part.path.absolute().with_suffix("")),
                sampfrom=low,
                sampto=high,
                channels=places,
                physical=False,
                return_res=16 if narrow else 32,
            )
    except (ValueError, IndexError, KeyError, TypeError, ArithmeticError, RuntimeError) as error:
        raise ReadError(f"{part.path.name}: the signals cannot be decoded: {error}.") from None
    values = record.d_signal
    if values is None or values.shape != (high - low, len(places)):
        raise ReadError(f"{part.path.name}: the signal files do not hold what it promises.")
    return list(values.T)


def _present(part: Header) -> int:
    files = {c.file for c in part.channels if c.file != "~"}
    return sum(part.path.with_name(name).stat().st_size for name in files)


def _per_millivolt(request: Request, channel: Channel) -> float:
    try:
        checks.scale_to_millivolt(channel.unit)
    except UnitError:
        raise UnitError(
            f"{request.path.name}: {channel.name} is in {channel.unit}, not a voltage; leave it out: "
            f'dsp.read(path, rename={{"{channel.name}": None}}).'
        ) from None
    return channel.gain / request.to_millivolt(channel.unit)


def _annotations(head: Header, fs: float, request: Request) -> dict[str, Annotations]:
    """Those asked for; unasked, those a written record lists, or ``atr`` where there is one."""
    names = request.annotators
    listed = " ".join(c.removeprefix(ANNOTATORS) for c in head.comments if c.startswith(ANNOTATORS))
    asked = names if names is not None else listed.split() or ["atr"]
    found = {}
    for name in asked:
        if not re.fullmatch(r"[-\w]{1,40}", name, re.ASCII):
            raise ReadError(f"{name!r} is no annotator: letters, digits, - and _ only.")
        file = head.path.with_suffix(f".{name}")
        if file.is_file():
            found[name] = marks.decode(file.read_bytes(), fs, file.name)
        elif names is not None or listed:
            raise ReadError(f"there is no annotation file {file.name} beside {head.path.name}.")
    return found


def _meta(request: Request, head: Header, rows: dict[str, int]) -> dict[str, Any]:
    """What a header says beyond the signals; gains only where each lead has one for all time."""
    comments = tuple(c for c in head.comments if not c.startswith((ANNOTATORS, SOURCES)))
    sources = " ".join(c.removeprefix(SOURCES) for c in head.comments if c.startswith(SOURCES))
    meta: dict[str, Any] = {"record": head.path.stem, "comments": comments} | clock.read(head.start)
    meta |= notes.as_meta({k: v for k, _, v in (pair.partition("=") for pair in sources.split())})
    if head.channels:
        chosen = {lead: head.channels[row] for lead, row in rows.items()}
        meta["gain"] = {lead: _per_millivolt(request, c) for lead, c in chosen.items()}
        meta["baseline"] = {lead: c.baseline for lead, c in chosen.items()}
    for comment in comments:
        if match := _FACTS.fullmatch(comment):
            meta |= _fact(match[1].lower(), match[2])
    return meta


def _fact(key: str, text: str) -> dict[str, Any]:
    if key == "dx":
        return {"dx": [code.strip() for code in text.split(",") if code.strip()]}
    if key == "sex":
        return {"sex": _SEXES[text.lower()]} if text.lower() in _SEXES else {}
    try:
        age = float(text)
    except ValueError:
        return {}
    return {"age": int(age) if age.is_integer() else age} if math.isfinite(age) else {}
