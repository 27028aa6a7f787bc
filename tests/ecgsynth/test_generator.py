"""Generator: control, coherence, reproducibility, completion of given leads, and errors."""

import json

import numpy as np
import pytest
import torch

import dsp
from dsp import leads
from ecgsynth import generator, pairs, sampling, simulate
from ecgsynth.generation import Sampling
from ecgsynth.generator import Generator

ROUNDING = 1e-6  # mV, float32


@pytest.fixture(scope="module")
def untrained():
    return Generator.untrained()


@pytest.fixture(scope="module")
def trained():
    if not generator.BUNDLED.is_dir():
        pytest.skip(f"no bundled weights in {generator.BUNDLED}")
    return Generator.from_pretrained()


def test_record_k_depends_on_seed_and_k_only(untrained):
    asked = {"diagnosis": "any", "steps": 2, "duration": 4.0, "seed": 3}
    whole = untrained.generate(5, **asked)
    fewer = untrained.generate(2, **asked)
    split = untrained.generate(5, options=Sampling(batch=2), **asked)
    # The last bits of a convolution depend on how many are convolved.
    np.testing.assert_allclose(whole.signal[:2], fewer.signal, atol=1e-5)
    np.testing.assert_allclose(whole.signal, split.signal, atol=1e-5)
    assert np.array_equal(whole.signal, untrained.generate(5, **asked).signal)
    other = untrained.generate(2, **(asked | {"seed": 4}))
    assert not np.allclose(other.signal, fewer.signal, atol=1e-2)


@pytest.mark.parametrize("mode", ["guided", "unguided", "simulator"])
@pytest.mark.parametrize("fs", [None, 100, 250, 500, 360])
def test_every_mode_and_rate_is_coherent(untrained, mode, fs):
    options = Sampling(mode=mode, steps=1, scale=1.5)
    new = untrained.generate(2, diagnosis="CLBBB", fs=fs, duration=3.0, options=options)
    fs = fs or 100
    assert new.signal.shape == (2, 12, 3 * fs)
    assert new.signal.dtype == np.float32
    assert abs(leads.residual(new.signal)).max() <= ROUNDING
    assert new.labels == [("CLBBB", "SR")] * 2 or new.labels[0][0] == "CLBBB"
    assert new.provenance["mode"] == mode
    assert new.record(1).annotations["atr"].samples.tolist() == new.r_peaks[1].tolist()
    assert len(new.waves) == 2


def test_detail_above_the_network_is_the_simulators(untrained):
    asked = {"heart_rate": 75, "seed": 2, "duration": 4.0}
    new = untrained.generate(1, fs=500, steps=1, **asked).signal
    sim = untrained.generate(1, fs=500, options=Sampling(mode="simulator"), **asked).signal
    fast = [dsp.bandpass(x, 500, 70, None) for x in (new, sim)]
    np.testing.assert_allclose(fast[0], fast[1], atol=0.01)


def test_rr_sequence_is_met(untrained):
    rr = [0.8, 1.1, 0.7, 0.95, 0.85]
    new = untrained.generate(2, rr=rr, fs=500, options=Sampling(mode="simulator"))
    for r_peaks, x in zip(new.r_peaks, new.signal, strict=True):
        intervals = np.diff(r_peaks) / 500
        np.testing.assert_allclose(intervals, np.resize(rr, len(intervals)), atol=0.003)
        np.testing.assert_allclose(dsp.r_peaks(x, 500), r_peaks, atol=12)
    for wrong in ([], [0.1], [5.0], [[0.8]], [float("nan")]):
        with pytest.raises(dsp.ECGError, match="RR intervals"):
            untrained.generate(1, rr=wrong)


def test_untrained_starts_from_the_simulator(untrained):
    """With nothing learned, a guided record is the simulator's and noise."""
    asked = {"diagnosis": "AMI", "seed": 5}
    new = untrained.generate(2, options=Sampling(strength=0), **asked).signal
    sim = untrained.generate(2, options=Sampling(mode="simulator"), **asked).signal
    noise = untrained.denoiser.colour(torch.randn(20, 8, 1000)).std()
    gap = (new - sim)[:, :2]
    assert abs(gap.std() - noise) < 0.2 * noise  # the spread it expects of differences
    bare = untrained.generate(2, options=Sampling(mode="unguided"), **asked).signal
    assert np.corrcoef(bare.ravel(), sim.ravel())[0, 1] < 0.1


def test_callbacks_text_and_tokens(untrained):
    heard = []
    asked = {"duration": 2.0, "options": Sampling(steps=3, batch=2)}
    new = untrained.generate(
        3, text=["a", "b", "old infarction"], tokens=np.ones((2, 64)),
        on_step=lambda k, t, x: heard.append((k, round(t, 3), len(x))), **asked,
    )  # fmt: skip
    assert heard == [(k, t, n) for n in (2, 1) for k, t in enumerate((0.6, 0.2, 0.0))]
    assert np.isfinite(new.signal).all()
    untrained.generate(2, text=np.ones(64), **asked)
    for text, match in ((np.ones(7), "size 64"), (["a"], "texts for 2")):
        with pytest.raises(dsp.LengthError, match=match):
            untrained.generate(2, text=text, **asked)


