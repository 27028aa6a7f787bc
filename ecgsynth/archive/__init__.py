"""Archive: simulated records by the hundred thousand on disk, the same bytes however they were made."""

from ecgsynth.archive.reading import Archive
from ecgsynth.archive.shards import Records
from ecgsynth.archive.writing import write_archive

__all__ = ["Archive", "Records", "write_archive"]
