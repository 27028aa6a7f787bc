"""Measures: from errors to shares explained and bits, as one number a record whose mean is the value."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp import SignalError
from recon.information.errors import EDGES, WAVES, Errors

Values = NDArray[np.float64]
WIDTHS: Final = np.diff(np.array(EDGES, np.float64))


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What is asked of errors.

    Attributes
    ----------
    targets : rows of the eight leads that are to be told.
    codes : places in `recon.information.SUBSETS` that are given, each in turn.
    noise : mV rms, in a lead; what is finer than this is not counted.
    wave : one of `WAVES`, or "all".
    """

    targets: tuple[int, ...]
    codes: NDArray[np.int64]
    noise: float
    wave: str = "all"


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    """A way to count, and its unit.

    Attributes
    ----------
    unit : of the value.
    says : what it is, in words.
    count : (n, codes) of errors and a question: one number a record, whose mean is the value.
    """

    unit: str
    says: str
    count: Callable[[Errors, Question], Values]


def r2(errors: Errors, asked: Question) -> Values:
    """Share of power explained, mean over the targets.

    Each record is brought to the same power first, so that no large heart decides. A ratio of means
    is no mean; what is returned is its linearisation about itself, whose mean is the ratio and
    whose spread is that of the ratio (delta method).
    """
    scale = np.einsum("nii->n", errors.covariance[:, 0]).astype(np.float64)[:, None, None]
    before, after = _power(errors, asked)
    return _explained(before / scale, after / scale)


def pooled(errors: Errors, asked: Question) -> Values:
    """Share of power explained of all records in one, mean over the targets: large hearts decide."""
    return _explained(*_power(errors, asked))


def bits(errors: Errors, asked: Question) -> Values:
    """Bits per sample and lead: half the logarithm of power before over power after, plus noise.

    What the guess saves in coding a sample to the accuracy of the noise, in a code that knows the
    record's power; less than 0 where guessing is worse than not guessing.
    """
    before, after = (power + asked.noise**2 for power in _power(errors, asked))
    return np.asarray(0.5 * np.log2(before / after).mean(axis=-1))


def joint(errors: Errors, asked: Question) -> Values:
    """Bits per sample about all targets together: determinants instead of variances.

    Of independent errors it is the sum over the leads of `bits`; targets that tell the same are
    counted once.
    """
    _whole(asked, "joint")
    rows, floor = list(asked.targets), asked.noise**2 * np.eye(len(asked.targets))
    logdet = [
        np.linalg.slogdet(errors.covariance[:, code][:, rows][:, :, rows] + floor)[1]
        for code in (0, *asked.codes)
    ]
    return np.asarray(np.stack([logdet[0] - left for left in logdet[1:]], axis=1) / np.log(4))


def rate(errors: Errors, asked: Question) -> Values:
    """Bits per second and lead: the same as `bits`, frequency by frequency.

    ``∫ -log2(1 - coherence²) df`` from 0 to 50 Hz, where ``1 - coherence²`` is the spectrum of the
    error over that of the lead, each on top of white noise: samples next to each other tell the same
    thing twice, and here it is counted once. For white signals it is 100 times `bits`.
    """
    _whole(asked, "rate")
    floor = asked.noise**2 / EDGES[-1]
    before, after = (power + floor for power in _kept(errors.spectrum, asked))
    return np.asarray((np.log2(before / after) @ WIDTHS).mean(axis=-1))


def rmse(errors: Errors, asked: Question) -> Values:
    """Root mean square error in µV, mean over the targets."""
    return np.asarray(1000 * np.sqrt(_power(errors, asked)[1]).mean(axis=-1))


MEASURES: Final[Mapping[str, Measure]] = {
    "r2": Measure("", "share of power explained, records of equal weight, mean over leads", r2),
    "pooled": Measure("", "share of power explained, records as they are, mean over leads", pooled),
    "bits": Measure("bits/sample", "per lead, mean over leads and records", bits),
    "joint": Measure("bits/sample", "of all leads asked for together, mean over records", joint),
    "rate": Measure("bits/s", "per lead by coherence, mean over leads and records", rate),
    "rmse": Measure("µV", "error, mean over leads and records", rmse),
}
"""Every measure by name."""


def count(name: str, errors: Errors, asked: Question) -> Values:
    """(n, codes): a measure by its name.

    Raises
    ------
    SignalError
        If there is no such measure or wave, or the measure cannot tell waves apart.

    Examples
    --------
    >>> one = np.ones((1, 256, 8, 8), "f4") * np.eye(8, dtype="f4")
    >>> one[:, 1] /= 4
    >>> count("bits", Errors(one, one, one), Question((3,), np.array([1]), 0.0))
    array([[1.]])
    """
    if name not in MEASURES:
        raise SignalError(f"measure={name!r}: there are {' '.join(MEASURES)}.")
    if asked.wave not in ("all", *WAVES):
        raise SignalError(f"wave={asked.wave!r}: there are all {' '.join(WAVES)}.")
    return MEASURES[name].count(errors, asked)


def _explained(before: Values, after: Values) -> Values:
    usual = mean_of_known(before)
    left = mean_of_known(after) / usual
    return np.asarray((1 - left - (after - left * before) / usual).mean(axis=-1))


def mean_of_known(each: Values) -> Values:
    """Mean over the records (n, ...) that have the wave; NaN if none has.

    Examples
    --------
    >>> float(mean_of_known(np.array([1.0, np.nan, 3.0])))
    2.0
    """
    known = np.isfinite(each).sum(axis=0)
    return np.asarray(np.nansum(each, axis=0) / np.where(known, known, np.nan))


def _power(errors: Errors, asked: Question) -> tuple[Values, Values]:
    """Mean squares of the targets, mV²."""
    if asked.wave == "all":
        return _kept(np.einsum("nsii->nsi", errors.covariance), asked)
    return _kept(errors.waves[..., WAVES.index(asked.wave)], asked)


def _kept(power: NDArray[np.float32], asked: Question) -> tuple[Values, Values]:
    """Of the targets themselves (n, 1, targets, ...), and of what is left of them (n, codes, ...)."""
    kept = power[:, [0, *asked.codes]][:, :, list(asked.targets)].astype(np.float64)
    return kept[:, :1], kept[:, 1:]


def _whole(asked: Question, name: str) -> None:
    if asked.wave != "all":
        raise SignalError(
            f"measure {name!r} is of whole windows; for a wave take r2, bits or rmse."
        )
