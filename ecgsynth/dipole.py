"""The moving dipole: a heart vector made of Gaussians, seen by twelve leads through each patient's own lead field."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor

Array = Any
"""A NumPy array or a torch tensor: `Heart` holds either, `signal` computes on tensors."""

WAVES: Final = ("P", "QRS", "T", "spike")
"""The groups of Gaussians; each has its own clock (see `Heart`)."""
REACH: Final = 5.0
"""Widths after which a Gaussian is cut to zero: 4e-6 of its peak."""
BLOCK: Final = 32
"""Samples a window is aligned to, so that beats are added to the record in whole blocks."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wave:
    """The Gaussians of one wave, for each of the two kinds of beat a record may have.

    Attributes
    ----------
    position, width : (n, kinds, K), in shares of the wave's interval.
    vector : (n, kinds, 3, K) mV, moments along X (left), Y (down), Z (back).
    residual : (n, kinds, 8, K) mV, what the eight leads see beyond the dipole.
    """

    position: Array
    width: Array
    vector: Array
    residual: Array


@dataclasses.dataclass(frozen=True, slots=True)
class Events:
    """When a chamber fires; an event that does not happen lies before the record (`ABSENT`).

    Attributes
    ----------
    time : (n, E) s, float64: onset of the QRS; for atria the onset of the QRS they should lead to.
    kind : (n, E) int64, 0 or 1: which Gaussians of the waves.
    gain : (n, E), factor on depolarisation (P, QRS).
    t_gain : (n, E), factor on repolarisation; alternans lives here.
    delay : (n, E) s, PR beyond the record's own (atria only).
    stretch : (n, E), factor on QT, which follows the preceding interval.
    """

    time: Array
    kind: Array
    gain: Array
    t_gain: Array
    delay: Array
    stretch: Array


ABSENT: Final = -60.0
"""s; where events are put that do not happen."""


