"""The population: the windows of many patients, from recordings or from the simulator."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from dsp import ECG, SignalError, checks, datasets, filters, leads
from recon.gaussian import Gaussian, covariance, split
from recon.voting import EIGHT_OF_TWELVE

_VOTERS: Final = 400  # simulated patients of whom the Gaussian is made: more cost time only
FS: Final = 100.0
WINDOW: Final = 10.0
"""Seconds; the unit that figures are averaged over."""
WEAKEST_MV: Final = 0.005
LARGEST_MV: Final = 6.0
"""A window whose quietest lead is below the one, or whose largest sample above the other, is left
out of training and of figures: an electrode was off, or it was not the heart."""


def windows(ecg: ECG) -> Iterator[checks.Signal]:
    """The ten-second windows of a recording that can be learned from or scored on.

    Parameters
    ----------
    ecg : leads that determine all twelve.

    Yields
    ------
    (8, 1000) float32 mV, the eight leads at 100 Hz, 0.5-40 Hz, mean removed; without gaps.

    Raises
    ------
    LeadError
        If the leads do not determine all twelve.

    Examples
    --------
    >>> wave = np.cumsum(np.random.default_rng(0).normal(size=(8, 6000)), axis=1) / 100
    >>> [w.shape for w in windows(ECG(wave, 500, leads.EIGHT))]
    [(8, 1000)]
    """
    x8 = ecg.twelve_leads()[leads.EIGHT]
    x8 = filters.clean(filters.resample(x8, ecg.fs, FS), FS)
    step = round(WINDOW * FS)
    for first in range(0, x8.shape[1] - step + 1, step):
        part = x8[:, first : first + step]
        part = part - part.mean(axis=1, keepdims=True)
        if part.std(axis=1).min() >= WEAKEST_MV and np.abs(part).max() <= LARGEST_MV:
            yield part


def known_by(parts: list[checks.Signal]) -> NDArray[np.float64]:
    """(bands, 8, 8) mV²: `recon.gaussian.covariance`, mean over a record's windows.

    Examples
    --------
    >>> known_by([np.eye(8, 1000, dtype="f4")]).shape
    (2, 8, 8)
    """
    return np.asarray(np.mean([covariance(split(part, FS)) for part in parts], axis=0))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Windows of many records, and who is kin to whom.

    Attributes
    ----------
    windows : (n, 8, 1000) float32 mV, as of `windows`.
    record : (n,) the record each window is of.
    known : (records, bands, 8, 8) mV², as of `known_by`.
    patients : of each record; the record's own name where the patient is unknown.
    groups : of each record, what must stay on one side of a split (`dsp.datasets.Entry.group`).
    about : counts by data set, and the names of records left out.
    """

    windows: checks.Signal
    record: NDArray[np.intp]
    known: NDArray[np.float64]
    patients: tuple[str, ...]
    groups: tuple[str, ...]
    about: dict[str, Any]

    @classmethod
    def of_folder(cls, root: str | Path) -> Self:
        """All twelve-lead recordings below a folder.

        Raises
        ------
        ReadError
            If there is no such data set.

        Examples
        --------
        >>> Cohort.of_folder("recordings").windows.shape  # doctest: +SKIP
        (463, 8, 1000)
        """
        return cls._of(datasets.twelve_lead(root))

    @classmethod
    def of_ptbxl(cls, root: str | Path) -> tuple[Self, Self]:
        """PTB-XL by its official folds: those to train on (1-9), and the tenth to judge by.

        Raises
        ------
        ReadError
            If it is not there.

        Examples
        --------
        >>> train, test = Cohort.of_ptbxl("ptb-xl-1.0.3")  # doctest: +SKIP
        """
        entries = datasets.ptbxl(root, fs=500)
        return (
            cls._of([entry for entry in entries if entry.split != "test"]),
            cls._of([entry for entry in entries if entry.split == "test"]),
        )

    @classmethod
    def simulated(cls, n: int, seed: int = 0) -> Self:
        """A clinical mixture of simulated patients, one window each; all may vote, up to 400.

        Examples
        --------
        >>> Cohort.simulated(3).windows.shape
        (3, 8, 1000)
        """
        import ecgsynth

        sim = ecgsynth.simulate(n, diagnosis="any", fs=FS, duration=WINDOW, seed=seed)
        x = filters.clean(sim.signal[:, EIGHT_OF_TWELVE], FS)
        x = x - x.mean(axis=-1, keepdims=True)
        good = (x.std(axis=-1).min(axis=1) >= WEAKEST_MV) & (np.abs(x).max((1, 2)) <= LARGEST_MV)
        x = x[good]
        known = np.stack([known_by([window]) for window in x[:_VOTERS]])
        names = tuple(f"simulated {k}" for k in range(len(x)))
        about = {"records": {"simulated": len(x)}, "seed": seed}
        return cls(x, np.arange(len(x)), known, names, names, about)

    @classmethod
    def _of(cls, entries: Sequence[datasets.Entry]) -> Self:
        from tqdm.auto import tqdm

        found: list[checks.Signal] = []
        record: list[int] = []
        known: list[NDArray[np.float64]] = []
        patients, groups, refused, counts = [], [], [], dict[str, int]()
        for entry in tqdm(entries, desc="recordings", disable=None):
            parts = list(windows(entry.ecg))
            if not parts:
                refused.append(entry.name)
                continue
            record += [len(known)] * len(parts)
            found += parts
            known.append(known_by(parts))
            patients.append(entry.patient or entry.name)
            groups.append(entry.group)
            counts[entry.source] = counts.get(entry.source, 0) + 1
        if not found:
            raise SignalError(f"{len(entries)} recordings, none with a window to learn from.")
        about = {"records": counts, "refused": refused}
        return cls(
            np.stack(found),
            np.array(record),
            np.stack(known),
            tuple(patients),
            tuple(groups),
            about,
        )

    def part(self, records: NDArray[np.intp]) -> Self:
        """Some of the records, in their old order.

        Examples
        --------
        >>> Cohort.simulated(5).part(np.array([1, 3])).windows.shape
        (2, 8, 1000)
        """
        records = np.sort(records)
        mine = np.isin(self.record, records)
        return type(self)(
            self.windows[mine],
            np.searchsorted(records, self.record[mine]),
            self.known[records[records < len(self.known)]],
            tuple(self.patients[k] for k in records),
            tuple(self.groups[k] for k in records),
            self.about,
        )

    def first_windows(self) -> checks.Signal:
        """(records, 8, 1000): the first window of each record, what figures are made on.

        Examples
        --------
        >>> Cohort.simulated(2).first_windows().shape
        (2, 8, 1000)
        """
        return self.windows[np.unique(self.record, return_index=True)[1]]

    def gaussian(self) -> Gaussian:
        """The closed form of these records.

        Examples
        --------
        >>> Cohort.simulated(4).gaussian().covariances.shape
        (2, 4, 8, 8)
        """
        return Gaussian.fit(self.known)

    def kin(self, names: tuple[str, ...]) -> NDArray[np.bool_]:
        """(n, voters): whose name (of `patients` or `groups`) a window's record shares.

        Examples
        --------
        >>> cohort = Cohort.simulated(3)
        >>> cohort.kin(cohort.patients).sum().item()
        3
        """
        each = np.array(names)
        return np.asarray(each[self.record][:, None] == each[: len(self.known)])
