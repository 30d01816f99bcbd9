"""How PMRM_2 shocks one option: its forward, its volatility, the skew, and the discounts on what an expiry is worth.

Source: github.com/derivexyz/v2-core, `src/risk-managers/PMRMLib_2.sol`, the functions named below.
"""

from __future__ import annotations

from typing import NamedTuple

from rules_engine_portfolio_margin import black76
from rules_engine_portfolio_margin.black76 import PLACES, SIGNS, Option
from rules_engine_portfolio_margin.worst import AROUND_ZERO

from rules_engine.plugin import InstrumentView, Number, NumberSystem, Parameters
from rules_engine_derive_margin.parameters import DOWN, LINEAR_SKEW, REFERENCE_DAYS, SECONDS_OF_DAY, SKEWS, UP


class Listed(NamedTuple):
    """An option in its market: at the present spot, with the part of its forward that no longer moves with the spot.

    `swings` are what a volatility shock up and down multiplies volatility by. `rate` is the interest rate, not below 0.
    """

    option: Option
    settled: Number
    swings: tuple[Number, Number]
    years: Number
    rate: Number


def listed(num: NumberSystem, market: InstrumentView, seconds: Number, parameters: Parameters) -> Listed:
    """An option `seconds` before its expiry (`_initialiseExpiries`). Raises `MissingInput`.

    Within the settlement window the part of the forward that has passed is settled: as the measure `settled_forward`
    says, or in proportion to the time.
    """
    years = black76.years_of(num, seconds)
    rate = num.maximum(market.measure("interest_rate"), 0)
    forward = market.measure("forward")
    passed = num.quotient(num.maximum(parameters["settlement_window"] - seconds, 0), parameters["settlement_window"])
    option = Option(
        sign=SIGNS[market.payoff],
        strike=market.term("strike"),
        forward=forward,
        volatility=market.measure("implied_volatility"),
        root_years=black76.root(num, years),
        discount=num.exponential(-rate * years),
    )
    return Listed(
        option=option,
        settled=market.measures.get("settled_forward", num.rounded(forward * passed, PLACES, "half_up")),
        swings=_swings(num, seconds, parameters["volatility_shock"]),
        years=years,
        rate=rate,
    )


def _swings(num: NumberSystem, seconds: Number, shock: Parameters) -> tuple[Number, Number]:
    """What shocks up and down multiply volatility by: the closer the expiry, the more (`_addVolShocks`)."""
    reference = REFERENCE_DAYS * SECONDS_OF_DAY
    scale = num.quotient(reference, num.maximum(seconds, shock["floor_days"] * SECONDS_OF_DAY))
    powers = (shock["long_term_power"], shock["short_term_power"])
    power = num.step(reference - seconds, AROUND_ZERO, powers)
    multiplied = num.exponential(power * num.logarithm(scale))
    return 1 + shock["range_up"] * multiplied, num.maximum(1 - shock["range_down"] * multiplied, 0)


def value_in(num: NumberSystem, one: Listed, spot: Number, volatility: str, parameters: Parameters) -> Number:
    """What one unit is worth with the spot multiplied and the volatility shocked.

    `_getExpiryShockedMTM`, and `_getExpirySkewedShockedMTM` for skews.
    """
    option = one.option
    if volatility in SKEWS:
        return black76.value(num, _skewed(num, option, volatility == LINEAR_SKEW, parameters["skew_shock"]))
    forward = (option.forward - one.settled) * spot + one.settled
    up, down = one.swings
    if volatility == UP:
        shocked = num.maximum(option.volatility * up, parameters["volatility_shock"]["floor"])
    else:
        shocked = option.volatility * (down if volatility == DOWN else 1)
    return black76.value(num, option._replace(forward=forward, volatility=shocked))


def _skewed(num: NumberSystem, option: Option, linear: bool, shock: Parameters) -> Option:
    """The option under a smile that is turned (linear) or bent up (absolute), more the farther its strike is out."""
    kind = "linear" if linear else "absolute"
    cap = shock[f"{kind}_cap"] + shock[f"{kind}_cap_slope"] * option.root_years
    width = (
        option.root_years * shock["width_scale"] * (shock["volatility"] + option.root_years * shock["volatility_slope"])
    )
    out = num.logarithm(num.quotient(option.strike, option.forward))
    out = out if linear else num.absolute(out)
    turned = num.rounded(num.quotient(out * cap, num.maximum(width, shock["least_width"])), PLACES, "half_up")
    bounded = (num.maximum(turned, -cap), num.minimum(turned, cap))
    factor = num.maximum(1 + num.step(out, AROUND_ZERO, bounded), 0)
    return option._replace(volatility=option.volatility * factor)


def static_discounts(num: NumberSystem, one: Listed, discount: Parameters) -> tuple[Number, Number]:
    """What an expiry's value is multiplied by in scenarios where it is above zero, and below (`_addStaticDiscount`)."""
    above, below = (
        discount[f"{side}_rate_add"] + discount[f"{side}_rate_multiply"] * one.rate for side in ("long", "short")
    )
    undiscounted = num.exponential(one.rate * one.years)
    return (
        discount["long"] * num.exponential(-above * one.years),
        num.minimum(discount["short"] * num.exponential(below * one.years), undiscounted),
    )
