"""Data sets: what an entry knows before it is read, what it reads, and what a folder lacks."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

import dsp
from dsp import datasets, leads
from dsp.datasets import fault, grouped_folds
from dsp.datasets.layout import gender, natural, years
from dsp.datasets.mitdb import DS1, DS2, PACED

LABELS = "ecg_id,patient_id,age,sex,scp_codes,strat_fold,filename_lr,filename_hr\n"


def write_record(path, x, fs, names=leads.TWELVE, comments=()):
    """One WFDB record of format 16 at 1000 counts per mV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = np.rint(np.asarray(x) * 1000).astype("<i2")
    lines = [f"{path.name} {len(counts)} {fs} {counts.shape[1]}"]
    for name, row in zip(names, counts, strict=True):
        total = int(row.astype(np.int64).sum()) % 65536
        total -= 65536 * (total > 32767)
        lines.append(f"{path.name}.dat 16 1000(0)/mV 16 0 {row[0]} {total} 0 {name}")
    path.with_name(f"{path.name}.hea").write_text("\n".join([*lines, *comments]) + "\n")
    path.with_name(f"{path.name}.dat").write_bytes(counts.T.tobytes())


def twelve(seed=0, time=1000):
    return leads.twelve(np.random.default_rng(seed).normal(size=(8, time)) / 5)


@pytest.fixture
def ptbxl_root(tmp_path):
    """Three recordings in the official layout, folds 3, 9 and 10; the third lacks its 500 Hz file."""
    home = tmp_path / "ptbxl"
    rows = [
        (1, "15709.0", "56.0", "1", "{'NORM': 100.0, 'SR': 0.0}", 3),
        (2, "13243.0", "300.0", "0", "{'IMI': 80.0, 'CLBBB': 50.0}", 9),
        (3, "15709.0", "57.0", "1", "{'AFIB': 0.0}", 10),
    ]
    text = LABELS
    for number, patient, age, sex, codes, fold in rows:
        low, high = (f"records{fs}/00000/0000{number}_{n}" for fs, n in ((100, "lr"), (500, "hr")))
        text += f'{number},{patient},{age},{sex},"{codes}",{fold},{low},{high}\n'
        write_record(home / low, twelve(number), 100)
        if number < 3:
            write_record(home / high, twelve(number, 5000), 500)
    (home / "ptbxl_database.csv").write_text(text)
    (home / "scp_statements.csv").write_text(
        ",description,diagnostic_class\nNORM,normal,NORM\nIMI,inferior,MI\nCLBBB,left,CD\nSR,sinus,\n"
    )
    return tmp_path


def test_ptbxl_folds_labels_and_patients(ptbxl_root):
    data = datasets.ptbxl(ptbxl_root)
    assert [entry.split for entry in data] == ["train", "val", "test"]
    assert [entry.sex for entry in data] == ["F", "M", "F"]
    assert [entry.age for entry in data] == [56.0, 90.0, 57.0]
    assert data.groups == ("ptb-xl/15709", "ptb-xl/13243", "ptb-xl/15709")
    second = data["00002_lr"]
    assert second.labels == ("IMI", "CLBBB")
    assert second.details["scp_codes"] == {"IMI": 80.0, "CLBBB": 50.0}
    assert second.details["superclass"] == ("CD", "MI")
    assert data.split("val").entries == (second,)
    ecg = second.ecg
    assert (ecg.fs, ecg.leads, ecg.signal.shape) == (100.0, leads.TWELVE, (12, 1000))
    assert np.abs(ecg.signal - twelve(2)).max() < 0.00051  # half a count of 1 uV
    assert ecg.meta["patient"] == "ptb-xl/13243"
    assert ecg.meta["labels"] == ("IMI", "CLBBB")


def test_ptbxl_at_500_hz_takes_what_is_there(ptbxl_root):
    data = datasets.ptbxl(ptbxl_root / "ptbxl", fs=500)
    assert [entry.name for entry in data] == ["ptbxl/00001_hr", "ptbxl/00002_hr"]
    assert data[0].ecg.fs == 500
    with pytest.raises(dsp.ReadError, match="100 and at 500 Hz"):
        datasets.ptbxl(ptbxl_root, fs=250)


