"""Picture: who tells of whom, which sets are worth it, and three definitions of a lead's worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dsp import leads
from recon.information.best import best
from recon.information.lead_sets import SIZES
from recon.information.summary import head
from recon.information.worth import DEFINITIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from recon.information.report import LeadInformation

ROWS: Final = (
    "I",
    "II",
    "I II",
    *(f"I II {lead}" for lead in leads.PRECORDIAL),
    "I II V2 V5",
    "I II V1 V3 V5",
)
"""Lead sets of the first heat map; below them, for each lead, the seven others."""
COLOURS: Final = {"marginal": "#4477aa", "conditional": "#cc6677", "shapley": "#999933"}


def draw(info: LeadInformation) -> Figure:
    """All four panels.

    Examples
    --------
    >>> import numpy as np, recon
    >>> x = np.random.default_rng(0).normal(size=(5, 8, 1000))
    >>> len(draw(recon.information(x, predictor="linear", folds=2)).axes)
    4
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.5, 10.5), layout="constrained")
    panels = figure.subplots(2, 2)
    _told(panels[0, 0], info)
    _tellers(panels[0, 1], info)
    _curve(panels[1, 0], info)
    _worth(panels[1, 1], info)
    figure.suptitle(head(info), fontsize=9)
    return figure


def _told(axes: Any, info: LeadInformation) -> None:
    """R² of each lead from common sets."""
    table = np.full((len(ROWS) + 1, 8), np.nan)
    for i, given in enumerate(ROWS):
        for j, lead in enumerate(leads.EIGHT):
            if lead not in given.split():
                table[i, j] = info.mean(lead, given)
    for j, lead in enumerate(leads.EIGHT):
        table[-1, j] = info.mean(lead, [other for other in leads.EIGHT if other != lead])
    _heat(axes, table, (*ROWS, "all others"), digits=2, top=1.0)
    axes.set(xlabel="lead told", ylabel="leads given", title="R² of each lead")


def _tellers(axes: Any, info: LeadInformation) -> None:
    """Shapley values in bits, lead by lead."""
    _heat(axes, info.tells(), leads.EIGHT, digits=2, top=None)
    axes.set(
        xlabel="lead told",
        ylabel="lead that tells",
        title="Who tells of whom: Shapley, bits/sample",
    )


def _heat(axes: Any, table: Any, rows: tuple[str, ...], *, digits: int, top: float | None) -> None:
    """A table in colours and numbers; what is given is left white."""
    top = float(np.nanmax(table)) if top is None else top
    axes.imshow(table, vmin=0, vmax=top, cmap="YlGnBu", aspect="auto")
    for (i, j), value in np.ndenumerate(table):
        if np.isfinite(value):
            ink = "white" if value > 0.6 * top else "black"
            axes.text(j, i, f"{value:.{digits}f}", ha="center", va="center", color=ink, fontsize=8)
        else:
            axes.text(j, i, "·", ha="center", va="center", color="grey")
    axes.set_xticks(range(8), leads.EIGHT)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)


def _curve(axes: Any, info: LeadInformation) -> None:
    """R² of all eight leads by size of the set: every set a dot, the best a line."""
    value = info.subsets("r2", about="all")
    sizes = np.array(SIZES["leads"])
    axes.plot(sizes[1:255] - 0.12, value[1:255], ".", color="0.7", ms=4, label="every lead set")
    for by, mark, shift in (("leads", "o-", -0.12), ("electrodes", "s--", 0.12)):
        found = best(info, by, "r2")
        x = [one.size + shift for one in found]
        y = [one.value.value for one in found]
        ends = np.array(
            [[b.value.value - b.value.low, b.value.high - b.value.value] for b in found]
        )
        colour = "#225588" if by == "leads" else "#aa5522"
        axes.errorbar(
            x, y, np.clip(ends.T, 0, None), fmt=mark, color=colour, ms=5, lw=1.2,
            label=f"best by number of {by}",
        )  # fmt: skip
        for one, at in zip(found, x, strict=True):
            above = by == "leads"
            if one.size <= (4 if above else 5):
                axes.annotate(
                    " ".join(one.given),
                    (at, one.value.value),
                    xytext=(-4, 9) if above else (6, -14),
                    textcoords="offset points",
                    ha="right" if above else "left",
                    fontsize=8,
                    color=colour,
                )
    axes.set(
        xlabel="leads, or electrodes on the patient",
        ylabel="R², mean over all eight leads (given ones count 1)",
        title="How many are enough",
        ylim=(min(0.0, float(value[1:255].min())), 1.03),
    )
    axes.legend(loc="lower right", frameon=False, fontsize=8)


def _worth(axes: Any, info: LeadInformation) -> None:
    """Each definition in shares of its own sum, so that their orders can be compared."""
    for k, definition in enumerate(DEFINITIONS):
        each = info.worth(definition=definition)
        total = sum(share.value for share in each.values())
        y = np.array([share.value for share in each.values()]) / total
        ends = np.array([[s.value - s.low, s.high - s.value] for s in each.values()]).T / total
        axes.bar(
            np.arange(8) + 0.27 * (k - 1), 100 * y, 0.25, yerr=100 * np.clip(ends, 0, None),
            color=COLOURS[definition], error_kw={"lw": 0.8}, label=f"{definition} (sum {total:.2f})",
        )  # fmt: skip
    axes.axhline(12.5, color="0.6", lw=0.8, ls=":")
    axes.set_xticks(range(8), leads.EIGHT)
    axes.set(ylabel="% of the definition's sum", title="What a lead is worth (R² of all eight)")
    axes.set_ylim(top=1.25 * axes.get_ylim()[1])
    axes.legend(loc="upper center", frameon=False, fontsize=8, ncols=3)
