"""ecgsynth: synthetic electrocardiograms by exact simulation, and by diffusion guided by it."""

from ecgsynth import noise
from ecgsynth.archive import Archive, write_archive
from ecgsynth.ecgsyn import ecgsyn
from ecgsynth.experience import Experience
from ecgsynth.fidelity import FidelityReport, fidelity
from ecgsynth.fit import Twin, fit
from ecgsynth.generation import Sampling
from ecgsynth.generator import Generator
from ecgsynth.simulator import Simulation, simulate

__all__ = [
    "Archive",
    "Experience",
    "FidelityReport",
    "Generator",
    "Sampling",
    "Simulation",
    "Twin",
    "ecgsyn",
    "fidelity",
    "fit",
    "noise",
    "simulate",
    "write_archive",
]
