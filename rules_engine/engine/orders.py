"""Orders: which position each acts on, in which pool it reserves margin, and what modes see of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from rules_engine.engine.calls import PluginFault
from rules_engine.engine.pools import Holding, Pool, Pools, Unplaced, place, pool_name
from rules_engine.engine.quote import Quote
from rules_engine.errors import Doubt
from rules_engine.numbers.exact import ONE, ZERO, sign_of
from rules_engine.numbers.system import Number
from rules_engine.terms.account import Account, Order, Position
from rules_engine.terms.exposure import RestingOrder
from rules_engine.terms.policy import AllowedMode, Policy
from rules_engine.terms.pool import Backing, PoolLabel


class Placed(msgspec.Struct, frozen=True):
    """An order with the position that it acts on (an empty one where it opens) and the pool in which it reserves."""

    order: Order
    holding: Holding
    allowed: AllowedMode
    pool: str
    reserve: str
    reduces: bool
    """Whether filling it, and all others on its side, can only make the position smaller."""

    def acts_on(self, target: Holding) -> bool:
        """Whether filling it changes this position; orders that open do so together."""
        own = self.holding
        return own.position.id == target.position.id if target.open else not own.open


class Slot(msgspec.Struct, frozen=True):
    """One instrument's positions in a pool and the orders on them, which reserve margin together."""

    pool: Pool
    quote: Quote
    holdings: tuple[Holding, ...]
    placed: tuple[Placed, ...]

    @property
    def allowed(self) -> AllowedMode:
        return self.pool.allowed

    @property
    def targets(self) -> list[Holding]:
        """The open positions of the slot, and an empty one where orders open. All that open do so together."""
        opening = [one.holding for one in self.placed if not one.holding.open]
        return [*self.holdings, *opening[:1]]


Resting: TypeAlias = Mapping[tuple[str, str, int, str | None], Decimal]
"""How much rests of orders that may reverse a position: by mode, instrument, side and the position that they name."""


def resting(account: Account) -> Resting:
    """The account's orders added up; `reduce_only` ones are left out, for they never reverse anything."""
    found: dict[tuple[str, str, int, str | None], Decimal] = {}
    for order in account.orders:
        if not order.reduce_only and order.fault is None:
            key = (order.mode, order.instrument, sign_of(order.quantity), order.position)
            found[key] = found.get(key, ZERO) + abs(order.quantity)
    return found


def place_order(policy: Policy, pools: Pools, account: Account, order: Order, quote: Quote, beside: Resting) -> Placed:
    """Finds the position that an order acts on and the pool in which it reserves. Raises `Unplaced`."""
    holding = _target(pools, order, quote)
    if holding is None:
        allowed, label = place(policy, quote, order)
        pool = pool_name(account.account, allowed.name, label)
        if label.backing is Backing.ACCOUNT and pool != pools.shared:
            text = f"{order.id}: the account's collateral backs {pools.shared}, and cannot back {pool} too"
            raise Unplaced(Doubt(code="COLLATERAL_SHARED", message=text, instrument=order.instrument))
        holding = Holding(_empty(order, quote), quote)
        backing = label.backing
    else:
        pool = pools.pool_of[holding.position.id]
        allowed, backing = pools.by_name[pool].allowed, pools.by_name[pool].label.backing
    reduces = _reduces(holding.position, order, beside)
    reserve = pools.shared if backing is Backing.POSITION and not reduces else pool
    return Placed(order, holding, allowed, pool, reserve, reduces)


def _reduces(position: Position, order: Order, beside: Resting) -> bool:
    """Orders that each make the position smaller can together reverse it, so they are taken together."""
    if position.quantity * order.quantity >= 0:
        return False
    side = (order.mode, order.instrument, sign_of(order.quantity))
    together = sum(beside.get((*side, named), ZERO) for named in (None, position.id))
    return order.reduce_only or together <= abs(position.quantity)


def _target(pools: Pools, order: Order, quote: Quote) -> Holding | None:
    held = pools.held.get((order.mode, order.instrument), ())
    if order.position is not None:
        held = [holding for holding in held if holding.position.id == order.position]
        if not held:
            text = (
                f"{order.id} acts on position {order.position}, which is no {order.mode} position of {order.instrument}"
            )
            raise Unplaced(Doubt(code="ORDER_POSITION_UNKNOWN", message=text, instrument=order.instrument))
    held = [holding for holding in held if holding.open] or held  # where one is open, an empty row is no other choice
    if len(held) > 1:
        text = f"{order.id} may act on {' or '.join(holding.position.id for holding in held)}: name one as `position`"
        raise Unplaced(Doubt(code="ORDER_POSITION_AMBIGUOUS", message=text, instrument=order.instrument))
    return held[0] if held else None


