"""What one position requires: notional, unrealized PnL, closing fee, maintenance and initial margin.

Each takes a number system and an exposure in its numbers. Source: the project's semantics page, "Requirements".
"""

from __future__ import annotations

from rules_engine.numbers.exact import ZERO
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import Exposure, FeePlace, Requirement


def notional(num: NumberSystem, exposure: Exposure) -> Number:
    """`|quantity * value|` at the mark, in the settlement currency."""
    return num.named("notional", num.absolute(exposure.quantity * exposure.value))


def unrealized_pnl(num: NumberSystem, exposure: Exposure) -> Number:
    """`quantity * (value - entry_value)`: what closing at the mark would gain, in the settlement currency."""
    return num.named("unrealized_pnl", exposure.quantity * (exposure.value - exposure.entry_value))


def tier_size(num: NumberSystem, exposure: Exposure, value: Number) -> Number:
    """The size by which a table finds its tier: notional at this value of a contract, or the number of contracts."""
    if exposure.schedule.unit == "notional":
        return num.named("notional", num.absolute(exposure.quantity * value))
    return num.named("contracts", num.absolute(exposure.quantity))


def table_maintenance(num: NumberSystem, exposure: Exposure, size: Number | None = None) -> Number:
    """What the table requires to keep the position, before fees; `size` where its `tier_size` is known already.

    A table in contracts has the rate `max(rate - deduction / |quantity|)`; times notional that is the same envelope,
    over contracts, times the value of one.
    """
    schedule = exposure.schedule
    if size is None:
        size = tier_size(num, exposure, exposure.maintenance_value)
    if schedule.form == "marginal":
        required = num.envelope(size, schedule.floors, schedule.lines)
    else:
        required = size * num.step(size, schedule.floors, [rate for rate, _ in schedule.lines])
    if schedule.unit == "quantity":
        required = required * num.absolute(exposure.maintenance_value)
    return num.named("table_maintenance", required)


def leverage_margin(num: NumberSystem, exposure: Exposure, worth: Number, size: Number) -> Number:
    """What the position's leverage asks for of this notional; the table's own limit where it has none."""
    if exposure.leverage is None:
        return worth * num.step(size, exposure.schedule.floors, exposure.schedule.leverage_rates)
    return num.quotient(worth, exposure.leverage)


def bankruptcy_notional(num: NumberSystem, exposure: Exposure) -> Number:
    """Notional where the collateral is gone.

    That is the position's own ring-fenced collateral; a position in a pool has none of its own, and its initial margin
    at its leverage stands for it. Not below zero.
    """
    at_entry = exposure.quantity * exposure.entry_value
    size = num.absolute(at_entry)
    if exposure.collateral is not None:
        return num.maximum(ZERO, size - exposure.side * exposure.collateral)
    tiered = tier_size(num, exposure, exposure.entry_value)
    return num.absolute(at_entry - leverage_margin(num, exposure, size, tiered))


def closing_fee(num: NumberSystem, exposure: Exposure) -> Number:
    """What closing the position costs: the fee's rate times notional, at the mark or where the collateral is gone."""
    fee = exposure.closing_fee
    valued = notional(num, exposure) if fee.valued_at == "mark" else bankruptcy_notional(num, exposure)
    return num.named("closing_fee", fee.rate * valued)


def counted_fee(num: NumberSystem, exposure: Exposure, place: FeePlace) -> Number:
    """The closing fee where the policy counts it in this figure, otherwise 0."""
    return closing_fee(num, exposure) if place in exposure.closing_fee.counts_in else ZERO


def maintenance_margin(num: NumberSystem, exposure: Exposure) -> Number:
    """What the position must keep: the table's requirement, and the closing fee where it counts there."""
    return table_maintenance(num, exposure) + counted_fee(num, exposure, "maintenance")


def tiered_requirement(num: NumberSystem, exposure: Exposure) -> Requirement:
    """Initial and maintenance margin of one position by its table.

    initial = the largest of notional / leverage, notional * the tier's initial rate, and maintenance; fees counted in
    either figure come on top of it.
    """
    kept_size = tier_size(num, exposure, exposure.maintenance_value)
    kept = table_maintenance(num, exposure, kept_size)
    maintenance = kept + counted_fee(num, exposure, "maintenance")
    by_notional = exposure.schedule.unit == "notional"
    if by_notional and exposure.initial_value is exposure.maintenance_value:
        worth = kept_size  # the same product, which need not be worked out again
    else:
        worth = num.named("notional", num.absolute(exposure.quantity * exposure.initial_value))
    size = worth if by_notional else tier_size(num, exposure, exposure.initial_value)
    rate = num.step(size, exposure.schedule.floors, exposure.schedule.initial_rates)
    least = kept if "initial" in exposure.closing_fee.counts_in else maintenance
    by_rate = num.maximum(leverage_margin(num, exposure, worth, size), worth * rate, least)
    initial = by_rate + counted_fee(num, exposure, "initial")
    return Requirement(num.named("initial_margin", initial), num.named("maintenance_margin", maintenance))
