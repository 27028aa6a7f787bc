"""Gaussians for a beat: places and widths by gradient, sizes in every lead by least squares inside."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from dsp import vcg
from ecgsynth import anatomy

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float64]

_RIDGE: Final = 1e-4  # of the mean energy of a Gaussian
_PRIOR: Final = 1e-4  # cost of one spread from where a start began, as a share of the beat's energy
_JITTER, _SHORTER = 0.7, 0.8  # how starts differ: spreads; factor on the QRS duration
_SPREAD_POSITION, _SPREAD_WIDTH = 0.5, 0.6  # widths of the part; natural logarithm
_NARROWEST: Final = 0.004  # s
_FIELD_PRIOR: Final = 0.5  # pull towards Dower's torso, as a share of the moments' energy
_ITERATIONS: Final = 100
_OUTSIDE_QRS: Final = 2.0  # weight of P, ST and T, so that they are not drowned by the QRS


@dataclasses.dataclass(frozen=True, slots=True)
class Clock:
    """When the waves of a beat are, in s from the R peak: the coordinates of the parts.

    Attributes
    ----------
    p_onset, p_duration, qrs_onset, qrs, qt : s; QT counts from the onset of the QRS.
    """

    p_onset: float
    p_duration: float
    qrs_onset: float
    qrs: float
    qt: float

    def zero_and_unit(self, wave: str) -> tuple[float, float]:
        """Where a wave's own clock starts, and its unit.

        Examples
        --------
        >>> Clock(-0.2, 0.1, -0.04, 0.09, 0.4).zero_and_unit("QRS")
        (-0.04, 0.09)
        """
        return {
            "P": (self.p_onset, self.p_duration),
            "QRS": (self.qrs_onset, self.qrs),
            "T": (self.qrs_onset + self.qrs, self.qt - self.qrs),
        }[wave]

    def seconds(self) -> tuple[Floats, Floats]:
        """Centres and widths, s, of all parts of the adult heart on this clock, each (16,).

        Examples
        --------
        >>> Clock(-0.2, 0.1, -0.04, 0.09, 0.4).seconds()[0].shape
        (16,)
        """
        centres, widths = [], []
        for wave, rows in anatomy.PARTS.items():
            zero, unit = self.zero_and_unit(wave)
            centres.append(zero + unit * rows[:, 0])
            widths.append(unit * rows[:, 1])
        return np.concatenate(centres), np.concatenate(widths)


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one beat.

    Attributes
    ----------
    centre, width : (16,) s. amplitude : (8, 16) mV. level : (8,) mV.
    courses : (16, time), each part's course through the beat, the beats before and after included.
    """

    centre: Floats
    width: Floats
    amplitude: Floats
    level: Floats
    courses: Floats


def fit_parts(
    x8: Floats, times: Floats, rr: float, clock: Clock, *, restarts: int, seed: int
) -> Parts:
    """Places, widths and sizes of the parts that make the beat.

    Parameters
    ----------
    x8 : (8, time) mV. times : (time,) s from the R peak. rr : s. clock : where to begin.
    restarts : starts, all followed at once; the first is the adult heart itself, every other one
        has a shorter QRS, the rest is chance.
    seed : of the others.

    Returns
    -------
    Parts, of the best start.

    Examples
    --------
    >>> t = np.arange(-180, 300) / 500
    >>> x = np.tile(np.exp(-(t**2) / (2 * 0.012**2)), (8, 1))
    >>> clock = Clock(-0.2, 0.1, -0.04, 0.09, 0.4)
    >>> fit_parts(x, t, 1.0, clock, restarts=1, seed=0).amplitude.shape
    (8, 16)
    """
    import torch

    starts = [clock, dataclasses.replace(clock, qrs=_SHORTER * clock.qrs)]
    seconds = np.array([starts[k % 2].seconds() for k in range(restarts)])
    jitter = _JITTER * np.random.default_rng(seed).standard_normal(seconds.shape)
    jitter[:2] = 0
    at, width = torch.tensor(seconds).unbind(1)
    z = torch.tensor(jitter, requires_grad=True)
    y, t = torch.tensor(x8.T), torch.tensor(times)
    weight = _weight(t, clock)
    energy = max(float((weight * (y - y.mean(0)) ** 2).sum()), 1e-12)

    def shapes() -> tuple[Tensor, Tensor]:
        wider = (_SPREAD_WIDTH * z[:, 1]).exp() * width
        return at + _SPREAD_POSITION * width * z[:, 0], wider + _NARROWEST

    def losses() -> Tensor:
        _, cost = _projected(y, weight, _courses(t, rr, *shapes()))
        return cost / energy + _PRIOR * z.square().mean((1, 2))

    _descend(z, losses)
    with torch.no_grad():
        best = int(losses().argmin())
        mu, sigma = (v[best : best + 1] for v in shapes())
        courses = _courses(t, rr, mu, sigma)
        sizes, _ = _projected(y, weight, courses)
    found = (mu[0], sigma[0], sizes[0, :-1].T, sizes[0, -1], courses[0].T)
    return Parts(*(value.numpy() for value in found))


