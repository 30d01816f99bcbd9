"""Who shares collateral with whom, what backs a pool, and which rows leave which pools undetermined."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders import FLAT, account, engine_of, flat_engine, market, one_pool, position
from tests.builders import FLAT_INSTRUMENTS as INSTRUMENTS


def priced(**prices: Any) -> dict[str, Any]:
    """The market at 100 with asset prices, each as text or as a whole document."""
    documents = {asset: price if isinstance(price, dict) else {"price": price} for asset, price in prices.items()}
    return {**market(), "prices": documents}


def cross_pool(collateral: dict[str, str], at: dict[str, Any] | None = None, **sections: str) -> Any:
    """The shared pool of an account that holds only collateral."""
    return one_pool(
        flat_engine(**sections).evaluate(account(collateral=collateral), at or priced(BTC="100", ETH="10")), "A/cross"
    )


# Names and backing


def test_names__of_every_kind_of_pool() -> None:
    """Isolated by position, hybrid by group, the shared pool by mode alone; in the order of the positions."""
    document = account(
        position("1", mode="hybrid", id="p3", instrument="SOLUSDT"),
        position("1", margin="10"),
        position("1", mode="cross", id="p2"),
    )
    evaluation = flat_engine().evaluate(document, market())
    assert [pool.pool for pool in evaluation.pools] == ["A/hybrid/SOL", "A/isolated/p1", "A/cross"]
    assert [one.pool for one in evaluation.positions] == ["A/hybrid/SOL", "A/isolated/p1", "A/cross"]


def test_names__an_account_always_has_its_shared_pool() -> None:
    """Also where no allowed mode shares the account, and where it has no positions."""
    found = [
        [pool.pool for pool in flat_engine(**sections).evaluate(account(), market()).pools]
        for sections in ({}, {"modes": "{isolated: {}}"})
    ]
    assert found == [["A/cross"], ["A/shared"]]


@pytest.mark.parametrize(("by", "key"), [("underlying", "SOL"), ("instrument", "SOLUSDT")])
def test_group__follows_from_group_by(by: str, key: str) -> None:
    """A group is an underlying or an instrument, and backed by the margin under its own name."""
    engine = flat_engine(modes=f"{{cross: {{}}, hybrid: {{group_by: {by}, shared_draw_cap: 0}}}}")
    document = account(position("1", mode="hybrid", instrument="SOLUSDT"), group_margins={key: "30", "other": "7"})
    assert one_pool(engine.evaluate(document, market()), f"A/hybrid/{key}").equity == 30


def test_equity__is_collateral_pnl_and_accrued() -> None:
    """1000 of USDT, 2 * (100 - 90) gained, 1 * (100 - 95) lost on the short, 3 owed and 1 earned in fees: 1013."""
    document = account(
        position("2", "90", mode="cross", accrued="-3"),
        position("-1", "95", mode="cross", id="p2", accrued="1"),
        collateral={"USDT": "1000"},
    )
    assert one_pool(flat_engine().evaluate(document, market()), "A/cross").equity == 1013


def test_accrued__of_a_closed_position_still_counts() -> None:
    """Funding of a position that has gone to zero is still owed."""
    document = account(position("0", mode="cross", accrued="-3"), collateral={"USDT": "10"})
    assert one_pool(flat_engine().evaluate(document, market()), "A/cross").equity == 7


# Collateral


@pytest.mark.parametrize(
    ("collateral", "equity"),
    [
        ({"USDT": "100"}, "100"),
        ({"USDT": "-100"}, "-100"),  # the settlement currency has no haircut
        ({"BTC": "2"}, "190"),  # 2 * 100 * 0.95
        ({"BTC": "-2"}, "-210"),  # 2 * 100 * 1.05
        ({"BTC": "11"}, "1000"),  # 1045 capped
        ({"BTC": "2", "ETH": "5", "USDT": "1"}, "236"),  # 190 + 5 * 10 * 0.9 + 1
        ({"BTC": "0", "DOGE": "0"}, "0"),
    ],
)
def test_collateral__counts_after_haircut_and_cap(collateral: dict[str, str], equity: str) -> None:
    """Assets less their haircut up to the cap, debts with it on top."""
    assert cross_pool(collateral).equity == Decimal(equity)


def test_collateral__not_listed_counts_nothing_with_a_note() -> None:
    """An asset that the policy does not list adds nothing, which is said once."""
    pool = cross_pool({"DOGE": "1000", "PEPE": "5", "USDT": "1"})
    assert (pool.equity, pool.notes, pool.status) == (1, ("COLLATERAL_NOT_LISTED",), "healthy")


@pytest.mark.parametrize(
    ("collateral", "prices", "reason"),
    [
        ({"DOGE": "-1"}, {}, "DEBT_NOT_LISTED"),
        ({"BTC": "1"}, {}, "COLLATERAL_PRICE_MISSING"),
        ({"BTC": "1"}, {"BTC": "0"}, "COLLATERAL_PRICE_NOT_POSITIVE"),
        ({"BTC": "1"}, {"BTC": {"price": "100"}}, "COLLATERAL_PRICE_TIME_MISSING"),
        ({"BTC": "1"}, {"BTC": {"price": "100", "time": "2026-12-01T23:59:49Z"}}, "COLLATERAL_PRICE_STALE"),
        ({"BTC": "1"}, {"BTC": {"price": "100", "time": "2026-12-02T00:00:01Z"}}, "COLLATERAL_PRICE_IN_FUTURE"),
    ],
)
def test_collateral__in_doubt_leaves_the_shared_pool_undetermined(
    collateral: dict[str, str], prices: dict[str, Any], reason: str
) -> None:
    """A debt that cannot be valued and an asset without a usable price decide nothing; figures are unknown, not 0."""
    pool = cross_pool(collateral, priced(**prices), market_data="{stale_after: 10s}")
    assert (pool.status, pool.reasons, pool.equity) == ("undetermined", (reason,), None)


def test_collateral__priced_exactly_at_the_age_limit_counts() -> None:
    """A price of 10 s ago is not yet stale, and the settlement currency and amounts of zero need none."""
    at = priced(BTC={"price": "100", "time": "2026-12-01T23:59:50Z"})
    pool = cross_pool({"BTC": "2", "USDT": "1", "ETH": "0"}, at, market_data="{stale_after: 10s}")
    assert pool.equity == 191


def test_isolated__without_margin_is_undetermined() -> None:
    """A margin that is not stated is not a margin of 0."""
    pool = one_pool(flat_engine().evaluate(account(position("1")), market()))
    assert (pool.status, pool.reasons) == ("undetermined", ("MARGIN_MISSING",))


# Rows that cannot be placed


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"mode": "portfolio"}, "MODE_NOT_ALLOWED"),
        ({"mode": "hybrid", "group": "ETH"}, "GROUP_CONTRADICTS"),
        ({"mode": "hybrid", "instrument": "NAMELESS"}, "GROUP_UNKNOWN"),
    ],
)
def test_unplaced__row_leaves_every_pool_of_the_account_undetermined(row: dict[str, str], reason: str) -> None:
    """Where a row's pool cannot be told any pool might be its own."""
    engine = engine_of(tables=FLAT, instruments=INSTRUMENTS[:-1] + ", NAMELESS: {payoff: linear, table: flat}}")
    document = account(position("1", id="p9", **row), position("1", margin="50"), collateral={"USDT": "100"})
    evaluation = engine.evaluate(document, market(NAMELESS="1"))
    assert {pool.pool: pool.reasons for pool in evaluation.pools} == {"A/isolated/p1": (reason,), "A/cross": (reason,)}
    assert {pool.status for pool in evaluation.pools} == {"undetermined"}
    assert (evaluation.positions[0].pool, evaluation.positions[0].notes) == (None, ("POOL_UNKNOWN",))
    assert [doubt.code for doubt in evaluation.evidence] == [reason]


