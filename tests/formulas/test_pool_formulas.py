"""What follows for a pool: surplus, order margin, draws, what may be withdrawn, and what assets count for."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from rules_engine.formulas.collateral import collateral_value
from rules_engine.formulas.pool import draw_limit, drawn, loss_to_mark, order_margin, surplus, withdrawable
from rules_engine.numbers.exact import EXACT
from tests.formulas.examples import fraction


def number(text: str | None) -> Decimal | None:
    """A decimal, or None."""
    return None if text is None else Decimal(text)


@pytest.mark.parametrize(
    ("amount", "haircut", "cap", "expected"),
    [
        ("2", "0.05", None, "190"),  # 2 * 100 * 0.95
        ("-2", "0.05", None, "-210"),  # 2 * 100 * 1.05 owed
        ("2", "0.05", "190", "190"),  # exactly the cap
        ("2", "0.05", "189.99", "189.99"),  # above it
        ("-2", "0.05", "100", "-210"),  # a debt has no cap
        ("0", "0.05", "100", "0"),
        ("2", "1", None, "0"),  # a haircut of everything
    ],
)
def test_collateral__counts_after_haircut_up_to_its_cap(
    amount: str, haircut: str, cap: str | None, expected: str
) -> None:
    """What is held counts less than its price and no more than the cap; what is owed counts more, without one."""
    value = collateral_value(EXACT, Decimal(amount), Decimal(100), Decimal(haircut), number(cap))
    assert value == Decimal(expected)


def test_surplus__counts_the_fee_once() -> None:
    """100 - (1.5 * 40 + 3) = 37: the multiple is of maintenance, not of the fee."""
    assert surplus(Decimal(100), Decimal(40), Decimal(3), Decimal("1.5")) == 37


@pytest.mark.parametrize(
    ("bought", "sold", "expected"),
    # With a present requirement of 50, losses of 3 and 0.5, a fee of 1.
    [("80", "60", "34.5"), ("40", "70", "24.5"), ("50", "50", "4.5"), ("10", "0", "4.5")],
)
def test_order_margin__is_the_larger_side_and_not_below_zero(bought: str, sold: str, expected: str) -> None:
    """max(bought - now, sold - now, 0), plus what every order would lose, plus fees."""
    losses, fees = [Decimal(3), Decimal("0.5")], [Decimal(1)]
    assert order_margin(EXACT, Decimal(50), Decimal(bought), Decimal(sold), losses, fees) == Decimal(expected)


@pytest.mark.parametrize(
    ("quantity", "price", "expected"),
    [("2", "110", "20"), ("2", "100", "0"), ("2", "90", "0"), ("-2", "90", "20"), ("-2", "110", "0")],
)
def test_loss_to_mark__of_buying_above_or_selling_below_the_mark(quantity: str, price: str, expected: str) -> None:
    """At a mark of 100, buying 2 at 110 loses 20 at once; buying at the mark or below loses nothing."""
    assert loss_to_mark(EXACT, Decimal(quantity), Decimal(100), Decimal(price)) == Decimal(expected)


@pytest.mark.parametrize(
    ("free", "cap", "groups", "expected"),
    [
        ("300", "0.25", 3, Fraction(75)),  # the cap is below 1/3
        ("300", "0.5", 3, Fraction(100)),  # 1/3 is below the cap
        ("100", "1", 3, Fraction(100, 3)),  # exactly a third
        ("300", "0.25", 4, Fraction(75)),  # cap and 1/4 alike
        ("-1", "0.5", 1, Fraction(0)),
        ("300", "0", 1, Fraction(0)),
    ],
)
def test_draw_limit__all_groups_together_never_exceed_what_is_free(
    free: str, cap: str, groups: int, expected: Fraction
) -> None:
    """F * min(cap, 1 / G), nothing of a shared pool that has nothing free."""
    limit = draw_limit(EXACT, Decimal(free), Decimal(cap), groups)
    assert fraction(limit) == expected
    assert fraction(limit) * groups <= max(Fraction(free), 0)


@pytest.mark.parametrize(
    ("initial", "own", "expected"), [("100", "100", "0"), ("100", "99", "1"), ("100", "40", "50"), ("100", "120", "0")]
)
def test_drawn__is_what_own_equity_lacks_up_to_the_limit(initial: str, own: str, expected: str) -> None:
    """With a limit of 50: nothing where own equity covers initial margin, and never more than the limit."""
    assert drawn(EXACT, Decimal(50), Decimal(initial), Decimal(own)) == Decimal(expected)


@pytest.mark.parametrize(
    ("free", "profits", "expected"), [("100", "30", "70"), ("30", "30", "0"), ("10", "30", "0"), ("-5", "0", "0")]
)
def test_withdrawable__leaves_unrealized_profits_and_is_not_negative(free: str, profits: str, expected: str) -> None:
    """max(0, free margin - profits)."""
    assert withdrawable(EXACT, Decimal(free), Decimal(profits)) == Decimal(expected)
