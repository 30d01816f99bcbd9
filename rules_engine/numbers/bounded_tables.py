"""Tables on columns: their numbers as doubles, and which rows lie in which tier."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np

from rules_engine.numbers.bounded_columns import SAFE, TINY, UNIT, Bounded, bounded
from rules_engine.numbers.columns import RISING, Floats, Mask, Operand
from rules_engine.numbers.system import Line


class Constants(tuple[Bounded, ...]):
    """Exact numbers of a table in bounded ones, with their doubles twice, and the largest error and size among them."""

    array: Floats
    doubles: Sequence[float]
    error: float
    size: float


def constants(xs: Iterable[Operand]) -> Constants:
    """The numbers of a table, ready for columns."""
    if isinstance(xs, Constants):
        return xs
    made = Constants(map(bounded, xs))
    made.doubles = [one.values for one in made]
    made.array = np.array(made.doubles)
    made.error = max(one.error for one in made)
    made.size = max(max(one.high, -one.low) for one in made)
    return made


class Lines(tuple[Line, ...]):
    """Lines of a table in bounded numbers, with their rates and deductions apart."""

    rates: Constants
    deductions: Constants
    doubles: Sequence[tuple[float, float]]


def lines_of(xs: Sequence[Line]) -> Lines:
    """The lines of a table, ready for columns."""
    if isinstance(xs, Lines):
        return xs
    made = Lines((bounded(rate), bounded(deduction)) for rate, deduction in xs)
    made.rates = constants(rate for rate, _ in made)
    made.deductions = constants(deduction for _, deduction in made)
    made.doubles = [(rate.values, deduction.values) for rate, deduction in made]
    return made


def reach_of(x: Bounded, floors: Constants) -> float:
    """How far from a floor's double a row's must lie for its side to be certain. Infinite where nothing is known."""
    return (x.error + floors.error + 4 * UNIT * floors.size) * SAFE + TINY


def tiers_within(x: Bounded, floors: Constants, reach: float) -> tuple[int, int]:
    """The first and the last tier in which true numbers of the chunk may lie."""
    first, last = bisect_right(floors.doubles, x.low - reach), bisect_right(floors.doubles, x.high + reach)
    return max(first - 1, 0), max(last - 1, 0)


def rows_near(x: Bounded, floors: Floats, reach: float) -> Mask | None:
    """The rows of a column without order within reach of a floor; None if there are none."""
    near = np.zeros(len(x.values), bool)
    for floor in floors.tolist():
        near |= np.abs(x.values - floor) <= reach
    return near if near.any() else None


def rows_within(x: Bounded, starts: Sequence[int], stops: Sequence[int]) -> Mask:
    """The rows of a rising or falling column between some places."""
    near = np.zeros(len(x.values), bool)
    rising = near if x.order == RISING else near[::-1]
    for start, stop in zip(starts, stops, strict=True):
        rising[start:stop] = True
    return near
