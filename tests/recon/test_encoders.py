"""Encoders: what they may see, what must not change them, and what they refuse."""

import numpy as np
import pytest
import scipy
import torch
from hypothesis import given, settings
from strategies import lead_sets, patient
from torch import nn

import dsp
from dsp import leads
from recon.encoders import (
    PRESETS,
    PUBLIC,
    Adapter,
    Encoder,
    ResidualEncoder,
    prepare,
    projector,
)
from recon.encoders.residual import own_scale

SAME = 1e-5  # the promise for one record alone and in a batch
EVERY = torch.eye(8).expand(1, 8, 8)


@pytest.fixture(scope="module")
def encode():
    torch.manual_seed(0)
    return Encoder(ResidualEncoder.preset("tiny"))


@pytest.fixture(scope="module")
def records():
    rng = np.random.default_rng(0)
    x8 = patient(10.0)[0][rows(*leads.EIGHT)]
    return leads.twelve(x8 * (1 + 0.05 * rng.normal(size=(3, 8, 1))))


def rows(*names):
    return [leads.TWELVE.index(name) for name in names]


@pytest.mark.parametrize(("name", "millions"), [("tiny", 0.3), ("base", 2.0), ("large", 8.0)])
def test_presets_are_as_large_as_they_say(name, millions):
    count = sum(p.numel() for p in ResidualEncoder.preset(name).parameters())
    assert 0.9 * millions < count / 1e6 < 1.1 * millions
    assert ResidualEncoder.preset(name).config["dim"] == PRESETS[name]["dim"]


def test_alone_as_in_a_batch(encode, records):
    whole = encode(records, 500)
    for k in range(3):
        np.testing.assert_allclose(encode(records[k], 500), whole[k], atol=SAME)
        ecg = dsp.ECG(records[k], 500, leads.TWELVE)
        np.testing.assert_allclose(encode(ecg), whole[k], atol=SAME)
    nested = encode(records.reshape(3, 1, 12, -1), 500)
    np.testing.assert_allclose(nested[:, 0], whole, atol=SAME)


def test_a_batch_of_unlike_records_is_each_alone(encode, records):
    """One with a gap, one with a dead lead: neither changes its neighbours."""
    x = records[:, rows("I", "II", "V2")].copy()
    x[1, 2, 1000:1500] = np.nan
    x[2, 1] = 0.0
    whole = encode(x, 500, ("I", "II", "V2"))
    for k in range(3):
        np.testing.assert_allclose(encode(x[k], 500, ("I", "II", "V2")), whole[k], atol=SAME)
    np.testing.assert_allclose(whole[2], encode(x[2][[0, 2]], 500, ("I", "V2")), atol=SAME)