@pytest.mark.parametrize(
    "codes", ["__import__('os')", "{'NORM': open}", "[1]", "{'NORM': 'x'}", "{"]
)
def test_ptbxl_codes_are_data_not_code(ptbxl_root, codes):
    table = ptbxl_root / "ptbxl" / "ptbxl_database.csv"
    table.write_text(f'{LABELS}1,1,56,1,"{codes}",3,records100/00000/00001_lr,x\n')
    with pytest.raises(dsp.ReadError, match="PTB-XL 1: no dict of codes"):
        datasets.ptbxl(ptbxl_root)


def test_ptbxl_without_recordings_says_which_folder(ptbxl_root):
    (ptbxl_root / "ptbxl" / "records500").rename(ptbxl_root / "elsewhere")
    with pytest.raises(dsp.ReadError, match="put the folder records500 beside"):
        datasets.ptbxl(ptbxl_root, fs=500)


def test_challenge_in_its_official_layout(tmp_path, ptbxl_root):
    home = tmp_path / "cinc2020-2021" / "training"
    said = ["# Age: 64", "# Sex: Male", "# Dx: LBBB"]
    write_record(home / "cpsc_2018" / "g1" / "A0001", twelve(), 500, comments=said)
    write_record(
        home / "ptb-xl" / "g1" / "HR00002", twelve(), 500, comments=["#Age: NaN", "#Dx: 1,2"]
    )
    write_record(home / "ptb-xl" / "g1" / "HR00009", twelve(), 500)
    write_record(home / "chapman_shaoxing" / "g1" / "JS00004", twelve(), 500)
    write_record(home / "ptb" / "g1" / "S0003", twelve(), 1000)
    write_record(home / "notes" / "X1", twelve(), 500)
    data = datasets.cinc(tmp_path)
    assert [entry.name for entry in data] == [
        "chapman-shaoxing-ningbo/JS00004", "cpsc2018/A0001", "ptb/S0003",
        "ptb-xl/HR00002", "ptb-xl/HR00009",
    ]  # fmt: skip
    cpsc, known = data["A0001"], data["HR00002"]
    assert (cpsc.labels, cpsc.age, cpsc.sex) == (("164909002",), 64.0, "M")
    assert (cpsc.patient, cpsc.group) == (None, "cpsc2018")
    assert (known.labels, known.age, known.group) == (("1", "2"), None, "ptb-xl/13243")
    assert data["HR00009"].group == "ptb-xl"
    assert data["S0003"].group == "ptb/patient001"
    assert data["JS00004"].group == "chapman-shaoxing-ningbo/JS00004"


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    write_record(tmp_path / "mitdb" / "100", twelve()[:2], 360, ("MLII", "V5"))
    (tmp_path / "mitdb" / "100.dat").unlink()
    data = datasets.mitdb(tmp_path)
    assert len(data) == 1
    assert data.filter(lambda entry: entry.split == "DS2").groups == ("mitdb/100",)
    with pytest.raises(dsp.ReadError, match="100"):
        _ = data[0].ecg


def test_qtdb_names_foreign_channels_by_their_place(tmp_path):
    write_record(tmp_path / "qtdb" / "sele0170", twelve()[:2], 250, ("D3", "mod.V1"))
    assert datasets.qtdb(tmp_path)["sele0170"].ecg.leads == ("D3", "ECG2")


def test_a_data_set_is_a_sequence(ptbxl_root):
    data = datasets.ptbxl(ptbxl_root)
    assert len(data[1:]) == 2
    assert data[-1] is data.entries[2]
    assert data.index(data[1]) == 1
    assert data[np.array([True, False, True])].groups == ("ptb-xl/15709",) * 2
    assert data[np.array([2, 0])][0].split == "test"
    assert len(data + data) == 6
    assert repr(data) == "Dataset(PTB-XL at 100 Hz: 3 recordings of 2 groups)"
    with pytest.raises(dsp.ReadError, match="no recording 'x'; its names are like ptbxl/00001_lr"):
        data["x"]
    with pytest.raises(dsp.ReadError, match="it has: test, train, val"):
        data.split("DS1")


@pytest.mark.parametrize("name", datasets.DATASETS)
def test_a_missing_folder_says_what_to_download_and_where_to_put_it(name, tmp_path):
    with pytest.raises(dsp.ReadError, match=r"Download .*https?://") as caught:
        datasets.DATASETS[name](tmp_path)
    assert f"put its files into {tmp_path}" in str(caught.value).replace("\n", " ")


