"""Prompts: simulated patients turned into what the denoiser is told, and into the physics it is held to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from dsp import LengthError
from ecgsynth import conditions, dipole, physics
from ecgsynth.conditions import Conditions
from ecgsynth.patients import Patients
from ecgsynth.physics import Physics
from ecgsynth.statements import canonical, in_words

if TYPE_CHECKING:
    from ecgsynth.denoiser import Denoiser
    from ecgsynth.simulator import Simulation

_TOLD: Final = ("heart_rate", "sdnn", "pr", "p_duration", "qrs", "qt", "age", "male")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """What is asked of the generator for n records.

    Attributes
    ----------
    conditions : of the denoiser.
    physics : the simulator around these patients.
    """

    conditions: Conditions
    physics: Physics

    def to(self, device: torch.device | str) -> Prompt:
        """The same on another device."""
        space = self.physics
        return Prompt(
            self.conditions.to(device),
            Physics(space.courses.to(device), space.prior.to(device), space.tightness),
        )


def prompt(
    batch: Patients,
    labels: Sequence[Sequence[str]],
    denoiser: Denoiser,
    n_samples: int,
    *,
    trust: float = 0.5,
    tightness: float = 1e-3,
    text: str | Sequence[str] | ArrayLike | None = None,
    tokens: ArrayLike | None = None,
) -> Prompt:
    """What the denoiser is told of simulated patients.

    Parameters
    ----------
    batch : n patients. labels : the statements of each.
    denoiser : for its rate and sizes. n_samples : at its rate.
    trust : how far the network keeps to the simulated shapes, 0 to 1.
    tightness : of the physics, see `Physics`.
    text : see `conditions.text_as_rows`; None is the labels in words.
    tokens : (k, C) or (n, k, C), further tokens, such as retrieved patients.

    Examples
    --------
    >>> from ecgsynth.denoiser import Denoiser
    >>> from ecgsynth.patients import patients
    >>> prompt(patients(2), [["NORM"], ["NORM"]], Denoiser(), 500).conditions.sketch.shape
    torch.Size([2, 8, 500])
    """
    fs, n = denoiser.config.fs, len(labels)
    with torch.no_grad():
        heart = batch.heart.arrays().tensors()
        sketch = dipole.eight_leads(heart, fs, n_samples)
        space = Physics(
            physics.courses(heart, fs, n_samples), physics.sizes(heart), tightness=tightness
        )
        axis = physics.axis(space.prior[..., :8], heart.waves["QRS"].width[:, 0])
    told: dict[str, Any] = {name: batch.knobs[name] for name in _TOLD}
    told |= {"axis": axis.double().numpy(), "trust": trust, "real": 1.0}
    beats = [row[(row >= 0) & (row < n_samples / fs)] for row in batch.rhythm.time]
    blank = denoiser.no_conditions(n, n_samples)
    written = [in_words(canonical(codes)) for codes in labels]
    found = dataclasses.replace(
        blank,
        sketch=sketch - sketch.mean(-1, keepdim=True),
        phase=conditions.phase(beats, fs, n_samples),
        statements=conditions.statements_as_rows(labels),
        numbers=conditions.numbers_as_rows(n, told),
        text=conditions.text_as_rows(n, written if text is None else text, denoiser.config.text),
        tokens=blank.tokens if tokens is None else _tokens(tokens, n, denoiser.config.tokens),
    )
    return Prompt(found, space)


def _tokens(tokens: ArrayLike, n: int, size: int) -> Tensor:
    rows = np.asarray(tokens, np.float32)
    if rows.shape[-1:] != (size,) or rows.shape[:-2] not in {(), (n,)} or rows.ndim < 2:
        raise LengthError(
            f"tokens of shape {rows.shape}: give (k, {size}) or ({n}, k, {size}); this network was "
            f"trained with tokens of size {size} (for an index: einthoven train generator --experience)."
        )
    return torch.from_numpy(np.broadcast_to(rows, (n, *rows.shape[-2:])).copy())


def part_of(batch: Patients, rows: slice) -> Patients:
    """Some of the patients.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> len(part_of(patients(5), slice(1, 3)).heart.field)
    2
    """
    rhythm = dataclasses.replace(
        batch.rhythm,
        **{
            field.name: getattr(batch.rhythm, field.name)[rows]
            for field in dataclasses.fields(batch.rhythm)
        },
    )
    return Patients(
        batch.heart.map(lambda _, x: x[rows]),
        {name: marks[rows] for name, marks in batch.marks.items()},
        rhythm,
        {name: values[rows] for name, values in batch.knobs.items()},
        batch.diagnosis[rows],
        batch.rhythm_code[rows],
    )


def batches(asked: Simulation, size: int) -> Iterator[tuple[int, Patients]]:
    """The patients in batches of `size`, each with the number of its first.

    Examples
    --------
    >>> from ecgsynth.simulator import simulate
    >>> [first for first, _ in batches(simulate(5), 2)]
    [0, 2, 4]
    """
    first = 0
    for batch in asked.batches:
        n = len(batch.diagnosis)
        for start in range(0, n, size):
            yield first + start, part_of(batch, slice(start, start + size))
        first += n


def known(asked: Simulation) -> list[dict[str, Any]]:
    """What is known of each patient, for `ecgsynth.experience.Experience.recall`.

    Examples
    --------
    >>> from ecgsynth.simulator import simulate
    >>> known(simulate(1, diagnosis="AMI", age=60, sex="F"))[0]
    {'diagnoses': ('AMI', 'SR'), 'age': 60.0, 'sex': 'F'}
    """
    age, male = (asked.parameters[name] for name in ("age", "male"))
    return [
        {"diagnoses": labels, "age": float(a), "sex": "M" if m > 0.5 else "F"}
        for labels, a, m in zip(asked.labels, age, male, strict=True)
    ]
