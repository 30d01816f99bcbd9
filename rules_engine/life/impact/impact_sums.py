"""Sums of a book's columns: exact ones of sizes in order, and exact counts."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import frexp, ldexp
from typing import Final

import numpy as np

from rules_engine.numbers.columns import Floats
from rules_engine.numbers.exact import Ratio
from rules_engine.numbers.system import Number

DIGITS: Final = 53
"""Bits of a double's fraction (IEEE 754)."""
BAND: Final = 13
"""Powers of two whose doubles are summed together: as whole multiples of one unit they are below 2^66."""
LOW: Final = 33
"""Bits of such a multiple that are summed apart from those above; no sum of `MOST` of either reaches 2^53."""
FEW: Final = 100
"""Doubles that are summed sooner one by one."""
MOST: Final = 1 << 20
"""Doubles that are summed at once."""


def exact_sum(sizes: Floats) -> Fraction:
    """The exact sum of doubles above 0 in rising order, the same into whatever parts they are split."""
    if not len(sizes):
        return Fraction()
    (_, first), (_, last) = frexp(sizes[0]), frexp(sizes[-1])
    if len(sizes) <= FEW:
        found = sum(int(ldexp(size, DIGITS - first)) for size in sizes.tolist())
        return Fraction(found) * Fraction(2) ** (first - DIGITS)
    exponents = range(first, last + 1, BAND)
    cuts = [0, *np.searchsorted(sizes, [2.0 ** (exponent - 1) for exponent in exponents[1:]]).tolist(), len(sizes)]
    found = 0
    for exponent, (start, stop) in zip(exponents, pairwise(cuts), strict=True):
        units = sum(_units(sizes[at : min(at + MOST, stop)], exponent) for at in range(start, stop, MOST))
        found += units << (exponent - exponents[0])
    return Fraction(found) * Fraction(2) ** (exponents[0] - DIGITS)


def _units(sizes: Floats, exponent: int) -> int:
    """The sum of doubles between `2^(exponent - 1)` and `BAND` powers above, in units of `2^(exponent - DIGITS)`."""
    whole = sizes * 2.0 ** (DIGITS - exponent)
    upper = np.floor(whole * 2.0**-LOW)
    whole -= upper * 2.0**LOW
    return (int(upper.sum()) << LOW) + int(whole.sum())


def fraction_of(value: Number) -> Fraction:
    """An exact number as a fraction."""
    return Fraction(value.n) / Fraction(value.d) if isinstance(value, Ratio) else Fraction(value)
