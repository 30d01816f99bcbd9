"""Columns with an error in every row: no row is farther from its true number than its own error says."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from rules_engine.numbers.bounded_rows import RowNumbers, Rows, rows_of
from rules_engine.numbers.columns import NotColumns
from rules_engine.numbers.exact import EXACT, Exact, Ratio, exactly
from tests.numbers.bounded_trials import FLOORS, INFINITE, RATES, ROWS, Column, Recipe, columns, recipes, table
from tests.numbers.following import followed
from tests.numbers.strategies import cases, fraction


def ratio(x: Fraction) -> Exact:
    """A fraction as an exact number."""
    return Ratio(Decimal(x.numerator), Decimal(x.denominator))


def truths(recipe: Recipe, a: Column, b: Column) -> list[Fraction | None]:
    """The true number of every row; None where there is none."""
    found: list[Fraction | None] = []
    for inputs in zip(a.truths, b.truths, strict=True):
        try:
            found.append(fraction(followed(EXACT, recipe, [ratio(x) for x in inputs])))
        except ZeroDivisionError:
            found.append(None)
    return found


@cases(1200)
@given(a=columns(), b=columns(), recipe=recipes())
def test_rows__are_within_their_own_error(a: Column, b: Column, recipe: Recipe) -> None:
    """Of any formula each row with a finite error is that near to its true number, which there is."""
    with np.errstate(all="ignore"), exactly():
        made = rows_of(followed(RowNumbers(), recipe, [Rows(np.array(x.doubles), x.error) for x in (a, b)]))
        values, errors = np.broadcast_to(made.values, ROWS).tolist(), np.broadcast_to(made.error, ROWS).tolist()
        for value, error, truth in zip(values, errors, truths(recipe, a, b), strict=True):
            if math.isfinite(error):
                assert truth is not None
                assert abs(Fraction(value) - truth) <= Fraction(error)


def test_rows__do_not_suffer_from_large_neighbours() -> None:
    """A row's error is a small part of the row, however large another one is."""
    num = RowNumbers()
    x = num.column(np.array([0.1, 1e300]), 0.1, 1e300, 1.0)
    made = rows_of(x * Decimal("0.3") + Decimal("0.01"))
    assert (made.error < 1e-15 * made.values).all()


def test_step__claims_nothing_of_rows_at_a_floor() -> None:
    """The row on a floor has an infinite error; those beside it have the value of their tier."""
    num = RowNumbers()
    made = num.step(num.column(np.array([1.0, 10.0, 11.0, 26.0]), 1.0, 26.0, 1.0), FLOORS[0], (1, 2, 3))
    assert made.error.tolist() == [0.0, INFINITE, 0.0, 0.0]
    assert made.values.tolist() == [1, 2, 2, 3]


def test_envelope__is_the_line_of_each_row_s_tier() -> None:
    """0.004 up to 10, 0.01 up to 25, a third above: 0.02, then 0.04 + 0.05, then 0.04 + 0.15 + 1."""
    num, by = RowNumbers(), table(FLOORS[0], RATES)
    made = num.envelope(num.column(np.array([5.0, 15.0, 28.0]), 5.0, 28.0, 0.0), by.floors, by.lines)
    assert made.values == pytest.approx([0.02, 0.09, 1.19], rel=1e-15)


@pytest.mark.parametrize("odd", [INFINITE, -INFINITE, float("nan")])
@pytest.mark.parametrize(
    "recipe",
    [
        ("step", ("column", 0), table(FLOORS[0], RATES)),
        ("envelope", ("column", 0), table(FLOORS[0], RATES)),
        ("scaled", ("column", 0), Decimal(0)),
        ("over", ("constant", Decimal(1)), ("column", 0)),
        ("maximum", [("column", 0), ("column", 1)]),
        ("absolute", ("column", 0)),
        ("less", ("column", 0), ("column", 0)),
    ],
)
def test_rows__claim_nothing_of_one_that_is_not_finite(odd: float, recipe: Recipe) -> None:
    """An input that is infinite or no number has an error that is not finite, and so has all that is made of it."""
    num = RowNumbers()
    x = num.column(np.array([1.0, odd]), 1.0, 1.0, 1.0)
    with np.errstate(all="ignore"):
        made = rows_of(followed(num, recipe, [x, x]) * Decimal(0))
        assert np.isfinite(np.broadcast_to(made.error, 2)).tolist() == [True, False]


def test_sign__is_claimed_where_it_is_certain() -> None:
    """1 or -1, and nothing of a row that may lie on either side."""
    num = RowNumbers()
    x = Rows(np.array([2.0, -2.0, 0.5]), 1.0)
    assert num.sign(x).values.tolist() == [1, -1, 1]
    assert num.sign(x).error.tolist() == [0, 0, INFINITE]
    assert (num.one_sign(x), num.one_sign(num.absolute(x) + 1)) == (0, 1)


def test_rows__refuse_what_doubles_cannot_follow() -> None:
    """Roots and rounding are left to exact numbers, and so is a formula that compares."""
    x = Rows(np.array([1.0]), 0.0)
    for refused in (lambda: RowNumbers().normal(x), lambda: RowNumbers().rounded(x, Decimal(1), "up"), lambda: x == 0):
        with pytest.raises(NotColumns):
            refused()


def test_rows__some_of_them_keep_their_own_errors() -> None:
    """A bound for all rows holds for some; so does one number for all rows."""
    x = Rows(np.array([1.0, 2.0, 4.0]), 0.5)
    chosen = (x * x).at([2, 0])
    assert (chosen.values.tolist(), x.at([1]).values.tolist(), x.at([1]).error) == ([16, 1], [2], 0.5)
    assert chosen.error == pytest.approx([4.25, 1.25])
    one = rows_of(Decimal(3))
    assert one.at([2, 0]) is one
