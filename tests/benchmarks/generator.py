"""The generator: control, few steps, likeness, use, completion of lost leads, and speed.

Conventions: real recordings are those of the fold that the bundled network has not seen, by patient
(by data set where patients are unknown), in windows of 10 s, 0.5-40 Hz at 100 Hz, eight independent
leads. For each window one record is asked for with its rate, PR, P, QRS, QT, age, sex, statement and
rhythm; nothing else of it is seen. Columns of the table of steps are those of
`tests.benchmarks.likeness`. Intervals are 95 %, by patient. What each part of the generator adds:
`python -m tests.benchmarks.ablation`.

    python -m tests.benchmarks.generator [--parts control steps fidelity utility posterior speed]
        [--weights folder] [--records 500] [--network runs/base]
"""

import argparse
import dataclasses
import time
from pathlib import Path

import numpy as np

import dsp
import ecgsynth
import recon
from dsp import datasets, leads
from ecgsynth.fidelity.encoding import features
from ecgsynth.fidelity.utility import utility
from ecgsynth.generation import Sampling
from ecgsynth.generator import Generator
from recon import generation, population
from tests.benchmarks.likeness import Judge, Real, table

ROOT = Path(__file__).resolve().parents[2]
FS = generation.FS
GIVEN = ("I", "II", "V2")
HIDDEN = [leads.TWELVE.index(lead) for lead in leads.EIGHT if lead not in GIVEN]


def interval(values, seed=0):
    """Mean and its 95 % interval over records, by resampling."""
    rng, values = np.random.default_rng(seed), np.asarray(values, float)
    values = values[np.isfinite(values)]
    means = rng.choice(values, (1000, len(values))).mean(1)
    return values.mean(), *np.quantile(means, [0.025, 0.975])


def control(gen, n):
    """Asked for against found, n records; the simulator alone beside it: the detector's own error."""
    print(f"\ncontrol, {n} records, 500 Hz: error of what dsp.measure and dsp.r_peaks find")
    print(f"{'':22}{'HR MAE':>9}{'SDNN MAE':>10}{'QT median':>11}{'P median':>10}{'algebra':>10}")
    print(f"{'':22}{'bpm':>9}{'ms':>10}{'ms':>11}{'ms':>10}{'mV':>10}")
    for name, options in (
        ("simulator", Sampling(mode="simulator")),
        ("trust 1", Sampling(trust=1.0)),
        ("trust 0.5", Sampling()),
        ("trust 0", Sampling(trust=0.0)),
        ("not carried", Sampling(carry=False)),
        ("unguided", Sampling(mode="unguided")),
    ):
        new = gen.generate(n, rhythm="SR", diagnosis="any", fs=500, options=options, seed=1)
        asked, found = new.parameters, new.measured
        sdnn = [np.diff(dsp.r_peaks(x, 500)).std() / 500 for x in new.signal]
        rows = (
            np.nanmean(np.abs([m.heart_rate for m in found] - asked["heart_rate"])),
            1e3 * np.nanmean(np.abs(sdnn - asked["sdnn"])),
            1e3 * np.nanmedian(np.abs([m.qt for m in found] - asked["qt"])),
            1e3 * np.nanmedian(np.abs([m.p_duration for m in found] - asked["p_duration"])),
            abs(leads.residual(new.signal)).max(),
        )
        print(
            f"{name:22}{rows[0]:9.2f}{rows[1]:10.1f}{rows[2]:11.1f}{rows[3]:10.1f}{rows[4]:10.1e}"
        )
    spread = {}
    for rhythm in ("SR", "AFIB", "PACE"):
        new = gen.generate(50, rhythm=rhythm, fs=500, seed=2)
        rr = [np.diff(dsp.r_peaks(x, 500)) / 500 for x in new.signal]
        spread[rhythm] = np.median([r.std() / r.mean() for r in rr])
    print("RR spread over mean, median of 50:", {k: round(float(v), 3) for k, v in spread.items()})


def steps(gen, real, train):
    """Ten network evaluations against a hundred."""
    judge = Judge(real, train)
    print("\nnetwork evaluations")
    rows = {str(n): judge.figures(gen, Sampling(steps=n)) for n in (2, 5, 10, 25, 100)}
    print(table(rows))


