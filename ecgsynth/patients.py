"""Patients: who is simulated; age, sex, build and illness drawn together and turned into hearts."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

import dsp
from ecgsynth import anatomy, individual
from ecgsynth.dipole import Heart
from ecgsynth.diseases import DISEASES
from ecgsynth.draws import Draws, Floats
from ecgsynth.rhythm import RHYTHMS, Rhythm, rhythms

KNOBS: Final[Mapping[str, tuple[float, float]]] = {
    "age": (1.0, 110.0),
    "male": (0.0, 1.0),
    "heart_rate": (15.0, 250.0),
    "sdnn": (0.0, 0.5),
    "lf_hf": (0.01, 100.0),
    "breath_rate": (0.05, 1.0),
    "pr": (0.06, 0.45),
    "p_duration": (0.04, 0.20),
    "qrs": (0.05, 0.26),
    "qt": (0.18, 0.80),
    "axis": (-np.pi, np.pi),
    "turn": (-np.pi, np.pi),
    "voltage": (0.05, 5.0),
    "t_voltage": (0.0, 5.0),
    "severity": (0.0, 1.0),
    "stage": (0.0, 2.0),
    "alternans": (0.0, 1.0),
    "variability": (0.0, 0.5),
}
"""What can be asked of a patient, with its range: years; 0 or 1; bpm; s; ratio; Hz; s (PR, P, QRS, QT
of the diseased heart); rad (frontal axis before disease; turn about the vertical); factors on QRS and T;
severity 0 to 1; stage 0 acute, 1 subacute, 2 old; alternans of T and variability of beats, relative."""

STAGES: Final = {"acute": 0.0, "subacute": 1.0, "old": 2.0}

OTHER_NAMES: Final = {
    "LBBB": "CLBBB", "RBBB": "CRBBB", "NORMAL": "NORM", "ER": "ERP", "PERICARDITIS": "PERI",
    "BRUGADA": "BRUG", "LQTS": "LNGQT", "ISC_": "ISCAL", "AF": "AFIB", "AFL": "AFLT",
    "SVT": "SVTAC", "VT": "VTACH", "AVB1": "1AVB", "SINUS": "SR", "TACHYCARDIA": "STACH",
    "BRADYCARDIA": "SBRAD", "PVCS": "PVC", "PACS": "PAC", "PACED": "PACE", "VPB": "PVC",
}  # fmt: skip
"""Names people also use."""


@dataclasses.dataclass(frozen=True, slots=True)
class Patients:
    """A batch of patients.

    Attributes
    ----------
    heart : all that determines their noiseless ECGs.
    marks : wave -> (n, kinds, 12, 3), where their waves lie, see `truth.marks`.
    rhythm : their beats, with labels.
    knobs : (n,) each, by the names of `KNOBS`, as drawn or asked for, after disease.
    diagnosis : n keys of `diseases.DISEASES`. rhythm_code : n keys of `rhythm.RHYTHMS`.
    """

    heart: Heart
    marks: dict[str, Floats]
    rhythm: Rhythm
    knobs: dict[str, Floats]
    diagnosis: NDArray[np.str_]
    rhythm_code: NDArray[np.str_]


def patients(
    n: int,
    *,
    first: int = 0,
    seed: int = 0,
    diagnosis: str | Sequence[str] | None = None,
    rhythm: str | Sequence[str] | None = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    duration: float = 10.0,
) -> Patients:
    """Draw patients `first` to `first + n` of the series `seed`.

    Parameters
    ----------
    diagnosis, rhythm : a statement, or one for each patient; None is NORM, and the rhythm the heart
        rate and the diagnosis ask for. ``"any"`` draws from a clinical mixture.
    parameters : values for some of `KNOBS`, one for all or (n,) each; NaN where they are to be drawn.
    duration : s, of the rhythm.

    Raises
    ------
    dsp.ECGError
        For an unknown statement or knob, a value out of range, or a wrong number of them.

    Examples
    --------
    >>> patients(2, diagnosis=["NORM", "AMI"]).diagnosis.tolist()
    ['NORM', 'AMI']
    """
    draws = Draws(seed, first, n)
    diagnoses, codes = _statements(n, diagnosis, rhythm, draws)
    asked = _asked(n, parameters or {})
    codes = _rhythm_of(codes, diagnoses, asked["heart_rate"])
    knobs = _knobs(draws, codes, asked)
    draft = anatomy.healthy(n, knobs)
    for code in np.unique(diagnoses):
        rows = np.flatnonzero(diagnoses == code)
        sick = draft.select(rows)
        DISEASES[str(code)].change(sick, sick.knobs["severity"], sick.knobs["stage"])
        draft.put(rows, sick)
    _settle(draft.knobs, asked)
    beats = rhythms(codes, draws, draft.knobs, duration)
    heart, marks = individual.heart(draft, beats, draws)
    return Patients(heart, marks, beats, draft.knobs, diagnoses, codes)


LEAST_JT: Final = 0.09
"""s, the least from the end of the QRS to the end of T."""
WIDEST_SDNN: Final = 0.15
"""The largest SDNN a sinus rhythm is given, as a share of the mean interval."""


def _settle(knobs: dict[str, Floats], asked: Mapping[str, Floats]) -> None:
    """What was asked for is asked of the diseased heart; what cannot be together is an error."""
    for name in ("pr", "qrs", "qt"):
        knobs[name] = np.where(np.isnan(asked[name]), knobs[name], asked[name])
    least = knobs["qrs"] + LEAST_JT
    if np.any(asked["qt"] < least):
        raise dsp.ECGError(
            f"QT of {np.nanmin(asked['qt']):g} s with a QRS of {knobs['qrs'].max():g} s: "
            f"T must end {LEAST_JT:g} s after the QRS or later."
        )
    knobs["qt"] = np.maximum(knobs["qt"], least)
    limit = WIDEST_SDNN * 60 / knobs["heart_rate"]
    if np.any(asked["sdnn"] > limit):
        raise dsp.ECGError(
            f"SDNN of {np.nanmax(asked['sdnn']):g} s: at {knobs['heart_rate'].max():g} bpm a sinus "
            f"rhythm has at most {limit.min():.3f} s; ask for rhythm 'AFIB' if it is irregular."
        )
    knobs["sdnn"] = np.minimum(knobs["sdnn"], limit)


def _statements(
    n: int, diagnosis: str | Sequence[str] | None, rhythm: str | Sequence[str] | None, draws: Draws
) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """The diagnosis of each patient, and the rhythm where one is asked for (empty where none is)."""
    given = _each("diagnosis", n, diagnosis, "")
    beats = _each("rhythm", n, rhythm, "")
    for i, code in enumerate(given):  # a rhythm may be asked for as a diagnosis
        if code in RHYTHMS:
            given[i], beats[i] = "NORM", code
    u = draws.uniform("diagnosis")[:, 0]
    shares = np.cumsum([row.share for row in DISEASES.values()])
    drawn = np.array(list(DISEASES))[np.searchsorted(shares, u * shares[-1])]
    given = np.where(given == "any", drawn, np.where(given == "", "NORM", given))
    return given, beats


def _each(what: str, n: int, value: str | Sequence[str] | None, missing: str) -> NDArray[np.str_]:
    if value is None:
        return np.full(n, missing, "U8")
    names = [value] * n if isinstance(value, str) else list(value)
    if len(names) != n:
        raise dsp.ECGError(f"{len(names)} values of {what} for {n} records; give one, or one each.")
    known = {**RHYTHMS} if what == "rhythm" else {**DISEASES, **RHYTHMS}
    resolved = {name: _resolve(what, name, known) for name in dict.fromkeys(names)}
    return np.array([resolved[name] for name in names], "U8")


def _resolve(what: str, name: str, known: Mapping[str, Any]) -> str:
    key = str(name).strip().upper()
    key = OTHER_NAMES.get(key, key)
    if key in known:
        return key
    if key == "ANY" and what == "diagnosis":
        return "any"
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else "."
    raise dsp.ECGError(f"{what} {name!r} is not known{hint} Known: {' '.join(known)}.")


def _asked(n: int, parameters: Mapping[str, ArrayLike]) -> dict[str, Floats]:
    """(n,) each knob as asked for, NaN where not."""
    out = {name: np.full(n, np.nan) for name in KNOBS}
    for name, given in parameters.items():
        if name not in KNOBS:
            raise dsp.ECGError(f"parameter {name!r} is not known. Known: {' '.join(KNOBS)}.")
        value = np.asarray(given, np.float64)
        if value.shape not in {(), (n,)}:
            raise dsp.ECGError(f"parameter {name}: shape {value.shape}; give one value, or ({n},).")
        low, high = KNOBS[name]
        if np.any((value < low) | (value > high)):
            raise dsp.ECGError(
                f"parameter {name}: {np.nanmin(value):g} to {np.nanmax(value):g} is outside "
                f"{low:g} to {high:g}."
            )
        out[name] = np.broadcast_to(value, n).copy()
    return out


def _rhythm_of(
    codes: NDArray[np.str_], diagnoses: NDArray[np.str_], rate: Floats
) -> NDArray[np.str_]:
    """The rhythm asked for; else the disease's, and in sinus rhythm the one the rate asks for."""
    default = np.array([DISEASES[str(code)].rhythm for code in diagnoses], "U8")
    sinus = default == "SR"
    default[sinus & (rate < 60)] = "SBRAD"
    default[sinus & (rate > 100)] = "STACH"
    return np.where(codes == "", default, codes)


