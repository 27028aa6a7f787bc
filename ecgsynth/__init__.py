"""ecgsynth: synthetic electrocardiograms by exact simulation, and by diffusion guided by it."""

from ecgsynth import noise
from ecgsynth.ecgsyn import ecgsyn
from ecgsynth.fit import Twin, fit
from ecgsynth.simulator import Simulation, simulate

__all__ = ["Simulation", "Twin", "ecgsyn", "fit", "noise", "simulate"]
