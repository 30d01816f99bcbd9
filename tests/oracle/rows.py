"""Positions and orders of an account, each read alone, with the pool it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .margin import Leg
from .market import World, value_at
from .numbers import Doubt, number, optional_number

UNKNOWN_POOL = ""


@dataclass(frozen=True)
class Row:
    """A position: its pool ("" where it cannot be told), and its leg or the doubt about it."""

    document: dict[str, Any]
    pool: str
    leg: Leg | None
    doubt: str | None

    def is_open(self) -> bool:
        """Whether this counts as a position: anything but a known quantity of zero."""
        return self.leg is None or self.leg.quantity != 0


@dataclass(frozen=True)
class Order:
    """An order that could be read: `leg` is its quantity valued at its price, `target` the position it acts on."""

    document: dict[str, Any]
    pool: str
    leg: Leg
    target: Row | None
    reduce_only: bool


def shared_name(world: World, account: dict[str, Any]) -> str:
    """The name of the account's shared pool."""
    return f"{account['account']}/cross" if "cross" in world.policy.modes else f"{account['account']}/shared"


def group_of(world: World, document: dict[str, Any]) -> str:
    """The hybrid group of a row; Doubt where it cannot be told."""
    key = world.policy.modes["hybrid"].get("group_by", "underlying")
    instrument = world.instrument(document["instrument"])
    group = instrument.underlying if key == "underlying" else getattr(instrument, key, None)
    if group is None:
        raise Doubt("GROUP_UNKNOWN")
    return str(group)


def pool_name(world: World, account: dict[str, Any], document: dict[str, Any]) -> str:
    """The pool of a position; Doubt where it cannot be told."""
    mode = document.get("mode")
    if mode not in world.policy.modes:
        raise Doubt("MODE_NOT_ALLOWED")
    if mode == "cross":
        return shared_name(world, account)
    if mode == "hybrid":
        return f"{account['account']}/hybrid/{group_of(world, document)}"
    return f"{account['account']}/{mode}/{document['id']}"


def positive(value: Fraction) -> Fraction:
    """The value; Doubt unless it is above zero."""
    if value <= 0:
        raise Doubt("BAD_NUMBER")
    return value


def read_leg(world: World, document: dict[str, Any]) -> Leg:
    """The leg of a position document."""
    instrument = world.instrument(document["instrument"])
    quantity = number(document.get("quantity"))
    entry_value = value_at(instrument, positive(number(document.get("entry_price"))))
    leverage = optional_number(document.get("leverage"))
    accrued = number(document.get("accrued", "0"))
    own_margin = number(document.get("margin")) + accrued if document["mode"] == "isolated" else None
    if document["mode"] == "hybrid" and document.get("group") not in (None, group_of(world, document)):
        raise Doubt("GROUP_DISAGREES")
    return Leg(instrument, quantity, entry_value, None if leverage is None else positive(leverage), own_margin)


def read_position(world: World, account: dict[str, Any], document: dict[str, Any]) -> Row:
    """A position with its pool, its leg where it can be read, and what is doubtful about it."""
    try:
        pool = pool_name(world, account, document)
    except Doubt as doubt:
        return Row(document, UNKNOWN_POOL, None, doubt.code)
    try:
        leg = read_leg(world, document)
    except Doubt as doubt:
        return Row(document, pool, None, doubt.code)
    try:
        if leg.quantity != 0:
            world.mark_value(leg.instrument)
    except Doubt as doubt:
        return Row(document, pool, leg, doubt.code)
    return Row(document, pool, leg, None)


def target_of(rows: list[Row], order: dict[str, Any]) -> Row | None:
    """The position an order acts on, None where it opens one; Doubt where that cannot be told."""
    alike = [
        row
        for row in rows
        if row.document.get("instrument") == order.get("instrument") and row.document.get("mode") == order.get("mode")
    ]
    if order.get("position") is not None:
        named = [row for row in alike if row.document.get("id") == order["position"]]
        if len(named) != 1:
            raise Doubt("UNKNOWN_POSITION")
        return named[0]
    opened = [row for row in alike if row.is_open()] or alike[:1]
    if len(opened) > 1:
        raise Doubt("POSITION_AMBIGUOUS")
    return opened[0] if opened else None


def acts_on(rows: list[Row], order: dict[str, Any], target: Row) -> bool:
    """Whether an order is known to act on a position."""
    try:
        return target_of(rows, order) is target
    except Doubt:
        return False


def only_reduces(rows: list[Row], orders: Sequence[dict[str, Any]], order: dict[str, Any]) -> bool:
    """Whether the position comes no further than zero with the order and all others on its side filled."""
    target, quantity = target_of(rows, order), number(order["quantity"])
    if target is None or target.leg is None or target.leg.quantity * quantity >= 0:
        return False
    beside = [
        number(other["quantity"])
        for other in orders
        if other["id"] != order["id"]
        and not other.get("reduce_only")
        and acts_on(rows, other, target)
        and number(other["quantity"]) * quantity > 0
    ]
    return order.get("reduce_only") is True or abs(quantity + sum(beside)) <= abs(target.leg.quantity)


def reserving_pool(
    world: World, account: dict[str, Any], document: dict[str, Any], target: Row | None, reduces: bool
) -> str:
    """The pool an order's margin counts in: the shared one where it opens or increases an isolated position."""
    if document["mode"] != "isolated":
        return pool_name(world, account, document)
    return target.pool if target is not None and reduces else shared_name(world, account)


def read_order_leg(world: World, document: dict[str, Any]) -> Leg:
    """An order as a leg of its own: its quantity, valued at its price, or at the mark where it has none."""
    instrument = world.instrument(document["instrument"])
    mark_value = world.mark_value(instrument)
    price = optional_number(document.get("price"))
    value = mark_value if price is None else value_at(instrument, positive(price))
    leverage = optional_number(document.get("leverage"))
    quantity = number(document.get("quantity"))
    return Leg(instrument, quantity, value, None if leverage is None else positive(leverage))


def fallback_pool(world: World, account: dict[str, Any], document: dict[str, Any]) -> str:
    """The pool that suffers from an order that cannot be read."""
    try:
        if document.get("mode") == "isolated" and "isolated" in world.policy.modes:
            return shared_name(world, account)
        return pool_name(world, account, document)
    except Doubt:
        return UNKNOWN_POOL


def read_order(world: World, account: dict[str, Any], rows: list[Row], document: dict[str, Any]) -> Order | Row:
    """An order, or where it cannot be read a Row with the doubt and the pool whose initial margin it leaves unknown."""
    try:
        target = target_of(rows, document)
        if target is not None and target.leg is None:
            raise Doubt(target.doubt or "BAD_POSITION")
        reduce_only = document.get("reduce_only", False) is True
        reduces = only_reduces(rows, account.get("orders", ()), document)
        pool = reserving_pool(world, account, document, target, reduces)
    except Doubt as doubt:
        return Row(document, fallback_pool(world, account, document), None, doubt.code)
    try:
        return Order(document, pool, read_order_leg(world, document), target, reduce_only)
    except Doubt as doubt:
        return Row(document, pool, None, doubt.code)
