"""A fast oracle of decisions in fractions: what one position requires, and which lines an equity has passed.

It shares no code with the product. What is one for all rows of an instrument is read once, by the oracle of the tests;
a row then costs some twenty operations on fractions. `tests/properties/test_sweep_rows.py` holds this oracle against
that one.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.oracle.margin import Severity, adjusted_rate
from tests.oracle.market import World, value_at, world_of
from tests.oracle.policy import ClosingFee, read_instrument

ZERO = Fraction(0)
STATUSES = ("healthy", "margin_call", "liquidate", "bankrupt")


@dataclass(frozen=True)
class Contract:
    """An instrument in one market: its rates after buffers, and what maintenance comes to at each floor."""

    world: World
    name: str
    underlying: str
    value: Fraction
    by_quantity: bool
    whole: bool
    floors: list[Fraction]
    maintenance_rates: list[Fraction]
    maintenance_at_floors: list[Fraction]
    initial_rates: list[Fraction]
    leverage_rates: list[Fraction]
    fee: ClosingFee

    def entry_value(self, price: Fraction) -> Fraction:
        """The value of one contract at a price."""
        return value_at(read_instrument(self.world.policy, self.world.market, self.name), price)


@dataclass(frozen=True)
class Row:
    """A position in numbers; `own` is its ring-fenced margin with what has accrued, None where it shares a pool."""

    contract: Contract
    quantity: Fraction
    entry_value: Fraction
    leverage: Fraction | None
    own: Fraction | None


@dataclass(frozen=True)
class Needs:
    """What a row, or a pool of rows, has gained and requires; `fee` is what counts in the decision."""

    pnl: Fraction
    initial: Fraction
    maintenance: Fraction
    fee: Fraction

    def __add__(self, other: Needs) -> Needs:
        return Needs(
            self.pnl + other.pnl,
            self.initial + other.initial,
            self.maintenance + other.maintenance,
            self.fee + other.fee,
        )


NOTHING = Needs(ZERO, ZERO, ZERO, ZERO)


def contracts(policy: dict[str, Any], market: dict[str, Any]) -> dict[str, Contract]:
    """Every instrument of a policy in a market."""
    world = world_of(policy, {}, market)
    return {name: _contract(world, name) for name in policy["instruments"]}


def _contract(world: World, name: str) -> Contract:
    instrument = world.instrument(name)
    table = instrument.table

    def rates(kept: str, of: list[Fraction]) -> list[Fraction]:
        return [adjusted_rate(world, instrument, rate, kept, Severity.MOST) for rate in of]

    floors = [tier.floor for tier in table.tiers]
    maintenance = rates("maintenance", [tier.maintenance_rate for tier in table.tiers])
    at_floors = [ZERO]
    for tier in range(1, len(floors)):
        at_floors.append(at_floors[-1] + maintenance[tier - 1] * (floors[tier] - floors[tier - 1]))
    return Contract(
        world=world,
        name=name,
        underlying=str(instrument.underlying),
        value=world.mark_value(instrument),
        by_quantity=table.unit == "quantity",
        whole=table.form == "whole",
        floors=floors,
        maintenance_rates=maintenance,
        maintenance_at_floors=at_floors,
        initial_rates=rates("initial", [tier.initial_rate for tier in table.tiers]),
        leverage_rates=[tier.initial_rate for tier in table.tiers],
        fee=world.policy.closing_fee,
    )


def needs(row: Row) -> Needs:
    """What one row has gained and requires."""
    contract, policy = row.contract, row.contract.world.policy
    contracts_held = abs(row.quantity)
    at_mark, at_entry = contracts_held * abs(contract.value), contracts_held * abs(row.entry_value)
    base = _base(contract, contracts_held, at_entry if policy.maintenance_at_entry else at_mark)
    worth = at_entry if policy.initial_at_entry else at_mark
    tier = bisect_right(contract.floors, contracts_held if contract.by_quantity else worth) - 1
    by_leverage = worth * contract.leverage_rates[tier] if row.leverage is None else worth / row.leverage
    fee = _fee(row, at_mark, at_entry, contracts_held) if contract.fee.counts_in else ZERO
    places = contract.fee.counts_in
    maintenance = base + fee if "maintenance" in places else base
    initial = max(by_leverage, worth * contract.initial_rates[tier], base)
    return Needs(
        pnl=row.quantity * (contract.value - row.entry_value),
        initial=max(initial + fee if "initial" in places else initial, maintenance),
        maintenance=maintenance,
        fee=fee if "trigger" in places else ZERO,
    )


def _base(contract: Contract, held: Fraction, worth: Fraction) -> Fraction:
    """Maintenance by the table, slice by slice."""
    size = held if contract.by_quantity else worth
    tier = bisect_right(contract.floors, size) - 1
    if contract.whole:
        return contract.maintenance_rates[tier] * worth
    sliced = contract.maintenance_at_floors[tier] + contract.maintenance_rates[tier] * (size - contract.floors[tier])
    return sliced / size * worth if contract.by_quantity else sliced


def _fee(row: Row, at_mark: Fraction, at_entry: Fraction, held: Fraction) -> Fraction:
    """What closing costs, at the mark or where the collateral is gone."""
    contract = row.contract
    if contract.fee.valued_at == "mark":
        return contract.fee.rate * at_mark
    signed = row.quantity * row.entry_value
    if row.own is not None:
        return contract.fee.rate * max(ZERO, at_entry - row.own if signed > 0 else at_entry + row.own)
    tier = bisect_right(contract.floors, held if contract.by_quantity else at_entry) - 1
    rate = contract.leverage_rates[tier] if row.leverage is None else 1 / row.leverage
    return contract.fee.rate * abs(signed - at_entry * rate)


def decision(world: World, equity: Fraction, needed: Needs) -> str:
    """The status of a pool that holds positions."""
    if equity < 0:
        return "bankrupt"
    for status, multiple in (("liquidate", Fraction(1)), ("margin_call", world.policy.margin_call)):
        line = multiple * needed.maintenance + needed.fee
        if equity < line or (world.policy.inclusive and equity == line):
            return status
    return "healthy"
