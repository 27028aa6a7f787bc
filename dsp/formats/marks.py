"""Marks: WFDB annotation files, decoded and encoded in one bounded pass over their 16-bit words."""

import re
import struct
from typing import Final

import numpy as np

from dsp.errors import ReadError, WriteError
from dsp.record import Annotations

# Source: the WFDB Applications Guide, "annot(5)"; a word is 6 bits of code above 10 bits of time.
CODES: Final = dict(zip('NLRaVFJASEj/Q~', range(1, 15), strict=True)) | {"|": 16} | dict(
    zip('sT*D"=pB^t+u?![]en@xf()r', range(18, 42), strict=True)
)  # fmt: skip
"""Code of each standard symbol."""
_SYMBOLS: Final = {code: symbol for symbol, code in CODES.items()}
_FREE: Final = range(42, 50)  # codes that a file may define for itself
_NOTE, _SKIP, _NUMBER, _SUBTYPE, _CHANNEL, _TEXT = 22, 59, 60, 61, 62, 63
_RATE = re.compile(r"## time resolution: (\d{1,6}(?:\.\d{1,12})?)")
_DEFINITION = re.compile(r"(\d{1,2}) (\S+)(?: .*)?")
_MOST_BYTES = 32_000_000


def decode(data: bytes, fs: float, name: str) -> Annotations:
    """Annotations of a recording at `fs` from the bytes of the file `name`.

    Raises
    ------
    ReadError
        If the file ends inside an annotation, is not one, or marks times before the start.
    """
    if len(data) % 2 or len(data) > _MOST_BYTES:
        raise ReadError(f"{name}: {len(data)} bytes are not a WFDB annotation file.")
    rows, texts = _rows(data, name)
    definitions = _definitions(rows, texts)
    symbols = _SYMBOLS | definitions
    ratio = 1.0
    kept = []
    for row, text in zip(rows, texts, strict=True):
        if row[0] == 0 and row[1] == _NOTE and text.startswith("## "):
            if stated := _RATE.fullmatch(text):
                ratio = fs / (float(stated[1]) or fs)
        elif row[1] and not (
            row[0] == 0 and row[1] == _NOTE and definitions and _DEFINITION.fullmatch(text)
        ):
            kept.append((row, text))
    table = np.array([row for row, _ in kept], np.int64).reshape(-1, 5)
    if (table[:, 0] < 0).any():
        raise ReadError(
            f"{name} marks sample {table[:, 0].min()}, before the start: it is damaged."
        )
    marks = Annotations(
        table[:, 0],
        tuple(symbols.get(row[1], f"#{row[1]}") for row, _ in kept),
        tuple(text for _, text in kept),
        *table[:, 2:].T,
    )
    return marks if ratio == 1.0 else marks.resample(ratio)


def _rows(data: bytes, name: str) -> tuple[list[list[int]], list[str]]:
    """(sample, code, subtype, channel, number) and text of each annotation."""
    words = np.frombuffer(data, "<u2").astype(np.uint16).data
    rows: list[list[int]] = []
    texts: list[str] = []
    place = sample = channel = number = 0
    try:
        while words[place]:
            code, step = words[place] >> 10, words[place] & 1023
            if code == _SKIP:
                high, low = words[place + 1], words[place + 2]
                sample += ((high << 16 | low) ^ 0x80000000) - 0x80000000
                place += 2
            elif code == _TEXT:
                length = step & 255
                raw = data[2 * place + 2 : 2 * place + 2 + length]
                place += (length + 1) // 2
                texts[-1] = _text(raw)
            elif code == _CHANNEL:
                rows[-1][3] = channel = step & 255
            elif code == _NUMBER:
                rows[-1][4] = number = _signed(step)
            elif code == _SUBTYPE:
                rows[-1][2] = _signed(step)
            else:
                sample += step
                rows.append([sample, code, 0, channel, number])
                texts.append("")
            place += 1
    except IndexError:
        raise ReadError(
            f"{name}, byte {2 * place}: the annotations end without their end mark, or begin in "
            "the middle; the file is truncated or damaged."
        ) from None
    return rows, texts


