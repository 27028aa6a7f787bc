"""The common checks: each public function that takes a signal is one row here.

A new function enters by adding a row; `tests/test_contracts.py` does the rest.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from strategies import patient

import dsp
import recon
from dsp import leads

FS = 500.0
GIVEN = ("I", "II", "V2")
ALIGNER = recon.Aligner.from_pretrained()
SIGNAL = patient(6.0, FS)[0][[leads.TWELVE.index(name) for name in GIVEN]]


@dataclasses.dataclass(frozen=True)
class Row:
    """One function, as ``call(x, fs)`` with x (..., 3 leads I II V2, time).

    batch : it takes leading axes, and many records are as each alone.
    per_lead : each lead is as it would be alone.
    gain : twice the input gives this many times the output (None: not a number that scales).
    """

    name: str
    call: Callable[[Any, Any], Any]
    batch: bool = True
    per_lead: bool = False
    gain: float | None = None


ROWS = [
    Row("bandpass", lambda x, fs: dsp.bandpass(x, fs, 1, 30), per_lead=True, gain=2),
    Row("clean", dsp.clean, per_lead=True, gain=2),
    Row("resample", lambda x, fs: dsp.resample(x, fs, 250), per_lead=True, gain=2),
    Row("ECG", lambda x, fs: dsp.ECG(x, fs, GIVEN), batch=False),
    Row("to_12lead", lambda x, fs: recon.to_12lead(x, fs, GIVEN), gain=2),
    Row(
        "Reconstructor.estimate",
        lambda x, fs: recon.Reconstructor.from_pretrained().estimate(x, fs, GIVEN),
    ),
    Row("r_peaks", dsp.r_peaks),
    Row("delineate", lambda x, fs: dsp.delineate(x, fs, dsp.r_peaks(x, fs))),
    Row("measure", lambda x, fs: dsp.measure(dsp.ECG(x, fs, GIVEN)), batch=False),
    Row("segment", lambda x, fs: dsp.segment(x, fs, []), batch=False),
    Row(
        "QRSTokenizer.encode",
        lambda x, fs: dsp.QRSTokenizer(mode="heartlang", leads=GIVEN).encode(x, fs),
    ),
    Row("landmarks", lambda x, fs: dsp.metrics.landmarks(x, fs), batch=False),
    Row("Aligner.embed", lambda x, fs: ALIGNER.embed(x, fs, GIVEN)),
    Row("quality", lambda x, fs: dsp.quality(x, fs), batch=False),
]

# What may come in, made from a good signal; each ends in one ECGError or a documented result.
BAD: dict[str, Callable[[Any], Any]] = {
    "all NaN": lambda x: np.full_like(x, np.nan),
    "one lead NaN": lambda x: np.concatenate([x[:1] * np.nan, x[1:]]),
    "NaN gap": lambda x: np.where(np.arange(x.shape[1]) // 200 == 3, np.nan, x),
    "one infinity": lambda x: np.where(np.arange(x.shape[1]) == 7, np.inf, x),
    "minus infinity": lambda x: np.where(np.arange(x.shape[1]) == 0, -np.inf, x),
    "flat": np.zeros_like,
    "flat at an offset": lambda x: np.full_like(x, 3.3),
    "one lead flat": lambda x: np.concatenate([x[:1] * 0, x[1:]]),
    "empty": lambda x: x[:, :0],
    "no leads": lambda x: x[:0],
    "one sample": lambda x: x[:, :1],
    "two samples": lambda x: x[:, :2],
    "50 samples": lambda x: x[:, :50],
    "a number": lambda x: 1.0,
    "None": lambda x: None,
    "text": lambda x: "I, II, III",
    "axes swapped": lambda x: x.T,
    "integers": lambda x: np.rint(x * 10).astype(np.int16),
    "half precision": lambda x: x.astype(np.float16),
    "complex": lambda x: x.astype(np.complex64),
    "bool": lambda x: x > 0,
    "objects": lambda x: x.astype(object),
    "ragged": lambda x: [[1.0, 2.0], [1.0]],
    "microvolt": lambda x: x * 1000,
    "huge": lambda x: x * np.float32(1e30),
    "tiny": lambda x: x * np.float32(1e-30),
    "beyond float32": lambda x: x.astype(np.float64) * 1e300,
    "huge offset": lambda x: x + 300.0,
    "a step of 20 mV": lambda x: x + np.where(np.arange(x.shape[1]) > 1500, 20.0, 0.0),
    "clipped": lambda x: np.clip(x, -0.2, 0.2),
    "white noise": lambda x: np.random.default_rng(0).normal(size=x.shape),
    "square wave": lambda x: np.sign(np.sin(np.arange(x.shape[1]) / 40)) * np.ones((3, 1)),
    "mains only": lambda x: np.sin(2 * np.pi * 50 / FS * np.arange(x.shape[1])) * np.ones((3, 1)),
    "masked array": lambda x: np.ma.MaskedArray(x, np.arange(x.size).reshape(x.shape) % 97 == 0),
    "list": lambda x: x[:, :600].tolist(),
    "four axes": lambda x: x[None, None],
}
BAD_RATES: dict[str, Any] = {
    "5 Hz": 5,
    "0 Hz": 0,
    "negative": -500,
    "NaN": float("nan"),
    "infinite": float("inf"),
    "1 MHz": 1e6,
    "text": "fast",
    "a pair": (500, 500),
}


def arrays(result: Any) -> list[np.ndarray[Any, Any]]:
    """Every array of numbers in a result, in a fixed order."""
    if isinstance(result, np.ndarray):
        return [result] if result.dtype.kind in "biuf" else []
    if dataclasses.is_dataclass(result):
        return arrays([getattr(result, f.name) for f in dataclasses.fields(result)])
    if isinstance(result, list | tuple):
        return [a for part in result for a in arrays(part)]
    return []
