"""Training of the generator: what real recordings and simulated patients teach it, step by step."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp import ECG, LengthError, SignalError, datasets, leads, measure
from dsp.beats import r_peaks
from ecgsynth import pairs
from ecgsynth.pairs import Window
from ecgsynth.statements import canonical
from ecgsynth.transport import Transport
from recon import population

if TYPE_CHECKING:
    from torch import Tensor

    from ecgsynth.experience import Experience
    from ecgsynth.generator import Generator

FS: Final = population.FS
FOLDS: Final = 5
"""Patients are dealt to so many folds, data sets of unknown patients as a whole."""
LEFT_OUT: Final = 1
"""The fold that the bundled network has not seen: a fifth of LUDB, all of Georgia, and others."""
LEVELS: Final = (0.5, 0.6827, 0.8, 0.9, 0.95)
"""That intervals are calibrated at."""
GIVEN: Final = (("I",), ("I", "II"), ("I", "II", "V2"))
"""Lead sets that they are calibrated from."""
_EVEN: Final = 500  # samples of a completion that count
_LEAST_MV: Final = 1e-6
_SIMULATED: Final = (1.0, 0.15)
"""Share of simulated patients in a batch, at the start and from `_PRETRAINED` of the way on."""
_PRETRAINED: Final = 0.2


def split(
    data: datasets.Dataset, fold: int = LEFT_OUT, seed: int = 0
) -> tuple[datasets.Dataset, datasets.Dataset]:
    """Entries to learn from, and those of `fold`, which are left out; no patient is in both.

    Examples
    --------
    >>> [len(part) for part in split(datasets.Dataset("Nothing"))]
    [0, 0]
    """
    if not len(data):
        return data, data
    out = datasets.grouped_folds(data.groups, FOLDS, seed) == fold
    return data[~out], data[out]


def windows(entries: datasets.Dataset) -> Iterator[tuple[datasets.Entry, Window]]:
    """What the generator learns from: the windows of `recon.population.windows`, beats and intervals.

    Yields
    ------
    The entry, and one of its windows of ten seconds at 100 Hz. Windows with fewer than three beats
    are left out. Intervals are those of the whole recording.

    Examples
    --------
    >>> list(windows(datasets.Dataset("Nothing")))
    []
    """
    for entry in entries:
        ecg = entry.ecg
        found = measure(ecg)
        numbers = {
            "pr": found.pr,
            "p_duration": found.p_duration,
            "qrs": found.qrs_duration,
            "qt": found.qt,
            "age": np.nan if ecg.meta.get("age") is None else float(ecg.meta["age"]),
            "male": {"M": 1.0, "F": 0.0}.get(str(ecg.meta.get("sex")), np.nan),
        }
        for x8 in population.windows(ecg):
            times = np.asarray(r_peaks(x8, FS)) / FS
            if len(times) > 2:
                rate = {"heart_rate": float(60 / np.diff(times).mean())}
                yield entry, Window(x8, times, numbers | rate, canonical(entry.labels))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Step to batch, a pure function of the seed and the step.

    Parameters
    ----------
    windows : to learn from. covariance : (8, 8) mV² of the eight leads over them.
    weights : (n,) how often each is drawn, such as one over the windows of its recording.
    steps : of the whole training: it begins with simulated patients and goes over to real ones.
    size : of a batch. seed : of chance.
    tokens : (n, k, C) what is retrieved for each window, None for nothing; simulated patients have
        none.
    transport : from simulated patients to those of the windows; None leaves them where they are.

    Raises
    ------
    LengthError
        If there are no windows.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(8, 1000)).astype("f4")
    >>> window = Window(x, np.arange(0.5, 10), {}, ())
    >>> Lessons([window], np.eye(8), np.ones(1), steps=10, size=4)(3)["x8"].shape
    torch.Size([4, 8, 1000])
    """

    windows: Sequence[Window]
    covariance: NDArray[np.float64]
    weights: NDArray[np.float64]
    steps: int
    size: int = 32
    seed: int = 0
    tokens: NDArray[np.float32] | None = None
    transport: Transport | None = None

    def __post_init__(self) -> None:
        if not len(self.windows):
            raise LengthError("there are no windows to learn from; give a folder of recordings.")

    def __call__(self, step: int) -> Mapping[str, Tensor]:
        """The batch of a step, as `Denoiser.loss` wants it."""
        rng = np.random.default_rng([self.seed, step])
        way = min(step / max(_PRETRAINED * self.steps, 1), 1.0)
        share = (1 - way) * _SIMULATED[0] + way * _SIMULATED[1]
        n_simulated = int(rng.binomial(self.size, share))
        n_samples = self.windows[0].x8.shape[1]
        seeds = rng.integers(2**31, size=2).tolist()
        parts, chosen = [], []
        if n_simulated:
            made = pairs.simulated(n_simulated, n_samples, FS, self.covariance, seeds[0])
            parts.append(made)
        if n_simulated < self.size:
            n_real = self.size - n_simulated
            chosen = rng.choice(len(self.windows), n_real, p=self._shares()).tolist()
            these = [self.windows[i] for i in chosen]
            parts.append(pairs.real(these, FS, self.covariance, seeds[1], self.transport))
        batch = pairs.batch_of(parts)
        if self.tokens is None:
            return batch
        import torch

        nothing = np.full((n_simulated, *self.tokens.shape[1:]), np.nan, np.float32)
        retrieved = np.concatenate([nothing, self.tokens[chosen]])
        return batch | {"tokens": torch.from_numpy(retrieved)}

    def spectrum(self, step: float, n: int) -> list[Any]:
        """(8, n) mV: what sketches miss of real recordings, see `ecgsynth.pairs.spectrum`."""
        batches = [dict(self(self.steps + k)) for k in range(8)]
        return pairs.spectrum(batches, FS, step, n)

    def _shares(self) -> NDArray[np.float64]:
        return np.asarray(self.weights / self.weights.sum())


