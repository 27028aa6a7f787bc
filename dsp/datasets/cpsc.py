"""The China Physiological Signal Challenges of 2019 (beats) and 2021 (fibrillation): for tests only."""

import re
from pathlib import Path

from dsp.datasets.dataset import Dataset, Entry
from dsp.datasets.layout import locate, natural
from dsp.datasets.reading import matrix, recording
from dsp.formats import read
from dsp.record import ECG, Annotations


def cpsc2019(root: str | Path) -> Dataset:
    """CPSC 2019: single-lead excerpts chosen to be hard, with R peaks.

    Its licence is unknown: for tests, never for training.

    Parameters
    ----------
    root : the data set's folder, or the folder that holds it as ``cpsc2019``.

    Returns
    -------
    Entries ``cpsc2019/00147`` ...: one lead of unknown place (called ``ECG1``), 500 Hz, 10 s; R
    peaks, of whatever kind, as ``N`` under the annotator ``ref``. Patients are unknown.

    Raises
    ------
    ReadError
        If it is not there; the message says what to download.

    Examples
    --------
    >>> cpsc2019("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: CPSC 2019 is neither ... put its files into nowhere/cpsc2019.
    """
    url = "the training set with its references (http://2019.icbeb.org/Challenge.html)"
    home = locate(root, "cpsc2019", ["data/data_*.mat"], "CPSC 2019", url)
    paths = natural((home / "data").glob("data_*.mat"))
    return Dataset("CPSC 2019", tuple(_entry_2019(path) for path in paths))


def cpsc2021(root: str | Path) -> Dataset:
    """CPSC 2021: minutes to hours of leads I and II with episodes of atrial fibrillation.

    Parameters
    ----------
    root : the data set's folder, or the folder that holds it as ``cpsc2021``.

    Returns
    -------
    Entries ``cpsc2021/data_21_7`` ...: two leads, 200 Hz; beats and rhythm under the annotator
    ``atr``; the label is the kind of fibrillation of the recording; the first number in the name
    is the patient.

    Raises
    ------
    ReadError
        If it is not there; the message says what to download.

    Examples
    --------
    >>> cpsc2021("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: CPSC 2021 is neither ... put its files into nowhere/cpsc2021.
    """
    url = "cpsc2021 1.0.0 (https://physionet.org/content/cpsc2021/1.0.0/)"
    markers = ["data_*.hea", "*/data_*.hea"]
    home = locate(root, "cpsc2021", markers, "CPSC 2021", url)
    return Dataset("CPSC 2021", tuple(_entry_2021(h) for h in natural(home.rglob("data_*.hea"))))


def _entry_2019(path: Path) -> Entry:
    name = f"cpsc2019/{path.stem.removeprefix('data_')}"
    return Entry(name=name, source="cpsc2019", path=path, read=_read_2019)


def _read_2019(path: Path) -> ECG:
    number = path.stem.removeprefix("data_")
    peaks = matrix(path.parents[1] / "ref" / f"R_{number}.mat", "R_peak").ravel()
    beats = Annotations(peaks.astype(int), ("N",) * len(peaks))
    return read(path, fs=500, leads=("ECG1",), unit="mV").annotate("ref", beats)


def _entry_2021(header: Path) -> Entry:
    text = header.read_text(encoding="utf-8", errors="replace")
    labels = re.findall(r"^# *(.*atrial fibrillation)\s*$", text, re.MULTILINE)
    return Entry(
        name=f"cpsc2021/{header.stem}",
        source="cpsc2021",
        path=header.with_suffix(""),
        read=_read_2021,
        labels=tuple(labels),
        patient=f"cpsc2021/{header.stem.split('_')[1]}",
    )


def _read_2021(path: Path) -> ECG:
    return recording(path, ("atr",))
