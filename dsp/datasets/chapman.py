"""Chapman, without labels: ten-second twelve-lead recordings as bare matrices."""

from pathlib import Path
from typing import Final

from dsp.datasets.dataset import Dataset, Entry
from dsp.datasets.layout import locate, natural
from dsp.formats import read
from dsp.leads import TWELVE
from dsp.record import ECG

_UNIT: Final = "uV"  # 1000 counts per mV
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
    return read(path, fs=_FS, leads=TWELVE, unit=_UNIT)
