"""The study: how large the gaps of reconstruction, generation and alignment are, and which way to take.

Two worlds, one command each. `simulated`: 5000 patients, half with one of nine infarcts, the rest a clinical
mixture; networks have learned from other simulated patients. `real`: the shared recordings, the folds those of
the reconstructor's cross-validation; every network that has seen a real recording is trained anew for each
fold, without that fold's patients (data sets where patients are unknown). No real label is used for training.

Teacher and judge are encoders of simulated patients: the same kind of network, other patients, other seeds; no
path is trained for the judge. B: Gaussian and FIR of the other folds, network. B': samples of the Gaussian, of
the generator. C: SigLIP, any subset; hybrid: with cosines, sizes and a signal loss (`RECIPES["any-subset"]`);
E: lead dropout; these three go on from the teacher, for as many steps each, in three seeds.

Gaps are shares of the truth's variance (0 best, 1 the mean patient), mapped: after a ridge map from the path's
latents to the true ones, fitted on other folds, so that only what a latent knows counts; recovery is (AUROC -
random encoder) / (twelve leads - random encoder), mean over statements, read by a probe of the path's own
latents. Intervals: 95 %, by patient; for seeds the mean of their values and of their intervals.

    python -m tests.benchmarks.gap_study simulated --run runs/gaps --network runs/base --out simulated
    python -m tests.benchmarks.gap_study real --run runs/gaps --network runs/base --out real
    python -m tests.benchmarks.gap_study tables --out real        # once more, of what is there
    python -m tests.benchmarks.gap_study real --device cuda --preset base --steps 6000 4000 400 ...
"""

import argparse
import dataclasses
import functools
import json
import time
from pathlib import Path

import numpy as np

import ecgsynth
import recon
from dsp import ECG, datasets, leads
from ecgsynth import pretrained
from recon import generation, population, schooling, tasks, weights
from recon.align import RECIPES, Recipe, align, teach
from recon.encoders import Encoder
from recon.gaps import Path as Way
from recon.gaps import closed_form, embedding, generated
from recon.network import Network
from recon.predictor import Predictor

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 3
SETS = ("I", "I,II", "I,II,V2")
LEARNERS = {"alignment": "C", "hybrid": "C", "lead dropout": "E"}
ALIGNED = {"alignment": Recipe({"siglip": 1.0}), "hybrid": RECIPES["any-subset"]}
SERIES = {"patients": 101, "judge": 303, "test": 99}
"""Of simulated patients; no two the same."""
MAPPED = {
    "teacher, mapped": ("teacher", "R2 after ridge"),
    "judge, mapped": ("judge", "R2 after ridge"),
}
COLUMNS = {
    "beat": ("beat", "unexplained"),
    "decoded beat": ("decoded beat", "unexplained"),
    "teacher": ("teacher", "unexplained"),
    "judge": ("judge", "unexplained"),
    **MAPPED,
    "R@1": ("teacher", "R@1"),
}


class School:
    """What is trained before anybody is compared: kept in the run folder, gone on with after a kill."""

    def __init__(self, options):
        self.options = options
        self.patients = tasks.simulated(options.patients, seed=SERIES["patients"])
        others = tasks.simulated(options.patients, seed=SERIES["judge"])
        first, self.student_steps, self.fold_steps = options.steps
        run = {"size": options.size, "device": options.device}
        home = options.run
        self.teacher = teach(
            self.patients, options.preset, first, out=home / f"teacher-{first}", **run
        )
        self.judge = teach(
            others, options.preset, first, seed=777, out=home / f"judge-{first}", **run
        )
        self.first = {
            (name, seed): self.learn(name, seed, self.patients, self.student_steps, None, home)
            for name in LEARNERS
            for seed in range(SEEDS)
        }

    def learn(self, name, seed, cohort, steps, start, home):
        """One student, or the encoder with leads left out, from `start` or from the teacher."""
        run = {"size": self.options.size, "device": self.options.device, "seed": seed}
        run["out"] = home / f"{name.replace(' ', '-')}-{seed}-{steps}"
        if name in ALIGNED:
            return align(self.teacher, cohort, ALIGNED[name], steps, start=start, **run).student
        return teach(
            cohort, self.options.preset, steps, leads=None, start=start or self.teacher, **run
        )

    def ways(self):
        """The nine as they are after simulated patients."""
        return {
            f"{name}, seed {seed}": way_of(name, encoder)
            for (name, seed), encoder in self.first.items()
        }

    def ways_by_fold(self, fold_of):
        """The nine, gone on with on the other folds' recordings."""

        def fit(name, seed, train):
            cohort = self.patients + real_cohort(train, self.patients)
            home = self.options.run / f"fold{left_out(train, fold_of)}"
            start = self.first[name, seed]
            return embedding(
                Encoder(self.learn(name, seed, cohort, self.fold_steps, start, home).cpu())
            )

        return {
            f"{name}, seed {seed}": dataclasses.replace(
                way_of(name), fit=functools.partial(fit, name, seed)
            )
            for name, seed in self.first
        }


