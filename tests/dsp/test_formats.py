"""Formats: what is written reads back, real files open as their own library sees them, bad ones say why."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsp
from dsp import ECG, Annotations, leads
from dsp.formats import counts, marks

SUFFIXES = ["", ".mat", ".csv", ".npz", ".edf", ".dcm"]
EXAMPLE = "waveform_ecg.dcm"


def same_marks(a: Annotations, b: Annotations) -> bool:
    arrays = all(
        np.array_equal(getattr(a, field), getattr(b, field))
        for field in ("samples", "subtypes", "channels", "numbers")
    )
    return arrays and (a.symbols, a.notes) == (b.symbols, b.notes)


def assert_same(a: ECG, b: ECG) -> None:
    assert (b.leads, b.fs) == (a.leads, a.fs)
    np.testing.assert_array_equal(b.signal, a.signal)
    kept = {name: found for name, found in a.annotations.items() if len(found)}
    assert set(kept) == {name for name, found in b.annotations.items() if len(found)}
    for name, found in kept.items():
        assert same_marks(found, b.annotations[name]), name


def whole_counts(bits: int) -> st.SearchStrategy[np.ndarray]:
    top = 2 ** (bits - 1) - 1
    shape = st.tuples(st.integers(1, 3), st.integers(64, 150))
    return hnp.arrays(np.int32, shape, elements=st.integers(-top, top))


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60).map(str.strip)


@st.composite
def annotations(draw: st.DrawFn, n_samples: int) -> Annotations:
    samples = sorted(draw(st.lists(st.integers(0, n_samples - 1), max_size=12)))
    n = len(samples)
    few = st.lists(st.integers(-128, 127), min_size=n, max_size=n)
    symbols = st.sampled_from([*marks.CODES, "mine", "#47"])
    return Annotations(
        np.array(samples, np.int64),
        tuple(draw(symbols) for _ in samples),
        tuple(draw(text) for _ in samples),
        np.array(draw(few)),
        np.abs(np.array(draw(few), np.int64)),
        np.array(draw(few)),
    )


def recording(digital: np.ndarray, gain: float, baseline: int, gaps: int, **more) -> ECG:
    x = counts.to_millivolt(digital, gain, baseline)
    x[0, 3 : 3 + gaps] = np.nan
    names = leads.TWELVE[: len(x)]
    meta = {"gain": dict.fromkeys(names, gain), "baseline": dict.fromkeys(names, baseline)}
    return ECG(x, 500, names, meta=meta, **more)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(drawn=st.data())
def test_whole_counts_come_back_bit_for_bit(suffix, drawn, tmp_path_factory):
    digital = drawn.draw(whole_counts(16))
    # Gains at which 16 bits stay within the 50 mV that an ECG may span.
    gain = drawn.draw(st.one_of(st.sampled_from([2000.0, 4880.0]), st.floats(1400, 40_000)))
    baseline, gaps = drawn.draw(st.integers(-200_000, 200_000)), drawn.draw(st.integers(0, 20))
    found = drawn.draw(annotations(digital.shape[1]))
    ecg = recording(digital, gain, baseline, gaps, annotations={"atr": found} if len(found) else {})
    path = tmp_path_factory.mktemp("whole") / f"record{suffix}"
    dsp.write(ecg, path)
    assert_same(ecg, dsp.read(path))


@given(digital=whole_counts(12), gain=st.sampled_from([100.0, 200.0, 333.3]))
def test_twelve_bits_come_back_bit_for_bit(digital, gain, tmp_path_factory):
    path = tmp_path_factory.mktemp("twelve") / "record"
    ecg = recording(digital, gain, 0, gaps=2)
    dsp.write(ecg, path, fmt="212")
    assert_same(ecg, dsp.read(path))
    assert path.with_suffix(".dat").stat().st_size == -(-digital.size // 2) * 3


@pytest.mark.parametrize(("suffix", "bits"), [("", 16), ("", 12), (".edf", 16), (".dcm", 16)])
@given(
    x=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(64, 99)),
        elements=st.floats(-20, 20, width=32),
    )
)
def test_any_signal_comes_back_within_one_step(suffix, bits, x, tmp_path_factory):
    ecg = ECG(x, 250, leads.TWELVE[: len(x)])
    path = tmp_path_factory.mktemp("any") / f"record{suffix}"
    dsp.write(ecg, path, fmt="212" if bits == 12 else None)
    back = dsp.read(path)
    for lead in ecg.leads:
        step = max(float(np.ptp(ecg[lead])) / (2**bits - 6) * 1.001, 1e-6)
        rounding = 4e-6  # float32 at 20 mV, twice
        assert np.abs(back[lead] - ecg[lead]).max() < step + rounding


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_floats_come_back_bit_for_bit(suffix, tmp_path):
    x = np.random.default_rng(0).normal(size=(12, 700)).astype(np.float32)
    ecg = ECG(x, 1000 / 3, leads.TWELVE, meta={"age": 63, "sex": "F", "dx": ["AF"]})
    dsp.write(ecg, tmp_path / f"a{suffix}")
    back = dsp.read(tmp_path / f"a{suffix}")
    assert_same(ecg, back)
    assert dict(back.meta) == dict(ecg.meta)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_lead_that_is_all_gap_and_a_crowd_of_marks_survive(suffix, tmp_path):
    x = np.zeros((2, 1201), np.float32)
    x[1] = np.nan
    many = Annotations(np.repeat(np.arange(600), 2), "N" * 1200, numbers=np.arange(1200) % 100)
    ecg = ECG(x, 200, ("V1", "MLII"), annotations={"atr": many, "qrs": many.select([])})
    path = tmp_path / f"r{suffix}"
    dsp.write(ecg, path)
    back = dsp.read(path)
    np.testing.assert_array_equal(back.signal, ecg.signal)
    assert same_marks(back.annotations["atr"], many)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_parts_are_parts_of_the_whole(suffix, tmp_path):
    x = np.random.default_rng(1).integers(-900, 900, (2, 3001)) / 1000
    found = Annotations([100, 1500, 3000], ["N", "V", "+"], ("", "", "(AFIB"))
    whole = ECG(x, 250, ("I", "V2"), annotations={"atr": found})
    path = tmp_path / f"r{suffix}"
    dsp.write(whole, path)
    assert_same(whole.crop(4, 10), dsp.read(path, start=4, stop=10))
    assert_same(
        whole.select("V2").crop(11, 12.004), dsp.read(path, leads=["V2"], start=11, stop=99)
    )
    with pytest.raises(dsp.LengthError, match="start"):
        dsp.read(path, start=13)


def test_long_records_are_decoded_in_pieces_with_the_same_result(tmp_path, monkeypatch):
    x = np.random.default_rng(2).integers(-900, 900, (3, 5003)) / 200
    path = tmp_path / "r"
    dsp.write(ECG(x, 250, ("I", "II", "V1")), path, fmt="212")
    whole = dsp.read(path)
    monkeypatch.setattr("dsp.formats.physionet._PIECE", 1000)
    assert_same(whole, dsp.read(path))


def test_the_wfdb_library_reads_what_is_written(tmp_path):
    import wfdb

    digital = np.random.default_rng(3).integers(-2000, 2000, (2, 777))
    found = Annotations(
        [5, 2000, 90_000], "NV+", ("", "", "(AFIB"), [0, 1, 0], [0, 1, 1], [0, 0, 5]
    )
    meta = {"age": 63, "sex": "F", "dx": ["426783006"], "start": "2020-05-15T15:35:30"}
    ecg = ECG(digital / 1000, 360, ("MLII", "V5"), annotations={"atr": found}, meta=meta)
    for name, fmt in (("a16", "16"), ("a212", "212"), ("am.mat", "16")):
        dsp.write(ecg, tmp_path / name, fmt=fmt)
        home = str(tmp_path / name.removesuffix(".mat"))
        record, read = wfdb.rdrecord(home, physical=False), wfdb.rdann(home, "atr")
        np.testing.assert_array_equal(record.d_signal.T, digital)
        assert (record.fs, record.sig_name, record.adc_gain) == (360, ["MLII", "V5"], [1000, 1000])
        assert str(record.base_datetime) == "2020-05-15 15:35:30"
        assert all(
            (a - b) % 65536 == 0
            for a, b in zip(record.checksum, record.calc_checksum(), strict=True)
        )
        assert record.comments == ["Age: 63", "Sex: F", "Dx: 426783006"]
        assert (read.sample.tolist(), read.symbol) == ([5, 2000, 90_000], ["N", "V", "+"])
        assert (read.aux_note, read.num.tolist()) == (["", "", "(AFIB"], [0, 0, 5])
        back = dsp.read(home)
        assert {key: back.meta[key] for key in meta} == meta
    assert dsp.read(tmp_path / "am.mat").leads == ("MLII", "V5")


def test_formats_of_the_wfdb_library_are_read(tmp_path):
    import wfdb

    digital = np.random.default_rng(4).integers(-100, 100, (400, 2))
    for fmt in ("16", "24", "32", "80", "212", "508", "516", "524"):
        wfdb.wrsamp(f"f{fmt}", 250, ["uV", "mV"], ["I", "II"], d_signal=digital, fmt=[fmt] * 2,
                    adc_gain=[1.0, 500.0], baseline=[-7, 0], write_dir=str(tmp_path))  # fmt: skip
        back = dsp.read(tmp_path / f"f{fmt}")
        expected = np.stack([(digital[:, 0] + 7) / 1000, digital[:, 1] / 500])
        np.testing.assert_array_equal(back.signal, expected.astype(np.float32))


def test_segments_join_by_lead_with_gaps_between(tmp_path):
    a = ECG(np.full((2, 100), 0.5), 250, ("I", "II"))
    b = ECG(np.full((1, 60), -0.25), 250, ("II",))
    dsp.write(a, tmp_path / "m_1")
    dsp.write(b, tmp_path / "m_2")
    (tmp_path / "m.hea").write_text("m/3 2 250 170\nm_1 100\n~ 10\nm_2 60\n")
    ecg = dsp.read(tmp_path / "m")
    assert (ecg.leads, ecg.n_samples) == (("I", "II"), 170)
    np.testing.assert_array_equal(ecg["II"][:100], 0.5)
    np.testing.assert_array_equal(ecg["II"][110:], -0.25)
    assert np.isnan(ecg["II"][100:110]).all()
    assert np.isnan(ecg["I"][100:]).all()
    assert_same(ecg.crop(0.3, 0.5), dsp.read(tmp_path / "m", start=0.3, stop=0.5))


def test_annotators_are_told_by_the_header_or_asked_for(tmp_path):
    found = {"atr": Annotations([1], "N"), "q1c": Annotations([2], "p")}
    dsp.write(ECG(np.zeros(900), 250, ["I"], annotations=found), tmp_path / "r")
    assert set(dsp.read(tmp_path / "r").annotations) == {"atr", "q1c"}
    assert set(dsp.read(tmp_path / "r", annotators=["q1c"]).annotations) == {"q1c"}
    assert set(dsp.read(tmp_path / "r", annotators="q1c").annotations) == {"q1c"}
    with pytest.raises(dsp.ReadError, match=r"r\.qrs"):
        dsp.read(tmp_path / "r", annotators=["qrs"])
    with pytest.raises(dsp.ReadError, match="no annotator"):
        dsp.read(tmp_path / "r", annotators=["../x"])


def test_a_record_does_not_hide_its_namesakes(tmp_path):
    for value, name in ((0.1, "a"), (0.2, "a.csv"), (0.3, "a.npz")):
        dsp.write(ECG(np.full(500, value), 500, ["I"]), tmp_path / name)
    values = {
        name: float(dsp.read(tmp_path / name)["I"][0]) for name in ("a", "a.dat", "a.csv", "a.npz")
    }
    assert values == pytest.approx({"a": 0.1, "a.dat": 0.1, "a.csv": 0.2, "a.npz": 0.3})


def test_annotations_on_another_clock_move_to_this_one():
    note = b"## time resolution: 500"
    data = (22 << 10).to_bytes(2, "little") + (63 << 10 | len(note)).to_bytes(2, "little")
    data += note + b"\0" + (1 << 10 | 100).to_bytes(2, "little") + b"\0\0"
    assert marks.decode(data, 250.0, "x.atr").samples.tolist() == [50]


def test_tables_are_read_in_all_their_dress(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time;I;II\n0.000;0.1;1\n0.004;;2\n0.008;0.3;3\n")
    ecg = dsp.read(path, unit="mV")
    assert (ecg.fs, ecg.leads) == (250.0, ("I", "II"))
    np.testing.assert_array_equal(ecg["I"], np.array([0.1, np.nan, 0.3], np.float32))
    path.write_text("\ufeffTime (ms),MDC_ECG_LEAD_AVF,note\r\n0,100,7\r\n2,200,7\r\n4,300,7\r\n")
    ecg = dsp.read(path, unit="uV", rename={"note": None})
    assert (ecg.fs, ecg.leads, float(ecg["aVF"][0])) == (500.0, ("aVF",), np.float32(0.1))
    path.write_text("1 2\n3 4\n5 6\n")
    assert dsp.read(path, fs=100, unit="mV", leads=("V1", "V2"))["V2"].tolist() == [2, 4, 6]
    path.write_text("# made by hand, fs=100 unit=uV\nV1\n1000\n2000\n")
    assert dsp.read(path)["V1"].tolist() == [1, 2]


def test_bare_arrays_need_to_be_told_what_they_are(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 300), np.int16))
    for missing in ("fs", "unit", "leads"):
        known = {"fs": 250, "unit": "uV", "leads": ("I", "II")}
        del known[missing]
        with pytest.raises(dsp.ReadError, match=f"{missing}="):
            dsp.read(tmp_path / "a.npy", **known)
    ecg = dsp.read(tmp_path / "a.npy", fs=250, unit="uV", leads=("I", "II"))
    assert float(ecg["II"][7]) == np.float32(0.001)


def test_what_the_caller_says_must_agree_with_the_file(tmp_path):
    dsp.write(ECG(np.zeros((2, 300)), 250, ("MLII", "V5")), tmp_path / "r")
    assert dsp.read(tmp_path / "r", fs=250, unit="mV").fs == 250
    with pytest.raises(dsp.RateError, match="says 250"):
        dsp.read(tmp_path / "r", fs=360)
    for wrong in ("x", -1, float("nan")):
        with pytest.raises(dsp.RateError):
            dsp.read(tmp_path / "r", fs=wrong)
        with pytest.raises(dsp.LengthError, match="start"):
            dsp.read(tmp_path / "r", start=wrong)
    with pytest.raises(dsp.UnitError, match="leave unit out"):
        dsp.read(tmp_path / "r.hea", unit="uV")
    with pytest.raises(dsp.LeadError, match="no channel 'x'"):
        dsp.read(tmp_path / "r", rename={"x": "II"})
    with pytest.raises(dsp.LeadError, match="no lead V1"):
        dsp.read(tmp_path / "r", leads=["V1"])
    ecg = dsp.read(tmp_path / "r.dat", rename={"MLII": "II", "V5": None})
    assert ecg.leads == ("II",)


def test_the_example_of_pydicom_is_read_as_pydicom_does():
    pydicom = pytest.importorskip("pydicom")
    from pydicom.data import get_testdata_file

    path = get_testdata_file(EXAMPLE, download=False)
    if path is None:
        pytest.skip(f"this pydicom carries no {EXAMPLE}")
    ecg = dsp.read(path)
    expected = pydicom.dcmread(path).waveform_array(0).T / 1000
    assert (ecg.leads, ecg.fs, ecg.n_samples) == (leads.TWELVE, 1000, 10_000)
    np.testing.assert_allclose(ecg.signal, expected, atol=1e-6)  # float32 at 2 mV
    assert (
        np.abs(leads.residual(ecg.signal)).max() < 0.004
    )  # steps of 1.25 uV, filtered by the cart
    marked = dict(
        zip(ecg.annotations["dicom"].notes, ecg.annotations["dicom"].samples, strict=True)
    )
    assert {"P Onset", "QRS Onset", "T Offset"} <= set(marked)
    assert (ecg.meta["age"], ecg.meta["sex"]) == (42, "F")


def foreign_edf(path: Path) -> None:
    """A polysomnogram's habit: other units, other channels at other rates, texts of its own."""
    pyedflib = pytest.importorskip("pyedflib")
    signals = [
        ("ECG II", "mV", 500.0, 5.0),
        ("EEG Fpz-Cz", "uV", 100.0, 500.0),
        ("ECG V1", "uV", 500.0, 5000.0),
    ]
    with pyedflib.EdfWriter(str(path), 3) as file:
        file.setSignalHeaders(
            [
                {"label": label, "dimension": unit, "sample_frequency": rate, "physical_min": -top,
                 "physical_max": top, "digital_min": -2000, "digital_max": 2000, "transducer": "",
                 "prefilter": ""}
                for label, unit, rate, top in signals
            ]
        )  # fmt: skip
        file.writeSamples([np.full(round(rate) * 3, top / 5) for _, _, rate, top in signals])
        file.writeAnnotation(1.5, -1, "Lights off")


