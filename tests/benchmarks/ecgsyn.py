"""McSharry's model: error and time of the closed form and the scan beside RK45 and NeuroKit2.

    python -m tests.benchmarks.ecgsyn

Conventions: published waves at 60 bpm scaled to the mean rate, RR intervals normal (mean 1/1.2 s,
SD 40 ms) and constant within each beat, 500 Hz, 10 s. Error: largest absolute difference from DOP853
at rtol 1e-12, restarted at beat edges, as a share of peak to peak. Time: best of several runs in this
process, one thread; a record is twelve leads of one heart. NeuroKit2 integrates each lead by RK45
with SciPy's default tolerances and then stretches it, so its error is that of RK45 on our equations.
"""

import argparse
import itertools
import time
import warnings
from collections.abc import Callable

import numpy as np
import scipy
import torch
from numpy.typing import NDArray

from ecgsynth.ecgsyn import MCSHARRY, Waves, ecgsyn

FS, SECONDS, BATCH = 500, 10.0, 16
Floats = NDArray[np.float64]


def slope(t: float, state: Floats, w: float, waves: Waves = MCSHARRY) -> Floats:
    """The right-hand side as ECGSYN states it: x, y and z."""
    x, y, z = state
    pull = 1 - np.hypot(x, y)
    d = (np.arctan2(y, x) - waves.theta + np.pi) % (2 * np.pi) - np.pi
    push = (waves.a * d * np.exp(-(d**2) / (2 * waves.b**2))).sum()
    drift = 0.005 * np.sin(2 * np.pi * 0.25 * t) - z
    return np.array([pull * x - w * y, pull * y + w * x, drift - push])


def reference(rr: Floats, waves: Waves, t: Floats) -> Floats:
    """DOP853 at rtol 1e-12, beat by beat."""
    edges, z = np.concatenate([[0], np.cumsum(rr)]), np.empty(t.size)
    state = np.array([1.0, 0.0, 0.04])
    for (low, high), interval in zip(itertools.pairwise(edges), rr, strict=True):
        inside = np.flatnonzero((t >= low) & (t < high))
        solved = scipy.integrate.solve_ivp(
            slope, (low, high), state, "DOP853", [*t[inside], high],
            args=(2 * np.pi / interval, waves), rtol=1e-12, atol=1e-14, max_step=0.01,
        )  # fmt: skip
        z[inside], state = solved.y[2, :-1], solved.y[:, -1]
    return z


def rk45(rr: Floats, waves: Waves, t: Floats) -> Floats:
    """SciPy's default integrator at its default tolerances, in one go, as peers call it."""
    edges = np.cumsum(rr)

    def held(s: float, state: Floats) -> Floats:
        beat = min(int(np.searchsorted(edges, s, side="right")), len(rr) - 1)
        return slope(s, state, 2 * np.pi / rr[beat], waves)

    return scipy.integrate.solve_ivp(held, (0, t[-1]), [1.0, 0.0, 0.04], t_eval=t).y[2]


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Best time of one call."""
    run()
    best = np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
    return best


def twelve(method: str, *, gradient: bool, dtype: torch.dtype) -> Callable[[], object]:
    """A batch of records of twelve leads, each of one heart with its own strengths in each lead."""
    generator = torch.Generator().manual_seed(0)
    rr = 0.8 + 0.04 * torch.randn(BATCH, 1, 14, generator=generator)
    lead = torch.randn(BATCH, 12, 5, generator=generator)
    theta, a, b = (torch.tensor(v, dtype=dtype) for v in MCSHARRY)
    given = [rr.to(dtype), theta.repeat(BATCH, 1, 1), a * lead.to(dtype), b.repeat(BATCH, 1, 1)]

    def run() -> object:
        rr, *waves = (v.detach().requires_grad_(gradient) for v in given)
        z = ecgsyn(rr, FS, Waves(*waves), duration=SECONDS, method=method)
        if gradient:
            z.square().sum().backward()
        return z

    return run


def neurokit() -> Callable[[], object]:
    """One record of twelve leads by NeuroKit2."""
    import neurokit2

    def run() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return neurokit2.ecg_simulate(
                duration=int(SECONDS),
                sampling_rate=FS,
                method="multileads",
                noise=0,
                random_state=0,
            )

    return run


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    rr = np.random.default_rng(0).normal(1 / 1.2, 0.04, 13)
    waves = MCSHARRY.at_rate(60 / rr.mean())
    t = np.arange(int(SECONDS * FS)) / FS
    truth = reference(rr, waves, t)
    print(f"{'solver, one lead':<34}{'max error / p-p':>18}{'max error':>14}")
    solved = {m: ecgsyn(rr, FS, duration=SECONDS, method=m) for m in ("exact", "scan", "ode")}
    solved["RK45, SciPy's defaults"] = rk45(rr, waves, t)
    for name, z in solved.items():
        error = abs(z - truth).max()
        print(f"{name:<34}{error / np.ptp(truth):18.2e}{error:14.2e}")

    peer = seconds(neurokit(), 2)
    print(f"\n{'twelve leads, one thread':<34}{'records/s':>18}{'x NeuroKit2':>14}")
    print(f"{'neurokit2 multileads':<34}{1 / peer:18.1f}{1:14d}")
    rows = [(m, g, torch.float32) for m in ("exact", "scan") for g in (False, True)]
    for method, gradient, dtype in [*rows, ("exact", False, torch.float64)]:
        rate = BATCH / seconds(twelve(method, gradient=gradient, dtype=dtype), repeats)
        name = f"{method} {str(dtype)[6:]}{' with gradients' if gradient else ''}"
        print(f"{name:<34}{rate:18.0f}{rate * peer:14.0f}")


if __name__ == "__main__":
    main()
