"""Further facts that the program's unit tests assert, and the places where its formulas turn.

The tests are named as in `drift-labs/protocol-v2`: `math/margin/tests.rs`, `math/liquidation/tests.rs`,
`state/perp_market/tests.rs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from rules_engine_drift_margin import formulas

from rules_engine.numbers.exact import EXACT, exactly


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    """Nothing is rounded but by the formulas."""
    with exactly():
        yield


@pytest.mark.parametrize(
    ("factor", "size", "weight", "expected"),
    [
        ("0", "1000", "1.1", "1.1"),
        ("0.00001", "1000", "1.1", "1.1"),
        ("0.01", "1000", "1.1", "1.1962"),
        ("0.1", "1000", "1.1", "4.0422"),
    ],
)
def test_liability_weight__spot_market_asset_weight(factor: str, size: str, weight: str, expected: str) -> None:
    """Weights of debts as in `spot_market_asset_weight`."""
    found = formulas.liability_weight(EXACT, Decimal(size), Decimal(factor), Decimal(weight))
    assert found == Decimal(expected)


@pytest.mark.parametrize(
    ("factor", "size", "weight", "expected"),
    [
        ("0.00001", "1000", "0.9", "0.9"),
        ("0.00001", "1000000000", "0.9", "0.8357"),
        ("0", "100000", "0.15", "0.15"),
        ("0.1", "100000", "0.15", "0.0337"),
        ("0.1", "100000", "0.75", "0.0337"),
        ("0.001", "24282.786896", "1", "0.9516"),
        ("0.001", "2428278.6896", "1", "0.4299"),
        ("0.001", "242827868.96", "1", "0.0663"),
    ],
)
def test_asset_weight__of_deposits_and_of_profit(factor: str, size: str, weight: str, expected: str) -> None:
    """Weights as in `spot_market_asset_weight` and `calculate_user_equity_value_tests`."""
    assert formulas.asset_weight(EXACT, Decimal(size), Decimal(factor), Decimal(weight)) == Decimal(expected)


@pytest.mark.parametrize(("deposits", "expected"), [(20_000, "0.9"), (60_000, "0.3")])
def test_scaled_weight__at_the_start_and_beyond(deposits: int, expected: str) -> None:
    """`spot_market_scale_initial_asset_weight`: at 25 a token, scaling starts at 20,000 tokens."""
    found = formulas.scaled_weight(EXACT, Decimal("0.9"), Decimal(500_000), Decimal(deposits * 25))
    assert found == Decimal(expected)


def test_perp_requirement__at_22050() -> None:
    """`calculate_user_equity_value_tests`: 6.147540983 at 22,050 and 10 %."""
    value = formulas.perp_value(EXACT, Decimal("6.147540983"), Decimal(22_050), Decimal(1))
    assert formulas.perp_requirement(EXACT, value, Decimal("0.1")) == Decimal("13555.327867")


@pytest.mark.parametrize(
    ("size", "expected"),
    [("0.1", "0.01"), ("10", "0.0104"), ("1000000", "0.13")],
)
def test_high_leverage_ratio__new_hlm_imf_size(size: str, expected: str) -> None:
    """`new_hlm_imf_size`; from a size at which the premium exceeds it, the ratio is the ordinary user's."""
    found = formulas.high_leverage_ratio(EXACT, Decimal(size), Decimal("0.00005"), Decimal("0.1"), Decimal("0.01"))
    assert found == Decimal(expected)


def test_high_leverage_ratio__where_the_premium_meets_the_ordinary_ratio() -> None:
    """0.08 + 400 * 0.00005 = 0.1: there the program answers the lowest ratio; just below, almost the ordinary one."""
    found = [
        formulas.high_leverage_ratio(EXACT, Decimal(size), Decimal("0.00005"), Decimal("0.1"), Decimal("0.01"))
        for size in (159_000, 160_000, 162_000)
    ]
    assert found == [Decimal("0.0995"), Decimal("0.01"), Decimal("0.1001")]


@pytest.mark.parametrize(
    ("fee", "insurance", "quote_price", "expected"),
    [("0", "0", "0.99", "1.010101010"), ("0.01", "0", "1", "1.111111111"), ("0.01", "0.01", "1", "1.25")],
)
def test_base_amount_to_cover__of_ten(fee: str, insurance: str, quote_price: str, expected: str) -> None:
    """`calculate_base_asset_amount_to_cover_margin_shortage`: a shortage of 10 at 100 and 10 %."""
    price, at_quote = Decimal(100), Decimal(quote_price)
    freed = formulas.freed_by_contract(EXACT, Decimal("0.1"), Decimal(fee), Decimal(insurance), price, at_quote)
    assert formulas.base_amount_to_cover(EXACT, Decimal(10), freed) == Decimal(expected)


@pytest.mark.parametrize("ratio", ["0.01", "0.005"])
def test_freed_by_contract__ratio_not_above_the_fee(ratio: str) -> None:
    """Where the liquidator takes all that is released, no amount covers anything; the program answers its maximum."""
    freed = formulas.freed_by_contract(EXACT, Decimal(ratio), Decimal("0.01"), Decimal(0), Decimal(100), Decimal(1))
    assert freed <= 0


@pytest.mark.parametrize(("insurance", "expected"), [("0", "0.25"), ("0.01", "0.257731958")])
def test_liability_to_transfer__without_multipliers(insurance: str, expected: str) -> None:
    """`calculate_liability_transfer_to_cover_margin_shortage`: weights 0.8 and 1.2, a shortage of 10 at 100."""
    one = Decimal(1)
    freed = formulas.freed_by_liability(
        EXACT, Decimal("0.8"), one, Decimal("1.2"), one, Decimal(insurance), Decimal(100)
    )
    assert formulas.liability_to_transfer(EXACT, Decimal(10), freed, 9) == Decimal(expected)


def test_liability_to_transfer__at_least_a_unit() -> None:
    """A shortage worth less than one unit of the debt still takes one."""
    assert formulas.liability_to_transfer(EXACT, Decimal("0.000001"), Decimal(60_000), 6) == Decimal("0.000001")


@pytest.mark.parametrize(("shortage", "expected"), [("20", "0.019"), ("1", "0.03705"), ("40", "0"), ("50", "0")])
def test_insurance_fund_fee__calculate_perp_if_fee(shortage: str, expected: str) -> None:
    """`calculate_perp_if_fee`: 95 % of 0.05 - 0.01 - shortage / (10 * 100), not below 0."""
    found = formulas.insurance_fund_fee(
        EXACT,
        Decimal(shortage),
        Decimal(10),
        Decimal("0.05"),
        Decimal("0.01"),
        Decimal(100),
        Decimal(1),
        Decimal("0.05"),
    )
    assert found == Decimal(expected)
