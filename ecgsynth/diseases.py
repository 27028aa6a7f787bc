"""Disease as what it does to the heart vector: which part fires late, is lost, injured or overgrown."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from ecgsynth.anatomy import (
    APICAL,
    AXIS,
    BASAL,
    DELTA,
    FREE,
    LATE,
    LEFT,
    POSTERIOR,
    RECOVERY,
    RIGHT,
    SEPTAL,
    ST,
    ST_LATE,
    T_EARLY,
    Draft,
    J,
    T,
    U,
    rotation,
)
from ecgsynth.draws import Floats

Change = Callable[[Draft, Floats, Floats], None]
"""Changes a draft in place, given severity (n,) in [0, 1] and stage (n,) 0 acute, 1 subacute, 2 old."""


def _set(
    draft: Draft, wave: str, part: int, vector: tuple[float, float, float], size: Floats
) -> None:
    draft.vector[wave][:, :, part] = size[:, None] * np.array(vector)


def _add(
    draft: Draft, wave: str, part: int, vector: tuple[float, float, float], size: Floats
) -> None:
    draft.vector[wave][:, :, part] += size[:, None] * np.array(vector)


def _place(draft: Draft, wave: str, part: int, position: float, width: float) -> None:
    draft.position[wave][:, part] = position
    draft.width[wave][:, part] = width


def _widen(draft: Draft, low: float, high: float, size: Floats) -> None:
    """QRS duration from `low` to `high` s by severity, QT longer by most of the difference."""
    wide = np.maximum(low + (high - low) * size, draft.knobs["qrs"])
    draft.knobs["qt"] += 0.75 * (wide - draft.knobs["qrs"])
    draft.knobs["qrs"] = wide


def _discordant(draft: Draft, share: float, size: Floats) -> None:
    """Secondary repolarisation: ST and T turn against the net moment of the QRS."""
    qrs = draft.vector["QRS"]
    net = (qrs * draft.width["QRS"][:, None]).sum(-1) / 0.08
    net /= np.maximum(np.linalg.norm(net, axis=1, keepdims=True), 1e-6)
    for part, amount in ((ST, 0.12), (ST_LATE, 0.14), (T_EARLY, 0.2), (T, 0.42)):
        t = draft.vector["T"][:, :, part]
        t *= 1 - share
        t -= (share * amount * (0.7 + 0.6 * size))[:, None] * net


def _left_bundle(draft: Draft, size: Floats, _stage: Floats) -> None:
    """Septum from right to left, then the free wall late and slowly: notched and wide."""
    _widen(draft, 0.13, 0.17, size)
    for part, place, width, vector in (
        (SEPTAL, 0.14, 0.075, (0.12, 0.10, 0.05)),
        (APICAL, 0.33, 0.095, (0.72, 0.30, 0.50)),
        (FREE, 0.48, 0.080, (0.12, 0.02, 0.62)),
        (POSTERIOR, 0.66, 0.095, (0.82, 0.25, 0.80)),
        (BASAL, 0.82, 0.080, (0.18, -0.08, 0.25)),
    ):
        _place(draft, "QRS", part, place, width)
        _set(draft, "QRS", part, vector, 0.9 + 0.3 * size)
    _discordant(draft, 0.95, size)


def _right_bundle(draft: Draft, size: Floats, _stage: Floats, wide: tuple[float, float]) -> None:
    """The left ventricle fires as ever, in the first half; the right one last, forward and to the right."""
    _widen(draft, *wide, size)
    shrink = 0.70
    for part in (SEPTAL, APICAL, FREE, POSTERIOR, BASAL):
        draft.position["QRS"][:, part] *= shrink
        draft.width["QRS"][:, part] *= shrink
    _place(draft, "QRS", LATE, 0.76, 0.100)
    _set(draft, "QRS", LATE, (-0.46, -0.02, -0.58), 0.75 + 0.5 * size)
    draft.local["QRS"][:, 2:4, LATE] += (0.35, 0.20)  # it lies right beneath V1 and V2
    _add(draft, "QRS", POSTERIOR, (0.0, 0.0, -0.20), np.ones_like(size))  # already opposed by it
    _add(draft, "T", T, (0.06, 0.02, 0.27), 0.8 + 0.5 * size)
    _add(draft, "T", ST_LATE, (0.02, 0.01, 0.05), 0.8 + 0.5 * size)


def _complete_right(draft: Draft, size: Floats, stage: Floats) -> None:
    _right_bundle(draft, size, stage, (0.122, 0.150))


def _incomplete_right(draft: Draft, size: Floats, stage: Floats) -> None:
    _right_bundle(draft, size, stage, (0.100, 0.118))
    draft.vector["QRS"][:, :, LATE] *= 0.5
    draft.local["QRS"][:, :, LATE] *= 0.5


def _axis(draft: Draft) -> Floats:
    """(n,) rad, the frontal axis each patient has without the disease."""
    net = (draft.vector["QRS"] * draft.width["QRS"][:, None]).sum(-1)
    return np.asarray(np.arctan2(net[:, 1], net[:, 0]) + draft.knobs.get("axis", AXIS) - AXIS)


_COMPENSATED: Final = 0.6
"""How far a fascicular block, rather than the patient, decides where the axis ends up."""


def _fascicle(draft: Draft, angle: Floats, early: tuple[float, float, float]) -> None:
    """Initial forces away from the blocked fascicle, all later ones towards it: `angle` from 30 degrees."""
    turn = rotation(2, angle - _COMPENSATED * (_axis(draft) - np.deg2rad(30)))
    for part in (FREE, POSTERIOR, BASAL):
        v = draft.vector["QRS"]
        v[:, :, part] = (turn @ v[:, :, part, None])[:, :, 0]
    _add(draft, "QRS", SEPTAL, early, np.ones_like(angle))
    draft.knobs["qrs"] = draft.knobs["qrs"] + 0.010


def _left_anterior(draft: Draft, size: Floats, _stage: Floats) -> None:
    _fascicle(draft, -np.deg2rad(88 + 18 * size), (-0.02, 0.22, 0.0))
    _add(draft, "QRS", APICAL, (0.0, -0.12, 0.0), np.ones_like(size))


def _left_posterior(draft: Draft, size: Floats, _stage: Floats) -> None:
    _fascicle(draft, np.deg2rad(73 + 15 * size), (0.22, -0.16, 0.0))
    _add(draft, "QRS", APICAL, (-0.22, 0.1, 0.0), np.ones_like(size))
    draft.local["QRS"][:, 6:, FREE] += 0.4  # the wall beneath V5 and V6 still fires towards them


def _left_hypertrophy(draft: Draft, size: Floats, _stage: Floats) -> None:
    """More left ventricle: larger, longer forces to the left and back, and strain in place of T."""
    for part, factor in ((FREE, 0.75), (POSTERIOR, 1.0), (BASAL, 0.5)):
        draft.vector["QRS"][:, :, part] *= (1 + factor * (0.45 + 0.55 * size))[:, None]
    _add(draft, "QRS", POSTERIOR, (0.15, -0.05, 0.45), 0.5 + size)
    draft.knobs["qrs"] = draft.knobs["qrs"] + 0.004 + 0.008 * size
    draft.vector["T"][:, :, T_EARLY : T + 1] *= (0.9 - 0.4 * size)[:, None, None]
    _add(draft, "T", T, (-0.52, -0.20, -0.10), 0.35 + 0.75 * size)
    _add(draft, "T", T_EARLY, (-0.14, -0.06, -0.04), 0.35 + 0.75 * size)
    _add(draft, "T", ST_LATE, (-0.13, -0.06, -0.06), 0.2 + 0.8 * size)
    _add(draft, "T", ST, (-0.07, -0.03, -0.06), 0.2 + 0.8 * size)
    _add(draft, "P", LEFT, (0.01, 0.0, 0.05), size)


def _right_hypertrophy(draft: Draft, size: Floats, _stage: Floats) -> None:
    amount = 0.65 + 0.6 * size
    _add(draft, "QRS", APICAL, (-0.70, 0.10, -0.65), amount)
    _add(draft, "QRS", FREE, (-1.40, 0.20, -0.95), amount)
    _add(draft, "QRS", POSTERIOR, (-0.90, 0.10, -0.95), amount)
    _add(draft, "QRS", BASAL, (-0.40, -0.05, -0.15), amount)
    _add(draft, "T", T, (0.05, -0.12, 0.42), amount)
    _add(draft, "T", ST_LATE, (0.02, -0.03, 0.09), amount)
    _add(draft, "P", RIGHT, (0.0, 0.09, -0.05), amount)


def _preexcitation(draft: Draft, size: Floats, _stage: Floats) -> None:
    """A pathway into the base of the ventricles: short PR, a slow first deflection, discordant ST and T."""
    draft.knobs["pr"] = np.minimum(draft.knobs["pr"], 0.105 - 0.015 * size)
    _widen(draft, 0.118, 0.145, size)
    for part in (SEPTAL, APICAL, FREE, POSTERIOR, BASAL):
        draft.position["QRS"][:, part] = 0.22 + 0.78 * draft.position["QRS"][:, part]
        draft.width["QRS"][:, part] *= 0.9
    # The pathway's side follows from the severity: left lateral when mild, right or septal when strong.
    left = (size < 0.5).astype(float)
    _place(draft, "QRS", DELTA, 0.44, 0.135)  # a slur into R, not a wave of its own
    _set(draft, "QRS", DELTA, (-0.05, 0.28, -0.42), left)
    _add(draft, "QRS", DELTA, (0.52, 0.02, 0.12), 1 - left)
    draft.vector["QRS"][:, :, SEPTAL] *= 0.2
    _discordant(draft, 0.45, size)


def _long_qt(draft: Draft, size: Floats, _stage: Floats) -> None:
    draft.knobs["qt"] *= 1.17 + 0.15 * size
    draft.width["T"][:, T] *= 1.1


def _hyperkalaemia(draft: Draft, size: Floats, _stage: Floats) -> None:
    """Tall narrow T, then flat P and a wide QRS."""
    draft.vector["T"][:, :, T] *= (1.8 + 0.9 * size)[:, None]
    draft.width["T"][:, T] *= 0.68
    draft.vector["T"][:, :, T_EARLY] *= 0.15
    draft.vector["P"] *= (0.8 - 0.6 * size)[:, None, None]
    draft.knobs["pr"] = draft.knobs["pr"] + 0.04 * size
    wide = 0.045 * np.maximum(size - 0.3, 0)
    draft.knobs["qrs"] = draft.knobs["qrs"] + wide


def _hypokalaemia(draft: Draft, size: Floats, _stage: Floats) -> None:
    """Flat T, a U wave that outgrows it, sagging ST."""
    draft.vector["T"][:, :, T] *= (0.5 - 0.4 * size)[:, None]
    draft.vector["T"][:, :, T_EARLY] *= 0.3
    _set(draft, "T", U, (0.13, 0.09, -0.17), 0.6 + 0.7 * size)
    draft.width["T"][:, U] = 0.15
    _add(draft, "T", ST_LATE, (-0.06, -0.04, 0.06), 0.4 + size)


def _pericarditis(draft: Draft, size: Floats, _stage: Floats) -> None:
    """Injury of the whole surface: ST towards the apex, rising into T; PR the other way."""
    amount = 0.45 + 0.65 * size
    for part, share in ((ST, 0.8), (ST_LATE, 0.95), (T_EARLY, 1.0)):
        _add(draft, "T", part, (0.12 * share, 0.12 * share, -0.05 * share), amount)
    _add(draft, "P", RECOVERY, (-0.070, -0.090, 0.035), amount)


def _brugada(draft: Draft, size: Floats, _stage: Floats) -> None:
    """The right outflow tract repolarises early and falls: seen by V1 and V2, hardly by any other lead."""
    amount = 0.7 + 0.6 * size
    for wave, part, v1, v2, v3 in (
        ("QRS", J, 0.34, 0.32, 0.05),
        ("T", ST, 0.20, 0.19, 0.03),
        ("T", ST_LATE, 0.10, 0.09, 0.0),
        ("T", T_EARLY, 0.0, -0.12, -0.03),
        ("T", T, -0.38, -0.58, -0.10),  # against a T that is taller in V2 than in V1
    ):
        draft.local[wave][:, 2:5, part] += amount[:, None] * np.array([v1, v2, v3])
    draft.vector["T"][:, 2, T] *= 0.7
    draft.width["QRS"][:, J] = 0.15


def _early_repolarisation(draft: Draft, size: Floats, _stage: Floats) -> None:
    amount = 0.5 + 0.8 * size
    _set(draft, "QRS", J, (0.10, 0.10, -0.04), amount)
    _add(draft, "T", ST, (0.07, 0.06, -0.06), amount)
    _add(draft, "T", ST_LATE, (0.08, 0.06, -0.08), amount)
    draft.vector["T"][:, :, T] *= (1.1 + 0.3 * size)[:, None]


def _low_t(draft: Draft, size: Floats, _stage: Floats) -> None:
    draft.vector["T"][:, :, T_EARLY : T + 1] *= (0.45 - 0.35 * size)[:, None, None]


def _ischaemia(territory: tuple[float, float, float]) -> Change:
    """Subendocardial: ST away from the territory, T too."""
    away = np.array(territory) / -np.linalg.norm(territory)

    def change(draft: Draft, size: Floats, _stage: Floats) -> None:
        t = draft.vector["T"]
        for part, mv in ((ST, 0.09), (ST_LATE, 0.12), (T_EARLY, 0.10), (T, 0.30)):
            t[:, :, part] += (mv * (0.5 + size))[:, None] * away

    return change


TERRITORIES: Final[Mapping[str, tuple[float, float, float]]] = {
    "AMI": (0.35, 0.10, -0.93),
    "ASMI": (-0.10, 0.05, -0.99),
    "ALMI": (0.84, -0.12, -0.53),
    "LMI": (0.95, -0.28, 0.10),
    "IMI": (0.02, 0.99, 0.12),
    "ILMI": (0.55, 0.81, 0.20),
    "IPMI": (0.08, 0.76, 0.65),
    "IPLMI": (0.52, 0.62, 0.58),
    "PMI": (0.20, 0.15, 0.97),
}
"""Unit vectors (left, down, back) from the heart's centre to the wall each infarct statement names."""

