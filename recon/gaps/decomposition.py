"""Decomposition: why a reconstruction's latent is not the truth's, in three parts that sum.

A reconstruction is near E[x | given], but the best guess of the latent is E[T(x) | given]. With the
squared error in the teacher's space, as a share of the variance of the true latents,

    gap(reconstruction) = irreducible + smoothing + remainder
    irreducible = the smallest gap of any path, an upper bound of what no path can avoid
    smoothing   = gap(reconstruction) - gap(posterior): Jensen's term, 0 for a linear teacher
    remainder   = gap(posterior) - irreducible: samples that are not as real ECGs are
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dsp.statistics import Interval
from recon.gaps.draws import Draws, Values


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """The three parts of one reconstruction's gap.

    Attributes
    ----------
    leads : given.
    reconstruction, posterior, best : names of the paths compared; `best` sets the irreducible part.
    total, irreducible, smoothing, remainder : shares of the variance of the true latents.
    """

    leads: tuple[str, ...]
    reconstruction: str
    posterior: str
    best: str
    total: Interval
    irreducible: Interval
    smoothing: Interval
    remainder: Interval


@dataclasses.dataclass(frozen=True, eq=False)
class Residual:
    """How far a path's latents are from the true ones, record by record.

    Attributes
    ----------
    squared : (n,) squared distance. noise : (n,) part of it that finitely many samples add.
    """

    squared: NDArray[np.float64]
    noise: NDArray[np.float64]

    @property
    def debiased(self) -> NDArray[np.float64]:
        """(n,) squared distance as infinitely many samples would have it, in expectation."""
        return self.squared - self.noise


def split(
    residuals: Mapping[str, Residual],
    pair: tuple[str, str],
    variance: NDArray[np.float64],
    draws: Draws,
    leads: tuple[str, ...],
) -> Split:
    """Divide the gap of a reconstruction that has a posterior.

    All paths are compared on the records on which none of them failed.

    Parameters
    ----------
    residuals : of every path of these leads in the teacher's space.
    pair : names of the reconstruction and of the posterior whose mean it is.
    variance : (n,) squared distance of the true latents from their mean.
    draws : of patients; in each, the best path is chosen anew.

    Examples
    --------
    >>> none = np.zeros(40)
    >>> paths = {"B": Residual(none + 3, none), "B'": Residual(none + 2, none), "C": Residual(none + 1, none)}
    >>> parts = split(paths, ("B", "B'"), none + 4, Draws(range(40)), ("I",))
    >>> parts.best, parts.irreducible.value, parts.smoothing.value, parts.remainder.value
    ('C', 0.25, 0.25, 0.25)
    """
    whole = np.all([np.isfinite(part.debiased) for part in residuals.values()], axis=0)
    of = np.where(whole, variance, np.nan)
    gaps = {name: draws.share(part.debiased, of) for name, part in residuals.items()}
    least: Values = np.min(list(gaps.values()), axis=0)
    total, averaged = (gaps[name] for name in pair)

    def interval(values: Values) -> Interval:
        return draws.interval(values, whole)

    return Split(
        leads=leads,
        reconstruction=pair[0],
        posterior=pair[1],
        best=min(gaps, key=lambda name: float(gaps[name][0])),
        total=interval(total),
        irreducible=interval(least),
        smoothing=interval(total - averaged),
        remainder=interval(averaged - least),
    )
