"""Given: what is known of a recording, as linear facts about its eight leads, and a first linear sketch of the rest."""

from __future__ import annotations

import dataclasses
import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp import ECG, SignalError, leads
from dsp.checks import Signal

Matrix = NDArray[np.float64]

OWN_SAMPLES: Final = 50.0
"""Samples of a patient's own that count as much as the population."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pattern:
    """The samples at which the same leads are known.

    Attributes
    ----------
    rows : (k,) which of the given leads. samples : (m,) int64.
    matrix : (k, 8), known = matrix @ x8. inverse : (8, k), its pseudo-inverse.
    """

    rows: NDArray[np.int64]
    samples: NDArray[np.int64]
    matrix: Matrix
    inverse: Matrix

    @property
    def determined(self) -> NDArray[np.bool_]:
        """(8,) which of the eight leads follow from the known ones."""
        return np.asarray(np.abs(np.diag(self.inverse @ self.matrix) - 1) < 1e-6)


@dataclasses.dataclass(frozen=True)
class Given:
    """Leads of a recording, each sample of which may be known or missing.

    Attributes
    ----------
    values : (g, time) float32 mV, NaN where missing.
    names : of the g leads, among the twelve.

    Raises
    ------
    LeadError
        If a lead is not one of the twelve, or there is none.

    Examples
    --------
    >>> given = Given(np.ones((2, 5), np.float32), ("aVR", "aVF"))
    >>> given.eight()[1][:, 0].astype(int).tolist()
    [1, 1, 0, 0, 0, 0, 0, 0]
    """

    values: Signal
    names: tuple[str, ...]

    @classmethod
    def of(cls, ecg: ECG) -> Given:
        """The leads of a recording that are among the twelve.

        Examples
        --------
        >>> Given.of(ECG(np.zeros((1, 500)), 500, ["II"])).names
        ('II',)
        """
        names = tuple(name for name in ecg.leads if name in leads.TWELVE)
        leads.require_standard(names or ecg.leads)
        return cls(ecg[list(names)], names)

    @functools.cached_property
    def patterns(self) -> list[Pattern]:
        """The samples by what is known at them, those where nothing is left out."""
        known = np.isfinite(self.values)
        matrix = leads.rows(self.names)
        found, index = np.unique(known.T, axis=0, return_inverse=True)
        out = []
        for k, row in enumerate(found):
            rows = np.flatnonzero(row)
            if len(rows):
                part = matrix[rows]
                samples = np.flatnonzero(index.ravel() == k)
                inverse = np.asarray(np.linalg.pinv(part), np.float64)
                out.append(Pattern(rows, samples, part, inverse))
        return out

    def eight(self) -> tuple[Signal, Signal]:
        """What is known of the eight leads: (8, time) mV, 0 where unknown; and 1 where known."""
        n_samples = self.values.shape[1]
        x8, mask = np.zeros((2, 8, n_samples), np.float32)
        for p in self.patterns:
            sure = np.flatnonzero(p.determined)
            x8[np.ix_(sure, p.samples)] = p.inverse[sure] @ self._known(p)
            mask[np.ix_(sure, p.samples)] = 1.0
        return x8, mask

    def _known(self, p: Pattern) -> Signal:
        return self.values[np.ix_(p.rows, p.samples)]

    def sketch(self, covariance: Matrix) -> Signal:
        """The eight leads by linear regression, sample by sample.

        The regression is the population's, but for a lead that is known elsewhere in the recording
        it is the patient's own as far as it goes: ridge towards the population's.

        Parameters
        ----------
        covariance : (8, 8) mV², of the eight leads in the population.

        Returns
        -------
        (8, time) float32 mV, 0 where no lead is known.

        Examples
        --------
        >>> Given(np.ones((1, 5), np.float32), ("II",)).sketch(np.ones((8, 8)) + np.eye(8))[:, 0]
        array([0.5, 1. , 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], dtype=float32)
        """
        out, mask = self.eight()
        seen = out.copy()
        for p in self.patterns:
            inner = p.matrix @ covariance @ p.matrix.T
            weights = covariance @ p.matrix.T @ np.linalg.pinv(inner, 1e-9, hermitian=True)
            for lead in np.flatnonzero(~p.determined):
                shared = np.isfinite(self.values[p.rows]).all(0) & (mask[lead] > 0)
                own = weights[lead]
                if shared.any():
                    own = own + self._own(p, shared, seen[lead, shared], own, inner)
                out[lead, p.samples] = own @ self._known(p)
        return out

    def _own(
        self, p: Pattern, shared: NDArray[np.bool_], y: Signal, weights: Matrix, inner: Matrix
    ) -> Matrix:
        """(k,) what this patient's own samples add to the population's weights."""
        z = self.values[np.ix_(p.rows, np.flatnonzero(shared))].astype(np.float64)
        gram = z @ z.T
        scale = np.trace(gram) / len(y) / max(np.trace(inner), 1e-12)
        prior = OWN_SAMPLES * scale * inner + 1e-9 * np.eye(len(gram))
        return np.asarray(np.linalg.solve(gram + prior, z @ (y - weights @ z)))

    def project(self, x8: NDArray[np.floating]) -> NDArray[np.floating]:
        """The nearest signals (..., 8, time) in which everything known holds.

        Examples
        --------
        >>> Given(np.ones((1, 2), np.float32), ("aVF",)).project(np.zeros((8, 2)))[:2, 0]
        array([-0.4,  0.8])
        """
        out = np.array(x8)
        for p in self.patterns:
            part = out[..., p.samples]
            # As many products as samples, each of 8 numbers: the same for one signal as for many.
            gap = self._known(p) - np.einsum("kl,...lt->...kt", p.matrix, part)
            out[..., p.samples] = part + np.einsum("lk,...kt->...lt", p.inverse, gap)
        return out

    def require_signal(self) -> None:
        """Refuse a recording in which nothing is known.

        Raises
        ------
        SignalError
            If every lead is flat or missing.

        Examples
        --------
        >>> Given(np.ones((1, 4), np.float32), ("I",)).require_signal()
        Traceback (most recent call last):
        dsp.errors.SignalError: every given lead (I) is flat or missing; ...
        """
        span = np.nanmax(self.values, 1, initial=-np.inf) - np.nanmin(
            self.values, 1, initial=np.inf
        )
        if not (span > 0).any():
            raise SignalError(
                f"every given lead ({' '.join(self.names)}) is flat or missing; there is nothing to "
                "start from."
            )
