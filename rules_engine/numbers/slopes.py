"""The number system of slopes: what a formula says at one value of an unknown, and how steep it is there and anywhere.

It stands on any other number system: values and slopes are numbers of that one, and so is all that does not depend on
the unknown. Run a formula with the unknown in place of a mark, and Newton's method has what it needs; where the least
slope is above zero there is one root and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any, Final, TypeAlias

from rules_engine.numbers.columns import NotColumns
from rules_engine.numbers.exact import ONE, ZERO
from rules_engine.numbers.system import Direction, Line, Number, NumberSystem

Range: TypeAlias = tuple[Number, Number]
"""The least and the greatest slope; one object where they are one number."""

_AROUND_ZERO: Final = (ZERO, ZERO)
"""Floors that tell numbers below zero from all others."""


class Sloped:
    """A function of the unknown: its value and slope where the unknown stands, and the range of its slopes anywhere.

    Each is worked out when it is first read. The function is continuous wherever `slopes` can be read.
    """

    __slots__ = ("_slope", "_slopes", "_value", "num")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        num: NumberSystem,
        value: Callable[[], Number],
        slope: Callable[[], Number],
        slopes: Callable[[], Range],
    ) -> None:
        self.num = num
        self._value: Any = value
        self._slope: Any = slope
        self._slopes: Any = slopes

    @property
    def value(self) -> Number:
        if callable(self._value):
            self._value = self._value()
        return self._value

    @property
    def slope(self) -> Number:
        """On a corner any one in the range of its slopes."""
        if callable(self._slope):
            self._slope = self._slope()
        return self._slope

    @property
    def slopes(self) -> Range:
        """Raises `NotColumns` where they are not known: the function jumps, or it curves."""
        if callable(self._slopes):
            self._slopes = self._slopes()
        found: Range = self._slopes
        return found

    def __bool__(self) -> bool:
        raise NotColumns("a formula branches on a number")

    def __eq__(self, other: object) -> bool:
        raise NotColumns("a formula compares numbers")

    def __add__(self, other: Any) -> Sloped:
        if not isinstance(other, Sloped):
            return Sloped(self.num, lambda: self.value + other, lambda: self.slope, lambda: self.slopes)
        return Sloped(
            self.num,
            lambda: self.value + other.value,
            lambda: self.slope + other.slope,
            lambda: _sum(self.slopes, other.slopes),
        )

    __radd__ = __add__

    def __neg__(self) -> Sloped:
        return self * -ONE

    def __sub__(self, other: Any) -> Sloped:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Sloped:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Sloped:
        """Of two functions the slopes are in no range that can be told: the product of two straight ones bends."""
        if not isinstance(other, Sloped):
            return self._scaled(lambda x: x * other)
        return Sloped(
            self.num,
            lambda: self.value * other.value,
            lambda: self.slope * other.value + self.value * other.slope,
            _unknown,
        )

    __rmul__ = __mul__

    def over(self, by: Number) -> Sloped:
        """This divided by what does not move and is not zero."""
        return self._scaled(lambda x: self.num.quotient(x, by))

    def _scaled(self, scaled: Callable[[Number], Number]) -> Sloped:
        """This times a number that does not move."""
        return Sloped(
            self.num,
            lambda: scaled(self.value),
            lambda: scaled(self.slope),
            lambda: _range(self.num, [scaled(end) for end in _ends(self.slopes)]),
        )


def _ends(numbers: Range) -> Sequence[Number]:
    """The ends of a range; one where they are one number."""
    return numbers if numbers[0] is not numbers[1] else numbers[:1]


def _range(num: NumberSystem, ends: Sequence[Number]) -> Range:
    """The least and the greatest of several slopes."""
    return (ends[0], ends[0]) if len(ends) == 1 else (num.minimum(*ends), num.maximum(*ends))


def _sum(a: Range, b: Range) -> Range:
    least = a[0] + b[0]
    return least, a[1] + b[1] if len(_ends(a)) + len(_ends(b)) > 2 else least


class SlopeNumbers:
    """The number system of functions of one unknown with their slopes, in the numbers of another system."""

    def __init__(self, num: NumberSystem) -> None:
        self.num = num

    def unknown(self, value: Number) -> Sloped:
        """The unknown itself, where it has this value."""
        return Sloped(self.num, lambda: value, lambda: ONE, lambda: (ONE, ONE))

    def constant(self, value: Number) -> Number:
        return self.num.constant(value)

    def absolute(self, x: Number) -> Number:
        if not isinstance(x, Sloped):
            return self.num.absolute(x)

        def slopes() -> Range:
            steepest = self.num.maximum(-x.slopes[0], x.slopes[1])
            return -steepest, steepest

        return Sloped(
            self.num,
            lambda: self.num.absolute(x.value),
            lambda: x.slope * self.num.step(x.value, _AROUND_ZERO, (-ONE, ONE)),
            slopes,
        )

    def minimum(self, *xs: Number) -> Number:
        return -self.maximum(*[-x for x in xs])

    def maximum(self, *xs: Number) -> Number:
        return reduce(self._larger, xs)

    def total(self, xs: Iterable[Number]) -> Number:
        return sum(xs, ZERO)

    def quotient(self, x: Number, by: Number) -> Number:
        if isinstance(by, Sloped):
            raise NotColumns("something is divided by what moves with the mark")
        return x.over(by) if isinstance(x, Sloped) else self.num.quotient(x, by)

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        """Rates never fall, so the first line's and the last one's are the least and the greatest."""
        if not isinstance(x, Sloped):
            return self.num.envelope(x, floors, lines)
        rates = [rate for rate, _ in lines]
        return Sloped(
            self.num,
            lambda: self.num.envelope(x.value, floors, lines),
            lambda: x.slope * self.num.step(x.value, floors, rates),
            lambda: _range(self.num, [rate * end for rate in _ends((rates[0], rates[-1])) for end in _ends(x.slopes)]),
        )

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Number:
        """Level but for its jumps; whoever reads the range of its slopes learns that it jumps."""
        if not isinstance(x, Sloped):
            return self.num.step(x, floors, values)
        return Sloped(self.num, lambda: self.num.step(x.value, floors, values), lambda: ZERO, _unknown)

    def rounded(self, x: Number, unit: Number, direction: Direction) -> Number:
        return self.num.rounded(_level(x), unit, direction)

    def square_root(self, x: Number, unit: Number, direction: Direction) -> Number:
        return self.num.square_root(_level(x), unit, direction)

    def exponential(self, x: Number) -> Number:
        return self.num.exponential(_level(x))

    def logarithm(self, x: Number) -> Number:
        return self.num.logarithm(_level(x))

    def normal(self, x: Number) -> Number:
        return self.num.normal(_level(x))

    def named(self, name: str, x: Number, note: str = "") -> Number:
        return x

    def _larger(self, a: Number, b: Number) -> Number:
        if not (isinstance(a, Sloped) or isinstance(b, Sloped)):
            return self.num.maximum(a, b)
        a, b = self._function(a), self._function(b)
        return Sloped(
            self.num,
            lambda: self.num.maximum(a.value, b.value),
            lambda: a.slope + (b.slope - a.slope) * self.num.step(b.value - a.value, _AROUND_ZERO, (ZERO, ONE)),
            lambda: _range(self.num, [*a.slopes, *b.slopes]),
        )

    def _function(self, x: Number) -> Sloped:
        """A number as a function, which is level if it is none yet."""
        return x if isinstance(x, Sloped) else Sloped(self.num, lambda: x, lambda: ZERO, lambda: (ZERO, ZERO))


def _unknown() -> Range:
    raise NotColumns("a figure jumps or curves where the mark moves")


def _level(x: Number) -> Number:
    """A number that does not move."""
    if isinstance(x, Sloped):
        raise NotColumns("a formula rounds or bends what moves with the mark")
    return x
