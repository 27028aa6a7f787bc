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
_PRIOR: Final = 2e-4  # cost of one spread from the adult's parts, as a share of the beat's energy
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


def fit_parts(
    x8: Floats, times: Floats, clock: Clock, *, restarts: int, seed: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Places, widths and sizes of the parts that make the beat.

    Parameters
    ----------
    x8 : (8, time) mV. times : (time,) s from the R peak. clock : where to begin.
    restarts : starts, all followed at once; the first is the adult heart itself.
    seed : of the others.

    Returns
    -------
    centre (16,) s, width (16,) s, amplitude (8, 16) mV, level (8,) mV.

    Examples
    --------
    >>> t = np.arange(-180, 300) / 500
    >>> x = np.tile(np.exp(-(t**2) / (2 * 0.012**2)), (8, 1))
    >>> clock = Clock(-0.2, 0.1, -0.04, 0.09, 0.4)
    >>> centre, width, amplitude, level = fit_parts(x, t, clock, restarts=1, seed=0)
    >>> amplitude.shape
    (8, 16)
    """
    import torch

    rng = np.random.default_rng(seed)
    centre, width = clock.seconds()
    spread = np.stack([_SPREAD_POSITION * width, np.full_like(width, _SPREAD_WIDTH)])
    jitter = rng.standard_normal((restarts, 2, len(centre)))
    jitter[0] = 0
    z = torch.tensor(0.7 * jitter, requires_grad=True)
    y = torch.tensor(x8.T)
    t = torch.tensor(times)
    weight = _weight(t, clock)
    energy = float((weight * (y - y.mean(0)) ** 2).sum())
    at, log_width = torch.tensor(centre), torch.tensor(np.log(width))
    per = torch.tensor(spread)

    def shapes(z: Tensor) -> tuple[Tensor, Tensor]:
        return at + per[0] * z[:, 0], (log_width + per[1] * z[:, 1]).exp() + _NARROWEST

    def losses() -> Tensor:
        _, _, error = _projected(y, t, weight, *shapes(z))
        return error / max(energy, 1e-12) + _PRIOR * z.square().sum((1, 2)) / z.shape[-1]

    _descend(z, losses)
    with torch.no_grad():
        best = int(losses().argmin())
        mu, sigma = shapes(z[best : best + 1])
        sizes, _, _ = _projected(y, t, weight, mu, sigma)
    amplitude = sizes[0, :-1].T.numpy()
    return mu[0].numpy(), sigma[0].numpy(), amplitude, sizes[0, -1].numpy()


def _weight(t: Tensor, clock: Clock) -> Tensor:
    """(time, 1)."""
    import torch

    outside = (t < clock.qrs_onset) | (t > clock.qrs_onset + clock.qrs)
    return torch.where(outside, _OUTSIDE_QRS, 1.0)[:, None]


def _projected(
    y: Tensor, t: Tensor, weight: Tensor, mu: Tensor, sigma: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Best sizes for given places and widths: (R, K + 1, 8), the fit (R, time, 8), and its cost (R,).

    The last row of sizes is the level of each lead.
    """
    import torch

    bells = torch.exp(-(((t[:, None] - mu[:, None]) / sigma[:, None]) ** 2) / 2)
    basis = torch.cat([bells, torch.ones_like(bells[..., :1])], -1)
    weighted = (basis * weight).mT
    normal = weighted @ basis
    ridge = _RIDGE * normal.diagonal(dim1=-2, dim2=-1).mean(-1, keepdim=True)
    ridge = ridge.expand(normal.shape[:-1])
    sizes = torch.linalg.solve(normal + torch.diag_embed(ridge), weighted @ y)
    fitted = basis @ sizes
    error = (weight * (y - fitted) ** 2).sum((1, 2))
    return sizes, fitted, error + (ridge[..., None] * sizes**2).sum((1, 2))


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
