"""Tasks of PTB-XL: which labels, whose folds, and what a folder lacks."""

import ast
import csv

import numpy as np
import pytest

import dsp
import ecgsynth
from dsp import leads
from recon import tasks
from recon.tasks.ptbxl import ASKED

ROWS = [  # patient, statements, fold
    (7, {"NORM": 100.0, "SR": 0.0}, 1),
    (8, {"AMI": 15.0, "IMI": 0.0, "SR": 0.0}, 2),
    (8, {"INJAS": 50.0, "AFIB": 0.0}, 2),
    (9, {"ILMI": 100.0, "LVOLT": 0.0, "XYZ": 100.0}, 9),
    (4, {"SR": 0.0, "PVC": 0.0}, 10),
    (5, {"NORM": 80.0, "NDT": 100.0}, 10),
]
STATEMENTS = """,description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass
NORM,normal,1.0,,,NORM,NORM
AMI,anterior,1.0,,,MI,AMI
IMI,inferior,1.0,,,MI,IMI
ILMI,inferolateral,1.0,,,MI,IMI
INJAS,injury,1.0,,,MI,AMI
NDT,T abnormalities,1.0,1.0,,STTC,STTC
LVOLT,low voltage,,1.0,,,
PVC,premature,,1.0,,,
SR,sinus,,,1.0,,
AFIB,fibrillation,,,1.0,,
"""
TABLE = "ecg_id,patient_id,age,sex,scp_codes,strat_fold,filename_lr,filename_hr\n"


