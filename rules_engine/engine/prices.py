"""Liquidation and bankruptcy prices: where a pool's decision changes when one instrument's mark moves alone.

The very formulas of the decision run with that mark's contract value as the unknown (`numbers.piecewise`); the price is
read back from where the result changes sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from typing import Final

import msgspec

from rules_engine.engine.pools import Pool
from rules_engine.engine.quote import Quote
from rules_engine.engine.sums import Leg, Terms, at_mark, leg_of
from rules_engine.numbers.exact import ZERO, Exact, Ratio, rounded
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.regions import Change
from rules_engine.numbers.system import Number
from rules_engine.terms.policy import Conventions, Policy

_UNROUNDED: Final = Context(prec=28)


class TurningPrice(msgspec.Struct, frozen=True):
    """The price, unrounded, at which a decision changes; `holds_above` says on which side it then holds."""

    price: Number
    holds_above: bool


class Prices(msgspec.Struct, frozen=True):
    """The turning prices of one instrument in a pool; None where no positive price changes the decision."""

    liquidation: TurningPrice | None
    bankruptcy: TurningPrice | None


def prices_of(pool: Pool, legs: Sequence[Leg], surplus: Number, equity: Number, terms: Terms, policy: Policy) -> Prices:
    """Both prices of these legs' instrument, given the pool's surplus over maintenance and its equity at the mark.

    Raises `NotLinear` where a mode's requirement is no piecewise linear function of the mark.
    """
    quote = legs[0].holding.quote
    num = _numbers(quote)
    moving = [_moving(num, pool, leg, terms) for leg in legs]
    fixed_equity = equity - sum(leg.unrealized_pnl for leg in legs)
    moving_pnl = sum((leg.unrealized_pnl for leg in moving), ZERO)
    if terms.conventions.liquidation_price == "at_mark":
        surplus_function = surplus - equity + fixed_equity + moving_pnl
    else:
        surplus_function = surplus - sum(leg.net for leg in legs) + sum((leg.net for leg in moving), ZERO)
    inclusive = policy.liquidation.trigger == "at_or_below"
    return Prices(
        _turning(num, surplus_function, quote, inclusive=inclusive),
        _turning(num, fixed_equity + moving_pnl, quote, inclusive=False),
    )


def _numbers(quote: Quote) -> PiecewiseNumbers:
    assert quote.rule is not None
    low, high = quote.rule.payoff.value_range
    return PiecewiseNumbers(None if low is None else (low, 1), None if high is None else (high, 0))


def _moving(num: PiecewiseNumbers, pool: Pool, leg: Leg, terms: Terms) -> Leg:
    """The same position with the mark's value unknown."""
    exposure = at_mark(leg.exposure, num.unknown, terms.conventions)
    return leg_of(num, pool.allowed, leg.holding, exposure)


def _turning(num: PiecewiseNumbers, function: Number, quote: Quote, *, inclusive: bool) -> TurningPrice | None:
    below, above = num.around(function, quote.value, inclusive=inclusive)
    candidates = [turning for change in (below, above) if (turning := _price(change, quote)) is not None]
    if not candidates:
        return None
    return min(candidates, key=lambda turning: abs(turning.price - quote.mark_price))


def _price(change: Change | None, quote: Quote) -> TurningPrice | None:
    return None if change is None else TurningPrice(quote.price_at(change.cut[0]), change.holds_above)


def rounded_price(turning: TurningPrice, tick: Decimal, conventions: Conventions) -> Decimal:
    """The price as printed: at the printed price the decision does not hold yet, unless the policy says otherwise."""
    how = conventions.liquidation_price_rounding
    if how == "none":
        return _as_decimal(turning.price)
    if how == "half_up":
        return rounded(turning.price, tick, "half_up")
    return rounded(turning.price, tick, "down" if turning.holds_above else "up")


def _as_decimal(x: Exact) -> Decimal:
    """An exact number as a decimal: itself, or its first 28 digits where it never ends."""
    with localcontext(_UNROUNDED):
        return x.n / x.d if isinstance(x, Ratio) else Decimal(x)
