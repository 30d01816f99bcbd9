"""The margin mode `portfolio`: scanning risk by underlying, less spread credits, at least the short option minimum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from rules_engine.plugin import (
    COLLATERAL,
    SIZE,
    Backing,
    Exposure,
    InstrumentView,
    MissingInput,
    Number,
    NumberSystem,
    Parameters,
    ParameterSchema,
    PoolExposure,
    PoolLabel,
    PoolRequirement,
    PositionLabels,
    Requirement,
)
from rules_engine_portfolio_margin.black76 import SIGNS
from rules_engine_portfolio_margin.credits import Spreadable, spread_credits
from rules_engine_portfolio_margin.risk_array import RiskArray, risk_array, span_grid
from rules_engine_portfolio_margin.worst import Worst, choice, worst

SCAN: Final[Mapping[str, Mapping[str, Any]]] = {
    "price_scan_range": {"type": "number", "above": 0},
    "volatility_scan_range": {"type": "number", "min": 0},
    "extreme_multiplier": {"type": "number", "min": 1},
    "covered_fraction": {"type": "number", "min": 0, "max": 1},
    "interest_rate": {"type": "number"},
    "forward_measure": {"type": "string", "empty": False},
    "short_option_minimum": {"type": "number", "min": 0, "meta": {"unit": "currency/contract"}},
}
"""The parameters that the section `underlyings` may state for one underlying."""

DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "price_scan_range": {"required": True},
    "volatility_scan_range": {"required": True},
    "extreme_multiplier": {"default": Decimal(3)},
    "covered_fraction": {"default": Decimal("0.32")},
    "short_option_minimum": {"default": Decimal(0)},
}
"""What holds of them for all underlyings.

