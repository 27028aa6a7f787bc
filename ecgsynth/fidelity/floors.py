"""Floors: any distance of two samples beside the same distance between halves of the real one."""

import dataclasses
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from dsp.distances.splits import halves
from dsp.errors import LengthError

Floats = NDArray[np.float64]
Measure = Callable[[Floats, Floats], float]
REPEATS: Final = 40


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """A value with its interval, and the floor.

    Attributes
    ----------
    value, low, high : of all recordings, 95 %.
    floor : (repeats,) between two halves of the real ones, which share no patient.
    at_floor : (repeats,) between one such half and as many synthetic ones: to compare with `floor`.
    n_real, n_synthetic : recordings that could be used.
    """

    value: float
    low: float
    high: float
    floor: Floats
    at_floor: Floats
    n_real: int
    n_synthetic: int


def beside(
    measure: Measure, real: Floats, synthetic: Floats, groups: NDArray[Any], seed: int
) -> Beside | None:
    """A distance with its floor and its interval.

    The interval is that of the delete-half jackknife (Shao and Tu 1995): distances of random halves,
    by patient, spread about as the distance of all does about the truth.

    Parameters
    ----------
    measure : (a, b) -> number; of rows of real, and rows of either.
    real, synthetic : (n, ...) and (m, ...); rows with a NaN are left out.
    groups : (n,) the patient of each real row. seed : of the halves.

    Returns
    -------
    None where fewer than four patients, or synthetic rows, are left.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=200)
    >>> found = beside(lambda a, b: abs(a.mean() - b.mean()), x, x + 1, np.arange(200), 0)
    >>> bool(found.low < found.value < found.high), bool(found.floor.max() < found.at_floor.min())
    (True, True)
    """
    real_ok, synthetic_ok = _finite(real), _finite(synthetic)
    a, b, patient = real[real_ok], synthetic[synthetic_ok], groups[real_ok]
    if len(b) < 4:
        return None
    random = np.random.default_rng(seed)
    floor, at_floor, spread = [], [], []
    try:
        for _ in range(REPEATS):
            first, second = halves(patient, random)
            order = random.permutation(len(b))
            floor.append(measure(a[first], a[second]))
            at_floor.append(measure(a[first], b[order[: len(first)]]))
            spread.append(measure(a[first], b[order[: len(b) // 2]]))
    except LengthError:  # too few patients
        return None
    value = measure(a, b)
    half = float(scipy.special.stdtrit(REPEATS - 1, 0.975) * np.std(spread, ddof=1))
    return Beside(
        value, value - half, value + half, np.array(floor), np.array(at_floor), len(a), len(b)
    )


def _finite(x: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(x.reshape(len(x), -1)).all(axis=1))
