"""WFDB headers: the grammar of each field, and nothing believed that the files beside it belie."""

import dataclasses
import re
from pathlib import Path
from typing import Any, Final

from dsp.errors import ReadError

BYTES: Final = {
    "8": 1.0, "16": 2.0, "24": 3.0, "32": 4.0, "61": 2.0, "80": 1.0, "160": 2.0, "212": 1.5,
    "310": 4 / 3, "311": 4 / 3, "508": 0.0, "516": 0.0, "524": 0.0,
}  # fmt: skip
"""Bytes per sample of each signal format; 0 for the compressed ones, whose size says nothing."""
_LONGEST = 1_000_000  # characters; the longest real headers (thousands of segments) have fewer
MOST_VALUES: Final = 30_000_000
"""Samples, over all channels, that a record may have without bytes to back them."""
_NUMBER = r"\d{1,12}(?:\.\d{0,17})?(?:[eE][-+]?\d{1,2})?"
_RECORD_FIELDS: Final = (
    ("record name", r"(?P<record>[-\w]+)(?:/(?P<segments>\d{1,6}))?"),
    ("number of signals", r"(?P<n_signals>\d{1,4})"),
    ("sampling rate", rf"(?P<fs>{_NUMBER})(?:/-?{_NUMBER}(?:\(-?{_NUMBER}\))?)?"),
    ("number of samples", r"(?P<n_samples>\d{1,12})"),
    ("date and time", r"(?P<start>[-\w:./ \t]*)"),
)
_SIGNAL_FIELDS: Final = (
    ("file name", r"(?P<file>~|[-\w]+(?:\.\w+)?)"),
    ("format", r"(?P<fmt>\d{1,3})(?:x(?P<frame>\d{1,3}))?(?::(?P<skew>\d{1,6}))?(?:\+(?P<offset>\d{1,12}))?"),
    ("gain", rf"(?P<gain>{_NUMBER})(?:\((?P<baseline>-?\d{{1,10}})\))?(?:/(?P<unit>[^\s()]+))?"),
    ("resolution", r"\d{1,3}"),
    ("zero", r"(?P<zero>-?\d{1,10})"),
    ("initial value", r"-?\d{1,10}"),
    ("checksum", r"(?P<checksum>-?\d{1,6})"),
    ("block size", r"-?\d{1,10}"),
    ("description", r"(?P<name>.*)"),
)  # fmt: skip
_SEGMENT_FIELDS: Final = (
    ("segment name", r"(?P<name>~|[-\w]+)"),
    ("segment length", r"(?P<n_samples>\d{1,12})"),
)


@dataclasses.dataclass(frozen=True)
class Channel:
    """One signal line: where the samples are and what they mean."""

    file: str
    fmt: str
    frame: int
    skew: int
    offset: int
    gain: float
    baseline: int
    unit: str
    checksum: int | None
    name: str


@dataclasses.dataclass(frozen=True)
class Header:
    """One header file; `segments` lists (name, samples) where the record is made of several."""

    path: Path
    fs: float | None
    n_samples: int | None
    start: str
    channels: tuple[Channel, ...]
    segments: tuple[tuple[str, int], ...]
    comments: tuple[str, ...]


def load(path: Path) -> Header:
    """The header in the file `path`, if every field keeps to the grammar and the files bear it out.

    Raises
    ------
    ReadError
        Naming the file, the line and the field.
    """
    text = _text(path)
    lines = [(k, line.strip()) for k, line in enumerate(text.splitlines(), 1) if line.strip()]
    content = [(k, line) for k, line in lines if not line.startswith("#")]
    if not content:
        raise ReadError(f"{path.name} is empty: a WFDB header begins with a record line.")
    first = _fields(path, *content[0], _RECORD_FIELDS, needed=2)
    n_signals, n_segments = int(first["n_signals"]), int(first["segments"] or 0)
    n_samples = None if first["n_samples"] is None else int(first["n_samples"])
    body, expected = content[1:], n_segments or n_signals
    if len(body) != expected or expected == 0:
        kind = "segments" if n_segments else "signals"
        raise ReadError(
            f"{path.name}, line {content[0][0]}: {expected} {kind} declared, {len(body)} lines "
            "follow; at least one, and a line for each, is needed."
        )
    header = Header(
        path,
        float(first["fs"]) if first["fs"] else None,
        n_samples,
        (first["start"] or "").strip(),
        () if n_segments else tuple(_channel(path, *line) for line in body),
        tuple(_segment(path, *line) for line in body) if n_segments else (),
        tuple(line[1:] for _, line in lines if line.startswith("#")),
    )
    return header if n_segments else _backed(header)


