"""Distances and areas: agreement with peers, seconds, and what the estimators do as n grows.

    python -m tests.benchmarks.distances [--n 2000] [--dim 64]
    python -m tests.benchmarks.distances --picture docs/pictures/distances.png

Conventions: two samples of one Gaussian with variances 1/k, total variance 1; every row a patient of
its own. Peers run in the same process on the same arrays: scikit-learn for areas, scipy's matrix
square root for the Frechet distance, full n x n tables for KID and CKA, sorting for the neighbours.
Ours includes the standard error, which no peer gives.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy
from matplotlib.figure import Figure
from sklearn import metrics as peer
from sklearn.neighbors import NearestNeighbors

from dsp import distances, statistics

PAIRS = ("cosine gap", "R2", "R2 after ridge", "R@1", "CKA", "mutual k-NN")
SETS = ("modality gap", "KID", "MMD", "Frechet", "sliced Wasserstein", "density", "coverage")


def samples(n: int, dim: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two samples of one distribution."""
    spread = 1 / np.sqrt(np.arange(1, dim + 1))
    x, y = np.random.default_rng(seed).normal(size=(2, n, dim)) * spread
    return x / np.linalg.norm(spread), y / np.linalg.norm(spread)


def naive_frechet(x: np.ndarray, y: np.ndarray) -> float:
    A, B = np.cov(x.T), np.cov(y.T)
    common = scipy.linalg.sqrtm(A @ B).real
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(A + B - 2 * common))


def naive_kid(x: np.ndarray, y: np.ndarray) -> float:
    k = [peer.pairwise.polynomial_kernel(*pair, degree=3) for pair in ((x, x), (y, y), (x, y))]
    n = len(x)
    within = sum((table.sum() - np.trace(table)) / n / (n - 1) for table in k[:2])
    return float(within - 2 * k[2].mean())


def naive_cka(x: np.ndarray, y: np.ndarray) -> float:
    tables = [z @ z.T for z in (x, y)]
    for table in tables:
        np.fill_diagonal(table, 0)
    n = len(x)

    def hsic(K: np.ndarray, L: np.ndarray) -> float:
        means = K.sum() * L.sum() / (n - 1) / (n - 2) - 2 * (K.sum(0) @ L.sum(0)) / (n - 2)
        return float((K * L).sum() + means)

    K, L = tables
    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


def naive_knn(x: np.ndarray, y: np.ndarray) -> float:
    near = []
    for z in (x, y):
        search = NearestNeighbors(n_neighbors=11, metric="cosine", algorithm="brute")
        near.append(search.fit(z - z.mean(0)).kneighbors(z - z.mean(0), return_distance=False))
    return float(np.mean([len(set(a[1:]) & set(b[1:])) / 10 for a, b in zip(*near, strict=True)]))


def agreement(n: int, dim: int) -> None:
    """Each value, its gap to the peer's, and seconds of both."""
    x, y = samples(n, dim)
    near = x + 0.5 * y
    labels = np.random.default_rng(1).random(n) < 0.2
    scores = labels + np.random.default_rng(2).normal(size=n)
    rows: dict[str, tuple[Callable[[], object], Callable[[], float]]] = {
        "AUROC": (
            lambda: statistics.auroc(labels, scores).value,
            lambda: peer.roc_auc_score(labels, scores),
        ),
        "AUPRC": (
            lambda: statistics.auprc(labels, scores).value,
            lambda: peer.average_precision_score(labels, scores),
        ),
        "Frechet": (lambda: distances.frechet(x, y), lambda: naive_frechet(x, y)),
        "KID": (lambda: distances.kid(x, y), lambda: naive_kid(x, y)),
        "CKA": (lambda: distances.cka(x, near), lambda: naive_cka(x, near)),
        "mutual k-NN": (lambda: distances.mutual_knn(x, near), lambda: naive_knn(x, near)),
    }
    print(
        f"{n} rows, {dim} dimensions\n{'':<14}{'ours':>12}{'gap':>10}{'s':>8}{'peer s':>8}{'x':>7}"
    )
    for name, (ours, other) in rows.items():
        began = time.process_time()
        value = float(ours())  # type: ignore[arg-type]
        middle = time.process_time()
        gap = value - other()
        ended = time.process_time()
        mine, theirs = middle - began, ended - middle
        print(f"{name:<14}{value:12.5g}{gap:10.1e}{mine:8.3f}{theirs:8.3f}{theirs / mine:7.1f}")