def _courses(t: Tensor, rr: float, mu: Tensor, sigma: Tensor) -> Tensor:
    """(R, time, K): each Gaussian, and the same of the beat before and after."""
    import torch

    u = (t[:, None] - mu[:, None]) / sigma[:, None]
    turn = rr / sigma[:, None]
    return sum((torch.exp(-((u + k * turn) ** 2) / 2) for k in (-1, 1)), torch.exp(-(u**2) / 2))


def _weight(t: Tensor, clock: Clock) -> Tensor:
    """(time, 1)."""
    import torch

    outside = (t < clock.qrs_onset) | (t > clock.qrs_onset + clock.qrs)
    return torch.where(outside, _OUTSIDE_QRS, 1.0)[:, None]


def _projected(y: Tensor, weight: Tensor, courses: Tensor) -> tuple[Tensor, Tensor]:
    """Best sizes for given courses: (R, K + 1, 8), the last row the level; and their cost (R,)."""
    import torch

    basis = torch.cat([courses, torch.ones_like(courses[..., :1])], -1)
    weighted = (basis * weight).mT
    normal = weighted @ basis
    ridge = _RIDGE * normal.diagonal(dim1=-2, dim2=-1).mean(-1, keepdim=True)
    ridge = ridge.expand(normal.shape[:-1])
    sizes = torch.linalg.solve(normal + torch.diag_embed(ridge), weighted @ y)
    error = (weight * (y - basis @ sizes) ** 2).sum((1, 2))
    return sizes, error + (ridge[..., None] * sizes**2).sum((1, 2))


def _descend(z: Tensor, losses: Callable[[], Tensor]) -> None:
    """Change `z` in place until no start improves."""
    import torch

    search = torch.optim.LBFGS(
        [z], max_iter=_ITERATIONS, history_size=20, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        search.zero_grad()
        loss = losses().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    search.step(closure)  # type: ignore[no-untyped-call]


def lead_field(amplitude: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Split the sizes in eight leads into a lead field and a heart vector.

    Parameters
    ----------
    amplitude : (8, K) mV. width : (K,) s.

    Returns
    -------
    field (8, 3) mV per unit of heart vector, vector (3, K) mV: alternating least squares from
    Dower's torso with a pull towards it, so that the axes stay those of the body. What the product
    leaves of `amplitude` lies beyond any dipole.

    Examples
    --------
    >>> vector = np.random.default_rng(0).normal(size=(3, 16))
    >>> field, found = lead_field(vcg.DOWER @ vector, np.ones(16))
    >>> bool(np.allclose(field, vcg.DOWER, atol=1e-6) and np.allclose(found, vector, atol=1e-6))
    True
    """
    heavy = amplitude * np.sqrt(width / width.mean())
    field = vcg.DOWER.copy()
    for _ in range(30):
        vector = np.linalg.lstsq(field, heavy, rcond=None)[0]
        gram = vector @ vector.T
        pull = _FIELD_PRIOR * np.trace(gram) / 3 * np.eye(3)
        field = np.linalg.solve(gram + pull, (heavy @ vector.T + vcg.DOWER @ pull).T).T
    return field, np.asarray(np.linalg.lstsq(field, amplitude, rcond=None)[0])
