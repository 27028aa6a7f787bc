"""A wearable's lead I becomes twelve leads, with how far to trust each; again after five seconds of calibration.

python examples/reconstruct.py [a twelve-lead recording [leads, such as I,II,V2]]
"""

import sys

import dsp
import ecgsynth
import recon

twelve = dsp.read(sys.argv[1]) if len(sys.argv) > 1 else ecgsynth.simulate(1, seed=7).record(0)
given = sys.argv[2].split(",") if len(sys.argv) > 2 else ["I"]
twelve = twelve.twelve_leads().crop(0, 10)
model = recon.Reconstructor.from_pretrained()

out = model.predict(twelve.select(*given))
mine = model.calibrate(twelve.crop(0, 5)).predict(twelve.select(*given))

truth = dsp.clean(twelve.signal, twelve.fs)
before, after = (
    dsp.metrics.r(truth, dsp.clean(result.ecg.signal, twelve.fs)) for result in (out, mine)
)
trust = out.trust
print(
    f"familiarity {out.familiarity:.2f}: {'an ECG like those it knows' if out.familiar else 'strange'}"
)
print("lead  source    trust  of T   r     std mV  r after 5 s of calibration")
for k, lead in enumerate(out.ecg.leads):
    std = out.std[k].mean()
    sure = f"{trust[lead]['all']:5.2f} {trust[lead]['T']:5.2f}"
    print(f"{lead:5} {out.source[lead]:9} {sure} {before[k]:5.2f} {std:7.3f} {after[k]:8.2f}")

out.plot(overlay=twelve).savefig("reconstruct.png", dpi=80)
