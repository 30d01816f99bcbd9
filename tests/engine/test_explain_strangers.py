"""Explanations of modes of whole pools and of modes that look at orders: what is printed follows from what is said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rules_engine.numbers.exact import EXACT
from rules_engine.plugin import PoolRequirement, Requirement
from tests.builders import account, market, order, position
from tests.engine.explaining import line, part
from tests.engine.placed import unplaced
from tests.engine.strangers import SUPPLIER, StrangePool, Supplies, engine_with
from tests.engine.test_mode_orders import CASH, HELD, book_engine, rests
from tests.engine.test_pool_modes import debts, hedged, net_engine, net_of, to_the_first

NOTHING = Decimal(0)


def test_pool__is_explained_by_attribution() -> None:
    """The requirement of 40 is the long's, the price is where the whole pool keeps what there is."""
    explanation = net_engine().explain(hedged("100", orders=[order("1", mode="net")]), market())
    assert line(explanation, "A/net", "maintenance_margin").how == "long 40"
    assert line(explanation, "A/net", "initial_margin").how == "long 80 + orders 20"
    assert line(explanation, "A/net", "orders BTCUSDT").how == "o1: with buys filled 100 - initial now 80"
    there = line(explanation, "long", "required there")
    assert (there.value, there.how) == ("33.3333333333…", "kept in the whole pool 33.3333333333…")


def test_pool__shows_the_steps_that_its_mode_names() -> None:
    """Each with its value and how it was made of the positions' figures."""

    def named(num: Any, pool: Any) -> PoolRequirement:
        num.named("net", net_of(num, pool))
        return to_the_first(num, pool)

    step = line(net_engine(named).explain(hedged("100"), market()), "A/net", "net")
    assert step.value == "400"
    assert step.how == ("|quantity of long 10 * value of long 100 + quantity of short -6 * value of short 100|")


def test_pool__counts_steps_beyond_forty() -> None:
    """A grid of 50 scenarios shows 40 and says how many more there are."""

    def grid(num: Any, pool: Any) -> PoolRequirement:
        for scenario in range(50):
            num.named(f"scenario {scenario}", net_of(num, pool) * Decimal(scenario))
        return to_the_first(num, pool)

    explanation = net_engine(grid).explain(hedged("100"), market())
    figures = [one.figure for one in part(explanation, "A/net").lines]
    assert ("scenario 39" in figures, "scenario 40" in figures) == (True, False)
    more = line(explanation, "A/net", "...")
    assert (more.value, more.how) == ("10", "more steps of the mode")


def test_pool__that_cannot_be_replayed_says_so() -> None:
    """A mode that knows only exact numbers decides; its steps, and what it requires elsewhere, are doubts."""

    def exact_only(num: Any, pool: Any) -> PoolRequirement:
        if num is not EXACT or any(one.value != 100 for one in pool.positions):
            raise ValueError("only here")
        return to_the_first(num, pool)

    explanation = net_engine(exact_only).explain(hedged("100"), market())
    assert unplaced(line(explanation, "A/net", "PLUGIN_FAULT").how) == f"net of {SUPPLIER} raised ValueError: only here"
    assert line(explanation, "A/net", "maintenance_margin").value == "40"
    prices = line(explanation, "long", "prices")
    assert prices.how.startswith("the mode does not say what it requires at another mark: ")


def test_pool__of_assets_alone_is_explained() -> None:
    """What debts require is nobody's position; the status follows from it."""
    document = account(collateral={"USDT": "120", "ETH": "-10"})
    explanation = net_engine(debts).explain(document, {**market(), "prices": {"ETH": {"price": "10"}}})
    assert line(explanation, "A/net", "maintenance_margin").how == "assets 10"
    assert line(explanation, "A/net", "initial_margin").how == "assets 10"
    assert line(explanation, "A/net", "margin_ratio").value == "1.00000000"
    assert line(explanation, "A/net", "status").how == "liquidate at or below 10, call at or below 12.5"


def test_orders__that_open_are_explained_by_what_they_keep() -> None:
    """1.8 of 180 on an instrument in which nothing is held, beside the position's own 14.5."""
    orders = [rests("5"), rests("2", id="o2", instrument="ETHUSDT")]
    explanation = book_engine().explain(account(HELD, orders=orders, **CASH), market())
    assert line(explanation, "A/book", "maintenance_margin").how == "p1 14.5 + order o2 1.8"
    assert line(explanation, "A/book", "initial_margin").how == "p1 100 + orders 63"
    assert line(explanation, "A/book", "orders ETHUSDT").how == "o2: |180| * 0.1"


def test_order__of_a_mode_that_looks_at_orders_is_explained() -> None:
    """The decision's figures are the mode's own."""
    explanation = book_engine().explain_order(account(HELD, **CASH), market(), rests("5"))
    assert line(explanation, "A/book", "initial_margin").how == "p1 100 + orders 45"


def test_close_out__of_a_pool_mode_with_orders_is_explained() -> None:
    """The mode sees what is left with its orders after each step; the order keeps what it does."""

    def by_parts(num: Any, pool: Any) -> PoolRequirement:
        own = {
            one.id: Requirement(
                NOTHING,
                num.absolute(one.quantity * one.value) * Decimal("0.01")
                + num.total([num.absolute(rest.quantity * rest.value) for rest in one.orders]) * Decimal("0.01"),
            )
            for one in pool.positions
        }
        return PoolRequirement(NOTHING, num.total([one.maintenance for one in own.values()]), own, NOTHING)

    engine = engine_with(
        Supplies(StrangePool(by_parts, name="book", reserves_orders=True)), liquidation="{restore_to: 1.5}"
    )
    orders = [rests("5", instrument="ETHUSDT")]
    document = account(position("10", mode="book"), orders=orders, collateral={"USDT": "14"})
    # 10 - q and 4.5 of the order keep 14.5 - q: 14 > 21.75 - 1.5 * q past 5.1666....
    step = line(engine.explain(document, market()), "A/book", "close_out p1")
    assert (step.value, step.how) == ("5.167", "restores the pool; then 0.0005 to spare at restore_to 1.5")
