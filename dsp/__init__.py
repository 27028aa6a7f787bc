"""dsp: electrocardiograms as arrays and records; NumPy and SciPy only."""

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
from dsp.paper import Paper, pages, plot
from dsp.record import ECG, Annotations

__all__ = [
    "ECG",
    "Annotations",
    "ECGError",
    "LeadError",
    "LengthError",
    "Paper",
    "RateError",
    "ReadError",
    "SignalError",
    "UnitError",
    "WriteError",
    "bandpass",
    "clean",
    "pages",
    "plot",
    "resample",
]
