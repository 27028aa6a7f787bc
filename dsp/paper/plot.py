"""Plot: a recording, and whatever explains it, onto sheets of ECG paper."""

from __future__ import annotations

import base64
import dataclasses
import functools
import html as markup
import io
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp.errors import ECGError, LengthError
from dsp.paper import ink
from dsp.paper.content import Band, Content, Marks, Source, gather, plain, require_ecg
from dsp.paper.sheet import Panel, Paper, Sheet, layout_rows, within
from dsp.record import ECG, Annotations

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

USUAL: Final = Paper()
_SEXES: Final = {"f": "female", "m": "male"}
_DPI: Final = 6 * 25.4  # six pixels a millimetre: every grid line falls on whole pixels
_HTML_PIXELS_PER_MM: Final = (4, 3, 2, 1)  # the first that is small enough
_HTML_COLOURS: Final = 256  # a third of the bytes; with 32, derived would turn inferred's blue
_HTML_BYTES: Final = 75_000  # base64 makes 100 kB of it


def plot(
    ecg: ECG,
    *,
    layout: str | None = None,
    start: float = 0.0,
    overlay: ECG | None = None,
    band: Band | None = None,
    source: Source | None = None,
    marks: Marks | None = None,
    paper: Paper = USUAL,
    ax: Axes | None = None,
) -> Figure:
    """Draw one page of ECG paper, true to scale.

    The page is as large as the layout needs (10 s at 25 mm/s: 297 mm wide, A4) and a saved picture
    keeps the millimetres. Each lead stands on its median over the page, since an electrode's offset
    means nothing; overlay and band are shifted with it.

    Parameters
    ----------
    ecg : the recording; NaN leave gaps. Of `ecg.meta`, name or record, age, sex and filter are
        printed.
    layout : ``"3x4+1"``, ``"6x2"``, ``"cabrera"`` or ``"stacked"``; by default 3x4+1 for the twelve
        standard leads over at least 5 s, and stacked, a row for each lead, otherwise.
    start : where the page begins, s.
    overlay : a second recording from the same moment on, drawn in grey beneath; leads go by name,
        the rate may differ. Its ``meta["label"]`` is printed in the legend.
    band : (low, high), each (leads, time) mV like `ecg.signal`; the area between is shaded.
    source : where each lead comes from: measured, derived or inferred, by name or in the order of
        `ecg.leads`; by default what ``ecg.meta["lead_sources"]`` says, if anything. It sets colour, dashes
        and label, so that nobody takes an inferred lead for a recorded one.
    marks : sample indices such as R peaks, or `Annotations`, whose symbols are printed; below the
        last row.
    paper : speed, gain, seconds a page, title.
    ax : axes to draw into instead, in the same proportions; to scale if they are of the page's size.

    Returns
    -------
    The figure, not attached to pyplot and not shown; ``figure.savefig("page.pdf")`` prints it.

    Raises
    ------
    ECGError, LeadError, LengthError, SignalError
        For a layout, source or lead that is not there, a start outside the recording, a band or
        marks that do not fit.

    Examples
    --------
    >>> figure = plot(ECG(np.zeros((2, 5000)), 500, "I II"), paper=Paper(speed=50))
    >>> [round(25.4 * inches) for inches in figure.get_size_inches()]
    [552, 100]
    """
    page = Page.of(ecg, layout, start, paper)
    content = gather(ecg, overlay, band, source, marks)
    if ax is None:
        figure, ax = _blank(page.sheet)
    else:
        figure = _figure_of(ax)
    pen = ink.Pen(ax, page.sheet)
    pen.grid()
    for row in range(len(page.sheet.rows)):
        pen.pulse(row)
    for panel in page.sheet.panels():
        _draw_panel(pen, page, content, panel)
    _draw_marks(pen, page, content.marks)
    _draw_margins(pen, page, content)
    return figure


def pages(
    ecg: ECG,
    *,
    layout: str | None = None,
    overlay: ECG | None = None,
    band: Band | None = None,
    source: Source | None = None,
    marks: Marks | None = None,
    paper: Paper = USUAL,
) -> Iterator[Figure]:
    """Draw a long recording page by page, one page in memory at a time.

    Parameters
    ----------
    ecg, layout, overlay, band, source, marks, paper : as for `plot`; ``paper.seconds`` a page.

    Returns
    -------
    An iterator of figures of equal size; the last may be partly empty.

    Raises
    ------
    ECGError, LeadError, LengthError, SignalError
        As `plot`.

    Examples
    --------
    >>> len(list(pages(ECG(np.zeros(12_500), 500, ["II"]))))
    3
    """
    _require(ecg, paper)
    count = math.ceil(ecg.duration / paper.seconds - 1e-9)
    one = functools.partial(
        plot,
        ecg,
        layout=layout,
        overlay=overlay,
        band=band,
        source=source,
        marks=marks,
        paper=paper,
    )
    return (one(start=k * paper.seconds) for k in range(count))


