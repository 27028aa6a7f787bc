"""The archive: records a second beside the source's own rate, bytes a record, and reading.

Conventions: 12 leads x 10 s x 500 Hz, one worker. "source" makes the very shards and throws them
away, on one thread of torch as the archive does; "archive" makes and keeps them: rounding, hashes,
Parquet, fsync. Wall time, the two taken in turn, the best of each; and processor time, since on a
machine with a free core the keeping runs beside the making. The simulator is the fastest source
there is (a millisecond a record); "slower source" waits 20 ms a record more, as a generator on a
fast GPU would.

    python -m tests.benchmarks.archive [--records 6144] [--rounds 3]
"""

import argparse
import functools
import tempfile
import time
from pathlib import Path

import numpy as np

import ecgsynth
from ecgsynth.archive.plan import Plan
from ecgsynth.archive.writing import _one_thread

SHARD = 256
SLOWER = 0.020  # s a record

simulator = functools.partial(ecgsynth.simulate, diagnosis="any")


def slower(n, *, seed):
    """The simulator, and a wait that needs no processor."""
    made = simulator(n, seed=seed)
    time.sleep(SLOWER * n)
    return made


def alone(source, n):
    """Make every shard and keep none."""
    plan = Plan(n, SHARD, 0, "")
    with _one_thread():
        for k in range(plan.n_shards):
            source(plan.count(k), seed=plan.shard_seed(k))


def timed(job):
    wall, busy = time.perf_counter(), time.process_time()
    job()
    return time.perf_counter() - wall, time.process_time() - busy


def rates(name, source, n, rounds):
    found = {"source": [], "archive": []}
    for _ in range(rounds):
        found["source"].append(timed(lambda: alone(source, n)))
        with tempfile.TemporaryDirectory() as home:
            write = functools.partial(
                ecgsynth.write_archive, Path(home) / "a", n, source=source, shard=SHARD
            )
            found["archive"].append(timed(write))
    wall, busy = ({k: min(t[i] for t in v) for k, v in found.items()} for i in (0, 1))
    print(
        f"{name:16}{n / wall['source']:10.1f}{n / wall['archive']:10.1f}"
        f"{100 * wall['source'] / wall['archive']:9.1f} %"
        f"{1e3 * busy['source'] / n:12.2f}{1e3 * busy['archive'] / n:10.2f}"
    )


def size_and_reading(n):
    with tempfile.TemporaryDirectory() as home:
        archive = ecgsynth.write_archive(Path(home) / "a", n, source=simulator, shard=SHARD)
        total = sum(p.stat().st_size for p in Path(home).rglob("*.parquet"))
        print(
            f"\nkB a record: {total / n / 1e3:.1f} (float32 of twelve leads: {12 * 5000 * 4 / 1e3:.0f})"
        )
        jobs = {
            "batches, twelve leads": lambda: list(map(len, archive.batches())),
            "batches, lead II only": lambda: list(map(len, archive.batches(leads="II"))),
            "verify": archive.verify,
        }
        for name, job in jobs.items():
            best = min(timed(job)[0] for _ in range(3))
            print(f"{name:24}{n / best:10.0f} records/s")
        rng = np.random.default_rng(0)
        picks = rng.integers(0, n, 20).tolist()
        print(
            f"{'one record anywhere':24}{1e3 * timed(lambda: [archive[k] for k in picks])[0] / 20:10.1f} ms"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=6144)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(__doc__.split("\n\n")[1])
    simulator(SHARD, seed=0)  # the first call pays for imports and memory
    print(
        f"\n{'records a second':16}{'source':>10}{'archive':>10}{'share':>11}{'ms CPU':>12}{'':>10}"
    )
    rates("simulator", simulator, options.records, options.rounds)
    rates("slower source", slower, max(SHARD * 4, options.records // 12), 1)
    size_and_reading(min(options.records, 2048))


if __name__ == "__main__":
    main()
