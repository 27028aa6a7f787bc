"""Cohort: the same ten seconds of every record, for every path."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, overload

import numpy as np
from tqdm.auto import tqdm

from dsp import ECG, ECGError, LengthError, checks, leads
from dsp.datasets import Entry
from recon import population

FEWEST: Final = 8
"""Records below which there is nothing to compare."""
FS: Final = population.FS

Record = ECG | Entry


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Cohort:
    """Records that every path is given, and what is known of them.

    Attributes
    ----------
    names, groups : of each record: what it is called, and whom it must not be parted from.
    labels : its statements.
    signals : (n, 8, 1000) float32 mV, the first usable window of `recon.population.windows`.
    refused : why a record was left out, by name.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    signals: checks.Signal
    refused: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"Cohort({len(self)} records of {len(set(self.groups))} groups)"

    @property
    def n_samples(self) -> int:
        """Samples a lead."""
        return int(self.signals.shape[-1])

    def given(self, k: int, names: tuple[str, ...]) -> ECG:
        """What a path may see of record `k`: these leads, each filtered by itself, and no more."""
        return ECG(leads.rows(names) @ self.signals[k], FS, names)

    def twelve(self, rows: slice | Sequence[int]) -> checks.Signal:
        """(m, 12, 1000) float32 mV: the truth."""
        return leads.twelve(self.signals[rows])

    def records(self, rows: Sequence[int]) -> Records:
        """Twelve-lead records to fit a path to, made when asked for."""
        return Records(self, tuple(rows))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Records(Sequence[ECG]):
    """Some records of a cohort as a sequence of twelve-lead ECGs."""

    cohort: Cohort
    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, key: int) -> ECG: ...
    @overload
    def __getitem__(self, key: slice) -> Records: ...
    def __getitem__(self, key: int | slice) -> ECG | Records:
        """Record number `key` of these, its meta naming it and its patient; or some of them."""
        if isinstance(key, slice):
            return dataclasses.replace(self, rows=self.rows[key])
        row = self.rows[key]
        meta = {"name": self.cohort.names[row], "patient": self.cohort.groups[row]}
        return ECG(self.cohort.twelve([row])[0], FS, leads.TWELVE, meta=meta)


def gather(records: Iterable[Record], *, progress: bool = True) -> Cohort:
    """One window of each record; a record without one is refused with the reason.

    Parameters
    ----------
    records : ECGs (``meta`` may hold name, patient and labels) or entries of a data set.
    progress : show a bar.

    Raises
    ------
    LengthError
        If fewer than eight records, or only one group, are left.

    Examples
    --------
    >>> wave = np.cumsum(np.random.default_rng(0).normal(size=(8, 8, 6000)), axis=2) / 100
    >>> gather([ECG(w, 500, leads.EIGHT) for w in wave], progress=False)
    Cohort(8 records of 8 groups)
    """
    kept: list[tuple[str, str, tuple[str, ...]]] = []
    signals: list[checks.Signal] = []
    refused: dict[str, str] = {}
    for number, record in enumerate(
        tqdm(records, desc="records", disable=None if progress else True)
    ):
        name, group, labels = _known(record, number)
        try:
            window = _window(record)
        except (ECGError, OSError) as error:
            refused[name] = " ".join(str(error).split())[:200]
            continue
        signals.append(window)
        kept.append((name, group, labels))
    groups = {group for _, group, _ in kept}
    if len(kept) < FEWEST or len(groups) < 2:
        why = f" The first refused: {next(iter(refused.items()))}." if refused else ""
        raise LengthError(
            f"{len(kept)} usable records of {len(groups)} patients; a comparison needs at least "
            f"{FEWEST} of at least 2.{why}"
        )
    x = np.stack(signals)
    x.flags.writeable = False
    names, of, labelled = zip(*kept, strict=True)
    return Cohort(names, of, labelled, x, MappingProxyType(refused))


def _window(record: Record) -> checks.Signal:
    ecg = record.ecg if isinstance(record, Entry) else record
    for window in population.windows(ecg):
        return window
    raise LengthError(
        f"{ecg.duration:.3g} s hold no ten seconds free of gaps, dead leads "
        f"(below {population.WEAKEST_MV:g} mV) and samples beyond {population.LARGEST_MV:g} mV"
    )


def _known(record: Record, number: int) -> tuple[str, str, tuple[str, ...]]:
    """Name, group and labels."""
    if isinstance(record, Entry):
        return record.name, record.group, tuple(record.labels)
    meta: Mapping[str, Any] = record.meta
    name = str(meta.get("name") or f"record {number}")
    return name, str(meta.get("patient") or name), tuple(meta.get("labels") or ())
