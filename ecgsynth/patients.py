"""Patients: who is simulated; age, sex, build and illness drawn together and turned into hearts."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

import dsp
from dsp import vcg
from dsp.leads import EIGHT_TO_TWELVE
from ecgsynth import anatomy
from ecgsynth.anatomy import Draft
from ecgsynth.dipole import ABSENT, Events, Heart, Wave
from ecgsynth.diseases import DISEASES, OTHER_NAMES
from ecgsynth.draws import Draws, Floats
from ecgsynth.rhythm import RHYTHMS, Rhythm, rhythms
from ecgsynth.truth import LEAST_MV, PROPER, SHARE

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


@dataclasses.dataclass(frozen=True, slots=True)
class Patients:
    """A batch of patients.

    Attributes
    ----------
    heart : all that determines their noiseless ECGs.
    rhythm : their beats, with labels.
    knobs : (n,) each, by the names of `KNOBS`, as drawn or asked for, after disease.
    diagnosis : n keys of `diseases.DISEASES`. rhythm_code : n keys of `rhythm.RHYTHMS`.
    """

    heart: Heart
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
    for name in ("pr", "qrs", "qt"):  # what was asked for is asked of the diseased heart
        draft.knobs[name] = np.where(np.isnan(asked[name]), draft.knobs[name], asked[name])
    beats = rhythms(codes, draws, draft.knobs, duration)
    return Patients(_heart(draft, beats, draws), beats, draft.knobs, diagnoses, codes)


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
    put("t_voltage", np.exp(0.13 * (2 * male - 1) - 0.005 * years + 0.34 * z("t voltage")))
    put("severity", draws.uniform("severity")[:, 0])
    put("stage", np.floor(3 * draws.uniform("stage")[:, 0]))
    put("alternans", np.zeros_like(age))
    put("variability", np.exp(np.log(0.02) + 0.4 * z("variability")))
    return k


def _rate(codes: NDArray[np.str_], z: Floats, male: Floats) -> Floats:
    table = np.array([RHYTHMS[str(code)].rate for code in codes])
    mean, sd, low, high = table.T
    return np.asarray(np.clip(mean + 2 * (0.5 - male) + sd * z, low, high))


def _heart(draft: Draft, beats: Rhythm, draws: Draws) -> Heart:
    k = draft.knobs
    field = _lead_field(draws)
    _individual(draft, draws)
    other = _ectopic(draft, beats, draws)
    waves = {}
    for name in ("P", "QRS", "T"):
        pair = [np.stack([getattr(d, part)[name] for d in (draft, other)], 1) for part in _PARTS]
        residual = pair[3] + _residual(name, pair[2], draws)
        waves[name] = _to_scale(name, Wave(pair[0], pair[1], pair[2], residual), field)
    qrs = np.stack([k["qrs"], other.knobs["qrs"]], 1)
    qt = np.stack([k["qt"], other.knobs["qt"]], 1)
    # A rhythm is a series of R peaks; hearts run by the onset of the QRS.
    early = _r_shares(waves["QRS"], field) * qrs
    events = {
        "beats": _beat_events(beats, early, k, draws),
        "atria": _atrial_events(beats, early, k, draws),
    }
    if np.isfinite(beats.spike).any():
        events["spikes"] = _plain(beats.spike - early[:, 1:])
        waves["spike"] = _spikes(len(field))
    tilt = np.deg2rad([1.5, 2.5, 2.5]) * draws.normal("tilt", 3)
    swing = np.abs(0.03 * draws.one("swing"))
    breath = np.stack([k["breath_rate"], k["breath_phase"], swing], 1)
    return Heart(
        waves, events, field, k["pr"], k["p_duration"], qrs, qt, breath, tilt,
        beats.oscillation, _flutter_vector(beats, draws),
    )  # fmt: skip


def _to_scale(name: str, wave: Wave, field: Floats) -> Wave:
    """The wave moved and stretched so that by the rule of `truth` it fills its interval exactly.

    P begins at 0, the QRS runs from 0 to 1, and T ends at 1, in the leads that show them first and
    last. So the intervals asked for are the intervals obtained, whatever the vectors are.
    """
    begin, end = _extent(name, wave, field)
    if name == "P":
        end = begin + 1
    if name == "T":
        begin = np.zeros_like(begin)
    scale = (end - begin)[..., None]
    return dataclasses.replace(
        wave, position=(wave.position - begin[..., None]) / scale, width=wave.width / scale
    )


_GRID: Final = {
    "P": np.linspace(-0.25, 1.25, 61),
    "QRS": np.linspace(-0.3, 1.4, 86),
    "T": np.linspace(0.1, 1.6, 61),
}


def _course(name: str, wave: Wave, field: Floats) -> Floats:
    """(n, kinds, 12, grid) size of the wave's proper parts over the grid of shares, float32."""
    kept = list(PROPER[name])
    position, width = wave.position[..., kept], wave.width[..., kept]
    u = ((_GRID[name] - position[..., None]) / width[..., None]).astype(np.float32)
    amplitude = field[:, None] @ wave.vector[..., kept] + wave.residual[..., kept]
    amplitude = (EIGHT_TO_TWELVE @ amplitude).astype(np.float32)
    return np.asarray(np.abs(amplitude @ np.exp(-0.5 * np.minimum(u * u, 22.0))))


