"""Quality: what is no ECG, real noise on clean recordings, the challenge recordings, swapped electrodes.

    python -m tests.benchmarks.quality

Conventions: defaults throughout, beats by `dsp.r_peaks`; peers' heart rate is 60 x beats / seconds of what
they return for the same lead. Noise: the three of nstdb, resampled, added to each lead at the stated ratio
of variances. Limits and swaps: nothing was fitted to the recordings shown but the limits of "no QRS" and
"noise", set between the bulk of every third challenge recording and MIT-BIH 207's flutter.
"""

import argparse
import warnings
from collections import Counter
from pathlib import Path

import neurokit2
import numpy as np
import sleepecg
from wfdb.processing import xqrs_detect

import dsp
from dsp.electrodes import SWAPS
from dsp.leads import TWELVE, twelve

FS = 500
SECONDS = 20
PEERS = {
    "neurokit2": lambda x: neurokit2.ecg_peaks(x, sampling_rate=FS)[1]["ECG_R_Peaks"],
    "sleepecg": lambda x: sleepecg.detect_heartbeats(x, FS),
    "xqrs": lambda x: xqrs_detect(x.astype(float), FS, verbose=False),
}


def no_hearts(data):
    """Signals without an ECG in them, one lead each."""
    rng = np.random.default_rng(0)
    t = np.arange(SECONDS * FS) / FS
    yield "asystole, 5 uV noise", 0.005 * rng.normal(size=len(t))
    drift = np.interp(t, np.arange(0, SECONDS + 1, 0.5), rng.normal(size=2 * SECONDS + 2))
    phase = 2 * np.pi * np.cumsum(5.5 + drift) / FS
    yield "fibrillation, made", (0.6 + 0.2 * np.sin(2 * np.pi * 0.4 * t)) * np.sin(phase)
    flutter = dsp.read(data / "mitdb" / "207").crop(1545, 1545 + SECONDS).resample(FS)
    yield "flutter, MIT-BIH 207", flutter.signal[0]
    yield "white noise", rng.normal(size=len(t))
    yield "brown noise", 0.02 * rng.normal(size=len(t)).cumsum()
    yield "mains 50 Hz", np.sin(2 * np.pi * 50 * t)
    yield "square wave 1.2 Hz", np.sign(np.sin(2 * np.pi * 1.2 * t))
    yield "saturated", np.where(t < 1, 5 * t, 5.0)
    for kind in ("bw", "em", "ma"):
        yield f"nstdb {kind} alone", noise(data, kind)


def noise(data, kind):
    """20 s of electrode noise, about 1 mV."""
    x = dsp.resample(np.load(data / "nstdb" / f"{kind}.npy").astype(np.float32), 360, FS)[0]
    x = np.resize(x, SECONDS * FS)
    return (x - x.mean()) / x.std()


def rate(find, x):
    """Beats a minute of a peer, or what it raised."""
    try:
        return f"{60 * len(find(x)) / SECONDS:.0f}"
    except (ValueError, IndexError, ZeroDivisionError, FloatingPointError) as error:
        return type(error).__name__


def table_of_no_hearts(data):
    print(
        f"{'signal':24}{'ours':>6}{''.join(f'{name:>12}' for name in PEERS)}   verdict score  reasons"
    )
    for name, signal in no_hearts(data):
        x = np.asarray(signal, np.float32)
        q = dsp.quality(x, FS)
        ours = 60 * len(dsp.r_peaks(x, FS)) / SECONDS
        theirs = "".join(f"{rate(find, x):>12}" for find in PEERS.values())
        print(
            f"{name:24}{ours:6.0f}{theirs}   {q.verdict:8}{q.score[0]:.2f}  {', '.join(q.reasons[0])}"
        )


def table_of_noise(data):
    entries = dsp.datasets.DATASETS["chapman"](data / "chapman-unlabelled")
    clean = [e.ecg for e in entries]
    clean = [ecg for ecg in clean if dsp.quality(ecg.signal, ecg.fs).score.min() > 0.9][:10]
    print(
        f"\nmean score, {len(clean)} twelve-lead recordings\n{'dB':>8}{'bw':>8}{'em':>8}{'ma':>8}"
    )
    for snr in (24, 18, 12, 6, 0, -6):
        row = []
        for kind in ("bw", "em", "ma"):
            n = noise(data, kind)[: 10 * FS]
            n = n / n.std() * 10 ** (-snr / 20)
            spoiled = (
                e.signal + e.signal.std(axis=1, keepdims=True) * n[: e.n_samples] for e in clean
            )
            row.append(np.mean([dsp.quality(x, FS).score.mean() for x in spoiled]))
        print(f"{snr:8d}" + "".join(f"{value:8.2f}" for value in row))


def table_of_recordings(data, every):
    verdicts, reasons, findings, swapped, total = Counter(), Counter(), Counter(), Counter(), 0
    for entry in dsp.datasets.DATASETS["cinc"](data / "cinc2020-2021")[::every]:
        ecg = entry.ecg.select(*TWELVE)
        peaks = dsp.r_peaks(ecg.signal, ecg.fs)
        q = dsp.quality(ecg.signal, ecg.fs, leads=TWELVE, peaks=peaks)
        total += 1
        verdicts[q.verdict] += 1
        reasons.update(name for lead in q.reasons for name in lead)
        findings.update(q.findings)
        for name, swap in SWAPS.items():
            limb = swap @ ecg[["I", "II"]]
            x = twelve(np.concatenate([limb, ecg.signal[6:]]))
            found = dsp.quality(x, ecg.fs, leads=TWELVE, peaks=peaks).findings
            swapped[name] += f"limb leads swapped: {name}" in found
    print(f"\n{total} challenge recordings: {dict(verdicts)}\nleads: {dict(reasons)}")
    print(f"findings: {dict(findings)}")
    print("found of swaps made: " + ", ".join(f"{k} {v / total:.2f}" for k, v in swapped.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared" / "data")
    parser.add_argument("--every", type=int, default=1, help="take each n-th challenge recording")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    table_of_no_hearts(options.data)
    table_of_noise(options.data)
    table_of_recordings(options.data, options.every)


if __name__ == "__main__":
    main()
