"""Public data sets: each call gives a `Dataset` of entries with labels, patient, split and signal."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from dsp.datasets.chapman import chapman
from dsp.datasets.cinc import cinc
from dsp.datasets.cpsc import cpsc2019, cpsc2021
from dsp.datasets.dataset import Dataset, Entry
from dsp.datasets.faults import fault
from dsp.datasets.folds import grouped_folds
from dsp.datasets.ludb import ludb
from dsp.datasets.mitdb import mitdb
from dsp.datasets.ptbdb import ptbdb
from dsp.datasets.ptbxl import ptbxl
from dsp.datasets.qtdb import qtdb
from dsp.datasets.twelve_lead import twelve_lead

DATASETS: Final[Mapping[str, Callable[[str | Path], Dataset]]] = {
    "chapman": chapman,
    "cinc": cinc,
    "cpsc2019": cpsc2019,
    "cpsc2021": cpsc2021,
    "ludb": ludb,
    "mitdb": mitdb,
    "ptbdb": ptbdb,
    "ptbxl": ptbxl,
    "qtdb": qtdb,
    "twelve_lead": twelve_lead,
}
"""Every data set by name; each is called with its folder, or the folder that holds it."""

__all__ = [
    "DATASETS",
    "Dataset",
    "Entry",
    "chapman",
    "cinc",
    "cpsc2019",
    "cpsc2021",
    "fault",
    "grouped_folds",
    "ludb",
    "mitdb",
    "ptbdb",
    "ptbxl",
    "qtdb",
    "twelve_lead",
]
