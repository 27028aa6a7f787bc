"""Twelve-lead recordings of every set that may be trained on, as one data set."""

from pathlib import Path

from dsp.datasets.chapman import chapman
from dsp.datasets.cinc import cinc
from dsp.datasets.dataset import Dataset
from dsp.datasets.ludb import ludb


def twelve_lead(root: str | Path) -> Dataset:
    """LUDB, the challenge collections and Chapman without labels, in this order; nothing left out.

    Parameters
    ----------
    root : the folder that holds ``ludb``, ``cinc2020-2021`` and ``chapman-unlabelled``.

    Returns
    -------
    All their entries. Recordings that should not be trained on are among them: `fault(entry.ecg)`
    gives the reason, `faults()` those of all. Divide with `grouped_folds(data.groups)`.

    Raises
    ------
    ReadError
        If one of the three is not there.

    Examples
    --------
    >>> twelve_lead("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: LUDB is neither ...
    """
    parts = (ludb(root), cinc(root), chapman(root))
    return Dataset("Twelve leads", tuple(entry for part in parts for entry in part))
