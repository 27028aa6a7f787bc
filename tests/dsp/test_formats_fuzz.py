"""Damaged files: whatever the bytes, a recording or one error, soon, and in little memory."""

import dataclasses
import random
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import dsp
from dsp import ECG, Annotations, leads

SLOWEST_S = 2.0
SPARE_BYTES = 200_000_000
FAST, ALL_HEADERS, ALL_MARKS = 300, 2000, 1000
TOKENS = [
    b"", b"0", b"-1", b"nan", b"inf", b"1e308", b"1e-300", b"999999999999", b"4294967296", b"~", b"#",
    b"/", b" ", b"\n", b"\0", b"\xff\xfe", b"../x", b"/etc/passwd", b"s3://bucket/x", b"x" * 3000,
    b"8", b"61", b"212", b"310", b"311", b"508", b"516", b"16x999", b"16:99999", b"16+99999999",
    b"-1000/mV", b"1000(0)/uV", b"1/mmHg", b"1000(99999999999)/mV", b"r/99 2", b"r/2", b"99999", b"I",
]  # fmt: skip


def flipped(raw: bytearray, chance: random.Random) -> bytearray:
    raw[chance.randrange(len(raw))] = chance.randrange(256)
    return raw


def shortened(raw: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(len(raw))
    del raw[at : at + chance.choice([1, 2, 5, 40])]
    return raw


def cut(raw: bytearray, chance: random.Random) -> bytearray:
    return raw[: chance.randrange(len(raw))]


def grown(raw: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(len(raw))
    raw[at:at] = chance.choice(TOKENS) or chance.randbytes(chance.choice([1, 4, 64]))
    return raw


def retold(raw: bytearray, chance: random.Random) -> bytearray:
    """One word is another."""
    words = bytes(raw).split(b" ")
    words[chance.randrange(len(words))] = chance.choice(TOKENS)
    return bytearray(b" ".join(words))


def repeated(raw: bytearray, chance: random.Random) -> bytearray:
    lines = bytes(raw).split(b"\n")
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    return bytearray(b"\n".join(lines))


MUTATIONS = (flipped, flipped, shortened, cut, grown, retold, repeated)


def mutant(raw: bytes, chance: random.Random) -> bytes:
    out = bytearray(raw)
    for _ in range(chance.choice([1, 1, 1, 2, 4, 9])):
        if out:
            out = chance.choice(MUTATIONS)(out, chance)
    return bytes(out)


@dataclasses.dataclass
class Outcome:
    """What became of all mutants of one kind."""

    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    over: float = 0.0
    """Most bytes allocated beyond four times those present."""

    def check(self, n: int) -> None:
        assert self.read + self.refused == n
        assert self.refused > 0, "the mutations harm nothing"
        assert self.slowest < SLOWEST_S
        assert self.over < SPARE_BYTES


def attack(path: Path, victim: Path, n: int, seed: int) -> Outcome:
    """Read `path` with `n` mutants of the file `victim`; any exception but ECGError ends the test."""
    good, outcome = victim.read_bytes(), Outcome()
    chance = random.Random(seed)  # noqa: S311, not a secret
    dsp.read(path)  # imports are not part of what is measured
    tracemalloc.start()
    try:
        for _ in range(n):
            victim.write_bytes(mutant(good, chance))
            present = sum(file.stat().st_size for file in path.parent.iterdir())
            tracemalloc.reset_peak()
            begin = time.perf_counter()
            try:
                dsp.read(path)
                outcome.read += 1
            except dsp.ECGError:
                outcome.refused += 1
            outcome.slowest = max(outcome.slowest, time.perf_counter() - begin)
            peak = tracemalloc.get_traced_memory()[1]
            outcome.over = max(outcome.over, peak - 4 * present)
    finally:
        tracemalloc.stop()
    return outcome


def sample(n_samples: int = 500) -> ECG:
    chance = np.random.default_rng(0)
    x = np.cumsum(chance.integers(-9, 10, (12, n_samples)), axis=1) / 1000
    many = Annotations(
        np.sort(chance.integers(0, 90_000, 60)),
        chance.choice(list("NVA+(p)t"), 60),
        [("", "(AFIB", "a longer note")[k % 3] for k in range(60)],
        chance.integers(-2, 3, 60),
        chance.integers(0, 3, 60),
        chance.integers(-2, 3, 60),
    )
    facts = {"age": 63, "sex": "F", "dx": ["426783006"], "start": "2020-05-15T15:35:30"}
    return ECG(x, 500, leads.TWELVE, annotations={"atr": many}, meta=facts)


def headers(home: Path) -> list[Path]:
    """Records of each written form, and one of segments."""
    ecg = sample()
    dsp.write(ecg, home / "a16")
    dsp.write(ecg.select("I", "V5"), home / "a212", fmt="212")
    dsp.write(ecg, home / "matlab.mat")
    for name in ("s1", "s2"):
        dsp.write(ecg.select("I", "II"), home / name)
    (home / "several.hea").write_text("several/3 2 500 1100\ns1 500\n~ 100\ns2 500\n# a comment\n")
    return [home / name for name in ("a16", "a212", "matlab", "several")]


def test_mutated_headers_fast(tmp_path):
    for seed, record in enumerate(headers(tmp_path)):
        attack(record, record.with_suffix(".hea"), FAST // 4, seed).check(FAST // 4)


@pytest.mark.slow
def test_two_thousand_mutated_headers(tmp_path):
    for seed, record in enumerate(headers(tmp_path)):
        n = ALL_HEADERS // 4
        attack(record, record.with_suffix(".hea"), n, 100 + seed).check(n)


@pytest.mark.parametrize(
    "n", [FAST // 2, pytest.param(ALL_MARKS, marks=pytest.mark.slow)], ids=["fast", "all"]
)
def test_mutated_annotations(n, tmp_path):
    dsp.write(sample().select("I"), tmp_path / "r")
    attack(tmp_path / "r", tmp_path / "r.atr", n, n).check(n)


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".edf", ".dcm"])
@pytest.mark.parametrize("n", [30, pytest.param(600, marks=pytest.mark.slow)], ids=["fast", "all"])
def test_other_formats_mutated(suffix, n, tmp_path, capfd):
    path = tmp_path / f"r{suffix}"
    dsp.write(sample(400).select("I", "II"), path)
    attack(path, path, n, n).check(n)
    assert capfd.readouterr() == ("", ""), "the libraries beneath print nothing"


@pytest.mark.parametrize("suffix", [".npy", ".mat"])
def test_bare_arrays_mutated(suffix, tmp_path, monkeypatch):
    import scipy

    path, known = tmp_path / f"r{suffix}", {"fs": 500, "unit": "uV", "leads": ("I", "II")}
    x = np.arange(800, dtype=np.int16).reshape(2, 400)
    if suffix == ".npy":
        np.save(path, x)
    else:
        scipy.io.savemat(path, {"val": x}, do_compression=True)
    real = dsp.read
    monkeypatch.setattr(dsp, "read", lambda where: real(where, **known))
    attack(path, path, FAST, 7).check(FAST)


@pytest.mark.data
@pytest.mark.parametrize("name", ["ludb/data/56", "mitdb/114", "ptbdb/s0010_re"])
def test_mutated_headers_of_real_records(name, data, tmp_path):
    original = data / name
    for file in original.parent.glob(f"{original.name}.*"):
        if file.suffix in (".dat", ".xyz"):
            (tmp_path / file.name).symlink_to(file)
    header = tmp_path / f"{original.name}.hea"
    header.write_bytes(original.with_suffix(".hea").read_bytes())
    attack(tmp_path / original.name, header, 60, 1).check(60)


def zip_bomb(path: Path) -> None:
    np.savez_compressed(path, signal=np.zeros((12, 5_000_000), np.float32))


def mat_bomb(path: Path) -> None:
    import scipy

    scipy.io.savemat(path, {"val": np.zeros((12, 2_000_000))}, do_compression=True)


@pytest.mark.parametrize(("name", "make"), [("a.npz", zip_bomb), ("a.mat", mat_bomb)])
def test_small_files_that_unpack_to_large_ones_are_refused(name, make, tmp_path):
    make(tmp_path / name)
    tracemalloc.start()
    with pytest.raises(dsp.ReadError, match=r"a\."):
        dsp.read(tmp_path / name, fs=500, unit="mV", leads=leads.TWELVE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < SPARE_BYTES


def test_an_annotation_file_that_hangs_the_wfdb_library_is_read(tmp_path):
    # Its reader never advances past a note that begins with "## " and says nothing it knows.
    found = Annotations([0, 5], '"N', ("## a heading", ""))
    dsp.write(ECG(np.zeros(500), 500, ["I"], annotations={"atr": found}), tmp_path / "r")
    assert dsp.read(tmp_path / "r").annotations["atr"].symbols == ("N",)
