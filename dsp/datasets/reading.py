"""Reading: the files of a data set as `ECG`, also where their headers are wrong about amplitudes."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from dsp.errors import ReadError
from dsp.formats import read
from dsp.record import ECG


def recording(
    path: Path, annotators: tuple[str, ...] = (), rename: Mapping[str, str] | None = None
) -> ECG:
    """A WFDB record (path without suffix) with those of the annotators whose files exist."""
    present = (name for name in annotators if path.with_name(f"{path.name}.{name}").is_file())
    return read(path, annotators=tuple(present), rename=rename)


def counts(path: Path, per_millivolt: float, annotators: tuple[str, ...] = ()) -> ECG:
    """A WFDB record scaled from its digital samples, its own gains and baselines undone."""
    ecg = recording(path, annotators)
    gain, baseline = (
        np.array([ecg.meta[key][lead] for lead in ecg.leads])[:, None]
        for key in ("gain", "baseline")
    )
    # The samples were integers of 16 bits: rounding undoes the float32 of the division exactly.
    digital = np.rint(ecg.signal * gain + baseline)
    scale = {
        "gain": dict.fromkeys(ecg.leads, per_millivolt),
        "baseline": dict.fromkeys(ecg.leads, 0),
    }
    signal = (digital / per_millivolt).astype(np.float32)
    return dataclasses.replace(ecg, signal=signal, meta={**ecg.meta, **scale})


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
        OSError, KeyError, ValueError, TypeError, NotImplementedError, scipy.io.matlab.MatReadError
    ) as error:  # fmt: skip
        raise ReadError(f"{path} is no MATLAB file with an array {key!r}: {error}.") from None
