"""Network: what a U-Net adds to the Gaussian predictor, and how sure both together are.

The eight leads in, as far as they are given; out come a residual on the Gaussian's mean, a factor on
its standard deviation, and directions in which the errors of the leads go together. All three start
at zero, so that training starts at the linear optimum. Everything is divided by the scale of the given
leads and multiplied by it again: twice the input is twice the output. What is given is projected out
of the residual, so that nothing of it is touched.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from dsp import leads
from ecgsynth.unet import UNet1d

Float = NDArray[np.float32]
FS: Final = 100.0
"""Hz; the band of the network, 0.5-40 Hz, fits below half of it."""
TO_12: Final = torch.tensor(leads.EIGHT_TO_TWELVE, dtype=torch.float32)
PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "tiny": {"levels": [[24, 40, 200], [48, 160, 800]], "depth": 1},
    "base": {"levels": [[48, 20, 140], [96, 80, 400], [192, 320, 960]], "depth": 2},
    "large": {"levels": [[96, 20, 140], [192, 80, 400], [384, 320, 960]], "depth": 3},
}
_EVERY: Final = 5
"""The likelihood is asked at every fifth sample: neighbours say the same."""
_LEFT: Final = 0.1
"""Of ``1 - r`` that no model is blamed for: noise of the truth."""
_LEAST: Final = 1e-3
"""Of the scale of a record: no standard deviation is believed to be smaller."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What is believed of the eight leads.

    The covariance of the errors at a sample is ``A (diag(own)**2 + sum_r f_r f_r') A``, where ``A``
    projects out what is given.

    Attributes
    ----------
    mean : (B, 8, T) mV.
    own : (B, 8, T) mV, standard deviation of the errors that a lead has for itself.
    common : (B, rank, 8, T) mV, errors ``f_r`` that leads have together; ``A f_r`` already.
    present : (B, 9, T), as of `Network.forward`.

    Examples
    --------
    >>> z = torch.zeros(1, 8, 5)
    >>> Belief(z, z + 1, z[:, None], torch.zeros(1, 9, 5)).variance12()[0, 2, 0].item()
    2.0
    """

    mean: Tensor
    own: Tensor
    common: Tensor
    present: Tensor

    def variance12(self) -> Tensor:
        """Variances of the errors of the twelve leads, (B, 12, T) mV².

        Examples
        --------
        >>> z = torch.zeros(1, 8, 5)
        >>> Belief(z, z, z[:, None], torch.zeros(1, 9, 5)).variance12().shape
        torch.Size([1, 12, 5])
        """
        to_12 = TO_12.to(self.mean)
        p, cross = self.present[:, :8], self.present[:, 8]
        square = self.own**2
        first, second = (1 - p[:, 0]), (1 - p[:, 1])
        # Only I and II can share: a limb lead that is neither of them tells a part of both.
        variance = (1 - p) ** 2 * square + cross[:, None] ** 2 * _swapped(square)
        together = -cross * (first * square[:, 0] + second * square[:, 1])
        twelve = torch.einsum("hi,bit->bht", to_12**2, variance)
        twelve += 2 * (to_12[:, 0] * to_12[:, 1])[:, None] * together[:, None]
        twelve += torch.einsum("hi,brit->brht", to_12, self.common).square().sum(dim=1)
        return twelve.clamp_min(0)  # a known lead's is a difference of equals


class Network(nn.Module):
    """The U-Net, and its loss.

    Parameters
    ----------
    levels, depth : as of `ecgsynth.unet.UNet1d`; `PRESETS` holds three.
    rank : number of common errors.
    told : size of the modulation vector.

    Examples
    --------
    >>> net = Network(**PRESETS["tiny"])
    >>> x = torch.randn(2, 8, 1000)
    >>> present = torch.zeros(2, 9, 1000)
    >>> present[:, 0] = 1
    >>> belief = net(x * present[:, :8], present, torch.zeros_like(x), torch.ones_like(x))
    >>> bool((belief.mean[:, 0] == x[:, 0]).all()), belief.mean[:, 1:].abs().max().item()
    (True, 0.0)
    """

    def __init__(
        self,
        *,
        levels: Sequence[Sequence[float]],
        depth: int = 2,
        rank: int = 3,
        told: int = 64,
    ) -> None:
        super().__init__()
        self.config = {"levels": [list(level) for level in levels], "depth": depth}
        self.config |= {"rank": rank, "told": told}
        self.rank = rank
        self.tell = nn.Sequential(nn.Linear(17, told), nn.SiLU(), nn.Linear(told, told), nn.SiLU())
        self.trunk = UNet1d(
            33,
            16 + 8 * rank,
            fs=FS,
            levels=[(int(width), step, kernel) for width, step, kernel in levels],
            depth=depth,
            modulation=told,
        )
        # Zero would be a saddle point: the likelihood knows no first direction.
        self.together = nn.Parameter(0.1 * torch.randn(rank, 8))

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def forward(self, given: Tensor, present: Tensor, mean: Tensor, std: Tensor) -> Belief:
        """What is believed once the network has looked.

        Parameters
        ----------
        given : (B, 8, T) mV, ``P x``: what the given leads tell of the eight; 0 elsewhere.
        present : (B, 9, T), the diagonal of ``P`` at each sample and its entry (I, II).
        mean, std : (B, 8, T) mV, the Gaussian's.

        Returns
        -------
        The belief; where nothing was learned, the Gaussian's.
        """
        there = present[:, :8].sum(dim=(1, 2)).clamp_min(1e-6)
        scale = (given.square().sum(dim=(1, 2)) / there).sqrt().clamp_min(1e-6)[:, None, None]
        mean = project(mean, present)
        std = std.clamp_min(_LEAST * scale)
        told = torch.cat(
            [present.mean(dim=-1), (std / scale).square().mean(dim=-1).log() / 2], dim=-1
        )
        seen = torch.cat([given / scale, mean / scale, present, (std / scale).clamp_max(10)], dim=1)
        out = self.trunk(seen, self.tell(told))
        residual, factor, shares = out.split([8, 8, 8 * self.rank], dim=1)
        own = std * factor.clamp(-3, 3).exp()
        shares = shares.reshape(out.shape[0], self.rank, 8, -1) + self.together[..., None]
        return Belief(
            given + mean + project(scale * residual, present),
            own,
            project(own[:, None] * shares, present),
            present,
        )

    def believe(self, given: Float, present: Float, mean: Float, std: Float) -> tuple[Float, Float]:
        """As `forward`, in NumPy: the mean of the eight leads, and the variance of the twelve.

        Examples
        --------
        >>> x = np.ones((1, 8, 100), np.float32)
        >>> Network(**PRESETS["tiny"]).believe(x, np.ones((1, 9, 100), np.float32), x, x)[1].shape
        (1, 12, 100)
        """
        device = self.device
        with torch.inference_mode():
            belief = self(
                *(torch.from_numpy(part).to(device) for part in (given, present, mean, std))
            )
            return belief.mean.cpu().numpy(), belief.variance12().cpu().numpy()

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What `recon.training.fit` minimises.

        ``1 - r`` and the absolute error, both of hidden leads, for the mean. A record counts by what
        of the Gaussian's failure is mended: so lead sets with little left to win are learned too.
        The likelihood of the error is for its covariance, and leaves the mean alone: a record that
        is hard must not be given up.

        Parameters
        ----------
        batch : "truth" (B, 8, T), and the arguments of `forward`.

        Returns
        -------
        "loss", and its terms "r", "error" (of the scale of the hidden leads), "likelihood".
        """
        truth, present = batch["truth"], batch["present"]
        belief = self(batch["given"], present, batch["mean"], batch["std"])
        hidden = 1 - present[:, :8].mean(dim=-1)
        share = hidden / hidden.sum(dim=1, keepdim=True).clamp_min(1e-6)
        r = (share * _r(truth, belief.mean)).sum(dim=1)
        failed = 1 - (share * _r(truth, batch["mean"])).sum(dim=1)
        error = project(truth - belief.mean, present)
        size = project(truth, present).square().sum(dim=(1, 2)) / hidden.sum(dim=1).clamp_min(1e-6)
        size = (size / truth.shape[-1]).sqrt().clamp_min(1e-6)
        absolute = (share * error.abs().mean(dim=-1)).sum(dim=1) / size
        mended = ((1 - r + absolute) / (failed + _LEFT)).mean() / 3
        likelihood = _likelihood(error.detach(), belief, size)
        return {
            "loss": mended + 0.1 * likelihood,
            "r": r.detach().mean(),
            "error": absolute.detach().mean(),
            "likelihood": likelihood.detach(),
        }


def project(x: Tensor, present: Tensor) -> Tensor:
    """What the given leads do not tell of `x`: ``A x = (1 - P) x``.

    Parameters
    ----------
    x : (B, ..., 8, T).
    present : (B, 9, T), as of `Network.forward`.

    Examples
    --------
    >>> given = torch.zeros(1, 9, 1)
    >>> given[:, 0] = 1
    >>> project(torch.ones(1, 8, 1), given)[0, :, 0].tolist()
    [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    p = present.reshape(x.shape[0], *[1] * (x.ndim - 3), 9, -1)
    return (1 - p[..., :8, :]) * x - p[..., 8:, :] * _swapped(x)


def _swapped(x: Tensor) -> Tensor:
    """(..., 8, T): I and II exchanged, the others 0."""
    return F.pad(x[..., :2, :].flip(-2), (0, 0, 0, 6))


def _r(x: Tensor, y: Tensor) -> Tensor:
    """Pearson r along time."""
    x, y = x - x.mean(dim=-1, keepdim=True), y - y.mean(dim=-1, keepdim=True)
    power = x.square().sum(dim=-1) * y.square().sum(dim=-1)
    return (x * y).sum(dim=-1) / (power + 1e-8).sqrt()


def _likelihood(error: Tensor, belief: Belief, size: Tensor) -> Tensor:
    """Mean negative log-likelihood a lead and sample, in units of `size` (B,), of hidden leads."""
    pick = slice(None, None, _EVERY)
    size = size[:, None, None]
    hidden = 1 - belief.present[:, :8, pick]
    e = error[..., pick] / size
    own = belief.own[..., pick] / size
    common = belief.common[..., pick] / size[:, None]
    by_own = common / own[:, None]  # D^-1/2 F: (B, R, 8, T)
    inner = torch.einsum("brit,bsit->btrs", by_own, by_own)
    inner = inner + torch.eye(inner.shape[-1], device=inner.device)
    lower = torch.linalg.cholesky(inner.float())
    along = torch.einsum("brit,bit->btr", by_own, e / own)
    along = torch.linalg.solve_triangular(lower, along[..., None], upper=False)[..., 0]
    square = ((e / own) ** 2).sum(dim=1) - along.square().sum(dim=-1)  # Woodbury
    logdet = 2 * (hidden * own.log()).sum(dim=1) + 2 * lower.diagonal(dim1=-2, dim2=-1).log().sum(
        -1
    )
    total: Tensor = (square + logdet).sum() / hidden.sum().clamp_min(1e-6)
    return 0.5 * total
