"""Paths: every way from a few leads to the latent of twelve, in one small protocol.

A path is any callable that takes an `ECG` of the given leads (100 Hz, ten seconds, mV) and returns
one of four things; what it returns says what it is:

    an ECG of twelve leads, or (12, time) mV      a reconstruction, which the teacher then encodes
    (samples, 12, time) mV                        samples, each encoded, the latents then averaged
    (dim,)                                        a latent
    Outcome(samples, latent)                      both

`Batched` makes one of a callable that takes many records at once, as networks like it. `Path` adds
what a table needs to know: which kind it is, whether its latent is in the teacher's space, and, for
one that learns from other patients' records, how it is fitted.
"""

import dataclasses
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import ECG, LengthError, SignalError, leads
from recon.fir import FIR
from recon.gaps import features, naive
from recon.gaps.posterior import GaussianPosterior
from recon.gaps.random_encoder import RandomEncoder
from recon.gaussian import Gaussian, covariance, split
from recon.reconstructor import Reconstructor

if TYPE_CHECKING:
    from ecgsynth import Generator

KINDS: Final[Mapping[str, str]] = {
    "A": "ceiling: the teacher on all twelve leads",
    "B": "reconstruct, then encode",
    "B'": "draw samples, encode each, average the latents",
    "C": "alignment: given leads straight to the latent",
    "D": "naive fill, then encode",
    "E": "an encoder trained with leads left out",
    "F": "random encoder of the given leads",
    "G": "measurements of the given leads",
    "own": "yours",
}
SAMPLES: Final = 8
"""Drawn for each record by a posterior path."""
GENERATED: Final = 4
EVALUATIONS: Final = 5
"""Samples of a generator for each record, and evaluations of its network for each: these cost time."""
VOTERS: Final = 500
"""Patients at most that the refitted Gaussian keeps, evenly taken: each costs time at every record."""


class Outcome(NamedTuple):
    """What a path makes of one record.

    Attributes
    ----------
    samples : (k, 12, time) mV; one for a reconstruction; None without a signal.
    latent : (dim,); None if it is to come from the samples.
    """

    samples: NDArray[Any] | None = None
    latent: NDArray[Any] | None = None


