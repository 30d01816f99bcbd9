"""Orders: where each reserves margin and how much, by the same formulas as positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from rules_engine.engine.calls import PluginFault, required
from rules_engine.engine.pools import Holding, Pool, Pools, Unplaced, place, pool_name
from rules_engine.engine.quote import Quote
from rules_engine.engine.sums import Terms, exposure_of
from rules_engine.errors import Doubt
from rules_engine.formulas.pool import loss_to_mark, order_margin
from rules_engine.numbers.exact import EXACT, ONE, ZERO, sign_of
from rules_engine.numbers.functions import NotLinear, Piecewise
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.account import Account, Order, Position
from rules_engine.terms.exposure import Exposure
from rules_engine.terms.policy import AllowedMode, Policy
from rules_engine.terms.pool import Backing


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


SIDES: Final = {"initial now": 0, "with buys filled": 1, "with sells filled": -1}
"""What is compared to tell what orders reserve: positions as they are, and with all orders of a side filled."""


class Slot(msgspec.Struct, frozen=True):
    """One instrument's positions in a pool and the orders on them, which reserve margin together."""

    allowed: AllowedMode
    quote: Quote
    holdings: tuple[Holding, ...]
    placed: tuple[Placed, ...]


class Reservation(msgspec.Struct, frozen=True):
    """What orders reserve in a pool; doubts leave it unknown."""

    amount: Number
    doubts: tuple[Doubt, ...]


Resting: TypeAlias = Mapping[tuple[str, str, int, str | None], Decimal]
"""How much rests of orders that may reverse a position: by mode, instrument, side and the position that they name."""


def resting(account: Account) -> Resting:
    """The account's orders added up; `reduce_only` ones are left out, for they never reverse anything."""
    found: dict[tuple[str, str, int, str | None], Decimal] = {}
    for order in account.orders:
        if not order.reduce_only:
            key = (order.mode, order.instrument, sign_of(order.quantity), order.position)
            found[key] = found.get(key, ZERO) + abs(order.quantity)
    return found


def place_order(policy: Policy, pools: Pools, account: Account, order: Order, quote: Quote, beside: Resting) -> Placed:
    """Finds the position that an order acts on and the pool in which it reserves. Raises `Unplaced`."""
    holding = _target(pools, order, quote)
    if holding is None:
        allowed, label = place(policy, quote, order)
        pool = pool_name(account.account, allowed.name, label)
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
        id=order.id,
        instrument=order.instrument,
        mode=order.mode,
        quantity=ZERO,
        entry_price=price if price is not None and price > 0 else ONE,
    )


class Reservations(msgspec.Struct, frozen=True):
    """What an account's orders reserve by pool, and the slot in which each order (by id) stands."""

    by_pool: Mapping[str, Reservation]
    slot_of: Mapping[str, Slot]


def reservations(
    policy: Policy, pools: Pools, account: Account, terms: Terms, quote_of: Callable[[str], Quote]
) -> Reservations:
    """What the account's orders reserve. An order without a pool leaves every pool's initial margin unknown."""
    doubts: dict[str, list[Doubt]] = {name: [] for name in pools.by_name}
    placed: list[Placed] = []
    beside = resting(account)
    for order in account.orders:
        quote = quote_of(order.instrument)
        try:
            placed.append(one := place_order(policy, pools, account, order, quote, beside))
        except Unplaced as unplaced:
            for found in doubts.values():
                found.append(unplaced.doubt)
            continue
        doubts[one.reserve].extend((*quote.doubts, *one.holding.doubts))
    totals: dict[str, list[Number]] = {name: [] for name in doubts}
    slot_of: dict[str, Slot] = {}
    for (reserve, *_), slot in slots(pools, placed).items():
        slot_of |= {one.order.id: slot for one in slot.placed}
        doubts[reserve].extend(doubt for holding in slot.holdings for doubt in holding.doubts)
        if doubts[reserve]:
            continue
        try:
            totals[reserve].append(reserved(EXACT, slot, terms, policy.opening_fee_rate))
        except PluginFault as fault:
            doubts[reserve].append(fault.doubt)
    by_pool = {
        name: Reservation(None if doubts[name] else EXACT.total(totals[name]), tuple(dict.fromkeys(doubts[name])))
        for name in doubts
    }
    return Reservations(by_pool, slot_of)


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
    pool: Pool | None = pools.by_name.get(first.pool)
    if not own and pool is not None:
        alike = pools.held.get((first.order.mode, first.order.instrument), ())
        held |= {h.position.id: h for h in alike if h.open and pools.pool_of[h.position.id] == pool.name}
    return Slot(first.allowed, first.holding.quote, tuple(held.values()), tuple(members))


