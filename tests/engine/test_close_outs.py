"""Close-outs: how much of what, by each plan, and that it is enough and no more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules_engine import Engine
from tests.builders import account, engine_of, flat_engine, market, one_pool, position
from tests.strange_modes import strange_engine


def liquidation(trigger: str = "at_or_below", plan: str = "smallest", fee: str = "0") -> str:
    """The section `liquidation`: restored at 1.5 times maintenance."""
    return f"{{trigger: {trigger}, restore_to: 1.5, closing_fee: {{rate: {fee}}}, close_out: {{plan: {plan}}}}}"


def closings(engine: Engine, cash: str, *positions: dict[str, Any], **fields: str) -> list[tuple[str, Decimal, str]]:
    """The close-out of cross positions backed by so much cash."""
    rows = [{**one, "mode": "cross"} for one in positions]
    pool = one_pool(engine.evaluate(account(*rows, collateral={"USDT": cash}, **fields), market()), "A/cross")
    assert pool.status == "liquidate"
    return [(one.position, one.quantity, one.reason) for one in pool.close_out]


TEN = position("10")
RESTORES, NOTHING = "restores the pool", "nothing restores the pool"
RELEASES = "releases more margin than closing it costs"


@pytest.mark.parametrize(
    ("trigger", "cash", "fee", "quantity"),
    # 10 contracts, maintenance 1 each. Left with q fewer: cash - fee * 100 * q against 1.5 * (10 - q).
    [
        ("at_or_below", "8", "0", "4.667"),  # 8 > 15 - 1.5 q from 4.6666...
        ("at_or_below", "7.5", "0", "5.001"),  # 5 would stand on the line, which falls short
        ("below", "7.5", "0", "5"),
        ("at_or_below", "8", "0.001", "5.001"),  # 8 - 0.1 q > 15 - 1.5 q beyond 5
        ("below", "8", "0.001", "5"),
        ("below", "0.001", "0", "10"),  # 9.99933... in steps of 0.001
    ],
)
def test_smallest__one_position(trigger: str, cash: str, fee: str, quantity: str) -> None:
    """The first multiple of the step after which the pool no longer falls short."""
    for sign in ("", "-"):
        found = closings(flat_engine(liquidation=liquidation(trigger, fee=fee)), cash, position(f"{sign}10"))
        assert found == [("p1", Decimal(quantity), RESTORES)]


STEPS = (position("60"), position("9", id="p2", instrument="ETHUSDT"))


@pytest.mark.parametrize(
    ("cash", "expected"),
    # 60 contracts keep 10 + 80 + 50 = 140 of 6000 (2.33 %), 9 keep 9 of 900 (1 %): the 60 go first.
    [
        ("20", [("p1", "55.667", RESTORES)]),  # left n < 1000: 20 > 1.5 * (9 + n / 100) under 433.33
        ("13", [("p1", "60", RELEASES), ("p2", "0.334", RESTORES)]),  # 13 > 1.5 * m under 8.666...
    ],
)
def test_smallest__the_position_with_most_maintenance_per_notional_first(cash: str, expected: list[Any]) -> None:
    """Each position wholly before the next, and the last one only as far as needed."""
    found = closings(engine_of(liquidation=liquidation()), cash, *STEPS)
    assert found == [(name, Decimal(quantity), reason) for name, quantity, reason in expected]


def test_smallest__ties_go_by_id() -> None:
    """Two positions of 1 % each: 6 > 1.5 * m under 4 left, so 5 of p1 and a step more than 1 of p2."""
    pair = (position("5", id="p2"), position("-5", instrument="ETHUSDT"))
    found = closings(flat_engine(liquidation=liquidation()), "6", *pair)
    assert found == [("p1", 5, RELEASES), ("p2", Decimal("1.001"), RESTORES)]


@pytest.mark.parametrize(
    ("trigger", "cash", "expected"),
    # A fee of 2 % against 1.5 * 1 % in the first tier: closing costs there; against 3 % in the second it pays.
    # Left with notional n: cash - 0.02 * (6000 - n) - 1.5 * (0.02 n - 10) = cash - 105 - 0.01 n from 1000 to 5000.
    [
        ("at_or_below", "130", ("35.001", RESTORES)),  # below 2500
        ("below", "115", ("50", RESTORES)),  # exactly 1000
        ("at_or_below", "115", ("60", NOTHING)),
        ("below", "114.99", ("60", NOTHING)),
    ],
)
def test_smallest__is_bounded_from_above_where_the_fee_exceeds_what_is_released(
    trigger: str, cash: str, expected: tuple[str, str]
) -> None:
    """Closing too much hurts as closing too little does; where no quantity restores everything is closed."""
    found = closings(engine_of(liquidation=liquidation(trigger)), cash, STEPS[0], fee_rate="0.02")
    assert found == [("p1", Decimal(expected[0]), expected[1])]


def test_smallest__skips_what_does_not_raise_the_surplus() -> None:
    """At a fee of 2 % closing a position of 1 % only costs: p2 is left alone while p1 is looked at first.

    125: p1 wholly closed leaves 5 against 13.5, more than 125 - 1.5 * 149 before. Closing p2 too costs 18 and
    releases 13.5, so it would be skipped; nothing restores, and everything goes.
    """
    found = closings(engine_of(liquidation=liquidation()), "125", *STEPS, fee_rate="0.02")
    assert found == [("p1", 60, NOTHING), ("p2", 9, NOTHING)]


def test_smallest__in_steps_of_the_quantum_without_a_step() -> None:
    """QUANTO states no step: 4.6666... becomes 4.67."""
    found = closings(engine_of(liquidation=liquidation()), "8", position("9.99", instrument="QUANTO"))
    # 8 > 1.5 * (9.99 - q) beyond 4.65666...
    assert found == [("p1", Decimal("4.66"), RESTORES)]


def test_smallest__with_a_fee_valued_at_bankruptcy() -> None:
    """An isolated long of 10 backed by 8; the fee of 0.1 % counts in the decision, valued where collateral is gone.

    After closing q: equity and collateral 8 - 0.1 q, bankrupt at a notional of 1000 - 100 q - (8 - 0.1 q), so the fee
    is 0.992 - 0.0999 q. 8 - 0.1 q - 1.5 * (10 - q) - 0.992 + 0.0999 q > 0 beyond 7.992 / 1.4999 = 5.3283...
    """
    text = "{restore_to: 1.5, closing_fee: {rate: 0.001, counts_in: [trigger], valued_at: bankruptcy}}"
    pool = one_pool(flat_engine(liquidation=text).evaluate(account(position("10", margin="8")), market()))
    assert [(one.quantity, one.reason) for one in pool.close_out] == [(Decimal("5.329"), RESTORES)]


def test_smallest__counts_what_a_group_may_draw() -> None:
    """Own 5 and 2.5 of a shared 10: 7.5 > 1.5 * (10 - q) beyond 5."""
    document = account(position("10", mode="hybrid"), group_margins={"BTC": "5"}, collateral={"USDT": "10"})
    pool = one_pool(flat_engine(liquidation=liquidation()).evaluate(document, market()), "A/hybrid/BTC")
    assert [one.quantity for one in pool.close_out] == [Decimal("5.001")]


def test_smallest__realizes_what_has_been_lost() -> None:
    """Bought at 101 and backed by 18 equity is 8 at the mark of 100, whatever is closed: 4.667, as without the loss."""
    assert closings(flat_engine(liquidation=liquidation()), "18", position("10", "101"))[0][1] == Decimal("4.667")


def test_smallest__whose_steps_miss_the_only_quantities_that_restore() -> None:
    """With 115.01 only 49.9 to 50.2 contracts restore (see above); in steps of 20 none of 20, 40 and 60 does."""
    instruments = "{BTCUSDT: {payoff: linear, table: steps, price_tick: 0.1, quantity_step: 20}}"
    engine = engine_of(liquidation=liquidation(), instruments=instruments)
    assert closings(engine, "115.01", STEPS[0], fee_rate="0.02") == [("p1", 60, NOTHING)]


@pytest.mark.parametrize(
    ("cash", "expected"),
    # 60 contracts: 10.001 leave 49.999 in the second tier (89.998, times 1.5 is 134.997); 40 leave 9.999 in the first
    # (9.999, times 1.5 is 14.9985).
    [
        ("130", [("10.001", 3), ("40.000", 2)]),
        ("134.998", [("10.001", 3)]),
        ("14.9985", [("10.001", 3), ("40.000", 2), ("9.999", 1)]),
        ("14.999", [("10.001", 3), ("40.000", 2)]),
    ],
)
def test_tier_step__goes_under_the_floor_of_each_tier_until_restored(
    cash: str, expected: list[tuple[str, int]]
) -> None:
    """One step past the floor, so that what is left lies below it; in the lowest tier all of it."""
    found = closings(engine_of(liquidation=liquidation(plan="tier_step")), cash, STEPS[0])
    reasons = {3: "under the floor of tier 3", 2: "under the floor of tier 2", 1: "lowest tier: all of it"}
    assert found == [("p1", Decimal(quantity), reasons[tier]) for quantity, tier in expected]


def test_tier_step__of_a_floor_that_lies_between_steps() -> None:
    """60 contracts at 99 stand 9.4949... above the floor of 5000: 9.495 leave 50.505, which are worth 4999.995."""
    engine = engine_of(liquidation=liquidation(plan="tier_step"))
    document = account(position("60", "99", mode="cross"), collateral={"USDT": "136"})
    pool = one_pool(engine.evaluate(document, market("99")), "A/cross")
    # 0.05 * 5940 - 160 = 137 is not covered by 136; 1.5 * (0.02 * 4999.995 - 10) = 134.99985 is.
    assert [one.quantity for one in pool.close_out] == [Decimal("9.495")]


def test_tier_step__takes_the_largest_requirement_first_and_of_equal_ones_the_first_by_id() -> None:
    """p1 and p2 keep 20 each of 15 contracts, p3 keeps 5: p1 first, then p2; 9.999 twice and 5 are left, 24.998."""
    three = (
        position("15", id="p2"),
        position("-15", instrument="ETHUSDT"),
        position("5", id="p3", instrument="SOLUSDT"),
    )
    found = closings(engine_of(liquidation=liquidation(plan="tier_step")), "38", *three)
    assert found == [(name, Decimal("5.001"), "under the floor of tier 2") for name in ("p1", "p2")]


def test_tier_step__of_a_table_in_contracts() -> None:
    """12 contracts over a floor of 10 in whole contracts: 3 leave 9, which keep 9."""
    contracts = position("12", instrument="CONTRACTS")  # keeps (0.1 + 2 * 0.05) * 100 = 20
    found = closings(engine_of(liquidation=liquidation(plan="tier_step")), "15", contracts)
    assert found == [("p1", 3, "under the floor of tier 2")]


def test_tier_step__that_does_not_restore_closes_everything() -> None:
    """A fee of 2 % takes 120 of 100."""
    found = closings(engine_of(liquidation=liquidation(plan="tier_step")), "100", STEPS[0], fee_rate="0.02")
    assert found == [("p1", 60, NOTHING)]


def test_full__closes_everything() -> None:
    """Whatever would be enough."""
    found = closings(
        flat_engine(liquidation=liquidation(plan="full")), "8", TEN, position("-1", id="p2", instrument="ETHUSDT")
    )
    assert found == [("p1", 10, "full close-out"), ("p2", 1, "full close-out")]


@pytest.mark.parametrize(("cash", "status"), [("10.01", "margin_call"), ("16", "healthy"), ("-1", "bankrupt")])
def test_close_out__only_of_what_is_liquidated_or_bankrupt(cash: str, status: str) -> None:
    """A pool in a margin call keeps its positions; one below zero loses them all."""
    document = account({**TEN, "mode": "cross"}, collateral={"USDT": cash})
    engine = flat_engine(liquidation="{margin_call: 1.25, restore_to: 1.5}")
    pool = one_pool(engine.evaluate(document, market()), "A/cross")
    assert pool.status == status
    assert [one.quantity for one in pool.close_out] == ([10] if status == "bankrupt" else [])


@pytest.mark.parametrize(
    ("fee", "quantity", "reason"),
    # 10 contracts keep 1000 ** 2 / 10000 = 100. Left with n: 60 - fee against 1.5 * n ** 2 / 10000.
    [
        ("0", "3.676", RESTORES),  # n under 632.4555...
        ("0.01", "3.884", RESTORES),  # 56.116 against 56.1081...; at 3.883 56.117 against 56.1265...
        ("0.08", "10", NOTHING),  # closing all of it costs 80
    ],
)
def test_smallest__of_a_squared_requirement(fee: str, quantity: str, reason: str) -> None:
    """Where no lines lead to the answer it is searched: it restores, and a step less does not."""
    document = account(position("10", mode="square"), collateral={"USDT": "60"})
    dear = (
        "{flat: {tiers: [{up_to: unlimited, maintenance_rate: 0.1, initial_rate: 0.5}]}}"  # the mode has its own rate
    )
    engine = strange_engine("square", tables=dear, liquidation=liquidation(fee=fee))
    [closing] = one_pool(engine.evaluate(document, market()), "A/square").close_out
    assert (closing.quantity, closing.reason) == (Decimal(quantity), reason)
