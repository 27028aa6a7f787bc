"""Clinical carts' own files (SCP-ECG, HL7 aECG, MUSE, Philips, ISHNE, MFER, ...), through ecgdatakit."""

import warnings
from pathlib import Path

import numpy as np

from dsp.errors import ReadError
from dsp.formats.extras import needed
from dsp.formats.request import Request
from dsp.record import ECG


def recognises(_path: Path, _head: bytes) -> bool:
    """Whatever no other format claims; ecgdatakit looks at the content itself."""
    return True


def read(request: Request) -> ECG:
    """The rhythm leads of the file; its own measurements are not taken over.

    Raises
    ------
    ReadError
        If ecgdatakit is not installed, does not know the file, or finds it damaged.
    """
    path = request.path
    try:
        kit, errors = needed("ecgdatakit", path), needed("ecgdatakit.exceptions", path)
    except ReadError as error:
        raise ReadError(
            f"{path.name} is of no format built in. If it is a cart's own: {error}"
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            record = kit.FileParser.parse(path)
        except errors.UnsupportedFormatError:
            raise ReadError(
                f"{path.name} is of no known format: WFDB, CSV, NPZ, NPY, MAT, EDF, DICOM, or a "
                "clinical format that ecgdatakit reads."
            ) from None
        except (errors.ECGDataKitError, ValueError, ImportError) as error:
            raise ReadError(f"{path.name} cannot be read: {error}.") from None
    if not record.leads or any(lead.is_raw for lead in record.leads):
        raise ReadError(f"{path.name} holds no leads, or leads without a scale to mV.")
    names = [lead.label for lead in record.leads]
    rows = request.rows(names, len(names))
    kept = [record.leads[row] for row in rows.values()]
    rates = {float(lead.sampling_rate) for lead in kept}
    if len(rates) != 1 or len({len(lead.samples) for lead in kept}) != 1:
        raise ReadError(
            f"{path.name}: the leads differ in length or sampling rate ({sorted(rates)})."
        )
    factor = request.to_millivolt(kept[0].units)
    fs = request.rate(rates.pop())
    n_samples = len(kept[0].samples)
    first, last = request.span(fs, n_samples)
    x = np.stack([lead.samples[first:last] for lead in kept]) * factor
    meta = {"format": record.file_format.name}
    return request.record(x, fs, rows, request.marks({}, first, last, n_samples), meta)
