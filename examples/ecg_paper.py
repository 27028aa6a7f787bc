"""Draw a recording, or a made-up patient, in every layout of ECG paper."""

import argparse
import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import dsp
import recon
from dsp import leads, vcg

# Time after the R peak (s), width (s), heart vector (mV; to the left, down, to the back).
WAVES = (
    (-0.165, 0.021, (0.05, 0.10, -0.03)),
    (-0.022, 0.008, (-0.10, -0.06, -0.24)),
    (0.000, 0.010, (1.05, 0.85, 0.05)),
    (0.022, 0.011, (0.05, -0.22, 0.60)),
    (0.230, 0.055, (0.16, 0.12, -0.10)),
    (0.275, 0.035, (0.16, 0.12, -0.12)),
)


def made_up(fs: float = 500.0) -> dsp.ECG:
    """Ten seconds of twelve leads from one heart vector, about 68 beats a minute, a little noise."""
    rng = np.random.default_rng(1)
    t, vector = np.arange(round(10 * fs)) / fs, np.zeros((3, round(10 * fs)))
    for beat in np.cumsum(rng.normal(0.88, 0.03, 13)) - 0.4:
        for at, width, height in WAVES:
            vector += np.outer(height, np.exp(-0.5 * ((t - beat - at) / width) ** 2))
    x = leads.twelve(vcg.eight_from_frank(vector) + 0.008 * rng.normal(size=(8, t.size)))
    about = {"age": 57, "sex": "F", "filter": dsp.filters.CLEAN_BAND, "label": "true lead"}
    return dsp.ECG(dsp.clean(x, fs), fs, leads.TWELVE, meta=about)


def save(figure: Figure, path: Path) -> None:
    """Four pixels a millimetre and 256 colours: a small file of a large page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=4 * 25.4)
    Image.open(buffer).convert("RGB").quantize(256, dither=0).save(path, optimize=True)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument(
    "record", nargs="?", help="any file that dsp.read knows; else a made-up patient"
)
parser.add_argument(
    "--out", type=Path, default=Path("docs/pictures"), help="folder for the pictures"
)
given = parser.parse_args()
ecg = dsp.read(given.record) if given.record else made_up()
given.out.mkdir(parents=True, exist_ok=True)
for layout in dsp.paper.LAYOUTS:
    save(ecg.plot(layout=layout), given.out / f"paper_{layout.replace('+', '_')}.png")
guess = recon.Reconstructor.from_pretrained().predict(ecg.select("I", "II", "V2"))
save(guess.plot(overlay=ecg), given.out / "paper_sources.png")
