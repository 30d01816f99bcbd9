"""Columns of doubles with a proven error: float64 arrays, and one bound for a whole chunk of rows.

The page on the proof of the sweep states and proves each rule; its u is `UNIT` here.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rules_engine.numbers.exact import ONE, ZERO, Exact, Ratio

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

UNIT: Final = 2.0**-53
"""The unit roundoff u of float64: a rounded result is off by at most u times itself."""
SAFE: Final = 1.0 + 2.0**-47
"""Covers the roundings in computing a bound itself, of which there are fewer than sixty."""
TINY: Final = 2.0**-1060
"""Covers underflow: each product or quotient near zero loses at most 2**-1075 beside its relative error."""
LARGEST: Final = 1.7976931348623157e308
INFINITE: Final = float("inf")

_DIVISION: Final = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""Divides closely enough for the nearest double, or one as near as 1e-59 of the number; larger numbers never less."""


class NotColumns(ArithmeticError):
    """A formula needs what columns do not have; what it decides is decided on exact numbers instead."""


class Scratch:
    """Arrays used again and again: what was written a moment ago is still in the cache, and no page is new.

    `length` is that of the chunk at work; the arrays have room for the longest one.
    """

    __slots__ = ("free", "length", "longest")

    def __init__(self, length: int, longest: int = 0) -> None:
        self.length = length
        self.longest = max(length, longest)
        self.free: list[Floats] = []

    def take(self) -> Floats:
        """An array of that length, with whatever is in it."""
        return (self.free.pop() if self.free else np.empty(self.longest))[: self.length]


class Bounded:
    """A column (with a scratch), or one number for all rows, and what is known of its distance from the true one.

    Of every row the computed double lies between `low` and `high`, and is at most `error` away from the true number.
    Where `error` is infinite nothing else is claimed, and nothing computed from it claims more. `order` is 1 for a
    column that never falls, -1 for one that never rises, and 0 where nothing is known.
    """

    __slots__ = ("error", "high", "low", "order", "scratch", "values")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, values: Any, low: float, high: float, error: float, scratch: Scratch | None = None, order: int = 0
    ) -> None:
        self.values = values
        self.low = low
        self.high = high
        self.error = error if low >= -LARGEST and high <= LARGEST and error <= LARGEST else INFINITE
        self.scratch = scratch
        self.order = order

    def __del__(self) -> None:
        if self.scratch is not None and self.values.base is not None:
            self.scratch.free.append(self.values.base)

    def __bool__(self) -> bool:
        raise NotColumns("a formula branches on a number")

    def __eq__(self, other: object) -> bool:
        raise NotColumns("a formula compares numbers")

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


class Input(Bounded):
    """A column that is not scratch: it is read and never given away."""

    __slots__ = ()
    __hash__ = None

    def __del__(self) -> None:
        """Leaves the array to its owner."""


Operand: TypeAlias = Bounded | Exact


def rounding_error(size: float) -> float:
    """How far a number may be from the double nearest to it, which is of this size."""
    return UNIT * size * SAFE + TINY


def bounded(x: Operand) -> Bounded:
    """An exact number as the double nearest to it, with what that loses."""
    if isinstance(x, Bounded):
        return x
    if isinstance(x, Ratio):
        value = float(_DIVISION.divide(x.n, x.d))
        return Bounded(value, value, value, rounding_error(abs(value)))
    return _constant(x)


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
    margin = (a.error + b.error) * SAFE
    if a.low - b.high > margin:
        return a
    if b.low - a.high > margin:
        return b
    return _computed(np.maximum, a, b, max(a.low, b.low), max(a.high, b.high), max(a.error, b.error))


def smaller(a: Bounded, b: Bounded) -> Bounded:
    """The smaller of two numbers; one of them itself where it is certainly so in every row."""
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
    return Bounded(np.abs(x.values, out=x.scratch.take()), 0.0, high, x.error, x.scratch)


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
