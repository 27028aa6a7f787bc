"""What shape of interval holds 90 % of the samples and fails no patient: calibrations of the Gaussian side by side.

Held-out predictions of the Gaussian (grouped 5-fold, as in `tests.benchmarks.reconstruction`); each fold's
intervals are calibrated on the other folds' held-out errors, each record as a patient (the folds keep patients
and data sets together; the other folds' predictors had seen the scored fold, as in cross-conformal prediction). Wanted of 90 % intervals: 88-92 % of the samples
of each lead, and at least 80 % in the worst twentieth of records. Convention: hidden independent leads, mean
over leads, then over records; 0.5-40 Hz, 100 Hz, mV.

    python -m tests.benchmarks.intervals

steadiness: 0 the deviation as stated, 1 one width within a record. difficulty: with the regression of the
record's error on its given leads, learned on 20 lead sets of which none is scored here.
aim: the nominal level asked for, so that either side of 88-92 % has room for a new sample of patients.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from dsp import datasets, leads, metrics
from recon import conformal, difficulty
from recon.population import FS
from tests.benchmarks.baselines import BASELINES
from tests.benchmarks.reconstruction import ROOT, SETS, crossvalidate, load

GAUSSIAN = {"gaussian": BASELINES["gaussian"]}
AIM = 0.905
VARIANTS = [
    (0.0, False, 0.9),
    *itertools.product((0.0, 0.5, 1.0), (False,), (AIM,)),
    *itertools.product((0.0, 0.5, 0.9, 1.0), (True,), (AIM,)),
]
N_SUBSETS = 20


def subsets(seed):
    """Some lead sets, none of them in SETS."""
    rng, found = np.random.default_rng(seed), set()
    while len(found) < N_SUBSETS:
        some = rng.choice(8, rng.integers(1, 7), replace=False)
        found.add(" ".join(leads.EIGHT[i] for i in np.sort(some)))
        found -= set(SETS)
    return sorted(found)


def parts(given, x, mean, variance):
    """Features, error and deviation of the hidden leads."""
    hidden = ~np.isin(leads.EIGHT, given)
    std = np.sqrt(variance[:, hidden], dtype=np.float64)
    return difficulty.features(x[:, ~hidden], std, FS), mean[:, hidden] - x[:, hidden], std


def factors(learning, features, folds):
    """(n,) difficulty of each record, learned from the others' folds: [(features, ratios), ...]."""
    found = np.ones(len(features))
    for fold in np.unique(folds):
        rest = folds != fold
        columns = zip(*[(f[rest], r[rest]) for f, r in learning], strict=True)
        model = difficulty.Difficulty.fit(*map(np.concatenate, columns))
        found[~rest] = model.factor(features[~rest])
    return found


def half_widths(error, std, folds, aim):
    """(n, hidden, time) mV: each fold's from the errors of the others, records as patients."""
    half = np.zeros_like(std)
    for fold in np.unique(folds):
        rest = folds != fold
        scale = conformal.scales(error[rest], std[rest], np.arange(rest.sum()), (aim,))[0]
        half[~rest] = scale[:, None] * std[~rest]
    return half


def row(given, variant, error, half, waves):
    """A line of the table."""
    held = np.abs(error) <= half
    per_record = held.mean(axis=(1, 2))
    lead = held.mean(axis=(0, 2))
    in_qrs = held.swapaxes(0, 1)[:, waves].mean()
    deviation = half / 1.645
    size = np.sqrt((error**2).mean(axis=(1, 2))), np.sqrt((deviation**2).mean(axis=(1, 2)))
    crps = np.mean(metrics.crps(error, np.zeros_like(error), deviation))
    steadiness, learned, aim = variant
    return (
        f"{given:12}{aim:6.3f}{'yes' if learned else 'no':>11}{steadiness:11.2f}{held.mean():9.3f}"
        f"{lead.min():8.3f}{lead.max():7.3f}{metrics.worst(per_record):8.3f}{in_qrs:8.3f}"
        f"{2 * half.mean():9.3f}{crps:8.4f}{metrics.rank(*size):7.2f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seed", type=int, default=0, help="of the folds and the lead sets")
    options = parser.parse_args()
    x, _, covariances, groups = load(options.data)
    folds = datasets.grouped_folds(groups, 5, options.seed)
    learning, scored = [], {}
    for _, given, mean, variance in crossvalidate(
        GAUSSIAN, x, covariances, folds, [*subsets(options.seed), *SETS]
    ):
        features, error, std = parts(given, x, mean, variance)
        if " ".join(given) in SETS:
            scored[" ".join(given)] = features, error, std
        else:
            learning.append((features, difficulty.ratios(error, conformal.steady(std, 1.0))))
    qrs = [metrics.landmarks(record, FS).waves["QRS"] for record in tqdm(x, disable=None)]
    print(__doc__)
    print(
        f"{'given':12}{'aim':>6}{'difficulty':>11}{'steadiness':>11}{'held 90':>9}{'lowest':>8}{'lead':>7}"
        f"{'worst':>8}{'in QRS':>8}{'mV wide':>9}{'CRPS':>8}{'rank':>7}"
    )
    for given, (features, error, std) in scored.items():
        harder = factors(learning, features, folds)[:, None, None]
        for variant in VARIANTS:
            steadiness, learned, aim = variant
            stated = conformal.steady(std, steadiness) * (harder if learned else 1.0)
            half = half_widths(error, stated, folds, aim)
            print(row(given, variant, error, half, np.stack(qrs)))
        print()


if __name__ == "__main__":
    main()
