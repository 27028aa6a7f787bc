"""The archive: the same bytes however it was made, nothing lost after a kill, and read back as written."""

import dataclasses
import functools
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import dsp
import ecgsynth
from dsp import leads

pytest.importorskip("pyarrow")
HALF_STEP_MV = 0.5e-3 + 1e-6  # rounding to whole microvolts, and float32 of some mV
short = functools.partial(ecgsynth.simulate, diagnosis="any", duration=2.0, fs=100)


@dataclasses.dataclass
class Made:
    signal: np.ndarray
    fs: float = 100.0
    labels: list = dataclasses.field(default_factory=list)


def noise(n, *, seed):
    """A source that costs nothing."""
    x8 = np.random.default_rng(seed).normal(size=(n, 8, 100)).astype(np.float32)
    return Made(leads.twelve(x8), labels=[("NOISE",)] * n)


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_what_is_read_is_what_was_made(tmp_path):
    archive = ecgsynth.write_archive(tmp_path / "a", 7, source=short, seed=3, shard=4)
    made = [short(4, seed=archive.plan.shard_seed(0)), short(3, seed=archive.plan.shard_seed(1))]
    whole = next(archive.batches(100))
    x = np.concatenate([sim.signal for sim in made])
    eight = [leads.TWELVE.index(lead) for lead in leads.EIGHT]
    np.testing.assert_allclose(whole.signal[:, eight], x[:, eight], atol=HALF_STEP_MV)
    np.testing.assert_allclose(whole.signal, x, atol=2 * HALF_STEP_MV)  # sums of two
    assert whole.labels == made[0].labels + made[1].labels
    assert list(whole.parameters) == list(made[0].parameters)
    for name, values in whole.parameters.items():
        np.testing.assert_array_equal(
            values, np.concatenate([sim.parameters[name] for sim in made])
        )
    for k in range(7):
        sim = made[k // 4]
        np.testing.assert_array_equal(whole.r_peaks[k], sim.r_peaks[k % 4])
        record, expected = archive[k], sim.record(k % 4)
        np.testing.assert_array_equal(record.signal, whole.signal[k])
        assert record.annotations["atr"].symbols == expected.annotations["atr"].symbols
        assert record.meta == expected.meta
    assert archive.verify() == ()
    assert archive[-1].meta == archive[6].meta
    with pytest.raises(IndexError):
        archive[7]


def test_limb_algebra_is_exact_to_rounding(tmp_path):
    archive = ecgsynth.write_archive(tmp_path / "a", 3, source=short)
    for batch in archive.batches():
        assert np.abs(leads.residual(batch.signal)).max() < 5e-7  # float32 of a few mV


@pytest.mark.parametrize("size", [1, 3, 4, 50])
def test_batches_cross_the_borders_of_shards(tmp_path, size):
    archive = ecgsynth.write_archive(tmp_path / "a", 11, source=noise, shard=4)
    batches = list(archive.batches(size))
    assert [len(b) for b in batches[:-1]] == [size] * (len(batches) - 1)
    one = next(archive.batches(11))
    np.testing.assert_array_equal(np.concatenate([b.signal for b in batches]), one.signal)
    assert [h for b in batches for h in b.hashes] == one.hashes


def test_some_leads_are_rows_of_all(tmp_path):
    archive = ecgsynth.write_archive(tmp_path / "a", 5, source=noise, shard=2)
    whole, some = next(archive.batches(5)), next(archive.batches(5, leads="aVF, V2"))
    assert some.leads == ("aVF", "V2")
    rows = [leads.TWELVE.index(lead) for lead in some.leads]
    np.testing.assert_array_equal(some.signal, whole.signal[:, rows])


def test_gaps_survive(tmp_path):
    def source(n, *, seed):
        made = noise(n, seed=seed)
        made.signal[:, 7, 10:20] = np.nan
        made.signal[0] = np.nan
        return made

    archive = ecgsynth.write_archive(tmp_path / "a", 3, source=source)
    x = next(archive.batches()).signal
    expected = np.zeros(x.shape, bool)
    expected[:, 7, 10:20] = expected[0] = True
    np.testing.assert_array_equal(np.isnan(x), expected)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x * 100, "holds up to 32.767 mV"),
        (lambda x: x + np.inf, "holds up to 32.767 mV|Einthoven"),
        (lambda x: x[:, :8], "shape"),
        (lambda x: x + np.eye(12)[2, :, None], "Einthoven"),
        (lambda x: x[:1], "asked for"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(tmp_path, spoil, message):
    def source(n, *, seed):
        made = noise(n, seed=seed)
        return dataclasses.replace(made, signal=spoil(made.signal).astype(np.float32))

    with pytest.raises(dsp.WriteError, match=message):
        ecgsynth.write_archive(tmp_path / "a", 4, source=source)
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["archive.json"]


def test_another_plan_is_refused(tmp_path):
    ecgsynth.write_archive(tmp_path / "a", 4, source=noise, seed=1)
    for change in ({"n": 5}, {"seed": 2}, {"shard": 2}, {"source": short}):
        asked = {"n": 4, "source": noise, "seed": 1} | change
        with pytest.raises(dsp.WriteError, match=next(iter(change)).replace("shard", "size")):
            ecgsynth.write_archive(tmp_path / "a", asked.pop("n"), **asked)


def test_bad_requests(tmp_path):
    for bad in ({"n": 0}, {"shard": 0}, {"workers": 0}, {"seed": -1}, {"runner": "fast"}):
        asked = {"n": 4, "source": noise} | bad
        with pytest.raises(dsp.WriteError, match=next(iter(bad))):
            ecgsynth.write_archive(tmp_path / "a", asked.pop("n"), **asked)
    archive = ecgsynth.write_archive(tmp_path / "a", 2, source=noise)
    with pytest.raises(dsp.LengthError):
        archive.batches(0)
    with pytest.raises(dsp.LeadError):
        archive.batches(leads="X")


def test_faults_are_found(tmp_path):
    """A flipped bit, a lost shard, a doubled one, a stranger."""
    home = tmp_path / "a"
    archive = ecgsynth.write_archive(home, 16, source=noise, shard=4)
    names = [archive.plan.name(k) for k in range(4)]
    whole = {name: (home / name).read_bytes() for name in names}
    flipped = bytearray(whole[names[0]])
    flipped[len(flipped) // 3] ^= 1
    (home / names[0]).write_bytes(flipped)
    (home / names[2]).write_bytes(whole[names[1]])
    (home / "shard-00009.parquet").write_bytes(whole[names[3]])
    faults = archive.verify()
    assert sum(names[0] in fault for fault in faults) == 1
    assert sum("the same as" in fault for fault in faults) == 4
    assert "shard-00009.parquet: does not belong to this archive." in faults
    (home / names[3]).unlink()
    with pytest.raises(dsp.ReadError, match="1 of 4 shards"):
        ecgsynth.Archive(home)


def test_lost_and_cut_shards_are_made_again(tmp_path):
    home = tmp_path / "a"
    archive = ecgsynth.write_archive(home, 10, source=noise, shard=4)
    before, fingerprint = contents(home), archive.sha256
    (home / archive.plan.name(0)).unlink()
    cut = home / archive.plan.name(2)
    cut.write_bytes(cut.read_bytes()[:-9])
    (home / ".shard-00001.parquet.x1").mkdir()
    again = ecgsynth.write_archive(home, 10, source=noise, shard=4)
    assert contents(home) == before
    assert again.sha256 == fingerprint
    assert not list(home.glob(".*"))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": "einthoven archive 1", "n": "x", "size": 1}', "\x00"]
)
def test_no_archive(tmp_path, text):
    (tmp_path / "archive.json").write_text(text)
    with pytest.raises(dsp.ReadError):
        ecgsynth.Archive(tmp_path)


def test_wfdb_is_exact(tmp_path):
    archive = ecgsynth.write_archive(tmp_path / "a", 3, source=short, shard=2)
    archive.to_wfdb(tmp_path / "wfdb")
    names = (tmp_path / "wfdb" / "RECORDS").read_text().split()
    assert names == ["0000000", "0000001", "0000002"]
    for k, name in enumerate(names):
        back = dsp.read(tmp_path / "wfdb" / name)
        np.testing.assert_array_equal(back[leads.EIGHT], archive[k][leads.EIGHT])
        np.testing.assert_array_equal(
            back.annotations["atr"].samples, archive[k].annotations["atr"].samples
        )


def test_a_class_with_generate_is_a_source(tmp_path):
    class Maker:
        config = {"width": 3}  # noqa: RUF012 - as a diffusers model has it

        def generate(self, n, *, seed):
            return noise(n, seed=seed)

    archive = ecgsynth.write_archive(tmp_path / "a", 2, source=Maker())
    assert "Maker" in archive.plan.source
    assert '"width": 3' in archive.plan.source


# One and the same folder

FORKS = """
import os, pathlib, random, sys, time
sys.path.insert(0, {here!r})
import pyarrow.parquet, tqdm.auto
import ecgsynth, test_archive

def written():
    return len(list(pathlib.Path({folder!r}).glob("shard-*")))

chance = random.Random(0)
for kill in range({kills}):
    goal = written() + chance.randint(0, 2)
    child = os.fork()
    if child == 0:
        ecgsynth.write_archive({folder!r}, {n}, source=test_archive.slow_noise, shard=2)
        os._exit(0)
    while written() < goal and not os.waitpid(child, os.WNOHANG)[0]:
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.03))  # amid the next one
    os.kill(child, 9)
    how = os.waitpid(child, 0)[1]
    assert how == 9, f"kill {{kill}} came too late"
print("killed")
"""
WORKERS = """
import sys
sys.path.insert(0, {here!r})
import ecgsynth, test_archive
if __name__ == "__main__":
    print("ready", flush=True)
    ecgsynth.write_archive({folder!r}, {n}, source=test_archive.slow_noise, shard=2, workers=2)
"""
HERE = str(Path(__file__).parent)


def slow_noise(n, *, seed):
    time.sleep(0.005)
    return noise(n, seed=seed)


slow_noise.__module__ = (
    "test_archive"  # as the scripts above import it: an archive notes its source
)


def finished_as_if_nothing_had_happened(home, tmp_path, n):
    begun = len(list(home.glob("shard-*")))
    assert 0 < begun < n // 2 - 1, "the kills must have come amid the work"
    archive = ecgsynth.write_archive(home, n, source=slow_noise, shard=2)
    ecgsynth.write_archive(tmp_path / "undisturbed", n, source=slow_noise, shard=2)
    assert contents(home) == contents(tmp_path / "undisturbed")
    assert archive.verify() == ()
    assert len(archive) == n


def killed(tmp_path, kills, n):
    """A writer killed again and again, in processes that need not start Python anew."""
    home = tmp_path / "killed"
    script = FORKS.format(here=HERE, folder=str(home), kills=kills, n=n)
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert out.stdout == "killed\n", out.stderr
    finished_as_if_nothing_had_happened(home, tmp_path, n)


def test_a_few_kills_change_nothing(tmp_path):
    killed(tmp_path, kills=6, n=120)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_kills_change_nothing(tmp_path):
    killed(tmp_path, kills=100, n=1600)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_master_of_workers_changes_nothing(tmp_path):
    """The writer alone is killed, or all its processes; workers that outlive it end by themselves."""
    home = tmp_path / "killed"
    script = tmp_path / "work.py"
    script.write_text(WORKERS.format(here=HERE, folder=str(home), n=1600))
    chance = np.random.default_rng(0)
    for kill in range(8):
        process = subprocess.Popen(
            [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert process.stdout.readline() == "ready\n"
        # Killed in the middle of the work, however fast the machine is: once a shard is new.
        before = len(list(home.glob("*.parquet")))
        while process.poll() is None and len(list(home.glob("*.parquet"))) == before:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.2))
        assert process.poll() is None, "it ended before it could be killed: give it more to do"
        (os.killpg if kill % 2 else os.kill)(process.pid, signal.SIGKILL)
        # All processes hold this pipe: it ends when the last of them has ended.
        assert process.stdout.read() == ""
        process.wait()
        process.stdout.close()
    finished_as_if_nothing_had_happened(home, tmp_path, 1600)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_folder_for_any_number_of_workers(tmp_path):
    """Of the simulator itself, whose sums must not depend on threads."""
    asked = {"n": 70, "source": short, "shard": 8}
    folders = [tmp_path / f"{workers}" for workers in (1, 2, 8)]
    for folder, workers in zip(folders, (1, 2, 8), strict=True):
        ecgsynth.write_archive(folder, **asked, workers=workers)
    first = contents(folders[0])
    assert len(first) == 10
    assert all(contents(folder) == first for folder in folders[1:])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.filterwarnings("ignore")  # Ray's own, of sockets and of what it will change
def test_one_folder_for_ray(tmp_path):
    """A local cluster of two nodes with a worker each."""
    import ray
    from ray.cluster_utils import Cluster

    asked = {"n": 40, "source": short, "shard": 8}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False)
        ecgsynth.write_archive(tmp_path / "ray", **asked, runner="ray", workers=2)
    finally:
        ray.shutdown()
        cluster.shutdown()
    ecgsynth.write_archive(tmp_path / "here", **asked)
    assert contents(tmp_path / "ray") == contents(tmp_path / "here")


def test_the_command_writes_archives(tmp_path):
    from typer.testing import CliRunner

    from recon.cli import app

    asked = ["simulate", str(tmp_path / "a"), "--n", "3", "--fs", "100", "--archive", "--json"]
    first, again = (CliRunner().invoke(app, asked) for _ in range(2))
    assert first.exit_code == again.exit_code == 0
    said = json.loads(again.stdout)
    assert said["sha256"] == ecgsynth.Archive(tmp_path / "a").sha256
    refused = CliRunner().invoke(app, [*asked, "--seed", "1"])
    assert refused.exit_code == 2
