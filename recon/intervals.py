"""Intervals: what held-out patients made of the deviation that a model states.

The stated deviation is drawn towards one width within a window (`recon.conformal.steady`), multiplied by
how hard the window looks (`recon.difficulty`), and by a conformal factor for the lead and for how many
leads are given (`recon.conformal.scales`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from dsp import ECGError, SignalError, leads
from dsp.checks import Signal
from recon import conformal, difficulty
from recon.difficulty import Difficulty
from recon.gaussian import given_space

Values = NDArray[np.float64]

LEVELS: Final = (0.5, 0.6827, 0.8, 0.9, 0.95)
"""Of the table; the second is what a standard deviation holds."""
AIM: Final = 0.005
"""Asked for beyond each level, so that either side of it has room for a new sample of patients."""
_ONE: Final = 1
_EVERY: Final = 4  # samples: neighbours err together


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Predictions of patients that the predictor had not seen, for one lead set.

    Attributes
    ----------
    given : the leads.
    told : (n, features) of each window, as of `recon.difficulty`.
    errors, stds : (n, 12, time) mV, at some of the samples; NaN where a lead is not inferred.
    patients : (n,) names.

    Examples
    --------
    >>> x8 = np.random.default_rng(0).normal(size=(2, 8, 1000)).astype("f4")
    >>> zero = np.zeros((2, 12, 1000), "f4")
    >>> HeldOut.of(("I", "II"), x8, zero, zero + 1, ("a", "b")).errors.shape
    (2, 12, 250)
    """

    given: tuple[str, ...]
    told: Values
    errors: NDArray[np.float32]
    stds: NDArray[np.float32]
    patients: tuple[str, ...]

    @classmethod
    def of(
        cls,
        given: tuple[str, ...],
        x8: Signal,
        mean: NDArray[np.float32],
        variance: NDArray[np.float32],
        patients: tuple[str, ...],
    ) -> Self:
        """From windows (n, 8, time) mV and what was believed of them, (n, 12, time), at 100 Hz.

        Examples
        --------
        >>> x8 = np.random.default_rng(0).normal(size=(1, 8, 100)).astype("f4")
        >>> HeldOut.of(("I",), x8, np.zeros((1, 12, 100)), np.ones((1, 12, 100)), ("a",)).patients
        ('a',)
        """
        rows = inferred(given)
        basis, _ = given_space(leads.canonical_all(given))
        seen = np.einsum("ir,nit->nrt", basis, x8)
        std = np.sqrt(variance)
        told = difficulty.features(seen, std[:, rows], 100.0)
        some = slice(None, None, _EVERY)
        errors = (leads.twelve(x8) - mean)[..., some]
        known = ~rows[:, None]
        return cls(
            given,
            told,
            np.where(known, np.float32(np.nan), errors),
            np.where(known, np.float32(np.nan), std[..., some]),
            patients,
        )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """A calibration of stated deviations.

    Attributes
    ----------
    factors : (7, levels, 12) half width of the interval of each of `LEVELS`, in deviations, when
        1 to 7 of the eight dimensions are given.
    hard : tells how hard a window is; None for all alike.

    Examples
    --------
    >>> plain = Intervals(np.ones((7, 5, 12)) * np.array([0.67, 1, 1.28, 1.64, 1.96])[:, None])
    >>> plain.factor(0.9, 2)[0].round(2).item()
    1.64
    """

    factors: Values
    hard: Difficulty | None = None

    @classmethod
    def fit(cls, found: Sequence[HeldOut]) -> Self:
        """Learn from held-out predictions, several lead sets of every size.

        Raises
        ------
        LengthError
            If there are too few patients for the highest level.
        SignalError
            If some number of given leads, from 1 to 7, has no lead set.

        Examples
        --------
        >>> Intervals.fit([])
        Traceback (most recent call last):
        dsp.errors.SignalError: no held-out predictions from 1 given leads.
        """
        ranks = [rank(each.given) for each in found]
        for wanted in range(1, 8):
            if wanted not in ranks:
                raise SignalError(f"no held-out predictions from {wanted} given leads.")
        learned = [_learnable(each) for each in found]
        hard = Difficulty.fit(*(np.concatenate(part) for part in zip(*learned, strict=True)))
        table = np.empty((7, len(LEVELS), 12))
        for wanted in range(1, 8):
            mine = [each for each, r in zip(found, ranks, strict=True) if r == wanted]
            widths = [_widths(each, hard) for each in mine]
            table[wanted - 1] = conformal.scales(
                np.concatenate([each.errors for each in mine]),
                np.concatenate(widths),
                sum((each.patients for each in mine), ()),
                [min(level + AIM, 0.999) for level in LEVELS],
            )
        return cls(_filled(table), hard)

    def calibrated(
        self, std: NDArray[np.floating], seen: NDArray[np.floating] | None, n_given: int, fs: float
    ) -> NDArray[np.float32]:
        """The standard deviation of the error, by held-out patients, of stated ones.

        Parameters
        ----------
        std : (n, 12, time) mV, as the model states it; 0 where a lead is known.
        seen : (n, n_given, time) mV, the given leads, cleaned; None where they have gaps.
        n_given : dimensions given, 1 to 8.
        fs : Hz.

        Returns
        -------
        (n, 12, time) mV.

        Examples
        --------
        >>> plain = Intervals(np.ones((7, 5, 12)))
        >>> plain.calibrated(np.ones((1, 12, 9)), None, 1, 100.0).shape
        (1, 12, 9)
        """
        out = conformal.steady(std)
        if seen is not None and self.hard is not None:
            told = difficulty.features(seen, std[:, std.max(axis=(0, 2)) > 0], fs)
            out *= self.hard.factor(told)[:, None, None]
        row = self.factors[min(n_given, 7) - 1]
        return np.asarray(out * row[_ONE][:, None], np.float32)

    def factor(self, level: float, n_given: int) -> Values:
        """(12,) half width of the interval of `level`, in calibrated standard deviations.

        Raises
        ------
        SignalError
            Unless 0 < level < 1.

        Examples
        --------
        >>> Intervals(np.ones((7, 5, 12))).factor(0.8, 1).shape
        (12,)
        """
        table = self.factors[min(n_given, 7) - 1]
        return np.asarray(conformal.factor(table, level, LEVELS) / table[_ONE])

    @property
    def config(self) -> dict[str, Any]:
        """JSON values from which `from_config` makes the same."""
        hard = None if self.hard is None else self.hard.config
        return {"levels": list(LEVELS), "factors": self.factors.round(4).tolist(), "hard": hard}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The calibration of a `config`.

        Raises
        ------
        ECGError
            If the config is not one.

        Examples
        --------
        >>> Intervals.from_config(Intervals(np.ones((7, 5, 12))).config).factors.shape
        (7, 5, 12)
        """
        try:
            factors = np.array(config["factors"], np.float64)
            hard = None if config["hard"] is None else Difficulty.from_config(config["hard"])
            if factors.shape != (7, len(LEVELS), 12) or tuple(config["levels"]) != LEVELS:
                raise ValueError(f"factors of shape {factors.shape}")
        except (KeyError, TypeError, ValueError) as error:
            raise ECGError(
                f"no calibration of intervals ({type(error).__name__}: {error})."
            ) from None
        return cls(factors, hard)


def rank(given: Sequence[str]) -> int:
    """How many of the eight dimensions some leads tell.

    Examples
    --------
    >>> rank(("I", "II", "III", "V2"))
    3
    """
    return int(given_space(leads.canonical_all(given))[0].shape[1])


def inferred(given: Sequence[str]) -> NDArray[np.bool_]:
    """(12,): which of the twelve leads the given ones do not determine.

    Examples
    --------
    >>> inferred(("I", "II")).sum().item()
    6
    """
    basis, _ = given_space(leads.canonical_all(given))
    unseen = leads.EIGHT_TO_TWELVE - leads.EIGHT_TO_TWELVE @ basis @ basis.T
    return np.asarray(np.abs(unseen).max(axis=1) >= 1e-9)


def _learnable(each: HeldOut) -> tuple[Values, Values]:
    """Features and ratios of the windows of one lead set."""
    rows = inferred(each.given)
    return each.told, difficulty.ratios(each.errors[:, rows], conformal.steady(each.stds[:, rows]))


def _widths(each: HeldOut, hard: Difficulty) -> Values:
    return np.asarray(conformal.steady(each.stds) * hard.factor(each.told)[:, None, None])


def _filled(table: Values) -> Values:
    """Leads that were given in all lead sets of a size have the mean of the others."""
    mean = np.nanmean(table, axis=2, keepdims=True)
    return np.asarray(np.where(np.isnan(table), mean, table))