def test_no_mode_or_neighbour_changes_it(encode, records):
    net = encode.network
    assert not [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    x = torch.from_numpy(records[:1, :8, ::5].copy())
    with torch.no_grad():
        evaluated = net.eval()(x, EVERY)
        trained = net.train()(x, EVERY)
    net.eval()
    assert torch.equal(evaluated, trained)


@pytest.mark.parametrize("pair", [("aVR", "aVF"), ("II", "III"), ("aVL", "III")])
def test_two_limb_leads_are_as_good_as_any_other_two(encode, records, pair):
    as_given = encode(records[:, rows(*pair)], 500, pair)
    np.testing.assert_allclose(as_given, encode(records[:, :2], 500, ("I", "II")), atol=1e-4)


def test_twelve_leads_are_the_eight(encode, records):
    eight = encode(records[:, rows(*leads.EIGHT)], 500, leads.EIGHT)
    np.testing.assert_allclose(encode(records, 500), eight, atol=1e-4)  # float32 algebra


@settings(max_examples=15)
@given(lead_sets)
def test_order_of_leads_does_not_matter(names):
    x = patient(2.0)[0]
    torch.manual_seed(0)
    encode = Encoder(ResidualEncoder.preset("tiny"))
    turned = tuple(reversed(names))
    one, other = encode(x[rows(*names)], 500, names), encode(x[rows(*turned)], 500, turned)
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_what_is_not_given_is_not_seen():
    """Neither the wave nor the scale of a hidden lead reaches the network."""
    torch.manual_seed(0)
    net = ResidualEncoder.preset("tiny").eval()
    onto = torch.from_numpy(projector(["I", "V2"]))[None]
    x = torch.randn(1, 8, 700)
    other = x.clone()
    other[:, [1, 2, 4, 5, 6, 7]] = 9 * torch.randn(1, 6, 700)
    assert torch.equal(net(x, onto), net(other, onto))
    seen, known, scale = own_scale(x, onto)
    assert seen[0, [0, 3]].square().mean().item() == pytest.approx(1, rel=1e-3)
    assert scale.shape == (1, 1, 1)
    assert known[0, :8].tolist() == [1, 0, 0, 1, 0, 0, 0, 0]


def test_known_tells_lead_sets_apart():
    found = {
        tuple(own_scale(torch.ones(1, 8, 9), torch.from_numpy(projector(s))[None])[1][0].tolist())
        for s in (["I"], ["II"], ["III"], ["aVR"], ["aVL"], ["aVF"], ["I", "II"], ["V1"], ["V6"])
    }
    assert len(found) == 9


@pytest.mark.parametrize("fs", [100.0, 128.0, 250.0, 360.0, 1000.0])
def test_any_rate(encode, fs):
    same = encode(patient(10.0, 500.0)[0], 500)
    z = encode(patient(10.0, fs)[0], fs)
    away = 1 - float(z @ same / np.linalg.norm(z) / np.linalg.norm(same))
    assert away < 0.01  # sampled elsewhere, filtered by another filter


@pytest.mark.parametrize("seconds", [0.5, 0.73, 3.0, 10.0, 27.3])
def test_any_length(encode, seconds):
    x = patient(30.0)[0][:2, 200 : 200 + round(500 * seconds)]
    z = encode(x, 500, ("I", "II"))
    assert z.shape == (128,)
    assert np.isfinite(z).all()


def test_long_records_are_the_mean_of_their_windows(encode):
    x = dsp.resample(patient(30.0)[0], 500, 100)
    [part] = prepare(x, 100, leads.TWELVE)
    each = [
        encode.network(torch.from_numpy(part.x[:, :, s : s + 1000]), EVERY) for s in (0, 1000, 2000)
    ]
    mean = torch.cat(each).mean(dim=0).detach().numpy()
    np.testing.assert_allclose(encode(x, 100), mean, atol=SAME)


def test_bad_input_is_named(encode, records):
    x = records[:, :3]
    with pytest.raises(dsp.LengthError, match="name them"):
        encode(x, 500)
    with pytest.raises(dsp.LengthError, match="rate in Hz"):
        encode(x, leads=("I", "II", "V1"))
    with pytest.raises(dsp.LengthError, match=r"0\.5 s"):
        encode(x[..., :200], 500, ("I", "II", "V1"))
    with pytest.raises(dsp.SignalError, match="record 1: flat in every lead"):
        encode(np.stack([x[0], 0 * x[0]]), 500, ("I", "II", "V1"))
    with pytest.raises(dsp.LeadError, match="MLII"):
        encode(x[:, :1], 500, ("MLII",))
    with pytest.raises(dsp.UnitError):
        encode(1000 * x, 500, ("I", "II", "V1"))


def test_input_is_not_changed(encode, records):
    x = records.copy()
    x.flags.writeable = False
    encode(x, 500)
    np.testing.assert_array_equal(x, records)


class Sum(nn.Module):
    """Mean of each lead over time, and the number of samples it was given."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        samples = torch.full((x.shape[0], 1), float(x.shape[2]))
        return torch.cat([x.square().mean(dim=2), samples], dim=1)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_encoders_get_what_they_want(name, records):
    wants = PUBLIC[name]
    z = Adapter(name, Sum())(records[:, :, :2500], 250)
    assert z.shape == (3, len(wants.leads) + 1)
    assert z[0, -1] == wants.fs * wants.seconds
    alone = Adapter(name, Sum())(records[1, :, :2500], 250)
    np.testing.assert_allclose(alone, z[1], rtol=1e-4)


def test_public_leads_go_by_name(records):
    z = Adapter("ecg-fm", Sum())(records[:, :6], 500, leads.LIMB)
    assert (z[:, 6:12] == 0).all(), "missing leads are zeros"
    shuffled = Adapter("ecg-fm", Sum())(
        records[:, [5, 3, 0, 1, 2, 4]], 500, ("aVF", "aVR", "I", "II", "III", "aVL")
    )
    np.testing.assert_allclose(shuffled, z, rtol=1e-4)
    derived = Adapter("clef", Sum())(records[:, [1, 2]], 500, ("II", "III"))
    np.testing.assert_allclose(
        derived, Adapter("clef", Sum())(records[:, :1], 500, ("I",)), rtol=1e-3
    )
    with pytest.raises(dsp.LeadError, match="needs I"):
        Adapter("clef", Sum())(records[:, 6:7], 500, ("V1",))


class Raw(nn.Module):
    """What it was given, lead after lead."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)


def test_public_input_is_prepared_as_published(records):
    x = np.tile(records[0].astype(np.float64), 2)[:, :7500]
    x = np.concatenate([x[:, :2500], 3 * x[:, 2500:5000], 9 * x[:, 5000:]], axis=1)  # 5 s each
    ten = x[:, :5000]

    melp = Adapter("melp", Raw())(x, 500).reshape(12, -1)
    order = rows("I", "II", "III", "aVR", "aVF", "aVL", *leads.PRECORDIAL)
    expected = (ten - ten.min()) / (ten.max() - ten.min())
    np.testing.assert_allclose(melp, expected[order], atol=SAME)
    short = Adapter("melp", Raw())(x[:, :2500], 500).reshape(12, -1)
    low, high = x[:, :2500].min(), x[:, :2500].max()
    np.testing.assert_allclose(short[:, 2500:], -low / (high - low), atol=SAME)  # 0 mV, then scaled

    fm = Adapter("ecg-fm", Raw())(x, 500).reshape(12, -1)
    whole = (ten - ten.mean(axis=1, keepdims=True)) / ten.std(axis=1, keepdims=True)
    np.testing.assert_allclose(fm, whole[:, :2500], atol=1e-4)  # float32 sums over ten seconds

    founder = Adapter("ecgfounder", Raw())(x, 500).reshape(12, -1)
    np.testing.assert_allclose(founder, (ten - ten.mean()) / ten.std(), atol=1e-4)

    clef = Adapter("clef", Raw())(x, 500)
    sos = scipy.signal.butter(5, [0.67, 40], "band", fs=500, output="sos")
    one = scipy.signal.sosfiltfilt(sos, ten[0])
    one = (one - one.mean()) / one.std()
    inside = slice(1000, 4000)  # away from the ends, which each filter continues in its own way
    assert np.corrcoef(clef[inside], one[inside])[0, 1] > 0.999


def test_public_weights_are_never_pickles(tmp_path, records):
    from safetensors.torch import save_file

    with pytest.raises(dsp.ECGError, match="not known"):
        Adapter("gpt", Sum())
    pickled = tmp_path / "12_lead_ECGFounder.pth"
    pickled.write_bytes(b"\x80\x04N.")
    with pytest.raises(dsp.ECGError, match="TorchScript"):
        Adapter("ecgfounder", pickled)
    torn = tmp_path / "torn.pt"
    torn.write_bytes(b"nothing of the kind")
    with pytest.raises(dsp.ECGError, match="TorchScript"):
        Adapter("ecgfounder", torn)
    net = nn.Sequential(nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Linear(24, 5))
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    other = nn.Sequential(nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Linear(24, 5))
    filled = Adapter("ecgfounder", other, tmp_path / "net.safetensors")
    np.testing.assert_allclose(filled(records, 500), Adapter("ecgfounder", net)(records, 500))
    with pytest.raises(dsp.ECGError, match="does not fill"):
        Adapter("ecgfounder", Sum(), tmp_path / "net.safetensors")
