"""The oracle's answers: evaluate, order_accepted, liquidate_decision, after_closing."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .margin import Severity, requirement, unrealized_pnl
from .market import World, world_of
from .numbers import Doubt, number
from .orders import passes_a_cap, same_side_after
from .pools import (
    Pool,
    collect_pools,
    initial_margin,
    is_restored,
    lacks_measure,
    maintenance_margin,
    must_liquidate,
    note_doubts,
    notional_of,
    own_equity,
    status_of,
    trigger_fee,
)
from .rows import Order, Row, only_reduces, read_order

ZERO = Fraction(0)


@dataclass(frozen=True)
class OraclePosition:
    """A position's figures, unrounded; None where the row is doubtful. `initial` is its own, without orders."""

    id: str
    instrument: str
    mode: str
    pool: str
    notional: Fraction | None
    unrealized_pnl: Fraction | None
    tier: int | None
    initial: Fraction | None
    maintenance: Fraction | None
    fee: Fraction | None


@dataclass(frozen=True)
class OraclePool:
    """A pool's figures, unrounded; None where not known. `equity` is `own_equity` plus `draw_limit`."""

    name: str
    kind: str
    status: str
    reasons: frozenset[str]
    own_equity: Fraction | None = None
    equity: Fraction | None = None
    draw_limit: Fraction | None = None
    draw: Fraction | None = None
    initial: Fraction | None = None
    maintenance: Fraction | None = None
    trigger_fee: Fraction | None = None
    free_margin: Fraction | None = None
    withdrawable: Fraction | None = None
    top_up: Fraction | None = None
    restored: bool | None = None


@dataclass(frozen=True)
class OracleEvaluation:
    """An account's positions in document order and its pools by name."""

    account: str
    positions: tuple[OraclePosition, ...]
    pools: dict[str, OraclePool]


def position_figures(world: World, row: Row) -> OraclePosition:
    """A position's figures where its row has no doubt."""
    document = row.document
    names = (str(document.get("id")), str(document.get("instrument")), str(document.get("mode")), row.pool)
    if row.leg is None or row.doubt is not None:
        return OraclePosition(*names, None, None, None, None, None, None)
    needs = requirement(world, row.leg)
    pnl = unrealized_pnl(world, row.leg)
    return OraclePosition(*names, notional_of(world, row), pnl, needs.tier, needs.initial, needs.maintenance, needs.fee)


def positive_pnl(world: World, pool: Pool) -> Fraction:
    """The sum of the unrealized PnL that is positive."""
    return sum((max(ZERO, unrealized_pnl(world, row.leg)) for row in pool.rows if row.leg is not None), ZERO)


def pool_figures(
    world: World, account: dict[str, Any], pool: Pool, limit: Fraction, draws: Fraction | None
) -> OraclePool:
    """A pool without doubtful rows: `limit` is what it may draw, `draws` what groups draw from it (None: not known)."""
    own = own_equity(world, account, pool)
    equity, initial = own + limit, initial_margin(world, pool)
    maintenance, fee = maintenance_margin(world, pool, Severity.MOST), trigger_fee(world, pool)
    status, own_free = (
        status_of(world, pool, equity),
        None if initial is None or draws is None else own - initial - draws,
    )
    missing = status == "undetermined" and lacks_measure(world, pool)
    return OraclePool(
        name=pool.name,
        kind=pool.kind,
        status=status,
        reasons=frozenset({"MEASURE_MISSING"}) if missing else frozenset(),
        own_equity=own,
        equity=equity,
        draw_limit=limit,
        draw=limit if initial is None else min(limit, max(ZERO, initial - own)),
        initial=initial,
        maintenance=maintenance,
        trigger_fee=fee,
        free_margin=None if own_free is None else own_free + limit,
        withdrawable=None if own_free is None else max(ZERO, own_free - positive_pnl(world, pool)),
        top_up=max(ZERO, (world.policy.restore_to * maintenance + fee if pool.open_rows() else ZERO) - equity),
        restored=is_restored(world, pool, equity),
    )


def undetermined(pool: Pool, reasons: set[str]) -> OraclePool:
    """A pool whose figures are not known."""
    return OraclePool(pool.name, pool.kind, "undetermined", frozenset(reasons))


