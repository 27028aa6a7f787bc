"""Formats, the bad inputs: each is refused with an error that names the file and what is wrong."""

import os
from pathlib import Path

import numpy as np
import pytest

import dsp
from dsp import ECG, Annotations

BAD_WRITES = {
    "suffix": ("a.xyz", {}, "no suffix"),
    "blank in a record name": ("a b", {}, "cannot name a WFDB record"),
    "fmt of another format": ("a.csv", {"fmt": "16"}, "WFDB only"),
    "unknown fmt": ("a", {"fmt": "8"}, "cannot be written"),
    "212 in a mat": ("a.mat", {"fmt": "212"}, "cannot be written"),
    "a file in the way": ("file/a", {}, "cannot write"),
}


@pytest.mark.parametrize("case", BAD_WRITES)
def test_bad_writes_say_why(case, tmp_path):
    (tmp_path / "file").write_text("x")
    name, options, why = BAD_WRITES[case]
    with pytest.raises(dsp.WriteError, match=why):
        dsp.write(ECG(np.zeros(500), 500, ["I"]), tmp_path / name, **options)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_only_recordings_are_written(tmp_path):
    with pytest.raises(dsp.WriteError, match=r"takes a dsp\.ECG, not ndarray"):
        dsp.write(np.zeros((12, 500)), tmp_path / "a.npz")


BAD_MARKS = {
    "long note": (Annotations([1], "N", ("x" * 300,)), "300 bytes"),
    "wide subtype": (Annotations([1], "N", subtypes=[200]), "subtype"),
    "before the start": (Annotations([-1], "N"), "sample"),
    "nine symbols of one's own": (Annotations(range(9), [f"s{k}" for k in range(9)]), "at most 8"),
    "blank symbol": (Annotations([1], ["a b"]), "without blanks"),
}


@pytest.mark.parametrize("case", BAD_MARKS)
def test_marks_that_wfdb_cannot_hold_are_refused_before_anything_is_written(case, tmp_path):
    found, why = BAD_MARKS[case]
    with pytest.raises(dsp.WriteError, match=why):
        dsp.write(ECG(np.zeros(500), 500, ["I"], annotations={"atr": found}), tmp_path / "r")
    assert not list(tmp_path.iterdir())


HEADER = "r 2 250 300\nr.dat 16 200 16 0 0 0 0 I\nr.dat 16 200 16 0 0 0 0 II\n"


def with_header(old: str, new: str):
    def build(home: Path) -> Path:
        (home / "r.dat").write_bytes(bytes(1200))
        (home / "r.hea").write_bytes(HEADER.replace(old, new).encode("latin-1"))
        return home / "r"

    return build


def with_file(name: str, content: bytes):
    def build(home: Path) -> Path:
        (home / name).write_bytes(content)
        return home / name

    return build


def with_change(name: str, change):
    """A good recording, then one of its files spoilt."""

    def build(home: Path) -> Path:
        found = Annotations([5, 90], "NV", ("", "a note"))
        dsp.write(ECG(np.arange(600).reshape(2, 300) / 1000, 250, ("I", "II"),
                      annotations={"atr": found}), home / name)  # fmt: skip
        change(home)
        return home / name

    return build


def flip(home: Path) -> None:
    data = bytearray((home / "r.dat").read_bytes())
    data[101] ^= 4
    (home / "r.dat").write_bytes(data)


def cut(name: str, keep: float):
    return lambda home: os.truncate(home / name, int((home / name).stat().st_size * keep))


def with_npz(**arrays):
    def build(home: Path) -> Path:
        np.savez(home / "a.npz", **arrays)
        return home / "a.npz"

    return build