def _empty(order: Order, quote: Quote) -> Position:
    """The position that an order opens, before anything is filled."""
    price = order.price if order.price is not None else quote.mark_price
    return Position(
        id=f"order {order.id}",
        instrument=order.instrument,
        mode=order.mode,
        quantity=ZERO,
        entry_price=price if price is not None and price > 0 else ONE,
    )


class Placement(msgspec.Struct, frozen=True):
    """The account's orders with the positions that they act on; `doubts` are about those that have no place."""

    placed: tuple[Placed, ...]
    doubts: tuple[Doubt, ...]


def placement(policy: Policy, pools: Pools, account: Account, quote_of: Callable[[str], Quote]) -> Placement:
    """Where each of the account's orders acts."""
    placed: list[Placed] = []
    doubts: list[Doubt] = []
    beside = resting(account)
    for order in account.orders:
        if order.fault is not None:
            doubts.append(Doubt(code="ROW_INVALID", message=f"{order.id}: {order.fault}", instrument=order.instrument))
            continue
        try:
            placed.append(place_order(policy, pools, account, order, quote_of(order.instrument), beside))
        except Unplaced as unplaced:
            doubts.append(unplaced.doubt)
    return Placement(tuple(placed), tuple(doubts))


def slots(pools: Pools, placed: Iterable[Placed]) -> dict[tuple[str, str, str], Slot]:
    """Orders by (reserving pool, instrument, position where the pool is the position's own)."""
    grouped: dict[tuple[str, str, str], list[Placed]] = {}
    for one in placed:
        grouped.setdefault((one.reserve, one.order.instrument, _own(pools, one)), []).append(one)
    return {key: _slot(pools, key[2], members) for key, members in grouped.items()}


def _own(pools: Pools, placed: Placed) -> str:
    """The position whose own pool this is; a mode's name for orders that open one together; empty for other pools."""
    pool = pools.by_name.get(placed.pool)
    if pool is None:
        return f"{placed.allowed.name}/"
    return placed.holding.position.id if pool.label.backing is Backing.POSITION else ""


def _slot(pools: Pools, own: str, members: Sequence[Placed]) -> Slot:
    first = members[0]
    held = {one.holding.position.id: one.holding for one in members if one.holding.open}
    pool = pools.by_name.get(first.pool)
    if not own and pool is not None:
        alike = pools.held.get((first.order.mode, first.order.instrument), ())
        held |= {h.position.id: h for h in alike if h.open and pools.pool_of[h.position.id] == pool.name}
    return Slot(pool or _opened(first), first.holding.quote, tuple(held.values()), tuple(members))


def _opened(first: Placed) -> Pool:
    """The pool that an order would open for its position."""
    label = PoolLabel(key=None, backing=Backing.POSITION)
    return Pool(name=first.pool, allowed=first.allowed, label=label, as_of=first.holding.quote.as_of, collateral=ZERO)


def order_value(order: Order, quote: Quote) -> Number:
    """Value of one contract at the order's price; at the mark for a market order."""
    return quote.value if order.price is None else quote.value_at(order.price)


def resting_orders(slot: Slot, target: Holding, sizes: Mapping[str, Number] = {}) -> tuple[RestingOrder, ...]:
    """The slot's orders on one of its targets; `sizes` gives some (by id) a quantity other than their own."""
    return tuple(
        RestingOrder(
            id=one.order.id,
            quantity=sizes.get(one.order.id, one.order.quantity),
            value=order_value(one.order, slot.quote),
            leverage=one.order.leverage,
            reduce_only=one.order.reduce_only,
        )
        for one in slot.placed
        if one.acts_on(target)
    )


def with_orders(pools: Pools, placement: Placement) -> Pools:
    """The pools with the orders on their positions. Modes that look at orders are in doubt where those are."""
    changed = dict(pools.by_name)
    for slot in slots(pools, placement.placed).values():
        pool = changed.get(slot.pool.name)
        if pool is None:
            continue
        doubts = [doubt for one in slot.placed for doubt in (*one.holding.quote.doubts, *one.holding.doubts)]
        looks, opening = pool.allowed.traits.reserves_orders, slot.targets[len(slot.holdings) :]
        try:
            resting = {} if doubts else {held.position.id: resting_orders(slot, held) for held in slot.targets}
        except PluginFault as fault:
            resting, doubts = {}, [fault.doubt]
        changed[pool.name] = msgspec.structs.replace(
            pool,
            orders={**pool.orders, **{id: (*pool.orders.get(id, ()), *added) for id, added in resting.items()}},
            opening=(*pool.opening, *(opening if looks and not doubts else ())),
            doubts=tuple(dict.fromkeys([*pool.doubts, *(doubts if looks else ())])),
        )
    for name, pool in changed.items():
        if placement.doubts and pool.allowed.traits.reserves_orders:
            changed[name] = msgspec.structs.replace(pool, doubts=(*pool.doubts, *placement.doubts))
    return msgspec.structs.replace(pools, by_name=changed)
