"""Waves: the marks of every beat and lead, and how sure they are."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from dsp.record import Annotations

Values = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Wave:
    """One kind of wave: positions in samples of the input, NaN where the wave is absent.

    Attributes
    ----------
    onset, peak, offset : (leads, beats), or (beats,) for all leads together.
    probability : same shape, in [0, 1]; the wave is marked from 0.5 up.
    """

    onset: Values
    peak: Values
    offset: Values
    probability: Values


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """P, QRS and T of each beat: what `dsp.delineate` returns.

    Attributes
    ----------
    positions : (leads, beats, 3, 3) float64 samples of the input: P, QRS, T by onset, peak, offset.
        A peak may lie between samples. NaN where the wave is absent.
    probability : (leads, beats, 3) in [0, 1] that the wave is there; absent means below 0.5.
    overall : (beats, 3, 3), the same marks for all leads together.
    peaks : (beats,) int64, the R peaks given.
    fs : Hz.

    Examples
    --------
    >>> import dsp
    >>> t = np.arange(5000) / 500
    >>> beats = np.exp(-0.5 * (((t[:, None] - np.arange(0.5, 10)) / 0.01) ** 2)).sum(axis=1)
    >>> waves = dsp.delineate(beats, 500, np.arange(250, 5000, 500))
    >>> waves.qrs.peak[0, :3].round().tolist()
    [250.0, 750.0, 1250.0]
    >>> waves.together.qrs.onset.shape
    (10,)
    """

    positions: Values
    probability: Values
    overall: Values
    peaks: NDArray[np.int64]
    fs: float

    @property
    def p(self) -> Wave:
        """P waves."""
        return self._wave(0)

    @property
    def qrs(self) -> Wave:
        """QRS complexes; the peak is a lead's largest deflection, up or down."""
        return self._wave(1)

    @property
    def t(self) -> Wave:
        """T waves."""
        return self._wave(2)

    @property
    def together(self) -> Waves:
        """The marks of all leads together, each (beats,): ``waves.together.qrs.onset``.

        QRS: bounds of the slopes of all leads at once. P and T: median peak, the quartile of the
        onsets towards the start, that of the offsets towards the end. A wave is there if it is in
        any lead.
        """
        probability = (
            self.probability.max(axis=0) if len(self.probability) else self.probability.sum(axis=0)
        )
        return Waves(self.overall, probability, self.overall, self.peaks, self.fs)

    def annotations(self) -> Annotations:
        """The marks of all leads together in WFDB's symbols ``( p )``, ``( N )``, ``( t )``.

        Rounded to samples, ascending; waves that are absent in all leads are left out.

        Examples
        --------
        >>> import dsp
        >>> t = np.arange(5000) / 500
        >>> beats = np.exp(-0.5 * (((t[:, None] - np.arange(0.5, 10)) / 0.01) ** 2)).sum(axis=1)
        >>> marks = dsp.delineate(beats, 500, np.arange(250, 5000, 500)).annotations()
        >>> marks.select("N").samples[:3].tolist()
        [250, 750, 1250]
        """
        beats, kinds = np.nonzero(np.isfinite(self.overall).all(axis=-1))
        samples = np.rint(self.overall[beats, kinds]).astype(np.int64).ravel()
        symbols = [symbol for kind in kinds for symbol in ("(", "pNt"[kind], ")")]
        order = np.argsort(samples, kind="stable")
        return Annotations(samples[order], tuple(symbols[i] for i in order))

    def _wave(self, kind: int) -> Wave:
        onset, peak, offset = np.moveaxis(self.positions[..., kind, :], -1, 0)
        return Wave(onset, peak, offset, self.probability[..., kind])
