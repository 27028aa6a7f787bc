"""Reading: an archive is opened without being read; batches, records and checks come when asked for."""

import contextlib
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dsp
from dsp import leads as lead_names
from dsp.errors import LengthError, ReadError
from dsp.storage import write_bytes
from ecgsynth.archive import shards
from ecgsynth.archive.plan import Plan

if TYPE_CHECKING:
    import pyarrow


class Archive:
    """The records that `ecgsynth.write_archive` made, on the disk.

    Parameters
    ----------
    folder : the archive's.

    Attributes
    ----------
    folder : where it is. plan : n, seed, source and size of the shards.

    Raises
    ------
    ReadError
        If it is no archive, shards are missing, or pyarrow is not installed.

    Examples
    --------
    >>> Archive("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: nowhere is no archive: ...
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        require_pyarrow()
        self.folder = Path(folder)
        self.plan = Plan.of(self.folder)
        missing = [k for k in range(self.plan.n_shards) if not self._path(k).is_file()]
        if missing:
            raise ReadError(
                f"{self.folder}: {len(missing)} of {self.plan.n_shards} shards are missing, the first "
                f"{self.plan.name(missing[0])}; call write_archive again as before."
            )

    def __len__(self) -> int:
        return self.plan.n

    def __repr__(self) -> str:
        return f"Archive({self.folder}: {len(self)} records of {self.plan.source})"

    def _path(self, shard: int) -> Path:
        return self.folder / self.plan.name(shard)

    def __getitem__(self, k: int) -> dsp.ECG:
        """Record k, read alone."""
        place = range(len(self))[k]
        shard, row = divmod(place, self.plan.size)
        group, row = divmod(row, shards.GROUP)
        with _opened(self._path(shard)) as file:
            table = file.read_row_group(group)
        return shards.decode(table.slice(row, 1)).record(0)

    def batches(
        self, size: int = 256, *, leads: str | tuple[str, ...] = lead_names.TWELVE
    ) -> Iterator[shards.Records]:
        """All records in order, some at a time, as arrays; only what is needed is read.

        Parameters
        ----------
        size : records a batch; the last may have fewer.
        leads : those wanted; of the Parquet columns only those they are sums of are read.

        Raises
        ------
        LeadError, LengthError, ReadError
            For a foreign lead, a size below 1, a damaged shard.
        """
        names = lead_names.canonical_all(leads)
        columns = shards.needed(names)
        if size < 1:
            raise LengthError(f"size={size}: a batch has 1 record or more.")
        return (shards.decode(table, names) for table in self._tables(size, columns))

    def _tables(self, size: int, columns: list[str]) -> Iterator["pyarrow.Table"]:
        import pyarrow as pa

        rest: list[Any] = []
        held = 0
        for shard in range(self.plan.n_shards):
            with _opened(self._path(shard)) as file:
                for piece in file.iter_batches(size, columns=columns):
                    rest.append(pa.Table.from_batches([piece]))
                    held += len(piece)
                    if held >= size:
                        whole = pa.concat_tables(rest)
                        yield whole.slice(0, size)
                        rest, held = [whole.slice(size)], held - size
        if held:
            yield pa.concat_tables(rest)

    def verify(self) -> tuple[str, ...]:
        """What is wrong with the archive: nothing, or a line for each fault.

        Every record is read and held against its hash; shards of a wrong length, records that
        occur twice, and files that do not belong here are named.

        Examples
        --------
        >>> from ecgsynth import write_archive
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as home:
        ...     archive = write_archive(home, 2, shard=1)
        ...     _ = (Path(home) / "shard-00001.parquet").write_bytes(b"no")
        ...     archive.verify()
        ('shard-00001.parquet: cannot be read as Parquet; it is damaged.',)
        """
        faults: list[str] = []
        seen: dict[str, str] = {}
        for shard in range(self.plan.n_shards):
            name, expected = self.plan.name(shard), self.plan.count(shard)
            try:
                with _opened(self._path(shard)) as file:
                    table = file.read()
                found = shards.decode(table, check=True).hashes
            except ReadError as error:
                faults.append(str(error) if name in str(error) else f"{name}: {error}")
                continue
            if len(found) != expected:
                faults.append(f"{name}: {len(found)} records instead of {expected}.")
            for row, value in enumerate(found):
                place = f"{name}, record {row}"
                if seen.setdefault(value, place) != place:
                    faults.append(f"{place}: the same as {seen[value]}.")
        ours = {self.plan.name(shard) for shard in range(self.plan.n_shards)}
        strange = sorted(p.name for p in self.folder.glob("*.parquet") if p.name not in ours)
        return (*faults, *(f"{name}: does not belong to this archive." for name in strange))

    @property
    def sha256(self) -> str:
        """One hash of all records, from the hashes written with them: to cite, and to compare."""
        total = hashlib.sha256()
        for table in self._tables(4096, ["sha256"]):
            for value in table.column("sha256").to_pylist():
                total.update(bytes.fromhex(value))
        return total.hexdigest()

    def to_wfdb(self, folder: str | os.PathLike[str]) -> None:
        """Write every record in WFDB form (16 bits, 1000 counts a mV, beats as ``atr``), and RECORDS.

        Parameters
        ----------
        folder : to write into; records are called 0000000, 0000001, ...

        Raises
        ------
        WriteError, ReadError
            If it cannot be written, or a shard is damaged.
        """
        home = Path(folder)
        names = [f"{k:07d}" for k in range(len(self))]
        waiting = iter(names)
        for batch in self.batches():
            for k in range(len(batch)):
                dsp.write(batch.record(k), home / next(waiting))
        write_bytes(home / "RECORDS", "".join(f"{name}\n" for name in names).encode())


def require_pyarrow() -> None:
    """Refuse to go on without pyarrow.

    Raises
    ------
    ReadError
        Saying how to get it.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise ReadError('archives need pyarrow: pip install "einthoven[scale]".')


def rows_of(path: Path) -> int:
    """Records of a shard by its footer; -1 if there is no sound one."""
    import pyarrow
    import pyarrow.parquet

    try:
        return int(pyarrow.parquet.read_metadata(path).num_rows)
    except (OSError, pyarrow.ArrowException):
        return -1


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A shard's file; whatever Parquet finds wrong with it, now or later, is a `ReadError`."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except (OSError, pyarrow.ArrowException):
        raise ReadError(f"{path.name}: cannot be read as Parquet; it is damaged.") from None
