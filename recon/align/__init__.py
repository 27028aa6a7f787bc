"""Direct latent alignment: from any leads straight to the latent of twelve."""

from recon.align.aligner import Aligner, Pair, align, embedded, teach
from recon.align.alignment import RECIPES, Alignment, Recipe
from recon.align.distillation import Distillation
from recon.align.losses import LOSSES, NEGATIVES, Pairs
from recon.align.pairs import PairBatches, unlabelled
from recon.align.teaching import Teaching

__all__ = [
    "LOSSES",
    "NEGATIVES",
    "RECIPES",
    "Aligner",
    "Alignment",
    "Distillation",
    "Pair",
    "PairBatches",
    "Pairs",
    "Recipe",
    "Teaching",
    "align",
    "embedded",
    "teach",
    "unlabelled",
]
