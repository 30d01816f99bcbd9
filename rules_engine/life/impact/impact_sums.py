"""Exact sums of doubles: integers in units of a power of two of which each double is a multiple."""

from __future__ import annotations

from fractions import Fraction
from math import frexp
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules_engine.numbers.columns import Floats
from rules_engine.numbers.exact import Ratio
from rules_engine.numbers.system import Number

DIGITS: Final = 53
"""Bits of a double's fraction (IEEE 754)."""


class Adder:
    """Sums doubles from 0 up, in rising order, exactly: the same into whatever parts they are split.

    Each is cut at one power of two into a high and a low part (Rump, Ogita, Oishi: Accurate Floating-Point Summation I,
    SIAM J. Sci. Comput. 31, 2008). Both are exact, and so is every sum of so many of either, in any order.
    """

    def __init__(self, most: int) -> None:
        self._high, self._low = np.empty(most), np.empty(most)

    def total(self, sizes: Floats, unit: int) -> int:
        """The sum in units of `2^unit`; of no more doubles than there is room for."""
        return self.totals(sizes, None, unit).get(0, 0)

    def totals(self, sizes: Floats, kinds: NDArray[np.uint8] | None, unit: int) -> dict[int, int]:
        """The sums by kind, a number for each double, of those that are not 0; one kind, 0, where none are given."""
        if not len(sizes):
            return {}
        cut = _cut(sizes)
        if cut is None:
            half = len(sizes) // 2
            halves = slice(half), slice(half, None)
            one, other = (self.totals(sizes[rows], None if kinds is None else kinds[rows], unit) for rows in halves)
            return {kind: one.get(kind, 0) + other.get(kind, 0) for kind in one.keys() | other.keys()}
        high, low = self._high[: len(sizes)], self._low[: len(sizes)]
        np.add(sizes, cut, out=high)
        np.subtract(high, cut, out=high)
        np.subtract(sizes, high, out=low)
        if kinds is None:
            return {0: _in_units(float(high.sum()), unit) + _in_units(float(low.sum()), unit)}
        upper, lower = np.bincount(kinds, high), np.bincount(kinds, low)
        held = np.flatnonzero((upper != 0.0) | (lower != 0.0))
        sums = zip(held.tolist(), upper[held].tolist(), lower[held].tolist(), strict=True)
        return {kind: _in_units(one, unit) + _in_units(other, unit) for kind, one, other in sums}


def _cut(sizes: Floats) -> float | None:
    """The power of two to cut at; None where no one serves both so many and so different doubles.

    Of n <= 2^k doubles below 2^b it is 2^(b + k): high parts are multiples of 2^(b + k - 52) and their sums no more
    than 2^(b + k + 1); low parts are no more than 2^(b + k - 53), and multiples of 2^(a - 53) where none is below
    2^(a - 1). Doubles hold sums of either where 2 k + b - a <= 53.
    """
    many, first = len(sizes).bit_length(), int(sizes.searchsorted(0.0, "right"))
    if first == len(sizes):
        return 1.0
    least, most = exponent_of(sizes[first]), exponent_of(sizes[-1])
    return 2.0 ** (most + many) if 2 * many + most - least <= DIGITS and most + many < 1000 else None


def exponent_of(size: float) -> int:
    """The power of two next above a double."""
    return frexp(size)[1]


def unit_of(sizes: Floats) -> int:
    """The exponent of the unit of which these doubles in rising order, 0 aside, are multiples."""
    first = int(sizes.searchsorted(0.0, "right"))
    return exponent_of(sizes[first]) - DIGITS if first < len(sizes) else 0


def _in_units(size: float, unit: int) -> int:
    """A double that is a multiple of `2^unit`, in such units."""
    above, below = size.as_integer_ratio()
    shift = 1 - below.bit_length() - unit
    return above << shift if shift >= 0 else above >> -shift


def fraction_of(value: Number) -> Fraction:
    """An exact number as a fraction."""
    return Fraction(value.n) / Fraction(value.d) if isinstance(value, Ratio) else Fraction(value)