Result = ECG | ArrayLike | Outcome
Run = Callable[[ECG], Result]
Sampler = Callable[[ECG, int, int], ArrayLike]
Encoder = Callable[..., Any]
"""(n, leads, time) mV, their rate, 100 Hz, and their names unless they are the twelve, to (n, dim)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Batched:
    """A way that takes many records at once: a path's `run`, or what its `fit` returns.

    Attributes
    ----------
    many : from records, all of the same leads and length, to what the way makes of each.

    Examples
    --------
    >>> way = Batched(lambda ecgs: np.stack([ecg.signal.mean(axis=1) for ecg in ecgs]))
    >>> way(ECG(np.ones((2, 500)), 100, ["I", "II"])).tolist()
    [1.0, 1.0]
    """

    many: Callable[[Sequence[ECG]], Sequence[Result] | NDArray[Any]]

    def __call__(self, ecg: ECG) -> Result:
        """Of one record."""
        alone: Result = self.many([ecg])[0]
        return alone


@dataclasses.dataclass(frozen=True, eq=False)
class Path:
    """One way from few leads to the latent of twelve.

    Attributes
    ----------
    run : the way itself; None if `fit` makes it.
    kind : a key of `KINDS`.
    fit : from the twelve-lead records of other patients to the way; called once a fold.
    space : of its latent, if it gives one. "own" latents reach the teacher's space by a ridge map
        fitted on other patients.
    mean : name of the path that encodes the mean of what this one samples.
    about : one line for the report's cards: what it was trained on, its licence.

    Examples
    --------
    >>> Path(lambda ecg: np.zeros((12, ecg.n_samples)), "D").space
    'teacher'
    """

    run: Run | None = None
    kind: str = "own"
    fit: Callable[[Sequence[ECG]], Run] | None = None
    space: Literal["teacher", "own"] = "teacher"
    mean: str = ""
    about: str = ""


def outcome(result: Result, n_samples: int) -> Outcome:
    """What a path returned, in one form.

    Raises
    ------
    LengthError
        If it has none of the shapes a path may return.
    SignalError
        If not all of it is finite.

    Examples
    --------
    >>> outcome(np.zeros((12, 1000)), 1000).samples.shape
    (1, 12, 1000)
    """
    if isinstance(result, Outcome):
        samples, latent = (None if part is None else np.asarray(part) for part in result)
        made = Outcome(samples, latent)
    elif isinstance(result, ECG):
        made = Outcome(result.twelve_leads()[leads.TWELVE][None])
    else:
        array = np.asarray(result)
        made = (
            Outcome(latent=array)
            if array.ndim == 1
            else Outcome(array.reshape(-1, *array.shape[-2:]))
        )
    shape = None if made.samples is None else made.samples.shape
    if shape is not None and (len(shape) != 3 or not shape[0] or shape[1:] != (12, n_samples)):
        raise LengthError(
            f"the path returned samples of shape {shape}; expected (k, 12, {n_samples})."
        )
    nothing = made.samples is None and made.latent is None
    if nothing or (made.latent is not None and made.latent.ndim != 1):
        raise LengthError("the path returned neither samples nor a latent (dim,).")
    for part in made:
        if part is not None and not np.isfinite(part).all():
            raise SignalError("the path returned numbers that are not finite.")
    return made


def posterior(
    sampler: Sampler, *, mean: str = "", samples: int = SAMPLES, seed: int = 0, about: str = ""
) -> Path:
    """A path that draws signals: any ``sampler(ecg, samples, seed)`` giving (samples, 12, time).

    Examples
    --------
    >>> zeros = posterior(lambda ecg, samples, seed: np.zeros((samples, 12, ecg.n_samples)))
    >>> zeros.run(ECG(np.zeros(1000), 100, ["I"])).shape
    (8, 12, 1000)
    """
    return Path(_drawn(sampler, samples, seed), "B'", mean=mean, about=about)


def generated(
    generator: "Generator", *, samples: int = GENERATED, steps: int = EVALUATIONS, seed: int = 0
) -> Path:
    """Samples of a diffusion generator's posterior.

    Parameters
    ----------
    generator : as of `ecgsynth.Generator.from_pretrained`.
    samples : for each record. steps : evaluations of its network for each sample.
    seed : of the samples.

    Examples
    --------
    >>> from ecgsynth import Generator
    >>> way = generated(Generator.untrained(), samples=2, steps=1)
    >>> way.run(ECG(np.sin(np.arange(1000) / 8), 100, ["I"])).shape
    (2, 12, 1000)
    """

    def sampler(ecg: ECG, samples: int, seed: int) -> ArrayLike:
        return generator.posterior(ecg, samples, steps=steps, seed=seed).signal

    about = f"{samples} samples of the generator, {steps} evaluations each"
    return posterior(sampler, samples=samples, seed=seed, about=about)


def refitted_gaussian() -> Path:
    """The Gaussian predictor, fitted to the other folds' records."""
    about = "closed form; fitted to the other folds' patients"
    return Path(kind="B", fit=lambda train: _reconstruction(_gaussian(train)), about=about)


def refitted_posterior(*, mean: str = "", samples: int = SAMPLES, seed: int = 0) -> Path:
    """Samples of the Gaussian predictor's conditional, fitted to the other folds' records."""

    def fit(train: Sequence[ECG]) -> Run:
        return _drawn(GaussianPosterior(_gaussian(train)), samples, seed)

    about = f"{samples} samples of the Gaussian conditional; fitted to the other folds' patients"
    return Path(kind="B'", fit=fit, mean=mean, about=about)


