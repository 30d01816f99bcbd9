"""Margin of the Vega protocol: maintenance and its levels, order margin and position margin of isolated margin mode.

Sources: vegaprotocol/specs, protocol/0019-MCAL-margin_calculator.md ("the specification"), and vegaprotocol/vega,
core/risk/margins_calculation.go, isolated_margin.go and liquidation_calculation.go, named at each formula.

Vega's sizes are integers with a position factor. Here quantities count contracts of `contract_size` = 1 / position
factor, and the value of a contract is contract size times price; so "volume" (Vega's open volume, in units of the
underlying) is quantity * contract_size. Long and short differ by the sign of a quantity and by the risk factor alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from rules_engine.plugin import Direction, Number, NumberSystem

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
SIDES: Final = (("long", ONE), ("short", -ONE))
"""Both sides by name, as the sign of a quantity."""
FACTOR_UNIT: Final = Decimal("0.00001")
"""Vega keeps five decimals of a scaling factor and cuts off the rest (`scalingFactorsUintFromDecimals`)."""


class Resting(NamedTuple):
    """A resting order: contracts, buy positive, and the value of one contract at its price."""

    quantity: Number
    value: Number


class Held(NamedTuple):
    """A position and the orders on it: contracts, long positive, and the value of one contract at the mark."""

    quantity: Number
    value: Number
    orders: Sequence[Resting] = ()


class Market(NamedTuple):
    """What Vega says of a market: `risk_factors` as (long, short), slippage fractions of the price, the contract size.

    `auction_value` is the value of one contract at the auction price, None in continuous trading.
    `funding_per_unit` is what a long expects to pay per unit of volume, None where a market has no funding.
    """

    risk_factors: tuple[Number, Number]
    linear_slippage: Number = ZERO
    quadratic_slippage: Number = ZERO
    contract_size: Number = ONE
    auction_value: Number | None = None
    funding_per_unit: Number | None = None


class Scaling(NamedTuple):
    """By how much the other levels exceed maintenance."""

    search: Number
    initial: Number
    release: Number


class Levels(NamedTuple):
    """The four margin levels, in the settlement currency."""

    maintenance: Number
    search: Number
    initial: Number
    release: Number


def in_units(num: NumberSystem, amount: Number, unit: Number | None, direction: Direction) -> Number:
    """An amount in whole units of the asset; as it is where no unit is given."""
    return amount if unit is None else num.rounded(amount, unit, direction)


def is_positive(num: NumberSystem, x: Number) -> Number:
    """1 where x > 0, else 0."""
    return num.step(-ONE * x, (ZERO, ZERO), (ONE, ZERO))


def on_side(num: NumberSystem, side: Decimal, quantity: Number) -> Number:
    """How many contracts of a quantity lie on a side, without sign."""
    return num.maximum(side * quantity, ZERO)


def requiring(num: NumberSystem, side: Decimal, quantity: Number, risk_factor: Number, market: Market) -> Number:
    """Contracts whose whole value makes up what the open position on a side requires.

    `|V| * risk factor + linear * |V| + quadratic * V^2`, per unit of the mark price (`computeMaintenanceMargin`).
    """
    held = on_side(num, side, quantity)
    slippage = market.linear_slippage + market.quadratic_slippage * (market.contract_size * held)
    return held * (risk_factor + slippage)


def orders_maintenance(num: NumberSystem, side: Decimal, held: Held, risk_factor: Number, market: Market) -> Number:
    """What the orders on a side require: the risk factor times their notional at the mark.

    In an auction their notional is that at their own prices, at least that at the auction price.

    They count in full where filling them would leave a position on that side, and not at all where they only reduce
    the one on the other side ("riskiest long" and "riskiest short" of the specification).
    """
    if not held.orders:
        return ZERO
    sizes = [on_side(num, side, order.quantity) for order in held.orders]
    resting = num.total(sizes)
    opens = is_positive(num, side * held.quantity + resting)
    if market.auction_value is None:
        return risk_factor * opens * (resting * held.value)
    at_prices = num.total(size * order.value for size, order in zip(sizes, held.orders, strict=True))
    return risk_factor * opens * num.maximum(at_prices, resting * market.auction_value)


def funding_margin(num: NumberSystem, quantity: Number, market: Market) -> Number:
    """The funding that the position expects to pay: `max(0, funding per unit * volume)` (`calculateMargins`)."""
    if market.funding_per_unit is None:
        return ZERO
    return num.maximum(quantity * market.contract_size * market.funding_per_unit, ZERO)


def maintenance_margin(num: NumberSystem, held: Held, market: Market) -> Number:
    """Maintenance margin of a position with its orders, before rounding: the worse of long and short, plus funding.

    Source: the specification, steps 1 to 3, and `computeMaintenanceMargin`. An isolated position is asked without its
    orders.
    """
    by_side = [
        num.named(
            f"maintenance {name}",
            requiring(num, side, held.quantity, risk_factor, market) * held.value
            + orders_maintenance(num, side, held, risk_factor, market),
        )
        for (name, side), risk_factor in zip(SIDES, market.risk_factors, strict=True)
    ]
    return num.maximum(*by_side) + num.named("funding margin", funding_margin(num, held.quantity, market))


def scaled(num: NumberSystem, maintenance: Number, factor: Number, unit: Number | None) -> Number:
    """A level above maintenance: `factor * maintenance`, rounded down to the asset's unit (`newMarginLevels`)."""
    return in_units(num, num.rounded(factor, FACTOR_UNIT, "down") * maintenance, unit, "down")


