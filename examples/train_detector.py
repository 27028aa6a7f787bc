"""A beat detector that has never seen a patient: learned from simulated records alone.

python examples/train_detector.py [a recording with beat annotations, or any other]
"""

import sys

import numpy as np
import scipy
import torch

import dsp
import ecgsynth
from ecgsynth.rhythm import RHYTHMS

FS = 100.0


def prepared(x: np.ndarray, fs: float) -> np.ndarray:  # 100 Hz, 0.5 to 40 Hz, unit size
    x = dsp.bandpass(dsp.resample(x, fs, FS), FS, 0.5, 40)
    return x / np.maximum(x.std(-1, keepdims=True), 1e-6)


def simulated(n: int, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Lead II of patients of every kind, in every rhythm, in noise of 10 dB; their R peaks."""
    beats = [list(RHYTHMS)[k % len(RHYTHMS)] for k in range(n)]
    sim = ecgsynth.simulate(n, diagnosis="any", rhythm=beats, fs=FS, noise=10, seed=seed)
    return prepared(sim.signal[:, 1], FS), sim.r_peaks


def found(x: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        p = net(torch.from_numpy(x)[None, None])[0, 0].sigmoid().numpy()
    return scipy.signal.find_peaks(p, height=0.4, distance=round(0.2 * FS))[0]


torch.manual_seed(0)
parts = [torch.nn.Conv1d(1, 16, 7, padding="same")]
for channels, dilation in ((16, 3), (16, 9), (1, 1)):
    parts += [torch.nn.ReLU(), torch.nn.Conv1d(16, channels, 7, 1, "same", dilation)]
net = torch.nn.Sequential(*parts)
x, peaks = simulated(720, seed=1)
near = np.array([abs(np.arange(x.shape[1])[:, None] - p).min(1) <= 3 for p in peaks], np.float32)
error, optimiser = torch.nn.BCEWithLogitsLoss(), torch.optim.Adam(net.parameters(), 4e-3)
for _ in range(150):
    rows = torch.randint(len(x), (32,)).numpy()
    out = net(torch.from_numpy(x[rows])[:, None])[:, 0]
    optimiser.zero_grad()
    error(out, torch.from_numpy(near[rows])).backward()
    optimiser.step()
x, peaks = simulated(90, seed=2)
matches = [dsp.metrics.match(p, found(row), FS) for p, row in zip(peaks, x, strict=True)]
print("patients held out", dsp.metrics.pool(matches))
if len(sys.argv) > 1:
    ecg = dsp.read(sys.argv[1])
    beats = dsp.r_peaks(ecg.signal, ecg.fs)
    if "atr" in ecg.annotations:
        beats = ecg.annotations["atr"].select("NLRBAaJSVrFejnE/fQ").samples
    x = prepared(ecg["II" if "II" in ecg.leads else ecg.leads[0]], ecg.fs)
    print(sys.argv[1], dsp.metrics.match(beats / ecg.fs * FS, found(x), FS))
