"""The number system of columns with a proven error: float64 arrays, and one bound for a whole chunk of rows.

A `Bounded` stands for true numbers that are not known. What is known of every row of a chunk: the computed double lies
between `low` and `high`, and is at most `error` away from the true number. All three are single floats, so that they
cost nothing beside the rows. The page on the sweep proves each rule; u there is `UNIT` here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache, reduce
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rules_engine.numbers.exact import ONE, ZERO, Exact, Ratio
from rules_engine.numbers.system import Direction, Line, Number

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

UNIT: Final = 2.0**-53
"""The unit roundoff u of float64: a rounded result is off by at most u times itself."""
SAFE: Final = 1.0 + 2.0**-47
"""Covers the roundings in computing a bound itself, of which there are fewer than sixty."""
TINY: Final = 2.0**-1074
"""Covers underflow: half of this is what a product or quotient near zero may lose beside its relative error."""
LARGEST: Final = 1.7976931348623157e308
_INFINITE: Final = float("inf")


class NotColumns(ArithmeticError):
    """A formula needs what columns do not have; what it decides is decided on exact numbers instead."""


class Scratch:
    """Arrays of one length, used again and again: what was written a moment ago is still in the cache."""

    __slots__ = ("free", "length")

    def __init__(self, length: int) -> None:
        self.length = length
        self.free: list[Floats] = []

    def take(self) -> Floats:
        """An array of that length, with whatever is in it."""
        return self.free.pop() if self.free else np.empty(self.length)


class Bounded:
    """A column (with a scratch), or one number for all rows, and what is known of its distance from the true one.

    `order` is 1 for a column that never falls, -1 for one that never rises, and 0 where nothing is known.
    """

    __slots__ = ("error", "high", "low", "order", "scratch", "values")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, values: Any, low: float, high: float, error: float, scratch: Scratch | None = None, order: int = 0
    ) -> None:
        self.values = values
        self.low = low
        self.high = high
        self.error = error if low >= -LARGEST and high <= LARGEST else _INFINITE
        self.scratch = scratch
        self.order = order

    def __del__(self) -> None:
        if self.scratch is not None:
            self.scratch.free.append(self.values)

    def __add__(self, other: Operand) -> Bounded:
        if other is ZERO:
            return self
        if not isinstance(other, Bounded):
            other = bounded(other)
        low, high = self.low + other.low, self.high + other.high
        error = (self.error + other.error + UNIT * (high if high >= -low else -low)) * SAFE
        return _computed(np.add, self, other, low, high, error)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Bounded:
        if other is ZERO:
            return self
        if not isinstance(other, Bounded):
            other = bounded(other)
        low, high = self.low - other.high, self.high - other.low
        error = (self.error + other.error + UNIT * (high if high >= -low else -low)) * SAFE
        return _computed(np.subtract, self, other, low, high, error)

    def __rsub__(self, other: Operand) -> Bounded:
        return bounded(other) - self

    def __neg__(self) -> Bounded:
        if self.scratch is None:
            return Bounded(-self.values, -self.high, -self.low, self.error)
        out = self.scratch.take()
        return Bounded(np.negative(self.values, out=out), -self.high, -self.low, self.error, self.scratch, -self.order)

    def __mul__(self, other: Operand) -> Bounded:
        if other is ONE:
            return self
        if not isinstance(other, Bounded):
            other = bounded(other)
        low, high = _corners(self, other)
        a = self.high if self.high >= -self.low else -self.low
        b = other.high if other.high >= -other.low else -other.low
        product = high if high >= -low else -low
        error = (a * other.error + b * self.error + self.error * other.error + UNIT * product) * SAFE + TINY
        return _computed(np.multiply, self, other, low, high, error, _order_of_product(self, other))

    __rmul__ = __mul__


Operand: TypeAlias = Bounded | Exact


def bounded(x: Operand) -> Bounded:
    """An exact number as the double nearest to it, with what that loses."""
    if isinstance(x, Bounded):
        return x
    if isinstance(x, Ratio):
        return quotient(bounded(x.n), bounded(x.d))
    return _constant(x)


@lru_cache(maxsize=4096)
def _constant(x: Decimal | int) -> Bounded:
    value = float(x)
    exact = value.as_integer_ratio() == x.as_integer_ratio()
    return Bounded(value, value, value, 0.0 if exact else UNIT * abs(value) * SAFE + TINY)


_NOTHING: Final = Bounded(0.0, 0.0, 0.0, 0.0)
_DOUBTFUL: Final = Bounded(float("nan"), -_INFINITE, _INFINITE, _INFINITE)


def quotient(a: Bounded, b: Bounded) -> Bounded:
    """`a / b`; wholly doubtful where b may be zero."""
    least = max(b.low, -b.high) - b.error
    if not least > 0:
        return _DOUBTFUL
    corners = (a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high)
    low, high = min(corners), max(corners)
    size = high if high >= -low else -low
    error = ((a.error + size * b.error) / least + UNIT * size) * SAFE + TINY
    return _computed(np.divide, a, b, low, high, error)


def _corners(a: Bounded, b: Bounded) -> tuple[float, float]:
    """Between which bounds computed products lie: rounding is monotone, so they are those of the corners."""
    if a.low >= 0 and b.low >= 0:
        return a.low * b.low, a.high * b.high
    corners = (a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)
    return min(corners), max(corners)


def _order_of_product(a: Bounded, b: Bounded) -> int:
    """A column times one number keeps its order, or reverses it; rounding is monotone."""
    column, factor = (a, b) if b.scratch is None else (b, a)
    if not column.order or factor.scratch is not None:
        return 0
    return column.order if factor.low >= 0 else -column.order


def _computed(operation: Any, a: Bounded, b: Bounded, low: float, high: float, error: float, order: int = 0) -> Bounded:
    """An operation on every row, into an array of the scratch; on plain floats where neither is a column."""
    scratch = a.scratch or b.scratch
    if scratch is None:
        return Bounded(float(operation(a.values, b.values)), low, high, error)
    return Bounded(operation(a.values, b.values, out=scratch.take()), low, high, error, scratch, order)


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


def lines_of(xs: Iterable[Line]) -> Lines:
    """The lines of a table, ready for columns."""
    made = Lines((bounded(rate), bounded(deduction)) for rate, deduction in xs)
    made.rates = constants(rate for rate, _ in made)
    made.deductions = constants(deduction for _, deduction in made)
    return made


def _parts(lines: Sequence[Line]) -> tuple[Constants, Constants]:
    made = lines if isinstance(lines, Lines) else lines_of(lines)
    return made.rates, made.deductions


class BoundedNumbers:
    """The number system of bounded columns, for one chunk of rows.

    `doubtful` marks the rows that lie so close to a floor at which something jumps that their side is not certain.
    """

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.doubtful: Mask | None = None

    def column(self, values: Floats, low: float, high: float, error: float, order: int = 0) -> Bounded:
        """An input of one number a row. The array stays as it is; `order` is as in `Bounded`."""
        return _Input(values, low, high, error, self.scratch, order)

    def constant(self, value: Number) -> Number:
        return bounded(value)

    def absolute(self, x: Number) -> Number:
        x = bounded(x)
        if x.low >= 0:
            return x
        if x.high <= 0:
            return -x
        if x.scratch is None:
            return Bounded(abs(x.values), 0.0, max(x.high, -x.low), x.error)
        return Bounded(np.abs(x.values, out=self.scratch.take()), 0.0, max(x.high, -x.low), x.error, self.scratch)

    def minimum(self, *xs: Number) -> Number:
        return reduce(_smaller, map(bounded, xs))

    def maximum(self, *xs: Number) -> Number:
        return reduce(_larger, map(bounded, xs))

    def total(self, xs: Iterable[Number]) -> Number:
        return sum(xs, _NOTHING)

    def quotient(self, x: Number, by: Number) -> Number:
        return quotient(bounded(x), bounded(by))

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        """In a column by size, each line is taken where it is the largest: many tiers cost what one does."""
        x = bounded(x)
        bounds = constants(floors)
        first, last = _reached(x, bounds)
        if first == last or not x.order:
            return self.maximum(*[x * rate - deduction for rate, deduction in lines[first : last + 1]])
        rates, deductions = _parts(lines)
        values = self.scratch.take()
        for tier, rows in self._spans(x, bounds, first, last):
            part = values[rows]
            np.multiply(x.values[rows], rates[tier].values, out=part)
            np.subtract(part, deductions[tier].values, out=part)
        size = max(x.high, -x.low)
        error = size * rates.error + (rates.size + rates.error) * (x.error + bounds.error) + deductions.error
        error = (error + UNIT * (2 * size * rates.size + deductions.size)) * SAFE + 2 * TINY
        low = x.low * rates[first].low - deductions[first].high - 2 * error
        high = x.high * rates[last].high - deductions[last].low + 2 * error
        return Bounded(values, low, high, error, self.scratch)

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Number:
        """Rows that may lie on the other side of a floor than they seem to are marked as doubtful."""
        x = bounded(x)
        bounds, chosen = constants(floors), constants(values)
        first, last = _reached(x, bounds)
        if first == last:
            return chosen[first]
        result = self.scratch.take()
        if x.order:
            for tier, rows in self._spans(x, bounds, first, last):
                result[rows] = chosen[tier].values
        else:
            tiers = np.searchsorted(bounds.array[first + 1 : last + 1], x.values, "right")
            np.take(chosen.array[first : last + 1], tiers, out=result)
        self._doubt_near(
            x, bounds.array[first + 1 : last + 1], (x.error + bounds.error + UNIT * 4 * bounds.size) * SAFE
        )
        reached = chosen[first : last + 1]
        low, high = min(one.low for one in reached), max(one.high for one in reached)
        return Bounded(result, low, high, chosen.error, self.scratch)

    def _spans(self, x: Bounded, bounds: Constants, first: int, last: int) -> Iterable[tuple[int, slice]]:
        """The tiers reached with their rows, in a column by size."""
        inner, length = bounds.array[first + 1 : last + 1], self.scratch.length
        if x.order > 0:
            cuts = [0, *np.searchsorted(x.values, inner, "left").tolist(), length]
            spans = [slice(start, stop) for start, stop in pairwise(cuts)]
        else:
            cuts = [length, *(length - np.searchsorted(x.values[::-1], inner, "left")).tolist(), 0]
            spans = [slice(stop, start) for start, stop in pairwise(cuts)]
        return zip(range(first, last + 1), spans, strict=True)

    def _doubt_near(self, x: Bounded, floors: Floats, reach: float) -> None:
        """Marks the rows within reach of a floor."""
        if x.order:
            rising = x.values if x.order > 0 else x.values[::-1]
            starts, stops = np.searchsorted(rising, floors - reach), np.searchsorted(rising, floors + reach, "right")
            if (starts == stops).all():
                return
        near = (np.abs(x.values - floors[:, None]) <= reach).any(axis=0)
        if near.any():
            self.doubtful = near if self.doubtful is None else self.doubtful | near

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


class _Input(Bounded):
    """A column that is not scratch: it is read and never given away."""

    __slots__ = ()

    def __del__(self) -> None:
        """Leaves the array to its owner."""


def _larger(a: Bounded, b: Bounded) -> Bounded:
    if a.low - a.error >= b.high + b.error:
        return a
    if b.low - b.error >= a.high + a.error:
        return b
    return _computed(np.maximum, a, b, max(a.low, b.low), max(a.high, b.high), max(a.error, b.error))


def _smaller(a: Bounded, b: Bounded) -> Bounded:
    if a.high + a.error <= b.low - b.error:
        return a
    if b.high + b.error <= a.low - a.error:
        return b
    return _computed(np.minimum, a, b, min(a.low, b.low), min(a.high, b.high), max(a.error, b.error))


def _reached(x: Bounded, bounds: Constants) -> tuple[int, int]:
    """The first and the last tier in which true numbers of the chunk may lie."""
    reach = (x.error + bounds.error + UNIT * 4 * bounds.size) * SAFE
    first, last = np.searchsorted(bounds.array, (x.low - reach, x.high + reach), "right").tolist()
    return max(first - 1, 0), max(last - 1, 0)
