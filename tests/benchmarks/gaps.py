"""The gap report: how long it takes, how much memory, and how far it is from closed form.

Seconds are of the wall and of the processor, the latter being what a busy machine does not change.
Closed form: hidden leads drawn from a known Gaussian given the leads I and II of simulated patients;
smoothing of a linear teacher must be 0, that of a quadratic one the variance it loses.

    python -m tests.benchmarks.gaps [--records 500] [--leads I --leads I,II,V2] [--path FIR]
"""

import argparse
import resource
import tempfile
import time

import numpy as np

import ecgsynth
import recon
from dsp import ECG, clean, leads
from recon.gaps import GaussianPosterior, bundled
from recon.gaps.decomposition import Residual, split
from recon.gaps.draws import Draws
from recon.gaussian import Gaussian, covariance, given_space, predictors
from recon.gaussian import split as bands

EIGHT = [leads.TWELVE.index(lead) for lead in leads.EIGHT]
GIVEN = ("I", "II")


def records(n):
    """Simulated patients, infarcts and normals, a block in memory at a time."""
    codes = ["AMI", "IMI", "LMI", "NORM"]
    for first in range(0, n, 64):
        count = min(64, n - first)
        block = ecgsynth.simulate(
            count, diagnosis=[codes[k % 4] for k in range(count)], fs=100, noise=25.0, seed=first
        )
        yield from (block.record(k) for k in range(count))


def timed(n, lead_sets, names):
    """Once from nothing, once from the cache."""
    chosen = bundled()
    chosen = {name: chosen[name] for name in names} if names else chosen
    with tempfile.TemporaryDirectory() as cache:
        for what in ("from nothing", "again, cached"):
            wall, used = time.perf_counter(), time.process_time()
            report = recon.gaps(records(n), leads=lead_sets, paths=chosen, cache=cache)
            wall, used = time.perf_counter() - wall, time.process_time() - used
            print(
                f"{what:14} {n} records, {len(chosen)} paths, {len(lead_sets)} lead sets: "
                f"{wall:.0f} s, {used:.0f} s of the processor"
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MB\n\n{report.table}\n")
    for part in report.splits:
        print(f"{part.reconstruction} from {' '.join(part.leads)} (best path: {part.best})")
        for name in ("total", "irreducible", "smoothing", "remainder"):
            print(f"  {name:12} {getattr(part, name)}")


def closed_form(n, samples=8):
    """Smoothing measured, and known."""
    x8 = ecgsynth.simulate(n, fs=100, diagnosis="any", seed=5).signal[:, EIGHT]
    model = Gaussian(np.mean([covariance(bands(x, 100)) for x in x8], axis=0)[:, None])
    sampler, (basis, coordinates) = GaussianPosterior(model), given_space(GIVEN)
    truth, mean, left, drawn = [], [], [], []
    for k, x in enumerate(x8):
        ecg = ECG(x[:2], 100, GIVEN)
        each = sampler(ecg, 1 + samples, k)[:, EIGHT]
        truth.append(each[0])
        drawn.append(each[1:])
        z = coordinates @ bands(clean(ecg.signal, 100), 100).astype(float)
        beliefs = model.votes(basis, covariance(z)).covariances[:, 0]
        weights = predictors(beliefs, basis)
        mean.append((weights @ z).sum(axis=0) + basis @ (coordinates @ ecg.signal - z.sum(axis=0)))
        left.append((beliefs - weights @ (basis.T @ beliefs)).sum(axis=0))
    rng = np.random.default_rng(1)
    a, q = rng.normal(size=(12, 8, 1000)) / 1000, rng.normal(size=(12, 8)) / 3
    teachers = {
        "linear": (lambda x: np.einsum("dlt,...lt->...d", a, x), 0.0),
        "quadratic": (
            lambda x: (np.einsum("dl,...lt->...dt", q, x) ** 2).mean(axis=-1),
            (np.einsum("dl,nlm,dm->nd", q, np.stack(left), q) ** 2).sum(),
        ),
    }
    for name, (teacher, lost) in teachers.items():
        z, point, each = (np.stack([teacher(x) for x in part]) for part in (truth, mean, drawn))
        variance = ((z - z.mean(axis=0)) ** 2).sum(axis=1)
        residuals = {
            "B": Residual(((z - point) ** 2).sum(axis=1), np.zeros(n)),
            "B'": Residual(
                ((z - each.mean(axis=1)) ** 2).sum(axis=1),
                each.var(axis=1, ddof=1).sum(axis=1) / samples,
            ),
        }
        parts = split(residuals, ("B", "B'"), variance, Draws(range(n)), GIVEN)
        print(f"{name:10} teacher: smoothing {parts.smoothing}; known {lost / variance.sum():.4g}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=500)
    parser.add_argument("--leads", action="append", help="default: I; I,II; I,II,V2")
    parser.add_argument("--path", action="append", help="default: every bundled path")
    options = parser.parse_args()
    closed_form(200)
    timed(options.records, options.leads or ["I", "I,II", "I,II,V2"], options.path)
