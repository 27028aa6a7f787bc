"""Predictors: what guesses the hidden leads, from the simplest to the strongest; a row of a table each.

How many bits a lead carries depends on who reads them (predictive information of a family of models,
Xu et al. 2020). The rows form a ladder: memoryless and linear, linear with a vote for patients alike,
linear with neighbours in time, a network. What a row gains over the one before is
the information that only it can read.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from dsp import SignalError, leads
from dsp.checks import Signal
from recon import gaussian as voting
from recon import population
from recon.fir import FIR

Guess = Callable[[tuple[str, ...]], Signal]
"""From the names of the given leads, of the eight, to all eight of the records, (n, 8, time) mV."""
Family = Callable[[Signal, Signal], Guess]
"""From training windows and windows of other patients, (n, 8, time), to guesses of the latter."""


class Predictor(Protocol):
    """Anything that is trained already, such as a network.

    `predict8` takes windows (n, 8, time) in mV at 100 Hz, zero but for the given leads, and their
    names; it gives mean and variance, (n, 8, time), mV and mV².
    """

    def predict8(
        self, x8: Signal, given: tuple[str, ...], /
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """All eight leads, and how sure."""
        ...


def linear(train: Signal, test: Signal) -> Guess:
    """One covariance of all patients, no memory: the textbook predictor.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(3, 8, 1000)).astype("f4")
    >>> linear(x, x)(("I", "V2")).shape
    (3, 8, 1000)
    """
    return trained(FIR.fit(train, reach=0), test)


def gaussian(train: Signal, test: Signal) -> Guess:
    """`recon.gaussian.Gaussian`: slow and fast waves apart, patients alike vote.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(3, 8, 1000)).astype("f4")
    >>> gaussian(x, x)(("I", "V2")).shape
    (3, 8, 1000)
    """
    model = voting.Gaussian.fit(np.stack([population.known_by([x]) for x in train]))
    banded = voting.split(test, population.FS).swapaxes(0, 1)  # (n, bands, 8, time)
    seen = [voting.covariance(record) for record in banded]

    def guess(given: tuple[str, ...]) -> Signal:
        basis, _ = voting.given_space(given)
        each = voting.predictors(model.covariances, basis) @ basis.T  # (bands, k, 8, 8)
        out = np.empty_like(test)
        for record, own, y in zip(banded, seen, out, strict=True):
            votes = model.votes(basis, basis.T @ own @ basis).weights
            weights = np.einsum("k,bkij->bij", votes, each).astype(np.float32)
            np.sum(weights @ record, axis=0, out=y)
        return out

    return guess


def fir(train: Signal, test: Signal) -> Guess:
    """`recon.fir.FIR`: 50 ms before and after.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(3, 8, 1000)).astype("f4")
    >>> fir(x, x)(("I", "V2")).shape
    (3, 8, 1000)
    """
    return trained(FIR.fit(train), test)


def trained(model: Predictor, test: Signal) -> Guess:
    """What a model that needs no more training makes of some windows; hidden leads are blanked for it.

    Examples
    --------
    >>> trained(FIR(np.eye(8)[None]), np.ones((2, 8, 9), "f4"))(("I",))[0, :2, 0].tolist()
    [1.0, 0.0]
    """

    def guess(given: tuple[str, ...]) -> Signal:
        present = np.isin(leads.EIGHT, given)[:, None]
        return np.asarray(model.predict8(np.where(present, test, np.float32(0)), given)[0])

    return guess


def network(_train: Signal, test: Signal) -> Guess:
    """The bundled network of `recon.Reconstructor`: for patients that its card does not name.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(3, 8, 1000)).astype("f4")
    >>> network(x, x)(("I", "V2")).shape
    (3, 8, 1000)
    """
    from recon import weights

    return trained(weights.load(), test)


FAMILIES: Final[Mapping[str, Family]] = {
    "linear": linear,
    "gaussian": gaussian,
    "fir": fir,
    "network": network,
}
"""Each but the last is fitted to the training folds and asked about the patients of the other."""


def family(predictor: str | Predictor | Family) -> tuple[str, Family]:
    """A name for the report, and what to call.

    Raises
    ------
    SignalError
        If it is neither a row of `FAMILIES`, nor has `predict8`, nor can be called.

    Examples
    --------
    >>> family("fir")[0]
    'fir'
    """
    if isinstance(predictor, str) and predictor in FAMILIES:
        return predictor, FAMILIES[predictor]
    if hasattr(predictor, "predict8"):
        model: Predictor = predictor
        return type(model).__name__, lambda _train, test: trained(model, test)
    if callable(predictor):
        return getattr(predictor, "__name__", type(predictor).__name__), predictor
    raise SignalError(
        f"predictor={predictor!r}: give one of {' '.join(FAMILIES)}, an object with predict8, "
        "or a function of training and held-out windows."
    )
