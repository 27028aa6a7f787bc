"""How far lead I reaches the latent of twelve leads: alignment beside everything it must beat.

Simulated: 5000 patients with nine infarct types (half of them; the others a clinical mixture without
infarcts), probes learn from 60 % of the patients and are scored on the rest; the encoders learned from
another series of simulated patients. Real: the shared recordings, each scored once, by encoders and
probes that did not see its third of the patients (data sets where patients are unknown); the seed
changes with the third. No real label is used to train an encoder. Rows with * are mapped to the
teacher's space by ridge regression on training records before retrieval. Every reduced-lead input
is normalised by its own leads. Intervals: 95 %, by patient; DeLong for the infarcts, all seeds
together (the same patients) and PTB-XL, where it is below the folder; bootstrap elsewhere.

    python -m tests.benchmarks.alignment            # about 30 minutes on two cores
    python -m tests.benchmarks.alignment --quick    # does it run
    python -m tests.benchmarks.alignment --device cuda --preset base --steps 6000 4000 --size 256
"""

import argparse
import dataclasses
import itertools
import time
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

import dsp
from dsp import datasets, distances, leads, statistics
from recon import population, tasks
from recon.align import RECIPES, align, embedded, teach, unlabelled
from recon.encoders import Encoder, ResidualEncoder
from recon.tasks import fine_tuning
from tests.benchmarks import fills, probes

ROOT = Path(__file__).resolve().parents[2]
GIVEN = ("I",)
STUDENTS = ("selfmis", "hybrid", "any-subset")
ABLATIONS = ("infonce", "cosine", "mse", "far", "clef")
REFERENCE = ("zero-filled", "random", "lead-dropout")
MAPPED = ("random", "lead-dropout", "DSP features")
SEEDS = 3  # and thirds of the real patients
GALLERY = 500
SHOTS = (20, 60, 200, 600, 2000)
PATIENTS = {"train": 4000, "test": 5000, "covariances": 300}
QUICK = {"train": 256, "test": 240, "covariances": 40}


@dataclasses.dataclass
class World:
    """What one seed's paths are made of."""

    seed: int
    options: argparse.Namespace
    cohort: tasks.Cohort

    def __post_init__(self):
        steps, run = self.options.steps, {"size": self.options.size, "device": self.options.device}
        run["seed"] = self.seed
        self.teacher = teach(self.cohort, self.options.preset, steps[0], **run)
        self.dropout = teach(self.cohort, self.options.preset, steps[0], leads=None, **run)
        names = STUDENTS + (ABLATIONS if self.options.ablations else ())
        self.students = {
            name: align(self.teacher, self.cohort, RECIPES[name], steps[1], **run).student
            for name in names
        }
        with torch.random.fork_rng():
            torch.manual_seed(1000 + self.seed)
            self.random = ResidualEncoder.preset(self.options.preset)
        size = QUICK if self.options.quick else PATIENTS
        chosen = self.cohort[np.linspace(0, len(self.cohort) - 1, size["covariances"]).astype(int)]
        self.gaussian = fills.gaussian(chosen.x)

    def paths(self, cohort):
        """Path to (n, dim): the ceiling, then what lead I gives."""

        def filled(fill):
            return dataclasses.replace(cohort, x=np.ascontiguousarray(fill(cohort.x, GIVEN)))

        found = {
            "twelve leads": embedded(self.teacher, cohort, ()),
            "random": embedded(self.random, cohort, GIVEN),
            "zero-filled": embedded(self.teacher, filled(fills.zeros), ()),
            "Gaussian, encode": embedded(self.teacher, filled(self.gaussian), ()),
            "DSP features": tasks.features(cohort.x[:, :1], tasks.cohort.FS, GIVEN),
            "lead-dropout": embedded(self.dropout, cohort, GIVEN),
        }
        found |= {name: embedded(student, cohort, GIVEN) for name, student in self.students.items()}
        return {name: np.asarray(z, np.float64) for name, z in found.items()}


def windows(root, wanted):
    """First windows with labels, as `tasks.real`; and all windows with their record, if these are
    fewer than `wanted` with some that overlap by half."""
    first = tasks.real(root)
    found, late = [], []
    for entry in tqdm(datasets.twelve_lead(root), desc="windows", disable=None):
        ecg = entry.ecg
        parts = list(population.windows(ecg))
        if not parts:
            continue
        record = found[-1][0] + 1 if found else 0
        found += [(record, part) for part in parts]
        if ecg.duration >= 15:
            late += [(record, part) for part in population.windows(ecg.crop(5, ecg.duration))]
    found += late[: max(0, wanted - len(found))]
    records, x = zip(*found, strict=True)
    return first, np.array(records), np.stack(x)


