"""Liquidation and bankruptcy prices, found by trying every place where a decision could change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from .evaluation import evaluate
from .margin import Severity
from .market import World, price_at, value_at, world_of
from .numbers import Doubt
from .policy import Instrument
from .pools import Pool, collect_pools, maintenance_margin, own_equity, trigger_fee

Surplus = Callable[[Fraction], Fraction]


def breakpoints(instrument: Instrument, pool: Pool) -> list[Fraction]:
    """The sizes |value| at which a position of the instrument in the pool passes a floor."""
    if instrument.table.unit == "quantity":
        return []
    held = [row.leg.quantity for row in pool.open_rows() if row.leg and row.leg.instrument.name == instrument.name]
    return sorted({tier.floor / abs(quantity) for tier in instrument.table.tiers[1:] for quantity in held})


def root_within(surplus: Surplus, low: Fraction, high: Fraction | None) -> list[Fraction]:
    """Where a surplus that is linear between two sizes is zero; at most one place, inside."""
    end = high if high is not None else low + 3
    first, second = low + (end - low) / 3, low + (end - low) * 2 / 3
    at_first, at_second = surplus(first), surplus(second)
    if at_first == at_second:
        return []
    root = first - at_first * (second - first) / (at_second - at_first)
    return [root] if low < root and (high is None or root < high) else []


def candidates(surplus: Surplus, floors: list[Fraction]) -> list[Fraction]:
    """Every size at which the sign of the surplus may change: floors, and the root between each two."""
    edges: list[Fraction | None] = [Fraction(0), *floors, None]
    found = set(floors)
    for low, high in pairwise(edges):
        assert low is not None
        found.update(root_within(surplus, low, high))
    return sorted(found)


def changes(decision: Callable[[Fraction], bool], sizes: list[Fraction]) -> list[Fraction]:
    """The candidate sizes at which the decision is not the same just below, at and just above."""
    edges = [Fraction(0), *sizes, sizes[-1] * 2 + 1] if sizes else []
    middles = [decision((low + high) / 2) for low, high in pairwise(edges)]
    return [
        size
        for size, below, above in zip(sizes, middles[:-1], middles[1:], strict=True)
        if len({below, decision(size), above}) > 1
    ]


def by_nearness(world: World, instrument: Instrument, sizes: list[Fraction]) -> list[Fraction]:
    """The prices of some |values|, those nearest the present mark first."""
    sign = -1 if instrument.payoff == "inverse" else 1
    prices = [price_at(instrument, sign * size) for size in sizes]
    present = world.mark_price(instrument.name)
    return sorted(prices, key=lambda price: (abs(price - present), price))


def pool_surplus(
    world: World, account: dict[str, Any], pool: str, limit: Fraction, instrument: Instrument, with_needs: bool
) -> Surplus:
    """Equity, less maintenance and trigger fee if asked for, as a function of the |value| of one contract."""
    sign = -1 if instrument.payoff == "inverse" else 1

    def needs(at: World) -> Fraction:
        there = collect_pools(at, account)[pool]
        return maintenance_margin(at, there, Severity.MOST) + trigger_fee(at, there)

    def surplus(size: Fraction) -> Fraction:
        moved = world.with_mark(instrument.name, price_at(instrument, sign * size))
        equity = own_equity(moved, account, collect_pools(moved, account)[pool]) + limit
        if not with_needs:
            return equity
        return equity - needs(world if world.policy.prices_at_mark else moved)

    return surplus


@dataclass(frozen=True)
class Line:
    """A pool's surplus over what decides, along the mark of one instrument; `prices` is where the decision changes."""

    surplus: Callable[[Fraction], Fraction]
    inclusive: bool
    prices: list[Fraction]

    def holds_at(self, price: Fraction) -> bool:
        """Whether the pool is liquidated (or bankrupt) with that mark."""
        return self.surplus(price) <= 0 if self.inclusive else self.surplus(price) < 0


def decision_line(
    policy: dict[str, Any], account: dict[str, Any], market: dict[str, Any], pool: str, name: str, with_needs: bool
) -> Line:
    """The pool's decision (to liquidate, or that it is bankrupt) along the mark of an instrument, the nearest first."""
    world = world_of(policy, account, market)
    figures, there = evaluate(policy, account, market).pools[pool], collect_pools(world, account)[pool]
    if figures.status == "undetermined" or figures.draw_limit is None:
        raise Doubt("POOL_UNDETERMINED")
    instrument = world.instrument(name)
    surplus = pool_surplus(world, account, pool, figures.draw_limit, instrument, with_needs)
    inclusive = world.policy.inclusive and with_needs

    def decision(size: Fraction) -> bool:
        return surplus(size) <= 0 if inclusive else surplus(size) < 0

    frozen = not with_needs or world.policy.prices_at_mark or world.policy.maintenance_at_entry
    sizes = changes(decision, candidates(surplus, [] if frozen else breakpoints(instrument, there)))
    prices = by_nearness(world, instrument, sizes)
    return Line(lambda price: surplus(abs(value_at(instrument, price))), inclusive, prices)


def liquidation_price(
    policy: dict[str, Any], account: dict[str, Any], market: dict[str, Any], pool: str, instrument: str
) -> Fraction | None:
    """The unrounded liquidation price of an instrument in a pool; None where no positive price is one."""
    return next(iter(decision_line(policy, account, market, pool, instrument, True).prices), None)


def bankruptcy_price(
    policy: dict[str, Any], account: dict[str, Any], market: dict[str, Any], pool: str, instrument: str
) -> Fraction | None:
    """The unrounded price at which the pool's equity is zero; None where no positive price is one."""
    return next(iter(decision_line(policy, account, market, pool, instrument, False).prices), None)
