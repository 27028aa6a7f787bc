"""Guidance: each method does what it says, alone and in company; and the physics and facts it stands on."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import dsp
from dsp import leads
from ecgsynth import dipole, guidance, physics, simulate
from ecgsynth.generation import Sampling
from ecgsynth.generator import Generator
from ecgsynth.given import Given
from ecgsynth.patients import patients
from ecgsynth.physics import Physics


@pytest.fixture(scope="module")
def space():
    heart = patients(3, diagnosis="any", rhythm="SR").heart.tensors()
    return Physics(physics.courses(heart, 100, 500), physics.sizes(heart))


def as_it_is(noisy, _t):
    return noisy


def test_courses_and_sizes_are_the_simulator():
    batch = patients(4, diagnosis="any", rhythm=["SR", "PVC", "AFIB", "1AVB"])
    heart = batch.heart.map(lambda name, x: 0 * x if name in {"tilt", "flutter"} else x).tensors()
    x8 = dipole.eight_leads(heart, 250, 2500)
    linear = physics.sizes(heart) @ physics.courses(heart, 250, 2500)
    # Gaussians below 1e-4 of their peak are cut in both, one by one.
    assert float((x8 - linear).abs().max()) < 1e-4


def test_fit_explains_the_simulator_and_tightness_holds_it(space):
    own = space.prior @ space.courses
    assert float(space.energy(own).max()) < 1e-9
    other = own + 0.3 * space.courses[:, 3:4]
    loose, tight = (Physics(space.courses, space.prior, k).energy(other) for k in (1e-4, 1e3))
    assert (loose < 1e-2 * tight).all()
    np.testing.assert_allclose(tight, (other - own).square().mean((1, 2)), rtol=0.02)


def test_energy_has_the_right_gradient(space):
    doubled = Physics(space.courses.double(), space.prior.double(), 0.1)
    x = torch.randn(3, 8, 500, dtype=torch.float64, requires_grad=True)
    direction = torch.randn_like(x)
    (slope,) = torch.autograd.grad(doubled.energy(x).sum(), x)
    h = 1e-5
    with torch.no_grad():
        change = (doubled.energy(x + h * direction) - doubled.energy(x - h * direction)).sum()
    np.testing.assert_allclose(float(change) / (2 * h), float((slope * direction).sum()), rtol=1e-6)


@pytest.mark.parametrize("schedule", guidance.SCHEDULES)
def test_simulator_lowers_the_energy_with_its_strength(space, schedule):
    x = space.prior @ space.courses + 0.1 * torch.randn(3, 8, 500)
    energies = [
        space.energy(guidance.Simulator(space, s, schedule)(as_it_is)(x, 0.5)).sum().item()
        for s in (0.0, 0.25, 0.5, 1.0)
    ]
    assert energies == sorted(energies, reverse=True)
    assert energies[3] < 0.7 * energies[0]


def test_guided_samples_obey_with_strength():
    """Over whole runs, with the diversity it costs: the spread of samples of one request."""
    gen = Generator.untrained()
    energies, spreads = [], []
    for strength in (0.0, 0.3, 0.6, 0.9):
        options = Sampling(steps=4, strength=strength, schedule="constant")
        new = gen.generate(4, heart_rate=70, rhythm="SR", options=options)
        heart = patients(4, rhythm="SR", parameters={"heart_rate": 70}).heart.tensors()
        space = Physics(physics.courses(heart, 100, 1000), physics.sizes(heart), options.tightness)
        x8 = torch.from_numpy(new.signal[:, [0, 1, *range(6, 12)]])
        energies.append(float(space.energy(x8).mean()))
        spreads.append(float(new.signal.std(0).mean()))
    assert energies == sorted(energies, reverse=True)
    assert energies[-1] < 0.2 * energies[0]
    assert spreads[-1] < spreads[0]


def test_classifier_free_extrapolates():
    def nothing(noisy, _t):
        return 0 * noisy

    x = torch.randn(2, 8, 20)
    for scale in (0.0, 1.0, 3.0):
        out = guidance.ClassifierFree(nothing, scale)(as_it_is)(x, 0.3)
        np.testing.assert_allclose(out, scale * x, atol=1e-6)


def test_gradient_goes_downhill_through_the_predictor(space):
    def predict(noisy, _t):
        return 0.5 * torch.tanh(noisy)

    x = torch.randn(3, 8, 500)
    before = space.energy(predict(x, 0.5))
    after = space.energy(guidance.Gradient(space.energy, 0.05)(predict)(x, 0.5))
    assert (after < before).all()
    with torch.inference_mode(False), torch.no_grad():
        guidance.Gradient(space.energy, 0.05)(predict)(x, 0.5)  # needs no caller's gradients


NAMES = st.lists(st.sampled_from(leads.TWELVE), min_size=1, max_size=12, unique=True)


@settings(max_examples=30, deadline=None)
@given(names=NAMES, seed=st.integers(0, 99))
def test_projection_holds_all_facts_and_is_nearest(names, seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(8, 40))
    values = leads.twelve(truth)[[leads.TWELVE.index(name) for name in names]].copy()
    values[:, 10:20][rng.random((len(names), 10)) < 0.5] = np.nan
    facts = Given(values, tuple(names))
    start = torch.from_numpy(rng.normal(size=(3, 8, 40)))
    out = guidance.Projection(facts)(as_it_is)(start, 0.5).numpy()
    known = np.isfinite(values)
    seen = leads.twelve(out)[:, [leads.TWELVE.index(name) for name in names]]
    assert np.abs((seen - values)[:, known]).max(initial=0) < 1e-5  # float32 of the values
    again = facts.project(out)
    np.testing.assert_allclose(again, out, atol=1e-6)
    for p in facts.patterns:  # nothing moved that the facts say nothing of
        moved = (out - start.numpy())[..., p.samples]
        free = np.eye(8) - p.inverse @ p.matrix
        assert np.abs(np.einsum("kl,nlt->nkt", free, moved)).max() < 1e-5
    x8, mask = facts.eight()
    assert np.abs((x8 - truth)[mask > 0]).max(initial=0) < 1e-4


def test_sketch_is_exact_where_known_and_learns_from_the_patient():
    sim = simulate(1, fs=100, seed=5).signal[0]
    population = np.cov(simulate(40, fs=100, diagnosis="any").signal[:, [0, 1, *range(6, 12)]]
                        .transpose(1, 0, 2).reshape(8, -1))  # fmt: skip
    x8 = sim[[0, 1, *range(6, 12)]]
    gap = x8.copy()
    gap[4, 300:600] = np.nan
    own = Given(gap, leads.EIGHT).sketch(population)
    assert np.array_equal(own[np.isfinite(gap)], gap[np.isfinite(gap)])
    rest = np.delete(x8, 4, axis=0)
    names = tuple(name for name in leads.EIGHT if name != "V3")
    stranger = Given(rest, names).sketch(population)

    def error(found):
        return float(np.square(found[4, 300:600] - x8[4, 300:600]).mean())

    assert error(own) < 0.25 * error(stranger)
    trust = Given(gap, leads.EIGHT).trust(population)
    assert trust[4, 300:600].min() > 0.5
    assert trust.max() <= 1
    assert not trust[np.isfinite(gap)].any()
    assert not Given(rest, names).trust(population).any()


def test_nothing_given_is_an_error():
    with pytest.raises(dsp.SignalError, match="flat or missing"):
        Given(np.zeros((2, 50), np.float32), ("I", "II")).require_signal()
    with pytest.raises(dsp.LeadError, match="not among the twelve"):
        Given.of(dsp.ECG(np.zeros((1, 500)), 500, ["MLII"]))


def test_guidances_combine_in_any_order(space):
    facts = Given(np.ones((1, 500), np.float32), ("V4",))
    by = [
        guidance.Simulator(space, 0.5),
        guidance.Baseline(),
        guidance.Gradient(space.energy, 0.01),
        guidance.ClassifierFree(as_it_is, 2.0),
        guidance.Projection(facts),
    ]
    x = torch.randn(3, 8, 500)
    for order in (by, by[::-1]):
        out = guidance.guided(as_it_is, order)(x, 0.4)
        assert out.shape == x.shape
        assert torch.isfinite(out).all()
    assert float((guidance.guided(as_it_is, by)(x, 0.4)[:, 5] - 1).abs().max()) < 1e-6
