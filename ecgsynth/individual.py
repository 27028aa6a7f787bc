"""From a draft to a heart: each patient's own size, position, torso, second kind of beat and variability."""

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np

from dsp import vcg
from ecgsynth import anatomy, truth
from ecgsynth.anatomy import Draft
from ecgsynth.draws import Draws, Floats
from ecgsynth.heart import ABSENT, Events, Heart, Wave
from ecgsynth.rhythm import Rhythm


def heart(draft: Draft, beats: Rhythm, draws: Draws) -> tuple[Heart, dict[str, Floats]]:
    """The hearts of a draft, and where their waves lie (`truth.marks`)."""
    k = draft.knobs
    field = _lead_field(draws)
    _individual(draft, draws)
    other = _ectopic(draft, beats, draws)
    waves, found = {}, {}
    for name in ("P", "QRS", "T"):
        pair = [np.stack([getattr(d, part)[name] for d in (draft, other)], 1) for part in _PARTS]
        residual = pair[3] + _residual(name, pair[2], draws)
        if name == "P":
            residual += (anatomy.ATRIAL - 1)[:, None] * (field[:, None] @ pair[2])
        wave = Wave(pair[0], pair[1], pair[2], residual)
        waves[name], found[name] = truth.to_scale(name, wave, truth.rows(name, wave, field))
    qrs = np.stack([k["qrs"], other.knobs["qrs"]], 1)
    qt = np.stack([k["qt"], other.knobs["qt"]], 1)
    # A rhythm is a series of R peaks; hearts run by the onset of the QRS.
    early = found["QRS"][:, :, 12, 1] * qrs
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
    made = Heart(
        waves, events, field, k["pr"], k["p_duration"], qrs, qt, breath, tilt,
        beats.oscillation, _flutter_vector(beats, draws),
    )  # fmt: skip
    return made, {name: rows[:, :, :12] for name, rows in found.items()}


_PARTS: Final = ("position", "width", "vector", "local")


def _individual(draft: Draft, draws: Draws) -> None:
    """The patient's own: the heart's size, its position in the chest, the course of its activation."""
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
        own = np.repeat(size[wave][:, None], parts, 1)
        if wave == "T":  # injury currents vary less from patient to patient than T waves do
            own[:, : anatomy.T_EARLY] **= 0.5
        draft.vector[wave] = turn @ (gain * draft.vector[wave] + bend) * own[:, None]
        draft.local[wave] = draft.local[wave] * np.sqrt(size[wave])[:, None, None]
        loose = np.array([0.0 if wave == "T" and i == 3 else 1.0 for i in range(parts)])
        draft.position[wave] += loose * 0.013 * draws.normal(f"{wave} position", parts)
        draft.width[wave] *= np.exp(0.07 * loose * draws.normal(f"{wave} width", parts))
    _pace(draft.position["T"], draft.width["T"], k["qt"] - k["qrs"])


_USUAL_JT: Final = 0.30
"""s, from the end of the QRS to the end of T; the usual adult, and the JT of `anatomy.PARTS`."""


def _pace(position: Floats, width: Floats, jt: Floats) -> None:
    """Let T end, from its peak on, not in proportion to JT but to its root, as in LUDB (power 0.49).

    So a slow heart has a longer ST segment and rise of T, not a broader end of T.
    """
    peak = anatomy.PARTS["T"][anatomy.T, 0]
    after = np.clip(np.sqrt(_USUAL_JT / jt), 0.6, 1.5)[:, None]
    before = (1 - (1 - peak) * after) / peak
    late = np.arange(position.shape[1]) >= anatomy.T
    width *= np.where(late, after, before)
    position[:] = np.where(late, 1 - (1 - position) * after, position * before)


def _position(axis: Floats, turn: Floats, tip: Floats) -> Floats:
    """(n, 3, 3): frontal axis, turn about the vertical, tip towards the front."""
    about = anatomy.rotation
    return np.asarray(about(1, turn) @ about(0, tip) @ about(2, axis))


_V1: Final = 0.8
"""Dower's torso overstates V1: by a quarter against the median clinical recording."""


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
    chest[:, 0] *= _V1
    field = np.concatenate([np.repeat(vcg.DOWER[None, :2], n, 0), chest], 1)
    field *= np.exp(np.concatenate([limb, near], 1))[..., None]
    odd = draws.normal("torso", 24).reshape(n, 8, 3)
    return np.asarray(field + 0.09 * np.linalg.norm(field, axis=-1, keepdims=True) * odd)


_NEIGHBOURS: Final = np.linalg.cholesky(0.62 ** abs(np.subtract.outer(np.arange(6), np.arange(6))))
_BEYOND: Final = {"P": 0.16, "QRS": 0.28, "T": 0.23}


def _residual(wave: str, vector: Floats, draws: Draws) -> Floats:
    """(n, kinds, 8, K) mV beyond the dipole: each part of the heart is near some electrodes."""
    n, kinds, _, parts = vector.shape
    z = draws.normal(f"{wave} residual", kinds * 8 * parts).reshape(n, kinds, 8, parts)
    chest = _NEIGHBOURS @ z[:, :, 2:]
    z = np.concatenate([0.35 * z[:, :, :2], chest], 2)
    return np.asarray(_BEYOND[wave] * np.linalg.norm(vector, axis=2, keepdims=True) * z)


_RIGHT_ORIGIN: Final = np.array([
    [0.00, 0.00, 0.00], [0.20, 0.18, 0.05], [0.50, 0.48, 0.30], [0.75, 0.55, 0.60],
    [0.55, 0.22, 0.55], [0.15, 0.00, 0.20], [0.00, 0.00, 0.00], [0.00, 0.00, 0.00],
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
    paced = np.asarray(np.isfinite(beats.spike).any(axis=1))
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
    """(n, 3, 6) mV: small irregular waves strongest in V1, or a sawtooth, largest in the inferior leads."""
    n = len(beats.oscillation)
    size = draws.between("f size", 0.035, 0.09)[:, None, None]
    z = draws.normal("f vector", 18).reshape(n, 3, 6)
    course = np.array([1.0, 0.42, 0.16, 0.25, 0.3, 0.1])
    fine = size * (np.array([-0.45, 0.38, -0.95])[:, None] * course + 0.18 * z * course)
    saw = 2.8 * size * np.array([0.05, 0.85, 0.65])[:, None] * [1, 0.5, 0.33, 0.15, 0.1, 0.05]
    regular = (beats.oscillation[:, 1] == 0)[:, None, None]
    return np.asarray(np.where(regular, saw, fine))
