"""Notes: annotations and facts as JSON or lines of text, for formats without a place of their own for them."""

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from dsp.errors import ECGError, ReadError, WriteError
from dsp.record import ECG, Annotations


def dumps(ecg: ECG) -> str:
    """Annotations and meta of a recording as one line of JSON.

    Examples
    --------
    >>> dumps(ECG(np.zeros(500), 500, ["I"], meta={"age": 63}))
    '{"annotations": {}, "meta": {"age": 63}}'
    """
    annotations = {
        name: {
            "samples": marks.samples.tolist(),
            "symbols": marks.symbols,
            "notes": marks.notes,
            "subtypes": marks.subtypes.tolist(),
            "channels": marks.channels.tolist(),
            "numbers": marks.numbers.tolist(),
        }
        for name, marks in ecg.annotations.items()
    }
    return json.dumps({"annotations": annotations, "meta": dict(ecg.meta)}, default=_plain)


def loads(text: str) -> tuple[dict[str, Annotations], dict[str, Any]]:
    """Annotations and meta from what `dumps` wrote.

    Raises
    ------
    ReadError
        If the text is something else.

    Examples
    --------
    >>> loads('{"annotations": {}, "meta": {"age": 63}}')
    ({}, {'age': 63})
    """
    try:
        value = json.loads(text)
        annotations = {
            str(name): Annotations(
                np.array(marks["samples"], np.int64),
                _strings(marks["symbols"]),
                _strings(marks["notes"]),
                *(np.array(marks[k], np.int64) for k in ("subtypes", "channels", "numbers")),
            )
            for name, marks in value["annotations"].items()
        }
        return annotations, dict(value["meta"])
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        if isinstance(error, ECGError):
            raise
        raise ReadError(f"the stored annotations are damaged: {error!r}.") from None


SOURCES: Final = ("measured", "derived", "inferred")
"""Where a lead can come from: an electrode, algebra, or a model."""


def sources(noted: Any) -> dict[str, str]:
    """What ``ecg.meta["lead_sources"]`` says that is sound: lead to one of `SOURCES`.

    A file must not lose it: nobody may take a lead that a model made for one that was recorded.

    Examples
    --------
    >>> sources({"I": "measured", "V1": "inferred", "V2": "?"}), sources(None)
    ({'I': 'measured', 'V1': 'inferred'}, {})
    """
    pairs = noted.items() if isinstance(noted, Mapping) else ()
    return {str(lead): str(word) for lead, word in pairs if word in SOURCES}


def as_meta(noted: Any) -> dict[str, dict[str, str]]:
    """The entry of `meta` for sources found in a file; nothing where there are none.

    Examples
    --------
    >>> as_meta({"I": "inferred"}), as_meta({"I": ""})
    ({'lead_sources': {'I': 'inferred'}}, {})
    """
    found = sources(noted)
    return {"lead_sources": found} if found else {}


def _strings(values: Any) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise ReadError("the stored annotations are damaged: a symbol or note is not text.")
    return tuple(values)


def _plain(value: Any) -> Any:
    """What JSON has no word for, in its words."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


_LINE = re.compile(r"([-\w]+) ([!-~]+)(?: (-?\d+)/(-?\d+)/(-?\d+)(?: (.*))?)?", re.ASCII)
"""``annotator symbol subtype/channel/number note``, the last two only where they say something."""


def to_lines(ecg: ECG, name: str) -> list[tuple[int, str]]:
    """(sample, text) of each annotation, for formats whose marks are plain ASCII texts.

    Parameters
    ----------
    ecg : the recording.
    name : of the format, for the error.

    Raises
    ------
    WriteError
        If an annotator or symbol has blanks or is not ASCII.

    Examples
    --------
    >>> to_lines(ECG(np.zeros(9), 500, ["I"]).annotate("atr", Annotations([3], "N")), "EDF")
    [(3, 'atr N')]
    """
    lines = []
    for annotator, marks in ecg.annotations.items():
        fields = zip(marks.subtypes, marks.channels, marks.numbers, strict=True)
        for sample, symbol, note, field in zip(
            marks.samples.tolist(), marks.symbols, marks.notes, fields, strict=True
        ):
            text = f"{annotator} {symbol}"
            if note or any(field):
                text += f" {'/'.join(map(str, field))}" + (f" {_escaped(note)}" if note else "")
            if not _LINE.fullmatch(text):
                raise WriteError(
                    f"{name} cannot hold the symbol {symbol!r} of {annotator!r}: both must be ASCII "
                    "without blanks."
                )
            lines.append((sample, text))
    return lines


def from_lines(
    lines: Iterable[tuple[int, str]], other: str, *, own: bool
) -> dict[str, Annotations]:
    """Annotations from what `to_lines` made; any other text is a note of the annotator `other`.

    Examples
    --------
    >>> from_lines([(3, "atr N")], "edf", own=True)["atr"].symbols
    ('N',)
    """
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for sample, text in lines:
        match = _LINE.fullmatch(text) if own else None
        if match is None:
            rows.setdefault(other, []).append((sample, '"', text, 0, 0, 0))
            continue
        field = [int((match[k] or "0")[:18]) for k in (3, 4, 5)]
        rows.setdefault(match[1], []).append((sample, match[2], _unescaped(match[6] or ""), *field))
    found = {}
    for name, values in rows.items():
        samples, symbols, texts, *fields = zip(*values, strict=True)
        found[name] = Annotations(
            np.array(samples, np.int64), symbols, texts, *(np.array(f, np.int64) for f in fields)
        )
    return found


def _escaped(note: str) -> str:
    """ASCII without blanks, which some formats trim at the end."""
    return json.dumps(note)[1:-1].replace(" ", "\\u0020")


def _unescaped(note: str) -> str:
    with contextlib.suppress(ValueError):
        return str(json.loads(f'"{note}"'))
    return note
