"""R peaks beside the peers: accuracy, noise, twelve leads, speed, and a day of Holter.

Conventions. Marks are matched one to one within 150 ms and within 50 ms (`dsp.metrics.match`). MIT-BIH: channel 0, beat labels only,
whole record, the flutter spans of 207 left out. LUDB: annotated QRS of the lead (lead II's for all leads together); what lies outside
the first and last of them is not counted. CPSC2019: 0.5 to 9.5 s. Brackets: 95 % bootstrap over records, pooled counts. One default
setting of everybody everywhere, raw signals in, each peer with its own cleaning.
What our constants saw: they come from physiology and were compared mostly on every other record of each set (MIT-BIH 101, 104, 107, ...);
some choices were also checked on whole sets, CPSC2019 most, and the four constants that mix the two bands were chosen among some twenty
settings of like kind by the figures below, noise included; no lead of LUDB but I, II and all together had a say. The two halves are
printed apart, but neither is unseen: what speaks for the figures is the rank beside the peers, the same setting for all sets, and
that no rule knows a record. Records held elsewhere must decide.
In the paced record 104 of LUDB the reference of lead II stands on the foot of the pacing spike, 0.12 s before the extremum that we mark;
so twelve leads together are also scored against the median of the twelve leads' marks of each beat.

    python -m tests.benchmarks.beats --data FOLDER [--quick] [--only mitdb ludb cpsc2019 noise speed holter]
"""

import argparse
import resource
import tempfile
import time
import warnings
from pathlib import Path

import neurokit2
import numpy as np
import sleepecg
from wfdb import processing

import dsp
from dsp.metrics import match

BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
TOLERANCES = (0.15, 0.05)
SNRS = (24, 18, 12, 6, 0)
OTHERS = ("III", "aVL", "V1", "V3", "V6")
"""Leads whose figures had no say in any constant."""


def ours(x, fs):
    return dsp.r_peaks(x, fs)


def nk_default(x, fs):
    clean = neurokit2.ecg_clean(x, sampling_rate=fs)
    return neurokit2.ecg_peaks(clean, sampling_rate=fs)[1]["ECG_R_Peaks"]


def nk_emrich(x, fs):
    clean = neurokit2.ecg_clean(x, sampling_rate=fs, method="emrich2023")
    return neurokit2.ecg_peaks(clean, sampling_rate=fs, method="emrich2023")[1]["ECG_R_Peaks"]


def xqrs(x, fs):
    detector = processing.XQRS(sig=x.astype(np.float64), fs=fs)
    detector.detect(verbose=False)
    return detector.qrs_inds


PEERS = {
    "dsp.r_peaks": ours,
    "neurokit2 default": nk_default,
    "neurokit2 emrich2023": nk_emrich,
    "sleepecg": lambda x, fs: sleepecg.detect_heartbeats(x.astype(np.float64), fs),
    "wfdb xqrs": xqrs,
}


def peaks_of(detector, x, fs):
    """Sample indices; a peer that raises has found nothing."""
    try:
        return np.asarray(detector(x, int(fs)), np.float64)
    except (ValueError, IndexError, ZeroDivisionError, KeyError, TypeError):
        return np.zeros(0)


def mitdb(data, step):
    for k, entry in list(enumerate(dsp.datasets.mitdb(data / "mitdb")))[::step]:
        marks = entry.ecg.annotations["atr"]
        symbols = np.array(marks.symbols)
        starts, stops = marks.samples[symbols == "["], marks.samples[symbols == "]"]
        truth = marks.samples[np.isin(symbols, list(BEATS))]
        rule = {"ignore": list(zip(starts, stops + 1, strict=True))}
        yield entry.name, entry.ecg.signal[0], entry.ecg.fs, truth, rule, k % 2 == 0


def ludb(data, step, lead, fs, reference):
    for k, entry in list(enumerate(dsp.datasets.ludb(data / "ludb")))[::step]:
        truth = reference(entry.ecg) * (fs / entry.ecg.fs)
        x = dsp.resample(entry.ecg.signal, entry.ecg.fs, fs)
        x = x if lead is None else x[entry.ecg.leads.index(lead)]
        yield entry.name, x, fs, truth, {"between": True}, k % 2 == 0


def marked(lead):
    """The annotated QRS of one lead, samples."""

    def reference(ecg):
        marks = ecg.annotations[lead.lower()]
        return marks.samples[np.array(marks.symbols) == "N"]

    return reference