def test_edf_of_other_makers_is_read_in_its_units_and_words(tmp_path):
    foreign_edf(tmp_path / "psg.edf")
    with pytest.raises(dsp.LeadError, match=r"psg\.edf.*Fpz"):
        dsp.read(tmp_path / "psg.edf")
    for wish in ({"leads": ["II", "V1"]}, {"rename": {"EEG Fpz-Cz": None}}):
        ecg = dsp.read(tmp_path / "psg.edf", **wish)
        assert (ecg.leads, ecg.fs, ecg.n_samples) == (("II", "V1"), 500, 1500)
        np.testing.assert_allclose(ecg.signal, 1.0, atol=0.0025)  # a step of 10 mV in 4000
        marks = ecg.annotations["edf"]
        assert (marks.samples.tolist(), marks.notes) == ([750], ("Lights off",))
    with pytest.raises(dsp.ReadError, match="different sampling rates"):
        dsp.read(tmp_path / "psg.edf", rename={"EEG Fpz-Cz": "V2"})


def test_clinical_files_are_read_through_ecgdatakit(tmp_path):
    kit = pytest.importorskip("ecgdatakit")
    from dsp.formats import clinical
    from dsp.formats.request import Request

    dsp.write(ECG(np.arange(500) / 1000, 500, ["I"]), tmp_path / "a.edf")
    ecg = clinical.read(Request(tmp_path / "a.edf"))
    reference = kit.FileParser.parse(tmp_path / "a.edf").leads[0].samples
    np.testing.assert_allclose(ecg["I"], reference, atol=1e-6)


