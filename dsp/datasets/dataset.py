"""A data set: entries that know labels, patient and split at once, and read their signal only when asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from dsp.datasets.faults import fault
from dsp.errors import ReadError
from dsp.record import ECG


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One recording of a data set, its signal still on the disk.

    Attributes
    ----------
    name : unique within einthoven, ``"ludb/2"``, ``"ptb-xl/HR00001"``.
    source : the data set, ``"ludb"``.
    path : of the recording, as `read` wants it.
    read : reads `path`; use `ecg` instead.
    labels : what the data set says of the recording, in its own codes.
    patient : the same text for the same person, in every data set; None where unknown.
    split : the data set's own part, such as ``train``, ``val``, ``test``, ``DS1``; None without one.
    age : years; None if unknown. Ages the source hides (over 89) are 90.
    sex : ``"F"``, ``"M"`` or None.
    details : whatever else the data set tells, under its own names.

    Examples
    --------
    >>> import numpy as np
    >>> entry = Entry("a/1", "a", Path("1"), lambda path: ECG(np.zeros(500), 500, ["I"]))
    >>> entry.ecg.meta["name"], entry.group
    ('a/1', 'a')
    """

    name: str
    source: str
    path: Path
    read: Callable[[Path], ECG] = dataclasses.field(repr=False)
    labels: tuple[str, ...] = ()
    patient: str | None = None
    split: str | None = None
    age: float | None = None
    sex: str | None = None
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def ecg(self) -> ECG:
        """The recording, read anew each time; its `meta` holds the fields above as well."""
        ecg = self.read(self.path)
        known = {
            field: ecg.meta.get(field) if getattr(self, field) is None else getattr(self, field)
            for field in ("name", "source", "labels", "patient", "split", "age", "sex")
        }
        return dataclasses.replace(ecg, meta={**ecg.meta, **self.details, **known})

    @property
    def group(self) -> str:
        """What must stay on one side of a split: the patient, or the data set where unknown."""
        return self.patient or self.source


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dataset(Sequence[Entry]):
    """Entries in a fixed order; a sequence, and nothing is read until an entry's `ecg` is.

    Attributes
    ----------
    title : what it is, for people.
    entries : the entries.

    Examples
    --------
    >>> Dataset("Nothing")
    Dataset(Nothing: 0 recordings of 0 groups)
    """

    title: str
    entries: tuple[Entry, ...] = ()

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, key: int | np.integer[Any] | str) -> Entry: ...
    @overload
    def __getitem__(self, key: slice | NDArray[np.bool_ | np.integer[Any]]) -> Dataset: ...
    def __getitem__(
        self, key: int | np.integer[Any] | str | slice | NDArray[np.bool_ | np.integer[Any]]
    ) -> Entry | Dataset:
        """The entry at a place or of a name; the part a slice, a mask (n,) or places (k,) take."""
        if isinstance(key, slice):
            return dataclasses.replace(self, entries=self.entries[key])
        if isinstance(key, np.ndarray):
            places = np.arange(len(self))[key]
            return dataclasses.replace(self, entries=tuple(self.entries[i] for i in places))
        if not isinstance(key, str):
            return self.entries[key]
        for entry in self.entries:
            if key in (entry.name, entry.name.partition("/")[2]):
                return entry
        raise ReadError(
            f"{self.title} has no recording {key!r}; its names are like {self._like()}."
        )

    def _like(self) -> str:
        return self.entries[0].name if self.entries else "none: it is empty"

    def __add__(self, other: Dataset) -> Dataset:
        return Dataset(f"{self.title} + {other.title}", self.entries + other.entries)

    def __repr__(self) -> str:
        groups = len(set(self.groups))
        return f"Dataset({self.title}: {len(self)} recordings of {groups} groups)"

    @property
    def groups(self) -> tuple[str, ...]:
        """The group of each entry, for `grouped_folds` and `dsp.statistics.bootstrap`."""
        return tuple(entry.group for entry in self.entries)

    def filter(self, keep: Callable[[Entry], bool]) -> Dataset:
        """The entries `keep` says yes to.

        Examples
        --------
        >>> len(Dataset("Nothing").filter(lambda entry: entry.sex == "F"))
        0
        """
        return dataclasses.replace(self, entries=tuple(filter(keep, self.entries)))

    def split(self, name: str) -> Dataset:
        """The data set's own part of that name.

        Raises
        ------
        ReadError
            If no entry belongs to it; the message names the parts there are.

        Examples
        --------
        >>> Dataset("Nothing").split("train")
        Traceback (most recent call last):
        ...
        dsp.errors.ReadError: Nothing has no part 'train'; it has: none.
        """
        part = self.filter(lambda entry: entry.split == name)
        if not part:
            parts = sorted({entry.split for entry in self.entries if entry.split})
            raise ReadError(
                f"{self.title} has no part {name!r}; it has: {', '.join(parts) or 'none'}."
            )
        return part

    def faults(self) -> dict[str, str]:
        """Why recordings should not be trained on, by name; reads every signal once.

        Returns
        -------
        Name to reason, of `fault`, for those recordings only that have one.

        Examples
        --------
        >>> Dataset("Nothing").faults()
        {}
        """
        reasons = ((entry.name, fault(entry.ecg)) for entry in self.entries)
        return {name: reason for name, reason in reasons if reason}
