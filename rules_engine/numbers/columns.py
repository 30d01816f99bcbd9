"""Columns of doubles: float64 arrays, one number a row, each worked out when it is first read.

A formula thus says what is to be done, and whoever wants its result says where: the last step of it writes straight to
that place. Nothing here is proven of the doubles; `bounded` adds to these columns how far off they are at most.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rules_engine.numbers.exact import ONE, ZERO, Exact, Ratio

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

RISING: Final = 1
FALLING: Final = -1
BY_SIZE: Final = 2
"""Orders of a column: its doubles never fall, never rise, or never come nearer to zero. 0: nothing is known."""


DIVISION: Final = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
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
        """An array with room for the longest chunk, with whatever is in it."""
        return self.free.pop() if self.free else np.empty(self.longest)


class Column:
    """Rows of doubles, or one double for all rows (`scratch` is None then). `order` is one of those above, or 0."""

    __slots__ = ("_lent", "_rows", "_work", "order", "scratch")
    __hash__ = None  # type: ignore[assignment]
    low = high = error = 0.0  # nothing is claimed of these columns: those of `bounded` have their own

    def __init__(
        self, rows: Any, scratch: Scratch | None = None, order: int = 0, work: Callable[[Floats], Any] | None = None
    ) -> None:
        self._rows = rows
        self._work = work
        self._lent: Floats | None = None
        self.scratch = scratch
        self.order = order

    @property
    def values(self) -> Any:
        """The doubles: an array of the chunk's length, or one number."""
        if self._work is not None:
            assert self.scratch is not None
            self._lent = self.scratch.take()
            self.write(self._lent[: self.scratch.length])
        return self._rows

    def write(self, out: Floats) -> None:
        """Puts the doubles there; where they are not worked out yet, that is where they are from now on."""
        if self._work is None:
            np.copyto(out, self._rows)
        else:
            self._work(out)
            self._rows, self._work = out, None

    def __del__(self) -> None:
        if self._lent is not None:
            self.scratch.free.append(self._lent)  # type: ignore[union-attr]

    def __bool__(self) -> bool:
        raise NotColumns("a formula branches on a number")

    def __eq__(self, other: object) -> bool:
        raise NotColumns("a formula compares numbers")

    def __add__(self, other: Operand) -> Column:
        return self if other is ZERO else computed(np.add, self, column_of(other))

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Column:
        return self if other is ZERO else computed(np.subtract, self, column_of(other))

    def __rsub__(self, other: Operand) -> Column:
        return column_of(other) - self

    def __neg__(self) -> Column:
        return self * -ONE

    def __mul__(self, other: Operand) -> Column:
        if other is ONE:
            return self
        other = column_of(other)
        order = 0
        if other.scratch is None:
            order = order_times(self, other.values)
        elif self.scratch is None:
            order = order_times(other, self.values)
        return computed(np.multiply, self, other, order)

    __rmul__ = __mul__


Operand: TypeAlias = Column | Exact


def double(x: Exact) -> float:
    """The double nearest to an exact number; of a fraction, the one nearest to its first sixty digits."""
    return float(DIVISION.divide(x.n, x.d) if isinstance(x, Ratio) else Decimal(x))


def column_of(x: Operand) -> Column:
    """An exact number as one double for all rows."""
    return x if isinstance(x, Column) else Column(double(x))


def order_times(column: Column, factor: float) -> int:
    """A column times one number keeps its order, or reverses it; rounding is monotone."""
    return column.order if factor >= 0 or column.order == BY_SIZE else -column.order


def operation(function: Any, a: Column, b: Column) -> Callable[[Floats], Any]:
    """What works a column out from two others, of which at least one is a column."""
    return lambda out: function(a.values, b.values, out=out)


def computed(function: Any, a: Column, b: Column, order: int = 0) -> Column:
    """An operation on every row; done at once where neither operand is a column."""
    scratch = a.scratch or b.scratch
    if scratch is None:
        return Column(float(function(a.values, b.values)))
    return Column(None, scratch, order, operation(function, a, b))
