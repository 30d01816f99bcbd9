"""A pool in the course of its close-out: what plans see, and how closing at the mark changes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from rules_engine.engine.calls import PluginFault
from rules_engine.engine.decide import falls_short
from rules_engine.engine.pools import Pool
from rules_engine.engine.sums import Leg as Position
from rules_engine.engine.sums import Sums, fee_per_contract, leg_of
from rules_engine.formulas.pool import surplus
from rules_engine.formulas.requirement import notional, tier_size
from rules_engine.numbers.exact import EXACT, ONE, ZERO, count_of, sign_of
from rules_engine.numbers.functions import Cut, NotLinear
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.regions import Regions
from rules_engine.numbers.system import Number
from rules_engine.terms.closing import Leg
from rules_engine.terms.policy import Policy


class Closable(msgspec.Struct, frozen=True):
    """The engine's `ClosablePool`. `surplus` is kept as positions close, for summing a pool anew costs its square.

    `positions` and `views` stand by id, in order of the ids.
    """

    pool: Pool
    policy: Policy
    positions: Mapping[str, Position]
    views: Mapping[str, Leg]
    surplus: Number

    @property
    def legs(self) -> Sequence[Leg]:
        return list(self.views.values())

    @property
    def restored(self) -> bool:
        return not falls_short(self.surplus, self.policy.liquidation)

    def smallest(self, position: str) -> Decimal | None:
        try:
            return self._smallest_solved(position)
        except (NotLinear, PluginFault):
            return self._smallest_searched(position)

    def _smallest_solved(self, position: str) -> Decimal | None:
        """With the quantity as the unknown: the first multiple of the step at which nothing falls short."""
        leg = self.positions[position]
        size = abs(leg.exposure.quantity)
        start, end = (ZERO, 0), (size, 1)
        num = PiecewiseNumbers(start, end)
        after = _closed(num, self.pool, leg, num.unknown)
        function = self.surplus - self._net(leg) + _realized(leg, num.unknown) + self._net(after)
        inclusive = self.policy.liquidation.trigger == "at_or_below"
        short = num.where(function, inclusive=inclusive)
        return _smallest_multiple(short, start, end, size, step_of(leg, self.policy))

    def _smallest_searched(self, position: str) -> Decimal | None:
        """By halving, for requirements that have no piecewise linear form: it restores, and a step less does not."""
        leg = self.positions[position]
        size, step = abs(leg.exposure.quantity), step_of(leg, self.policy)
        short, enough = ZERO, count_of(size, step, "up")
        if not self.close(position, size).restored:
            return None
        while enough - short > 1:
            middle = (short + enough) // 2
            restored = self.close(position, middle * step).restored
            short, enough = (short, middle) if restored else (middle, enough)
        quantity: Decimal = min(enough * step, size)
        return quantity

    def close(self, position: str, quantity: Decimal) -> Closable:
        leg = self.positions[position]
        positions, views = dict(self.positions), dict(self.views)
        left = self.surplus - self._net(leg) + _realized(leg, quantity)
        if quantity < abs(leg.exposure.quantity):
            positions[position] = smaller = _closed(EXACT, self.pool, leg, quantity)
            views[position] = _leg(smaller, step_of(smaller, self.policy))
            left = left + self._net(smaller)
        else:
            del positions[position], views[position]
        return Closable(self.pool, self.policy, positions, views, left)

    def _net(self, leg: Position) -> Number:
        """What a position adds to the surplus."""
        return surplus(leg.unrealized_pnl, leg.requirement.maintenance, leg.fee, self.policy.liquidation.restore_to)


def step_of(leg: Position, policy: Policy) -> Decimal:
    """What a close-out's quantities are rounded up to: the instrument's step, or the quantum where it has none."""
    return leg.holding.quote.quantity_step or policy.quantum


def closable(pool: Pool, sums: Sums, policy: Policy, limit: Number) -> Closable:
    """A pool at the start of its close-out."""
    positions = {leg.exposure.id: leg for leg in sorted(sums.legs, key=lambda leg: leg.exposure.id)}
    views = {id: _leg(leg, step_of(leg, policy)) for id, leg in positions.items()}
    start = surplus(sums.equity + limit, sums.maintenance, sums.fee, policy.liquidation.restore_to)
    return Closable(pool, policy, positions, views, start)


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
