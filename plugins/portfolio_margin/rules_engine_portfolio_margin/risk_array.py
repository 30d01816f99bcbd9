"""What one contract gains in each scenario: the risk array, worked out once per contract and market.

Source: CME Group, CME SPAN Methodology Overview: 16 scenarios, the last two of which are extreme and count in part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from rules_engine.plugin import Exposure, InstrumentView, MissingInput, Number, NumberSystem, Parameters
from rules_engine_portfolio_margin import black76
from rules_engine_portfolio_margin.black76 import PLACES, SIGNS, Option

_THIRDS: Final = (0, 1, -1, 2, -2, 3, -3)
"""Moves of the price in thirds of its scan range, in the order of SPAN's scenarios 1 to 14, two of each."""

_LEAST_PRICE: Final = Decimal("1e-6")
"""What a price keeps of itself however far a scenario lets it fall: no logarithm is taken of less."""


class Scenario(NamedTuple):
    """What prices and volatilities are multiplied by, and the part of the gain or loss that counts."""

    price: Number
    volatility: Number
    part: Number


class RiskArray(NamedTuple):
    """What one contract gains by scenario, and, as `delta`, per rise of the price by all of itself.

    For options in the settlement currency; for others, `of_value`, in fractions of the contract's value at the mark.
    """

    gains: Sequence[Number]
    delta: Number
    of_value: bool

    def held(self, exposure: Exposure) -> Number:
        """What the array is to be multiplied by for a position."""
        return exposure.quantity * exposure.value if self.of_value else exposure.quantity


def span_grid(num: NumberSystem, scan: Parameters) -> Sequence[Scenario]:
    """SPAN's 16 scenarios: 7 prices with volatility up and down, and two extreme moves at unchanged volatility."""
    swings = [num.maximum(1 + swing * scan["volatility_scan_range"], 0) for swing in (1, -1)]
    moves = [num.quotient(third * scan["price_scan_range"], 3) for third in _THIRDS]
    extreme = scan["extreme_multiplier"] * scan["price_scan_range"]
    return [
        *(Scenario(_factor(num, move), swing, 1) for move in moves for swing in swings),
        *(Scenario(_factor(num, move), 1, scan["covered_fraction"]) for move in (extreme, -extreme)),
    ]


def _factor(num: NumberSystem, move: Number) -> Number:
    return num.maximum(num.rounded(1 + move, PLACES, "half_up"), _LEAST_PRICE)


def risk_array(
    num: NumberSystem, market: InstrumentView, as_of: datetime, grid: Sequence[Scenario], scan: Parameters
) -> RiskArray:
    """The array of one contract. Raises `MissingInput` where its gains cannot be told from what the market says."""
    if market.payoff in SIGNS:
        return option_array(num, option_of(num, market, as_of, scan), market.contract_size, grid)
    if market.payoff not in _RETURNS:
        raise MissingInput("REFERENCE_MISSING", f"nothing is known of how {market.name} ({market.payoff}) moves")
    gain = _RETURNS[market.payoff]
    gains = [num.rounded(one.part * gain(num, one.price), PLACES, "half_up") for one in grid]
    return RiskArray(gains, _SLOPES[market.payoff], of_value=True)


def option_array(num: NumberSystem, option: Option, contract_size: Number, grid: Sequence[Scenario]) -> RiskArray:
    """The array of an option: valued anew in each scenario, against its value by the same formula now."""
    now = black76.value(num, option)
    gains = [contract_size * one.part * (black76.value(num, shocked(option, one)) - now) for one in grid]
    return RiskArray(gains, contract_size * black76.delta(num, option), of_value=False)


def shocked(option: Option, scenario: Scenario) -> Option:
    """The option in a scenario."""
    return option._replace(forward=option.forward * scenario.price, volatility=option.volatility * scenario.volatility)


def option_of(num: NumberSystem, market: InstrumentView, as_of: datetime, scan: Parameters) -> Option:
    """One unit of an option in its market.

    The forward is `spot * e ** (rate * years)`, or the measure that the parameter `forward_measure` names. The rate is
    the measure `interest_rate`; where the market states none, the parameter of that name.
    """
    rate = market.measures.get("interest_rate", scan.get("interest_rate"))
    years = black76.years_of(num, market.seconds_to_expiry(as_of))
    growth = (market.measure("interest_rate") if rate is None else rate) * years
    named = scan.get("forward_measure")
    forward = market.index() * num.exponential(growth) if named is None else market.measure(named)
    return Option(
        sign=SIGNS[market.payoff],
        strike=market.term("strike"),
        forward=forward,
        volatility=market.measure("implied_volatility"),
        root_years=black76.root(num, years),
        discount=num.exponential(-growth),
    )


def _linear(num: NumberSystem, price: Number) -> Number:
    """The return of a contract whose value follows its price."""
    return price - 1


def _inverse(num: NumberSystem, price: Number) -> Number:
    """The return of a contract worth `-size / price`, of its (negative) value."""
    return num.quotient(1, price) - 1


_RETURNS: Final[Mapping[str, Callable[[NumberSystem, Number], Number]]] = {
    "linear": _linear,
    "quanto": _linear,
    "inverse": _inverse,
}
_SLOPES: Final[Mapping[str, int]] = {"linear": 1, "quanto": 1, "inverse": -1}
