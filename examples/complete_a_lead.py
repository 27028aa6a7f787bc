"""A broken lead completed: V4 falls off for three seconds, and the twelve-lead recording stays whole.

python examples/complete_a_lead.py [recording]

Writes complete_a_lead.png: the truth in grey, the mean of 16 samples and their 90 % interval.
Without bundled weights the network is untrained, and what you see is the linear sketch plus noise.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import dsp
import ecgsynth
from ecgsynth.generator import BUNDLED

LOST, START, STOP = "V4", 4.0, 7.0

if len(sys.argv) > 1:
    whole = dsp.read(sys.argv[1]).crop(0, 10).twelve_leads()
else:
    whole = ecgsynth.simulate(1, diagnosis="AMI", noise=20, seed=12).record(0)

row = whole.leads.index(LOST)
broken = whole.signal.copy()
broken[row, round(START * whole.fs) : round(STOP * whole.fs)] = np.nan
broken = dsp.ECG(broken, whole.fs, whole.leads, meta=whole.meta)

trained = BUNDLED.is_dir()
gen = ecgsynth.Generator.from_pretrained() if trained else ecgsynth.Generator.untrained()
found = gen.posterior(broken, samples=16, steps=4 if trained else 2, seed=0)

lost = np.isnan(broken.signal)
assert np.array_equal(found.mean[~lost], broken.signal[~lost])  # what was recorded stays as it was
error = np.sqrt(np.mean((found.mean - whole.signal)[lost] ** 2))
print(f"{LOST}, {STOP - START:g} s lost: error {1000 * error:.0f} µV, root mean square")

figure = Figure(figsize=(9, 2.6), layout="constrained")
axes = figure.add_subplot()
low, high = found.interval(0.9)
inside = (whole.times > START - 1) & (whole.times < STOP + 1)
t = whole.times[inside]
axes.axvspan(START, STOP, color="#f4ede4")
axes.fill_between(t, low[row, inside], high[row, inside], color="#e0a030", alpha=0.4, lw=0)
axes.plot(t, whole.signal[row, inside], color="0.6", lw=1.6, label="recorded")
axes.plot(t, found.mean[row, inside], color="#a03020", lw=0.9, label="completed")
axes.set(xlabel="s", ylabel=f"{LOST}, mV")
axes.legend(frameon=False, loc="upper right", ncols=2)
figure.savefig("complete_a_lead.png", dpi=150)
