"""ecgsynth: synthetic electrocardiograms by exact simulation, and by diffusion guided by it."""

from ecgsynth.simulator import Simulation, simulate

__all__ = ["Simulation", "simulate"]