def refitted_fir() -> Path:
    """The FIR predictor, fitted to the other folds' records."""

    def fit(train: Sequence[ECG]) -> Run:
        model = FIR.fit(np.stack([ecg[leads.EIGHT] for ecg in train]))
        return lambda ecg: leads.twelve(model.predict(ecg.signal, ecg.leads))

    return Path(kind="B", fit=fit, about="closed form; fitted to the other folds' patients")


def references(seed: int = 0) -> dict[str, Path]:
    """What every comparison needs: a fill, a random encoder, measurements. By name.

    Examples
    --------
    >>> sorted(references())
    ['measurements', 'random encoder', 'zero fill']
    """
    encoder = RandomEncoder(seed=1000 + seed)
    randomly = Batched(lambda ecgs: encoder(np.stack([naive.zero(ecg) for ecg in ecgs])))
    return {
        "zero fill": Path(naive.zero, "D", about="hidden leads are 0 mV"),
        "random encoder": Path(
            randomly, "F", space="own", about=f"untrained convolutions, seed {seed}"
        ),
        "measurements": Path(
            Batched(features.measurements),
            "G",
            space="own",
            about="intervals, amplitudes and ST levels of dsp.measure",
        ),
    }


def closed_form(seed: int = 0) -> dict[str, Path]:
    """Every path without a trained network, by name: `references`, fills, and what is refitted.

    Examples
    --------
    >>> closed_form()["Gaussian posterior"].mean
    'Gaussian'
    """
    return {
        **references(seed),
        "copy fill": Path(naive.copy, "D", about="hidden leads are copies of the first given lead"),
        "mean fill": Path(
            kind="D", fit=naive.mean, about="the other folds' mean beat at every beat"
        ),
        "FIR": refitted_fir(),
        "Gaussian": refitted_gaussian(),
        "Gaussian posterior": refitted_posterior(mean="Gaussian", seed=seed),
    }


def bundled(seed: int = 0) -> dict[str, Path]:
    """Every path that needs nothing from the caller, by name: `closed_form` and the bundled models.

    Examples
    --------
    >>> bundled()["alignment"].kind
    'C'
    """
    from ecgsynth import Generator
    from recon.align import Aligner

    model, aligner = Reconstructor.from_pretrained(), Aligner.from_pretrained()
    drawn = generated(Generator.from_pretrained(), seed=seed)
    seen = "bundled weights: public recordings they were trained on flatter it, see its card"
    return {
        **closed_form(seed),
        "Reconstructor": Path(lambda ecg: model.predict(ecg).ecg, "B", about=seen),
        "generator posterior": dataclasses.replace(drawn, about=f"{drawn.about}; {seen}"),
        "alignment": Path(embedding(aligner.embed), "C", about=seen),
    }


def embedding(encoder: Encoder) -> Batched:
    """The way of an encoder that takes any leads, such as `Aligner.embed`: straight to its latent.

    Examples
    --------
    >>> way = embedding(lambda x, fs, leads: x.mean(axis=-1))
    >>> np.shape(way(ECG(np.ones((2, 500)), 100, ["I", "II"])))
    (2,)
    """
    return Batched(
        lambda ecgs: encoder(np.stack([ecg.signal for ecg in ecgs]), ecgs[0].fs, ecgs[0].leads)
    )


def _gaussian(train: Sequence[ECG]) -> Gaussian:
    kept = np.linspace(0, len(train) - 1, min(len(train), VOTERS)).astype(int)
    x8 = (train[int(k)][leads.EIGHT] for k in kept)
    return Gaussian.fit(np.stack([covariance(split(x, train[0].fs)) for x in x8]))


def _reconstruction(model: Gaussian) -> Run:
    reconstructor = Reconstructor(model)
    return lambda ecg: reconstructor.predict(ecg).ecg


def _drawn(sampler: Sampler, samples: int, seed: int) -> Run:
    """Samples that depend on the record and the seed, not on the order of the records."""

    def run(ecg: ECG) -> ArrayLike:
        of_record = [seed, zlib.crc32(ecg.signal.tobytes())]
        return sampler(ecg, samples, int(np.random.SeedSequence(of_record).generate_state(1)[0]))

    return run
