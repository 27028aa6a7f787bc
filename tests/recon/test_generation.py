"""Training of the generator: whom it is shown beside a patient, and intervals that hold on others."""

from pathlib import Path

import numpy as np
import pytest

import dsp
from dsp import datasets, leads
from ecgsynth import Experience, Generator, simulate
from ecgsynth.denoiser import PRESETS, SPECTRUM, Denoiser
from recon import generation

GIVEN = ("I", "II")


def patients(n, seed):
    sim = simulate(n, diagnosis="any", fs=100, duration=12.0, seed=seed)
    entries = (
        datasets.Entry(f"{seed}/{k}", "simulated", Path(str(k)), lambda _, k=k: sim.record(k))
        for k in range(n)
    )
    return datasets.Dataset("Simulated", tuple(entries))


def held(generator, entries, level):
    """Share of the hidden leads' samples within the interval."""
    hidden = [leads.TWELVE.index(name) for name in leads.EIGHT if name not in GIVEN]
    shares = []
    for entry in entries:
        x = dsp.clean(entry.ecg.crop(0, 10).signal, 100)
        found = generator.posterior(dsp.ECG(x, 100, leads.TWELVE).select(*GIVEN), 8, seed=5)
        low, high = found.interval(level)
        shares.append(((low <= x) & (x <= high))[hidden].mean())
    return np.mean(shares)


def test_calibrated_intervals_hold_on_others():
    """Noise far too faint: a network that is far too sure of itself."""
    faint = Denoiser(**PRESETS["tiny"], spectrum=[[1e-3] * len(SPECTRUM)] * 8)
    generator, others = Generator(faint), patients(8, seed=2)
    raw = held(generator, others, 0.9)
    spread = generation.calibrate(generator, patients(8, seed=1), samples=8)
    assert [level for level, _ in spread] == list(generation.LEVELS)
    calibrated = held(generator, others, 0.9)
    assert raw < 0.6
    assert abs(calibrated - 0.9) < 0.07


def test_the_factors_are_kept_with_the_weights(tmp_path):
    generator = Generator.untrained()
    generator.denoiser.register_to_config(spread=((0.5, 1.5), (0.9, 3.0)))
    generator.save_pretrained(tmp_path)
    ecg = simulate(1, fs=100, seed=3).record(0).select(*GIVEN)
    found = Generator.from_pretrained(tmp_path).posterior(ecg, 4, steps=2)
    bare = Generator.untrained().posterior(ecg, 4, steps=2)
    assert found.spread == ((0.5, 1.5), (0.9, 3.0))
    for level, factor in ((0.3, 1.5), (0.7, 2.25), (0.99, 3.0)):
        widths = [one.interval(level)[1] - one.mean for one in (found, bare)]
        np.testing.assert_allclose(widths[0], factor * widths[1], atol=3e-3)


def test_nothing_to_calibrate_on_is_said():
    with pytest.raises(dsp.LengthError, match="none with ten seconds"):
        generation.calibrate(Generator.untrained(), datasets.Dataset("Nothing"))


def of_patients(n, seed):
    """Entries with statements and patients, each patient twice."""
    sim = simulate(n, diagnosis=["NORM", "CLBBB"] * (n // 2), fs=100, duration=12.0, seed=seed)
    entries = (
        datasets.Entry(
            f"s/{k}", "s", Path(str(k)), lambda _, k=k: sim.record(k), sim.labels[k], f"p{k // 4}"
        )
        for k in range(n)
    )
    return datasets.Dataset("Simulated", tuple(entries))


def test_nobody_is_shown_to_himself_and_simulated_patients_are_shown_nobody():
    entries = of_patients(8, seed=0)
    index = Experience.of(entries)
    taught = generation.lessons(entries, steps=10, size=6, experience=index)
    assert taught.tokens.shape == (8, 4, index.width)
    for (entry, _), tokens in zip(generation.windows(entries), taught.tokens, strict=True):
        others = [r for r in index.references if r.patient != entry.group]
        own = Experience(others).search(
            diagnoses=entry.labels, k=4, age=entry.ecg.meta["age"], sex=entry.ecg.meta["sex"]
        )
        np.testing.assert_allclose(own.tokens, tokens, atol=1e-6)
    batch = taught(10)
    there = ~batch["tokens"].isnan().any(2)
    real = batch["numbers"][:, -1] == 1
    assert 0 < real.sum() < 6
    assert (there.all(1) == real).all()
    assert (there.any(1) == real).all()
    plain = generation.lessons(entries, steps=10, size=6)(10)
    assert all((batch[name] == value).all() for name, value in plain.items() if name == "x8")


def test_a_generator_that_learned_with_experience_is_given_it(tmp_path):
    entries = of_patients(8, seed=0)
    index = Experience.of(entries)
    taught = generation.lessons(entries, steps=2, size=4, experience=index)
    generation.train(taught, run=tmp_path / "run").save_pretrained(tmp_path / "weights")
    generator = Generator.from_pretrained(tmp_path / "weights")
    assert generator.denoiser.config.tokens == index.width
    asked = {"diagnosis": "CLBBB", "duration": 2.0, "steps": 2}
    bare, shown = generator.generate(2, **asked), generator.generate(2, experience=index, **asked)
    assert not np.allclose(bare.signal, shown.signal)
    found = index.search(
        diagnoses=shown.labels[0],
        age=float(shown.parameters["age"][0]),
        sex="M" if shown.parameters["male"][0] > 0.5 else "F",
        k=4,
    )
    first = generator.generate(1, tokens=found.tokens, **asked)
    np.testing.assert_allclose(first.signal[0], shown.signal[0], atol=1e-5)
    with pytest.raises(dsp.LengthError, match="tokens of size 64"):
        Generator.untrained().generate(1, experience=index, **asked)
