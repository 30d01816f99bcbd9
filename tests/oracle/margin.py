"""What one position requires: tiers, buffers, closing fee."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from .market import World
from .numbers import Doubt, instant, number
from .policy import Band, Buffer, Instrument, Table, Tier


class Severity(Enum):
    """Which end a missing measure is taken at."""

    LEAST = "least"
    MOST = "most"


@dataclass(frozen=True)
class Leg:
    """A position as the formulas see it; `own_margin` is ring-fenced margin plus accrued, None where shared."""

    instrument: Instrument
    quantity: Fraction
    entry_value: Fraction
    leverage: Fraction | None
    own_margin: Fraction | None = None


@dataclass(frozen=True)
class Requirement:
    """What a leg requires; `fee` is its closing fee wherever that counts, `tier` (from 1) is maintenance's."""

    initial: Fraction
    maintenance: Fraction
    fee: Fraction
    tier: int


NOTHING = Requirement(Fraction(0), Fraction(0), Fraction(0), 1)


def measure_of(world: World, instrument: Instrument, buffer: Buffer) -> Fraction | None:
    """The measure a buffer reads (seconds to expiry for expiry), None where it is missing."""
    if buffer.kind == "expiry":
        if instrument.expires_at == "absent":
            return None
        left = instant(instrument.expires_at) - world.as_of()
        return Fraction(left.days * 86400 + left.seconds) + Fraction(left.microseconds, 10**6)
    text = world.measures(instrument.name).get(buffer.measure)
    try:
        return None if text is None else number(text)
    except Doubt:
        return None


def measure_missing(world: World, instrument: Instrument) -> bool:
    """Whether any buffer of the instrument lacks its measure."""
    return any(adjustment(world, instrument, buffer) is None for buffer in instrument.buffers)


def adjustment(world: World, instrument: Instrument, buffer: Buffer) -> tuple[Fraction, Fraction] | None:
    """(multiply, add_rate) of a buffer now; None where its measure is missing or below every band."""
    if buffer.kind == "expiry" and instrument.expires_at is None:
        return Fraction(1), Fraction(0)
    measure = measure_of(world, instrument, buffer)
    if measure is None:
        return None
    if buffer.curve is not None:
        curve = buffer.curve
        multiply = 1 + curve.slope * (measure / curve.reference - 1)
        return min(max(multiply, Fraction(1)), curve.cap), Fraction(0)
    reached: list[Band] = [band for band in buffer.bands if band.start <= measure]
    return (reached[-1].multiply, reached[-1].add_rate) if reached else None


def extreme_adjustment(buffer: Buffer, severity: Severity) -> tuple[Fraction, Fraction]:
    """The least or the most a buffer can do, multiply and add_rate each by itself."""
    if buffer.curve is not None:
        return (Fraction(1) if severity is Severity.LEAST else buffer.curve.cap), Fraction(0)
    pick = min if severity is Severity.LEAST else max
    return pick(band.multiply for band in buffer.bands), pick(band.add_rate for band in buffer.bands)


def adjusted_rate(
    world: World, instrument: Instrument, rate: Fraction, requirement: str, severity: Severity
) -> Fraction:
    """min(1, rate * every multiply + every add_rate) of the buffers that act on that requirement."""
    product, added = Fraction(1), Fraction(0)
    for buffer in instrument.buffers:
        if requirement in buffer.requirements:
            multiply, add_rate = adjustment(world, instrument, buffer) or extreme_adjustment(buffer, severity)
            product *= multiply
            added += add_rate
    return min(Fraction(1), rate * product + added)


def tier_index(table: Table, size: Fraction) -> int:
    """The tier that holds a size, from 0; beyond a capped last tier, the last."""
    return max(index for index, tier in enumerate(table.tiers) if tier.floor <= size)


def size_in_table(table: Table, quantity: Fraction, notional: Fraction) -> Fraction:
    """What the floors of the table are compared with."""
    return abs(quantity) if table.unit == "quantity" else notional


