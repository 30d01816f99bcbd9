"""Slopes: what a formula says at one value of the unknown, its slope there, and the range of its slopes anywhere."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from rules_engine.numbers.bounded_rows import RowNumbers, Rows, rows_of
from rules_engine.numbers.columns import NotColumns
from rules_engine.numbers.exact import EXACT, Exact, exactly
from rules_engine.numbers.slopes import Sloped, SlopeNumbers
from rules_engine.numbers.system import Number
from tests.numbers.bounded_trials import FLOORS, RATES, Recipe, recipes, table
from tests.numbers.following import followed
from tests.numbers.strategies import EXACTS, cases, fraction

TINY = Decimal("1e-5000")
"""Smaller than the distance between any two corners of a function that recipes can describe."""


def at(recipe: Recipe, x: Exact) -> Fraction:
    """What a formula says there, in exact numbers."""
    return fraction(followed(EXACT, recipe, [x, x]))


def sloped(recipe: Recipe, x: Exact) -> Number:
    """The same with slopes."""
    num = SlopeNumbers(EXACT)
    unknown = num.unknown(x)
    return followed(num, recipe, [unknown, unknown])


@cases(1500)
@given(recipe=recipes(), x=EXACTS, other=EXACTS)
def test_slopes__are_those_of_the_formula(recipe: Recipe, x: Exact, other: Exact) -> None:
    """The value is the formula's, so is the slope beside any corner, and no chord leaves the range of slopes."""
    with exactly():
        x = x + TINY
        try:
            value, found = at(recipe, x), sloped(recipe, x)
        except (ZeroDivisionError, NotColumns):
            return
        if not isinstance(found, Sloped):
            assert fraction(found) == value
            return
        assert fraction(found.value) == value
        try:
            least, most = map(fraction, found.slopes)
        except NotColumns:
            return
        slope = (at(recipe, x + TINY) - value) / Fraction(TINY)
        assert fraction(found.slope) == slope
        assert least <= slope <= most
        assert least <= (at(recipe, other) - value) / (fraction(other) - fraction(x)) <= most


def test_slopes__of_a_position() -> None:
    """100 - |3v| in a table of 0.4 %, 1 % from 10, a third from 25: at v = 5 that is 15, where 1 % holds.

    Value 100 - (10 * 0.004 + 5 * 0.01) = 99.91, slope -3 * 0.01, and no slope is beyond a third of 3.
    """
    num, by = SlopeNumbers(EXACT), table(FLOORS[0], RATES)
    with exactly():
        found = 100 - num.envelope(num.absolute(3 * num.unknown(Decimal(5))), by.floors, by.lines)
        assert found.value == Decimal("99.91")
        assert found.slope == Decimal("-0.03")
        assert [fraction(end) for end in found.slopes] == [-1, 1]


def test_slopes__have_errors_on_columns() -> None:
    """On columns values and slopes are columns, each row with what it may be off by."""
    num = SlopeNumbers(RowNumbers())
    found = Rows(np.array([2.0, -3.0]), 0.5) * num.unknown(Rows(np.array([10.0, 10.0])))
    assert found.value.values.tolist() == [20, -30]
    assert found.slope.values.tolist() == [2, -3]
    assert found.slopes[0].error == pytest.approx(0.5)
    assert found.slopes[0] is found.slopes[1]


BESIDE: dict[str, tuple[Callable[[Any, Any], Any], list[float], list[float]]] = {
    "rows + x": (lambda rows, x: rows + x, [12, 7], [1, 1]),
    "x + rows": (lambda rows, x: x + rows, [12, 7], [1, 1]),
    "rows - x": (lambda rows, x: rows - x, [-8, -13], [-1, -1]),
    "x - rows": (lambda rows, x: x - rows, [8, 13], [1, 1]),
    "rows * x": (lambda rows, x: rows * x, [20, -30], [2, -3]),
    "x * rows": (lambda rows, x: x * rows, [20, -30], [2, -3]),
    "(7 - rows) * x": (lambda rows, x: (7 - rows) * x, [50, 100], [5, 10]),
}


@pytest.mark.parametrize("words", BESIDE)
def test_slopes__of_columns_on_either_side_of_the_unknown(words: str) -> None:
    """A column leaves to the function what it does not know; rows of 2 and -3, and x at 10."""
    formula, values, slopes = BESIDE[words]
    made = formula(Rows(np.array([2.0, -3.0])), SlopeNumbers(RowNumbers()).unknown(Rows(np.array([10.0, 10.0]))))
    assert made.value.values.tolist() == values
    assert np.broadcast_to(rows_of(made.slope).values, 2).tolist() == slopes


REFUSED: tuple[Callable[[SlopeNumbers, Sloped], Number], ...] = (
    lambda num, x: (x * x).slopes,
    lambda num, x: num.step(x, FLOORS[0], (1, 2, 3)).slopes,
    lambda num, x: (x * num.step(x, FLOORS[0], (1, 2, 3))).slopes,
    lambda num, x: num.quotient(num.constant(1), x),
    lambda num, x: num.rounded(x, Decimal(1), "up"),
    lambda num, x: num.square_root(x, Decimal(1), "up"),
    lambda num, x: num.exponential(x),
    lambda num, x: num.logarithm(x),
    lambda num, x: num.normal(x),
    lambda num, x: x == 0,
    lambda num, x: 1 if x else 0,
)


@pytest.mark.parametrize("refused", REFUSED)
def test_slopes__are_not_told_of_what_jumps_or_curves(refused: Callable[[SlopeNumbers, Sloped], Number]) -> None:
    """Products and quotients of the unknown, steps, curves, and formulas that branch: exact numbers follow those."""
    num = SlopeNumbers(EXACT)
    with pytest.raises(NotColumns), exactly():
        refused(num, num.unknown(Decimal(5)))


def test_what_does_not_move__stays_a_number_of_the_system_below() -> None:
    """Constants, steps of a size that stands still, and roots of it are worked out as they are there."""
    num = SlopeNumbers(EXACT)
    with exactly():
        assert num.step(Decimal(12), FLOORS[0], (1, 2, 3)) == 2
        assert num.square_root(Decimal(16), Decimal(1), "up") == 4
        assert num.quotient(Decimal(1), Decimal(4)) == Decimal("0.25")
        assert num.total([]) == 0
        assert num.maximum(Decimal(1), Decimal(2)) == 2
