"""What one position or asset adds to total collateral and to the margin requirement, in either margin calculation."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from rules_engine.plugin import AssetExposure, Exposure, MissingInput, Number, NumberSystem, Parameters
from rules_engine_drift_margin import formulas
from rules_engine_drift_margin.formulas import INITIAL_PNL_CAP, ONE, OPEN_ORDER, QUOTE, WEIGHT, ZERO, cut

Kind: TypeAlias = Literal["initial", "maintenance"]
"""Which of the program's two margin calculations (`MarginRequirementType`)."""

TOTAL_DEPOSITS: Final = "total_deposits"
"""Measure of an asset's price: how many tokens all users together have deposited."""

NET_USER_PNL: Final = "net_user_pnl"
"""Measure of a perp market: what all its users together have gained and not settled, in the quote currency."""


class Weighed(NamedTuple):
    """What the program adds to its sums for one item, in the settlement currency.

    `worth` is what the engine's equity has of it, exactly; `collateral` and `requirement` go into total collateral and
    margin requirement; `liability` is what the liquidation buffer is taken of; `weights` are the weights used, by name.
    """

    worth: Number
    collateral: Number
    requirement: Number
    liability: Number
    weights: Mapping[str, Number]

    def beside_equity(self, num: NumberSystem) -> Number:
        """What the item requires beside equity: `worth - collateral + requirement`, so that the surplus is Drift's.

        Only dust, whose cut values differ by less than a millionth, could bring it below 0.
        """
        return num.maximum(ZERO, self.worth - self.collateral + self.requirement)


def stated(section: str, name: str, parameters: Parameters) -> Mapping[str, Any]:
    """What the policy states of a market or an asset. Raises `MissingInput`: guessing a weight would be unsafe."""
    found: Mapping[str, Any] | None = parameters[section].get(name)
    if found is None:
        raise MissingInput("REFERENCE_MISSING", f"the policy states no margin parameters of {name} in {section}")
    return found


def margin_ratio(
    num: NumberSystem, size: Number, market: Mapping[str, Any], kind: Kind, leverage: Number | None, high_leverage: bool
) -> Number:
    """The margin ratio for a size: the market's, or what the position's own leverage asks for (`get_margin_ratio`)."""
    ordinary, factor = market[f"margin_ratio_{kind}"], market["imf_factor"]
    high = market.get(f"high_leverage_margin_ratio_{kind}") if high_leverage else None
    if high is not None and kind == "initial":
        ratio = formulas.high_leverage_ratio(num, size, factor, ordinary, high)
    else:
        ratio = formulas.liability_weight(num, size, factor, ordinary if high is None else high)
    if leverage is None or kind == "maintenance":
        return ratio
    return num.maximum(ratio, num.rounded(num.quotient(ONE, leverage), WEIGHT, "up"))


def worst_case_size(num: NumberSystem, exposure: Exposure) -> Number:
    """The size if all bids fill, or all asks, whichever is larger (`worst_case_liability_value`)."""
    opening = [order.quantity for order in exposure.orders if not order.reduce_only]
    bids = num.total([num.maximum(quantity, ZERO) for quantity in opening])
    asks = num.total([num.minimum(quantity, ZERO) for quantity in opening])
    return num.maximum(num.absolute(exposure.quantity + bids), num.absolute(exposure.quantity + asks))


def perp(num: NumberSystem, exposure: Exposure, parameters: Parameters, kind: Kind, size: Number) -> Weighed:
    """A perp position of which `size` may come to be open (`calculate_perp_position_value_and_pnl`)."""
    market = stated("markets", exposure.instrument, parameters)
    quote_price = exposure.market.conversion
    price = num.quotient(exposure.value, quote_price)
    ratio = margin_ratio(num, size, market, kind, exposure.leverage, parameters["high_leverage"])
    ratio = num.named(f"margin_ratio {exposure.id}", ratio)
    value = num.named(f"liability {exposure.id}", formulas.perp_value(num, size, price, quote_price))
    pnl = _quote_pnl(num, exposure, price)
    pnl_weight = _pnl_weight(num, exposure, market, pnl, kind)
    collateral = formulas.weighted_pnl(num, pnl, pnl_weight, quote_price)
    if kind == "initial":
        collateral = num.minimum(collateral, INITIAL_PNL_CAP)
    worth = exposure.quantity * (exposure.value - exposure.entry_value)
    requirement = formulas.perp_requirement(num, value, ratio)
    weights = {"margin_ratio": ratio, "unrealized_pnl_weight": pnl_weight}
    return Weighed(worth, collateral, requirement, value, weights)


