"""Predictor: ten-second windows in, belief about the twelve leads out; the Gaussian, or the network on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from dsp import leads
from dsp.checks import Signal
from recon.calibration import Patient
from recon.familiarity import Familiarity
from recon.gaussian import Gaussian, given_space
from recon.intervals import Intervals
from recon.voting import EIGHT_OF_TWELVE, Float, Voting


class Learned(Protocol):
    """What was learned on top of the Gaussian: `recon.network.Network`, or its ONNX form."""

    def believe(self, given: Float, present: Float, mean: Float, std: Float) -> tuple[Float, Float]:
        """The mean of the eight leads and the variance of the twelve."""
        ...


_LOOK_S: Final = 2.0  # a shorter window says little of how hard it is
FS: Final = 100.0
"""Hz, of the windows."""
Given = Sequence[tuple[tuple[str, ...], "NDArray[np.intp] | slice"]]
"""Leads that are given together, and at which samples."""
Sets = list[tuple[tuple[int, ...], "NDArray[np.intp] | slice"]]
"""Rows that are there together, and the samples where they are."""


class OfWindows:
    """Whatever believes something of windows says it of twelve leads and of eight."""

    __slots__ = ()

    def believe(self, x8: Signal, sets: Given) -> tuple[Float, Float]:
        """As of `Predictor`."""
        raise NotImplementedError

    def predict12(self, x8: Signal, given: Sequence[str]) -> tuple[Float, Float]:
        """The twelve leads of windows of which only the given leads are looked at.

        Parameters
        ----------
        x8 : (n, 8, time) mV, 100 Hz, 0.5-40 Hz. NaN where, and only where, no given lead is there.
        given : names among the twelve.

        Returns
        -------
        mean (n, 12, time) mV and variance (n, 12, time) mV², float32.

        Raises
        ------
        LeadError
            If a name is not one of the twelve.

        Examples
        --------
        >>> model = Predictor(Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8)))
        >>> model.predict12(np.ones((1, 8, 1000), "f4"), ["V2"])[0].shape
        (1, 12, 1000)
        """
        return self.believe(x8, [(tuple(given), slice(None))])

    def predict8(self, x8: Signal, given: Sequence[str]) -> tuple[Float, Float]:
        """The eight independent leads of `predict12`.

        Examples
        --------
        >>> model = Predictor(Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8)))
        >>> model.predict8(np.ones((1, 8, 1000), "f4"), ["V2"])[0].shape
        (1, 8, 1000)
        """
        mean, variance = self.predict12(x8, given)
        return mean[:, EIGHT_OF_TWELVE], variance[:, EIGHT_OF_TWELVE]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Predictor(OfWindows):
    """What is believed of windows at 100 Hz.

    Parameters
    ----------
    model : the Gaussian of the population, or of a patient.
    network : what was learned on top of it; None for the Gaussian alone.
    intervals : what held-out patients made of the standard deviations; None for as they are stated.
    familiarity : what the leads that it was made of look like; None if it is not known.

    Examples
    --------
    >>> model = Predictor(Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8)))
    >>> mean, variance = model.predict12(np.ones((3, 8, 1000), "f4"), ["I", "II"])
    >>> mean.shape, variance.shape
    ((3, 12, 1000), (3, 12, 1000))
    """

    model: Gaussian | Patient
    network: Learned | None = None
    intervals: Intervals | None = None
    familiarity: Familiarity | None = None
    voting: Voting = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "voting", Voting(self.model, FS))

    def believe(self, x8: Signal, sets: Given) -> tuple[Float, Float]:
        """As `predict12`, where different leads are given at different samples.

        Parameters
        ----------
        x8 : (n, 8, time) mV; a gap is 0.
        sets : leads, and at which samples they are given; samples in no set are left at 0.

        Examples
        --------
        >>> model = Predictor(Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8)))
        >>> sets = [(("I",), slice(0, 500)), (("I", "V1"), slice(500, 1000))]
        >>> model.believe(np.ones((1, 8, 1000), "f4"), sets)[0].shape
        (1, 12, 1000)
        """
        mean = np.zeros((len(x8), 12, x8.shape[-1]), np.float32)
        variance = np.zeros_like(mean)
        for given, where in sets:
            m, v = self.voting.predict12(x8, given)
            mean[..., where], variance[..., where] = m[..., where], v[..., where]
        if self.network is not None:
            mean, variance = _learned(self.network, x8, sets, mean, variance)
        if self.intervals is not None:
            variance = _calibrated(self.intervals, x8, sets, np.sqrt(variance)) ** 2
        return mean, variance


def _calibrated(intervals: Intervals, x8: Signal, sets: Given, std: Float) -> Float:
    if not sets:
        return std
    bases = [given_space(leads.canonical_all(given))[0] for given, _ in sets]
    seen = None
    if len(bases) == 1 and isinstance(sets[0][1], slice) and x8.shape[-1] >= _LOOK_S * FS:
        seen = np.einsum("ir,nit->nrt", bases[0], x8)
    return intervals.calibrated(std, seen, max(basis.shape[1] for basis in bases), FS)


def _learned(
    network: Learned,
    x8: Signal,
    sets: Given,
    mean: Float,
    variance: Float,
) -> tuple[Float, Float]:
    told, present = told_of(x8, sets)
    std = np.sqrt(variance[:, EIGHT_OF_TWELVE])
    mean8, variance = network.believe(told, present, mean[:, EIGHT_OF_TWELVE], std)
    return leads.EIGHT_TO_TWELVE.astype(np.float32) @ mean8, variance


def told_of(x8: Signal, sets: Given) -> tuple[Float, Float]:
    """What the given leads tell of the eight, ``P x``, and ``P``: as `recon.network.Network` wants it.

    Parameters
    ----------
    x8, sets : as of `Predictor.believe`.

    Returns
    -------
    (n, 8, time) mV and (n, 9, time): the diagonal of ``P`` and its entry (I, II).

    Examples
    --------
    >>> told_of(np.ones((1, 8, 10), "f4"), [(("aVF",), slice(None))])[1][0, [0, 1, 8], 0].round(2)
    array([ 0.2,  0.8, -0.4], dtype=float32)
    """
    told = np.zeros((len(x8), 8, x8.shape[-1]), np.float32)
    present = np.zeros((len(x8), 9, x8.shape[-1]), np.float32)
    for given, where in sets:
        basis, _ = given_space(leads.canonical_all(given))
        onto = (basis @ basis.T).astype(np.float32)
        told[..., where] = np.einsum("ij,njt->nit", onto, x8[..., where], optimize=True)
        present[..., where] = np.append(np.diag(onto), onto[0, 1])[:, None]
    return told, present