def group_figures(world: World, account: dict[str, Any], pool: Pool, limit: Fraction | None) -> OraclePool:
    """A group; where the limit is not known (None), decided only if it is healthy without a draw."""
    if pool.reasons:
        return undetermined(pool, pool.reasons)
    if limit is not None or not pool.open_rows():
        return pool_figures(world, account, pool, limit if limit is not None and pool.open_rows() else ZERO, ZERO)
    alone = pool_figures(world, account, pool, ZERO, ZERO)
    status = "healthy" if alone.status == "healthy" else "undetermined"
    reasons = frozenset() if status == "healthy" else frozenset({"SHARED_POOL_UNDETERMINED"})
    return OraclePool(
        alone.name, alone.kind, status, reasons, alone.own_equity, initial=alone.initial,
        maintenance=alone.maintenance, trigger_fee=alone.trigger_fee, withdrawable=alone.withdrawable,
    )  # fmt: skip


def draw_limit(world: World, shared: OraclePool, groups: list[Pool]) -> Fraction | None:
    """What each group with positions may draw: F * min(cap, 1 / G); None where what is free is not known."""
    holding = sum(1 for group in groups if group.open_rows())
    cap = number(world.policy.modes.get("hybrid", {}).get("shared_draw_cap", "0"))
    if holding == 0 or cap == 0:
        return ZERO
    if shared.status == "undetermined" or shared.equity is None or shared.initial is None:
        return None
    return max(ZERO, shared.equity - shared.initial) * min(cap, Fraction(1, holding))


def evaluate_pools(world: World, account: dict[str, Any], pools: dict[str, Pool]) -> dict[str, OraclePool]:
    """Every pool's figures: the shared pool first without draws, then groups, then the shared pool with their draws."""
    for pool in pools.values():
        if not pool.reasons:
            note_doubts(world, account, pool)
    shared = next(pool for pool in pools.values() if pool.kind == "shared")
    groups = [pool for pool in pools.values() if pool.kind == "hybrid"]

    def alone(pool: Pool, draws: Fraction | None = ZERO) -> OraclePool:
        return undetermined(pool, pool.reasons) if pool.reasons else pool_figures(world, account, pool, ZERO, draws)

    limit = draw_limit(world, alone(shared), groups)
    result = {pool.name: group_figures(world, account, pool, limit) for pool in groups}
    drawn = [result[group.name].draw for group in groups if group.open_rows()] if limit != 0 else []
    draws = None if None in drawn else sum((draw for draw in drawn if draw is not None), ZERO)
    result |= {pool.name: alone(pool) for pool in pools.values() if pool.kind == "isolated"}
    result[shared.name] = alone(shared, draws)
    return dict(sorted(result.items()))


def evaluate(policy: dict[str, Any], account: dict[str, Any], market: dict[str, Any]) -> OracleEvaluation:
    """All figures of one account."""
    world = world_of(policy, account, market)
    pools = collect_pools(world, account)
    rows = {row.document["id"]: row for pool in pools.values() for row in pool.rows}
    positions = [rows[each["id"]] for each in account.get("positions", ()) if each["id"] in rows]
    return OracleEvaluation(
        account["account"],
        tuple(position_figures(world, row) for row in positions),
        evaluate_pools(world, account, pools),
    )


def liquidate_decision(
    policy: dict[str, Any], account: dict[str, Any], market: dict[str, Any], pool: str, instrument: str, price: Fraction
) -> bool:
    """A pool's liquidate decision were that instrument's mark at `price` and all else, draw limits too, as it is."""
    limit = evaluate(policy, account, market).pools[pool].draw_limit
    if limit is None:
        raise Doubt("POOL_UNDETERMINED")
    world = world_of(policy, account, market).with_mark(instrument, price)
    moved = collect_pools(world, account)[pool]
    equity = own_equity(world, account, moved) + limit
    least, most = (must_liquidate(world, moved, equity, severity) for severity in Severity)
    if least != most:
        raise Doubt("MEASURE_MISSING")
    return most


def order_accepted(
    policy: dict[str, Any], account: dict[str, Any], market: dict[str, Any], order: dict[str, Any]
) -> bool:
    """Whether a new order is accepted beside the account's own orders."""
    world = world_of(policy, account, market)
    pools = collect_pools(world, account)
    rows = [row for pool in pools.values() for row in pool.rows]
    others = [each for pool in pools.values() for each in pool.orders]
    with_order = account | {"orders": [*account.get("orders", ()), order]}
    try:
        reduces = only_reduces(rows, with_order["orders"], order)
    except Doubt:
        return False
    if reduces or order.get("reduce_only"):
        return reduces
    read = read_order(world, with_order, rows, order)
    if not isinstance(read, Order) or passes_a_cap(world, same_side_after(read, others)):
        return False
    after = evaluate(policy, with_order, market).pools
    concerned = [after[read.pool]] + ([after[read.target.pool]] if read.target is not None else [])
    equity, initial = after[read.pool].equity, after[read.pool].initial
    if equity is None or initial is None:
        return False
    return equity - initial >= 0 and all(pool.status != "undetermined" for pool in concerned)
