"""Drawing: the charts of the page as plain HTML and inline SVG, without a script."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dsp.statistics import Interval
from recon.gaps.decomposition import Split
from recon.gaps.plane import COLOURS, TICKS, Point, squash

_SIZE = 300  # the plane's side in the units of its picture


def text(words: object) -> str:
    """Words that may hold anything, safe within HTML.

    Examples
    --------
    >>> text("<b>")
    '&lt;b&gt;'
    """
    return html.escape(str(words))


def number(value: float | None, places: int = 2) -> str:
    """A number, or a dash.

    Examples
    --------
    >>> number(0.123), number(float("nan"))
    ('0.12', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{places}f}" if abs(value) < 1000 else f"{value:.3g}"


def interval(found: Interval | None, places: int = 2) -> str:
    """A value, its 95 % interval beneath.

    Examples
    --------
    >>> interval(None)
    '–'
    """
    if found is None or not math.isfinite(found.value):
        return "–"
    ends = f"{number(found.low, places)} to {number(found.high, places)}"
    return f"{number(found.value, places)}<small>{ends}</small>"


def chip(kind: str, words: str) -> str:
    """A path's kind in its colour, then its name."""
    return f'<span class="chip" style="background:{COLOURS[kind]}">{text(kind)}</span>{text(words)}'


def forest(rows: Iterable[tuple[str, str, Interval | None]], *, gaps: bool) -> str:
    """One line a path: its interval on a common axis, the value beside it.

    Parameters
    ----------
    rows : kind, path and interval; those without one are left out.
    gaps : the axis is that of gaps (0 best, no end); otherwise of shares from -0.5 to 1.5.
    """

    def place(value: float) -> float:
        return 100 * (squash(value) if gaps else min(max((value + 0.5) / 2, 0.0), 1.0))

    ticks = TICKS if gaps else (-0.5, 0.0, 0.5, 1.0, 1.5)
    lines = []
    for kind, path, found in rows:
        if found is None or not math.isfinite(found.value):
            continue
        ends = [found.low, found.high] if math.isfinite(found.low) else [found.value] * 2
        low, middle, high = (place(value) for value in (ends[0], found.value, ends[1]))
        colour = COLOURS[kind]
        lines.append(
            f'<div class="row"><span class="name">{chip(kind, path)}</span><span class="axis">'
            + "".join(f'<i class="tick" style="left:{place(tick):.2f}%"></i>' for tick in ticks)
            + f'<i class="range" style="left:{low:.2f}%;width:{max(high - low, 0.3):.2f}%;background:{colour}"></i>'
            f'<i class="dot" style="left:{middle:.2f}%;background:{colour}"></i></span>'
            f'<span class="value">{interval(found)}</span></div>'
        )
    marks = "".join(f'<b style="left:{place(tick):.2f}%">{tick:g}</b>' for tick in ticks)
    foot = f'<div class="row foot"><span class="name"></span><span class="axis">{marks}</span><span class="value"></span></div>'
    return f'<div class="forest">{"".join(lines)}{foot}</div>'


def plane(points: Sequence[Point]) -> str:
    """The signal gap x latent gap plane, and its legend."""
    drawn = [_axes(), *(_point(point) for point in points)]
    legend = "".join(
        f"<li><b>{point.number}</b> {chip(point.kind, point.path)}</li>" for point in points
    )
    return (
        f'<div class="plane"><svg viewBox="-44 -8 {_SIZE + 56} {_SIZE + 52}" role="img" '
        f'aria-label="signal gap against latent gap">{"".join(drawn)}</svg><ol>{legend}</ol></div>'
    )


def _x(gap: float) -> float:
    return _SIZE * min(squash(gap) / 0.9, 1.0)


def _y(gap: float) -> float:
    return _SIZE - _x(gap)


