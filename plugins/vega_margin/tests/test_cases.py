"""Figures that Vega's own tests assert. All go through the engine with documents, but transfers, which are formulas."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from rules_engine_vega_margin.formulas import scaled
from rules_engine_vega_margin.transfers import MarginAccount, Trade, transfer_on_position_change
from vega_documents import account, cases, contract_size, engine, market, shared_pool

from rules_engine.numbers.exact import EXACT, exactly

Case = Mapping[str, Any]


def named(case: Case) -> str:
    """A case's id."""
    return str(case["id"])


def levels(case: Case) -> dict[str, Decimal]:
    """The four levels of an account with the case's position and orders, from its evaluation.

    Maintenance and initial are the pool's, search and release the position's own figures. Where orders rest without a
    position there is no row to carry those two, so they are scaled by the formula from the pool's maintenance.
    """
    inputs = case["inputs"]
    mark = inputs["mark_price"]
    document = account("vega_cross", inputs["position"], mark, inputs["buy_orders"], inputs["sell_orders"])
    evaluation = engine(inputs).evaluate(document, market(inputs, mark)).to_dict()
    pool = evaluation["pools"][0]
    found = {"maintenance": Decimal(pool["maintenance_margin"]), "initial": Decimal(pool["initial_margin"])}
    if evaluation["positions"]:
        figures = evaluation["positions"][0]["figures"]
        return found | {name: Decimal(figures[f"{name}_level"]) for name in ("search", "release")}
    with exactly():
        scaling = {name: Decimal(inputs["scaling"][name]) for name in ("search", "release")}
        return found | {
            name: scaled(EXACT, found["maintenance"], factor, Decimal(1)) for name, factor in scaling.items()
        }


@pytest.mark.parametrize("case", cases("vega-mm", "vega-lvl"), ids=named)
def test_levels__are_those_of_vega(case: Case) -> None:
    """Maintenance with orders, rounded up, and the levels scaled from it, rounded down."""
    found = levels(case)
    assert {name: found[name] for name in case["expected"]} == {
        name: Decimal(value) for name, value in case["expected"].items()
    }


@pytest.mark.parametrize("case", cases("vega-iso-order"), ids=named)
def test_order_margin__of_isolated_positions(case: Case) -> None:
    """What orders on an isolated position reserve in the account's shared pool."""
    inputs = case["inputs"]
    orders = inputs.get("orders", [])
    buys = inputs.get("buy_orders", orders if inputs["side"] == "buy" else [])
    sells = inputs.get("sell_orders", orders if inputs["side"] == "sell" else [])
    document = account("vega_isolated", inputs["position"], "40", buys, sells)
    pool = shared_pool(engine(inputs).evaluate(document, market(inputs, "40")))
    assert pool["initial_margin"] == case["expected"]["order_margin"]


@pytest.mark.parametrize("case", cases("vega-iso-feat"), ids=named)
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_order_margin__of_orders_that_open(case: Case, side: str) -> None:
    """An order without a position, on either side, reserves its notional times the margin factor."""
    inputs = case["inputs"]
    order = [(inputs["order_size"], inputs["limit_price"])]
    buys, sells = (order, []) if side == "buy" else ([], order)
    document = account("vega_isolated", "0", "1", buys, sells)
    pool = shared_pool(engine(inputs).evaluate(document, market(inputs, inputs["limit_price"])))
    assert pool["initial_margin"] == case["expected"]["order_margin"]


@pytest.mark.parametrize("case", cases("vega-iso-pos"), ids=named)
def test_position_margin__of_isolated_positions(case: Case) -> None:
    """What a position's margin account is set to, as a figure of the position."""
    inputs = case["inputs"]
    entry = inputs["average_entry_price"]
    document = account("vega_isolated", inputs["position"], entry)
    evaluation = engine(inputs).evaluate(document, market(inputs, entry))
    assert evaluation.positions[0].figures == {"position_margin": Decimal(case["expected"]["margin_account"])}


@pytest.mark.parametrize("case", cases("vega-iso-xfer"), ids=named)
def test_transfers__on_position_change(case: Case) -> None:
    """Not a figure of an account: the formula itself. A mark that the source leaves out is not used; 1 stands in."""
    inputs = case["inputs"]
    with exactly():
        moved = transfer_on_position_change(
            EXACT,
            Decimal(1) if inputs["side"] == "buy" else Decimal(-1),
            [Trade(Decimal(size), Decimal(price)) for size, price in inputs["trades"]],
            Decimal(inputs["position_after"]),
            Decimal(inputs["mark_price"] or 1),
            MarginAccount(
                Decimal(inputs["margin_balance"]), Decimal(inputs["margin_factor"]), Decimal(contract_size(inputs))
            ),
        )
    sign = 1 if inputs["direction"] == "add" else -1
    assert moved == sign * Decimal(case["expected"]["amount"])


@pytest.mark.parametrize("case", cases("vega-liqpx"), ids=named)
@pytest.mark.parametrize("mode", ["vega_cross", "vega_isolated"])
def test_liquidation_price__is_the_mark_where_collateral_is_maintenance(case: Case, mode: str) -> None:
    """Without rounding to an asset's unit, as in Vega's estimate; in both modes."""
    inputs = case["inputs"]
    mark = inputs["mark_price"]
    of_case = engine(inputs, quantum="1e-9", asset_unit=None)
    documents = account(mode, inputs["position"], mark), market(inputs, mark)
    pool = next(pool for pool in of_case.evaluate(*documents).to_dict()["pools"] if pool["maintenance_margin"] != "0")
    documents[0]["collateral"]["USD"] = documents[0]["positions"][0]["margin"] = pool["maintenance_margin"]
    price = of_case.evaluate(*documents).positions[0].liquidation_price
    assert price is not None
    expected = Decimal(case["expected"]["liquidation_price"])
    assert abs(price - expected) <= expected * Decimal(case["tolerance"]["value"])
