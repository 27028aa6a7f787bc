"""Evidence: what each path gives for each record, computed once, a chunk at a time, and kept."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pathlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp import storage
from recon.gaps import signal
from recon.gaps.cohort import FS, Cohort
from recon.gaps.median_beat import LENGTH, Marks, median_beat
from recon.gaps.paths import Batched, Encoder, Path, Result, Run, outcome

CHUNK: Final = 32
"""Records in memory at once, and in one file of the cache."""
VERSION: Final = 1
"""Of what the cache holds."""
FAILURES: Final = (ArithmeticError, LookupError, OSError, RuntimeError, ValueError)
"""What a path may raise on a record without stopping the comparison; a mistyped name still does."""
REASON: Final = 300  # characters of a reason kept

Arrays = dict[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Evidence:
    """One path, one lead set.

    Attributes
    ----------
    latents : by space ("teacher", "judge", "own"): (n, dim), NaN where the path failed.
    noise : by space: (n,) variance that averaging few samples left in the latent; 0 for one.
    scores : (n, len(signal.SCORES)) over ten seconds; NaN without a signal.
    beats : (n, 8, LENGTH) median beat of the signal; NaN without one.
    failures : reason by place of the record.
    seconds : mean time for a record when it was computed, the encoding included.
    """

    latents: Mapping[str, NDArray[np.float64]]
    noise: Mapping[str, NDArray[np.float64]]
    scores: NDArray[np.float64]
    beats: NDArray[np.float64]
    failures: Mapping[int, str]
    seconds: float


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Gatherer:
    """What all paths have in common.

    Attributes
    ----------
    cohort : the records. marks : the truth's beats, a record each. folds : (n,) by patient.
    encoders : "teacher" and "judge". cache : folder, or None.
    """

    cohort: Cohort
    marks: Sequence[Marks]
    folds: NDArray[np.int64]
    encoders: Mapping[str, Encoder]
    cache: pathlib.Path | None = None

    def runs(self, path: Path) -> list[Run]:
        """The path for each fold, fitted to the other folds' records if it can be."""
        if path.fit is None:
            return [_runnable(path)] * int(self.folds.max() + 1)
        every = range(int(self.folds.max()) + 1)
        return [
            path.fit(self.cohort.records(np.flatnonzero(self.folds != k).tolist())) for k in every
        ]

    def encode(self, name: str, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """(m, dim) latents of (m, 12, time)."""
        return np.asarray(self.encoders[name](x, FS), np.float64)

    def of(self, path: Path, runs: Sequence[Run], given: tuple[str, ...]) -> Iterator[Arrays]:
        """A chunk of evidence after another, from the cache where it is there."""
        identity = self._identity(path, runs, given) if self.cache else ""
        for first in range(0, len(self.cohort), CHUNK):
            rows = range(first, min(first + CHUNK, len(self.cohort)))
            key = hashlib.sha256(f"{identity} {rows}".encode()).hexdigest()[:32]
            file = self.cache / f"{key}.npz" if self.cache else None
            if file is not None and file.is_file():
                yield _read(file)
                continue
            made = self._chunk(path, runs, given, rows)
            if file is not None:
                _write(file, made)
            yield made

    def _identity(self, path: Path, runs: Sequence[Run], given: tuple[str, ...]) -> str:
        """All that the numbers depend on: records, folds, encoders and path, each by what it does.

        An encoder and a path are known by what they make of the first record of each fold, so that
        other weights are another path and no cache can be stale.
        """
        found = hashlib.sha256(f"{VERSION} {path.space} {given}".encode())
        found.update(self.cohort.signals.tobytes())
        found.update(self.folds.tobytes())
        for name in sorted(self.encoders):
            found.update(name.encode() + self.encode(name, self.cohort.twelve([0])).tobytes())
        for fold, run in enumerate(runs):
            try:
                made = outcome(
                    run(self.cohort.given(int((self.folds == fold).argmax()), given)),
                    self.cohort.n_samples,
                )
                for part in made:
                    found.update(b"-" if part is None else part.tobytes())
            except FAILURES as error:
                found.update(str(error).encode())
        return found.hexdigest()

    def _chunk(
        self, path: Path, runs: Sequence[Run], given: tuple[str, ...], rows: range
    ) -> Arrays:
        parts: list[Arrays] = []
        samples: dict[int, NDArray[np.float32]] = {}
        means: dict[int, NDArray[Any]] = {}
        truth = self.cohort.twelve(slice(rows.start, rows.stop))
        early = self._at_once(runs, given, rows)
        for k in rows:
            part: Arrays = {"reason": np.array("")}
            result, spent = early.get(k, (None, 0.0))
            began = time.perf_counter() - spent
            try:
                if result is None:
                    result = runs[self.folds[k]](self.cohort.given(k, given))
                made = outcome(result, self.cohort.n_samples)
            except FAILURES as error:
                part["reason"] = _reason(error)
            else:
                if made.latent is not None:
                    part[f"latent {path.space}"] = np.asarray(made.latent, np.float64)
                    part[f"noise {path.space}"] = np.zeros(())
                if made.samples is not None:
                    samples[len(parts)] = np.asarray(made.samples, np.float32)
                    mean = means[len(parts)] = made.samples.mean(axis=0)
                    part["beats"] = median_beat(signal.eight(mean), self.marks[k])
            part["seconds"] = np.array(time.perf_counter() - began)
            parts.append(part)
        if means:
            scores = signal.scores(truth[list(means)], np.stack(list(means.values())), given)
            for k, of_record in zip(means, scores, strict=True):
                parts[k]["scores"] = of_record
        for name in self.encoders:
            self._encode_samples(name, samples, parts)
        return _stacked(parts)

    def _at_once(
        self, runs: Sequence[Run], given: tuple[str, ...], rows: range
    ) -> Mapping[int, tuple[Result, float]]:
        """What ways that take many records make of these, by place, and the seconds of each.

        Where one of the records is refused there is nothing: each is then tried alone.
        """
        found: dict[int, tuple[Result, float]] = {}
        for run in {id(run): run for run in runs}.values():
            places = [k for k in rows if runs[self.folds[k]] is run]
            if not isinstance(run, Batched) or not places:
                continue
            began = time.perf_counter()
            try:
                many = run.many([self.cohort.given(k, given) for k in places])
            except FAILURES:
                continue
            each = (time.perf_counter() - began) / len(places)
            found |= {k: (one, each) for k, one in zip(places, many, strict=True)}
        return found

    def _encode_samples(
        self, name: str, samples: Mapping[int, NDArray[np.float32]], parts: Sequence[Arrays]
    ) -> None:
        """Put the latents of samples, by place, into the parts; a latent that is there already stays."""
        wanted = [k for k in samples if f"latent {name}" not in parts[k]]
        if not wanted:
            return
        began = time.perf_counter()
        each = self.encode(name, np.concatenate([samples[k] for k in wanted]))
        stops = np.cumsum([len(samples[k]) for k in wanted])
        for k, latents in zip(wanted, np.split(each, stops[:-1]), strict=True):
            if not np.isfinite(latents).all():
                parts[k]["reason"] = np.array(f"the {name} made it a latent that is not finite")
                continue
            spread = latents.var(axis=0, ddof=1).sum() / len(latents) if len(latents) > 1 else 0.0
            parts[k][f"latent {name}"] = latents.mean(axis=0)
            parts[k][f"noise {name}"] = np.array(spread)
            parts[k]["seconds"] = parts[k]["seconds"] + (time.perf_counter() - began) / len(wanted)


def _reason(error: Exception) -> NDArray[np.str_]:
    return np.array(" ".join(f"{type(error).__name__}: {error}".split())[:REASON])


def join(chunks: Sequence[Arrays], n: int) -> Evidence:
    """The evidence of all records from that of chunks of them."""
    joined = {name: _joined(chunks, name, n) for name in sorted({key for c in chunks for key in c})}
    reasons = joined.pop("reason")
    spaces = [name.removeprefix("latent ") for name in joined if name.startswith("latent ")]
    return Evidence(
        latents={space: joined[f"latent {space}"] for space in spaces},
        noise={space: joined[f"noise {space}"] for space in spaces},
        scores=joined.get("scores", np.full((n, len(signal.SCORES)), np.nan)),
        beats=joined.get("beats", np.full((n, 8, LENGTH), np.nan)),
        failures={k: str(reason) for k, reason in enumerate(reasons) if reason},
        seconds=float(joined["seconds"].mean()),
    )


def _stacked(parts: Sequence[Arrays]) -> Arrays:
    """Arrays of a chunk, NaN for records without one."""
    shapes = {name: a.shape for part in parts for name, a in part.items()}
    out: Arrays = {}
    for name, shape in shapes.items():
        if name == "reason":
            out[name] = np.array([str(part[name]) for part in parts])
            continue
        out[name] = np.full((len(parts), *shape), np.nan)
        for k, part in enumerate(parts):
            if name in part:
                out[name][k] = part[name]
    return out


def _joined(chunks: Sequence[Arrays], name: str, n: int) -> NDArray[Any]:
    if name == "reason":
        return np.concatenate([chunk[name] for chunk in chunks])
    shape = next(chunk[name].shape[1:] for chunk in chunks if name in chunk)
    out: NDArray[Any] = np.full((n, *shape), np.nan)
    first = 0
    for chunk in chunks:
        stop = first + len(chunk["reason"])
        if name in chunk:
            out[first:stop] = chunk[name]
        first = stop
    return out


def _runnable(path: Path) -> Run:
    if path.run is None:
        raise ValueError("a path has neither run nor fit.")
    return path.run


def _write(file: pathlib.Path, arrays: Arrays) -> None:
    held = io.BytesIO()
    named: dict[str, Any] = {name.replace(" ", "-"): value for name, value in arrays.items()}
    np.savez(held, **named)
    storage.write_bytes(file, held.getvalue())


def _read(file: pathlib.Path) -> Arrays:
    with np.load(file) as held:
        return {name.replace("-", " "): held[name] for name in held.files}