def way_of(name, encoder=None):
    kind = LEARNERS[name]
    about = "trained on simulated patients, and in the real study on the other folds' recordings"
    run = None if encoder is None else embedding(Encoder(encoder.cpu()))
    return Way(run, kind, space="own" if kind == "E" else "teacher", about=about)


def real_cohort(train, like):
    """Records to fit to, without labels."""
    x = np.stack([ecg[leads.EIGHT] for ecg in train])
    empty = np.full((len(x), len(like.names)), np.nan, np.float32)
    knobs = np.full((len(x), like.knobs.shape[1]), np.nan, np.float32)
    groups = tuple(ecg.meta["patient"] for ecg in train)
    return tasks.Cohort(x, empty, like.names, knobs, groups)


def left_out(train, fold_of):
    """The one fold that no patient of `train` is in."""
    missing = set(fold_of.values()) - {fold_of[ecg.meta["patient"]] for ecg in train}
    if len(missing) != 1:
        raise ValueError(f"the records leave out the folds {sorted(missing)}, not one")
    return missing.pop()


def predicted(predictor):
    model = recon.Reconstructor(predictor)
    return lambda ecg: model.predict(ecg).ecg


def diffusion(options, generator):
    return generated(generator, samples=options.samples, steps=options.evaluations)


def taught_without(fold, entries, fold_of, options):
    """The generator of a fold: it has seen no patient of it."""
    home = options.run / f"generator-{options.generator_steps}-fold{fold}"
    if not (home / "weights" / "config.json").exists():
        seen = np.array([fold_of[entry.group] != fold for entry in entries])
        taught = generation.lessons(entries[seen], steps=options.generator_steps)
        made = generation.train(taught, device=options.device, run=home)
        made.save_pretrained(home / "weights")
    return ecgsynth.Generator.from_pretrained(home / "weights")


