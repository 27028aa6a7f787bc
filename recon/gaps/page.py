"""The page: a report as one HTML file that holds everything and fetches nothing."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from recon.gaps import drawing, plane
from recon.gaps.drawing import chip, interval, number, text
from recon.gaps.paths import KINDS
from recon.gaps.style import CSS

if TYPE_CHECKING:
    from recon.gaps.report import Example, GapReport, Level

Leads = tuple[str, ...]

COLUMNS: Final[tuple[tuple[str, Level, str, int], ...]] = (
    ("r, 10 s", "signal", "r", 2),
    ("RMSE mV", "signal", "RMSE", 3),
    ("ST J+60 mV", "beat", "ST J+60", 3),
    ("axis deg", "beat", "axis", 0),
    ("beat gap", "beat", "unexplained", 2),
    ("decoded beat gap", "decoded beat", "unexplained", 2),
    ("latent gap, teacher", "teacher", "unexplained", 2),
    ("latent gap, judge", "judge", "unexplained", 2),
    ("R@1", "teacher", "R@1", 2),
)
"""The main table: head, level, metric, decimal places."""

MEANING: Final = (
    "A gap is the squared error as a share of what differs between records: 0 is perfect, 1 is no better "
    "than answering with the mean patient, more than 1 is worse than that.",
    "The signal gap of all paths is that of the median beat which one fixed linear decoder reads from "
    "the path's latent, so that paths without a signal have one too. An open circle is the gap of the path's own signal.",
    "The latent gap is in the space of the teacher. The judge is another encoder, which no path was "
    "trained for: a path that is good only in the teacher's space has learned the teacher, not the heart.",
    "Recovery is how far a diagnosis can be read as with twelve leads: 0 is what a random encoder of the given "
    "leads allows, 1 what twelve leads allow. Transfer uses the probe of the twelve-lead latents unchanged; refit trains a new one.",
    "Intervals are 95 %, by drawing patients; all paths share the draws, so their differences are paired.",
)
NOT_MEANING: Final = (
    "A small latent gap does not make an inferred lead a measured one: it says that an encoder would answer alike.",
    "The irreducible part is an upper bound, the best of the paths compared here; a better path may lower it.",
    "Fréchet distance grows with dimension and falls with the number of records: read it beside its floor, "
    "and never against another study.",
    "What holds for these records, this teacher and these lead sets need not hold for others; models that "
    "were trained on some of these patients flatter themselves, see the cards.",
)


def html(report: GapReport) -> str:
    """The whole page."""
    body = "".join(part for section in SECTIONS for part in section(report))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Gap report</title><style>{CSS}</style></head><body><main>{body}</main></body></html>\n"
    )


def _head(report: GapReport) -> Iterator[str]:
    data = report.cards["records"]
    sets = "; ".join(", ".join(leads) for leads in report.lead_sets)
    yield (
        "<h1>From a few leads to twelve: the gaps</h1>"
        f"<p>{len(report.paths)} paths on {data['records']} records of {data['patients']} patients, from "
        f"{text(sets)}. How far is each path from the truth as a signal, how far as a latent, and why?</p>"
    )
    if report.warnings:
        items = "".join(f"<li>{text(warning)}</li>" for warning in report.warnings)
        yield f'<div class="warn"><b>Mind this</b><ul>{items}</ul></div>'


def _planes(report: GapReport) -> Iterator[str]:
    yield "<h2>Signal gap and latent gap</h2><p class=note>Towards the lower left is better; the grey lines are the mean patient. Bars are 95 % intervals.</p>"
    for leads in report.lead_sets:
        yield f"<h3>From {text(', '.join(leads))}</h3>"
        yield drawing.plane(list(plane.points(report, leads)))


def _tables(report: GapReport) -> Iterator[str]:
    yield "<h2>The table</h2>"
    heads = "".join(f"<th>{head}</th>" for head, *_ in COLUMNS)
    for leads in report.lead_sets:
        yield f"<h3>From {text(', '.join(leads))}</h3>"
        yield f'<div class="scroll"><table><thead><tr><th>path</th>{heads}<th>recovery</th><th>n</th></tr></thead><tbody>'
        for path, kind in report.paths.items():
            cells = []
            counted = []
            for _, level, metric, places in COLUMNS:
                row = report.find(path, leads, level, metric)
                cells.append(f"<td>{interval(row.interval if row else None, places)}</td>")
                counted += [row.interval.n_records] if row else []
            macro = report.macro(path, leads)
            cells.append(f"<td>{interval(macro.ratio if macro else None)}</td>")
            cells.append(f"<td>{min(counted, default=0)}</td>")
            yield f"<tr><td>{chip(kind, path)}</td>{''.join(cells)}</tr>"
        yield "</tbody></table></div>"


def _forests(report: GapReport) -> Iterator[str]:
    yield "<h2>Forest plots</h2>"
    shown: tuple[tuple[str, Level], ...] = (
        ("Latent gap in the teacher's space", "teacher"),
        ("Latent gap in the judge's space", "judge"),
        ("Signal gap of the decoded median beat", "decoded beat"),
    )
    for leads in report.lead_sets:
        yield f"<h3>From {text(', '.join(leads))}</h3>"
        for title, level in shown:
            rows = (
                (kind, path, report.gap(path, leads, level)) for path, kind in report.paths.items()
            )
            yield f"<h4>{title} (0 best, 1 the mean patient)</h4>{drawing.forest(rows, gaps=True)}"
        for probe in ("transfer", "refit"):
            found = {path: report.macro(path, leads, "teacher", probe) for path in report.paths}
            if any(found.values()):
                rows = (
                    (report.paths[path], path, part.ratio if part else None)
                    for path, part in found.items()
                )
                yield f"<h4>Recovery ratio, {probe} (0 random encoder, 1 twelve leads)</h4>"
                yield drawing.forest(rows, gaps=False)


def _strips(report: GapReport) -> Iterator[str]:
    yield (
        "<h2>Retrieval</h2><p class=note>One line a record: the place of its true latent among all when "
        "sought by the path's latent, first at the left, last at the right, logarithmic.</p>"
    )
    for leads in report.lead_sets:
        yield f"<h3>From {text(', '.join(leads))}</h3>"
        for path, kind in report.paths.items():
            if (path, leads) in report.ranks:
                yield drawing.strip(kind, path, report.ranks[path, leads])


def _splits(report: GapReport) -> Iterator[str]:
    if report.splits:
        yield (
            "<h2>Why reconstruction loses latent</h2><p>Encoding one mean signal is not the mean of the "
            "encodings. The part called smoothing goes away when samples are encoded one by one and averaged.</p>"
        )
        yield from (drawing.bar(split) for split in report.splits)


def _diagnoses(report: GapReport) -> Iterator[str]:
    """Latent information: recovery by lead set, for each statement, of every path."""
    parts = [p for p in report.recoveries if (p.space, p.probe) == ("teacher", "transfer")]
    if not parts:
        return
    yield (
        "<h2>What a lead set tells of each diagnosis</h2><p class=note>Recovery ratio by transfer of the "
        "teacher's probe; in brackets the AUROC. A ratio is wild where twelve leads are hardly better than the random encoder.</p>"
    )
    labels = list(dict.fromkeys(part.label for part in parts))
    cells = {(p.path, p.leads, p.label): p for p in parts}
    counts = {p.label: p.n_positive for p in parts}
    heads = "".join(
        f"<th>{text(label)}<small>{counts[label]} positive</small></th>" for label in labels
    )
    for path, kind in report.paths.items():
        yield f'<h4>{chip(kind, path)}</h4><div class="scroll"><table><thead><tr><th>leads</th>{heads}</tr></thead><tbody>'
        for leads in report.lead_sets:
            row = [cells.get((path, leads, label)) for label in labels]
            tds = "".join(
                f"<td>{interval(p.ratio)}<small>({number(p.auroc.value)})</small></td>"
                if p
                else "<td>–</td>"
                for p in row
            )
            yield f"<tr><td>{text(', '.join(leads))}</td>{tds}</tr>"
        yield "</tbody></table></div>"


def _examples(report: GapReport) -> Iterator[str]:
    if report.examples:
        yield "<h2>Worst and best record</h2>"
    for example in report.examples:
        yield f"<figure><figcaption>{text(example.title)}; the recording in grey</figcaption>"
        yield f'<div class="scroll"><img alt="{text(example.title)}" src="data:image/png;base64,{_png(example)}"></div></figure>'


def _all_numbers(report: GapReport) -> Iterator[str]:
    yield "<h2>Every number</h2>"
    for leads in report.lead_sets:
        yield f"<details><summary>From {text(', '.join(leads))}</summary><div class=scroll><table><thead><tr><th>path</th>"
        yield "<th>level</th><th>metric</th><th>value</th><th>best</th><th>floor</th><th>chance</th><th>n</th></tr></thead><tbody>"
        for row in report.rows:
            if row.leads == leads:
                unit = f" {row.unit}" if row.unit else ""
                yield (
                    f"<tr><td>{chip(row.kind, row.path)}</td><td>{row.level}</td><td>{text(row.metric)}{unit}</td>"
                    f"<td>{interval(row.interval, 3)}</td><td>{number(row.best, 0)}</td>"
                    f"<td>{number(row.floor, 3)}</td><td>{number(row.chance, 3)}</td><td>{row.interval.n_records}</td></tr>"
                )
        yield "</tbody></table></div></details>"
    if report.failures:
        items = "".join(
            f"<li>{text(f.path)}, {text(' '.join(f.leads))}, {text(f.record)}: {text(f.reason)}</li>"
            for f in report.failures[:200]
        )
        yield f"<details><summary>{len(report.failures)} failures (the first 200 are listed)</summary><ul>{items}</ul></details>"


def _cards(report: GapReport) -> Iterator[str]:
    kinds = "".join(f"<li>{chip(kind, words)}</li>" for kind, words in KINDS.items())
    yield f'<h2>Cards</h2><ul class="plain" style="list-style:none;padding:0">{kinds}</ul><div class="cards">'
    for title, facts in report.cards.items():
        items = "".join(
            f"<dt>{text(name)}</dt><dd>{_fact(fact)}</dd>" for name, fact in facts.items()
        )
        yield f'<div class="card"><h3>{text(title)}</h3><dl>{items}</dl></div>'
    yield "</div>"


def _words(report: GapReport) -> Iterator[str]:  # noqa: ARG001 - a section like the others
    for title, sentences in (("What it means", MEANING), ("What it does not mean", NOT_MEANING)):
        items = "".join(f"<li>{sentence}</li>" for sentence in sentences)
        yield f'<h2>{title}</h2><ul class="plain">{items}</ul>'


def _fact(fact: Any) -> str:
    if isinstance(fact, Mapping):
        return ", ".join(f"{text(name)}: {text(value)}" for name, value in fact.items()) or "none"
    return text(f"{fact:.3g}" if isinstance(fact, float) else fact) or "–"


def _png(example: Example) -> str:
    """The page of ECG paper, in base64."""
    figure = example.estimate.plot(overlay=example.truth)
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=4 * 25.4)
    return base64.b64encode(held.getvalue()).decode()


SECTIONS: Final[tuple[Callable[[GapReport], Iterator[str]], ...]] = (
    _head,
    _planes,
    _words,
    _tables,
    _forests,
    _strips,
    _splits,
    _diagnoses,
    _examples,
    _all_numbers,
    _cards,
)
"""From the answer to the small print."""
