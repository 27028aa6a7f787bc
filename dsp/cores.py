"""Cores: independent pieces of work, a thread a core."""

from __future__ import annotations

import concurrent.futures
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def count() -> int:
    """How many threads to use: torch's number if it is loaded, else the cores of this process.

    Examples
    --------
    >>> count() >= 1
    True
    """
    torch: Any = sys.modules.get("torch")
    return len(os.sched_getaffinity(0)) if torch is None else int(torch.get_num_threads())


def each(task: Callable[[Item], Made], items: Sequence[Item]) -> list[Made]:
    """The task of each item, in the order of the items; within a thread torch and BLAS use no others.

    Pieces that fit a core's cache beat threads inside of every operation, and what holds no lock
    (NumPy, SciPy, torch) goes on side by side; threads of BLAS inside of threads would fight for the
    same cores.

    Examples
    --------
    >>> each(lambda k: k * k, [1, 2, 3])
    [1, 4, 9]
    """
    threads = min(count(), len(items))
    if threads < 2:
        return [task(item) for item in items]
    from threadpoolctl import threadpool_limits

    torch: Any = sys.modules.get("torch")
    with threadpool_limits(1, user_api="blas"):
        if torch is None:
            with concurrent.futures.ThreadPoolExecutor(threads) as pool:
                return list(pool.map(task, items))
        before = torch.get_num_threads()
        try:
            with concurrent.futures.ThreadPoolExecutor(
                threads, initializer=torch.set_num_threads, initargs=(1,)
            ) as pool:
                return list(pool.map(task, items))
        finally:
            # A thread's number is its own, but threads that are started later would begin with it.
            torch.set_num_threads(before)
