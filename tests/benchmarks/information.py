"""How much leads tell of each other on real recordings: the ladder of predictors, and the seed paper's claims.

Convention of every figure: patients held out (grouped 5-fold, by patient, and by data set where patients
are unknown); the first ten usable seconds of each record; 0.5-40 Hz, 100 Hz, mV; noise floor 10 uV.
R2: share of power explained, each record brought to the same power first, mean over hidden independent
leads. Bits: mean over records and leads. Intervals: 95 %, bootstrap over patients.

The network is that of a cross-validation (`einthoven train reconstructor`), which has the same folds.

    python -m tests.benchmarks.information [--run runs/base]
"""

import argparse
import time
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

import recon
from dsp import datasets, leads
from recon import population, weights
from recon.information.predictors import trained
from recon.information.summary import SETS

ROOT = Path(__file__).resolve().parents[2]
LADDER = ("linear", "gaussian", "fir")
CLAIMED_EASY, CLAIMED_HARD = {"V1", "V6"}, "V3"


def load(root):
    """First windows (n, 8, 1000), groups and labels of all twelve-lead recordings."""
    windows, groups, labels = [], [], []
    for entry in tqdm(datasets.twelve_lead(root), desc="recordings", disable=None):
        window = next(population.windows(entry.ecg), None)
        if window is not None:
            windows.append(window)
            groups.append(entry.group)
            labels.append(entry.labels)
    return np.stack(windows), groups, labels


def network_of(run):
    """A family: the networks of a training's folds, each asked about the fold that it never saw."""
    folds = iter(sorted(run.glob("fold*")))

    def network(_train, test):
        return trained(weights.load(next(folds)), test)

    return network


def ladder(found):
    """What each family of models can read from the same leads."""
    for measure in ("r2", "bits", "rate"):
        print(f"\n{measure} of hidden leads\n{'given':16}" + "".join(f"{n:>28}" for n in found))
        for given in SETS:
            cells = [info.score(given=given, measure=measure) for info in found.values()]
            print(
                f"{given:16}"
                + "".join(f"{c.value:11.3f} [{c.low:6.3f}, {c.high:6.3f}]" for c in cells)
            )


def claims(info):
    """From the limb leads, are V1 and V6 the easiest of the chest leads, and is V3 the hardest?"""
    print(f"\nchest leads from I and II, easiest first ({info.predictor})")
    for measure, sign in (("rmse", -1), ("r2", 1), ("bits", 1), ("rate", 1)):
        value = {lead: sign * info.mean(lead, "I II", measure) for lead in leads.PRECORDIAL}
        order = sorted(value, key=value.__getitem__, reverse=True)
        easy, hard = set(order[:2]) == CLAIMED_EASY, order[-1] == CLAIMED_HARD
        second = order[-2] if hard else order[-1]
        behind = info.difference((CLAIMED_HARD, "I II"), (second, "I II"), measure)
        print(
            f"  {measure:5} {' > '.join(order)}: V1 and V6 easiest {'yes' if easy else 'NO'}, "
            f"V3 hardest {'yes' if hard else 'NO'}; V3 - {second}: {behind.value:.3f} "
            f"[{behind.low:.3f}, {behind.high:.3f}]"
        )
    alone = {
        lead: info.mean(lead, [other for other in leads.EIGHT if other != lead])
        for lead in leads.EIGHT
    }
    order = sorted(alone, key=alone.__getitem__)
    told = ", ".join(f"{lead} {1 - alone[lead]:.3f}" for lead in order)
    print(f"  share that the seven others do not tell: {told}")


def rank(x):
    """How many directions hold a record, and how many hold all records."""
    own = x @ x.swapaxes(1, 2)
    each = np.linalg.eigvalsh(own)[:, ::-1]
    shares = (each.cumsum(axis=1) / each.sum(axis=1, keepdims=True)).mean(axis=0)
    common = np.linalg.eigvalsh(own.sum(axis=0))[::-1]
    print("\npower in 1, 2, 3, 4 components, %")
    print("  of each record     ", (100 * shares[:4]).round(1).tolist())
    print("  one basis for all  ", (100 * (common.cumsum() / common.sum())[:4]).round(1).tolist())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument(
        "--run", type=Path, help="folder of a reconstructor's folds, for the network"
    )
    parser.add_argument("--out", type=Path, help="folder for a picture and a JSON file a predictor")
    options = parser.parse_args()
    x, groups, labels = load(options.data)
    found = {}
    for name in (*LADDER, *([network_of(options.run)] if options.run else [])):
        start = time.process_time()
        info = recon.information(x, groups, labels, predictor=name)
        found[info.predictor] = info
        print(f"{info}: {time.process_time() - start:.0f} s of one core, all 255 lead sets")
    print(__doc__.split("\n\n")[1])
    for info in found.values():
        print(f"\n{'=' * 40}\n{info.table}")
        if options.out is not None:
            info.plot().savefig(options.out / f"information_{info.predictor}.png", dpi=90)
            info.to_json(options.out / f"information_{info.predictor}.json")
    ladder(found)
    for info in found.values():
        claims(info)
    rank(x.astype(float))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
