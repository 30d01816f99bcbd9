"""Whether an order is accepted: every reason to refuse one, at its boundary, and the largest that would be accepted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules_engine import DocumentError, Engine, OrderDecision
from tests.builders import account, engine_of, flat_engine, market, order, position
from tests.strange_modes import strange_engine

# One tier for all: initial margin is 10 % of notional, 10 a contract at the mark of 100, unless leverage is stated.


def decided(
    placed: dict[str, Any],
    *positions: dict[str, Any],
    engine: Engine | None = None,
    at: dict[str, Any] | None = None,
    cash: str = "100",
    **fields: Any,
) -> OrderDecision:
    """The decision on an order of an account with cash of 100."""
    document = account(*positions, **{"collateral": {"USDT": cash}, **fields})
    return (engine or flat_engine()).check_order(document, at or market(), placed)


LONG_FIVE = position("5", mode="cross")
NO_MARK = market(BTCUSDT={})


@pytest.mark.parametrize(("quantity", "accepted"), [("10", True), ("10.001", False), ("-10", True), ("-10.001", False)])
def test_margin__free_margin_of_exactly_zero_is_enough(quantity: str, accepted: bool) -> None:
    """100 of cash carry 10 contracts on either side and not a step more."""
    decision = decided(order(quantity))
    assert (decision.accepted, decision.largest_quantity, decision.available_margin) == (accepted, 10, 100)
    assert decision.reasons == (() if accepted else ("MARGIN_INSUFFICIENT",))
    assert decision.required_margin == abs(Decimal(quantity)) * 10


@pytest.mark.parametrize(
    ("placed", "held", "required", "largest"),
    [
        (order("1", price="101"), [], "11", "9.090"),  # 100 / 11 = 9.0909...
        (order("-1", price="101"), [], "10", "10"),
        (order("1", leverage="5"), [], "20", "5"),
        (order("1"), [LONG_FIVE], "10", "5"),  # 50 are taken
        (order("-7"), [LONG_FIVE], "0", "15"),  # 5 - 15 = -10 at 10 each is all of 100
    ],
)
def test_largest__is_the_last_step_before_free_margin_turns_negative(
    placed: dict[str, Any], held: list[dict[str, Any]], required: str, largest: str
) -> None:
    """What the order requires, and how far its quantity could go, rounded down to the step."""
    decision = decided(placed, *held)
    assert (decision.required_margin, decision.largest_quantity) == (Decimal(required), Decimal(largest))
    sign = -1 if placed["quantity"].startswith("-") else 1
    assert decided({**placed, "quantity": str(sign * Decimal(largest))}, *held).accepted
    assert not decided({**placed, "quantity": str(sign * (Decimal(largest) + Decimal("0.001")))}, *held).accepted


def test_largest__counts_the_opening_fee() -> None:
    """10 and a fee of 0.1 a contract: 100 / 10.1 = 9.90099..."""
    assert decided(order("1"), engine=flat_engine(orders="{opening_fee_rate: 0.001}")).largest_quantity == Decimal(
        "9.9"
    )


def test_largest__beside_resting_orders() -> None:
    """3 more are on the way already: 7 are left."""
    decision = decided(order("1"), orders=[order("3", id="resting")])
    assert (decision.required_margin, decision.available_margin, decision.largest_quantity) == (10, 70, 7)


def test_largest__without_any_margin_left_is_nothing() -> None:
    """An account of 100 that holds 10 contracts can take no more."""
    decision = decided(order("1"), position("10", mode="cross"))
    assert (decision.accepted, decision.available_margin, decision.largest_quantity) == (False, 0, 0)


def test_largest__in_whole_steps_of_the_quantum_without_a_step() -> None:
    """QUANTO states no step: 100 / 2 = 50 contracts at 50x; its tier of 1000 ends it at 9.99 in hundredths."""
    placed = order("1", instrument="QUANTO", leverage="50")
    assert decided(placed, engine=engine_of(), cash="1000").largest_quantity == Decimal("9.99")


# Caps


@pytest.mark.parametrize(("quantity", "accepted"), [("9", True), ("10", False)])
def test_cap__a_position_may_not_reach_the_end_of_the_last_tier(quantity: str, accepted: bool) -> None:
    """The last tier of CAPPED holds notionals below 1000: 10 contracts at 100 are too many, 9 are the largest."""
    decision = decided(order(quantity, instrument="CAPPED"), engine=engine_of(), cash="100000")
    assert (decision.accepted, decision.largest_quantity) == (accepted, 9)
    assert decision.reasons == (() if accepted else ("POSITION_ABOVE_CAP",))


@pytest.mark.parametrize(("quantity", "accepted"), [("9.999", True), ("10", False), ("-10", False)])
def test_leverage__may_not_be_above_that_of_the_tier_reached(quantity: str, accepted: bool) -> None:
    """50x is the first tier's limit, which ends below 1000; from the floor itself on 25x is."""
    decision = decided(order(quantity, leverage="50"), engine=engine_of(), cash="100000")
    assert (decision.accepted, decision.largest_quantity) == (accepted, Decimal("9.999"))
    assert decision.reasons == (() if accepted else ("LEVERAGE_ABOVE_TIER",))


