"""The signal level: how far a path's twelve leads, or the beat its latent holds, are from the truth."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsp import LeadError, leads, metrics
from recon.gaps.cohort import FS
from recon.gaps.median_beat import LENGTH, Beat, Marks
from recon.reconstruction import sources

ST_DELAY: Final = 0.060
"""s after the J point."""
_ROWS: Final = [leads.TWELVE.index(lead) for lead in leads.EIGHT]


class Measure(NamedTuple):
    """A column of the table: its unit, and the value of a perfect path."""

    unit: str
    best: float


SCORES: Final[Mapping[str, Measure]] = {
    "RMSE": Measure("mV", 0.0),
    "r": Measure("", 1.0),
    "R2": Measure("", 1.0),
    "SNR": Measure("dB", np.inf),
    "slope": Measure("", 1.0),
}
"""Over ten seconds, mean of the hidden independent leads; slope is that of the estimate on the truth:
below 1, amplitudes shrink."""
BEAT: Final[Mapping[str, Measure]] = {
    "beat RMSE": Measure("mV", 0.0),
    "beat slope": Measure("", 1.0),
    "ST J+60": Measure("mV", 0.0),
    "QRS area": Measure("mV ms", 0.0),
    "T area": Measure("mV ms", 0.0),
    "axis": Measure("deg", 0.0),
}
"""Of the median beat: absolute errors, mean of the hidden independent leads; the axis is frontal."""


def hidden(given: Sequence[str]) -> list[int]:
    """Places among the eight independent leads of those that `given` leave open.

    Raises
    ------
    LeadError
        If nothing is left open.

    Examples
    --------
    >>> hidden(("I", "II", "V2"))
    [2, 4, 5, 6, 7]
    """
    roles = sources(given)
    found = [k for k, lead in enumerate(leads.EIGHT) if roles[lead] == "inferred"]
    if not found:
        raise LeadError(f"{' '.join(given)} determine all twelve leads: nothing is left to judge.")
    return found


def eight(x: NDArray[Any]) -> NDArray[Any]:
    """(..., 8, time) of (..., 12, time)."""
    return x[..., _ROWS, :]


def scores(
    truth: NDArray[np.floating], estimate: NDArray[np.floating], given: Sequence[str]
) -> NDArray[np.float64]:
    """The columns of `SCORES`, (..., 5).

    Parameters
    ----------
    truth, estimate : (..., 12, time) mV. A constant estimate has r = 0: a flat line gains nothing.

    Examples
    --------
    >>> wave = np.random.default_rng(0).normal(size=(12, 1000)).astype("f4")
    >>> scores(wave, wave / 2, ["I"]).round(2)[[1, 4]].tolist()
    [1.0, 0.5]
    """
    rows = hidden(given)
    x, y = (np.asarray(eight(a)[..., rows, :], np.float64) for a in (truth, estimate))
    dx, dy = (a - a.mean(axis=-1, keepdims=True) for a in (x, y))
    each = (
        metrics.rmse(x, y),
        np.nan_to_num(metrics.r(x, y)),
        metrics.r2(x, y),
        metrics.snr(x, y),
        (dx * dy).sum(axis=-1) / np.maximum((dx**2).sum(axis=-1), 1e-12),
    )
    return np.stack([np.mean(values, axis=-1) for values in each], axis=-1)


def beat_scores(truth: Beat, estimate: Beat, marks: Sequence[Marks], given: Sequence[str]) -> Beat:
    """The columns of `BEAT` for each record: (n, 6).

    Parameters
    ----------
    truth, estimate : (n, 8, LENGTH) mV median beats; NaN where unknown.
    marks : of the truth, a record each.

    Examples
    --------
    >>> one = Marks(np.array([50]), (25.0, 35.0), (50.0, 70.0))
    >>> beat = np.random.default_rng(0).normal(size=(1, 8, LENGTH))
    >>> beat_scores(beat, beat, [one], ["I"]).tolist()
    [[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]
    """
    rows = hidden(given)
    x, y = truth[:, rows], estimate[:, rows]
    dx, dy = (a - a.mean(axis=-1, keepdims=True) for a in (x, y))
    out = np.full((len(x), len(BEAT)), np.nan)
    out[:, 0] = np.sqrt(((x - y) ** 2).mean(axis=-1)).mean(axis=-1)
    out[:, 1] = ((dx * dy).sum(axis=-1) / np.maximum((dx**2).sum(axis=-1), 1e-12)).mean(axis=-1)
    limb_open = 0 in rows or 1 in rows
    for k, mark in enumerate(marks):
        a, b = _read_off(truth[k], mark), _read_off(estimate[k], mark)
        out[k, 2:5] = np.abs(a[:3, rows] - b[:3, rows]).mean(axis=-1)
        if limb_open:
            turn = _axis(b[1]) - _axis(a[1])
            out[k, 5] = np.degrees(np.abs((turn + np.pi) % (2 * np.pi) - np.pi))
    return out


def _read_off(beat: Beat, mark: Marks) -> Beat:
    """(3, 8): ST level mV, QRS area and T area mV ms."""
    out = np.full((3, 8), np.nan)
    (onset, offset), (start, stop) = mark.qrs, mark.t
    if np.isfinite(offset):
        st = round(offset + ST_DELAY * FS)
        if st < LENGTH:
            out[0] = beat[:, st]
        out[1] = _area(beat, onset, offset)
    if np.isfinite(stop):
        out[2] = _area(beat, start, stop)
    return out


def _area(beat: Beat, first: float, last: float) -> Beat:
    part = beat[:, max(round(first), 0) : max(round(last), 0) + 1]
    return np.asarray(part.sum(axis=-1) * 1000 / FS)


def _axis(area: Beat) -> float:
    """Frontal axis, rad, from the QRS areas of I and aVF; aVF counts 2 / sqrt(3) fold."""
    lead_i, lead_ii = area[:2]
    return float(np.arctan2(2 / np.sqrt(3) * (lead_ii - lead_i / 2), lead_i))
