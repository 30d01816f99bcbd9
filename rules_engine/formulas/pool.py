"""What follows for a pool from equity, initial and maintenance margin: lines, ratios, and what may be drawn."""

from __future__ import annotations

from collections.abc import Iterable

from rules_engine.numbers.exact import ZERO
from rules_engine.numbers.system import Number, NumberSystem


def margin_line(maintenance: Number, fee: Number, multiple: Number) -> Number:
    """The equity at which a line stands: `multiple * maintenance`, plus the closing fee where that decides."""
    return multiple * maintenance + fee


def surplus(equity: Number, maintenance: Number, fee: Number, multiple: Number) -> Number:
    """Equity less the line at this multiple of maintenance."""
    return equity - margin_line(maintenance, fee, multiple)


def order_margin(
    num: NumberSystem, now: Number, bought: Number, sold: Number, losses: Iterable[Number], fees: Iterable[Number]
) -> Number:
    """What orders on one instrument reserve.

    `now`, `bought` and `sold` are the initial margin of its positions as they are and with all orders of a side filled;
    `losses` what each order would lose to the mark if filled at its price, `fees` what opening would cost.
    """
    return num.maximum(bought - now, sold - now, ZERO) + num.total(losses) + num.total(fees)


def loss_to_mark(num: NumberSystem, quantity: Number, value: Number, order_value: Number) -> Number:
    """What an order filled at its price has lost at the mark, not below zero."""
    return num.maximum(quantity * (order_value - value), ZERO)


def free_margin(num: NumberSystem, equity: Number, initial: Number, draws: Iterable[Number]) -> Number:
    """Equity less initial margin with orders, and less what groups draw from the shared pool."""
    return equity - initial - num.total(draws)


def margin_ratio(num: NumberSystem, maintenance: Number, equity: Number) -> Number:
    """Maintenance as a fraction of equity, which is above zero."""
    return num.quotient(maintenance, equity)


def draw_limit(num: NumberSystem, free: Number, cap: Number, groups: Number) -> Number:
    """What one of several groups may draw from the shared pool: never more than all may together."""
    return num.maximum(free, ZERO) * num.minimum(cap, num.quotient(num.constant(1), num.constant(groups)))


def drawn(num: NumberSystem, limit: Number, initial: Number, own_equity: Number) -> Number:
    """How much of its limit a group uses: what its own equity lacks of its initial margin."""
    return num.minimum(limit, num.maximum(ZERO, initial - own_equity))


def withdrawable(num: NumberSystem, free_margin: Number, profits: Number) -> Number:
    """Free margin without unrealized profits, not below zero."""
    return num.maximum(ZERO, free_margin - profits)
