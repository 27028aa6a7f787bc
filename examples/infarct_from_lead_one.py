"""Where is the infarct? What lead I alone can tell of it, and what twelve leads tell.

python examples/infarct_from_lead_one.py [simulated patients]
"""

import sys

import numpy as np

import dsp
import recon
from recon import tasks

n = int(sys.argv[1]) if len(sys.argv) > 1 else 400
# Half have one of nine infarcts, half are ill otherwise, or well.
patients = tasks.infarcts(n, seed=11)
x12 = dsp.leads.twelve(patients.x)
learn = np.random.default_rng(0).permutation(n) < 0.6 * n
walls = {
    "inferior": ["IMI", "ILMI", "IPMI", "IPLMI"],
    "anterior": ["AMI", "ASMI", "ALMI"],
    "lateral": ["LMI"],
    "posterior": ["PMI"],
}
truth = np.stack([patients.select(codes).labels.max(axis=1) for codes in walls.values()], axis=1)

aligner = recon.Aligner.from_pretrained()
one, alone = x12[:, :1], ["I"]
embeddings = {
    "twelve leads": aligner.embed(x12, 100),
    "lead I, aligned": aligner.embed(one, 100, alone),
    "lead I, its beat": tasks.features(one, 100, alone),
}
print(f"{n} simulated patients; AUROC on {(~learn).sum()} of them, with 95 % intervals\n")
print(f"{'wall':10}{'positive':>9}  " + "".join(f"{name:24}" for name in embeddings))
found = {
    name: tasks.Probe.fit(z[learn], truth[learn]).scores(z[~learn])
    for name, z in embeddings.items()
}
for k, wall in enumerate(walls):
    areas = [dsp.statistics.auroc(truth[~learn, k] > 0, s[:, k]) for s in found.values()]
    cells = "".join(f"{a.value:.2f} ({a.low:.2f} to {a.high:.2f})".ljust(24) for a in areas)
    print(f"{wall:10}{areas[0].n_positive:9}  {cells}")
print("\nA simulated patient is not a patient, and an embedding is not a diagnosis.")
