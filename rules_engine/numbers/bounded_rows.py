"""Columns of doubles with a proven error in every row, for figures of which one row may be far larger than another.

The rules are those of `bounded`, which the page on the proof of the sweep proves, with each row's own numbers in place
of the largest of its chunk. Such bounds cost as much as the rows themselves: they are worked out when they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import reduce
from typing import Any, Final, TypeAlias

import numpy as np

from rules_engine.numbers.bounded import SAFE, TINY, UNIT, bounded
from rules_engine.numbers.column_numbers import ColumnNumbers
from rules_engine.numbers.columns import Column, Floats, Operand, Scratch
from rules_engine.numbers.exact import ONE, ZERO, Ratio
from rules_engine.numbers.system import Line, Number

Error: TypeAlias = Any
"""An array with a bound a row, or one bound for all rows."""

_OPERANDS: Final = (Column, Decimal, Ratio, int)
_INFINITE: Final = float("inf")


class Rows(Column):
    """Rows of doubles, or one double for all rows, each at most its `error` from its true number.

    Where the error is infinite or not a number nothing is claimed.
    """

    __slots__ = ("_error",)
    __hash__ = None

    def __init__(self, values: Any, error: Error | Callable[[], Error] = 0.0) -> None:
        super().__init__(values)
        self._error = error

    @property
    def error(self) -> Error:  # type: ignore[override]
        """How far each row's double may be from the true number."""
        if callable(self._error):
            self._error = self._error()
        return self._error

    def __add__(self, other: Operand) -> Rows:
        if not isinstance(other, _OPERANDS):
            return NotImplemented
        if other is ZERO:
            return self
        return _rounded(self, rows_of(other), np.add)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Rows:
        if not isinstance(other, _OPERANDS):
            return NotImplemented
        return _rounded(self, rows_of(other), np.subtract)

    def __rsub__(self, other: Operand) -> Rows:
        return rows_of(other) - self

    def __neg__(self) -> Rows:
        return Rows(-self.values, lambda: self.error)

    def __mul__(self, other: Operand) -> Rows:
        if not isinstance(other, _OPERANDS):
            return NotImplemented
        if other is ONE:
            return self
        by = rows_of(other)
        product = self.values * by.values

        def error() -> Error:
            crossed = np.abs(self.values) * by.error + np.abs(by.values) * self.error + self.error * by.error
            return (crossed + UNIT * np.abs(product)) * SAFE + TINY

        return Rows(product, error)

    __rmul__ = __mul__

    def at(self, rows: Any) -> Rows:
        """Some of the rows."""
        if np.ndim(self.values) == 0:
            return self
        return Rows(self.values[rows], lambda: self.error if np.ndim(self.error) == 0 else self.error[rows])


def rows_of(x: Operand) -> Rows:
    """An exact number, or one number for all rows, with what its double loses."""
    if isinstance(x, Rows):
        return x
    one = bounded(x)
    return Rows(np.float64(one.values), one.error)


def _rounded(a: Rows, b: Rows, operation: Any) -> Rows:
    """A sum or a difference."""
    result = operation(a.values, b.values)
    return Rows(result, lambda: (a.error + b.error + UNIT * np.abs(result)) * SAFE)


def _extreme(a: Rows, b: Rows, choose: Any) -> Rows:
    """The larger or the smaller of two: neither changes by more than its arguments."""
    return Rows(choose(a.values, b.values), lambda: np.maximum(a.error, b.error))


class RowNumbers(ColumnNumbers):
    """The number system of columns with an error in every row. What the others mark as doubtful is infinitely far off.

    Inputs are the doubles nearest to their true numbers.
    """

    def __init__(self) -> None:
        super().__init__(Scratch(0))

    def column(self, values: Floats, low: float, high: float, error: float, order: int = 0) -> Rows:
        """An input of one number a row, exact where the error is 0. Bounds and order are not looked at."""
        return Rows(values, lambda: UNIT * np.abs(values) * SAFE + TINY if error else 0.0)

    def constant(self, value: Number) -> Number:
        return rows_of(value)

    def absolute(self, x: Number) -> Number:
        x = rows_of(x)
        return Rows(np.abs(x.values), lambda: x.error)

    def sign(self, x: Number) -> Number:
        """1 or -1 by the side of zero on which each row lies."""
        x = rows_of(x)
        return Rows(np.copysign(1.0, x.values), lambda: np.where(np.abs(x.values) > x.error, 0.0, _INFINITE))

    def one_sign(self, x: Number) -> int:
        """1 or -1 where all rows certainly lie on that side of zero, else 0."""
        x = rows_of(x)
        return int(np.all(x.values > x.error)) - int(np.all(x.values < -x.error))

    def minimum(self, *xs: Number) -> Number:
        return reduce(lambda a, b: _extreme(a, b, np.minimum), map(rows_of, xs))

    def maximum(self, *xs: Number) -> Number:
        return reduce(lambda a, b: _extreme(a, b, np.maximum), map(rows_of, xs))

    def total(self, xs: Iterable[Number]) -> Number:
        return self.constant(sum(xs, ZERO))

    def quotient(self, x: Number, by: Number) -> Number:
        x, by = rows_of(x), rows_of(by)
        result = x.values / by.values

        def error() -> Error:
            least = np.abs(by.values) - by.error
            off = x.error / least + (np.abs(result) + TINY) * (by.error / least) + UNIT * np.abs(result)
            return np.where(least > 0, off * SAFE + TINY, _INFINITE)

        return Rows(result, error)

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        x, rates, deductions = rows_of(x), [rate for rate, _ in lines], [deduction for _, deduction in lines]
        tiers = _tiers(x.values, _doubles(floors))
        rate, deduction = _doubles(rates)[tiers], _doubles(deductions)[tiers]
        result = x.values * rate - deduction

        def error() -> Error:
            size, rates_error = np.abs(x.values), _errors(rates)
            rounding = UNIT * (2 * size * np.abs(rate) + np.abs(deduction))
            line = size * rates_error[tiers] + _errors(deductions)[tiers]
            steepest = np.max(np.abs(_doubles(rates)) + rates_error)
            return (rounding + line + steepest * (2 * np.max(_errors(floors)) + x.error)) * SAFE + TINY

        return Rows(result, error)

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Number:
        """Of rows that may lie on the other side of a floor than they seem to nothing is claimed."""
        x, bounds = rows_of(x), _doubles(floors)
        tiers = _tiers(x.values, bounds)

        def error() -> Error:
            reach = (x.error + np.max(_errors(floors)) + 4 * UNIT * np.max(np.abs(bounds))) * SAFE + TINY
            edges = np.array([-_INFINITE, *bounds[1:], _INFINITE])
            certain = (x.values - edges[tiers] > reach) & (edges[tiers + 1] - x.values > reach)
            return np.where(certain, _errors(values)[tiers], _INFINITE)

        return Rows(_doubles(values)[tiers], error)


def rows_table(numbers: Iterable[Number]) -> tuple[Rows, ...]:
    """The numbers of a table, ready for columns of this kind."""
    return tuple(map(rows_of, numbers))


def _doubles(numbers: Sequence[Number]) -> Floats:
    return np.array([rows_of(number).values for number in numbers])


def _errors(numbers: Sequence[Number]) -> Floats:
    return np.array([rows_of(number).error for number in numbers])


def _tiers(x: Any, floors: Floats) -> Any:
    """The number of the highest floor not above each row; 0 below all floors."""
    return np.searchsorted(floors[1:], x, "right")
