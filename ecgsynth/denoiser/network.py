"""Denoiser: from a noisy signal, a time and conditions to a velocity; it owns its loss."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.unets.unet_1d import UNet1DOutput
from torch import Tensor, nn

from dsp import SignalError
from ecgsynth.conditions import NUMBERS, TEXT_SIZE, TOKEN_SIZE, Conditions
from ecgsynth.denoiser.objectives import OBJECTIVES, Law, Objective
from ecgsynth.denoiser.terms import TERMS
from ecgsynth.statements import VOCABULARY
from ecgsynth.transport import Transport
from ecgsynth.unet import UNet1d

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "tiny": {
        "levels": ((32, 20, 140), (64, 40, 200), (96, 80, 400), (128, 320, 960)),
        "depth": 1,
        "width": 64,
    },
    "base": {
        "levels": ((64, 20, 140), (128, 40, 200), (192, 80, 400), (256, 320, 960)),
        "depth": 2,
        "width": 128,
    },
    "large": {
        "levels": ((128, 10, 90), (192, 20, 140), (256, 40, 200), (384, 80, 400), (512, 320, 960)),
        "depth": 2,
        "width": 256,
    },
}
"""Sizes: tiny trains on a CPU (0.8 M numbers), base on any GPU, large on a good one."""

SHOWN_MV: Final = 0.5
"""mV; leads, sketches and given samples are shown to the network in units of it."""
SPECTRUM_STEP: Final = 2.0
"""Hz between the values of a noise spectrum."""
SPECTRUM: Final = tuple(
    0.5 / (1 + (hertz / 6) ** 2) + 0.002 for hertz in range(0, 51, round(SPECTRUM_STEP))
)
"""mV by frequency: roughly how real recordings differ from simulated ones of equal rhythm."""
DROPPED: Final = {"statements": 0.15, "numbers": 0.2, "text": 0.4, "tokens": 0.2, "all": 0.1}
"""How often training hides a condition; each number is hidden by itself."""
NO_SKETCH: Final = 0.08
_NEVER_HIDDEN: Final = ("trust", "real")
_LOUDEST: Final = 4.0  # logarithm of the most, and least, that a stretch is louder than all


class Denoiser(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Conditional 1-D U-Net on the eight independent leads.

    With `bridge` the diffusion is that of the difference to the sketch: it starts at the sketch plus
    noise and ends at the signal, so that what is known need not be generated. Without, the sketch is
    only shown. Diffusion runs in the units of `spectrum`, in which differences are white, so that the
    noise sounds like an ECG from the start and no step is spent on frequencies an ECG does not have.
    The network says how loud the signal is where, and adds to the best linear guess for that.

    Parameters
    ----------
    fs : Hz of the signals.
    levels, depth : of the trunk, see `UNet1d` and `PRESETS`.
    width : size of a condition token; the modulation vector has twice as many numbers.
    text, tokens : sizes of the text embedding, and of the further tokens.
    objective : a key of `OBJECTIVES`.
    bridge : whether diffusion starts at the sketch.
    spectrum : (8, 26) mV, amplitude of the noise in each lead at 0, 2, ... 50 Hz (beyond, the last);
        as of `ecgsynth.pairs.spectrum`. None is `SPECTRUM` for all leads.
    terms : weight of each further loss, by the names of `TERMS`.
    covariance : (8, 8) mV² of the eight leads in the population; what sketches of hidden leads
        are made with.
    spread : pairs of a level and a factor, see `ecgsynth.completion.Completion`; None before
        `recon.generation.calibrate`.

    Raises
    ------
    SignalError
        For an unknown objective or term.

    Examples
    --------
    >>> net = Denoiser(**PRESETS["tiny"])
    >>> net(torch.randn(2, 8, 1000), 500).sample.shape
    torch.Size([2, 8, 1000])
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(  # noqa: PLR0913 - the configuration, which diffusers keeps by these names
        self,
        fs: float = 100.0,
        levels: Sequence[Sequence[float]] = PRESETS["tiny"]["levels"],
        depth: int = 1,
        width: int = 64,
        text: int = TEXT_SIZE,
        tokens: int = TOKEN_SIZE,
        objective: str = "flow",
        bridge: bool = True,  # noqa: FBT001, FBT002, ARG002 - kept in the configuration
        spectrum: Sequence[Sequence[float]] | None = None,
        terms: Mapping[str, float] | None = None,
        covariance: Sequence[Sequence[float]] | None = None,  # noqa: ARG002
        spread: Sequence[Sequence[float]] | None = None,  # noqa: ARG002
    ) -> None:
        super().__init__()
        unknown = [name for name in terms or {} if name not in TERMS]
        if objective not in OBJECTIVES or unknown:
            raise SignalError(
                f"objective {objective!r}, terms {unknown}: known are {' '.join(OBJECTIVES)}, and "
                f"{' '.join(TERMS)}."
            )
        shape = [(int(w), float(step), float(kernel)) for w, step, kernel in levels]
        self.trunk = UNet1d(
            34,
            16,
            fs=fs,
            levels=shape,
            depth=depth,
            attention=1,
            modulation=2 * width,
            context=width,
        )
        rows = torch.tensor(spectrum or [SPECTRUM] * 8, dtype=torch.float32)
        if rows.shape != (8, len(SPECTRUM)) or not bool((rows > 0).all()):
            raise SignalError(
                f"spectrum of shape {tuple(rows.shape)}: give (8, {len(SPECTRUM)}) numbers above 0."
            )
        self.register_buffer("amplitude", rows)
        self.register_buffer("carries", _table(Transport.nowhere()))
        self.told = Told(width, text, tokens)
        self.clock = nn.Sequential(
            nn.Linear(2 * _WAVES, 2 * width), nn.SiLU(), nn.Linear(2 * width, 2 * width)
        )
        self.pooled = nn.Linear(width, 2 * width)

    @property
    def objective(self) -> Objective:
        """The row of `OBJECTIVES` it is taught by."""
        return OBJECTIVES[self.config.objective]

    @property
    def transport(self) -> Transport:
        """From simulated patients to those it was trained on; from nobody to nobody at first."""
        origin, goal, *turn = self.carries.double().cpu().numpy()
        return Transport(origin, goal, np.stack(turn))

    @transport.setter
    def transport(self, found: Transport) -> None:
        self.carries.copy_(_table(found))

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor | float,
        conditions: Conditions | None = None,
        return_dict: bool = True,  # noqa: FBT001, FBT002 - diffusers' convention
    ) -> UNet1DOutput | tuple[Tensor]:
        """What the objective wants to know of a noisy signal.

        Parameters
        ----------
        sample : (n, 8, time), as `to_state` has it: white, and with `bridge` less the sketch.
        timestep : as the objective's schedulers count it; one, or (n,).
        conditions : None for none.

        Returns
        -------
        Its `sample` is (n, 8, time).
        """
        n, _, n_samples = sample.shape
        if conditions is None:
            conditions = self.no_conditions(n, n_samples).to(sample.device)
        time = torch.as_tensor(timestep, dtype=torch.float32, device=sample.device).expand(n)
        output = self.whiten(self._output(self.colour(sample), time, conditions))
        return UNet1DOutput(sample=output) if return_dict else (output,)

    def _output(self, sample: Tensor, timestep: Tensor, c: Conditions) -> Tensor:
        """As `forward`, in and out in mV."""
        law, size = self.law(self.objective.time(timestep)), self._size()
        shown = [sample / size, c.sketch / SHOWN_MV, c.given / SHOWN_MV, c.mask, c.phase]
        context, may_attend = self.told(c)
        weight = may_attend.to(context.dtype)[..., None]
        mean = (context * weight).sum(1) / weight.sum(1)
        vector = nn.functional.silu(self.clock(_waves(timestep)) + self.pooled(mean))
        out = self.trunk(torch.cat(shown, 1), vector, context=context, context_mask=may_attend)
        out, loud = out.chunk(2, 1)
        # What the sketch lacks is loud at the QRS complex and quiet between beats; the best linear
        # guess for signals as loud as they are here leaves little between beats to be learned.
        factor, left = law.linear((_LOUDEST * torch.tanh(loud / _LOUDEST)).exp())
        found: Tensor = factor / law.scale * sample + left * size * out
        return found

    def _size(self) -> Tensor:
        """(8, 1) mV, standard deviation of the noise in each lead."""
        size: Tensor = self.amplitude.square().mean(1, keepdim=True).sqrt()
        return size

    def colour(self, x: Tensor) -> Tensor:
        """White numbers (n, 8, time) as mV with the spectrum of the noise.

        Examples
        --------
        >>> net = Denoiser()
        >>> x = torch.randn(1, 8, 99)
        >>> bool(torch.allclose(net.whiten(net.colour(x)), x, atol=1e-4))
        True
        """
        return self._filtered(x, 1.0)

    def whiten(self, x: Tensor) -> Tensor:
        """The inverse of `colour`: mV (n, 8, time) as numbers that are white if it is noise.

        Examples
        --------
        >>> Denoiser().whiten(torch.zeros(1, 8, 10)).shape
        torch.Size([1, 8, 10])
        """
        return self._filtered(x, -1.0)

    def _filtered(self, x: Tensor, power: float) -> Tensor:
        n_samples = x.shape[-1]
        hertz = torch.fft.rfftfreq(n_samples, 1 / self.config.fs, device=x.device)
        place = (hertz / SPECTRUM_STEP).clamp(max=len(SPECTRUM) - 1.001)
        low = place.long()
        gain = torch.lerp(self.amplitude[:, low], self.amplitude[:, low + 1], place - low)
        found: Tensor = torch.fft.irfft(torch.fft.rfft(x) * gain**power, n_samples)
        return found

    def no_conditions(self, n: int, n_samples: int) -> Conditions:
        """N signals of which nothing is known, in this network's sizes.

        Examples
        --------
        >>> Denoiser().no_conditions(1, 500).text.shape
        torch.Size([1, 64])
        """
        return Conditions.nothing(n, n_samples, text=self.config.text, tokens=self.config.tokens)

    def origin(self, conditions: Conditions) -> Tensor:
        """(n, 8, time) mV, what zero stands for: the sketch, or with no bridge nothing.

        Examples
        --------
        >>> net = Denoiser()
        >>> float(net.origin(net.no_conditions(1, 100)).abs().max())
        0.0
        """
        return conditions.sketch * float(self.config.bridge)

    def clean(self, noisy: Tensor, t: Tensor, conditions: Conditions) -> Tensor:
        """The signal estimate at a time.

        Parameters
        ----------
        noisy : (n, 8, time), as of `forward`, before any scaling. t : (n,), 0 signal to 1 noise.
        conditions : of these n.

        Returns
        -------
        (n, 8, time) mV.

        Examples
        --------
        >>> net = Denoiser()
        >>> net.clean(torch.randn(1, 8, 100), torch.ones(1), net.no_conditions(1, 100)).shape
        torch.Size([1, 8, 100])
        """
        law = self.law(t)
        output = self(law.scale * noisy, self.objective.timestep(t), conditions).sample
        return self.colour(law.clean(noisy, output)) + self.origin(conditions)

    def law(self, t: Tensor) -> Law:
        """The objective's coefficients at times (n,), each (n, 1, 1).

        Examples
        --------
        >>> Denoiser().law(torch.ones(2)).a.shape
        torch.Size([2, 1, 1])
        """
        return self.objective.law(t[:, None, None])

    def loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The training loss; draws times, noise and which conditions to hide from torch's generator.

        Parameters
        ----------
        batch : ``x8`` (n, 8, time) mV, the fields of `Conditions`, and what the terms want.

        Returns
        -------
        "loss", and its parts by name.
        """
        x8, conditions = batch["x8"], self._hidden(Conditions.of(batch))
        t = self.objective.draw(torch.rand(len(x8), device=x8.device))
        law, noise = self.law(t), self.colour(torch.randn_like(x8))
        signal = x8 - self.origin(conditions)
        noisy = law.a * signal + law.b * noise
        output = self._output(law.scale * noisy, self.objective.timestep(t), conditions)
        error = (output - law.p * signal - law.q * noise) / self._size()
        found = {"match": error.square().mean()}
        loss = found["match"]
        estimate = law.clean(noisy, output) + self.origin(conditions)
        certain = (1 / (1 + (law.b / law.a) ** 2)).flatten()
        for name, weight in (self.config.terms or {}).items():
            found[name] = (certain * TERMS[name](estimate, x8, batch, self.config.fs)).mean()
            loss = loss + weight * found[name]
        return {"loss": loss, **found}

    def _hidden(self, c: Conditions) -> Conditions:
        """The conditions with parts hidden by chance."""
        n, device = len(c.sketch), c.sketch.device

        def hit(share: float, *shape: int) -> Tensor:
            return torch.rand(n, *shape, device=device) < share

        everything = hit(DROPPED["all"], 1)
        hide = hit(DROPPED["numbers"], len(NUMBERS)) | everything
        for name in _NEVER_HIDDEN:
            hide[:, list(NUMBERS).index(name)] = False
        bare = hit(NO_SKETCH, 1, 1) & (c.mask.amax((1, 2), keepdim=True) == 0)
        return dataclasses.replace(
            c,
            sketch=torch.where(bare, 0.0, c.sketch),
            statements=torch.where(hit(DROPPED["statements"], 1) | everything, 0.0, c.statements),
            numbers=torch.where(hide, torch.nan, c.numbers),
            text=torch.where(hit(DROPPED["text"], 1) | everything, torch.nan, c.text),
            tokens=torch.where(
                (hit(DROPPED["tokens"], 1) | everything)[..., None], torch.nan, c.tokens
            ),
        )


