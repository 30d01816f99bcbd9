"""The margin model of the Vega protocol: a market's positions and orders in cross or in isolated margin mode."""

from __future__ import annotations

from collections.abc import Sequence

from rules_engine.plugin import (
    COLLATERAL,
    SIZE,
    Backing,
    Exposure,
    Mode,
    Number,
    NumberSystem,
    Parameters,
    PoolLabel,
    PositionLabels,
    Requirement,
    hookimpl,
)
from rules_engine_vega_margin import formulas
from rules_engine_vega_margin.formulas import Held, Resting, Scaling
from rules_engine_vega_margin.parameters import CROSS_PARAMETERS, ISOLATED_PARAMETERS, market_of, of_market

MEASURES = {"auction_price": "currency/contract", "funding_per_unit": "currency/contract"}
"""What both modes read of the market: the auction price, while there is an auction, and a perpetual's funding."""

KEEPS = frozenset({SIZE, COLLATERAL})
"""Not `mirror`: Vega's risk factors differ between long and short."""


class VegaCross:
    """One pool for all positions. What a position requires includes the orders on it, at every level."""

    name = "vega_cross"
    parameters = CROSS_PARAMETERS
    reserves_orders = True
    keeps = KEEPS
    measures = MEASURES

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        own = of_market(parameters, exposure.instrument)
        unit = own.get("asset_unit")
        scaling = Scaling(own["search_factor"], own["initial_factor"], own["release_factor"])
        maintenance = formulas.maintenance_margin(num, held(num, exposure), market_of(exposure.market, own))
        levels = formulas.margin_levels(num, maintenance, scaling, unit)
        return Requirement(
            initial=num.named("initial_margin", levels.initial),
            maintenance=num.named("maintenance_margin", levels.maintenance),
            orders=num.constant(0),
            figures={"search_level": levels.search, "release_level": levels.release},
        )


class VegaIsolated:
    """A pool for every position, backed by its own margin. Orders are margined apart from it, by the margin factor."""

    name = "vega_isolated"
    parameters = ISOLATED_PARAMETERS
    reserves_orders = True
    keeps = KEEPS
    measures = MEASURES

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key=position.id, backing=Backing.POSITION)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        own = of_market(parameters, exposure.instrument)
        unit = own.get("asset_unit")
        market = market_of(exposure.market, own)
        factor = margin_factor(num, exposure, own)
        whole = held(num, exposure)
        maintenance = formulas.maintenance_margin(num, whole._replace(orders=()), market)
        kept = formulas.in_units(num, maintenance, unit, "up")
        margin = formulas.position_margin(num, exposure.quantity, exposure.entry_value, factor, unit)
        return Requirement(
            initial=num.named("initial_margin", formulas.scaled(num, kept, own["initial_factor"], unit)),
            maintenance=num.named("maintenance_margin", kept),
            orders=num.named("order_margin", formulas.order_margin(num, whole, factor, unit, market.auction_value)),
            figures={"position_margin": margin},
        )


def held(num: NumberSystem, exposure: Exposure) -> Held:
    """A position with its orders. Reduce-only ones are left out: they never open anything, and Vega rests none."""
    orders = [
        Resting(order.quantity, worth(num, exposure, order.value)) for order in exposure.orders if not order.reduce_only
    ]
    return Held(exposure.quantity, worth(num, exposure, exposure.value), orders)


def worth(num: NumberSystem, exposure: Exposure, value: Number) -> Number:
    """The size of a contract's value. Vega's contracts are linear, whose values are above 0 anyway."""
    return value if exposure.market.payoff == "linear" else num.absolute(value)


def margin_factor(num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Number:
    """The trader's margin factor on this market: 1 / leverage where position or orders state one, else the policy's.

    Vega has one factor for a trader on a market, so the lowest leverage stated holds for all.
    """
    stated = [exposure.leverage, *(order.leverage for order in exposure.orders)]
    factors = [num.quotient(num.constant(1), leverage) for leverage in stated if leverage is not None]
    return num.maximum(*factors) if factors else parameters["margin_factor"]


@hookimpl
def rules_engine_margin_modes() -> Sequence[Mode]:
    return (VegaCross(), VegaIsolated())
