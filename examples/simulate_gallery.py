"""Every rhythm and every diagnosis of the simulator on ECG paper, as twelve pictures in this folder.

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
DIAGNOSES = {
    "chambers": "NORM LVH RVH WPW",
    "bundles": "CLBBB CRBBB LAFB LPFB",
    "anterior": "AMI ASMI ALMI LMI",
    "inferior": "IMI ILMI IPMI IPLMI",
    "stages": "PMI IMI-subacute IMI-old AMI-old",
    "ischaemia": "ISCAN ISCAL ISCLA ISCIN",
    "repolarisation": "HYPERK HYPOK LNGQT LOWT",
    "others": "PERI BRUG ERP IRBBB",
}
BEATS = {
    "sinus": "SR SBRAD STACH SARRH PAUSE",
    "atrial": "AFIB AFLT PAC SVTAC JUNC",
    "block": "1AVB WENCK 2AVB 3AVB",
    "ventricular": "PVC BIGU VTACH PACE",
}


def sheet(name: str, records: list[dsp.ECG], columns: int, layout: str) -> None:
    """Records on ECG paper below and beside each other, at four pixels a millimetre in 64 colours."""
    size = records[0].plot(layout=layout).get_size_inches()
    rows = len(records) // columns
    figure = Figure(figsize=(size[0] * columns, size[1] * rows))
    for k, ecg in enumerate(records):
        place = (k % columns / columns, 1 - (k // columns + 1) / rows, 1 / columns, 1 / rows)
        ecg.plot(layout=layout, paper=dsp.Paper(title=ecg.meta["name"]), ax=figure.add_axes(place))
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=4 * 25.4)
    Image.open(buffer).convert("RGB").quantize(64, dither=0).save(f"sim_{name}.png", optimize=True)


def simulated(title: str, **asked: object) -> dsp.ECG:
    record = ecgsynth.simulate(1, **PATIENT, **asked).record(0)
    return dataclasses.replace(record, meta=record.meta | {"name": title})


for name, codes in DIAGNOSES.items():
    records = []
    for code, _, stage in (text.partition("-") for text in codes.split()):
        knobs = {"severity": 0.7, "stage": stage or "acute", "sdnn": 0.015}
        title = f"{code}: {DISEASES[code].name} {stage}"
        records.append(simulated(title, diagnosis=code, heart_rate=72, duration=5, parameters=knobs))
    sheet(name, records, 2, "6x2")
for name, codes in BEATS.items():
    records = [simulated(f"{c}: {RHYTHMS[c].name}", rhythm=c).select("II", "V1") for c in codes.split()]
    sheet(name, records, 1, "stacked")