def reserved(
    num: NumberSystem, slot: Slot, terms: Terms, fee_rate: Decimal, sizes: Mapping[str, Number] = {}
) -> Number:
    """What the orders of a slot reserve; `sizes` gives some orders (by id) a quantity other than their own."""
    quote = slot.quote
    quantities = [sizes.get(one.order.id, one.order.quantity) for one in slot.placed]
    values = [order_value(one.order, quote) for one in slot.placed]
    now, bought, sold = (
        num.named(name, num.total(_initial(num, slot, terms, target, sizes, sign) for target in _targets(slot)))
        for name, sign in SIDES.items()
    )
    losses = [
        num.named(f"loss of {one.order.id} to the mark", loss_to_mark(num, quantity, quote.value, value))
        for one, quantity, value in zip(slot.placed, quantities, values, strict=True)
    ]
    fees = [
        num.named(f"opening fee of {one.order.id}", fee_rate * num.absolute(quantity * value))
        for one, quantity, value in zip(slot.placed, quantities, values, strict=True)
        if fee_rate and not one.order.reduce_only
    ]
    return order_margin(num, now, bought, sold, losses, fees)


def order_value(order: Order, quote: Quote) -> Number:
    """Value of one contract at the order's price; at the mark for a market order."""
    return quote.value if order.price is None else quote.value_at(order.price)


def _targets(slot: Slot) -> list[Holding]:
    """The open positions of the slot, and an empty one where orders open. All that open do so together."""
    opening = [one.holding for one in slot.placed if not one.holding.open]
    return [*slot.holdings, *opening[:1]]


def _initial(
    num: NumberSystem, slot: Slot, terms: Terms, target: Holding, sizes: Mapping[str, Number], sign: int
) -> Number:
    """Initial margin of a position with all orders of one side (1 buys, -1 sells, 0 none) filled."""
    filling = [
        one
        for one in slot.placed
        if one.order.quantity * sign > 0 and not one.order.reduce_only and one.acts_on(target)
    ]
    if not filling and not target.open:
        return ZERO
    exposure = filled(target, filling, terms, sizes)
    return required(num, slot.allowed, exposure).initial


def filled(target: Holding, filling: Sequence[Placed], terms: Terms, sizes: Mapping[str, Number] = {}) -> Exposure:
    """A position with orders of one side filled, in the shared pool's terms (no collateral of its own).

    Leverage is the orders' where they state it (the lowest), else the position's.
    """
    schedule = target.quote.severe
    assert schedule is not None
    exposure = exposure_of(target, schedule, terms, collateral=None, value=target.quote.value)
    if not filling:
        return exposure
    stated = [one.order.leverage for one in filling if one.order.leverage is not None]
    deltas = [sizes.get(one.order.id, one.order.quantity) for one in filling]
    quantity = sum(deltas, exposure.quantity)
    changes: dict[str, Any] = {"quantity": quantity, "leverage": min(stated) if stated else exposure.leverage}
    if _entry_matters(terms):
        entry = _entry_value(exposure, quantity, [order_value(one.order, target.quote) for one in filling], deltas)
        changes["entry_value"] = entry
        for name in ("maintenance", "initial"):
            if getattr(terms.conventions, f"{name}_priced_at") == "entry":
                changes[f"{name}_value"] = entry
    return msgspec.structs.replace(exposure, **changes)


def _entry_matters(terms: Terms) -> bool:
    conventions = terms.conventions
    priced_at_entry = "entry" in (conventions.maintenance_priced_at, conventions.initial_priced_at)
    return priced_at_entry or terms.closing_fee.valued_at == "bankruptcy"


def _entry_value(exposure: Exposure, quantity: Number, values: Sequence[Number], deltas: Sequence[Number]) -> Number:
    """The average entry value after filling: unchanged by reducing, the orders' own after crossing zero."""
    if isinstance(quantity, Piecewise):
        raise NotLinear("the average entry divides by the unknown quantity")
    bought = EXACT.total([value * delta for value, delta in zip(values, deltas, strict=True)])
    held = exposure.quantity
    if held * (quantity - held) >= 0:
        return EXACT.quotient(held * exposure.entry_value + bought, quantity) if quantity != 0 else exposure.entry_value
    if held * quantity >= 0:
        return exposure.entry_value
    return EXACT.quotient(bought, quantity - held)
