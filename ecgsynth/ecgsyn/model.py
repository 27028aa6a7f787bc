"""McSharry's ECG model, solved exactly: a one-pole high-pass filter of a sum of Gaussians.

The model (IEEE Trans Biomed Eng 2003;50:289) is three differential equations,

    x' = (1 - r) x - w y,    y' = (1 - r) y + w x,    r = sqrt(x^2 + y^2),
    z' = -sum_i a_i d_i exp(-d_i^2 / (2 b_i^2)) - (z - z0(t)),
    d_i = atan2(y, x) - theta_i, wrapped into [-pi, pi),    z0 = A sin(2 pi f t),

with w = 2 pi / RR held through each beat. The angle obeys angle' = w whatever r is, so it is known
in closed form from any start but the origin, on the limit cycle or off it. Within a beat the
forcing is the derivative of

    F(t) = sum_i (a_i b_i^2 / w) (exp(-d_i^2 / (2 b_i^2)) - its value at the edges of the beat),

which is continuous over beat edges (zero there) and over the wrap. Hence z = F - y, where y is the
one-pole low-pass y' + y = F - z0, y(0) = -z(0): a Gaussian through a one-pole filter is an
exponentially modified Gaussian (`exact.smeared`), and the rest decays as exp(-t) from beat to beat.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

from numpy.typing import ArrayLike

from dsp.errors import SignalError
from ecgsynth.ecgsyn.exact import exact
from ecgsynth.ecgsyn.ode import ode
from ecgsynth.ecgsyn.request import Run, Waves, place, request
from ecgsynth.ecgsyn.scan import scan

if TYPE_CHECKING:
    from torch import Tensor

Method = Literal["exact", "scan", "ode"]
METHODS: Final[dict[str, Callable[[Run], Tensor]]] = {
    "exact": exact,
    "scan": scan,
    "ode": ode,
}


def ecgsyn(
    rr: ArrayLike | Tensor,
    fs: float,
    waves: Waves | None = None,
    *,
    duration: float | None = None,
    baseline: Any = 0.005,
    breathing: Any = 0.25,
    start: Any = (1.0, 0.0, 0.04),
    method: Method = "exact",
) -> Any:
    """Signals of McSharry's model for given RR intervals; differentiable if tensors come in.

    Parameters
    ----------
    rr : (..., beats) s; the angle advances by one turn in each interval, the first from t = 0.
    fs : Hz.
    waves : with leading axes that broadcast with those of `rr`; None is `MCSHARRY` adapted to the
        mean rate of each sequence. For twelve leads of one heart give `a` (12, waves).
    duration : s, at most the sum of each sequence; None is the shortest sum.
    baseline, breathing : (...) amplitude and Hz of the baseline z0.
    start : (..., 3) x, y, z at t = 0; x and y need not be on the unit circle.
    method : a row of `METHODS`: "exact" (closed form), "scan" (one-pole filter with first-order
        hold, error of order 1/fs^2), or "ode" (torchdiffeq, dopri5), the reference.

    Returns
    -------
    z (..., time) in the unit of the model: with the published waves, peak to peak is about 0.06;
    ECGSYN itself stretches that to -0.4..1.2 mV. A tensor of the dtype of the tensors given, or
    a float64 array if there is none among the arguments.

    Raises
    ------
    SignalError
        For intervals or widths that are not positive, or a start at the origin.
    LengthError
        If the intervals do not last for `duration`.
    RateError
        If `fs` is no rate for an ECG.

    Examples
    --------
    >>> z = ecgsyn([0.8] * 10, 500)
    >>> z.shape, int(z[1800:2200].argmax())  # an R peak at 5 x 0.8 s, sample 2000
    ((4000,), 200)
    """
    import torch

    if method not in METHODS:
        raise SignalError(f"method {method!r} is not one of {', '.join(METHODS)}.")
    given = (rr, *(waves or ()), baseline, breathing, start)
    tensors = [value for value in given if isinstance(value, torch.Tensor)]
    run = request(rr, fs, waves, duration, (baseline, breathing, start), tensors)
    z = METHODS[method](run)
    return z if tensors else z.numpy()


def phase(rr: Any, fs: float, *, duration: float | None = None) -> Any:
    """The angle of the model, 2 pi at each beat, not wrapped.

    Parameters
    ----------
    rr, fs, duration : as in `ecgsyn`.

    Returns
    -------
    (..., time) rad, float64, from 0 up: a tensor if `rr` is one. Its cosine and sine are the
    trajectory that starts at (1, 0).

    Raises
    ------
    SignalError, LengthError, RateError
        As `ecgsyn`.

    Examples
    --------
    >>> (phase([0.5, 1.0], 100)[[0, 50, 100]] / math.pi).round(6).tolist()
    [0.0, 2.0, 3.0]
    """
    import torch

    tensors = [rr] if isinstance(rr, torch.Tensor) else []
    run = request(rr, fs, None, duration, (0.0, 0.25, (1.0, 0.0, 0.0)), tensors)
    index, tau = place(run)
    turns = index + tau / torch.take_along_dim(run.rr, index, -1)
    return 2 * math.pi * (turns if tensors else turns.numpy())