@dataclasses.dataclass(frozen=True, slots=True)
class Heart:
    """Everything that determines a batch of noiseless records: the parameters of the simulator.

    The clocks: P starts PR before the QRS onset and its unit is the P duration; the unit of the QRS
    is the QRS duration; T (with ST and U) starts at the J point and its unit is QT minus QRS;
    a spike starts with its event, and its unit is one second.

    Attributes
    ----------
    waves : the Gaussians, by the names of `WAVES`; a wave that is left out does not exist.
    events : ``beats``, ``atria`` and, when there are spikes, ``spikes``.
    field : (n, 8, 3) mV per unit of heart vector: the lead field.
    pr, p_duration : (n,) s. qrs, qt : (n, kinds) s.
    breath : (n, 3): rate Hz, phase rad, relative swing of the amplitude.
    tilt : (n, 3) rad, turn of the heart vector at full inspiration.
    flutter : (n, 4): rate Hz, depth of phase modulation rad, its rate Hz, its phase rad.
    flutter_vector : (n, 3, 6) mV: sine and cosine of three harmonics of the atrial oscillation.
    """

    waves: Mapping[str, Wave]
    events: Mapping[str, Events]
    field: Array
    pr: Array
    p_duration: Array
    qrs: Array
    qt: Array
    breath: Array
    tilt: Array
    flutter: Array
    flutter_vector: Array

    def tensors(self, device: Any = "cpu", *, requires_grad: bool = False) -> "Heart":
        """The same heart in tensors: times float64, whole numbers int64, the rest float32.

        Examples
        --------
        >>> from ecgsynth.patients import patients
        >>> heart = patients(2).heart.tensors()
        >>> heart.field.shape
        torch.Size([2, 8, 3])
        """

        def convert(name: str, value: Array) -> Tensor:
            t = torch.as_tensor(value)
            kind = t.dtype if not t.is_floating_point() else torch.float32
            t = t.to(device, torch.float64 if name == "time" else kind)
            if requires_grad and t.is_floating_point():
                t = t.detach().requires_grad_()
            return t

        return self.map(convert)

    def map(self, change: Any) -> "Heart":
        """The heart with each array replaced by ``change(name, array)``.

        Examples
        --------
        >>> from ecgsynth.patients import patients
        >>> patients(3).heart.map(lambda name, x: x[:1]).pr.shape
        (1,)
        """

        def each(record: Any) -> dict[str, Any]:
            pairs = [(f.name, getattr(record, f.name)) for f in dataclasses.fields(record)]
            return {name: change(name, value) for name, value in pairs if not isinstance(value, dict)}

        return Heart(
            waves={name: Wave(**each(wave)) for name, wave in self.waves.items()},
            events={name: Events(**each(events)) for name, events in self.events.items()},
            **each(self),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Gaussians:
    """One wave, beat by beat: sums of Gaussians in eight leads.

    Attributes
    ----------
    start : (n, E) s, float64: the wave's own zero.
    centre, width : (n, E, K) s, centre counted from `start`.
    amplitude : (n, E, 8, K) mV.
    """

    start: Tensor
    centre: Tensor
    width: Tensor
    amplitude: Tensor


SOURCES: Final = {"P": "atria", "QRS": "beats", "T": "beats", "spike": "spikes"}


def gaussians(heart: Heart, wave: str) -> Gaussians:
    """Every Gaussian of one wave of every beat: timing by the intervals, size by torso and breath.

    Parameters
    ----------
    heart : in tensors.
    wave : one of `WAVES`.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> gaussians(patients(2).heart.tensors(), "QRS").amplitude.shape[-2:]
    torch.Size([8, 8])
    """
    g, e = heart.waves[wave], heart.events[SOURCES[wave]]
    rows = torch.arange(e.kind.shape[0], device=e.kind.device)[:, None]
    start, unit, gain = _clock(heart, wave, e, rows)
    still = heart.field[:, None] @ g.vector + g.residual
    turned = heart.field[:, None] @ _cross(heart.tilt, g.vector)
    rate, phase, swing = (heart.breath[:, i, None] for i in range(3))
    breath = torch.sin((6.283185307179586 * rate * e.time + phase)).to(still.dtype)
    size = gain * (1 + swing * breath)
    amplitude = size[..., None, None] * still[rows, e.kind]
    amplitude = amplitude + breath[..., None, None] * turned[rows, e.kind]
    unit = unit[..., None]
    return Gaussians(start, g.position[rows, e.kind] * unit, g.width[rows, e.kind] * unit, amplitude)


def _clock(heart: Heart, wave: str, e: Events, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Start (float64), unit and gain of a wave at each event, each (n, E)."""
    if wave == "P":
        start = e.time - heart.pr[:, None] - e.delay
        return start, heart.p_duration[:, None].expand_as(e.gain), e.gain
    if wave == "spike":
        return e.time, torch.ones_like(e.gain), e.gain
    qrs = heart.qrs[rows, e.kind]
    if wave == "QRS":
        return e.time, qrs, e.gain
    return e.time + qrs, heart.qt[rows, e.kind] * e.stretch - qrs, e.t_gain


def _cross(tilt: Tensor, vector: Tensor) -> Tensor:
    """(n, kinds, 3, K): the small rotation `tilt` (n, 3) applied to each moment."""
    axis = tilt[:, None, :, None].expand_as(vector)
    return torch.linalg.cross(axis, vector, dim=-2)


def eight_leads(heart: Heart, fs: float, n_samples: int) -> Tensor:
    """The noiseless eight independent leads.

    Each Gaussian is evaluated only within `REACH` widths of its centre. Windows are aligned to
    blocks of `BLOCK` samples, which makes adding thousands of beats one fast call, changes no value,
    and passes gradients to every parameter.

    Parameters
    ----------
    heart : in tensors.
    fs : Hz. n_samples : of the result.

    Returns
    -------
    (n, 8, n_samples) float32 mV, leads I II V1..V6.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> eight_leads(patients(2).heart.tensors(), 500, 5000).shape
    torch.Size([2, 8, 5000])
    """
    parts = [(g, *_window(g, fs)) for g in (gaussians(heart, name) for name in heart.waves)]
    margin = max(blocks for _, _, blocks in parts)
    n_blocks = -(-n_samples // BLOCK) + 2 * margin
    n = heart.field.shape[0]
    out = torch.zeros(n * 8 * n_blocks, BLOCK, device=heart.field.device)
    for g, before, blocks in parts:
        first = torch.floor((g.start.detach() - before) * fs / BLOCK).long() + margin
        first = first.clamp(0, n_blocks - blocks)
        values = _evaluate(g, (first - margin) * BLOCK, blocks * BLOCK, fs)
        rows = torch.arange(n * 8, device=first.device).view(n, 1, 8, 1) * n_blocks
        index = first[:, :, None, None] + rows + torch.arange(blocks, device=first.device)
        out = _add(out, index.reshape(-1), values.reshape(-1, BLOCK))
    x = out.view(n, 8, -1)[:, :, margin * BLOCK : margin * BLOCK + n_samples]
    return _with_flutter(x, heart, fs)


def _window(g: Gaussians, fs: float) -> tuple[float, int]:
    """Seconds a window starts before the wave's zero, and its length in blocks."""
    with torch.no_grad():
        reach = REACH * g.width
        before = max(float((reach - g.centre).max()), 0.0)
        after = max(float((reach + g.centre).max()), 0.0)
    return before, int((before + after) * fs / BLOCK) + 2


def _evaluate(g: Gaussians, first: Tensor, length: int, fs: float) -> Tensor:
    """(n, E, 8, length) mV: a wave's sum of Gaussians from sample `first` (n, E) on."""
    zero = (g.start - first / fs).to(g.centre.dtype)[..., None]
    times = torch.arange(length, device=first.device, dtype=g.centre.dtype) / fs
    u = (times - (zero + g.centre)[..., None]) * (0.5**0.5 / g.width)[..., None]
    bells = torch.nn.functional.threshold(torch.exp(-u.square()), CUT, 0.0)
    return g.amplitude @ bells


CUT: Final = 3.7e-6
"""exp(-REACH**2 / 2): below it a Gaussian is zero, whatever the window."""


def _add(out: Tensor, index: Tensor, values: Tensor) -> Tensor:
    if values.requires_grad:
        return out.index_add(0, index, values)
    return out.index_add_(0, index, values)


def _with_flutter(x: Tensor, heart: Heart, fs: float) -> Tensor:
    """Add the atrial oscillation to the records that have one."""
    rows = torch.nonzero(heart.flutter[:, 0] > 0)[:, 0]
    if not len(rows):
        return x
    rate, depth, slow, phase = heart.flutter[rows].unbind(-1)
    t = torch.arange(x.shape[-1], device=x.device, dtype=torch.float64) / fs
    turn = 6.283185307179586
    wander = torch.sin(turn * slow[:, None] * t + phase[:, None])
    wander = wander + 0.6 * torch.sin(turn * 2.3 * slow[:, None] * t + 2 * phase[:, None])
    angle = (turn * rate[:, None] * t).remainder(turn) + depth[:, None] * wander
    angle = (angle[:, None] * torch.arange(1, 4, device=x.device)[:, None]).to(x.dtype)
    basis = torch.cat([torch.sin(angle), torch.cos(angle)], 1)
    waxing = (1 + 0.25 * torch.sin(turn * 0.4 * slow[:, None] * t - phase[:, None])).to(x.dtype)
    wave = (heart.field[rows] @ heart.flutter_vector[rows]) @ (basis * waxing[:, None])
    return x.index_add(0, rows, wave)


def twelve_leads(x8: Tensor) -> Tensor:
    """Twelve leads from the eight: III = II - I, aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2.

    Parameters
    ----------
    x8 : (..., 8, time) mV, leads I II V1..V6.

    Returns
    -------
    (..., 12, time) mV in the order of `dsp.leads.TWELVE`.

    Examples
    --------
    >>> twelve_leads(torch.ones(8, 1))[2:6, 0].tolist()
    [0.0, -1.0, 0.5, 0.5]
    """
    one, two = x8[..., 0:1, :], x8[..., 1:2, :]
    limb = (one, two, two - one, (one + two) * -0.5, one - 0.5 * two, two - 0.5 * one)
    return torch.cat([*limb, x8[..., 2:, :]], -2)
