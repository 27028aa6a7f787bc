"""The report: every path by every metric, as a table, a picture, JSON and a page."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dsp import ECG, storage
from dsp.statistics import Interval
from recon.gaps.decomposition import Split
from recon.gaps.latent import GAP

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMA: Final = "einthoven.gaps/1"
"""Name and version of the JSON; `recon.gaps.schema.JSON_SCHEMA` describes it."""

Level = Literal["signal", "beat", "decoded beat", "teacher", "judge"]
LEVELS: Final[Mapping[Level, str]] = {
    "signal": "ten seconds of the path's own signal, hidden independent leads",
    "beat": "median beat of the path's own signal",
    "decoded beat": "median beat that one fixed ridge decoder reads from the path's latent",
    "teacher": "latent space of the teacher",
    "judge": "latent space of an encoder never used in training",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One number of the report.

    Attributes
    ----------
    path, kind : its name, and a key of `recon.gaps.paths.KINDS`.
    leads : given.
    level : a key of `LEVELS`. metric, unit : what was measured.
    interval : value, 95 % interval by patient, records and patients it rests on.
    best : of a perfect path; None if there is none.
    floor : what two halves of the real records give; chance : what no information gives.
    """

    path: str
    kind: str
    leads: tuple[str, ...]
    level: Level
    metric: str
    unit: str
    interval: Interval
    best: float | None = None
    floor: float | None = None
    chance: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Recovery:
    """What a path keeps of one diagnosis, from the probe of the true latents and from its own.

    Attributes
    ----------
    path, kind, leads : as of `Row`. space : teacher or judge.
    probe : "transfer" (fitted to true latents) or "refit" (to the path's own).
    label : the statement; "macro" for the mean over all.
    n_positive : records that have it.
    auroc, ceiling, floor : of the path, of twelve leads, of the random encoder.
    ratio : (auroc - floor) / (ceiling - floor).
    """

    path: str
    kind: str
    leads: tuple[str, ...]
    space: str
    probe: str
    label: str
    n_positive: int
    auroc: Interval
    ceiling: float
    floor: float
    ratio: Interval


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """A record a path could not be scored on."""

    path: str
    leads: tuple[str, ...]
    record: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A record to look at: the truth, and what a path made of it."""

    title: str
    truth: ECG
    estimate: ECG


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class GapReport:
    """Every path by every metric.

    Attributes
    ----------
    rows : the numbers. recoveries : what is kept of each diagnosis.
    splits : the latent gap of each reconstruction that has a posterior, in three parts.
    ranks : by (path, leads): (n,) place of the true latent among all, nearest first, from 1.
    failures : records a path could not be scored on.
    examples : worst and best records of a reconstruction.
    cards : by title, facts by name: the records, the encoders, the paths.
    warnings : what to mistrust.

    Examples
    --------
    >>> GapReport((), (), (), {}, (), (), {}, ("nothing was compared",)).table.splitlines()[-1]
    '! nothing was compared'
    """

    rows: tuple[Row, ...]
    recoveries: tuple[Recovery, ...]
    splits: tuple[Split, ...]
    ranks: Mapping[tuple[str, tuple[str, ...]], NDArray[np.float64]]
    failures: tuple[Failure, ...]
    examples: tuple[Example, ...]
    cards: Mapping[str, Mapping[str, Any]]
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        return f"GapReport({len(self.paths)} paths, {len(self.lead_sets)} lead sets)"

    @property
    def paths(self) -> dict[str, str]:
        """Kind by name of path, in the order of the table."""
        return {row.path: row.kind for row in self.rows}

    @property
    def lead_sets(self) -> tuple[tuple[str, ...], ...]:
        """The lead sets, in the order asked for."""
        return tuple(dict.fromkeys(row.leads for row in self.rows))

    def find(self, path: str, leads: tuple[str, ...], level: Level, metric: str) -> Row | None:
        """One number, or None if this path has none."""
        wanted = (path, leads, level, metric)
        for row in self.rows:
            if (row.path, row.leads, row.level, row.metric) == wanted:
                return row
        return None

    def gap(self, path: str, leads: tuple[str, ...], level: Level) -> Interval | None:
        """The unexplained share at a level, or None if this path has none."""
        row = self.find(path, leads, level, GAP)
        return row.interval if row else None

    def macro(
        self, path: str, leads: tuple[str, ...], space: str = "teacher", probe: str = "transfer"
    ) -> Recovery | None:
        """The recovery over all diagnoses together, or None without labels."""
        wanted = (path, leads, space, probe, "macro")
        for part in self.recoveries:
            if (part.path, part.leads, part.space, part.probe, part.label) == wanted:
                return part
        return None

    @property
    def table(self) -> str:
        """Text: a block a lead set, a row a path, the headline numbers with their intervals."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield "Shares of the truth's variance that are unexplained (0 best), 95 % intervals by patient;"
        yield "R@1: the record found by its latent; recovery: 0 random encoder, 1 twelve leads."
        for leads in self.lead_sets:
            yield ""
            heads = ("beat", "decoded beat", "teacher", "judge", "R@1", "recovery")
            yield f"{' '.join(leads):<28}" + "".join(f"{head:>20}" for head in heads)
            for name, kind in self.paths.items():
                macro = self.macro(name, leads)
                found = self.find(name, leads, "teacher", "R@1")
                cells = [
                    *(
                        self.gap(name, leads, level)
                        for level in ("beat", "decoded beat", "teacher", "judge")
                    ),
                    found.interval if found else None,
                    macro.ratio if macro else None,
                ]
                if any(cells):
                    yield f"{kind:<4}{name:<24}" + "".join(f"{_cell(cell):>20}" for cell in cells)
        yield from (f"! {warning}" for warning in self.warnings)

    def plot(self, leads: tuple[str, ...] | None = None) -> Figure:
        """The plane: signal gap against latent gap, a point a path, with intervals.

        Parameters
        ----------
        leads : the lead set; the first if not given.

        Returns
        -------
        The figure, not attached to pyplot and not shown.
        """
        from recon.gaps import plane

        return plane.plot(self, leads or self.lead_sets[0])

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` writes: JSON values only, NaN as None."""
        return {
            "schema": SCHEMA,
            "levels": dict(LEVELS),
            "rows": [_plain(row) for row in self.rows],
            "recoveries": [_plain(part) for part in self.recoveries],
            "splits": [_plain(part) for part in self.splits],
            "failures": [_plain(part) for part in self.failures],
            "cards": _plain(self.cards),
            "warnings": list(self.warnings),
        }

    def to_json(self, path: str | pathlib.Path) -> None:
        """Write the numbers.

        Raises
        ------
        WriteError
            If the place cannot be written.
        """
        storage.write_json(path, self.to_dict())

    def to_html(self, path: str | pathlib.Path) -> None:
        """Write one page that holds everything, pictures included, and fetches nothing.

        Raises
        ------
        WriteError
            If the place cannot be written.
        """
        from recon.gaps import page

        storage.write_bytes(path, page.html(self).encode())


def _cell(interval: Interval | None) -> str:
    if interval is None or not math.isfinite(interval.value):
        return "-"
    return f"{interval.value:.2f} ({interval.low:.2f}-{interval.high:.2f})"


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