def real_cohort(first, records, x):
    """All windows as a cohort, each with its record's patient."""
    return tasks.Cohort(
        x,
        first.labels[records],
        first.names,
        first.knobs[records],
        tuple(first.groups[k] for k in records),
    )


def ridge(train, target, z):
    """Embeddings `z` mapped to the space of `target` as `train` teaches, half shrunk at unit variance."""
    mean, size = train.mean(0), train.std(0) + 1e-9
    a, b = (train - mean) / size, (z - mean) / size
    inner = a.T @ a + 0.3 * len(a) * np.eye(a.shape[1])
    return b @ np.linalg.solve(inner, a.T @ (target - target.mean(0))) + target.mean(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--preset", default="tiny", choices=["tiny", "base", "large"])
    parser.add_argument("--device", default=None)
    parser.add_argument("--steps", type=int, nargs=2, default=None, help="teacher, student")
    parser.add_argument("--size", type=int, default=64, help="records a batch")
    parser.add_argument("--ablations", action="store_true", help="one row a loss as well")
    parser.add_argument("--fine-tune", type=int, default=0, help="steps; 0 leaves it out")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    options.steps = options.steps or ((4, 3) if options.quick else (800, 500))
    options.size = 16 if options.quick else options.size
    began = time.monotonic()
    print(__doc__.split("\n\n")[1])
    size = QUICK if options.quick else PATIENTS
    test = tasks.infarcts(size["test"], seed=99)
    gallery = 60 if options.quick else GALLERY
    first, records, x = windows(options.data, gallery)
    real = real_cohort(first, records, x)
    thirds = datasets.grouped_folds(first.groups, SEEDS, 0)
    results = [
        one_seed(seed, options, size, test, first, real, records, thirds) for seed in range(SEEDS)
    ]
    beaten = infarct_tables(test, results)
    retrieval_table(results, len(records), gallery)
    real_table(first, results, thirds)
    ptbxl_tables(options.data, results, first.groups)
    few_table(test, results)
    if options.fine_tune:
        fine_tuned(test, results, options)
    speed(options)
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes")
    return 0 if beaten else 1


def one_seed(seed, options, size, test, first, real, records, thirds):
    """Train everything, and score it: a dict of arrays."""
    learned = np.flatnonzero(thirds[records] != seed)
    patients = tasks.simulated(size["train"], seed=seed)
    world = World(seed, options, patients + unlabelled(real[learned], patients.names))
    half = halves(test)
    z = world.paths(test)
    scores = {
        name: tasks.Probe.fit(v[half], test.labels[half]).scores(v[~half]) for name, v in z.items()
    }
    near = {name: tasks.neighbours(v[half], test.labels[half], v[~half]) for name, v in z.items()}
    inside, outside = thirds != seed, np.flatnonzero(thirds == seed)
    zr = world.paths(first)
    of_real = {
        name: tasks.Probe.fit(v[inside], first.labels[inside]).scores(v[outside])
        for name, v in zr.items()
    }
    return {
        "seed": seed,
        "world": world,
        "z": z,
        "scores": scores,
        "near": near,
        "real": (outside, of_real),
        "ranks": ranks(world, real, learned, records, outside),
    }


def halves(test):
    """60 % of the patients, to learn probes from."""
    return np.random.default_rng(5).permutation(len(test)) < 0.6 * len(test)


def ranks(world, real, learned, records, outside):
    """Rank of each held-out record's first window among the gallery, by path."""
    z = world.paths(real)
    truth = z.pop("twelve leads")
    queries = [int(np.flatnonzero(records == k)[0]) for k in outside]
    found = {}
    for name, own in z.items():
        mapped = ridge(own[learned], truth[learned], own) if name in MAPPED else own
        mean = truth[learned].mean(0)
        found[name] = distances.ranks(truth, mapped, mean=mean)[queries]
    return found


def stacked(results, key, name, columns):
    """(patients, classes x seeds)."""
    return np.concatenate([r[key][name][:, columns] for r in results], axis=1)


def infarct_tables(test, results):
    """Lead I to infarct territory; whether alignment beats zero-fill and the random encoder."""
    rest = ~halves(test)
    nine = slice(0, len(tasks.INFARCTS))
    y = test.labels[rest][:, nine] > 0
    tiled = np.tile(y, (1, len(results)))
    names = list(results[0]["scores"])
    macro = {name: stacked(results, "scores", name, nine) for name in names}
    few = int(y.sum(0).min())
    print(f"\nNine infarcts, simulated, lead I: {len(y)} patients, at least {few} of each type;")
    print("macro AUROC of the probe (mean of seeds, interval by patient; each seed)")
    columns = [f"minus {name}" for name in REFERENCE]
    print(f"{'path':18}{'macro':24}{'seeds':>20}" + "".join(f"{c:>26}" for c in columns), end="")
    print(f"{'recovery':>26}{'k-NN':>8}")
    beaten = True
    for name in names:
        label = [f"{c}{s}" for s in range(len(results)) for c in tasks.INFARCTS]
        whole = statistics.per_class(tiled, macro[name], label).macro(fewest=1)
        each = [area(y, r["scores"][name][:, nine]) for r in results]
        line = f"{name:18}{interval(whole):24}{' '.join(f'{v:.3f}' for v in each):>20}"
        for other in REFERENCE:
            if other == name:
                line += f"{'':>26}"
                continue
            gap = statistics.paired_area(tiled, macro[name], macro[other], fewest=1)
            line += f"{interval(gap):>26}"
            if name in STUDENTS and other in REFERENCE[:2]:
                beaten &= gap.low > 0
        share = statistics.recovery(
            tiled, macro[name], macro["random"], macro["twelve leads"], fewest=1
        )
        near = np.mean([area(y, r["near"][name][:, nine]) for r in results])
        print(f"{line}{interval(share):>26}{near:8.3f}")
    said = "beats" if beaten else "DOES NOT BEAT"
    print(f"Every alignment {said} zero-fill and random with an interval that excludes zero.")
    print("\nby type, all seeds' mean score")
    for name in ("twelve leads", *STUDENTS, "lead-dropout", "random"):
        mean = np.mean([r["scores"][name][:, nine] for r in results], axis=0)
        print(f"-- {name}\n{statistics.per_class(y, mean, tasks.INFARCTS).table}")
    return beaten


def area(y, scores):
    return float(
        np.mean([statistics.auroc(y[:, k], scores[:, k]).value for k in range(y.shape[1])])
    )


def interval(found):
    return f"{found.value:.3f} ({found.low:.3f}, {found.high:.3f})"


def retrieval_table(results, n, asked):
    """The own twelve-lead latent among all windows of the gallery."""
    print(f"\nRetrieval, real: gallery of {n} windows (asked: {asked}), every record queried once")
    print(f"{'path':18}{'R@1':24}{'R@10':24}{'MRR':24}")
    for name in results[0]["ranks"]:
        rank = np.concatenate([r["ranks"][name] for r in results])
        cells = [
            statistics.bootstrap(value, np.arange(len(rank)))
            for value in ((rank <= 1).astype(float), (rank <= 10).astype(float), 1 / rank)
        ]
        star = "*" if name in MAPPED else ""
        print(f"{name + star:18}" + "".join(f"{interval(cell):24}" for cell in cells))
    print(f"{'chance':18}{1 / n:<24.3f}{10 / n:<24.3f}{np.mean(1 / np.arange(1, n + 1)):<24.3f}")


def real_table(first, results, thirds):
    """Labels of real recordings: mean AUROC over statements with ten positives or more, lead I."""
    enough = np.flatnonzero(np.nansum(first.labels, axis=0) >= statistics.FEWEST_POSITIVES)
    y = np.where(np.isnan(first.labels[:, enough]), 2, first.labels[:, enough])
    # Where patients are unknown, each recording is taken for a patient of its own.
    known = [group if "/" in group else f"{group}/{k}" for k, group in enumerate(first.groups)]

    def macro(columns):
        width = len(enough)
        truth, parts = columns[:, :width], np.split(columns[:, width:], [width], axis=1)
        return means(truth, parts[0]) - (means(truth, parts[1]) if parts[1].size else 0)

    pooled = {}
    for name in results[0]["real"][1]:
        pooled[name] = np.zeros_like(y)
        for outside, scores in (r["real"] for r in results):
            pooled[name][outside] = scores[name][:, enough]
    counts = " ".join(f"{first.names[k]} {int(np.nansum(first.labels[:, k]))}" for k in enough)
    print(f"\nReal labels, lead I, {len(y)} records; positives: {counts}")
    print(f"{'path':18}{'macro AUROC':24}{'minus zero-filled':26}{'minus lead-dropout':26}")
    for name, scores in pooled.items():
        cells = [statistics.bootstrap(np.hstack([y, scores]), known, macro, n=200)]
        cells += [
            statistics.bootstrap(np.hstack([y, scores, pooled[other]]), known, macro, n=200)
            for other in ("zero-filled", "lead-dropout")
        ]
        print(f"{name:18}" + "".join(f"{interval(cell):26}" for cell in cells))


def ptbxl_tables(folder, results, seen):
    """PTB-XL, lead I, by its official folds; patients that an encoder may have seen are left out."""
    try:
        found = tasks.ptbxl(folder)
    except dsp.ReadError as error:
        print(f"\nWithout PTB-XL's labels: {error}")
        return
    met = np.isin(found["infarcts"].groups, seen)
    z = [r["world"].paths(found["infarcts"]) for r in results]
    asked = {
        "nine infarcts": found["infarcts"].select(tasks.INFARCTS),
        "any infarct": found["infarcts"].select(["MI"]),
        "superclass": found["superclass"],
        "rhythm": found["rhythm"],
    }
    for name, whole in asked.items():
        labels = np.where(met[:, None], np.nan, whole.labels)
        task = dataclasses.replace(whole, labels=labels).scorable()
        if not task.names:
            print(f"\nPTB-XL {name}: too few patients of fold 10 to score")
            continue
        [(_, test)] = task.parts()
        positives = np.nansum(task.labels[test], axis=0).astype(int)
        counts = " ".join(f"{n} {k}" for n, k in zip(task.names, positives, strict=True))
        print(f"\nPTB-XL {name}, lead I, folds 1-8 to learn from; positives of fold 10: {counts}")
        print(f"{'path':18}{'macro AUROC':24}{'minus zero-filled':26}{'minus lead-dropout':26}")
        scores = {path: np.stack([probes.probed(task, one[path]) for one in z]) for path in z[0]}
        for path, own in scores.items():
            cells = [probes.interval(task, own)]
            cells += [
                probes.interval(task, own, scores[other])
                for other in ("zero-filled", "lead-dropout")
            ]
            print(f"{path:18}" + "".join(f"{interval(cell):26}" for cell in cells))


def means(truth, scores):
    """Mean AUROC over labels, of the records where each is known."""
    found = []
    for y, s in zip(truth.T, scores.T, strict=True):
        known = y < 2
        positive = y[known] == 1
        if positive.any() and not positive.all():
            order = s[known].argsort().argsort() + 1.0
            n = positive.sum()
            found.append((order[positive].sum() - n * (n + 1) / 2) / (n * (~positive).sum()))
    return np.mean(found)


def few_table(test, results):
    """Any infarct, lead I, from few labelled patients: AUROC, mean of seeds."""
    half = halves(test)
    shots = [n for n in SHOTS if n <= half.sum()]
    print(f"\nAny infarct from few labelled patients: {' '.join(map(str, shots))}")
    truth = test.labels[:, -1]
    for name in results[0]["z"]:
        curves = []
        for r in results:
            z = r["z"][name]
            given = tasks.few_shot(z[half], truth[half], z[~half], shots, seed=r["seed"])
            curves.append([statistics.auroc(truth[~half] > 0, s[:, 0]).value for s in given])
        print(f"{name:18}" + " ".join(f"{v:.3f}" for v in np.mean(curves, axis=0)))


def fine_tuned(test, results, options):
    """Encoder and reader learned together on the labelled patients, lead I, the first seed."""
    half = halves(test)
    world = results[0]["world"]
    starts = {"random": world.random, "lead-dropout": world.dropout, **world.students}
    y = test.labels[~half] > 0
    print(f"\nFine-tuned {options.fine_tune} steps on lead I: macro AUROC of the nine, any infarct")
    for name, encoder in starts.items():
        model = tasks.fine_tune(
            encoder, test[half], GIVEN, steps=options.fine_tune, device=options.device
        )
        scores = fine_tuning.scores(model, test[~half], GIVEN)
        any_of = statistics.auroc(y[:, -1], scores[:, -1])
        print(f"{name:18}{area(y[:, :-1], scores[:, :-1]):.3f} {interval(any_of)}")


def speed(options):
    """Records a second, resampling and cleaning included."""
    encode = Encoder(ResidualEncoder.preset(options.preset))
    x = tasks.simulated(32, seed=7).x
    x = dsp.resample(leads.twelve(x), 100, 500)
    print(
        f"\nEmbedding, batch 32, 10 s at 500 Hz, {options.preset}, {torch.get_num_threads()} threads"
    )
    for name, given in (("twelve leads", leads.TWELVE), ("lead I", ("I",))):
        rows = x[:, : len(given)]
        times = []
        for _ in itertools.repeat(None, 3 if options.quick else 15):
            start = time.perf_counter()
            encode(rows, 500, given)
            times.append(time.perf_counter() - start)
        print(f"{name:18}{32 / np.median(times):8.0f} records/s (best {32 / min(times):.0f})")


if __name__ == "__main__":
    raise SystemExit(main())
