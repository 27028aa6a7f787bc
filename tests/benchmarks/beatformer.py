"""What beat-token encoders know of a record, beside a residual encoder, lead dropout, and no training at all.

    python -m tests.benchmarks.beatformer
    python -m tests.benchmarks.beatformer --device cuda --preset base --data FOLDER     # with PTB-XL in it

Conventions. 100 Hz, 0.5-40 Hz, first ten seconds. Pre-training: simulated patients, and real recordings
that no probe asks about (those without labels; with PTB-XL, its folds 1-8 instead). The beat-token
encoders see no label; the residual encoder and lead dropout learn the simulated statements as well
(`recon.align.aligner.teach`).
Probe: ridge (`recon.tasks.Probe`), grouped 5-fold by patient, and by data set where patients are unknown;
PTB-XL: folds 1-8 to learn, 10 to score. Labels: at least ten positive patients. Beats are found in the leads
that are given. AUROC: mean over labels and seeds; 95 % intervals by patient (DeLong's influences summed
by patient); differences are of the same records. Other seeds: other weights, batches and hidden words.
"Published beats" are those of HeartLang's and CLEAR's tokenizers: wfdb's xqrs on lead I at 100 Hz.
"""

import argparse
import dataclasses
import functools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

import dsp
from dsp import QRSTokenizer, leads
from recon import tasks, training
from recon.align.aligner import embedded, teach
from recon.beatformer import Hug, Pool, leads_given
from recon.beatformer.pictures import Atlas
from recon.beatformer.pretraining import PRESETS, Corpus, Size, batches, pretrain
from recon.beatformer.words import FS, tensors
from recon.encoders import ResidualEncoder
from tests.benchmarks import fills
from tests.benchmarks.probes import cell, interval, probed, signed

ROOT: Final = Path(__file__).resolve().parents[2]
LEADS: Final = (leads.TWELVE, ("I", "II", "V2"), ("I",))
AT_ONCE: Final = 64
Beats = list[NDArray[np.int64]]


@dataclasses.dataclass(frozen=True, eq=False)
class Bench:
    """All that rows share."""

    options: argparse.Namespace
    size: Size
    simulated: tasks.Cohort
    real: tasks.Cohort
    tasks: dict[str, tasks.Cohort]
    made: dict[tuple[str, int, int], object] = dataclasses.field(default_factory=dict)

    def once(self, name, make, x8, chosen):
        """`make(x8, chosen)`, once for each set of records and leads: no seed changes it."""
        key = (name, id(x8), len(chosen))
        if key not in self.made:
            self.made[key] = make(x8, chosen)
        return self.made[key]

    def beats_of(self, x8, chosen, detector: str) -> Beats:
        """As `DETECTORS` find them in the leads given."""
        return self.once(detector, lambda x, c: DETECTORS[detector](given(x, c)), x8, chosen)

    @functools.cached_property
    def gaussian(self):
        """The fill of simulated patients that others learn from as well."""
        return fills.gaussian(self.simulated.x[:300])


def given(x8, chosen):
    """Rows of the twelve leads."""
    return leads.twelve(x8)[:, [leads.TWELVE.index(lead) for lead in chosen]]


def published(x) -> Beats:
    """R peaks as the published tokenizers take them: lead I, which is first in every set here."""
    from wfdb.processing import xqrs_detect

    found = [xqrs_detect(sig=row[0].astype(float), fs=FS, verbose=False) for row in x]
    return [np.unique(np.clip(np.asarray(p, int), 0, x.shape[-1] - 1)) for p in found]


DETECTORS: Final[Mapping[str, Callable]] = {
    "ours": lambda x: list(dsp.r_peaks(x, FS)),
    "published": published,
}


# ---- rows: what is compared, each (bench, seed) -> a function from (records, leads) to embeddings


