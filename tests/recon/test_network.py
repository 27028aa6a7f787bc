"""The network on the Gaussian: what is exact stays exact, whatever the weights are."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import basis_sets, ecg, lead_sets, patient, rates

import dsp
import recon
from dsp import leads
from ecgsynth import pretrained
from recon import weights
from recon.lessons import Lessons, view
from recon.network import PRESETS, Belief, Network, project
from recon.population import Cohort
from recon.predictor import Predictor
from recon.voting import Voting

TO_ROUNDING = 1e-6  # mV; float32 of a few mV
ALONE = 1e-5  # mV; convolutions of one window and of many round differently
SEAM = 1e-4  # mV


def wild(**options):
    """A network that has learned something, if only noise."""
    torch.manual_seed(0)
    network = Network(**{**PRESETS["tiny"], **options})
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.05 * torch.randn_like(value))
    return network.eval()


MODEL = recon.Reconstructor(Predictor(weights.load("gaussian").model, wild()))


def run(names, x):
    return MODEL.estimate(x, 500, names)


@given(lead_sets)
@settings(max_examples=12)
def test_algebra_holds_and_given_leads_pass_through(names):
    record = ecg(3.0, given=names)
    out = MODEL.predict(record)
    assert np.abs(leads.residual(out.ecg.signal)).max() <= TO_ROUNDING
    for lead in names:
        np.testing.assert_array_equal(out.ecg[lead], record[lead])
    known = [source != "inferred" for source in out.source.values()]
    assert out.std[known].max(initial=0) < 1e-3 * np.abs(record.signal).max()
    assert (out.std[np.logical_not(known)] > 0).all()


def test_it_does_something():
    record = ecg(given=("I",))
    plain = recon.Reconstructor.from_pretrained("gaussian").predict(record).ecg
    assert np.abs(MODEL.predict(record).ecg["V2"] - plain["V2"]).max() > 0.05


def test_a_new_network_is_the_gaussian():
    record = ecg(given=("I", "V3"))
    torch.manual_seed(1)
    new = recon.Reconstructor(Predictor(MODEL.model, Network(**PRESETS["tiny"]).eval()))
    plain = recon.Reconstructor.from_pretrained("gaussian").predict(record).ecg
    np.testing.assert_allclose(new.predict(record).ecg.signal, plain.signal, atol=1e-5)


@given(basis_sets, st.floats(0.01, 10), st.randoms(use_true_random=False))
@settings(max_examples=12)
def test_order_and_gain(names, gain, random):
    x = patient(4.0)[0][[leads.TWELVE.index(name) for name in names]]
    mean, std = run(names, x)
    order = list(range(len(names)))
    random.shuffle(order)
    again, _ = run([names[i] for i in order], x[order])
    np.testing.assert_allclose(mean, again, atol=1e-4)
    more, more_std = run(names, np.float32(gain) * x)
    np.testing.assert_allclose(more, gain * mean, rtol=1e-3, atol=1e-4 * gain)
    np.testing.assert_allclose(more_std, gain * std, rtol=1e-2, atol=1e-4 * gain)


@pytest.mark.parametrize("pair", [("aVR", "aVF"), ("II", "III"), ("I", "aVL"), ("III", "aVR")])
def test_two_limb_leads_are_as_good_as_any_other_two(pair):
    x, _ = patient()
    rows = [leads.TWELVE.index(name) for name in pair]
    a, b = run(("I", "II"), x[:2])[0], run(pair, x[rows])[0]
    np.testing.assert_allclose(a, b, atol=1e-4)


def test_batch_is_single():
    x = patient()[0][None, :3] * np.linspace(0.3, 3, 40)[:, None, None].astype("f4")
    names = ("I", "II", "III")
    together, std = run(names, x)
    for k in (0, 17, 39):
        alone, alone_std = run(names, x[k])
        np.testing.assert_allclose(together[k], alone, atol=ALONE)
        np.testing.assert_allclose(std[k], alone_std, rtol=1e-4, atol=ALONE)


def test_unseen_leads_have_no_influence():
    x8 = patient()[0][[0, 1, 6, 7, 8, 9, 10, 11]][:, ::5][None]
    other = x8.copy()
    other[:, 2:] = 7.0
    a, b = (MODEL.predictor.predict12(x, ("I", "II")) for x in (x8, other))
    for one, two in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, two)


@given(rates, st.floats(1.0, 19))
@settings(max_examples=10)
def test_any_rate_and_length(fs, seconds):
    record = ecg(seconds, fs, given=("II", "V5"))
    out = MODEL.predict(record)
    assert out.ecg.signal.shape == out.std.shape == (12, record.signal.shape[1])
    assert np.isfinite(out.ecg.signal).all()
    assert np.isfinite(out.std).all()


@pytest.mark.parametrize("seconds", [7.0, 23.7])
def test_a_stream_is_the_whole(seconds):
    record = ecg(100.0, given=("I", "V2"))
    whole = MODEL.predict(record)
    parts = list(MODEL.stream(record, seconds))
    mean = np.concatenate([part.ecg.signal for part in parts], axis=1)
    std = np.concatenate([part.std for part in parts], axis=1)
    np.testing.assert_allclose(mean, whole.ecg.signal, atol=SEAM)
    np.testing.assert_allclose(std, whole.std, atol=SEAM)


def test_windows_fade_without_a_seam():
    """Where windows meet, the step is no larger than the signal's own steps are elsewhere."""
    out = MODEL.predict(ecg(60.0, given=("I",))).ecg
    step = np.abs(np.diff(out.signal[6:].astype(float), n=2, axis=1))
    borders = [round(500 * (8 * k + s)) for k in range(1, 7) for s in (0, 2)]
    near = np.stack([step[:, b - 2 : b + 2].max(axis=1) for b in borders], axis=1)
    assert (near.max(axis=1) <= 1.05 * step.max(axis=1)).all()


