"""The plan `drift_shortage` in the engine."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drift_documents import account, engine_of, market, position, shared_pool, shipped_engine

from rules_engine.terms.evaluation import Closing, PoolFigures

BUFFER = {"liquidation_buffer": "0.02"}


def close_out(usdc: str, **options: Any) -> tuple[Closing, ...]:
    """The close-out of a long of 10 entered at the mark of 100, with so much collateral."""
    pool: PoolFigures = shared_pool(engine_of(**options).evaluate(account(position("10", "100"), USDC=usdc), market()))
    assert pool.status == "liquidate", pool
    return pool.close_out


def test_close_out__covers_the_shortage_with_the_buffer() -> None:
    """45 against 50 and a buffer of 20: 25 lack, and a unit frees 5 + 2, which takes 3.571428571 units of base."""
    first, *rest = close_out("45", mode=BUFFER)
    assert first.quantity == Decimal("3.571428571")
    assert first.figures["margin_shortage"] == 25
    assert first.figures["margin_ratio_with_buffer"] == Decimal("0.07")
    assert first.reason == "covers the margin shortage"
    assert [step.quantity for step in rest] == [Decimal("0.000000001")] * len(rest)


def test_close_out__is_rounded_up_to_the_order_step() -> None:
    """In steps of a tenth, 3.6 are closed at once, and nothing is left."""
    assert [step.quantity for step in close_out("45", mode=BUFFER, close={"order_step_size": "0.1"})] == [
        Decimal("3.6")
    ]


def test_close_out__pays_liquidator_and_insurance_fund() -> None:
    """A unit frees 7 - 1 - 0.5; 4.545454545 units cover 25, and 4.6 at 100 pay 4.6 and 2.3."""
    close = {"liquidator_fee": "0.01", "if_liquidation_fee": "0.005", "order_step_size": "0.1"}
    step = close_out("45", mode=BUFFER, close=close)[0]
    assert step.figures["base_amount"] == Decimal("4.545454545")
    assert step.quantity == Decimal("4.6")
    assert (step.figures["liquidator_payment"], step.figures["insurance_fund_payment"]) == (
        Decimal("4.6"),
        Decimal("2.3"),
    )


def test_close_out__fee_as_high_as_the_ratio() -> None:
    """Where the liquidator takes all that a closing releases, the whole position is closed."""
    steps = close_out("45", close={"liquidator_fee": "0.05"})
    assert [(step.quantity, step.reason) for step in steps] == [(Decimal(10), "frees nothing by parts")]


def test_close_out__nothing_covers() -> None:
    """A debt alone keeps the pool short: all positions are closed, and the reason says so."""
    held = account(position("10", "100"), USDC="1000", SOL="-10")
    pool = shared_pool(engine_of().evaluate(held, market(SOL="100")))
    assert [(step.quantity, step.reason) for step in pool.close_out] == [(Decimal(10), "nothing covers the shortage")]


def test_close_out__largest_requirement_first() -> None:
    """Of two markets the one that requires more is closed first, and the shortage is shared by requirement."""
    held = {
        "account": "A",
        "collateral": {"USDC": "3900"},
        "positions": [
            {"id": "btc", "instrument": "BTC-PERP", "mode": "drift_cross", "quantity": "1", "entry_price": "60000"},
            {"id": "sol", "instrument": "SOL-PERP", "mode": "drift_cross", "quantity": "-200", "entry_price": "100"},
        ],
    }
    prices = {name: {"mark_price": mark} for name, mark in (("BTC-PERP", "60000"), ("SOL-PERP", "100"))}
    pool = shared_pool(shipped_engine().evaluate(held, {"as_of": "2026-12-02T00:00:00Z", "instruments": prices}))
    first = pool.close_out[0]
    assert first.position == "btc"
    assert first.figures["margin_shortage"] == 3000 + 1000 + 1200 + 400 - 3900  # 5 %, and a buffer of 2 %
    # 0.07 - 0.01 - 1275 / 60000 = 0.03875 leaves room for the whole fee of 0.005
    assert first.figures["insurance_fund_fee"] == Decimal("0.005")
    assert first.figures["base_amount"] == Decimal("0.515151515")  # 1700 / (4200 - 600 - 300)
    assert first.quantity == Decimal("0.5152")
