"""A rare class made less rare: a classifier with five real examples of it, and with generated ones beside.

python examples/augment_rare_class.py [weights]

The "real" recordings are simulated with noise here, so that the script runs anywhere; put your own
signals and labels in `real`. Without weights an untrained network is used: simulator plus noise.
"""

import sys

import numpy as np
from scipy.special import expit

import dsp
import ecgsynth
from dsp import leads
from ecgsynth.generator import BUNDLED

RARE, COMMON, FS = "IRBBB", "NORM", 100
ROWS = [leads.TWELVE.index(lead) for lead in leads.EIGHT]


def real(n_rare, n_common, seed):
    """Signals (n, 12, time) and labels: 1 for the rare class."""
    codes = [RARE] * n_rare + [COMMON] * n_common
    sim = ecgsynth.simulate(len(codes), diagnosis=codes, fs=FS, noise=3.0, seed=seed)
    return sim.signal, np.array([code == RARE for code in codes], float)


def features(x):
    """(n, 8 * 40): each record's mean beat, from 0.1 s before the R peak to 0.3 s after."""
    rows = []
    for record, found in zip(x, dsp.r_peaks(x, FS), strict=True):
        peaks = found[(found >= 10) & (found < x.shape[-1] - 30)]
        clean = dsp.clean(record[ROWS], FS)
        rows.append(np.mean([clean[:, p - 10 : p + 30].ravel() for p in peaks], axis=0))
    return np.stack(rows)


def fit(x, y, decay=1.0, rounds=300):
    """Logistic regression in eight lines, classes weighted alike."""
    w = np.zeros(x.shape[1] + 1)
    x = np.c_[x, np.ones(len(x))]
    balance = np.where(y == 1, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    for _ in range(rounds):
        w -= 0.5 * (x.T @ (balance * (expit(x @ w) - y)) + decay / len(y) * np.r_[w[:-1], 0])
    return lambda z: np.c_[z, np.ones(len(z))] @ w


x, y = real(5, 60, seed=1)
test_x, test_y = real(40, 40, seed=2)
given = sys.argv[1] if len(sys.argv) > 1 else BUNDLED if BUNDLED.is_dir() else None
gen = ecgsynth.Generator.from_pretrained(given) if given else ecgsynth.Generator.untrained()
new = gen.generate(40, diagnosis=RARE, steps=10 if given else 2, seed=3)

sets = {"real alone": (x, y), "with generated": (np.r_[x, new.signal], np.r_[y, np.ones(40)])}
for name, (signals, labels) in sets.items():
    score = fit(features(signals), labels)(features(test_x))
    print(f"{name:15} {int(labels.sum()):3} of {RARE}:", dsp.statistics.auroc(test_y == 1, score))
