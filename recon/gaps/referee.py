"""The referee: scores one path after another by the same rules, records, folds and draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recon.gaps import probes, ridge, signal
from recon.gaps.cohort import Cohort
from recon.gaps.decomposition import Residual
from recon.gaps.draws import Draws, Values
from recon.gaps.evidence import Evidence
from recon.gaps.latent import GAP, Latents, Number, Truth
from recon.gaps.median_beat import LENGTH, Beat, Marks
from recon.gaps.paths import Path
from recon.gaps.report import Level, Recovery, Row

SPACES: Final[tuple[Level, ...]] = ("teacher", "judge")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Verdict:
    """What one path with one lead set is worth.

    Attributes
    ----------
    rows, recoveries : for the report.
    residual : in the teacher's space.
    ranks : (n,) place of the true latent in the gallery; NaN where the path failed.
    """

    rows: list[Row]
    recoveries: list[Recovery]
    residual: Residual
    ranks: NDArray[np.float64]


class Referee:
    """Everything that is fixed before the first path: truth, decoder, probes, draws.

    Parameters
    ----------
    cohort : the records. marks, beats : (n, 8, LENGTH) of the truth.
    latents : (n, dim) of the truth by space, "teacher" and "judge".
    folds : (n,) by patient. seed : of the draws.
    """

    def __init__(
        self,
        cohort: Cohort,
        marks: Sequence[Marks],
        beats: Beat,
        latents: Mapping[str, Latents],
        folds: NDArray[np.int64],
        *,
        seed: int = 0,
    ) -> None:
        self.marks, self.beats, self.folds = marks, beats, folds
        self.draws = Draws(cohort.groups, seed=seed)
        self.tasks = probes.tasks(cohort.labels, folds)
        self.latents = latents
        self.truth = {name: Truth(z, cohort.groups, seed=seed) for name, z in latents.items()}
        flat = beats.reshape(len(beats), -1)
        known = np.isfinite(flat).all(axis=1)
        self.mean_beat = beats[known].mean(axis=0) if known.any() else np.zeros(beats.shape[1:])
        self.decoder = ridge.CrossFitted(latents["teacher"], flat, folds)
        self.probe = {
            name: ridge.CrossFitted(z, self.tasks.targets, folds) for name, z in latents.items()
        }
        self.ceiling = {name: self._areas(self.probe[name](z)) for name, z in latents.items()}
        self.floor: dict[tuple[str, ...], dict[str, list[Values]]] = {}

    def judge(self, name: str, path: Path, evidence: Evidence, given: tuple[str, ...]) -> Verdict:
        """Every number of one path. The first random encoder of a lead set becomes its floor."""
        rows: list[Row] = []
        for level, numbers in self._signal(evidence, given):
            rows += self._rows(name, path, given, level, numbers)
        latents: dict[str, Latents] = {space: self._in(space, evidence) for space in SPACES}
        decoded = self.decoder(latents["teacher"]).reshape(-1, 8, LENGTH)
        rows += self._rows(name, path, given, "decoded beat", self._beat(decoded, given))
        for space in SPACES:
            rows += self._rows(name, path, given, space, self.truth[space].numbers(latents[space]))
        recoveries = (
            self._recoveries(name, path, evidence, given, latents) if self.tasks.names else []
        )
        noise = evidence.noise.get("teacher", np.zeros(len(self.folds)))
        teacher = self.truth["teacher"]
        return Verdict(
            rows,
            recoveries,
            Residual(teacher.squared(latents["teacher"]), noise),
            teacher.ranks(latents["teacher"]),
        )

    def _in(self, space: str, evidence: Evidence) -> Latents:
        """The path's latents in a space: its own there, or a ridge map of what it has."""
        if space in evidence.latents:
            return np.asarray(evidence.latents[space])
        if not evidence.latents:
            return np.full(self.truth[space].z.shape, np.nan)
        own = evidence.latents.get("own", evidence.latents.get("teacher"))
        assert own is not None  # noqa: S101 - a path without samples has a latent of its own
        return ridge.cross_fit(own, self.truth[space].z, self.folds)

    def _rows(
        self,
        name: str,
        path: Path,
        given: tuple[str, ...],
        level: Level,
        numbers: Iterator[Number],
    ) -> Iterator[Row]:
        for n in numbers:
            yield Row(
                name, path.kind, given, level, n.metric, n.unit, n.interval, n.best, n.floor, n.chance
            )  # fmt: skip

    def _signal(
        self, evidence: Evidence, given: tuple[str, ...]
    ) -> Iterator[tuple[Level, Iterator[Number]]]:
        if np.isfinite(evidence.scores).any():
            yield "signal", self._means(evidence.scores, signal.SCORES)
            yield "beat", self._beat(evidence.beats, given)

    def _means(
        self, values: NDArray[np.float64], measures: Mapping[str, signal.Measure]
    ) -> Iterator[Number]:
        for (metric, measure), column in zip(measures.items(), values.T, strict=True):
            known = np.isfinite(column)
            if known.any():
                interval = self.draws.interval(self.draws.mean(column), known)
                yield Number(metric, interval, measure.unit, measure.best)

    def _beat(self, estimate: Beat, given: tuple[str, ...]) -> Iterator[Number]:
        rows = signal.hidden(given)
        error = ((self.beats - estimate)[:, rows] ** 2).sum(axis=(1, 2))
        there = ((self.beats - self.mean_beat)[:, rows] ** 2).sum(axis=(1, 2))
        both = np.isfinite(error + there)
        if both.any():
            gap = self.draws.interval(self.draws.share(error, np.where(both, there, np.nan)), both)
            yield Number(GAP, gap, best=0.0, chance=1.0)
            yield from self._means(
                signal.beat_scores(self.beats, estimate, self.marks, given), signal.BEAT
            )

    def _areas(self, scores: NDArray[np.float64]) -> list[Values]:
        return [
            self.draws.auroc(y, x) for y, x in zip(self.tasks.positive.T, scores.T, strict=True)
        ]

    def _recoveries(
        self,
        name: str,
        path: Path,
        evidence: Evidence,
        given: tuple[str, ...],
        latents: Mapping[str, Latents],
    ) -> list[Recovery]:
        own = evidence.latents.get("own")
        refit: dict[str, list[Values]] = {
            space: self._areas(
                ridge.cross_fit(
                    latents[space] if own is None else own, self.tasks.targets, self.folds
                )
            )
            for space in SPACES
        }
        if path.kind == "F":
            self.floor.setdefault(given, refit)
        made: list[Recovery] = []
        for space in SPACES:
            transfer = self._areas(self.probe[space](latents[space]))
            for probe, areas in (("transfer", transfer), ("refit", refit[space])):
                made += self._of_each(name, path, given, (space, probe), areas)
        return made

    def _of_each(
        self,
        name: str,
        path: Path,
        given: tuple[str, ...],
        where: tuple[str, str],
        areas: list[Values],
    ) -> Iterator[Recovery]:
        """A recovery for each statement, then for their mean."""
        space, probe = where
        floor, ceiling = self.floor[given][space], self.ceiling[space]
        labels = [*self.tasks.names, "macro"]
        positives = [
            *self.tasks.positive.sum(axis=0).tolist(),
            int(self.tasks.positive.any(1).sum()),
        ]
        triples = list(zip(areas, ceiling, floor, strict=True))
        triples.append(tuple(np.mean(column, axis=0) for column in zip(*triples, strict=True)))
        for label, n_positive, (area, top, bottom) in zip(labels, positives, triples, strict=True):
            ratio = probes.recovery(area, bottom, top)
            yield Recovery(
                name, path.kind, given, space, probe, label, n_positive,
                self.draws.interval(area), float(top[0]), float(bottom[0]),
                self.draws.interval(ratio),
            )  # fmt: skip