def test_damaged_matrices_are_read_errors(tmp_path):
    home = tmp_path / "chapman-unlabelled"
    home.mkdir()
    (home / "0a.mat").write_bytes(b"no matrix at all")
    scipy.io.savemat(home / "0c.mat", {"val": np.zeros((3, 9), np.int16)})
    scipy.io.savemat(home / "0d.mat", {"val": np.arange(24, dtype=np.int16).reshape(12, 2)})
    data = datasets.chapman(tmp_path)
    for name in ("0a", "0c"):
        with pytest.raises(dsp.ECGError, match=name):
            _ = data[name].ecg
    assert data["0d"].ecg["II"].tolist() == pytest.approx([0.002, 0.003])


@pytest.mark.parametrize(
    ("text", "age"),
    [("64", 64), ("57.0", 57), (">89", 90), ("300", 90), ("NaN", None), ("-1", None)],
)
def test_ages(text, age):
    assert years(text) == age


def test_sexes_and_order(tmp_path):
    assert [gender(text) for text in ("F\n", "Male", "Unknown", "", None)] == [
        "F",
        "M",
        None,
        None,
        None,
    ]
    paths = [tmp_path / name for name in ("s10", "s9", "a2", "s9x")]
    assert [path.name for path in natural(paths)] == ["a2", "s9", "s9x", "s10"]


# Faults


def good(time=5000):
    return np.random.default_rng(1).normal(size=(2, time)).astype(np.float32)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda x: None, None),
        (lambda x: x[1].fill(0.5), "II flat for 10.0 s"),
        (lambda x: x.fill(0), "I II flat for 10.0 s"),
        (lambda x: x[0, 100:650].fill(0), "I flat for 1.1 s"),
        (lambda x: x[0, 100:550].fill(0), None),
        (lambda x: x[0, :250].fill(np.nan), "I missing for 0.5 s"),
        (lambda x: x[0, 30:40].fill(12), "I reaches 12 mV"),
        (lambda x: np.clip(x, -9, 1.2, out=x), "I II clipped"),
    ],
)
def test_faults_name_lead_and_reason(spoil, reason):
    x = good()
    spoil(x)
    assert fault(dsp.ECG(x, 500, ("I", "II"))) == reason


def test_a_lead_that_breaks_the_limb_algebra_is_a_fault():
    x = twelve(time=5000)
    assert fault(dsp.ECG(x, 500, leads.TWELVE)) is None
    x[5] += 0.3
    assert fault(dsp.ECG(x, 500, leads.TWELVE)) == "limb leads contradict each other by 0.30 mV"
    assert fault(dsp.ECG(x[[0, 5, 6]], 500, ("I", "aVF", "V1"))) is None


# Folds


@given(
    sizes=st.lists(st.integers(1, 9), min_size=5, max_size=40),
    k=st.integers(2, 5),
    seed=st.integers(0, 99),
)
def test_nobody_is_on_both_sides_and_folds_are_even(sizes, k, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes).tolist()
    groups = np.random.default_rng(seed).permutation(groups).tolist()
    folds = grouped_folds(groups, k, seed)
    for group in set(groups):
        assert len({folds[i] for i, g in enumerate(groups) if g == group}) == 1
    filled = np.bincount(folds, minlength=k)
    assert filled.min() > 0
    assert filled.max() - filled.min() <= max(sizes)
    assert np.array_equal(folds, grouped_folds(groups, k, seed))


def test_folds_depend_on_the_seed_and_need_enough_groups():
    groups = list(range(100))
    assert not np.array_equal(grouped_folds(groups, 5, 0), grouped_folds(groups, 5, 1))
    with pytest.raises(dsp.LengthError, match="3 folds of 2 groups"):
        grouped_folds(["a", "b", "a"], 3)
    with pytest.raises(dsp.LengthError, match="1 folds"):
        grouped_folds(["a", "b"], 1)


# Real recordings


@pytest.mark.data
@pytest.mark.slow
def test_ludb_satisfies_einthoven(data):
    """III = II - I: with the gains of the headers the median error is 52 %; of the counts, nothing."""
    errors = []
    for entry in datasets.ludb(data):
        one, two, three = entry.ecg["I", "II", "III"].astype(float)
        errors.append(np.sqrt(np.mean((three - two + one) ** 2) / np.mean(two**2)))
    assert len(errors) >= 100
    assert np.median(errors) < 0.001  # float32


