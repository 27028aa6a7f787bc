"""The simulator: records a second, control, likeness to real recordings, and what a model learns from it.

Conventions: 12 leads x 10 s x 500 Hz. Realism and transfer: the first 10 s of every shared 12-lead
recording (dead leads and samples beyond 6 mV left out) and as many simulated clinical patients
(diagnosis "any", no noise), both 0.5-40 Hz at 100 Hz, eight independent leads. "floor" is the same
figure between two random halves of the real recordings: no simulator can be expected to do better.
The simulator's table of moments and its spreads were rounded by hand with lead-wise medians, band
powers and principal components of these recordings in view; no covariance was fitted to them.

    python -m tests.benchmarks.simulator [--parts speed control realism transfer real-or-simulated]
"""

import argparse
import time
from pathlib import Path

import numpy as np

import dsp
import ecgsynth
from dsp import datasets, leads
from dsp.waves import delineate

ROOT = Path(__file__).resolve().parents[2]
SETS = ("I", "I II", "I II V2", "I II V3", "I II V2 V5")
ROWS = [leads.TWELVE.index(lead) for lead in leads.EIGHT]
BANDS = ((0.5, 2), (2, 5), (5, 10), (10, 15), (15, 25), (25, 40))


def real_and_simulated(root):
    """(n, 8, 1000) real, (n, 8, 1000) simulated, and the group of each real record."""
    real, groups = [], []
    for entry in datasets.twelve_lead(root):
        ecg = entry.ecg.twelve_leads() if entry.ecg.leads != leads.TWELVE else entry.ecg
        x = np.nan_to_num(ecg[leads.EIGHT])
        x = dsp.bandpass(dsp.resample(x, ecg.fs, 100), 100, 0.5, 40)[:, :1000].astype(float)
        if x.shape[1] == 1000 and x.std(-1).min() >= 0.005 and abs(x).max() < 6:
            real.append(x)
            groups.append(entry.group)
    sim = ecgsynth.simulate(len(real), diagnosis="any", fs=100, seed=11).signal[:, ROWS]
    sim = dsp.bandpass(sim, 100, 0.5, 40).astype(float)
    centre = [x - x.mean(-1, keepdims=True) for x in (np.stack(real), sim)]
    return *centre, groups


def rate_of(job, n, repeats=3):
    """Best records a second of wall and of processor time."""
    wall, busy = [], []
    for _ in range(repeats):
        start, cpu = time.perf_counter(), time.process_time()
        job()
        wall.append(time.perf_counter() - start)
        busy.append(time.process_time() - cpu)
    return n / min(wall), n / min(busy)


def speed(n):
    """Records a second, and neurokit2 in the same process."""
    import neurokit2
    import torch

    def gradients():
        sim = ecgsynth.simulate(128, diagnosis="any", device="cpu")
        sim.signal.square().mean().backward()

    def peer():
        for seed in range(2):
            neurokit2.ecg_simulate(10, sampling_rate=500, method="multileads", random_state=seed)

    jobs = {
        "clean": (lambda: ecgsynth.simulate(n, diagnosis="any"), n),
        "clean, with truth": (lambda: ecgsynth.simulate(n, diagnosis="any").waves, n),
        "noise at 12 dB": (lambda: ecgsynth.simulate(n, diagnosis="any", noise=12.0), n),
        "with gradients": (gradients, 128),
        "neurokit2, clean": (peer, 2),
    }
    ecgsynth.simulate(n)  # the first call pays for imports and memory
    print(
        f"\nrecords a second, {torch.get_num_threads()} threads; as many times neurokit2's in this run"
    )
    print(f"{'':22}{'wall':>10}{'cpu':>10}{'times':>10}")
    found = {name: rate_of(job, count) for name, (job, count) in jobs.items()}
    slowest = found["neurokit2, clean"][0]
    for name, (wall, busy) in found.items():
        print(f"{name:22}{wall:10.1f}{busy:10.1f}{wall / slowest:10.0f}")


INTERVALS = {"pr": ((0, 0), (1, 0)), "qrs": ((1, 0), (1, 2)), "qt": ((1, 0), (2, 2))}
WITHIN = 5  # ms