_LOSS: Final = ((SEPTAL, 0.55), (APICAL, 0.85), (FREE, 0.50), (POSTERIOR, 0.55), (BASAL, 0.15))
"""Parts of the QRS an infarct takes from, and how much (mV) at full size, where they face its wall."""


def _infarct(territory: tuple[float, float, float]) -> Change:
    """ST towards the wall while it is acute, its forces lost for good, T away from it in between."""
    wall = np.array(territory) / np.linalg.norm(territory)

    def change(draft: Draft, size: Floats, stage: Floats) -> None:
        amount = 0.35 + 0.65 * size
        injury = amount * np.choose(stage.astype(int), [1.0, 0.35, 0.05])
        loss = amount * np.choose(stage.astype(int), [0.45, 1.0, 1.0])
        inverted = amount * np.choose(stage.astype(int), [-0.35, 1.0, 0.5])
        qrs, t = draft.vector["QRS"], draft.vector["T"]
        for part, mv in _LOSS:
            qrs[:, :, part] -= (mv * loss)[:, None] * wall
        for part, mv in ((ST, 0.28), (ST_LATE, 0.30), (T_EARLY, 0.36)):
            t[:, :, part] += (mv * injury)[:, None] * wall
        for part, mv in ((T_EARLY, 0.10), (T, 0.45)):
            t[:, :, part] -= (mv * inverted)[:, None] * wall

    return change


