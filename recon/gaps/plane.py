"""The plane: signal gap against latent gap, every path a point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from dsp.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from recon.gaps.report import GapReport

COLOURS: Final[Mapping[str, str]] = {
    "A": "#000000",
    "B": "#0072b2",
    "B'": "#3a9bd9",
    "C": "#009e73",
    "D": "#8a8a8a",
    "E": "#c98500",
    "F": "#cc5fa5",
    "G": "#d55e00",
    "own": "#6a3d9a",
}
"""By kind; told apart by colour-blind eyes, and never the only sign: points are numbered."""
TICKS: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 5.0)


class Point(NamedTuple):
    """A path in the plane: the beat in its latent, its latent, and the beat of its own signal."""

    number: int
    path: str
    kind: str
    decoded: Interval
    latent: Interval
    own: Interval | None


def squash(gap: float) -> float:
    """Place of a gap on an axis from 0 to 1: no gap at 0, the mean patient in the middle.

    Examples
    --------
    >>> squash(0.0), squash(1.0), squash(3.0)
    (0.0, 0.5, 0.75)
    """
    return gap / (1 + gap) if gap > 0 else 0.0


def points(report: GapReport, leads: tuple[str, ...], space: str = "teacher") -> Iterator[Point]:
    """The paths that have both gaps, numbered in the order of the table."""
    number = 0
    for path, kind in report.paths.items():
        decoded = report.gap(path, leads, "decoded beat")
        latent = report.gap(path, leads, "judge" if space == "judge" else "teacher")
        if decoded and latent:
            number += 1
            yield Point(number, path, kind, decoded, latent, report.gap(path, leads, "beat"))


def plot(report: GapReport, leads: tuple[str, ...]) -> Figure:
    """Draw it; points are numbered as in the legend, lines are 95 % intervals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    ax = figure.add_subplot()
    for point in points(report, leads):
        x, y = squash(point.decoded.value), squash(point.latent.value)
        colour = COLOURS[point.kind]
        ax.plot([squash(point.decoded.low), squash(point.decoded.high)], [y, y], color=colour, lw=1)
        ax.plot([x, x], [squash(point.latent.low), squash(point.latent.high)], color=colour, lw=1)
        if point.own:
            own = squash(point.own.value)
            ax.plot([own, x], [y, y], ":", color=colour, lw=1)
            ax.plot(own, y, "o", mfc="white", mec=colour, ms=5)
        label = f"{point.number}  {point.kind}  {point.path}"
        ax.plot(x, y, "o", color=colour, ms=11, label=label)
        ax.annotate(
            str(point.number), (x, y), color="white", ha="center", va="center", fontsize=7, zorder=9
        )
    places = [squash(tick) for tick in TICKS]
    names = [f"{tick:g}" for tick in TICKS]
    ax.set_xticks(places, names)
    ax.set_yticks(places, names)
    ax.axhline(0.5, color="#bbbbbb", lw=0.8, zorder=0)
    ax.axvline(0.5, color="#bbbbbb", lw=0.8, zorder=0)
    ax.set_xlim(-0.02, 0.9)
    ax.set_ylim(-0.03, 0.9)
    ax.set_xlabel("signal gap: unexplained share of the hidden leads' median beat")
    ax.set_ylabel("latent gap: unexplained share")
    ax.set_title(f"From {', '.join(leads)}", loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    return figure
