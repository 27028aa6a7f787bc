"""The latent level: how far a path's latents are from the true ones, whatever they are used for."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsp import distances
from dsp.distances import Distance
from dsp.distances.distance import LEVEL
from dsp.statistics import Interval

Latents = NDArray[np.float64]
"""(n, dim)."""

GALLERY: Final = 1000
"""Records at most in which a latent must find its own, and whose clouds are compared: ranks mean the
same in every study, and the time grows with the number of records, not with its square."""
REPEATS: Final = 2
"""Random halves of the true latents for each floor."""
FEWEST_PATIENTS: Final = 5
"""Below which nothing is scored."""
GAP: Final = "unexplained"
"""The metric that all levels share: squared error as a share of the truth's variance."""


class Number(NamedTuple):
    """One metric before it is a row."""

    metric: str
    interval: Interval
    unit: str = ""
    best: float | None = None
    floor: float | None = None
    chance: float | None = None


class Truth:
    """The true latents of one space.

    Parameters
    ----------
    z : (n, dim). groups : the patient of each row. seed : of gallery and floors.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(80, 4))
    >>> found = {n.metric: n.interval.value for n in Truth(z, range(80)).numbers(z)}
    >>> found["unexplained"], found["R@1"], round(found["CKA"], 9)
    (0.0, 1.0, 1.0)
    """

    def __init__(self, z: Latents, groups: Sequence[object], *, seed: int = 0) -> None:
        self.z, self.seed = z, seed
        _, self.patient = np.unique([str(group) for group in groups], return_inverse=True)
        self.mean = z.mean(axis=0)
        self.variance = ((z - self.mean) ** 2).sum(axis=1)
        self.collapse = distances.collapse(z, self.patient)
        self.gallery = np.sort(np.random.default_rng(seed).permutation(len(z))[:GALLERY])

    @functools.cached_property
    def floors(self) -> dict[str, float]:
        """Each metric between random halves of the true latents; of strangers, where pairs count."""
        z, patient = self.z[self.gallery], self.patient[self.gallery]
        table = distances.compare(
            z, z, patient, mean=self.mean, repeats=REPEATS, seed=self.seed
        ).rows
        return {name: float(row.floor.mean()) for name, row in table.items() if row.floor.size}

    def squared(self, estimate: Latents) -> NDArray[np.float64]:
        """(n,) squared distance of each estimate from its truth."""
        return np.asarray(((self.z - estimate) ** 2).sum(axis=1))

    def ranks(self, estimate: Latents) -> NDArray[np.float64]:
        """(n,) place of each true latent in the gallery, from 1; NaN for records not in it."""
        out = np.full(len(estimate), np.nan)
        rows = self.gallery[self._whole(estimate)[self.gallery]]
        if len(rows) > 1:
            out[rows] = distances.ranks(
                self.z[rows], estimate[rows], self.patient[rows], mean=self.mean
            )
        return out

    def numbers(self, estimate: Latents) -> Iterator[Number]:
        """Every metric of estimates (n, dim); rows with a NaN do not count."""
        whole = self._whole(estimate)
        if len(np.unique(self.patient[whole])) < FEWEST_PATIENTS:
            return
        r2 = _interval(
            distances.r2(self.z[whole], estimate[whole], self.patient[whole], mean=self.mean)
        )
        gap = dataclasses.replace(r2, value=1 - r2.value, low=1 - r2.high, high=1 - r2.low)
        yield Number(GAP, gap, best=0.0, chance=1.0)
        rows = self.gallery[whole[self.gallery]]
        table = distances.compare(
            self.z[rows],
            estimate[rows],
            self.patient[rows],
            mean=self.mean,
            repeats=0,
        )
        for name, row in table.rows.items():
            chance = row.distance.chance
            yield Number(
                name,
                _interval(row.distance),
                best=_known(row.best),
                floor=self.floors.get(name),
                chance=_known(chance),
            )

    def _whole(self, estimate: Latents) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(estimate).all(axis=1))


def _interval(found: Distance) -> Interval:
    return Interval(
        found.value, found.low, found.high, LEVEL, found.n_patients, found.n_a, found.warning
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