The extreme move of 3 ranges, of which 32 % count, is Takasbank's (PC-SPAN file, points 15 and 16).
"""


def opposed(field: str, legs: Mapping[str, Any], error: Callable[[str, str], None]) -> None:
    """Says what is wrong with the legs of a spread that are all on one side: two longs offset nothing."""
    weights = [weight for weight in legs.values() if isinstance(weight, Decimal)]
    if len(weights) == len(legs) and len({weight > 0 for weight in weights}) < 2:
        error(field, "wanted legs on both sides, some weights above 0 and some below")


class Commodity(NamedTuple):
    """The positions in one underlying: their gains by scenario, the worst of those, and their short options."""

    gains: Mapping[str, Sequence[Number]]
    worst: Worst
    delta: Number
    minimums: Mapping[str, Number]


class Portfolio:
    """One pool for all positions, backed by the account's collateral, margined as a portfolio by underlying."""

    name = "portfolio"
    keeps = frozenset({SIZE, COLLATERAL})
    tolerance = Decimal("1e-20")
    measures: Mapping[str, str] = {"implied_volatility": "1", "interest_rate": "1"}
    parameters: ParameterSchema = {
        **{name: {**rules, **DEFAULTS.get(name, {})} for name, rules in SCAN.items()},
        "underlyings": {"type": "dict", "valuesrules": {"type": "dict", "schema": SCAN}, "default": {}},
        "initial_multiplier": {"type": "number", "min": 1, "default": Decimal(1)},
        "spread_credits": {
            "type": "list",
            "default": [],
            "schema": {
                "type": "dict",
                "schema": {
                    "legs": {
                        "type": "dict",
                        "required": True,
                        "minlength": 2,
                        "check_with": opposed,
                        "valuesrules": {"type": "number", "forbidden": [Decimal(0)]},
                    },
                    "rate": {"type": "number", "required": True, "min": 0, "max": 1},
                },
            },
        },
    }

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def prepare(self, num: NumberSystem, market: InstrumentView, as_of: datetime, parameters: Parameters) -> RiskArray:
        """The risk array of one contract."""
        scan = scan_of(parameters, underlying_of(market))
        return risk_array(num, market, as_of, span_grid(num, scan), scan)

    def pool_requirement(self, num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> PoolRequirement:
        """Scanning risk less credits, at least the short option minimum, summed over the underlyings."""
        commodities = {
            name: commodity(num, exposures, scan_of(parameters, name))
            for name, exposures in by_underlying(pool.positions).items()
        }
        spreadable = {
            name: Spreadable(one.worst.loss, one.delta, scan_of(parameters, name)["price_scan_range"])
            for name, one in commodities.items()
        }
        credits = spread_credits(num, spreadable, parameters["spread_credits"])
        shares: dict[str, Number] = {}
        figures: dict[str, Number] = {}
        for name, one in commodities.items():
            shares |= attributed(num, one, credits[name])
            figures |= {f"{name}.{figure}": number for figure, number in reported(num, one, credits[name]).items()}
        gains = {id: one.gains[id] for one in commodities.values() for id in one.gains}
        multiplier = parameters["initial_multiplier"]
        maintenance = num.total(required(num, one, credits[name]) for name, one in commodities.items())
        return PoolRequirement(
            initial=num.named("initial margin", maintenance * multiplier),
            maintenance=num.named("maintenance margin", maintenance),
            attribution={
                exposure.id: Requirement(
                    initial=shares[exposure.id] * multiplier,
                    maintenance=shares[exposure.id],
                    figures=numbered(gains[exposure.id]),
                )
                for exposure in pool.positions
            },
            figures=figures,
        )


def scan_of(parameters: Parameters, underlying: str) -> Parameters:
    """The parameters that hold for an underlying."""
    own: Mapping[str, Any] = parameters["underlyings"].get(underlying, {})
    return {**parameters, **own}


def underlying_of(market: InstrumentView) -> str:
    """The underlying of an instrument, which is what nets."""
    if market.underlying is None:
        raise MissingInput("REFERENCE_MISSING", f"neither the policy nor the market states underlying of {market.name}")
    return market.underlying


def by_underlying(positions: Sequence[Exposure]) -> Mapping[str, Sequence[Exposure]]:
    """Positions by their underlying, in the account's order."""
    found: dict[str, list[Exposure]] = {}
    for exposure in positions:
        found.setdefault(underlying_of(exposure.market), []).append(exposure)
    return found


def commodity(num: NumberSystem, exposures: Sequence[Exposure], scan: Parameters) -> Commodity:
    """Positions in one underlying, scanned together."""
    arrays: Mapping[str, RiskArray] = {exposure.id: exposure.prepared for exposure in exposures}
    held = {exposure.id: arrays[exposure.id].held(exposure) for exposure in exposures}
    gains = {id: [held[id] * gain for gain in array.gains] for id, array in arrays.items()}
    return Commodity(
        gains=gains,
        worst=worst(num, gains),
        delta=num.total(held[id] * array.delta for id, array in arrays.items()),
        minimums={exposure.id: _minimum(num, exposure, scan) for exposure in exposures},
    )


def _minimum(num: NumberSystem, exposure: Exposure, scan: Parameters) -> Number:
    """The short option minimum of a position."""
    if exposure.market.payoff not in SIGNS:
        return num.constant(0)
    return num.maximum(-exposure.quantity, 0) * scan["short_option_minimum"]


def required(num: NumberSystem, one: Commodity, credit: Number) -> Number:
    """What an underlying requires: scanning risk less credit, at least the short option minimum."""
    return num.maximum(one.worst.loss - credit, num.total(one.minimums.values()))


def attributed(num: NumberSystem, one: Commodity, credit: Number) -> Mapping[str, Number]:
    """What each position accounts for; together what the underlying requires.

    Where the minimum is larger, each position its own. Otherwise what it loses in the worst scenario, less the credit,
    which is shared equally.
    """
    floor = num.total(one.minimums.values())
    floored, scanned = choice(num, one.worst.loss - credit - floor)
    part = num.quotient(credit, len(one.gains))
    return {id: scanned * (lost - part) + floored * one.minimums[id] for id, lost in one.worst.shares.items()}


def reported(num: NumberSystem, one: Commodity, credit: Number) -> Mapping[str, Number]:
    """The figures of one underlying."""
    totals = [num.total(column) for column in zip(*one.gains.values(), strict=True)]
    return {
        **numbered(totals),
        "scanning_risk": one.worst.loss,
        "worst_scenario": one.worst.scenario,
        "spread_credit": credit,
        "short_option_minimum": num.total(one.minimums.values()),
    }


def numbered(gains: Sequence[Number]) -> Mapping[str, Number]:
    """Gains by scenario as figures `scenario_1` and so on."""
    return {f"scenario_{index}": gain for index, gain in enumerate(gains, 1)}
