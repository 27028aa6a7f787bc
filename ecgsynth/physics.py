"""Physics: the simulator as a linear space, so that its best fit to any signal is one solve with gradients.

A simulated record is a sum of courses (each Gaussian of the heart, through all its beats) times their
sizes in eight leads. For given beats and intervals the courses are fixed, and the sizes that fit a
signal best, or best among those near a patient's own, are ridge regression in closed form.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import torch
from torch import Tensor

from ecgsynth.dipole import eight_leads
from ecgsynth.heart import Heart

PARTS: Final = 16
"""Gaussians of a beat: eight of the QRS, three of P, five of T."""
_PROBES: Final = (("QRS",), ("P", "T"))  # eight each, in the places of the eight leads


def courses(heart: Heart, fs: float, n_samples: int) -> Tensor:
    """Every Gaussian of the hearts through all beats, at unit size.

    Parameters
    ----------
    heart : in tensors. fs : Hz. n_samples : of a record.

    Returns
    -------
    (n, 32, n_samples): QRS, P and T of the first kind of beat, then of the second. Gains of beats
    and breath are in them, tilt and atrial oscillations are not.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> courses(patients(2).heart.tensors(), 100, 1000).shape
    torch.Size([2, 32, 1000])
    """
    out = torch.zeros(len(heart.field), 2 * PARTS, n_samples)
    row = 0
    for kind in (0, 1):
        used = bool((heart.events["beats"].kind == kind).any())
        for names in _PROBES:
            if used or kind == 0:
                out[:, row : row + 8] = eight_leads(_probe(heart, names, kind), fs, n_samples)
            row += 8
    return out


def _probe(heart: Heart, names: tuple[str, ...], kind: int) -> Heart:
    """A heart whose eight leads each show one Gaussian of one kind of beat."""
    waves, lead = {}, 0
    for name in names:
        wave = heart.waves[name]
        own = torch.zeros_like(wave.residual)
        places = torch.arange(own.shape[-1])
        own[:, kind, lead + places, places] = 1.0
        waves[name] = dataclasses.replace(wave, vector=torch.zeros_like(wave.vector), residual=own)
        lead += len(places)
    return dataclasses.replace(
        heart,
        waves=waves,
        tilt=torch.zeros_like(heart.tilt),
        flutter=torch.zeros_like(heart.flutter),
    )


def sizes(heart: Heart) -> Tensor:
    """(n, 8, 32) mV: the patients' own sizes of the `courses`.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> sizes(patients(2).heart.tensors()).shape
    torch.Size([2, 8, 32])
    """
    field = heart.field[:, None]
    found = [
        (field @ heart.waves[name].vector + heart.waves[name].residual)[:, kind]
        for kind in (0, 1)
        for names in _PROBES
        for name in names
    ]
    return torch.cat(found, -1)


def axis(amplitude: Tensor, width: Tensor) -> Tensor:
    """(n,) rad, frontal axis of the QRS by its net area, as `dsp.measure` has it.

    Parameters
    ----------
    amplitude : (n, 8, 8) mV, sizes of the parts of the QRS. width : (n, 8), of these.

    Examples
    --------
    >>> one = torch.zeros(1, 8, 8)
    >>> one[:, 0] = 1.0
    >>> axis(one, torch.ones(1, 8)).rad2deg().round().tolist()
    [-30.0]
    """
    area = (amplitude[:, :2] * width[:, None]).sum(-1)
    lead_i, lead_ii = area.unbind(1)
    return torch.atan2((lead_ii - lead_i / 2) * 2 / 3**0.5, lead_i)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Physics:
    """The simulator around some patients, as a space of signals.

    Attributes
    ----------
    courses : (n, K, time).
    prior : (n, 8, K) mV, sizes to stay near.
    tightness : pull towards them, in units of the mean energy of a course: 0.001 leaves the sizes to
        the signal, 1 halves the way, 1000 fixes them.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> heart = patients(1).heart.tensors()
    >>> physics = Physics(courses(heart, 100, 1000), sizes(heart))
    >>> float(physics.energy(physics.prior @ physics.courses)) < 1e-9
    True
    """

    courses: Tensor
    prior: Tensor
    tightness: float = 1e-3

    def fit(self, x8: Tensor) -> Tensor:
        """(n, 8, K) mV: the sizes that suit the signal (n, 8, time) mV and the prior best."""
        normal = self.courses @ self.courses.mT
        mean = normal.diagonal(dim1=-2, dim2=-1).sum(-1) / PARTS
        pull = self.tightness * mean[:, None, None] * torch.eye(normal.shape[-1], device=x8.device)
        gap = (x8 - self.prior @ self.courses) @ self.courses.mT
        fitted: Tensor = self.prior + torch.linalg.solve(normal + pull, gap.mT).mT
        return fitted

    def residual(self, x8: Tensor) -> Tensor:
        """(n, 8, time) mV: what the simulator cannot explain of a signal (n, 8, time) mV."""
        return x8 - self.fit(x8) @ self.courses

    def energy(self, x8: Tensor) -> Tensor:
        """(n,) mV²: mean square of the residual."""
        return self.residual(x8).square().mean((1, 2))