def margin_levels(num: NumberSystem, maintenance: Number, scaling: Scaling, unit: Number | None) -> Levels:
    """All four levels: maintenance is rounded up to the asset's unit, the others are scaled from that."""
    whole = in_units(num, maintenance, unit, "up")
    return Levels(whole, *(scaled(num, whole, factor, unit) for factor in scaling))


def side_order_margin(
    num: NumberSystem, side: Decimal, held: Held, margin_factor: Number, auction_value: Number | None
) -> Number:
    """Margin factor times notional of a side's orders, without the best volume that an opposite position covers.

    Vega sorts orders from best to worst and lets the first `|position|` of opposite volume go free
    (`calcOrderSideMargin`). Without sorting: with prices p (times -1 for sells, so that the highest is the best), sizes
    s and cover C, what stays is the largest of `sum(s * min(p, x)) - x * C` over all prices x, for that is concave in x
    and peaks at the price of the last covered contract. So no number is compared with another, and all number systems
    can follow. In an auction an order counts at least at the auction price, which keeps best before worst.
    """
    if not held.orders:
        return ZERO
    sizes = [on_side(num, side, order.quantity) for order in held.orders]
    floor = [] if auction_value is None else [auction_value]
    prices = [side * num.maximum(order.value, *floor) for order in held.orders]
    cover = num.minimum(on_side(num, -side, held.quantity), num.total(sizes))

    def peak(at: Number) -> Number:
        left = num.total(size * num.minimum(price, at) for size, price in zip(sizes, prices, strict=True))
        return left - at * cover

    return margin_factor * side * num.maximum(*(peak(price) for price in prices))


def order_margin(
    num: NumberSystem, held: Held, margin_factor: Number, unit: Number | None, auction_value: Number | None = None
) -> Number:
    """Order margin of isolated mode: the larger side's, each rounded down to the asset's unit (`calcOrderMargins`)."""
    by_side = (
        num.named(f"order margin {name}", side_order_margin(num, side, held, margin_factor, auction_value))
        for name, side in SIDES
    )
    return num.maximum(*(in_units(num, margin, unit, "down") for margin in by_side))


def position_margin(
    num: NumberSystem, quantity: Number, entry_value: Number, margin_factor: Number, unit: Number | None
) -> Number:
    """What a position is margined with in isolated mode: average entry price * |position| * margin factor.

    Rounded down to the asset's unit (`switchToIsolatedMargin`).
    """
    return in_units(num, num.absolute(quantity * entry_value) * margin_factor, unit, "down")


def liquidation_price(num: NumberSystem, held: Held, collateral: Number, market: Market) -> Number:
    """Vega's own estimate of the price at which collateral (at the mark) is the maintenance margin; not below 0.

    `(collateral - V * mark - funding) / (linear * |V| + quadratic * V^2 + |V| * risk factor - V)`, without orders and
    without rounding (`calculateLiquidationPrice`). Not defined where the divisor is 0.
    """
    required = num.total(
        requiring(num, side, held.quantity, risk_factor, market)
        for (_, side), risk_factor in zip(SIDES, market.risk_factors, strict=True)
    )
    left = collateral - held.quantity * held.value - funding_margin(num, held.quantity, market)
    return num.maximum(num.quotient(left, market.contract_size * (required - held.quantity)), ZERO)