def _nothing(_draft: Draft, _size: Floats, _stage: Floats) -> None:
    """Health."""


@dataclasses.dataclass(frozen=True, slots=True)
class Disease:
    """One diagnosis.

    Attributes
    ----------
    change : what it does to the hearts.
    name : in words.
    rhythm : the rhythm it comes with, a key of `rhythm.RHYTHMS`.
    share : its share of the patients when the diagnosis is ``"any"``, per cent.
    """

    change: Change
    name: str
    rhythm: str
    share: float


def _territorial(code: str, name: str, share: float) -> Disease:
    return Disease(_infarct(TERRITORIES[code]), f"{name} myocardial infarction", "SR", share)


DISEASES: Final[Mapping[str, Disease]] = {
    "NORM": Disease(_nothing, "normal", "SR", 38.0),
    "CLBBB": Disease(_left_bundle, "left bundle branch block", "SR", 3.5),
    "CRBBB": Disease(_complete_right, "right bundle branch block", "SR", 4.0),
    "IRBBB": Disease(_incomplete_right, "incomplete right bundle branch block", "SR", 4.0),
    "LAFB": Disease(_left_anterior, "left anterior fascicular block", "SR", 5.0),
    "LPFB": Disease(_left_posterior, "left posterior fascicular block", "SR", 1.0),
    "LVH": Disease(_left_hypertrophy, "left ventricular hypertrophy with strain", "SR", 7.0),
    "RVH": Disease(_right_hypertrophy, "right ventricular hypertrophy", "SR", 1.0),
    "WPW": Disease(_preexcitation, "Wolff-Parkinson-White pattern", "SR", 0.7),
    "LNGQT": Disease(_long_qt, "long QT", "SR", 1.0),
    "HYPERK": Disease(_hyperkalaemia, "hyperkalaemia", "SR", 0.4),
    "HYPOK": Disease(_hypokalaemia, "hypokalaemia", "SR", 0.4),
    "PERI": Disease(_pericarditis, "pericarditis", "SR", 0.5),
    "BRUG": Disease(_brugada, "Brugada pattern", "SR", 0.2),
    "ERP": Disease(_early_repolarisation, "early repolarisation", "SR", 2.0),
    "LOWT": Disease(_low_t, "low T waves", "SR", 6.0),
    "ISCAN": Disease(_ischaemia((0.35, 0.1, -0.93)), "anterior ischaemia", "SR", 1.5),
    "ISCAL": Disease(_ischaemia((0.84, 0.15, -0.53)), "anterolateral ischaemia", "SR", 3.0),
    "ISCLA": Disease(_ischaemia((0.95, 0.0, 0.2)), "lateral ischaemia", "SR", 2.0),
    "ISCIN": Disease(_ischaemia((0.1, 0.99, 0.1)), "inferior ischaemia", "SR", 1.5),
    "AMI": _territorial("AMI", "anterior", 1.5),
    "ASMI": _territorial("ASMI", "anteroseptal", 5.0),
    "ALMI": _territorial("ALMI", "anterolateral", 1.2),
    "LMI": _territorial("LMI", "lateral", 0.8),
    "IMI": _territorial("IMI", "inferior", 6.0),
    "ILMI": _territorial("ILMI", "inferolateral", 2.0),
    "IPMI": _territorial("IPMI", "inferoposterior", 0.3),
    "IPLMI": _territorial("IPLMI", "inferoposterolateral", 0.3),
    "PMI": _territorial("PMI", "posterior", 0.2),
}
"""Every diagnosis by its SCP statement, or a short form in the same manner where SCP has none.
The shares are rough: those of a large clinical collection (PTB-XL) where it has the statement."""
