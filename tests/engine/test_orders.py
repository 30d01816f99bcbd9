"""What orders reserve, and in which pool."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.terms.evaluation import PoolFigures
from tests.builders import account, flat_engine, market, one_pool, order, position

# One tier for all: initial margin is 10 % of notional, 10 a contract at the mark of 100, unless leverage is stated.


def pool_with(
    orders: list[dict[str, Any]],
    *positions: dict[str, Any],
    pool: str = "A/cross",
    engine: Engine | None = None,
    at: dict[str, Any] | None = None,
    **fields: Any,
) -> PoolFigures:
    """A pool of an account with cash of 1000 and these orders."""
    document = account(*positions, orders=orders, **{"collateral": {"USDT": "1000"}, **fields})
    return one_pool((engine or flat_engine()).evaluate(document, at or market()), pool)


def reserved(orders: list[dict[str, Any]], *positions: dict[str, Any], **more: Any) -> Decimal | None:
    """Initial margin beyond that of the positions alone."""
    with_orders, without = pool_with(orders, *positions, **more), pool_with([], *positions, **more)
    assert (with_orders.status, with_orders.maintenance_margin) == (without.status, without.maintenance_margin)
    if with_orders.initial_margin is None or without.initial_margin is None:
        return None
    return with_orders.initial_margin - without.initial_margin


def orders_of(*quantities: str, **fields: Any) -> list[dict[str, Any]]:
    """Orders o0, o1, ... of these quantities."""
    return [order(quantity, **{"id": f"o{index}", **fields}) for index, quantity in enumerate(quantities)]


LONG_FIVE = position("5", mode="cross")


@pytest.mark.parametrize(
    ("quantities", "held", "expected"),
    [
        (["2"], [], "20"),
        (["2", "1"], [], "30"),
        (["2", "-3"], [], "30"),  # the larger side
        (["2"], [LONG_FIVE], "20"),
        (["-5"], [LONG_FIVE], "0"),  # closes
        (["-10"], [LONG_FIVE], "0"),  # reverses to the same size
        (["-11"], [LONG_FIVE], "10"),
        (["1", "-12"], [LONG_FIVE], "20"),
    ],
)
def test_order_margin__is_that_of_the_larger_side(quantities: list[str], held: list[Any], expected: str) -> None:
    """Initial margin with all orders of a side filled, less the present one, for the side that needs more."""
    assert reserved(orders_of(*quantities), *held) == Decimal(expected)


@pytest.mark.parametrize(
    ("quantity", "price", "expected"),
    [
        ("2", "105", "30"),
        ("2", "95", "20"),
        ("2", "100", "20"),
        ("-2", "95", "30"),
        ("-2", "105", "20"),
        ("2", None, "20"),
    ],
)
def test_order_margin__covers_the_loss_to_the_mark(quantity: str, price: str | None, expected: str) -> None:
    """Buying 2 at 105 loses 10 at a mark of 100; a better price gains nothing; a market order is at the mark."""
    assert reserved(orders_of(quantity, price=price)) == Decimal(expected)


def test_order_margin__counts_losses_of_both_sides() -> None:
    """2 bought at 105 and 1 sold at 90: 20 for the larger side, and 10 and 10 that both would lose."""
    both = [order("2", price="105"), order("-1", id="o2", price="90")]
    assert reserved(both) == 40


def test_order_margin__charges_the_opening_fee_at_the_orders_price() -> None:
    """0.1 % of 2 * 110 is 0.22, on top of 20 and of the loss of 20; an order that only reduces pays none."""
    engine = flat_engine(orders="{opening_fee_rate: 0.001}")
    assert reserved(orders_of("2", price="110"), engine=engine) == Decimal("40.22")
    reducing = orders_of("-2", reduce_only=True)
    assert reserved(reducing, LONG_FIVE, engine=engine) == 0


def test_order_margin__goes_by_the_lowest_leverage_of_a_side() -> None:
    """At 5x the three contracts ask for 300 / 5, though the other order states 8x."""
    assert reserved([order("1", leverage="5"), order("2", id="o2", leverage="8")]) == 60


def test_order_margin__reduce_only_reserves_nothing() -> None:
    """Only what it would lose to the mark: selling 2 at 95 below a mark of 100 loses 10."""
    assert reserved(orders_of("-2", reduce_only=True, price="95"), LONG_FIVE) == 10


def test_order_margin__instruments_do_not_offset_each_other() -> None:
    """Buying one instrument and selling another are two reservations."""
    assert reserved([order("2"), order("-2", id="o2", instrument="ETHUSDT")]) == 40


# Where an order reserves


def test_reserve__opening_an_isolated_position_is_in_the_shared_pool() -> None:
    """The position has no pool yet, and its margin will come from the shared one. Two such orders open together."""
    assert reserved(orders_of("2", mode="isolated")) == 20
    assert reserved(orders_of("2", "-3", mode="isolated")) == 30


def test_reserve__increasing_an_isolated_position_is_in_the_shared_pool() -> None:
    """Its own pool keeps its initial margin; closing it reserves nothing in the shared pool."""
    held = position("5", margin="60")
    assert reserved(orders_of("2", mode="isolated"), held) == 20
    assert reserved(orders_of("2", mode="isolated"), held, pool="A/isolated/p1") == 0
    assert reserved(orders_of("-5", mode="isolated"), held) == 0


def test_reserve__isolated_and_cross_orders_of_one_instrument_stand_apart() -> None:
    """A cross sale does not offset an isolated purchase."""
    assert reserved([order("2"), order("-2", id="o2", mode="isolated")]) == 40


def test_reserve__opening_a_group_is_in_its_own_pool() -> None:
    """An order for a group without positions brings its pool, backed by its margin, which has no draw yet."""
    opening = orders_of("2", mode="hybrid", instrument="SOLUSDT")
    group = pool_with(opening, pool="A/hybrid/SOL", group_margins={"SOL": "30"})
    assert (group.initial_margin, group.free_margin, group.draw_limit) == (20, 10, 0)
    assert reserved(opening) == 0


def test_reserve__a_group_draws_for_its_orders() -> None:
    """10 contracts held and 2 ordered need 120; own 100 lacks 20, which is drawn."""
    held = position("10", mode="hybrid", instrument="SOLUSDT")
    group = pool_with(
        orders_of("2", mode="hybrid", instrument="SOLUSDT"), held, pool="A/hybrid/SOL", group_margins={"SOL": "100"}
    )
    assert (group.initial_margin, group.draw) == (120, 20)


HEDGED = (position("5", id="long", margin="60"), position("-5", id="short", margin="60"))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"mode": "isolated"}, "ORDER_POSITION_AMBIGUOUS"),
        ({"mode": "isolated", "position": "other"}, "ORDER_POSITION_UNKNOWN"),
        ({"mode": "cross", "position": "long"}, "ORDER_POSITION_UNKNOWN"),
        ({"mode": "portfolio"}, "MODE_NOT_ALLOWED"),
    ],
)
def test_unplaced_order__leaves_every_initial_margin_unknown_and_every_status_decided(
    fields: dict[str, str], code: str
) -> None:
    """Where an order belongs to no one knows, any pool may have to reserve for it; statuses ignore orders."""
    for name in ("A/cross", "A/isolated/long"):
        pool = pool_with([order("1", **fields)], *HEDGED, pool=name)
        assert (pool.status, pool.initial_margin, pool.free_margin) == ("healthy", None, None)
        assert pool.notes == ("ORDERS_DOUBTFUL",)
        assert [doubt.code for doubt in pool.evidence] == [code]


def test_placed_order__names_its_position_among_several() -> None:
    """One more of the long asks for 10; one bought against the short closes it."""
    assert reserved([order("1", mode="isolated", position="long")], *HEDGED) == 10
    assert reserved([order("1", mode="isolated", position="short")], *HEDGED) == 0


def test_placed_order__takes_the_open_position_beside_an_empty_row() -> None:
    """A closed position that is still in the account is no second choice: the order closes the long, and reserves 0."""
    empty = position("0", id="gone", mode="cross")
    assert reserved([order("-5")], empty, LONG_FIVE) == reserved([order("-5")], LONG_FIVE)


def test_order_without_a_mark__leaves_the_initial_margin_of_its_pool_unknown() -> None:
    """The positions are on another instrument, so the status is known; what the order reserves is not."""
    pool = pool_with(orders_of("1", instrument="ETHUSDT"), LONG_FIVE, at=market(ETHUSDT={}))
    assert (pool.status, pool.initial_margin, pool.notes) == ("healthy", None, ("ORDERS_DOUBTFUL",))
    assert pool.evidence[0].code == "MARK_MISSING"


def test_order_of_an_unknown_instrument__leaves_no_group_behind() -> None:
    """A hybrid order whose group cannot be told opens no pool; every pool's initial margin is unknown."""
    document = account(orders=[order("1", mode="hybrid", instrument="DOGE")], collateral={"USDT": "10"})
    evaluation = flat_engine().evaluate(document, market(DOGE="1"))
    assert [(pool.pool, pool.initial_margin) for pool in evaluation.pools] == [("A/cross", None)]


# Requirements valued at entry


@pytest.mark.parametrize(
    ("quantity", "price", "expected"),
    # 5 held at 80: initial 40. Bought 5 at 90: (400 + 450) / 10 = 85 a contract, 85 in all. Sold 2: 3 at 80, 24.
    # Sold 15 at 110: crossed to 10 short at 110, 110 in all. Losses to the mark of 100: none at these prices.
    [("5", "90", "45"), ("-2", "110", "0"), ("-15", "110", "70")],
)
def test_order_margin__at_entry_goes_by_the_entry_after_filling(quantity: str, price: str, expected: str) -> None:
    """The average of both where an order adds, the old entry where it reduces, its own price where it reverses."""
    engine = flat_engine(conventions="{initial_priced_at: entry}")
    assert reserved(orders_of(quantity, price=price), position("5", "80", mode="cross"), engine=engine) == Decimal(
        expected
    )
