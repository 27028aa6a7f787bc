"""Every rhythm and diagnosis of the simulator on ECG paper: twelve pictures in this folder.

python examples/simulate_gallery.py
"""

import dataclasses
import io

from matplotlib.figure import Figure
from PIL import Image

import dsp
import ecgsynth
from ecgsynth.diseases import DISEASES
from ecgsynth.rhythm import RHYTHMS

PATIENT = {"age": 52, "sex": "M", "seed": 96}  # the same in every picture
SHEETS = {
    "chambers": "NORM LVH RVH WPW",
    "bundles": "CLBBB CRBBB LAFB LPFB",
    "anterior": "AMI ASMI ALMI LMI",
    "inferior": "IMI ILMI IPMI IPLMI",
    "stages": "PMI IMI-subacute IMI-old AMI-old",
    "ischaemia": "ISCAN ISCAL ISCLA ISCIN",
    "repolarisation": "HYPERK HYPOK LNGQT LOWT",
    "others": "PERI BRUG ERP IRBBB",
    "sinus": "SR SBRAD STACH SARRH PAUSE",
    "atrial": "AFIB AFLT PAC SVTAC JUNC",
    "block": "1AVB WENCK 2AVB 3AVB",
    "ventricular": "PVC BIGU VTACH PACE",
}


def page(code: str, stage: str) -> dsp.ECG:
    """Five seconds of twelve leads of a diagnosis, or ten of II and V1 of a rhythm."""
    if code in RHYTHMS:
        name, leads = RHYTHMS[code].name, ("II", "V1")
        sim = ecgsynth.simulate(1, rhythm=code, **PATIENT)
    else:
        name, leads, knobs = DISEASES[code].name, dsp.leads.TWELVE, {"severity": 0.7, "sdnn": 0.015}
        knobs |= {"stage": stage or "acute", "heart_rate": 72}
        sim = ecgsynth.simulate(1, diagnosis=code, duration=5, parameters=knobs, **PATIENT)
    ecg = sim.record(0).select(*leads)
    return dataclasses.replace(ecg, meta=ecg.meta | {"name": f"{code}: {name} {stage}"})


for name, codes in SHEETS.items():
    pages = [page(*code.partition("-")[::2]) for code in codes.split()]
    layout, columns = ("6x2", 2) if len(pages[0].leads) == 12 else ("stacked", 1)
    width, height = pages[0].plot(layout=layout).get_size_inches()
    rows = len(pages) // columns
    figure = Figure(figsize=(width * columns, height * rows))
    for k, ecg in enumerate(pages):
        place = (k % columns / columns, 1 - (k // columns + 1) / rows, 1 / columns, 1 / rows)
        ecg.plot(layout=layout, ax=figure.add_axes(place))
    figure.savefig(buffer := io.BytesIO(), dpi=4 * 25.4)  # four pixels a millimetre
    Image.open(buffer).convert("RGB").quantize(64, dither=0).save(f"sim_{name}.png", optimize=True)
