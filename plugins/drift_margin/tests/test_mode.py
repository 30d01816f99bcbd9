"""The mode `drift_cross` in the engine: attribution, orders, leverage, what is missing, and the explanation."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from drift_documents import account, engine_of, market, position, shared_pool

from rules_engine.terms.evaluation import Evaluation

SHORT = {"quantity": "-10", "entry": "100"}


def evaluated(*positions: dict[str, Any], collateral: dict[str, str], **options: Any) -> Evaluation:
    """An account at 100 a SOL, under PERP and SPOT as they stand unless options say otherwise."""
    orders = options.pop("orders", ())
    prices = options.pop("prices", {"SOL": "100"})
    return engine_of(**options).evaluate(account(*positions, orders=orders, **collateral), market(**prices))


def test_requirement__of_a_deposit_and_a_perp() -> None:
    """100 of perp at 10 % and 5 %; 1000 of SOL counts 800 and 900, so 200 and 100 of equity are required for it."""
    evaluation = evaluated(position("1", "100"), collateral={"USDC": "50", "SOL": "10"})
    pool = shared_pool(evaluation)
    assert [pool.equity, pool.initial_margin, pool.maintenance_margin] == [1050, 210, 105]
    assert pool.figures["total_collateral_initial"] == 850
    assert pool.figures["margin_requirement_initial"] == 10
    assert pool.free_margin == 840


def test_requirement__of_a_debt() -> None:
    """A debt of 1000 weighs 1200 and 1100: equity has it as -1000, so 200 and 100 are required beside."""
    pool = shared_pool(evaluated(position("1", "100"), collateral={"USDC": "2000", "SOL": "-10"}))
    assert [pool.equity, pool.initial_margin, pool.maintenance_margin] == [1000, 210, 105]
    assert pool.figures["total_collateral_maintenance"] == 2000
    assert pool.figures["margin_requirement_maintenance"] == 1105


def test_requirement__buffer_is_on_liabilities() -> None:
    """2 % of the perp's 100 and of the debt's 1000 come on top of 5 and 1100."""
    mode = {"liquidation_buffer": "0.02"}
    pool = shared_pool(evaluated(position("1", "100"), collateral={"USDC": "2000", "SOL": "-10"}, mode=mode))
    assert pool.figures["margin_requirement_plus_buffer"] == 1105 + 2 + 20


@pytest.mark.parametrize(("usdc", "status"), [("1100", "healthy"), ("1099.999999", "liquidate")])
def test_status__of_debts_alone(usdc: str, status: str) -> None:
    """An account without positions is liquidated for its debts: 10 SOL at 1.1 * 100 against so much USDC."""
    options: dict[str, Any] = {"spot": {"initial_liability_weight": "1.1"}}
    found = shared_pool(evaluated(collateral={"USDC": usdc, "SOL": "-10"}, **options)).status
    assert (found == "liquidate") == (status == "liquidate")


def test_attribution__assets_in_equal_parts() -> None:
    """Long and short bear 5 and 10 of their own, and half each of the 100 that the deposit requires."""
    held = [position("1", "100"), position("-2", "100", id="p2")]
    evaluation = evaluated(*held, collateral={"USDC": "50", "SOL": "10"})
    assert [one.maintenance_margin for one in evaluation.positions] == [55, 60]
    assert shared_pool(evaluation).maintenance_margin == 115


def test_profit__counts_by_its_weight_and_no_more_than_100_for_initial_margin() -> None:
    """A gain of 1000: at weight 0.8 it would be 800, of which initial margin counts 100; maintenance counts it all."""
    perp = {"unrealized_pnl_initial_asset_weight": "0.8"}
    pool = shared_pool(evaluated(position("10", "0.000001"), collateral={"USDC": "1"}, perp=perp))
    assert pool.figures["total_collateral_initial"] == 101
    assert pool.figures["total_collateral_maintenance"] == Decimal("1000.99999")


def test_profit__weighs_less_under_imbalance() -> None:
    """Users have gained twice the largest imbalance: the weight is halved."""
    engine = engine_of(perp={"unrealized_pnl_max_imbalance": "1000"})
    prices = market("150")
    prices["instruments"]["SOL-PERP"]["measures"] = {"net_user_pnl": "2000"}
    evaluation = engine.evaluate(account(position("1", "100"), USDC="1"), prices)
    assert evaluation.positions[0].figures["unrealized_pnl_weight_initial"] == Decimal("0.5")
    assert shared_pool(evaluation).figures["total_collateral_initial"] == 26


def test_leverage__raises_the_initial_ratio_only() -> None:
    """At leverage 3 the ratio is a third, up to a ten-thousandth; maintenance stays."""
    figures = evaluated(position("1", "100", leverage="3"), collateral={"USDC": "100"}).positions[0].figures
    assert figures["margin_ratio_initial"] == Decimal("0.3334")
    assert figures["margin_ratio_maintenance"] == Decimal("0.05")


def test_orders__worst_case_of_either_side() -> None:
    """A long of 2 with 1 bid and 5 offered is 3 at worst: 10 more of initial margin, and 0.02 for two orders."""
    orders = (
        {"id": "b", "instrument": "SOL-PERP", "mode": "drift_cross", "quantity": "1", "price": "90"},
        {"id": "a", "instrument": "SOL-PERP", "mode": "drift_cross", "quantity": "-5", "price": "110"},
    )
    pool = shared_pool(evaluated(position("2", "100"), collateral={"USDC": "1000"}, orders=orders))
    assert pool.initial_margin == Decimal("30.02")
    assert pool.maintenance_margin == Decimal("15.02")


def test_orders__without_a_position() -> None:
    """An order that would open a position of 4 reserves 40 and 0.01."""
    orders = ({"id": "b", "instrument": "SOL-PERP", "mode": "drift_cross", "quantity": "4", "price": "90"},)
    pool = shared_pool(evaluated(collateral={"USDC": "1000"}, orders=orders))
    assert pool.initial_margin == Decimal("40.01")


def test_order__is_accepted_up_to_free_collateral() -> None:
    """With 100 of collateral, 9.999 fit (99.99 and 0.01 for the order), a thousandth more does not."""
    engine, held = engine_of(), account(USDC="100")
    order = {"id": "o", "instrument": "SOL-PERP", "mode": "drift_cross", "price": "100"}
    assert engine.check_order(held, market(), {**order, "quantity": "9.999"}).accepted
    assert not engine.check_order(held, market(), {**order, "quantity": "10"}).accepted


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"spot": {"scale_initial_asset_weight_start": "1"}}, "MEASURE_MISSING"),
        ({"perp": {"unrealized_pnl_max_imbalance": "1"}}, "MEASURE_MISSING"),
        ({"mode": {"quote_asset": "USDT"}}, "REFERENCE_MISSING"),
    ],
)
def test_missing_input__leaves_the_pool_undetermined(options: dict[str, Any], code: str) -> None:
    """A measure or a weight that nobody states is never guessed."""
    evaluation = evaluated(position("1", "100"), collateral={"USDC": "50", "SOL": "10"}, **options)
    assert evaluation.pools[0].status == "undetermined"
    assert code in evaluation.pools[0].reasons


def test_liquidation_price__is_where_the_decision_changes() -> None:
    """A long of 10 at 100 with 100 of collateral: 100 + 10 * (p - 100) < 0.5 * p below 94.736842 and a bit."""
    evaluation = evaluated(position("10", "100"), collateral={"USDC": "100"})
    assert evaluation.positions[0].liquidation_price == Decimal("94.736843")


def test_explanation__names_ratio_and_liability() -> None:
    """The formulas replay on traced numbers."""
    explanation = engine_of().explain(account(position("1", "100"), USDC="50", SOL="10"), market(SOL="100"))
    assert "drift_cross" in explanation.pools[0].title
