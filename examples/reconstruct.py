"""A wearable's lead I becomes twelve leads, with how sure each is.

    python examples/reconstruct.py [a twelve-lead recording]
"""

import sys

import numpy as np

import dsp
import ecgsynth
import recon

twelve = dsp.read(sys.argv[1]) if len(sys.argv) > 1 else ecgsynth.simulate(1, seed=7).record(0)
twelve = twelve.twelve_leads().crop(0, 10)
model = recon.Reconstructor.from_pretrained()

out = model.predict(twelve.select("I"))
mine = model.calibrate(twelve.crop(0, 5)).predict(twelve.select("I"))

truth = dsp.clean(twelve.signal, twelve.fs)
print("lead  source    r     std mV  r after 5 s of calibration")
for k, lead in enumerate(out.ecg.leads):
    r = [
        np.corrcoef(truth[k], dsp.clean(o.ecg[lead], twelve.fs))[0, 1] for o in (out, mine)
    ]
    print(f"{lead:5} {out.source[lead]:9} {r[0]:5.2f} {out.std[k].mean():7.3f} {r[1]:8.2f}")

out.plot(overlay=twelve).savefig("reconstruct.png", dpi=110)
