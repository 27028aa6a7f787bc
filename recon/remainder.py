"""Remainder: what the hidden leads of one patient do at every beat that no rule of the given leads tells.

Seconds of a patient's own leads show how the estimate errs from beat to beat alike: an ST segment too
high, a T wave too flat. The mean of that, in the size of each beat, is added wherever a beat looks
like those that it was learned from; an ectopic beat is left as it was estimated.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dsp.beats import r_peaks
from recon.gaussian import Matrix

Peaks = Sequence[int] | NDArray[np.int64]
BEFORE, AFTER = 25, 40
"""Samples at 100 Hz around the R peak that belong to a beat."""
ALIKE: Final = 0.8
"""Least correlation of a beat's QRS with those learned from."""
DOUBT: Final = 0.35
"""Beats that no remainder at all counts for: one beat may have been an accident."""
_CORE: Final = np.arange(-8, 12)
_LAGS: Final = np.arange(-4, 5)  # the mark of a beat may be a few samples off
_RAMP: Final = (np.arange(8) + 0.5) / 8
_TAPER: Final = np.concatenate([_RAMP, np.ones(BEFORE + AFTER - 16), _RAMP[::-1]])


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Remainder:
    """What is added to the eight leads at each beat.

    Attributes
    ----------
    shape : (8, BEFORE + AFTER) mV, around the R peak.
    look : (r, 20) mV, the QRS of the given leads that it goes with.

    Examples
    --------
    >>> nothing = Remainder(np.zeros((8, 65)), np.ones((1, 20)))
    >>> nothing.added(np.ones((1, 300)), [100]).shape
    (8, 300)
    """

    shape: Matrix
    look: Matrix

    @classmethod
    def learned(
        cls, given: Matrix, peaks: Peaks, missed: Matrix, parts: Sequence[slice]
    ) -> Self | None:
        """From stretches of a recording in which the truth is known.

        Parameters
        ----------
        given : (r, time) mV at 100 Hz, what the given leads show.
        peaks : of it, as of `peaks_of`.
        missed : (8, time) mV, truth less estimate.
        parts : the stretches.

        Returns
        -------
        None where they hold no beat.

        Examples
        --------
        >>> Remainder.learned(np.zeros((1, 300)), [], np.zeros((8, 300)), [slice(0, 300)]) is None
        True
        """
        known = np.zeros(given.shape[1], bool)
        for part in parts:
            known[part] = True
        inside = [peak for peak in peaks if known[peak + _CORE].all()]
        if not inside:
            return None
        first = given[:, inside[0] + _CORE]
        aligned = [peak for peak, _ in _like(given, inside, first)]
        look = np.mean([given[:, peak + _CORE] for peak in aligned], axis=0)
        total, count = np.zeros((8, BEFORE + AFTER)), np.zeros(BEFORE + AFTER)
        for peak in aligned:
            places, there = _places(peak, len(known))
            told = there & known[places]
            total[:, told] += missed[:, places[told]]
            count[told] += 1
        return cls(total / (count + DOUBT) * _TAPER, look)

    def added(self, given: Matrix, peaks: Peaks) -> Matrix:
        """(8, time) mV: the remainder at each beat like those learned from, in its size.

        Parameters
        ----------
        given : (r, time) mV at 100 Hz. peaks : of it, as of `peaks_of`.
        """
        out, weight = np.zeros((8, given.shape[1])), np.zeros(given.shape[1])
        for peak, size in _like(given, peaks, self.look):
            places, inside = _places(peak, given.shape[1])
            out[:, places[inside]] += size * self.shape[:, inside]
            weight[places[inside]] += _TAPER[inside]
        return np.asarray(out / np.maximum(weight, 1.0))  # where beats overlap, their mean


def peaks_of(given: Matrix) -> NDArray[np.int64]:
    """R peaks whose QRS, however it is moved, lies within the recording.

    Examples
    --------
    >>> peaks_of(np.zeros((1, 300))).tolist()
    []
    """
    found = np.asarray(r_peaks(given, 100.0))
    first, last = _LAGS[0] + _CORE[0], _LAGS[-1] + _CORE[-1]
    return np.asarray(found[(found + first >= 0) & (found + last < given.shape[1])])


def _like(given: Matrix, peaks: Peaks, look: Matrix) -> list[tuple[int, float]]:
    """Beats of which the QRS looks so, moved to where it does so most, and their size by it."""
    found = []
    power = float((look**2).sum()) + 1e-12
    for peak in peaks:
        moved = given[:, peak + _LAGS[:, None] + _CORE]  # (r, lags, core)
        product = np.einsum("rlc,rc->l", moved, look)
        alike = product / np.sqrt((moved**2).sum(axis=(0, 2)) * power + 1e-24)
        best = int(alike.argmax())
        if alike[best] >= ALIKE:
            found.append((int(peak + _LAGS[best]), float(product[best] / power)))
    return found


def _places(peak: int, n_samples: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The samples of a beat, and which of them there are."""
    places = peak + np.arange(-BEFORE, AFTER)
    inside = (places >= 0) & (places < n_samples)
    return np.clip(places, 0, n_samples - 1), inside