def test_save_and_load(untrained, tmp_path):
    untrained.save_pretrained(tmp_path / "mine")
    again = Generator.from_pretrained(tmp_path / "mine")
    assert again.name == "mine"
    a, b = (gen.generate(1, steps=1, duration=2.0).signal for gen in (untrained, again))
    np.testing.assert_allclose(a, b, atol=1e-3)  # 16 bits of the weights
    size = sum(p.stat().st_size for p in (tmp_path / "mine").iterdir())
    assert size < 8e6
    (tmp_path / "mine" / "config.json").write_text(json.dumps({"fs": "fast"}))
    for place in (tmp_path / "mine", tmp_path / "nothing", "nothing"):
        with pytest.raises(dsp.ECGError, match="holds no Denoiser"):
            Generator.from_pretrained(place)


def test_any_diffusers_scheduler(untrained):
    from diffusers import FlowMatchEulerDiscreteScheduler

    own = untrained.generate(1, duration=2.0, steps=4).signal
    other = Generator(untrained.denoiser, scheduler=FlowMatchEulerDiscreteScheduler())
    # The same equation at other times, since Euler's 4 steps end at sigma 1/1000.
    assert (
        np.corrcoef(own.ravel(), other.generate(1, duration=2.0, steps=4).signal.ravel())[0, 1]
        > 0.9
    )


def test_interpolation_begins_and_ends_as_asked(untrained):
    options = Sampling(mode="guided", steps=1, strength=0)
    new = untrained.interpolate(
        {"diagnosis": "NORM", "heart_rate": 70.0}, {"diagnosis": "AMI", "heart_rate": 70.0}, 4,
        duration=3.0, options=options, seed=1,
    )  # fmt: skip
    assert [labels[0] for labels in new.labels] == ["NORM", "NORM", "AMI", "AMI"]
    step = [float(np.abs(a - b).mean()) for a, b in zip(new.signal, new.signal[1:], strict=False)]
    whole = float(np.abs(new.signal[-1] - new.signal[0]).mean())
    assert max(step) < 0.6 * whole  # it goes over, it does not jump
    with pytest.raises(dsp.ECGError, match="n=1"):
        untrained.interpolate({}, {}, 1)


@pytest.mark.parametrize("wrong", [{"mode": "best"}, {"strength": 2}, {"steps": 0}, {"trust": -1},
                                   {"schedule": "never"}, {"batch": 0}])  # fmt: skip
def test_wrong_options_are_errors(wrong):
    with pytest.raises(dsp.ECGError, match=str(next(iter(wrong.values())))):
        Sampling(**wrong)


GIVEN = [("I",), ("I", "II", "V2"), ("aVR", "aVF"), ("III", "V6"), ("aVL",), leads.TWELVE]


@pytest.mark.parametrize("names", GIVEN, ids=" ".join)
@pytest.mark.parametrize("fs", [100, 360, 500])
def test_what_is_given_is_kept_bit_by_bit(untrained, names, fs):
    ecg = simulate(1, fs=fs, duration=4.0, noise=15.0, seed=fs).record(0).select(*names)
    found = untrained.posterior(ecg, 2, steps=2)
    assert found.signal.shape == (2, 12, 4 * fs)
    for name, row in zip(ecg.leads, ecg.signal, strict=True):
        assert (found.signal[:, leads.TWELVE.index(name)] == row).all()
    assert abs(leads.residual(found.signal)).max() <= 4 * ROUNDING  # sums of noisy given leads
    assert found.std.max() == 0 or len(names) < 12


def test_gaps_are_filled_and_the_rest_is_kept(untrained):
    whole = simulate(1, fs=250, duration=6.0, seed=4).record(0)
    x = whole.signal.copy()
    x[8, 400:900] = np.nan
    x[:, 100:150] = np.nan
    ecg = dsp.ECG(x, 250, leads.TWELVE)
    found = untrained.posterior(ecg, 3, steps=2, batch=2)
    known = np.isfinite(x)
    assert (found.signal[:, known] == x[known]).all()
    assert np.isfinite(found.signal).all()
    low, high = found.interval(0.9)
    assert (low <= high).all()
    assert (found.mean[known] == x[known]).all()
    assert (low[known] == x[known]).all()
    assert (found.std[8, 400:900] > 0).all()
    assert len(found) == 3
    assert found.record(1).fs == 250
    assert np.array_equal(found.mean_record().signal, found.mean)
    with pytest.raises(dsp.SignalError, match="level"):
        found.interval(1.5)


def test_samples_come_in_antithetic_pairs_and_depend_on_their_number_only():
    both = sampling.pairs_of(3, 0, 6, 50)
    assert torch.equal(both[::2], -both[1::2])
    assert torch.equal(both[::2], sampling.noise_of(3, 0, 3, 50))
    for first in range(4):
        assert torch.equal(sampling.pairs_of(3, first, 2, 50), both[first : first + 2])


