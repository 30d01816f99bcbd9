"""The margin mathematics of dYdX v4, after the published chain (github.com/dydxprotocol/v4-chain, folder `protocol`).

Amounts are in the settlement currency. The chain counts them in whole quote quantums (1e-6 USDC), here `quantum`, and
each formula rounds where the chain does. Fractions are in parts per million (`_ppm`), as the chain writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from rules_engine.plugin import Direction, Number, NumberSystem

MILLION: Final = Decimal(1_000_000)
PPM: Final = Decimal("0.000001")
ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


@dataclass(frozen=True, kw_only=True)
class LiquidityTier:
    """What a market's liquidity tier says of its margins (`x/perpetuals/types/liquidity_tier.go`).

    The caps are open interest in the settlement currency, multiples of the quantum. An upper cap of 0 means that
    open interest does not matter.
    """

    initial_margin_ppm: Decimal
    maintenance_fraction_ppm: Decimal
    open_interest_lower_cap: Decimal = ZERO
    open_interest_upper_cap: Decimal = ZERO

    @property
    def scales(self) -> bool:
        """Whether initial margin grows with open interest."""
        return self.open_interest_upper_cap != 0


def net_notional(num: NumberSystem, quantity: Number, value: Number, quantum: Decimal) -> Number:
    """`quantity * value`, signed, cut to quantums towards zero (`lib/quantums.go`, `BaseToQuoteQuantums`)."""
    exact = quantity * value
    gained = num.rounded(num.maximum(exact, ZERO), quantum, "down")
    owed = num.rounded(num.maximum(ZERO - exact, ZERO), quantum, "down")
    return num.named("net_notional", gained - owed)


def open_interest_fraction(num: NumberSystem, tier: LiquidityTier, open_interest: Number, quantum: Decimal) -> Number:
    """The initial margin fraction under open interest, in ppm (`GetAdjustedInitialMarginPpm`).

    The tier's own up to the lower cap, one million from the upper cap on, and in between a straight line cut to whole
    ppm. Caps that meet make a step just above them, which is what a line over one quantum is.
    """
    base = num.constant(tier.initial_margin_ppm)
    if not tier.scales:
        return base
    beyond = num.rounded(open_interest, quantum, "down") - tier.open_interest_lower_cap
    width = num.maximum(tier.open_interest_upper_cap - tier.open_interest_lower_cap, quantum)
    share = num.minimum(num.maximum(num.quotient(beyond, width), ZERO), ONE)
    increase = num.rounded((MILLION - tier.initial_margin_ppm) * share, ONE, "down")
    return num.named("open_interest_fraction_ppm", base + increase)


def chosen_fraction(num: NumberSystem, leverage: Number) -> Number:
    """The initial margin fraction that a trader's leverage asks for, in whole ppm, up (`custom_imf_ppm`)."""
    return num.rounded(num.quotient(num.constant(MILLION), leverage), ONE, "up")


def initial_margin(num: NumberSystem, notional: Number, fraction_ppm: Number, quantum: Decimal) -> Number:
    """`notional * fraction`, rounded up (`GetInitialMarginQuoteQuantums`)."""
    return num.rounded(notional * fraction_ppm * PPM, quantum, "up")


def maintenance_margin(num: NumberSystem, notional: Number, tier: LiquidityTier, quantum: Decimal) -> Number:
    """The maintenance fraction of the initial margin before open interest, each rounded up.

    `x/perpetuals/lib/lib.go`, `GetMarginRequirementsInQuoteQuantums`. Open interest and leverage do not move it.
    """
    base = num.named("base_margin", initial_margin(num, notional, tier.initial_margin_ppm, quantum))
    return num.rounded(base * tier.maintenance_fraction_ppm * PPM, quantum, "up")


def bankruptcy_rating(
    num: NumberSystem, net_collateral: Number, maintenance: Number, adjustment_ppm: Decimal
) -> Number:
    """How near an account is to bankruptcy: `adjustment * (1 - net collateral / maintenance)`, within 0 and 1.

    `x/clob/keeper/liquidations.go`, `GetFillablePrice` (ABR). `maintenance` is the account's, above 0.
    """
    unbounded = adjustment_ppm * PPM * (ONE - num.quotient(net_collateral, maintenance))
    return num.minimum(num.maximum(unbounded, ZERO), ONE)


def fillable_price(
    num: NumberSystem, notional: Number, quantity: Number, maintenance: Number, rating: Number, spread_ppm: Decimal
) -> Number:
    """The worst price at which a liquidation order may fill, per contract, not rounded (`GetFillablePrice`).

    `(net notional - rating * spread * maintenance) / quantity`, all of the one position and signed.
    """
    return num.quotient(notional - rating * spread_ppm * PPM * maintenance, quantity)


def bankruptcy_quote(
    num: NumberSystem,
    notional_change: Number,
    maintenance_change: Number,
    net_collateral: Number,
    maintenance: Number,
    quantum: Decimal,
) -> Number:
    """What closing part of a position must bring so that the account's loss is shared by maintenance, rounded up.

    `-change of net notional - net collateral * |change of maintenance| / maintenance`, where the last two are the
    account's (`GetBankruptcyPriceInQuoteQuantums`). Negative where a short is bought back.
    """
    shared = num.quotient(net_collateral * num.absolute(maintenance_change), maintenance)
    return ZERO - notional_change - num.rounded(shared, quantum, "down")


def least_liquidated(num: NumberSystem, notional: Number, least: Decimal) -> Number:
    """The least notional of a position that one liquidation closes (`GetMaxAndMinPositionNotionalLiquidatable`)."""
    return num.minimum(least, notional)


def most_liquidated(
    num: NumberSystem, notional: Number, least: Decimal, portion_ppm: Decimal, quantum: Decimal
) -> Number:
    """The most notional of a position that one liquidation closes (`GetMaxAndMinPositionNotionalLiquidatable`)."""
    portion = num.rounded(notional * portion_ppm * PPM, quantum, "down")
    return num.maximum(least_liquidated(num, notional, least), portion)


def liquidated_quantity(num: NumberSystem, most: Number, value: Number, step: Decimal, size: Number) -> Number:
    """How many contracts of `value` make the notional `most`: whole steps, rounded down, at least one.

    `GetLiquidatablePositionSizeDelta`, for positions of more than that notional and more than a step.
    """
    steps = num.rounded(num.quotient(most, num.absolute(value)), step, "down")
    return num.minimum(num.maximum(steps, step), size)


def order_price(num: NumberSystem, price: Number, tick: Decimal, direction: Direction) -> Number:
    """A price on a tick: up where a long is sold, down where a short is bought (`ConvertFillablePriceToSubticks`)."""
    return num.maximum(num.rounded(price, tick, direction), tick)
