"""Tasks: who is ill and who is not, and how far an embedding tells."""

from recon.tasks.cohort import INFARCTS, KNOBS, REAL, Cohort, infarcts, real, simulated
from recon.tasks.features import features
from recon.tasks.fine_tuning import FineTuning, fine_tune
from recon.tasks.probe import Probe, few_shot, neighbours
from recon.tasks.ptbxl import ptbxl

__all__ = [
    "INFARCTS",
    "KNOBS",
    "REAL",
    "Cohort",
    "FineTuning",
    "Probe",
    "features",
    "few_shot",
    "fine_tune",
    "infarcts",
    "neighbours",
    "ptbxl",
    "real",
    "simulated",
]
