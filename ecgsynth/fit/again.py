"""A fitted heart beating again: new beats from `patients`, the waves and the torso from the recording."""

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

import dsp
from dsp.leads import TWELVE
from ecgsynth.anatomy import Draft
from ecgsynth.dipole import Scratch, eight_leads, twelve_leads
from ecgsynth.diseases import DISEASES
from ecgsynth.heart import ABSENT, Events, Heart, Wave
from ecgsynth.patients import KNOBS, STAGES, Patients, patients

Floats = NDArray[np.float64]
_SHARES: Final = np.linspace(-0.1, 1.1, 241)  # of the QRS, where its peak is looked for
_ASKED: Final = ("heart_rate", "pr", "p_duration", "qrs", "qt")


def again(
    draft: Draft,
    field: Floats,
    heart_rate: float | None,
    rhythm: str | None,
    illness: tuple[str, float, str],
    fs: float,
    duration: float,
    seed: int,
) -> dsp.ECG:
    """A noiseless record of a fitted heart; see `Twin.simulate`."""
    diagnosis, severity, stage = illness
    fs = dsp.checks.rate(fs)
    if diagnosis not in DISEASES or stage not in STAGES or not 0 <= severity <= 1:
        raise dsp.ECGError(
            f"diagnosis {diagnosis!r}, severity {severity!r}, stage {stage!r}: give one of "
            f"{' '.join(DISEASES)}, 0 to 1, and one of {' '.join(STAGES)}."
        )
    sick = draft.select(np.array([0]))
    old = float(sick.knobs["heart_rate"][0])
    rate = old if heart_rate is None else heart_rate
    sick.knobs["heart_rate"] = np.array([float(rate)])
    sick.knobs["qt"] = sick.knobs["qt"] * np.cbrt(old / rate)
    DISEASES[diagnosis].change(sick, np.array([severity]), np.array([STAGES[stage]]))
    asked = {name: np.clip(sick.knobs[name], *KNOBS[name]) for name in _ASKED}
    base = patients(1, seed=seed, rhythm=rhythm, parameters=asked, duration=duration)
    heart = _transplanted(base, sick, field)
    n_samples = round(duration * fs)
    # One call with buffers, like `simulate`: a rhythm may have no P waves at all.
    x8 = eight_leads(heart.tensors(), fs, n_samples, scratch=Scratch())
    signal = twelve_leads(x8)[0].numpy()
    place = np.rint(np.nan_to_num(base.rhythm.time[0], nan=-9.0) * fs).astype(np.int64)
    inside = (place >= 0) & (place < n_samples)
    beats = dsp.Annotations(place[inside], tuple(base.rhythm.symbol[0][inside].tolist()))
    meta = {"labels": (diagnosis, str(base.rhythm_code[0]))}
    return dsp.ECG(signal, fs, TWELVE, annotations={"atr": beats}, meta=meta)


def _transplanted(base: Patients, draft: Draft, field: Floats) -> Heart:
    """The patient's events, and for conducted beats the draft's waves."""
    heart = base.heart
    waves = dict(heart.waves)
    for name in draft.vector:
        parts = (draft.position, draft.width, draft.vector, draft.local)
        theirs = dataclasses.astuple(heart.waves[name])
        pair = [np.stack([m[name], t[:, 1]], 1) for m, t in zip(parts, theirs, strict=True)]
        waves[name] = Wave(*pair)
    delay = _r_delay(draft, field)
    conducted = base.rhythm.kind == 0
    events = dict(heart.events)
    events["beats"] = _begun(events["beats"], base.rhythm.time, delay, conducted)
    everyone = np.ones(base.rhythm.p_time.shape, bool)
    events["atria"] = _begun(events["atria"], base.rhythm.p_time, delay, everyone)
    return dataclasses.replace(heart, waves=waves, events=events, field=field)


def _begun(events: Events, peaks: Floats, delay: float, rows: NDArray[np.bool_]) -> Events:
    """The events of `rows` moved so that their R peaks are at `peaks`."""
    began = np.where(np.isnan(peaks), ABSENT, peaks - delay)
    return dataclasses.replace(events, time=np.where(rows, began, events.time))


def _r_delay(draft: Draft, field: Floats) -> float:
    """S from QRS onset to R peak: the largest root sum of squares over the eight leads."""
    u = (_SHARES - draft.position["QRS"][0, :, None]) / draft.width["QRS"][0, :, None]
    x8 = (field @ draft.vector["QRS"] + draft.local["QRS"])[0] @ np.exp(-(u**2) / 2)
    share = _SHARES[(x8**2).sum(0).argmax()]
    return float(share * draft.knobs["qrs"][0])
