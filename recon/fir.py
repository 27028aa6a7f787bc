"""The FIR predictor: each hidden lead from the given ones a little before and after, any set in closed form.

Leads see the same wave front at different moments, so a lead's neighbourhood in time tells more than
its present value: a difference quotient turns one projection of the heart vector towards another. The
lagged covariances ``C_l = E[x(n) x(n + l)']`` of the eight independent leads are all that is stored; for
any given leads they hold the normal equations of the best taps (Wiener's filter, block Toeplitz).
"""

import functools
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import LengthError, SignalError, checks, leads
from recon.gaussian import Matrix, as_key, given_space

REACH: Final = 5
"""Taps to either side: 50 ms, about the spread of one activation over the leads. Doubling it gains
under .003 of mean r."""
RIDGE: Final = 1e-3
"""Noise assumed in a given lead, as a share of a record's mean power: 10 µV in 0.3 mV. From 1e-4 to
1e-2 it makes no difference in the third digit of mean r."""


class FIR:
    """Lagged covariances of the eight independent leads, of which every filter is made.

    Parameters
    ----------
    lagged : (2 reach + 1, 8, 8), ``E[x(n) x(n + l)']`` for l = 0, 1, ... samples at 100 Hz, of any
        scale; the taps reach `reach` samples to either side. With reach 0 it is the memoryless
        linear predictor.

    Raises
    ------
    LengthError
        If the shape is another.

    Examples
    --------
    >>> FIR(np.eye(8)[None] + 1.0).weights(["I"])[2, :, 0].round(2)
    array([0.5])
    """

    def __init__(self, lagged: Matrix) -> None:
        self.lagged = np.array(lagged, np.float64)
        shape = self.lagged.shape
        if len(shape) != 3 or shape[1:] != (8, 8) or shape[0] % 2 == 0:
            raise LengthError(f"lagged covariances of shape {shape}; expected (odd, 8, 8).")
        self.lagged.flags.writeable = False

    @property
    def reach(self) -> int:
        """Taps to either side of the present one."""
        return len(self.lagged) // 2

    @classmethod
    def fit(cls, windows: ArrayLike, *, reach: int = REACH) -> Self:
        """Learn from windows of training records, each brought to the same power.

        Parameters
        ----------
        windows : (records, 8, time) mV at 100 Hz, 0.5-40 Hz, as of `recon.population.windows`.
        reach : taps to either side, samples.

        Raises
        ------
        LengthError, SignalError
            If it is not that shape or too short for the taps, has a gap, or a record without signal.

        Examples
        --------
        >>> FIR.fit(np.random.default_rng(0).normal(size=(3, 8, 1000))).lagged.shape
        (11, 8, 8)
        """
        x = _eight(windows)
        if x.shape[0] == 0 or x.shape[-1] <= 2 * reach:
            raise LengthError(f"windows of shape {x.shape} are too few or too short to learn from.")
        power = np.mean(x**2, axis=(1, 2), dtype=np.float64)
        if not power.min() > 0:
            raise SignalError(f"training record {int(power.argmin())} has no signal, or a gap.")
        unit = x / np.sqrt(power)[:, None, None]
        # Divided by the whole length at every lag, so that the block Toeplitz matrix is a covariance.
        n = unit.shape[0] * unit.shape[-1]
        lagged = [
            np.einsum(
                "nit,njt->ij", unit[..., : unit.shape[-1] - lag], unit[..., lag:], optimize=True
            )
            for lag in range(2 * reach + 1)
        ]
        return cls(np.stack(lagged) / n)

    def weights(self, given: Sequence[str]) -> Matrix:
        """The taps: (8, n_given, 2 reach + 1), ``y(n) = sum_k h[..., k] x(n - reach + k)``.

        Given leads, and what follows from them by algebra, are their own present value.

        Raises
        ------
        LeadError
            If a lead is not one of the twelve, or doubled.

        Examples
        --------
        >>> FIR(np.eye(8)[None] + 1.0).weights(["I", "II"])[:2, :, 0].tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        basis, coordinates = given_space(leads.canonical_all(given))
        taps, _ = self._solve(as_key(basis))
        return np.asarray(np.einsum("hrk,rg->hgk", taps, coordinates))

    def predict(self, x: ArrayLike, given: Sequence[str]) -> checks.Signal:
        """The eight leads from the given ones.

        Parameters
        ----------
        x : (..., n_given, time) mV at 100 Hz, 0.5-40 Hz; without gaps.
        given : a name for each row.

        Returns
        -------
        (..., 8, time) float32 mV; beyond the ends the given leads count as zero.

        Raises
        ------
        LeadError, LengthError, SignalError
            As `dsp.checks.signal`; LeadError also for a lead that is none of the twelve.

        Examples
        --------
        >>> FIR(np.eye(8)[None] + 1.0).predict(np.ones((1, 4)), ["V1"]).shape
        (8, 4)
        """
        x = checks.signal(x, axes=2)
        names = leads.canonical_all(given, x.shape[-2])
        taps = self.weights(names).astype(np.float32)
        return np.asarray(_filtered(taps, x))

    def predict8(self, x8: ArrayLike, given: Sequence[str]) -> tuple[checks.Signal, checks.Signal]:
        """The eight leads and their variances, looking at the given ones only.

        Parameters
        ----------
        x8 : (records, 8, time) mV at 100 Hz; rows that do not belong to a given lead are not read.
        given : those of the eight, or of the twelve that follow from finite rows.

        Returns
        -------
        Mean and variance, (records, 8, time) float32, mV and mV²; the variance in the scale of
        the given leads.

        Raises
        ------
        LeadError, LengthError, SignalError
            As `predict`.

        Examples
        --------
        >>> mean, variance = FIR(np.eye(8)[None] + 1.0).predict8(np.ones((2, 8, 5)), ["V1"])
        >>> mean.shape, variance[0, :3, 0].round(2).tolist()
        ((2, 8, 5), [0.75, 0.75, 0.0])
        """
        x = _eight(x8)
        names = leads.canonical_all(given)
        rows = leads.rows(names)
        used = np.flatnonzero(rows.any(axis=0))
        seen = (rows[:, used] @ x[:, used]).astype(np.float32)
        basis, coordinates = given_space(names)
        _, left = self._solve(as_key(basis))
        z = coordinates @ seen
        expected = np.einsum("ir,ij,jr->", basis, self.lagged[0], basis)
        scale = np.mean(z**2, axis=-1).sum(axis=-1) / expected
        variance = np.broadcast_to(np.multiply.outer(scale, left)[..., None], x.shape)
        return self.predict(seen, names), np.asarray(variance, np.float32)

    @functools.lru_cache(maxsize=256)  # noqa: B019 - models are few and live long
    def _solve(self, key: tuple[tuple[float, ...], ...]) -> tuple[Matrix, Matrix]:
        """Taps (8, rank, n_taps) for the coordinates of a basis, and the variance (8,) they leave."""
        basis = np.array(key)
        n_taps, rank = len(self.lagged), basis.shape[1]
        lags = np.arange(n_taps) - self.reach
        cross = self._at(lags) @ basis  # (taps, 8, rank): x(n) with z(n + lag)
        inner = basis.T @ self._at(lags[None] - lags[:, None]) @ basis  # (taps, taps, rank, rank)
        normal = inner.transpose(0, 2, 1, 3).reshape(n_taps * rank, -1)
        normal = normal + RIDGE * np.trace(self.lagged[0]) / 8 * np.eye(len(normal))
        flat = cross.transpose(1, 0, 2).reshape(8, -1)
        taps = np.linalg.solve(normal, flat.T).T.reshape(8, n_taps, rank)
        hidden = np.eye(8) - basis @ basis.T
        taps = np.einsum("ij,jkr->irk", hidden, taps)
        taps[:, :, self.reach] += basis
        # What is left of a lead: its variance, less twice what the taps meet, plus what they make.
        long = taps.transpose(0, 2, 1).reshape(8, -1)
        made = np.einsum("ia,ab,ib->i", long, normal, long)
        left = np.diag(self.lagged[0]) - 2 * np.einsum("ia,ia->i", long, flat) + made
        known = np.abs(hidden).max(axis=1) < 1e-9
        return taps, np.where(known, 0.0, np.clip(left, 0, None))

    def _at(self, lags: NDArray[np.int64]) -> Matrix:
        """(..., 8, 8) covariances at any lags, negative ones too."""
        found = self.lagged[np.abs(lags)]
        return np.asarray(np.where((lags < 0)[..., None, None], found.swapaxes(-1, -2), found))


def _eight(x: ArrayLike) -> checks.Signal:
    """Records of the eight leads, without gaps."""
    x = checks.signal(x, axes=3)
    if x.ndim != 3 or x.shape[1] != 8:
        raise LengthError(
            f"shape {x.shape}: give (records, 8, time), leads {' '.join(leads.EIGHT)}."
        )
    return x


def _filtered(taps: NDArray[np.float32], x: checks.Signal) -> checks.Signal:
    """(..., 8, time): the taps (8, n, 2 reach + 1) over x (..., n, time), zero beyond its ends."""
    reach, time = taps.shape[-1] // 2, x.shape[-1]
    out = taps[..., reach] @ x
    for k in range(taps.shape[-1]):
        shift = k - reach  # y(n) takes x(n + shift)
        if 0 < abs(shift) < time:
            to = slice(max(-shift, 0), time - max(shift, 0))
            of = slice(max(shift, 0), time - max(-shift, 0))
            out[..., to] += taps[..., k] @ x[..., of]
    return out
