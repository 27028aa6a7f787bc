"""A recording's digital twin: the same patient at another rate, and with an infarct.

python examples/digital_twin.py [a twelve-lead recording]
"""

import sys

import dsp
import ecgsynth

if len(sys.argv) > 1:
    ecg = dsp.read(sys.argv[1]).twelve_leads()
else:
    ecg = ecgsynth.simulate(1, noise=20, seed=96).record(0)
ecg = ecg.crop(0, min(ecg.duration, 10))

twin = ecgsynth.fit(dsp.ECG(dsp.clean(ecg.signal, ecg.fs), ecg.fs, ecg.leads))
print(f"{twin.n_beats} beats, r {twin.correlation:.4f}, one dipole {twin.dipolar:.0%}")

as_it_was = twin.simulate()
fast = twin.simulate(heart_rate=110)
ill = twin.simulate(diagnosis="IMI", severity=0.8, stage="acute")
fast.plot(paper=dsp.Paper(title="The twin at 110 bpm")).savefig("twin_fast.png", dpi=80)
title = "The twin with an acute inferior infarct; in grey, without"
ill.plot(overlay=as_it_was, paper=dsp.Paper(title=title)).savefig("twin_ill.png", dpi=80)
