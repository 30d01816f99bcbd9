"""Amounts fit into the cells of a heat map."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rules_engine.report.what_if_picture import short


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0"), ("999.99", "1000"), ("61000", "61k"), ("999999", "1000k"), ("1234567", "1.235M"), ("2.5e12", "2.5T")],
)
def test_short__has_four_digits_and_a_letter(amount: str, text: str) -> None:
    """Thousands, millions and so on; what rounds up to the next keeps its letter."""
    assert short(Decimal(amount)) == text
