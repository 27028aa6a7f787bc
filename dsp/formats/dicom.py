"""DICOM waveforms, through pydicom: the first group of channels, and its timed annotations."""

import datetime
import io
import re
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np

from dsp import leads, storage
from dsp.errors import ReadError, WriteError
from dsp.formats import clock, counts, notes
from dsp.formats.extras import needed
from dsp.formats.request import Request
from dsp.record import ECG

SUFFIXES: Final = (".dcm",)
_NUMBERS: Final = dict(zip(leads.TWELVE, (1, 2, 61, 62, 63, 64, *range(3, 9)), strict=True))
"""Lead numbers of SCP-ECG (EN 1064): n in its code ``5.6.3-9-n``, and in MDC's ``2:n``."""
_LEADS: Final = {number: lead for lead, number in _NUMBERS.items()}
_CODE: Final = re.compile(r"(?:5\.6\.3-9-|2:)(\d{1,3})")
_STAMP: Final = "einthoven"
_TWELVE_LEAD = "1.2.840.10008.5.1.4.1.1.9.1.1"
_GENERAL = "1.2.840.10008.5.1.4.1.1.9.1.2"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_MOST_BYTES = 500_000_000
_DAMAGE = (ValueError, TypeError, AttributeError, KeyError, IndexError, NotImplementedError,
           OverflowError, EOFError, RuntimeError, ArithmeticError)  # fmt: skip


def recognises(_path: Path, head: bytes) -> bool:
    """Whether DICM stands after the 128 bytes of preamble."""
    return head[128:132] == b"DICM"


def read(request: Request) -> ECG:
    """The first multiplex group in mV, with the annotations that name samples.

    Raises
    ------
    ReadError
        If the file is damaged, or holds no waveform.
    """
    path = request.path
    pydicom = needed("pydicom", path)
    if path.stat().st_size > _MOST_BYTES:
        raise ReadError(f"{path.name} is over 500 MB; a DICOM ECG is far smaller.")
    content = path.read_bytes()
    if _DEFLATED in content[:4096]:
        raise ReadError(f"{path.name} is deflated, which DICOM ECGs are not; it is refused.")
    try:
        with warnings.catch_warnings(), pydicom.config.disable_value_validation():
            warnings.simplefilter("ignore")
            # From memory: a file would be asked for whatever length a damaged element claims.
            dataset = pydicom.dcmread(io.BytesIO(content))
            group = dataset.WaveformSequence[0]
            values = pydicom.waveforms.multiplex_array(dataset, 0, as_raw=True)
            channels = group.ChannelDefinitionSequence
            made = [str(c.get("ChannelDerivationDescription", "")) for c in channels]
            names, units, scales = zip(*map(_channel, channels), strict=True)
            stated = float(group.SamplingFrequency)
            own = str(dataset.get("Manufacturer", "")) == _STAMP
            lines = _lines(dataset)
            meta = _meta(dataset)
            padding = group.get("WaveformPaddingValue")
    except (*_DAMAGE, pydicom.errors.BytesLengthException) as error:
        raise ReadError(f"{path.name} is damaged, or holds no waveform: {error}.") from None
    if values.ndim != 2 or values.shape[1] != len(names):
        raise ReadError(f"{path.name}: {len(names)} channels named, {values.shape[1:]} stored.")
    gap = int.from_bytes(padding, "little", signed=True) if isinstance(padding, bytes) else padding
    rows = request.rows(names, len(names))
    fs = request.rate(stated)
    first, last = request.span(fs, len(values))
    x = np.empty((len(rows), last - first), np.float32)
    meta |= {"gain": {}, "baseline": {}} | notes.as_meta(
        {lead: made[row] for lead, row in rows.items()}
    )
    for k, (lead, row) in enumerate(rows.items()):
        gain, baseline = _calibration(request, names[row], units[row], scales[row])
        x[k] = counts.to_millivolt(values[first:last, row], gain, baseline, gap)
        meta["gain"][lead], meta["baseline"][lead] = gain, baseline
    marks = request.marks(notes.from_lines(lines, "dicom", own=own), first, last, len(values))
    return request.record(x, fs, rows, marks, meta)


def _channel(channel: Any) -> tuple[str, str | None, tuple[float, float]]:
    """Name, unit, and (unit per count, unit at 0) of one channel definition."""
    source = channel.ChannelSourceSequence[0]
    code = _CODE.fullmatch(str(source.get("CodeValue", "")))
    name = _LEADS.get(int(code[1])) if code else None
    if name is None:
        name = re.sub(r"\(.*?\)", "", str(source.get("CodeMeaning", ""))).strip()
    unit = None
    if "ChannelSensitivityUnitsSequence" in channel:
        unit = str(channel.ChannelSensitivityUnitsSequence[0].CodeValue)
    factor = float(channel.get("ChannelSensitivityCorrectionFactor") or 1)
    step = float(channel.get("ChannelSensitivity") or 1) * factor
    return name, unit, (step, float(channel.get("ChannelBaseline") or 0))


def _calibration(
    request: Request, name: str, unit: str | None, scale: tuple[float, float]
) -> tuple[float, float]:
    """Counts per mV and the count of 0 mV."""
    factor = request.to_millivolt(unit)
    if not np.isfinite(scale).all() or scale[0] == 0:
        raise ReadError(f"{request.path.name}: {name} has a sensitivity of {scale[0]:g} per count.")
    # Sixteen characters cannot hold every sensitivity; the gain it came from is the rounder number.
    gain = float(f"{1 / (scale[0] * factor):.12g}")
    baseline = -scale[1] * factor * gain
    return gain, round(baseline) if abs(baseline - round(baseline)) < 1e-6 else baseline


