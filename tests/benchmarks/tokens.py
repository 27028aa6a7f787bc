"""Tokens of real twelve-lead recordings by heart rate: what the words hold, what is lost, what comes back.

    python -m tests.benchmarks.tokens --every 3

Conventions: all shared twelve-lead recordings of up to 12 s (LUDB, CinC 2020/2021, Chapman), first 10 s,
at 100 Hz. Heart rate: `dsp.r_peaks` on all leads. Coverage: share of samples that words hold, before
any budget. Lost: share of words beyond the budget of 256. r: Pearson per lead between the decoded
signal (0 where nothing came back) and the signal at 100 Hz; least over leads and records, flat leads
left out. "published" is the HeartLang rule with its own beats, wfdb's xqrs on lead I at 100 Hz.
Interval: 95 %, bootstrap over recordings. Time: CPU, beats given, all recordings as one batch;
the published rule word by word as its authors run it.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from wfdb.processing import xqrs_detect

import dsp
from dsp.leads import TWELVE

FS = 100
RATES = ((0, 60), (60, 90), (90, 130), (130, 999))
SOURCES = {"ludb": "ludb", "cinc2020-2021": "cinc", "chapman-unlabelled": "chapman"}


def recordings(data, every):
    """(12, 1000) at 100 Hz with the beats of all leads at the native rate."""
    for folder, name in SOURCES.items():
        for entry in dsp.datasets.DATASETS[name](data / folder)[::every]:
            ecg = entry.ecg
            if 10 <= ecg.duration <= 12 and set(TWELVE) <= set(ecg.leads):
                ecg = ecg.select(*TWELVE).crop(0, 10)
                x = dsp.resample(ecg.signal, ecg.fs, FS)
                peaks = np.rint(dsp.r_peaks(ecg.signal, ecg.fs) * FS / ecg.fs).astype(int)
                yield x, np.unique(np.minimum(peaks, x.shape[1] - 1))


def published_beats(x):
    """R peaks as the published tokenizers take them."""
    found = xqrs_detect(sig=x[0].astype(float), fs=FS, verbose=False)
    found = np.unique(np.asarray(found, int))
    return found[(found >= 0) & (found < x.shape[1])]


def word_by_word(x, peaks):
    """The published rule in plain loops, for its time."""
    words = []
    for row in x:
        for i, r in enumerate(peaks):
            start = (peaks[i - 1] + r) // 2 if i else max(r - 48, 0)
            stop = (peaks[i + 1] + r) // 2 if i + 1 < len(peaks) else r + 48
            if stop - start > 96:
                start, stop = max(r - 48, 0), r + 48
            column = max(48 - (r - start), 0)
            word = np.zeros(96)
            held = row[start : min(stop, start + 96 - column)]
            word[column : column + len(held)] = held
            words.append(word)
    return np.array(words)[:256]


def scores(tok, x, peaks):
    """Coverage, share of words lost, least r."""
    words = tok.encode(x, FS, peaks)
    y = tok.decode(words)
    wanted = 12 * len(peaks) if tok.mode == "heartlang" else int(words.present.sum())
    lost = 1 - words.present.sum() / wanted if wanted else 1.0
    one = dsp.QRSTokenizer(mode=tok.mode, leads=["I"])  # one lead never meets the budget
    coverage = np.isfinite(one.decode(one.encode(x[:1], FS, peaks))).mean()
    live = x.std(axis=1) > 1e-3
    with np.errstate(invalid="ignore"):  # nothing came back: r is 0
        pairs = zip(np.nan_to_num(y[live]), x[live], strict=True)
        r = [np.nan_to_num(np.corrcoef(a, b)[0, 1]) for a, b in pairs]
    return coverage, lost, np.min(r, initial=1.0)


def interval(values, rng):
    """95 % interval of the mean, by bootstrap."""
    means = rng.choice(values, (1000, len(values))).mean(axis=1)
    return np.percentile(means, [2.5, 97.5])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared" / "data")
    parser.add_argument("--every", type=int, default=1, help="take each n-th recording")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    records = list(recordings(options.data, options.every))
    own = [peaks for _, peaks in records]
    rates = np.array([60 * FS / np.diff(p).mean() if len(p) > 1 else 0 for p in own])
    theirs = [published_beats(x) for x, _ in records]
    lossless, heartlang = dsp.QRSTokenizer(), dsp.QRSTokenizer(mode="heartlang")
    paths = {
        "published": (heartlang, theirs),
        "heartlang, our beats": (heartlang, own),
        "lossless": (lossless, own),
    }
    print(f"{len(records)} recordings\n")
    print(
        f"{'path':22}{'bpm':>9}{'n':>5}{'coverage %':>12}{'interval':>18}{'lost %':>8}{'least r':>10}"
    )
    for path, (tok, beats) in paths.items():
        table = np.array([scores(tok, x, p) for (x, _), p in zip(records, beats, strict=True)])
        for low, high in (*RATES, (0, 999)):
            part = table[(rates >= low) & (rates < high)]
            if len(part):
                lower, upper = 100 * interval(part[:, 0], rng)
                print(
                    f"{path:22}{f'{low}-{high}':>9}{len(part):5d}{100 * part[:, 0].mean():12.2f}"
                    f"{f'{lower:.2f} to {upper:.2f}':>18}{100 * part[:, 1].mean():8.2f}{part[:, 2].min():10.6f}"
                )
    batch = np.stack([x for x, _ in records])
    clocks = {
        "heartlang, batch": lambda: heartlang.encode(batch, FS, own),
        "lossless, batch": lambda: lossless.encode(batch, FS, own),
        "published, word by word": lambda: [word_by_word(x, p) for x, p in records],
    }
    print()
    for name, run in clocks.items():
        run()  # once before, to fill the caches
        start = time.process_time()
        run()
        print(f"{name:26}{1e3 * (time.process_time() - start) / len(records):8.3f} ms a recording")


if __name__ == "__main__":
    main()
