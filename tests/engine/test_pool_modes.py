"""Modes of whole pools: what a pool requires is no sum over its positions, and everything else follows from it.

The mode of these tests requires 10 % of the pool's net notional to be kept and 20 % at first. With 10 long at 100 and
6 short at 100 that is 40 and 80, of a net 400.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.plugin import Backing, PoolExposure, PoolRequirement, Requirement
from tests.builders import account, market, one_pool, one_position, order, position
from tests.engine.strangers import StrangePool, Supplies, engine_with

ZERO = Decimal(0)


def net_of(num: Any, pool: PoolExposure) -> Any:
    """The pool's net notional, without sign."""
    return num.absolute(num.total([one.quantity * one.value for one in pool.positions]))


def to_the_first(num: Any, pool: PoolExposure) -> PoolRequirement:
    """10 % of net is kept, for which the first position accounts alone."""
    kept = net_of(num, pool) * Decimal("0.1")
    nothing = Requirement(num.constant(0), num.constant(0))
    shares = {one.id: nothing for one in pool.positions}
    if pool.positions:
        shares[pool.positions[0].id] = Requirement(kept * 2, kept)
    return PoolRequirement(kept * 2, kept, shares)


def in_proportion(num: Any, pool: PoolExposure) -> PoolRequirement:
    """The same, attributed by each position's own notional: a quotient of unknowns, so no piecewise linear function."""
    net = net_of(num, pool)
    sizes = {one.id: num.absolute(one.quantity * one.value) for one in pool.positions}
    gross = num.total(sizes.values())
    kept = {id: num.quotient(net * size, gross) * Decimal("0.1") for id, size in sizes.items()}
    shares = {id: Requirement(share * 2, share) for id, share in kept.items()}
    return PoolRequirement(net * Decimal("0.2"), net * Decimal("0.1"), shares)


def net_engine(answer: Any = to_the_first, backing: Backing = Backing.ACCOUNT, **sections: str) -> Engine:
    return engine_with(Supplies(StrangePool(answer, backing, "net")), **sections)


LONG = position("10", mode="net", id="long")
SHORT = position("-6", mode="net", id="short", instrument="ETHUSDT")


def hedged(cash: str, **fields: Any) -> dict[str, Any]:
    return account(LONG, SHORT, collateral={"USDT": cash}, **fields)


def test_pool__requires_what_its_mode_says_of_the_whole() -> None:
    """The pool keeps 40 of net 400; the positions' figures are their attribution."""
    evaluation = net_engine().evaluate(hedged("100"), market())
    pool = one_pool(evaluation, "A/net")
    assert (pool.status, pool.equity, pool.initial_margin, pool.maintenance_margin) == ("healthy", 100, 80, 40)
    assert (pool.free_margin, pool.margin_ratio) == (20, Decimal("0.4"))
    attributed = [(one.id, one.initial_margin, one.maintenance_margin) for one in evaluation.positions]
    assert attributed == [("long", 80, 40), ("short", 0, 0)]


def test_attribution__in_thirds_adds_up_exactly() -> None:
    """10 against 5: net 500 keeps 50, of which 2/3 and 1/3 are no decimals; each is rounded up by itself."""
    short = {**SHORT, "quantity": "-5"}
    document = account(LONG, short, collateral={"USDT": "200"})
    evaluation = net_engine(in_proportion).evaluate(document, market())
    assert one_pool(evaluation, "A/net").maintenance_margin == 50
    attributed = [one.maintenance_margin for one in evaluation.positions]
    assert attributed == [Decimal("33.34"), Decimal("16.67")]


@pytest.mark.parametrize(
    ("mark", "status"),
    # Equity is 100 + 10 * (mark - 100), of which (10 * mark - 600) / 10 is kept; they meet at 280 / 3, called at 1.25.
    [("93.4", "margin_call"), ("93.3", "liquidate"), ("90", "liquidate"), ("89.9", "bankrupt")],
)
def test_status__is_that_of_the_whole_pool(mark: str, status: str) -> None:
    """One mark moves and the whole is compared."""
    evaluation = net_engine().evaluate(hedged("100"), market(BTCUSDT=mark))
    assert one_pool(evaluation, "A/net").status == status