def test_leverage__of_the_position_counts_where_the_order_states_none() -> None:
    """A position at 50x of 5 contracts cannot grow to 10."""
    held = position("5", mode="cross", leverage="50")
    decision = decided(order("5"), held, engine=engine_of(), cash="100000")
    assert (decision.reasons, decision.largest_quantity) == (("LEVERAGE_ABOVE_TIER",), Decimal("4.999"))


def test_refusals__are_all_told() -> None:
    """Cap first, then leverage, then margin."""
    decision = decided(order("20", instrument="CAPPED", leverage="60"), engine=engine_of(), cash="1")
    assert decision.reasons == ("POSITION_ABOVE_CAP", "LEVERAGE_ABOVE_TIER", "MARGIN_INSUFFICIENT")
    assert all(doubt.message.startswith("o1: ") for doubt in decision.evidence)


# Orders that reduce


@pytest.mark.parametrize(
    ("held", "at", "cash"),
    [(LONG_FIVE, market(), "5.5"), (LONG_FIVE, market(), "-20"), (LONG_FIVE, NO_MARK, "100")],
    ids=["margin call", "bankrupt", "undetermined"],
)
def test_reducing__is_always_accepted(held: dict[str, Any], at: dict[str, Any], cash: str) -> None:
    """An order that only makes a position smaller is accepted whatever state the pool is in, and up to all of it."""
    decision = decided(order("-5"), held, at=at, cash=cash)
    assert (decision.accepted, decision.reasons, decision.largest_quantity) == (True, (), 5)
    assert not decided(order("-5.001"), held, at=at, cash=cash).accepted


def test_reducing__together_with_resting_orders() -> None:
    """3 of 5 are on sale already: 2 more only reduce, 3 more could reverse the position and need margin."""
    selling = {"orders": [order("-3", id="resting")], "cash": "1"}
    assert decided(order("-2"), LONG_FIVE, **selling).accepted
    refused = decided(order("-3"), LONG_FIVE, **selling)
    assert (refused.reasons, refused.largest_quantity) == (("MARGIN_INSUFFICIENT",), 2)


def test_reduce_only__reduces_whatever_else_rests() -> None:
    """It may be as large as the position, and other orders do not matter; nor does it matter to them."""
    placed = order("-4", reduce_only=True)
    decision = decided(placed, LONG_FIVE, orders=[order("-3", id="resting")], cash="1")
    assert (decision.accepted, decision.largest_quantity) == (True, 5)
    assert decided(order("-5"), LONG_FIVE, orders=[{**placed, "id": "resting"}], cash="1").accepted


@pytest.mark.parametrize(("held", "quantity"), [([], "1"), ([LONG_FIVE], "1"), ([position("0", mode="cross")], "-1")])
def test_reduce_only__with_nothing_to_reduce_is_refused(held: list[dict[str, Any]], quantity: str) -> None:
    """No position, one of the same side or one of zero."""
    decision = decided(order(quantity, reduce_only=True), *held)
    assert (decision.reasons, decision.largest_quantity) == (("REDUCE_ONLY_INCREASES",), 0)


# What is not known


@pytest.mark.parametrize(("quantity", "largest"), [("1", None), ("-6", "5")])
def test_undetermined__pool_takes_no_order_that_may_increase(quantity: str, largest: str | None) -> None:
    """The reasons of the doubt stand beside the refusal; what only reduces stays possible."""
    decision = decided(order(quantity), LONG_FIVE, at=NO_MARK)
    assert decision.reasons == ("POOL_UNDETERMINED", "MARK_MISSING")
    assert decision.largest_quantity == (None if largest is None else Decimal(largest))
    assert (decision.required_margin, decision.available_margin) == (None, None)


def test_undetermined__position_of_its_own_takes_none_though_the_shared_pool_is_known() -> None:
    """An isolated position without margin is undetermined; its order would reserve in the healthy shared pool."""
    decision = decided(order("1", mode="isolated"), position("5"))
    assert decision.reasons == ("POOL_UNDETERMINED", "MARGIN_MISSING")
    assert decision.pool == "A/cross"


def test_undetermined__where_a_resting_order_leaves_free_margin_unknown() -> None:
    """A resting order on an instrument without a mark: no one knows what is free."""
    resting = order("1", id="resting", instrument="ETHUSDT")
    decision = decided(order("1"), orders=[resting], at=market(ETHUSDT={}))
    assert decision.reasons == ("POOL_UNDETERMINED", "MARK_MISSING")