def simulated(options, school):
    """Records, folds and ways of the simulated study."""
    cohort = tasks.infarcts(options.n, seed=SERIES["test"])
    records = (
        ECG(
            leads.twelve(x), population.FS, leads.TWELVE,
            meta={"name": group, "patient": group, "labels": says(row, cohort.names)},
        )
        for x, row, group in zip(cohort.x, cohort.labels, cohort.groups, strict=True)
    )  # fmt: skip
    network = pretrained.load(Network, options.network / "simulated")
    seen = population.Cohort.simulated(schooling.SIMULATED // 8, seed=1)
    ways = {"network": Way(predicted(Predictor(seen.gaussian(), network)), "B")}
    if options.samples:
        made = ecgsynth.Generator.from_pretrained(options.generator)
        ways["generator posterior"] = diffusion(options, made)
    return records, None, ways | school.ways()


def says(row, names):
    return [name for name, yes in zip(names, row, strict=True) if yes > 0 and name != "MI"]


def real(options, school):
    """Records, folds and ways of the real study."""
    entries = datasets.twelve_lead(options.data)
    groups = population.Cohort.of_folder(options.data).groups
    fold_of = dict(zip(groups, datasets.grouped_folds(groups, 5, 0).tolist(), strict=True))
    kept = entries[np.array([entry.group in fold_of for entry in entries])]

    def fit(train):
        return predicted(weights.load(options.network / f"fold{left_out(train, fold_of)}"))

    def fit_generator(train):
        made = taught_without(left_out(train, fold_of), kept, fold_of, options)
        return diffusion(options, made).run

    ways = {"network": Way(kind="B", fit=fit)}
    if options.samples:
        ways["generator posterior"] = Way(kind="B'", fit=fit_generator)
    return kept, fold_of, ways | school.ways_by_fold(fold_of)


def answers(told):
    """Means over seeds of what a report's JSON holds: a dict a lead set and way."""
    rows = {(r["path"], tuple(r["leads"]), r["level"], r["metric"]): r for r in told["rows"]}
    macro = {
        (r["path"], tuple(r["leads"]), r["space"]): r["ratio"]
        for r in told["recoveries"]
        if (r["label"], r["probe"]) == ("macro", "refit")
    }
    families = {}
    for path in dict.fromkeys(r["path"] for r in told["rows"]):
        families.setdefault(path.split(", seed")[0], []).append(path)
    for given in dict.fromkeys(tuple(r["leads"]) for r in told["rows"]):
        for family, members in families.items():
            row = {"leads": " ".join(given), "way": family, "seeds": len(members)}
            for name, (level, metric) in COLUMNS.items():
                found = [rows.get((path, given, level, metric)) for path in members]
                row[name] = mean([one and one["interval"] for one in found], name in MAPPED)
            for space in ("teacher", "judge"):
                row[f"{space} recovery"] = mean([macro.get((p, given, space)) for p in members])
            yield row


def mean(intervals, one_minus=False):
    """Value, low, high, and the seeds' range of values."""
    triples = [
        (one["value"], one["low"], one["high"])
        for one in intervals
        if one and one["value"] is not None
    ]
    if not triples:
        return None
    if one_minus:
        triples = [(1 - value, 1 - high, 1 - low) for value, low, high in triples]
    values = [value for value, _, _ in triples]
    found = [*np.mean(triples, axis=0), min(values), max(values)]
    return [round(float(number), 3) for number in found]


def tables(told):
    """The answer, for people."""
    rows = list(answers(told))
    columns = [name for name in rows[0] if name not in ("leads", "way", "seeds")]
    print(json.dumps(told["cards"]["records"], indent=1))
    for given in dict.fromkeys(row["leads"] for row in rows):
        print(f"\n| {given} | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
        for row in rows:
            if row["leads"] == given:
                cells = [cell(row[name], row["seeds"]) for name in columns]
                print(f"| {row['way']} | " + " | ".join(cells) + " |")
    for part in told["splits"]:
        print(f"\n{part['reconstruction']} from {' '.join(part['leads'])} (best: {part['best']})")
        for name in ("total", "irreducible", "smoothing", "remainder"):
            found = part[name]
            print(f"  {name:12} {found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})")


def cell(found, seeds):
    if found is None:
        return "-"
    value, low, high, least, most = found
    spread = f"; {least:.2f}-{most:.2f}" if seeds > 1 else ""
    return f"{value:.2f} ({low:.2f}-{high:.2f}{spread})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", choices=["simulated", "real", "tables"])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--run", type=Path, default=Path("runs/gaps"), help="checkpoints and cache")
    parser.add_argument(
        "--network", type=Path, default=Path("runs/base"),
        help="folder of `einthoven train reconstructor`, with its folds",
    )  # fmt: skip
    parser.add_argument(
        "--generator", type=Path, help="folder, for simulated patients; the bundled one for none"
    )
    parser.add_argument(
        "--generator-steps", type=int, default=800, help="of each fold's generator, real recordings"
    )
    parser.add_argument("--out", type=Path, help="folder for the page, the JSON and the planes")
    parser.add_argument("--n", type=int, default=5000, help="simulated patients to compare on")
    parser.add_argument("--patients", type=int, default=4000, help="simulated, to learn from")
    parser.add_argument("--leads", action="append", help="default: " + "; ".join(SETS))
    parser.add_argument("--preset", default="tiny", choices=["tiny", "base", "large"])
    parser.add_argument("--device", default=None)
    parser.add_argument(
        "--steps", type=int, nargs=3, default=(500, 600, 40), help="teacher, student, each fold"
    )
    parser.add_argument("--size", type=int, default=64, help="records a batch")
    parser.add_argument("--samples", type=int, default=4, help="of the generator; 0 leaves it out")
    parser.add_argument("--evaluations", type=int, default=5, help="of the generator, a sample")
    options = parser.parse_args()
    if options.world == "tables":
        tables(json.loads((options.out / "gaps.json").read_text()))
    else:
        study(options)


def study(options):
    """Train, compare, write, print."""
    began = time.monotonic()
    school = School(options)
    print(f"trained: {(time.monotonic() - began) / 60:.1f} minutes", flush=True)
    records, fold_of, ways = {"simulated": simulated, "real": real}[options.world](options, school)
    report = recon.gaps(
        records,
        leads=options.leads or SETS,
        paths=closed_form() | ways,
        teacher=Encoder(school.teacher.cpu()),
        judge=Encoder(school.judge.cpu()),
        folds=fold_of,
        cache=options.run / "cache",
    )
    told = report.to_dict()
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        report.to_html(options.out / "gaps.html")
        report.to_json(options.out / "gaps.json")
        for given in report.lead_sets:
            report.plot(given).savefig(options.out / f"plane_{'_'.join(given)}.png", dpi=120)
    tables(told)
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
