"""Likeness: limb algebra, distributions, latent space and physiology, synthetic against real."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from dsp import leads
from dsp.distances import compare
from dsp.statistics import bootstrap
from ecgsynth.fidelity.cohort import Cohort
from ecgsynth.fidelity.encoding import BANDS, QUANTITIES, Measured
from ecgsynth.fidelity.floors import Measure, beside
from ecgsynth.fidelity.report import Finding

Floats = NDArray[np.float64]
_OF_BEATS: Final = ("KID", "MMD", "sliced Wasserstein")
_OF_LATENTS: Final = ("KID", "Frechet", "Frechet, n to infinity", "density", "coverage")


def constraint(real: Cohort, synthetic: Cohort) -> Iterator[Finding]:
    """How far the twelve leads break the limb algebra, as a share of lead II, and at most."""
    values = [_broken(c) for c in (synthetic, real)]
    made, floor = (
        bootstrap(v[:, 0], c.groups) for v, c in zip(values, (synthetic, real), strict=True)
    )
    yield Finding(
        "constraint", "limb algebra", "share of lead II", made.value, made.low, made.high,
        floor.value, floor.low, floor.high, n_real=len(real), n_synthetic=len(synthetic),
    )  # fmt: skip
    yield Finding(
        "constraint", "limb algebra at worst", "mV", float(values[0][:, 1].max()),
        floor=float(values[1][:, 1].max()), n_real=len(real), n_synthetic=len(synthetic),
    )  # fmt: skip


def _broken(c: Cohort) -> Floats:
    """(n, 2): rms residual over rms of lead II, and the largest residual."""
    off = leads.residual(c.signal)
    two = np.sqrt((c.signal[:, 1].astype(np.float64) ** 2).mean(-1))
    share = np.sqrt((off**2).mean((1, 2))) / np.maximum(two, 1e-6)
    return np.stack([share, np.abs(off).max((1, 2))], axis=1)


def distribution(
    real: Measured, synthetic: Measured, groups: NDArray[np.str_], seed: int
) -> Iterator[Finding]:
    """Median beats by KID, MMD and sliced Wasserstein; spectrum, correlation and texture."""
    yield from _distances("distribution", real.beats, synthetic.beats, groups, seed, _OF_BEATS)
    for k in range(real.bands.shape[1]):
        low, high = BANDS[k]
        yield from _relative(f"power {low:g}-{high:g} Hz", "", 1.0, real.bands[:, k],
                             synthetic.bands[:, k], groups, seed)  # fmt: skip
    yield from _relative("texture", "uV", 1e3, real.texture, synthetic.texture, groups, seed)
    found = beside(
        lambda a, b: float(np.abs(a.mean(0) - b.mean(0)).mean()),
        real.correlation, synthetic.correlation, groups, seed,
    )  # fmt: skip
    if found:
        yield Finding.of("distribution", "inter-lead correlation gap", "", found)


def latent(
    real: Floats, synthetic: Floats, groups: NDArray[np.str_], seed: int
) -> Iterator[Finding]:
    """Distances in the encoder's space, each dimension in units of its spread among the real."""
    good = np.isfinite(real).all(axis=1)
    mean, spread = real[good].mean(axis=0), real[good].std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    yield from _distances(
        "latent", (real - mean) / spread, (synthetic - mean) / spread, groups, seed, _OF_LATENTS
    )


def physiology(
    real: Measured, synthetic: Measured, groups: NDArray[np.str_], seed: int
) -> Iterator[Finding]:
    """Wasserstein-1 distance of each quantity's distribution."""
    for name, (title, unit, scale) in QUANTITIES.items():
        a, b = real.quantities[name] * scale, synthetic.quantities[name] * scale
        if name == "axis":  # about the real mean, so that the cut lies where the fewest are
            mean = _circular(a)
            a, b = ((v - mean + 180) % 360 - 180 for v in (a, b))
        found = beside(_wasserstein, a, b, groups, seed)
        if found is None:
            continue
        shift = float(np.nanmedian(b) - np.nanmedian(a))
        yield Finding.of("physiology", title, unit, found, f"median {shift:+.3g}")


def _circular(degrees: Floats) -> float:
    angles = np.deg2rad(degrees[np.isfinite(degrees)])
    return float(np.rad2deg(np.arctan2(np.sin(angles).sum(), np.cos(angles).sum())))


def _wasserstein(a: Floats, b: Floats) -> float:
    return float(scipy.stats.wasserstein_distance(a, b))


def _relative(
    name: str, unit: str, scale: float, real: Floats, made: Floats, groups: NDArray[np.str_], seed: int
) -> Iterator[Finding]:  # fmt: skip
    """|median of the synthetic over that of the real - 1|."""
    measure: Measure = lambda a, b: abs(float(np.median(b) / max(np.median(a), 1e-12)) - 1)  # noqa: E731
    found = beside(measure, real, made, groups, seed)
    if found:
        here = f"{scale * np.median(made):.3g} against {scale * np.median(real):.3g} {unit}".strip()
        yield Finding.of("distribution", f"{name}, relative error", "", found, here)


def _distances(
    family: str,
    real: Floats,
    made: Floats,
    groups: NDArray[np.str_],
    seed: int,
    names: tuple[str, ...],
) -> Iterator[Finding]:
    """The named rows of `dsp.distances.compare`."""
    report = compare(real, made, groups, paired=False, seed=seed)
    title = " of median beats" if family == "distribution" else ""
    for name in names:
        if name not in report.rows:
            continue
        row = report[name]
        d, has = row.distance, row.floor.size > 0
        yield Finding(
            family, f"{name}{title}", "", d.value, d.low, d.high,
            float(row.floor.mean()) if has else np.nan,
            float(row.floor.min()) if has else np.nan,
            float(row.floor.max()) if has else np.nan,
            float(row.at_floor.mean()) if has else np.nan,
            d.n_a, d.n_b, d.warning,
        )  # fmt: skip
