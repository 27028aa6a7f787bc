"""fit(model, batches): the only training loop; it asks the model for its loss and knows nothing else.

A batch is a pure function of the step, and so is the state of torch's generator: a run that was
killed goes on from its last checkpoint to the same weights, bit for bit, as one that was not.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from dsp import ECGError, SignalError, storage
from recon.muon import Muon, is_hidden

Batch = Mapping[str, Tensor]
Batches = Callable[[int], Batch]
Network = TypeVar("Network", bound=nn.Module)

STATE: Final = "state.safetensors"
LOG: Final = "log.jsonl"
_EVERY_S: Final = 60.0  # seconds of work that a kill may cost
_LOG_STEPS: Final = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast: warm-up, then a cosine down to nothing.

    Parameters
    ----------
    steps : of the optimiser.
    rate : the highest learning rate.
    warmup : share of the steps in which the rate rises.
    decay : of weights, decoupled (Loshchilov & Hutter 2019).
    clip : largest norm of the gradient.
    ema : decay of the exponential moving average of the weights, which is what is returned.
    optimiser : "adamw"; "muon" for the weights of hidden layers, and AdamW for the rest: dearer, and
        worth it where steps are.

    Raises
    ------
    SignalError
        If a value is out of its range.

    Examples
    --------
    >>> Schedule(100, rate=1e-2, warmup=0.1).at(9), Schedule(100).at(100)
    (0.01, 0.0)
    """

    steps: int
    rate: float = 1e-3
    warmup: float = 0.05
    decay: float = 0.01
    clip: float = 1.0
    ema: float = 0.999
    optimiser: Literal["adamw", "muon"] = "adamw"

    def __post_init__(self) -> None:
        if self.steps < 1 or not 0 <= self.warmup < 1 or not 0 <= self.ema < 1 or self.rate <= 0:
            raise SignalError(f"{self}: steps >= 1, rate > 0, warmup and ema in [0, 1).")
        if self.optimiser not in ("adamw", "muon"):
            raise SignalError(f"optimiser {self.optimiser!r}: there are adamw and muon.")

    def at(self, step: int) -> float:
        """The learning rate of a step.

        Examples
        --------
        >>> round(Schedule(100, rate=1.0, warmup=0.0).at(50), 3)
        0.5
        """
        rising = self.warmup * self.steps
        if step < rising:
            return self.rate * min((step + 1) / rising, 1)
        done = (step - rising) / max(self.steps - rising, 1)
        return self.rate * 0.5 * (1 + math.cos(math.pi * min(done, 1)))


def fit(
    model: Network,
    batches: Batches,
    schedule: Schedule,
    *,
    out: str | Path | None = None,
    seed: int = 0,
    device: str | None = None,
    precision: Literal["fp32", "bf16"] = "fp32",
    progress: bool = True,
) -> Network:
    """Train a model; resume if `out` holds the checkpoint of an earlier, killed run.

    Parameters
    ----------
    model : with ``loss(batch)``: a mapping of scalars, of which "loss" is minimised and all are
        logged. What `loss` draws from torch's generator depends on (seed, step) only.
    batches : step to batch; a pure function, so that a run can resume. With several processes
        (``accelerate launch``) each takes its share of every batch.
    schedule : how long and how fast.
    out : folder for the checkpoint (model, average, optimiser, step; safetensors, replaced about
        once a minute and at the end) and for log.jsonl, one line every twenty steps.
    seed : of the steps' random numbers.
    device : "cpu", "cuda"; by default whatever there is.
    precision : "bf16" computes in bfloat16 and keeps weights in 32 bits.
    progress : show a bar on a terminal.

    Returns
    -------
    The same model, on the CPU, in evaluation mode, with the average of its weights.

    Raises
    ------
    ECGError
        If accelerate is missing, the checkpoint does not fit the model, or the loss is not finite.

    Examples
    --------
    >>> class Mean(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.m = nn.Parameter(torch.zeros(()))
    ...     def loss(self, batch):
    ...         return {"loss": (batch["x"] - self.m).square().mean()}
    >>> fit(Mean(), lambda step: {"x": torch.ones(4)}, Schedule(300, rate=0.05, ema=0.9)).m.round(
    ...     decimals=2
    ... ).item()
    1.0
    """
    accelerator = _accelerator(device)
    main = accelerator.is_main_process
    run = _Run(model.to(accelerator.device), schedule)
    home = None if out is None else Path(out)
    if home is not None:
        run.restore(home / STATE)
    asked = accelerator.prepare(_Loss(model.train()))
    low = torch.autocast(accelerator.device.type, torch.bfloat16, enabled=precision == "bf16")
    saved = time.monotonic()
    for step in _steps(run.step, schedule.steps, show=progress and main):
        batch = {k: _share(v, accelerator) for k, v in batches(step).items()}
        with _seeded(seed, step, accelerator.device, accelerator.process_index), low:
            terms = asked(batch)
        if not torch.isfinite(terms["loss"]):
            raise ECGError(f"step {step}: the loss is {terms['loss'].item()}; lower the rate.")
        run.update(terms["loss"], accelerator)
        if home is None or not main:
            continue
        if step % _LOG_STEPS == 0 or run.step == schedule.steps:
            _log(home / LOG, step, schedule.at(step), terms)
        if time.monotonic() - saved > _EVERY_S or run.step == schedule.steps:
            run.keep(home / STATE)
            saved = time.monotonic()
    model.load_state_dict(run.average.module.state_dict())
    return model.cpu().eval()


