"""Waves beside neurokit2 (prominence, dwt) and ecgpuwave, end to end: each method finds its own beats.

Conventions. A mark is found if it lies within 150 ms of the reference, one to one. Edge rule: an unmatched
mark counts as invented only between the first and the last reference mark of that kind in that lead; in a
lead without any of that kind, between the first and the last mark of the lead. Errors are found minus
reference, mean ± SD pooled over marks. Intervals are 95 %, drawing records. LUDB is read at 1000 counts per
mV. "together": all twelve leads are given at once; "alone": each lead by itself, beats found in it alone.

What was tuned on what. Dozens of configurations (constants and rules) were swept on half of the LUDB subjects,
a seeded draw, named "tuned". "held out" is the rest: it was scored once before the last changes to the T and
QRS rules; afterwards some fifteen variants were scored on both halves, and a change went in only if it made
neither worse. So it had a say in the last constants (`STEADY` of P and T) and is not blind: nor in the way
from T to its end, of which about seven variants were scored on both halves. No constant was
fitted to QTDB, but its failures were looked at some twenty times and drove changes of rules (among them the width
of the QRS body, and P waves that ride on T waves, which one record, sel38, asked for): its figures are those of
a development set. There the nearer mark of the two leads counts, so Se only, no PPV; and since a method that
finds fewer, easier marks has smaller errors, "shared" scores ours, together, and each peer on the marks that
both find.

    python -m tests.benchmarks.waves [--data FOLDER] [--quick]
"""

import argparse
import functools
import time
import warnings
from collections import defaultdict
from pathlib import Path

import neurokit2
import numpy as np

import dsp
from dsp import datasets, metrics, statistics

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
KINDS, EDGES = ("P", "QRS", "T"), ("on", "peak", "off")
SYMBOLS = ({"p"}, set("NLRBAaJSVrFejnE/fQ"), {"t"})
COLUMNS = {
    "ECG_P_Onsets": (0, 0),
    "ECG_P_Peaks": (0, 1),
    "ECG_P_Offsets": (0, 2),
    "ECG_R_Onsets": (1, 0),
    "ECG_R_Offsets": (1, 2),
    "ECG_T_Onsets": (2, 0),
    "ECG_T_Peaks": (2, 1),
    "ECG_T_Offsets": (2, 2),
}


def triples(marks):
    """Reference marks (3 kinds, each (n, 3) of onset, peak, offset, NaN where not marked)."""
    found = ([], [], [])
    symbols, samples = marks.symbols, marks.samples
    for i, symbol in enumerate(symbols):
        for kind, names in enumerate(SYMBOLS):
            if symbol in names:
                onset = samples[i - 1] if i and symbols[i - 1] == "(" else np.nan
                closed = i + 1 < len(symbols) and symbols[i + 1] == ")"
                found[kind].append((onset, samples[i], samples[i + 1] if closed else np.nan))
    return [np.array(rows, float).reshape(-1, 3) for rows in found]