@pytest.mark.parametrize("wander", [0.0, 0.3])
def test_a_gap_is_filled_by_the_patients_own_regression_on_the_leads_baseline(untrained, wander):
    """The gap begins in a QRS complex, from where a straight line would lead astray."""
    x = simulate(1, fs=250, duration=12.0, diagnosis="NORM", seed=4).record(0).signal.copy()
    x += wander * np.sin(2 * np.pi * 0.03 * np.arange(x.shape[1]) / 250).astype(np.float32)
    row = leads.TWELVE.index("V4")
    first = int(np.abs(x[row, 1000:1500]).argmax()) + 1000
    lost = slice(first, first + 750)
    holed = x.copy()
    holed[row, lost] = np.nan
    found = untrained.posterior(dsp.ECG(holed, 250, leads.TWELVE), 8).mean[row, lost]
    error = found - x[row, lost]
    assert np.sqrt(np.mean(error**2)) < 0.25 * x[row, lost].std()
    assert abs(error.mean()) < 0.03


def test_posterior_starts_where_it_is_told(untrained):
    whole = simulate(1, fs=250, duration=4.0, seed=6).record(0)
    ecg = whole.select("I", "II")
    told = untrained.posterior(ecg, 8, start=whole, steps=4)
    alone = untrained.posterior(ecg, 8, steps=4)

    def error(found):
        clean = dsp.clean(whole.signal, 250)
        return float(np.square(found.mean - clean)[6:].mean())

    assert error(told) < error(alone)
    array = untrained.posterior(ecg, 8, start=whole.signal[[0, 1, *range(6, 12)]], steps=4)
    assert np.array_equal(array.signal, told.signal)
    for wrong in (np.zeros((3, 1000)), whole.crop(0, 2)):
        with pytest.raises(dsp.LengthError, match="start"):
            untrained.posterior(ecg, 1, start=wrong)


def test_nothing_to_go_by_is_an_error(untrained):
    with pytest.raises(dsp.SignalError, match="flat or missing"):
        untrained.posterior(dsp.ECG(np.zeros((1, 500)), 100, ["I"]), 1)
    with pytest.raises(dsp.LeadError, match="not among the twelve"):
        untrained.posterior(dsp.ECG(np.ones((1, 500)), 100, ["MLII"]), 1)
    with pytest.raises(dsp.LengthError, match="0 samples"):
        untrained.posterior(simulate(1).record(0), 0)


def test_examples_have_what_the_loss_wants():
    x8 = simulate(2, fs=100, duration=5.0).signal[:, [0, 1, *range(6, 12)]]
    window = pairs.Window(x8[0], np.arange(0.4, 5, 0.8), {"heart_rate": 75.0}, ("SR",))
    real = pairs.real([window] * 6, 100.0, np.eye(8) + 0.5, seed=1)
    made = pairs.simulated(6, 500, 100.0, np.eye(8) + 0.5, seed=1)
    assert {k: v.shape[1:] for k, v in real.items()} == {k: v.shape[1:] for k, v in made.items()}
    again = pairs.real([window] * 6, 100.0, np.eye(8) + 0.5, seed=1)
    for name, value in real.items():
        assert torch.equal(value.nan_to_num(), again[name].nan_to_num()), name
    both = pairs.batch_of([real, made])
    hidden = both["mask"].amax((1, 2)) > 0
    held = ((both["given"] - both["x8"]) * both["mask"]).abs().amax((1, 2))
    assert held[hidden].max() < 1e-5
    # A trusted sketch is nearer than one that is not.
    gap = (both["x8"] - both["sketch"]).square().mean((1, 2)) / both["x8"].square().mean((1, 2))
    assert torch.isfinite(gap).all()


@pytest.mark.slow
def test_control(trained):
    new = trained.generate(40, fs=500, parameters={"sdnn": 0.04}, rhythm="SR", seed=8)
    rate = np.array([m.heart_rate for m in new.measured])
    assert np.abs(rate - new.parameters["heart_rate"]).mean() <= 2
    sdnn = [np.diff(dsp.r_peaks(x, 500)).std() / 500 for x in new.signal]
    assert np.abs(np.array(sdnn) - 0.04).mean() <= 0.005
    irregular = trained.generate(20, fs=500, rhythm="AFIB", seed=8)
    spread = [np.diff(dsp.r_peaks(x, 500)).std() / 500 for x in irregular.signal]
    assert np.median(spread) > 0.08


def test_command_writes_records_and_a_page(untrained, tmp_path):
    from typer.testing import CliRunner

    from recon.cli import app

    untrained.save_pretrained(tmp_path / "w")
    asked = ["--weights", str(tmp_path / "w"), "--steps", "1", "--fs", "100", "--json"]
    for name in ("a.npz", "page.html"):
        run = CliRunner().invoke(app, ["generate", str(tmp_path / name), "--n", "1", *asked])
        assert run.exit_code == 0, run.output
        assert json.loads(run.output)["records"][0]["file"] == str(tmp_path / name)
    assert dsp.read(tmp_path / "a.npz").leads == leads.TWELVE
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/png;base64,") == 1
    assert "http" not in page
