"""Truth: where the waves of a simulated record begin, peak and end, from the noiseless Gaussians alone."""

import dataclasses
from typing import Final

import torch
from torch import Tensor

from ecgsynth import anatomy, dipole
from ecgsynth.dipole import Heart

PROPER: Final = {
    "P": (anatomy.RIGHT, anatomy.LEFT),
    "QRS": tuple(range(anatomy.J)),
    "T": (anatomy.T_EARLY, anatomy.T),
}
"""The parts that make up a wave; PR segment, J wave, ST and U are not part of their neighbours."""
SHARE: Final = {"P": 0.08, "QRS": 0.05, "T": 0.08}
"""A wave lasts from the first to the last sample at which it exceeds this share of its peak."""
LEAST_MV: Final = 0.015
"""mV; a wave whose peak is lower is absent from the lead."""


def waves(heart: Heart, fs: float, n_samples: int) -> dict[str, Tensor]:
    """Onset, peak and offset of every wave of every event in every lead.

    The rule: the wave's own Gaussians are summed in the lead; the peak is the sample farthest from
    zero, onset and offset are the first and last sample above `SHARE` of it.

    Parameters
    ----------
    heart : in tensors.
    fs : Hz. n_samples : of the record; waves that peak outside it are absent.

    Returns
    -------
    wave -> (n, E, 12, 3) float32 sample numbers (onset, peak, offset), NaN where absent. For QRS and
    T, E counts the beats, for P the atrial events.

    Examples
    --------
    >>> from ecgsynth.patients import patients
    >>> waves(patients(2).heart.tensors(), 500, 5000)["QRS"].shape[2:]
    torch.Size([12, 3])
    """
    out = {}
    scratch = None if heart.field.is_cuda else dipole.Scratch()
    for wave, parts in PROPER.items():
        events = heart.events[dipole.SOURCES[wave]]
        seen = torch.nonzero(events.time > dipole.ABSENT)
        g = dipole.gaussians(heart, wave, seen)
        kept = list(parts)
        g = dataclasses.replace(
            g, centre=g.centre[:, kept], width=g.width[:, kept], amplitude=g.amplitude[:, :, kept]
        )
        x8, first = dipole.beats(g, fs, scratch)
        x = dipole.twelve_leads(x8)
        marks = _marks(x.abs_(), SHARE[wave]) + first[:, None, None]
        absent = (marks[..., 1] < 0) | (marks[..., 1] >= n_samples)
        absent |= (marks[..., 0] < 0) | (marks[..., 2] >= n_samples)
        full = torch.full((*events.time.shape, 12, 3), torch.nan, device=x.device)
        full[seen[:, 0], seen[:, 1]] = marks.masked_fill(absent[..., None], torch.nan)
        out[wave] = full
    return out


def _marks(height: Tensor, share: float) -> Tensor:
    """(m, 12, 3): first sample above the share of the peak, the peak, and the last one."""
    peak, place = height.max(-1)
    above = (height > share * peak[..., None]).to(torch.uint8)
    onset = above.argmax(-1)
    offset = height.shape[-1] - 1 - above.flip(-1).argmax(-1)
    marks = torch.stack([onset, place, offset], -1).to(torch.float32)
    return marks.masked_fill((peak < LEAST_MV)[..., None], torch.nan)