def test_group__that_agrees_is_no_contradiction() -> None:
    """The account may say the group that follows anyway."""
    document = account(position("1", mode="hybrid", instrument="SOLUSDT", group="SOL"), group_margins={"SOL": "50"})
    assert one_pool(flat_engine().evaluate(document, market()), "A/hybrid/SOL").status == "healthy"


# One instrument and side


def split(first: dict[str, Any], second: dict[str, Any], **sections: str) -> dict[str, tuple[str, ...]]:
    """Why pools are undetermined where these two positions are held."""
    document = account(position("1", **first), position(second.pop("quantity", "1"), id="p2", **second))
    evaluation = flat_engine(**sections).evaluate({**document, "collateral": {"USDT": "500"}}, market())
    return {pool.pool: pool.reasons for pool in evaluation.pools}


def test_split__isolated_positions_of_one_side_are_undetermined_both() -> None:
    """Splitting a position escapes the higher tiers, so two longs of one instrument decide nothing."""
    found = split({"margin": "9"}, {"margin": "9"})
    assert found == {"A/isolated/p1": ("POSITIONS_SPLIT",), "A/isolated/p2": ("POSITIONS_SPLIT",), "A/cross": ()}


@pytest.mark.parametrize(
    ("first", "second", "sections"),
    [
        ({"margin": "9"}, {"margin": "9", "quantity": "-1"}, {}),
        ({"margin": "9"}, {"margin": "9", "quantity": "0"}, {}),
        ({"margin": "9"}, {"margin": "9", "instrument": "ETHUSDT"}, {}),
        ({"margin": "9"}, {"mode": "cross"}, {}),
        ({"margin": "9"}, {"margin": "9"}, {"modes": "{isolated: {split_positions: true}, cross: {}}"}),
        ({"mode": "cross"}, {"mode": "cross", "quantity": "-1"}, {}),
    ],
    ids=["long and short", "one of zero", "two instruments", "two modes", "allowed by the policy", "hedged in a pool"],
)
def test_split__what_is_allowed_beside_another(
    first: dict[str, Any], second: dict[str, Any], sections: dict[str, str]
) -> None:
    """One long and one short an instrument and mode, positions of zero aside, unless the policy allows more."""
    assert set(split(first, dict(second), **sections).values()) == {()}


def test_split__in_a_shared_pool_is_undetermined() -> None:
    """Two longs of one instrument in cross margin."""
    assert split({"mode": "cross"}, {"mode": "cross"}) == {"A/cross": ("POSITIONS_SPLIT",)}
