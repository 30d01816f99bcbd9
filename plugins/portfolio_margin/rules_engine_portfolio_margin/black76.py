"""The value of European options by Black-76, to 30 places, with no binary floats.

Source: Fischer Black, The pricing of commodity contracts, Journal of Financial Economics 3 (1976), equation 16.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from rules_engine.plugin import Number, NumberSystem

SECONDS_OF_YEAR: Final = Decimal(365 * 24 * 60 * 60)
"""A year of 365 days, as venues of crypto options count it (Deribit, Derive's `Black76.sol`)."""

SIGNS: Final[Mapping[str, int]] = {"call": 1, "put": -1}
"""Options by the names of their payoffs: 1 for the right to buy, -1 for the right to sell."""

PLACES: Final = Decimal("1e-32")
"""To which values on the way are rounded: finer than the 1e-30 to which the transcendental verbs hold."""

_SMALLEST: Final = Decimal("1e-18")
"""The least volatility over the time left, so that an option that ends now is worth what it pays (`Black76.sol`)."""

_LEAST_FORWARD: Final = Decimal("1e-18")
"""The least forward price that a logarithm is taken of, so that at 0 a put is worth its strike (`Black76.sol`)."""

_HALF: Final = Decimal("0.5")


class Option(NamedTuple):
    """One unit of an option: 1 for a call or -1 for a put, its strike, the forward price, and the discount factor.

    `volatility` is the yearly one, and `root_years` the root of the time left in years.
    """

    sign: int
    strike: Number
    forward: Number
    volatility: Number
    root_years: Number
    discount: Number


def years_of(num: NumberSystem, seconds: Number) -> Number:
    """Seconds, not below 0, in years."""
    return num.rounded(num.quotient(num.maximum(seconds, 0), SECONDS_OF_YEAR), PLACES, "half_up")


def root(num: NumberSystem, x: Number) -> Number:
    """The square root of x."""
    return num.square_root(x, PLACES, "half_up")


def value(num: NumberSystem, option: Option) -> Number:
    """What one unit is worth now.

    A call `discount * (F * N(d1) - K * N(d2))`, a put `discount * (K * N(-d2) - F * N(-d1))`, with
    `d1 = ln(F / K) / s + s / 2` and `d2 = d1 - s`, s the volatility over the time left.
    """
    first, second = _deviations(num, option)
    paid = option.forward * num.normal(option.sign * first) - option.strike * num.normal(option.sign * second)
    return num.rounded(option.discount * option.sign * paid, PLACES, "half_up")


def delta(num: NumberSystem, option: Option) -> Number:
    """What one unit gains per rise of the forward by all of itself: for a call `discount * F * N(d1)`."""
    first, _ = _deviations(num, option)
    return num.rounded(
        option.discount * option.sign * option.forward * num.normal(option.sign * first), PLACES, "half_up"
    )


def _deviations(num: NumberSystem, option: Option) -> tuple[Number, Number]:
    """d1 and d2."""
    spread = num.maximum(num.rounded(option.volatility * option.root_years, PLACES, "half_up"), _SMALLEST)
    moneyness = num.logarithm(num.quotient(num.maximum(option.forward, _LEAST_FORWARD), option.strike))
    first = num.rounded(num.quotient(moneyness, spread) + spread * _HALF, PLACES, "half_up")
    return first, first - spread
