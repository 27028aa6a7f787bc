"""Leads: their names, the eight-lead basis, and the limb-lead algebra of Einthoven and Goldberger."""

import difflib
import functools
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.errors import LeadError

LIMB: Final = ("I", "II", "III", "aVR", "aVL", "aVF")
PRECORDIAL: Final = ("V1", "V2", "V3", "V4", "V5", "V6")
TWELVE: Final = LIMB + PRECORDIAL
"""The standard twelve leads, in the order of every 12-lead array."""
EIGHT: Final = ("I", "II", *PRECORDIAL)
"""The eight independent leads; the other four limb leads are sums of these."""
FRANK: Final = ("X", "Y", "Z")
"""Frank's orthogonal leads: X to the left, Y down, Z to the back."""
OTHER: Final = (
    "MLII", "MLIII", "ML5", "CM2", "CM4", "CM5", "CC5", "D3", "D4", "ECG1", "ECG2", "ECG3",
)  # fmt: skip
"""Ambulatory and unspecified leads: a record may hold them, but they have no place in the algebra."""

EIGHT_TO_TWELVE: Final[NDArray[np.float64]] = np.zeros((12, 8))
"""(12, 8): twelve leads from the eight (III = II - I, aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2)."""
EIGHT_TO_TWELVE[:6, :2] = (
    (1.0, 0.0),
    (0.0, 1.0),
    (-1.0, 1.0),
    (-0.5, -0.5),
    (1.0, -0.5),
    (-0.5, 1.0),
)
EIGHT_TO_TWELVE[6:, 2:] = np.eye(6)
EIGHT_TO_TWELVE.flags.writeable = False

_SPELLINGS: Final = {name.upper(): name for name in (*TWELVE, *FRANK, *OTHER)} | {
    "VX": "X", "VY": "Y", "VZ": "Z",
    "DI": "I", "DII": "II", "DIII": "III", "L1": "I", "L2": "II", "L3": "III",
}  # fmt: skip
_PREFIXES: Final = (
    "MDC_ECG_LEAD_",
    "MDC_ECG_ELEC_POTL_",
    "LEAD ",
    "LEAD_",
    "LEAD-",
    "ECG ",
    "EKG ",
)


def canonical(name: str) -> str:
    """Canonical spelling of one lead name.

    Parameters
    ----------
    name : any common spelling: case, ``Lead``/``ECG`` prefixes, ``AVR``, ``vx``, MDC codes
        (``MDC_ECG_LEAD_AVF``), surrounding blanks.

    Raises
    ------
    LeadError
        If the name is not a lead; the message offers the nearest one.

    Examples
    --------
    >>> canonical("MDC_ECG_LEAD_AVR"), canonical("Lead ii"), canonical("vx")
    ('aVR', 'II', 'X')
    """
    text = str(name).strip()
    key = text.upper()
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    key = key.strip().replace("-REF", "")
    if key in _SPELLINGS:
        return _SPELLINGS[key]
    near = difflib.get_close_matches(key, list(_SPELLINGS), n=1, cutoff=0.5)
    hint = f"did you mean {_SPELLINGS[near[0]]}? " if near else ""
    raise LeadError(
        f"{text[:40]!r} is not a lead name; {hint}"
        f"Known: {' '.join((*TWELVE, *FRANK))} and {' '.join(OTHER)}. "
        f'Rename it, for instance dsp.read(path, rename={{"{text[:20]}": "II"}}).'
    )


def canonical_all(names: Sequence[str], n_leads: int | None = None) -> tuple[str, ...]:
    """Canonical spelling of several lead names, each at most once.

    Parameters
    ----------
    names : the names, in the order of the signal's rows; one string may list them, ``"I,II,V2"``.
    n_leads : how many there must be, if known.

    Raises
    ------
    LeadError
        For an unknown name, a lead named twice, or the wrong number of names.

    Examples
    --------
    >>> canonical_all("i, ii, avr")
    ('I', 'II', 'aVR')
    """
    if isinstance(names, str):
        names = [part for part in names.replace(",", " ").split() if part]
    leads = tuple(canonical(name) for name in names)
    for place, lead in enumerate(leads):
        if lead in leads[:place]:
            raise LeadError(
                f"lead {lead} is named twice (rows {leads.index(lead)} and {place}); "
                "drop or rename one of the two."
            )
    if n_leads is not None and len(leads) != n_leads:
        raise LeadError(
            f"{len(leads)} lead names ({' '.join(leads)}) for a signal of {n_leads} leads; "
            "give one name for each row."
        )
    return leads


@functools.cache
def rows(leads: tuple[str, ...]) -> NDArray[np.float64]:
    """Each lead as a sum of the eight: the rows of `EIGHT_TO_TWELVE`, (n_leads, 8), read-only.

    Raises
    ------
    LeadError
        If a lead is not one of the twelve.

    Examples
    --------
    >>> rows(("aVR",))[0, :2]
    array([-0.5, -0.5])
    """
    require_standard(leads)
    matrix = EIGHT_TO_TWELVE[[TWELVE.index(lead) for lead in leads]]
    matrix.flags.writeable = False
    return matrix


def require_standard(leads: Sequence[str]) -> None:
    """Refuse leads that are not among the twelve.

    Raises
    ------
    LeadError
        Naming the leads, and how to rename them.
    """
    foreign = [lead for lead in leads if lead not in TWELVE]
    if foreign or not leads:
        raise LeadError(
            f"{' '.join(foreign) or 'no lead'}: not among the twelve standard leads "
            f"({' '.join(TWELVE)}); select others, or rename if you know what they are: "
            f'ecg.rename({{"{foreign[0] if foreign else "MLII"}": "II"}}).'
        )


def twelve(x8: NDArray[np.floating]) -> NDArray[np.float32]:
    """Twelve leads from the eight independent ones.

    Parameters
    ----------
    x8 : (..., 8, time) mV, leads I II V1..V6.

    Returns
    -------
    (..., 12, time) float32 mV; the limb algebra holds to rounding.

    Raises
    ------
    LeadError
        If the second-last axis is not 8.

    Examples
    --------
    >>> twelve(np.ones((8, 1)))[:6, 0].tolist()
    [1.0, 1.0, 0.0, -1.0, 0.5, 0.5]
    """
    if np.ndim(x8) < 2 or np.shape(x8)[-2] != 8:
        raise LeadError(
            f"shape {np.shape(x8)}: expected (..., 8, time) with leads {' '.join(EIGHT)}."
        )
    x8 = np.asarray(x8)
    out = np.empty((*x8.shape[:-2], 12, x8.shape[-1]), np.float32)
    out[..., :2, :] = x8[..., :2, :]
    out[..., 6:, :] = x8[..., 2:, :]
    out[..., 2:6, :] = EIGHT_TO_TWELVE[2:6, :2] @ np.asarray(x8[..., :2, :], np.float64)
    return out


def residual(x12: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far twelve leads break the limb algebra.

    Parameters
    ----------
    x12 : (..., 12, time) mV in the order of `TWELVE`.

    Returns
    -------
    (..., 4, time) mV: given III, aVR, aVL, aVF minus what I and II make of them.

    Examples
    --------
    >>> float(abs(residual(twelve(np.ones((8, 5))))).max())
    0.0
    """
    x12 = np.asarray(x12, np.float64)
    return np.asarray(x12[..., 2:6, :] - EIGHT_TO_TWELVE[2:6, :2] @ x12[..., :2, :])
