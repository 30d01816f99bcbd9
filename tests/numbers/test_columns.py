"""Columns that are worked out when they are first read, in arrays that are used again."""

from __future__ import annotations

import gc
from collections.abc import Callable
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.formulas.requirement import tiered_requirement, unrealized_pnl
from rules_engine.numbers.bounded import BoundedNumbers
from rules_engine.numbers.column_numbers import ColumnNumbers
from rules_engine.numbers.columns import FALLING, RISING, Column, Floats, NotColumns, Scratch
from rules_engine.numbers.exact import ONE, ZERO, Ratio
from rules_engine.numbers.system import Number
from tests.formulas.examples import exposure_of
from tests.numbers.column_programs import PROGRAMS, ROWS, Action, Run, inputs
from tests.numbers.strategies import cases

SYSTEMS = pytest.mark.parametrize("system", [ColumnNumbers, BoundedNumbers])


@SYSTEMS
@cases(500)
@given(given_inputs=st.lists(inputs(), min_size=2, max_size=2), program=PROGRAMS)
def test_columns__say_what_they_would_if_worked_out_at_once(
    system: type[ColumnNumbers], given_inputs: list[tuple[Floats, int]], program: list[Action]
) -> None:
    """Whatever is read, written and dropped in between: no array serves two columns that are both still in use."""
    scratch = Scratch(ROWS, ROWS + 2)
    run = Run(system(scratch), given_inputs)
    for action in program:
        run.do(action)
        run.check()
    for column, truth in zip(run.columns, run.truths, strict=True):
        assert np.broadcast_to(column.values, ROWS).tolist() == truth.tolist()
    run.columns.clear()
    run.num = system(scratch)
    assert len({id(array) for array in scratch.free}) == len(scratch.free)
    assert {array.shape for array in scratch.free} <= {(ROWS + 2,)}


def counted(scratch: Scratch, times: list[int]) -> Column:
    """A column of ones, threes and so on that takes down when it is worked out."""

    def work(out: Floats) -> None:
        times.append(len(out))
        out[:] = np.arange(len(out)) * 2 + 1

    return Column(None, scratch, 0, work)


def test_column__is_worked_out_once_when_it_is_first_read() -> None:
    """Not when it is made; however many read it."""
    times: list[int] = []
    x = counted(Scratch(3), times)
    doubled, squared = x + x, x * x
    assert times == []
    assert (doubled.values.tolist(), squared.values.tolist(), x.values.tolist()) == ([2, 6, 10], [1, 9, 25], [1, 3, 5])
    assert times == [3]


def test_column__is_worked_out_where_it_is_written_first() -> None:
    """That place is its array from then on, and no scratch is taken; a second one gets a copy."""
    scratch, times, first, second = Scratch(3), list[int](), np.zeros(3), np.zeros(3)
    x = counted(scratch, times)
    x.write(first)
    assert x.values is first
    x.write(second)
    assert (first.tolist(), second.tolist(), times, scratch.free) == ([1, 3, 5], [1, 3, 5], [3], [])


def test_column__of_one_number_is_written_to_every_row() -> None:
    """A number for all rows needs no scratch."""
    out = np.zeros(3)
    Column(2.5).write(out)
    assert out.tolist() == [2.5, 2.5, 2.5]


@SYSTEMS
def test_scratch__does_not_grow_over_chunks(system: type[ColumnNumbers]) -> None:
    """Every chunk of a group after the first finds its arrays there, shorter ones too; none is left behind."""
    scratch, sizes = Scratch(0, 50), []
    for length in (50, 50, 49, 50, 7, 50):
        scratch.length = length
        num, out = system(scratch), np.empty(length)
        quantity = num.column(np.linspace(-90.0, 100.0, length), -90.0, 100.0, 1e-14, RISING)
        leverage = num.column(np.full(length, 5.0), 5.0, 5.0, 0.0)
        columns = {"quantity": quantity, "side": num.sign(quantity), "leverage": leverage}
        exposure = msgspec.structs.replace(exposure_of("1"), **columns)
        answer = tiered_requirement(num, exposure)
        for figure in (answer.initial, answer.maintenance, unrealized_pnl(num, exposure)):
            num.constant(figure).write(out)
        del num, quantity, leverage, columns, exposure, answer, figure
        sizes.append(len(scratch.free))
    assert sizes[0] > 0
    assert set(sizes) == {sizes[0]}


