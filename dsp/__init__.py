"""dsp: electrocardiograms as arrays and records; NumPy and SciPy only."""

from dsp import datasets, metrics, statistics
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
from dsp.paper import Paper, pages, plot
from dsp.quality import Quality, quality
from dsp.record import ECG, Annotations
from dsp.segments import Segments, segment
from dsp.tokens import QRSTokenizer, Words
from dsp.variability import Variability, variability

__all__ = [
    "ECG",
    "Annotations",
    "ECGError",
    "LeadError",
    "LengthError",
    "Paper",
    "QRSTokenizer",
    "Quality",
    "RateError",
    "ReadError",
    "Segments",
    "SignalError",
    "UnitError",
    "Variability",
    "Words",
    "WriteError",
    "bandpass",
    "clean",
    "datasets",
    "metrics",
    "pages",
    "plot",
    "quality",
    "read",
    "resample",
    "segment",
    "statistics",
    "variability",
    "write",
]
