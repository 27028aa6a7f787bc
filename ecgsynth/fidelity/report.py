"""The report: every finding a row, as text, as JSON, as a picture, as one page."""

import dataclasses
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsp.storage import write_bytes, write_json
from ecgsynth.fidelity.cohort import Cohort
from ecgsynth.fidelity.encoding import Measured
from ecgsynth.fidelity.floors import Beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAD = ("measure", "value", "95 % interval", "floor", "its range", "at its size", "real", "made")


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One row.

    Attributes
    ----------
    family : constraint, distribution, latent, physiology, control, utility or privacy.
    name, unit : of the measure.
    value, low, high : with its 95 % interval; NaN where there is none.
    floor, floor_low, floor_high : the same with real recordings in place of the synthetic ones:
        mean and range over random halves by patient, where the measure is a distance.
    at_floor : of as many synthetic recordings as the floor has; compare this one with the floor.
    n_real, n_synthetic : recordings it rests on.
    note : what else is to be known.

    Examples
    --------
    >>> Finding("privacy", "copies", "", 0.0).cells[:2]
    ('copies', '0')
    """

    family: str
    name: str
    unit: str
    value: float
    low: float = math.nan
    high: float = math.nan
    floor: float = math.nan
    floor_low: float = math.nan
    floor_high: float = math.nan
    at_floor: float = math.nan
    n_real: int = 0
    n_synthetic: int = 0
    note: str = ""

    @classmethod
    def of(cls, family: str, name: str, unit: str, found: Beside, note: str = "") -> "Finding":
        """The row of a distance with its floor."""
        return cls(
            family, name, unit, found.value, max(found.low, 0.0), found.high,
            float(found.floor.mean()), float(found.floor.min()), float(found.floor.max()),
            float(found.at_floor.mean()), found.n_real, found.n_synthetic, note,
        )  # fmt: skip

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of `HEAD`."""
        return (
            f"{self.name}, {self.unit}" if self.unit else self.name,
            _number(self.value),
            _range(self.low, self.high),
            _number(self.floor),
            _range(self.floor_low, self.floor_high),
            _number(self.at_floor),
            str(self.n_real or "-"),
            str(self.n_synthetic or "-"),
        )


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class FidelityReport:
    """What `ecgsynth.fidelity` found.

    Attributes
    ----------
    findings : `Finding`s, family by family.
    encoder : the name of what made the latent vectors.
    missing : what could not be judged, and why.
    real, synthetic : the cohorts, at one rate and duration.
    measured_real, measured_synthetic : what was measured of them.
    """

    findings: tuple[Finding, ...]
    encoder: str
    missing: tuple[str, ...]
    real: Cohort
    synthetic: Cohort
    measured_real: Measured
    measured_synthetic: Measured

    def __getitem__(self, name: str) -> Finding:
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(f"{name!r}; there are: {', '.join(f.name for f in self.findings)}")

    def __repr__(self) -> str:
        return f"FidelityReport({self.head})"

    @property
    def head(self) -> str:
        """What was compared, in one line."""
        real, made = self.real, self.synthetic
        return (
            f"{len(real)} real recordings of {len(set(real.groups.tolist()))} patients "
            f"({len(real.left_out)} left out), {len(made)} synthetic; {real.duration:g} s at "
            f"{real.fs:g} Hz; encoder: {self.encoder}"
        )

    @property
    def table(self) -> str:
        """Text: family by family, a row a measure; the floor is what real does in place of synthetic."""
        rows = [HEAD, *(finding.cells for finding in self.findings)]
        wide = [max(len(row[k]) for row in rows) for k in range(len(HEAD))]

        def line(row: tuple[str, ...]) -> str:
            rest = (f"{cell:>{w}}" for cell, w in zip(row[1:], wide[1:], strict=True))
            return "  ".join([f"  {row[0]:<{wide[0]}}", *rest])

        lines, family = [self.head, line(HEAD)], ""
        for finding in self.findings:
            if finding.family != family:
                family = finding.family
                lines.append(family)
            lines.append(line(finding.cells) + (f"  {finding.note}" if finding.note else ""))
        return "\n".join(lines + [f"not judged: {reason}" for reason in self.missing])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None where there is no number."""
        rows = [
            {
                key: None if isinstance(value, float) and not math.isfinite(value) else value
                for key, value in dataclasses.asdict(finding).items()
            }
            for finding in self.findings
        ]
        return {
            "real": len(self.real),
            "synthetic": len(self.synthetic),
            "patients": len(set(self.real.groups.tolist())),
            "left_out": list(self.real.left_out + self.synthetic.left_out),
            "fs": self.real.fs,
            "duration": self.real.duration,
            "encoder": self.encoder,
            "findings": rows,
            "missing": list(self.missing),
        }

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write `to_dict` as a file."""
        write_json(path, self.to_dict())

    def plot(self, ax: "Axes | None" = None) -> "Figure":
        """Draw each distance at the floor's size, as a multiple of the floor."""
        from ecgsynth.fidelity import pictures

        return pictures.forest(self, ax)

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one page with the table and pictures; it needs no other file and no network."""
        from ecgsynth.fidelity import page

        write_bytes(Path(path), page.html(self).encode())


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _range(low: float, high: float) -> str:
    return f"{_number(low)} to {_number(high)}" if np.isfinite(low) else "-"
