"""The comparison itself: every path, one after another, before one referee."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from dsp import ECG, LengthError, SignalError
from dsp import leads as lead_names
from dsp.datasets import grouped_folds
from dsp.statistics import FEWEST_PATIENTS
from recon.gaps import paths as ways
from recon.gaps import signal
from recon.gaps.cohort import FS, Cohort, Record, gather
from recon.gaps.decomposition import Residual, Split, split
from recon.gaps.evidence import CHUNK, Evidence, Gatherer, join
from recon.gaps.median_beat import marks, median_beat
from recon.gaps.paths import Encoder, Path, Run, outcome
from recon.gaps.random_encoder import RandomEncoder
from recon.gaps.referee import SPACES, Referee, Verdict
from recon.gaps.report import Example, Failure, GapReport
from recon.reconstruction import sources

LEAD_SETS: Final = ("I", "I,II", "I,II,V2")
FOLDS: Final = 5
CEILING: Final = "twelve leads"


def gaps(
    records: Iterable[Record],
    *,
    leads: Sequence[str | Sequence[str]] = LEAD_SETS,
    paths: Mapping[str, Path | Run] | None = None,
    teacher: Encoder | None = None,
    judge: Encoder | None = None,
    folds: Mapping[str, int] | None = None,
    cache: str | pathlib.Path | None = None,
    seed: int = 0,
    progress: bool = True,
) -> GapReport:
    """Every way from few leads to twelve, by its gap as a signal and its gap as a latent.

    All paths see the same ten seconds of the same records, each given lead filtered by itself and
    nothing of the others. What is fitted (paths, decoder, probes, read-outs) is fitted to the
    patients of the other folds.

    Parameters
    ----------
    records : twelve-lead ECGs (``meta`` may hold name, patient, labels), or entries of a data set;
        read once, one after another.
    leads : the lead sets.
    paths : ways by name, `recon.gaps.paths.Path` or any callable such a way may be; a random
        encoder, measurements and zero fill are always there too. All bundled ways if None.
    teacher : ``(n, 12, time) mV, fs -> (n, dim)``; whose latents are the truth. The bundled one if None.
    judge : as `teacher`, never used in training: whether a latent is good for others too.
    folds : the fold of each patient, from 0, for ways that were trained on the other folds' patients
        beforehand; dealt evenly if None.
    cache : folder in which what the paths make is kept, so that an interrupted run goes on.
    seed : of folds, draws, random encoders and samples.
    progress : show bars.

    Returns
    -------
    A report: `.table`, `.plot()`, `.to_json(path)`, `.to_html(path)`, `.rows`.

    Raises
    ------
    LengthError
        If fewer than eight records, or a single patient, can be used, or there is but one fold.
    SignalError
        If a patient is in no fold.
    LeadError
        If a lead set determines all twelve leads, or holds others.

    Examples
    --------
    >>> import ecgsynth
    >>> some = ecgsynth.simulate(12, fs=100)
    >>> records = [some.record(k) for k in range(12)]
    >>> mine = {"flat": lambda ecg: np.zeros((12, ecg.n_samples))}
    >>> report = gaps(records, leads=["I"], paths=mine, teacher=RandomEncoder(), progress=False)
    >>> list(report.paths)
    ['twelve leads', 'zero fill', 'random encoder', 'measurements', 'flat']
    """
    lead_sets = [lead_names.canonical_all(names) for names in leads]
    for names in lead_sets:
        signal.hidden(names)
    chosen = _chosen(paths, seed)
    cohort = gather(records, progress=progress)
    fold_of = _folds(cohort, folds, seed)
    encoders = {
        "teacher": teacher or _bundled_teacher(),
        "judge": judge or RandomEncoder(seed=100 + seed),
    }
    truth = [
        mark
        for x in tqdm(list(_blocks(cohort)), "beats", disable=_off(progress))
        for mark in marks(cohort.twelve(x))
    ]
    gatherer = Gatherer(cohort, truth, fold_of, encoders, pathlib.Path(cache) if cache else None)
    referee = Referee(
        cohort,
        truth,
        np.stack([median_beat(x, mark) for x, mark in zip(cohort.signals, truth, strict=True)]),
        {name: _encoded(gatherer, name) for name in encoders},
        fold_of,
        seed=seed,
    )
    return _Study(gatherer, referee, chosen, lead_sets).run(progress=progress)


class _Study:
    """One run: what has been found so far."""

    def __init__(
        self,
        gatherer: Gatherer,
        referee: Referee,
        chosen: Mapping[str, Path],
        lead_sets: Sequence[tuple[str, ...]],
    ) -> None:
        self.gatherer, self.referee = gatherer, referee
        self.chosen, self.lead_sets = chosen, lead_sets
        self.verdicts: dict[tuple[str, tuple[str, ...]], Verdict] = {}
        self.failures: list[Failure] = []
        self.examples: list[Example] = []
        self.seconds: dict[str, float] = {}

    def run(self, *, progress: bool) -> GapReport:
        """All paths with all lead sets, the floor first, then the ceiling."""
        n_chunks = -(-len(self.gatherer.cohort) // CHUNK)
        total = n_chunks * len(self.chosen) * len(self.lead_sets)
        with tqdm(total=total, desc="paths", disable=_off(progress)) as bar:
            for place, (name, path) in enumerate(self.chosen.items()):
                bar.set_postfix_str(name)
                self._one(name, path, bar.update)
                if place == 0:
                    self._ceiling()
        return self._report()

    def _one(self, name: str, path: Path, tick: Callable[[], Any]) -> None:
        """One path with all lead sets."""
        runs = self.gatherer.runs(path)
        for given in self.lead_sets:
            chunks = []
            for chunk in self.gatherer.of(path, runs, given):
                chunks.append(chunk)
                tick()
            evidence = join(chunks, len(self.gatherer.cohort))
            self.verdicts[name, given] = self.referee.judge(name, path, evidence, given)
            self.seconds[name] = evidence.seconds
            names = self.gatherer.cohort.names
            self.failures += [
                Failure(name, given, names[k], reason) for k, reason in evidence.failures.items()
            ]
            if path.kind == "B" and given == self.lead_sets[0] and not self.examples:
                self._keep_examples(name, runs, evidence, given)

    def _ceiling(self) -> None:
        """The teacher on all twelve leads, as if it were a path."""
        n = len(self.gatherer.cohort)
        truth = {"reason": np.array([""] * n), "seconds": np.zeros(n)}
        for name, z in self.referee.latents.items():
            truth |= {f"latent {name}": z, f"noise {name}": np.zeros(n)}
        evidence = join([truth], n)
        for given in self.lead_sets:
            self.verdicts[CEILING, given] = self.referee.judge(
                CEILING, Path(kind="A"), evidence, given
            )

    def _keep_examples(
        self, name: str, runs: Sequence[Run], evidence: Evidence, given: tuple[str, ...]
    ) -> None:
        """The records this path is worst and best at, by r."""
        r = evidence.scores[:, list(signal.SCORES).index("r")]
        if not np.isfinite(r).any():
            return
        cohort, folds = self.gatherer.cohort, self.gatherer.folds
        for word, k in (("Worst", int(np.nanargmin(r))), ("Best", int(np.nanargmax(r)))):
            samples = outcome(runs[folds[k]](cohort.given(k, given)), cohort.n_samples).samples
            if samples is None:
                continue
            title = f"{word} by r: {cohort.names[k]}, {name} from {' '.join(given)}, r {r[k]:.2f}"
            meta = {"lead_sources": dict(sources(given)), "filter": "0.5-40 Hz"}
            estimate = ECG(samples.mean(axis=0), FS, lead_names.TWELVE, meta=meta)
            truth = ECG(cohort.twelve([k])[0], FS, lead_names.TWELVE, meta={"label": "recorded"})
            self.examples.append(Example(title, truth, estimate))

    def _report(self) -> GapReport:
        order = list(ways.KINDS)
        sets = {leads: place for place, leads in enumerate(self.lead_sets)}
        rows = [row for verdict in self.verdicts.values() for row in verdict.rows]
        recoveries = [part for verdict in self.verdicts.values() for part in verdict.recoveries]
        rows.sort(key=lambda row: (sets[row.leads], order.index(row.kind)))
        recoveries.sort(key=lambda part: (sets[part.leads], order.index(part.kind)))
        return GapReport(
            rows=tuple(rows),
            recoveries=tuple(recoveries),
            splits=tuple(self._splits()),
            ranks={key: verdict.ranks for key, verdict in self.verdicts.items()},
            failures=tuple(self.failures),
            examples=tuple(self.examples),
            cards=self._cards(),
            warnings=tuple(self._warnings()),
        )

    def _splits(self) -> Iterable[Split]:
        variance = self.referee.truth["teacher"].variance
        for given in self.lead_sets:
            residuals: dict[str, Residual] = {
                name: verdict.residual
                for (name, leads), verdict in self.verdicts.items()
                if leads == given and name != CEILING
            }
            scored = {
                name: part for name, part in residuals.items() if np.isfinite(part.debiased).any()
            }
            for name, path in self.chosen.items():
                if path.mean in scored and name in scored:
                    yield split(scored, (path.mean, name), variance, self.referee.draws, given)

    def _cards(self) -> dict[str, dict[str, Any]]:
        cohort, referee = self.gatherer.cohort, self.referee
        counts = referee.tasks.positive.sum(axis=0).tolist()
        data: dict[str, Any] = {
            "records": len(cohort),
            "patients": len(set(cohort.groups)),
            "window": "10 s at 100 Hz, 0.5-40 Hz, each lead filtered by itself, mV",
            "folds": int(self.gatherer.folds.max()) + 1,
            "statements probed": dict(zip(referee.tasks.names, counts, strict=True)),
            "refused": dict(cohort.refused),
        }
        encoders: dict[str, dict[str, Any]] = {
            name: {
                "encoder": type(self.gatherer.encoders[name]).__name__,
                "dimensions": int(referee.latents[name].shape[1]),
                "spread": str(referee.truth[name].collapse),
            }
            for name in SPACES
        }
        about = {
            name: {"kind": path.kind, "about": path.about, "seconds a record": self.seconds[name]}
            for name, path in self.chosen.items()
        }
        return {
            "records": data,
            **encoders,
            **{f"path: {name}": card for name, card in about.items()},
        }

    def _warnings(self) -> Iterable[str]:
        cohort, referee = self.gatherer.cohort, self.referee
        patients = len(set(cohort.groups))
        if patients < FEWEST_PATIENTS:
            yield f"{patients} patients, fewer than {FEWEST_PATIENTS}: intervals may be too narrow."
        for name, truth in referee.truth.items():
            if truth.collapse.collapsed:
                yield f"the {name} has collapsed: {truth.collapse.reason}; do not trust its space."
        if not referee.tasks.names:
            yield "no statement has ten records with and ten without it: no probe, no recovery ratio."
        failed: dict[str, int] = {}
        for failure in self.failures:
            failed[failure.path] = failed.get(failure.path, 0) + 1
        tried = len(cohort) * len(self.lead_sets)
        for name, count in failed.items():
            yield f"{name} failed on {count} of {tried} records and is scored on the rest."


def _chosen(paths: Mapping[str, Path | Run] | None, seed: int) -> dict[str, Path]:
    """Every path by name, the random encoder first: it is the floor of the others."""
    given = ways.bundled(seed) if paths is None else {**ways.references(seed), **paths}
    made = {name: path if isinstance(path, Path) else Path(path) for name, path in given.items()}
    return dict(sorted(made.items(), key=lambda item: item[1].kind != "F"))


def _folds(cohort: Cohort, folds: Mapping[str, int] | None, seed: int) -> NDArray[np.int64]:
    """(n,) the fold of each record, from 0 without a gap."""
    groups = cohort.groups
    if folds is None:
        return grouped_folds(groups, min(FOLDS, len(set(groups))), seed)
    unknown = sorted(set(groups) - set(folds))
    if unknown:
        raise SignalError(
            f"folds: no fold for {len(unknown)} patients, such as {unknown[0]!r}; give one for each."
        )
    names, of = np.unique([folds[group] for group in groups], return_inverse=True)
    if len(names) < 2:
        raise LengthError(f"folds: all patients are in fold {names[0]}; give two folds or more.")
    return np.asarray(of, np.int64)


def _bundled_teacher() -> Encoder:
    from recon.align import Aligner

    return Aligner.from_pretrained().teacher


def _blocks(cohort: Cohort) -> Iterable[slice]:
    """As many records at a time as are worked on at once."""
    return (slice(first, first + CHUNK) for first in range(0, len(cohort), CHUNK))


def _encoded(gatherer: Gatherer, name: str) -> NDArray[np.float64]:
    """(n, dim) the true latents."""
    cohort = gatherer.cohort
    blocks = [gatherer.encode(name, cohort.twelve(block)) for block in _blocks(cohort)]
    z = np.concatenate(blocks)
    if z.ndim != 2 or not np.isfinite(z).all():
        raise SignalError(
            f"the {name} made latents of shape {z.shape}, finite: {bool(np.isfinite(z).all())}; "
            "it must give (n, dim) finite numbers for (n, 12, time)."
        )
    return z


def _off(progress: bool) -> bool | None:  # noqa: FBT001 - one argument, and its name says it
    """What tqdm calls it: None hides the bar where nobody looks."""
    return None if progress else True
