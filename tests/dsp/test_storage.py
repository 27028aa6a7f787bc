"""Storage: whole or not at all, whenever the process dies."""

import os
import signal
import subprocess
import sys

import pytest

import dsp
from dsp import storage


def test_publish_replaces_and_leaves_nothing_behind(tmp_path):
    for text in ("one", "two"):
        with storage.publish(tmp_path / "a" / "file.txt") as draft:
            draft.write_text(text)
    assert (tmp_path / "a" / "file.txt").read_text() == "two"
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["file.txt"]


def test_an_exception_keeps_the_old_one(tmp_path):
    storage.write_bytes(tmp_path / "f", b"old")

    def interrupted():
        with storage.publish(tmp_path / "f") as draft:
            draft.write_bytes(b"ne")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        interrupted()
    assert (tmp_path / "f").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_folders(tmp_path):
    for n in (3, 2):
        with storage.publish(tmp_path / "set", folder=True) as draft:
            for k in range(n):
                (draft / str(k)).write_text("x")
    assert sorted(p.name for p in (tmp_path / "set").iterdir()) == ["0", "1"]
    assert len(list(tmp_path.iterdir())) == 1


def test_unwritable_places(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(dsp.WriteError, match="cannot write"):
        storage.write_bytes(tmp_path / "file" / "below", b"")
    with pytest.raises(dsp.WriteError, match="cannot write"):
        storage.write_bytes("/proc/none/such", b"")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    with pytest.raises(dsp.WriteError, match="cannot write"):
        storage.write_bytes(tmp_path / "full", b"a file over a folder")
    assert (tmp_path / "full" / "x").exists()


def test_json_and_hash(tmp_path):
    storage.write_json(tmp_path / "a.json", {"b": 1, "a": [1.5, None]})
    assert (tmp_path / "a.json").read_text().startswith('{\n  "b": 1,')
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    storage.write_bytes(tmp_path / "e", b"")
    assert storage.sha256(tmp_path / "e") == empty


def test_killed_while_writing(tmp_path):
    """Writers are killed with SIGKILL; what is there is always whole."""
    code = (
        "import sys; from dsp import storage\n"
        "k = 0\n"
        "while True:\n"
        "    k += 1\n"
        "    storage.write_bytes(sys.argv[1], bytes([k % 256]) * 300_000)\n"
        "    print(k, flush=True)\n"
    )
    target = tmp_path / "target"
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(8):
            writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        data = target.read_bytes()
        assert len(data) == 300_000
        assert len(set(data)) == 1
