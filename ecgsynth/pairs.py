"""Pairs: signals with everything the denoiser is told about them, from real recordings and from the simulator."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dsp.checks import Signal
from dsp.leads import EIGHT
from ecgsynth import conditions, dipole, noise, physics
from ecgsynth.diseases import DISEASES
from ecgsynth.draws import Floats
from ecgsynth.given import Given
from ecgsynth.patients import KNOBS, Patients, patients
from ecgsynth.retime import retime
from ecgsynth.rhythm import RHYTHMS
from ecgsynth.statements import in_words

if TYPE_CHECKING:
    from ecgsynth.transport import Transport

HIDDEN_LEADS: Final = 0.35
"""Share of examples in which some leads are given and the rest is to be found."""
GAP: Final = 0.4
"""Share of these in which leads are lost for a while only."""
_SETS: Final = (("I",), ("II",), ("I", "II"), ("I", "II", "V2"), ("I", "II", "V2", "V5"))
_MEASURED: Final = ("heart_rate", "pr", "p_duration", "qrs", "qt", "age", "male")
_GAIN, _MIXING = 0.2, 0.04  # augmentation: log-gain of a record; how much leads leak into others


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a real recording, and what is known of it.

    Attributes
    ----------
    x8 : (8, time) mV, cleaned, without gaps.
    r_times : s, of the R peaks.
    numbers : measured or told, some of `NUMBERS` and ``axis``; NaN or absent where unknown.
    statements : of `ecgsynth.statements.VOCABULARY`.
    """

    x8: Signal
    r_times: Floats
    numbers: dict[str, float]
    statements: tuple[str, ...]


def real(
    windows: Sequence[Window],
    fs: float,
    covariance: NDArray[np.float64],
    seed: int,
    transport: Transport | None = None,
) -> dict[str, Tensor]:
    """Training examples from windows of equal length; the same for the same seed.

    Each is augmented, and given a sketch: the exact simulator, with a patient drawn at the window's
    own beats, intervals and statement, its sizes partly fitted to the window (as far as ``trust``
    says). Or some leads are given and the sketch is linear.

    Parameters
    ----------
    windows : n of them. fs : Hz. covariance : (8, 8) mV², for linear sketches. seed : of chance.
    transport : brings the patients drawn onto the population of the windows.

    Returns
    -------
    What `Denoiser.loss` wants.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(8, 500)).astype(np.float32)
    >>> window = Window(x, np.arange(0.5, 5, 1.0), {"heart_rate": 60.0}, ("SR",))
    >>> real([window], 100, np.eye(8), 0)["sketch"].shape
    torch.Size([1, 8, 500])
    """
    rng = np.random.default_rng(seed)
    n = len(windows)
    mixing = np.eye(8) + _MIXING * rng.standard_normal((n, 8, 8))
    mixing *= np.exp(_GAIN * rng.standard_normal((n, 1, 1)))
    x8 = (mixing @ np.stack([w.x8 for w in windows])).astype(np.float32)
    timed = patients_of(windows, fs, int(rng.integers(2**62)))
    if transport is not None:
        timed = transport.carry(timed)
    told = _told(windows)
    told |= {"sdnn": np.array([_sdnn(w.r_times) for w in windows]), "real": np.ones(n)}
    return _examples(torch.from_numpy(x8), timed, fs, covariance, rng, told, windows)


def simulated(
    n: int, n_samples: int, fs: float, covariance: NDArray[np.float64], seed: int
) -> dict[str, Tensor]:
    """Training examples from simulated clinical patients, whose conditions are known exactly.

    Parameters
    ----------
    n, n_samples : how many, and how long. The rest is as for `real`.

    Examples
    --------
    >>> simulated(2, 500, 100, np.eye(8), 0)["x8"].shape
    torch.Size([2, 8, 500])
    """
    rng = np.random.default_rng(seed)
    drawn = patients(n, seed=int(rng.integers(2**62)), diagnosis="any", duration=n_samples / fs)
    with torch.inference_mode():
        heart = drawn.heart.tensors()
        clean = dipole.twelve_leads(dipole.eight_leads(heart, fs, n_samples)).numpy()
    level = {"baseline": 20.0, "muscle": float(rng.uniform(14, 26))}
    noisy = noise.add(clean, fs, level, seed=int(rng.integers(2**31)))
    x8 = torch.from_numpy(noisy[:, [0, 1, *range(6, 12)]].copy())
    told = {name: drawn.knobs[name] for name in ("sdnn", *_MEASURED)}
    told["real"] = np.zeros(n)
    return _examples(x8 - x8.mean(-1, keepdim=True), drawn, fs, covariance, rng, told, None)


