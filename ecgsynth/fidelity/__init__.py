"""Fidelity: is it like the real thing? Seven families of measures, each beside what real does to real."""

from ecgsynth.fidelity.encoding import features
from ecgsynth.fidelity.judging import fidelity
from ecgsynth.fidelity.report import FidelityReport, Finding

__all__ = ["FidelityReport", "Finding", "features", "fidelity"]