def _table(transport: Transport) -> Tensor:
    """(90, 88): origin, goal and turn, one below the other."""
    rows = np.vstack([transport.origin, transport.goal, transport.turn])
    return torch.from_numpy(rows).float()


_WAVES: Final = 32


def _waves(x: Tensor) -> Tensor:
    """(n, 64): sines and cosines of a number over four decades, Vaswani et al. 2017."""
    rate = torch.exp(-math.log(10_000) * torch.arange(_WAVES, device=x.device) / _WAVES)
    angle = x[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], -1)


class Told(nn.Module):
    """Conditions as tokens, with a learned one for each that is not told.

    Parameters
    ----------
    width : of a token. text, tokens : sizes of what comes in.

    Examples
    --------
    >>> context, may_attend = Told(16, 64, 8)(Conditions.nothing(2, 100, tokens=8))
    >>> context.shape[2], bool(may_attend.any(1).all())
    (16, True)
    """

    def __init__(self, width: int, text: int, tokens: int) -> None:
        super().__init__()
        self.statement = nn.Parameter(torch.randn(len(VOCABULARY) + 1, width) / width**0.5)
        self.number = nn.Parameter(torch.randn(len(NUMBERS), _FEATURES, width) / width**0.5)
        self.no_number = nn.Parameter(torch.randn(len(NUMBERS), width) / width**0.5)
        self.text = nn.Linear(text, width)
        self.no_text = nn.Parameter(torch.randn(width) / width**0.5)
        self.further = nn.Linear(tokens, width)
        centre, spread = torch.tensor(list(NUMBERS.values())).unbind(1)
        self.centre: Tensor
        self.spread: Tensor
        self.register_buffer("centre", centre)
        self.register_buffer("spread", spread)

    def forward(self, c: Conditions) -> tuple[Tensor, Tensor]:
        """(n, k, width) tokens, and (n, k) which of them may be attended to."""
        n = len(c.numbers)
        named = c.statements > 0
        named = torch.cat([named, ~named.any(1, keepdim=True)], 1)
        statements = self.statement.expand(n, -1, -1)
        known = ~c.numbers.isnan()
        value = ((c.numbers - self.centre) / self.spread).nan_to_num().clamp(-4.0, 4.0)
        numbers = torch.einsum("nkf,kfc->nkc", _features(value), self.number)
        numbers = torch.where(known[..., None], numbers, self.no_number)
        written = ~c.text.isnan().any(1, keepdim=True)
        text = torch.where(written, self.text(c.text.nan_to_num()), self.no_text)[:, None]
        further = self.further(c.tokens.nan_to_num())
        there = ~c.tokens.isnan().any(2)
        always = torch.ones(n, numbers.shape[1] + 1, dtype=torch.bool, device=named.device)
        context = torch.cat([statements, numbers, text, further], 1)
        return context, torch.cat([named, always, there], 1)


_FEATURES: Final = 6


def _features(x: Tensor) -> Tensor:
    """(..., 6): one, the number, and waves of it."""
    waves = [f(k * x) for k in (1.0, 2.5) for f in (torch.sin, torch.cos)]
    return torch.stack([torch.ones_like(x), x, *waves], -1)