def sizes(dim: int, worlds: int) -> None:
    """Mean over worlds of distances between two samples of one distribution."""
    print(f"\nnull, {dim} dimensions, mean of {worlds} worlds (standard deviation)")
    print(f"{'n':<8}{'Frechet':>18}{'n to infinity':>20}{'KID':>20}{'|KID| / error':>16}")
    for n in (100, 300, 1000):
        found = []
        for seed in range(worlds):
            x, y = (z * np.sqrt(dim) for z in samples(n, dim, seed))  # mean variance 1, for KID
            kid = distances.kid(x, y)
            plain, free = distances.frechet(x, y).value, distances.frechet_infinity(x, y).value
            found.append((plain / dim, free / dim, kid.value, abs(kid.value) / kid.error))
        mean, sd = np.mean(found, 0), np.std(found, 0)
        cells = [f"{m:.4f} ({s:.4f})" for m, s in zip(mean[:3], sd[:3], strict=True)]
        print(
            f"{n:<8}{cells[0]:>18}{cells[1]:>20}{cells[2]:>20}{max(f[3] for f in found):13.1f} max"
        )


def damages(n: int = 300, dim: int = 16) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Embeddings, and what may be wrong with estimates of them."""
    rng = np.random.default_rng(0)
    spread = 1 / np.sqrt(np.arange(1, dim + 1))
    z, other = rng.normal(size=(2, n, dim)) * spread
    turn = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    modes = other[rng.integers(0, 8, n)] + 0.05 * rng.normal(size=z.shape) * spread
    estimates = {
        "nothing": z,
        "a little noise": z + 0.3 * other,
        "shrunk to the mean": 0.5 * z,
        "shifted": z + 1.5 * spread,
        "rotated": z @ turn,
        "pairs shuffled": rng.permutation(z),
        "another sample": other,
        "eight modes": modes,
    }
    return {name: (z, estimate) for name, estimate in estimates.items()}


def seen(row: distances.Row) -> float:
    """0 is as good as can be; 1 as bad as strangers, or ten standard deviations above the floor."""
    if not row.at_floor.size:
        return (row.best - row.distance.value) / (row.best - row.floor.mean())
    worse = row.at_floor.mean() - row.floor.mean()
    return (worse if row.best == 0 else -worse) / (10 * row.floor.std())


def draw(to: Path) -> None:
    """Which damage each distance sees, and what becomes of a bias as n grows."""
    reports = {name: distances.compare(*z, repeats=8) for name, z in damages().items()}
    figure = Figure(figsize=(10, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    table = [[seen(report[name]) for name in PAIRS + SETS] for report in reports.values()]
    left.imshow(table, cmap="Oranges", vmin=0, vmax=1, aspect="auto")
    left.set_xticks(range(len(PAIRS + SETS)), PAIRS + SETS, rotation=40, ha="right")
    left.set_yticks(range(len(reports)), list(reports))
    left.axvline(len(PAIRS) - 0.5, color="black", lw=1.5)
    left.set_title("What was done to the embeddings, and who sees it (dark)", fontsize=10)
    counts = [40, 80, 160, 320, 640]
    a, b = samples(counts[-1], 16)
    for measure, colour in (
        (distances.frechet, "#c8442f"),
        (distances.frechet_infinity, "#2a78b5"),
    ):
        found = [measure(a[:n], b[:n]) for n in counts]
        low, high = [d.low for d in found], [d.high for d in found]
        right.plot(counts, [d.value for d in found], "o-", color=colour, label=found[0].name)
        right.fill_between(counts, low, high, color=colour, alpha=0.15, lw=0)
    right.axhline(0, color="0.5", lw=0.8)
    right.set(xscale="log", xlabel="recordings in each")
    right.set_title("Two samples of one distribution", fontsize=10)
    right.set_xticks(counts, [str(n) for n in counts])
    right.minorticks_off()
    right.legend(frameon=False, fontsize=9)
    right.spines[["top", "right"]].set_visible(False)
    figure.savefig(to, dpi=90)


def main() -> None:
    """Compare, then grow; or draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    if given.picture:
        draw(given.picture)
        return
    agreement(given.n, given.dim)
    sizes(given.dim, given.worlds)


if __name__ == "__main__":
    main()
