"""Ink: grid, traces, bands and letters on one sheet, in millimetres, whatever axes lie beneath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsp.paper.sheet import PULSE_MV, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

Curve = NDArray[np.float64]


class Style(NamedTuple):
    """How a line looks: colour, width in mm, dashes in widths, and its name in the legend."""

    colour: str
    width: float
    dashes: tuple[float, ...]
    legend: str


PLAIN: Final = Style("#000000", 0.32, (), "")
SOURCES: Final = {
    "measured": Style("#000000", 0.32, (), "measured"),
    "derived": Style("#00664b", 0.32, (), "derived by algebra"),
    "inferred": Style("#0057b8", 0.34, (5.0, 1.5), "inferred, not recorded"),
}
"""Where a lead comes from; the colours differ for the colour-blind too, the dashes without colour."""
OVERLAY: Final = Style("#8c8c8c", 0.55, (), "overlay")
BAND: Final = Style("#0057b8", 0.0, (), "uncertainty")
_BAND_OPACITY: Final = 0.22
_MINOR: Final = Style("#f7d7d3", 0.10, (), "")
_MAJOR: Final = Style("#e9a9a2", 0.20, (), "")
_TEXT: Final = "#1a1a1a"
_SAMPLE_MM: Final = 7.0  # of a line, in the legend
_BIN_MM: Final = 0.1  # traces are thinned to the extremes of each bin: a pixel at 254 dpi
_FAMILY: Final = "DejaVu Sans"  # comes with Matplotlib: pages look the same everywhere
_POINTS_PER_MM: Final = 72 / 25.4


class Pen:
    """Draws on axes that it has ruled in millimetres of the sheet.

    Axes smaller than the sheet get a smaller picture: lines and letters shrink with the grid.
    """

    def __init__(self, ax: Axes, sheet: Sheet) -> None:
        from matplotlib.patches import Rectangle

        self.ax, self.sheet = ax, sheet
        width, height = sheet.size
        ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        ax.set_axis_off()
        box = ax.get_window_extent()
        pixels_per_mm = ax.figure.dpi / 25.4
        self.pixels = min(box.width / width, box.height / height)  # for a mm of the sheet
        self.points = _POINTS_PER_MM * self.pixels / pixels_per_mm
        left, bottom, right, top = sheet.grid
        self.frame = Rectangle((left, bottom), right - left, top - bottom, fill=False, lw=0)
        ax.add_patch(self.frame)

    def grid(self) -> None:
        """The lines of the paper, every mm, heavier every 5 mm."""
        from matplotlib.collections import LineCollection

        left, bottom, right, top = self.sheet.grid
        across, up = round(right - left), round(top - bottom)
        for style, every in ((_MINOR, 1), (_MAJOR, 5)):
            upright = [[(left + i, bottom), (left + i, top)] for i in range(0, across + 1, every)]
            level = [[(left, bottom + i), (right, bottom + i)] for i in range(0, up + 1, every)]
            lines = LineCollection(
                upright + level,
                colors=style.colour,
                linewidths=style.width * self.points,
                zorder=0,
                capstyle="projecting",
            )
            lines.set_snap(True)
            self.ax.add_collection(lines, autolim=False)

    def line(self, x: Curve, y: Curve, style: Style, *, name: str = "", order: int = 3) -> None:
        """A curve, thinned to what can be seen, cut off at the edge of the grid; NaN interrupts it."""
        keep = visible(x, y)
        line = self._stroke(x[keep], y[keep], style)
        line.set(zorder=order, gid=name or None)
        line.set_clip_path(self.frame)

    def _stroke(self, x: Curve, y: Curve, style: Style) -> Line2D:
        """A line that owes nothing to the user's settings; true to the millimetre, not the pixel."""
        from matplotlib.lines import Line2D

        line = Line2D(
            x,
            y,
            color=style.colour,
            linewidth=style.width * self.points,
            linestyle=(0, style.dashes) if style.dashes else "-",
            marker="",
            antialiased=True,
            solid_joinstyle="round",
            dash_joinstyle="round",
            solid_capstyle="butt",
        )
        line.set_snap(False)
        self.ax.add_artist(line)
        return line

    def band(self, x: Curve, low: Curve, high: Curve, *, name: str = "") -> None:
        """The area between two curves."""
        edges = np.unique(np.concatenate([visible(x, low), visible(x, high)]))
        area = self.ax.fill_between(
            x[edges], low[edges], high[edges],
            color=BAND.colour, alpha=_BAND_OPACITY, linewidth=0, zorder=1, gid=name or None,
        )  # fmt: skip
        area.set_clip_path(self.frame)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        *,
        colour: str = _TEXT,
        align: Literal["left", "center", "right"] = "left",
        weight: str = "normal",
    ) -> Text:
        """Letters of `size` mm, their middle at height `y`, beneath the traces."""
        from matplotlib.patheffects import withStroke

        return self.ax.text(
            x,
            y,
            words,
            color=colour,
            fontsize=size * self.points,
            family=_FAMILY,
            weight=weight,
            ha=align,
            va="center",
            parse_math=False,
            zorder=1.5,
            path_effects=[withStroke(linewidth=0.6 * self.points, foreground="white")],
        )

    def pulse(self, row: int) -> None:
        """The calibration pulse before a row."""
        end, width = self.sheet.zero - 2.5, self.sheet.pulse
        x = np.array(
            [end - 5.0 - width, end - 2.5 - width, end - 2.5 - width, end - 2.5, end - 2.5, end]
        )
        height = PULSE_MV * self.sheet.paper.gain
        y = self.sheet.baseline(row) + np.array([0, 0, height, height, 0, 0], np.float64)
        self.line(x, y, PLAIN, name=f"pulse-{row}")

    def legend(self, styles: list[Style]) -> None:
        """Samples of the line styles, right under the grid."""
        right, y = self.sheet.grid[2], 3.6
        for style in reversed(styles):
            words = self.text(right, y, style.legend, 2.6, align="right", colour=style.colour)
            end = right - words.get_window_extent().width / self.pixels - 1.5
            sample = self._stroke(np.array([end - _SAMPLE_MM, end]), np.full(2, y), style)
            if style is BAND:
                sample.set(linewidth=2.0 * self.points, alpha=_BAND_OPACITY)
            right = end - _SAMPLE_MM - 4.0


