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
from recon import training
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


def made(**options):
    torch.manual_seed(0)
    return fit(Line(), batches, Schedule(120, rate=0.1, ema=0.9), device="cpu", **options)


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


@pytest.mark.parametrize("at", [1, 37, 119])
def test_an_interrupted_run_ends_the_same(tmp_path, monkeypatch, at):
    whole = weights(made())
    monkeypatch.setattr(training, "_EVERY_S", 0.0)
    torch.manual_seed(0)

    def dying(step):
        if step == at:
            raise KeyboardInterrupt
        return batches(step)

    with pytest.raises(KeyboardInterrupt):
        fit(Line(), dying, Schedule(120, rate=0.1, ema=0.9), out=tmp_path, device="cpu")
    assert same(whole, weights(made(out=tmp_path)))


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
