"""The sheet: what lies where on a page of ECG paper, in millimetres from its lower left corner."""

import dataclasses
import math
import numbers
from typing import Any, Final

from dsp.errors import ECGError, LeadError, LengthError
from dsp.leads import TWELVE

LAYOUTS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "3x4+1": (
        ("I", "aVR", "V1", "V4"),
        ("II", "aVL", "V2", "V5"),
        ("III", "aVF", "V3", "V6"),
        ("II",),
    ),
    "6x2": tuple(zip(TWELVE[:6], TWELVE[6:], strict=True)),
    "cabrera": (
        ("aVL", "V1"),
        ("I", "V2"),
        ("-aVR", "V3"),
        ("II", "V4"),
        ("aVF", "V5"),
        ("III", "V6"),
    ),
    "stacked": (),
}
"""Rows of leads, top to bottom; the leads of a row follow each other in time. A minus sign turns a
lead upside down. No rows: every lead of the recording has one."""

PULSE_MV: Final = 1.0
PULSE_S: Final = 0.2
"""The calibration pulse, 10 mm high and 5 mm wide at the usual settings."""
MAJOR_MM: Final = 5.0
SIDE_MM: Final = 13.5  # 10 s at 25 mm/s then make a page 297 mm wide: A4
HEADER_MM: Final = 8.0
FOOTER_MM: Final = 7.0
_ABOVE_MM, _BELOW_MM, _RIGHT_MM = 10.0, 5.0, 5.0  # grid beyond the rows
_ROWS_MM: Final = 180.0  # with header, footer and edges: at most 210 mm, A4, up to 12 rows
_ROW_RANGE_MM: Final = (15.0, 35.0)
_LEAST_GRID_MM: Final = 150.0  # room for caption and legend
_SHORTEST_IN_COLUMNS_S: Final = 5.0  # a quarter of less may hold no beat
_SHORTEST_S: Final = 0.1
_WIDEST_MM: Final = 2000.0
_SPEEDS: Final = (5.0, 100.0)
_GAINS: Final = (2.5, 40.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Paper:
    """The settings of the recorder.

    Attributes
    ----------
    speed : mm/s; 25 is usual, 50 and 12.5 occur. From 5 to 100.
    gain : mm/mV; 10 is usual, 5 and 20 occur. From 2.5 to 40.
    seconds : length of a page; a shorter recording makes a shorter page.
    title : printed above the grid; the recording's own name if empty.

    Raises
    ------
    ECGError
        For a speed or gain that no recorder has.
    LengthError
        If a page would be shorter than 0.1 s or longer than 2 m.

    Examples
    --------
    >>> Paper(speed=50).gain
    10.0
    """

    speed: float = 25.0
    gain: float = 10.0
    seconds: float = 10.0
    title: str = ""

    def __post_init__(self) -> None:
        for name, unit, (low, high) in (("speed", "mm/s", _SPEEDS), ("gain", "mm/mV", _GAINS)):
            value = getattr(self, name)
            if not within(value, low, high):
                raise ECGError(
                    f"{name}={value!r}: ECG paper has {low:g} to {high:g} {unit}; "
                    "25 mm/s and 10 mm/mV are usual."
                )
        given = self.seconds
        if not within(given, _SHORTEST_S, _WIDEST_MM / self.speed):
            raise LengthError(
                f"seconds={given!r} at {self.speed:g} mm/s: a page is {_SHORTEST_S:g} to "
                f"{_WIDEST_MM / self.speed:g} s long; dsp.pages(ecg) draws one page after the other."
            )


@dataclasses.dataclass(frozen=True, slots=True)
class Panel:
    """One stretch of one lead: its row from the top, and from when to when, in s of the page."""

    lead: str
    sign: float
    row: int
    begin: float
    end: float

    @property
    def label(self) -> str:
        """The lead's name, with a minus sign where the lead is upside down."""
        return self.lead if self.sign > 0 else f"\N{MINUS SIGN}{self.lead}"


@dataclasses.dataclass(frozen=True, slots=True)
class Sheet:
    """One page: rows of leads over `seconds`, and the place of everything on it, in mm."""

    paper: Paper
    rows: tuple[tuple[str, ...], ...]
    seconds: float

    @property
    def pulse(self) -> float:
        """Width of the calibration pulse."""
        return PULSE_S * self.paper.speed

    @property
    def zero(self) -> float:
        """Where the traces begin; left of it stands the calibration pulse."""
        return SIDE_MM + 10.0 + _to_major(self.pulse)

    @property
    def pitch(self) -> float:
        """From row to row."""
        fitting = MAJOR_MM * math.floor(_ROWS_MM / len(self.rows) / MAJOR_MM)
        low, high = _ROW_RANGE_MM
        return _to_major(min(max(fitting, low), high) * max(1.0, self.paper.gain / 10.0))

    @property
    def grid(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of the grid; its sides are whole numbers of 5 mm."""
        traces = self.zero - SIDE_MM + _to_major(self.seconds * self.paper.speed) + _RIGHT_MM
        height = _ABOVE_MM + self.pitch * len(self.rows) + _BELOW_MM
        return SIDE_MM, FOOTER_MM, SIDE_MM + max(traces, _LEAST_GRID_MM), FOOTER_MM + height

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the page."""
        _, _, right, top = self.grid
        return right + SIDE_MM, top + HEADER_MM

    @property
    def headroom(self) -> float:
        """From the zero line of a row to its top, at least half of the row."""
        return self.pitch - MAJOR_MM * math.floor(self.pitch / 2 / MAJOR_MM)

    def baseline(self, row: int) -> float:
        """Height of the zero line of a row; it lies on a line of the 5 mm grid."""
        bottom = FOOTER_MM + _BELOW_MM + self.pitch * (len(self.rows) - 1 - row)
        return bottom + self.pitch - self.headroom

    def panels(self) -> list[Panel]:
        """Every stretch of every lead, row by row."""
        out = []
        for row, names in enumerate(self.rows):
            each = self.seconds / len(names)
            for column, name in enumerate(names):
                sign = -1.0 if name.startswith("-") else 1.0
                begin = column * each
                out.append(Panel(name.removeprefix("-"), sign, row, begin, begin + each))
        return out


def layout_rows(
    layout: str | None, leads: tuple[str, ...], seconds: float
) -> tuple[tuple[str, ...], ...]:
    """The rows of a layout for a page with these leads.

    Parameters
    ----------
    layout : a row of `LAYOUTS`; None means 3x4+1 for the twelve standard leads, if the page is long
        enough to be cut in four, else stacked.
    leads : of the recording.
    seconds : length of the page.

    Raises
    ------
    ECGError
        If there is no such layout.
    LeadError
        If the layout shows a lead that is not there.

    Examples
    --------
    >>> layout_rows(None, ("V1", "II"), 10.0)
    (('V1',), ('II',))
    """
    if layout is None:
        in_columns = set(leads) == set(TWELVE) and seconds >= _SHORTEST_IN_COLUMNS_S
        layout = "3x4+1" if in_columns else "stacked"
    if not isinstance(layout, str) or layout not in LAYOUTS:
        raise ECGError(f"layout={layout!r} is not one of {', '.join(LAYOUTS)}.")
    rows = LAYOUTS[layout] or tuple((lead,) for lead in leads)
    shown = {name.removeprefix("-") for row in rows for name in row}
    missing = [lead for lead in TWELVE if lead in shown - set(leads)]
    if missing:
        raise LeadError(
            f"layout {layout!r} shows {' '.join(missing)}, which this recording lacks; draw it "
            'with layout="stacked", or complete it first (ecg.twelve_leads()).'
        )
    return rows


def within(value: Any, low: float, high: float) -> bool:
    """Whether `value` is a number from `low` to `high`.

    Examples
    --------
    >>> within("25", 5, 100)
    False
    """
    return isinstance(value, numbers.Real) and low <= float(value) <= high


def _to_major(length: float) -> float:
    """Rounded up to whole 5 mm."""
    return MAJOR_MM * math.ceil(length / MAJOR_MM - 1e-9)
