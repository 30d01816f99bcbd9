"""What orders reserve, and whether one is accepted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

from .margin import Leg, leverage_cap, notional_at, requirement, size_in_table
from .market import World
from .rows import Order


def filled(leg: Leg, orders: list[Leg]) -> Leg:
    """A leg after orders of one side: increases average the entry over all, reductions keep it, reversals renew it."""
    bought = sum((order.quantity for order in orders), Fraction(0))
    cost = sum((order.quantity * order.entry_value for order in orders), Fraction(0))
    quantity = leg.quantity + bought
    if leg.quantity * bought >= 0 and quantity != 0:
        return replace(leg, quantity=quantity, entry_value=(leg.quantity * leg.entry_value + cost) / quantity)
    if abs(bought) > abs(leg.quantity):
        return replace(leg, quantity=quantity, entry_value=cost / bought)
    return replace(leg, quantity=quantity)


def side_of(order: Order) -> int:
    """1 for a buy, -1 for a sell."""
    return 1 if order.leg.quantity > 0 else -1


def leg_before(order: Order) -> Leg:
    """The leg an order acts on, of no quantity where it opens one; what margin it will have of its own is not known."""
    if order.target is not None and order.target.leg is not None:
        return replace(order.target.leg, own_margin=None)
    return replace(order.leg, quantity=Fraction(0), leverage=None)


def leg_after(before: Leg, orders: list[Order]) -> Leg:
    """The leg with these orders of one side filled; the lowest leverage they state, otherwise its own."""
    after = filled(before, [order.leg for order in orders])
    stated = [order.leg.leverage for order in orders if order.leg.leverage is not None]
    return replace(after, leverage=min(stated)) if stated else after


def by_target(orders: list[Order]) -> dict[str, list[Order]]:
    """Orders by the position they act on; those that open one together."""
    result: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        result["" if order.target is None else order.target.document["id"]].append(order)
    return result


def side_increase(world: World, orders: list[Order]) -> Fraction:
    """initial(positions with all these orders of one side filled) - initial(positions)."""
    total = Fraction(0)
    for alike in by_target(orders).values():
        before = leg_before(alike[0])
        total += requirement(world, leg_after(before, alike)).initial - requirement(world, before).initial
    return total


def netting_key(order: Order) -> tuple[str, str, str]:
    """Orders with the same key offset each other: those of one instrument in a pool, or on one isolated position."""
    alone = order.document["mode"] == "isolated" and order.target is not None
    position = order.target.document["id"] if alone and order.target is not None else ""
    return order.document["mode"], order.leg.instrument.name, position


def loss_to_mark(world: World, order: Order) -> Fraction:
    """What the order would lose to the mark if it were filled at its price."""
    mark_value = world.mark_value(order.leg.instrument)
    return max(Fraction(0), order.leg.quantity * (order.leg.entry_value - mark_value))


def opening_fee(world: World, order: Order) -> Fraction:
    """The fee an order that may open pays when it is filled."""
    if order.reduce_only:
        return Fraction(0)
    return world.policy.opening_fee_rate * abs(order.leg.quantity * order.leg.entry_value)


def order_margin(world: World, orders: list[Order]) -> Fraction:
    """What the orders of one pool reserve together."""
    total = Fraction(0)
    groups: dict[tuple[str, str, str], list[Order]] = defaultdict(list)
    for order in orders:
        total += loss_to_mark(world, order) + opening_fee(world, order)
        if not order.reduce_only:
            groups[netting_key(order)].append(order)
    for group in groups.values():
        sides = [[order for order in group if side_of(order) == side] for side in (1, -1)]
        total += max(Fraction(0), *(side_increase(world, side) for side in sides))
    return total


def same_side_after(order: Order, others: list[Order]) -> Leg:
    """The leg the order acts on after every order of its side on it, itself last."""
    key, target = netting_key(order), order.target and order.target.document["id"]
    alike = [
        other
        for other in others
        if not other.reduce_only
        and side_of(other) == side_of(order)
        and netting_key(other) == key
        and (other.target and other.target.document["id"]) == target
    ]
    return leg_after(leg_before(order), [*alike, order])


def passes_a_cap(world: World, leg: Leg) -> bool:
    """Whether a leg lies beyond a capped last tier, or its leverage above its tier's."""
    if leg.quantity == 0:
        return False
    table = leg.instrument.table
    size = size_in_table(table, leg.quantity, notional_at(world, leg, world.policy.initial_at_entry))
    last = table.tiers[-1].up_to
    too_large = last is not None and size >= last
    too_high = leg.leverage is not None and leg.leverage > leverage_cap(table, size)
    return too_large or too_high
