"""Columns by size: quantities of both sides, by how large they are. Tiers are found in them once."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.numbers import bounded
from rules_engine.numbers.bounded import DOUBTFUL, Bounded, BoundedNumbers, Scratch, constants, lines_of
from rules_engine.numbers.column_numbers import places
from rules_engine.numbers.columns import BY_SIZE, FALLING, RISING
from rules_engine.numbers.exact import ONE, ZERO
from tests.numbers.bounded_trials import FLOORS, LARGEST, RATES, ROWS, TABLES, Column, Table, Trial, columns, table
from tests.numbers.strategies import cases

BOTH_SIDES = (-1.0, 2.0, -9.0, 11.0, -24.0, 24.5, -40.0)
"""By size; floors at 10 and 25 lie between the third and the fourth, and before the last."""


def by_size(*rows: float) -> tuple[BoundedNumbers, Bounded]:
    """Exact rows by size."""
    num = BoundedNumbers(Scratch(len(rows)))
    return num, num.column(np.array(rows), min(rows), max(rows), 0.0, BY_SIZE)


def test_size__of_rows_of_both_sides_rises() -> None:
    """It lies between that of the first row and the largest, so that tiers which no row reaches are told at once."""
    num, x = by_size(*BOTH_SIDES)
    size = num.absolute(x * Decimal(-2))
    assert (size.order, size.low, size.high) == (RISING, 2.0, 80.0)
    assert size.values.tolist() == [2, 4, 18, 22, 48, 49, 80]


@pytest.mark.parametrize(("rows", "order"), [((1.0, 3.0), RISING), ((-1.0, -3.0), FALLING), ((1.0, -3.0), BY_SIZE)])
def test_order__by_size_on_one_side_is_that_of_the_numbers(rows: tuple[float, float], order: int) -> None:
    """Longs rise, shorts fall; turned over, the other way round."""
    num, x = by_size(*rows)
    turned = {RISING: FALLING, FALLING: RISING, BY_SIZE: BY_SIZE}[order]
    assert (x.order, (x * Decimal(3)).order, (-x).order, (Decimal(-3) * x).order) == (order, order, turned, turned)
    assert (num.absolute(x).order, (x + 1).order, (x * x).order) == (RISING, 0, 0)


def test_order__of_what_underflows_is_that_of_zeros() -> None:
    """The smallest doubles of both signs times a small number are all nothing, on one side of zero or the other."""
    _, x = by_size(-5e-324, 5e-324)
    for factor in ("0.001", "-0.001"):
        made = x * Decimal(factor)
        assert made.values.tolist() == [0.0, 0.0]
        assert made.order in (RISING, FALLING)


SIDES = {
    (2.0, 3.0): 1.0,
    (-2.0, -3.0): -1.0,
    (-2.0, 3.0): [-1.0, 1.0],
}


@pytest.mark.parametrize("rows", SIDES)
def test_sign__is_the_side_on_which_a_row_lies(rows: tuple[float, float]) -> None:
    """One number where all rows lie on one side."""
    num, x = by_size(*rows)
    side = num.sign(x)
    assert np.array(side.values).tolist() == SIDES[rows]
    assert side.error == 0.0
    assert (side.low, side.high) == (np.min(side.values), np.max(side.values))


def test_sign__of_one_number_that_may_be_zero_is_not_known() -> None:
    """Nothing is claimed of it."""
    num, _ = by_size(1.0)
    assert num.sign(Bounded(0.0, 0.0, 0.0, 1e-9)) is DOUBTFUL
    assert (num.sign(Decimal(2)).values, num.sign(Decimal(-2)).values) == (1.0, -1.0)


@pytest.mark.parametrize(
    ("low", "high", "error", "sign"),
    [(1.0, 2.0, 0.5, 1), (-2.0, -1.0, 0.5, -1), (1.0, 2.0, 1.0, 0), (-2.0, -1.0, 1.0, 0), (-1.0, 1.0, 0.0, 0)],
)
def test_one_sign__is_that_of_true_numbers(low: float, high: float, error: float, sign: int) -> None:
    """A row whose true number may be zero is on neither side."""
    num = BoundedNumbers(Scratch(2))
    assert num.one_sign(num.column(np.array([low, high]), low, high, error)) == sign


def test_larger_and_smaller__of_a_number_and_itself_are_that() -> None:
    """Nothing is worked out, and nothing is lost."""
    num, x = by_size(-1.0, 2.0)
    assert num.maximum(x, x) is x
    assert num.minimum(x, x) is x


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many places were looked for in a column, at each time that it was done."""
    times: list[int] = []

    def counted(x: Any, wanted: Any, side: Any) -> list[int]:
        times.append(len(wanted))
        return places(x, wanted, side)

    monkeypatch.setattr(bounded, "places", counted)
    return times