def middle(ecg):
    """The median over leads of what is annotated within 150 ms of each QRS of lead II, samples."""
    leads = [marked(lead)(ecg) for lead in ecg.leads]
    near = [
        [marks[np.abs(marks - beat).argmin()] for marks in leads if marks.size]
        for beat in marked("II")(ecg)
    ]
    return np.array(
        [
            np.median([mark for mark in marks if abs(mark - beat) < 0.15 * ecg.fs])
            for marks, beat in zip(near, marked("II")(ecg), strict=True)
        ]
    )


def cpsc2019(data, step):
    for k, entry in list(enumerate(dsp.datasets.cpsc2019(data / "cpsc2019")))[::step]:
        truth = entry.ecg.annotations["ref"].samples
        rule = {"ignore": [(-9999, 250), (4751, 99999)]}
        yield entry.name, entry.ecg.signal[0], entry.ecg.fs, truth, rule, k % 2 == 0


def f1(counts):
    tp, fp, fn = np.sum(counts, axis=0)
    return 2 * tp / max(1, 2 * tp + fp + fn)


def interval(counts):
    """95 % percentile bootstrap over records of the pooled F1."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(counts), (1000, len(counts)))
    return np.percentile([f1(counts[draw]) for draw in draws], [2.5, 97.5])


def table(title, records, peers):
    """One line a detector: F1 at both tolerances, bias, errors, the worst records."""
    records = list(records)
    seconds = sum(x.shape[-1] / fs for _, x, fs, *_ in records)
    print(f"\n{title}: {len(records)} records, {sum(len(r[3]) for r in records)} beats")
    for name, detector in peers.items():
        counts, errors, spent = [], [], 0.0
        for _, x, fs, truth, rule, _ in records:
            start = time.process_time()
            found = peaks_of(detector, x, fs)
            spent += time.process_time() - start
            both = [match(truth, found, fs, tolerance=tol, **rule) for tol in TOLERANCES]
            counts.append([[m.tp, m.fp, m.fn] for m in both])
            errors.append(both[0].errors)
        report(name, records, np.array(counts), np.concatenate(errors), seconds / spent)


def report(name, records, counts, errors, speed):
    parts = []
    for k in range(len(TOLERANCES)):
        low, high = interval(counts[:, k])
        parts.append(f"{f1(counts[:, k]):.4f} [{low:.4f} {high:.4f}]")
    seen = np.array([record[5] for record in records])
    each = np.array([f1(c[None, 0]) for c in counts])
    worst = ", ".join(f"{records[i][0].split('/')[-1]} {each[i]:.3f}" for i in np.argsort(each)[:4])
    fp, fn = counts[:, 0, 1:].sum(axis=0)
    place = (
        f"{1000 * np.median(errors):+5.1f} {1000 * np.abs(errors).mean():5.1f}"
        if errors.size
        else ""
    )
    print(
        f"  {name:22} {'  '.join(parts)}  fp {fp:4} fn {fn:4}  bias, MAE {place} ms  {speed:8.0f} x"
        f"  empty {int((counts[:, 0, :2].sum(axis=1) == 0).sum())}  worst {worst}"
    )
    if name.startswith("dsp") and 0 < seen.sum() < len(seen):
        halves = [
            f"{label} {f1(counts[which, 0]):.4f} {f1(counts[which, 1]):.4f}"
            for label, which in (("compared half", seen), ("other half", ~seen))
        ]
        print(f"  {'':22} {'; '.join(halves)}")


def noise(data, step, peers):
    """nstdb noise on MIT-BIH, as nst adds it: 0 dB where noise power is that of a sine of the QRS's height."""
    print("\nNoise stress: MIT-BIH channel 0, second minute, F1 at 150 ms")
    print(
        f"  {'':22} " + " ".join(f"{kind} {snr:>3}" for kind in ("bw", "em", "ma") for snr in SNRS)
    )
    records = list(mitdb(data, step))
    noises = {
        kind: np.load(data / "nstdb" / f"{kind}.npy")[0].astype(float)
        for kind in ("bw", "em", "ma")
    }
    for name, detector in peers.items():
        row = []
        for sound in noises.values():
            for snr in SNRS:
                counts = []
                for _, x, fs, truth, _, _ in records:
                    part = slice(21600, 43200)
                    dirty, around = (
                        add(x[part], sound, snr),
                        truth[(truth >= 21600) & (truth < 43200)] - 21600,
                    )
                    m = match(around, peaks_of(detector, dirty, fs), fs)
                    counts.append([m.tp, m.fp, m.fn])
                row.append(f1(np.array(counts)))
        print(f"  {name:22} " + " ".join(f"{value:6.4f}" for value in row))


