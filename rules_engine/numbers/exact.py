"""Exact numbers: a `Decimal` while nothing has been divided, a `Ratio` of two Decimals once something has.

Arithmetic on Decimals takes its precision from the thread's context, so everything exact runs `with exactly():`,
a context wide enough never to round, which raises instead of rounding.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, localcontext
from math import isqrt
from typing import Final, TypeAlias

from rules_engine.numbers.system import Direction, Line, Number
from rules_engine.numbers.transcendental import exponential, logarithm, normal

_TRAPS: Final = [Inexact, InvalidOperation, DivisionByZero]
PRECISION: Final = 100_000_000
"""Digits of the exact context: more than any figure of ours can have."""

_WIDE: Final = Context(prec=PRECISION, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=_TRAPS)
_FINITE: Final = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=_TRAPS)

_WHOLE: Final = (Decimal, int)
"""What a `Ratio` does arithmetic with besides its like; numbers of other systems do it their own way."""

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


def exact_context() -> Context:
    """A fresh copy of the exact context."""
    return _WIDE.copy()


def exactly() -> AbstractContextManager[Context]:
    """The context in which exact numbers are computed; it raises `Inexact` instead of rounding."""
    return localcontext(_WIDE)


class Ratio:
    """An exact rational `n / d`, with d > 0 and not reduced. Mixes with `Decimal` on either side."""

    __slots__ = ("d", "n")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, n: Decimal, d: Decimal) -> None:
        self.n = n
        self.d = d

    def __add__(self, other: Exact) -> Ratio:
        if not isinstance(other, Ratio):
            return Ratio(self.n + other * self.d, self.d) if isinstance(other, _WHOLE) else NotImplemented
        if self.d == other.d:
            return Ratio(self.n + other.n, self.d)
        return Ratio(self.n * other.d + other.n * self.d, self.d * other.d)

    __radd__ = __add__

    def __neg__(self) -> Ratio:
        return Ratio(-self.n, self.d)

    def __sub__(self, other: Exact) -> Ratio:
        return self + -other

    def __rsub__(self, other: Exact) -> Ratio:
        return -self + other

    def __mul__(self, other: Exact) -> Ratio:
        if not isinstance(other, Ratio):
            return Ratio(self.n * other, self.d) if isinstance(other, _WHOLE) else NotImplemented
        return Ratio(self.n * other.n, self.d * other.d)

    __rmul__ = __mul__

    def __abs__(self) -> Ratio:
        return Ratio(abs(self.n), self.d)

    def _difference(self, other: Exact) -> Decimal:
        """A Decimal of the same sign as `self - other`."""
        if not isinstance(other, Ratio):
            return self.n - other * self.d
        return self.n * other.d - other.n * self.d

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Ratio, Decimal, int)) and self._difference(other) == 0

    def __lt__(self, other: Exact) -> bool:
        return self._difference(other) < 0

    def __le__(self, other: Exact) -> bool:
        return self._difference(other) <= 0

    def __gt__(self, other: Exact) -> bool:
        return self._difference(other) > 0

    def __ge__(self, other: Exact) -> bool:
        return self._difference(other) >= 0

    def __repr__(self) -> str:
        return f"Ratio({self.n}, {self.d})"


Exact: TypeAlias = Decimal | Ratio | int


def divide(x: Exact, by: Exact) -> Exact:
    """`x / by` exactly: a Decimal where the quotient is short and finite, a Ratio otherwise. `by` is not zero."""
    if isinstance(x, Ratio) or isinstance(by, Ratio):
        n, d = _parts(x)
        by_n, by_d = _parts(by)
        return Ratio(n * by_d, d * by_n) if by_n > 0 else Ratio(-n * by_d, -d * by_n)
    try:
        return _FINITE.divide(x, by)
    except Inexact:
        return Ratio(Decimal(x), Decimal(by)) if by > 0 else Ratio(Decimal(-x), Decimal(-by))


def sign_of(x: Exact) -> int:
    """-1, 0 or 1."""
    return (x > 0) - (x < 0)


def _parts(x: Exact) -> tuple[Decimal, Decimal]:
    return (x.n, x.d) if isinstance(x, Ratio) else (Decimal(x), ONE)


def count_of(x: Exact, unit: Decimal, direction: Direction) -> Decimal:
    """How many whole units make x, rounded in the stated direction (half_up: a half goes away from zero)."""
    n, d = _parts(x)
    if direction == "half_up":
        half = count_of(Ratio(abs(n) * 2, d), unit, "down") + 1
        whole = half // 2
        return whole if n >= 0 else -whole
    count, rest = divmod(n, d * unit)
    if direction == "up":
        return count + 1 if rest > 0 else count
    return count - 1 if rest < 0 else count


def rounded(x: Exact, unit: Decimal, direction: Direction) -> Decimal:
    """x as a multiple of `unit` (> 0), rounded once in the stated direction."""
    if isinstance(x, Decimal) and not x % unit:
        return x
    return count_of(x, unit, direction) * unit


def root_of(x: Exact, unit: Decimal, direction: Direction) -> Decimal:
    """The square root of x >= 0 as a multiple of `unit` (> 0), rounded once in the stated direction."""
    if x < 0:
        raise ValueError("the square root is taken of a number below zero")
    squared = divide(x, unit * unit)
    whole = isqrt(int(count_of(squared, ONE, "down")))
    beyond = squared - whole * whole
    if direction == "up":
        whole += bool(beyond > 0)
    elif direction == "half_up":
        whole += bool(beyond - whole >= Decimal("0.25"))
    return whole * unit


class ExactNumbers:
    """The number system of Decimals and Ratios: every result is the true one, or as near as its verb states."""

    __slots__ = ()  # one object serves every formula of every plugin, so none may change it

    def constant(self, value: Number) -> Number:
        return value

    def absolute(self, x: Number) -> Number:
        return abs(x)

    def minimum(self, *xs: Number) -> Number:
        return min(xs)

    def maximum(self, *xs: Number) -> Number:
        return max(xs)

    def total(self, xs: Iterable[Number]) -> Number:
        """Adds Decimals first and Ratios by denominator, so that denominators grow as little as they can."""
        whole = ZERO
        ratios: dict[Decimal, Decimal] = {}
        for x in xs:
            if isinstance(x, Ratio):
                ratios[x.d] = ratios.get(x.d, ZERO) + x.n
            else:
                whole += x
        result: Number = whole
        for d, n in ratios.items():
            result = Ratio(n, d) + result
        return result

    def quotient(self, x: Number, by: Number) -> Number:
        return divide(x, by)

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        rate, deduction = lines[max(bisect_right(floors, x) - 1, 0)]
        return rate * x - deduction

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Number:
        return values[max(bisect_right(floors, x) - 1, 0)]

    def rounded(self, x: Number, unit: Number, direction: Direction) -> Number:
        return rounded(x, unit, direction)

    def square_root(self, x: Number, unit: Number, direction: Direction) -> Number:
        return root_of(x, unit, direction)

    def exponential(self, x: Number) -> Number:
        return exponential(*_parts(x))

    def logarithm(self, x: Number) -> Number:
        return logarithm(*_parts(x))

    def normal(self, x: Number) -> Number:
        return normal(*_parts(x))

    def named(self, name: str, x: Number, note: str = "") -> Number:
        return x


EXACT: Final = ExactNumbers()
