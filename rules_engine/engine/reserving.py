"""What orders reserve, by the same formulas as positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from rules_engine.engine.calls import PluginFault
from rules_engine.engine.orders import Placed, Placement, Slot, order_value, resting_orders, slots
from rules_engine.engine.pools import Holding, Pools
from rules_engine.engine.sums import Assessed, Terms, assessed, exposure_of, exposures_of, own_collateral
from rules_engine.errors import Doubt
from rules_engine.formulas.pool import loss_to_mark, order_margin
from rules_engine.numbers.exact import EXACT, ZERO
from rules_engine.numbers.functions import NotLinear, Piecewise
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import Exposure
from rules_engine.terms.policy import Policy

SIDES: Final = {"initial now": 0, "with buys filled": 1, "with sells filled": -1}
"""What is compared to tell what orders reserve: positions as they are, and with all orders of a side filled."""


class Reservation(msgspec.Struct, frozen=True):
    """What orders reserve in a pool; doubts leave it unknown."""

    amount: Number
    doubts: tuple[Doubt, ...]


class Reservations(msgspec.Struct, frozen=True):
    """What an account's orders reserve by pool, and the slot in which each order (by id) stands."""

    by_pool: Mapping[str, Reservation]
    slot_of: Mapping[str, Slot]


def reservations(policy: Policy, pools: Pools, placement: Placement, terms: Terms) -> Reservations:
    """What the account's orders reserve. An order without a pool leaves every pool's initial margin unknown."""
    doubts: dict[str, list[Doubt]] = {name: list(placement.doubts) for name in pools.by_name}
    for one in placement.placed:
        doubts[one.reserve].extend((*one.holding.quote.doubts, *one.holding.doubts))
    totals: dict[str, list[Number]] = {name: [] for name in doubts}
    slot_of: dict[str, Slot] = {}
    told: set[tuple[str, str]] = set()
    for (reserve, *_), slot in slots(pools, placement.placed).items():
        slot_of |= {one.order.id: slot for one in slot.placed}
        doubts[reserve].extend(doubt for holding in slot.holdings for doubt in holding.doubts)
        if slot.allowed.pooled:
            doubts[reserve].extend(slot.pool.doubts)
        if doubts[reserve] or (reserve, slot.pool.name) in told:
            continue
        if slot.allowed.pooled and slot.allowed.traits.reserves_orders:
            told.add((reserve, slot.pool.name))  # such a mode tells what all orders of the pool reserve at once
        try:
            totals[reserve].append(reserved(EXACT, slot, terms, policy.opening_fee_rate))
        except PluginFault as fault:
            doubts[reserve].append(fault.doubt)
    by_pool = {
        name: Reservation(None if doubts[name] else EXACT.total(totals[name]), tuple(dict.fromkeys(doubts[name])))
        for name in doubts
    }
    return Reservations(by_pool, slot_of)


def reserved(
    num: NumberSystem, slot: Slot, terms: Terms, fee_rate: Decimal, sizes: Mapping[str, Number] = {}
) -> Number:
    """What the orders of a slot reserve; `sizes` gives some orders (by id) a quantity other than their own."""
    if slot.allowed.traits.reserves_orders:
        return _with_orders(num, slot, terms, sizes).orders
    quote = slot.quote
    quantities = [sizes.get(one.order.id, one.order.quantity) for one in slot.placed]
    values = [order_value(one.order, quote) for one in slot.placed]
    now, bought, sold = (num.named(name, _initial(num, slot, terms, sizes, sign)) for name, sign in SIDES.items())
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


def taken(num: NumberSystem, slot: Slot, terms: Terms, fee_rate: Decimal, sizes: Mapping[str, Number] = {}) -> Number:
    """What the orders of a slot take of free margin, but for a part that does not depend on their sizes.

    Where the mode looks at orders itself, they move the initial margin of its positions too.
    """
    if not slot.allowed.traits.reserves_orders:
        return reserved(num, slot, terms, fee_rate, sizes)
    found = _with_orders(num, slot, terms, sizes)
    return found.initial + found.orders


def _with_orders(num: NumberSystem, slot: Slot, terms: Terms, sizes: Mapping[str, Number]) -> Assessed:
    """What the mode says of the slot's targets with their orders resting."""
    exposures = []
    for target in slot.targets:
        collateral = own_collateral(slot.pool, target) if target.open else None
        orders = resting_orders(slot, target, sizes)
        exposures.append(msgspec.structs.replace(_held(slot, target, terms, collateral), orders=orders))
    return _assessed(num, slot, exposures, terms)


def _initial(num: NumberSystem, slot: Slot, terms: Terms, sizes: Mapping[str, Number], sign: int) -> Number:
    """Initial margin of the slot's positions (of its whole pool, where the mode takes that together) with all orders of
    one side (1 buys, -1 sells, 0 none) filled."""
    exposures = []
    for target in slot.targets:
        filling = [
            one
            for one in slot.placed
            if one.order.quantity * sign > 0 and not one.order.reduce_only and one.acts_on(target)
        ]
        if filling or target.open:
            exposures.append(filled(slot, target, filling, terms, sizes))
    return _assessed(num, slot, exposures, terms).initial


def _assessed(num: NumberSystem, slot: Slot, exposures: Sequence[Exposure], terms: Terms) -> Assessed:
    """What the mode requires of these exposures of the slot, among the others of the pool if it takes them together."""
    if not slot.allowed.pooled:
        return assessed(num, slot.pool, exposures, ZERO)
    own = {target.position.id for target in slot.targets}
    others = [exposure for exposure in exposures_of(slot.pool, terms) if exposure.id not in own]
    return assessed(num, slot.pool, [*others, *exposures], slot.pool.backing)


def _held(slot: Slot, target: Holding, terms: Terms, collateral: Number | None) -> Exposure:
    """A position as it is, with nothing resting on it."""
    schedule = target.quote.severe
    assert schedule is not None
    return exposure_of(target, schedule, terms, slot.allowed, collateral=collateral, value=target.quote.value)


def filled(
    slot: Slot, target: Holding, filling: Sequence[Placed], terms: Terms, sizes: Mapping[str, Number] = {}
) -> Exposure:
    """A position with orders of one side filled, in the shared pool's terms (no collateral of its own).

    Leverage is the orders' where they state it (the lowest), else the position's.
    """
    exposure = _held(slot, target, terms, None)
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