def _lines(dataset: Any) -> list[tuple[int, str]]:
    """(sample, text) of each annotation that names samples of the first group; they count from 1."""
    found = []
    for item in dataset.get("WaveformAnnotationSequence") or []:
        places = item.get("ReferencedSamplePositions")
        channels = item.get("ReferencedWaveformChannels") or [1]
        if places is None or int(channels[0]) != 1:
            continue
        text = str(item.get("UnformattedTextValue", ""))
        if not text and "ConceptNameCodeSequence" in item:
            text = str(item.ConceptNameCodeSequence[0].get("CodeMeaning", ""))
        samples = np.atleast_1d(np.asarray(places, np.int64)) - 1
        found += [(max(sample, 0), text) for sample in samples.tolist()]
    return sorted(found, key=lambda line: line[0])


def _meta(dataset: Any) -> dict[str, Any]:
    age = re.fullmatch(r"(\d{3})Y", str(dataset.get("PatientAge", "")))
    sex = str(dataset.get("PatientSex", ""))
    facts = {"age": int(age[1]) if age else None, "sex": sex if sex in ("F", "M") else None}
    known = {key: value for key, value in facts.items() if value is not None}
    return known | clock.read(str(dataset.get("AcquisitionDateTime", "")))


def write(ecg: ECG, path: Path) -> None:
    """A 12-lead ECG object (general ECG for other leads), 16 bits, uV, without patient data.

    Raises
    ------
    WriteError
        If an annotation or lead does not fit, or the place cannot be written.
    """
    pydicom = needed("pydicom", path, WriteError)
    rows = counts.of(ecg)
    sources = notes.sources(ecg.meta.get("lead_sources"))
    group = _dataset(
        MultiplexGroupTimeOffset="0",
        WaveformOriginality="DERIVED",
        NumberOfWaveformChannels=len(rows),
        NumberOfWaveformSamples=ecg.n_samples,
        SamplingFrequency=f"{ecg.fs:.16g}"[:16],
        MultiplexGroupLabel="RHYTHM",
        ChannelDefinitionSequence=[
            _definition(lead, row, sources.get(lead))
            for lead, row in zip(ecg.leads, rows, strict=True)
        ],
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
        WaveformPaddingValue=np.int16(rows[0].gap).tobytes(),
        WaveformData=np.stack([row.values for row in rows], axis=1).astype("<i2").tobytes(),
    )
    dataset = _object(ecg, pydicom)
    dataset.WaveformSequence = [group]
    dataset.WaveformAnnotationSequence = [
        _dataset(
            UnformattedTextValue=text,
            ReferencedWaveformChannels=[1, 0],
            TemporalRangeType="POINT",
            ReferencedSamplePositions=sample + 1,
        )
        for sample, text in notes.to_lines(ecg, "DICOM")
    ]
    try:
        with storage.publish(path) as draft, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset.save_as(draft, enforce_file_format=True)
    except (OSError, *_DAMAGE) as error:
        if isinstance(error, WriteError):
            raise
        raise WriteError(f"cannot write {path}: {error}.") from None


def _object(ecg: ECG, pydicom: Any) -> Any:
    """What every DICOM object must say before its content: class, instance, study, patient."""
    uid = pydicom.uid.generate_uid
    now = datetime.datetime.now(tz=datetime.UTC)
    kind = _TWELVE_LEAD if set(ecg.leads) == set(leads.TWELVE) else _GENERAL
    age, sex = ecg.meta.get("age"), ecg.meta.get("sex")
    dataset = _dataset(
        SOPClassUID=kind,
        SOPInstanceUID=uid(),
        StudyInstanceUID=uid(),
        SeriesInstanceUID=uid(),
        StudyDate=f"{now:%Y%m%d}",
        StudyTime=f"{now:%H%M%S}",
        ContentDate=f"{now:%Y%m%d}",
        ContentTime=f"{now:%H%M%S}",
        AcquisitionDateTime=f"{clock.of(ecg.meta) or now:%Y%m%d%H%M%S}",
        Modality="ECG",
        Manufacturer=_STAMP,
        PatientName="",
        PatientID="",
        PatientBirthDate="",
        PatientSex=sex if sex in ("F", "M") else "",
        AccessionNumber="",
        ReferringPhysicianName="",
        StudyID="",
        SeriesNumber=1,
        InstanceNumber=1,
        AcquisitionContextSequence=[],
    )
    if isinstance(age, int) and 0 <= age < 1000:
        dataset.PatientAge = f"{age:03d}Y"
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    return dataset


def _definition(lead: str, row: counts.Counts, source: str | None) -> Any:
    number = _NUMBERS.get(lead)
    code = ("5.6.3-9-" + str(number), "SCPECG", "1.3") if number else (lead, "99EINTHOVEN", "1")
    made = {"ChannelDerivationDescription": source} if source else {}
    return _dataset(
        **made,
        ChannelSourceSequence=[_coded(*code, f"Lead {lead}")],
        ChannelSensitivity=f"{1000 / row.gain:.14f}"[:16],
        ChannelSensitivityUnitsSequence=[_coded("uV", "UCUM", "1.4", "microvolt")],
        ChannelSensitivityCorrectionFactor="1",
        ChannelBaseline=f"{-1000 * row.baseline / row.gain:.10f}"[:16],
        ChannelSampleSkew="0",
        WaveformBitsStored=16,
    )


def _coded(value: str, scheme: str, version: str, meaning: str) -> Any:
    return _dataset(
        CodeValue=value,
        CodingSchemeDesignator=scheme,
        CodingSchemeVersion=version,
        CodeMeaning=meaning,
    )


def _dataset(**elements: Any) -> Any:
    import pydicom

    dataset = pydicom.Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset
