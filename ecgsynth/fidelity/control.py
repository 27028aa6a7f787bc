"""Control: what was asked for against what the recordings show when they are measured."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp.errors import LengthError
from dsp.statistics import bootstrap
from ecgsynth.fidelity.encoding import QUANTITIES
from ecgsynth.fidelity.report import Finding

Floats = NDArray[np.float64]
ASKED: Final = ("heart_rate", "sdnn", "pr", "p_duration", "qrs", "qt")
"""Quantities that can be asked for, under these names, in bpm and s."""


def control(requested: Mapping[str, Any], found: Mapping[str, Floats], n: int) -> Iterator[Finding]:
    """Mean absolute error of each quantity asked for; beside it, that of requests dealt out anew.

    Parameters
    ----------
    requested : name -> (n,), or one value for all; names other than `ASKED` are passed over.
    found : name -> (n,) as measured. n : recordings.

    Raises
    ------
    LengthError
        If there are other than n requests.
    """
    for name in ASKED:
        if name not in requested:
            continue
        title, unit, scale = QUANTITIES[name]
        asked = np.asarray(requested[name], np.float64)
        if asked.shape not in ((), (n,)):
            raise LengthError(f"{name}: {asked.shape} requests for {n} recordings.")
        error = scale * (found[name] - asked)
        known = np.isfinite(error)
        if not known.any():
            continue
        interval = bootstrap(np.abs(error), np.arange(n))
        wanted = np.broadcast_to(asked, n)[known]
        blind = scale * np.abs(found[name][known][:, None] - wanted).mean()
        middle = float(np.median(np.abs(error[known])))
        yield Finding(
            "control", f"{title}, asked - found", unit, interval.value, interval.low, interval.high,
            n_synthetic=int(known.sum()),
            note=f"median {middle:.3g}, bias {np.median(error[known]):+.3g}, blind {blind:.3g}",
        )  # fmt: skip