def _axes() -> str:
    parts = []
    for tick in TICKS:
        x, y = _x(tick), _y(tick)
        style = "#999" if tick == 1.0 else "#e4e4e4"
        parts.append(
            f'<path d="M{x:.1f} 0V{_SIZE}M0 {y:.1f}H{_SIZE}" stroke="{style}" fill="none"/>'
            f'<text x="{x:.1f}" y="{_SIZE + 14}" text-anchor="middle">{tick:g}</text>'
            f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    middle = _SIZE / 2
    parts.append(
        f'<text x="{middle}" y="{_SIZE + 34}" text-anchor="middle">signal gap (decoded median beat)</text>'
        f'<text transform="translate(-32 {middle}) rotate(-90)" text-anchor="middle">latent gap (teacher)</text>'
    )
    return "".join(parts)


def _point(point: Point) -> str:
    x, y, colour = _x(point.decoded.value), _y(point.latent.value), COLOURS[point.kind]
    lines = (
        f"M{_x(point.decoded.low):.1f} {y:.1f}H{_x(point.decoded.high):.1f}"
        f"M{x:.1f} {_y(point.latent.low):.1f}V{_y(point.latent.high):.1f}"
        if math.isfinite(point.latent.low + point.decoded.low)
        else ""
    )
    own = ""
    if point.own and math.isfinite(point.own.value):
        at = _x(point.own.value)
        own = (
            f'<path d="M{at:.1f} {y:.1f}H{x:.1f}" stroke="{colour}" stroke-dasharray="2 3" fill="none"/>'
            f'<circle cx="{at:.1f}" cy="{y:.1f}" r="3.5" fill="#fff" stroke="{colour}"/>'
        )
    return (
        f'{own}<path d="{lines}" stroke="{colour}" stroke-width="1.3" fill="none"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="{colour}"><title>{text(point.path)}</title></circle>'
        f'<text x="{x:.1f}" y="{y + 3.5:.1f}" text-anchor="middle" class="on">{point.number}</text>'
    )


def strip(kind: str, path: str, ranks: NDArray[np.float64]) -> str:
    """Where each record's true latent stands among all, first to last on a logarithmic axis."""
    known = ranks[np.isfinite(ranks)]
    if not len(known):
        return ""
    last = max(float(len(known)), 2.0)
    places = 100 * np.log(np.maximum(known, 1.0)) / math.log(last)
    marks = "".join(f"M{place:.1f} 0V10" for place in np.minimum(places, 100).tolist())
    first = float((known < 1.5).mean())
    return (
        f'<div class="row"><span class="name">{chip(kind, path)}</span>'
        '<svg class="strip" viewBox="-1 0 102 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="{marks}" stroke="{COLOURS[kind]}" stroke-opacity=".35" '
        'vector-effect="non-scaling-stroke" stroke-width="2"/></svg>'
        f'<span class="value">{number(first)}<small>first; median {np.median(known):.0f}</small></span></div>'
    )


def bar(split: Split) -> str:
    """The three parts of a reconstruction's gap, side by side."""
    parts = (
        ("irreducible", split.irreducible, "#4c4c4c", "no path here does better"),
        ("smoothing", split.smoothing, "#0072b2", "encoding one mean instead of averaging latents"),
        ("remainder", split.remainder, "#e69f00", "samples that are not as real ECGs are"),
    )
    total = sum(max(part.value, 0.0) for _, part, _, _ in parts) or 1.0
    shares = "".join(
        f'<i style="width:{100 * max(part.value, 0) / total:.2f}%;background:{colour}" title="{name}"></i>'
        for name, part, colour, _ in parts
    )
    words = "".join(
        f'<li><i style="background:{colour}"></i><b>{name}</b> {interval(part)}<em>{note}</em></li>'
        for name, part, colour, note in parts
    )
    return (
        f"<h4>{text(split.reconstruction)} from {text(', '.join(split.leads))}: latent gap {number(split.total.value)}</h4>"
        f'<div class="bar">{shares}</div><ul class="parts">{words}</ul>'
        f"<p class=note>Smoothing is measured with {text(split.posterior)}; the irreducible part is that of {text(split.best)}.</p>"
    )
