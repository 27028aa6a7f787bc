"""The moving dipole: a heart vector made of Gaussians, seen by twelve leads through each patient's own lead field."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor

from ecgsynth.heart import ABSENT, Events, Heart, Wave

__all__ = [
    "Events",
    "Gaussians",
    "Heart",
    "Scratch",
    "Wave",
    "beats",
    "eight_leads",
    "gaussians",
    "twelve_leads",
]

REACH: Final = 4.5
"""Widths after which a Gaussian is cut to zero."""
CUT: Final = 4.0e-5
"""exp(-REACH**2 / 2): below this share of its peak a Gaussian is zero, whatever the window."""
LEAST: Final = -11.0
SLICE: Final = 256
"""Events evaluated at once into reused buffers."""
TURN: Final = 6.283185307179586
BLOCK: Final = 32
"""Samples a window is aligned to, so that beats are added to the record in whole blocks."""


@dataclasses.dataclass(frozen=True, slots=True)
class Gaussians:
    """One wave, beat by beat: sums of Gaussians in eight leads.

    Attributes
    ----------
    start : (m,) s, float64: the wave's own zero, for each of m events.
    centre, width : (m, K) s, centre counted from `start`.
    amplitude : (m, 8, K) mV.
    """

    start: Tensor
    centre: Tensor
    width: Tensor
    amplitude: Tensor

    def events(self, part: Any) -> "Gaussians":
        """Some of the events.

        Examples
        --------
        >>> x = torch.ones(3, 2)
        >>> Gaussians(x[:, 0], x, x, x[:, None]).events(slice(1)).centre.shape
        torch.Size([1, 2])
        """
        return Gaussians(
            self.start[part], self.centre[part], self.width[part], self.amplitude[part]
        )


SOURCES: Final = {"P": "atria", "QRS": "beats", "T": "beats", "spike": "spikes"}


def gaussians(heart: Heart, wave: str, seen: Tensor) -> Gaussians:
    """Every Gaussian of one wave of some events: timing by the intervals, size by torso and breath.

    Parameters
    ----------
    heart : in tensors.
    wave : one of `WAVES`.
    seen : (m, 2) int64, the events wanted: record and place among the record's events.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> gaussians(patients(2).heart.tensors(), "QRS", torch.tensor([[0, 3], [1, 4]])).amplitude.shape
    torch.Size([2, 8, 8])
    """
    g, e = heart.waves[wave], heart.events[SOURCES[wave]]
    row, place = seen.unbind(1)
    kind = e.kind[row, place]
    start, unit, gain = _clock(heart, wave, row, place, kind)
    field = heart.field[:, None]
    still = (field @ g.vector + g.residual)[row, kind]
    turned = (field @ _cross(heart.tilt, g.vector))[row, kind]
    rate, phase, swing = heart.breath[row].unbind(1)
    breath = torch.sin(TURN * rate * e.time[row, place] + phase).to(still.dtype)
    size = gain * (1 + swing * breath)
    amplitude = size[:, None, None] * still + breath[:, None, None] * turned
    unit = unit[:, None]
    return Gaussians(start, g.position[row, kind] * unit, g.width[row, kind] * unit, amplitude)


def _clock(
    heart: Heart, wave: str, row: Tensor, place: Tensor, kind: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Start (float64), unit and gain of a wave at each event, (m,) each."""
    e = heart.events[SOURCES[wave]]
    time, gain = e.time[row, place], e.gain[row, place]
    if wave == "P":
        return time - heart.pr[row] - e.delay[row, place], heart.p_duration[row], gain
    if wave == "spike":
        return time, torch.ones_like(gain), gain
    qrs = heart.qrs[row, kind]
    if wave == "QRS":
        return time, qrs, gain
    qt = heart.qt[row, kind] * e.stretch[row, place]
    return time + qrs, qt - qrs, e.t_gain[row, place]


def _cross(tilt: Tensor, vector: Tensor) -> Tensor:
    """(n, kinds, 3, K): the small rotation `tilt` (n, 3) applied to each moment."""
    axis = tilt[:, None, :, None].expand_as(vector)
    turned: Tensor = torch.linalg.cross(axis, vector, dim=-2)
    return turned


