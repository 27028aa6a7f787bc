"""Completion: the posterior of a recording, given some of its leads or parts of them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from dsp import ECG, LengthError, SignalError, checks, filters, leads
from dsp.beats import r_peaks
from dsp.checks import Signal
from ecgsynth import conditions, sampling
from ecgsynth.conditions import Conditions
from ecgsynth.given import Given
from ecgsynth.guidance import Projection, guided

if TYPE_CHECKING:
    from ecgsynth.denoiser import Denoiser

SHORTEST: Final = 1.0
"""s; less tells nothing of a rhythm."""
_DRIFT_HZ: Final = 0.5
"""Below, a lead is baseline: the network neither sees nor makes it."""
_LEVEL_S: Final = 2.0  # s; the mean of two or three beats is near the baseline that a filter sees


@dataclasses.dataclass(frozen=True, eq=False)
class Completion:
    """Recordings that may be the whole of which some leads were given.

    Attributes
    ----------
    signal : (samples, 12, time) float32 mV; what was given is bit-equal in each.
    fs : Hz, of the recording.
    given : the recording.
    spread : of levels, and by how much the spread of the samples must be multiplied for the interval
        of that level to hold; as of `recon.generation.calibrate`. None of them is once throughout.
    """

    signal: Signal
    fs: float
    given: ECG
    spread: tuple[tuple[float, float], ...] = ()

    def __len__(self) -> int:
        return len(self.signal)

    @functools.cached_property
    def mean(self) -> Signal:
        """(12, time) mV, the best single estimate by squared error."""
        # In double precision the mean of equal numbers is that number.
        return np.asarray(self.signal.mean(0, dtype=np.float64), np.float32)

    @functools.cached_property
    def std(self) -> Signal:
        """(12, time) mV, the spread of the samples; 0 where given."""
        return np.asarray(self.signal.std(0, dtype=np.float64), np.float32)

    def interval(self, level: float = 0.9) -> tuple[Signal, Signal]:
        """Where the true signal lies with probability `level`, by the samples: (low, high) mV.

        The mean, and as many standard deviations as Student's law has for so few samples, times what
        the recordings of others were found to need (`spread`; between its levels, linearly).

        Raises
        ------
        SignalError
            Unless 0 < level < 1 and there are two samples or more.
        """
        n = len(self.signal)
        if not 0 < level < 1 or n < 2:
            raise SignalError(
                f"level={level!r}, {n} samples: give a level in (0, 1), and 2 or more."
            )
        import scipy

        half = scipy.stats.t.ppf(0.5 + level / 2, n - 1) * np.sqrt(1 + 1 / n)
        if self.spread:
            half *= np.interp(level, *np.transpose(self.spread))
        wide = (half * self.signal.std(0, dtype=np.float64, ddof=1)).astype(np.float32)
        return self.mean - wide, self.mean + wide

    def record(self, k: int) -> ECG:
        """Sample k as an ECG, with the annotations of the recording."""
        return self._ecg(self.signal[k])

    def mean_record(self) -> ECG:
        """The mean as an ECG."""
        return self._ecg(self.mean)

    def _ecg(self, x12: Signal) -> ECG:
        return ECG(
            x12, self.fs, leads.TWELVE, annotations=self.given.annotations, meta=self.given.meta
        )


def complete(
    denoiser: Denoiser,
    ecg: ECG,
    samples: int,
    *,
    start: ECG | ArrayLike | None,
    steps: int,
    seed: int,
    batch: int,
    scheduler: Any,
) -> Completion:
    """Draw from the posterior; see `Generator.posterior`."""
    if samples < 1 or ecg.duration < SHORTEST:
        raise LengthError(
            f"{samples} samples of {ecg.duration:g} s: give 1 or more, of {SHORTEST:g} s or more."
        )
    raw = Given.of(ecg)
    raw.require_signal()
    filled, drift = _filled(raw, ecg.fs, covariance_of(denoiser))
    slow = _slow(raw, filled, ecg.fs, denoiser.config.fs)
    told = _told(denoiser, ecg, slow, start)
    settled = _settled(denoiser, slow, told)
    guides = [Projection(slow)]
    drawn = []
    for first in range(0, samples, batch):
        n = min(batch, samples - first)
        noise = sampling.pairs_of(seed, first, n, slow.values.shape[1]).to(denoiser.device)
        many = _repeated(told, n).to(denoiser.device)
        with torch.inference_mode():
            predict = guided(sampling.predictor(denoiser, many), guides)
            x8 = sampling.sample(
                denoiser, predict, noise, denoiser.origin(many), steps=steps, scheduler=scheduler
            )
        drawn.append(slow.project(settled(x8.cpu().numpy())))
    many8 = filters.resample(np.concatenate(drawn), denoiser.config.fs, ecg.fs)
    spread = tuple((float(level), float(by)) for level, by in denoiser.config.spread or ())
    return Completion(
        _whole(filters.of_length(many8, ecg.n_samples), raw, drift), ecg.fs, ecg, spread
    )


def _settled(
    denoiser: Denoiser, slow: Given, told: Conditions
) -> Callable[[Signal], NDArray[np.floating]]:
    """What samples become once the patient's own regression has been heard.

    Both speak of the same samples: as the product of two normal densities, the mean goes the way of
    the trust that the regression deserves, and the spread shrinks accordingly.
    """
    trust = slow.trust(covariance_of(denoiser))
    if not trust.any():
        return lambda x8: x8
    told = told.to(denoiser.device)
    silence = torch.zeros(1, *trust.shape, device=denoiser.device)
    with torch.inference_mode():
        middle = sampling.predictor(denoiser, told)(silence, 1.0).cpu().numpy()
    sketch = slow.sketch(covariance_of(denoiser))
    centre = middle + trust * (sketch - middle)
    return lambda x8: centre + np.sqrt(1 - trust) * (x8 - middle)


def _told(denoiser: Denoiser, ecg: ECG, slow: Given, start: ECG | ArrayLike | None) -> Conditions:
    """What the network is told: leads, where, rhythm, age and sex, and where to start."""
    fs, n_samples = denoiser.config.fs, slow.values.shape[1]
    x8, mask = slow.eight()
    sketch = slow.sketch(covariance_of(denoiser))
    if start is not None:
        first = at_rate(_eight_of(start, ecg), ecg.fs, fs)
        sketch = slow.project(np.nan_to_num(filters.of_length(first, n_samples)))
    beats = np.asarray(r_peaks(ecg.signal, ecg.fs), np.float64) / ecg.fs
    numbers: dict[str, float] = {"real": 1.0}
    if len(beats) > 2:
        rr = np.diff(beats)
        numbers |= {"heart_rate": float(60 / rr.mean()), "sdnn": float(rr.std())}
    numbers |= _person(ecg.meta)
    return dataclasses.replace(
        denoiser.no_conditions(1, n_samples),
        sketch=_one(sketch),
        given=_one(x8),
        mask=_one(mask),
        phase=conditions.phase([beats], fs, n_samples),
        numbers=conditions.numbers_as_rows(1, numbers),
    )


def _person(meta: Mapping[str, Any]) -> dict[str, float]:
    """Age and sex, where a recording tells them."""
    age, sex = meta.get("age"), meta.get("sex")
    told: dict[str, float] = {}
    if isinstance(age, int | float) and age == age:
        told["age"] = float(age)
    if sex in ("F", "M"):
        told["male"] = float(sex == "M")
    return told


def _one(x: NDArray[np.floating]) -> torch.Tensor:
    return torch.from_numpy(np.asarray(x, np.float32)[None])


def _repeated(told: Conditions, n: int) -> Conditions:
    return Conditions(**{k: v.expand(n, *v.shape[1:]) for k, v in told.tensors().items()})


def covariance_of(denoiser: Denoiser) -> NDArray[np.float64]:
    """(8, 8) mV² of the population, or for a network that was told none, Dower's heart vector's.

    Examples
    --------
    >>> from ecgsynth.denoiser import Denoiser
    >>> covariance_of(Denoiser()).shape
    (8, 8)
    """
    from dsp import vcg

    if denoiser.config.covariance is not None:
        return np.asarray(denoiser.config.covariance, np.float64)
    return 0.02 * (vcg.DOWER @ vcg.DOWER.T) + 0.002 * np.eye(8)


def _eight_of(start: ECG | ArrayLike, ecg: ECG) -> Signal:
    """(8, time) mV of a first estimate, at the rate of the recording."""
    if isinstance(start, ECG):
        start = start.twelve_leads().resample(ecg.fs).signal
    x = checks.signal(start)
    if x.shape == (12, ecg.n_samples):
        return x[[leads.TWELVE.index(lead) for lead in leads.EIGHT]]
    if x.shape != (8, ecg.n_samples):
        raise LengthError(
            f"start has shape {x.shape}: give (12, {ecg.n_samples}) or (8, {ecg.n_samples}) mV, or "
            f"an ECG, at {ecg.fs:g} Hz."
        )
    return x


def at_rate(x: Signal, fs: float, to: float) -> Signal:
    """The signal (..., time) as the network knows signals: 0.5-40 Hz, at its rate.

    Examples
    --------
    >>> at_rate(np.ones((2, 1000), np.float32), 500, 100).shape
    (2, 200)
    """
    return filters.clean(filters.resample(x, fs, to), to)


def _filled(raw: Given, fs: float, covariance: NDArray[np.float64]) -> tuple[Signal, Signal]:
    """Leads with gaps, the gaps filled by a first sketch, and the baseline of the leads, (g, time) mV.

    A filter would else see a straight line from wherever in a beat a gap begins to wherever it ends,
    and take a part of it for baseline on both sides.
    """
    gaps = np.isnan(raw.values)
    if not (gaps.any(axis=1) & ~gaps.all(axis=1)).any():
        return raw.values, np.zeros_like(raw.values)
    rows = [leads.TWELVE.index(name) for name in raw.names]
    level = np.stack([_bridged(row, round(_LEVEL_S * fs)) for row in raw.values])
    drift = np.nan_to_num(filters.bandpass(level, fs, None, _DRIFT_HZ))
    known = np.where(gaps, np.float32(np.nan), filters.clean(level, fs))
    sketch = leads.twelve(Given(known, raw.names).sketch(covariance))[rows]
    return np.where(np.isnan(level) | ~gaps, level, sketch + drift), drift


def _slow(raw: Given, filled: Signal, fs: float, to: float) -> Given:
    """What is given, as the network knows signals; a gap stays a gap."""
    gaps = np.isnan(filters.resample(raw.values, fs, to))
    return Given(np.where(gaps, np.float32(np.nan), at_rate(filled, fs, to)), raw.names)


def _bridged(row: Signal, near: int) -> Signal:
    """(time,) gaps as lines from the mean of `near` samples before to that of as many after."""
    known = np.isfinite(row)
    if not known.any():
        return row
    out = row.copy()
    edges = np.flatnonzero(np.diff(known, prepend=True, append=True))
    for first, last in edges.reshape(-1, 2):
        sides = (row[max(first - near, 0) : first], row[last : last + near])
        levels = [np.nanmean(side) for side in sides if np.isfinite(side).any()]
        out[first:last] = np.linspace(levels[0], levels[-1], last - first)
    return out


def _whole(x8: Signal, raw: Given, drift: Signal) -> Signal:
    """Twelve leads at the rate of the recording, what was given in them as given."""
    for low, row, name in zip(drift, raw.values, raw.names, strict=True):
        if name in leads.EIGHT and np.isnan(row).any():
            x8[:, leads.EIGHT.index(name)] += low
    x12 = leads.twelve(raw.project(x8))
    for row, name in zip(raw.values, raw.names, strict=True):
        known = np.isfinite(row)
        x12[:, leads.TWELVE.index(name), known] = row[known]
    return x12