def _quote_pnl(num: NumberSystem, exposure: Exposure, price: Number) -> Number:
    """Unrealized PnL as the program holds it: base value cut towards zero, and a whole `quote_asset_amount`."""
    value = exposure.side * cut(num, num.absolute(exposure.quantity) * price, QUOTE)
    entry = num.quotient(exposure.quantity * exposure.entry_value, exposure.market.conversion)
    return value - num.rounded(entry, QUOTE, "half_up")


def _pnl_weight(num: NumberSystem, exposure: Exposure, market: Mapping[str, Any], pnl: Number, kind: Kind) -> Number:
    """The weight of unrealized profit (`get_unrealized_asset_weight`); losses always count in full."""
    weight = market[f"unrealized_pnl_{kind}_asset_weight"]
    if kind == "maintenance":
        return weight
    limit = market.get("unrealized_pnl_max_imbalance")
    if limit is not None:
        weight = formulas.scaled_weight(num, weight, limit, exposure.market.measure(NET_USER_PNL))
    return formulas.asset_weight(num, num.maximum(pnl, ZERO), market["unrealized_pnl_imf_factor"], weight)


def perp_with_orders(num: NumberSystem, exposure: Exposure, parameters: Parameters, kind: Kind) -> Weighed:
    """A perp position with its open orders: the worst case of what may fill, and a little for each order."""
    worst = perp(num, exposure, parameters, kind, worst_case_size(num, exposure))
    return worst._replace(requirement=worst.requirement + len(exposure.orders) * OPEN_ORDER)


def reserved_by_orders(num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Number:
    """What open orders add to initial margin; a high-leverage ratio may fall with size, which gives nothing back."""
    held = perp(num, exposure, parameters, "initial", num.absolute(exposure.quantity))
    worst = perp_with_orders(num, exposure, parameters, "initial")
    return num.maximum(ZERO, worst.requirement - held.requirement)


def spot(num: NumberSystem, asset: AssetExposure, parameters: Parameters, kind: Kind) -> Weighed:
    """A deposit, or a debt where the amount is below 0: one of them is 0, and adds nothing.

    `calculate_margin_requirement_and_total_collateral_and_liability_info`; a debt's value is cut away from zero
    (`get_token_value`).
    """
    deposit = num.maximum(asset.amount, ZERO)
    debt = deposit - asset.amount
    asset_weight = num.named(f"asset_weight {asset.asset}", _deposit_weight(num, asset, parameters, kind, deposit))
    liability_weight = num.named(f"liability_weight {asset.asset}", _debt_weight(num, asset, parameters, kind, debt))
    held = cut(num, deposit * asset.price, QUOTE)
    owed = num.rounded(debt * asset.price, QUOTE, "up")
    return Weighed(
        worth=asset.value,
        collateral=cut(num, held * asset_weight, QUOTE),
        requirement=cut(num, owed * liability_weight, QUOTE),
        liability=owed,
        weights={"asset_weight": asset_weight, "liability_weight": liability_weight},
    )


def _debt_weight(num: NumberSystem, asset: AssetExposure, parameters: Parameters, kind: Kind, size: Number) -> Number:
    if asset.asset == parameters["quote_asset"]:
        return ONE
    market = stated("assets", asset.asset, parameters)
    return formulas.liability_weight(num, size, market["imf_factor"], market[f"{kind}_liability_weight"])


def _deposit_weight(
    num: NumberSystem, asset: AssetExposure, parameters: Parameters, kind: Kind, size: Number
) -> Number:
    if asset.asset == parameters["quote_asset"]:
        return ONE
    market = stated("assets", asset.asset, parameters)
    weight = market[f"{kind}_asset_weight"]
    start = market.get("scale_initial_asset_weight_start")
    if kind == "initial" and start is not None:
        weight = formulas.scaled_weight(num, weight, start, _total_deposits(asset) * asset.price)
    return formulas.asset_weight(num, size, market["imf_factor"], weight)


def _total_deposits(asset: AssetExposure) -> Decimal:
    if TOTAL_DEPOSITS not in asset.measures:
        raise MissingInput("MEASURE_MISSING", f"the market has no usable measure {TOTAL_DEPOSITS} of {asset.asset}")
    return asset.measures[TOTAL_DEPOSITS]
