"""Given: what is known of a recording, as linear facts about its eight leads, and a first linear sketch of the rest."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Final, NamedTuple

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


class Line(NamedTuple):
    """A regression of one lead on known ones.

    Attributes
    ----------
    weights : (k,). error, error_of_all : mV², mean square of what it, and what the population's,
        missed where the lead was known; 0 if it nowhere was.
    """

    weights: Matrix
    error: float
    error_of_all: float


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
        out, _ = self.eight()
        for p, lead, line in self._lines(covariance):
            out[lead, p.samples] = line.weights @ self._known(p)
        return out

    def trust(self, covariance: Matrix) -> Signal:
        """How far a sketch may be relied on beside what holds for everybody.

        Where a lead is known elsewhere in the recording, the patient's own regression and the
        population's were both put to the test there: the weight that errors of such sizes deserve,
        were they independent. 0 where nothing of the patient tells of the lead.

        Parameters
        ----------
        covariance : as of `sketch`.

        Returns
        -------
        (8, time) float32 in [0, 1].

        Examples
        --------
        >>> Given(np.ones((1, 5), np.float32), ("II",)).trust(np.eye(8)).max()
        np.float32(0.0)
        """
        out = np.zeros((8, self.values.shape[1]), np.float32)
        for p, lead, line in self._lines(covariance):
            both = line.error + line.error_of_all
            out[lead, p.samples] = line.error_of_all / both if both > 0 else 0.0
        return out

    def _lines(self, covariance: Matrix) -> Iterator[tuple[Pattern, int, Line]]:
        """Every lead that is not known, by the samples at which the same leads are."""
        seen, mask = self.eight()
        for p in self.patterns:
            inner = p.matrix @ covariance @ p.matrix.T
            weights = covariance @ p.matrix.T @ np.linalg.pinv(inner, 1e-9, hermitian=True)
            for lead in np.flatnonzero(~p.determined).tolist():
                shared = np.isfinite(self.values[p.rows]).all(0) & (mask[lead] > 0)
                line = Line(weights[lead], 0.0, 0.0)
                if shared.any():
                    z = self.values[np.ix_(p.rows, np.flatnonzero(shared))].astype(np.float64)
                    line = _own(z, seen[lead, shared], weights[lead], inner)
                yield p, lead, line

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


def _own(z: Matrix, y: Signal, weights: Matrix, inner: Matrix) -> Line:
    """A patient's own regression of y (m,) on z (k, m): ridge towards the population's weights."""
    gram = z @ z.T
    scale = np.trace(gram) / len(y) / max(np.trace(inner), 1e-12)
    prior = OWN_SAMPLES * scale * inner + 1e-9 * np.eye(len(gram))
    missed = y - weights @ z
    further = np.linalg.solve(gram + prior, z @ missed)
    left = missed - further @ z
    free = max(len(y) - len(gram), 1)
    return Line(weights + further, float(left @ left) / free, float(missed @ missed) / len(y))
