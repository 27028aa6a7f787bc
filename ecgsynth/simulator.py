"""simulate: twelve coherent leads with their exact truth, by the hundred thousand."""

import dataclasses
import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

import dsp
from dsp import checks, cores
from dsp.leads import TWELVE
from dsp.waves import Waves
from ecgsynth import truth
from ecgsynth.draws import series_seed
from ecgsynth.patients import KNOBS, STAGES, Patients, patients
from ecgsynth.rhythm import RHYTHMS

if TYPE_CHECKING:
    import torch

_Marks = tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

CHUNK_SAMPLES: Final = 640_000
"""Samples a lead in one batch: 128 records of 10 s at 500 Hz; bounds the memory for any n."""
AMBULATORY_DB: Final = 14.0
"""Signal-to-noise ratio that ``noise="ambulatory"`` stands for."""


@dataclasses.dataclass(frozen=True, eq=False)
class Simulation:
    """Simulated records and all that is known about them.

    Attributes
    ----------
    signal : (n, 12, time) float32 mV in the order of `dsp.leads.TWELVE`.
    fs : Hz.
    r_peaks : n arrays of int64, ascending sample indices of the QRS (largest over all leads).
    symbols : n arrays, the WFDB label of each beat: N, A, V, J, E, /.
    labels : n tuples of SCP statements (or short forms in that manner): diagnosis, then rhythm.
    parameters : name -> (n,): the knobs of `ecgsynth.patients.KNOBS` after disease, in their units.
    batches : the patients themselves, `ecgsynth.patients.Patients`, in order; their `heart` holds
        tensors when a device was asked for, and then carries the gradients.

    Examples
    --------
    >>> sim = simulate(2, heart_rate=60, diagnosis="LBBB")
    >>> sim.labels[0], sim.waves[0].qrs.onset.shape == (12, len(sim.r_peaks[0]))
    (('CLBBB', 'SR'), True)
    """

    signal: Any
    fs: float
    r_peaks: list[NDArray[np.int64]]
    symbols: list[NDArray[np.str_]]
    labels: list[tuple[str, ...]]
    parameters: dict[str, NDArray[np.float64]]
    batches: tuple[Patients, ...] = dataclasses.field(repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    @functools.cached_property
    def waves(self) -> list[Waves]:
        """The true marks of each record, in the form `dsp.delineate` gives its estimates.

        A beat's P is the last one that peaks between the R peak before it and its own; `p_waves`
        holds every P. The rule of the marks is that of `ecgsynth.truth.marks`.
        """
        pairs = zip(self._marks, self.r_peaks, strict=True)
        return [Waves(*marks[1:], peaks, self.fs) for marks, peaks in pairs]

    @functools.cached_property
    def p_waves(self) -> list[NDArray[np.float32]]:
        """For each record (events, 12, 3): onset, peak, offset in samples of every P, NaN if unseen."""
        return [marks[0] for marks in self._marks]

    @functools.cached_property
    def _marks(self) -> list[_Marks]:
        n_samples = self.signal.shape[-1]
        found = (_marks(batch, self.fs, n_samples) for batch in self.batches)
        return [marks for batch in found for marks in batch]

    def record(self, k: int) -> dsp.ECG:
        """Record k as an ECG with its beats (annotator ``atr``) and waves (``waves``) annotated.

        Examples
        --------
        >>> simulate(1, heart_rate=60).record(0).duration
        10.0
        """
        signal = np.asarray(
            self.signal[k].detach().cpu() if _is_tensor(self.signal) else self.signal[k]
        )
        knobs = {name: float(values[k]) for name, values in self.parameters.items()}
        meta: dict[str, Any] = {"age": round(knobs["age"]), "sex": "M" if knobs["male"] else "F"}
        meta |= {"labels": self.labels[k], "parameters": knobs}
        beats = dsp.Annotations(self.r_peaks[k], tuple(self.symbols[k].tolist()))
        marks = _annotations(self._marks[k])
        return dsp.ECG(
            signal, self.fs, TWELVE, annotations={"atr": beats, "waves": marks}, meta=meta
        )


def simulate(  # noqa: PLR0913 - the headline call: each argument is a thing people ask for
    n: int,
    *,
    heart_rate: ArrayLike | None = None,
    diagnosis: str | Sequence[str] | None = None,
    rhythm: str | Sequence[str] | None = None,
    age: ArrayLike | None = None,
    sex: str | Sequence[str] | None = None,
    fs: float = 500.0,
    duration: float = 10.0,
    noise: float | str | Mapping[str, float] | None = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    seed: "int | np.random.Generator | torch.Generator" = 0,
    device: "str | torch.device | None" = None,
) -> Simulation:
    """Simulate 12-lead ECGs.

    Parameters
    ----------
    n : number of records. Record k depends on `seed` and k only, never on n.
    heart_rate : bpm, one or (n,). The mean rate inside the record is exact in all regular rhythms;
        with premature or dropped beats it is the rate they disturb.
    diagnosis : a key of `ecgsynth.diseases.DISEASES` (or a name in use, such as LBBB), or n of them;
        ``"any"`` draws a clinical mixture; None is NORM.
    rhythm : a key of `ecgsynth.rhythm.RHYTHMS`, or n of them; None follows from rate and diagnosis.
    age, sex : years; F or M.
    fs : Hz. duration : s.
    noise : signal-to-noise ratio in dB, dB by kind (`ecgsynth.noise.add`), ``"ambulatory"``, or None.
    parameters : any other knob of `ecgsynth.patients.KNOBS`, such as
        ``{"qt": 0.44, "sdnn": 0.05, "severity": 1.0, "stage": "acute"}``.
    seed : names the series.
    device : None gives NumPy arrays. A torch device gives a tensor there, in one batch; unless
        gradients are switched off, it depends on every tensor of ``.batches[0].heart``.

    Returns
    -------
    Simulation.

    Raises
    ------
    dsp.ECGError
        For an unknown name, a value out of range, a wrong number of values, a rate or a duration
        that cannot be.

    Examples
    --------
    >>> sim = simulate(3, heart_rate=72, diagnosis="AMI")
    >>> sim.signal.shape, sim.labels[0], len(sim.r_peaks[0])
    ((3, 12, 5000), ('AMI', 'SR'), 12)
    """
    fs = checks.rate(fs)
    if n < 1 or not 1.0 <= duration <= 90_000.0:
        raise dsp.ECGError(f"n={n}, duration={duration} s: give n >= 1 and 1 to 90000 s.")
    asked = _knobs(n, heart_rate, age, sex, parameters)
    named = {"diagnosis": diagnosis, "rhythm": rhythm}
    series = series_seed(seed)

    def make(first: int, count: int) -> Patients:
        part = {name: _part(value, n, first, count) for name, value in named.items()}
        knobs = {name: _part(value, n, first, count) for name, value in asked.items()}
        return patients(
            count, first=first, seed=series, parameters=knobs, duration=duration, **part
        )

    n_samples = round(duration * fs)
    signal: Any
    if device is None:
        signal, batches = _arrays(n, n_samples, fs, make)
    else:
        signal, batches = _tensor(n, n_samples, fs, device, make)
    if noise is not None:
        signal = _noisy(signal, fs, noise, series)
    return _simulation(signal, fs, batches)


def _part(value: Any, n: int, first: int, count: int) -> Any:
    """The values of records `first` to `first + count`; one value stays one."""
    if value is None or isinstance(value, str) or np.ndim(value) == 0:
        return value
    if len(value) == 1:
        return value[0]
    if len(value) != n:
        raise dsp.ECGError(f"{len(value)} values for {n} records; give one, or one each.")
    return value[first : first + count]


def _knobs(
    n: int,
    heart_rate: ArrayLike | None,
    age: ArrayLike | None,
    sex: str | Sequence[str] | None,
    parameters: Mapping[str, ArrayLike] | None,
) -> dict[str, Any]:
    """All that is asked of the patients, in numbers."""
    asked: dict[str, Any] = dict(parameters or {})
    if isinstance(asked.get("stage"), str):
        if asked["stage"] not in STAGES:
            raise dsp.ECGError(f"stage {asked['stage']!r} is not one of {', '.join(STAGES)}.")
        asked["stage"] = STAGES[asked["stage"]]
    if sex is not None:
        letters = [sex] * n if isinstance(sex, str) else list(sex)
        if not set(letters) <= {"F", "M"}:
            raise dsp.ECGError(f"sex {sorted(set(letters))}: give F or M, or one of them each.")
        asked["male"] = np.array([float(letter == "M") for letter in letters])
    named = {"heart_rate": heart_rate, "age": age}
    asked |= {name: value for name, value in named.items() if value is not None}
    for name in asked:
        if name not in KNOBS:
            raise dsp.ECGError(f"parameter {name!r} is not known. Known: {' '.join(KNOBS)}.")
        asked[name] = np.asarray(asked[name], np.float64)
    return asked


Make = Callable[[int, int], Patients]


def _arrays(
    n: int, n_samples: int, fs: float, make: Make
) -> tuple[NDArray[np.float32], list[Patients]]:
    """Batch by batch into one array, a thread a core: batches are independent."""
    import torch

    from ecgsynth import dipole

    signal = np.empty((n, 12, n_samples), np.float32)
    size = max(1, CHUNK_SAMPLES // n_samples)
    own = threading.local()

    def fill(first: int) -> Patients:
        own.scratch = getattr(own, "scratch", None) or dipole.Scratch()
        batch = make(first, min(size, n - first))
        with torch.inference_mode():
            x8 = dipole.eight_leads(batch.heart.tensors(), fs, n_samples, scratch=own.scratch)
            dipole.twelve_leads(x8, out=torch.from_numpy(signal[first : first + size]))
        return batch

    return signal, cores.each(fill, range(0, n, size))


def _tensor(
    n: int, n_samples: int, fs: float, device: Any, make: Make
) -> "tuple[torch.Tensor, list[Patients]]":
    """All records at once, depending on the parameters."""
    import torch

    from ecgsynth import dipole

    batch = make(0, n)
    heart = batch.heart.tensors(device, requires_grad=torch.is_grad_enabled())
    x = dipole.twelve_leads(dipole.eight_leads(heart, fs, n_samples))
    return x, [dataclasses.replace(batch, heart=heart)]


def _noisy(signal: Any, fs: float, noise: float | str | Mapping[str, float], seed: int) -> Any:
    from ecgsynth import noise as source

    if isinstance(noise, str):
        if noise != "ambulatory":
            raise dsp.ECGError(f"noise {noise!r}: give dB, dB by kind, or 'ambulatory'.")
        noise = AMBULATORY_DB
    if not _is_tensor(signal):
        return source.add(signal, fs, noise, seed=seed)
    import torch

    clean = signal.detach().cpu().numpy()
    added = torch.from_numpy(source.add(clean, fs, noise, seed=seed) - clean)
    return signal + added.to(signal.device)


def _simulation(signal: Any, fs: float, batches: list[Patients]) -> Simulation:
    n_samples = signal.shape[-1]
    peaks: list[NDArray[np.int64]] = []
    symbols: list[NDArray[np.str_]] = []
    labels: list[tuple[str, ...]] = []
    for batch in batches:
        places, inside = _r_samples(batch, fs, n_samples)
        for i in range(len(places)):
            peaks.append(places[i][inside[i]])
            symbols.append(batch.rhythm.symbol[i][inside[i]])
        named = zip(batch.diagnosis.tolist(), batch.rhythm_code.tolist(), strict=True)
        labels += [_statements(diagnosis, code) for diagnosis, code in named]
    names = batches[0].knobs
    parameters = {name: np.concatenate([b.knobs[name] for b in batches]) for name in names}
    return Simulation(signal, fs, peaks, symbols, labels, parameters, tuple(batches))


def _statements(diagnosis: str, rhythm: str) -> tuple[str, ...]:
    beat = RHYTHMS[rhythm].statement or rhythm
    if diagnosis == "NORM" and rhythm not in {"SR", "SBRAD", "STACH", "SARRH"}:
        return (beat,)
    return diagnosis, beat


def _r_samples(
    batch: Patients, fs: float, n_samples: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(n, E) sample of each R peak, and whether it lies inside the record."""
    places = np.rint(np.nan_to_num(batch.rhythm.time, nan=1e9) * fs).astype(np.int64)
    return places, (places >= 0) & (places < n_samples)


def _marks(batch: Patients, fs: float, n_samples: int) -> Iterator[_Marks]:
    """Of each record every P, then positions, probability and overall marks as `Waves` has them."""
    found = truth.waves(batch.heart.arrays(), batch.marks, fs, n_samples)
    places, inside = _r_samples(batch, fs, n_samples)
    each, together = truth.by_beat(found, places)
    positions = each.transpose(0, 3, 1, 2, 4).astype(np.float64)
    present = np.isfinite(positions[..., 1]).astype(np.float64)
    overall = together.astype(np.float64)
    atria = (batch.rhythm.p_time > -0.2) & (batch.rhythm.p_time < n_samples / fs + 0.2)
    for i, kept in enumerate(inside):
        yield found["P"][i][atria[i]], positions[i][:, kept], present[i][:, kept], overall[i][kept]


def _annotations(marks: _Marks) -> dsp.Annotations:
    """WFDB's ( p ), ( N ), ( t ) marks of all leads together."""
    p_all, _, _, overall = marks
    seen = p_all[np.isfinite(p_all[..., 1]).any(1)]
    p = np.stack(
        [np.nanmin(seen[..., 0], 1), np.nanmedian(seen[..., 1], 1), np.nanmax(seen[..., 2], 1)], 1
    )
    found = []
    for symbol, rows in (("p", p), ("N", overall[:, 1]), ("t", overall[:, 2])):
        for row in rows[np.isfinite(rows).all(1)]:
            found += [
                (round(float(v)), mark) for v, mark in zip(row, ("(", symbol, ")"), strict=True)
            ]
    found.sort()
    samples = np.array([v for v, _ in found], np.int64)
    return dsp.Annotations(samples, tuple(mark for _, mark in found))


def _is_tensor(x: Any) -> bool:
    return not isinstance(x, np.ndarray)
