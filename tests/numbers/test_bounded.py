"""Columns with a proven error: what is claimed of them holds in every row, held against fractions."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given

from rules_engine.numbers.bounded import DOUBTFUL, Bounded, BoundedNumbers, Floats, Scratch, bounded
from rules_engine.numbers.columns import NotColumns
from rules_engine.numbers.exact import ZERO, Exact, Ratio
from rules_engine.numbers.system import Number
from tests.numbers.bounded_trials import (
    CONSTANTS,
    FLOORS,
    INFINITE,
    LARGEST,
    RATES,
    ROWS,
    TABLES,
    Column,
    Recipe,
    Table,
    Trial,
    columns,
    recipes,
    table,
    tier,
)
from tests.numbers.strategies import cases, fraction

ONES = Column((1.0,) * ROWS, (Fraction(1),) * ROWS, 0.0, 1)
BESIDE_ONE = Column((1.0,) * ROWS, (1 + Fraction(1, 2**60),) * ROWS, 2.0**-60, 1)
NEXT = Column((1 + 2.0**-52,) * ROWS, (1 - Fraction(1, 2**50),) * ROWS, 2.0**-49, 1)
SMALLEST = Column((5e-324,) * ROWS, (Fraction(3, 2**1075),) * ROWS, 2.0**-1074, 0)
DENOMINATOR = Column((2.0**-999,) * ROWS, (Fraction(1, 2**999) - Fraction(1, 2**1000),) * ROWS, 2.0**-1000, 1)
THREES = Column((3.0,) * ROWS, (Fraction(3),) * ROWS, 0.0, 1)
NEARLY_NOTHING = Column((2.0**-1000,) * ROWS, (Fraction(1, 2**1000),) * ROWS, 0.0, 1)
UNKNOWN = Column((2.0**100,) * ROWS, (Fraction(2**48),) * ROWS, 2.0**100 - 2.0**48, 1)
TIMES_MANY = ("times", ("column", 0), ("column", 1))


@cases(1200)
@given(a=columns(), b=columns(), recipe=recipes())
@example(a=ONES, b=BESIDE_ONE, recipe=("maximum", [("column", 0), ("column", 1)]))
@example(a=ONES, b=BESIDE_ONE, recipe=("minimum", [("column", 1), ("column", 0)]))
@example(a=ONES, b=NEXT, recipe=("maximum", [("column", 1), ("column", 0)]))
@example(a=ONES, b=SMALLEST, recipe=("times", TIMES_MANY, ("column", 1)))
@example(a=SMALLEST, b=DENOMINATOR, recipe=("over", ("constant", Decimal("1e-30")), ("column", 1)))
@example(a=ONES, b=THREES, recipe=("over", ("column", 0), ("column", 1)))
@example(a=NEARLY_NOTHING, b=UNKNOWN, recipe=("over", ("column", 0), ("column", 1)))
@example(a=ONES, b=ONES, recipe=("times", ("constant", Decimal(0)), ("constant", Decimal("1e400"))))
@example(a=ONES, b=ONES, recipe=("step", ("constant", Decimal(10)), table(FLOORS[0], RATES)))
def test_bounded__holds_what_it_claims(a: Column, b: Column, recipe: Recipe) -> None:
    """Of any formula every row is within its error of the true number and between its bounds, or is marked."""
    with np.errstate(all="ignore"):
        Trial(a, b).follow(recipe)


@cases(600)
@given(column=columns(), factor=CONSTANTS, by=TABLES)
def test_step__marks_rows_whose_side_is_not_certain(column: Column, factor: Exact, by: Table) -> None:
    """A row that stands in another tier than its true number is marked, or nothing is claimed of the chunk."""
    with np.errstate(all="ignore"):
        trial = Trial(column)
        found, truths = trial.follow(("scaled", ("column", 0), factor))
        made = trial.num.step(found, by.floors, by.values)
    assert truths is not None
    if made.error == INFINITE:
        return
    marked = trial.num.doubtful
    for row, truth in enumerate(truths):
        is_right = float(np.broadcast_to(made.values, ROWS)[row]) == by.values[tier(truth, by.floors)]
        assert is_right or (marked is not None and marked[row])


def test_step__marks_no_row_that_is_clear_of_floors() -> None:
    """Rows far from floors keep their value; the one at a floor, and one a step below it, are marked."""
    doubles = [1.0, math.nextafter(10.0, 0), 10.0, 11.0, 24.0, 26.0, 27.0]
    for order in (1, 0, -1):
        rows = doubles[::-1] if order < 0 else doubles
        num = BoundedNumbers(Scratch(ROWS))
        made = num.step(num.column(np.array(rows), 1.0, 27.0, 0.0, order), FLOORS[0], (1, 2, 3))
        assert num.doubtful is not None
        assert [x for x, marked in zip(rows, num.doubtful, strict=True) if marked] == [
            x for x in rows if abs(x - 10) < 1e-9
        ]
        assert [x for x, y in zip(rows, made.values, strict=True) if y == 3] == [x for x in rows if x > 25]


@pytest.mark.parametrize("odd", [INFINITE, -INFINITE, float("nan")])
@pytest.mark.parametrize(
    "recipe",
    [
        ("step", ("column", 0), table(FLOORS[0], RATES)),
        ("envelope", ("column", 0), table(FLOORS[0], RATES)),
        ("scaled", ("column", 0), Decimal(0)),
        ("over", ("constant", Decimal(1)), ("column", 0)),
        ("maximum", [("column", 0), ("column", 1)]),
        ("minimum", [("column", 1), ("column", 0)]),
        ("absolute", ("column", 0)),
        ("less", ("column", 0), ("column", 0)),
    ],
)
@pytest.mark.parametrize("order", [0, 1])
def test_bounded__claims_nothing_of_rows_that_are_not_finite(odd: float, recipe: Recipe, order: int) -> None:
    """One row that is infinite or no number leaves its whole chunk in doubt, whatever is computed from it."""
    rows = tuple(sorted([*range(ROWS - 1), odd]))
    trial = Trial(ONES, ONES)
    least, most = float(np.array(rows).min()), float(np.array(rows).max())
    trial.inputs = [trial.num.column(np.array(rows), least, most, 0.0, order), trial.inputs[1]]
    with np.errstate(all="ignore"):
        found, _ = trial.followed(recipe)
        assert (bounded(Decimal(0)) * found).error == INFINITE
    assert found.error == INFINITE


def test_bounded__claims_nothing_after_an_overflow() -> None:
    """A sum above all doubles is infinite, and so is its error, even when what is left of it is finite again."""
    num = BoundedNumbers(Scratch(2))
    huge = num.column(np.array([LARGEST, 1.0]), 1.0, LARGEST, 0.0)
    with np.errstate(all="ignore"):
        assert (huge + huge).error == INFINITE
        assert num.quotient(num.constant(1), huge + huge).error == INFINITE
        assert num.minimum(huge + huge, num.constant(1)).error == INFINITE


@cases(300)
@given(x=CONSTANTS)
def test_constant__is_within_its_error(x: Exact) -> None:
    """An exact number is as far from its double as is said; one that a double can say is not off at all."""
    found = bounded(x)
    if found.error == INFINITE:
        assert abs(fraction(x)) >= Fraction(LARGEST)
        return
    off = abs(Fraction(found.values) - fraction(x))
    assert off <= Fraction(found.error)
    assert isinstance(x, Ratio) or (off == 0) == (found.error == 0)


def test_scratch__is_used_again_and_inputs_are_left_alone() -> None:
    """Arrays go back when the number that held them is gone; an input's array stays as it is, and is its owner's."""
    scratch = Scratch(ROWS)
    num = BoundedNumbers(scratch)
    given: Floats = np.arange(ROWS, dtype=np.float64)
    x = num.column(given, 0.0, 6.0, 0.0, 1)
    y = num.absolute(x * Decimal(-2)) + 1
    assert y.values.tolist() == [2 * row + 1 for row in range(ROWS)]
    assert given.tolist() == list(range(ROWS))
    del x, y
    assert 1 <= len(scratch.free) <= 3
    assert all(one is not given for one in scratch.free)
    assert DOUBTFUL.scratch is None


def test_bounded__next_to_nothing() -> None:
    """Taking nothing off changes nothing; what is taken off a number is; a number of either sign loses it."""
    num = BoundedNumbers(Scratch(2))
    column = num.column(np.array([1.0, 2.0]), 1.0, 2.0, 0.0)
    assert column - ZERO is column
    assert (3 - column).values.tolist() == [2.0, 1.0]
    lost = num.absolute(Bounded(0.5, -0.25, 0.5, 0.0))
    assert (lost.low, lost.high) == (0.0, 0.5)


@pytest.mark.parametrize("odd", [0.1, True, "1", None, Decimal("NaN"), Decimal("Infinity")], ids=repr)
def test_constant__that_is_no_exact_number_is_refused(odd: Any) -> None:
    """On exact numbers a formula that uses one is at fault; columns must not answer for it."""
    num = BoundedNumbers(Scratch(2))
    column = num.column(np.array([1.0, 2.0]), 1.0, 2.0, 0.0)
    used: list[Callable[[], Number]] = [
        lambda: num.constant(odd),
        lambda: column * odd,
        lambda: odd + column,
        lambda: column - odd,
    ]
    for formula in used:
        with pytest.raises(NotColumns):
            formula()