class Scratch:
    """Buffers that are used again from batch to batch: fresh memory costs more than the arithmetic."""

    def __init__(self) -> None:
        self.buffers: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int) -> Tensor:
        """An uninitialised float32 tensor of this shape, valid until `name` is taken again.

        Examples
        --------
        >>> Scratch().take("x", 2, 3).shape
        torch.Size([2, 3])
        """
        size = math.prod(shape)
        if name not in self.buffers or len(self.buffers[name]) < size:
            self.buffers[name] = torch.empty(size + size // 8)
        return self.buffers[name][:size].view(shape)


def eight_leads(
    heart: Heart, fs: float, n_samples: int, *, scratch: Scratch | None = None
) -> Tensor:
    """The noiseless eight independent leads.

    Each Gaussian is evaluated only within `REACH` widths of its centre. Windows are aligned to
    blocks of `BLOCK` samples, which makes adding thousands of beats one fast call, changes no value,
    and passes gradients to every parameter.

    Parameters
    ----------
    heart : in tensors.
    fs : Hz. n_samples : of the result.
    scratch : buffers to use again, on the CPU and without gradients; the result lies in one of them.

    Returns
    -------
    (n, 8, n_samples) mV, leads I II V1..V6, float32 or what the heart is in.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> eight_leads(patients(2).heart.tensors(), 500, 5000).shape
    torch.Size([2, 8, 5000])
    """
    parts = []
    for wave in heart.waves:
        seen = torch.nonzero(heart.events[SOURCES[wave]].time > ABSENT)
        g = gaussians(heart, wave, seen)
        parts += [(seen[part, 0], g.events(part)) for part in _slices(g)]
    windows = [_window(g, fs) for _, g in parts]
    margin = max(blocks for _, blocks in windows)
    n_blocks = -(-n_samples // BLOCK) + 2 * margin
    n, device = heart.field.shape[0], heart.field.device
    if scratch is None:
        out = torch.zeros(n * 8 * n_blocks, BLOCK, device=device, dtype=heart.field.dtype)
    else:
        out = scratch.take("out", n * 8 * n_blocks, BLOCK).zero_()
    for (row, g), (early, blocks) in zip(parts, windows, strict=True):
        first = torch.floor(g.start.detach() * fs / BLOCK).long() - early + margin
        first = first.clamp(0, n_blocks - blocks)
        values = _evaluate(g, (first - margin) * BLOCK, (early, blocks), fs, scratch)
        lead = (row[:, None] * 8 + torch.arange(8, device=device)) * n_blocks
        block = first[:, None] + torch.arange(blocks, device=device)
        index = (lead[:, :, None] + block[:, None]).reshape(-1)
        out.index_add_(0, index, values.reshape(-1, BLOCK))
    x = out.view(n, 8, -1)[:, :, margin * BLOCK : margin * BLOCK + n_samples]
    return _with_flutter(x, heart, fs)


def _slices(g: Gaussians) -> list[Any]:
    """The events in portions that stay in a processor's cache; all at once on other devices.

    Portions are of events that end equally late, so that their windows are no longer than they must be.
    """
    if g.start.device.type != "cpu":
        return [slice(None)]
    order = (REACH * g.width + g.centre).detach().amax(1).argsort(stable=True)
    return list(torch.split(order, SLICE))


def beats(g: Gaussians, fs: float, scratch: Scratch | None = None) -> tuple[Tensor, Tensor]:
    """One wave of each event by itself.

    Returns
    -------
    (m, 8, samples) mV, and (m,) int64, the sample of the record each begins at.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> g = gaussians(patients(1).heart.tensors(), "T", torch.tensor([[0, 2]]))
    >>> beats(g, 500)[0].shape[:2]
    torch.Size([1, 8])
    """
    window = _window(g, fs)
    first = (torch.floor(g.start.detach() * fs / BLOCK).long() - window[0]) * BLOCK
    return _evaluate(g, first, window, fs, scratch), first


def _window(g: Gaussians, fs: float) -> tuple[int, int]:
    """Blocks a window starts before the one of the wave's zero, and its length in blocks."""
    if not len(g.start):
        return 0, 1
    with torch.no_grad():
        reach = REACH * g.width
        before = max(float((reach - g.centre).max()), 0.0)
        after = max(float((reach + g.centre).max()), 0.0)
    early = math.ceil(before * fs / BLOCK)
    return early, early + int(after * fs / BLOCK) + 2


def _evaluate(
    g: Gaussians, first: Tensor, window: Sequence[int], fs: float, scratch: Scratch | None = None
) -> Tensor:
    """(m, 8, samples) mV: a wave's sum of Gaussians from sample `first` (m,) on."""
    early, length = window[0], window[1] * BLOCK
    # Times count from the block of the wave's zero, whatever the window: no batch changes a bit.
    zero = (g.start - (first + early * BLOCK).double() / fs).to(g.centre.dtype)[:, None]
    times = torch.arange(length, device=first.device) - early * BLOCK
    times = times.to(g.centre.dtype) / fs
    centre = zero + g.centre
    if scratch is None:
        bells: Tensor = _Bells.apply(times, centre, g.width)  # type: ignore[no-untyped-call]
        return g.amplitude @ bells
    u = torch.sub(times, centre[..., None], out=scratch.take("bells", *centre.shape, length))
    return torch.bmm(
        g.amplitude, _bells(u, g.width), out=scratch.take("beats", len(first), 8, length)
    )


def _bells(u: Tensor, width: Tensor) -> Tensor:
    """exp(-u**2 / 2 width**2) in place of u (m, K, samples), zero beyond `REACH` widths."""
    # Exponents are clamped first because exp is slow where its result is not a normal number.
    u.square_().mul_((-0.5 / width.square())[..., None]).clamp_(min=LEAST).exp_()
    return torch.nn.functional.threshold(u, CUT, 0.0, inplace=True)


class _Bells(torch.autograd.Function):
    """`_bells` with its derivatives, which need nothing but its result: half the memory and time."""

    @staticmethod
    def forward(ctx: Any, times: Tensor, centre: Tensor, width: Tensor) -> Tensor:
        bells = _bells(times - centre[..., None], width)
        ctx.save_for_backward(times, centre, width, bells)
        return bells

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, Tensor]:
        times, centre, width, bells = ctx.saved_tensors
        u = times - centre[..., None]
        part = (gradients[0] * bells).mul_(u)
        by_centre = part.sum(-1) / width.square()
        return None, by_centre, part.mul_(u).sum(-1) / width**3


def _with_flutter(x: Tensor, heart: Heart, fs: float) -> Tensor:
    """Add the atrial oscillation to the records that have one."""
    rows = torch.nonzero(heart.flutter[:, 0] > 0)[:, 0]
    if not len(rows):
        return x
    rate, depth, slow, phase = heart.flutter[rows].unbind(-1)
    t = torch.arange(x.shape[-1], device=x.device, dtype=torch.float64) / fs
    wander = torch.sin(TURN * slow[:, None] * t + phase[:, None])
    wander = wander + 0.6 * torch.sin(TURN * 2.3 * slow[:, None] * t + 2 * phase[:, None])
    angle = (TURN * rate[:, None] * t).remainder(TURN) + depth[:, None] * wander
    angle = (angle[:, None] * torch.arange(1, 4, device=x.device)[:, None]).to(x.dtype)
    basis = torch.cat([torch.sin(angle), torch.cos(angle)], 1)
    waxing = (1 + 0.25 * torch.sin(TURN * 0.4 * slow[:, None] * t - phase[:, None])).to(x.dtype)
    wave = (heart.field[rows] @ heart.flutter_vector[rows]) @ (basis * waxing[:, None])
    return x.index_add_(0, rows, wave)


def twelve_leads(x8: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Twelve leads from the eight: III = II - I, aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2.

    Parameters
    ----------
    x8 : (..., 8, time) mV, leads I II V1..V6.
    out : where to write, (..., 12, time); for tensors without gradients.

    Returns
    -------
    (..., 12, time) mV in the order of `dsp.leads.TWELVE`.

    Examples
    --------
    >>> twelve_leads(torch.ones(8, 1))[2:6, 0].tolist()
    [0.0, -1.0, 0.5, 0.5]
    """
    one, two = x8[..., 0, :], x8[..., 1, :]
    if out is None:
        limb = (one, two, two - one, (one + two) * -0.5, one - 0.5 * two, two - 0.5 * one)
        return torch.cat([torch.stack(limb, -2), x8[..., 2:, :]], -2)
    out[..., :2, :] = x8[..., :2, :]
    torch.sub(two, one, out=out[..., 2, :])
    torch.add(one, two, out=out[..., 3, :]).mul_(-0.5)
    torch.sub(one, two, alpha=0.5, out=out[..., 4, :])
    torch.sub(two, one, alpha=0.5, out=out[..., 5, :])
    out[..., 6:, :] = x8[..., 2:, :]
    return out
