"""Privacy: whether synthetic recordings are copies of real ones, also shifted in time and scaled."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp import filters, leads
from dsp.statistics import auroc, bootstrap
from ecgsynth.fidelity.cohort import Cohort
from ecgsynth.fidelity.report import Finding

Floats = NDArray[np.float64]
FS: Final = 50.0
"""Hz at which recordings are compared."""
FINE: Final = 4
"""Shifts to the sample: half a sample of 50 Hz would already cost a QRS complex a third of its r."""
LEAST_OVERLAP: Final = 0.5
"""Share of the time that two recordings must overlap after the shift."""
NEARER: Final = 0.5
"""A copy is so many times nearer to a real recording than the nearest strangers are to each other."""
_STRANGERS: Final = (
    0.01  # of real recordings, the share with a stranger so near that it is discounted
)
_BLOCK: Final = 4_000_000  # correlations held at once
_ROWS: Final = [leads.TWELVE.index(lead) for lead in leads.EIGHT]


def privacy(training: Cohort, synthetic: Cohort, held_out: Cohort | None) -> Iterator[Finding]:
    """Nearest neighbours over all time shifts, copies, and membership inference.

    Parameters
    ----------
    training : what the source has seen. synthetic : what it made.
    held_out : what it has not seen, for membership inference; None where that is unknown.
    """
    known, made = _prepared(training), _prepared(synthetic)
    nearest = similarity(made, known).max(axis=1)
    among = similarity(known, known)
    among[training.groups[:, None] == training.groups] = -1.0
    strangers = among.max(axis=1)
    sizes = len(training), len(synthetic)
    near, floor = bootstrap(nearest, synthetic.groups), bootstrap(strangers, training.groups)
    yield Finding(
        "privacy", "nearest neighbour, any shift", "r", near.value, near.low, near.high,
        floor.value, floor.low, floor.high, n_real=sizes[0], n_synthetic=sizes[1],
    )  # fmt: skip
    limit = copy_limit(strangers)
    copies = np.flatnonzero(nearest > limit)
    shown = f": {' '.join(map(str, copies[:8]))}" if len(copies) else ""
    yield Finding(
        "privacy", "copies", "", float(len(copies)), floor=float((strangers > limit).sum()),
        n_real=sizes[0], n_synthetic=sizes[1], note=f"r above {limit:.4f}{shown}",
    )  # fmt: skip
    if held_out is None:
        return
    other = _prepared(held_out)
    scores = np.concatenate([similarity(x, made).max(axis=1) for x in (known, other)])
    member = np.repeat([True, False], [len(known), len(other)])
    groups = np.concatenate([training.groups, held_out.groups])
    area = auroc(member, scores, groups)
    yield Finding(
        "privacy", "membership inference", "AUROC", area.value, area.low, area.high, 0.5,
        n_real=len(member), n_synthetic=len(synthetic),
        note=f"{len(known)} seen, {len(other)} not; 0.5: nothing given away",
    )  # fmt: skip


def copy_limit(strangers: Floats) -> float:
    """The correlation from which a recording counts as a copy.

    Examples
    --------
    >>> round(copy_limit(np.full(50, 0.9)), 3)
    0.95
    """
    nearest = float(np.quantile(strangers, 1 - _STRANGERS))
    return 1 - NEARER * (1 - nearest)


def similarity(x: Floats, y: Floats, *, fine: int = FINE) -> Floats:
    """The largest correlation of each x with each y over all shifts, (n, m).

    Parameters
    ----------
    x, y : (n, leads, time) and (m, leads, time), each lead about its mean.
    fine : shifts tried to the sample, between samples by band-limited interpolation.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(1, 8, 500))
    >>> float(similarity(3 * z[..., 100:], z[..., :400])[0, 0].round(6))
    1.0
    """
    n, m, time = len(x), len(y), x.shape[-1]
    size = 2 * time
    fx, fy = np.fft.rfft(x, size), np.fft.rfft(y, size).conj()
    if fine > 1:
        fx[..., -1] /= 2  # of the longer inverse transform it is no longer the last, lone frequency
    energy_x, energy_y = (np.pad((v**2).sum(1).cumsum(-1), ((0, 0), (1, 0))) for v in (x, y))
    most = int((1 - LEAST_OVERLAP) * time)
    steps = np.arange(-most * fine, most * fine + 1)  # x at t + shift meets y at t
    shift = np.rint(steps / fine).astype(np.int64)
    first, last = np.maximum(shift, 0), time + np.minimum(shift, 0)
    of_x = np.maximum(energy_x[:, last] - energy_x[:, first], 1e-12)
    of_y = np.maximum(energy_y[:, last - shift] - energy_y[:, first - shift], 1e-12)
    out = np.empty((n, m))
    block = max(1, _BLOCK // (m * size * fine))
    for k in range(0, n, block):
        part = slice(k, k + block)
        cross = np.einsum("nlf,mlf->nmf", fx[part], fy, optimize=True)
        r = fine * np.fft.irfft(cross, size * fine)[..., steps]
        out[part] = (r / np.sqrt(of_x[part, None] * of_y[None])).max(axis=-1)
    return np.clip(out, -1.0, 1.0)


def _prepared(c: Cohort) -> Floats:
    x = filters.clean(c.signal[:, _ROWS], c.fs)
    x = filters.resample(x, c.fs, FS) if c.fs != FS else x
    x = x.astype(np.float64)
    return np.asarray(x - x.mean(axis=-1, keepdims=True))
