"""Work on several processors: forks of this process that follow the same sweeps in step, and share what they write.

Threads would share one interpreter's lock, and handing that over between operations of ten microseconds costs more than
a second thread gives. A fork shares everything that is read. It stays for later sweeps, as new ones cost milliseconds,
and so does every page that a new one is the first to touch.
"""

from __future__ import annotations

import mmap
import os
import pickle
import socket
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from multiprocessing.connection import Connection, Pipe
from typing import Any, Final, TypeVar

import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")

FORKS: Final = sys.platform.startswith("linux")
"""Elsewhere a fork does not exist, or is not safe beside the system's libraries: one process does everything there."""
ROOM: Final = 1 << 40
"""Bytes of an arena. They cost nothing until they are written to."""
PATIENCE: Final = 5
"""Seconds after which a worker without work looks whether there is still anybody to give it some."""


class CrewLost(Exception):
    """A worker has ended, or is not in step with the others."""


class Arena:
    """Memory of several processes: arrays that all of them take in one order are the same in each."""

    def __init__(self) -> None:
        self._file = os.memfd_create("rules-engine")
        weakref.finalize(self, os.close, self._file)
        os.ftruncate(self._file, ROOM)
        self._made: dict[tuple[int, object], list[Any]] = {}
        self._taken: Counter[tuple[int, object]] = Counter()
        self._start = 0

    def array(self, size: int, kind: type[np.generic] = np.float64) -> Any:
        """The next array of this size and kind, with whatever is in it."""
        made = self._made.setdefault((size, kind), [])
        self._taken[size, kind] += 1
        if self._taken[size, kind] > len(made):
            pages = max(size, 1) * np.dtype(kind).itemsize // mmap.PAGESIZE + 1
            made.append(np.frombuffer(mmap.mmap(self._file, pages * mmap.PAGESIZE, offset=self._start), kind, size))
            self._start += pages * mmap.PAGESIZE
        return made[self._taken[size, kind] - 1]

    def begin(self) -> None:
        """Arrays are taken from the first ones on again."""
        self._taken.clear()


class Crew:
    """Workers: this process, and forks of it that do the same in step, each its share. `number` is 0 in this one.

    They end when they are forgotten. Where one is lost `begin` and `each` raise `CrewLost`.
    """

    def __init__(
        self, workers: int, follow: Callable[[Crew, Any], object], known: Sequence[object] = (), task: object = None
    ) -> None:
        self.workers, self.number, self.arena = workers, 0, Arena()
        self.process, self._known, self._task = os.getpid(), known, task
        self._steps = 0
        self._others: list[Connection] = []
        self.processes: list[int] = []
        for number in range(1, workers):
            ours, theirs = Pipe()
            process = os.fork()
            if not process:  # pragma: no cover - here and below: a fork leaves by `_exit`, and nobody sees its coverage
                self.number, self._others = number, [theirs]
                self._serve(follow)
            theirs.close()  # before the next fork: no other keeps the line of one that has ended
            self._others.append(ours)
            self.processes.append(process)
        self.end = weakref.finalize(self, _end, self.process, self._others, self.processes)

    def serves(self, known: Sequence[object], workers: int) -> bool:
        """Whether they are so many, in this process, and know these very objects."""
        mine = self.workers == workers and self.process == os.getpid() and self.end.alive
        return mine and all(one is other for one, other in zip(self._known, known, strict=True))

    def __reduce__(self) -> Any:
        """They stay with the process that made them: a copy of what has workers has none."""
        return type(None), ()

    def begin(self, task: object) -> None:
        """All of them follow this next; None is told where it is what they had last."""
        self.arena.begin()
        for other in self._others:
            self._told(other.send, None if task is self._task else task)
        self._task = task

    def each(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """What a function gives for every item, in their order; each worker takes items that stand together.

        What it writes must be in arrays of all workers, in a place of the item's own. It is there, and
        every worker has all answers, when this returns.
        """
        self._steps += 1
        cuts = [len(items) * worker // self.workers for worker in range(self.workers + 1)]
        shares = [items[start:stop] for start, stop in pairwise(cuts)]
        mine = [function(item) for item in shares[self.number]]
        if self.number:  # pragma: no cover
            self._others[0].send((self._steps, len(items), mine))
            found: list[list[Result]] = self._heard()
            found.insert(self.number, mine)
        else:
            found = [mine, *(self._answer(other, len(items)) for other in self._others)]
            for number, other in enumerate(self._others, 1):
                self._told(other.send, found[:number] + found[number + 1 :])
        return [result for share in found for result in share]

    def _answer(self, other: Connection, items: int) -> Any:
        steps, size, found = self._told(other.recv)
        if (steps, size) != (self._steps, items):
            raise CrewLost
        return found

    def _told(self, function: Callable[..., Any], *arguments: object) -> Any:
        """What a line gives; a crew that is not whole is lost."""
        try:
            return function(*arguments)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise CrewLost from error

    def _serve(self, follow: Callable[[Crew, Any], object]) -> None:  # pragma: no cover
        """What a fork does, until nobody wants it. It leaves by `_exit`: what is open is not its own to finish."""
        try:
            while True:
                news = self._heard()
                self._task = self._task if news is None else news
                self.arena.begin()
                follow(self, self._task)
        finally:
            os._exit(1)

    def _heard(self) -> Any:  # pragma: no cover
        """What the process that made this one says."""
        (crew,) = self._others
        while not crew.poll(PATIENCE):
            if os.getppid() != self.process:
                os._exit(1)
        return crew.recv()


def _end(process: int, lines: Sequence[Connection], processes: Sequence[int]) -> None:
    """Lets workers go and waits for them; in a fork of the process that made them they are not its own."""
    if os.getpid() != process:  # pragma: no cover
        return
    for line in lines:
        with suppress(OSError), socket.socket(fileno=line.fileno()) as end:
            end.shutdown(socket.SHUT_RDWR)  # whatever else has it open: a fork that the host made, say
            end.detach()
        line.close()
    for worker in processes:
        with suppress(ChildProcessError):  # a host may have asked the system to forget processes that ended
            os.waitpid(worker, 0)


def shared_array(size: int, kind: type[np.generic] = np.float64) -> Any:
    """An array that forks of this process write to as well, with whatever is in it."""
    bytes_ = size * np.dtype(kind).itemsize
    return np.frombuffer(mmap.mmap(-1, max(bytes_, 1)), kind, size)


def is_shared(array: Any) -> bool:
    """Whether `shared_array` made it."""
    return isinstance(getattr(array.base, "obj", array.base), mmap.mmap)
