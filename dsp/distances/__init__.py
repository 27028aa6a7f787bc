"""The referee at the level of the latent: how far apart two sets of embeddings are, beside what chance does."""

from dsp.distances.coverage import Coverage, density_coverage
from dsp.distances.distance import Distance, difference
from dsp.distances.frechet import frechet, frechet_infinity
from dsp.distances.kernels import kid, mmd
from dsp.distances.paired import alignment, cosine_gap, cosine_gaps, gap_vector, modality_gap, r2
from dsp.distances.report import METRICS, DistanceReport, Row, compare
from dsp.distances.retrieval import Retrieval, ranks, retrieval
from dsp.distances.ridge import cross_predict, ridge_r2
from dsp.distances.similarity import cka, mutual_knn
from dsp.distances.sliced import sliced_wasserstein
from dsp.distances.spread import Collapse, collapse, uniformity

__all__ = [
    "METRICS",
    "Collapse",
    "Coverage",
    "Distance",
    "DistanceReport",
    "Retrieval",
    "Row",
    "alignment",
    "cka",
    "collapse",
    "compare",
    "cosine_gap",
    "cosine_gaps",
    "cross_predict",
    "density_coverage",
    "difference",
    "frechet",
    "frechet_infinity",
    "gap_vector",
    "kid",
    "mmd",
    "modality_gap",
    "mutual_knn",
    "r2",
    "ranks",
    "retrieval",
    "ridge_r2",
    "sliced_wasserstein",
    "uniformity",
]
