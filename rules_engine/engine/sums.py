"""A pool's unrounded sums: each position's margins, and what they add up to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from rules_engine.engine.calls import required
from rules_engine.engine.pools import Holding, Pool
from rules_engine.formulas.requirement import counted_fee, unrealized_pnl
from rules_engine.numbers.exact import EXACT, ZERO, sign_of
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import ClosingFee, Exposure, Requirement, Schedule
from rules_engine.terms.policy import AllowedMode, Conventions, Policy
from rules_engine.terms.pool import Backing


class Terms(msgspec.Struct, frozen=True):
    """What the policy says about every position: conventions, and the closing fee of this account."""

    conventions: Conventions
    closing_fee: ClosingFee


class Leg(msgspec.Struct, frozen=True):
    """An open position's exposure and unrounded figures. `fee` is what the decision counts beside maintenance."""

    holding: Holding
    exposure: Exposure
    unrealized_pnl: Number
    requirement: Requirement
    fee: Number

    @property
    def net(self) -> Number:
        """What the position adds to the pool's surplus."""
        return self.unrealized_pnl - self.requirement.maintenance - self.fee


class Sums(msgspec.Struct, frozen=True):
    """A pool's unrounded sums. `equity` is its own, before any draw; `initial` is without orders."""

    legs: tuple[Leg, ...]
    equity: Number
    initial: Number
    maintenance: Number
    fee: Number
    profits: Number


def terms_of(policy: Policy, fee_rate: Decimal | None) -> Terms:
    """The policy's terms, with the account's own fee rate where it has one."""
    fee = policy.liquidation.closing_fee
    if fee_rate is not None:
        fee = msgspec.structs.replace(fee, rate=fee_rate)
    return Terms(policy.conventions, fee)


def exposure_of(
    holding: Holding,
    schedule: Schedule,
    terms: Terms,
    *,
    collateral: Number | None,
    value: Number,
) -> Exposure:
    """A position as formulas see it; `value` is that of one contract at the mark, a number of any system."""
    position, quote = holding.position, holding.quote
    entry_value = quote.value_at(position.entry_price)
    conventions = terms.conventions
    return Exposure(
        id=position.id,
        instrument=position.instrument,
        quantity=position.quantity,
        value=value,
        entry_value=entry_value,
        maintenance_value=value if conventions.maintenance_priced_at == "mark" else entry_value,
        initial_value=value if conventions.initial_priced_at == "mark" else entry_value,
        schedule=schedule,
        closing_fee=terms.closing_fee,
        leverage=position.leverage,
        collateral=collateral,
        side=sign_of(position.quantity * entry_value),
    )


def at_mark(exposure: Exposure, value: Number, conventions: Conventions) -> Exposure:
    """The same position with another value of one contract at the mark, a number of any system."""
    return msgspec.structs.replace(
        exposure,
        value=value,
        maintenance_value=value if conventions.maintenance_priced_at == "mark" else exposure.entry_value,
        initial_value=value if conventions.initial_priced_at == "mark" else exposure.entry_value,
    )


def own_collateral(pool: Pool, holding: Holding) -> Number | None:
    """What is ring-fenced for this position alone."""
    return pool.collateral + holding.position.accrued if pool.label.backing is Backing.POSITION else None


def leg_of(num: NumberSystem, allowed: AllowedMode, holding: Holding, exposure: Exposure) -> Leg:
    """A position's figures, in the numbers of one system."""
    requirement = required(num, allowed, exposure)
    return Leg(holding, exposure, unrealized_pnl(num, exposure), requirement, counted_fee(num, exposure, "trigger"))


def sums_of(pool: Pool, terms: Terms, *, least: bool = False) -> Sums:
    """The sums of a pool without doubts; `least` takes the least severe reading of what is missing."""
    legs = []
    for holding in pool.open:
        quote = holding.quote
        schedule = quote.least if least and quote.least is not None else quote.severe
        assert schedule is not None
        exposure = exposure_of(holding, schedule, terms, collateral=own_collateral(pool, holding), value=quote.value)
        legs.append(leg_of(EXACT, pool.allowed, holding, exposure))
    return added(legs, EXACT.total([pool.collateral, *(holding.position.accrued for holding in pool.holdings)]))


def added(legs: Sequence[Leg], backing: Number) -> Sums:
    """The sums of some legs and of what backs them (collateral and accrued)."""
    return Sums(
        legs=tuple(legs),
        equity=EXACT.total([backing, *(leg.unrealized_pnl for leg in legs)]),
        initial=EXACT.total([leg.requirement.initial for leg in legs]),
        maintenance=EXACT.total([leg.requirement.maintenance for leg in legs]),
        fee=EXACT.total([leg.fee for leg in legs]),
        profits=EXACT.total([EXACT.maximum(leg.unrealized_pnl, ZERO) for leg in legs]),
    )


def fee_per_contract(leg: Leg) -> Number:
    """What closing one contract of this position at the mark costs."""
    return leg.exposure.closing_fee.rate * EXACT.absolute(leg.exposure.value)