def write_ptbxl(home, rows, *, flat=()):
    """A folder in the official layout at 100 Hz, of simulated records."""
    (home / "records100").mkdir(parents=True)
    signals = ecgsynth.simulate(len(rows), fs=100, duration=10, seed=3).signal
    text = TABLE
    for k, (patient, codes, fold) in enumerate(rows):
        name = f"records100/{k:05}_lr"
        x = signals[k] * (k not in flat)
        dsp.write(dsp.ECG(x, 100, leads.TWELVE), home / name)
        text += f'{k},{patient}.0,60.0,0,"{codes}",{fold},{name},none\n'
    (home / "ptbxl_database.csv").write_text(text)
    (home / "scp_statements.csv").write_text(STATEMENTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("data")
    write_ptbxl(home / "ptbxl", ROWS)
    return home


def said(cohort, record):
    """Names of what is said of a record; None where it is unknown."""
    row = cohort.labels[record]
    if np.isnan(row).any():
        assert np.isnan(row).all(), "of all labels of a task, or of none"
        return None
    return {name for name, value in zip(cohort.names, row, strict=True) if value}


def test_ptbxl_labels(folder):
    found = tasks.ptbxl(folder)
    assert list(found) == ["superclass", "subclass", "form", "rhythm", "infarcts"]
    assert found["superclass"].names == ("MI", "NORM", "STTC")
    assert found["subclass"].names == ("AMI", "IMI", "NORM", "STTC")
    assert found["infarcts"].names == (*tasks.INFARCTS, "MI")
    of = {name: [said(cohort, k) for k in range(6)] for name, cohort in found.items()}
    assert of["superclass"] == [{"NORM"}, {"MI"}, {"MI"}, {"MI"}, None, {"NORM", "STTC"}]
    assert of["subclass"] == [{"NORM"}, {"AMI", "IMI"}, {"AMI"}, {"IMI"}, None, {"NORM", "STTC"}]
    assert of["form"] == [None, None, None, {"LVOLT"}, {"PVC"}, {"NDT"}]
    assert of["rhythm"] == [{"SR"}, {"SR"}, {"AFIB"}, None, {"SR"}, None]
    # A likelihood of 0 is an unknown one; an injury is of the class, but no infarct statement.
    assert of["infarcts"] == [set(), {"AMI", "IMI", "MI"}, set(), {"ILMI", "MI"}, None, set()]


def test_ptbxl_records_and_folds(folder):
    found = tasks.ptbxl(folder / "ptbxl")
    first = found["superclass"]
    assert all(cohort.x is first.x for cohort in found.values()), "kept once"
    assert first.x.shape == (6, 8, 1000)
    assert np.isnan(first.knobs).all()
    assert first.split == ("train", "train", "train", "val", "test", "test")
    assert first.groups == tuple(f"ptb-xl/{patient}" for patient, _, _ in ROWS)
    [(learn, test)] = first.parts()
    assert learn.tolist() == [True] * 3 + [False] * 3
    assert test.tolist() == [False] * 4 + [True] * 2


def test_ptbxl_leaves_out_what_is_no_heart(tmp_path):
    write_ptbxl(tmp_path, ROWS, flat=(1,))
    found = tasks.ptbxl(tmp_path)
    assert len(found["form"]) == 5
    assert found["infarcts"].groups == tuple(f"ptb-xl/{k}" for k in (7, 8, 9, 4, 5))
    assert said(found["rhythm"], 1) == {"AFIB"}


def test_ptbxl_says_what_is_missing(tmp_path):
    with pytest.raises(dsp.ReadError, match=r"scp_statements.csv there.*physionet.org/content/ptb"):
        tasks.ptbxl(tmp_path)
    home = tmp_path / "ptbxl"
    write_ptbxl(home, ROWS[:4])
    with pytest.raises(dsp.ReadError, match=r"4 usable recordings, none of test;.*records100"):
        tasks.ptbxl(tmp_path)
    table = home / "scp_statements.csv"
    table.write_text(STATEMENTS.replace("rhythm", "beat"))
    with pytest.raises(dsp.ReadError, match=r"lacks the columns \['rhythm'\]"):
        tasks.ptbxl(tmp_path)
    table.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(dsp.ReadError, match=r"cannot read .*scp_statements.csv"):
        tasks.ptbxl(tmp_path)
    table.write_text("")
    with pytest.raises(dsp.ReadError, match="lacks the columns"):
        tasks.ptbxl(tmp_path)
    table.write_text(STATEMENTS)
    (home / "ptbxl_database.csv").unlink()
    with pytest.raises(dsp.ReadError, match=r"no ptbxl_database.csv"):
        tasks.ptbxl(tmp_path)


def test_parts_of_a_cohort():
    cohort = tasks.simulated(6, seed=2)
    assert cohort.split == ()
    scored = np.stack([test for _, test in cohort.parts()])
    assert (scored.sum(axis=0) == 1).all(), "each record once"
    assert all((learn != test).all() for learn, test in cohort.parts())
    split = tasks.Cohort(
        cohort.x, cohort.labels, cohort.names, cohort.knobs, cohort.groups, tuple("abcdef")
    )
    assert split[np.array([4, 1])].split == ("e", "b")
    assert split[split.labels[:, 0] > 2].split == ()
    assert (split + split[:2]).split == tuple("abcdefab")
    assert (split + cohort).split == (cohort + split).split == ()
    assert split.select(["AMI"]).split == tuple("abcdef")


def test_scorable_counts_patients_of_the_scored_part():
    # Forty records to learn from, forty to score: twenty patients, and one with twenty records.
    place = np.arange(80)
    groups = tuple(f"p{min(k, 60)}" for k in place)
    test = place >= 40
    columns = {
        "half": place % 2,
        "learned": np.where(test, 0, place % 2),
        "one patient": place >= 60,
        "ten": place < 50,
        "nine and one": (place < 49) | (place >= 60),
        "nine without": (place < 51) | (place >= 60),
        "unknown": np.where(place < 59, place % 2, np.nan),
    }
    cohort = tasks.Cohort(
        np.zeros((80, 8, 4), np.float32),
        np.stack(list(columns.values()), axis=1).astype(np.float32),
        tuple(columns),
        np.zeros((80, len(tasks.KNOBS)), np.float32),
        groups,
        tuple(np.where(test, "test", "train")),
    )
    assert dsp.statistics.FEWEST_POSITIVES == 10
    assert cohort.scorable().names == ("half", "ten", "nine and one")
    assert cohort.scorable().x is cohort.x


@pytest.mark.data
def test_answers_are_those_of_the_published_lists(data):
    home = data / "ptbxl"

    def rows(path):
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    statements = {row[""]: row for row in rows(home / "scp_statements.csv")}
    codes = {
        int(float(row["ecg_id"])): ast.literal_eval(row["scp_codes"])
        for path in (home / "labels").glob("ptbxl_database*.csv")
        for row in rows(path)
        if row.get("scp_codes")
    }
    folders = {"superclass": "super_class", "subclass": "sub_class"}
    for name, ask in ASKED.items():
        folder = folders.get(name, name)
        paths = [
            home / "labels" / folder / f"ptbxl_{folder}_{part}.csv"
            for part in ("train", "val", "test")
        ]
        listed = {int(float(row["ecg_id"])): row for path in paths for row in rows(path)}
        compared = sorted(codes.keys() & listed.keys())
        assert len(compared) > 1000
        for number in compared:
            mine = {ask(statements[code]) for code in codes[number] if code in statements} - {""}
            # The lists write codes without the underscores at their ends.
            theirs = {c for c, v in list(listed[number].items())[6:] if float(v) == 1}
            assert {answer.strip("_") for answer in mine} == theirs, number


@pytest.mark.data
def test_an_excerpt_is_no_task(data):
    with pytest.raises(dsp.ReadError, match="none of val, test"):
        tasks.ptbxl(data)
