"""The population: from folders of twelve-lead recordings to covariances, one a record."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp import ECG, checks, datasets, filters, leads
from recon.gaussian import SLOW_HZ, Gaussian, covariance, split

FS: Final = 100.0
WINDOW: Final = 10.0
"""Seconds; the unit that figures are averaged over."""
WEAKEST_MV: Final = 0.005
LARGEST_MV: Final = 6.0
"""A window whose quietest lead is below the one, or whose largest sample above the other, is left
out of training and of figures: an electrode was off, or it was not the heart."""


def windows(ecg: ECG) -> Iterator[checks.Signal]:
    """The ten-second windows of a recording that can be learned from or scored on.

    Parameters
    ----------
    ecg : leads that determine all twelve.

    Yields
    ------
    (8, 1000) float32 mV, the eight leads at 100 Hz, 0.5-40 Hz, mean removed; without gaps.

    Raises
    ------
    LeadError
        If the leads do not determine all twelve.

    Examples
    --------
    >>> wave = np.cumsum(np.random.default_rng(0).normal(size=(8, 6000)), axis=1) / 100
    >>> [w.shape for w in windows(ECG(wave, 500, leads.EIGHT))]
    [(8, 1000)]
    """
    x8 = ecg.twelve_leads()[leads.EIGHT]
    x8 = filters.clean(filters.resample(x8, ecg.fs, FS), FS)
    step = round(WINDOW * FS)
    for first in range(0, x8.shape[1] - step + 1, step):
        part = x8[:, first : first + step]
        part = part - part.mean(axis=1, keepdims=True)
        if part.std(axis=1).min() >= WEAKEST_MV and np.abs(part).max() <= LARGEST_MV:
            yield part


def known_by(parts: list[checks.Signal]) -> NDArray[np.float64]:
    """(bands, 8, 8) mV²: `recon.gaussian.covariance`, mean over a record's windows.

    Examples
    --------
    >>> known_by([np.eye(8, 1000, dtype="f4")]).shape
    (2, 8, 8)
    """
    return np.asarray(np.mean([covariance(split(part, FS)) for part in parts], axis=0))


def fit(root: str | Path) -> tuple[Gaussian, dict[str, Any]]:
    """The Gaussian predictor of all twelve-lead recordings below `root`, and what it was made of.

    Raises
    ------
    ReadError
        If there is no such data set.

    Examples
    --------
    >>> model, about = fit("recordings")  # doctest: +SKIP
    """
    from tqdm.auto import tqdm

    found: list[NDArray[np.float64]] = []
    counts: dict[str, int] = {}
    refused: list[str] = []
    for entry in tqdm(datasets.twelve_lead(root), desc="recordings", disable=None):
        parts = list(windows(entry.ecg))
        if not parts:
            refused.append(entry.name)
            continue
        found.append(known_by(parts))
        counts[entry.source] = counts.get(entry.source, 0) + 1
    about = {
        "band_hz": list(filters.CLEAN_BAND),
        "slow_hz": SLOW_HZ,
        "fs_hz": FS,
        "records": counts,
        "refused": refused,
    }
    return Gaussian.fit(np.stack(found)), about
