"""Numbers that know their unit: whoever adds contracts to currency is found, with both units named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple, TypeAlias

from rules_engine.numbers.exact import EXACT, Exact, divide
from rules_engine.numbers.system import Direction, Line, Number

_FACTOR: Final = re.compile(r"\s*(?P<sign>[*/]?)\s*(?P<name>currency|contract|1)(?:\^(?P<power>-?\d+(?:/\d+)?))?\s*")


class Unit(NamedTuple):
    """A product of powers of the settlement currency and of contracts."""

    currency: Fraction = Fraction(0)
    contract: Fraction = Fraction(0)

    def __str__(self) -> str:
        powers = [(name, power) for name, power in zip(self._fields, self, strict=True) if power]
        return "*".join(name if power == 1 else f"{name}^{power}" for name, power in powers) or "a pure number"

    def times(self, other: Unit, power: Fraction) -> Unit:
        """This unit times a power of another."""
        return Unit(self.currency + power * other.currency, self.contract + power * other.contract)


PURE: Final = Unit()
CURRENCY: Final = Unit(currency=Fraction(1))
MaybeUnit: TypeAlias = Unit | None
"""None is the unit of what could be anything, such as a term of a contract; it goes with every unit."""


class UnlikeUnits(Exception):
    """Numbers of unlike units were added or compared, or one has a unit that it must not have."""


def unit_of(text: str) -> Unit:
    """The unit that a text spells, such as `currency/contract` or `contract^-1/2`; raises `UnlikeUnits`."""
    unit, end = PURE, 0
    while end < len(text) or not text:
        factor = _FACTOR.match(text, end)
        if factor is None or bool(factor["sign"]) != bool(end):
            raise UnlikeUnits(f"{text!r} is no unit; write currency, contract, 1 or such as currency*contract^-1/2")
        power = Fraction(factor["power"] or 1) * (-1 if factor["sign"] == "/" else 1)
        if factor["name"] != "1":
            unit = unit.times(Unit(**{factor["name"]: Fraction(1)}), power)
        end = factor.end()
    return unit


class Dimensioned:
    """An exact number with its unit. Numbers without one adopt what they are added to, and are pure in products."""

    __slots__ = ("unit", "value")

    def __init__(self, value: Exact, unit: MaybeUnit) -> None:
        self.value = value
        self.unit = unit

    def __add__(self, other: Any) -> Dimensioned:
        return Dimensioned(self.value + value_of(other), alike("+", self, other))

    __radd__ = __add__

    def __neg__(self) -> Dimensioned:
        return Dimensioned(-self.value, self.unit)

    def __sub__(self, other: Any) -> Dimensioned:
        return Dimensioned(self.value - value_of(other), alike("-", self, other))

    def __rsub__(self, other: Any) -> Dimensioned:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Dimensioned:
        return Dimensioned(self.value * value_of(other), _product(self, other, Fraction(1)))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dimensioned:
        return quotient(self, other)

    def __rtruediv__(self, other: Any) -> Dimensioned:
        return quotient(other, self)

    def __abs__(self) -> Dimensioned:
        return Dimensioned(EXACT.absolute(self.value), self.unit)

    # What `prepare` may do, which sees exact numbers only; that formulas do none of this is a law of its own.

    def __bool__(self) -> bool:
        return bool(self.value != 0)

    def __int__(self) -> int:
        return int(self.value)  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return other is not None and bool(self.value == _compared("==", self, other))

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < _compared("<", self, other))

    def __le__(self, other: Any) -> bool:
        return bool(self.value <= _compared("<=", self, other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > _compared(">", self, other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.value >= _compared(">=", self, other))

    def __repr__(self) -> str:
        return f"{self.value} [{self.unit or 'any unit'}]"


def value_of(x: Any) -> Any:
    """The exact number, without its unit."""
    return x.value if isinstance(x, Dimensioned) else x


def quotient(x: Any, by: Any) -> Dimensioned:
    """`x / by`, of which at least one has a unit."""
    return Dimensioned(divide(value_of(x), value_of(by)), _product(x, by, Fraction(-1)))


def alike(verb: str, *xs: Any) -> MaybeUnit:
    """The unit that all have in common; raises `UnlikeUnits` where two have none in common."""
    common: MaybeUnit = None
    for x in xs:
        if isinstance(x, Dimensioned) and x.unit is not None:
            if common is not None and common != x.unit:
                raise UnlikeUnits(f"{verb} of {common} and {x.unit}")
            common = x.unit
    return common


def _compared(verb: str, x: Dimensioned, other: Any) -> Any:
    alike(verb, x, other)
    return value_of(other)


def _product(x: Any, y: Any, power: Fraction) -> MaybeUnit:
    units = [one.unit if isinstance(one, Dimensioned) else PURE for one in (x, y)]
    return None if units[0] is None or units[1] is None else units[0].times(units[1], power)


def _with(value: Exact, unit: MaybeUnit, *xs: Any) -> Any:
    """The value with a unit, if any of what it was made of has one."""
    return Dimensioned(value, unit) if any(isinstance(x, Dimensioned) for x in xs) else value


class DimensionedNumbers:
    """The number system of numbers with units: the values of exact numbers, and a check of every sum and comparison."""

    def constant(self, value: Number) -> Number:
        """The number itself, which adopts what it is added to."""
        return value

    def absolute(self, x: Number) -> Number:
        """Of the same unit."""
        return abs(x)

    def minimum(self, *xs: Number) -> Number:
        """Of like units only."""
        return _with(EXACT.minimum(*map(value_of, xs)), alike("the smallest", *xs), *xs)

    def maximum(self, *xs: Number) -> Number:
        """Of like units only."""
        return _with(EXACT.maximum(*map(value_of, xs)), alike("the largest", *xs), *xs)

    def total(self, xs: Iterable[Number]) -> Number:
        """Of like units only."""
        terms = list(xs)
        return _with(EXACT.total(map(value_of, terms)), alike("the total", *terms), *terms)

    def quotient(self, x: Number, by: Number) -> Number:
        """Units divide."""
        return quotient(x, by) if isinstance(x, Dimensioned) or isinstance(by, Dimensioned) else divide(x, by)

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        """Size and floors are of like units, `rate * x` and deduction too."""
        rate, deduction = self.step(x, floors, lines)
        return rate * x - deduction

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Number:
        """Size and floors are of like units."""
        alike("comparison", x, *floors)
        return EXACT.step(value_of(x), [value_of(floor) for floor in floors], values)

    def rounded(self, x: Number, unit: Number, direction: Direction) -> Number:
        """The number and what it is rounded to are of like units."""
        common = alike("rounding", x, unit)
        return _with(EXACT.rounded(value_of(x), value_of(unit), direction), common, x, unit)

    def square_root(self, x: Number, unit: Number, direction: Direction) -> Number:
        """Exponents are halved; what the root is rounded to is of the root's unit."""
        root = EXACT.square_root(value_of(x), value_of(unit), direction)
        if not isinstance(x, Dimensioned) or x.unit is None:
            return root if not isinstance(x, Dimensioned) else Dimensioned(root, None)
        halved = Dimensioned(root, PURE.times(x.unit, Fraction(1, 2)))
        return Dimensioned(root, alike("rounding", halved, unit))

    def exponential(self, x: Number) -> Number:
        """Of pure numbers only."""
        return EXACT.exponential(_pure("an exponential", x))

    def logarithm(self, x: Number) -> Number:
        """Of pure numbers only."""
        return EXACT.logarithm(_pure("a logarithm", x))

    def normal(self, x: Number) -> Number:
        """Of pure numbers only."""
        return EXACT.normal(_pure("a normal distribution", x))

    def named(self, name: str, x: Number, note: str = "") -> Number:
        """The same number."""
        return x


def _pure(verb: str, x: Any) -> Any:
    if isinstance(x, Dimensioned) and x.unit not in (PURE, None):
        raise UnlikeUnits(f"{verb} of {x.unit}, wanted a pure number")
    return value_of(x)