def html(ecg: ECG) -> str:
    """The first page as a small picture with a line of words, for notebooks.

    Returns
    -------
    HTML with the picture inside, at most 100 kB of it.

    Examples
    --------
    >>> html(ECG(np.zeros(5000), 500, ["II"]))[:4]
    '<div'
    """
    figure = plot(ecg)
    for pixels in _HTML_PIXELS_PER_MM:
        picture = _fewer_colours(_png(figure, 25.4 * pixels))
        if len(picture) <= _HTML_BYTES:
            break
    words = markup.escape(repr(ecg))
    data = base64.b64encode(picture).decode()
    return (
        f'<div><img alt="{words}" src="data:image/png;base64,{data}" style="max-width:100%"/>'
        f"<br/><code>{words}</code></div>"
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One recording's page: which sheet, and from when; turns samples into millimetres."""

    ecg: ECG
    sheet: Sheet
    start: float
    offsets: Mapping[str, float]

    @classmethod
    def of(cls, ecg: ECG, layout: str | None, start: float, paper: Paper) -> Page:
        """The page of a recording from `start` s on."""
        _require(ecg, paper)
        if not within(start, 0.0, ecg.duration - 0.5 / ecg.fs):
            raise LengthError(
                f"start={start!r} s of a recording of {ecg.duration:g} s; give 0 <= start < duration."
            )
        seconds = min(paper.seconds, ecg.duration)
        rows = layout_rows(layout, ecg.leads, seconds)
        part = ecg.signal[:, _samples(ecg, start, start + seconds)].astype(np.float64)
        offsets = {
            lead: float(np.nanmedian(x)) if np.isfinite(x).any() else 0.0
            for lead, x in zip(ecg.leads, part, strict=True)
        }
        return cls(ecg, Sheet(paper, rows, seconds), float(start), offsets)

    def x(self, seconds: NDArray[np.float64]) -> ink.Curve:
        """Place of a time of the recording."""
        return self.sheet.zero + (seconds - self.start) * self.sheet.paper.speed

    def y(self, panel: Panel, x: NDArray[np.floating]) -> ink.Curve:
        """Height of an amplitude of a panel's lead."""
        upright = panel.sign * (np.asarray(x, np.float64) - self.offsets[panel.lead])
        return self.sheet.baseline(panel.row) + upright * self.sheet.paper.gain

    def curve(self, panel: Panel, ecg: ECG) -> tuple[slice, ink.Curve]:
        """The samples of a recording within a panel, and their places."""
        part = _samples(ecg, self.start + panel.begin, self.start + panel.end)
        return part, self.x(np.arange(part.start, part.stop) / ecg.fs)


def _require(ecg: Any, paper: Any) -> None:
    require_ecg(ecg, "ecg")
    if not isinstance(paper, Paper):
        raise ECGError(f"paper={paper!r}: give dsp.Paper(speed=50), for instance.")


def _samples(ecg: ECG, begin: float, end: float) -> slice:
    """The samples from `begin` to `end` s, both included, as far as there are any."""
    first = min(math.ceil(begin * ecg.fs - 1e-6), ecg.n_samples)
    return slice(first, max(first, min(math.floor(end * ecg.fs + 1e-6) + 1, ecg.n_samples)))


def _blank(sheet: Sheet) -> tuple[Figure, Axes]:
    """A figure of the sheet's size, one axes over all of it."""
    from matplotlib.figure import Figure

    width, height = sheet.size
    figure = Figure(figsize=(width / 25.4, height / 25.4), dpi=_DPI, facecolor="white")
    # A notebook shows figures of pyplot only, and this is none: it needs its own picture.
    figure._repr_png_ = functools.partial(_png, figure, _DPI)  # type: ignore[attr-defined]
    return figure, figure.add_axes((0, 0, 1, 1))


def _png(figure: Figure, dpi: float) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def _fewer_colours(picture: bytes) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        reduced = image.convert("RGB").quantize(_HTML_COLOURS, dither=Image.Dither.NONE)
        reduced.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _figure_of(ax: Any) -> Figure:
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise ECGError(f"ax is of type {type(ax).__name__}; give Matplotlib axes, or leave it out.")
    return ax.figure.figure  # of a subfigure, the whole


def _draw_panel(pen: ink.Pen, page: Page, content: Content, panel: Panel) -> None:
    """One lead of one row: band, overlay, trace, label clear of it, and the bar between columns."""
    paper, baseline = page.sheet.paper, page.sheet.baseline(panel.row)
    source = content.source.get(panel.lead, "")
    style = ink.SOURCES.get(source, ink.PLAIN)
    part, x = page.curve(panel, page.ecg)
    lead = page.ecg.leads.index(panel.lead)
    name = f"{panel.lead}-{panel.row}"
    if content.band is not None:
        low, high = (page.y(panel, limit[lead, part]) for limit in content.band)
        pen.band(x, low, high, name=f"band-{name}")
    if content.overlay is not None and panel.lead in content.overlay.leads:
        under, x_under = page.curve(panel, content.overlay)
        y_under = page.y(panel, content.overlay[panel.lead][under])
        pen.line(x_under, y_under, ink.OVERLAY, name=f"overlay-{name}", order=2)
    y = page.y(panel, page.ecg.signal[lead, part])
    pen.line(x, y, style, name=f"trace-{name}")
    left = page.sheet.zero + panel.begin * paper.speed
    words = f"{panel.label} {source}" if source in ("derived", "inferred") else panel.label
    near = y[x < left + 2.0 + 2.4 * len(words)]
    crest = np.max(near, initial=baseline, where=np.isfinite(near)) - baseline
    above = baseline + min(max(crest + 2.5, 0.3 * page.sheet.pitch), page.sheet.headroom - 2.0)
    pen.text(left + 1.0, above, words, 3.4, colour=style.colour, weight="bold")
    if panel.begin > 0:
        for end in (-1, 1):
            pen.line(np.full(2, left), baseline + end * np.array([2.5, 5.0]), ink.PLAIN)


def _draw_marks(pen: ink.Pen, page: Page, marks: Annotations | None) -> None:
    if marks is None:
        return
    last = len(page.sheet.rows) - 1
    foot = page.sheet.baseline(last) - page.sheet.pitch / 2
    window = _samples(page.ecg, page.start, page.start + page.sheet.seconds)
    shown = marks.crop(window.start, window.stop)
    for x, symbol in zip(
        page.x((shown.samples + window.start) / page.ecg.fs), shown.symbols, strict=True
    ):
        pen.line(np.full(2, x), foot + np.array([0.5, 2.5]), ink.PLAIN, name="mark")
        if symbol:
            pen.text(x, foot - 1.0, plain(symbol)[:3], 2.6, align="center")


def _draw_margins(pen: ink.Pen, page: Page, content: Content) -> None:
    """Title and patient above the grid; settings and legend below."""
    left, _, right, top = page.sheet.grid
    ecg, paper, meta = page.ecg, page.sheet.paper, page.ecg.meta
    title = plain(paper.title or meta.get("name") or meta.get("record") or "")
    pen.text(left, top + 3.6, title[: int((right - left) / 3.2)], 3.4, weight="bold")
    pen.text(right, top + 3.6, _patient(meta), 3.0, align="right")
    words = [f"{paper.speed:g} mm/s", f"{paper.gain:g} mm/mV", _filter(meta), f"{ecg.fs:g} Hz"]
    if ecg.duration > page.sheet.seconds or page.start > 0:
        end = min(page.start + page.sheet.seconds, ecg.duration)
        words.append(f"{_clock(page.start)} to {_clock(end)} of {_clock(ecg.duration)}")
    pen.text(left, 3.6, "    ".join(word for word in words if word), 2.6)
    pen.legend(content.styles())


def _patient(meta: Mapping[str, Any]) -> str:
    said = [plain(meta.get(key, "")) for key in ("age", "sex")]
    age, sex = ("" if word.lower() in ("", "none", "nan", "unknown") else word for word in said)
    sex = _SEXES.get(sex.lower(), sex.lower())
    return ", ".join(word for word in (age and f"{age} years", sex) if word)


def _filter(meta: Mapping[str, Any]) -> str:
    band = meta.get("filter", "")
    if isinstance(band, tuple | list) and len(band) == 2:
        band = " to ".join(f"{c:g}" if within(c, 0, math.inf) else plain(c) for c in band) + " Hz"
    return plain(band) or "filter not stated"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