def _extent(name: str, wave: Wave, field: Floats) -> tuple[Floats, Floats]:
    """(n, kinds) earliest onset and latest offset over the leads, in shares of the interval."""
    height = _course(name, wave, field)
    peak = height.max(-1, keepdims=True)
    above = (height > np.maximum(SHARE[name] * peak, 1e-9)) & (peak > LEAST_MV)
    # Between two points of the grid the crossing is found by a straight line in the highest ratio.
    ratio = np.where(above.any(-1, keepdims=True), height / np.maximum(peak, 1e-9), 0).max(2)
    over = ratio > SHARE[name]
    first, last = over.argmax(-1), ratio.shape[-1] - 1 - over[..., ::-1].argmax(-1)
    begin = _crossing(ratio, first, np.maximum(first - 1, 0), name)
    end = _crossing(ratio, last, np.minimum(last + 1, ratio.shape[-1] - 1), name)
    return begin, end


def _crossing(ratio: Floats, inner: Any, outer: Any, name: str) -> Floats:
    grid, level = _GRID[name], SHARE[name]
    high = np.take_along_axis(ratio, inner[..., None], -1)[..., 0]
    low = np.take_along_axis(ratio, outer[..., None], -1)[..., 0]
    # Flanks of Gaussians are straighter in their logarithm.
    high, low = np.log(np.maximum(high, 1e-6)), np.log(np.maximum(low, 1e-6))
    share = np.clip((high - np.log(level)) / np.maximum(high - low, 1e-9), 0, 1)
    return np.asarray(grid[inner] + share * (grid[outer] - grid[inner]))


def _r_shares(wave: Wave, field: Floats) -> Floats:
    """(n, kinds) where in the QRS the root sum of squares over the leads is largest."""
    height = (_course("QRS", wave, field)[:, :, [0, 1, *range(6, 12)]] ** 2).sum(2)
    return np.asarray(_GRID["QRS"][height.argmax(-1)])


_PARTS: Final = ("position", "width", "vector", "local")


def _individual(draft: Draft, draws: Draws) -> None:
    """This patient's own heart: its size, its position in the chest, the course of its activation."""
    k = draft.knobs
    turned = {
        "QRS": _position(k["axis"] - anatomy.AXIS, k["turn"], 0.13 * draws.one("tip")),
        "T": _position(
            0.35 * (k["axis"] - anatomy.AXIS) + 0.18 * draws.one("T axis"),
            0.45 * k["turn"] + 0.26 * draws.one("T turn"),
            0.16 * draws.one("T tip"),
        ),
        "P": _position(
            0.22 * draws.one("P axis"), 0.22 * draws.one("P turn"), 0.15 * draws.one("P tip")
        ),
    }
    size = {"QRS": k["voltage"], "T": k["t_voltage"], "P": np.exp(0.28 * draws.one("P voltage"))}
    for wave, turn in turned.items():
        parts = draft.vector[wave].shape[-1]
        n = len(turn)
        gain = np.exp(0.16 * draws.normal(f"{wave} gain", parts))[:, None]
        norm = np.linalg.norm(draft.vector[wave], axis=1, keepdims=True)
        bend = 0.11 * norm * draws.normal(f"{wave} bend", 3 * parts).reshape(n, 3, parts)
        draft.vector[wave] = turn @ (gain * draft.vector[wave] + bend) * size[wave][:, None, None]
        draft.local[wave] = draft.local[wave] * np.sqrt(size[wave])[:, None, None]
        loose = np.array([0.0 if wave == "T" and i == 3 else 1.0 for i in range(parts)])
        draft.position[wave] += loose * 0.013 * draws.normal(f"{wave} position", parts)
        draft.width[wave] *= np.exp(0.07 * loose * draws.normal(f"{wave} width", parts))


