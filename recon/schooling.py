"""Schooling: the reconstructor's whole training, simulated patients first and real ones then."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch

from dsp import datasets, leads
from ecgsynth import pretrained
from recon import weights
from recon.familiarity import Familiarity
from recon.intervals import HeldOut, Intervals
from recon.lessons import WORN, Lessons
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
    size : real windows a batch; simulated ones are plenty, and twice as many.
    rate : highest learning rate.
    seed : of weights, lessons and simulated patients.
    device, precision : as of `recon.training.fit`.

    Examples
    --------
    >>> Plan("tiny", real_steps=10).size
    16
    """

    preset: str = "base"
    simulated_steps: int = 800
    real_steps: int = 1500
    size: int = 16
    rate: float = 3e-3
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
    schedule = Schedule(plan.simulated_steps, plan.rate, ema=0.995, optimiser="muon")
    network = _taught(network, cohort, schedule, dataclasses.replace(plan, size=2 * plan.size), out)
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
    if plan.real_steps:
        schedule = Schedule(plan.real_steps, plan.rate, ema=0.995, optimiser="muon")
        home = None if out is None else out / "real"
        network = _taught(network, cohort, schedule, plan, home)
    return Predictor(cohort.gaussian(), network)


def fold(
    cohort: Cohort, plan: Plan, out: Path, number: int, k: int = 5
) -> tuple[Predictor, Cohort]:
    """One of k trainings of a cross-validation, and the records that it never saw.

    Parameters
    ----------
    cohort : split by patient, by data set where patients are unknown.
    plan : of the training.
    out : folder; the predictor is saved below, and not trained again if it is there.
    number, k : which fold of how many.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     len(fold(Cohort.simulated(6), Plan("tiny", 0, 0), Path(home), 0, 2)[1].patients)
    3
    """
    part = datasets.grouped_folds(cohort.groups, k, plan.seed)
    home = out / f"fold{number}"
    if not (home / "config.json").exists():
        seen = cohort.part(np.flatnonzero(part != number))
        weights.save(school(seen, plan, home, out / "simulated"), home, **about(seen, plan))
    return weights.load(home), cohort.part(np.flatnonzero(part == number))


def train(cohort: Cohort, plan: Plan, out: Path, k: int = 5) -> dict[str, Any]:
    """Cross-validate, calibrate the intervals on what was held out, train on all, and save.

    Parameters
    ----------
    cohort, plan : what is learned from, and how.
    out : folder of the weights, and of checkpoints: a run that was killed goes on.
    k : folds; 0 leaves the intervals uncalibrated.

    Returns
    -------
    What config.json says of where the weights come from.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     train(Cohort.simulated(4), Plan("tiny", 0, 0), Path(home), 0)["records"]
    {'simulated': 4}
    """
    found = [held_out(*fold(cohort, plan, out, number, k)) for number in range(k)]
    predictor = school(cohort, plan, out / "all", out / "simulated")
    intervals = Intervals.fit([together(each) for each in zip(*found, strict=True)]) if k else None
    known = Familiarity.fit(cohort.windows)
    said = dict(about(cohort, plan))
    predictor = dataclasses.replace(predictor, intervals=intervals, familiarity=known)
    weights.save(predictor, out, **said)
    return said


def held_out(predictor: Predictor, unseen: Cohort) -> list[HeldOut]:
    """What a predictor makes of records that it never saw, a row a lead set of `calibration_sets`.

    Examples
    --------
    >>> cohort = Cohort.simulated(3)
    >>> len(held_out(Predictor(cohort.gaussian()), cohort)) == len(calibration_sets())
    True
    """
    x8 = unseen.first_windows()
    bare = dataclasses.replace(predictor, intervals=None)
    return [
        HeldOut.of(given, x8, *bare.predict12(x8, given), unseen.patients)
        for given in calibration_sets()
    ]


def calibration_sets(seed: int = 0) -> list[tuple[str, ...]]:
    """The lead sets that intervals are calibrated on: what is worn, and five of every size.

    Examples
    --------
    >>> [given for given in calibration_sets() if len(given) == 7][0]
    ('I', 'II', 'V1', 'V2', 'V3', 'V4', 'V6')
    """
    rng = np.random.default_rng(seed)
    found = dict.fromkeys(WORN)
    for size in range(1, 8):
        for _ in range(5):
            rows = np.sort(rng.choice(8, size=size, replace=False))
            found[tuple(leads.EIGHT[row] for row in rows)] = None
    return list(found)


def together(each: tuple[HeldOut, ...]) -> HeldOut:
    """The folds of one lead set as one.

    Examples
    --------
    >>> cohort = Cohort.simulated(4)
    >>> one = held_out(Predictor(cohort.gaussian()), cohort)[0]
    >>> len(together((one, one)).patients)
    8
    """
    return HeldOut(
        each[0].given,
        np.concatenate([one.told for one in each]),
        np.concatenate([one.errors for one in each]),
        np.concatenate([one.stds for one in each]),
        tuple(itertools.chain.from_iterable(one.patients for one in each)),
    )


def _taught(
    network: Network,
    cohort: Cohort,
    schedule: Schedule,
    plan: Plan,
    out: Path | None,
) -> Network:
    lessons = Lessons(
        cohort.windows,
        cohort.kin(cohort.patients),
        cohort.kin(cohort.groups),
        Voting(cohort.gaussian()),
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