def names(path: Path, file: str) -> bool:
    """Whether a line of the header begins with the name of that signal file."""
    return any(line.split(maxsplit=1)[:1] == [file] for line in _text(path).splitlines())


def _text(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(_LONGEST + 1)
    if len(raw) > _LONGEST or b"\0" in raw:
        raise ReadError(f"{path.name} is not a WFDB header: not text, or over 1 MB.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _fields(
    path: Path, number: int, line: str, grammar: tuple[tuple[str, str], ...], needed: int
) -> dict[str, Any]:
    """The named parts of one line; None where the line ends before them."""
    found: dict[str, Any] = {}
    tokens = line.split(maxsplit=len(grammar) - 1)
    for place, (field, pattern) in enumerate(grammar):
        expression = re.compile(pattern, re.ASCII)
        if place >= len(tokens):
            if place < needed:
                raise ReadError(f"{path.name}, line {number}: the {field} is missing.")
            found |= dict.fromkeys(expression.groupindex)
            continue
        match = expression.fullmatch(tokens[place])
        if match is None:
            raise ReadError(
                f"{path.name}, line {number}, {field}: {tokens[place][:40]!r} is not one; "
                "the header is damaged, or not WFDB."
            )
        found |= match.groupdict()
    return found


def _channel(path: Path, number: int, line: str) -> Channel:
    got = _fields(path, number, line, _SIGNAL_FIELDS, needed=2)
    place = f"{path.name}, line {number}"
    if got["fmt"] not in BYTES:
        raise ReadError(f"{place}, format: {got['fmt']} is unknown; known: {' '.join(BYTES)}.")
    # The manual: a gain of 0, or none, means 200 per mV; a baseline that is missing is the zero.
    gain = float(got["gain"] or 0) or 200.0
    frame = int(got["frame"] or 1)
    if not 1e-9 < gain < 1e12 or frame == 0:
        raise ReadError(f"{place}: gain {gain:g} or {frame} samples a frame cannot be.")
    baseline = got["baseline"] or got["zero"] or 0
    return Channel(
        got["file"],
        got["fmt"],
        frame,
        int(got["skew"] or 0),
        int(got["offset"] or 0),
        gain,
        int(baseline),
        got["unit"] or "mV",
        None if got["checksum"] is None else int(got["checksum"]),
        got["name"] or f"channel {number}",
    )


def _segment(path: Path, number: int, line: str) -> tuple[str, int]:
    got = _fields(path, number, line, _SEGMENT_FIELDS, needed=2)
    return got["name"], int(got["n_samples"])


def _backed(header: Header) -> Header:
    """The header, its length filled in, if the signal files hold what it claims."""
    place, n_samples = header.path.name, header.n_samples
    files = {
        channel.file: [c for c in header.channels if c.file == channel.file]
        for channel in header.channels
    }
    for name, group in files.items():
        if name == "~":
            continue
        if len({(c.fmt, c.offset) for c in group}) > 1:
            raise ReadError(f"{place}: the signals in {name} differ in format or offset.")
        file = header.path.parent / name
        if not file.is_file():
            raise ReadError(f"{place} names the signal file {name}, which is not beside it.")
        present, width = file.stat().st_size - group[0].offset, BYTES[group[0].fmt]
        frame = sum(c.frame for c in group)
        if n_samples is None and width:
            n_samples = int(present / width) // frame
        if int((n_samples or 0) * frame * width) > present:
            raise ReadError(
                f"{name} is truncated: {place} promises {n_samples} samples of {len(group)} "
                f"signals, {present} bytes hold {int(max(present, 0) / width) // frame}."
            )
    if not n_samples:
        raise ReadError(f"{place}, line 1, number of samples: the record holds none.")
    values = n_samples * sum(
        c.frame for c in header.channels if not (c.file != "~" and BYTES[c.fmt])
    )
    if values > MOST_VALUES or max(c.skew for c in header.channels) >= n_samples:
        raise ReadError(f"{place} claims more samples or skew than its files can bear out.")
    return dataclasses.replace(header, n_samples=n_samples)
