"""ECG: one recording, its leads, its time, its annotations; never changed once made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import checks, filters, leads
from dsp.errors import LeadError, LengthError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Annotations:
    """Marks on a recording, in the terms of WFDB.

    Attributes
    ----------
    samples : (n,) int64, ascending sample indices.
    symbols : n strings, such as ``N``, ``V``, ``+``, ``(``, ``p``, ``)``.
    notes : n strings (WFDB's auxiliary text), empty where there is none.
    subtypes, channels, numbers : (n,) int64, WFDB's small fields; zero unless given.

    Raises
    ------
    LengthError
        If the fields differ in length.

    Examples
    --------
    >>> Annotations([10, 300], ["N", "V"]).symbols
    ('N', 'V')
    """

    samples: NDArray[np.int64]
    symbols: tuple[str, ...]
    notes: tuple[str, ...] = ()
    subtypes: NDArray[np.int64] = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    channels: NDArray[np.int64] = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    numbers: NDArray[np.int64] = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        n = len(self.samples)
        for name in ("samples", "subtypes", "channels", "numbers"):
            given = getattr(self, name)
            values = np.array(given if len(given) else np.zeros(n), np.int64)
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        object.__setattr__(self, "symbols", tuple(self.symbols))
        object.__setattr__(self, "notes", tuple(self.notes) or ("",) * n)
        lengths = {f.name: len(getattr(self, f.name)) for f in dataclasses.fields(self)}
        if set(lengths.values()) != {n}:
            raise LengthError(f"annotation fields differ in length: {lengths}.")

    def __len__(self) -> int:
        return len(self.samples)

    def select(self, keep: NDArray[np.bool_] | Iterable[str]) -> Annotations:
        """The annotations a mask (n,) keeps, or those with one of the given symbols.

        Examples
        --------
        >>> len(Annotations([1, 2], ["N", "V"]).select("V"))
        1
        """
        if not isinstance(keep, np.ndarray):
            wanted = set(keep)
            keep = np.array([symbol in wanted for symbol in self.symbols], bool)
        places = np.flatnonzero(keep)
        return Annotations(
            self.samples[places],
            tuple(self.symbols[i] for i in places),
            tuple(self.notes[i] for i in places),
            self.subtypes[places],
            self.channels[places],
            self.numbers[places],
        )

    def crop(self, start: int, stop: int) -> Annotations:
        """Those with start <= sample < stop, counted from `start`.

        Examples
        --------
        >>> Annotations([10, 300], ["N", "V"]).crop(200, 400).samples.tolist()
        [100]
        """
        kept = self.select((self.samples >= start) & (self.samples < stop))
        return dataclasses.replace(kept, samples=kept.samples - start)

    def resample(self, ratio: float) -> Annotations:
        """The same moments when the sampling rate is multiplied by `ratio`.

        Examples
        --------
        >>> Annotations([100], ["N"]).resample(0.5).samples.tolist()
        [50]
        """
        return dataclasses.replace(self, samples=np.rint(self.samples * ratio).astype(np.int64))


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class ECG:
    """One recording: leads by time, in millivolt; immutable.

    Parameters
    ----------
    signal : (leads, time), or (time,) for one lead; NaN marks gaps. Copied unless read-only.
    fs : sampling rate, Hz.
    leads : a name for each row, in any common spelling.
    unit : of `signal`; it is stored in mV.
    annotations : `Annotations` by annotator, such as ``{"atr": ...}``.
    meta : anything else worth keeping: age, sex, diagnoses, comments.

    Raises
    ------
    SignalError, LengthError, RateError, LeadError, UnitError
        When one of them cannot be right; the message says what and where.

    Examples
    --------
    >>> ecg = ECG(np.zeros((2, 5000)), 500, ("I", "II"))
    >>> ecg.duration, ecg["II"].shape, ecg.crop(2.0, 7.0).duration
    (10.0, (5000,), 5.0)
    """

    signal: checks.Signal
    fs: float
    leads: tuple[str, ...]
    unit: dataclasses.InitVar[str] = "mV"
    annotations: Mapping[str, Annotations] = dataclasses.field(default_factory=dict)
    meta: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self, unit: str) -> None:
        given: ArrayLike = self.signal
        x = checks.signal(given)
        if x.ndim == 1:
            x = x[None]
        if x.ndim != 2:
            raise LengthError(
                f"shape {x.shape}: a recording is (leads, time); make one ECG of each."
            )
        factor = checks.scale_to_millivolt(unit)
        if factor != 1.0:
            x = x * np.float32(factor)
        elif x.flags.writeable:
            x = x.copy()
        x.flags.writeable = False
        set_ = object.__setattr__
        set_(self, "signal", checks.millivolt(x))
        set_(self, "fs", checks.rate(self.fs))
        set_(self, "leads", leads.canonical_all(self.leads, len(x)))
        set_(self, "annotations", MappingProxyType(dict(self.annotations)))
        set_(self, "meta", MappingProxyType(dict(self.meta)))

    @property
    def duration(self) -> float:
        """Seconds, n_samples / fs."""
        return float(self.signal.shape[1] / self.fs)

    @property
    def n_samples(self) -> int:
        """Samples per lead."""
        return int(self.signal.shape[1])

    @property
    def times(self) -> NDArray[np.float64]:
        """(time,) seconds of each sample, index / fs."""
        return np.arange(self.n_samples) / self.fs

    def __repr__(self) -> str:
        marks = "".join(f", {len(a)} {name}" for name, a in self.annotations.items())
        return f"ECG({' '.join(self.leads)}; {self.duration:g} s at {self.fs:g} Hz{marks})"

    def __getitem__(self, key: Any) -> Any:
        """A lead's samples ``ecg["II"]``, part of them ``ecg["II", 2.0:5.0]``, or ``ecg[2.0:5.0]``."""
        if isinstance(key, slice):
            return self.crop(*_span(key, self.duration))
        if isinstance(key, tuple) and key and isinstance(key[-1], slice):
            inner = key[:-1] if len(key) > 2 else key[0]
            return self.crop(*_span(key[-1], self.duration))[inner]
        if isinstance(key, str):
            return self.signal[self._row(key)]
        return self.signal[[self._row(name) for name in key]]

    def _row(self, name: str) -> int:
        lead = leads.canonical(name)
        if lead not in self.leads:
            raise LeadError(f"no lead {lead} in this recording; it has {' '.join(self.leads)}.")
        return self.leads.index(lead)

    def _with(self, **changes: Any) -> ECG:
        kept: dict[str, Any] = {"signal": self.signal, "fs": self.fs, "leads": self.leads}
        kept |= {"annotations": self.annotations, "meta": self.meta} | changes
        kept["signal"].flags.writeable = False
        return ECG(**kept)

    def select(self, *names: str) -> ECG:
        """The named leads, in the order named.

        Raises
        ------
        LeadError
            If one is not there.

        Examples
        --------
        >>> ECG(np.zeros((2, 500)), 500, ("I", "II")).select("II").leads
        ('II',)
        """
        wanted = leads.canonical_all(names)
        return self._with(signal=self.signal[[self._row(name) for name in wanted]], leads=wanted)

    def rename(self, names: Mapping[str, str]) -> ECG:
        """The same recording with leads renamed, ``{"MLII": "II"}``.

        Raises
        ------
        LeadError
            If an old name is not there, or a new one is not a lead.

        Examples
        --------
        >>> ECG(np.zeros(500), 500, ["MLII"]).rename({"MLII": "II"}).leads
        ('II',)
        """
        new = list(self.leads)
        for old, name in names.items():
            new[self._row(old)] = name
        return self._with(leads=tuple(new))

    def crop(self, start: float, stop: float) -> ECG:
        """The part from `start` to `stop` seconds, annotations included.

        Raises
        ------
        LengthError
            If the part is empty or outside the recording.

        Examples
        --------
        >>> ECG(np.zeros(5000), 500, ["I"]).crop(2, 7).n_samples
        2500
        """
        first, last = round(start * self.fs), round(stop * self.fs)
        if not 0 <= first < last <= self.n_samples:
            raise LengthError(
                f"crop({start:g}, {stop:g}) s of a recording of {self.duration:g} s; "
                "give 0 <= start < stop <= duration."
            )
        return self._with(
            signal=self.signal[:, first:last],
            annotations={k: a.crop(first, last) for k, a in self.annotations.items()},
        )

    def resample(self, fs: float) -> ECG:
        """The recording at another sampling rate, annotations moved to the nearest sample.

        Raises
        ------
        RateError
            If `fs` is no rate for an ECG.

        Examples
        --------
        >>> ECG(np.zeros(5000), 500, ["I"]).resample(250).n_samples
        2500
        """
        to = checks.rate(fs)
        return self._with(
            signal=filters.resample(self.signal, self.fs, to),
            fs=to,
            annotations={k: a.resample(to / self.fs) for k, a in self.annotations.items()},
        )

    def twelve_leads(self) -> ECG:
        """All twelve leads in standard order; limb leads that are missing follow by algebra.

        Raises
        ------
        LeadError
            If the leads given do not determine all twelve.

        Examples
        --------
        >>> ECG(np.zeros((8, 500)), 500, "I II V1 V2 V3 V4 V5 V6").twelve_leads().leads[2]
        'III'
        """
        present = [lead for lead in leads.TWELVE if lead in self.leads]
        given = leads.rows(tuple(present)) if present else np.zeros((0, 8))
        if np.linalg.matrix_rank(given) < 8:
            raise LeadError(
                f"{' '.join(self.leads)} do not determine all twelve leads; "
                "recon.to_12lead(ecg) estimates the rest."
            )
        x8 = np.linalg.pinv(given) @ self[present].astype(np.float64)
        x12 = leads.twelve(x8)
        for lead in present:
            x12[leads.TWELVE.index(lead)] = self[lead]
        return self._with(signal=x12, leads=leads.TWELVE)

    def annotate(self, name: str, marks: Annotations) -> ECG:
        """The recording with `marks` under the annotator `name`.

        Examples
        --------
        >>> list(ECG(np.zeros(500), 500, ["I"]).annotate("qrs", Annotations([9], "N")).annotations)
        ['qrs']
        """
        return self._with(annotations={**self.annotations, name: marks})

    def plot(self, **options: Any) -> Figure:
        """Draw on ECG paper; `options` as for `dsp.plot`.

        Examples
        --------
        >>> figure = ECG(np.zeros(5000), 500, ["I"]).plot()
        """
        from dsp import paper

        return paper.plot(self, **options)

    def _repr_html_(self) -> str:
        from dsp import paper

        return paper.html(self)


def _span(part: slice, duration: float) -> tuple[float, float]:
    if part.step is not None:
        raise LengthError("a time slice has no step; use ecg.resample(fs).")
    start = 0.0 if part.start is None else float(part.start)
    stop = duration if part.stop is None else float(part.stop)
    return start, stop
