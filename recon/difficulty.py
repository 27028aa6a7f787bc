"""Difficulty: how much farther off than usual a record will be, told from its given leads alone.

A deviation that is right on average is too narrow in some records and too wide in others: noise,
broad QRS complexes, a rhythm without P waves. What the given leads look like, and what the model says of
itself, foretells a part of that: the logarithm of the error, in stated deviations, is a ridge
regression on some fifteen numbers, and on the same over the number of given leads: what is told by
few leads is told in another way. One regression serves all lead sets.

What is stated scales with the given leads, but a heart whose lead I is small has no small chest leads
for that: the stated deviation itself, in mV, is one of the numbers, and draws intervals towards the usual
ones. So twice the input is twice the estimate, but less than twice the interval.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import ECGError, LengthError, SignalError, checks

Values = NDArray[np.float64]

LAGS_S: Final = (0.02, 0.04, 0.08, 0.2, 0.4)
"""s; how like itself a lead is so much later: from noise and the width of QRS to the rate."""
SHARES: Final = (0.5, 0.9, 0.99)
"""Of the samples below a size: pauses, T waves, QRS complexes."""
SHARES_OF_SLOPE: Final = (0.3, 0.9, 0.99)
"""Of the slopes: noise, T waves, QRS complexes."""
QUANTILE: Final = 0.9
"""Of a record's errors: what the regression foretells."""
MOST: Final = 3.0
"""No record is taken for more than so many times harder, or easier, than usual."""
_RIDGE: Final = 0.01  # of the number of records; from .001 to .1 nothing changes
_LEAST: Final = 1e-4


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Difficulty:
    """A ridge regression of the logarithm of the error, in stated deviations, less its mean.

    Attributes
    ----------
    centre, spread : (features,) of the training records.
    slopes : (features,) on standardised features.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> model = Difficulty.fit(x, np.exp(0.5 * x[:, 0]))
    >>> model.factor(np.array([[1.0, 0.0]])).round(1)
    array([1.7])
    """

    centre: Values
    spread: Values
    slopes: Values

    @classmethod
    def fit(cls, features: ArrayLike, ratios: ArrayLike) -> Self:
        """Learn from records whose errors are known, predicted by a model that had not seen them.

        Parameters
        ----------
        features : (n, features) as of `features`; a record may stand for several lead sets.
        ratios : (n,) as of `ratios`.

        Raises
        ------
        LengthError
            If the shapes do not agree, or there are fewer records than features.
        SignalError
            If a number is not finite, or a ratio not positive.

        Examples
        --------
        >>> Difficulty.fit(np.eye(3), np.ones(3)).factor(np.eye(3))
        array([1., 1., 1.])
        """
        x, y = np.asarray(features, np.float64), np.asarray(ratios, np.float64)
        if x.ndim != 2 or y.shape != x.shape[:1] or len(x) < x.shape[1]:
            raise LengthError(
                f"features of shape {x.shape} and ratios {y.shape}; give more records than features."
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all() and (y > 0).all()):
            raise SignalError("features and ratios must be finite, and ratios positive.")
        target = np.log(y)
        centre, spread = x.mean(axis=0), np.maximum(x.std(axis=0), _LEAST)
        z = (x - centre) / spread
        inner = z.T @ z + _RIDGE * len(z) * np.eye(z.shape[1])
        slopes = np.linalg.solve(inner, z.T @ (target - target.mean()))
        return cls(centre, spread, slopes)

    def factor(self, features: ArrayLike) -> Values:
        """How many times the stated deviation each record's errors will be.

        Parameters
        ----------
        features : (n, features) as of `features`.

        Returns
        -------
        (n,) relative to a usual record, from 1 / `MOST` to `MOST`.

        Raises
        ------
        LengthError
            If there are more or fewer features than learned from.

        Examples
        --------
        >>> Difficulty(np.zeros(1), np.ones(1), np.ones(1)).factor([[9.0]])
        array([3.])
        """
        x = np.asarray(features, np.float64)
        if x.ndim != 2 or x.shape[1] != len(self.centre):
            raise LengthError(f"features of shape {x.shape}; expected (n, {len(self.centre)}).")
        foretold = ((x - self.centre) / self.spread) @ self.slopes
        return np.exp(np.clip(foretold, -np.log(MOST), np.log(MOST)))

    @property
    def config(self) -> dict[str, Any]:
        """JSON values from which `from_config` makes the same regression."""
        return {name: values.tolist() for name, values in dataclasses.asdict(self).items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The regression of a `config`.

        Raises
        ------
        ECGError
            If the config is not one.

        Examples
        --------
        >>> one = Difficulty(np.zeros(1), np.ones(1), np.ones(1))
        >>> Difficulty.from_config(one.config).factor([[0.0]])
        array([1.])
        """
        try:
            arrays = [np.array(config[f.name], np.float64) for f in dataclasses.fields(cls)]
        except (KeyError, TypeError, ValueError) as error:
            raise ECGError(f"no difficulty ({type(error).__name__}: {error}).") from None
        if arrays[0].ndim != 1 or any(a.shape != arrays[0].shape for a in arrays):
            raise ECGError(f"no difficulty: shapes {[a.shape for a in arrays]} differ.")
        centre, spread, slopes = arrays
        return cls(centre, spread, slopes)


def features(given: ArrayLike, std: ArrayLike, fs: float) -> Values:
    """What foretells the error of each record.

    Parameters
    ----------
    given : (records, n_given, time) mV, the given leads, cleaned, without gaps.
    std : (records, n_hidden, time) mV, the deviation stated for the hidden leads.
    fs : Hz.

    Returns
    -------
    (records, features): `of_leads`; of the stated deviation its size, its size against the given
        leads, and its unrest; all these over the number of given leads, and one over that.

    Raises
    ------
    LengthError
        If the shapes do not agree, or a record is shorter than 0.5 s.
    RateError, SignalError
        As `dsp.checks`.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(4, 2, 1000))
    >>> a, b = features(x, np.abs(x[:, :1]), 100), features(-9 * x, 9 * np.abs(x[:, :1]), 100)
    >>> a.shape, np.abs(b - a)[0, 12:15].round(1).tolist()
    ((4, 31), [2.2, 0.0, 0.0])
    """
    looks = of_leads(given, fs)
    x, s = np.asarray(given, np.float64), np.asarray(std, np.float64)
    if s.ndim != 3 or len(s) != len(x) or s.shape[-1] != x.shape[-1]:
        raise LengthError(f"given leads {x.shape} and deviations {s.shape} do not go together.")
    power = np.sqrt(x.var(axis=-1).mean(axis=1))
    stated = np.sqrt((s**2).mean(axis=-1)).mean(axis=1)
    unrest = (s.std(axis=-1) / np.maximum(s.mean(axis=-1), 1e-12)).mean(axis=1)
    ratio = np.log(np.maximum(stated / np.where(power > 0, power, 1.0), _LEAST))
    size = np.log(np.maximum(stated, _LEAST))
    told = np.column_stack([looks, size, ratio, unrest])
    alone = np.full((len(x), 1), 1 / x.shape[1])
    return np.concatenate([told, told * alone, alone], axis=1)


def of_leads(given: ArrayLike, fs: float) -> Values:
    """What the given leads look like, whatever their unit, sign, order and number.

    Parameters
    ----------
    given, fs : as of `features`.

    Returns
    -------
    (records, 12): sizes, slopes, likeness to itself and lopsidedness, mean over leads.

    Raises
    ------
    LengthError
        If a record is shorter than 0.5 s.
    RateError, SignalError
        As `dsp.checks`.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(4, 2, 1000))
    >>> bool(np.allclose(of_leads(x, 100), of_leads(-9 * x[:, ::-1], 100), atol=1e-5))
    True
    """
    fs = checks.rate(fs)
    x = checks.signal(given, axes=3, seconds=0.5, fs=fs).astype(np.float64)
    x -= x.mean(axis=-1, keepdims=True)
    size = np.sqrt((x**2).mean(axis=-1, keepdims=True))
    u = x / np.where(size > 0, size, 1.0)
    sizes = np.quantile(np.abs(u), SHARES, axis=-1)
    # Slopes over 10 ms, so that a rate says nothing of its own.
    step = max(1, round(0.01 * fs))
    slopes = np.quantile(np.abs(u[..., step:] - u[..., :-step]), SHARES_OF_SLOPE, axis=-1)
    lags = [max(1, round(lag * fs)) for lag in LAGS_S]
    alike = np.stack([(u[..., :-lag] * u[..., lag:]).mean(axis=-1) for lag in lags])
    lopsided = np.abs((u**3).mean(axis=-1))[None]
    logs = np.log(np.maximum(np.concatenate([sizes, slopes]), _LEAST))
    return np.asarray(np.concatenate([logs, alike, lopsided]).mean(axis=-1).T)


def ratios(errors: ArrayLike, stds: ArrayLike) -> Values:
    """How far off each record was, in stated deviations.

    Parameters
    ----------
    errors, stds : (records, hidden, time) mV, the deviation steady within a record.

    Returns
    -------
    (records,) the 90 % quantile of the absolute error over time, geometric mean over leads.

    Raises
    ------
    LengthError
        If the shapes do not agree.

    Examples
    --------
    >>> ratios(np.full((1, 2, 50), 0.3), np.full((1, 2, 50), 0.1)).round(3)
    array([3.])
    """
    e, s = np.asarray(errors, np.float64), np.asarray(stds, np.float64)
    if e.ndim != 3 or e.shape != s.shape:
        raise LengthError(f"errors of shape {e.shape} and stds {s.shape} must be the same.")
    far = np.quantile(np.abs(e) / s, QUANTILE, axis=-1)
    return np.asarray(np.exp(np.log(np.maximum(far, _LEAST)).mean(axis=-1)))
