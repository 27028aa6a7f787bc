"""Generator: new twelve-lead recordings on request, and all that may belong to the leads one has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

import dsp
from dsp import ECG, ECGError, checks, filters, leads
from ecgsynth import guidance, sampling
from ecgsynth.completion import Completion, complete
from ecgsynth.draws import series_seed
from ecgsynth.generation import Generation, Sampling
from ecgsynth.interpolation import between
from ecgsynth.prompts import Prompt, batches, known, prompt
from ecgsynth.retime import r_times_of, retime, simulation_of
from ecgsynth.simulator import Simulation, simulate
from ecgsynth.transport import carried

if TYPE_CHECKING:
    from ecgsynth.denoiser import Denoiser
    from ecgsynth.experience import Experience

BUNDLED: Final = Path(__file__).parent / "weights" / "generator"
_ROWS: Final = [leads.TWELVE.index(lead) for lead in leads.EIGHT]


class Generator:
    """A trained denoiser with the exact simulator beside it.

    Parameters
    ----------
    denoiser : the network.
    scheduler : of diffusers, configured for its objective; None is the built-in first-order step.
    name : of the weights, for the provenance of what is made.

    Examples
    --------
    >>> Generator.untrained().generate(2, diagnosis="AMI", rhythm="AFIB").labels
    [('AMI', 'AFIB'), ('AMI', 'AFIB')]
    """

    def __init__(self, denoiser: Denoiser, *, scheduler: Any = None, name: str = "own") -> None:
        self.denoiser, self.scheduler, self.name = denoiser.eval(), scheduler, name

    @classmethod
    def from_pretrained(cls, folder: str | Path | None = None) -> Self:
        """The bundled weights, those in a folder, or those of a repository on the hub.

        Raises
        ------
        ECGError
            If there are none.

        Examples
        --------
        >>> Generator.from_pretrained("nowhere")
        Traceback (most recent call last):
        dsp.errors.ECGError: nowhere holds no Denoiser ...
        """
        from ecgsynth.denoiser import Denoiser

        source = BUNDLED if folder is None else folder
        on_hub = str(source).count("/") == 1 and not Path(source).exists()
        try:
            if not on_hub and not Path(source).is_dir():
                raise ValueError("there is no such folder")
            net = Denoiser.from_pretrained(
                str(source), torch_dtype=torch.float32, low_cpu_mem_usage=False
            )
        except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:160]
            raise ECGError(
                f"{source} holds no Denoiser ({reason}); give a folder that "
                "Generator.save_pretrained wrote, or train one: einthoven train generator."
            ) from None
        return cls(net, name=Path(source).name)

    @classmethod
    def untrained(cls, preset: str = "tiny", *, seed: int = 0) -> Self:
        """A generator whose network has learned nothing: for tests, and to begin training from.

        Raises
        ------
        ECGError
            If there is no such preset.

        Examples
        --------
        >>> Generator.untrained().name
        'untrained tiny'
        """
        from ecgsynth.denoiser import PRESETS, Denoiser

        if preset not in PRESETS:
            raise ECGError(f"preset {preset!r}: there are {' '.join(PRESETS)}.")
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return cls(Denoiser(**PRESETS[preset]), name=f"untrained {preset}")

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json and the weights, in 16 bits, so that `from_pretrained` reads them.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as home:
        ...     Generator.untrained().save_pretrained(home)
        ...     Generator.from_pretrained(home).denoiser.config.objective
        'flow'
        """
        self.denoiser.half().save_pretrained(str(folder))
        self.denoiser.float()

    def generate(  # noqa: PLR0913 - the headline call: each argument is a thing people ask for
        self,
        n: int,
        *,
        heart_rate: ArrayLike | None = None,
        rr: ArrayLike | None = None,
        diagnosis: str | Sequence[str] | None = None,
        rhythm: str | Sequence[str] | None = None,
        age: ArrayLike | None = None,
        sex: str | Sequence[str] | None = None,
        text: str | Sequence[str] | ArrayLike | None = None,
        tokens: ArrayLike | None = None,
        experience: Experience | None = None,
        parameters: Mapping[str, ArrayLike] | None = None,
        fs: float | None = None,
        duration: float = 10.0,
        steps: int | None = None,
        options: Sampling | None = None,
        seed: int | np.random.Generator | torch.Generator = 0,
        on_step: sampling.OnStep | None = None,
        progress: bool = False,
    ) -> Generation:
        """New recordings of patients who never were.

        Rhythm and intervals are the simulator's, exactly; shapes begin as the simulator's and are
        made real by the network; the four other limb leads follow by algebra.

        Parameters
        ----------
        n : number of records. Record k depends on `seed` and k only.
        heart_rate, rhythm, age, sex, parameters : as of `ecgsynth.simulate`.
        diagnosis : one for all, or n of them, as of `ecgsynth.simulate`.
        rr : RR intervals in s, one sequence for all records, instead of a heart rate.
        text : free text, or an embedding of one's own of the size the network was trained with;
            None is the labels in words.
        tokens : (k, C) or (n, k, C), further condition tokens of one's own making.
        experience : an index to find patients alike in, by statements, age and sex of each record;
            for a network that was trained with one.
        fs : Hz; None is the network's. Above its band the result holds the simulator's detail.
        duration : s.
        steps : network evaluations, instead of those of `options`.
        options : how to draw; None is `Sampling()`.
        seed : names the series.
        on_step : called after each step of each batch, see `ecgsynth.sampling.OnStep`.
        progress : show a bar on a terminal.

        Returns
        -------
        Generation.

        Raises
        ------
        ECGError
            As `ecgsynth.simulate`, and for an RR sequence, text, tokens or options that cannot be.

        Examples
        --------
        >>> new = Generator.untrained().generate(2, heart_rate=80, diagnosis="LBBB", steps=2)
        >>> new.signal.shape, new.fs
        ((2, 12, 1000), 100.0)
        """
        options = options or Sampling()
        options = options if steps is None else dataclasses.replace(options, steps=steps)
        to = checks.rate(self.denoiser.config.fs if fs is None else fs)
        if rr is not None:
            r_times = r_times_of(rr, duration)
            heart_rate = 60.0 / float(np.mean(np.diff(r_times))) if len(r_times) > 1 else heart_rate
        series = series_seed(seed)
        asked = simulate(
            n, heart_rate=heart_rate, diagnosis=diagnosis, rhythm=rhythm, age=age, sex=sex,
            fs=to, duration=duration, parameters=parameters, seed=series,
        )  # fmt: skip
        if rr is not None:
            asked = _retimed(asked, r_times, duration)
        if options.mode == "simulator":
            return self._made(asked, asked.signal, series, options)
        if options.carry:
            asked = carried(asked, self.denoiser.transport)
        if experience is not None:
            tokens = experience.recall(known(asked))
        told = {"text": text, "tokens": tokens}
        drawn = self._drawn(asked, duration, options, series, told, on_step, progress=progress)
        return self._made(asked, np.concatenate(list(drawn)), series, options)

    def _drawn(
        self,
        asked: Simulation,
        duration: float,
        options: Sampling,
        series: int,
        told: Mapping[str, Any],
        on_step: sampling.OnStep | None,
        *,
        progress: bool,
    ) -> Iterator[NDArray[np.float32]]:
        """Twelve leads, batch by batch."""
        from tqdm.auto import tqdm

        fs = self.denoiser.config.fs
        n_samples = round(duration * fs)
        parts = list(batches(asked, options.batch))
        for first, batch in tqdm(parts, desc="records", disable=None if progress else True):
            rows = slice(first, first + len(batch.diagnosis))
            these = {name: _rows_of(value, rows, len(asked)) for name, value in told.items()}
            request = prompt(
                batch, asked.labels[rows], self.denoiser, n_samples,
                trust=options.trust, tightness=options.tightness, **these,
            )  # fmt: skip
            noise = sampling.noise_of(series, first, len(batch.diagnosis), n_samples)
            x8, sketch = self._draw(request, noise, options, on_step)
            yield _at_rate(x8, sketch, asked.signal[rows], fs, asked.fs)

    def _draw(
        self,
        request: Prompt,
        noise: torch.Tensor,
        options: Sampling,
        on_step: sampling.OnStep | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Eight leads of a request, (n, 8, time) mV, and the sketch it began with."""
        net = self.denoiser
        request = request.to(net.device)
        told = request.conditions
        if options.mode == "unguided":
            told = told.without_sketch()
        by: list[guidance.Guidance] = []
        if options.scale != 1:
            by.append(
                guidance.ClassifierFree(sampling.predictor(net, told.unknown()), options.scale)
            )
        if options.mode == "guided" and options.strength:
            by.append(guidance.Simulator(request.physics, options.strength, options.schedule))
        by.append(guidance.Baseline())
        with torch.inference_mode():
            x8 = sampling.sample(
                net, guidance.guided(sampling.predictor(net, told), by), noise.to(net.device),
                net.origin(told), steps=options.steps, scheduler=self.scheduler, on_step=on_step,
            )  # fmt: skip
        return x8.cpu().numpy(), request.conditions.sketch.cpu().numpy()

    def posterior(
        self,
        ecg: ECG,
        samples: int = 8,
        *,
        start: ECG | ArrayLike | None = None,
        steps: int = 4,
        seed: int | np.random.Generator | torch.Generator = 0,
        batch: int = 32,
    ) -> Completion:
        """Twelve-lead recordings that may be the whole of which some leads, or parts, are given.

        Missing leads, and gaps (NaN) in leads, are drawn from what the network knows; what is
        given is kept bit by bit. To have given leads drawn anew as well, as for denoising, set the
        disturbed stretch to NaN.

        Parameters
        ----------
        ecg : any of the twelve leads, with or without gaps.
        samples : how many.
        start : a first estimate of all leads to start from, such as a reconstruction: an ECG of
            twelve leads, or (12, time) or (8, time) mV at the rate of `ecg`. None is a linear one.
        steps : network evaluations; more make rougher samples, not better ones.
        seed : names the series; sample k depends on it and k only. Samples come in antithetic
            pairs, see `ecgsynth.sampling.pairs_of`: an even number has the better mean.
        batch : samples at once.

        Returns
        -------
        Completion.

        Raises
        ------
        LeadError
            If no lead is one of the twelve.
        LengthError, SignalError
            If there is nothing to go by, or `start` has another shape.

        Examples
        --------
        >>> from ecgsynth import simulate
        >>> ecg = simulate(1, fs=250).record(0).select("I", "II", "V2")
        >>> found = Generator.untrained().posterior(ecg, 2, steps=2)
        >>> found.signal.shape, bool((found.signal[:, 1] == ecg["II"]).all())
        ((2, 12, 2500), True)
        """
        return complete(
            self.denoiser, ecg, samples, start=start, steps=steps, seed=series_seed(seed),
            batch=batch, scheduler=self.scheduler,
        )  # fmt: skip

    def interpolate(
        self,
        first: Mapping[str, Any],
        second: Mapping[str, Any],
        n: int = 5,
        *,
        duration: float = 10.0,
        options: Sampling | None = None,
        seed: int | np.random.Generator | torch.Generator = 0,
    ) -> Generation:
        """One patient who turns into another: n records from the first request to the second.

        Knobs, shapes and statements go over in equal steps; the draw of chance stays the same.

        Parameters
        ----------
        first, second : requests, of ``diagnosis``, ``rhythm`` and knobs of
            `ecgsynth.patients.KNOBS`.
        n : records, 2 or more.
        duration, options, seed : as of `generate`, at the network's rate.

        Raises
        ------
        ECGError
            For a request that cannot be, or n below 2.

        Examples
        --------
        >>> rest, run = {"heart_rate": 60.0}, {"heart_rate": 120.0}
        >>> steps = Generator.untrained().interpolate(rest, run, 3)
        >>> steps.parameters["heart_rate"].round().tolist()
        [60.0, 90.0, 120.0]
        """
        options = options or Sampling()
        series = series_seed(seed)
        asked, requests = between(
            first, second, n, self.denoiser, options, duration=duration, seed=series
        )
        n_samples = round(duration * self.denoiser.config.fs)
        noise = sampling.noise_of(series, 0, 1, n_samples)
        x8 = [self._draw(request, noise, options)[0] for request in requests]
        return self._made(asked, leads.twelve(np.concatenate(x8)), series, options)

    def _made(
        self, asked: Simulation, signal: NDArray[np.float32], series: int, options: Sampling
    ) -> Generation:
        fields = {f.name: getattr(asked, f.name) for f in dataclasses.fields(asked)}
        made_by = {"weights": self.name, "seed": series, **dataclasses.asdict(options)}
        return Generation(**{**fields, "signal": signal}, provenance=made_by)


def _rows_of(value: Any, rows: slice, n: int) -> Any:
    """The part of a batch in what was told of all n; one for all stays one."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Sequence) and all(isinstance(line, str) for line in value):
        if len(value) != n:
            raise dsp.LengthError(f"{len(value)} texts for {n} records; give one, or one each.")
        return value[rows]
    value = np.asarray(value, np.float32)
    return value[rows] if value.ndim > 1 and len(value) == n else value


def _at_rate(
    x8: NDArray[np.float32], sketch: NDArray[np.float32], simulated: NDArray[np.float32],
    fs: float, to: float,
) -> NDArray[np.float32]:  # fmt: skip
    """Twelve leads at the rate wanted; what the network's rate cannot hold is the simulator's."""
    if fs == to:
        return leads.twelve(x8)
    n_samples = simulated.shape[-1]
    slow = filters.of_length(filters.resample(x8 - sketch, fs, to), n_samples)
    detail = simulated[:, _ROWS] - simulated[:, _ROWS].mean(-1, keepdims=True)
    return leads.twelve(slow + detail)


def _retimed(asked: Simulation, r_times: NDArray[np.float64], duration: float) -> Simulation:
    """The same patients with given beats."""
    batches = [retime(b, [r_times] * len(b.diagnosis), duration) for b in asked.batches]
    return simulation_of(batches, asked.fs, asked.signal.shape[-1])
