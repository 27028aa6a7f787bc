"""Lead sets: all 256 of the eight leads, their names, and what they cost at the patient."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from dsp import LeadError, leads

SUBSETS: Final = tuple(
    tuple(lead for i, lead in enumerate(leads.EIGHT) if code >> i & 1) for code in range(256)
)
"""Every set of the eight leads; bit i of a set's place, its code, tells whether lead i is in it."""
EVERYTHING: Final = 255
LIMB: Final = frozenset({"RA", "LA", "LL"})
ELECTRODES: Final[Mapping[str, frozenset[str]]] = {
    "I": frozenset({"RA", "LA"}),
    "II": frozenset({"RA", "LL"}),
    **{lead: LIMB | {lead} for lead in leads.PRECORDIAL},
}
"""Electrodes of each lead; the ground is not counted. A precordial lead is measured against the mean
of the three limb electrodes (Wilson), so with one of them I and II cost nothing more."""


def cost(given: Sequence[str]) -> int:
    """How many electrodes some of the eight leads need.

    Examples
    --------
    >>> cost(["I"]), cost(["I", "II"]), cost(["V2"]), cost(["I", "II", "V2"])
    (2, 3, 4, 4)
    """
    return len(frozenset().union(*(ELECTRODES[lead] for lead in given)))


SIZES: Final[Mapping[str, tuple[int, ...]]] = {
    "leads": tuple(len(given) for given in SUBSETS),
    "electrodes": tuple(cost(given) for given in SUBSETS),
}
"""How large each set is, by leads or by electrodes."""


def code_of(given: str | Sequence[str]) -> int:
    """The code of the leads that the given ones determine.

    Raises
    ------
    LeadError
        If they determine a mixture of I and II but neither of the two (a single III, aVR, aVL, aVF).

    Examples
    --------
    >>> SUBSETS[code_of("aVR V2 III")]
    ('I', 'II', 'V2')
    """
    names = leads.canonical_all(given)
    if not names:
        return 0
    rows = leads.rows(names)
    share = np.diag(np.linalg.pinv(rows) @ rows)
    known = np.isclose(share, 1)
    if not (known | np.isclose(share, 0)).all():
        raise LeadError(
            f"{' '.join(names)}: of I and II they tell a mixture only; information is counted for "
            "sets of I, II, V1 to V6 and what determines them, such as I and aVF."
        )
    return sum(1 << int(i) for i in np.flatnonzero(known))


def rows_of(target: str | Sequence[str]) -> tuple[int, ...]:
    """The rows of some of the eight leads.

    Raises
    ------
    LeadError
        If there is none, or one is not of the eight.

    Examples
    --------
    >>> rows_of("I V6")
    (0, 7)
    """
    names = leads.canonical_all(target)
    foreign = [name for name in names if name not in leads.EIGHT]
    if foreign or not names:
        raise LeadError(
            f"target {' '.join(foreign) or 'nothing'}: name some of {' '.join(leads.EIGHT)}."
        )
    return tuple(leads.EIGHT.index(name) for name in names)