def _text(raw: bytes) -> str:
    raw = raw.rstrip(b"\0")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _signed(byte: int) -> int:
    return (byte & 255 ^ 128) - 128


def _definitions(rows: list[list[int]], texts: list[str]) -> dict[int, str]:
    """Symbols that the file defines for itself, in notes at sample 0."""
    found: dict[int, str] = {}
    inside = False
    for row, text in zip(rows, texts, strict=True):
        if row[0] != 0 or row[1] != _NOTE:
            break
        if text.startswith("## "):
            inside = text == "## annotation type definitions"
        elif inside and (match := _DEFINITION.fullmatch(text)):
            found[int(match[1])] = match[2]
    return found


def encode(marks: Annotations, name: str) -> bytes:
    """The bytes of the annotation file `name`.

    Raises
    ------
    WriteError
        For what the format cannot hold: notes over 255 bytes, fields beyond a byte, more than
        eight symbols of one's own, times before the start or beyond 2^31 samples.
    """
    foreign = sorted({s for s in marks.symbols if s not in CODES and _numbered(s) is None})
    if len(foreign) > len(_FREE) or any(not re.fullmatch(r"\S{1,40}", s) for s in foreign):
        raise WriteError(
            f"{name}: the symbols {foreign[:9]} are not WFDB's; at most {len(_FREE)} of one's own, "
            f"without blanks, can be stored. WFDB's are {' '.join(CODES)}."
        )
    own = dict(zip(foreign, _FREE, strict=False))
    _check(marks, name)
    out = bytearray()
    if own:
        lines = [f"{code} {symbol} {symbol}" for symbol, code in own.items()]
        for line in ("## annotation type definitions", *lines, "## end of definitions"):
            out += struct.pack("<H", _NOTE << 10) + _packed_text(line, name)
    sample = channel = number = 0
    fields = (marks.samples, marks.subtypes, marks.channels, marks.numbers)
    for at, subtype, chan, num, symbol, note in zip(
        *(field.tolist() for field in fields), marks.symbols, marks.notes, strict=True
    ):
        step = at - sample
        if not 0 <= step < 1024:
            out += struct.pack("<HHH", _SKIP << 10, step >> 16 & 0xFFFF, step & 0xFFFF)
            step = 0
        code = own.get(symbol) or CODES.get(symbol) or _numbered(symbol) or 0
        out += struct.pack("<H", code << 10 | step)
        if subtype:
            out += struct.pack("<H", _SUBTYPE << 10 | subtype & 255)
        if chan != channel:
            out += struct.pack("<H", _CHANNEL << 10 | chan)
        if num != number:
            out += struct.pack("<H", _NUMBER << 10 | num & 255)
        if note:
            out += _packed_text(note, name)
        sample, channel, number = at, chan, num
    return bytes(out) + b"\0\0"


def _check(marks: Annotations, name: str) -> None:
    limits = (
        ("sample", marks.samples, 0, 2**31 - 1),
        ("subtype", marks.subtypes, -128, 127),
        ("channel", marks.channels, 0, 255),
        ("number", marks.numbers, -128, 127),
    )
    for field, values, low, high in limits:
        if len(values) and not low <= values.min() <= values.max() <= high:
            raise WriteError(f"{name}: WFDB holds a {field} of {low} to {high} only.")


def _numbered(symbol: str) -> int | None:
    """The code of a symbol without a name, written ``#47``."""
    match = re.fullmatch(r"#(\d{1,2})", symbol)
    return int(match[1]) if match and 0 < int(match[1]) < _SKIP else None


def _packed_text(text: str, name: str) -> bytes:
    raw = text.encode("utf-8")
    if len(raw) > 255:
        raise WriteError(f"{name}: the note {text[:30]!r}... has {len(raw)} bytes; WFDB holds 255.")
    return struct.pack("<H", _TEXT << 10 | len(raw)) + raw + b"\0" * (len(raw) % 2)
