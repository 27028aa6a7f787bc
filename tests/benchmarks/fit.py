"""How well sixteen Gaussians, a lead field and a residual describe real beats.

    python -m tests.benchmarks.fit [--step 1]

Conventions: LUDB and the challenge recordings, typical beat (median of aligned beats, level of the PR
segment taken out), R peaks by sleepecg on lead II so that the fit stands alone. r is Pearson's over all
twelve leads and the whole beat at once, each lead about its mean; "dipole" is the share of the sizes' energy that one moving
dipole in this patient's lead field explains. Records with a dead or saturated lead are left out and counted. Planted: simulated
patients of every diagnosis, muscle and white noise at 20 dB together, against the noiseless beat.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import sleepecg
from tqdm.auto import tqdm

import ecgsynth
from dsp import ECG, ECGError, datasets, leads
from ecgsynth import noise
from ecgsynth.diseases import DISEASES
from ecgsynth.fit import fit, typical_beat

ROOT = Path(__file__).resolve().parents[2]


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r, all leads at once, each about its mean."""
    pair = [(x - x.mean(-1, keepdims=True)).ravel() for x in (a, b)]
    return float(np.corrcoef(*pair)[0, 1])


def real(entries: list[datasets.Entry]) -> None:
    """Fit every recording."""
    rows, refused, spent = [], [], 0.0
    for entry in tqdm(entries, disable=None):
        ecg: ECG = entry.ecg
        peaks = sleepecg.detect_heartbeats(ecg["II"].astype(np.float64), ecg.fs)
        try:
            if datasets.fault(ecg):
                raise ECGError("faulty")
            began = time.perf_counter()
            twin = fit(ecg, r_peaks=peaks)
        except ECGError:
            refused.append(entry.name)
            continue
        spent += time.perf_counter() - began
        rows.append((entry.source, twin.correlation, twin.residual, twin.dipolar))
    print(
        f"{'source':<26}{'n':>5}{'r median':>10}{'5th pct':>9}{'least':>8}{'residual':>10}{'dipole':>8}"
    )
    for source in (*dict.fromkeys(row[0] for row in rows), ""):
        r, residual, dipolar = np.array([row[1:] for row in rows if source in ("", row[0])]).T
        print(
            f"{source or 'all':<26}{len(r):5d}{np.median(r):10.4f}{np.percentile(r, 5):9.4f}"
            f"{r.min():8.4f}{np.median(residual):10.3f}{np.median(dipolar):8.3f}"
        )
    print(f"{spent / len(rows):.2f} s a recording; left out {len(refused)}: {' '.join(refused)}")


def planted(n: int) -> None:
    """Fit noisy simulated patients and compare with the noiseless beat."""
    codes = list(DISEASES)[:n]
    sim = ecgsynth.simulate(len(codes), diagnosis=codes, rhythm="SR", seed=1)
    noisy = noise.add(sim.signal, sim.fs, {"muscle": 23.0, "white": 23.0}, seed=1)
    r = []
    for x, clean, peaks in zip(noisy, sim.signal, sim.r_peaks, strict=True):
        twin = fit(ECG(x, sim.fs, leads.TWELVE), r_peaks=peaks)
        x8 = ECG(clean, sim.fs, leads.TWELVE)[leads.EIGHT].astype(np.float64)
        truth = leads.twelve(typical_beat(x8, sim.fs, peaks).x8)
        r.append(correlation(truth, twin.fitted))
    worst = codes[int(np.argmin(r))]
    reached = sum(value >= 0.999 for value in r)
    print(
        f"planted, 20 dB: r median {np.median(r):.5f}, least {min(r):.5f} ({worst}); "
        f"{reached} of {len(r)} diagnoses reach 0.999"
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--step", type=int, default=1, help="every so many recordings")
    given = parser.parse_args()
    planted(len(DISEASES))
    both = [datasets.ludb(given.data / "ludb"), datasets.cinc(given.data / "cinc2020-2021")]
    real([entry for entries in both for entry in entries[:: given.step]])


if __name__ == "__main__":
    main()