def words(kind, mode="lossless", detector="ours", *, steps=None):
    """A beat-token encoder; with steps=1 at rate ~0 it is the untrained one."""

    def make(bench, seed):
        size = (
            bench.size
            if steps is None
            else dataclasses.replace(bench.size, steps=steps, rate=1e-12)
        )
        corpora = [
            Corpus(c.x, bench.beats_of(c.x, leads.TWELVE, detector))
            for c in (bench.simulated, bench.real)
        ]
        name = f"{kind}-{mode}-{detector}-{size.steps}-{seed}"
        home = bench.options.out and bench.options.out / name
        device = bench.options.device
        model = pretrain(kind, corpora, size, mode=mode, seed=seed, out=home, device=device)
        model.to(device)

        def embed(x, chosen):
            beats = bench.beats_of(x, chosen, detector)
            return encode(model, given(x, chosen), chosen, beats, model.embed)

        embed.model, embed.feed = model, batches(corpora, 64, mode=mode, seed=seed)
        return embed

    return make


def encode(model, x, chosen, beats, call):
    """(n, ...) of `call` on words of cleaned records."""
    tokenizer = QRSTokenizer(FS, mode=model.mode, leads=chosen)
    device = next(model.parameters()).device
    found = []
    for first in range(0, len(x), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        sentence = tensors(tokenizer.encode(x[part], FS, beats[part]))
        found.append(call({k: v.to(device) for k, v in sentence.items()}).cpu().numpy())
    return np.concatenate(found)


def residual(*, trained=True, dropout=False, filled=None):
    """The convolutional encoder of the same library; `filled` makes twelve leads of what is given first."""

    def make(bench, seed):
        preset = bench.options.preset
        if trained:
            cohort = bench.simulated + bench.real
            chosen = None if dropout else ()
            home = bench.options.out and bench.options.out / f"residual-{dropout}-{seed}"
            size = min(64, len(cohort))
            net = teach(
                cohort, preset, bench.size.steps, leads=chosen, size=size,
                seed=seed, out=home, device=bench.options.device,
            )  # fmt: skip
        else:
            torch.manual_seed(seed)
            net = ResidualEncoder.preset(preset).eval()
        net.to(bench.options.device)

        def embed(x, chosen):
            whole = chosen == leads.TWELVE or filled is not None
            if chosen != leads.TWELVE and filled is not None:
                x = filled(bench, x, chosen)
            cohort = tasks.Cohort(x, np.zeros((len(x), 0)), (), np.zeros((len(x), 0)), ())
            return embedded(net, cohort, () if whole else tuple(chosen)).cpu().numpy()

        return embed

    return make


def zero_filled(_bench, x8, chosen):
    return fills.zeros(x8, chosen)


def gaussian_filled(bench, x8, chosen):
    return bench.once("gaussian", bench.gaussian, x8, chosen)


def measured(bench, _seed):
    """Hand-made features of the given leads."""

    def features(x8, chosen):
        return np.asarray(tasks.features(given(x8, chosen), FS, chosen))

    return lambda x8, chosen: bench.once("features", features, x8, chosen)


ROWS: Final[Mapping[str, Callable]] = {
    "DSP features": measured,
    "random, words": words("heartlang", steps=1),
    "random, residual": residual(trained=False),
    "residual": residual(),
    "zero-filled": residual(filled=zero_filled),
    "Gaussian, encode": residual(filled=gaussian_filled),
    "lead dropout": residual(dropout=True),
    "HeartLang": words("heartlang"),
    "CLEAR": words("clear"),
    "96, our beats": words("heartlang", "heartlang"),
    "96, published": words("heartlang", "heartlang", "published"),
}
"""Zero-filled and Gaussian go to the residual encoder; the last two are HeartLang with the published
words of 96 samples, and differ in the beats only."""
AGAINST: Final = (
    ("HeartLang", "random, words"),
    ("CLEAR", "random, words"),
    ("HeartLang", "lead dropout"),
    ("CLEAR", "lead dropout"),
    ("96, our beats", "96, published"),
    ("HeartLang", "96, published"),
)


def gather(options):
    """What is learned from and what is asked."""
    cohort = tasks.real(options.data)
    silent = np.isnan(cohort.labels).all(axis=1)
    infarcts = tasks.infarcts(options.infarcts, seed=7)
    asked = {"infarcts": infarcts.select(tasks.INFARCTS), "recordings": cohort[~silent]}
    real = cohort[silent]
    try:
        more = tasks.ptbxl(options.data)
        more["infarcts"] = more["infarcts"].select(tasks.INFARCTS)
    except dsp.ReadError as error:
        print(f"without PTB-XL's tasks: {error}")
    else:
        asked |= {f"PTB-XL {name}": one for name, one in more.items()}
        one = more["rhythm"]
        real = one[(np.array(one.split) == "train") & ~np.isin(one.groups, cohort.groups)]
    size = PRESETS[options.preset]
    if options.steps:
        size = dataclasses.replace(size, steps=options.steps)
    simulated = tasks.simulated(options.patients, seed=101)
    asked = {name: task for name, one in asked.items() if (task := one.scorable()).names}
    return Bench(options, size, simulated, real.select(simulated.names), asked)


def heads(bench, embed):
    """AUROC of HUG and of plain pooling on the summaries of one CLEAR, by the infarcts task."""
    task, device = bench.tasks["infarcts"], bench.options.device
    x, beats = given(task.x, leads.TWELVE), bench.beats_of(task.x, leads.TWELVE, "ours")

    def both(sentence):
        with torch.no_grad():
            here = leads_given(sentence)[..., None]
            return torch.cat([embed.model.summaries(sentence), here], -1)

    found = torch.from_numpy(encode(embed.model, x, leads.TWELVE, beats, both))
    data = {"summaries": found[..., :-1], "given": found[..., -1] > 0}
    data["labels"] = torch.from_numpy(task.labels)
    width, answers = found.shape[-1] - 1, task.labels.shape[1]
    kinds = {
        "mean": lambda: Pool(width, answers),
        "mean, as large as HUG": lambda: Pool.as_large_as(Hug(width, answers), width, answers),
        "HUG, linear": lambda: Hug(width, answers, linear=True),
        "HUG": lambda: Hug(width, answers),
    }
    scores = {name: np.full(task.labels.shape, np.nan) for name in kinds}
    counts = {}
    for learn, test in task.parts():
        places = np.flatnonzero(learn)
        mean, size = data["summaries"][learn].mean(0), data["summaries"][learn].std(0) + 1e-6
        scaled = {**data, "summaries": (data["summaries"] - mean) / size}

        def feed(step, places=places, scaled=scaled):
            drawn = np.random.default_rng([1, step]).choice(places, min(128, len(places)))
            return {name: value[drawn] for name, value in scaled.items()}

        for name, make in kinds.items():
            torch.manual_seed(0)
            schedule = training.Schedule(min(400, bench.size.steps), rate=1e-3, decay=0.1)
            head = training.fit(make(), feed, schedule, device=device, progress=False)
            counts[name] = sum(p.numel() for p in head.parameters())
            with torch.no_grad():
                scores[name][test] = head(scaled["summaries"][test], scaled["given"][test]).numpy()
    print("\nHeads on CLEAR's twelve summaries, infarcts, one seed; difference to the plain mean")
    for name, one in scores.items():
        value, gain = interval(task, one[None]), interval(task, one[None], scores["mean"][None])
        print(f"{name:24}{counts[name]:8d} parameters  {cell(value)}  {signed(gain)}")


# ---- results


def speed(embed, bench):
    """Records a second, a batch of 32 of twelve leads, words ready; and with words to be made."""
    x8, model = bench.tasks["infarcts"].x, embed.model
    x, beats = given(x8[:32], leads.TWELVE), bench.beats_of(x8, leads.TWELVE, "ours")[:32]
    sentence = tensors(QRSTokenizer(FS, mode=model.mode).encode(x, FS, beats))
    sentence = {k: v.to(bench.options.device) for k, v in sentence.items()}
    calls = (
        lambda: model.embed(sentence),
        lambda: encode(model, x, leads.TWELVE, beats, model.embed),
    )
    rates = []
    for call in calls:
        call()
        start = time.process_time() if bench.options.device == "cpu" else time.perf_counter()
        for _ in range(5):
            call()
        end = time.process_time() if bench.options.device == "cpu" else time.perf_counter()
        rates.append(5 * len(x) / (end - start))
    return rates


def about_words(name, embed, bench):
    """Use of the vocabulary, and speed."""
    vocabulary = getattr(embed.model, "vocabulary", None)
    line = f"{name:18}"
    if vocabulary is not None:
        held = [embed.feed(10**6 + k) for k in range(10)]
        usage = vocabulary.cpu().usage(held)
        codes = len(vocabulary.book)
        line += f"{usage.used} of {codes} codes used, perplexity {usage.perplexity:.1f} "
        line += f"({usage.perplexity / codes:.0%});  "
        if name == "HeartLang" and bench.options.picture:
            Atlas.of(vocabulary, held).plot().savefig(bench.options.picture, dpi=110)
        vocabulary.to(bench.options.device)
    embedding, reading = speed(embed, bench)
    return line + f"{embedding:.0f} records/s a core, {reading:.0f} with their words"


def tables(bench, scores):
    """Areas, and differences."""
    columns = [(name, chosen) for name in bench.tasks for chosen in LEADS]
    print(f"\n{'AUROC':18}" + "".join(f"{title(n, c):>28}" for n, c in columns))
    for row in scores:
        cells = [cell(interval(bench.tasks[n], scores[row][n, len(c)])) for n, c in columns]
        print(f"{row:18}" + "".join(f"{one:>28}" for one in cells))
    print(f"\n{'difference':34}" + "".join(f"{title(n, c):>28}" for n, c in columns))
    for a, b in AGAINST:
        if a in scores and b in scores:
            pairs = [(n, scores[a][n, len(c)], scores[b][n, len(c)]) for n, c in columns]
            cells = [signed(interval(bench.tasks[n], *pair)) for n, *pair in pairs]
            print(f"{a + ' - ' + b:34}" + "".join(f"{one:>28}" for one in cells))


def title(name, chosen):
    return f"{name}, {'12' if len(chosen) == 12 else ' '.join(chosen)}"


def score(bench, embed):
    """Held-out scores by task and number of leads; records that tasks have in common are read once."""
    found, latents = {}, {}
    for name, task in bench.tasks.items():
        for chosen in LEADS:
            key = (id(task.x), len(chosen))
            if key not in latents:
                latents[key] = embed(task.x, chosen)
            found[name, len(chosen)] = probed(task, latents[key])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--preset", choices=PRESETS, default="tiny")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--patients", type=int, default=3000, help="simulated, to learn from")
    parser.add_argument("--infarcts", type=int, default=1500, help="simulated, to be asked about")
    parser.add_argument("--steps", type=int, help="instead of the preset's")
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS))
    parser.add_argument("--out", type=Path, help="folder for checkpoints; a killed run goes on")
    parser.add_argument("--picture", type=Path, help="file for a picture of the vocabulary")
    bench = gather(options := parser.parse_args())
    print(__doc__.split("\n\n")[2])
    for name, task in bench.tasks.items():
        print(
            f"{name}: {len(task)} records, {len(set(task.groups))} groups, {len(task.names)} labels"
        )
    print(f"learned from: {len(bench.simulated)} simulated, {len(bench.real)} real\n")
    scores, notes, clear = {}, [], None
    for row in options.rows:
        begun = time.monotonic()
        found = []
        for seed in range(options.seeds):
            embed = ROWS[row](bench, seed)
            found.append(score(bench, embed))
            if seed == 0 and hasattr(embed, "model"):
                notes.append(about_words(row, embed, bench))
                clear = embed if row == "CLEAR" else clear
        scores[row] = {key: np.stack([one[key] for one in found]) for key in found[0]}
        print(f"{row}: {(time.monotonic() - begun) / 60:.1f} minutes", flush=True)
    tables(bench, scores)
    print("\n" + "\n".join(notes))
    if clear is not None:
        heads(bench, clear)


if __name__ == "__main__":
    main()
