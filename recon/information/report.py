"""LeadInformation: how many bits, and what share, any leads tell of any others; with intervals."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from dsp import LeadError, LengthError, SignalError, leads, statistics, storage
from dsp.statistics import Interval
from recon.information import worth
from recon.information.best import Best, best
from recon.information.errors import Errors
from recon.information.lead_sets import EVERYTHING, SUBSETS, code_of, rows_of
from recon.information.measures import Question, Values, count, mean_of_known

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class LeadInformation:
    """What leads tell of each other, of patients the predictor was not fitted on.

    Attributes
    ----------
    errors : second moments that all else is made of.
    groups : (n,) the patient of each record: the unit that intervals are drawn by.
    labels : (n,) the diagnoses of each, in the data's own codes.
    predictor : who guesses; information is what this family of models can read.
    noise : mV rms; what is finer than this is not counted as information.

    Examples
    --------
    >>> import recon
    >>> x = np.random.default_rng(0).normal(size=(5, 8, 1000))
    >>> info = recon.information(x, labels=[["AF"], ["AF"], [], [], []], predictor="linear", folds=2)
    >>> info
    LeadInformation(linear: 5 records of 5 patients)
    >>> info.score("V1", given="V1 V2").value, info.score(given="I II", measure="bits").value < 0.1
    (1.0, True)
    >>> info.difference(("V1", "V1"), ("V2", "V1")).low > 0.9
    True
    >>> info.subsets(about="all")[[0, 255]], info.tells().shape, info.counts("V1").shape
    (array([0., 1.]), (8, 8), (5, 256))
    >>> [found.size for found in info.best("electrodes")]
    [2, 3, 4, 5, 6, 7, 8]
    >>> info.diagnoses(), info.where("AF"), info.with_noise(0.02).noise
    ({'AF': 2}, LeadInformation(linear: 2 records of 2 patients), 0.02)
    """

    errors: Errors
    groups: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    predictor: str
    noise: float = 0.01

    def __len__(self) -> int:
        return len(self.groups)

    def __repr__(self) -> str:
        return (
            f"LeadInformation({self.predictor}: {len(self)} records of "
            f"{len(set(self.groups))} patients)"
        )

    def score(
        self,
        target: str | Sequence[str] | None = None,
        given: str | Sequence[str] = (),
        measure: str = "r2",
        *,
        wave: str = "all",
    ) -> Interval:
        """How much given leads tell of others.

        Parameters
        ----------
        target : of the eight leads; those of them that are not given, for None.
        given : leads that are, or determine, some of the eight.
        measure : a row of `recon.information.measures.MEASURES`: r2, pooled, bits, joint, rate or
            rmse.
        wave : all, P, QRS, ST or T; records without that wave are left out.

        Returns
        -------
        The value with its 95 % interval, by drawing patients.

        Raises
        ------
        LeadError
            If a target is not one of the eight, or `given` leaves one of them half known.
        SignalError
            If there is no such measure or wave.
        """
        return self.interval(self._one(target, given, measure, wave))

    def mean(
        self,
        target: str | Sequence[str] | None = None,
        given: str | Sequence[str] = (),
        measure: str = "r2",
        *,
        wave: str = "all",
    ) -> float:
        """The value of `score`, without its interval and so without waiting.

        Raises
        ------
        LeadError, SignalError
            As `score`.
        """
        return float(mean_of_known(self._one(target, given, measure, wave)))

    def difference(
        self,
        one: tuple[str | Sequence[str] | None, str | Sequence[str]],
        other: tuple[str | Sequence[str] | None, str | Sequence[str]],
        measure: str = "r2",
        *,
        wave: str = "all",
    ) -> Interval:
        """One score less another, on the same records; each is (target, given).

        Raises
        ------
        LeadError, SignalError
            As `score`.
        """
        a, b = (self._one(target, given, measure, wave) for target, given in (one, other))
        return statistics.paired(a, b, self.groups)

    def worth(
        self,
        target: str | Sequence[str] | None = None,
        measure: str = "r2",
        *,
        definition: str = "shapley",
    ) -> dict[str, Interval]:
        """What each lead adds to what is known of the targets.

        Parameters
        ----------
        target : of the eight leads; None for all eight together, where a lead also tells itself.
        measure : as `score`.
        definition : marginal, conditional or shapley, as in `recon.information.worth`.

        Returns
        -------
        Interval by lead, of those that are not targets. Shapley values sum to the score of the
        targets given all other leads.

        Raises
        ------
        LeadError, SignalError
            As `score`.

        Examples
        --------
        >>> import recon
        >>> x = np.random.default_rng(0).normal(size=(5, 8, 1000))
        >>> found = recon.information(x, predictor="linear", folds=2).worth()
        >>> round(sum(share.value for share in found.values()), 6)
        1.0
        """
        if definition not in worth.DEFINITIONS:
            raise SignalError(
                f"definition={definition!r}: there are {' '.join(worth.DEFINITIONS)}."
            )
        told = 0 if target is None else sum(1 << i for i in rows_of(target))
        players = EVERYTHING & ~told
        each = self.counts(target, measure) @ worth.DEFINITIONS[definition](players)
        return {
            lead: self.interval(each[:, i])
            for i, lead in enumerate(leads.EIGHT)
            if players >> i & 1
        }

    def tells(self, measure: str = "bits", *, definition: str = "shapley") -> Values:
        """(8, 8) what the lead of each row adds to what is known of the lead of each column; NaN for itself."""
        out = np.full((8, 8), np.nan)
        for target in range(8):
            others = EVERYTHING & ~(1 << target)
            value = self.counts(leads.EIGHT[target], measure).mean(axis=0)
            out[:, target] = value @ worth.DEFINITIONS[definition](others)
            out[target, target] = np.nan
        return out

    def best(
        self, by: Literal["leads", "electrodes"] = "leads", measure: str = "r2"
    ) -> tuple[Best, ...]:
        """The best lead set of each size, judged on all eight leads (given ones count as known).

        Chosen on the records it is scored on: see how far it is ahead before believing it.

        Parameters
        ----------
        by : leads, or electrodes on the patient (`recon.information.ELECTRODES`).
        measure : r2, pooled or joint.

        Raises
        ------
        SignalError
            As `score`.
        """
        return best(self, by, measure)

    def subsets(self, measure: str = "r2", *, about: Literal["hidden", "all"] = "hidden") -> Values:
        """(256,) values of every lead set, in the order of `recon.information.SUBSETS`.

        Parameters
        ----------
        measure : as `score`.
        about : the leads that are not given (NaN where all are), or all eight.
        """
        if about == "all":
            return np.asarray(self.counts(None, measure).mean(axis=0))
        return np.array([self.mean(None, given, measure) for given in SUBSETS[:-1]] + [np.nan])

    def where(self, label: str) -> LeadInformation:
        """The same of the records with a diagnosis; the predictor was fitted on all.

        Raises
        ------
        LengthError
            If no record has it; the message names those there are.
        """
        keep = np.array([label in mine for mine in self.labels], bool)
        if not keep.any():
            known = ", ".join(self.diagnoses()) or "none"
            raise LengthError(f"no record is labelled {label!r}; there are: {known}.")
        return dataclasses.replace(
            self,
            errors=self.errors.take(keep),
            groups=tuple(group for group, kept in zip(self.groups, keep, strict=True) if kept),
            labels=tuple(mine for mine in self.labels if label in mine),
        )

    def diagnoses(self, fewest: int = 1) -> dict[str, int]:
        """Labels by how many records have them, the commonest first; those of `fewest` and more."""
        found: dict[str, int] = {}
        for mine in self.labels:
            for label in dict.fromkeys(mine):
                found[label] = found.get(label, 0) + 1
        ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        return {label: n for label, n in ordered if n >= fewest}

    def with_noise(self, noise: float) -> LeadInformation:
        """The same with another noise floor, mV rms.

        Raises
        ------
        SignalError
            Unless it is above 0: without noise a lead that is known exactly tells infinitely much.
        """
        if not 0 < noise < np.inf:
            raise SignalError(f"noise={noise!r} mV: a noise floor is more than 0.")
        return dataclasses.replace(self, noise=noise)

    @property
    def table(self) -> str:
        """Text: common lead sets, what each lead is worth, best sets, waves, diagnoses."""
        from recon.information.summary import text

        return text(self)

    def plot(self) -> Figure:
        """Heat maps of who tells of whom, the subset curve, and the three definitions of worth."""
        from recon.information.picture import draw

        return draw(self)

    def to_json(self, path: str | Path) -> Path:
        """Write everything: all 255 lead sets, worth, best sets, waves, diagnoses, intervals.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        from recon.information.summary import values

        storage.write_bytes(Path(path), json.dumps(values(self), indent=1).encode())
        return Path(path)

    def counts(self, target: str | Sequence[str] | None = None, measure: str = "r2") -> Values:
        """(n, 256) one number a record and lead set, whose means over records are the values.

        Parameters
        ----------
        target : of the eight leads; None for all eight together.
        measure : as `score`.
        """
        rows = tuple(range(8)) if target is None else rows_of(target)
        return count(measure, self.errors, Question(rows, np.arange(256), self.noise))

    def interval(self, each: Values) -> Interval:
        """Mean of one number a record, with its 95 % interval by drawing patients."""
        return statistics.bootstrap(each, self.groups)

    def _one(
        self,
        target: str | Sequence[str] | None,
        given: str | Sequence[str],
        measure: str,
        wave: str,
    ) -> Values:
        """(n,) numbers whose mean is the score."""
        code = code_of(given)
        hidden = tuple(i for i in range(8) if not code >> i & 1)
        rows = rows_of(target) if target is not None else hidden
        if not rows:
            raise LeadError("all eight leads are given: none is left to be told.")
        asked = Question(rows, np.array([code]), self.noise, wave)
        return np.asarray(count(measure, self.errors, asked)[:, 0])