def reconstructors(options):
    """Group to the reconstructor that has not seen it, of a training's folds; else the bundled one."""
    if options.network is None:
        print("the bundled reconstructor has learned from these recordings: give --network")
        bundled = recon.Reconstructor.from_pretrained()
        return lambda group: bundled
    groups = population.Cohort.of_folder(options.data).groups
    fold_of = dict(zip(groups, datasets.grouped_folds(groups, 5, 0).tolist(), strict=True))
    folds = [recon.Reconstructor.from_pretrained(options.network / f"fold{k}") for k in range(5)]
    return lambda group: folds[fold_of.get(group, 0)]  # a group left out there was seen by none


def posterior(gen, entries, n, model_of):
    """From I, II, V2 and across a gap, beside the reconstructor: the mean, and what the bands hold.

    Bands are calibrated on one half of the patients and judged on the other, both ways.
    """
    scores, inside, gaps = {}, {}, {}
    shipped = gen.denoiser.config.spread
    half = datasets.grouped_folds(entries.groups, 2, 0)
    for side in (0, 1):
        generation.calibrate(gen, entries[half != side])
        for entry in entries[half == side][: n // 2]:
            completed(gen, entry, model_of(entry.group), (scores, inside, gaps))
    gen.denoiser.register_to_config(spread=shipped)
    print(f"\ncompletion, {len(scores['reconstructor'])} held-back recordings of 10 s, 0.5-40 Hz")
    for name, values in scores.items():
        print("I,II,V2, mean r {:24} {:.3f} ({:.3f} to {:.3f})".format(name, *interval(values)))
    for name, values in inside.items():
        print("90 % band holds {:24} {:.3f} ({:.3f} to {:.3f})".format(name, *interval(values)))
    for name, values in gaps.items():
        print("V4 lost for 3 s, mV {:20} {:.4f} ({:.4f} to {:.4f})".format(name, *interval(values)))


def completed(gen, entry, model, tables):
    """Add one recording's figures to the tables of scores, of what bands hold, and of gaps."""
    scores, inside, gaps = tables
    window = next(population.windows(entry.ecg), None)
    if window is None:
        return
    ecg = dsp.ECG(leads.twelve(window), FS, leads.TWELVE)
    part = ecg.select(*GIVEN)
    first = model.predict(part).ecg
    drawn = {
        "posterior": gen.posterior(part, 16),
        "posterior, start": gen.posterior(part, 16, start=first),
    }
    means = {"reconstructor": first.signal} | {name: found.mean for name, found in drawn.items()}
    for name, y in means.items():
        scores.setdefault(name, []).append(pearson(y, ecg.signal, HIDDEN))
    for name, found in drawn.items():
        low, high = found.interval(0.9)
        held = ((low <= ecg.signal) & (ecg.signal <= high))[HIDDEN].mean()
        inside.setdefault(name, []).append(held)
    x = ecg.signal.copy()
    lost, row = slice(300, 600), leads.TWELVE.index("V4")
    x[row, lost] = np.nan
    holed = dsp.ECG(x, FS, leads.TWELVE)
    others = holed.select(*(name for name in leads.TWELVE if name != "V4"))
    gaussian = recon.Reconstructor(dataclasses.replace(model.predictor, network=None))
    for name, y in {
        "Gaussian": gaussian.predict(others).ecg.signal,
        "reconstructor": model.predict(others).ecg.signal,
        "posterior": gen.posterior(holed, 16).mean,
        "posterior, start": gen.posterior(holed, 16, start=filled(model, holed, others)).mean,
    }.items():
        error = np.sqrt(np.mean((y[row, lost] - ecg.signal[row, lost]) ** 2))
        gaps.setdefault(name, []).append(error)


def filled(model, holed, others):
    """The recording with what the other leads say in its gaps."""
    return np.where(np.isnan(holed.signal), model.predict(others).ecg.signal, holed.signal)


def pearson(y, x, rows):
    return np.mean([np.corrcoef(y[i], x[i])[0, 1] for i in rows])


def judged(gen, learnt, left, folder):
    """`ecgsynth.fidelity` in full, in the space of the bundled aligner's teacher: one table, one page."""
    from recon.align import Aligner

    real = Real.of(left)
    new = gen.generate(len(real.x), options=Sampling(), seed=3, **real.asked)
    encoder = Aligner.from_pretrained().teacher
    report = ecgsynth.fidelity(list(ecgs(left)), new, training=list(ecgs(learnt)), encoder=encoder)
    print(f"\n{report.table}")
    if folder is not None:
        report.to_html(folder / "fidelity.html")


def ecgs(found):
    """Entries with their windows as records, in the network's band."""
    for entry, window in found:
        meta = {"name": entry.name, "patient": entry.group, "labels": window.statements}
        yield dsp.ECG(leads.twelve(window.x8), FS, leads.TWELVE, meta=meta)


def useful(gen, left, label, n):
    """What a few real patients gain by made-up ones: AUROC of a probe of `fidelity.encoding.features`."""
    found = [ecg for ecg in ecgs(left) if ecg.meta["labels"]]
    z = features(np.stack([ecg.signal for ecg in found]), FS)
    groups = np.array([ecg.meta["patient"] for ecg in found])
    real = (z, [ecg.meta["labels"] for ecg in found], groups)
    print(
        f"\n{label} or not, {len(found)} held-back windows of {len(set(groups))} groups, {n} made"
    )
    for name, options in (("generator", Sampling()), ("simulator", Sampling(mode="simulator"))):
        new = gen.generate(n, diagnosis=[label, "NORM"] * (n // 2), options=options, seed=4)
        for row in utility(label, real, (features(new.signal, FS), new.labels), 0):
            print(
                f"{name:12}{row.name:62}{row.value:.3f} ({row.low:.3f} to {row.high:.3f})  "
                f"{row.floor:.3f}  {row.note}"
            )


def speed(gen):
    """Seconds for 100 records, and the ratio for each evaluation to a plain UNet1DModel."""
    import torch
    from diffusers import UNet1DModel

    start = time.perf_counter()
    gen.generate(100, steps=10)
    whole = time.perf_counter() - start
    numbers = sum(p.numel() for p in gen.denoiser.parameters())
    peer = UNet1DModel(
        in_channels=8, out_channels=8, extra_in_channels=128, block_out_channels=(64, 64, 96),
        down_block_types=("DownBlock1DNoSkip", "DownBlock1D", "AttnDownBlock1D"),
        up_block_types=("AttnUpBlock1D", "UpBlock1D", "UpBlock1DNoSkip"),
    ).eval()  # fmt: skip
    x = torch.randn(32, 8, 1000)
    conditions = gen.denoiser.no_conditions(32, 1000)
    seconds = {}
    with torch.inference_mode():
        for name, call in (
            ("ours", lambda: gen.denoiser(x, 500.0, conditions)),
            ("peer", lambda: peer(x[..., :992], 500)),
        ):
            call()
            runs = []
            for _ in range(3):
                start = time.perf_counter()
                call()
                runs.append(time.perf_counter() - start)
            seconds[name] = min(runs)
    theirs = sum(p.numel() for p in peer.parameters())
    print(f"\nspeed, {torch.get_num_threads()} threads, {gen.denoiser.device}")
    print(f"100 records of 10 s, 10 steps: {whole:.1f} s")
    print(
        f"one evaluation of 32 records: {seconds['ours']:.3f} s ({numbers / 1e6:.2f} M numbers); "
        f"UNet1DModel {seconds['peer']:.3f} s ({theirs / 1e6:.2f} M); "
        f"ratio {seconds['ours'] / seconds['peer']:.2f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--weights", type=Path, help="folder; the bundled ones for none")
    parser.add_argument("--records", type=int, default=500, help="for control and utility")
    parser.add_argument(
        "--completions", type=int, default=80, help="recordings to complete, at most"
    )
    parser.add_argument(
        "--network", type=Path, help="folder of a reconstructor's folds, to complete beside"
    )
    parser.add_argument("--fold", type=int, default=1, help="of five, that was left out")
    parser.add_argument("--label", default="LVH", help="to be told by a probe, for utility")
    parser.add_argument("--out", type=Path, help="folder for the page of the fidelity report")
    names = ("control", "steps", "fidelity", "utility", "posterior", "speed")
    parser.add_argument("--parts", nargs="+", choices=names, default=names)
    options = parser.parse_args()
    print(__doc__.split("\n\n")[1])
    gen = Generator.from_pretrained(options.weights)
    if "control" in options.parts:
        control(gen, options.records)
    if set(options.parts) - {"control", "speed"}:
        parts = generation.split(datasets.twelve_lead(options.data), options.fold)
        learnt, left = (list(generation.windows(part)) for part in parts)
        real, train = Real.of(left), Real.of(learnt)
        if "steps" in options.parts:
            steps(gen, real, train)
        if "fidelity" in options.parts:
            judged(gen, learnt, left, options.out)
        if "utility" in options.parts:
            useful(gen, left, options.label, options.records)
        if "posterior" in options.parts:
            posterior(gen, parts[1], options.completions, reconstructors(options))
    if "speed" in options.parts:
        speed(gen)


if __name__ == "__main__":
    main()
