"""Work on several processes: the answer is that of one, whatever becomes of the others."""

from __future__ import annotations

import io
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from rules_engine.engine import workers
from rules_engine.engine.workers import answered, answers_in, is_shared, on_workers, shared_array, touch

HERE = os.getpid()
LARGE = b"x" * 300_000
"""More than a pipe holds, so that who writes it waits until somebody reads."""


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """After every test, whatever happened in it, this process has no child."""
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("asked", [-1, 0, 1, 2, 3, 8])
@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_workers__give_every_answer_in_order(asked: int, size: int) -> None:
    """However many there are, and however many items."""
    assert on_workers(lambda item: item * item, range(size), asked) == [item * item for item in range(size)]


def test_workers__are_processes_that_each_take_items_side_by_side() -> None:
    """This process takes the first; no more work than there are items."""
    first, second, third = on_workers(lambda item: (item, os.getpid()), range(5), 2)[:3]
    assert (first[1], second[1]) == (HERE, HERE)
    assert third[1] != HERE
    assert len({process for _, process in on_workers(lambda item: (item, os.getpid()), range(3), 9)}) == 3


def test_workers__are_this_process_where_forks_are_not_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    """It then does everything."""
    monkeypatch.setattr(workers, "FORKS", False)
    assert on_workers(lambda item: os.getpid(), range(4), 4) == [HERE] * 4


def test_workers__write_into_shared_arrays() -> None:
    """Every item in a place of its own; the parts that follow the items' order are mapped before."""
    out, codes = shared_array(40_000), shared_array(40_000, np.uint8)
    out[:], codes[:] = -1.0, 9

    def work(part: int) -> None:
        rows = slice(part * 10_000, (part + 1) * 10_000)
        out[rows], codes[rows] = part, part

    on_workers(work, range(4), 3, [out, codes])
    assert out.tolist() == np.repeat([0.0, 1.0, 2.0, 3.0], 10_000).tolist()
    assert codes.tolist() == np.repeat([0, 1, 2, 3], 10_000).tolist()


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
def test_workers__that_end_lose_nothing(end: str, places: set[int]) -> None:
    """This process does what they did not finish, and what they wrote before is as it should be."""
    out = shared_array(6)

    def work(item: int) -> Any:
        out[item] = item * 2
        if item in places and os.getpid() != HERE:
            return ENDS[end]()
        return item * 3

    assert on_workers(work, range(6), 3) == [0, 3, 6, 9, 12, 15]
    assert out.tolist() == [0, 2, 4, 6, 8, 10]


class Mine(Exception):
    """One that can be told from all others, and cannot be sent between processes."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("asked", [1, 3])
def test_workers__raise_what_the_function_raises(place: int, asked: int) -> None:
    """Here, whichever of them it was; the others have large answers that nobody will read."""

    def work(item: int) -> bytes:
        if item == place:
            raise Mine(item, item)
        return LARGE

    with pytest.raises(Mine, match=f"{place} and {place}"):
        on_workers(work, range(6), asked)


def test_workers__of_a_host_that_does_not_wait_for_its_children() -> None:
    """The system forgets processes that ended; their answers stand."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert on_workers(lambda item: item + 1, range(4), 3) == [1, 2, 3, 4]
    finally:
        signal.signal(signal.SIGCHLD, before)


def told(function: Callable[[int], Any]) -> tuple[int, Any]:
    """What a worker does, done here: how it ends, and what can be read of it."""
    (reading, writing), (spare, unread) = os.pipe(), os.pipe()
    os.close(unread)
    array = np.array([1.0, np.nan])
    status = answered(function, range(3), [array], spare, writing)
    assert np.array_equal(array, [1.0, np.nan], equal_nan=True)
    with os.fdopen(reading, "rb") as answers:
        return status, answers_in(answers)


def test_worker__writes_its_answers_and_ends_well() -> None:
    """In the order of its items."""
    assert told(lambda item: (item, "x")) == (0, [(0, "x"), (1, "x"), (2, "x")])


@pytest.mark.parametrize("end", ["failed", "interrupted", "an answer that cannot be written"])
def test_worker__that_cannot_answer_says_so(end: str) -> None:
    """It raises nothing, as it would run on in the code of the process that it is a fork of."""
    assert told(lambda item: ENDS[end]() if item else 0) == (1, None)


def test_answers__that_are_not_whole_are_none() -> None:
    """Cut anywhere, they are told from whole ones."""
    whole = pickle.dumps([(0.5, "why", np.arange(3)), None], pickle.HIGHEST_PROTOCOL)
    assert answers_in(io.BytesIO(whole)) is not None
    assert [answers_in(io.BytesIO(whole[:length])) for length in range(len(whole))] == [None] * len(whole)


@pytest.mark.parametrize("size", [0, 1, 70_000])
@pytest.mark.parametrize("kind", [np.float64, np.uint8])
def test_shared_array__can_be_told_from_others(size: int, kind: type[np.generic]) -> None:
    """It is of its size and kind; copies are this process's own."""
    array = shared_array(size, kind)
    assert (len(array), array.dtype, is_shared(array), is_shared(array.copy())) == (size, kind, True, False)
    assert not is_shared(np.empty(size, kind))
    assert not is_shared(np.empty((2, size), kind)[0])
    touch(array)
    assert not array.any()
