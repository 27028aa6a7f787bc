"""What is asked of the model, checked once: waves, RR intervals, start; and where the samples lie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dsp import checks
from dsp.errors import LengthError, SignalError

if TYPE_CHECKING:
    from torch import Tensor

_THETA_POWER: Final = (1 / 4, 1 / 2, 0.0, 1 / 2, 1 / 4)
_B_POWER: Final = 1 / 2


class Waves(NamedTuple):
    """The Gaussian waves of the model, P Q R S T or any others; NumPy arrays or tensors.

    Attributes
    ----------
    theta : (..., waves) rad, where in the cycle each wave is; 0 is the start of a beat.
    a : (..., waves) signed strength, 1/(s rad).
    b : (..., waves) rad, width.

    Examples
    --------
    >>> MCSHARRY.theta.shape
    (5,)
    """

    theta: Any
    a: Any
    b: Any

    def at_rate(self, heart_rate: Any) -> Waves:
        """The five waves P Q R S T at another mean rate: widths and angles grow with it.

        Parameters
        ----------
        heart_rate : (...) beats per minute.

        Returns
        -------
        `Waves` with b times k^(1/2), theta of Q and S times k^(1/2), of P and T times k^(1/4),
        k = heart_rate / 60 (McSharry 2003), so that QT shortens less than the beat.

        Raises
        ------
        LengthError
            If there are not five waves.

        Examples
        --------
        >>> MCSHARRY.at_rate(120).b[4].round(3)
        np.float64(0.566)
        """
        if self.theta.shape[-1] != len(_THETA_POWER):
            raise LengthError(
                f"{self.theta.shape[-1]} waves: the rate scaling is published for P Q R S T; "
                "scale others yourself."
            )
        theta, b, k, power = _alike(self.theta, self.b, heart_rate, _THETA_POWER)
        k = k[..., None] / 60
        return Waves(theta * k**power, self.a, b * k**_B_POWER)


MCSHARRY: Final = Waves(
    np.deg2rad([-70.0, -15.0, 0.0, 15.0, 100.0]),
    np.array([1.2, -5.0, 30.0, -7.5, 0.75]),
    np.array([0.25, 0.1, 0.1, 0.1, 0.4]),
)
"""P Q R S T as published with ECGSYN, at 60 bpm."""


def _alike(*values: Any) -> list[Any]:
    """All as tensors like the first tensor among them, or as arrays if there is none."""
    for value in values:
        if hasattr(value, "new_tensor"):
            return [v if hasattr(v, "new_tensor") else value.new_tensor(v) for v in values]
    return [np.asarray(value, np.float64) for value in values]


class Run(NamedTuple):
    """A checked request: everything a method needs, as tensors of one dtype and device."""

    rr: Tensor  # (..., beats) s, float64
    waves: Waves
    baseline: Tensor  # (...) mV
    breathing: Tensor  # (...) Hz
    start: Tensor  # (..., 3)
    fs: float
    n: int


def request(
    rr: Any,
    fs: float,
    waves: Waves | None,
    duration: float | None,
    rest: tuple[Any, Any, Any],
    tensors: list[Tensor],
) -> Run:
    """Check the arguments and bring them to one dtype and device."""
    import torch

    fs = checks.rate(fs)
    dtype = tensors[0].dtype if tensors else torch.float64
    for tensor in tensors[1:]:
        dtype = torch.promote_types(dtype, tensor.dtype)
    device = tensors[0].device if tensors else torch.device("cpu")

    def tensor_of(value: Any, kind: torch.dtype = dtype) -> Tensor:
        if isinstance(value, torch.Tensor):
            return value.to(device, kind)
        return torch.tensor(np.asarray(value, np.float64), dtype=kind, device=device)

    # Beat edges add up: in single precision the R peaks of a long record would drift.
    intervals = tensor_of(rr, torch.float64)
    if intervals.ndim == 0 or not bool((intervals > 0).all() and intervals.isfinite().all()):
        raise SignalError("RR intervals must be positive seconds, of shape (..., beats).")
    shortest = float(intervals.detach().sum(-1).min())
    n = int(shortest * fs + 1e-6) if duration is None else round(duration * fs)
    if n < 1 or n > shortest * fs + 1e-6:
        raise LengthError(
            f"{n} samples at {fs:g} Hz wanted of RR intervals that last {shortest:g} s; "
            "give more intervals, or a shorter duration."
        )
    if waves is None:
        waves = Waves(*map(tensor_of, MCSHARRY)).at_rate(60 / intervals.mean(-1).to(dtype))
    waves = Waves(*map(tensor_of, waves))
    if not bool((waves.b > 0).all()):
        raise SignalError("wave widths b must be positive, in radians.")
    baseline, breathing, start = map(tensor_of, rest)
    if not bool((start[..., :2] != 0).any(-1).all()):
        raise SignalError("the start (x, y) = (0, 0) has no angle; start on the unit circle.")
    return Run(intervals, waves, baseline, breathing, start, fs, n)


def place(run: Run) -> tuple[Tensor, Tensor]:
    """For each sample, its beat (..., time) int64, and the time since that beat began, float64 s."""
    import torch

    ends = run.rr.cumsum(-1)
    t = torch.arange(run.n, device=run.rr.device, dtype=torch.float64) / run.fs
    index = torch.searchsorted(
        ends.detach().contiguous(), t.expand(*ends.shape[:-1], run.n).contiguous(), right=True
    ).clamp(max=ends.shape[-1] - 1)
    return index, t - torch.take_along_dim(ends - run.rr, index, -1)


class Samples(NamedTuple):
    """Where each sample is relative to each wave; shapes (..., waves, time) or (..., 1, time)."""

    beat: Tensor  # int64, its number
    tau: Tensor  # s since the beat began
    w: Tensor  # rad/s
    d: Tensor  # rad from the wave, wrapped
    late: Tensor  # bool: past the point opposite to the wave
    d_edge: Tensor  # (..., waves, 1) rad, d at the edges of each beat


def samples(run: Run) -> Samples:
    """Beat, time, speed and distance to each wave, for every sample."""
    import torch

    index, tau = place(run)
    dtype = run.waves.theta.dtype
    w = (2 * math.pi / torch.take_along_dim(run.rr, index, -1)).to(dtype)[..., None, :]
    tau = tau.to(dtype)[..., None, :]
    first = torch.atan2(run.start[..., 1], run.start[..., 0])
    d_edge = wrap(first[..., None] - run.waves.theta)[..., None]
    d = d_edge + w * tau
    late = d >= math.pi
    return Samples(index[..., None, :], tau, w, torch.where(late, d - 2 * math.pi, d), late, d_edge)


def mix(a: Tensor, unit: Tensor) -> Tensor:
    """The sum over waves of strength times unit response: (..., waves), (..., waves, t) -> (..., t)."""
    return (a[..., None, :] @ unit)[..., 0, :]


def wrap(angle: Tensor) -> Tensor:
    """The same angle in [-pi, pi); unlike `fmod`, also for angles beyond -pi."""
    return (angle + math.pi).remainder(2 * math.pi) - math.pi
