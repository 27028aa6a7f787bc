"""Aligner: a twelve-lead teacher and an any-leads student in one latent space."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from dsp import ECG
from ecgsynth import pretrained
from recon import weights
from recon.align.alignment import RECIPES, Alignment, Recipe
from recon.align.pairs import PairBatches, leads_projector
from recon.align.teaching import Teaching
from recon.encoders import Encoder, Latents, Preset, ResidualEncoder, prepare
from recon.encoders.encoder import as_array
from recon.tasks.cohort import Cohort
from recon.tasks.probe import Probe
from recon.training import Schedule, fit

BUNDLED: Final = "aligner"
_AT_ONCE: Final = 128


class Pair(nn.Module):
    """The two networks of an `Aligner`, for storage.

    Parameters
    ----------
    teacher, student : arguments of their `ResidualEncoder`.

    Examples
    --------
    >>> from recon.encoders import PRESETS
    >>> Pair(PRESETS["tiny"], PRESETS["tiny"]).config["teacher"]["dim"]
    128
    """

    def __init__(self, teacher: dict[str, Any], student: dict[str, Any]) -> None:
        super().__init__()
        self.teacher = ResidualEncoder(**teacher)
        self.student = ResidualEncoder(**student)
        self.config = {"teacher": self.teacher.config, "student": self.student.config}


class Aligner:
    """Embeddings of any leads: the teacher's for twelve, the student's for fewer, in one space.

    Parameters
    ----------
    pair : the two networks.

    Attributes
    ----------
    teacher, student : `recon.encoders.Encoder`, usable alone.

    Examples
    --------
    >>> aligner = Aligner.from_pretrained()
    >>> t = np.arange(5000) / 500
    >>> z = aligner.embed(ECG(np.sin(7 * t), 500, ["I"]))
    >>> z.shape == (aligner.dim,)
    True
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair.eval()
        self.teacher = Encoder(pair.teacher)
        self.student = Encoder(pair.student)

    @property
    def dim(self) -> int:
        """Numbers in an embedding."""
        return self.teacher.dim

    @classmethod
    def from_pretrained(cls, folder: str | Path | None = None) -> Self:
        """The bundled weights, or those in a folder, or of a repository of the Hugging Face hub.

        Raises
        ------
        ECGError
            If there is no aligner.

        Examples
        --------
        >>> Aligner.from_pretrained().teacher.dim
        128
        """
        return cls(pretrained.load(Pair, weights.find(folder or BUNDLED)))

    def save(self, folder: str | Path, **about: Any) -> None:
        """Write config.json and model.safetensors into `folder`; `about` is kept in the former.

        Raises
        ------
        WriteError
            If the folder cannot be written.

        Examples
        --------
        >>> Aligner.from_pretrained().save("folder")  # doctest: +SKIP
        """
        pretrained.save(self.pair, folder, **about)

    def embed(
        self, x: ECG | ArrayLike, fs: float | None = None, leads: Sequence[str] | None = None
    ) -> Latents:
        """Embed a record or an array of records: by the teacher if all twelve leads are told.

        A flat lead counts as missing. Records longer than 10 s give the mean over their windows.

        Parameters
        ----------
        x : a record, or (..., leads, time) mV, at least 0.5 s; NaN marks gaps.
        fs, leads : Hz and names of the rows, for arrays.

        Returns
        -------
        (dim,) or (..., dim) float32, of mean 0 and variance 1 over the teacher's training records.

        Raises
        ------
        LeadError, LengthError, RateError, SignalError, UnitError
            As `recon.encoders.Encoder`.

        Examples
        --------
        >>> x = np.random.default_rng(0).normal(size=(4, 2, 2000))
        >>> Aligner.from_pretrained().embed(x, 200, ("I", "V2")).shape
        (4, 128)
        """
        signal, rate, names = as_array(x, fs, leads)
        shape = np.shape(signal)
        out = np.empty((int(np.prod(shape[:-2], dtype=int)), self.dim), np.float32)
        for part in prepare(signal, rate, names):
            whole = part.projector.trace() > 8 - 1e-3
            out[part.places] = (self.teacher if whole else self.student).embed(part)
        return out.reshape(*shape[:-2], self.dim)

    def probe(
        self,
        x: ArrayLike,
        labels: ArrayLike,
        fs: float,
        leads: Sequence[str] | None = None,
    ) -> Probe:
        """A linear reader of labels from embeddings; ``probe.scores(aligner.embed(...))``.

        Parameters
        ----------
        x : (n, leads, time) mV. labels : (n, k), NaN where unknown.
        fs, leads : as `embed`.

        Raises
        ------
        LengthError
            If there is not one row of labels for each record.

        Examples
        --------
        >>> x = np.random.default_rng(0).normal(size=(20, 1, 500))
        >>> Aligner.from_pretrained().probe(x, np.arange(20) % 2, 100, ["I"]).weights.shape
        (128, 1)
        """
        return Probe.fit(self.embed(x, fs, leads), labels)

    @classmethod
    def fit(
        cls,
        cohort: Cohort,
        recipe: Recipe = RECIPES["any-subset"],
        *,
        teacher: ResidualEncoder | None = None,
        preset: Preset = "tiny",
        steps: tuple[int, int] = (2000, 1500),
        size: int = 64,
        seed: int = 0,
        out: str | Path | None = None,
        device: str | None = None,
    ) -> Self:
        """Teach a teacher, then align a student with it.

        Parameters
        ----------
        cohort : to learn from; its labels are the teacher's.
        recipe : of the alignment; a row of `recon.align.RECIPES` or your own.
        teacher : one that there is already; it is not changed, and `preset` not used.
        preset : size of both networks.
        steps : of teacher and student.
        size : records a batch.
        seed : of everything.
        out : folder for checkpoints; a killed run goes on from them.
        device : "cpu", "cuda"; by default whatever there is.

        Raises
        ------
        ECGError
            If the cohort is smaller than a batch, or a number is out of its range.

        Examples
        --------
        >>> from recon.tasks import simulated
        >>> aligner = Aligner.fit(simulated(16), steps=(1, 1), size=8)
        """
        home = None if out is None else Path(out)
        run: dict[str, Any] = {"size": size, "seed": seed, "device": device}
        if teacher is None:
            teacher = teach(cohort, preset, steps[0], out=home and home / "teacher", **run)
        aligned = align(teacher, cohort, recipe, steps[1], out=home and home / "student", **run)
        pair = Pair(teacher.config, aligned.student.config)
        pair.teacher.load_state_dict(teacher.state_dict())
        pair.student.load_state_dict(aligned.student.state_dict())
        return cls(pair)


