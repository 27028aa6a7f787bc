"""Pictures: how far from the floor, how intervals spread, what spectrum and beats look like."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp import leads
from ecgsynth.fidelity.encoding import QUANTITIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ecgsynth.fidelity.report import FidelityReport

REAL: Final = "#1a1a1a"
MADE: Final = "#0057b8"
_FLOOR: Final = "#d9d9d9"
_FARTHEST: Final = 1000.0
_MORE: Final = ("density", "coverage")
_INDEPENDENT: Final = [leads.TWELVE.index(lead) for lead in leads.EIGHT]


def forest(report: "FidelityReport", ax: "Axes | None" = None) -> "Figure":
    """Each distance at the floor's size over the mean floor; grey, the range of the floor itself."""
    rows = [f for f in report.findings if np.isfinite(f.at_floor) and f.floor > 0]
    if ax is None:
        figure, ax = _blank(7.5, 0.9 + 0.26 * max(len(rows), 1))
    else:
        figure = ax.figure.figure
    for place, f in enumerate(rows):
        low = max(f.floor_low, 0.02 * f.floor)
        ax.plot(np.array([low, f.floor_high]) / f.floor, [place] * 2, color=_FLOOR, lw=7,
                solid_capstyle="butt")  # fmt: skip
        ax.plot(np.clip(f.at_floor / f.floor, 0.02, _FARTHEST), place, "o", color=MADE, ms=5)
    ax.axvline(1, color=REAL, lw=0.8)
    ax.set_xscale("log")
    names = [f"{f.name} (more is better)" if f.name in _MORE else f.name for f in rows]
    ax.set_yticks(range(len(rows)), names, fontsize=8)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel("times the distance between two halves of the real recordings")
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def quantities(report: "FidelityReport") -> "Figure":
    """Distributions of what was measured, real and synthetic."""
    real, made = report.measured_real.quantities, report.measured_synthetic.quantities
    figure, axes = _grid(3, 3, 8.5, 6.0)
    for ax, (name, (title, unit, scale)) in zip(axes.flat, QUANTITIES.items(), strict=True):
        pair = [scale * v[name][np.isfinite(v[name])] for v in (real, made)]
        ax.set_title(f"{title}, {unit}", fontsize=9)
        ax.set_yticks([])
        if min(map(len, pair)) < 2:
            continue
        low, high = np.quantile(np.concatenate(pair), [0.01, 0.99])
        edges = np.linspace(low, max(high, low + 1e-6), 21)
        for values, colour, label in zip(pair, (REAL, MADE), ("real", "synthetic"), strict=True):
            weights = np.full(len(values), 1 / len(values))
            ax.hist(values, edges, weights=weights, histtype="step", color=colour, label=label)
    axes.flat[0].legend(fontsize=8, frameon=False)
    return figure


def spectra(report: "FidelityReport") -> "Figure":
    """Mean power spectrum over the eight leads, each recording's scaled to one."""
    figure, axes = _grid(1, 1, 7.5, 3.2)
    ax = axes.flat[0]
    for cohort, colour, label in (
        (report.real, REAL, "real"),
        (report.synthetic, MADE, "synthetic"),
    ):
        x = cohort.signal[:, _INDEPENDENT]
        x = x - x.mean(axis=-1, keepdims=True)
        power = (np.abs(np.fft.rfft(x * np.hanning(x.shape[-1]))) ** 2).sum(axis=1)
        power /= np.maximum(power.sum(axis=-1, keepdims=True), 1e-30)
        f = np.fft.rfftfreq(x.shape[-1], 1 / cohort.fs)
        keep = (f > 0.2) & (f < min(100.0, cohort.fs / 2))
        ax.loglog(f[keep], power.mean(axis=0)[keep], color=colour, lw=1, label=label)
    ax.set_xlabel("Hz")
    ax.set_ylabel("share of power")
    ax.legend(frameon=False)
    return figure


def beats(report: "FidelityReport") -> "Figure":
    """Median beats: middle and the central 80 % of recordings, lead by lead."""
    figure, axes = _grid(2, 4, 8.5, 4.2)
    n_leads = len(leads.EIGHT)
    for beats_, colour in (
        (report.measured_real.beats, REAL),
        (report.measured_synthetic.beats, MADE),
    ):
        good = beats_[np.isfinite(beats_).all(axis=1)]
        if not len(good):
            continue
        low, middle, high = np.quantile(good, [0.1, 0.5, 0.9], axis=0).reshape(3, n_leads, -1)
        t = np.linspace(-0.24, 0.44, middle.shape[-1])
        for k, ax in enumerate(axes.flat):
            ax.fill_between(t, low[k], high[k], color=colour, alpha=0.15, lw=0)
            ax.plot(t, middle[k], color=colour, lw=1.2)
    for lead, ax in zip(leads.EIGHT, axes.flat, strict=True):
        ax.set_title(lead, fontsize=9)
    axes[0, 0].set_ylabel("mV")
    axes[1, 0].set_xlabel("s from R")
    return figure


def _blank(width: float, height: float) -> "tuple[Figure, Axes]":
    figure, axes = _grid(1, 1, width, height)
    return figure, axes.flat[0]


def _grid(rows: int, columns: int, width: float, height: float) -> "tuple[Figure, NDArray[Any]]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes: NDArray[Any] = np.asarray(figure.subplots(rows, columns, squeeze=False))
    for ax in axes.flat:
        ax.tick_params(labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes
