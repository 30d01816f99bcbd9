"""Liquidation and bankruptcy prices: where a pool's decision changes when one instrument's mark moves alone.

The very formulas of the decision run with that mark's contract value as the unknown (`numbers.piecewise`); the price is
read back from where the result changes sign.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal, localcontext
from typing import Final

import msgspec

from rules_engine.engine.calls import PluginFault, required
from rules_engine.engine.decide import falls_short, is_inclusive
from rules_engine.engine.pools import Pool
from rules_engine.engine.quote import Quote
from rules_engine.engine.sums import Sums, Terms, assessed, at_mark
from rules_engine.formulas.pool import margin_line
from rules_engine.formulas.requirement import counted_fee, unrealized_pnl
from rules_engine.numbers.exact import EXACT, ONE, ZERO, Exact, Ratio, count_of, rounded
from rules_engine.numbers.functions import NotLinear
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.regions import Change
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import Exposure
from rules_engine.terms.policy import Conventions, Liquidation, Policy

_UNROUNDED: Final = Context(prec=28)
HALF: Final = Decimal("0.5")
FARTHEST: Final = 1000
"""A search for a price goes no farther up than this many times the mark."""


class TurningPrice(msgspec.Struct, frozen=True):
    """The price, unrounded, at which a decision changes; `holds_above` says on which side it then holds.

    A `searched` one is known to lie between two neighbouring ticks, and `price` is midway.
    """

    price: Number
    holds_above: bool
    searched: bool = False


class Prices(msgspec.Struct, frozen=True):
    """The turning prices of one instrument in a pool; None where no positive price changes the decision."""

    liquidation: TurningPrice | None
    bankruptcy: TurningPrice | None


class Moving:
    """A pool in which the mark of one instrument moves alone: all of the instrument's positions move together.

    `equity` is the one that decides, with what the pool may draw, at the mark.
    """

    def __init__(self, pool: Pool, sums: Sums, equity: Number, terms: Terms, instrument: str) -> None:
        self.pool, self.sums, self.terms = pool, sums, terms
        self.moving = [leg for leg in (*sums.legs, *sums.opening) if leg.exposure.instrument == instrument]
        self.quote: Quote = self.moving[0].holding.quote
        self._fixed_equity = equity - sum([leg.unrealized_pnl for leg in self.moving], ZERO)

    def exposures(self, value: Number) -> list[Exposure]:
        """The instrument's exposures, with this value of one contract at the mark."""
        return [at_mark(leg.exposure, value, self.terms.conventions) for leg in self.moving]

    def equity(self, num: NumberSystem, exposures: Sequence[Exposure]) -> Number:
        """Equity where the instrument's exposures are these."""
        return sum([unrealized_pnl(num, exposure) for exposure in exposures], self._fixed_equity)

    def surplus(self, num: NumberSystem, exposures: Sequence[Exposure], equity: Number) -> Number:
        """Equity there, less maintenance and the fee that decides there.

        Raises `NotLinear` where a mode's requirement is no piecewise linear function of an unknown mark.
        """
        sums = self.sums
        if self.terms.conventions.liquidation_price == "at_mark":
            return equity - margin_line(sums.maintenance, sums.fee, ONE)
        fee = ZERO
        if "trigger" in self.terms.closing_fee.counts_in:
            fee = sums.fee - sum([leg.fee for leg in self.moving], ZERO)
            fee = sum([counted_fee(num, exposure, "trigger") for exposure in exposures], fee)
        if self.pool.allowed.pooled:
            return equity - margin_line(self._maintenance_together(num, exposures), fee, ONE)
        fixed = sums.maintenance - sum([leg.requirement.maintenance for leg in self.moving], ZERO)
        moved = [required(num, self.pool.allowed, exposure).maintenance for exposure in exposures]
        return equity - margin_line(sum(moved, fixed), fee, ONE)

    def _maintenance_together(self, num: NumberSystem, moved: Sequence[Exposure]) -> Number:
        there = {exposure.id: exposure for exposure in moved}
        legs = (*self.sums.legs, *self.sums.opening)
        exposures = [there.get(leg.exposure.id, leg.exposure) for leg in legs]
        return assessed(num, self.pool, exposures, self.pool.backing).maintenance


