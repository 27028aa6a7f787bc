"""Electrodes: limb leads exchanged, mislabelled or torn off, told by algebra and by signs."""

import itertools
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp import leads as lead_names
from dsp.checks import Signal

SWAPS: Final[dict[str, NDArray[np.float64]]] = {
    "LA and RA": np.array([[-1.0, 0.0], [-1.0, 1.0]]),
    "RA and LL": np.array([[1.0, -1.0], [0.0, -1.0]]),
}
"""What exchanging two electrodes makes of leads (I, II); each is its own inverse. LA with LL is left
out: it leaves all signs as they can be in a healthy heart."""
TORN: Final = {"II": "RA and RL", "III": "LA and RL"}
"""The limb lead that is nearly flat when an arm electrode is exchanged with the neutral one."""
_AGREE: Final = (
    0.1  # share of amplitude by which leads that obey the algebra may break it: rounding, gain
)
_BREAK: Final = 0.3
_AGAINST: Final = -0.5  # correlation of leads that point the same way in nearly all hearts
_MARGIN: Final = 1.0  # by which the sum of three correlations must gain from undoing a swap
_FLAT: Final = 0.03  # span of a torn lead over that of its neighbour


def exchanged(y: Signal, beat: Signal, leads: tuple[str, ...]) -> tuple[str, ...]:
    """What is wrong with the limb leads, in words.

    Parameters
    ----------
    y : (leads, time) cleaned signal, mV; NaN marks gaps.
    beat : (leads, samples) its median beat; empty or NaN if there is none.
    leads : names of the rows.

    Returns
    -------
    Findings such as ``"limb leads swapped: LA and RA"`` (leads I and II against V6 or V5: needs those
    three), ``"limb leads swapped: RA and RL"`` (a flat lead II), ``"limb leads mislabelled: aVL
    and aVF exchanged"``, ``"aVR inverted"``, or ``"limb leads contradict each other"`` (three or
    more limb leads against the algebra). Empty when nothing is. A heart on the right side
    looks like arms exchanged.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(3, 500)).astype(np.float32)
    >>> y[2] = y[0] - y[1]
    >>> exchanged(y, y[:, :0], ("I", "II", "III"))
    ('limb leads mislabelled: III inverted',)
    """
    limb = tuple(lead for lead in leads if lead in lead_names.LIMB)
    rows = y[[leads.index(lead) for lead in limb]]
    algebra = _by_algebra(rows[:, np.isfinite(rows).all(axis=0)].astype(np.float64), limb)
    if algebra:
        return (algebra,)
    finite = np.isfinite(beat).all(axis=0)
    if not finite.any() or not {"I", "II"} <= set(leads):
        return ()
    shape = {lead: row - np.median(row) for lead, row in zip(leads, beat[:, finite], strict=True)}
    return tuple(_by_signs(shape))


def _by_algebra(rows: NDArray[np.float64], limb: tuple[str, ...]) -> str:
    if len(limb) < 3 or not rows.size or not rows.any(axis=1).all():
        return ""
    algebra = lead_names.rows(limb)[:, :2]
    if _broken(rows, algebra) < _BREAK:
        return ""
    for words, changed in _relabelled(algebra, limb):
        if _broken(rows, changed) < _AGREE:
            return f"limb leads mislabelled: {words}"
    return "limb leads contradict each other"


def _broken(rows: NDArray[np.float64], algebra: NDArray[np.float64]) -> float:
    """The greatest share of a lead that no two potentials could have made."""
    rest = rows - algebra @ (np.linalg.pinv(algebra) @ rows)
    return float(np.sqrt((rest**2).sum(axis=1) / (rows**2).sum(axis=1)).max())


def _relabelled(
    algebra: NDArray[np.float64], limb: tuple[str, ...]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """The algebra with one lead turned over, or two taken for each other."""
    for i, lead in enumerate(limb):
        changed = algebra.copy()
        changed[i] *= -1
        yield f"{lead} inverted", changed
    for i, k in itertools.combinations(range(len(limb)), 2):
        changed = algebra.copy()
        changed[[i, k]] = algebra[[k, i]]
        yield f"{limb[i]} and {limb[k]} exchanged", changed


def _by_signs(shape: dict[str, NDArray[np.float32]]) -> Iterator[str]:
    limb = np.stack([shape["I"], shape["II"]])
    span = {"II": np.ptp(limb[1]), "III": np.ptp(limb[1] - limb[0])}
    for lead, words in TORN.items():
        if span[lead] < _FLAT * np.ptp(limb[0]):
            yield f"limb leads swapped: {words}"
            return
    left = shape.get("V6", shape.get("V5"))
    if left is None:
        return
    now, toward = _agreement(limb, left)
    undone = {words: _agreement(swap @ limb, left)[0] for words, swap in SWAPS.items()}
    likely = max(undone, key=lambda words: undone[words])
    if toward < _AGAINST and undone[likely] > now + _MARGIN:
        yield f"limb leads swapped: {likely}"


def _agreement(limb: NDArray[np.floating], left: NDArray[np.floating]) -> tuple[float, float]:
    """How far I, II and -aVR point where V6 points: sum of the correlations; least of the first two."""
    all_three = np.stack([limb[0], limb[1], limb[0] + limb[1]])
    norm = np.linalg.norm(all_three, axis=1) * np.linalg.norm(left)
    r = all_three @ left / np.maximum(norm, 1e-9)
    return float(r.sum()), float(r[:2].min())
