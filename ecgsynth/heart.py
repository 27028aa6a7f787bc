"""The heart as numbers: everything that determines a batch of noiseless records."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor

Array = Any
"""A NumPy array or a torch tensor."""

WAVES: Final = ("P", "QRS", "T", "spike")
"""The groups of Gaussians; each has its own clock (see `Heart`)."""
ABSENT: Final = -60.0
"""s; where events are put that do not happen."""


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

    def arrays(self) -> "Heart":
        """The same heart in NumPy arrays.

        Examples
        --------
        >>> from ecgsynth.patients import patients
        >>> patients(2).heart.tensors().arrays().field.shape
        (2, 8, 3)
        """
        return self.map(lambda _, x: x.detach().cpu().numpy() if isinstance(x, Tensor) else x)

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
            return {
                name: change(name, value) for name, value in pairs if not isinstance(value, dict)
            }

        return Heart(
            waves={name: Wave(**each(wave)) for name, wave in self.waves.items()},
            events={name: Events(**each(events)) for name, events in self.events.items()},
            **each(self),
        )