@pytest.mark.parametrize("answer", [to_the_first, in_proportion])
def test_prices__are_those_of_the_whole_pool(answer: Any) -> None:
    """Long: 10 * m - 900 = m - 60 at 93.33.... Short: 700 - 6 * e = 100 - 0.6 * e at 111.11.... Gone: 90, 116.66....

    Each is rounded so that the decision does not hold yet. Where nothing linear can be said, ticks are tried.
    """
    evaluation = net_engine(answer).evaluate(hedged("100"), market())
    long, short = one_position(evaluation, "long"), one_position(evaluation, "short")
    assert (long.liquidation_price, short.liquidation_price) == (Decimal("93.4"), Decimal("111.1"))
    assert (long.bankruptcy_price, short.bankruptcy_price) == (90, Decimal("116.6"))
    searched = ("LIQUIDATION_PRICE_SEARCHED",) if answer is in_proportion else ()
    assert (long.notes, short.notes) == (searched, searched)


def test_price__of_a_hedge_lies_on_either_side() -> None:
    """With 2 in cash and net 0, each leg's own move in the wrong direction opens the net."""
    short = {**SHORT, "quantity": "-10"}
    evaluation = net_engine().evaluate(account(LONG, short, collateral={"USDT": "2"}), market())
    # 2 + 10 * d against |10 * d| / 10: down at d = -2 / 11, so from 99.8181... on.
    assert one_position(evaluation, "long").liquidation_price == Decimal("99.9")
    assert one_position(evaluation, "short").liquidation_price == Decimal("100.1")
    assert one_pool(evaluation, "A/net").maintenance_margin == 0


@pytest.mark.parametrize(
    ("instrument", "quantity", "required", "largest"),
    # Initial is 20 % of net 400, and 20 is free: net may come to 500 on either side.
    [
        ("BTCUSDT", "1", "20", "1"),
        ("BTCUSDT", "0.5", "10", "1"),
        ("ETHUSDT", "-4", "0", "9"),  # hedges to 0, and then turns the net: 4 to 0, 9 to -500
        ("SOLUSDT", "-4", "0", "9"),
    ],
)
def test_order__is_measured_in_the_whole_pool(instrument: str, quantity: str, required: str, largest: str) -> None:
    """An order that hedges reserves nothing; one that opens the net reserves 20 % of what it adds."""
    proposed = order(quantity, mode="net", instrument=instrument)
    decision = net_engine().check_order(hedged("100"), market(), proposed)
    assert decision.accepted
    assert (decision.required_margin, decision.available_margin) == (Decimal(required), 20)
    assert decision.largest_quantity == Decimal(largest)


def test_order__a_step_larger_than_the_largest_is_refused() -> None:
    """9.001 short of ETH turn the net to 500.1, of which 20 % is 0.02 more than there is."""
    proposed = order("-9.001", mode="net", instrument="ETHUSDT")
    decision = net_engine().check_order(hedged("100"), market(), proposed)
    assert decision.reasons == ("MARGIN_INSUFFICIENT",)
    assert one_pool(decision.evaluation, "A/net").free_margin == Decimal("-0.02")


def test_order__of_a_mode_without_lines_is_searched() -> None:
    """What divides by unknowns gives the same largest order, by trying."""
    proposed = order("1", mode="net")
    decision = net_engine(in_proportion).check_order(hedged("100"), market(), proposed)
    assert (decision.required_margin, decision.largest_quantity) == (20, 1)


