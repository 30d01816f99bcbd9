"""The number system of columns with a proven error: every verb on float64 arrays, with one bound for a chunk of rows.

A `Bounded` stands for true numbers that are not known. The bound costs nothing beside the rows, and tells how far the
computed doubles are from the true numbers at most. The page on the proof of the sweep proves each rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np

from rules_engine.numbers.bounded_columns import (
    DOUBTFUL,
    INFINITE,
    SAFE,
    TINY,
    UNIT,
    Bounded,
    Floats,
    Input,
    Mask,
    NotColumns,
    Operand,
    Scratch,
    bounded,
    larger,
    quotient,
    rounding_error,
    size_of,
    smaller,
)
from rules_engine.numbers.bounded_tables import (
    Constants,
    constants,
    lines_of,
    reach_of,
    rows_near,
    spans,
    tiers_within,
)
from rules_engine.numbers.exact import ZERO
from rules_engine.numbers.system import Direction, Line, Number

__all__ = [
    "DOUBTFUL",
    "SAFE",
    "TINY",
    "UNIT",
    "Bounded",
    "BoundedNumbers",
    "Constants",
    "Floats",
    "Mask",
    "NotColumns",
    "Operand",
    "Scratch",
    "bounded",
    "constants",
    "lines_of",
    "rounding_error",
]


class BoundedNumbers:
    """The number system of bounded columns, for one chunk of rows.

    `doubtful` marks the rows that lie so close to a floor at which something jumps that their side is not certain.
    """

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.doubtful: Mask | None = None

    def column(self, values: Floats, low: float, high: float, error: float, order: int = 0) -> Bounded:
        """An input of one number a row. The array stays as it is; `order` is as in `Bounded`."""
        return Input(values, low, high, error, self.scratch, order)

    def constant(self, value: Number) -> Number:
        return bounded(value)

    def absolute(self, x: Number) -> Number:
        return size_of(bounded(x))

    def minimum(self, *xs: Number) -> Number:
        return reduce(smaller, map(bounded, xs))

    def maximum(self, *xs: Number) -> Number:
        return reduce(larger, map(bounded, xs))

    def total(self, xs: Iterable[Number]) -> Number:
        return bounded(sum(map(bounded, xs), ZERO))

    def quotient(self, x: Number, by: Number) -> Number:
        return quotient(bounded(x), bounded(by))

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        """In a column by size, each line is taken where it is the largest: many tiers cost what one does."""
        x, bounds = bounded(x), constants(floors)
        reach = reach_of(x, bounds)
        if not reach < INFINITE:
            return DOUBTFUL
        first, last = tiers_within(x, bounds, reach)
        if first == last or not x.order:
            return self.maximum(*[x * rate - deduction for rate, deduction in lines[first : last + 1]])
        table = lines_of(lines)
        rates, deductions = table.rates, table.deductions
        values = self.scratch.take()
        for tier, rows in enumerate(spans(x, bounds.array[first + 1 : last + 1]), first):
            part = values[rows]
            np.multiply(x.values[rows], rates[tier].values, out=part)
            np.subtract(part, deductions[tier].values, out=part)
        size, steepest = max(x.high, -x.low), rates.size + rates.error
        error = size * rates.error + steepest * (x.error + 2 * bounds.error) + deductions.error
        error = (error + UNIT * (2 * size * rates.size + deductions.size)) * SAFE + TINY
        slack = 4 * error + 6 * steepest * reach
        least, most = (x.low * rates[first].values, x.high * rates[first].values)
        low = min(least, most) - deductions[first].values - slack
        high = max(least - deductions[first].values, x.high * rates[last].values - deductions[last].values) + slack
        return Bounded(values, low, high, error, self.scratch)

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Number:
        """Rows that may lie on the other side of a floor than they seem to are marked as doubtful."""
        x, bounds, chosen = bounded(x), constants(floors), constants(values)
        reach = reach_of(x, bounds)
        if not reach < INFINITE:
            return DOUBTFUL
        first, last = tiers_within(x, bounds, reach)
        if first == last:
            return chosen[first]
        if x.scratch is None:
            return DOUBTFUL
        inner = bounds.array[first + 1 : last + 1]
        result = self.scratch.take()
        if x.order:
            for tier, rows in enumerate(spans(x, inner), first):
                result[rows] = chosen[tier].values
        else:
            np.take(chosen.array[first : last + 1], np.searchsorted(inner, x.values, "right"), out=result)
        self.doubt(rows_near(x, inner, reach))
        reached = chosen[first : last + 1]
        low, high = min(one.low for one in reached), max(one.high for one in reached)
        return Bounded(result, low, high, chosen.error, self.scratch)

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