def test_a_missing_extra_says_how_to_get_it(tmp_path, monkeypatch):
    ecg = ECG(np.zeros(500), 500, ["I"])
    dsp.write(ecg, tmp_path / "a.edf")
    monkeypatch.setitem(sys.modules, "pyedflib", None)
    with pytest.raises(dsp.ReadError, match=r"pip install 'einthoven\[formats\]'"):
        dsp.read(tmp_path / "a.edf")
    with pytest.raises(dsp.WriteError, match=r"pip install 'einthoven\[formats\]'"):
        dsp.write(ecg, tmp_path / "b.edf")
    assert not (tmp_path / "b.edf").exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_writing_replaces_whole_files_and_leaves_nothing_else(suffix, tmp_path):
    for value in (0.1, 0.2):
        dsp.write(ECG(np.full(500, value), 500, ["I"]), tmp_path / f"r{suffix}")
        assert dsp.read(tmp_path / f"r{suffix}")["I"][0] == np.float32(value)
    assert all(entry.name.startswith("r") for entry in tmp_path.iterdir())


REAL = {
    "ludb/data": ("v2",),
    "mitdb": ("atr",),
    "qtdb": ("q1c", "pu0"),
    "cpsc2021": ("atr",),
    "ptbdb": (),
    "ptbxl": (),
    "cinc2020-2021/ptb": (),
    "cinc2020-2021/georgia": (),
    "cinc2020-2021/cpsc2018": (),
    "cinc2020-2021/chapman-shaoxing-ningbo": (),
}


