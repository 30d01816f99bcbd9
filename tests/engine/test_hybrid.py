"""Groups that may draw on what is free in the shared pool: how much, and what of it is known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders import AS_OF, account, flat_engine, market, one_pool, order, position
from tests.builders import FLAT_INSTRUMENTS as INSTRUMENTS


def groups(*positions: tuple[str, str, str], cash: str = "100", **more: Any) -> Any:
    """Evaluates hybrid positions given as (instrument, quantity, group margin) beside shared cash."""
    sections = more.pop("sections", {})
    at = more.pop("at", market())
    rows = [position(q, id=name, mode="hybrid", instrument=f"{name}USDT") for name, q, _ in positions]
    margins = {name: margin for name, _, margin in positions}
    return flat_engine(**sections).evaluate(
        account(*rows, group_margins=margins, collateral={"USDT": cash}, **more), at
    )


def test_hybrid__one_group_draws_up_to_its_cap() -> None:
    """10 contracts at 100: initial 100, own 80. Limit 100 * 0.25 = 25, drawn 20; the shared pool has 80 free."""
    evaluation = groups(("SOL", "10", "80"))
    group, shared = one_pool(evaluation, "A/hybrid/SOL"), one_pool(evaluation, "A/cross")
    assert (group.own_equity, group.draw_limit, group.draw, group.equity) == (80, 25, 20, 105)
    assert (group.free_margin, group.withdrawable) == (5, 0)
    assert (shared.equity, shared.free_margin, shared.withdrawable) == (100, 80, 80)
    assert shared.own_equity is None


def test_hybrid__what_shared_positions_require_is_not_free() -> None:
    """Cash of 110 less 10 for a cross position, or 170 less 60 more for an order: a quarter of 100 may be drawn."""
    for cash, orders in (("110", []), ("170", [order("6", instrument="ETHUSDT")])):
        document = account(
            position("10", id="SOL", mode="hybrid", instrument="SOLUSDT"),
            position("1", id="p2", mode="cross"),
            group_margins={"SOL": "80"},
            collateral={"USDT": cash},
            orders=orders,
        )
        evaluation = flat_engine().evaluate(document, market())
        assert one_pool(evaluation, "A/hybrid/SOL").draw_limit == 25
        explained = flat_engine().explain(document, market())
        lines = next(part.lines for part in explained.pools if part.title.startswith("A/hybrid/SOL"))
        limit = next(line for line in lines if line.figure == "draw_limit")
        assert limit.how.startswith("free margin of the shared pool 100 * ")


def test_hybrid__draws_no_more_than_the_limit() -> None:
    """Own equity 30 lacks 70 of initial margin; only 25 may be drawn."""
    group = one_pool(groups(("SOL", "10", "30")), "A/hybrid/SOL")
    assert (group.draw, group.equity, group.free_margin) == (25, 55, -45)


def test_hybrid__several_groups_share_what_is_free_in_equal_parts() -> None:
    """Three groups under a cap of 1/2 may draw a third of 100 each: 33.333..., rounded down; a cap of 1/4 is less."""
    three = [("SOL", "10", "80"), ("BTC", "10", "80"), ("ETH", "-10", "80")]
    half = {"sections": {"modes": "{cross: {}, hybrid: {shared_draw_cap: 0.5}}"}}
    for more, limit in ((half, "33.33"), ({}, "25")):
        evaluation = groups(*three, **more)
        found = [one_pool(evaluation, f"A/hybrid/{name}").draw_limit for name, _, _ in three]
        assert found == [Decimal(limit)] * 3
        assert one_pool(evaluation, "A/cross").free_margin == 40  # 100 less three draws of 20


def test_hybrid__a_group_without_open_positions_does_not_count() -> None:
    """With one of two groups closed the other draws as if alone; the closed one has no limit."""
    sections = {"modes": "{cross: {}, hybrid: {shared_draw_cap: 1}}"}
    evaluation = groups(("SOL", "10", "80"), ("BTC", "0", "5"), sections=sections)
    assert one_pool(evaluation, "A/hybrid/SOL").draw_limit == 100
    assert one_pool(evaluation, "A/hybrid/BTC").draw_limit == 0


@pytest.mark.parametrize(
    ("own", "status"),
    # Maintenance 10, margin call at 12.5; of a shared pool of 10 a quarter may be drawn, 2.5.
    [("7.5", "liquidate"), ("7.51", "margin_call"), ("10", "margin_call"), ("10.01", "healthy")],
)
def test_hybrid__is_decided_by_own_equity_and_limit_together(own: str, status: str) -> None:
    """With 2.5 to draw the lines of 10 and 12.5 lie at own equities of 7.5 and 10."""
    assert one_pool(groups(("SOL", "10", own), cash="10"), "A/hybrid/SOL").status == status


def test_hybrid__nothing_can_be_drawn_from_a_shared_pool_in_debt() -> None:
    """F is never below zero: a negative free margin lends nothing."""
    evaluation = groups(("SOL", "10", "30"), cash="-50")
    group = one_pool(evaluation, "A/hybrid/SOL")
    assert (group.draw_limit, group.draw, group.equity) == (0, 0, 30)
    assert one_pool(evaluation, "A/cross").free_margin == -50


def test_hybrid__shared_status_ignores_draws() -> None:
    """The shared pool lends all of its 100 and stays healthy: a group's fate is its own."""
    sections = {"modes": "{cross: {}, hybrid: {shared_draw_cap: 1}}"}
    shared = one_pool(groups(("SOL", "10", "0"), sections=sections), "A/cross")
    assert (shared.status, shared.free_margin) == ("healthy", 0)


