"""Hypothesis strategies for exact numbers, and how they are read back as fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from rules_engine.numbers.exact import Exact, Ratio


def cases(count: int) -> settings:
    """That many examples, the same ones every time."""
    return settings(
        max_examples=count, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )


def fraction(x: Exact) -> Fraction:
    """An exact number as a fraction."""
    return Fraction(x.n) / Fraction(x.d) if isinstance(x, Ratio) else Fraction(x)


def decimal(units: int, places: int) -> Decimal:
    """`units * 10 ** -places`, exactly."""
    return Decimal((units < 0, [int(digit) for digit in str(abs(units))], -places))


INTEGERS = st.integers(-12, 12)
DECIMALS = st.builds(decimal, st.integers(-3000, 3000), st.integers(0, 3))
POSITIVE = st.builds(decimal, st.integers(1, 3000), st.integers(0, 3))
RATIOS = st.builds(Ratio, DECIMALS, POSITIVE)
EXACTS: st.SearchStrategy[Any] = st.one_of(INTEGERS, DECIMALS, RATIOS)