def lessons(
    entries: datasets.Dataset,
    *,
    steps: int,
    size: int = 32,
    seed: int = 0,
    experience: Experience | None = None,
) -> Lessons:
    """The lessons of some recordings: every recording counts the same.

    Parameters
    ----------
    entries : to learn from. steps, size, seed : as of `Lessons`.
    experience : an index in which to find patients alike for each window, never of its own group.

    Raises
    ------
    LengthError
        If none has a window to learn from.

    Examples
    --------
    >>> lessons(datasets.twelve_lead("recordings"), steps=2000)  # doctest: +SKIP
    """
    from tqdm.auto import tqdm

    found = list(tqdm(windows(entries), desc="windows", disable=None))
    names = [entry.name for entry, _ in found]
    count = {name: names.count(name) for name in set(names)}
    weights = np.array([1 / count[name] for name in names])
    each = [np.cov(window.x8.astype(np.float64)) for _, window in found]
    mean = np.average(each, axis=0, weights=weights) if each else np.eye(8)
    tokens = None if experience is None else experience.recall([_known(*pair) for pair in found])
    learnt = [window for _, window in found]
    to_real = Transport.of(learnt, FS, seed)
    return Lessons(learnt, mean, weights, steps, size, seed, tokens, to_real)


def _known(entry: datasets.Entry, window: Window) -> dict[str, Any]:
    """What the likes of a patient are found by, and who they must not be."""
    age, male = window.numbers["age"], window.numbers["male"]
    return {
        "diagnoses": window.statements,
        "age": None if np.isnan(age) else age,
        "sex": {1.0: "M", 0.0: "F"}.get(male),
        "without": [entry.group],
    }


