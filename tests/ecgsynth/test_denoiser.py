"""Denoiser: its loss, its conditions, its laws, and every diffusers scheduler it is meant for."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch

import dsp
from ecgsynth import pairs, sampling
from ecgsynth.conditions import NUMBERS, Conditions, numbers_as_rows, statements_as_rows
from ecgsynth.denoiser import OBJECTIVES, PRESETS, TERMS, Denoiser
from ecgsynth.statements import VOCABULARY, canonical

SMALL = {"levels": ((16, 20, 100), (24, 80, 240)), "depth": 1, "width": 16}
LENGTH = 300


def denoiser(seed=0, **options):
    """A small network in which every gate is open, so that everything it is told matters."""
    torch.manual_seed(seed)
    net = Denoiser(**{**SMALL, **options})
    with torch.no_grad():
        for parameter in net.parameters():
            if not parameter.any():
                parameter.normal_(std=0.1)
    return net.eval()


@pytest.fixture(scope="module")
def batch():
    return pairs.simulated(6, LENGTH, 100.0, np.eye(8) + 0.5, seed=3)


def told(n=2, **options):
    blank = Conditions.nothing(n, LENGTH, tokens=64)
    return dataclasses.replace(blank, **options)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_laws_are_inverse_and_linear_guesses_are_best(objective):
    row = OBJECTIVES[objective]
    t = torch.linspace(0.05, 0.98, 12)[:, None]
    law = row.law(t)
    signal, noise = torch.randn(2, 12, 4000, generator=torch.Generator().manual_seed(0))
    noisy, target = law.a * signal + law.b * noise, law.p * signal + law.q * noise
    size = noisy.abs().amax(1, keepdim=True)
    assert ((law.clean(noisy, target) - signal).abs() / size).max() < 1e-3  # float32
    assert ((law.output(noisy, signal) - target).abs() / target.std(1, keepdim=True)).max() < 0.02
    for loud in (0.1, 1.0, 3.0):
        signal_, target = loud * signal, law.p * loud * signal + law.q * noise
        factor, left = law.linear(loud)
        rest = target - factor * (law.a * signal_ + law.b * noise)
        assert (rest.std(1, keepdim=True) / left - 1).abs().max() < 0.05  # of 4000 draws
        other, _ = law.linear(1.5 * loud)
        worse = target - other * (law.a * signal_ + law.b * noise)
        assert (rest.std(1) <= 1.002 * worse.std(1)).all()  # of 4000 draws
    np.testing.assert_allclose(row.time(row.timestep(t)), t, atol=1e-4)
    u = row.draw(torch.rand(500))
    assert 0 <= u.min() < u.max() <= 1


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("bridge", [True, False])
def test_loss_reaches_every_parameter(batch, objective, bridge):
    net = denoiser(objective=objective, bridge=bridge, terms=dict.fromkeys(TERMS, 0.1)).train()
    batch = batch | {"tokens": torch.randn(6, 2, 64)}
    torch.manual_seed(1)
    terms = net.loss(batch)
    assert set(terms) == {"loss", "match", *TERMS}
    terms["loss"].backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("term", ["physics", "euler"])
def test_physics_alone_trains_the_network(batch, term):
    torch.manual_seed(0)
    net = Denoiser(**SMALL, terms={term: 1.0})

    def residual():
        torch.manual_seed(7)  # the same times and noise each time
        return net.loss(batch)[term]

    residual().backward()
    assert max(float(p.grad.abs().max()) for p in net.parameters() if p.grad is not None) > 0
    with torch.no_grad():
        before = float(residual())
    step = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(50):
        step.zero_grad()
        residual().backward()
        step.step()
    with torch.no_grad():
        assert float(residual()) < 0.7 * before


def test_terms_vanish_where_they_should(batch):
    x, clean = batch["x8"], batch["prior"] @ batch["courses"]
    assert TERMS["aligned"](x, x, batch, 100.0).max() == 0
    assert TERMS["spectral"](x, x, batch, 100.0).max() == 0
    for name in ("physics", "euler"):
        of_itself = TERMS[name](clean, clean, batch, 100.0)
        disturbed = TERMS[name](clean + 0.1 * torch.randn_like(clean), clean, batch, 100.0)
        assert (of_itself < 0.02 * disturbed).all()  # ridge of the fit


def test_every_condition_matters_and_may_be_unknown():
    net = denoiser()
    x = torch.randn(2, 8, LENGTH)
    eight = torch.randn(2, 8, LENGTH)
    cases = {
        "sketch": eight,
        "given": eight,
        "mask": torch.ones(2, 8, LENGTH),
        "phase": torch.randn(2, 2, LENGTH),
        "statements": statements_as_rows([["AMI"], ["CLBBB", "SR"]]),
        "text": torch.randn(2, 64),
        "tokens": torch.randn(2, 3, 64),
    }
    with torch.no_grad():
        blank = net(x, 400.0, told()).sample
        assert torch.equal(net(x, 400.0).sample, blank)
        for name, value in cases.items():
            assert not torch.allclose(net(x, 400.0, told(**{name: value})).sample, blank), name
        for name in NUMBERS:
            numbers = numbers_as_rows(2, {name: 0.7})
            assert not torch.allclose(net(x, 400.0, told(numbers=numbers)).sample, blank), name
        hidden = told(**cases).unknown()
        seen = told(**{k: cases[k] for k in ("sketch", "given", "mask", "phase")})
        np.testing.assert_allclose(
            net(x, 400.0, hidden).sample, net(x, 400.0, seen).sample, atol=1e-5
        )


def test_a_batch_is_as_each_alone():
    net = denoiser()
    x, t = torch.randn(3, 8, LENGTH), torch.tensor([100.0, 500.0, 900.0])
    conditions = told(3, statements=statements_as_rows([["AMI"], [], ["SR", "LVH"]]))
    with torch.no_grad():
        together = net(x, t, conditions).sample
        for k in range(3):
            alone = net(x[k : k + 1], t[k], conditions.rows(slice(k, k + 1))).sample
            np.testing.assert_allclose(together[k : k + 1], alone, atol=2e-5)


@pytest.mark.parametrize(("fs", "n_samples"), [(100, 1000), (250, 2500), (500, 4999), (100, 37)])
def test_any_rate_and_length(fs, n_samples):
    net = denoiser(fs=float(fs))
    assert net(torch.randn(1, 8, n_samples), 10.0).sample.shape == (1, 8, n_samples)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_begin_as_the_best_linear_guess(preset):
    with torch.random.fork_rng():
        net = Denoiser(**PRESETS[preset])
    x = torch.randn(1, 8, 128)
    with torch.no_grad():
        out = net(x, 500.0).sample
    factor, _ = net.law(torch.tensor([0.5])).linear()
    np.testing.assert_allclose(out, factor * x, atol=1e-5)


def test_noise_has_the_spectrum_asked_for_and_can_be_made_white_again():
    rows = np.tile(np.linspace(0.3, 0.01, 26), (8, 1)) * np.arange(1, 9)[:, None]
    net = denoiser(spectrum=rows.tolist())
    white = torch.randn(400, 8, 500)
    noise = net.colour(white)
    np.testing.assert_allclose(net.whiten(noise), white, atol=1e-3)  # float32, a range of 30
    power = torch.fft.rfft(noise, norm="ortho").abs().square().mean(0).sqrt()
    wanted = rows[:, [5, 20]]
    np.testing.assert_allclose(power[:, [50, 200]], wanted, rtol=0.1)  # of 400 draws
    for wrong in ([[1.0] * 26], (rows * 0).tolist()):
        with pytest.raises(dsp.SignalError, match="spectrum"):
            Denoiser(spectrum=wrong)


def test_save_and_load(tmp_path):
    net = denoiser(objective="v", covariance=np.eye(8).tolist(), terms={"physics": 0.5})
    net.save_pretrained(tmp_path)
    again = Denoiser.from_pretrained(tmp_path)
    x = torch.randn(1, 8, LENGTH)
    with torch.no_grad():
        # Weights are equal; where they lie in memory decides the last bit of a convolution.
        np.testing.assert_allclose(net(x, 3.0).sample, again(x, 3.0).sample, atol=1e-6)
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in net.state_dict().items())
    assert again.config.covariance == np.eye(8).tolist()
    assert {p.suffix for p in tmp_path.iterdir()} == {".json", ".safetensors"}


def test_unknown_names_are_errors():
    with pytest.raises(dsp.SignalError, match="objective 'score'"):
        Denoiser(objective="score")
    with pytest.raises(dsp.SignalError, match="beauty"):
        Denoiser(terms={"beauty": 1.0})
    with pytest.raises(dsp.SignalError, match="shoe_size"):
        numbers_as_rows(1, {"shoe_size": 44})


def test_statements_have_one_vocabulary():
    assert len(VOCABULARY) == len(set(VOCABULARY))
    assert canonical(["i degree av block", "Iii degree av-block"]) == ("1AVB", "3AVB")
    assert canonical(["Incomplete right bundle branch block", "713427006"]) == ("IRBBB", "CRBBB")


FLOW = {"prediction_type": "flow_prediction", "use_flow_sigmas": True}
COSINE = {"prediction_type": "v_prediction", "beta_schedule": "squaredcos_cap_v2"}
SCHEDULERS = {
    "flow": {
        "FlowMatchEulerDiscreteScheduler": {},
        "FlowMatchHeunDiscreteScheduler": {},
        "DPMSolverMultistepScheduler": FLOW,
        "UniPCMultistepScheduler": FLOW,
    },
    "v": {
        "DDPMScheduler": COSINE | {"clip_sample": False},
        "DDIMScheduler": COSINE | {"clip_sample": False},
        "PNDMScheduler": COSINE | {"skip_prk_steps": True},
        "DEISMultistepScheduler": COSINE,
        "SASolverScheduler": COSINE,
        "DPMSolverSinglestepScheduler": COSINE,
        "EulerDiscreteScheduler": COSINE,
        "EulerAncestralDiscreteScheduler": COSINE,
        "HeunDiscreteScheduler": COSINE,
        "LMSDiscreteScheduler": COSINE,
        "KDPM2DiscreteScheduler": COSINE,
    },
    "edm": {"EDMEulerScheduler": {"sigma_data": 1.0}},
}
PAIRS = [(o, name, options) for o, names in SCHEDULERS.items() for name, options in names.items()]


def test_enough_schedulers():
    assert len({name for _, name, _ in PAIRS}) >= 10


@pytest.mark.parametrize(("objective", "name", "options"), PAIRS, ids=[p[1] for p in PAIRS])
def test_schedulers_arrive_at_what_is_predicted(objective, name, options):
    """A predictor that knows the signal must be led to it, whatever the scheduler."""
    import diffusers

    net = denoiser(objective=objective)
    wanted = net.colour(torch.randn(2, 8, 64, generator=torch.Generator().manual_seed(0)))
    noise = sampling.noise_of(0, 0, 2, 64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # diffusers' own, about its configuration
        scheduler = getattr(diffusers, name)(**options)
        found = sampling.sample(
            net, lambda noisy, t: wanted, noise, 0 * wanted, steps=12, scheduler=scheduler
        )
    # Mixtures differ by what the schedulers' last, small noise leaves.
    assert float((found - wanted).std() / wanted.std()) < 0.05
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predict = sampling.predictor(net, net.no_conditions(2, 64))
        out = sampling.sample(net, predict, noise, 0 * wanted, steps=3, scheduler=scheduler)
    assert out.shape == (2, 8, 64)
    assert torch.isfinite(out).all()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_own_steps_arrive_at_what_is_predicted(objective):
    net = denoiser(objective=objective)
    wanted, heard = net.colour(torch.randn(1, 8, 50)), []
    found = sampling.sample(
        net, lambda noisy, t: wanted, torch.randn(1, 8, 50), 0 * wanted, steps=4,
        on_step=lambda k, t, x: heard.append((k, t)),
    )  # fmt: skip
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert [k for k, _ in heard] == [0, 1, 2, 3]
    assert heard[-1][1] == 0
    with pytest.raises(dsp.LengthError, match="steps=0"):
        sampling.sample(net, lambda noisy, t: wanted, wanted, wanted, steps=0)
