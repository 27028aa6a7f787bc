"""Faults: reasons not to train on a recording, found at a glance; nothing is dropped here."""

from typing import Final

import numpy as np

from dsp import leads
from dsp.checks import Signal
from dsp.record import ECG

STILL_S: Final = 1.0
"""s; a surface lead that keeps exactly one value this long was off: even without a beat there is noise."""
LARGEST_MV: Final = 10.0
"""mV from the lead's median; twice the tallest QRS of left ventricular hypertrophy."""
RAIL_MV: Final = 1.0
RAIL_SHARE: Final = 0.01
"""More of a lead's samples than this at its own extreme, 1 mV or more out: the amplifier was at its end."""

DISAGREEMENT_MV: Final = 0.05
"""mV between a limb lead and what I and II make of it; rounding makes 0.004 in the sets at hand."""


def fault(ecg: ECG) -> str | None:
    """Why a recording should not be trained on, or None.

    Parameters
    ----------
    ecg : any recording.

    Returns
    -------
    The reasons with their leads: gaps, one value kept for a second or more (flat or absent),
    samples more than 10 mV from the lead's median, or more than 1 % of the samples at one extreme
    1 mV or more out (clipped); and limb leads that contradict I and II by more than 0.05 mV. None
    if there is none.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(2, 5000))
    >>> x[1, 1000:3000] = 0
    >>> fault(ECG(x, 500, ("I", "II")))
    'II flat for 4.0 s'
    """
    x = ecg.signal
    reasons: dict[str, list[str]] = {}
    for lead, row in zip(ecg.leads, x, strict=True):
        for reason in _reasons(row, ecg.fs):
            reasons.setdefault(reason, []).append(lead)
    found = [f"{' '.join(names)} {reason}" for reason, names in reasons.items()]
    return ", ".join(found + _contradictions(ecg)) or None


def _contradictions(ecg: ECG) -> list[str]:
    others = [lead for lead in leads.LIMB[2:] if lead in ecg.leads]
    if not others or "I" not in ecg.leads or "II" not in ecg.leads:
        return []
    off = np.abs(ecg[others] - leads.rows(tuple(others))[:, :2] @ ecg["I", "II"])
    worst = float(np.nanmax(off)) if np.isfinite(off).any() else 0.0
    return (
        [f"limb leads contradict each other by {worst:.2f} mV"] if worst > DISAGREEMENT_MV else []
    )


def _reasons(row: Signal, fs: float) -> list[str]:
    present = row[np.isfinite(row)]
    missing = (row.size - present.size) / fs
    reasons = [f"missing for {missing:.1f} s"] if missing else []
    if not present.size:
        return reasons
    still = _longest_still(present) / fs
    middle = float(np.median(present))
    ends = [float(present.min()), float(present.max())]
    far = max(middle - ends[0], ends[1] - middle)
    if still >= STILL_S:
        reasons.append(f"flat for {still:.1f} s")
    elif far > LARGEST_MV:
        reasons.append(f"reaches {far:.0f} mV")
    elif any(
        abs(end - middle) > RAIL_MV and np.mean(present == np.float32(end)) > RAIL_SHARE
        for end in ends
    ):
        reasons.append("clipped")
    return reasons


def _longest_still(row: Signal) -> int:
    """Samples in the longest run of one value."""
    changes = np.flatnonzero(row[1:] != row[:-1])
    return int(np.diff(changes, prepend=-1, append=row.size - 1).max())
