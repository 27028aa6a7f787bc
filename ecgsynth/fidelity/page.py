"""The page: one HTML file with the table and the pictures inside, no script, no font from elsewhere."""

import base64
import html as markup
import io
from typing import TYPE_CHECKING, Final

from dsp import paper
from ecgsynth.fidelity import pictures
from ecgsynth.fidelity.report import HEAD, FidelityReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES: Final = 2
"""Recordings of either side shown on ECG paper: the first ones, not chosen."""
_STYLE: Final = """
body { font: 15px/1.45 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #1a1a1a }
table { border-collapse: collapse; font-size: 13px } td, th { padding: .2em .7em; text-align: right }
th { border-bottom: 1px solid #1a1a1a } td:first-child, th:first-child, td:last-child { text-align: left }
tr.family td { font-weight: bold; padding-top: 1em } td:last-child { color: #555; max-width: 24em }
img { max-width: 100%; display: block; margin: .5em 0 1.5em }
@media (prefers-color-scheme: dark) { body { background: #fff } }
"""
_EXPLAINED: Final = (
    "Floor: the same measure with real recordings in place of the synthetic ones - for distances, "
    "between two halves of the real recordings that share no patient. At its size: of as many "
    "synthetic recordings as such a half has; compare this number with the floor."
)


def html(report: FidelityReport) -> str:
    """The whole page."""
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        f"<title>Fidelity</title><style>{_STYLE}</style></head><body><h1>Fidelity</h1>",
        f"<p>{markup.escape(report.head)}</p>",
        _table(report),
        f"<p>{_EXPLAINED}</p>",
        *(f"<p>Not judged: {markup.escape(reason)}.</p>" for reason in report.missing),
        "<h2>Distances beside their floors</h2>",
        _picture(pictures.forest(report), "distances over floors"),
        "<h2>Intervals and rhythm</h2>",
        _picture(pictures.quantities(report), "distributions of measurements"),
        "<h2>Beats</h2><p>Median over recordings and the central 80 %; "
        "black real, blue synthetic.</p>",
        _picture(pictures.beats(report), "median beats"),
        "<h2>Spectrum</h2>",
        _picture(pictures.spectra(report), "power spectra"),
        *_examples(report),
        "</body></html>",
    ]
    return "\n".join(parts)


def _table(report: FidelityReport) -> str:
    def row(cells: tuple[str, ...], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{markup.escape(c)}</{tag}>' for c in cells)}</tr>"

    lines, family = [row((*HEAD, ""), "th")], ""
    for finding in report.findings:
        if finding.family != family:
            family = finding.family
            lines.append(f'<tr class="family"><td colspan="{len(HEAD) + 1}">{family}</td></tr>')
        lines.append(row((*finding.cells, finding.note), "td"))
    return f"<table>{''.join(lines)}</table>"


def _examples(report: FidelityReport) -> list[str]:
    out = []
    for title, cohort in (("Real", report.real), ("Synthetic", report.synthetic)):
        out.append(f"<h2>{title} recordings, the first {EXAMPLES}</h2>")
        for k in range(min(EXAMPLES, len(cohort))):
            said = markup.escape(", ".join(cohort.labels[k]) or "no label")
            out.append(f"<p>{said}</p>{paper.html(cohort.ecg(k))}")
    return out


def _picture(figure: "Figure", words: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{words}" src="data:image/png;base64,{data}">'
