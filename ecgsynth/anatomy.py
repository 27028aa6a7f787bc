"""The adult heart before age, illness and chance: which part fires when, and with what moment."""

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecgsynth.draws import Floats

# Parts of each wave, in the order of its table below.
RIGHT, LEFT, RECOVERY = range(3)
DELTA, SEPTAL, APICAL, FREE, POSTERIOR, BASAL, LATE, J = range(8)
ST, ST_LATE, T_EARLY, T, U = range(5)

PARTS: Final[Mapping[str, NDArray[np.float64]]] = {
    # position and width in shares of the wave's interval; X (left), Y (down), Z (back) in mV
    "P": np.array([
        [0.36, 0.145, 0.075, 0.058, -0.080],  # right atrium
        [0.64, 0.145, 0.105, 0.040, 0.010],  # left atrium
        [1.40, 0.210, -0.004, -0.006, 0.000],  # atrial recovery, the PR segment
    ]),
    "QRS": np.array([
        [0.10, 0.090, 0.00, 0.00, 0.00],  # an accessory pathway, if there is one
        [0.20, 0.060, -0.20, 0.04, -0.28],  # septum, from left to right
        [0.36, 0.062, 0.52, 0.32, -0.32],  # apex and right ventricle
        [0.50, 0.064, 1.50, 0.56, 0.14],  # free wall of the left ventricle
        [0.64, 0.062, 0.52, 0.06, 0.80],  # its back
        [0.79, 0.060, -0.10, -0.14, 0.34],  # base of both ventricles
        [0.85, 0.090, 0.00, 0.00, 0.00],  # whatever fires late
        [1.04, 0.090, 0.00, 0.00, 0.00],  # J wave
    ]),
    "T": np.array([
        [0.09, 0.095, 0.005, 0.005, -0.010],  # injury current at the J point
        [0.28, 0.105, 0.025, 0.020, -0.030],  # and further on
        [0.50, 0.150, 0.095, 0.042, -0.080],  # rise of the T wave
        [0.720, 0.112, 0.300, 0.135, -0.150],  # T wave
        [1.18, 0.110, 0.008, 0.008, -0.016],  # U wave
    ]),
}  # fmt: skip
"""The parts of each wave.

Ventricular moments and their order in time follow the adult vectorcardiogram of Sameni et al.
(EURASIP J Adv Signal Process 2007, 43407; OSET's adult parameters), gathered into five parts with a
common clock and turned from its frontal axis of 17 degrees to the adult median near 45.
"""

ATRIAL: Final = np.array([1.0, 1.0, 1.0, 0.4, 0.4, 0.4, 0.4, 0.6])
"""Of the torso's leads I II V1..V6, how much of the atria they see: V2 to V6 lie on the ventricles.

With it and the two atria of `PARTS`, P is as high in each lead, and its frontal axis as far down, as
in the median of clinical recordings.
"""

AXIS: Final = float(np.arctan2(*(PARTS["QRS"][:, [3, 2]].T @ PARTS["QRS"][:, 1])))
"""rad, frontal axis of the QRS of `PARTS`, by area."""


@dataclasses.dataclass(slots=True)
class Draft:
    """Hearts in the making: n of them, one kind of beat, changed in place by illness.

    Attributes
    ----------
    position, width : wave -> (n, K), shares of the interval.
    vector : wave -> (n, 3, K) mV.
    local : wave -> (n, 8, K) mV, what single leads see beyond the dipole.
    knobs : name -> (n,), see `patients.KNOBS`.
    """

    position: dict[str, Floats]
    width: dict[str, Floats]
    vector: dict[str, Floats]
    local: dict[str, Floats]
    knobs: dict[str, Floats]

    def select(self, rows: NDArray[np.int64]) -> "Draft":
        """A copy of some of them.

        Examples
        --------
        >>> len(healthy(5, {}).select(np.array([1, 3])).vector["T"])
        2
        """
        return Draft(*({k: v[rows] for k, v in part.items()} for part in self._parts()))

    def put(self, rows: NDArray[np.int64], other: "Draft") -> None:
        """Write hearts back where they were selected.

        Examples
        --------
        >>> draft = healthy(2, {})
        >>> one = draft.select(np.array([1])); one.vector["T"] *= 2; draft.put(np.array([1]), one)
        >>> float(draft.vector["T"][1, 0, T] / draft.vector["T"][0, 0, T])
        2.0
        """
        for mine, theirs in zip(self._parts(), other._parts(), strict=True):
            for key, value in theirs.items():
                mine[key][rows] = value

    def _parts(self) -> tuple[dict[str, Floats], ...]:
        return self.position, self.width, self.vector, self.local, self.knobs


def healthy(n: int, knobs: Mapping[str, Floats]) -> Draft:
    """N copies of the adult heart.

    Examples
    --------
    >>> healthy(2, {}).vector["QRS"].shape
    (2, 3, 8)
    """

    def copies(x: Floats) -> Floats:
        return np.repeat(x[None], n, 0)

    return Draft(
        {wave: copies(rows[:, 0]) for wave, rows in PARTS.items()},
        {wave: copies(rows[:, 1]) for wave, rows in PARTS.items()},
        {wave: copies(rows[:, 2:].T) for wave, rows in PARTS.items()},
        {wave: np.zeros((n, 8, len(rows))) for wave, rows in PARTS.items()},
        {name: np.array(value) for name, value in knobs.items()},
    )


def rotation(axis: int, angle: Floats) -> Floats:
    """(n, 3, 3) turns by `angle` (n,) rad about axis 0 (X), 1 (Y) or 2 (Z).

    Examples
    --------
    >>> (rotation(2, np.array([np.pi / 2]))[0] @ [1, 0, 0]).round(6).tolist()
    [0.0, 1.0, 0.0]
    """
    a, b = [i for i in range(3) if i != axis]
    out = np.repeat(np.eye(3)[None], len(angle), 0)
    out[:, a, a] = out[:, b, b] = np.cos(angle)
    out[:, b, a] = np.sin(angle)
    out[:, a, b] = -np.sin(angle)
    return out