def control(n=200):
    """Asked for and obtained: rate and SDNN from true peaks; intervals from the truth and as measured."""
    print("\ncontrol: obtained minus asked, noiseless, normal adults at 45 to 120 bpm")
    rng = np.random.default_rng(0)
    rate = rng.uniform(45, 120, n)
    wanted = {
        "sdnn": rng.uniform(0.0, 0.06, n) * 60 / rate,
        "pr": rng.uniform(0.12, 0.20, n),
        "qrs": rng.uniform(0.08, 0.12, n),
        "qt": rng.uniform(0.38, 0.45, n) * np.cbrt(60 / rate),
    }
    sim = ecgsynth.simulate(n, heart_rate=rate, parameters=wanted)
    rr = [np.diff(peaks) / 500 for peaks in sim.r_peaks]
    errors = {
        "rate, bpm": [60 / x.mean() - asked for x, asked in zip(rr, rate, strict=True)],
        "SDNN, ms": [1e3 * (x.std() - s) for x, s in zip(rr, wanted["sdnn"], strict=True)],
    }
    marked = {
        "truth": [w.overall for w in sim.waves],
        "dsp.delineate": [
            delineate(x, 500, peaks).overall
            for x, peaks in zip(sim.signal, sim.r_peaks, strict=True)
        ],
    }
    found = {
        source: {
            name: np.array([np.nanmedian(m[:, *last] - m[:, *first]) / 500 for m in marks])
            for name, (first, last) in INTERVALS.items()
        }
        for source, marks in marked.items()
    }
    tables = [dsp.measure(sim.record(k)) for k in range(n)]
    attributes = {"pr": "pr", "qrs": "qrs_duration", "qt": "qt"}
    found["dsp.measure"] = {
        name: np.array([getattr(table, key) for table in tables])
        for name, key in attributes.items()
    }
    clear = 60 / rate - wanted["pr"] - wanted["qt"] > 0.06
    for source, values in found.items():
        for name, value in values.items():
            errors[f"{name.upper()}, ms, by {source}"] = 1e3 * (value - wanted[name])
    for name, value in found["dsp.measure"].items():
        errors[f"{name.upper()}, ms, P clear of T"] = 1e3 * (value - wanted[name])[clear]
    print(
        f"P clear of T: by dsp.measure, where P begins at least 60 ms after the end of T "
        f"({clear.sum()} of {n})"
    )
    print(f"{'':28}{'median':>9}{'|median|':>9}{'95 % of |e|':>13}{f'<= {WITHIN}':>8}{'found':>7}")
    for name, values in errors.items():
        control_row(name, np.asarray(values))


def control_row(name, e):
    """Bias, size and spread of an error, and how many are small; a value not found is not small."""
    near, known = np.mean(abs(e) <= WITHIN), e[np.isfinite(e)]
    print(
        f"{name:28}{np.median(known):9.2f}{np.median(abs(known)):9.2f}"
        f"{np.quantile(abs(known), 0.95):13.2f}{near:8.1%}{len(known):7d}"
    )


def covariances(x):
    c = np.einsum("nit,njt->nij", x, x) / x.shape[-1]
    return c / np.trace(c, axis1=1, axis2=2)[:, None, None]


def correlation(c):
    s = np.sqrt(np.diag(c))
    return c / s / s[:, None]


def shares(c):
    """Energy held by the first 1, 2, 3, 4 components, mean over matrices."""
    values = np.linalg.eigvalsh(c)[..., ::-1]
    return (np.cumsum(values, -1) / values.sum(-1, keepdims=True)).reshape(-1, 8).mean(0)[:4]


def bands(x):
    power = (np.abs(np.fft.rfft(x)) ** 2).sum(1)
    f = np.fft.rfftfreq(x.shape[-1], 0.01)
    total = power.sum(-1)
    return np.stack([power[:, (f >= a) & (f < b)].sum(-1) / total for a, b in BANDS], 1)


def ks(a, b):
    """Kolmogorov-Smirnov distance."""
    grid = np.sort(np.concatenate([a, b]))
    share = [np.searchsorted(np.sort(v), grid, side="right") / len(v) for v in (a, b)]
    return abs(share[0] - share[1]).max()


