"""Reading: the files of a data set as `ECG`, whatever units their headers claim."""

from pathlib import Path
from typing import Any

import numpy as np
import scipy

from dsp.errors import ReadError
from dsp.record import ECG, Annotations


def recording(path: Path, annotators: tuple[str, ...] = ()) -> ECG:
    """A WFDB record (path without suffix) with those of the annotators whose files exist."""
    import wfdb

    record = wfdb.rdrecord(str(path))
    return ECG(
        record.p_signal.T.astype(np.float32),
        record.fs,
        record.sig_name,
        annotations=_annotations(path, annotators),
        meta={"comments": tuple(record.comments)},
    )


def counts(path: Path, per_millivolt: float, annotators: tuple[str, ...] = ()) -> ECG:
    """A WFDB record scaled from its digital samples, the header's gain and baseline left out."""
    import wfdb

    record = wfdb.rdrecord(str(path), physical=False)
    return ECG(
        (record.d_signal.T / per_millivolt).astype(np.float32),
        record.fs,
        record.sig_name,
        annotations=_annotations(path, annotators),
        meta={"comments": tuple(record.comments)},
    )


def matrix(path: Path, key: str) -> np.ndarray[Any, np.dtype[Any]]:
    """The array `key` of a MATLAB file.

    Raises
    ------
    ReadError
        If the file is missing, damaged, or has no such array.
    """
    try:
        return np.asarray(scipy.io.loadmat(path, variable_names=[key])[key])
    except (
        OSError,
        KeyError,
        ValueError,
        TypeError,
        NotImplementedError,
        scipy.io.matlab.MatReadError,
    ) as error:
        raise ReadError(f"{path} is no MATLAB file with an array {key!r}: {error}.") from None


def _annotations(path: Path, annotators: tuple[str, ...]) -> dict[str, Annotations]:
    import wfdb

    found = {}
    for name in annotators:
        if path.with_name(f"{path.name}.{name}").is_file():
            marks = wfdb.rdann(str(path), name)
            found[name] = Annotations(
                marks.sample, tuple(marks.symbol), tuple(note.strip("\x00") for note in marks.aux_note),
                marks.subtype, marks.chan, marks.num,
            )  # fmt: skip
    return found