def tuned(n):
    """Which of the n LUDB subjects, in the order of their numbers, the constants were chosen on."""
    return set(np.random.default_rng(0).permutation(n)[: n // 2].tolist())


# ----- methods: (leads, time), fs -> for each lead, for each kind, (beats, 3)


def ours_together(x, fs):
    waves = dsp.delineate(x, fs, dsp.r_peaks(x, fs))
    return [np.moveaxis(lead, 1, 0) for lead in waves.positions]


def ours_alone(x, fs):
    return [ours_together(lead, fs)[0] for lead in x]


def neurokit(method):
    def run(x, fs):
        return [_neurokit_lead(lead, fs, method) for lead in x]

    return run


def _neurokit_lead(lead, fs, method):
    out = [np.zeros((0, 3))] * 3
    try:
        y = neurokit2.ecg_clean(np.asarray(lead, float), sampling_rate=int(fs))
        _, info = neurokit2.ecg_peaks(y, sampling_rate=int(fs))
        _, waves = neurokit2.ecg_delineate(
            y, info["ECG_R_Peaks"], sampling_rate=int(fs), method=method
        )
    except (ValueError, IndexError, ZeroDivisionError, TypeError, KeyError):
        return out  # a lead it refuses has no marks
    out = [np.full((len(info["ECG_R_Peaks"]), 3), np.nan) for _ in KINDS]
    for column, (kind, edge) in COLUMNS.items():
        values = np.asarray(waves.get(column, []), float)
        out[kind][: len(values), edge] = values[: len(out[kind])]
    out[1][:, 1] = info["ECG_R_Peaks"]
    return out


METHODS = {
    "ours, together": ours_together,
    "ours, alone": ours_alone,
    "nk prominence": neurokit("prominence"),
    "nk dwt": neurokit("dwt"),
}


# ----- scores


def tally(reference, found, limits, fs):
    """tp, fp, fn, sum and sum of squares of the errors (ms) of one lead, kind and edge."""
    reference, found = reference[np.isfinite(reference)], found[np.isfinite(found)]
    if not len(reference):
        return np.array([0, ((found > limits[0]) & (found < limits[1])).sum(), 0, 0, 0], float)
    m = metrics.match(reference, found, fs, between=True)
    e = 1e3 * m.errors
    return np.array([m.tp, m.fp, m.fn, e.sum(), (e**2).sum()], float)


def f1(rows):
    tp, fp, fn = rows[:, :3].sum(axis=0)
    return 2 * tp / max(1, 2 * tp + fp + fn)


def mean(rows):
    return rows[:, 3].sum() / max(1, rows[:, 0].sum())


def sd(rows):
    return max(0.0, rows[:, 4].sum() / max(1, rows[:, 0].sum()) - mean(rows) ** 2) ** 0.5


def line(label, rows):
    rows = np.array(rows)
    records = np.arange(len(rows))
    tp, fp, fn = rows[:, :3].sum(axis=0).astype(int)
    score = statistics.bootstrap(rows, records, f1, n=500)
    spread = statistics.bootstrap(rows, records, sd, n=500)
    print(
        f"  {label:16} Se {tp / max(1, tp + fn):.4f}  PPV {tp / max(1, tp + fp):.4f}  "
        f"F1 {score.value:.4f} [{score.low:.4f}, {score.high:.4f}]  "
        f"{mean(rows):+6.1f} ± {spread.value:4.1f} [{spread.low:4.1f}, {spread.high:4.1f}] ms  "
        f"n {tp + fn}"
    )


def ludb(folder, every):
    """Every lead of LUDB, and what is claimed where there is no P wave."""
    entries = list(datasets.ludb(folder))
    half = tuned(len(entries))
    tables = defaultdict(list)  # scope, leads, kind, edge, method -> one row a record
    claims = defaultdict(lambda: np.zeros(4))  # claimed, beats; the same in fibrillation
    for place in range(0, len(entries), every):
        ecg = entries[place].ecg
        truth = [triples(ecg.annotations[lead.lower()]) for lead in ecg.leads]
        fibrillation = any("fibrillation" in label.lower() for label in entries[place].labels)
        for name, method in METHODS.items():
            rows = compare(truth, method(ecg.signal, ecg.fs), ecg.fs)
            for scope in ("all", "tuned half" if place in half else "held out half"):
                for kind, edge in np.ndindex(3, 3):
                    tables[scope, "II", kind, edge, name].append(rows[1, kind, edge])
                    total = rows[:, kind, edge].sum(axis=0)
                    tables[scope, "12 leads", kind, edge, name].append(total)
            none = [lead for lead, ref in enumerate(truth) if not len(ref[0])]
            claimed = rows[none, 0, 1, 1].sum()
            beats = sum(len(truth[lead][1]) for lead in none)
            claims[name] += [claimed, beats, fibrillation * claimed, fibrillation * beats]
    for scope in ("all", "held out half", "tuned half"):
        for leads in ("II", "12 leads"):
            print(f"\nLUDB, {scope} of the records, lead(s) {leads}")
            for kind, edge in np.ndindex(3, 3):
                print(f" {KINDS[kind]} {EDGES[edge]}")
                for name in METHODS:
                    line(name, tables[scope, leads, kind, edge, name])
    print("\nLUDB, leads in which no P is marked: beats before which one is claimed")
    for name, (claimed, beats, in_af, af_beats) in claims.items():
        print(
            f"  {name:16} {claimed:.0f} of {beats:.0f} ({claimed / max(1, beats):.1%}); "
            f"atrial fibrillation {in_af:.0f} of {af_beats:.0f} ({in_af / max(1, af_beats):.1%})"
        )


def compare(truth, found, fs):
    """(leads, kind, edge, 5) tallies of one record."""
    rows = np.zeros((len(truth), 3, 3, 5))
    for lead, (ref, got) in enumerate(zip(truth, found, strict=True)):
        marked = np.concatenate([r.ravel() for r in ref])
        limits = np.nanmin(marked), np.nanmax(marked)
        for kind, edge in np.ndindex(3, 3):
            rows[lead, kind, edge] = tally(ref[kind][:, edge], got[kind][:, edge], limits, fs)
    return rows


def qtdb(folder):
    """The nearer of the two leads mark by mark; ecgpuwave's own marks ship with the data."""
    errors = defaultdict(list)  # (kind, edge), method -> per record the error of each mark, ms
    for entry in datasets.qtdb(folder):
        ecg = entry.ecg
        truth = triples(ecg.annotations["q1c"])
        first = max(0, int(np.nanmin(truth[1])) - int(60 * ecg.fs))
        part = ecg.signal[:, first : int(np.nanmax(truth[1])) + int(20 * ecg.fs)]
        found = {
            name: [[k + first for k in lead] for lead in method(part, ecg.fs)]
            for name, method in METHODS.items()
        }
        found["ecgpuwave"] = [triples(ecg.annotations[name]) for name in ("pu0", "pu1")]
        for name, leads in found.items():
            for kind in range(3):
                for edge in range(3):
                    ref = truth[kind][:, edge]
                    both = [lead[kind][:, edge] for lead in leads]
                    errors[kind, edge, name].append(nearest(ref[np.isfinite(ref)], both, ecg.fs))
    print("\nQTDB, first cardiologist's marks (q1c), nearer of two leads; pooled over marks")
    names = (*METHODS, "ecgpuwave")
    for kind, edge in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 1), (2, 2)):
        print(f" {KINDS[kind]} {EDGES[edge]}")
        table = {name: errors[kind, edge, name] for name in names}
        for name in names:
            spread_line(name, table[name])
        for name in names[2:]:
            both = [
                np.isfinite(a) & np.isfinite(b)
                for a, b in zip(table[name], table[names[0]], strict=True)
            ]
            for label in (name, names[0]):
                spread_line(
                    f"shared: {label}", [e[k] for e, k in zip(table[label], both, strict=True)]
                )


