"""What counts as a figure."""

from __future__ import annotations

from decimal import Decimal

from rules_engine.numbers.exact import Ratio
from rules_engine.numbers.system import Number


def is_number(figure: Number) -> bool:
    """Whether a figure is an exact finite number."""
    if isinstance(figure, Decimal):
        return figure.is_finite()
    return isinstance(figure, Ratio | int) and not isinstance(figure, bool)


def is_amount(figure: Number) -> bool:
    """Whether a figure is an exact finite number, not below zero."""
    return is_number(figure) and bool(figure >= 0)