def patients_of(windows: Sequence[Window], fs: float, seed: int) -> Patients:
    """Simulated patients with the beats, intervals and first known illness of windows, one each.

    Parameters
    ----------
    windows : of equal length. fs : Hz. seed : as of `ecgsynth.patients.patients`.

    Examples
    --------
    >>> x = np.zeros((8, 500), np.float32)
    >>> len(patients_of([Window(x, np.arange(0.5, 5, 1.0), {}, ("SR",))], 100, 0).diagnosis)
    1
    """
    duration = windows[0].x8.shape[1] / fs
    drawn = patients(
        len(windows), seed=seed, diagnosis=[diagnosis_of(w.statements) for w in windows],
        parameters=_askable(_told(windows)), duration=duration,
    )  # fmt: skip
    atria = np.array([has_p(w.statements) for w in windows])
    return retime(drawn, [w.r_times for w in windows], duration, atria)


def diagnosis_of(statements: Sequence[str]) -> str:
    """The first statement that the simulator knows an illness for; else NORM.

    Examples
    --------
    >>> diagnosis_of(("SR", "LVH")), diagnosis_of(())
    ('LVH', 'NORM')
    """
    return next((code for code in statements if code in DISEASES), "NORM")


def _told(windows: Sequence[Window]) -> dict[str, Floats]:
    return {name: np.array([w.numbers.get(name, np.nan) for w in windows]) for name in _MEASURED}


def _examples(
    x8: Tensor,
    drawn: Patients,
    fs: float,
    covariance: NDArray[np.float64],
    rng: np.random.Generator,
    told: dict[str, Floats],
    windows: Sequence[Window] | None,
) -> dict[str, Tensor]:
    n, _, n_samples = x8.shape
    with torch.no_grad():
        heart = drawn.heart.tensors()
        own = dipole.eight_leads(heart, fs, n_samples)
        space = physics.Physics(physics.courses(heart, fs, n_samples), physics.sizes(heart))
        fitted = space.fit(x8)
        width = heart.waves["QRS"].width[:, 0]
        axis = physics.axis(fitted[..., :8], width)
        trust = torch.from_numpy(rng.choice([0.0, 0.5, 1.0], n) + 0.0).float()
        trust = (trust + torch.from_numpy(rng.uniform(-0.25, 0.25, n)).float()).clamp(0, 1)
        if windows is None:
            # The patient's own, or those of another with the same beats.
            other = physics.sizes(heart)[torch.from_numpy(rng.permutation(n))]
            near, far = own, other @ space.courses
        else:
            near, far = fitted @ space.courses, own
        share = trust[:, None, None]
        sketch = share * near + (1 - share) * far
    told = told | {"axis": axis.double().numpy(), "trust": trust.double().numpy()}
    given, mask, sketch = _partly_given(x8, sketch, covariance, rng, fs)
    linear = mask.amax((1, 2)).numpy() > 0
    told["trust"] = np.where(linear, np.nan, told["trust"])
    beats = _beats(drawn, windows, n_samples / fs)
    lists = [w.statements for w in windows] if windows is not None else _labels(drawn)
    texts = [in_words(codes) for codes in lists]
    known = torch.from_numpy(np.array([bool(text) for text in texts]))[:, None]
    text = torch.where(known, conditions.text_as_rows(n, texts, conditions.TEXT_SIZE), torch.nan)
    found = conditions.Conditions(
        sketch, given, mask, conditions.phase(beats, fs, n_samples),
        conditions.statements_as_rows(lists), conditions.numbers_as_rows(n, told), text,
        torch.zeros(n, 0, conditions.TOKEN_SIZE),
    )  # fmt: skip
    terms = {"courses": space.courses, "prior": space.prior, "r_peaks": _padded(beats, fs)}
    return {"x8": x8, **found.tensors(), **terms}


def _askable(told: dict[str, Floats]) -> dict[str, Floats]:
    """What is known, held to what a patient can have; the rest is drawn."""
    held = {name: np.clip(value, *KNOBS[name]) for name, value in told.items()}
    least = np.nan_to_num(held["qrs"], nan=0.11) + 0.1
    held["qt"] = np.where(held["qt"] < least, np.nan, held["qt"])
    return held


def has_p(statements: Sequence[str]) -> bool:
    """Whether there are P waves in the rhythm that is stated.

    Examples
    --------
    >>> has_p(("LVH", "SR")), has_p(("AFIB",))
    (True, False)
    """
    return not {"AFIB", "AFLT", "JUNC", "VTACH"} & set(statements)