def agrees_with_wfdb(path: Path, annotators: tuple[str, ...]) -> None:
    import wfdb

    ecg = dsp.read(path, annotators=annotators)
    reference = wfdb.rdrecord(str(path))
    np.testing.assert_allclose(ecg.signal, reference.p_signal.T, rtol=1e-6, atol=1e-6)
    assert ecg.fs == reference.fs
    for name in annotators:
        expected, found = wfdb.rdann(str(path), name), ecg.annotations[name]
        assert found.samples.tolist() == expected.sample.tolist()
        assert list(found.symbols) == expected.symbol
        assert list(found.notes) == [note.rstrip("\0") for note in expected.aux_note]
        for ours, theirs in (("subtypes", "subtype"), ("channels", "chan"), ("numbers", "num")):
            np.testing.assert_array_equal(getattr(found, ours), getattr(expected, theirs))


@pytest.mark.data
@pytest.mark.parametrize("folder", REAL)
def test_real_records_read_as_the_wfdb_library_reads_them(folder, data):
    path = min((data / folder).glob("*.hea")).with_suffix("")
    agrees_with_wfdb(path, REAL[folder])


@pytest.mark.data
@pytest.mark.slow
def test_every_real_record_opens_with_every_annotation_and_its_checksums(data):
    opened = 0
    for header in sorted(data.rglob("*.hea")):
        beside = {p.suffix[1:] for p in header.parent.glob(f"{header.stem}.*")}
        annotators = beside - {"hea", "dat", "mat", "xyz", "at-"}
        ecg = dsp.read(header.with_suffix(""), annotators=sorted(annotators))
        assert set(ecg.annotations) == annotators
        opened += 1
    assert opened >= 414