def train(
    taught: Lessons,
    *,
    preset: str = "tiny",
    rate: float = 2e-3,
    objective: str = "flow",
    bridge: bool = True,
    terms: Mapping[str, float] | None = None,
    device: str | None = None,
    run: str | Path | None = None,
) -> Generator:
    """A generator that has had these lessons.

    Parameters
    ----------
    taught : as of `lessons`; steps and seed are theirs.
    preset : tiny, base or large. rate : of learning, the highest.
    objective, bridge, terms : as of `ecgsynth.denoiser.Denoiser`; a term of weight 0 is left out.
    device : as of `recon.training.fit`.
    run : folder for the checkpoint and the log; a killed run goes on there.

    Raises
    ------
    SignalError
        If there is no such preset.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(8, 1000)).astype("f4")
    >>> window = Window(x, np.arange(0.5, 10), {}, ())
    >>> train(Lessons([window], np.eye(8), np.ones(1), steps=1, size=2)).denoiser.config.fs
    100.0
    """
    import torch

    from ecgsynth.denoiser import PRESETS, SPECTRUM, SPECTRUM_STEP, Denoiser
    from ecgsynth.generator import Generator
    from recon.training import Schedule, fit

    if preset not in PRESETS:
        raise SignalError(f"preset {preset!r}: there are {', '.join(PRESETS)}.")
    torch.manual_seed(taught.seed)
    net = Denoiser(
        fs=FS,
        objective=objective,
        bridge=bridge,
        terms={name: value for name, value in (terms or {}).items() if value},
        spectrum=taught.spectrum(SPECTRUM_STEP, len(SPECTRUM)),
        covariance=taught.covariance.tolist(),
        **({} if taught.tokens is None else {"tokens": taught.tokens.shape[2]}),
        **PRESETS[preset],
    )
    schedule = Schedule(taught.steps, rate=rate)
    net = fit(net, taught, schedule, out=run, seed=taught.seed, device=device)
    if taught.transport is not None:
        net.transport = taught.transport
    return Generator(net)


def calibrate(
    generator: Generator,
    entries: datasets.Dataset,
    *,
    levels: Sequence[float] = LEVELS,
    samples: int = 16,
    seed: int = 0,
) -> tuple[tuple[float, float], ...]:
    """How much wider than its samples the intervals of a generator's completions must be to hold.

    Completes recordings that it has not learned from, from the lead sets of `GIVEN`; the factor of a
    level is such that the interval holds that share of the hidden leads' samples, all recordings and
    lead sets counting the same (split conformal prediction: Vovk et al. 2005).

    Parameters
    ----------
    generator : whose configuration gets the factors. entries : of other patients.
    levels : to calibrate. samples, seed : as of `Generator.posterior`.

    Returns
    -------
    Pairs of a level and its factor; as of `ecgsynth.completion.Completion`.

    Raises
    ------
    LengthError
        If no recording has ten seconds to complete.

    Examples
    --------
    >>> from ecgsynth import Generator
    >>> calibrate(Generator.untrained(), datasets.twelve_lead("others"))  # doctest: +SKIP
    """
    from tqdm.auto import tqdm

    errors: dict[float, list[NDArray[np.float64]]] = {level: [] for level in levels}
    for entry in tqdm(entries, desc="completions", disable=None):
        first = itertools.islice(population.windows(entry.ecg), 1)
        for x8, given in itertools.product(first, GIVEN):
            whole = ECG(leads.twelve(x8), FS, leads.TWELVE)
            drawn = generator.posterior(whole.select(*given), samples, seed=seed)
            found = dataclasses.replace(drawn, spread=())
            hidden = [leads.TWELVE.index(name) for name in leads.EIGHT if name not in given]
            off = np.abs(whole.signal - found.mean)[hidden].ravel()
            even = np.linspace(0, off.size - 1, _EVEN).astype(int)
            for level, each in errors.items():
                low, high = found.interval(level)
                half = ((high - low) / 2)[hidden].ravel()
                each.append(np.asarray(off[even] / np.maximum(half[even], _LEAST_MV), np.float64))
    if not any(errors.values()):
        raise LengthError(f"{len(entries)} recordings, none with ten seconds to complete.")
    spread = tuple((q, float(np.quantile(np.concatenate(each), q))) for q, each in errors.items())
    generator.denoiser.register_to_config(spread=spread)
    return spread


def about(entries: datasets.Dataset, fold: int) -> dict[str, Any]:
    """What a network's card says of its training data.

    Examples
    --------
    >>> about(datasets.Dataset("Nothing"), 0)["fold_left_out"]
    '0 of 5'
    """
    sources = [entry.source for entry in entries]
    return {
        "records": {name: sources.count(name) for name in sorted(set(sources))},
        "fold_left_out": f"{fold} of {FOLDS}",
        "band_hz": [0.5, 40.0],
        "fs_hz": FS,
    }
