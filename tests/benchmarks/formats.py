"""Reading and writing beside the wfdb library: time a record, bytes, and a day of Holter in little memory.

Conventions. LUDB, 12 leads x 5000 samples; milliseconds a record, median of all, warm cache, one process. `dsp.read` includes every
check (header grammar, sizes, checksums, span in mV); `wfdb.rdrecord` checks none. The Holter record is 3 leads, 250 Hz, format 212.

    python -m tests.benchmarks.formats [--data FOLDER] [--records N]
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import wfdb

import dsp
from dsp.formats import samples

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SUFFIXES = ("", ".mat", ".csv", ".npz", ".edf", ".dcm")


def median_ms(function, things) -> float:
    times = []
    for thing in things:
        begin = time.perf_counter()
        function(thing)
        times.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(times))


def records(paths: list[Path]) -> None:
    dsp.read(paths[0])
    wfdb.rdrecord(str(paths[0]))
    ours = median_ms(dsp.read, paths)
    theirs = median_ms(lambda path: wfdb.rdrecord(str(path)), paths)
    print(f"read WFDB       dsp {ours:6.2f} ms   wfdb {theirs:6.2f} ms   ratio {ours / theirs:.2f}")
    ecgs = [dsp.read(path) for path in paths]
    for suffix in SUFFIXES:
        with tempfile.TemporaryDirectory() as home:
            targets = [(ecg, Path(home) / f"r{k}{suffix}") for k, ecg in enumerate(ecgs)]
            write = median_ms(lambda pair: dsp.write(*pair), targets)
            read = median_ms(dsp.read, [path for _, path in targets])
            size = sum(file.stat().st_size for file in Path(home).iterdir()) / len(ecgs)
        print(
            f"{suffix or 'WFDB':6s} write {write:7.2f} ms   read {read:7.2f} ms   {size / 1e3:6.0f} kB"
        )


def holter(home: Path) -> None:
    minute = np.random.default_rng(0).integers(-300, 300, (250 * 60, 3)).astype(np.int16)
    with (home / "h.dat").open("wb") as file:
        for _ in range(24 * 60):
            file.write(samples.PACK["212"](minute))
    sums = minute.sum(axis=0, dtype=np.int64) * 24 * 60 % 65536
    lines = [
        f"h.dat 212 200 12 0 0 {s} 0 {lead}"
        for s, lead in zip(sums, ("I", "II", "V1"), strict=True)
    ]
    (home / "h.hea").write_text("\n".join([f"h 3 250 {250 * 86400}", *lines]) + "\n")
    for name, part in (("one minute", {"start": 18_000, "stop": 18_060}), ("whole day", {})):
        before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        ecg = dsp.read(home / "h", **part)
        spent = time.perf_counter() - begin
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(
            f"24 h, {name:10s} {spent:6.2f} s   result {ecg.signal.nbytes >> 20} MB   memory +{grown:.0f} MB"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--records", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        holter(Path(home))
    found = sorted((options.data / "ludb" / "data").glob("*.hea"))[: options.records]
    records([path.with_suffix("") for path in found])


if __name__ == "__main__":
    main()