@SYSTEMS
def test_scratch__gets_an_array_back_the_moment_nobody_wants_it(system: type[ColumnNumbers]) -> None:
    """Columns stand in no circle of references: no collector is needed to find them."""
    gc.disable()
    try:
        scratch = Scratch(4)
        num = system(scratch)
        x = num.column(np.arange(4.0), 0.0, 3.0, 0.0, RISING)
        y = num.step(num.absolute(x * 2 - 1), (ZERO, Decimal(2)), (ZERO, ONE)) + 1
        lent = y.values.base
        assert lent.tolist() == [1, 1, 2, 2]
        assert all(array is not lent for array in scratch.free)
        del num, x, y
        assert any(array is lent for array in scratch.free)
    finally:
        gc.enable()


def plain(*rows: float, order: int = 0) -> tuple[ColumnNumbers, Column]:
    """Rows without bounds."""
    num = ColumnNumbers(Scratch(len(rows)))
    return num, num.column(np.array(rows), min(rows), max(rows), 0.0, order)


def test_plain_columns__next_to_numbers() -> None:
    """A number for all rows is worked out at once, by every verb; adding nothing, or times one, changes nothing."""
    num, x = plain(-2.0, 1.0)
    three = num.constant(Decimal(3))
    assert all(one is x for one in (x + ZERO, x - ZERO, x * ONE))
    found = {
        "absolute": num.absolute(-three),
        "sign": num.sign(three) - num.sign(-three),
        "envelope": num.envelope(three, (ZERO, ONE), ((ONE, ZERO), (Decimal(2), ONE))),
        "step": num.step(three, (ZERO, Decimal(3)), (ZERO, Decimal(7))),
        "third": num.quotient(ONE, three),
        "fraction": num.constant(Ratio(ONE, Decimal(3))),
        "difference": 1 - three,
    }
    assert all(one.scratch is None for one in found.values())
    assert {name: one.values for name, one in found.items()} == {
        "absolute": 3.0,
        "sign": 2.0,
        "envelope": 5.0,
        "step": 7.0,
        "third": 1 / 3,
        "fraction": 1 / 3,
        "difference": -2.0,
    }


@pytest.mark.parametrize(("rows", "sign"), [((1.0, 2.0), 1), ((-3.0, -1.0), -1), ((-1.0, 2.0), 0), ((0.0, 1.0), 0)])
def test_plain_columns__have_one_sign_or_none(rows: tuple[float, ...], sign: int) -> None:
    """Zero is on neither side."""
    num, x = plain(*rows)
    assert num.one_sign(x) == sign


def test_plain_columns__keep_the_larger_of_a_column_and_itself() -> None:
    """There is nothing to work out."""
    num, x = plain(1.0, 2.0)
    assert num.maximum(x, x) is x


@pytest.mark.parametrize(("factor", "order"), [("2", RISING), ("-2", FALLING), ("0", RISING)])
def test_order__follows_the_factor(factor: str, order: int) -> None:
    """A rising column times a number rises, or falls where that is below zero; times a column nothing is known."""
    num, x = plain(1.0, 2.0, order=RISING)
    assert (x * Decimal(factor)).order == order
    assert (num.constant(Decimal(factor)) * x).order == order
    assert (x * x).order == 0


REFUSED: dict[str, Callable[[ColumnNumbers, Number], Number]] = {
    "rounds": lambda num, x: num.rounded(x, Decimal("0.01"), "up"),
    "takes a root": lambda num, x: num.square_root(x, Decimal("0.01"), "up"),
    "takes an exponential": lambda num, x: num.exponential(x),
    "takes a logarithm": lambda num, x: num.logarithm(x),
    "takes a normal distribution": lambda num, x: num.normal(x),
    "compares numbers": lambda num, x: x if x == 0 else 0,
    "branches on a number": lambda num, x: 0 if x else 1,
}


@SYSTEMS
@pytest.mark.parametrize("what", REFUSED)
def test_columns__refuse_aloud_what_they_cannot_do(system: type[ColumnNumbers], what: str) -> None:
    """Whatever a formula did is in the reason, which is counted with the rows."""
    num = system(Scratch(2))
    with pytest.raises(NotColumns, match=f"a formula {what}"):
        REFUSED[what](num, num.column(np.ones(2), 1.0, 1.0, 0.0))
