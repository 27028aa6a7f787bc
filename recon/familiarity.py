"""Familiarity: whether a lead looks like those the model was made of, or is no ECG at all.

What a lead looks like is a dozen numbers (`recon.difficulty.of_leads`) and its size in millivolt; how far
they are from those of the training leads is a Mahalanobis distance, and how many of the training
leads were farther still is the answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from dsp import ECGError
from dsp.checks import Signal
from recon import difficulty

Values = NDArray[np.float64]

SHARES: Final = (0.0, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
"""Of the training leads; their distances are kept."""
STRANGE: Final = 0.002
"""Below this familiarity a recording is said not to look like an ECG."""
_BEYOND: Final = 2.0  # times the farthest of all training leads: no familiarity at all
_RIDGE: Final = 1e-3


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Familiarity:
    """How far is far.

    Attributes
    ----------
    centre : (features,).
    inverse : (features, features), of the covariance.
    distances : (len(SHARES),) ascending: quantiles of the training leads' distances.

    Examples
    --------
    >>> wave = np.cumsum(np.random.default_rng(0).normal(size=(40, 8, 1000)), axis=-1)
    >>> known = Familiarity.fit(wave)
    >>> bool(known.score(wave[0]) > 0.01), known.score(1e6 * wave[0])
    (True, 0.0)
    """

    centre: Values
    inverse: Values
    distances: Values

    @classmethod
    def fit(cls, windows: Signal) -> Self:
        """Learn from windows of training patients: (n, leads, time) mV at 100 Hz.

        Examples
        --------
        >>> noise = np.random.default_rng(0).normal(size=(9, 8, 1000))
        >>> Familiarity.fit(noise).centre.shape
        (13,)
        """
        told = _looks(windows.reshape(-1, windows.shape[-1]))
        centre = np.asarray(told.mean(axis=0), np.float64)
        spread = np.cov(told.T)
        inverse = np.linalg.inv(
            spread + _RIDGE * np.diag(np.diag(spread)) + 1e-12 * np.eye(len(spread))
        )
        blank = cls(centre, np.asarray(inverse, np.float64), np.zeros(len(SHARES)))
        return dataclasses.replace(blank, distances=np.quantile(blank._far(told), SHARES))

    def score(self, x: Signal) -> float:
        """Share of the training leads that were stranger: median over leads.

        Parameters
        ----------
        x : (leads, time) mV at 100 Hz, cleaned, without gaps.

        Returns
        -------
        0 to 1; a common recording has 0.5, a rare one 0.01, what is no ECG has 0.

        Examples
        --------
        >>> wave = np.cumsum(np.random.default_rng(0).normal(size=(40, 8, 1000)), axis=-1)
        >>> 0 <= Familiarity.fit(wave).score(wave[3]) <= 1
        True
        """
        far = self._far(_looks(np.asarray(x)))
        knots = np.append(self.distances, _BEYOND * self.distances[-1])
        left = np.append(1 - np.array(SHARES), 0.0)
        left[-2] = STRANGE
        return float(np.median(np.interp(far, knots, left)))

    def _far(self, told: Values) -> Values:
        away = told - self.centre
        return np.asarray(np.sqrt(np.einsum("ni,ij,nj->n", away, self.inverse, away)))

    @property
    def config(self) -> dict[str, Any]:
        """JSON values from which `from_config` makes the same."""
        return {name: np.round(v, 6).tolist() for name, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """What a `config` describes.

        Raises
        ------
        ECGError
            If it is not one.

        Examples
        --------
        >>> noise = np.random.default_rng(0).normal(size=(9, 8, 1000))
        >>> Familiarity.from_config(Familiarity.fit(noise).config).inverse.shape
        (13, 13)
        """
        try:
            parts = [np.array(config[f.name], np.float64) for f in dataclasses.fields(cls)]
            n = len(parts[0])
            if [p.shape for p in parts] != [(n,), (n, n), (len(SHARES),)]:
                raise ValueError(f"shapes {[p.shape for p in parts]}")
        except (KeyError, TypeError, ValueError) as error:
            raise ECGError(f"no familiarity ({type(error).__name__}: {error}).") from None
        return cls(*parts)


def _looks(x: Signal) -> Values:
    """(n, features) of single leads (n, time): those of `recon.difficulty`, and the size."""
    alone = np.asarray(x, np.float64)[:, None]
    told = difficulty.of_leads(alone, 100.0)
    size = np.log(np.maximum(alone.std(axis=-1), 1e-6))
    return np.concatenate([told, size], axis=1)
