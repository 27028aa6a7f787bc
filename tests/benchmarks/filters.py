"""Cleaning and resampling 1000 twelve-lead strips of 10 s at 500 Hz, beside neurokit2 and SciPy; CPU seconds.

Peers run on a part of the batch, lead by lead as they must, and are scaled. Ours is also held to SciPy's
zero-phase filter in double, ends included. Only ratios mean anything.

    python tests/benchmarks/filters.py
"""

import argparse
import time
import warnings

import numpy as np
import scipy
from neurokit2 import ecg_clean

import dsp
from dsp import filters

FS = 500


def seconds(run, repeats=3):
    """CPU seconds of the best of some runs."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1000)
    n = parser.parse_args().records
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    wander = np.cumsum(rng.normal(size=(n, 12, 10 * FS)), axis=-1) / 30
    x = (wander + rng.normal(size=(n, 12, 1)) * 50).astype(np.float32)
    part = x[: max(1, n // 50)].reshape(-1, 10 * FS)
    share = x.size / part.size
    sos = scipy.signal.butter(3, filters.CLEAN_BAND, "bandpass", fs=FS, output="sos")
    exact = scipy.signal.sosfiltfilt(sos, part.astype(float))
    error = np.abs(dsp.clean(part, FS) - exact).max()
    ours = seconds(lambda: dsp.clean(x, FS))
    rows = {
        "dsp.clean, whole batch": ours,
        "scipy sosfiltfilt, lead by lead": share
        * seconds(lambda: [scipy.signal.sosfiltfilt(sos, row) for row in part]),
        "neurokit2 ecg_clean, lead by lead": share
        * seconds(lambda: [ecg_clean(row, sampling_rate=FS) for row in part]),
    }
    print(f"{n} records x 12 leads x 10 s at {FS} Hz, CPU seconds")
    for name, value in rows.items():
        print(f"  {name:36} {value:8.2f}   {value / ours:6.1f} x ours")
    print(
        f"largest difference from SciPy in double: {error:.1e} mV (offsets of 50 mV, ends included)"
    )
    for up, down in ((1, 5), (5, 1)):
        resampling(part, up, down)


def resampling(x, up, down):
    """500 to 100 Hz, or back; SciPy's is single precision too, and has no line to take off."""
    fs, to = (500, 100) if up == 1 else (100, 500)
    ours = seconds(lambda: dsp.resample(x, fs, to))
    peer = seconds(lambda: scipy.signal.resample_poly(x, up, down, axis=-1))
    print(
        f"dsp.resample, {fs} to {to} Hz, {len(x)} leads: scipy resample_poly {peer / ours:.1f} x ours"
    )


if __name__ == "__main__":
    main()