@pytest.mark.data
def test_ludb_marks_and_labels(data):
    entry = datasets.ludb(data)["2"]
    assert (entry.age, entry.sex, entry.patient) == (64.0, "M", "ludb/2")
    assert "Sinus rhythm" in entry.labels
    assert "Left ventricular hypertrophy" in entry.labels
    ecg = entry.ecg
    assert list(ecg.annotations) == [lead.lower() for lead in leads.TWELVE]
    assert set(ecg.annotations["v6"].symbols) == {"(", ")", "p", "N", "t"}
    r_peaks = ecg.annotations["ii"].select("N").samples
    assert 0.4 < ecg["II"][r_peaks].max() < 2.0  # mV, as tall as an R wave in lead II


@pytest.mark.data
def test_overlaps_share_a_group(data):
    """The same recordings under two names: the same signal, and the same patient."""
    challenge, ptb = datasets.cinc(data), datasets.ptbdb(data)
    a, b = challenge["ptb/S0001"], ptb["ptbdb/s0010_re"]
    assert a.group == b.group == "ptb/patient001"
    # The challenge halved the counts, 2000 to 1000 per mV: they differ by rounding, under 1 uV.
    assert np.abs(a.ecg.signal - b.ecg[list(leads.TWELVE)]).max() < 0.0011
    assert b.ecg.leads == (*leads.TWELVE, *leads.FRANK)
    first, again = challenge["HR00001"], datasets.ptbxl(data)["00001_lr"]
    assert first.group == again.group == "ptb-xl/15709"
    # PTB-XL went from 500 to 100 Hz by a filter of its own.
    assert np.corrcoef(first.ecg.resample(100)["II"], again.ecg["II"])[0, 1] > 0.95
    assert len({challenge[name].group for name in ("S0001", "S0002", "S0003")}) == 1
    assert challenge["S0003"].group != challenge["S0004"].group != challenge["S0005"].group


@pytest.mark.data
def test_mitdb_and_qtdb(data):
    beats = datasets.mitdb(data)
    assert beats["101"].split == "DS1"
    assert {entry.split for entry in beats} <= {"DS1", "DS2", "paced"}
    assert (len(DS1), len(DS2), len(PACED)) == (22, 22, 4)
    assert len({*DS1, *DS2, *PACED}) == 48
    ecg = beats["101"].ecg
    assert (ecg.fs, ecg.n_samples, ecg.leads) == (360.0, 650_000, ("MLII", "V1"))
    assert len(ecg.annotations["atr"].select("NLRejAaJSVF/Qf")) == 1865  # as published
    excerpts = datasets.qtdb(data)
    assert excerpts["sel102"].group == beats["102"].group == "mitdb/102"
    assert excerpts["sel301"].patient is None
    waves = excerpts["sel102"].ecg.annotations["q1c"]
    assert {"(", ")", "N", "t"} <= set(waves.symbols)


@pytest.mark.data
def test_cpsc(data):
    peaks = datasets.cpsc2019(data)["00699"].ecg
    assert (peaks.fs, peaks.leads, peaks.duration) == (500.0, ("ECG1",), 10.0)
    tall = peaks["ECG1"][peaks.annotations["ref"].samples]
    assert np.median(tall) > np.quantile(peaks["ECG1"], 0.95)
    fibrillation = datasets.cpsc2021(data)["data_21_7"]
    assert fibrillation.labels == ("non atrial fibrillation",)
    assert fibrillation.patient == "cpsc2021/21"
    assert len(fibrillation.ecg.annotations["atr"]) > 100


@pytest.mark.data
def test_twelve_lead_leaves_nothing_out(data):
    every = datasets.twelve_lead(data)
    parts = (datasets.ludb(data), datasets.cinc(data), datasets.chapman(data))
    assert len(every) == sum(map(len, parts))
    assert len({entry.name for entry in every}) == len(every)
    assert not any("cpsc2019" in name or "cpsc2021" in name for name in every.groups)
    flat = every.filter(lambda entry: entry.name.endswith("/JS45542"))
    assert flat.faults() == {"chapman-shaoxing-ningbo/JS45542": "V1 V2 V3 V4 V5 V6 flat for 10.0 s"}
    folds = grouped_folds(every.groups)
    for k in range(5):
        assert not set(every[folds == k].groups) & set(every[folds != k].groups)