BAD_FILES = {
    "no such file": (lambda home: home / "nothing", dsp.ReadError, "does not exist"),
    "a folder": (lambda home: home, dsp.ReadError, "is a folder"),
    "empty": (with_file("a.csv", b""), dsp.ReadError, "is empty"),
    "empty header": (with_file("a.hea", b"\n"), dsp.ReadError, "is empty"),
    "binary garbage": (with_file("a.bin", bytes(range(256)) * 9), dsp.ReadError, "no known format"),
    "prose": (with_file("a.txt", b"Dear colleague\nthe ECG\n"), dsp.ReadError, "no known format"),
    "binary header": (with_file("a.hea", b"\0\1\2"), dsp.ReadError, "not a WFDB header"),
    "huge header": (with_file("a.hea", b"#" * 1_200_000), dsp.ReadError, "over 1 MB"),
    "truncated signals": (with_change("r", cut("r.dat", 0.9)), dsp.ReadError, "r.dat is truncated"),
    "flipped bit": (with_change("r", flip), dsp.ReadError, "r.dat: the checksum of I"),
    "no signal file": (
        with_change("r", lambda home: (home / "r.dat").unlink()), dsp.ReadError, "not beside it"),
    "truncated annotations": (with_change("r", cut("r.atr", 0.5)), dsp.ReadError, "r.atr"),
    "truncated npz": (with_change("r.npz", cut("r.npz", 0.7)), dsp.ReadError, "damaged NPZ"),
    "truncated edf": (with_change("r.edf", cut("r.edf", 0.7)), dsp.ReadError, "damaged EDF"),
    "truncated dcm": (with_change("r.dcm", cut("r.dcm", 0.7)), dsp.ReadError, "damaged"),
    "wrong checksum": (with_header("0 0 I\n", "7 0 I\n"), dsp.ReadError, "says 7"),
    "negative gain": (with_header("16 200", "16 -200"), dsp.ReadError, r"line 2, gain: '-200'"),
    "infinite gain": (with_header("16 200", "16 1e99"), dsp.ReadError, "line 2: gain"),
    "gain is no number": (with_header("16 200", "16 nan"), dsp.ReadError, "line 2, gain"),
    "pressure": (with_header("16 200 ", "16 200/mmHg "), dsp.UnitError, "not a voltage"),
    "a path upwards": (with_header("r.dat", "../r.dat"), dsp.ReadError, "line 2, file name"),
    "an absolute path": (with_header("r.dat", "/etc/passwd"), dsp.ReadError, "line 2, file name"),
    "an address": (with_header("r.dat", "s3://x"), dsp.ReadError, "line 2, file name"),
    "no signals": (with_header(HEADER, "r 0 250 300\n"), dsp.ReadError, "at least one"),
    "too few lines": (with_header("r 2", "r 3"), dsp.ReadError, "3 signals declared"),
    "a million signals": (with_header("r 2", "r 1000000"), dsp.ReadError, "number of signals"),
    "huge length": (with_header("300", "999999999999"), dsp.ReadError, "truncated"),
    "huge length of nothing": (
        with_header(HEADER, "r 1 250 99999999999\n~ 16 200 16 0 0 0 0 I\n"), dsp.ReadError, "claims"),
    "no length": (with_header("250 300", "250 0"), dsp.ReadError, "holds none"),
    "no rate": (with_header(" 250 300", ""), dsp.ReadError, "does not say its sampling rate"),
    "5 Hz": (with_header("250", "5"), dsp.RateError, "outside"),
    "unknown format": (with_header("16 200", "99 200"), dsp.ReadError, "line 2, format: 99"),
    "huge skew": (with_header("16 200", "16:9999 200"), dsp.ReadError, "skew"),
    "huge offset": (with_header("16 200", "16+9999 200"), dsp.ReadError, "truncated"),
    "foreign name": (with_header("0 II", "0 Resp"), dsp.LeadError, "rename"),
    "non-UTF-8 name": (with_header("0 II", "0 \xe4\xff"), dsp.LeadError, "rename"),
    "doubled name": (with_header("0 II", "0 I"), dsp.LeadError, "twice"),
    "a segment twice": (
        with_file("m.hea", b"m/2 2 250 20\nm_1 10\nm_1 10\n"), dsp.ReadError, "twice"),
    "segments that are missing": (
        with_file("m.hea", b"m/1 2 250 10\nm_1 10\n"), dsp.ReadError, "No such file"),
    "ragged table": (with_file("a.csv", b"I,II\n1,2\n3\n"), dsp.ReadError, "not a table"),
    "words in a table": (with_file("a.csv", b"I,II\n1,2\n3,x\n"), dsp.ReadError, "not a table"),
    "uneven times": (with_file("a.csv", b"t,I\n0,1\n1,2\n5,2\n"), dsp.ReadError, "evenly spaced"),
    "no unit": (with_file("a.csv", b"t,I\n0,1\n.004,2\n"), dsp.ReadError, "does not say its unit"),
    "pickled": (with_file("a.npy", b"\x93NUMPY\x01\x00F\x00{'descr': '|O', 'fortran_order': False, "
                b"'shape': (1,)}            \n"), dsp.ReadError, "no plain array"),
    "npz of something else": (with_npz(x=np.ones(9)), dsp.ReadError, "no array 'signal'; it holds x"),
    "npz without a rate": (with_npz(signal=np.ones((1, 9)), leads=["I"]), dsp.ReadError, "rate"),
    "npz of words": (with_npz(signal=np.array(["a"])), dsp.ReadError, "not leads by time"),
    "npz with a name too many": (
        with_npz(signal=np.ones((1, 9)), leads=["I", "II"]), dsp.ReadError, "2 names for 1 leads"),
    "npz with foreign notes": (
        with_npz(signal=np.ones((1, 9)), leads=["I"], notes="[]"), dsp.ReadError, "damaged"),
    "leads in columns": (with_npz(signal=np.ones((500, 12)), fs=500, unit="mV",
                         leads=[f"c{k}" for k in range(500)]), dsp.LeadError, "a.npz"),
    "MAT 7.3": (with_file("a.mat", b"MATLAB 7.3 MAT-file" + bytes(200)), dsp.ReadError, "-v7"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_say_what_is_wrong_and_where(case, tmp_path):
    build, error, why = BAD_FILES[case]
    path = build(tmp_path)
    with pytest.raises(error, match=why) as caught:
        dsp.read(path)
    assert path.stem in str(caught.value) or "m_1" in str(caught.value)


def test_a_record_wider_than_any_ecg_is_told_to_be_counts(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3000).reshape(1, -1))
    with pytest.raises(dsp.UnitError, match=r"a\.npy"):
        dsp.read(tmp_path / "a.npy", fs=250, unit="mV", leads=["I"])
