"""Request: what the caller says of a file, held against what the file says of itself."""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp import checks, leads
from dsp.errors import ECGError, LeadError, LengthError, RateError, ReadError, UnitError
from dsp.record import ECG, Annotations


@dataclasses.dataclass(frozen=True)
class Request:
    """The arguments of `dsp.read`, with the one way of settling each of them."""

    path: Path
    annotators: tuple[str, ...] | None = None
    rename: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    unit: str | None = None
    fs: float | None = None
    leads: Sequence[str] | None = None
    start: float | None = None
    stop: float | None = None

    def rate(self, stated: float | None) -> float:
        """The sampling rate, Hz: the file's, or the caller's where the file has none.

        Raises
        ------
        ReadError
            If neither says.
        RateError
            If they disagree, or no ECG has that rate.
        """
        if stated is None and self.fs is None:
            raise ReadError(
                f"{self.path.name} does not say its sampling rate; give it in Hz: "
                "dsp.read(path, fs=500)."
            )
        given = None if self.fs is None else checks.rate(self.fs)
        if stated is None:
            return checks.rate(given)
        if given is not None and abs(given - stated) > 1e-6 * stated:
            raise RateError(
                f"fs={given:g} was given, but {self.path.name} says {stated:g} Hz; leave fs out, "
                "and resample after reading if another rate is wanted."
            )
        with self._naming():
            return checks.rate(stated)

    def to_millivolt(self, stated: str | None) -> float:
        """Factor from the file's unit to mV; the caller's unit where the file has none.

        Raises
        ------
        ReadError
            If neither says.
        UnitError
            If they disagree, or it is not a voltage.
        """
        if stated is None and self.unit is None:
            raise ReadError(
                f'{self.path.name} does not say its unit; give it: dsp.read(path, unit="mV"), or '
                '"uV" for counts of 1000 per mV.'
            )
        factor = checks.scale_to_millivolt(str(self.unit if stated is None else stated))
        if self.unit is not None and checks.scale_to_millivolt(self.unit) != factor:
            raise UnitError(
                f"unit={self.unit!r} was given, but {self.path.name} says {stated!r}; leave unit out."
            )
        return factor

    def rows(self, stated: Sequence[str] | None, n_rows: int) -> dict[str, int]:
        """Which row of the file each lead of the result comes from, in the order wanted.

        Raises
        ------
        ReadError
            If the file names no leads and the caller does not either.
        LeadError
            For a name that is no lead, a lead named twice, or one that is not there.
        """
        if stated is None:
            if self.leads is None:
                raise ReadError(
                    f"{self.path.name} does not name its {n_rows} leads; name the rows in order: "
                    'dsp.read(path, leads=("I", "II", ...)).'
                )
            with self._naming():
                return {name: k for k, name in enumerate(leads.canonical_all(self.leads, n_rows))}
        named = self._renamed([str(name) for name in stated])
        if self.leads is None:
            with self._naming():
                names = leads.canonical_all(list(named.values()))
            return dict(zip(names, named, strict=True))
        present = {}
        for row, name in named.items():
            lead = _lead_or_none(name)
            if lead in present:
                raise LeadError(f"{self.path.name} names lead {lead} twice; rename one of the two.")
            if lead is not None:
                present[lead] = row
        wanted = leads.canonical_all(self.leads)
        missing = [name for name in wanted if name not in present]
        if missing:
            raise LeadError(
                f"{self.path.name} has no lead {' '.join(missing)}; its channels are "
                f"{', '.join(stated)}."
            )
        return {name: present[name] for name in wanted}

    def _renamed(self, stated: list[str]) -> dict[int, str]:
        """The name of each row that is kept."""
        unknown = [name for name in self.rename if name not in stated]
        if unknown:
            raise LeadError(
                f"rename: {self.path.name} has no channel {unknown[0]!r}; its channels are "
                f"{', '.join(stated)}."
            )
        new = {k: self.rename.get(name, name) for k, name in enumerate(stated)}
        kept = {k: name for k, name in new.items() if name is not None}
        if not kept:
            raise LeadError(f"no channel of {self.path.name} is left; it has {', '.join(stated)}.")
        return kept

    def span(self, fs: float, n_samples: int) -> tuple[int, int]:
        """First sample and the one past the last.

        Raises
        ------
        LengthError
            If `start` or `stop` is outside the recording, or nothing is between them.
        """
        try:
            first = 0 if self.start is None else round(float(self.start) * fs)
            last = n_samples if self.stop is None else round(float(self.stop) * fs)
        except (TypeError, ValueError, OverflowError):
            first = last = -1
        last = min(last, n_samples)
        if not 0 <= first < last:
            raise LengthError(
                f"start={self.start}, stop={self.stop} s of {self.path.name}, which lasts "
                f"{n_samples / fs:g} s; give 0 <= start < stop, start before the end."
            )
        return first, last

    def record(
        self,
        x: NDArray[Any],
        fs: float,
        rows: Iterable[str],
        annotations: Mapping[str, Annotations],
        meta: Mapping[str, Any],
    ) -> ECG:
        """The recording, if `x` (leads, time) in mV can be one.

        Raises
        ------
        SignalError, UnitError, LengthError
            As `ECG`, with the file's name.
        """
        with np.errstate(over="ignore"):  # beyond float32 is beyond any ECG: ECG says so
            signal = np.asarray(x, np.float32)
        signal.flags.writeable = False
        with self._naming():
            return ECG(signal, fs, tuple(rows), annotations=annotations, meta=meta)

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        """Errors that arise inside begin with the file's name."""
        try:
            yield
        except ECGError as error:
            raise type(error)(f"{self.path.name}: {error}") from None

    def marks(
        self, found: Mapping[str, Annotations], first: int, last: int, n_samples: int
    ) -> dict[str, Annotations]:
        """The annotations wanted, in the time wanted.

        Raises
        ------
        ReadError
            If an annotator asked for is not there.
        """
        missing = [name for name in self.annotators or () if name not in found]
        if missing:
            raise ReadError(
                f"{self.path.name} has no annotator {missing[0]!r}; it has "
                f"{', '.join(found) or 'none'}."
            )
        kept = {
            name: found[name] for name in (found if self.annotators is None else self.annotators)
        }
        if (first, last) == (0, n_samples):
            return kept
        return {name: marks.crop(first, last) for name, marks in kept.items()}


def _lead_or_none(name: str) -> str | None:
    try:
        return leads.canonical(name)
    except LeadError:
        return None