def prices_of(moving: Moving, policy: Policy) -> Prices:
    """Both prices of an instrument in a pool. Raises `PluginFault` where its mode cannot say what holds elsewhere."""
    quote, inclusive = moving.quote, is_inclusive(policy.liquidation)
    num = _numbers(quote)
    exposures = moving.exposures(num.unknown)
    equity = moving.equity(num, exposures)
    try:
        liquidation = _turning(num, moving.surplus(num, exposures, equity), quote, inclusive=inclusive)
    except (NotLinear, PluginFault):
        liquidation = searched(moving, quote.price_tick or policy.quantum, policy.liquidation)
    return Prices(liquidation, _turning(num, equity, quote, inclusive=False))


def _numbers(quote: Quote) -> PiecewiseNumbers:
    assert quote.rule is not None
    low, high = quote.rule.payoff.value_range
    return PiecewiseNumbers(None if low is None else (low, 1), None if high is None else (high, 0))


def _turning(num: PiecewiseNumbers, function: Number, quote: Quote, *, inclusive: bool) -> TurningPrice | None:
    below, above = num.around(function, quote.value, inclusive=inclusive)
    candidates = [turning for change in (below, above) if (turning := _price(change, quote)) is not None]
    if not candidates:
        return None
    return min(candidates, key=lambda turning: abs(turning.price - quote.mark_price))


def _price(change: Change | None, quote: Quote) -> TurningPrice | None:
    return None if change is None else TurningPrice(quote.price_at(change.cut[0]), change.holds_above)


def searched(moving: Moving, tick: Decimal, rules: Liquidation) -> TurningPrice | None:
    """The two neighbouring ticks between which the liquidate decision changes, by exact evaluation at each tick tried.

    For requirements that have no piecewise linear form. Steps outward double and the last one is halved, so of several
    changes within one doubling the nearest may be missed. Raises `PluginFault`.
    """
    mark = moving.quote.mark_price
    assert mark is not None

    def falls(price: Decimal) -> bool:
        exposures = moving.exposures(moving.quote.value_at(price))
        return falls_short(moving.surplus(EXACT, exposures, moving.equity(EXACT, exposures)), rules)

    now, start = falls(mark), int(count_of(mark, tick, "down"))
    below = _bracket(lambda ticks: falls(ticks * tick) != now, start, -1, 1)
    above = _bracket(lambda ticks: falls(ticks * tick) != now, start + 1, 1, start * FARTHEST + 1)
    turnings = []
    for beyond, side in ((below, -1), (above, 1)):
        if beyond is not None:
            holds_above = (side > 0) != now
            turnings.append(TurningPrice((beyond - side * HALF) * tick, holds_above, searched=True))
    return min(turnings, key=lambda turning: abs(turning.price - mark), default=None)


def _bracket(changed: Callable[[int], bool], start: int, side: int, last: int) -> int | None:
    """The tick, on one side from `start` as far as `last`, from which on the decision has changed; None if none has."""
    if start * side > last * side:
        return None
    same, step, probe = start - side, 1, start
    while not changed(probe):
        if probe == last:
            return None
        same, step = probe, step * 2
        probe = side * min(side * (probe + side * step), side * last)
    while abs(probe - same) > 1:
        middle = (probe + same) // 2
        same, probe = (same, middle) if changed(middle) else (middle, probe)
    return probe


def rounded_price(turning: TurningPrice, tick: Decimal, conventions: Conventions) -> Decimal:
    """The price as printed: at the printed price the decision does not hold yet, unless the policy says otherwise."""
    how = conventions.liquidation_price_rounding
    if how == "none":
        return as_decimal(turning.price)
    if how == "half_up":
        return rounded(turning.price, tick, "half_up")
    return rounded(turning.price, tick, "down" if turning.holds_above else "up")


def as_decimal(x: Exact) -> Decimal:
    """An exact number as a decimal: itself, or its first 28 digits where it never ends."""
    with localcontext(_UNROUNDED):
        return x.n / x.d if isinstance(x, Ratio) else Decimal(x)
