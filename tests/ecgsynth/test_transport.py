"""Transport: the population afterwards, what stays, and that it is the least change."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import dsp
from dsp import datasets
from ecgsynth import physics, simulate
from ecgsynth.denoiser import Denoiser
from ecgsynth.generation import Sampling
from ecgsynth.generator import Generator
from ecgsynth.pairs import Window
from ecgsynth.patients import patients
from ecgsynth.prompts import part_of
from ecgsynth.retime import simulation_of
from ecgsynth.transport import PARTS, SIZES, Transport, carried, usual
from recon import generation


def population(seed, n=4000):
    rng = np.random.default_rng(seed)
    mixing = np.eye(SIZES) + 0.05 * rng.normal(size=(SIZES, SIZES))
    return rng.normal(size=SIZES) + rng.normal(size=(n, SIZES)) @ mixing.T


@pytest.fixture(scope="module")
def away():
    return Transport.between(population(0), population(1) / 3)


@pytest.fixture(scope="module")
def bundled():
    return Generator.from_pretrained().denoiser.transport


def test_the_goal_is_the_real_population(away):
    simulated, real = population(0), population(1) / 3
    found = away(simulated)
    assert np.allclose(found.mean(axis=0), real.mean(axis=0), atol=1e-9)
    # Short of it by what is lent to the simulated, and shrunk of the real, covariance.
    assert np.allclose(found.std(axis=0), real.std(axis=0), rtol=0.05)
    apart = np.corrcoef(found.T) - np.corrcoef(real.T)
    assert np.abs(apart).max() < 0.12


def test_it_is_the_least_change(bundled, away):
    """A map between normal distributions is the cheapest if it is symmetric and positive (Brenier)."""
    for one in (bundled, away):
        values = np.linalg.eigvals(one.turn)
        assert np.abs(values.imag).max() < 1e-3 * np.abs(values).max()
        assert values.real.min() > 0


def test_equal_populations_stay():
    one = Transport.between(population(0), population(0))
    assert np.abs(one.turn - np.eye(SIZES)).max() < 0.1
    assert np.allclose(one.origin, one.goal)


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 1000),
    diagnosis=st.sampled_from(["NORM", "CLBBB", "AMI", "WPW", "LVH"]),
    rhythm=st.sampled_from(["SR", "AFIB", "PVC", "PACE"]),
)
def test_rhythm_and_intervals_stay(bundled, seed, diagnosis, rhythm):
    batch = patients(3, seed=seed, diagnosis=diagnosis, rhythm=rhythm)
    before = batch.heart.waves["QRS"].residual.copy()
    moved = bundled.carry(batch)
    assert (batch.heart.waves["QRS"].residual == before).all()
    assert moved.rhythm is batch.rhythm
    for name in ("pr", "p_duration", "qrs", "qt"):
        assert (getattr(moved.heart, name) == getattr(batch.heart, name)).all()
    qrs = moved.marks["QRS"][:, 0]
    assert np.allclose(np.nanmin(qrs[..., 0], axis=1), 0, atol=1e-9)
    assert np.allclose(np.nanmax(qrs[..., 2], axis=1), 1, atol=1e-9)
    assert np.allclose(usual(moved.heart), bundled(usual(batch.heart)), atol=1e-5)
    rest = [i for i in range(2 * physics.PARTS) if i not in PARTS]
    own, now = (physics.sizes(each.heart.tensors())[..., rest] for each in (batch, moved))
    assert torch.allclose(own, now, atol=1e-6)


def test_the_r_peaks_are_where_they_were(bundled):
    asked = simulate(20, heart_rate=70, fs=500)
    new = carried(asked, bundled)
    for own, now, x in zip(asked.r_peaks, new.r_peaks, new.signal, strict=True):
        assert (own == now).all()
        size = np.sqrt((np.diff(x, axis=1) ** 2).sum(axis=0))
        assert all(size[max(r - 20, 0) : r + 20].max() > np.quantile(size, 0.9) for r in now)
        found = dsp.r_peaks(x, 500)
        inside = now[(now > 100) & (now < 4900)]
        assert all(np.abs(found - r).min() <= 15 for r in inside)


def test_each_patient_alone(bundled):
    batch = patients(4, diagnosis="any")
    whole = bundled.carry(batch)
    for k in range(4):
        alone = bundled.carry(part_of(batch, slice(k, k + 1)))
        assert np.allclose(usual(alone.heart)[0], usual(whole.heart)[k], atol=1e-6)
        assert np.allclose(
            alone.heart.events["beats"].time[0], whole.heart.events["beats"].time[k], atol=1e-9
        )


def test_nobody_known_moves_nobody():
    x = np.random.default_rng(0).normal(size=(8, 500)).astype(np.float32)
    fibrillating = Window(x, np.arange(0.5, 5, 0.7), {}, ("AFIB",))
    assert (Transport.of([fibrillating] * 5, 100).turn == np.eye(SIZES)).all()


def test_it_finds_a_population_that_was_moved():
    """Patients of the simulator with QRS twice the size: the map doubles a QRS, and leaves T."""
    sim = simulate(60, fs=100, rhythm="SR", seed=3)
    windows = []
    for k in range(60):
        batch = part_of(sim.batches[0], slice(k, k + 1))
        heart = batch.heart
        qrs = heart.waves["QRS"]
        loud = dataclasses.replace(qrs, vector=2 * qrs.vector, residual=2 * qrs.residual)
        loud = dataclasses.replace(
            batch, heart=dataclasses.replace(heart, waves={**heart.waves, "QRS": loud})
        )
        x8 = simulation_of([loud], 100, 1000).signal[0][[0, 1, *range(6, 12)]]
        times = sim.r_peaks[k] / 100
        numbers = {
            name: float(sim.parameters[name][k]) for name in ("pr", "p_duration", "qrs", "qt")
        }
        windows.append(Window(x8.astype(np.float32), times, numbers, ("SR",)))
    found = Transport.of(windows, 100.0)
    others = usual(patients(200, seed=9).heart).reshape(-1, 8, len(PARTS))
    moved = found(others.reshape(-1, SIZES)).reshape(others.shape)
    size = [np.sqrt((each**2).mean(axis=(0, 1))) for each in (others, moved)]
    ratio = size[1] / size[0]
    assert 1.6 < ratio[2] < 2.4  # the free wall, the largest part of the QRS
    assert 0.7 < ratio[10] < 1.3  # T


def test_what_was_asked_stays_asked():
    gen = Generator.from_pretrained()
    asked = {"heart_rate": 75, "diagnosis": "LVH", "duration": 5.0, "seed": 3}
    new, plain = (
        gen.generate(3, options=Sampling(steps=1, carry=c), **asked) for c in (True, False)
    )
    assert all((a == b).all() for a, b in zip(new.r_peaks, plain.r_peaks, strict=True))
    assert new.labels == plain.labels
    for name, values in plain.parameters.items():
        assert (new.parameters[name] == values).all()
    assert np.abs(new.signal - plain.signal).max() > 0.05
    own = gen.generate(3, options=Sampling(mode="simulator"), **asked).signal
    assert (own == simulate(3, fs=100, **asked).signal).all()


@pytest.mark.slow
def test_other_patients_are_nearer_too(data, bundled):
    """Recordings that the transport was not found on: heights and depths of the eight leads."""
    _, others = generation.split(datasets.twelve_lead(data))
    windows = [window for _, window in generation.windows(others[:60])]
    x8 = np.stack([window.x8 for window in windows])
    sim = simulate(300, diagnosis="any", fs=100, seed=5)

    def extent(x):
        middle = np.median(x, axis=-1, keepdims=True)
        return np.median(np.quantile(x - middle, [0.005, 0.995], axis=-1), axis=1)

    rows = [0, 1, *range(6, 12)]
    plain, moved = (
        np.abs(extent(each.signal[:, rows]) - extent(x8)).mean()
        for each in (sim, carried(sim, bundled))
    )
    assert moved < 0.7 * plain


def test_it_travels_with_the_network(tmp_path, away):
    net = Denoiser()
    assert (net.transport.turn == np.eye(SIZES)).all()
    net.transport = away
    Generator(net).save_pretrained(tmp_path)
    back = Generator.from_pretrained(tmp_path).denoiser.transport
    assert np.allclose(back.turn, away.turn, atol=2e-3)
    assert np.allclose(back.goal, away.goal, atol=2e-3)
