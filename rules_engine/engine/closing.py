"""A pool in the course of its close-out: what plans see, and how closing at the mark changes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from rules_engine.engine.calls import PluginFault
from rules_engine.engine.decide import falls_short, is_inclusive
from rules_engine.engine.pools import Pool
from rules_engine.engine.sums import Leg as Position
from rules_engine.engine.sums import Sums, assessed, fee_per_contract, leg_of
from rules_engine.formulas.pool import surplus
from rules_engine.formulas.requirement import counted_fee, notional, tier_size, unrealized_pnl
from rules_engine.numbers.exact import EXACT, ONE, ZERO, count_of, sign_of
from rules_engine.numbers.functions import Cut, NotLinear
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.regions import Regions
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.closing import Leg
from rules_engine.terms.exposure import Exposure, Requirement
from rules_engine.terms.policy import Policy


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Where a pool stands, in the numbers of one system. `equity` is with what the pool may draw, `backing` without.

    `shares` are the requirements that changed on the way here.
    """

    backing: Number
    equity: Number
    maintenance: Number
    fee: Number
    shares: Mapping[str, Requirement] = {}

    def surplus(self, policy: Policy) -> Number:
        """Equity less the line that a close-out aims for."""
        return surplus(self.equity, self.maintenance, self.fee, policy.liquidation.restore_to)


class Closable(msgspec.Struct, frozen=True):
    """The engine's `ClosablePool`. Its balance is kept as positions close, for summing a pool anew costs its square.

    `positions` and `views` stand by id, in order of the ids. `opening` are exposures of no contracts on which orders
    rest, for modes that look at those.
    """

    pool: Pool
    policy: Policy
    positions: Mapping[str, Position]
    views: Mapping[str, Leg]
    balance: Balance
    opening: Mapping[str, Exposure] = {}

    @property
    def legs(self) -> Sequence[Leg]:
        return list(self.views.values())

    @property
    def equity(self) -> Number:
        return self.balance.equity

    @property
    def maintenance(self) -> Number:
        return self.balance.maintenance

    @property
    def surplus(self) -> Number:
        return self.balance.surplus(self.policy)

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
        function = self._after(num, leg, num.unknown, _smaller(leg, num.unknown)).surplus(self.policy)
        short = num.where(function, inclusive=is_inclusive(self.policy.liquidation))
        return _smallest_multiple(short, start, end, size, step_of(leg, self.policy))

    def _smallest_searched(self, position: str) -> Decimal | None:
        """By trying, for requirements that have no piecewise linear form: it restores, and a step less does not.

        Steps double until one restores, and the last doubling is halved; closing all of a hedge need not restore.
        """
        leg = self.positions[position]
        size, step = abs(leg.exposure.quantity), step_of(leg, self.policy)
        short, enough, all_of_it = ZERO, ONE, count_of(size, step, "up")
        while not self.close(position, enough * step).restored:
            if enough >= all_of_it:
                return None
            short, enough = enough, min(enough * 2, all_of_it)
        while enough - short > 1:
            middle = (short + enough) // 2
            restored = self.close(position, middle * step).restored
            short, enough = (short, middle) if restored else (middle, enough)
        quantity: Decimal = min(enough * step, size)
        return quantity

    def close(self, position: str, quantity: Decimal) -> Closable:
        leg = self.positions[position]
        if not (isinstance(quantity, Decimal) and quantity > 0):
            raise ValueError(f"{quantity!r} contracts of {position} cannot be closed")
        quantity = min(quantity, abs(leg.exposure.quantity))
        left = None if quantity >= abs(leg.exposure.quantity) else _smaller(leg, quantity)
        after = self._after(EXACT, leg, quantity, left)
        positions, views = dict(self.positions), dict(self.views)
        for id, share in after.shares.items():
            if id in self.opening:
                continue
            holding, exposure = positions[id].holding, positions[id].exposure if id != position else left
            assert exposure is not None
            positions[id] = leg_of(EXACT, holding, exposure, share)
            views[id] = _leg(positions[id], step_of(leg, self.policy))
        if left is None:
            del positions[position], views[position]
        return msgspec.structs.replace(self, positions=positions, views=views, balance=after)

    def _after(self, num: NumberSystem, leg: Position, quantity: Number, left: Exposure | None) -> Balance:
        """The balance with this many contracts of a position closed at the mark, of which `left` is what is left."""
        id, now, realized = leg.exposure.id, self.balance, _realized(leg, quantity)
        pooled = self.pool.allowed.pooled
        held = {other: one.exposure for other, one in self.positions.items() if other != id}
        exposures = {**self.opening, **held} if pooled else {}
        if left is not None:
            exposures[id] = left
        backing = now.backing + realized
        found = assessed(num, self.pool, list(exposures.values()), backing)
        others = ZERO if pooled else now.maintenance - leg.requirement.maintenance
        gain = ZERO if left is None else unrealized_pnl(num, left)
        fee = ZERO if left is None else counted_fee(num, left, "trigger")
        return Balance(
            backing=backing,
            equity=now.equity - leg.unrealized_pnl + realized + gain,
            maintenance=others + found.maintenance,
            fee=now.fee - leg.fee + fee,
            shares=dict(zip(exposures, found.requirements, strict=True)),
        )


def step_of(leg: Position, policy: Policy) -> Decimal:
    """What a close-out's quantities are rounded up to: the instrument's step, or the quantum where it has none."""
    return leg.holding.quote.quantity_step or policy.quantum


def closable(pool: Pool, sums: Sums, policy: Policy, limit: Number) -> Closable:
    """A pool at the start of its close-out; what may be drawn stays as it is."""
    positions = {leg.exposure.id: leg for leg in sorted(sums.legs, key=lambda leg: leg.exposure.id)}
    views = {id: _leg(leg, step_of(leg, policy)) for id, leg in positions.items()}
    start = Balance(backing=pool.backing, equity=sums.equity + limit, maintenance=sums.maintenance, fee=sums.fee)
    opening = {leg.exposure.id: leg.exposure for leg in sums.opening}
    return Closable(pool, policy, positions, views, start, opening)


def _realized(leg: Position, quantity: Number) -> Number:
    """What closing this many contracts at the mark brings: their PnL, less the fee."""
    exposure = leg.exposure
    gain = sign_of(exposure.quantity) * (exposure.value - exposure.entry_value)
    return quantity * (gain - fee_per_contract(leg))


def _smaller(leg: Position, quantity: Number) -> Exposure:
    """The position with this many contracts closed at the mark."""
    exposure = leg.exposure
    collateral = None if exposure.collateral is None else exposure.collateral + _realized(leg, quantity)
    remaining = exposure.quantity - sign_of(exposure.quantity) * quantity
    return msgspec.structs.replace(exposure, quantity=remaining, collateral=collateral)


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
        instrument=exposure.instrument,
        quantity=exposure.quantity,
        size=size,
        value=exposure.value,
        notional=notional(EXACT, exposure),
        initial=leg.requirement.initial,
        maintenance=leg.requirement.maintenance,
        tier=tier + 1,
        to_floor=_to_floor(leg, size, exposure.schedule.floors[tier], step) if tier else size,
        step=step,
    )


def _to_floor(leg: Position, size: Decimal, floor: Number, step: Decimal) -> Decimal:
    """How many contracts to close so that what is left lies below the floor."""
    exposure = leg.exposure
    per_contract = abs(exposure.maintenance_value) if exposure.schedule.unit == "notional" else ONE
    excess = size - EXACT.quotient(floor, per_contract)
    return min((count_of(excess, step, "down") + 1) * step, size)
