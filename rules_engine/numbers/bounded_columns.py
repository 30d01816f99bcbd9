"""Columns of doubles with a proven error: float64 arrays, and one bound for a whole chunk of rows.

The page on the proof of the sweep states and proves each rule; its u is `UNIT` here.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import numpy as np

from rules_engine.numbers.columns import (
    BY_SIZE,
    FALLING,
    RISING,
    Column,
    Floats,
    NotColumns,
    Operand,
    Scratch,
    double,
    order_times,
)
from rules_engine.numbers.columns import operation as operation_on
from rules_engine.numbers.exact import ONE, ZERO, Ratio

UNIT: Final = 2.0**-53
"""The unit roundoff u of float64: a rounded result is off by at most u times itself."""
SAFE: Final = 1.0 + 2.0**-47
"""Covers the roundings in computing a bound itself, of which there are fewer than sixty."""
TINY: Final = 2.0**-1060
"""Covers underflow: each product or quotient near zero loses at most 2**-1075 beside its relative error."""
LARGEST: Final = 1.7976931348623157e308
INFINITE: Final = float("inf")


class Bounded(Column):
    """A column, or one number for all rows, and what is known of its distance from the true one.

    Of every row the computed double lies between `low` and `high`, and is at most `error` away from the true number.
    Where `error` is infinite nothing else is claimed, and nothing computed from it claims more.
    """

    __slots__ = ("error", "high", "low")
    __hash__ = None

    def __init__(
        self,
        values: Any,
        low: float,
        high: float,
        error: float,
        scratch: Scratch | None = None,
        order: int = 0,
        work: Callable[[Floats], Any] | None = None,
    ) -> None:
        self._rows = values
        self._work = work
        self._lent = None
        self.scratch = scratch
        self.order = order
        self.low = low
        self.high = high
        self.error = error if low >= -LARGEST and high <= LARGEST and error <= LARGEST else INFINITE

    def __add__(self, other: Operand) -> Bounded:
        if other is ZERO:
            return self
        if not isinstance(other, Bounded):
            other = bounded(other)
        if other.low == 0.0 == other.high and not other.error and other.scratch is None:
            return self
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
        order = order_times(self, -1.0)
        work = lambda out: np.negative(self.values, out=out)  # noqa: E731
        return Bounded(None, -self.high, -self.low, self.error, self.scratch, order, work)

    def __mul__(self, other: Operand) -> Bounded:
        if other is ONE:
            return self
        if not isinstance(other, Bounded):
            other = bounded(other)
        if other.low == 1.0 == other.high and not other.error and other.scratch is None:
            return self
        low, high = _corners(self, other)
        a = self.high if self.high >= -self.low else -self.low
        b = other.high if other.high >= -other.low else -other.low
        product = high if high >= -low else -low
        error = (a * other.error + b * self.error + self.error * other.error + UNIT * product) * SAFE + TINY
        return _computed(np.multiply, self, other, low, high, error, _order_of_product(self, other, low, high))

    __rmul__ = __mul__


def rounding_error(size: float) -> float:
    """How far a number may be from the double nearest to it, which is of this size."""
    return UNIT * size * SAFE + TINY


def bounded(x: Operand) -> Bounded:
    """An exact number as the double nearest to it, with what that loses."""
    if isinstance(x, Bounded):
        return x
    if isinstance(x, Ratio):
        value = double(x)
        return Bounded(value, value, value, rounding_error(abs(value)))
    if type(x) not in (Decimal, int) or (isinstance(x, Decimal) and not x.is_finite()):
        raise NotColumns(f"a formula uses a number of type {type(x).__name__} that is not exact or not finite")
    return _constant(x)  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def _constant(x: Decimal | int) -> Bounded:
    value = float(x) if isinstance(x, Decimal) else float(Decimal(x))
    return Bounded(value, value, value, 0.0 if Decimal(value) == x else rounding_error(abs(value)))


DOUBTFUL: Final = Bounded(float("nan"), -INFINITE, INFINITE, INFINITE)
"""A number of which nothing is known."""


def quotient(a: Bounded, b: Bounded) -> Bounded:
    """`a / b`; wholly doubtful where b may be zero."""
    least = max(b.low, -b.high) - b.error
    if not least > 0:
        return DOUBTFUL
    corners = (a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high)
    low, high = min(corners), max(corners)
    size = high if high >= -low else -low
    error = (a.error / least + (size + TINY) * (b.error / least) + UNIT * size) * SAFE + TINY
    return _computed(np.divide, a, b, low, high, error)


def larger(a: Bounded, b: Bounded) -> Bounded:
    """The larger of two numbers; one of them itself where it is certainly so in every row."""
    if a is b:
        return a
    margin = (a.error + b.error) * SAFE
    if a.low - b.high > margin:
        return a
    if b.low - a.high > margin:
        return b
    return _computed(np.maximum, a, b, max(a.low, b.low), max(a.high, b.high), max(a.error, b.error))


def smaller(a: Bounded, b: Bounded) -> Bounded:
    """The smaller of two numbers; one of them itself where it is certainly so in every row."""
    if a is b:
        return a
    margin = (a.error + b.error) * SAFE
    if b.low - a.high > margin:
        return a
    if a.low - b.high > margin:
        return b
    return _computed(np.minimum, a, b, min(a.low, b.low), min(a.high, b.high), max(a.error, b.error))


def size_of(x: Bounded) -> Bounded:
    """`|x|`."""
    if x.low >= 0:
        return x
    if x.high <= 0:
        return -x
    high = max(x.high, -x.low)
    if x.scratch is None:
        return Bounded(abs(x.values), 0.0, high, x.error)
    low, order = 0.0, 0
    if x.order == BY_SIZE:
        low, order = abs(float(x.values[0])), RISING
    return Bounded(None, low, high, x.error, x.scratch, order, lambda out: np.abs(x.values, out=out))


def side_of(x: Bounded) -> Bounded:
    """1 or -1 by the side of zero on which a row's double lies, of inputs whose doubles are on the true side."""
    if x.low > 0:
        return bounded(ONE)
    if x.high < 0:
        return bounded(-ONE)
    if x.scratch is None:
        return DOUBTFUL
    return Bounded(None, -1.0, 1.0, 0.0, x.scratch, 0, lambda out: np.copysign(1.0, x.values, out=out))


def _corners(a: Bounded, b: Bounded) -> tuple[float, float]:
    """Between which bounds computed products lie: rounding is monotone, so they are those of the corners."""
    if a.low >= 0 and b.low >= 0:
        return a.low * b.low, a.high * b.high
    corners = (a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)
    return min(corners), max(corners)


def _order_of_product(a: Bounded, b: Bounded, low: float, high: float) -> int:
    """A column times one number keeps its order, or reverses it; one by size on one side of zero rises or falls."""
    column, factor = (a, b) if b.scratch is None else (b, a)
    if not column.order or factor.scratch is not None:
        return 0
    order = order_times(column, factor.low)
    if order == BY_SIZE:
        return RISING if low >= 0 else FALLING if high <= 0 else order
    return order


def _computed(operation: Any, a: Bounded, b: Bounded, low: float, high: float, error: float, order: int = 0) -> Bounded:
    """An operation on every row, for when it is needed; done at once where neither is a column."""
    scratch = a.scratch or b.scratch
    if scratch is None:
        return Bounded(float(operation(a.values, b.values)), low, high, error)
    return Bounded(None, low, high, error, scratch, order, operation_on(operation, a, b))
