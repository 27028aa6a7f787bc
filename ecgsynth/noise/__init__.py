"""Noise: baseline wander, electrode motion, muscle, mains, white and pink, coherent over leads."""

from ecgsynth.noise.electrodes import ELECTRODES, LEADS_FROM_ELECTRODES, sample
from ecgsynth.noise.ratio import add, power
from ecgsynth.noise.spectra import AMBULATORY, LINES, SPECTRA, Line, Spectrum, fit_spectrum

__all__ = [
    "AMBULATORY",
    "ELECTRODES",
    "LEADS_FROM_ELECTRODES",
    "LINES",
    "SPECTRA",
    "Line",
    "Spectrum",
    "add",
    "fit_spectrum",
    "power",
    "sample",
]
