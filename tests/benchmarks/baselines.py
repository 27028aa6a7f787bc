"""Predictors that any reconstructor has to beat, each with the same call: from training records to a predictor.

A predictor answers ``predict8(x8 (n, 8, time), given) -> mean, variance``, both (n, 8, time) mV and mV²,
at 100 Hz, and looks at the given rows only. Those that state no uncertainty of their own get one
deviation a lead, in proportion to the size of the given leads in each record, from the training errors.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

import dsp
from dsp import leads, vcg
from recon.fir import FIR
from recon.gaussian import Gaussian
from recon.population import FS
from recon.voting import Voting

Floats = NDArray[np.floating]


class Predictor(Protocol):
    """What is scored."""

    def predict8(self, x8: Floats, given: Sequence[str]) -> tuple[Floats, Floats]: ...


@dataclasses.dataclass(frozen=True)
class Training:
    """Records to learn from: windows (n, 8, 1000), covariances (n, bands, 8, 8) of all their windows."""

    x8: Floats
    covariances: Floats


class RecordScaled:
    """A mean from elsewhere, with one deviation a lead: a training error in units of the given leads."""

    def __init__(
        self, mean: Callable[[Floats, tuple[str, ...]], Floats], training: Training
    ) -> None:
        self.mean, self.training = mean, training

    def predict8(self, x8: Floats, given: Sequence[str]) -> tuple[Floats, Floats]:
        names = tuple(given)
        mean = self.mean(x8, names)
        variance = self._share(names)[:, None] * _power(x8, names)[:, None, None]
        return mean, np.broadcast_to(variance, mean.shape)

    @functools.cache  # noqa: B019 - lives as long as its benchmark
    def _share(self, names: tuple[str, ...]) -> Floats:
        x = self.training.x8
        squared = ((self.mean(x, names) - x) ** 2).mean(axis=-1) / _power(x, names)[:, None]
        return squared.mean(axis=0)


class MeanBeat:
    """The mean beat of the training records at each beat of the given leads, in their size.

    Beats are found in the given leads alone; one number a record, by least squares on the given
    leads, makes the mean beat as large as theirs.
    """

    BEFORE, AFTER = round(0.3 * FS), round(0.5 * FS)

    def __init__(self, training: Training) -> None:
        self.beat = np.mean([*map(self._median, training.x8, _peaks(training.x8))], axis=0)

    def __call__(self, x8: Floats, names: tuple[str, ...]) -> Floats:
        rows = [leads.EIGHT.index(lead) for lead in names]
        out = np.zeros(x8.shape)
        for x, y, peaks in zip(x8, out, _peaks(x8[:, rows]), strict=True):
            for peak in peaks:
                first, last = max(0, peak - self.BEFORE), min(x.shape[1], peak + self.AFTER)
                offset = first - (peak - self.BEFORE)
                y[:, first:last] = self.beat[:, offset : offset + last - first]
            size = (y[rows] ** 2).sum()
            np.multiply(y, (y[rows] * x[rows]).sum() / size if size > 0 else 0.0, out=y)
        return out

    def _median(self, x: Floats, peaks: NDArray[np.int64]) -> Floats:
        """(8, samples) of unit power."""
        whole = peaks[(peaks >= self.BEFORE) & (peaks < x.shape[1] - self.AFTER)]
        if not len(whole):
            return np.zeros((8, self.BEFORE + self.AFTER))
        beat = np.median([x[:, p - self.BEFORE : p + self.AFTER] for p in whole], axis=0)
        return beat / np.sqrt((beat**2).mean())


def linear(training: Training) -> Callable[[Floats, tuple[str, ...]], Floats]:
    """The textbook: ``C[:, S] C[S, S]^-1`` of one covariance, each record at the same power."""
    x = training.x8 / np.sqrt((training.x8**2).mean(axis=(1, 2)))[:, None, None]
    covariance = np.einsum("nit,njt->ij", x, x, optimize=True)

    def mean(x8: Floats, names: tuple[str, ...]) -> Floats:
        rows = [leads.EIGHT.index(lead) for lead in names]
        weights = np.linalg.solve(covariance[np.ix_(rows, rows)], covariance[rows]).T
        return weights @ x8[:, rows]

    return mean


def dower(x8: Floats, names: tuple[str, ...]) -> Floats:
    """The published matrices, without training: a heart vector fitted to the given leads, seen by Dower's.

    From one or two leads the vector is not determined: the shortest one that explains them.
    """
    rows = [leads.EIGHT.index(lead) for lead in names]
    return vcg.DOWER @ np.linalg.pinv(vcg.DOWER[rows]) @ x8[:, rows]


def kors_dower(x8: Floats, names: tuple[str, ...]) -> Floats:
    """Kors' regression with what is hidden first filled in by `dower`, then Dower's lead field."""
    filled = dower(x8, names)
    rows = [leads.EIGHT.index(lead) for lead in names]
    filled[:, rows] = x8[:, rows]
    return vcg.DOWER @ vcg.KORS @ filled


def _peaks(x: Floats) -> list[NDArray[np.int64]]:
    return dsp.r_peaks(np.asarray(x, np.float32), FS)


def _power(x8: Floats, names: tuple[str, ...]) -> Floats:
    rows = [leads.EIGHT.index(lead) for lead in names]
    return np.maximum((np.asarray(x8)[:, rows] ** 2).mean(axis=(1, 2)), 1e-12)


BASELINES: Final[Mapping[str, Callable[[Training], Predictor]]] = {
    "gaussian": lambda training: Voting(Gaussian.fit(training.covariances)),
    "fir": lambda training: FIR.fit(training.x8),
    "linear": lambda training: RecordScaled(linear(training), training),
    "dower": lambda training: RecordScaled(dower, training),
    "kors-dower": lambda training: RecordScaled(kors_dower, training),
    "mean beat": lambda training: RecordScaled(MeanBeat(training), training),
}
"""``linear`` is the record-scaled Gaussian whose CRPS is to be beaten."""
