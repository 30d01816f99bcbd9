"""Pools of an account: equity, requirements, draws, status."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .margin import Requirement, Severity, measure_missing, requirement, unrealized_pnl
from .market import World, collateral_value
from .numbers import Doubt, number
from .orders import order_margin
from .rows import UNKNOWN_POOL, Order, Row, read_order, read_position, shared_name


@dataclass
class Pool:
    """Positions and orders that share collateral; `kind` is isolated, shared or hybrid.

    `reasons` leave it undetermined, `order_reasons` only its initial margin unknown.
    """

    name: str
    kind: str
    group: str | None = None
    rows: list[Row] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    order_reasons: set[str] = field(default_factory=set)

    def open_rows(self) -> list[Row]:
        """The positions, those of quantity zero left out."""
        return [row for row in self.rows if row.is_open()]


def kind_of(name: str, shared: str) -> str:
    """Which collateral backs the pool of that name."""
    return "shared" if name == shared else name.split("/")[-2]


def collect_pools(world: World, account: dict[str, Any]) -> dict[str, Pool]:
    """Every pool of an account with its rows and orders, doubtful rows and orders noted in reasons."""
    shared = shared_name(world, account)
    rows = [read_position(world, account, document) for document in account.get("positions", ())]
    orders = [read_order(world, account, rows, document) for document in account.get("orders", ())]
    margins = {f"{account['account']}/hybrid/{group}" for group in account.get("group_margins", {})}
    names = {shared} | margins | {entry.pool for entry in [*rows, *orders]} - {UNKNOWN_POOL}
    pools = {}
    for name in sorted(names):
        kind = kind_of(name, shared)
        pools[name] = Pool(name, kind, name.split("/")[-1] if kind == "hybrid" else None)
    for row in rows:
        if row.pool != UNKNOWN_POOL:
            pools[row.pool].rows.append(row)
    for order in orders:
        if isinstance(order, Order):
            pools[order.pool].orders.append(order)
        else:
            for pool in pools.values() if order.pool == UNKNOWN_POOL else [pools[order.pool]]:
                pool.order_reasons.add(str(order.doubt))
    for row in rows:
        if row.doubt is not None:
            for pool in pools.values() if row.pool == UNKNOWN_POOL else [pools[row.pool]]:
                pool.reasons.add(row.doubt)
    note_duplicates(world, rows, pools)
    return pools


def note_duplicates(world: World, rows: list[Row], pools: dict[str, Pool]) -> None:
    """At most one long and one short per instrument in a pool; of isolated ones too, unless the policy says so."""
    seen: dict[tuple[str, str, bool], Row] = {}
    for row in rows:
        if row.leg is None or row.leg.quantity == 0 or row.pool == UNKNOWN_POOL:
            continue
        isolated = row.document["mode"] == "isolated"
        if isolated and world.policy.modes["isolated"].get("split_positions", False):
            continue
        key = ("isolated" if isolated else row.pool, row.leg.instrument.name, row.leg.quantity > 0)
        if key in seen:
            pools[row.pool].reasons.add("DUPLICATE_POSITION")
            pools[seen[key].pool].reasons.add("DUPLICATE_POSITION")
        seen[key] = row


def backing(world: World, account: dict[str, Any], pool: Pool) -> Fraction:
    """The collateral behind a pool, after haircuts."""
    if pool.kind == "shared":
        return collateral_value(world, account.get("collateral", {}))
    if pool.kind == "hybrid":
        return number(account.get("group_margins", {}).get(pool.group, "0"))
    return sum((number(row.document["margin"]) for row in pool.rows), Fraction(0))


def own_equity(world: World, account: dict[str, Any], pool: Pool) -> Fraction:
    """Backing collateral + unrealized PnL + accrued, before any draw."""
    total = backing(world, account, pool)
    for row in pool.rows:
        assert row.leg is not None
        total += unrealized_pnl(world, row.leg) + number(row.document.get("accrued", "0"))
    return total


def requirements(world: World, pool: Pool, severity: Severity) -> list[Requirement]:
    """What each position of the pool requires."""
    return [requirement(world, row.leg, severity) for row in pool.rows if row.leg is not None]


def initial_margin(world: World, pool: Pool) -> Fraction | None:
    """What the positions and orders of a pool require together, at the most severe bands; None where not known."""
    if pool.order_reasons:
        return None
    own = sum((each.initial for each in requirements(world, pool, Severity.MOST)), Fraction(0))
    return own + order_margin(world, pool.orders)


def maintenance_margin(world: World, pool: Pool, severity: Severity) -> Fraction:
    """The sum over the pool's positions."""
    return sum((each.maintenance for each in requirements(world, pool, severity)), Fraction(0))


def trigger_fee(world: World, pool: Pool) -> Fraction:
    """Closing fees of the pool's positions, where the policy counts them in the decision."""
    if "trigger" not in world.policy.closing_fee.counts_in:
        return Fraction(0)
    return sum((each.fee for each in requirements(world, pool, Severity.MOST)), Fraction(0))


def crosses(world: World, equity: Fraction, line: Fraction) -> bool:
    """Whether equity is so low that the line's consequence holds."""
    return equity <= line if world.policy.inclusive else equity < line


def must_liquidate(world: World, pool: Pool, equity: Fraction, severity: Severity) -> bool:
    """The pool's liquidate decision; a pool without positions has none."""
    if not pool.open_rows():
        return False
    return crosses(world, equity, maintenance_margin(world, pool, severity) + trigger_fee(world, pool))


def status_at(world: World, pool: Pool, equity: Fraction, severity: Severity) -> str:
    """The status with missing measures taken at one end."""
    if equity < 0:
        return "bankrupt"
    if not pool.open_rows():
        return "healthy"
    if must_liquidate(world, pool, equity, severity):
        return "liquidate"
    line = world.policy.margin_call * maintenance_margin(world, pool, severity) + trigger_fee(world, pool)
    return "margin_call" if crosses(world, equity, line) else "healthy"


def status_of(world: World, pool: Pool, equity: Fraction) -> str:
    """The status; undetermined where a missing measure could change it."""
    least, most = (status_at(world, pool, equity, severity) for severity in Severity)
    return most if least == most else "undetermined"


def lacks_measure(world: World, pool: Pool) -> bool:
    """Whether a position of the pool has a buffer whose measure is missing."""
    return any(row.leg is not None and measure_missing(world, row.leg.instrument) for row in pool.open_rows())


def is_restored(world: World, pool: Pool, equity: Fraction) -> bool:
    """Whether equity stands beyond the restore line: above it where lines are inclusive, on it otherwise."""
    if not pool.open_rows():
        return equity >= 0
    maintenance = maintenance_margin(world, pool, Severity.MOST)
    return not crosses(world, equity, world.policy.restore_to * maintenance + trigger_fee(world, pool))


def note_doubts(world: World, account: dict[str, Any], pool: Pool) -> None:
    """Add to `reasons` what only shows when the pool's collateral is valued."""
    try:
        backing(world, account, pool)
    except Doubt as doubt:
        pool.reasons.add(doubt.code)


def notional_of(world: World, row: Row) -> Fraction:
    """|quantity * value at the mark|."""
    assert row.leg is not None
    return abs(row.leg.quantity * world.mark_value(row.leg.instrument)) if row.leg.quantity else Fraction(0)