ENVELOPE = [0.004, 0.008, 0.036, 0.05, 0.18, 0.185, 0.19 + 5.0]
"""0.004 up to 10, 0.01 up to 25 and a third from there on: 0.04 and 0.15 for full slices."""
VALUES = [7, 7, 7, 4, 4, 4, 1]


@pytest.mark.parametrize(
    ("asked", "times"),
    [(("envelope", "envelope"), 1), (("envelope", "step"), 2), (("step", "envelope"), 2), (("step", "step"), 4)],
)
@pytest.mark.parametrize("order", [RISING, FALLING])
def test_tiers__of_a_chunk_are_looked_for_once(
    looked: list[int], asked: tuple[str, ...], times: int, order: int
) -> None:
    """A step looks at both ends of what may be on either side of a floor, and has found the tiers for envelopes too."""
    by, size = table(FLOORS[0], RATES), np.abs(BOTH_SIDES)[::order]
    num = BoundedNumbers(Scratch(len(size)))
    x = num.column(size, 1.0, 40.0, 0.0, order)
    floors, lines, values = constants(by.floors), lines_of(by.lines), constants(by.values)
    made = [num.envelope(x, floors, lines) if one == "envelope" else num.step(x, floors, values) for one in asked]
    for one, column in zip(asked, made, strict=True):
        wanted = ENVELOPE if one == "envelope" else VALUES
        assert column.values == pytest.approx(wanted[::order], rel=1e-15)
    assert num.doubtful is None
    assert looked == [2] * times


def test_tiers__beside_a_floor_are_looked_for_where_rows_stand(looked: list[int]) -> None:
    """A row on the floor of 10 and one a step below it are in doubt; all have the tier on which their doubles stand."""
    num, x = by_size(-1.0, -math.nextafter(10.0, 0), 10.0, -11.0, 30.0)
    size, by = num.absolute(x), table(FLOORS[0], RATES)
    floors = constants(by.floors)
    step, envelope = num.step(size, floors, by.values), num.envelope(size, floors, by.lines)
    assert num.doubtful is not None
    assert num.doubtful.tolist() == [False, True, True, False, False]
    assert step.values.tolist() == [7, 7, 4, 4, 1]
    assert envelope.values == pytest.approx([0.004, 0.04, 0.04, 0.05, 0.19 + 5 / 3], rel=1e-14)
    assert len(looked) == 3


@pytest.mark.parametrize("order", [RISING, FALLING])
def test_tiers__of_several_tables_are_each_table_s_own(order: int) -> None:
    """Two tables of other floors on one column, asked in turn."""
    rows = sorted(map(abs, BOTH_SIDES), reverse=order == FALLING)
    num = BoundedNumbers(Scratch(ROWS))
    x = num.column(np.array(rows), 1.0, 40.0, 0.0, order)
    tables = [constants(map(Decimal, floors)) for floors in (("0", "10", "25"), ("0", "5", "30"))]
    for floors in [*tables, *tables]:
        bounds = [float(floor.values) for floor in floors]
        tiers = [sum(bound <= row for bound in bounds) - 1 for row in rows]
        assert num.step(x, floors, (ZERO, ONE, Decimal(2))).values.tolist() == tiers


@cases(300)
@given(column=columns(), by=TABLES, sized=st.booleans(), first=st.booleans())
def test_envelope_and_step__of_one_column_hold_what_they_claim(
    column: Column, by: Table, sized: bool, first: bool
) -> None:
    """Of one table made ready once, in either order, with rows at floors and without."""
    recipe = ("absolute", ("column", 0)) if sized else ("column", 0)
    trial = Trial(column)
    ready = Table(constants(by.floors), lines_of(by.lines), by.values)  # type: ignore[arg-type]
    with np.errstate(all="ignore"):
        x, truths = trial.follow(recipe)
        assert truths is not None
        for kind in ("envelope", "step") if first else ("step", "envelope"):
            made, _ = trial.in_table(kind, (x, None), ready)
            _, true = trial.in_table(kind, (x, truths), by)
            assert true is not None
            trial.check(made, true, (kind, recipe, by))


def test_envelope__of_what_is_not_finite_claims_nothing() -> None:
    """Neither does a step."""
    num = BoundedNumbers(Scratch(2))
    x = num.column(np.array([1.0, LARGEST]), 1.0, math.inf, 0.0, BY_SIZE)
    by = table(FLOORS[0], RATES)
    assert num.envelope(x, by.floors, by.lines) is DOUBTFUL
    assert num.step(x, by.floors, by.values) is DOUBTFUL
