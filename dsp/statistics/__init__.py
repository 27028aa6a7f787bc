"""Statistics: intervals that count patients, not recordings, and areas that count positives."""

from dsp.statistics.areas import Area, auprc, auroc
from dsp.statistics.classes import ClassReport, per_class
from dsp.statistics.comparisons import paired_area, recovery
from dsp.statistics.intervals import (
    FEWEST_PATIENTS,
    Interval,
    bootstrap,
    from_influence,
    paired,
)
from dsp.statistics.tables import FEWEST_POSITIVES, FewPositivesError

__all__ = [
    "FEWEST_PATIENTS",
    "FEWEST_POSITIVES",
    "Area",
    "ClassReport",
    "FewPositivesError",
    "Interval",
    "auprc",
    "auroc",
    "bootstrap",
    "from_influence",
    "paired",
    "paired_area",
    "per_class",
    "recovery",
]
