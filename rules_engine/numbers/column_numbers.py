"""The number system of columns: every verb on float64 arrays, without any word on how far off they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np

from rules_engine.numbers.columns import (
    BY_SIZE,
    FALLING,
    RISING,
    Column,
    Floats,
    Mask,
    NotColumns,
    Scratch,
    column_of,
    computed,
)
from rules_engine.numbers.exact import ZERO
from rules_engine.numbers.system import Direction, Line, Number

EDGES: Final = (float("-inf"), float("inf"))
Spans: TypeAlias = list[tuple[int, slice]]
"""Rows of a rising or falling column that lie in one tier, with its number."""


class ColumnNumbers:
    """The number system of columns, for one chunk of rows. `doubtful` marks rows of which more is to be known."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.doubtful: Mask | None = None

    def column(self, values: Floats, low: float, high: float, error: float, order: int = 0) -> Column:
        """An input of one number a row, none of them below `low` or above `high`. The array stays as it is."""
        return Column(values, self.scratch, input_order(low, high, order))

    def constant(self, value: Number) -> Number:
        return column_of(value)

    def absolute(self, x: Number) -> Number:
        x = column_of(x)
        if x.scratch is None:
            return Column(abs(x.values))
        order = RISING if x.order == BY_SIZE else 0
        return Column(None, x.scratch, order, lambda out: np.abs(x.values, out=out))

    def sign(self, x: Number) -> Number:
        """1 or -1 by the side of zero on which each row lies; none lies on it."""
        x = column_of(x)
        if x.scratch is None:
            return Column(1.0 if x.values > 0 else -1.0)
        return Column(None, x.scratch, 0, lambda out: np.copysign(1.0, x.values, out=out))

    def one_sign(self, x: Number) -> int:
        """1 or -1 where all rows lie on that side of zero, else 0."""
        x = column_of(x)
        low, high = np.min(x.values), np.max(x.values)
        return int(low > 0) - int(high < 0)

    def minimum(self, *xs: Number) -> Number:
        return reduce(lambda a, b: computed(np.minimum, a, b), map(column_of, xs))

    def maximum(self, *xs: Number) -> Number:
        return reduce(lambda a, b: a if b is a else computed(np.maximum, a, b), map(column_of, xs))

    def total(self, xs: Iterable[Number]) -> Number:
        return self.constant(sum(xs, ZERO))

    def quotient(self, x: Number, by: Number) -> Number:
        return computed(np.divide, column_of(x), column_of(by))

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        """In a column by size, each line is taken where it is the largest: many tiers cost what one does."""
        x = column_of(x)
        if x.order not in (RISING, FALLING):
            return self.maximum(*[x * rate - deduction for rate, deduction in lines])
        bounds = np.array([column_of(floor).values for floor in floors[1:]])
        pieces = [(column_of(rate).values, column_of(deduction).values) for rate, deduction in lines]
        return Column(None, self.scratch, 0, lambda out: along(x, spans(x, places(x, bounds, "left")), pieces, out))

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Number:
        x, bounds = column_of(x), np.array([column_of(floor).values for floor in floors[1:]])
        chosen = np.array([column_of(value).values for value in values])
        if x.scratch is None:
            return Column(float(chosen[np.searchsorted(bounds, x.values, "right")]))
        if x.order in (RISING, FALLING):
            return Column(None, self.scratch, 0, lambda out: between(spans(x, places(x, bounds, "left")), chosen, out))
        return Column(None, self.scratch, 0, lambda out: searched(x, bounds, chosen, out))

    def doubt(self, rows: Mask | None) -> None:
        """Marks rows as doubtful, beside those that are already."""
        if rows is not None:
            self.doubtful = rows if self.doubtful is None else self.doubtful | rows

    def rounded(self, x: Number, unit: Number, direction: Direction) -> Number:
        raise NotColumns("a formula rounds")

    def square_root(self, x: Number, unit: Number, direction: Direction) -> Number:
        raise NotColumns("a formula takes a root")

    def exponential(self, x: Number) -> Number:
        raise NotColumns("a formula takes an exponential")

    def logarithm(self, x: Number) -> Number:
        raise NotColumns("a formula takes a logarithm")

    def normal(self, x: Number) -> Number:
        raise NotColumns("a formula takes a normal distribution")

    def named(self, name: str, x: Number, note: str = "") -> Number:
        return x


def input_order(low: float, high: float, order: int) -> int:
    """The order of an input; one by size that lies on one side of zero rises or falls."""
    if order == BY_SIZE and low >= 0:
        return RISING
    return FALLING if order == BY_SIZE and high <= 0 else order


def places(x: Column, wanted: Floats, side: Any) -> list[int]:
    """Where numbers would stand in a rising or falling column, counted from its smallest row."""
    rows = x.values if x.order == RISING else x.values[::-1]
    found: list[int] = rows.searchsorted(wanted, side).tolist()
    return found


def spans(x: Column, cuts: Sequence[int]) -> Spans:
    """The rows below the first cut, between each two, and from the last one on, with their number; none if empty."""
    length, rising = len(x.values), x.order == RISING
    return [
        (tier, slice(start, stop) if rising else slice(length - stop, length - start))
        for tier, (start, stop) in enumerate(pairwise([0, *cuts, length]))
        if start < stop
    ]


def along(x: Column, tiers: Spans, lines: Sequence[tuple[float, float]], out: Floats) -> None:
    """Works out `rate * x - deduction` of a rising or falling column, by the line of the span in which each row is."""
    values = x.values
    for tier, rows in tiers:
        part, (rate, deduction) = out[rows], lines[tier]
        np.multiply(values[rows], rate, part)
        if deduction:
            np.subtract(part, deduction, part)


def between(tiers: Spans, values: Floats | Sequence[float], out: Floats) -> None:
    """Works out which of some values belongs to each row of a rising or falling column, by its spans."""
    for tier, rows in tiers:
        out[rows] = values[tier]


def searched(x: Column, floors: Floats, values: Floats, out: Floats) -> None:
    """Works out which of some values belongs to each row of any column, by the floors between which it lies."""
    np.take(values, np.searchsorted(floors, x.values, "right"), out=out, mode="clip")