def add(x, sound, snr):
    """The strip with noise of the given ratio; the height of the QRS is the median of 1 s spans."""
    height = np.median([np.ptp(second) for second in np.array_split(x, len(x) // 360)])
    loud = np.resize(sound - sound.mean(), x.size)
    wanted = height**2 / 8 / 10 ** (snr / 10)
    return (x + loud * np.sqrt(wanted / loud.var())).astype(np.float32)


def spent(run, repeats=3):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def speed(data, quick):
    """Hours of ECG per CPU second on long records; CPU seconds on batches of strips."""
    long = [r[1] for r in mitdb(data, 9)]
    print("\nSpeed, hours of ECG a CPU second on 30-minute records")
    for name in ("dsp.r_peaks", "sleepecg", "neurokit2 default"):
        seconds = spent(lambda name=name: [PEERS[name](x, 360) for x in long])
        print(f"  {name:22} {len(long) * 0.5015 / seconds:8.1f}")
    n = 100 if quick else 1000
    strips = np.stack([e.ecg.signal for e in dsp.datasets.ludb(data / "ludb")])
    strips = np.concatenate([strips] * (n // len(strips) + 1))[:n]
    lead = strips[:, 1:2].copy()
    mine = spent(lambda: dsp.r_peaks(lead, 500))
    peer = spent(lambda: [sleepecg.detect_heartbeats(x[0].astype(float), 500) for x in lead], 1)
    print(
        f"{n} strips of 10 s, lead II: ours {mine:.3f} s, sleepecg {peer:.3f} s: {peer / mine:.1f} x"
    )
    mine, part = spent(lambda: dsp.r_peaks(strips, 500), 2), strips[: max(5, n // 50)]
    peer = spent(lambda: [nk_default(x, 500) for record in part for x in record], 1) * n / len(part)
    print(
        f"{n} strips, 12 leads fused: ours {mine:.2f} s, neurokit2 lead by lead {peer:.1f} s: {peer / mine:.1f} x"
    )


def holter(data, hours):
    """Read, clean, detect and write `hours` of 12 leads at 250 Hz, piece by piece, from and to files."""
    entries = dsp.datasets.ludb(data / "ludb")[:30]
    minutes = np.concatenate([dsp.resample(e.ecg.signal, 500, 250) for e in entries], axis=1)
    counts = np.rint(minutes * 200).clip(-32000, 32000).astype("<i2").T
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        with (folder / "day.dat").open("wb") as file:
            for _ in range(hours * 12):
                counts.tofile(file)
        header(folder / "day.hea", hours * 12 * len(counts))
        before, start, beats = (
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            time.perf_counter(),
            [],
        )
        with (folder / "clean.dat").open("wb") as file:
            for piece in dsp.stream(folder / "day", 300):
                np.rint(np.nan_to_num(piece.clean()) * 200).astype("<i2").T.tofile(file)
                beats.append(piece.r_peaks())
        header(folder / "clean.hea", hours * 12 * len(counts))
        marks = np.concatenate(beats)
        np.save(folder / "beats.npy", marks)
        wall = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"\nHolter, {hours} h x 12 leads x 250 Hz: {len(marks)} beats, {wall:.0f} s, peak memory {grown:.0f} MB higher"
    )


def header(path, n):
    lines = [f"{path.stem} 12 250 {n}"]
    lines += [f"{path.stem}.dat 16 200/mV 16 0 0 0 0 {lead}" for lead in dsp.leads.TWELVE]
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--quick", action="store_true", help="every fifth record")
    parser.add_argument("--ours", action="store_true", help="leave the peers out")
    sections = ("mitdb", "ludb", "cpsc2019", "noise", "speed", "holter")
    parser.add_argument("--only", nargs="+", choices=sections, default=sections)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    data, step = given.data, 5 if given.quick else 1
    peers = dict(list(PEERS.items())[:1]) if given.ours else dict(PEERS)
    # First, so that the peak of memory is its own.
    if "holter" in given.only:
        holter(data, 2 if given.quick else 24)
    if "mitdb" in given.only:
        table("MIT-BIH, channel 0", mitdb(data, step), peers)
    for fs in (500, 100) if "ludb" in given.only else ():
        for lead in ("I", "II", *OTHERS):
            table(f"LUDB lead {lead}, {fs} Hz", ludb(data, step, lead, fs, marked(lead)), peers)
        for name, reference in (("lead II", marked("II")), ("the median lead", middle)):
            table(
                f"LUDB, twelve leads together, {fs} Hz, against the marks of {name}",
                ludb(data, step, None, fs, reference),
                {"dsp.r_peaks": ours},
            )
    if "cpsc2019" in given.only:
        table("CPSC2019", cpsc2019(data, step), peers)
    if "noise" in given.only:
        noise(data, step, peers)
    if "speed" in given.only:
        speed(data, given.quick)


if __name__ == "__main__":
    main()
