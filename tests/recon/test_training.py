"""The loop: it learns, and a run that was killed ends where one that was not ends."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch
from torch import nn

import dsp
from recon import muon, training
from recon.training import Schedule, fit


class Line(nn.Module):
    """y = a x + b with noise in the loss, and a buffer that counts."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.register_buffer("seen", torch.zeros(()))

    def loss(self, batch):
        self.seen += 1
        x = batch["x"] + 0.01 * torch.randn_like(batch["x"])
        error = (self.layer(x) - batch["y"]).square().mean()
        return {"loss": error, "error": error.detach()}


def batches(step):
    x = torch.randn(16, 1, generator=torch.Generator().manual_seed(step))
    return {"x": x, "y": 3 * x - 2}


def schedule(optimiser="adamw"):
    return Schedule(120, rate=0.1, ema=0.9, optimiser=optimiser)


def made(optimiser="adamw", **options):
    torch.manual_seed(0)
    return fit(Line(), batches, schedule(optimiser), device="cpu", **options)


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a) and len(a) == len(b)


def test_it_learns_and_logs(tmp_path):
    model = made(out=tmp_path, progress=False)
    assert model.layer.weight.item() == pytest.approx(3, abs=0.05)
    assert model.layer.bias.item() == pytest.approx(-2, abs=0.05)
    assert not model.training
    lines = [json.loads(line) for line in (tmp_path / training.LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 20, 40, 60, 80, 100, 119]
    assert lines[-1]["error"] < 0.1 * lines[0]["error"]


def test_same_seed_same_weights_whatever_was_drawn_before():
    first = weights(made())
    torch.rand(7)
    assert same(first, weights(made()))
    assert not same(first, weights(made(seed=1)))


def test_the_callers_generator_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    model = Line()
    torch.manual_seed(5)
    fit(model, batches, Schedule(3), device="cpu")
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
@pytest.mark.parametrize("at", [1, 37, 119])
def test_an_interrupted_run_ends_the_same(tmp_path, monkeypatch, at, optimiser):
    whole = weights(made(optimiser))
    monkeypatch.setattr(training, "_EVERY_S", 0.0)
    torch.manual_seed(0)

    def dying(step):
        if step == at:
            raise KeyboardInterrupt
        return batches(step)

    with pytest.raises(KeyboardInterrupt):
        fit(Line(), dying, schedule(optimiser), out=tmp_path, device="cpu")
    assert same(whole, weights(made(optimiser, out=tmp_path)))


SCRIPT = """
    import sys
    import torch
    from test_training import Line, batches
    from recon import training
    training._EVERY_S = 0.0

    def slow(step):
        import time
        time.sleep(0.02)
        return batches(step)

    torch.manual_seed(0)
    model = training.fit(
        Line(), slow, training.Schedule(120, rate=0.1, ema=0.9), out=sys.argv[1], device="cpu"
    )
    torch.testing.assert_close(model.seen, torch.tensor(120.0))
"""


@pytest.mark.slow
def test_ten_kills_end_the_same(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path)]
    state = tmp_path / training.STATE
    for kill in range(10):
        before = state.stat().st_mtime_ns if state.exists() else 0
        process = subprocess.Popen(command, env=environment)
        until = time.monotonic() + 60
        while not (state.exists() and state.stat().st_mtime_ns > before):
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(0.005 * kill)  # now in the middle of a step, now of a checkpoint
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, env=environment, check=True, timeout=120)
    assert same(weights(made()), weights(made(out=tmp_path)))


def test_muon_learns():
    class Map(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16))

        def loss(self, batch):
            return {"loss": (self.layers(batch["x"]) - batch["x"] @ wanted).square().mean()}

    def normal(step):
        return {"x": torch.randn(64, 16, generator=torch.Generator().manual_seed(step))}

    torch.manual_seed(0)
    wanted, model = torch.randn(16, 16), Map()
    before = model.loss(normal(1000))["loss"].item()
    steps = Schedule(200, rate=0.05, ema=0.9, optimiser="muon")
    model = fit(model, normal, steps, device="cpu", progress=False)
    assert model.loss(normal(1000))["loss"].item() < 0.05 * before


@pytest.mark.parametrize("shape", [(8, 8), (4, 30), (30, 4)])
def test_orthogonal_keeps_directions_and_evens_sizes(shape):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(x, full_matrices=False)
    inner = left.mT @ muon.orthogonal(x) @ right.mT
    off = inner - torch.diag(inner.diagonal())
    assert off.abs().max() < 1e-4
    assert ((inner.diagonal() > 0.3) & (inner.diagonal() < 1.3)).all()


def test_what_cannot_be(tmp_path):
    with pytest.raises(dsp.SignalError, match="steps >= 1"):
        Schedule(0)
    (tmp_path / training.STATE).write_bytes(b"not a checkpoint")
    with pytest.raises(dsp.ECGError, match="is no checkpoint"):
        made(out=tmp_path)
    other = tmp_path / "other"
    fit(nn.ModuleDict({"a": Line()})["a"], batches, Schedule(2), out=other, device="cpu")

    class Two(Line):
        def __init__(self):
            super().__init__()
            self.more = nn.Linear(2, 2)

    with pytest.raises(dsp.ECGError, match="of another model"):
        fit(Two(), batches, Schedule(4), out=other, device="cpu")

    class Broken(Line):
        def loss(self, batch):
            return {"loss": super().loss(batch)["loss"] * float("nan")}

    with pytest.raises(dsp.ECGError, match="step 0: the loss is nan"):
        fit(Broken(), batches, Schedule(4), device="cpu")
    if not torch.cuda.is_available():
        with pytest.raises(dsp.ECGError, match="device 'cuda' is not there"):
            fit(Line(), batches, Schedule(4), device="cuda")


def test_bfloat16_is_close(tmp_path):
    torch.manual_seed(0)
    model = fit(Line(), batches, Schedule(120, rate=0.1, ema=0.9), device="cpu", precision="bf16")
    assert model.layer.weight.dtype == torch.float32
    assert model.layer.weight.item() == pytest.approx(3, abs=0.1)
