"""Sweeps by several workers: the same answer, bit for bit, whatever becomes of them."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.engine import book_groups, sweep_settle
from rules_engine.engine import sweep as sweep_module
from rules_engine.engine.sweep import Sweep
from rules_engine.engine.workers import is_shared
from rules_engine.plugin import Requirement, tiered_requirement
from tests.builders import account, market, position
from tests.engine.strangers import Strange, Supplies, engine_with
from tests.engine.sweep_books import BUFFERED, MARKS, book_with, fine_engine, random_accounts

HERE = os.getpid()


@pytest.fixture(autouse=True)
def _small_books_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few rows, pools and groups, and forks for any number of them."""
    monkeypatch.setattr(sweep_module, "FEWEST", 0)
    for module, name, size in ((book_groups, "CHUNK", 8), (sweep_settle, "CHUNK", 8), (sweep_settle, "PART", 16)):
        monkeypatch.setattr(module, name, size)


def answer(sweep: Sweep) -> tuple[Any, ...]:
    """All that it says, and why of which rows exact numbers were asked."""
    return [each.tobytes() for each in sweep.columns.arrays()], sweep.exactly, sweep.rows_exact


@pytest.mark.parametrize("modes", [("isolated",), ("cross",), ("hybrid",), ("isolated", "cross", "hybrid")])
@pytest.mark.parametrize("priced", [False, True])
@pytest.mark.parametrize("sections", [{}, BUFFERED], ids=["plain", "measures missing"])
def test_workers__give_the_same_answer_bit_for_bit(
    modes: tuple[str, ...], priced: bool, sections: dict[str, str]
) -> None:
    """One, two and three of them, of rows and pools in many chunks, jumping tables and missing marks among them."""
    marks = {**MARKS, "instruments": {**MARKS["instruments"], "QUANTO": {}}}
    engine, held = fine_engine(**sections), book_with(random_accounts(9, 90, modes, jumps=True))
    one, two, three = (engine.sweep(held, marks, prices=priced, workers=workers) for workers in (1, 2, 3))
    assert answer(one) == answer(two) == answer(three)
    assert [all(map(is_shared, each.columns.arrays())) for each in (one, two, three)] == [False, True, True]


def test_workers__are_let_go_where_this_process_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it fails with is what is raised; the next sweep is as if nothing had been."""

    def fails(*_: object) -> None:
        raise RuntimeError("no memory, say")

    engine, held = fine_engine(), book_with(random_accounts(2, 40))
    with monkeypatch.context() as patched:
        patched.setattr(sweep_module.Sweeper, "_decide_rows", fails)
        with pytest.raises(RuntimeError, match="no memory"):
            engine.sweep(held, MARKS, workers=2)
    assert answer(engine.sweep(held, MARKS, workers=2)) == answer(engine.sweep(held, MARKS))


def test_workers__do_not_write_to_arrays_of_their_own() -> None:
    """What one worker's sweep left is not shared, and stays as it is; what several left serves any number of them."""
    engine, held = fine_engine(), book_with(random_accounts(2, 40))
    one = engine.sweep(held, MARKS)
    before = answer(one)
    two = engine.sweep(held, market("70"), one, workers=2)
    assert two.columns.equity is not one.columns.equity
    assert answer(one) == before
    three = engine.sweep(held, MARKS, two, workers=3)
    assert (three.columns, answer(three)) == (two.columns, before)
    assert engine.sweep(held, MARKS, three).columns is three.columns


@pytest.mark.parametrize("modes", [("isolated", "hybrid"), ("cross", "hybrid")])
def test_workers__of_an_earlier_sweep_follow_every_market(modes: tuple[str, ...]) -> None:
    """The same processes, for the same book: in markets old and new, one of them without a mark."""
    engine, held = fine_engine(), book_with(random_accounts(5, 60, modes))
    gone = {**MARKS, "instruments": {**MARKS["instruments"], "QUANTO": {}}}
    sweep = first = engine.sweep(held, MARKS, workers=3)
    for here in (MARKS, gone, MARKS, gone):
        at = engine.at(here)
        for _ in range(2):
            sweep = at.sweep(held, sweep, workers=3)
            assert sweep.crew is first.crew
            assert answer(sweep) == answer(engine.sweep(held, here))


def test_workers__of_another_book_or_policy_are_let_go() -> None:
    """New ones come in their place, for the same arrays; what one process sweeps there goes on without them."""
    engine, books = fine_engine(), [book_with(random_accounts(seed, 30)) for seed in (1, 1)]
    first = engine.sweep(books[0], MARKS, workers=2)
    second = engine.sweep(books[1], MARKS, first, workers=2)
    third = fine_engine(**BUFFERED).sweep(books[1], MARKS, second, workers=2)
    assert first.columns is second.columns is third.columns
    assert len({id(one.crew) for one in (first, second, third)}) == 3
    assert answer(third) == answer(fine_engine(**BUFFERED).sweep(books[1], MARKS))


def test_workers__that_were_killed_between_two_sweeps_lose_nothing() -> None:
    """This process does everything, and the next sweep has new workers."""
    engine, held = fine_engine(), book_with(random_accounts(5, 60))
    first = engine.sweep(held, MARKS, workers=3)
    assert first.crew is not None
    os.kill(first.crew.processes[1], signal.SIGKILL)
    second = engine.sweep(held, market("70"), first, workers=3)
    assert second.crew is None
    assert answer(second) == answer(engine.sweep(held, market("70")))
    third = engine.sweep(held, MARKS, second, workers=3)
    assert third.crew is not None
    assert third.columns is first.columns
    assert answer(third) == answer(engine.sweep(held, MARKS))


def test_workers__that_are_killed_lose_nothing() -> None:
    """Rows of a stranger's mode that ends every process but this one are decided here."""

    def deadly(num: Any, exposure: Any) -> Requirement:
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return tiered_requirement(num, exposure)

    def swept(mode: Strange, workers: int) -> tuple[Any, ...]:
        engine: Engine = engine_with(Supplies(mode))
        return answer(engine.sweep(held, market(), workers=workers))

    rows = [(n, str(n % 7 + 1)) for n in range(60)]
    held = book_with(
        [account(position(size, mode="strange"), account=f"A{n}", collateral={"USDT": size}) for n, size in rows]
    )
    assert swept(Strange(deadly), 3) == swept(Strange(deadly), 1) == swept(Strange(tiered_requirement), 1)


def test_few_rows__are_no_matter_for_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork costs more than they do: the arrays are this process's own."""
    monkeypatch.setattr(sweep_module, "FEWEST", 200_000)
    sweep = fine_engine().sweep(book_with(random_accounts(2, 3)), MARKS, workers=3)
    assert sweep.crew is None
    assert not is_shared(sweep.columns.equity)
