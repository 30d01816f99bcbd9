"""The parts in which PMRM_2 looks at a portfolio: its perpetuals, the options of each expiry, and its collateral."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from rules_engine_portfolio_margin.worst import AROUND_ZERO

from rules_engine.plugin import (
    AssetExposure,
    Exposure,
    InstrumentView,
    Number,
    NumberSystem,
    Parameters,
    PoolExposure,
)
from rules_engine_derive_margin.feeds import Feeds, confidence_of
from rules_engine_derive_margin.parameters import SKEWS, UNCHANGED
from rules_engine_derive_margin.shocks import listed, static_discounts, value_in


class OptionValues(NamedTuple):
    """What one contract of an option is worth: in every scenario, now, and at the two spots of the basis contingency.

    `discounts` are the static discounts of its expiry where that is worth more than nothing, and less; `basis` is what
    the basis contingency multiplies losses by.
    """

    scenarios: Sequence[Number]
    now: Number
    moved: tuple[Number, Number]
    discounts: tuple[Number, Number]
    basis: Number


class Block(NamedTuple):
    """A part of a portfolio: its positions, what it gains by scenario, and its contingencies.

    The last of the scenarios is the basis contingency. `initial` is charged on top of `maintenance`.
    """

    positions: Sequence[str]
    gains: Sequence[Number]
    initial: Number
    maintenance: Number


def option_values(num: NumberSystem, market: InstrumentView, as_of: datetime, parameters: Parameters) -> OptionValues:
    """What one contract of an option is worth wherever PMRM_2 looks. Raises `MissingInput`."""
    basis = parameters["basis"]
    one = listed(num, market, market.seconds_to_expiry(as_of), parameters)

    def value(spot: Number, volatility: str = UNCHANGED) -> Number:
        return market.contract_size * value_in(num, one, spot, volatility, parameters)

    return OptionValues(
        scenarios=[value(scenario["spot"], scenario["volatility"]) for scenario in parameters["scenarios"]],
        now=value(1),
        moved=(value(basis["spot_up"]), value(basis["spot_down"])),
        discounts=static_discounts(num, one, parameters["static_discount"]),
        basis=basis["add"] + basis["multiply_years"] * one.years,
    )


def blocks_of(num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> Mapping[str, Block]:
    """The blocks of a pool by name. A pool of more than one underlying is refused: PMRM_2 manages one each."""
    underlyings = {exposure.market.underlying for exposure in pool.positions}
    if len(underlyings) > 1:
        raise ValueError(f"an account holds one underlying under PMRM_2, this one {sorted(map(str, underlyings))}")
    perpetuals = [exposure for exposure in pool.positions if exposure.prepared is None]
    expiries: dict[str, list[Exposure]] = {}
    for exposure in pool.positions:
        if exposure.prepared is not None:
            expiries.setdefault(str(exposure.market.expires_at), []).append(exposure)
    assets = [asset for asset in pool.assets if asset.asset in parameters["collaterals"]]
    feeds = Feeds(num, pool)
    blocks: dict[str, Block] = {}
    if perpetuals:
        blocks["perpetuals"] = perpetual_block(num, perpetuals, feeds, parameters)
    for name, options in expiries.items():
        blocks[name] = expiry_block(num, options, perpetuals, feeds, parameters)
    if assets:
        blocks["collateral"] = collateral_block(num, assets, feeds, parameters)
    return blocks


def perpetual_block(num: NumberSystem, perpetuals: Sequence[Exposure], feeds: Feeds, parameters: Parameters) -> Block:
    """Perpetuals: they move with the spot."""
    value = num.total(exposure.quantity * exposure.value for exposure in perpetuals)
    notional = num.total(map(num.absolute, _notionals(num, perpetuals)))
    rates = parameters["contingency"]
    confidence = num.minimum(feeds.spot_confidence(), *map(_confidence, perpetuals))
    return Block(
        positions=[exposure.id for exposure in perpetuals],
        gains=_linear(value, parameters),
        initial=notional * (rates["perpetual_initial"] + _doubt(num, confidence, parameters)),
        maintenance=notional * rates["perpetual_maintenance"],
    )


def expiry_block(
    num: NumberSystem,
    options: Sequence[Exposure],
    perpetuals: Sequence[Exposure],
    feeds: Feeds,
    parameters: Parameters,
) -> Block:
    """The options of one expiry, which net with one another in full (`getScenarioPnL`, `_addOptionContingency`)."""
    confidence = num.minimum(feeds.spot_confidence(), *map(_confidence, [*perpetuals, *options]))
    held = num.total(map(num.absolute, _notionals(num, options)))
    naked = _naked(num, options)
    rates = parameters["contingency"]
    return Block(
        positions=[exposure.id for exposure in options],
        gains=_expiry_gains(num, options, parameters),
        initial=naked * rates["option_initial"] + held * _doubt(num, confidence, parameters),
        maintenance=naked * rates["option_maintenance"],
    )


def collateral_block(num: NumberSystem, assets: Sequence[AssetExposure], feeds: Feeds, parameters: Parameters) -> Block:
    """Collateral: haircuts, and what is of the underlying itself moves with the spot."""
    initial: list[Number] = []
    maintenance: list[Number] = []
    moving: list[Number] = []
    for asset in assets:
        rules = parameters["collaterals"][asset.asset]
        value = asset.amount * asset.price
        confidence = num.minimum(feeds.spot_confidence(), confidence_of(asset))
        initial.append(num.absolute(value) * (rules["initial_haircut"] + _doubt(num, confidence, parameters)))
        maintenance.append(num.absolute(value) * rules["maintenance_haircut"])
        if rules["risk_cancelling"]:
            moving.append(value)
    return Block((), _linear(num.total(moving), parameters), num.total(initial), num.total(maintenance))


def _linear(value: Number, parameters: Parameters) -> Sequence[Number]:
    """What a value that follows the spot gains by scenario; it has no basis."""
    gains = [value * ((scenario["spot"] - 1) * scenario["dampening"]) for scenario in parameters["scenarios"]]
    return [*gains, Decimal(0)]


def _expiry_gains(num: NumberSystem, options: Sequence[Exposure], parameters: Parameters) -> Sequence[Number]:
    """What an expiry gains by scenario: its value there under the static discount, against its value now.

    A skew may turn either way, so that what would be gained counts as lost.
    """
    held = [(exposure.quantity, exposure.prepared) for exposure in options]
    (above, below), basis = held[0][1].discounts, held[0][1].basis
    now = num.total(quantity * values.now for quantity, values in held)
    gains: list[Number] = []
    for index, scenario in enumerate(parameters["scenarios"]):
        shocked = num.total(quantity * values.scenarios[index] for quantity, values in held)
        discounted = num.maximum(shocked, 0) * above + num.minimum(shocked, 0) * below
        gain = (discounted - now) * scenario["dampening"]
        gains.append(-num.absolute(gain) if scenario["volatility"] in SKEWS else gain)
    moved = [num.total(quantity * values.moved[side] for quantity, values in held) - now for side in (0, 1)]
    return [*gains, num.minimum(*moved, 0) * basis]


def _naked(num: NumberSystem, options: Sequence[Exposure]) -> Number:
    """The notional of short options that no long option of the same strike covers, be it a call or a put."""
    strikes: dict[Decimal, list[Number]] = {}
    for exposure, notional in zip(options, _notionals(num, options), strict=True):
        strikes.setdefault(exposure.market.term("strike"), []).append(notional)
    return num.total(num.maximum(-num.total(notionals), 0) for notionals in strikes.values())


def _notionals(num: NumberSystem, exposures: Sequence[Exposure]) -> Sequence[Number]:
    """The quantity of each position in units of the underlying, at the spot price; signed."""
    return [exposure.quantity * (exposure.market.contract_size * exposure.market.index()) for exposure in exposures]


def _confidence(exposure: Exposure) -> Decimal:
    return confidence_of(exposure.market)


def _doubt(num: NumberSystem, confidence: Number, parameters: Parameters) -> Number:
    """The rate that is charged where confidence lies below the threshold (`_getConfidenceContingency`)."""
    rules = parameters["confidence"]
    return num.step(confidence - rules["threshold"], AROUND_ZERO, ((1 - confidence) * rules["multiply"], 0))
