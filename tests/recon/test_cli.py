"""The command: what each verb answers, writes, and how it fails."""

import json

import numpy as np
import pytest
from strategies import ecg, patient
from typer.testing import CliRunner

import dsp
from dsp import leads
from recon.cli import app


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


def answer(*arguments):
    return json.loads(run(*arguments, "--json").stdout)


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "twelve.npz"
    dsp.write(ecg(), path)
    return path


def test_info(record):
    found = answer("info", record)
    assert found["duration_s"] == 10.0
    assert found["fs_hz"] == 500.0
    assert [row["lead"] for row in found["leads"]] == list(leads.TWELVE)
    assert "aVR" in run("info", record).stdout


def test_plot(record, tmp_path):
    for suffix in ("png", "pdf", "svg"):
        out = tmp_path / f"page.{suffix}"
        assert answer("plot", record, out)["picture"] == str(out)
        assert out.stat().st_size > 5000
    run("plot", record, tmp_path / "part.png", "--start", 2, "--seconds", 4, "--leads", "II,V5")
    run("plot", record, tmp_path / "page.xyz", code=2)


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".edf", ""])
def test_convert(record, tmp_path, suffix):
    out = tmp_path / f"copy{suffix}"
    found = answer("convert", record, out, "--leads", "I,V6", "--fs", 250)
    assert found["leads"] == ["I", "V6"]
    again = dsp.read(out)
    assert again.fs == 250
    assert again.leads == ("I", "V6")
    expected = ecg().select("I", "V6").resample(250).signal
    assert np.abs(again.signal - expected).max() < 1e-3  # under one step of 1 µV


def test_reconstruct(record, tmp_path):
    out, picture = tmp_path / "out.csv", tmp_path / "out.png"
    found = answer("reconstruct", record, "--leads", "I,II", "--out", out, "--plot", picture)
    sources = {row["lead"]: row["source"] for row in found["leads"]}
    assert sources["I"] == "measured"
    assert sources["aVF"] == "derived"
    assert sources["V3"] == "inferred"
    assert {row["lead"]: row["r"] for row in found["leads"]}["aVF"] > 0.999
    made = dsp.read(out)
    assert made.leads == leads.TWELVE
    np.testing.assert_allclose(made["I"], ecg()["I"], atol=1e-4)
    assert picture.stat().st_size > 10_000
    text = run("reconstruct", record, "--leads", "I").stdout
    assert "inferred" in text


def test_reconstruct_a_recording_of_one_lead(tmp_path):
    dsp.write(ecg(given=("II",)), tmp_path / "two.npz")
    found = answer("reconstruct", tmp_path / "two.npz")
    assert found["given"] == ["II"]
    assert all(row["r"] is None for row in found["leads"] if row["lead"] != "II")


def test_reconstruct_calibrated(record):
    plain = answer("reconstruct", record, "--leads", "I,II,V2")
    mine = answer("reconstruct", record, "--leads", "I,II,V2", "--calibrate", record)

    def hidden(found):
        return np.mean([row["rmse mV"] for row in found["leads"] if row["source"] == "inferred"])

    assert hidden(mine) < 0.5 * hidden(plain)


def test_rename(tmp_path):
    dsp.write(dsp.ECG(ecg()["II"], 500, ["MLII"]), tmp_path / "holter.npz")
    run("reconstruct", tmp_path / "holter.npz", code=2)
    found = answer("reconstruct", tmp_path / "holter.npz", "--rename", "MLII=II")
    assert found["given"] == ["II"]
    run("info", tmp_path / "holter.npz", "--rename", "MLII", code=2)


def test_demo(tmp_path):
    found = answer("demo", "--out", tmp_path)
    assert found["given"] == ["I"]
    for name in ("recorded.png", "given.png", "reconstructed.png", "reconstructed.csv"):
        assert (tmp_path / name).stat().st_size > 5000
    assert dsp.read(tmp_path / "reconstructed.csv").leads == leads.TWELVE