NO_ETH = market(ETHUSDT={})


@pytest.mark.parametrize(
    ("own", "status", "reasons"),
    [
        ("12.51", "healthy", ()),
        ("12.5", "undetermined", ("SHARED_POOL_UNDETERMINED",)),  # a call by itself
        ("-0", "undetermined", ("SHARED_POOL_UNDETERMINED",)),
    ],
)
def test_hybrid__beside_a_doubtful_shared_pool_is_decided_only_if_healthy_alone(
    own: str, status: str, reasons: tuple[str, ...]
) -> None:
    """What may be drawn is not known, so only a group that needs none of it is decided."""
    rows = [
        position("10", id="p1", mode="hybrid", instrument="SOLUSDT"),
        position("1", id="p2", mode="cross", instrument="ETHUSDT"),
    ]
    document = account(*rows, group_margins={"SOL": own}, collateral={"USDT": "100"})
    pool = one_pool(flat_engine().evaluate(document, NO_ETH), "A/hybrid/SOL")
    assert (pool.status, pool.reasons) == (status, reasons)


def test_hybrid__that_may_draw_nothing_needs_no_shared_pool() -> None:
    """With a cap of 0 a group is decided though the shared pool is not."""
    engine = flat_engine(modes="{cross: {}, hybrid: {shared_draw_cap: 0}}")
    document = account(
        position("10", mode="hybrid", instrument="SOLUSDT"),
        position("1", id="p2", mode="cross", instrument="ETHUSDT"),
        group_margins={"SOL": "5"},
    )
    assert one_pool(engine.evaluate(document, NO_ETH), "A/hybrid/SOL").status == "liquidate"


def test_hybrid__in_doubt_itself_draws_nothing() -> None:
    """A group without a mark is undetermined; neither its draw is known nor what the shared pool has free."""
    evaluation = groups(("SOL", "10", "5"), at=market(SOLUSDT={}))
    group = one_pool(evaluation, "A/hybrid/SOL")
    assert (group.status, group.reasons, group.draw) == ("undetermined", ("MARK_MISSING",), None)
    shared = one_pool(evaluation, "A/cross")
    assert (shared.status, shared.free_margin, shared.withdrawable) == ("healthy", None, None)


def test_hybrid__with_doubtful_orders_may_draw_all_that_it_may() -> None:
    """An order on an instrument without a mark leaves the group's need unknown: its whole limit of 25 is reserved."""
    resting = order("1", mode="hybrid", instrument="ETHUSDT")
    engine = flat_engine(instruments=INSTRUMENTS.replace("underlying: ETH", "underlying: SOL"))
    document = account(
        position("10", mode="hybrid", instrument="SOLUSDT"),
        group_margins={"SOL": "200"},
        collateral={"USDT": "100"},
        orders=[resting],
    )
    evaluation = engine.evaluate(document, {"as_of": AS_OF, "instruments": {"SOLUSDT": {"mark_price": "100"}}})
    group = one_pool(evaluation, "A/hybrid/SOL")
    assert (group.status, group.initial_margin, group.notes, group.draw) == ("healthy", None, ("ORDERS_DOUBTFUL",), 25)
    assert one_pool(evaluation, "A/cross").free_margin == 75
