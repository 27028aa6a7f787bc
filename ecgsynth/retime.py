"""Retime: the same patients with their beats at given moments, those of a recording or of an RR sequence."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from dsp import ECGError
from ecgsynth import dipole, simulator
from ecgsynth.draws import Floats
from ecgsynth.heart import ABSENT, Events
from ecgsynth.patients import Patients
from ecgsynth.rhythm.events import AFTER, BEFORE
from ecgsynth.simulator import Simulation


def retime(
    batch: Patients,
    r_times: Sequence[NDArray[np.floating]],
    duration: float,
    atria: NDArray[np.bool_] | None = None,
) -> Patients:
    """The patients with conducted beats at `r_times`.

    Parameters
    ----------
    batch : n patients. r_times : for each the R peaks, s, ascending.
    duration : s; around the record the median interval goes on.
    atria : (n,) whether there are P waves; None: all have them.

    Returns
    -------
    Patients. QT follows each interval as in the simulator.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> out = retime(patients(1), [np.array([1.0, 2.0, 2.9])], 4.0)
    >>> [round(float(t), 2) for t in out.rhythm.time[0] if 0 <= t < 4]
    [0.05, 1.0, 2.0, 2.9, 3.85]
    """
    whole = [_extended(np.asarray(row, np.float64), duration) for row in r_times]
    width = max(len(row) for row in whole)
    time = np.full((len(whole), width), np.nan)
    for row, moments in zip(time, whole, strict=True):
        row[: len(moments)] = moments
    rr = np.diff(time, axis=1, prepend=np.nan)
    rr[:, 0] = rr[:, 1] if width > 1 else 1.0
    old = batch.heart.events["beats"]
    conducted = (batch.rhythm.kind == 0) & (old.time > ABSENT)
    early = np.nanmedian(np.where(conducted, batch.rhythm.time - old.time, np.nan), axis=1)
    kind = np.zeros(time.shape, np.int64)
    rhythm = dataclasses.replace(
        batch.rhythm, time=time, rr=rr, kind=kind, symbol=np.where(np.isnan(time), "", "N"),
        p_time=time, p_kind=kind, p_delay=np.zeros(time.shape), spike=time[:, :0],
        oscillation=np.zeros((len(time), 4)),
    )  # fmt: skip
    began = np.where(np.isnan(time), ABSENT, time - early[:, None])
    one = np.ones(time.shape)
    ratio = np.nan_to_num(rr, nan=1.0) / np.nanmean(rr, axis=1, keepdims=True)
    beats = Events(began, kind, one, one, 0 * one, np.clip(ratio, 0.4, 1.8) ** 0.15)
    has_p = np.ones(len(time), bool) if atria is None else atria
    p_time = np.where(has_p[:, None], began, ABSENT)
    events = {"beats": beats, "atria": Events(p_time, kind, one, one, 0 * one, one)}
    waves = {name: wave for name, wave in batch.heart.waves.items() if name != "spike"}
    heart = dataclasses.replace(
        batch.heart, events=events, waves=waves, flutter=np.zeros((len(time), 4))
    )
    return dataclasses.replace(batch, heart=heart, rhythm=rhythm)


def _extended(beats: Floats, duration: float) -> Floats:
    """The beats, and others at the median interval around them."""
    usual = float(np.median(np.diff(beats))) if len(beats) > 1 else 0.9
    usual = max(usual, 0.2)
    if not len(beats):
        return np.arange(0.45, duration + AFTER, usual)
    before = np.arange(beats[0] - usual, -BEFORE, -usual)[::-1]
    return np.concatenate([before, beats, np.arange(beats[-1] + usual, duration + AFTER, usual)])


def r_times_of(rr: ArrayLike, duration: float) -> Floats:
    """R peaks from an RR sequence, s; the first beat is half an interval after the start.

    Parameters
    ----------
    rr : (k,) s, repeated where the record is longer. duration : s.

    Raises
    ------
    ECGError
        Unless every interval is from 0.2 to 4 s.

    Examples
    --------
    >>> r_times_of([0.8, 1.0], 4.0).round(1).tolist()
    [0.4, 1.2, 2.2, 3.0]
    """
    rr = np.asarray(rr, np.float64)
    if rr.ndim != 1 or not rr.size or not (rr >= 0.2).all() or not (rr <= 4.0).all():
        raise ECGError("rr: give a list of RR intervals in seconds, each from 0.2 to 4.")
    times = rr[0] / 2 + np.concatenate([[0.0], np.cumsum(np.resize(rr, int(duration / 0.2) + 1))])
    return np.asarray(times[times < duration])


def simulation_of(batches: Sequence[Patients], fs: float, n_samples: int) -> Simulation:
    """The noiseless records of patients, in the form `simulate` gives.

    Parameters
    ----------
    batches : of patients, one after the other. fs : Hz. n_samples : of a record.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> simulation_of([patients(2), patients(1)], 100, 1000).signal.shape
    (3, 12, 1000)
    """
    with torch.inference_mode():
        hearts = (batch.heart.tensors() for batch in batches)
        signals = [
            dipole.twelve_leads(dipole.eight_leads(heart, fs, n_samples)) for heart in hearts
        ]
    return simulator._simulation(torch.cat(signals).numpy(), fs, list(batches))
