"""Sampling: from noise to a signal in a few steps, by our own integrator or by any diffusers scheduler."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor

from dsp import LengthError
from ecgsynth.conditions import Conditions
from ecgsynth.draws import Draws
from ecgsynth.guidance import Predict

if TYPE_CHECKING:
    from ecgsynth.denoiser import Denoiser

OnStep = Callable[[int, float, Tensor], None]
"""Called after each step with its number, the time it ends at (1 noise, 0 signal), and the signal
estimate (n, 8, time) mV."""


LAST: Final = 0.2
"""Where the last step begins, whatever their number: nearer to the signal the noise is finer than what
a small network tells from texture, and many steps there would leave the texture rough."""


def noise_of(seed: int, first: int, n: int, n_samples: int) -> Tensor:
    """(n, 8, n_samples): standard normal noise of records `first` to `first + n` of a series.

    Examples
    --------
    >>> bool((noise_of(0, 0, 3, 10)[2] == noise_of(0, 2, 1, 10)[0]).all())
    True
    """
    drawn = Draws(seed, first, n).normal("diffusion", 8 * n_samples, limit=6.0)
    return torch.from_numpy(drawn.reshape(n, 8, n_samples)).float()


def pairs_of(seed: int, first: int, n: int, n_samples: int) -> Tensor:
    """As `noise_of`, in antithetic pairs: every second noise is the one before it with a minus.

    So the mean of a few samples is nearer the mean of many (Hammersley & Morton 1956).

    Examples
    --------
    >>> bool((pairs_of(0, 1, 3, 10) == torch.cat([-pairs_of(0, 0, 1, 10), pairs_of(0, 2, 2, 10)])).all())
    True
    """
    before = first // 2
    drawn = noise_of(seed, before, (first + n + 1) // 2 - before, n_samples)
    both = torch.stack([drawn, -drawn], dim=1).flatten(0, 1)
    return both[first - 2 * before :][:n]


def predictor(denoiser: Denoiser, conditions: Conditions) -> Predict:
    """The denoiser under some conditions, as a predictor that guidance can bend.

    Examples
    --------
    >>> from ecgsynth.denoiser import Denoiser
    >>> net = Denoiser()
    >>> predictor(net, net.no_conditions(1, 100))(torch.zeros(1, 8, 100), 0.5).shape
    torch.Size([1, 8, 100])
    """

    def predict(noisy: Tensor, t: float) -> Tensor:
        times = torch.full((len(noisy),), t, device=noisy.device)
        return denoiser.clean(noisy, times, conditions)

    return predict


def sample(
    denoiser: Denoiser,
    predict: Predict,
    noise: Tensor,
    origin: Tensor,
    *,
    steps: int = 10,
    scheduler: Any = None,
    on_step: OnStep | None = None,
) -> Tensor:
    """Integrate from noise to a signal.

    Parameters
    ----------
    denoiser : for its objective. predict : its estimates, guided or not.
    noise : (n, 8, time) standard normal.
    origin : (n, 8, time) mV, what zero stands for.
    steps : network evaluations (a scheduler of second order may take more).
    scheduler : of diffusers, configured for the objective; None is the deterministic step of first
        order: Euler's for flow, DDIM's for the others.
    on_step : see `OnStep`.

    Returns
    -------
    (n, 8, time) mV.

    Raises
    ------
    LengthError
        If there are fewer than one step.
    """
    if steps < 1:
        raise LengthError(f"steps={steps}: give 1 or more.")
    walk = _own if scheduler is None else _scheduled(scheduler, denoiser)
    return walk(denoiser, predict, noise, origin, steps, on_step or _silent)


def _silent(_step: int, _t: float, _estimate: Tensor) -> None:
    """Tell nobody."""


def _own(
    denoiser: Denoiser, predict: Predict, noise: Tensor, origin: Tensor, steps: int, on_step: OnStep
) -> Tensor:
    times = _times(steps).to(noise.device)
    noisy = denoiser.law(times[:1]).b * noise
    estimate = origin
    for k, (t, after) in enumerate(itertools.pairwise(times)):
        estimate = predict(noisy, float(t))
        now, then = denoiser.law(t[None]), denoiser.law(after[None])
        signal = denoiser.whiten(estimate - origin)
        noisy = then.a * signal + then.b * (noisy - now.a * signal) / now.b
        on_step(k, float(after), estimate)
    return estimate


def _times(steps: int) -> Tensor:
    """(steps + 1,) from 1 to 0: equal ones to `LAST`, and one from there to the signal."""
    if steps == 1:
        return torch.tensor([1.0, 0.0])
    return torch.cat([torch.linspace(1.0, LAST, steps), torch.zeros(1)])


def _scheduled(scheduler: Any, denoiser: Denoiser) -> Callable[..., Tensor]:
    """A walk along a diffusers scheduler."""
    objective = denoiser.objective

    def walk(
        _denoiser: Denoiser,
        predict: Predict,
        noise: Tensor,
        origin: Tensor,
        steps: int,
        on_step: OnStep,
    ) -> Tensor:
        scheduler.set_timesteps(steps, device=noise.device)
        chance = torch.Generator(noise.device).manual_seed(0)
        noisy = noise * getattr(scheduler, "init_noise_sigma", 1.0)
        for k, step in enumerate(scheduler.timesteps):
            shown = noisy
            if hasattr(scheduler, "scale_model_input"):
                shown = scheduler.scale_model_input(noisy, step)
            t = objective.time(step.float()).clamp(1e-4, 1.0)
            law = denoiser.law(t[None])
            mixed = shown / law.scale
            estimate = predict(mixed, float(t))
            output = law.output(mixed, denoiser.whiten(estimate - origin))
            noisy = _step(scheduler, output, step, noisy, chance)
            on_step(k, float(t), estimate)
        return denoiser.colour(noisy) + origin

    return walk


def _step(scheduler: Any, output: Tensor, step: Tensor, noisy: Tensor, chance: Any) -> Tensor:
    """One step; schedulers that draw noise take a generator, the others do not."""
    import inspect

    takes = "generator" in inspect.signature(scheduler.step).parameters
    further = {"generator": chance} if takes else {}
    out: Tensor = scheduler.step(output, step, noisy, **further).prev_sample
    return out
