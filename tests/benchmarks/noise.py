"""Noise: spectra against the recordings they were fitted to, coherence, and records per second.

    python -m tests.benchmarks.noise [--refit]

Conventions: recordings bw, em and ma of the MIT-BIH Noise Stress Test Database, 20 s, two channels,
360 Hz; band level in dB after each spectrum's own mean is taken out; half of the gap is the recording
itself, whose two channels differ by "channels". Speed: 12 leads x 10 s x 500 Hz, all cores.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np

from dsp import leads
from ecgsynth import noise

ROOT = Path(__file__).resolve().parents[2]
RECORDED = {"baseline": "bw", "motion": "em", "muscle": "ma"}
MIXED = dict.fromkeys(("baseline", "motion", "muscle", "white", "pink", "mains_50"), 0.01)


def refit(folder: Path) -> None:
    """Print the levels that `ecgsynth.noise.spectra` holds."""
    for kind, name in RECORDED.items():
        levels = noise.fit_spectrum(np.load(folder / f"{name}.npy"), 360, noise.SPECTRA[kind].hz)
        print(kind, (levels.round(1) + 0.0).tolist())


def spectra(folder: Path) -> None:
    """Gap between made and recorded levels, and between the recording's own two channels."""
    print(f"{'kind':<12}{'gap, dB SD':>12}{'largest':>10}{'channels':>10}")
    for kind, name in RECORDED.items():
        real = np.load(folder / f"{name}.npy")
        hz = np.array(noise.SPECTRA[kind].hz)[1::2]
        made = noise.sample(50, 7200, 360, {kind: 1.0}).reshape(-1, 7200)
        levels = [noise.fit_spectrum(x, 360, hz) for x in (made, real, real[:1], real[1:])]
        levels = [level - level.mean() for level in levels]
        gap = levels[0] - levels[1]
        channels = np.std(levels[2] - levels[3])
        print(f"{kind:<12}{gap.std():12.1f}{abs(gap).max():10.1f}{channels:10.1f}")


def speed(repeats: int, n: int = 256) -> None:
    """Records per second of `sample` and of `add`, and what is left of the limb algebra."""
    x = noise.sample(n, 5000, 500, {"white": 0.1})
    jobs = {
        "sample, muscle": lambda: noise.sample(n, 5000, 500, {"muscle": 0.01}),
        "sample, six kinds": lambda: noise.sample(n, 5000, 500, MIXED),
        "add, the mixture at 10 dB": lambda: noise.add(x, 500, 10.0),
    }
    print(f"\n{'12 x 10 s x 500 Hz, all cores':<30}{'records/s':>12}{'algebra, mV':>14}")
    for name, job in jobs.items():
        best, out = np.inf, job()
        for _ in range(repeats):
            began = time.perf_counter()
            out = job()
            best = min(best, time.perf_counter() - began)
        broken = abs(leads.residual(out[:8])).max()
        print(f"{name:<30}{n / best:12.0f}{broken:14.1e}")
    print(f"{len(os.sched_getaffinity(0))} cores")


def main() -> None:
    """Refit, or compare and time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--refit", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    if given.refit:
        refit(given.data / "nstdb")
        return
    spectra(given.data / "nstdb")
    speed(given.repeats)


if __name__ == "__main__":
    main()
