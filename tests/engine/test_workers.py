"""Workers that follow in step: what all of them do is what one does, and whoever is lost is told of."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from rules_engine.engine.workers import Arena, Crew, CrewLost, is_shared, shared_array

HERE = os.getpid()
LARGE = b"x" * 300_000
"""More than a pipe holds, so that who writes it waits until somebody reads."""


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """After every test, whatever happened in it, this process has no child once its crews are forgotten."""
    yield
    gc.collect()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def followed(workers: int, follow: Callable[[Crew, Any], Any], task: Any = None) -> Any:
    """What this process gets where all of so many workers do the same."""
    crew = Crew(workers, follow)
    crew.begin(task)
    return follow(crew, task)


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_workers__give_every_answer_in_order(workers: int, size: int) -> None:
    """However many there are, and however many items; large ones too."""
    squares = followed(workers, lambda crew, _: crew.each(lambda item: (item * item, LARGE), range(size)))
    assert squares == [(item * item, LARGE) for item in range(size)]


def test_workers__are_processes_that_each_take_items_side_by_side() -> None:
    """This process takes the first."""
    found = followed(3, lambda crew, _: crew.each(lambda item: os.getpid(), range(6)))
    assert found[0] == found[1] == HERE
    assert found[2] == found[3] != found[4] == found[5]
    assert len(set(found)) == 3


def test_workers__know_what_all_of_them_found() -> None:
    """Each goes on from the answers of all, step after step and task after task, and in their order."""

    def follow(crew: Crew, task: int) -> list[int]:
        first = crew.each(lambda item: item + task, range(7))
        return crew.each(lambda item: sum(first[: item + 1]), range(7))

    crew, four = Crew(3, follow, task=4), [4, 9, 15, 22, 30, 39, 49]
    for task, wanted in ((4, four), (4, four), (0, [0, 1, 3, 6, 10, 15, 21]), (4, four)):
        crew.begin(task)
        assert follow(crew, task) == wanted


def test_workers__write_into_arrays_that_all_of_them_take_in_one_order() -> None:
    """Every item in a place of its own; what was made before the crew is shared too. The next task finds them again."""
    out = shared_array(40_000)

    def follow(crew: Crew, task: float) -> Any:
        codes, sums = crew.arena.array(40_000, np.uint8), crew.arena.array(4)

        def work(part: int) -> None:
            rows = slice(part * 10_000, (part + 1) * 10_000)
            out[rows], codes[rows] = part, part + 1

        crew.each(work, range(4))

        def add(part: int) -> None:
            sums[part] = out.sum() + codes.sum()

        crew.each(add, range(4))
        return codes, sums

    crew = Crew(3, follow)
    crew.begin(1.0)
    codes, sums = follow(crew, 1.0)
    assert out.tolist() == np.repeat([0.0, 1.0, 2.0, 3.0], 10_000).tolist()
    assert codes.tolist() == np.repeat([1, 2, 3, 4], 10_000).tolist()
    assert sums.tolist() == [160_000.0] * 4
    crew.begin(2.0)
    assert follow(crew, 2.0)[1] is sums


def test_arena__gives_arrays_apart_from_one_another() -> None:
    """The same again from the beginning, others where sizes or kinds differ, none of them in another's place."""
    arena = Arena()
    first = [arena.array(5_000), arena.array(0), arena.array(7, np.uint8)]
    arena.begin()
    assert arena.array(5_000) is first[0]
    assert arena.array(0) is first[1]
    other = arena.array(8, np.uint8)
    first[0][:], first[2][:], other[:] = 1.0, 2, 3
    assert (first[0].sum(), first[2].sum(), other.sum()) == (5_000.0, 14, 24)


class Deadly:
    """An answer that ends its process while it is written, behind a large one."""

    def __reduce__(self) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def _interrupted() -> None:
    raise KeyboardInterrupt


