"""Fit: the simulator's parameters from a recording, by gradient."""

from ecgsynth.fit.beat import Beat, typical_beat
from ecgsynth.fit.gaussians import Clock
from ecgsynth.fit.twin import Twin, fit

__all__ = ["Beat", "Clock", "Twin", "fit", "typical_beat"]