def test_resting_orders__of_two_instruments_reserve_each_beside_the_whole_pool() -> None:
    """A buy of 1 BTC adds 20; a sale of 4 ETH hedges and adds nothing; each is measured by itself."""
    orders = [order("1", mode="net"), order("-4", mode="net", id="o2", instrument="ETHUSDT")]
    pool = one_pool(net_engine().evaluate(hedged("110", orders=orders), market()), "A/net")
    assert (pool.initial_margin, pool.free_margin) == (100, 10)


@pytest.mark.parametrize("answer", [to_the_first, in_proportion])
@pytest.mark.parametrize(
    ("plan", "expected"),
    # 30 in cash: 30 > 1.5 * (40 - 10 * q) for the long beyond q = 2. All of the long leaves net 600, which keeps 60.
    [
        ("smallest", [("long", "2.001", "restores the pool")]),
        ("full", [("long", "10", "full close-out"), ("short", "6", "full close-out")]),
        ("tier_step", [("long", "10", "lowest tier: all of it"), ("short", "6", "lowest tier: all of it")]),
    ],
)
def test_close_out__is_measured_in_the_whole_pool(plan: str, expected: list[Any], answer: Any) -> None:
    """After each step the mode is asked again about all that is left."""
    rules = f"{{restore_to: 1.5, close_out: {{plan: {plan}}}}}"
    pool = one_pool(net_engine(answer, liquidation=rules).evaluate(hedged("30"), market()), "A/net")
    assert pool.status == "liquidate"
    assert [(one.position, str(one.quantity), one.reason) for one in pool.close_out] == expected


def test_close_out__that_only_loses_the_hedge_passes_on() -> None:
    """Closing the short first would open the net; `smallest` leaves it alone and takes the long."""
    rules = "{restore_to: 1.5, closing_fee: {rate: 0.001}}"
    rows = {**SHORT, "id": "a"}, {**LONG, "id": "b"}
    evaluation = net_engine(liquidation=rules).evaluate(account(*rows, collateral={"USDT": "30"}), market())
    # The short comes first in the account and has the whole attribution, 40 of 600. Closing it releases nothing.
    # 30 - 0.1 * q > 60 - 15 * q beyond q = 30 / 14.9 = 2.0134...
    closings = [(one.position, one.quantity) for one in one_pool(evaluation, "A/net").close_out]
    assert closings == [("b", Decimal("2.014"))]


def test_group__has_its_own_margin_and_no_assets() -> None:
    """Backed by 100 of the group's; the account's collateral is not shown."""
    seen: list[PoolExposure] = []

    def watched(num: Any, pool: PoolExposure) -> PoolRequirement:
        seen.append(pool)
        return to_the_first(num, pool)

    rows = [{**one, "group": "G", "accrued": "-1"} for one in (LONG, SHORT)]
    document = account(*rows, collateral={"USDT": "5"}, group_margins={"G": "100"})
    evaluation = net_engine(watched, Backing.GROUP).evaluate(document, market(BTCUSDT="101"))
    pool = one_pool(evaluation, "A/net/G")
    assert (pool.equity, pool.maintenance_margin) == (108, 41)
    assert (seen[0].collateral, seen[0].equity, seen[0].assets) == (98, 108, ())
    assert one_pool(evaluation, "A/shared").equity == 5


def test_position__backed_pools_are_each_their_own() -> None:
    """Nothing nets across pools: 10 long keep 100 and 6 short keep 60."""
    rows = [{**one, "margin": "300"} for one in (LONG, SHORT)]
    evaluation = net_engine(backing=Backing.POSITION).evaluate(account(*rows), market())
    assert one_pool(evaluation, "A/net/long").maintenance_margin == 100
    assert one_pool(evaluation, "A/net/short").maintenance_margin == 60
    # 300 + 10 * (m - 100) = m at 77.77...
    assert one_position(evaluation, "long").liquidation_price == Decimal("77.8")


