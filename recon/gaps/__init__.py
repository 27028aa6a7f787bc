"""The gap report: how far each way from few leads to twelve is from the truth, as signal and as latent."""

from recon.gaps.cohort import Cohort
from recon.gaps.decomposition import Split
from recon.gaps.paths import (
    Batched,
    Outcome,
    Path,
    bundled,
    closed_form,
    embedding,
    generated,
    posterior,
    references,
)
from recon.gaps.posterior import GaussianPosterior
from recon.gaps.random_encoder import RandomEncoder
from recon.gaps.report import GapReport, Recovery, Row
from recon.gaps.study import gaps

__all__ = [
    "Batched",
    "Cohort",
    "GapReport",
    "GaussianPosterior",
    "Outcome",
    "Path",
    "RandomEncoder",
    "Recovery",
    "Row",
    "Split",
    "bundled",
    "closed_form",
    "embedding",
    "gaps",
    "generated",
    "posterior",
    "references",
]
