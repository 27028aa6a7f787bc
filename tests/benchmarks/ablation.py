"""What each part of the generator adds, at equal training: the ablation that SE-Diff could not show.

Networks of equal size and equally many steps, each with one part more than the one before, and the
records they make in the image of the held-back fold (see `tests.benchmarks.likeness` for the columns,
`tests.benchmarks.generator` for the fold). The ladder:

    simulator      the exact simulator, patients drawn as asked
    diffusion      flow matching from noise, told rhythm and conditions, no simulator at all
    + physics      the same, trained with the simulator's residual in its loss
    + guidance     the same network, shown the simulator's waveform and drawn to it while sampling
    + bridge       trained and sampled from the simulator's waveform and not from noise
    + experience   trained with, and told of, four recordings of similar patients
    + transport    the simulator's patients brought onto the population of the training recordings

Below it, parts taken away one at a time, strengths of guidance, the bundled weights, and what is no
network. Networks that are not there are trained first (0.6 s a step on one core); a run that was killed
goes on.

    python -m tests.benchmarks.ablation --run runs/ablation [--steps 2000] [--out docs/pictures]
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

import ecgsynth
from dsp import datasets, leads, storage
from ecgsynth.experience import Experience
from ecgsynth.generation import Sampling
from ecgsynth.generator import Generator
from ecgsynth.transport import carried
from recon import generation
from tests.benchmarks.likeness import DRAWS, FS, ROWS, Judge, Real, gaussian, table

ROOT = Path(__file__).resolve().parents[2]
PHYSICS = {"physics": 0.3}
NETWORKS = {
    "diffusion": {"bridge": False},
    "diffusion, physics": {"bridge": False, "terms": PHYSICS},
    "bridge": {"bridge": True},
    "bridge, physics": {"bridge": True, "terms": PHYSICS},
    "bridge, physics, experience": {"bridge": True, "terms": PHYSICS},
    "bridge, physics, experience, transport": {"bridge": True, "terms": PHYSICS},
}
FIELDS = {"experience": "tokens", "transport": "transport"}  # of `generation.Lessons`
NOISE, BARE, GUIDED = Sampling(mode="unguided"), Sampling(strength=0.0), Sampling()
DRAWN = Sampling(carry=False)  # patients as the simulator draws them
LADDER = {
    "simulator": ("bridge", Sampling(mode="simulator")),
    "diffusion": ("diffusion", NOISE),
    "+ physics": ("diffusion, physics", NOISE),
    "+ guidance": ("diffusion, physics", DRAWN),
    "+ bridge": ("bridge, physics", DRAWN),
    "+ experience": ("bridge, physics, experience", DRAWN),
    "+ transport": ("bridge, physics, experience, transport", GUIDED),
}
APART = {
    "bridge, guidance": ("bridge", DRAWN),
    "bridge alone": ("bridge", Sampling(strength=0.0, carry=False)),
    "bridge and physics": ("bridge, physics", Sampling(strength=0.0, carry=False)),
    **{
        f"bridge, guidance {s}": ("bridge", Sampling(strength=s, carry=False))
        for s in (0.15, 0.6, 0.9)
    },
}
BUNDLED = {
    "bundled": GUIDED,
    "bundled, not carried": DRAWN,
    "bundled, no guidance": BARE,
    "bundled, guidance 0.6": Sampling(strength=0.6),
    "bundled, guidance 0.9": Sampling(strength=0.9),
    "bundled, trust 0": Sampling(trust=0.0),
    "bundled, trust 1": Sampling(trust=1.0),
    "bundled, unguided": NOISE,
}
BETTER = {
    "KID": "less is better", "density": "floor's is best", "coverage": "more is better",
    "teacher's KID": "less is better", "teacher's coverage": "more is better",
    "texture": "1 is best", "bands": "less is better", "unexplained": "real's is best, %",
    "diversity": "more is more diverse", "rate": "bpm, less is better", "QT": "ms, less is better",
}  # fmt: skip


def networks(entries, index, options):
    """Name to generator, trained where it is not there yet."""
    folders = {name: options.run / name.replace(", ", "-") for name in NETWORKS}
    absent = [name for name, folder in folders.items() if not (folder / "config.json").exists()]
    if absent:
        shown = generation.lessons(entries, steps=options.steps, experience=index)
    for name in absent:
        left_out = [field for word, field in FIELDS.items() if word not in name]
        taught = dataclasses.replace(shown, **dict.fromkeys(left_out))
        home = options.run / "checkpoints" / folders[name].name
        made = generation.train(taught, device=options.device, run=home, **NETWORKS[name])
        made.save_pretrained(folders[name])
    return {name: Generator.from_pretrained(folder) for name, folder in folders.items()}


def picture(rows, floor, to):
    """A panel a column, a row a rung; grey is what real recordings have among themselves."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.5, 5.2), layout="constrained")
    axes = figure.subplots(2, 6, sharey=True).flat
    names = list(rows)
    for ax, column in zip(axes, BETTER, strict=False):
        if column in floor:
            ax.axvspan(floor[column].low, floor[column].high, color="#e6e6e6", lw=0)
            ax.axvline(floor[column].value, color="#8c8c8c", lw=1)
        for place, figures in enumerate(rows.values()):
            one = figures[column]
            ax.plot([one.low, one.high], [place] * 2, color="#0057b8", lw=1.5)
            ax.plot(one.value, place, "o", color="#0057b8", ms=5)
        ax.set_title(column, fontsize=10)
        ax.set_xlabel(BETTER[column], fontsize=8)
        ax.set_yticks(range(len(names)), names)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=8)
    axes[-1].set_axis_off()
    figure.savefig(to, dpi=90)


