"""Cohort: recordings of any origin as one array at one rate, with patients, labels and parameters."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import dsp
from dsp import checks, filters, leads
from dsp.datasets import fault
from dsp.datasets.dataset import Entry
from dsp.errors import LengthError, SignalError

LONGEST: Final = 10.0
SHORTEST: Final = 5.0
"""Seconds; what is longer is cut, what is shorter cannot be compared."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Recordings to compare.

    Attributes
    ----------
    signal : (n, 12, time) float32 mV. fs : Hz.
    groups : (n,) the patient of each.
    labels : n tuples.
    parameters : name -> (n,), what was asked of each; empty for real ones.
    left_out : recordings that could not be used, with the reason.

    Examples
    --------
    >>> one = Cohort(np.zeros((1, 12, 5000), np.float32), 500.0, np.array(["a"]), [()], {})
    >>> one.at(250.0, 5.0).signal.shape
    (1, 12, 1250)
    """

    signal: checks.Signal
    fs: float
    groups: NDArray[Any]
    labels: list[tuple[str, ...]]
    parameters: Mapping[str, NDArray[np.float64]]
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.signal)

    @property
    def duration(self) -> float:
        """Seconds."""
        return float(self.signal.shape[-1] / self.fs)

    def at(self, fs: float, duration: float) -> "Cohort":
        """The same at another rate, its first `duration` seconds."""
        x = self.signal if fs == self.fs else filters.resample(self.signal, self.fs, fs)
        return dataclasses.replace(self, signal=x[..., : round(duration * fs)], fs=fs)

    def ecg(self, k: int) -> dsp.ECG:
        """Recording k."""
        return dsp.ECG(self.signal[k], self.fs, leads.TWELVE)


def cohort(given: Any) -> Cohort:
    """A cohort of whatever came in.

    Parameters
    ----------
    given : an object with `signal` (n, 12, time) and `fs`, and perhaps `labels`, `parameters`,
        `groups`; or `dsp.ECG`s or entries of a data set, of any leads that determine all twelve.
        Of those, recordings with a fault (`dsp.datasets.fault`) or below 5 s are left out, and of a
        longer one only the first 10 s are used; all come to the lowest rate among them.

    Raises
    ------
    LengthError, SignalError
        For shapes other than these, gaps, or fewer than four usable recordings.

    Examples
    --------
    >>> import ecgsynth
    >>> len(cohort(ecgsynth.simulate(4, fs=100)))
    4
    """
    found = _of_arrays(given) if hasattr(given, "signal") else _of_records(given)
    if len(found) < 4:
        raise LengthError(f"{len(found)} usable recordings; four are the least to compare.")
    return found


def _of_arrays(given: Any) -> Cohort:
    x = given.signal
    x = checks.signal(x if isinstance(x, np.ndarray) else x.detach().cpu().numpy(), axes=3)
    if x.ndim != 3 or x.shape[1] != len(leads.TWELVE):
        raise LengthError(f"a signal of shape {x.shape}; expected (n, 12, time).")
    if not np.isfinite(x).all():
        raise SignalError("the signals have gaps; leave those recordings out, or fill them.")
    fs = checks.rate(given.fs)
    if x.shape[2] < SHORTEST * fs:
        raise LengthError(f"{x.shape[2] / fs:.3g} s a recording; {SHORTEST:g} s are the least.")
    groups = getattr(given, "groups", None)
    parameters = getattr(given, "parameters", None) or {}
    return Cohort(
        signal=x[..., : round(LONGEST * fs)],
        fs=fs,
        groups=np.arange(len(x)).astype(str) if groups is None else np.asarray(groups),
        labels=[tuple(names) for names in getattr(given, "labels", None) or [()] * len(x)],
        parameters={name: np.asarray(v, np.float64) for name, v in parameters.items()},
    )


def _of_records(given: Sequence[Any]) -> Cohort:
    usable: list[dsp.ECG] = []
    groups: list[str] = []
    labels: list[tuple[str, ...]] = []
    left_out: list[str] = []
    for k, item in enumerate(given):
        ecg = item.ecg if isinstance(item, Entry) else item
        if not isinstance(ecg, dsp.ECG):
            raise SignalError(
                f"recording {k} is of type {type(item).__name__}; give dsp.ECGs, entries of a data "
                "set, or an object with signal and fs."
            )
        name = str(ecg.meta.get("name", k))
        short = f"shorter than {SHORTEST:g} s" if ecg.duration < SHORTEST else None
        if reason := short or fault(ecg):
            left_out.append(f"{name}: {reason}")
            continue
        usable.append(ecg.crop(0, min(ecg.duration, LONGEST)).twelve_leads())
        groups.append(str(ecg.meta.get("patient") or ecg.meta.get("source") or name))
        labels.append(tuple(ecg.meta.get("labels") or ()))
    if not usable:
        raise LengthError(f"none of {len(left_out)} recordings can be used: {left_out[:3]}.")
    fs = min(ecg.fs for ecg in usable)
    seconds = min(ecg.duration for ecg in usable)
    signals = [ecg.resample(fs).signal[:, : round(seconds * fs)] for ecg in usable]
    return Cohort(np.stack(signals), fs, np.array(groups), labels, {}, tuple(left_out))


def together(*cohorts: Cohort) -> tuple[Cohort, ...]:
    """All at the lowest rate and of the shortest duration among them.

    Examples
    --------
    >>> import ecgsynth
    >>> a, b = together(*(cohort(ecgsynth.simulate(4, fs=fs)) for fs in (100, 250)))
    >>> a.signal.shape == b.signal.shape
    True
    """
    fs = min(c.fs for c in cohorts)
    duration = min(c.duration for c in cohorts)
    return tuple(c.at(fs, duration) for c in cohorts)
