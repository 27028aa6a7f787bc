"""Schooling: the reconstructor's whole training, simulated patients first and real ones then."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch

from dsp import datasets
from ecgsynth import pretrained
from recon import weights
from recon.lessons import Lessons
from recon.network import PRESETS, Network
from recon.population import Cohort
from recon.predictor import Predictor
from recon.training import Schedule, fit
from recon.voting import Voting

SIMULATED: Final = 4000
"""Patients to pre-train on."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What to train, for how long.

    Parameters
    ----------
    preset : a row of `recon.network.PRESETS`.
    simulated_steps, real_steps : of the optimiser; 0 leaves that part out.
    size : windows a batch.
    rate : highest learning rate; three quarters of it on real patients after simulated ones.
    seed : of weights, lessons and simulated patients.
    device, precision : as of `recon.training.fit`.

    Examples
    --------
    >>> Plan("tiny", real_steps=10).size
    32
    """

    preset: str = "base"
    simulated_steps: int = 800
    real_steps: int = 800
    size: int = 32
    rate: float = 2e-3
    seed: int = 0
    device: str | None = None
    precision: Literal["fp32", "bf16"] = "fp32"


def pretrain(plan: Plan, out: Path | None = None) -> Network:
    """A network that knows simulated patients; at once where `out` holds one already.

    Examples
    --------
    >>> pretrain(Plan("tiny", simulated_steps=0)).config["depth"]
    1
    """
    torch.manual_seed(plan.seed)
    network = Network(**PRESETS[plan.preset])
    if not plan.simulated_steps:
        return network
    if out is not None and (out / "config.json").exists():
        return pretrained.load(Network, out)
    cohort = Cohort.simulated(SIMULATED, seed=plan.seed + 1)
    schedule = Schedule(plan.simulated_steps, rate=plan.rate, ema=0.995)
    network = _taught(network, cohort, Voting(cohort.gaussian()), schedule, plan, out)
    if out is not None:
        pretrained.save(network, out, half=False, plan=dataclasses.asdict(plan))
    return network


def school(
    cohort: Cohort, plan: Plan, out: Path | None = None, simulated: Path | None = None
) -> Predictor:
    """A predictor made of real patients.

    Parameters
    ----------
    cohort : to learn from.
    plan : what and how long.
    out : folder for checkpoints; a killed run goes on there.
    simulated : folder of `pretrain`, which needs no patient and is done once for all folds.

    Returns
    -------
    The Gaussian of the cohort with the network on top; its intervals are not calibrated yet.

    Examples
    --------
    >>> school(Cohort.simulated(4), Plan("tiny", 0, 0)).network.rank
    3
    """
    network = pretrain(plan, simulated)
    model = cohort.gaussian()
    if plan.real_steps:
        rate = 0.75 * plan.rate if plan.simulated_steps else plan.rate
        schedule = Schedule(plan.real_steps, rate=rate, ema=0.995)
        home = None if out is None else out / "real"
        network = _taught(network, cohort, Voting(model), schedule, plan, home)
    return Predictor(model, network)


def folds(cohort: Cohort, plan: Plan, out: Path, k: int = 5) -> Iterator[tuple[Predictor, Cohort]]:
    """Cross-validation: k predictors, each with the records that it never saw.

    Parameters
    ----------
    cohort : split by patient, by data set where patients are unknown.
    plan : of each training.
    out : folder; each fold is saved below, and one that is there is not trained again.
    k : number of folds.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     made = list(folds(Cohort.simulated(6), Plan("tiny", 0, 0), Path(home), 2))
    >>> [len(unseen.patients) for _, unseen in made]
    [3, 3]
    """
    fold = datasets.grouped_folds(cohort.groups, k, plan.seed)
    for number in range(k):
        home = out / f"fold{number}"
        unseen = cohort.part(np.flatnonzero(fold == number))
        if not (home / "config.json").exists():
            seen = cohort.part(np.flatnonzero(fold != number))
            weights.save(school(seen, plan, home, out / "simulated"), home, **about(seen, plan))
        yield weights.load(home), unseen


def _taught(
    network: Network,
    cohort: Cohort,
    voting: Voting,
    schedule: Schedule,
    plan: Plan,
    out: Path | None,
) -> Network:
    lessons = Lessons(
        cohort.windows,
        cohort.kin(cohort.patients),
        cohort.kin(cohort.groups),
        voting,
        size=plan.size,
        seed=plan.seed,
    )
    return fit(
        network,
        lessons,
        schedule,
        out=out,
        seed=plan.seed,
        device=plan.device,
        precision=plan.precision,
    )


def about(cohort: Cohort, plan: Plan) -> Mapping[str, Any]:
    """What config.json says of where a network comes from.

    Examples
    --------
    >>> about(Cohort.simulated(2), Plan())["plan"]["preset"]
    'base'
    """
    return {"plan": dataclasses.asdict(plan), **cohort.about}
