"""Generation: how records are drawn, and what comes of it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Literal

import dsp
from dsp import ECG, ECGError, leads
from ecgsynth import guidance
from ecgsynth.simulator import Simulation

Mode = Literal["guided", "unguided", "simulator"]


@dataclasses.dataclass(frozen=True, slots=True)
class Sampling:
    """How the generator draws.

    Attributes
    ----------
    mode : ``guided``: from the simulator's waveform, held to the simulator; ``unguided``: from
        noise, told the rhythm and the conditions only; ``simulator``: no network at all.
    steps : network evaluations.
    trust : how far the network keeps to the simulated shapes, 0 to 1.
    scale : of classifier-free guidance, at twice the cost; 1 is none.
    strength : of simulator guidance, 0 to 1; 0 is none.
    schedule : of its strength over time, a key of `ecgsynth.guidance.SCHEDULES`.
    tightness : see `ecgsynth.physics.Physics`; large: shapes as simulated, small: fitted.
    carry : bring the simulated patients onto the population that the network was trained on, see
        `ecgsynth.transport`.
    batch : records at once.

    Examples
    --------
    >>> Sampling(steps=4).schedule
    'early'
    """

    mode: Mode = "guided"
    steps: int = 10
    trust: float = 0.5
    scale: float = 1.0
    strength: float = 0.4
    schedule: str = "early"
    tightness: float = 0.03
    carry: bool = True
    batch: int = 32

    def __post_init__(self) -> None:
        if self.mode not in ("guided", "unguided", "simulator"):
            raise ECGError(f"mode {self.mode!r}: give guided, unguided or simulator.")
        if self.schedule not in guidance.SCHEDULES or not 0 <= self.strength <= 1:
            raise ECGError(
                f"schedule {self.schedule!r}, strength {self.strength!r}: give one of "
                f"{' '.join(guidance.SCHEDULES)}, and 0 to 1."
            )
        if self.steps < 1 or self.batch < 1 or not 0 <= self.trust <= 1:
            raise ECGError(
                f"steps={self.steps}, batch={self.batch}, trust={self.trust}: give 1 or more, 1 or "
                "more, and 0 to 1."
            )


@dataclasses.dataclass(frozen=True, eq=False)
class Generation(Simulation):
    """Generated records, in the form of a `Simulation`: labels, beats and parameters are what was asked.

    Attributes
    ----------
    provenance : how they were made: weights, sampling, seed.

    Examples
    --------
    >>> from ecgsynth.generator import Generator
    >>> new = Generator.untrained().generate(1, heart_rate=60)
    >>> new.signal.shape, new.labels[0], new.provenance["steps"]
    ((1, 12, 1000), ('NORM', 'SR'), 10)
    """

    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def measured(self) -> list[dsp.Measurements]:
        """What `dsp.measure` finds in each record: intervals obtained, not asked for."""
        return [dsp.measure(ECG(x, self.fs, leads.TWELVE)) for x in self.signal]

    def record(self, k: int) -> ECG:
        """Record k as an ECG, beats and waves as asked for, provenance in its `meta`.

        Examples
        --------
        >>> from ecgsynth.generator import Generator
        >>> Generator.untrained().generate(1).record(0).meta["provenance"]["mode"]
        'guided'
        """
        ecg = super().record(k)
        return dataclasses.replace(ecg, meta={**ecg.meta, "provenance": dict(self.provenance)})
