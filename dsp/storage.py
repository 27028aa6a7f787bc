"""Storage: a file is published whole or not at all, and can prove what it holds."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dsp.errors import WriteError


@contextlib.contextmanager
def publish(path: str | os.PathLike[str], *, folder: bool = False) -> Iterator[Path]:
    """Write to a temporary name; at the end sync and rename it to `path`.

    Parameters
    ----------
    path : where the file (or, with `folder`, the folder) will be. An older one is replaced.

    Yields
    ------
    The temporary path to write to, in the same folder. Nothing remains of it after an exception.

    Raises
    ------
    WriteError
        If the place cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     with publish(Path(home) / "a.txt") as path:
    ...         _ = path.write_text("whole")
    ...     (Path(home) / "a.txt").read_text()
    'whole'
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent))
    except OSError as error:
        raise WriteError(f"cannot write {target}: {error.strerror or error}.") from None
    try:
        draft = scratch / target.name
        if folder:
            draft.mkdir()
        yield draft
        try:
            _sync(draft)
            if folder and target.exists():
                # A folder cannot be renamed over a full one: move the old one aside first.
                target.rename(scratch / "old")
            draft.replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            raise WriteError(f"cannot write {target}: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Publish `data` as the file `path`.

    Raises
    ------
    WriteError
        If the place cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     write_bytes(Path(home) / "a", b"x")
    """
    with publish(path) as draft:
        draft.write_bytes(data)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Publish `value` as JSON, keys in the order given, ending in a newline.

    Raises
    ------
    WriteError
        If the place cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     write_json(Path(home) / "a.json", {"seed": 0})
    """
    write_bytes(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def sha256(path: str | os.PathLike[str]) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     write_bytes(Path(home) / "a", b"")
    ...     sha256(Path(home) / "a")[:8]
    'e3b0c442'
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Force a file, or every file below a folder, to the disk."""
    for file in path.rglob("*") if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb+") as handle:
                os.fsync(handle.fileno())
    if path.is_dir():
        _sync_folder(path)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
