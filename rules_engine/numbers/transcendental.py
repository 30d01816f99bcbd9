"""Verbs whose results no fraction holds: computed to a stated accuracy from an exact `n / d` (d > 0), with no floats.

The same digits come out on every machine: Python documents that `Decimal.exp` and `Decimal.ln` are correctly rounded,
and the series for `normal` takes its steps in a fixed order.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, DivisionByZero, InvalidOperation, localcontext
from typing import Final

_WORKING: Final = Context(prec=40, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, DivisionByZero])
"""40 digits: what is within 1e-30 with ten to spare, for the sizes below."""

_LARGEST_EXPONENT: Final = Decimal(10_000)
"""Far above any rate times time; exact sums with the result keep to some thousands of digits."""

_PEAK: Final = Decimal("0.3989422804014326779399460599343818684758586")
"""1 / root of 2 pi, the normal density at 0: Abramowitz & Stegun, Handbook of Mathematical Functions (1964), 26.2.1."""

_FARTHEST: Final = Decimal(12)
"""The tail beyond is under density / x = 1.8e-33 (Abramowitz & Stegun 26.2.12): in 32 places it is 0."""

_PLACES: Final = Decimal("1e-32")
_NEGLIGIBLE: Final = Decimal("1e-36")
_HALF: Final = Decimal("0.5")


def exponential(n: Decimal, d: Decimal) -> Decimal:
    """`e ** (n / d)`, to within 1e-30 of itself; `ValueError` where `n / d` is above 10000 in size."""
    if abs(n) > _LARGEST_EXPONENT * d:
        raise ValueError("the exponential is taken of a number above 10000 in size")
    with localcontext(_WORKING):
        return (n / d).exp()


def logarithm(n: Decimal, d: Decimal) -> Decimal:
    """The natural logarithm of `n / d`, to within 1e-30; `ValueError` where that is not above zero."""
    if n <= 0:
        raise ValueError("the logarithm is taken of a number that is not above zero")
    with localcontext(_WORKING):
        return (n / d).ln()


def normal(n: Decimal, d: Decimal) -> Decimal:
    """The standard normal distribution function at `n / d`, in 32 places; at x and -x it adds up to exactly 1."""
    with localcontext(_WORKING):
        tail = _tail(abs(n) / d)
        return 1 - tail if n > 0 else tail


def _tail(x: Decimal) -> Decimal:
    """The probability above x >= 0, in 32 places, by Abramowitz & Stegun 26.2.11.

    It is `1/2 - density * (x + x^3 / 3 + x^5 / (3 * 5) + ...)`: all terms have one sign, so that no digits cancel.
    """
    if x > _FARTHEST:
        return Decimal(0)
    square = x * x
    term = series = x
    odd = 1
    while term > _NEGLIGIBLE:
        odd += 2
        term = term * square / odd
        series += term
    return (_HALF - _PEAK * (-square / 2).exp() * series).quantize(_PLACES)
