"""A pool in the course of its close-out: what plans see, and how closing at the mark changes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from rules_engine.engine.decide import falls_short
from rules_engine.engine.pools import Pool
from rules_engine.engine.sums import Leg as Position
from rules_engine.engine.sums import Sums, added, fee_per_contract, leg_of
from rules_engine.formulas.pool import surplus
from rules_engine.formulas.requirement import notional, tier_size
from rules_engine.numbers.exact import EXACT, ONE, ZERO, count_of, sign_of
from rules_engine.numbers.functions import Cut
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.regions import Regions
from rules_engine.numbers.system import Number
from rules_engine.terms.closing import Leg
from rules_engine.terms.policy import Policy


class Closable(msgspec.Struct, frozen=True):
    """The engine's `ClosablePool`. `backing` is collateral and accrued amounts, realized PnL and fees paid included."""

    pool: Pool
    policy: Policy
    positions: Mapping[str, Position]
    backing: Number
    limit: Number

    @property
    def sums(self) -> Sums:
        return added(list(self.positions.values()), self.backing)

    @property
    def legs(self) -> Sequence[Leg]:
        return [_leg(self.positions[id], self._step(id)) for id in sorted(self.positions)]

    @property
    def surplus(self) -> Number:
        sums = self.sums
        return surplus(sums.equity + self.limit, sums.maintenance, sums.fee, self.policy.liquidation.restore_to)

    @property
    def restored(self) -> bool:
        return not falls_short(self.surplus, self.policy.liquidation)

    def smallest(self, position: str) -> Decimal | None:
        leg = self.positions[position]
        size = abs(leg.exposure.quantity)
        start, end = (ZERO, 0), (size, 1)
        num = PiecewiseNumbers(start, end)
        after = _closed(num, self.pool, leg, num.unknown)
        restore_to = self.policy.liquidation.restore_to
        fixed = self.surplus - (leg.unrealized_pnl - restore_to * leg.requirement.maintenance - leg.fee)
        realized = _realized(leg, num.unknown)
        function = fixed + realized + after.unrealized_pnl - restore_to * after.requirement.maintenance - after.fee
        inclusive = self.policy.liquidation.trigger == "at_or_below"
        return _smallest_multiple(num.where(function, inclusive=inclusive), start, end, size, self._step(position))

    def close(self, position: str, quantity: Decimal) -> Closable:
        leg = self.positions[position]
        remaining = dict(self.positions)
        del remaining[position]
        if quantity < abs(leg.exposure.quantity):
            remaining[position] = _closed(EXACT, self.pool, leg, quantity)
        return Closable(self.pool, self.policy, remaining, self.backing + _realized(leg, quantity), self.limit)

    def _step(self, position: str) -> Decimal:
        return self.positions[position].holding.quote.quantity_step or self.policy.quantum


def closable(pool: Pool, sums: Sums, policy: Policy, limit: Number) -> Closable:
    """A pool at the start of its close-out."""
    backing = EXACT.total([pool.collateral, *(holding.position.accrued for holding in pool.holdings)])
    return Closable(pool, policy, {leg.exposure.id: leg for leg in sums.legs}, backing, limit)


def _realized(leg: Position, quantity: Number) -> Number:
    """What closing this many contracts at the mark brings: their PnL, less the fee."""
    exposure = leg.exposure
    gain = sign_of(exposure.quantity) * (exposure.value - exposure.entry_value)
    return quantity * (gain - fee_per_contract(leg))


def _closed(num: Any, pool: Pool, leg: Position, quantity: Number) -> Position:
    """The position with this many contracts closed at the mark."""
    exposure = leg.exposure
    collateral = None if exposure.collateral is None else exposure.collateral + _realized(leg, quantity)
    remaining = exposure.quantity - sign_of(exposure.quantity) * quantity
    smaller = msgspec.structs.replace(exposure, quantity=remaining, collateral=collateral)
    return leg_of(num, pool.allowed, leg.holding, smaller)


def _smallest_multiple(short: Regions, start: Cut, end: Cut, size: Decimal, step: Decimal) -> Decimal | None:
    """The smallest multiple of the step (or the whole size) at which the pool no longer falls short."""
    for low, high, falls in short.spans(start, end):
        if falls:
            continue
        steps = count_of(low[0], step, "up") if low[1] == 0 else count_of(low[0], step, "down") + 1
        quantity = min(steps * step, size)
        if low <= (quantity, 0) and (quantity, 1) <= high:
            return quantity
    return None


def tier_of(leg: Position) -> int:
    """The index of the tier that holds the position, from 0."""
    exposure = leg.exposure
    floors = exposure.schedule.floors
    return int(EXACT.step(tier_size(EXACT, exposure, exposure.maintenance_value), floors, range(len(floors))))


def _leg(leg: Position, step: Decimal) -> Leg:
    exposure = leg.exposure
    size = abs(exposure.quantity)
    tier = tier_of(leg)
    return Leg(
        position=exposure.id,
        size=size,
        notional=notional(EXACT, exposure),
        maintenance=leg.requirement.maintenance,
        tier=tier + 1,
        to_floor=_to_floor(leg, size, exposure.schedule.floors[tier], step) if tier else size,
    )


def _to_floor(leg: Position, size: Decimal, floor: Number, step: Decimal) -> Decimal:
    """How many contracts to close so that what is left lies below the floor."""
    exposure = leg.exposure
    per_contract = abs(exposure.maintenance_value) if exposure.schedule.unit == "notional" else ONE
    excess = size - EXACT.quotient(floor, per_contract)
    return min((count_of(excess, step, "down") + 1) * step, size)