def slices(tiers: tuple[Tier, ...], rates: list[Fraction], size: Fraction) -> Fraction:
    """Each rate applied to the slice of the size that lies in its tier; the last tier has no end."""
    total = Fraction(0)
    for index, (tier, rate) in enumerate(zip(tiers, rates, strict=True)):
        last = index == len(tiers) - 1
        end = size if last or tier.up_to is None else min(size, tier.up_to)
        total += rate * max(Fraction(0), end - tier.floor)
    return total


def table_maintenance(table: Table, rates: list[Fraction], size: Fraction, notional: Fraction) -> Fraction:
    """Maintenance by the table alone; rates of a quantity table are averaged over contracts, then applied to value."""
    if notional == 0:
        return Fraction(0)
    if table.form == "whole":
        return rates[tier_index(table, size)] * notional
    return slices(table.tiers, rates, size) / size * notional


def leverage_cap(table: Table, size: Fraction) -> Fraction:
    """The greatest leverage allowed at a size, buffers aside."""
    return 1 / table.tiers[tier_index(table, size)].initial_rate


def bankruptcy_notional(leg: Leg) -> Fraction:
    """The notional at which the leg is worth nothing more, for a fee valued at bankruptcy."""
    signed = leg.quantity * leg.entry_value
    if leg.own_margin is not None:
        return max(Fraction(0), signed - leg.own_margin) if signed > 0 else max(Fraction(0), leg.own_margin - signed)
    size = size_in_table(leg.instrument.table, leg.quantity, abs(signed))
    leverage = leg.leverage if leg.leverage is not None else leverage_cap(leg.instrument.table, size)
    return abs(signed - abs(signed) / leverage)


def notional_at(world: World, leg: Leg, at_entry: bool) -> Fraction:
    """|quantity * value|, at entry or at the mark."""
    return abs(leg.quantity * (leg.entry_value if at_entry else world.mark_value(leg.instrument)))


def closing_fee(world: World, leg: Leg) -> Fraction:
    """What closing the leg is expected to cost, wherever it counts."""
    at_bankruptcy = world.policy.closing_fee.valued_at == "bankruptcy"
    return world.fee_rate * (bankruptcy_notional(leg) if at_bankruptcy else notional_at(world, leg, False))


def initial_before_fees(world: World, leg: Leg, severity: Severity) -> Fraction:
    """The larger of what leverage asks for (the cap where none is chosen) and what the table's initial rate does."""
    table = leg.instrument.table
    notional = notional_at(world, leg, world.policy.initial_at_entry)
    size = size_in_table(table, leg.quantity, notional)
    rate = table.tiers[tier_index(table, size)].initial_rate
    adjusted = adjusted_rate(world, leg.instrument, rate, "initial", severity)
    return max(notional / (leg.leverage or leverage_cap(table, size)), notional * adjusted)


def requirement(world: World, leg: Leg, severity: Severity = Severity.MOST) -> Requirement:
    """What a leg requires."""
    if leg.quantity == 0:
        return NOTHING
    table = leg.instrument.table
    notional = notional_at(world, leg, world.policy.maintenance_at_entry)
    size = size_in_table(table, leg.quantity, notional)
    rates = [
        adjusted_rate(world, leg.instrument, tier.maintenance_rate, "maintenance", severity) for tier in table.tiers
    ]
    base = table_maintenance(table, rates, size, notional)
    fee = closing_fee(world, leg)
    counts_in = world.policy.closing_fee.counts_in
    in_initial = fee if "initial" in counts_in else Fraction(0)
    maintenance = base + (fee if "maintenance" in counts_in else Fraction(0))
    initial = max(max(initial_before_fees(world, leg, severity), base) + in_initial, maintenance)
    return Requirement(initial, maintenance, fee, tier_index(table, size) + 1)


def unrealized_pnl(world: World, leg: Leg) -> Fraction:
    """quantity * (value at the mark - value at entry)."""
    if leg.quantity == 0:
        return Fraction(0)
    return leg.quantity * (world.mark_value(leg.instrument) - leg.entry_value)