@pytest.mark.data
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("folder", ["mitdb", "ludb/data", "cpsc2021", "qtdb"])
def test_real_records_survive_every_format(folder, suffix, data, tmp_path):
    path = max((data / folder).glob("*.hea")).with_suffix("")
    ecg = dsp.read(path, annotators=REAL[folder], stop=60)
    dsp.write(ecg, tmp_path / f"r{suffix}")
    assert_same(ecg, dsp.read(tmp_path / f"r{suffix}"))


@pytest.mark.data
def test_headers_of_the_challenge_give_age_sex_and_diagnoses(data):
    ecg = dsp.read(data / "cinc2020-2021" / "ptb-xl" / "HR00001.mat")
    assert (ecg.meta["age"], ecg.meta["sex"]) == (56, "F")
    assert ecg.meta["dx"] == ["251146004", "426783006"]
    assert ecg.meta["start"] == "2020-06-04T15:11:55"


@pytest.mark.parametrize("suffix", ["", ".mat", ".edf", ".dcm", ".csv", ".npz"])
def test_what_a_model_made_stays_marked_in_a_file(tmp_path, suffix):
    sources = {"I": "measured", "III": "derived", "V3": "inferred"}
    x = np.sin(np.arange(3000) / 30) * np.ones((3, 1))
    dsp.write(
        dsp.ECG(x, 500, tuple(sources), meta={"lead_sources": sources}), tmp_path / f"made{suffix}"
    )
    assert dsp.read(tmp_path / f"made{suffix}").meta["lead_sources"] == sources
