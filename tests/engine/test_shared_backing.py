"""Collateral backs one pool: what two modes would share counts for neither, and hedges come off at a price.

The mode of whole pools requires 20 % of the pool's net notional at first and 10 % to be kept.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules_engine import Engine, Evaluation
from rules_engine.plugin import Backing, PoolExposure, PoolRequirement, Requirement
from tests.builders import account, market, one_pool, order, position
from tests.engine.strangers import StrangePool, Supplies, engine_with


def net(num: Any, pool: PoolExposure) -> PoolRequirement:
    """10 % of net notional is kept; the first position accounts for it."""
    kept = num.absolute(num.total([one.quantity * one.value for one in pool.positions])) * Decimal("0.1")
    nothing = Requirement(num.constant(0), num.constant(0))
    shares = {one.id: nothing for one in pool.positions}
    if pool.positions:
        shares[pool.positions[0].id] = Requirement(kept * 2, kept)
    return PoolRequirement(kept * 2, kept, shares)


def both(backing: Backing = Backing.ACCOUNT, modes: str = "{cross: {}, net: {}}") -> Engine:
    """An engine that allows cross margin and the mode of whole pools."""
    return engine_with(Supplies(StrangePool(net, backing, "net")), modes=modes)


CROSS = position("1", mode="cross", id="c")
NET = position("1", mode="net", id="n", instrument="ETHUSDT")


def pools(evaluation: Evaluation) -> list[tuple[str, str, tuple[str, ...]]]:
    """Every pool with its status and reasons."""
    return [(pool.pool, pool.status, pool.reasons) for pool in evaluation.pools]


def test_collateral__of_the_account_backs_no_two_pools() -> None:
    """200 would be 200 for each of them."""
    evaluation = both().evaluate(account(CROSS, NET, collateral={"USDT": "200"}), market())
    shared = ("COLLATERAL_SHARED",)
    assert pools(evaluation) == [("A/cross", "undetermined", shared), ("A/net", "undetermined", shared)]
    assert one_pool(evaluation, "A/net").evidence[0].message.startswith("A/cross and A/net would be backed")


@pytest.mark.parametrize(("held", "pool"), [(CROSS, "A/cross"), (NET, "A/net")])
def test_account__is_shared_by_the_mode_that_it_uses(held: dict[str, Any], pool: str) -> None:
    """A policy may allow both; an account's collateral backs the one under which it holds positions."""
    evaluation = both().evaluate(account(held, collateral={"USDT": "200"}), market())
    assert pools(evaluation) == [(pool, "healthy", ())]
    assert one_pool(evaluation, pool).equity == 200


def test_collateral__of_a_group_backs_no_two_pools() -> None:
    """The group's margin would count in both modes."""
    engine = both(Backing.GROUP, "{hybrid: {shared_draw_cap: 0}, net: {}}")
    held = [position("1", mode="hybrid", id="h"), position("1", mode="net", id="n")]
    evaluation = engine.evaluate(account(*held, group_margins={"BTC": "100"}), market())
    reasons = {pool.pool: pool.reasons for pool in evaluation.pools if pool.status == "undetermined"}
    assert reasons == {"A/hybrid/BTC": ("COLLATERAL_SHARED",), "A/net/BTC": ("COLLATERAL_SHARED",)}


def test_order__that_would_open_a_second_shared_pool_is_refused() -> None:
    """The pool that there is stays decided; what the order would reserve is not known."""
    decision = both().check_order(account(CROSS, collateral={"USDT": "200"}), market(), order("1", mode="net"))
    assert (decision.accepted, decision.reasons) == (False, ("COLLATERAL_SHARED",))
    assert one_pool(decision.evaluation, "A/cross").status == "healthy"


HEDGED = [position("10", mode="net", id="long"), position("-6", mode="net", id="short", instrument="ETHUSDT")]


@pytest.mark.parametrize(("quantity", "accepted"), [("1", True), ("2", False)])
def test_order__that_takes_a_hedge_off_needs_margin(quantity: str, accepted: bool) -> None:
    """Net 400 requires 80 of 100; buying one back makes it 500 and 100, two 600 and 120."""
    document = account(*HEDGED, collateral={"USDT": "100"})
    decision = both(modes="{net: {}}").check_order(
        document, market(), order(quantity, mode="net", instrument="ETHUSDT")
    )
    assert decision.accepted is accepted
    assert decision.required_margin == 20 * Decimal(quantity)
    assert decision.reasons == (() if accepted else ("MARGIN_INSUFFICIENT",))


def test_order__that_reduces_in_an_undetermined_pool_is_accepted() -> None:
    """Without a mark nobody can tell whether it is a hedge, and reducing must not be held up."""
    marks = market(BTCUSDT={})
    document = account(*HEDGED, collateral={"USDT": "100"})
    decision = both(modes="{net: {}}").check_order(document, marks, order("1", mode="net", instrument="ETHUSDT"))
    assert decision.accepted
