"""A pool's unrounded sums: each position's margins, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from rules_engine.engine.calls import pool_required, required
from rules_engine.engine.pools import Holding, Pool
from rules_engine.formulas.requirement import counted_fee, unrealized_pnl
from rules_engine.numbers.exact import EXACT, ZERO, sign_of
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import ClosingFee, Exposure, PoolExposure, Requirement, RestingOrder, Schedule
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


class Sums(msgspec.Struct, frozen=True):
    """A pool's unrounded sums. `equity` is its own, before any draw; `initial` is without what orders reserve.

    `opening` are legs of no contracts on which orders rest, from modes that look at orders; their requirements are in
    the sums. `orders` and `figures` are what such modes, and modes of whole pools, say beside.
    """

    legs: tuple[Leg, ...]
    equity: Number
    initial: Number
    maintenance: Number
    fee: Number
    profits: Number
    opening: tuple[Leg, ...] = ()
    orders: Number = ZERO
    figures: Mapping[str, Number] = {}

    @property
    def charged(self) -> bool:
        """Whether anything is held that has to be margined."""
        return bool(self.legs) or bool(self.maintenance > 0)


class Assessed(msgspec.Struct, frozen=True):
    """What a mode requires: by exposure, in their order, and together."""

    requirements: Sequence[Requirement]
    initial: Number
    maintenance: Number
    orders: Number
    figures: Mapping[str, Number] = {}


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
    allowed: AllowedMode,
    *,
    collateral: Number | None,
    value: Number,
    orders: tuple[RestingOrder, ...] = (),
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
        orders=orders,
        market=quote.view,
        as_of=quote.as_of,
        prepared=quote.prepared_for(allowed),
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


def assessed(num: NumberSystem, pool: Pool, exposures: Sequence[Exposure], backing: Number) -> Assessed:
    """What a pool's mode requires of these exposures, which `backing` (collateral and accrued) stands behind.

    Raises `PluginFault`, or `NotLinear` where `num` cannot follow.
    """
    if pool.allowed.pooled:
        return _assessed_together(num, pool, exposures, backing)
    requirements = [required(num, pool.allowed, exposure) for exposure in exposures]
    return Assessed(
        requirements,
        num.total([requirement.initial for requirement in requirements]),
        num.total([requirement.maintenance for requirement in requirements]),
        num.total([requirement.orders for requirement in requirements if requirement.orders is not None]),
    )


def _assessed_together(num: NumberSystem, pool: Pool, exposures: Sequence[Exposure], backing: Number) -> Assessed:
    if not exposures and not pool.assets:
        return Assessed((), ZERO, ZERO, ZERO)
    whole = PoolExposure(
        positions=tuple(exposures),
        collateral=backing,
        equity=num.total([backing, *(unrealized_pnl(num, exposure) for exposure in exposures)]),
        assets=pool.assets,
        as_of=pool.as_of,
    )
    answer = pool_required(num, pool.allowed, whole)
    shares = [answer.attribution[exposure.id] for exposure in exposures]
    return Assessed(
        shares, answer.initial, answer.maintenance, ZERO if answer.orders is None else answer.orders, answer.figures
    )


def leg_of(num: NumberSystem, holding: Holding, exposure: Exposure, requirement: Requirement) -> Leg:
    """A position's figures, in the numbers of one system."""
    return Leg(holding, exposure, unrealized_pnl(num, exposure), requirement, counted_fee(num, exposure, "trigger"))


def exposures_of(pool: Pool, terms: Terms, *, least: bool = False) -> list[Exposure]:
    """Every position of a pool without doubts; `least` takes the least severe reading of what is missing."""
    return [_exposure(pool, holding, terms, least) for holding in pool.judged]


def _exposure(pool: Pool, holding: Holding, terms: Terms, least: bool) -> Exposure:
    quote = holding.quote
    schedule = quote.least if least and quote.least is not None else quote.severe
    assert schedule is not None
    return exposure_of(
        holding,
        schedule,
        terms,
        pool.allowed,
        collateral=own_collateral(pool, holding),
        value=quote.value,
        orders=pool.orders.get(holding.position.id, ()),
    )


def sums_of(pool: Pool, terms: Terms, *, least: bool = False) -> Sums:
    """The sums of a pool without doubts; `least` takes the least severe reading of what is missing."""
    exposures = exposures_of(pool, terms, least=least)
    backing = pool.backing
    found = assessed(EXACT, pool, exposures, backing)
    legs = [
        leg_of(EXACT, holding, exposure, requirement)
        for holding, exposure, requirement in zip(pool.judged, exposures, found.requirements, strict=True)
    ]
    held = len(legs) - len(pool.opening)
    return Sums(
        legs=tuple(legs[:held]),
        opening=tuple(legs[held:]),
        equity=EXACT.total([backing, *(leg.unrealized_pnl for leg in legs)]),
        initial=found.initial,
        maintenance=found.maintenance,
        fee=EXACT.total([leg.fee for leg in legs]),
        profits=EXACT.total([EXACT.maximum(leg.unrealized_pnl, ZERO) for leg in legs]),
        orders=found.orders,
        figures=found.figures,
    )


def fee_per_contract(leg: Leg) -> Number:
    """What closing one contract of this position at the mark costs."""
    return leg.exposure.closing_fee.rate * EXACT.absolute(leg.exposure.value)