def _position(axis: Floats, turn: Floats, tip: Floats) -> Floats:
    """(n, 3, 3): frontal axis, turn about the vertical, tip towards the front."""
    about = anatomy.rotation
    return np.asarray(about(1, turn) @ about(0, tip) @ about(2, axis))


def _lead_field(draws: Draws) -> Floats:
    """(n, 8, 3): Dower's torso with this patient's electrodes and proportions.

    The chest electrodes slide along their row (together and each alone), sit higher or lower, and
    nearer or farther; the limb leads see the same heart through another size of body.
    """
    n = draws.n
    slide = 0.30 * draws.normal("slide") + 0.16 * draws.normal("slide each", 6)
    place = np.clip(np.arange(6) + slide, -0.6, 5.6)
    low = np.clip(np.floor(place).astype(int), 0, 4)
    share = (place - low)[..., None]
    chest = (1 - share) * vcg.DOWER[2:][low] + share * vcg.DOWER[2:][low + 1]
    chest[..., 1] += 0.14 * draws.normal("height") + 0.08 * draws.normal("height each", 6)
    near = 0.16 * draws.normal("chest") + 0.10 * draws.normal("chest each", 6)
    limb = 0.12 * draws.normal("limb") + 0.05 * draws.normal("limb each", 2)
    field = np.concatenate([np.repeat(vcg.DOWER[None, :2], n, 0), chest], 1)
    field *= np.exp(np.concatenate([limb, near], 1))[..., None]
    odd = draws.normal("torso", 24).reshape(n, 8, 3)
    return np.asarray(field + 0.05 * np.linalg.norm(field, axis=-1, keepdims=True) * odd)


_NEIGHBOURS: Final = np.linalg.cholesky(0.62 ** abs(np.subtract.outer(np.arange(6), np.arange(6))))
_BEYOND: Final = {"P": 0.14, "QRS": 0.22, "T": 0.18}


def _residual(wave: str, vector: Floats, draws: Draws) -> Floats:
    """(n, kinds, 8, K) mV beyond the dipole: each part of the heart is near some electrodes."""
    n, kinds, _, parts = vector.shape
    z = draws.normal(f"{wave} residual", kinds * 8 * parts).reshape(n, kinds, 8, parts)
    chest = _NEIGHBOURS @ z[:, :, 2:]
    z = np.concatenate([0.35 * z[:, :, :2], chest], 2)
    return np.asarray(_BEYOND[wave] * np.linalg.norm(vector, axis=2, keepdims=True) * z)


_RIGHT_ORIGIN: Final = np.array([
    [0.00, 0.00, 0.00], [0.20, 0.20, 0.10], [0.55, 0.55, 0.45], [0.85, 0.65, 0.85],
    [0.60, 0.25, 0.75], [0.15, 0.00, 0.25], [0.00, 0.00, 0.00], [0.00, 0.00, 0.00],
])  # fmt: skip
_LEFT_ORIGIN: Final = np.array([
    [0.00, 0.00, 0.00], [-0.15, 0.10, -0.10], [-0.45, 0.45, -0.45], [-0.70, 0.60, -0.80],
    [-0.45, 0.20, -0.60], [-0.10, -0.05, -0.15], [0.00, 0.00, 0.00], [0.00, 0.00, 0.00],
])  # fmt: skip
_APEX_PACED: Final = np.array([
    [0.00, 0.00, 0.00], [0.15, -0.15, 0.10], [0.40, -0.55, 0.40], [0.55, -0.85, 0.75],
    [0.45, -0.60, 0.65], [0.15, -0.15, 0.25], [0.00, 0.00, 0.00], [0.00, 0.00, 0.00],
])  # fmt: skip
"""Moments of a beat that starts in the right ventricle, the left one, or at a lead in the right apex."""