def sizes(gen, real, to):
    """How high and how deep each lead goes: real recordings, and what is made in their image."""
    from matplotlib.figure import Figure

    drawn = ecgsynth.simulate(len(real.x), fs=FS, seed=DRAWS[0], **real.asked)
    sets = {
        "real": real.x,
        "simulator": drawn.signal,
        "simulator, carried": carried(drawn, gen.denoiser.transport).signal,
        "generator": gen.generate(len(real.x), seed=DRAWS[0], **real.asked).signal,
    }
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    ax = figure.subplots()
    for k, (name, x12) in enumerate(sets.items()):
        x8 = x12[:, ROWS] - np.median(x12[:, ROWS], axis=-1, keepdims=True)
        at = np.arange(8) + 0.16 * (k - 1.5)
        for side in (0.005, 0.995):
            low, middle, high = np.quantile(
                np.quantile(x8, side, axis=-1), (0.25, 0.5, 0.75), axis=0
            )
            (line,) = ax.plot(at, middle, "o", ms=4, color=f"C{k}", label=name)
            ax.vlines(at, low, high, color=line.get_color(), lw=1.5)
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles[::2], labels[::2], frameon=False, ncols=4, loc="upper left", fontsize=8)
    ax.set_xticks(range(8), leads.EIGHT)
    ax.set_ylabel("mV, median and quartiles")
    ax.axhline(0, color="#8c8c8c", lw=0.8)
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(to, dpi=90)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--run", type=Path, required=True, help="folder of the networks")
    parser.add_argument("--steps", type=int, default=2000, help="of each training")
    parser.add_argument("--device", help="cpu or cuda")
    parser.add_argument("--out", type=Path, help="folder for pictures and ablation.json")
    options = parser.parse_args()
    print(__doc__)
    entries, others = generation.split(datasets.twelve_lead(options.data), generation.LEFT_OUT)
    index = Experience.of(entries)
    made = networks(entries, index, options)
    learnt, left = (list(generation.windows(part)) for part in (entries, others))
    real, train = Real.of(left), Real.of(learnt)
    judge = Judge(real, train)
    floor = judge.floor()
    print(f"{len(real.x)} held-back windows of {len(set(real.groups))} patients or sources")
    rows = {
        "real, half to half": floor,
        "Gaussian process": judge.alike(gaussian(train.x, len(real.x))),
    }
    for name, (network, sampling) in (LADDER | APART).items():
        shown = {"experience": index} if "experience" in network else {}
        rows[name] = judge.figures(made[network], sampling, **shown)
    rows["experience withheld"] = judge.figures(made["bridge, physics, experience"], DRAWN)
    bundled = Generator.from_pretrained()
    rows |= {name: judge.figures(bundled, sampling) for name, sampling in BUNDLED.items()}
    print(table(rows))
    if options.out is not None:
        picture({name: rows[name] for name in LADDER}, floor, options.out / "ablation.png")
        plain = {
            name: {c: [v.value, v.low, v.high] for c, v in figures.items()}
            for name, figures in rows.items()
        }
        storage.write_json(options.out / "ablation.json", plain)
        sizes(bundled, real, options.out / "transport.png")


if __name__ == "__main__":
    main()
