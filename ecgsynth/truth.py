"""Truth: where the waves of a simulated record begin, peak and end, from their noiseless Gaussians alone."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp.leads import EIGHT_TO_TWELVE
from ecgsynth import anatomy
from ecgsynth.draws import Floats
from ecgsynth.heart import Heart, Wave

PROPER: Final = {
    "P": (anatomy.RIGHT, anatomy.LEFT),
    "QRS": tuple(range(anatomy.J)),
    "T": (anatomy.T_EARLY, anatomy.T),
}
"""The parts that make up a wave; PR segment, J wave, ST and U are not part of their neighbours."""
LEVEL: Final = {"P": 0.07, "QRS": 0.01, "T": 0.08}
"""A wave lasts from the first to the last moment at which it exceeds this share of its peak.

Those of P and T follow the cardiologists of LUDB: measured by how long a flank is beside its half at
half height, they begin P at 3 %, end it at 14 %, and end T at 7 % of the peak.
"""
TOGETHER: Final = {"P": (0.25, 0.5, 0.75), "QRS": (0.0, 0.5, 1.0), "T": (0.25, 0.5, 0.75)}
"""Marks of all leads together, as `dsp.Waves` has them: QRS from the earliest onset to the latest
offset of any lead; of P and T the quartiles, since a lead may show one as another shape or not at all."""
LEAST_MV: Final = 0.015
"""mV; a wave whose peak is lower is absent from the lead."""
_GRID: Final = {
    "P": np.linspace(-0.25, 1.25, 51),
    "QRS": np.linspace(-0.3, 1.4, 86),
    "T": np.linspace(0.1, 1.6, 51),
}


def course(name: str, wave: Wave, field: Floats) -> NDArray[np.float32]:
    """(n, kinds, 12, grid) mV, size of a wave's proper parts over its interval."""
    kept = list(PROPER[name])
    position, width = wave.position[..., kept], wave.width[..., kept]
    u = ((_GRID[name] - position[..., None]) / width[..., None]).astype(np.float32)
    amplitude = field[:, None] @ wave.vector[..., kept] + wave.residual[..., kept]
    amplitude = (EIGHT_TO_TWELVE @ amplitude).astype(np.float32)
    return np.asarray(np.abs(amplitude @ np.exp(-0.5 * np.minimum(u * u, 22.0))))


def marks(name: str, height: NDArray[np.float32]) -> Floats:
    """Onset, peak and offset of a wave in every lead.

    The rule: the wave's own Gaussians are summed in the lead, without breath and variability; the
    peak is where the sum is farthest from zero, onset and offset are where it first rises above
    `LEVEL` of the peak and last falls below it.

    Parameters
    ----------
    name : P, QRS or T.
    height : (n, kinds, 12, grid), a `course`.

    Returns
    -------
    (n, kinds, 12, 3) in shares of the wave's interval, NaN where a lead does not show the wave.

    Examples
    --------
    >>> bell = np.exp(-0.5 * ((np.linspace(-0.25, 1.25, 51) - 0.5) / 0.2) ** 2)
    >>> marks("P", bell[None, None, None].astype("f4")).round(2).ravel().tolist()
    [0.04, 0.5, 0.96]
    """
    grid, level = _GRID[name], LEVEL[name]
    place = height.argmax(-1)
    peak = np.take_along_axis(height, place[..., None], -1)
    above = height > level * peak
    last = len(grid) - 1
    first_in, last_in = above.argmax(-1), last - above[..., ::-1].argmax(-1)
    height = np.log(
        np.maximum(height, 1e-9)
    )  # flanks of Gaussians are straighter in their logarithm
    limit = np.log(level * np.maximum(peak[..., 0], 1e-9))

    def crossing(inner: Any, outer: Any) -> Floats:
        high, low = (np.take_along_axis(height, i[..., None], -1)[..., 0] for i in (inner, outer))
        share = np.clip((high - limit) / np.maximum(high - low, 1e-9), 0, 1)
        return np.asarray(grid[inner] + share * (grid[outer] - grid[inner]))

    inside = np.clip(place, 1, last - 1)
    a, b, c = (np.take_along_axis(height, (inside + i)[..., None], -1)[..., 0] for i in (-1, 0, 1))
    shift = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9)
    top = grid[inside] + np.clip(shift, -1, 1) * (grid[1] - grid[0])
    onset = crossing(first_in, np.maximum(first_in - 1, 0))
    offset = crossing(last_in, np.minimum(last_in + 1, last))
    out = np.stack([onset, top, offset], -1)
    return np.where(peak > LEAST_MV, out, np.nan)


def rows(name: str, wave: Wave, field: Floats) -> Floats:
    """(n, kinds, 13, 3): the `marks` of a wave in twelve leads, and its `centre`, in shares."""
    height = course(name, wave, field)
    return np.concatenate([marks(name, height), centre(name, height)], 2)