def _ectopic(draft: Draft, beats: Rhythm, draws: Draws) -> Draft:
    """The second kind of beat: ventricular or paced QRS, and a P that runs upwards."""
    n = len(draft.knobs["qrs"])
    other = draft.select(np.arange(n))
    left = draws.uniform("origin")[:, 0] < 0.4
    paced = np.isfinite(beats.spike).any(1) if beats.spike.shape[1] else np.zeros(n, bool)
    table = np.where(left[:, None, None], _LEFT_ORIGIN, _RIGHT_ORIGIN)
    table = np.where(paced[:, None, None], _APEX_PACED, table)
    turn = _position(*(0.25 * draws.one(f"origin {name}") for name in ("axis", "turn", "tip")))
    voltage = np.sqrt(draft.knobs["voltage"])[:, None, None]
    other.vector["QRS"] = turn @ np.swapaxes(table, 1, 2) * voltage
    other.local = {wave: 0.0 * x for wave, x in other.local.items()}
    other.position["QRS"][:] = [0.1, 0.18, 0.34, 0.5, 0.66, 0.82, 0.9, 1.0]
    other.width["QRS"][:] = 0.095
    net = other.vector["QRS"].sum(-1)
    t_shares = np.array([0.06, 0.07, 0.09, 0.19, 0.0])
    other.vector["T"] = -net[..., None] * t_shares
    wide = np.maximum(0.142 + 0.012 * draws.one("origin width"), draft.knobs["qrs"])
    other.knobs["qt"] = draft.knobs["qt"] + 0.75 * (wide - draft.knobs["qrs"])
    other.knobs["qrs"] = wide
    other.vector["P"] = draft.vector["P"] * np.array([0.8, -0.8, 1.0])[:, None]
    return other


def _spikes(n: int) -> Wave:
    vector = np.zeros((n, 2, 3, 1))
    vector[:, :, :, 0] = (0.5, -0.9, 0.3)
    return Wave(
        np.full((n, 2, 1), 0.002), np.full((n, 2, 1), 0.0011), vector, np.zeros((n, 2, 8, 1))
    )


def _gain(name: str, shape: tuple[int, ...], k: Mapping[str, Floats], draws: Draws) -> Floats:
    """Beat-to-beat variability of the size; the same numbers however many beats are in sight."""
    z = draws.normal(name, 64)
    repeats = -(-shape[1] // 64)
    return np.asarray(1 + k["variability"][:, None] * np.tile(z, (1, repeats))[:, : shape[1]])


def _plain(time: Floats) -> Events:
    one = np.ones(time.shape)
    seen = np.where(np.isnan(time), ABSENT, time)
    return Events(seen, np.zeros(time.shape, np.int64), one, one, np.zeros(time.shape), one)


def _beat_events(beats: Rhythm, early: Floats, k: Mapping[str, Floats], draws: Draws) -> Events:
    time = beats.time - np.take_along_axis(early, beats.kind, 1)
    gain = _gain("beat gain", time.shape, k, draws)
    sign = np.where(np.arange(time.shape[1]) % 2, 1.0, -1.0)
    t_gain = _gain("T gain", time.shape, k, draws) + sign * k["alternans"][:, None]
    ratio = np.nan_to_num(beats.rr, nan=1.0) * (k["heart_rate"] / 60)[:, None]
    stretch = np.clip(ratio, 0.4, 1.8) ** 0.15
    stretch = np.where(np.isnan(time), 1.0, stretch)
    seen = np.where(np.isnan(time), ABSENT, time)
    return Events(seen, beats.kind, gain, t_gain, np.zeros(time.shape), stretch)


def _atrial_events(beats: Rhythm, early: Floats, k: Mapping[str, Floats], draws: Draws) -> Events:
    base = _plain(beats.p_time - early[:, :1])
    gain = _gain("P gain", beats.p_time.shape, k, draws)
    delay = np.nan_to_num(beats.p_delay, nan=0.0)
    return dataclasses.replace(base, kind=beats.p_kind, gain=gain, delay=delay)


def _flutter_vector(beats: Rhythm, draws: Draws) -> Floats:
    """(n, 3, 6) mV: small irregular waves strongest in V1, or a sawtooth that falls in the inferior leads."""
    n = len(beats.oscillation)
    size = draws.between("f size", 0.035, 0.09)[:, None, None]
    z = draws.normal("f vector", 18).reshape(n, 3, 6)
    course = np.array([1.0, 0.42, 0.16, 0.25, 0.3, 0.1])
    fine = size * (np.array([-0.35, 0.55, -0.75])[:, None] * course + 0.18 * z * course)
    saw = 2.4 * size * np.array([-0.05, -0.85, -0.65])[:, None] * [1, 0.5, 0.33, 0.15, 0.1, 0.05]
    regular = (beats.oscillation[:, 1] == 0)[:, None, None]
    return np.asarray(np.where(regular, saw, fine))