def teach(
    cohort: Cohort,
    preset: Preset,
    steps: int,
    *,
    leads: tuple[str, ...] | None = (),
    size: int = 64,
    seed: int = 0,
    start: ResidualEncoder | None = None,
    out: Path | None = None,
    device: str | None = None,
) -> ResidualEncoder:
    """A teacher; with ``leads=None``, random subsets, the lead-dropout encoder.

    `start` is an encoder to go on from, which is not changed; `preset` is not used then. The
    embeddings have mean 0 and mean variance 1 over the cohort, twelve leads given.

    Raises
    ------
    ECGError
        If the cohort is smaller than a batch.

    Examples
    --------
    >>> from recon.tasks import simulated
    >>> teach(simulated(16), "tiny", 1, size=8).dim
    128
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder = copy.deepcopy(start) if start else ResidualEncoder.preset(preset)
        model = Teaching(encoder, cohort.labels.shape[1], cohort.knobs.shape[1])
    batches = PairBatches(cohort, size, leads=leads, seed=seed, other=True)
    fit(model, batches, _schedule(steps), out=out, seed=seed, device=device)
    encoder.standardise(embedded(encoder, cohort, ()))
    return encoder.eval()


def align(
    teacher: ResidualEncoder,
    cohort: Cohort,
    recipe: Recipe,
    steps: int,
    *,
    size: int = 64,
    seed: int = 0,
    start: ResidualEncoder | None = None,
    out: Path | None = None,
    device: str | None = None,
) -> Alignment:
    """A student aligned to a teacher, moved and stretched to its space.

    `start` is a student to go on from; without it, it starts as a copy of the teacher.

    Raises
    ------
    ECGError
        If the cohort is smaller than a batch.

    Examples
    --------
    >>> from recon.tasks import simulated
    >>> model = align(ResidualEncoder.preset("tiny"), simulated(16), RECIPES["mse"], 1, size=8)
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Alignment(teacher, recipe)
        if start is not None:
            model.student.load_state_dict(start.state_dict())
    batches = PairBatches(cohort, size, leads=recipe.leads, seed=seed)
    fit(model, batches, _schedule(steps), out=out, seed=seed, device=device)
    given = recipe.leads or ("I", "II", "V2")
    model.student.match(embedded(model.student, cohort, given), embedded(teacher, cohort, ()))
    return model.eval()


def embedded(network: ResidualEncoder, cohort: Cohort, leads: tuple[str, ...]) -> Tensor:
    """(n, dim) of a cohort's records, of which only `leads` are given; () for all twelve.

    Examples
    --------
    >>> from recon.tasks import simulated
    >>> embedded(ResidualEncoder.preset("tiny"), simulated(3), ("I",)).shape
    torch.Size([3, 128])
    """
    device = next(network.parameters()).device
    onto = torch.from_numpy(leads_projector(leads)).to(device)
    network.eval()
    with torch.inference_mode():
        found = [
            network(part.to(device), onto.expand(len(part), 8, 8)).cpu()
            for part in torch.split(torch.from_numpy(cohort.x), _AT_ONCE)
        ]
    return torch.cat(found)


def _schedule(steps: int) -> Schedule:
    # The average's memory is a tenth of the run, so that short runs forget their beginning too.
    return Schedule(steps, rate=2e-3, ema=min(0.999, max(0.0, 1 - 10 / steps)))
