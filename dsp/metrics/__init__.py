"""The referee at the level of the signal: how near an estimate is, and how well marks agree."""

from dsp.metrics.matching import Match, match, pool
from dsp.metrics.reconstruction import (
    CONVENTIONS,
    ReconstructionReport,
    Score,
    reconstruction,
)
from dsp.metrics.signal import METRICS, mae, prd, r, r2, rmse, snr

__all__ = [
    "CONVENTIONS",
    "METRICS",
    "Match",
    "ReconstructionReport",
    "Score",
    "mae",
    "match",
    "pool",
    "prd",
    "r",
    "r2",
    "reconstruction",
    "rmse",
    "snr",
]
