"""Chapman, without labels: ten-second twelve-lead recordings as bare matrices."""

from pathlib import Path
from typing import Final

import numpy as np

from dsp.datasets.dataset import Dataset, Entry
from dsp.datasets.layout import locate, natural
from dsp.datasets.reading import matrix
from dsp.errors import ReadError
from dsp.leads import TWELVE
from dsp.record import ECG

_COUNTS_PER_MV: Final = 1000.0
_FS: Final = 500.0


def chapman(root: str | Path) -> Dataset:
    """Recordings of the Chapman-Shaoxing collection (Zheng et al. 2020) that carry no labels.

    Parameters
    ----------
    root : the folder of ``.mat`` files, or the folder that holds it as ``chapman-unlabelled``.
        Each file has 12 x 5000 int16 counts under the key ``val``, 1000 per mV.

    Returns
    -------
    Entries ``chapman-unlabelled/<file>``: 12 leads, 500 Hz, 10 s; the collection has one
    recording of each patient.

    Raises
    ------
    ReadError
        If there are none; the message says what to download.

    Examples
    --------
    >>> chapman("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: Chapman-Shaoxing without labels is neither ... nowhere/chapman-unlabelled.
    """
    url = "matrices of ecg-arrhythmia 1.0.0 (https://physionet.org/content/ecg-arrhythmia/1.0.0/)"
    title = "Chapman-Shaoxing without labels"
    home = locate(root, "chapman-unlabelled", ["[0-9a-f]*.mat"], title, url)
    return Dataset("Chapman", tuple(_entry(path) for path in natural(home.glob("*.mat"))))


def _entry(path: Path) -> Entry:
    name = f"chapman-unlabelled/{path.stem}"
    return Entry(name=name, source="chapman-unlabelled", path=path, read=_read, patient=name)


def _read(path: Path) -> ECG:
    counts = matrix(path, "val")
    if counts.ndim != 2 or len(counts) != len(TWELVE):
        raise ReadError(f"{path} holds {counts.shape} samples; expected 12 leads x time.")
    return ECG(counts.astype(np.float32) / np.float32(_COUNTS_PER_MV), _FS, TWELVE)