def spread_line(label, errors):
    """Se, mean and SD of the errors (ms, NaN where missed) of the marks of each record."""
    rows = np.array(
        [
            (np.isfinite(e).sum(), 0, np.isnan(e).sum(), np.nansum(e), np.nansum(e**2))
            for e in errors
        ],
        float,
    )
    spread = statistics.bootstrap(rows, np.arange(len(rows)), sd, n=500)
    n = rows[:, 0].sum() + rows[:, 2].sum()
    print(
        f"  {label:22} Se {rows[:, 0].sum() / n:.4f}  {mean(rows):+6.1f} ± {spread.value:4.1f} "
        f"[{spread.low:4.1f}, {spread.high:4.1f}] ms  n {n:.0f}"
    )


def nearest(reference, leads, fs):
    """Error (ms) of the nearest mark of any lead; NaN where none is within 150 ms."""
    marks = np.concatenate(leads)
    marks = np.sort(marks[np.isfinite(marks)])
    if not len(marks):
        return np.full(len(reference), np.nan)
    after = np.minimum(np.searchsorted(marks, reference), len(marks) - 1)
    pair = np.stack([marks[np.maximum(after - 1, 0)], marks[after]]) - reference
    error = 1e3 / fs * np.take_along_axis(pair, np.abs(pair).argmin(axis=0)[None], 0)[0]
    return np.where(np.abs(error) <= 150, error, np.nan)


