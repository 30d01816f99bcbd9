"""The number system of columns with a proven error: every verb on float64 arrays, with one bound for a chunk of rows.

A `Bounded` stands for true numbers that are not known. The bound costs nothing beside the rows, and tells how far the
computed doubles are from the true numbers at most. The page on the proof of the sweep proves each rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial, reduce

from rules_engine.numbers.bounded_columns import (
    DOUBTFUL,
    INFINITE,
    SAFE,
    TINY,
    UNIT,
    Bounded,
    bounded,
    larger,
    quotient,
    rounding_error,
    side_of,
    size_of,
    smaller,
)
from rules_engine.numbers.bounded_tables import (
    Constants,
    constants,
    lines_of,
    reach_of,
    rows_near,
    rows_within,
    tiers_within,
)
from rules_engine.numbers.column_numbers import (
    ColumnNumbers,
    Spans,
    along,
    between,
    input_order,
    places,
    searched,
    spans,
)
from rules_engine.numbers.columns import FALLING, RISING, Floats, Mask, NotColumns, Operand, Scratch
from rules_engine.numbers.exact import ZERO
from rules_engine.numbers.system import Line, Number

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


class BoundedNumbers(ColumnNumbers):
    """The number system of bounded columns, for one chunk of rows.

    `doubtful` marks the rows that lie so close to a floor at which something jumps that their side is not certain.
    """

    def __init__(self, scratch: Scratch) -> None:
        super().__init__(scratch)
        self._spans: dict[tuple[int, int], tuple[Bounded, Constants, Spans]] = {}

    def column(self, values: Floats, low: float, high: float, error: float, order: int = 0) -> Bounded:
        return Bounded(values, low, high, error, self.scratch, input_order(low, high, order))

    def constant(self, value: Number) -> Number:
        return bounded(value)

    def absolute(self, x: Number) -> Number:
        return size_of(bounded(x))

    def sign(self, x: Number) -> Number:
        return side_of(bounded(x))

    def one_sign(self, x: Number) -> int:
        return int(x.low > x.error) - int(x.high < -x.error)

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
        if first == last or x.order not in (RISING, FALLING):
            return self.maximum(*[x * rate - deduction for rate, deduction in lines[first : last + 1]])
        table = lines_of(lines)
        rates, deductions = table.rates, table.deductions
        inner, pieces = bounds.array[first + 1 : last + 1], table.doubles[first : last + 1]
        size, steepest = max(x.high, -x.low), rates.size + rates.error
        error = size * rates.error + steepest * (x.error + 2 * bounds.error) + deductions.error
        error = (error + UNIT * (2 * size * rates.size + deductions.size)) * SAFE + TINY
        slack = 4 * error + 6 * steepest * reach
        least, most = (x.low * rates[first].values, x.high * rates[first].values)
        low = min(least, most) - deductions[first].values - slack
        high = max(least - deductions[first].values, x.high * rates[last].values - deductions[last].values) + slack
        work = partial(self._along, x, bounds, inner, pieces)
        return Bounded(None, low, high, error, self.scratch, 0, work)

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
        inner, reached = bounds.array[first + 1 : last + 1], chosen.doubles[first : last + 1]
        low, high = min(reached), max(reached)
        if x.order in (RISING, FALLING):
            starts, stops = places(x, inner - reach, "left"), places(x, inner + reach, "right")
            if starts == stops:
                self._spans[id(x), id(bounds)] = x, bounds, spans(x, starts)
            else:
                self.doubt(rows_within(x, starts, stops))
            work = partial(self._between, x, bounds, inner, reached)
        else:
            self.doubt(rows_near(x, inner, reach))
            work = partial(searched, x, inner, chosen.array[first : last + 1])
        return Bounded(None, low, high, chosen.error, self.scratch, 0, work)

    def _between(self, x: Bounded, bounds: Constants, inner: Floats, values: Sequence[float], out: Floats) -> None:
        between(self._spans_of(x, bounds, inner), values, out)

    def _along(
        self, x: Bounded, bounds: Constants, inner: Floats, lines: Sequence[tuple[float, float]], out: Floats
    ) -> None:
        along(x, self._spans_of(x, bounds, inner), lines, out)

    def _spans_of(self, x: Bounded, bounds: Constants, inner: Floats) -> Spans:
        """The rows of each tier of a chunk in a column by size: looked for once, however many ask.

        What is kept holds the objects that it is kept for, so that no other can take their identities.
        """
        key = id(x), id(bounds)
        if key not in self._spans:
            self._spans[key] = x, bounds, spans(x, places(x, inner, "left"))
        return self._spans[key][2]