def test_demo_of_a_recording(record, tmp_path):
    found = answer("demo", record, "--leads", "I,II,V2", "--out", tmp_path / "d")
    assert found["given"] == ["I", "II", "V2"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["info", "no-such-file"], "no-such-file"),
        (["reconstruct", "no-such-file", "--leads", "I"], "no-such-file"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, says):
    result = run(*arguments, code=2)
    assert result.stderr.startswith("einthoven: ")
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_lead_that_is_not_there(record):
    result = run("reconstruct", record, "--leads", "V7", code=2)
    assert "not a lead name" in result.stderr


@pytest.mark.data
@pytest.mark.slow
def test_train(tmp_path, data):
    found = answer("train", "reconstructor", "--data", data, "--out", tmp_path / "w")
    assert sum(found["records"].values()) + len(found["refused"]) == 379
    run("reconstruct", data / "ptbxl" / "00001_lr", "--leads", "I", "--model", tmp_path / "w")
    run("train", "reconstructor", "--data", tmp_path, "--out", tmp_path / "w", code=2)


@pytest.mark.data
def test_the_line_of_the_readme(data, tmp_path):
    record = data / "cinc2020-2021" / "ptb-xl" / "HR00001"
    found = answer("reconstruct", record, "--leads", "I", "--plot", tmp_path / "out.png")
    assert len(found["leads"]) == 12
    assert (tmp_path / "out.png").stat().st_size > 50_000


def test_clean(tmp_path):
    wander = np.sin(2 * np.pi * 0.2 * ecg().times).astype(np.float32)
    dsp.write(dsp.ECG(ecg().signal + wander, 500, leads.TWELVE), tmp_path / "in.npz")
    found = answer("clean", tmp_path / "in.npz", tmp_path / "out.npz")
    assert found["band_hz"] == [0.5, 40.0]
    cleaned = dsp.read(tmp_path / "out.npz")
    assert cleaned.meta["filter"] == "0.5 to 40 Hz"
    inner = slice(1000, 4000)
    expected = dsp.clean(ecg().signal, 500)[:, inner]
    assert np.abs(cleaned.signal[:, inner] - expected).max() < 0.05
    run("clean", tmp_path / "in.npz", tmp_path / "out.npz", "--low", 40, "--high", 1, code=2)


def test_beats(record, tmp_path):
    found = answer("beats", record, "--out", tmp_path / "marked", "--plot", tmp_path / "b.png")
    truth = patient()[1] / 500
    np.testing.assert_allclose(found["r_peaks_s"], truth, atol=0.01)
    assert found["Heart rate, bpm"] == pytest.approx(70, abs=1)
    assert found["verdict"] == "good"
    marks = dsp.read(tmp_path / "marked", annotators=("qrs", "waves")).annotations
    assert len(marks["qrs"]) == len(truth)
    assert {"(", "N", ")", "t"} <= set(marks["waves"].symbols)
    assert (tmp_path / "b.png").stat().st_size > 5000


def test_no_beats_is_exit_1(tmp_path):
    dsp.write(dsp.ECG(np.zeros((1, 5000)), 500, ["II"]), tmp_path / "flat.npz")
    found = json.loads(run("beats", tmp_path / "flat.npz", "--json", code=1).stdout)
    assert found["beats"] == 0
    assert found["verdict"] == "bad"
    assert "flat" in found["leads"][0]["reasons"]


def test_simulate(tmp_path):
    found = answer("simulate", tmp_path / "s.npz", "--n", 2, "--heart-rate", 60, "--seed", 3)
    assert [row["beats"] for row in found["records"]] == [10, 10]
    first = dsp.read(found["records"][0]["file"])
    assert first.leads == leads.TWELVE
    assert len(first.annotations["atr"]) == 10
    answer("simulate", tmp_path / "one", "--diagnosis", "AMI")
    assert dsp.read(tmp_path / "one", annotators=("waves",)).annotations["waves"].symbols
    run("simulate", tmp_path / "x.npz", "--diagnosis", "nonsense", code=2)


def test_what_a_file_does_not_say(tmp_path):
    bare, named = tmp_path / "bare.npy", tmp_path / "named.npz"
    np.save(bare, 1000 * ecg()[["I", "II"]])
    run("info", bare, code=2)
    unsaid = ("--fs", 500, "--unit", "uV")
    assert answer(*unsaid, "convert", bare, named, "--leads", "I,II")["leads"] == ["I", "II"]
    np.testing.assert_allclose(dsp.read(named)["II"], ecg()["II"], atol=1e-6)