def visible(x: Curve, y: Curve) -> NDArray[np.intp]:
    """Indices of the samples worth drawing: the extremes within each 0.1 mm, and the edges of gaps.

    Parameters
    ----------
    x, y : (n,) mm, x evenly spaced; NaN in y are gaps.

    Returns
    -------
    Ascending indices; all of them where there are few samples.

    Examples
    --------
    >>> x = np.linspace(0, 1, 1000)
    >>> kept = visible(x, np.sin(40 * x))
    >>> len(kept) < 50, 0 in kept, 999 in kept
    (True, True, True)
    """
    n = len(y)
    bins = int(abs(x[-1] - x[0]) / _BIN_MM) + 1 if n else 1
    width = -(-n // bins)
    if width <= 4:
        return np.arange(n)
    # The last sample fills up the last bin: it is kept anyway.
    index = np.minimum(np.arange(-(-n // width) * width), n - 1).reshape(-1, width)
    values = y[index]
    gap = np.isnan(values)
    picks = [
        np.argmin(np.where(gap, np.inf, values), axis=1),
        np.argmax(np.where(gap, -np.inf, values), axis=1),
        np.argmax(gap, axis=1),
        width - 1 - np.argmax(gap[:, ::-1], axis=1),
    ]
    rows = np.arange(len(index))
    return np.unique(np.concatenate([[0, n - 1], *(index[rows, pick] for pick in picks)]))