class _Run:
    """The state of a run: model, average, optimiser, and the next step."""

    def __init__(self, model: nn.Module, schedule: Schedule) -> None:
        from torch.optim.swa_utils import AveragedModel

        self.model, self.schedule, self.step = model, schedule, 0
        self.average = AveragedModel(model, multi_avg_fn=self._blend)
        self.optimisers = list(_optimisers(model, schedule))

    def _blend(self, average: Any, current: Any, updated: Any) -> None:
        # Young averages forget faster, else they would remember the initial weights.
        n = float(updated)
        keep = min(self.schedule.ema, (1 + n) / (10 + n))
        torch._foreach_lerp_(list(average), list(current), 1 - keep)

    def update(self, loss: Tensor, accelerator: Any) -> None:
        """One step of the optimiser."""
        self.model.zero_grad(set_to_none=True)
        accelerator.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.schedule.clip)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.schedule.at(self.step)
            optimiser.step()
        with torch.no_grad():
            self.average.update_parameters(self.model)
            for mine, its in zip(self.average.module.buffers(), self.model.buffers(), strict=True):
                mine.copy_(its)
        self.step += 1

    def keep(self, path: Path) -> None:
        """Write the checkpoint, whole or not at all."""
        from safetensors.torch import save

        state = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        state |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for place, optimiser in enumerate(self.optimisers):
            for index, parts in optimiser.state_dict()["state"].items():
                state |= {f"optimiser{place}.{index}.{k}": v for k, v in parts.items()}
        state["step"] = torch.tensor(self.step)
        storage.write_bytes(path, save({k: v.cpu().clone() for k, v in state.items()}))

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            state = load(path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, SafetensorError) as error:
            raise ECGError(f"{path} is no checkpoint ({error}); remove it to begin anew.") from None
        try:
            self.model.load_state_dict(_under("model.", state))
            self.average.load_state_dict(_under("average.", state))
            for place, optimiser in enumerate(self.optimisers):
                moments: dict[int, dict[str, Tensor]] = {}
                for name, value in _under(f"optimiser{place}.", state).items():
                    index, part = name.split(".")
                    moments.setdefault(int(index), {})[part] = value
                groups = optimiser.state_dict()["param_groups"]
                optimiser.load_state_dict({"state": moments, "param_groups": groups})
            self.step = int(state["step"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise ECGError(
                f"{path} is the checkpoint of another model ({error}); give another folder."
            ) from None


class _Loss(nn.Module):
    """A model whose call is its loss: what wrappers for several processes expect."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> Mapping[str, Tensor]:
        terms: Mapping[str, Tensor] = self.model.loss(batch)  # type: ignore[operator]
        return terms


def _accelerator(device: str | None) -> Any:
    try:
        from accelerate import Accelerator
    except ImportError:
        raise ECGError("training needs accelerate: pip install 'einthoven[train]'.") from None
    accelerator = Accelerator(cpu=device == "cpu")
    if device is not None and accelerator.device.type != torch.device(device).type:
        raise ECGError(f"device {device!r} is not there; this process has {accelerator.device}.")
    return accelerator


@contextlib.contextmanager
def _seeded(seed: int, step: int, device: torch.device, rank: int) -> Iterator[None]:
    """Torch's own generator at a state that (seed, step) decides; as it was, afterwards."""
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        words = np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)
        torch.manual_seed(int(words[0] >> np.uint64(1)))
        yield


def _steps(first: int, last: int, *, show: bool) -> Iterable[int]:
    from tqdm.auto import tqdm

    steps: Iterable[int] = tqdm(
        range(first, last), desc="steps", initial=first, total=last, disable=None if show else True
    )
    return steps


def _share(value: Tensor, accelerator: Any) -> Tensor:
    """The part of a batch that this process works on."""
    part = value[accelerator.process_index :: accelerator.num_processes]
    return part.to(accelerator.device, non_blocking=True)


def _log(path: Path, step: int, rate: float, terms: Mapping[str, Tensor]) -> None:
    line = {"step": step, "rate": rate, "time": round(time.time(), 1)}
    line |= {name: value.item() for name, value in terms.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _optimisers(model: nn.Module, schedule: Schedule) -> Iterator[torch.optim.Optimizer]:
    """Matrices decay; gates, biases and scales do not."""
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if schedule.optimiser == "muon":
        hidden = [name for name, p in named.items() if is_hidden(name, p)]
        yield Muon([named.pop(name) for name in hidden], lr=schedule.rate, decay=schedule.decay)
    groups = [
        {"params": [p for p in named.values() if p.ndim > 1], "weight_decay": schedule.decay},
        {"params": [p for p in named.values() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    yield torch.optim.AdamW(groups, lr=schedule.rate, betas=(0.9, 0.99))
