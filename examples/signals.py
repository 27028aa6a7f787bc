"""Beats and waves, and words, of a recording or of a simulated patient, as two pictures.

python examples/signals.py [a recording]
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import dsp
import ecgsynth

WAVES = {"P": "#2a78b5", "QRS": "#c8442f", "T": "#3d9a57"}
TURNS = ("#2a78b5", "#d98324")  # one word and the next

ecg = dsp.read(sys.argv[1]) if len(sys.argv) > 1 else ecgsynth.simulate(1, seed=7).record(0)
ecg = ecg.crop(0, min(ecg.duration, 10))
peaks, sure = dsp.r_peaks(ecg.signal, ecg.fs, confidence=True)

waves = dsp.delineate(ecg.signal, ecg.fs, peaks)
shown = [lead for lead in ("II", "V2", "V5") if lead in ecg.leads] or ecg.leads[:3]
figure = Figure(figsize=(9.5, 1.8 * len(shown) + 0.6), layout="constrained")
axes = figure.subplots(len(shown), sharex=True, squeeze=False)[:, 0]
for axis, lead in zip(axes, shown, strict=True):
    x, row = ecg[lead] - np.nanmedian(ecg[lead]), ecg.leads.index(lead)
    axis.plot(ecg.times, x, color="black", lw=0.9)
    for kind, colour in enumerate(WAVES.values()):
        marks = waves.positions[row, :, kind] / ecg.fs
        for onset, peak, offset in marks[np.isfinite(marks).all(axis=1)]:
            axis.axvspan(onset, offset, color=colour, alpha=0.2, lw=0)
            axis.plot(peak, np.interp(peak, ecg.times, x), ".", color=colour, ms=6)
    axis.set(xlim=(0, min(6, ecg.duration)), ylabel=f"{lead}, mV")
    axis.spines[["top", "right"]].set_visible(False)
for at, trust in zip(peaks / ecg.fs, sure, strict=True):
    axes[0].annotate(
        f"{trust:.2f}", (at, 1.03), xycoords=("data", "axes fraction"), ha="center", fontsize=9
    ).set_visible(at < min(6, ecg.duration))
axes[-1].set_xlabel("s")
figure.savefig("beats.png", dpi=90)

lead = shown[-1]
figure = Figure(figsize=(9.5, 4.2), layout="constrained")
panels = figure.subplots(2, 2, width_ratios=(2, 1), sharey=True)
for (line, stack), mode in zip(panels, ("lossless", "heartlang"), strict=True):
    tok = dsp.QRSTokenizer(fs=100, mode=mode, leads=[lead])
    words = tok.encode(ecg[lead], ecg.fs, peaks)
    whole, back = ecg.select(lead).resample(tok.fs), tok.decode(words)[0]
    line.plot(whole.times, whole.signal[0], color="0.75", lw=1)
    for k in np.flatnonzero(words.present):
        part = slice(words.start[k], words.start[k] + words.before[k] + words.after[k])
        colour = TURNS[k % 2] if words.beat[k] else "0.3"
        line.plot(whole.times[part], back[part], color=colour, lw=1.2)
        stack.plot(words.samples[k], color=colour, lw=0.8)
    line.set(title=f"{mode}: lead {lead}, what its words hold in colour", ylabel="mV", xlabel="s")
    stack.set(title=f"its words: {tok.points} values, R at {tok.points // 2}", xlabel="column")
figure.savefig("tokens.png", dpi=90)