def _sdnn(r_times: Floats) -> float:
    return float(np.diff(r_times).std()) if len(r_times) > 2 else float("nan")


def _labels(drawn: Patients) -> list[tuple[str, ...]]:
    pairs = zip(drawn.diagnosis.tolist(), drawn.rhythm_code.tolist(), strict=True)
    return [(diagnosis, RHYTHMS[code].statement or code) for diagnosis, code in pairs]


def _beats(
    drawn: Patients, windows: Sequence[Window] | None, duration: float
) -> list[NDArray[np.float64]]:
    if windows is not None:
        return [w.r_times for w in windows]
    rows = (row[(row >= 0) & (row < duration)] for row in drawn.rhythm.time)
    return list(rows)


def _padded(beats: Sequence[NDArray[np.float64]], fs: float) -> Tensor:
    """(n, 48) int64 samples, -1 where there are no more."""
    out = torch.full((len(beats), 48), -1, dtype=torch.int64)
    for row, times in zip(out, beats, strict=True):
        places = torch.from_numpy(np.rint(times[:48] * fs).astype(np.int64))
        row[: len(places)] = places
    return out


def _partly_given(
    x8: Tensor, sketch: Tensor, covariance: NDArray[np.float64], rng: np.random.Generator, fs: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Given samples, where, and the sketch; for some of the records leads are hidden."""
    given, mask, sketch = torch.zeros_like(x8), torch.zeros_like(x8), sketch.clone()
    for k in range(len(x8)):
        if rng.random() >= HIDDEN_LEADS:
            continue
        present = _present(rng, x8.shape[-1], fs)
        values = np.where(present, x8[k].numpy(), np.nan)
        kept = np.flatnonzero(present.any(1))
        facts = Given(values[kept].astype(np.float32), tuple(EIGHT[i] for i in kept))
        sketch[k] = torch.from_numpy(facts.sketch(covariance))
        for target, source in zip((given, mask), facts.eight(), strict=True):
            target[k] = torch.from_numpy(source)
    return given, mask, sketch


def _present(rng: np.random.Generator, n_samples: int, fs: float) -> NDArray[np.bool_]:
    """(8, time) what is known: few leads throughout, or all but a gap in some."""
    present = np.zeros((8, n_samples), bool)
    if rng.random() < GAP:
        present[:] = True
        length = min(int(rng.uniform(1, 5) * fs), n_samples // 2)
        first = int(rng.integers(0, n_samples - length))
        lost = rng.choice(8, int(rng.integers(1, 5)), replace=False)
        present[lost, first : first + length] = False
    elif rng.random() < 0.6:
        names = _SETS[int(rng.integers(len(_SETS)))]
        present[[EIGHT.index(name) for name in names]] = True
    else:
        present[rng.choice(8, int(rng.integers(1, 7)), replace=False)] = True
    return present


def spectrum(batches: Sequence[dict[str, Tensor]], fs: float, step: float, n: int) -> list[Any]:
    """(8, n) mV: amplitude by lead and frequency of what sketches miss, for `Denoiser`.

    Parameters
    ----------
    batches : of examples. fs : Hz. step : Hz between the values; n : of them.

    Examples
    --------
    >>> quiet = {"x8": torch.zeros(1, 8, 100), "sketch": torch.zeros(1, 8, 100)}
    >>> spectrum([quiet], 100.0, 2.0, 26)[0][:2]
    [0.001, 0.001]
    """
    gap = torch.cat([batch["x8"] - batch["sketch"] for batch in batches])
    power = torch.fft.rfft(gap, norm="ortho").abs().square().mean(0)
    place = torch.fft.rfftfreq(gap.shape[-1], 1 / fs) / step
    centres = torch.arange(n)[:, None]
    near = (1 - (place - centres).abs()).clamp_min(0.0)  # (n, frequencies), triangles
    found = (power @ near.T / near.sum(1).clamp_min(1e-9)).sqrt().clamp_min(_LEAST_MV)
    rounded: list[Any] = [[float(f"{value:.3g}") for value in row] for row in found.tolist()]
    return rounded


_LEAST_MV: Final = 1e-3  # of a spectrum, so that it can be divided by


def batch_of(parts: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Several batches as one.

    Examples
    --------
    >>> batch_of([{"x8": torch.ones(2, 1)}, {"x8": torch.ones(3, 1)}])["x8"].shape
    torch.Size([5, 1])
    """
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