def test_a_gap_stays_a_gap():
    record = ecg(given=("I", "II", "V2"))
    x = record.signal.copy()
    x[2, 1000:2000] = np.nan
    x[:, 3000:3100] = np.nan
    out = MODEL.predict(dsp.ECG(x, 500, record.leads))
    assert np.isnan(out.ecg["V2"][1000:2000]).all()
    assert np.isfinite(out.ecg["V3"][:3000]).all()
    assert np.isnan(out.ecg.signal[:, 3000:3100]).all()
    assert np.isfinite(out.ecg["V3"][3100:]).all()


def test_save_and_load(tmp_path):
    weights.save(MODEL.predictor, tmp_path)
    again = recon.Reconstructor.from_pretrained(tmp_path)
    record = ecg(given=("I",))
    a, b = MODEL.predict(record), again.predict(record)
    # Sixteen bits keep three digits of a weight.
    np.testing.assert_allclose(a.ecg.signal, b.ecg.signal, atol=0.02)
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(dsp.ECGError, match="holds no Network"):
        recon.Reconstructor.from_pretrained(tmp_path)
    with pytest.raises(dsp.ECGError, match="no model 'nonsense'; bundled are"):
        recon.Reconstructor.from_pretrained("nonsense")
    with pytest.raises(dsp.ECGError, match="describes 'Network'"):
        pretrained.load(torch.nn.Linear, tmp_path)


def test_the_variance_is_that_of_the_algebra():
    """Against samples of the error drawn from the stated covariance."""
    torch.manual_seed(0)
    onto = torch.zeros(8, 8)
    onto[:2, :2] = torch.tensor([[0.2, -0.4], [-0.4, 0.8]])  # aVF alone
    onto[4, 4] = 1.0
    present = torch.cat([onto.diagonal(), onto[0, 1:2]])[None, :, None]
    own, common = torch.rand(1, 8, 1) + 0.1, torch.randn(1, 3, 8, 1)
    noise = own * torch.randn(1, 8, 200_000) + torch.einsum(
        "brit,brs->bis", common, torch.randn(1, 3, 200_000)
    )
    error = (torch.eye(8) - onto) @ noise[0]
    torch.testing.assert_close(project(noise, present)[0], error)
    twelve = torch.tensor(leads.EIGHT_TO_TWELVE, dtype=torch.float32) @ error
    belief = Belief(own, own, project(common, present), present)
    torch.testing.assert_close(
        belief.variance12()[0, :, 0], twelve.var(dim=1), rtol=0.02, atol=1e-6
    )


def test_the_likelihood_is_that_of_a_multivariate_normal():
    from recon.network import _EVERY, _likelihood

    torch.manual_seed(0)
    present = torch.zeros(1, 9, 1)
    present[:, [0, 3]] = 1
    own, common = torch.rand(1, 8, 1) + 0.1, torch.randn(1, 3, 8, 1)
    belief = Belief(own, own, project(common, present), present)
    error = project(torch.randn(1, 8, 1), present)
    hidden = [1, 2, 4, 5, 6, 7]
    f = common[0, :, hidden, 0]
    covariance = torch.diag(own[0, hidden, 0] ** 2) + f.T @ f
    normal = torch.distributions.MultivariateNormal(torch.zeros(6), covariance)
    expected = -normal.log_prob(error[0, hidden, 0]) - 3 * np.log(2 * np.pi)
    assert _EVERY >= 1
    torch.testing.assert_close(_likelihood(error, belief, torch.ones(1)), expected / 6)


def test_lessons_are_pure_and_a_patient_never_votes_on_himself():
    cohort = Cohort.simulated(12)
    voting = Voting(cohort.gaussian())
    nobody = np.zeros((len(cohort.windows), 12), bool)
    made = Lessons(cohort.windows, cohort.kin(cohort.patients), nobody, voting, size=8)
    a, b = made(3), made(3)
    for name in a:
        assert torch.equal(a[name], b[name])
    assert not torch.equal(a["truth"], made(4)["truth"])
    x, names = cohort.windows[:2], ("I", "II", "V2")
    alone = Voting(cohort.part(np.arange(2, 12)).gaussian())
    without = np.zeros((2, 12), bool)
    without[:, :2] = True
    mean = view(voting, x, names, without)["mean"]
    # Shrinkage to a population of twelve or of ten differs a little.
    np.testing.assert_allclose(mean, view(alone, x, names)["mean"], atol=0.15)


def test_gradients_reach_every_weight():
    cohort = Cohort.simulated(8)
    made = Lessons(
        cohort.windows,
        cohort.kin(cohort.patients),
        cohort.kin(cohort.patients),
        Voting(cohort.gaussian()),
        size=8,
    )
    network = wild().train()
    network.loss(made(0))["loss"].backward()
    assert all(value.grad.abs().max() > 0 for value in network.parameters())
