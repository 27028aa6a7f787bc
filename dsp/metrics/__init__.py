"""The referee at the level of the signal: how near an estimate is, how sure, and how well marks agree."""

from dsp.metrics.clinical import Amplitudes, ClinicalReport, amplitudes, clinical
from dsp.metrics.landmarks import Landmarks, landmarks
from dsp.metrics.matching import Match, match, pool
from dsp.metrics.probabilistic import coverage, crps, energy_score, pit, rank, worst
from dsp.metrics.reconstruction import (
    CONVENTIONS,
    ReconstructionReport,
    Score,
    reconstruction,
)
from dsp.metrics.signal import METRICS, mae, prd, r, r2, rmse, snr
from dsp.metrics.uncertainty import LEVELS, UncertaintyReport, uncertainty

__all__ = [
    "CONVENTIONS",
    "LEVELS",
    "METRICS",
    "Amplitudes",
    "ClinicalReport",
    "Landmarks",
    "Match",
    "ReconstructionReport",
    "Score",
    "UncertaintyReport",
    "amplitudes",
    "clinical",
    "coverage",
    "crps",
    "energy_score",
    "landmarks",
    "mae",
    "match",
    "pit",
    "pool",
    "prd",
    "r",
    "r2",
    "rank",
    "reconstruction",
    "rmse",
    "snr",
    "uncertainty",
    "worst",
]
