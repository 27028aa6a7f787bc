"""A way of your own from a few leads to twelve, compared with the rest: five lines, between the rules.

python examples/own_path.py [how many simulated patients]
"""

import sys

import numpy as np

import ecgsynth
import recon
from dsp import leads
from recon.gaps import RandomEncoder, closed_form

n = int(sys.argv[1]) if len(sys.argv) > 1 else 24
some = ecgsynth.simulate(n, diagnosis=[["IMI", "AMI", "NORM"][k % 3] for k in range(n)], fs=100)


# ---------------------------------------------------------------------------------------------
def mirror(ecg):
    """The given lead in every other one, its sign that of the lead's place on the chest."""
    sign = np.array([1.0, 1.0, -1.0, -1.0, -0.5, 0.5, 1.0, 1.0])
    return leads.twelve(sign[:, None] * ecg.signal[0])


# ---------------------------------------------------------------------------------------------

report = recon.gaps(
    [some.record(k) for k in range(n)],
    leads=["I"],
    paths={"mirror": mirror, "FIR": closed_form()["FIR"]},
    teacher=RandomEncoder(),  # any encoder will do: (n, 12, time) mV, fs -> (n, dim)
    progress=False,
)
print(report.table)
report.to_html("own_path.html")
