"""Writing: every missing shard is made and published; killed at any moment, the next call goes on."""

import collections
import concurrent.futures
import contextlib
import functools
import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Final, Literal

from dsp.errors import WriteError
from ecgsynth.archive import shards
from ecgsynth.archive.plan import Plan, Source, describe
from ecgsynth.archive.reading import Archive, require_pyarrow, rows_of

Runner = Literal["local", "ray"]
Task = Callable[[Sequence[int]], int]
_LONGEST_RUN: Final = 8  # shards a task: the making of one overlaps with the writing of the last


def write_archive(
    folder: str | os.PathLike[str],
    n: int,
    *,
    source: Source | None = None,
    seed: int = 0,
    shard: int = 256,
    runner: Runner = "local",
    workers: int = 1,
    progress: bool = False,
) -> Archive:
    """Make records and keep them in a folder, in shards of Parquet.

    Each shard depends on `seed` and its own number only, and appears whole or not at all: after a
    kill, a crash or a full disk the same call goes on where the last one ended, and the folder is
    byte for byte the one an undisturbed call makes, with any number of workers and either runner
    (of the same releases of the libraries, on the same kind of processor).

    Parameters
    ----------
    folder : new, or begun by an earlier call with the same `n`, `source`, `seed` and `shard`.
        One call at a time.
    n : records.
    source : ``source(n, seed=...)`` -> an object like `ecgsynth.Simulation`, or an object whose
        method `generate` is that; by default `ecgsynth.simulate` with ``diagnosis="any"``. For
        several workers it must be picklable: a function of a module, or `functools.partial` of
        one. It runs on one thread of torch.
    seed : of the whole archive.
    shard : records a shard.
    runner : a row of `RUNNERS`. ``"local"``: processes of this machine; ``"ray"``: tasks of Ray
        Data, on the cluster Ray is connected to, else on this machine; `folder` must be on
        storage that all nodes share.
    workers : processes, or Ray's tasks at a time. A single local one is this very process.
    progress : show a bar.

    Returns
    -------
    The archive, open for reading.

    Raises
    ------
    WriteError
        If the folder is another archive's, the disk is full, the format cannot hold what the
        source made, or a worker died.
    ReadError
        If pyarrow (or ray) is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     archive = write_archive(Path(home) / "some", 6, shard=4)
    ...     len(archive), archive[5].leads[:3], archive.verify()
    (6, ('I', 'II', 'III'), ())
    """
    require_pyarrow()
    if runner not in RUNNERS:
        raise WriteError(f"runner {runner!r} is not one of {', '.join(RUNNERS)}.")
    if min(n, shard, workers) < 1 or seed < 0:
        raise WriteError(
            f"n={n}, shard={shard}, workers={workers}, seed={seed}: give counts of 1 or more and a "
            "seed of 0 or more."
        )
    home = Path(folder)
    source = _usual() if source is None else source
    plan = Plan(n, shard, seed, describe(source))
    plan.settle(home)
    _sweep(home)
    missing = [k for k in range(plan.n_shards) if rows_of(home / plan.name(k)) != plan.count(k)]
    length = max(1, min(_LONGEST_RUN, len(missing) // (2 * workers)))
    runs = [missing[i : i + length] for i in range(0, len(missing), length)]
    task = functools.partial(_make, home, plan, source)
    with _bar(plan, missing, progress) as report:
        for written in RUNNERS[runner](task, runs, workers):
            report(written)
    _sweep(home)
    return Archive(home)


def _usual() -> Source:
    from ecgsynth.simulator import simulate

    return functools.partial(simulate, diagnosis="any")


def _make(home: Path, plan: Plan, source: Source, run: Sequence[int]) -> int:
    """Make some shards; while one is encoded and written, the next is being made."""
    make = getattr(source, "generate", source)
    writing: collections.deque[concurrent.futures.Future[None]] = collections.deque()
    with _one_thread(), concurrent.futures.ThreadPoolExecutor(1) as writer:
        for k in run:
            made = make(plan.count(k), seed=plan.shard_seed(k))
            if len(made.signal) != plan.count(k):
                raise WriteError(
                    f"the source made {len(made.signal)} records where {plan.count(k)} were asked for."
                )
            while writing:
                writing.popleft().result()
            writing.append(writer.submit(shards.publish_shard, made, home / plan.name(k)))
        while writing:
            writing.popleft().result()
    return sum(map(plan.count, run))


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread, since sums over many may round in another order."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _local(task: Task, runs: Sequence[Sequence[int]], workers: int) -> Iterator[int]:
    """Here, or in processes of their own."""
    if workers == 1 or len(runs) < 2:
        yield from map(task, runs)
        return
    fresh = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor(workers, fresh, _follow_parent)
    try:
        yield from pool.map(task, runs)
    except BrokenProcessPool:
        raise WriteError(
            "a worker died, of lack of memory perhaps; nothing finished is lost: call again, with "
            "fewer workers or a smaller shard."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _follow_parent() -> None:
    """End this worker when its parent ends, also if that is killed and cannot say so."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _ray(task: Task, runs: Sequence[Sequence[int]], workers: int) -> Iterator[int]:
    """As tasks of Ray Data, a run a block."""
    try:
        import ray
        import ray.data
    except ImportError:
        raise WriteError('runner="ray" needs Ray: pip install "einthoven[scale]".') from None
    if not runs:
        return
    if not ray.is_initialized():
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    rows = ray.data.from_items(
        [{"run": list(run)} for run in runs], override_num_blocks=len(runs)
    ).map(lambda row: {"written": task(row["run"])}, num_cpus=1, concurrency=workers)
    try:
        yield from (int(row["written"]) for row in rows.iter_rows())
    except ray.exceptions.RayError as error:
        raise WriteError(f"a task of Ray failed: {str(error).strip().splitlines()[-1]}.") from error


RUNNERS: Final[dict[str, Callable[[Task, Sequence[Sequence[int]], int], Iterator[int]]]] = {
    "local": _local,
    "ray": _ray,
}
"""Who does the work: (task, runs of shards, workers) -> records written, run by run."""


def _sweep(home: Path) -> None:
    """Remove what killed writers left; all of it is drafts with a leading dot."""
    for draft in home.glob(".*"):
        if draft.name.startswith((".shard-", ".archive.json.")):
            shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def _bar(plan: Plan, missing: Sequence[int], progress: bool) -> Iterator[Callable[[int], Any]]:  # noqa: FBT001
    """A bar of records that starts where the last call ended."""
    from tqdm.auto import tqdm

    done = plan.n - sum(map(plan.count, missing))
    with tqdm(total=plan.n, initial=done, unit=" records", disable=not progress) as bar:
        yield bar.update