def to_scale(name: str, wave: Wave, found: Floats) -> tuple[Wave, Floats]:
    """The wave and its marks, moved and stretched so that it fills its interval exactly.

    P begins at 0, the QRS runs from 0 to 1, and T ends at 1, by the marks of all leads together
    (`TOGETHER`). So the intervals asked for are the intervals obtained, whatever the vectors are.
    """
    begin, _, end = np.moveaxis(together(found[..., :12, :], np.array(TOGETHER[name])), -1, 0)
    seen = np.isfinite(begin)
    begin = np.where(seen & (name != "T"), begin, 0.0)
    end = begin + 1 if name == "P" else np.where(seen, end, 1.0)
    scale = end - begin
    position = (wave.position - begin[..., None]) / scale[..., None]
    wave = Wave(position, wave.width / scale[..., None], wave.vector, wave.residual)
    return wave, (found - begin[..., None, None]) / scale[..., None, None]


def centre(name: str, height: NDArray[np.float32]) -> Floats:
    """(n, kinds, 1, 3) where the root sum of squares over the eight leads peaks, in shares, thrice."""
    energy = (height[:, :, [0, 1, *range(6, 12)]] ** 2).sum(2)
    return np.repeat(_GRID[name][energy.argmax(-1)][..., None, None], 3, -1)


def waves(
    heart: Heart, found: dict[str, Floats], fs: float, n_samples: int
) -> dict[str, NDArray[np.float32]]:
    """Onset, peak and offset of every wave of every event in every lead.

    Parameters
    ----------
    heart : in arrays.
    found : wave -> `marks` of the heart, scaled as the heart is.
    fs : Hz. n_samples : of the record.

    Returns
    -------
    wave -> (n, E, 12, 3) float32 sample numbers, NaN where absent or not wholly inside the record.
    For QRS and T, E counts the beats, for P the atrial events.
    """
    rows = np.arange(len(heart.field))[:, None]
    beats, atria = heart.events["beats"], heart.events["atria"]
    qrs = heart.qrs[rows, beats.kind]
    jt = heart.qt[rows, beats.kind] * beats.stretch - qrs
    clocks = {
        "P": (atria, atria.time - heart.pr[:, None] - atria.delay, heart.p_duration[:, None]),
        "QRS": (beats, beats.time, qrs),
        "T": (beats, beats.time + qrs, jt),
    }
    out = {}
    for name, (events, start, unit) in clocks.items():
        offset = found[name][rows, events.kind] * unit[..., None, None]
        samples = (start[..., None, None] + offset) * fs
        inside = (samples[..., :1] >= 0) & (samples[..., 2:] <= n_samples - 1)
        out[name] = np.where(inside, samples, np.nan).astype(np.float32)
    return out


def by_beat(
    found: dict[str, NDArray[np.float32]], r_samples: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Marks beat by beat: each beat's P is the last one between the R peak before it and its own.

    Parameters
    ----------
    found : P (n, M, 12, 3), QRS and T (n, E, 12, 3), samples.
    r_samples : (n, E), ascending.

    Returns
    -------
    (n, E, 3, 12, 3) waves, leads, marks; and (n, E, 3, 3), the marks of all leads `TOGETHER`.
    """
    n, n_beats = r_samples.shape
    each = np.full((n, n_beats + 1, 3, 12, 3), np.nan, np.float32)
    each[:, :-1, 1], each[:, :-1, 2] = found["QRS"], found["T"]
    peak = np.fmax.reduce(found["P"][..., 1], axis=2)
    beat = (r_samples[:, None] < peak[..., None]).sum(2)
    record, event = np.nonzero(np.isfinite(peak))
    each[record, beat[record, event], 0] = found["P"][record, event]
    each = each[:, :-1]
    return each, together(each, np.array(list(TOGETHER.values()))).astype(np.float32)


def together(found: NDArray[Any], shares: Floats) -> NDArray[Any]:
    """Quantiles of marks over the leads that show the wave.

    Parameters
    ----------
    found : (..., leads, 3), NaN where a lead does not show it.
    shares : (..., 3) of each mark, 0 the first lead, 1 the last.

    Returns
    -------
    (..., 3), NaN where no lead shows the wave.

    Examples
    --------
    >>> together(np.array([[1.0, 2, 8], [3, 4, 5], [np.nan] * 3]), np.array([0, 0.5, 1])).tolist()
    [1.0, 3.0, 8.0]
    """
    ordered = np.sort(found, axis=-2)  # NaN last
    place = shares * np.maximum(np.isfinite(found).sum(-2) - 1, 0)
    low = np.floor(place).astype(np.int64)
    a, b = (
        np.take_along_axis(ordered, i[..., None, :], -2)[..., 0, :]
        for i in (low, np.ceil(place).astype(np.int64))
    )
    return np.asarray(a + (place - low) * (b - a))
