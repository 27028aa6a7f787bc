"""Interpolation: requests on the way from one patient to another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dsp import ECGError
from ecgsynth.generation import Sampling
from ecgsynth.patients import KNOBS, Patients, patients
from ecgsynth.physics import Physics
from ecgsynth.prompts import Prompt, prompt
from ecgsynth.retime import simulation_of
from ecgsynth.simulator import Simulation

if TYPE_CHECKING:
    from ecgsynth.denoiser import Denoiser

_CODES = ("diagnosis", "rhythm")


def between(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    n: int,
    denoiser: Denoiser,
    options: Sampling,
    *,
    duration: float,
    seed: int,
) -> tuple[Simulation, list[Prompt]]:
    """What was asked, and n requests from the first patient to the second; see `Generator.interpolate`.

    Raises
    ------
    ECGError
        For a request that cannot be, or n below 2.
    """
    if n < 2:
        raise ECGError(f"n={n}: give 2 records or more.")
    fs = denoiser.config.fs
    n_samples = round(duration * fs)
    ends = [_patient(request, duration, seed) for request in (first, second)]
    asked, requests = [], []
    for share in np.linspace(0, 1, n):
        knobs = {
            name: (1 - share) * ends[0].knobs[name] + share * ends[1].knobs[name] for name in KNOBS
        }
        pair = [_again(end, knobs, duration, seed) for end in ends]
        if options.carry:
            pair = [denoiser.transport.carry(batch) for batch in pair]
        told = [
            prompt(
                batch, simulation_of([batch], fs, n_samples).labels, denoiser, n_samples,
                trust=options.trust, tightness=options.tightness,
            )
            for batch in pair
        ]  # fmt: skip
        requests.append(_blend(told[0], told[1], float(share)))
        asked.append(pair[int(share > 0.5)])
    return simulation_of(asked, fs, n_samples), requests


def _patient(request: Mapping[str, Any], duration: float, seed: int) -> Patients:
    codes = {name: value for name, value in request.items() if name in _CODES}
    knobs = {name: value for name, value in request.items() if name not in _CODES}
    return patients(1, seed=seed, duration=duration, parameters=knobs, **codes)


def _again(end: Patients, knobs: Mapping[str, Any], duration: float, seed: int) -> Patients:
    """The patient at one end with other knobs."""
    held = {name: np.clip(value, *KNOBS[name]) for name, value in knobs.items()}
    return patients(
        1, seed=seed, duration=duration, parameters=held, diagnosis=str(end.diagnosis[0]),
        rhythm=str(end.rhythm_code[0]),
    )  # fmt: skip


def _blend(a: Prompt, b: Prompt, share: float) -> Prompt:
    """Everything between two requests; the rhythm is that of the nearer one."""
    near = b if share > 0.5 else a
    mixed = {
        name: torch.lerp(value, getattr(b.conditions, name), share)
        for name, value in a.conditions.tensors().items()
    }
    found = dataclasses.replace(
        near.conditions,
        **{name: mixed[name] for name in ("sketch", "numbers", "text")},
        statements=((mixed["statements"] + 0.5 + 1e-6).floor()),
    )
    prior = torch.lerp(a.physics.prior, b.physics.prior, share)
    return Prompt(found, Physics(near.physics.courses, prior, near.physics.tightness))