ENDS: dict[str, Callable[[], Any]] = {
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "left": lambda: os._exit(0),
    "failed": lambda: 1 // 0,
    "interrupted": _interrupted,
    "killed while it answers": lambda: (LARGE, Deadly()),
    "an answer that cannot be written": lambda: lambda: None,
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("places", [{2}, {5}, {2, 3, 4, 5}])
def test_workers__that_end_are_told_of(end: str, places: set[int]) -> None:
    """At once, whatever ended them."""

    def work(item: int) -> Any:
        return ENDS[end]() if item in places and os.getpid() != HERE else LARGE

    with pytest.raises(CrewLost):
        followed(3, lambda crew, _: crew.each(work, range(6)))


def test_workers__out_of_step_are_told_of() -> None:
    """One that has other work than the rest would mix its answers with theirs."""
    with pytest.raises(CrewLost):
        followed(2, lambda crew, _: crew.each(str, range(4 + crew.number)))


class Mine(Exception):
    """One that can be told from all others."""


def test_workers__raise_what_the_function_raises_here() -> None:
    """The others have large answers that nobody will read, and end all the same."""

    def work(item: int) -> bytes:
        if item == 0:
            raise Mine
        return LARGE

    with pytest.raises(Mine):
        followed(3, lambda crew, _: crew.each(work, range(6)))


def test_workers__of_a_host_that_does_not_wait_for_its_children() -> None:
    """The system forgets processes that ended; their answers stand."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert followed(3, lambda crew, _: crew.each(lambda item: item + 1, range(4))) == [1, 2, 3, 4]
        gc.collect()
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_workers__serve_those_whom_they_know_until_they_are_let_go() -> None:
    """What they know are objects, not what is equal to them."""
    known, equal = [LARGE, []], [LARGE, []]
    crew = Crew(2, lambda crew, _: crew.each(str, range(2)), known)
    assert crew.serves(known, 2)
    assert not crew.serves(equal, 2)
    assert not crew.serves(known, 3)
    crew.end()
    assert not crew.serves(known, 2)
    with pytest.raises(CrewLost):
        crew.begin(1)


def test_workers__stay_where_they_are() -> None:
    """What has workers can be sent elsewhere, and has none there."""
    crew = Crew(2, lambda crew, _: None)
    assert pickle.loads(pickle.dumps([crew])) == [None]


def test_workers__are_no_business_of_other_forks() -> None:
    """A fork that a host makes for itself, and that ends in the usual way, leaves them at work."""

    def follow(crew: Crew, _: Any) -> list[int]:
        return crew.each(lambda item: item, range(4))

    crew = Crew(2, follow)
    process = os.fork()
    if not process:
        try:
            status = int(crew.serves((), 2))
            crew.end()
        finally:
            os._exit(status)
    assert os.waitpid(process, 0)[1] == 0
    crew.begin(1)
    assert follow(crew, 1) == [0, 1, 2, 3]


def test_workers__end_with_the_process_that_made_them() -> None:
    """Even where it is killed and a fork of it lives on that has the line open too."""
    program = """
import os, signal, time
from rules_engine.engine import workers
workers.PATIENCE = 0.1
crew = workers.Crew(2, lambda crew, _: None)
print(crew.processes[0], flush=True)
if os.fork():
    os.kill(os.getpid(), signal.SIGKILL)
os.close(1)
time.sleep(2)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        worker = int(run.stdout.readline())
        run.wait()
    for _ in range(40):
        if not _runs(worker):
            return
        time.sleep(0.1)
    raise AssertionError(worker)


def _runs(process: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("size", [0, 1, 70_000])
@pytest.mark.parametrize("kind", [np.float64, np.uint8])
def test_shared_array__can_be_told_from_others(size: int, kind: type[np.generic]) -> None:
    """It is of its size and kind; copies are this process's own."""
    array = shared_array(size, kind)
    assert (len(array), array.dtype, is_shared(array), is_shared(array.copy())) == (size, kind, True, False)
    assert not is_shared(np.empty(size, kind))
    assert not is_shared(np.empty((2, size), kind)[0])
    assert not array.any()
