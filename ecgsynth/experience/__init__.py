"""Experience: recordings of similar patients, found by what is known of a patient, to learn from."""

from ecgsynth.experience.index import Experience, Retrieved, Weights
from ecgsynth.experience.references import Reference, median_beat, ptbxl_reports, remember
from ecgsynth.experience.texts import hashing

__all__ = [
    "Experience",
    "Reference",
    "Retrieved",
    "Weights",
    "hashing",
    "median_beat",
    "ptbxl_reports",
    "remember",
]