def fibrillation(folder):
    """CPSC 2021: share of beats with a P wave claimed, in fibrillation and flutter, and outside."""
    counts = defaultdict(lambda: np.zeros(4))
    for entry in datasets.cpsc2021(folder):
        ecg = entry.ecg
        atr = ecg.annotations["atr"]
        changes = [
            (at, note.startswith("(AF"))
            for at, note in zip(atr.samples, atr.notes, strict=True)
            if note.startswith("(")
        ]
        # Before its first mark, and without any, a record is not in fibrillation.
        starts = np.array([-1] + [at for at, _ in changes])
        states = np.array([False] + [state for _, state in changes])
        seconds = min(ecg.duration, 600.0)  # ten minutes of each are enough, for the peers' sake
        x = ecg.crop(0, seconds).signal
        for name, method in METHODS.items():
            for lead in method(x, ecg.fs):
                beats = lead[1][:, 1]
                place = np.searchsorted(starts, beats, side="right") - 1
                known = np.isfinite(beats) & (place >= 0)
                af = known & states[np.maximum(place, 0)]
                claimed = np.isfinite(lead[0][:, 1])
                other = known & ~af
                counts[name] += [
                    (claimed & af).sum(),
                    af.sum(),
                    (claimed & other).sum(),
                    other.sum(),
                ]
    print("\nCPSC 2021, beats before which a P wave is claimed (first ten minutes of each record)")
    for name, (a, n, b, m) in counts.items():
        print(
            f"  {name:16} in fibrillation or flutter {a:.0f} of {n:.0f} ({a / max(1, n):.1%}); "
            f"outside {b:.0f} of {m:.0f} ({b / max(1, m):.1%})"
        )


def cpu(run, leads):
    """CPU seconds for 12,000 leads, of the best of three runs over so many."""
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best * 12_000 / leads


def speed(folder, n_records):
    """CPU seconds for 1000 records of 12 leads x 10 s, all steps, scaled from a part."""
    x = np.stack([entry.ecg.signal for entry in list(datasets.ludb(folder))[:n_records]])
    peaks = dsp.r_peaks(x, 500)
    runs = {
        "ours, a batch, beats given": lambda: dsp.delineate(x, 500, peaks),
        "ours, a batch": lambda: dsp.delineate(x, 500, dsp.r_peaks(x, 500)),
        "ours, one by one, beats given": lambda: [
            dsp.delineate(each, 500, at) for each, at in zip(x, peaks, strict=True)
        ],
        "ours, one by one": lambda: [ours_together(each, 500) for each in x],
    }
    dsp.delineate(x[0], 500, peaks[0])
    table = {name: cpu(run, 12 * len(x)) for name, run in runs.items()}
    for name in METHODS:
        if name.startswith("nk"):
            table[name] = cpu(functools.partial(METHODS[name], x[0, :4], 500), 4)
    ours = min(table.values())
    print("\nCPU seconds for 12,000 leads of 10 s at 500 Hz")
    for name, seconds in table.items():
        print(f"  {name:30} {seconds:8.1f}   {seconds / ours:6.1f} x ours")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--quick", action="store_true", help="every tenth LUDB record")
    parser.add_argument("--ours", action="store_true", help="no peers")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in list(METHODS):
        if name.startswith("nk") and options.ours:
            del METHODS[name]
    ludb(options.data, 10 if options.quick else 1)
    qtdb(options.data)
    fibrillation(options.data)
    speed(options.data, 40)


if __name__ == "__main__":
    main()
