"""The vectorcardiogram: Frank leads from eight (Kors; inverse Dower), and eight from Frank's (Dower)."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from dsp.errors import LeadError

# Columns: I II V1 V2 V3 V4 V5 V6.  X to the left, Y down, Z to the back.
KORS: Final[NDArray[np.float64]] = np.array([
    [0.38, -0.07, -0.13, 0.05, -0.01, 0.14, 0.06, 0.54],
    [-0.07, 0.93, 0.06, -0.02, -0.05, 0.06, -0.17, 0.13],
    [0.11, -0.23, -0.43, -0.06, -0.14, -0.20, -0.11, 0.31],
])  # fmt: skip
"""(3, 8): Kors' regression matrix (Eur Heart J 1990;11:1083)."""
DOWER: Final[NDArray[np.float64]] = np.array([
    [0.632, -0.235, 0.059],
    [0.235, 1.066, -0.132],
    [-0.515, 0.157, -0.917],
    [0.044, 0.164, -1.387],
    [0.882, 0.098, -1.277],
    [1.213, 0.127, -0.601],
    [1.125, 0.127, -0.086],
    [0.831, 0.076, 0.230],
])  # fmt: skip
"""(8, 3): Dower's lead field (J Electrocardiol 1980;13:139), the eight independent rows."""
INVERSE_DOWER: Final[NDArray[np.float64]] = np.array([
    [0.156, -0.010, -0.172, -0.074, 0.122, 0.231, 0.239, 0.194],
    [-0.227, 0.887, 0.057, -0.019, -0.106, -0.022, 0.041, 0.048],
    [0.022, 0.102, -0.229, -0.310, -0.246, -0.063, 0.055, 0.108],
])  # fmt: skip
"""(3, 8): Edenbrandt and Pahlm's inverse Dower matrix (J Electrocardiol 1988;21:361)."""
for _matrix in (KORS, DOWER, INVERSE_DOWER):
    _matrix.flags.writeable = False

FROM_EIGHT: Final = {"kors": KORS, "inverse_dower": INVERSE_DOWER}


def frank(
    x8: NDArray[np.floating], *, method: Literal["kors", "inverse_dower"] = "kors"
) -> NDArray[np.float32]:
    """Frank leads X, Y, Z from the eight independent leads.

    Parameters
    ----------
    x8 : (..., 8, time) mV, leads I II V1..V6.
    method : a row of `FROM_EIGHT`.

    Returns
    -------
    (..., 3, time) float32 mV.

    Raises
    ------
    LeadError
        If the second-last axis is not 8.

    Examples
    --------
    >>> frank(np.eye(8, dtype="f4"))[0, :2].tolist()
    [0.3799999952316284, -0.07000000029802322]
    """
    return _apply(FROM_EIGHT[method], x8, 8)


def eight_from_frank(xyz: NDArray[np.floating]) -> NDArray[np.float32]:
    """The eight independent leads of a heart vector, by Dower's lead field.

    Parameters
    ----------
    xyz : (..., 3, time) mV, Frank leads X Y Z.

    Returns
    -------
    (..., 8, time) float32 mV, leads I II V1..V6.

    Raises
    ------
    LeadError
        If the second-last axis is not 3.

    Examples
    --------
    >>> eight_from_frank(np.eye(3, dtype="f4")).shape
    (8, 3)
    """
    return _apply(DOWER, xyz, 3)


def _apply(matrix: NDArray[np.float64], x: NDArray[np.floating], rows: int) -> NDArray[np.float32]:
    if np.ndim(x) < 2 or np.shape(x)[-2] != rows:
        raise LeadError(f"shape {np.shape(x)}: expected (..., {rows}, time).")
    return np.asarray(matrix @ np.asarray(x, np.float64), np.float32)