def test_undetermined__where_a_groups_draw_is_not_known() -> None:
    """A group that is healthy by itself beside a doubtful shared pool: what it has free with its draw is not known."""
    held = (
        position("1", mode="hybrid", instrument="SOLUSDT"),
        position("1", id="p2", mode="cross", instrument="ETHUSDT"),
    )
    placed = order("1", mode="hybrid", instrument="SOLUSDT")
    decision = decided(placed, *held, group_margins={"SOL": "500"}, at=market(ETHUSDT={}))
    assert (decision.accepted, decision.reasons) == (False, ("POOL_UNDETERMINED",))
    assert decision.available_margin is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"mode": "isolated"}, "ORDER_POSITION_AMBIGUOUS"),
        ({"mode": "isolated", "position": "p9"}, "ORDER_POSITION_UNKNOWN"),
        ({"mode": "portfolio"}, "MODE_NOT_ALLOWED"),
        ({"mode": "hybrid", "instrument": "DOGE"}, "GROUP_UNKNOWN"),
    ],
)
def test_unplaced__order_is_refused(fields: dict[str, str], code: str) -> None:
    """An order that may act on several positions, on none that is there, or in no allowed mode has no pool."""
    hedged = (position("5", id="long", margin="60"), position("-5", id="short", margin="60"))
    decision = decided(order("1", **fields), *hedged)
    assert (decision.accepted, decision.reasons, decision.pool, decision.largest_quantity) == (
        False,
        (code,),
        None,
        None,
    )


def test_duplicate__id_of_a_resting_order_is_a_problem_of_the_document() -> None:
    """Nothing could tell the two apart."""
    with pytest.raises(DocumentError) as caught:
        decided(order("1"), orders=[order("2")])
    assert [problem.code for problem in caught.value.problems] == ["ID_DUPLICATE"]


# Where an order reserves


def test_isolated__opening_reserves_in_the_shared_pool() -> None:
    """Which pays for it, and limits it."""
    decision = decided(order("10", mode="isolated"))
    assert (decision.accepted, decision.pool, decision.required_margin, decision.largest_quantity) == (
        True,
        "A/cross",
        10 * 10,
        10,
    )


def test_isolated__closing_stays_in_its_own_pool() -> None:
    """It needs nothing of the shared pool."""
    decision = decided(order("-5", mode="isolated"), position("5", margin="60"), cash="0")
    assert (decision.accepted, decision.pool, decision.required_margin) == (True, "A/isolated/p1", 0)


def test_hybrid__opening_reserves_in_its_group_and_draws_from_then_on() -> None:
    """A group backed by 30 without positions has no draw yet: 3 contracts are the largest."""
    placed = order("3", mode="hybrid", instrument="SOLUSDT")
    decision = decided(placed, group_margins={"SOL": "30"})
    assert (decision.accepted, decision.pool, decision.available_margin, decision.largest_quantity) == (
        True,
        "A/hybrid/SOL",
        0,
        3,
    )


def test_evaluation_after__has_the_order_resting() -> None:
    """The account as it would be: initial margin with the order, status without."""
    evaluation = decided(order("4"), LONG_FIVE).evaluation
    assert [(pool.pool, pool.initial_margin, pool.status) for pool in evaluation.pools] == [("A/cross", 90, "healthy")]


# Requirements that are no lines in the quantity


def test_searched__largest_where_the_entry_is_an_average() -> None:
    """Valued at entry, 5 held at 80 keep 40 of an equity of 100 + 100. Each more bought at 100 keeps 10: 16 more.

    Sold, the position shrinks, and then reverses at 100: 20 short keep 200, so 25 may be sold.
    """
    engine, held = flat_engine(conventions="{initial_priced_at: entry}"), position("5", "80", mode="cross")
    assert decided(order("1"), held, engine=engine).largest_quantity == 16
    assert decided(order("-1"), held, engine=engine).largest_quantity == 25


def test_searched__largest_of_a_squared_requirement() -> None:
    """n * n / 10000 of n = 100 q is q * q: of 100 that is 10, exactly; and 99.9 carry 9.994 (99.880036), not 9.995."""
    engine, placed = strange_engine("square"), order("1", mode="square")
    assert decided(placed, engine=engine).largest_quantity == 10
    assert decided(placed, engine=engine, cash="99.9").largest_quantity == Decimal("9.994")


@pytest.mark.parametrize("mode", ["free", "free_square"])
def test_largest__has_no_end_where_nothing_is_required(mode: str) -> None:
    """A mode that requires nothing accepts any quantity: there is no largest."""
    decision = decided(order("1", mode=mode), engine=strange_engine(mode))
    assert (decision.accepted, decision.largest_quantity) == (True, None)
