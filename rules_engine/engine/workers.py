"""Work on several processors: forks of this process that write into shared arrays.

Threads would share one interpreter's lock, and handing that over between operations of ten microseconds costs more than
a second thread gives. A fork shares everything that is read, and costs a few milliseconds whatever that is.
"""

from __future__ import annotations

import mmap
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, BinaryIO, Final, TypeVar

import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")

FORKS: Final = sys.platform.startswith("linux")
"""Elsewhere a fork does not exist, or is not safe beside the system's libraries: one process does everything there."""

NEIGHBOURS: Final = 65_536
"""Bytes whose pages Linux maps together where one of them is read."""


def shared_array(size: int, kind: type[np.generic] = np.float64) -> Any:
    """An array that forks of this process write to as well, with whatever is in it."""
    bytes_ = size * np.dtype(kind).itemsize
    return np.frombuffer(mmap.mmap(-1, max(bytes_, 1)), kind, size)


def is_shared(array: Any) -> bool:
    """Whether `shared_array` made it."""
    return isinstance(getattr(array.base, "obj", array.base), mmap.mmap)


def touch(array: Any) -> None:
    """Maps an array's pages into this process, many at a time; a fork's first writes would do it one by one."""
    array[:: NEIGHBOURS // array.itemsize].max(initial=0)


def on_workers(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, written: Sequence[Any] = ()
) -> list[Result]:
    """What a function gives for every item, in their order; each worker takes items that stand together.

    What it writes must be in shared arrays, in a place of the item's own; then the answer is the same for any number of
    workers. `written` are those arrays that follow the order of the items. What a worker does not finish, whatever
    ended it, is done here.
    """
    workers = max(1, min(workers, len(items))) if FORKS else 1
    cuts = [len(items) * worker // workers for worker in range(workers + 1)]
    shares, forks = [items[start:stop] for start, stop in pairwise(cuts)], []
    try:
        for worker, share in enumerate(shares[1:], 1):
            parts = [each[len(each) * worker // workers : len(each) * (worker + 1) // workers] for each in written]
            forks.append(_fork(function, share, parts))
        results = [function(item) for item in shares[0]]
        for share, (_, answers) in zip(shares[1:], forks, strict=True):
            found = answers_in(answers)
            results += [function(item) for item in share] if found is None else found
    finally:
        for _, answers in forks:
            answers.close()  # all of them first: whoever still writes ends only when nobody can read it
        for process, _ in forks:
            with suppress(ChildProcessError):  # a host may have asked the system to forget processes that ended
                os.waitpid(process, 0)
    return results


def _fork(function: Callable[[Item], Result], items: Sequence[Item], written: Sequence[Any]) -> tuple[int, BinaryIO]:
    """A worker at these items: its process, and where its answers will be read.

    A fork leaves by `_exit` alone: nothing of what this process has open is its own to finish.
    """
    reading, writing = os.pipe()
    process = os.fork() or os._exit(answered(function, items, written, reading, writing))
    os.close(writing)
    return process, os.fdopen(reading, "rb")


def answered(
    function: Callable[[Item], Result], items: Sequence[Item], written: Sequence[Any], reading: int, writing: int
) -> int:
    """What a worker does: it writes its answers into a pipe. Gives 0, or 1 if it could not."""
    try:
        os.close(reading)
        with os.fdopen(writing, "wb") as answers:
            for array in written:
                touch(array)
            pickle.dump([function(item) for item in items], answers, pickle.HIGHEST_PROTOCOL)
    except BaseException:  # the process that wants the answers will raise it itself
        return 1
    return 0


def answers_in(answers: BinaryIO) -> list[Any] | None:
    """What a worker wrote; None where it did not finish."""
    try:
        found: list[Any] = pickle.load(answers)
    except (EOFError, pickle.UnpicklingError):
        return None
    return found
