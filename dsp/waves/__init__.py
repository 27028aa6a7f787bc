"""Waves: P, QRS and T of every beat, and what a clinician reads from them."""

from dsp.waves.delineation import delineate
from dsp.waves.marks import Wave, Waves
from dsp.waves.measure import Measurements, measure

__all__ = ["Measurements", "Wave", "Waves", "delineate", "measure"]
