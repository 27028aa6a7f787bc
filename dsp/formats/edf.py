"""EDF and EDF+: 16-bit signals in uV, through pyedflib, with annotations in EDF+'s own list."""

import contextlib
import io
import math
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp import storage
from dsp.errors import ReadError, WriteError
from dsp.formats import clock, counts, notes
from dsp.formats.extras import needed
from dsp.formats.request import Request
from dsp.record import ECG, Annotations

SUFFIXES: Final = (".edf",)
_STAMP = re.compile(r"einthoven_n=(\d{1,12})")
_EXACT = re.compile(r"gain=(\S+) baseline=(-?\d+) gap=(-?\d+)")
_CONTINUED = "> "
_LONGEST_TEXT = 40  # characters of one annotation that pyedflib writes; longer ones are continued
_RECORD_SECONDS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)
_MOST_LISTS = 64  # annotation signals that pyedflib writes
_PIECE = 1_000_000


def recognises(_path: Path, head: bytes) -> bool:
    """Whether the first bytes are EDF's or BDF's version field."""
    return head.startswith((b"0       ", b"\xffBIOSEMI"))


def read(request: Request) -> ECG:
    """The leads of an EDF, EDF+ or BDF file; other parts than those asked for stay on the disk.

    Raises
    ------
    ReadError
        If the file is damaged, or its leads differ in sampling rate.
    """
    with _opened(request.path) as file:
        heads = file.getSignalHeaders()
        names = [str(head["label"]).strip() for head in heads]
        rows = request.rows(names, len(names))
        rates = {float(heads[row]["sample_frequency"]) for row in rows.values()}
        lengths = {int(file.getNSamples()[row]) for row in rows.values()}
        if len(rates) != 1 or len(lengths) != 1:
            raise ReadError(
                f"{request.path.name}: the leads have different sampling rates ({sorted(rates)} Hz); "
                "leave out those of another rate: rename={name: None}."
            )
        stamp = _STAMP.search(file.getRecordingAdditional())
        n_samples = min(lengths)
        if stamp:
            n_samples = min(n_samples, int(stamp[1]))  # without what fills the last data record
        fs = request.rate(round(rates.pop(), 9))
        first, last = request.span(fs, n_samples)
        x = np.empty((len(rows), last - first), np.float32)
        gains, baselines = {}, {}
        for k, (lead, row) in enumerate(rows.items()):
            gain, baseline, gap = _calibration(request, names[row], heads[row])
            for low in range(first, last, _PIECE):
                high = min(low + _PIECE, last)
                values = file.readSignal(row, low, high - low, digital=True)
                x[k, low - first : high - first] = counts.to_millivolt(values, gain, baseline, gap)
            gains[lead], baselines[lead] = gain, baseline
        found = _annotations(file.readAnnotations(), fs, own=stamp is not None)
        start = file.getStartdatetime()
    marks = request.marks(found, first, last, n_samples)
    meta: dict[str, Any] = {"gain": gains, "baseline": baselines, "start": start.isoformat()}
    meta |= notes.as_meta(
        {lead: str(heads[row]["prefilter"]).strip() for lead, row in rows.items()}
    )
    return request.record(x, fs, rows, marks, meta)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The open file; what pyedflib prints and throws becomes one error."""
    pyedflib = needed("pyedflib", path)
    _check_size(path)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            file = pyedflib.EdfReader(str(path))
        except (OSError, ValueError, UnicodeDecodeError, IndexError, TypeError) as error:
            first = (str(error).strip() or "it is no EDF").splitlines()[0]
            raise ReadError(f"{path.name} is a damaged EDF: {first}") from None
        try:
            yield file
        except (OSError, TypeError, ZeroDivisionError, IndexError, OverflowError) as error:
            raise ReadError(f"{path.name} is a damaged EDF: {error}.") from None
        finally:
            file.close()


def _check_size(path: Path) -> None:
    """The size that the header promises, before the C library complains on the terminal."""
    with path.open("rb") as file:
        head = file.read(256)
        try:
            n_records, n_signals = int(head[236:244]), int(head[252:256])
            file.seek(256 + 216 * n_signals)
            per_record = [int(file.read(8)) for _ in range(min(n_signals, 10_000))]
        except (ValueError, OSError) as error:
            raise ReadError(f"{path.name} is a damaged EDF: {error}.") from None
    width = 3 if head.startswith(b"\xff") else 2
    promised = 256 * (n_signals + 1) + n_records * sum(per_record) * width
    if min([n_records, n_signals, *per_record]) < 1 or promised != path.stat().st_size:
        raise ReadError(
            f"{path.name} is a damaged EDF: its header promises {promised} bytes, it has "
            f"{path.stat().st_size}."
        )


def _calibration(
    request: Request, name: str, head: dict[str, Any]
) -> tuple[float, int | float, int | None]:
    """Counts per mV, count of 0 mV, and the count of a gap, of one signal."""
    factor = request.to_millivolt(str(head["dimension"]).strip() or None)
    if exact := _EXACT.search(str(head["transducer"])):
        with contextlib.suppress(ValueError):
            gain = float(exact[1])
            if 0 < gain < math.inf:
                return gain, int(exact[2]), int(exact[3])
    span = (head["physical_max"] - head["physical_min"]) * factor
    steps = head["digital_max"] - head["digital_min"]
    if not (math.isfinite(span) and span != 0 and steps > 0):
        raise ReadError(f"{request.path.name}: the limits of {name!r} are no range.")
    gain = steps / span
    baseline = head["digital_min"] - head["physical_min"] * factor * gain
    return gain, round(baseline) if abs(baseline - round(baseline)) < 1e-6 else baseline, None


def _annotations(found: Any, fs: float, *, own: bool) -> dict[str, Annotations]:
    """By annotator if this library wrote them; else all as notes of the annotator ``edf``."""
    lines: list[tuple[int, str]] = []
    for onset, text in zip(found[0].tolist(), map(str, found[2]), strict=True):
        if own and text.startswith(_CONTINUED) and lines:
            lines[-1] = (lines[-1][0], lines[-1][1] + text.removeprefix(_CONTINUED))
        elif 0 <= onset < 1e9:
            lines.append((round(onset * fs), text))
    return notes.from_lines(lines, "edf", own=own)


def write(ecg: ECG, path: Path) -> None:
    """EDF+ in uV; the exact gains, the count that marks gaps and the length stand in free fields.

    Raises
    ------
    WriteError
        If the sampling rate fits no data record, or there are more annotations than EDF+ holds.
    """
    pyedflib = needed("pyedflib", path, WriteError)
    leads = counts.of(ecg)
    lines = _lines(ecg)
    sources = notes.sources(ecg.meta.get("lead_sources"))
    seconds = _record_seconds(ecg, len(lines))
    per_record = round(ecg.fs * seconds)
    n_records = -(-ecg.n_samples // per_record)
    with (
        storage.publish(path) as draft,
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            file = pyedflib.EdfWriter(str(draft), len(leads), file_type=pyedflib.FILETYPE_EDFPLUS)
            file.setSignalHeaders(
                [
                    _head(lead, row, ecg.fs, sources.get(lead, ""))
                    for lead, row in zip(ecg.leads, leads, strict=True)
                ]
            )
            file.setDatarecordDuration(seconds)
            file.set_number_of_annotation_signals(-(-len(lines) // n_records))
            if start := clock.of(ecg.meta):
                file.setStartdatetime(start.replace(microsecond=0))
            file.setRecordingAdditional(f"einthoven_n={ecg.n_samples}")
            file.writeSamples(
                [
                    np.append(v, np.repeat(v[-1:], n_records * per_record - v.size))
                    for v in _wide(leads)
                ],
                digital=True,
            )
            for sample, text in lines:
                file.writeAnnotation(sample / ecg.fs, -1, text)
            file.close()
        except (OSError, ValueError, TypeError) as error:
            raise WriteError(f"cannot write {path}: {error}.") from None


def _wide(leads: list[counts.Counts]) -> list[NDArray[np.int32]]:
    return [lead.values.astype(np.int32) for lead in leads]


def _head(lead: str, given: counts.Counts, fs: float, source: str) -> dict[str, Any]:
    low, high = (_eight((end - given.baseline) * 1000 / given.gain) for end in (-32768, 32767))
    return {
        "label": f"ECG {lead}",
        "dimension": "uV",
        "sample_frequency": fs,
        "physical_min": low,
        "physical_max": high,
        "digital_min": -32768,
        "digital_max": 32767,
        "transducer": f"gain={given.gain!r} baseline={given.baseline} gap={given.gap}",
        "prefilter": source,
    }


def _eight(value: float) -> float:
    """The nearest number that EDF's eight characters hold."""
    for digits in range(8, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 8 and "e" not in text:
            return float(text)
    return float(f"{value:.0f}")


def _record_seconds(ecg: ECG, n_lines: int) -> float:
    """A length of data record that holds whole samples, and enough of them for all annotations."""
    for seconds in _RECORD_SECONDS:
        per_record = round(ecg.fs * seconds)
        fits = per_record >= 1 and abs(ecg.fs * seconds - per_record) < 1e-9 * per_record
        if fits and -(-ecg.n_samples // per_record) * _MOST_LISTS >= n_lines:
            return seconds
    raise WriteError(
        f"EDF cannot hold {n_lines} annotations in {ecg.duration:g} s at {ecg.fs:g} Hz; "
        "resample to a whole number of Hz, or write WFDB."
    )


def _lines(ecg: ECG) -> list[tuple[int, str]]:
    """(sample, text) of each annotation, what is too long continued in further texts."""
    lines = []
    room = _LONGEST_TEXT - len(_CONTINUED)
    for sample, text in notes.to_lines(ecg, "EDF"):
        lines.append((sample, text[:_LONGEST_TEXT]))
        rest = range(_LONGEST_TEXT, len(text), room)
        lines += [(sample, _CONTINUED + text[k : k + room]) for k in rest]
    return lines
