"""Transport: simulated patients carried onto the population of real ones, by the least change that does it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import torch

from ecgsynth import pairs, physics, truth
from ecgsynth.draws import Floats
from ecgsynth.heart import ABSENT, Events, Heart
from ecgsynth.patients import Patients
from ecgsynth.retime import simulation_of

if TYPE_CHECKING:
    from ecgsynth.simulator import Simulation

PARTS: Final = (1, 2, 3, 4, 5, 8, 9, 11, 12, 13, 14)
"""Of the sixteen Gaussians of a beat those that every heart has: not what only an illness adds (delta,
late and J wave), nor the faint recovery of the atria and U, which a recording hardly shows."""
SIZES: Final = 8 * len(PARTS)
"""Numbers that are carried: the sizes of these in eight leads."""
_PLACES: Final = {"QRS": (slice(0, 5), (1, 2, 3, 4, 5)), "P": (slice(5, 7), (0, 1)),
                  "T": (slice(7, 11), (0, 1, 2, 3))}  # fmt: skip
_DRAWS: Final = 3  # simulated patients beside each recording
_LENT: Final = 0.05  # of the real variance, to sizes that hardly vary among simulated patients
_SHRUNK: Final = 0.1  # of the real covariance to its diagonal


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Transport:
    """The optimal transport from the sizes of simulated patients to those of real ones, both as normal.

    Of all maps that give simulated patients the mean and the covariance of real ones, it moves them
    least (Olkin & Pukelsheim, Linear Algebra Appl 1982;48:257): who is rare stays rare, and what an
    illness changes stays changed.

    Attributes
    ----------
    origin, goal : (88,) mV, mean sizes of simulated and of real patients.
    turn : (88, 88).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> simulated, real = rng.normal(size=(2000, 88)), 1 + rng.normal(size=(2000, 88)) / 2
    >>> found = Transport.between(simulated, real)
    >>> bool(abs(found(simulated).std() / real.std() - 1) < 0.05)
    True
    """

    origin: Floats
    goal: Floats
    turn: Floats

    @classmethod
    def nowhere(cls) -> Self:
        """That which leaves everyone where he is.

        Examples
        --------
        >>> Transport.nowhere()(np.ones(88)).sum().item()
        88.0
        """
        return cls(np.zeros(SIZES), np.zeros(SIZES), np.eye(SIZES))

    @classmethod
    def between(cls, simulated: Floats, real: Floats) -> Self:
        """From samples of both, (n, 88) and (m, 88) mV, of patients with the same conditions.

        Examples
        --------
        >>> x = np.random.default_rng(0).normal(size=(500, 88))
        >>> bool(np.allclose(Transport.between(x, x + 1)(x).mean(), x.mean() + 1))
        True
        """
        scale = real.std(axis=0) + 1e-9
        a, b = (np.cov(sizes.T) / np.outer(scale, scale) for sizes in (simulated, real))
        a, b = a + _LENT * np.eye(SIZES), b + _SHRUNK * (np.eye(SIZES) - b)
        root, back = _power(a, 0.5), _power(a, -0.5)
        turn = back @ _power(root @ b @ root, 0.5) @ back
        return cls(simulated.mean(axis=0), real.mean(axis=0), scale[:, None] * turn / scale)

    @classmethod
    def of(cls, windows: Sequence[pairs.Window], fs: float, seed: int = 0) -> Self:
        """From real recordings, and patients simulated with their beats, intervals and statements.

        The real sizes are those with which the simulator, around such a patient, fits the recording
        best (`ecgsynth.physics`). Recordings without P waves have no say; of fewer than two others
        nothing is known, and nobody is moved.

        Parameters
        ----------
        windows : of equal length. fs : Hz. seed : of the patients.

        Examples
        --------
        >>> Transport.of([], 100).turn.trace().item()
        88.0
        """
        windows = [window for window in windows if pairs.has_p(window.statements)]
        if len(windows) < 2:
            return cls.nowhere()
        x8 = torch.from_numpy(np.stack([window.x8 for window in windows]))
        simulated: list[Floats] = []
        real: list[Floats] = []
        for draw in np.random.default_rng(seed).integers(2**62, size=_DRAWS).tolist():
            heart = pairs.patients_of(windows, fs, draw).heart.tensors()
            courses = physics.courses(heart, fs, x8.shape[-1])
            courses = courses - courses.mean(-1, keepdim=True)
            prior = physics.sizes(heart)
            rest = torch.ones(prior.shape[-1], dtype=torch.bool)
            rest[list(PARTS)] = False
            gap = x8 - x8.mean(-1, keepdim=True) - prior[..., rest] @ courses[:, rest]
            space = physics.Physics(courses[:, ~rest], prior[..., ~rest])
            for sizes, found in ((simulated, space.prior), (real, space.fit(gap))):
                sizes.append(found.flatten(1).double().numpy())
        return cls.between(np.concatenate(simulated), np.concatenate(real))

    def __call__(self, sizes: Floats) -> Floats:
        """(..., 88) mV, where sizes go."""
        return np.asarray(self.goal + (sizes - self.origin) @ self.turn.T)

    def carry(self, batch: Patients) -> Patients:
        """The patients with the sizes of their usual beats carried; rhythm and intervals stay.

        Other sizes would move where waves begin and end, so the waves are put to scale again, as
        those of any simulated patient are, and the marks are the new ones.

        Examples
        --------
        >>> from ecgsynth.patients import patients
        >>> batch = patients(2)
        >>> same = Transport.nowhere().carry(batch)
        >>> bool(np.allclose(usual(same.heart), usual(batch.heart), atol=1e-6))
        True
        """
        heart = batch.heart.arrays()
        own = usual(heart)
        step = (self(own) - own).reshape(-1, 8, len(PARTS))
        waves, marks = dict(heart.waves), dict(batch.marks)
        for name, (mine, parts) in _PLACES.items():
            residual = heart.waves[name].residual.copy()
            residual[:, 0][..., list(parts)] += step[..., mine]
            wave = dataclasses.replace(heart.waves[name], residual=residual)
            waves[name], found = truth.to_scale(name, wave, truth.rows(name, wave, heart.field))
            marks[name] = found[:, :, :12]
        # A rhythm is a series of R peaks; hearts run by the onset of the QRS.
        centres = (
            truth.rows("QRS", each["QRS"], heart.field)[:, :, 12, 1]
            for each in (waves, heart.waves)
        )
        later = np.subtract(*centres) * heart.qrs
        beats, atria = heart.events["beats"], heart.events["atria"]
        events = {
            **heart.events,
            "beats": _earlier(beats, np.take_along_axis(later, beats.kind, 1)),
            "atria": _earlier(atria, later[:, :1]),
        }
        heart = dataclasses.replace(heart, waves=waves, events=events)
        return dataclasses.replace(batch, heart=heart, marks=marks)


def carried(asked: Simulation, by: Transport) -> Simulation:
    """A simulation with every patient carried.

    Examples
    --------
    >>> from ecgsynth import simulate
    >>> carried(simulate(1), Transport.nowhere()).signal.shape
    (1, 12, 5000)
    """
    batches = [by.carry(batch) for batch in asked.batches]
    return simulation_of(batches, asked.fs, asked.signal.shape[-1])


def usual(heart: Heart) -> Floats:
    """(n, 88) mV, sizes of the `PARTS` of the first kind of beat.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> usual(patients(2).heart).shape
    (2, 88)
    """
    found = physics.sizes(heart.tensors())[..., list(PARTS)]
    return np.asarray(found.flatten(1).double().numpy())


def _earlier(events: Events, by: Floats) -> Events:
    """Events moved to an earlier time, s; those that do not happen stay where they are."""
    return dataclasses.replace(
        events, time=np.where(events.time > ABSENT, events.time - by, events.time)
    )


def _power(matrix: Floats, power: float) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-12) ** power) @ vectors.T)