def test_position__backed_pool_mode_reserves_opening_orders_in_the_shared_pool() -> None:
    """20 % of what an order opens, beside nothing else; closing only releases."""
    engine = net_engine(backing=Backing.POSITION)
    document = account({**LONG, "margin": "300"}, collateral={"USDT": "50"})
    opening = engine.check_order(document, market(), order("-2", mode="net", instrument="ETHUSDT"))
    assert (opening.pool, opening.required_margin, opening.largest_quantity) == ("A/shared", 40, Decimal("2.5"))
    closing = engine.check_order(document, market(), order("-2", mode="net"))
    assert (closing.pool, closing.required_margin) == ("A/net/long", 0)


ASSETS = {"USDT": "100", "BTC": "0.5", "ETH": "-0.1"}
PRICES = {
    "BTC": {"price": "200", "measures": {"volatility": {"value": "0.8"}}},
    "ETH": {"price": "50"},
    "USDT": {"price": "1", "measures": {"lent": {"value": "0.3"}}},
}


def test_assets__are_shown_to_the_pool_of_the_account() -> None:
    """Amount, price, value after haircut and measures: 0.5 * 200 * 0.95 = 95, and a debt of 0.1 * 50 * 1.1 = 5.5."""
    seen: list[PoolExposure] = []

    def watched(num: Any, pool: PoolExposure) -> PoolRequirement:
        seen.append(pool)
        return to_the_first(num, pool)

    net_engine(watched).evaluate(account(LONG, collateral=ASSETS), {**market(), "prices": PRICES})
    usdt, btc, eth = seen[0].assets
    assert (usdt.asset, usdt.amount, usdt.price, usdt.value) == ("USDT", 100, 1, 100)
    assert (btc.asset, btc.amount, btc.price, btc.value) == ("BTC", Decimal("0.5"), 200, 95)
    assert (eth.asset, eth.amount, eth.price, eth.value) == ("ETH", Decimal("-0.1"), 50, Decimal("-5.5"))
    assert [dict(one.measures) for one in seen[0].assets] == [
        {"lent": Decimal("0.3")},
        {"volatility": Decimal("0.8")},
        {},
    ]
    assert (seen[0].collateral, seen[0].as_of.isoformat()) == (Decimal("189.5"), "2026-12-02T00:00:00+00:00")


def debts(num: Any, pool: PoolExposure) -> PoolRequirement:
    """10 % of what is owed is kept, by nobody's position."""
    owed = num.total([num.maximum(-one.amount * one.price, ZERO) for one in pool.assets])
    kept = owed * Decimal("0.1")
    return PoolRequirement(kept, kept, {}, figures={"owed": owed})


@pytest.mark.parametrize(
    ("cash", "status", "top_up"),
    # A debt of 10 ETH at 10, counted 10 % higher: 110 owed, of which 100 * 10 % are kept. Restored above 15.
    [
        ("200", "healthy", "0"),
        ("121", "margin_call", "4.01"),
        ("120", "liquidate", "5.01"),
        ("109", "bankrupt", "16.01"),
    ],
)
def test_pool__without_positions_is_asked_where_there_are_assets(cash: str, status: str, top_up: str) -> None:
    """Charges for debts need no position; the pool is decided by them."""
    document = account(collateral={"USDT": cash, "ETH": "-10"})
    prices = {"ETH": {"price": "10"}}
    pool = one_pool(net_engine(debts).evaluate(document, {**market(), "prices": prices}), "A/net")
    assert (pool.status, pool.maintenance_margin, pool.top_up) == (status, 10, Decimal(top_up))
    assert pool.figures == {"owed": 100}
    assert pool.close_out == ()


def test_pool__without_anything_is_not_asked() -> None:
    """Nothing held and nothing owed requires nothing, whatever the mode would say of it."""
    pool = one_pool(net_engine(lambda num, pool: 1 / 0).evaluate(account(), market()), "A/net")
    assert (pool.status, pool.equity, pool.maintenance_margin) == ("healthy", 0, 0)
