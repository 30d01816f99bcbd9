"""Tables on columns: their numbers as doubles, and which rows lie in which tier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np

from rules_engine.numbers.bounded_columns import SAFE, TINY, UNIT, Bounded, Floats, Mask, Operand, bounded
from rules_engine.numbers.system import Line

Side: TypeAlias = Literal["left", "right"]


class Constants(tuple[Bounded, ...]):
    """Exact numbers of a table in bounded ones, with their doubles as an array and the largest error among them."""

    array: Floats
    error: float
    size: float


def constants(xs: Iterable[Operand]) -> Constants:
    """The numbers of a table, ready for columns."""
    if isinstance(xs, Constants):
        return xs
    made = Constants(map(bounded, xs))
    made.array = np.array([one.values for one in made])
    made.error = max(one.error for one in made)
    made.size = max(max(one.high, -one.low) for one in made)
    return made


class Lines(tuple[Line, ...]):
    """Lines of a table in bounded numbers, with their rates and deductions apart."""

    rates: Constants
    deductions: Constants


def lines_of(xs: Sequence[Line]) -> Lines:
    """The lines of a table, ready for columns."""
    if isinstance(xs, Lines):
        return xs
    made = Lines((bounded(rate), bounded(deduction)) for rate, deduction in xs)
    made.rates = constants(rate for rate, _ in made)
    made.deductions = constants(deduction for _, deduction in made)
    return made


def reach_of(x: Bounded, floors: Constants) -> float:
    """How far from a floor's double a row's must lie for its side to be certain. Infinite where nothing is known."""
    return (x.error + floors.error + 4 * UNIT * floors.size) * SAFE + TINY


def tiers_within(x: Bounded, floors: Constants, reach: float) -> tuple[int, int]:
    """The first and the last tier in which true numbers of the chunk may lie."""
    first, last = np.searchsorted(floors.array, (x.low - reach, x.high + reach), "right").tolist()
    return max(first - 1, 0), max(last - 1, 0)


def places(x: Bounded, wanted: Floats, side: Side) -> list[int]:
    """Where numbers would stand in a column by size, counted from its smallest row."""
    found: list[int] = np.searchsorted(x.values if x.order > 0 else x.values[::-1], wanted, side).tolist()
    return found


def rows_between(x: Bounded, start: int, stop: int) -> slice:
    """The rows from one place to another, counted as `places` does."""
    length = len(x.values)
    return slice(start, stop) if x.order > 0 else slice(length - stop, length - start)


def spans(x: Bounded, floors: Floats) -> Iterator[slice]:
    """The rows below the first floor, between each two, and from the last floor on, in a column by size."""
    for start, stop in pairwise([0, *places(x, floors, "left"), len(x.values)]):
        yield rows_between(x, start, stop)


def rows_near(x: Bounded, floors: Floats, reach: float) -> Mask | None:
    """The rows of a column within reach of a floor; None if there are none."""
    if x.order:
        starts, stops = places(x, floors - reach, "left"), places(x, floors + reach, "right")
        if starts == stops:
            return None
        near = np.zeros(len(x.values), bool)
        for start, stop in zip(starts, stops, strict=True):
            near[rows_between(x, start, stop)] = True
        return near
    near = np.zeros(len(x.values), bool)
    for floor in floors.tolist():
        near |= np.abs(x.values - floor) <= reach
    return near if near.any() else None
