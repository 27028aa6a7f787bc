"""What tests are made of: a dipole patient with known truth, and hypothesis strategies."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsp import ECG, leads, vcg

# Centre (s from R), width (s) and height (mV) of the heart vector's waves, x left, y down, z back.
WAVES = (
    (-0.17, 0.022, (0.05, 0.10, -0.03)),
    (-0.022, 0.009, (-0.12, -0.10, -0.10)),
    (0.0, 0.011, (1.10, 0.90, 0.10)),
    (0.025, 0.012, (-0.05, -0.20, 0.55)),
    (0.26, 0.050, (0.26, 0.20, -0.16)),
)


def patient(
    seconds: float = 10.0, fs: float = 500.0, rate: float = 70.0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A regular rhythm: (12, time) mV of exact limb algebra, and its R peaks."""
    t = np.arange(round(seconds * fs)) / fs
    beats = np.arange(0.5, seconds - 0.4, 60 / rate)
    vector = np.zeros((3, t.size))
    for beat in beats:
        for centre, width, height in WAVES:
            vector += np.outer(height, np.exp(-0.5 * ((t - beat - centre) / width) ** 2))
    return leads.twelve(vcg.eight_from_frank(vector)), np.rint(beats * fs).astype(np.int64)


def ecg(seconds: float = 10.0, fs: float = 500.0, given: tuple[str, ...] = leads.TWELVE) -> ECG:
    """The same patient as a record of the leads asked for."""
    return ECG(patient(seconds, fs)[0], fs, leads.TWELVE).select(*given)


lead_sets = st.lists(st.sampled_from(leads.TWELVE), min_size=1, max_size=8, unique=True).map(tuple)
"""Any leads of the twelve, in any order."""

basis_sets = st.lists(st.sampled_from(leads.EIGHT), min_size=1, max_size=7, unique=True).map(tuple)
"""Any of the 254 proper subsets of the eight, in any order."""

rates = st.sampled_from([80.0, 100.0, 125.0, 128.0, 200.0, 250.0, 257.0, 360.0, 500.0, 1000.0])
"""Sampling rates in use, Hz."""


def signals(n_leads: int = 2, n_samples: int = 1000) -> st.SearchStrategy[NDArray[np.float32]]:
    """(n_leads, n_samples) float32, smooth, of random size and offset."""
    return st.builds(
        lambda seed, size, offset: (
            size
            * np.cumsum(np.random.default_rng(seed).normal(size=(n_leads, n_samples)), axis=1)
            / np.sqrt(n_samples)
            + offset
        ).astype(np.float32),
        st.integers(0, 2**32 - 1),
        st.floats(1e-2, 5.0),
        st.floats(-5.0, 5.0),
    )
