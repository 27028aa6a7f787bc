"""Plan: which records each shard of an archive holds, and which source and seed they come from."""

import dataclasses
import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from dsp.errors import ReadError, WriteError
from dsp.storage import write_json

FORMAT: Final = "einthoven archive 1"
MANIFEST: Final = "archive.json"

Source = Callable[..., Any]
"""``source(n, seed=...)`` -> an object with `signal`, `fs`, `labels` and, if it has them, `r_peaks`,
`symbols`, `parameters`, as `ecgsynth.simulate` returns it; or an object whose `generate` is that."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What an archive is to hold.

    Attributes
    ----------
    n : records. size : records a shard; the last may have fewer. seed : of all of it.
    source : what makes the records, in words, so that nobody continues it with another.

    Examples
    --------
    >>> plan = Plan(1000, 256, 0, "ecgsynth.simulate")
    >>> plan.n_shards, plan.count(3), plan.name(3)
    (4, 232, 'shard-00003.parquet')
    """

    n: int
    size: int
    seed: int
    source: str

    @property
    def n_shards(self) -> int:
        """How many shards there are."""
        return -(-self.n // self.size)

    def count(self, shard: int) -> int:
        """Records of a shard."""
        return min(self.size, self.n - shard * self.size)

    def name(self, shard: int) -> str:
        """File name of a shard."""
        return f"shard-{shard:05d}.parquet"

    def shard_seed(self, shard: int) -> int:
        """The seed of a shard: of the archive's seed and the shard's number, and of nothing else.

        Examples
        --------
        >>> plan = Plan(1000, 256, 0, "")
        >>> plan.shard_seed(1) == Plan(90, 9, 0, "").shard_seed(1) != plan.shard_seed(2)
        True
        """
        state = np.random.SeedSequence((self.seed, shard)).generate_state(1, np.uint64)
        return int(state[0] >> np.uint64(1))  # 63 bits: every generator takes it

    def settle(self, folder: Path) -> None:
        """Write the plan into a folder, or hold it against the one that is there.

        Raises
        ------
        WriteError
            If the folder is that of another archive, or cannot be written.
        """
        path = folder / MANIFEST
        if not path.exists():
            write_json(path, {"format": FORMAT, **dataclasses.asdict(self)})
            return
        there = Plan.of(folder)
        for field in dataclasses.fields(self):
            old, new = getattr(there, field.name), getattr(self, field.name)
            if old != new:
                raise WriteError(
                    f"{folder} is an archive with {field.name} {old}, and {new} is asked for; "
                    "continue it with what it was begun with, or choose another folder."
                )

    @classmethod
    def of(cls, folder: Path) -> "Plan":
        """The plan of an archive.

        Raises
        ------
        ReadError
            If the folder holds none, or one of another kind.
        """
        path = folder / MANIFEST
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if found.pop("format") != FORMAT:
                raise ReadError(f"{path}: the format is not {FORMAT!r}.")
            plan = cls(**found)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, ReadError):
                raise
            raise ReadError(
                f"{folder} is no archive: {MANIFEST} cannot be used ({error}); "
                "make one with ecgsynth.write_archive(folder, n)."
            ) from None
        whole = all(isinstance(v, int) for v in (plan.n, plan.size, plan.seed))
        if not whole or plan.n < 1 or plan.size < 1:
            raise ReadError(f"{path}: n and size must be whole numbers of 1 or more.")
        return plan


def describe(source: Any) -> str:
    """A source in words: the name of the function with what was fixed, or the class with its settings.

    Examples
    --------
    >>> describe(functools.partial(json.dumps, indent=2))
    'json.dumps(indent=2)'
    """
    if isinstance(source, functools.partial):
        fixed = [repr(value) for value in source.args]
        fixed += [f"{name}={value!r}" for name, value in sorted(source.keywords.items())]
        text = f"{describe(source.func)}({', '.join(fixed)})"
    elif hasattr(source, "__qualname__"):
        text = f"{source.__module__}.{source.__qualname__}"
    else:
        kind = type(source)
        settings = getattr(source, "config", None)
        said = json.dumps(dict(settings), sort_keys=True, default=str) if settings else ""
        text = f"{kind.__module__}.{kind.__qualname__}({said})"
    # An address in memory differs from run to run.
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
