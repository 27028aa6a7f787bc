"""dsp: electrocardiograms as arrays and records; NumPy and SciPy only."""

from dsp import datasets, distances, metrics, statistics
from dsp.beats import r_peaks
from dsp.errors import (
    ECGError,
    LeadError,
    LengthError,
    RateError,
    ReadError,
    SignalError,
    UnitError,
    WriteError,
)
from dsp.filters import bandpass, clean, resample
from dsp.formats import read, write
from dsp.neurokit import from_neurokit, to_neurokit
from dsp.paper import Paper, pages, plot
from dsp.quality import Quality, quality
from dsp.record import ECG, Annotations
from dsp.segments import Segments, segment
from dsp.stream import Piece, stream
from dsp.tokens import QRSTokenizer, Words
from dsp.variability import Variability, variability
from dsp.waves import Measurements, Wave, Waves, delineate, measure

__all__ = [
    "ECG",
    "Annotations",
    "ECGError",
    "LeadError",
    "LengthError",
    "Measurements",
    "Paper",
    "Piece",
    "QRSTokenizer",
    "Quality",
    "RateError",
    "ReadError",
    "Segments",
    "SignalError",
    "UnitError",
    "Variability",
    "Wave",
    "Waves",
    "Words",
    "WriteError",
    "bandpass",
    "clean",
    "datasets",
    "delineate",
    "distances",
    "from_neurokit",
    "measure",
    "metrics",
    "pages",
    "plot",
    "quality",
    "r_peaks",
    "read",
    "resample",
    "segment",
    "statistics",
    "stream",
    "to_neurokit",
    "variability",
    "write",
]
