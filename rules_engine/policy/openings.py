"""A position as it is opened: its mark is its entry price, and it has what its initial margin asks for."""

from __future__ import annotations

from decimal import Decimal

from rules_engine.formulas.requirement import (
    closing_fee,
    counted_fee,
    leverage_margin,
    notional,
    table_maintenance,
    tier_size,
)
from rules_engine.numbers.exact import ONE
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import ClosingFee, Exposure, Schedule


def just_opened(quantity: Number, value: Number, schedule: Schedule, fee: ClosingFee) -> Exposure:
    """A position whose mark is its entry price; `value` is that of one contract and gives the side."""
    return Exposure(
        id="",
        instrument="",
        quantity=quantity,
        value=value,
        entry_value=value,
        maintenance_value=value,
        initial_value=value,
        schedule=schedule,
        closing_fee=fee,
        side=value,
    )


def opening_margin(num: NumberSystem, exposure: Exposure, *, by_leverage: bool = True) -> Number:
    """What a position opened at the largest leverage must put up, its maintenance left aside."""
    size = tier_size(num, exposure, exposure.initial_value)
    rate = num.step(size, exposure.schedule.floors, exposure.schedule.initial_rates)
    if by_leverage:
        rate = num.maximum(rate, leverage_margin(num, exposure, num.constant(ONE), size))
    return notional(num, exposure) * rate + counted_fee(num, exposure, "initial")


def liquidation_line(num: NumberSystem, exposure: Exposure) -> Number:
    """The equity at which a position is liquidated, with the closing fee once at least: closing always pays it."""
    times = max(places_of(exposure.closing_fee), 1)
    return table_maintenance(num, exposure) + closing_fee(num, exposure) * Decimal(times)


def places_of(fee: ClosingFee) -> int:
    """How often the closing fee is part of what the decision compares with equity."""
    return len(fee.counts_in & {"maintenance", "trigger"})