def _knobs(draws: Draws, codes: NDArray[np.str_], asked: Mapping[str, Floats]) -> dict[str, Floats]:
    """Physiology with its correlations: sex and age shift rate, intervals, axis, voltage and HRV.

    Means, spreads and slopes are rounded from population studies of resting adults (Mason et al.,
    J Electrocardiol 2007;40:228; Rijnbeek et al., J Electrocardiol 2014;47:914).
    """
    z = draws.one
    k: dict[str, Floats] = {}

    def put(name: str, drawn: Floats) -> Floats:
        low, high = KNOBS[name]
        k[name] = np.where(np.isnan(asked[name]), np.clip(drawn, low, high), asked[name])
        return k[name]

    age = put("age", np.clip(58 + 17 * z("age"), 18, 95))
    male = put("male", (draws.uniform("male")[:, 0] < 0.52).astype(np.float64))
    years = age - 50
    rate = put("heart_rate", _rate(codes, z("rate"), male))
    rr = 60 / rate
    put("sdnn", np.minimum(0.026 * np.exp(-0.014 * years + 0.55 * z("sdnn")) * rr**1.5, 0.12))
    put("lf_hf", np.exp(0.3 + 0.7 * z("lf_hf")))
    put("breath_rate", np.clip(0.25 + 0.045 * z("breath"), 0.14, 0.42))
    k["breath_phase"] = draws.between("breath phase", 0, 2 * np.pi)
    put(
        "pr",
        np.clip(
            0.155
            + 4e-4 * years
            - 3e-4 * (rate - 70) * (rate < 110)
            + 0.006 * male
            + 0.019 * z("pr"),
            0.11,
            np.minimum(0.21, 0.45 * rr),
        ),
    )
    put(
        "p_duration",
        np.clip(0.108 + 1e-4 * years + 0.009 * z("p"), 0.08, np.minimum(0.14, k["pr"] - 0.02)),
    )
    put("qrs", np.clip(0.088 + 0.007 * male + 0.008 * z("qrs"), 0.07, 0.112))
    qtc = 0.413 - 0.009 * male + 1.5e-4 * years + 0.016 * z("qt")
    put("qt", np.clip(qtc * np.cbrt(rr), 0.2, 0.92 * rr + 0.06))
    axis = 30 - 0.45 * years - 3 * male + 16 * z("axis")
    put("axis", np.deg2rad(np.clip(axis, -60, 110)))
    put("turn", np.deg2rad(4 + 17 * z("turn")))
    put("voltage", np.exp(0.05 * (2 * male - 1) - 0.0025 * years + 0.24 * z("voltage")))
    put("t_voltage", np.exp(0.13 * (2 * male - 1) - 0.004 * years + 0.32 * z("t voltage")))
    put("severity", draws.uniform("severity")[:, 0])
    put("stage", np.floor(3 * draws.uniform("stage")[:, 0]))
    put("alternans", np.zeros_like(age))
    put("variability", np.exp(np.log(0.02) + 0.4 * z("variability")))
    return k


def _rate(codes: NDArray[np.str_], z: Floats, male: Floats) -> Floats:
    table = np.array([RHYTHMS[str(code)].rate for code in codes])
    mean, sd, low, high = table.T
    return np.asarray(np.clip(mean + 2 * (0.5 - male) + sd * z, low, high))
