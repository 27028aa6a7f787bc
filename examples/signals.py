"""Beats, waves and words of a recording, or of a simulated patient, as two pictures.

    python examples/signals.py [a recording]
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import dsp
import ecgsynth

WAVES = {"p": "#2a78b5", "qrs": "#c8442f", "t": "#3d9a57"}
TURNS = ("#2a78b5", "#d98324")  # colours of one word and the next

ecg = dsp.read(sys.argv[1]) if len(sys.argv) > 1 else ecgsynth.simulate(1, seed=7).record(0)
ecg = ecg.crop(0, min(ecg.duration, 10))
peaks, sure = dsp.r_peaks(ecg.signal, ecg.fs, confidence=True)

waves = dsp.delineate(ecg.signal, ecg.fs, peaks)
shown = [lead for lead in ("II", "V2", "V5") if lead in ecg.leads] or ecg.leads[:3]
figure = Figure(figsize=(9.5, 1.8 * len(shown) + 0.9), layout="constrained")
axes = figure.subplots(len(shown), sharex=True, squeeze=False)[:, 0]
for axis, lead in zip(axes, shown, strict=True):
    x = ecg[lead] - np.nanmedian(ecg[lead])
    axis.plot(ecg.times, x, color="black", lw=0.9)
    for (name, colour), marks in zip(WAVES.items(), waves.positions[ecg.leads.index(lead)].swapaxes(0, 1), strict=True):
        for onset, peak, offset in marks[np.isfinite(marks).all(axis=1)] / ecg.fs:
            axis.axvspan(onset, offset, color=colour, alpha=0.2, lw=0, label=name)
            axis.plot(peak, np.interp(peak, ecg.times, x), ".", color=colour, ms=6)
    axis.set(xlim=(0, min(6, ecg.duration)), ylabel=f"{lead}, mV")
    axis.spines[["top", "right"]].set_visible(False)
for at, trust in zip(peaks / ecg.fs, sure, strict=True):
    if at < axes[0].get_xlim()[1]:
        axes[0].text(at, 1.03, f"{trust:.2f}", transform=axes[0].get_xaxis_transform(), ha="center", fontsize=9)
axes[0].set_title("above: confidence of each beat; shaded: P, QRS, T of each lead, from onset to offset", fontsize=10, pad=18)
axes[-1].set_xlabel("s")
figure.savefig("beats.png", dpi=90)

lead = shown[0]
figure = Figure(figsize=(9.5, 5.0), layout="constrained")
grid = figure.add_gridspec(2, 2)
for row, mode in enumerate(("lossless", "heartlang")):
    tok = dsp.QRSTokenizer(fs=100, mode=mode, leads=[lead])
    words = tok.encode(ecg[lead], ecg.fs, peaks)
    whole, back = ecg.select(lead).resample(tok.fs), tok.decode(words)[0]
    line, stack = (figure.add_subplot(grid[row, k]) for k in (0, 1))
    line.plot(whole.times, whole.signal[0], color="0.8", lw=3)
    for k in np.flatnonzero(words.present):
        part = slice(words.start[k], words.start[k] + words.before[k] + words.after[k])
        colour = TURNS[k % 2] if words.beat[k] else "0.4"
        line.plot(whole.times[part], back[part], color=colour, lw=1)
        stack.plot(words.samples[k], color=colour, lw=0.8)
    line.set(title=f"{mode}: lead {lead} in grey, its words in colour", xlabel="s", ylabel="mV")
    stack.set(title=f"the words: {tok.points} values, R peak in {tok.points // 2}")
figure.savefig("tokens.png", dpi=90)