def features(x):
    """name -> (n,): amplitudes by lead, axis, spectrum, rank."""
    out = {f"max {lead}": x[:, i].max(-1) for i, lead in enumerate(leads.EIGHT)}
    out |= {f"min {lead}": x[:, i].min(-1) for i, lead in enumerate(leads.EIGHT)}
    big = np.abs(x).max(1).argmax(-1)
    at = x[np.arange(len(x)), :, big]
    out["axis at the largest R"] = np.arctan2(at[:, 1] - at[:, 0] / 2, at[:, 0])
    out |= {f"{a}-{b} Hz": v for (a, b), v in zip(BANDS, bands(x).T, strict=True)}
    values = np.linalg.eigvalsh(covariances(x))[:, ::-1]
    out |= {f"{k} components": values[:, :k].sum(1) for k in (1, 2, 3)}
    return out


def realism(real, sim):
    half = np.random.default_rng(0).permutation(len(real))
    one, two = real[half[: len(half) // 2]], real[half[len(half) // 2 :]]
    print(f"\nrealism, {len(real)} real and simulated records; KS distance (floor: real halves)")
    print(f"{'':24}{'real':>8}{'sim':>8}{'KS':>7}{'floor':>7}")
    tables = [features(x) for x in (real, sim, one, two)]
    for name, values in tables[0].items():
        distance = ks(values, tables[1][name])
        floor = ks(tables[2][name], tables[3][name])
        print(
            f"{name:24}{np.median(values):8.3f}{np.median(tables[1][name]):8.3f}{distance:7.2f}{floor:7.2f}"
        )
    pairs = np.triu_indices(8, 1)
    c = [correlation(covariances(x).mean(0))[pairs] for x in (real, sim, one, two)]
    print(
        f"inter-lead correlation, mean gap {abs(c[0] - c[1]).mean():.3f} (floor {abs(c[2] - c[3]).mean():.3f})"
    )
    for name, kind in (("record", covariances), ("pooled", lambda x: covariances(x).mean(0))):
        print(
            f"energy in 1-4 components, {name}: real {shares(kind(real)).round(3)} sim {shares(kind(sim)).round(3)}"
        )


def mean_r(c, x, given):
    seen = np.isin(leads.EIGHT, given.split())
    weights = np.linalg.solve(c[np.ix_(seen, seen)], c[np.ix_(seen, ~seen)]).T
    guess, truth = weights @ x[:, seen], x[:, ~seen]
    top = (guess * truth).sum(-1)
    return (top / np.sqrt((guess**2).sum(-1) * (truth**2).sum(-1) + 1e-12)).mean(1)


def transfer(real, sim, groups):
    print("\ntransfer: mean r over the hidden leads of real records, linear predictor fitted on")
    print(f"{'given':12}{'real':>8}{'simulated':>11}{'ratio':>8}")
    folds = datasets.grouped_folds(groups, 5)
    each, made = covariances(real), covariances(sim).mean(0)
    for given in SETS:
        own = np.concatenate(
            [mean_r(each[folds != k].mean(0), real[folds == k], given) for k in range(5)]
        )
        other = mean_r(made, real, given).mean()
        print(f"{given:12}{own.mean():8.3f}{other:11.3f}{other / own.mean():8.3f}")


def real_or_simulated(real, sim):
    """Can boosted trees on the features above tell them apart? 0.5: no; 1: always."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import cross_val_score

    tables = [np.stack(list(features(x).values()), 1) for x in (real, sim)]
    y = np.repeat([0, 1], [len(real), len(sim)])
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    auc = cross_val_score(model, np.concatenate(tables), y, cv=5, scoring="roc_auc").mean()
    print(
        f"\nreal or simulated? boosted trees on {tables[0].shape[1]} features, 5-fold AUC {auc:.3f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--records", type=int, default=1024, help="simulated to measure speed")
    names = ("speed", "control", "realism", "transfer", "real-or-simulated")
    parser.add_argument("--parts", nargs="+", choices=names, default=names)
    options = parser.parse_args()
    print(__doc__.split("\n\n")[1])
    if "speed" in options.parts:
        speed(options.records)
    if "control" in options.parts:
        control()
    if set(options.parts) & set(names[2:]):
        real, sim, groups = real_and_simulated(options.data)
        if "realism" in options.parts:
            realism(real, sim)
        if "transfer" in options.parts:
            transfer(real, sim, groups)
        if "real-or-simulated" in options.parts:
            real_or_simulated(real, sim)


if __name__ == "__main__":
    main()
