"""NeuroKit2: beats and waves as its DataFrame and dictionary, and back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import checks, filters
from dsp import leads as lead_names
from dsp.beats import r_peaks
from dsp.errors import LeadError, LengthError, RateError, SignalError
from dsp.quality import quality
from dsp.record import ECG
from dsp.segments import check_peaks
from dsp.waves import Waves, delineate

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = {
    "ECG_P_Onsets": (0, 0), "ECG_P_Peaks": (0, 1), "ECG_P_Offsets": (0, 2),
    "ECG_R_Onsets": (1, 0), "ECG_R_Offsets": (1, 2),
    "ECG_T_Onsets": (2, 0), "ECG_T_Peaks": (2, 1), "ECG_T_Offsets": (2, 2),
}  # fmt: skip
"""NeuroKit2's columns by the last two axes of `Waves.positions`; its R peaks have a column of their own."""
_BEFORE_R: Final = ("ECG_P_Onsets", "ECG_P_Peaks", "ECG_P_Offsets", "ECG_R_Onsets")


def to_neurokit(
    ecg: ECG, lead: str | None = None, *, waves: Waves | None = None
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """One lead, its beats and waves as ``neurokit2.ecg_process`` gives them.

    Parameters
    ----------
    ecg : the recording.
    lead : which lead; may be left out if there is only one.
    waves : `dsp.delineate` of all leads of `ecg`; made here if not given.

    Returns
    -------
    signals : DataFrame of one row a sample: ``ECG_Raw`` and ``ECG_Clean`` in mV, ``ECG_Rate`` in
        beats per minute, ``ECG_Quality`` (the lead's score), and 0 or 1 in ``ECG_R_Peaks``
        and the `COLUMNS`.
    info : ``sampling_rate``, and sample indices of every column's marks, one a beat (NaN where absent).
        Both are what ``neurokit2.ecg_intervalrelated``, ``hrv`` and the like take.

    Raises
    ------
    LeadError
        If the lead is not there, or several are and none was chosen.
    LengthError
        If `waves` has another number of leads.

    Examples
    --------
    >>> t = np.arange(5000) / 500
    >>> x = np.exp(-0.5 * (((t[:, None] - np.arange(0.5, 10)) / 0.01) ** 2)).sum(axis=1)
    >>> signals, info = to_neurokit(ECG(x, 500, ["II"]))
    >>> int(signals["ECG_R_Peaks"].sum()), info["sampling_rate"]
    (10, 500.0)
    """
    import pandas as pd

    if lead is None and len(ecg.leads) > 1:
        raise LeadError(f"which of {' '.join(ecg.leads)}? NeuroKit2 knows one lead at a time.")
    name = ecg.leads[0] if lead is None else lead_names.canonical(lead)
    x = ecg[name]
    if waves is None:
        waves = delineate(ecg.signal, ecg.fs, r_peaks(ecg.signal, ecg.fs))
    if len(waves.positions) != len(ecg.leads):
        raise LengthError(
            f"waves of {len(waves.positions)} leads for a recording of {len(ecg.leads)}."
        )
    row = ecg.leads.index(name)
    peaks = waves.peaks
    signals = {
        "ECG_Raw": x,
        "ECG_Clean": filters.clean(x, ecg.fs),
        "ECG_Rate": _rate(peaks, ecg.fs, len(x)),
        "ECG_Quality": np.full(len(x), quality(x, ecg.fs, peaks=peaks).score[0]),
        "ECG_R_Peaks": _marks(peaks, len(x)),
    }
    info: dict[str, Any] = {"sampling_rate": ecg.fs, "ECG_R_Peaks": peaks}
    for column, (kind, edge) in COLUMNS.items():
        info[column] = np.rint(waves.positions[row, :, kind, edge])
        signals[column] = _marks(info[column], len(x))
    return pd.DataFrame(signals), info


def from_neurokit(
    signals: "pd.DataFrame",
    info: Mapping[str, Any] | None = None,
    *,
    lead: str,
    fs: float | None = None,
) -> tuple[ECG, Waves]:
    """A recording of one lead and its waves from what ``neurokit2.ecg_process`` gave.

    Parameters
    ----------
    signals : with the column ``ECG_Raw`` or ``ECG_Clean``, in mV, and ``ECG_R_Peaks``; wave columns if any.
    info : the dictionary that came with it; its marks go before those of the columns.
    lead : which lead it is.
    fs : Hz, if `info` does not hold ``sampling_rate``.

    Returns
    -------
    The recording, and its waves: NaN and probability 0 where NeuroKit2 has none, 1 where it has.

    Raises
    ------
    RateError
        If neither `info` nor `fs` tells the rate.
    SignalError
        If the columns needed are not there.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=1000).astype("float32")
    >>> there = to_neurokit(ECG(x, 500, ["I"]))
    >>> ecg, waves = from_neurokit(*there, lead="I")
    >>> bool((ecg.signal[0] == x).all()), ecg.fs
    (True, 500.0)
    """
    info = {} if info is None else info
    rate = info.get("sampling_rate", fs)
    if rate is None:
        raise RateError("info holds no sampling_rate; give fs=... in Hz.")
    trace = next((name for name in ("ECG_Raw", "ECG_Clean") if name in signals), None)
    if trace is None or not ("ECG_R_Peaks" in info or "ECG_R_Peaks" in signals):
        raise SignalError(
            f"columns {', '.join(map(str, signals.columns))}: no ECG_Raw or ECG_Clean, or no "
            "ECG_R_Peaks; give the DataFrame of neurokit2.ecg_process."
        )
    ecg = ECG(signals[trace].to_numpy(), checks.rate(rate), (lead,))
    peaks = info.get("ECG_R_Peaks")
    if peaks is None:
        peaks = np.flatnonzero(signals["ECG_R_Peaks"].to_numpy())
    peaks = check_peaks(peaks, ecg.n_samples)
    positions = np.full((1, len(peaks), 3, 3), np.nan)
    positions[0, :, 1, 1] = peaks
    for name, (kind, edge) in COLUMNS.items():
        if name in info and len(info[name]) == len(peaks):
            positions[0, :, kind, edge] = np.asarray(info[name], np.float64)
        elif name in signals:
            marks = np.flatnonzero(signals[name].to_numpy() == 1)
            after = np.searchsorted(peaks, marks) - (0 if name in _BEFORE_R else 1)
            inside = (after >= 0) & (after < len(peaks))
            positions[0, after[inside], kind, edge] = marks[inside]
    known = np.isfinite(positions[..., 1]).astype(np.float64)
    return ecg, Waves(positions, known, positions[0], peaks, ecg.fs)


def _marks(at: ArrayLike, n: int) -> NDArray[np.int64]:
    """(n,) 1 at the positions that there are, else 0."""
    places = np.asarray(at, np.float64)
    places = places[np.isfinite(places) & (places >= 0) & (places < n)]
    out = np.zeros(n, np.int64)
    out[places.astype(np.int64)] = 1
    return out


def _rate(peaks: NDArray[np.int64], fs: float, n: int) -> NDArray[np.float64]:
    """(n,) heart rate, linear between beats; NaN with fewer than two."""
    if len(peaks) < 2:
        return np.full(n, np.nan)
    rate = 60 * fs / np.diff(peaks)
    return np.interp(np.arange(n), peaks[1:], rate)
