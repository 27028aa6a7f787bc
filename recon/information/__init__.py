"""Information: what leads tell of each other, in shares and in bits."""

from recon.information.best import Best
from recon.information.errors import WAVES
from recon.information.estimate import information
from recon.information.lead_sets import ELECTRODES, SUBSETS
from recon.information.measures import MEASURES
from recon.information.predictors import FAMILIES
from recon.information.report import LeadInformation

__all__ = [
    "ELECTRODES",
    "FAMILIES",
    "MEASURES",
    "SUBSETS",
    "WAVES",
    "Best",
    "LeadInformation",
    "information",
]
