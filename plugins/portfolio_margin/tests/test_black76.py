"""Option values against books, and against what must hold of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from rules_engine_portfolio_margin import black76
from rules_engine_portfolio_margin.black76 import Option

from rules_engine.numbers.exact import EXACT, exactly


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    with exactly():
        yield


def option(sign: int, strike: str, forward: str, volatility: str, seconds: int | Decimal, rate: str = "0") -> Option:
    """An option by its inputs."""
    years = black76.years_of(EXACT, Decimal(seconds))
    return Option(
        sign=sign,
        strike=Decimal(strike),
        forward=Decimal(forward),
        volatility=Decimal(volatility),
        root_years=black76.root(EXACT, years),
        discount=EXACT.exponential(-Decimal(rate) * years),
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_value__is_that_of_a_book(sign: int) -> None:
    """Haug, The Complete Guide to Option Pricing Formulas, 2nd edition, chapter 1, options on futures.

    F = X = 19, 9 months, 28 %, r = 10 %: both are worth 1.7011.
    """
    nine_months = Decimal("0.75") * black76.SECONDS_OF_YEAR
    found = black76.value(EXACT, option(sign, "19", "19", "0.28", nine_months, "0.1"))
    assert EXACT.rounded(found, Decimal("0.0001"), "half_up") == Decimal("1.7011")


def test_value__of_a_put_on_crude_oil() -> None:
    """Hull, Options, Futures, and Other Derivatives, 9th edition, chapter 18, Black's model.

    F = K = 20, 4 months, 25 %, r = 9 %: it is worth 1.12.
    """
    four_months = EXACT.rounded(EXACT.quotient(black76.SECONDS_OF_YEAR, 3), Decimal(1), "half_up")
    found = black76.value(EXACT, option(-1, "20", "20", "0.25", four_months, "0.09"))
    assert EXACT.rounded(found, Decimal("0.01"), "half_up") == Decimal("1.12")


def test_value__keeps_the_parity_of_calls_and_puts() -> None:
    """A call less a put is worth the discounted forward less the discounted strike, to 30 places."""
    inputs = ("80", "100", "0.6", 10_000_000, "0.05")
    call, put = option(1, *inputs), option(-1, *inputs)
    difference = black76.value(EXACT, call) - black76.value(EXACT, put)
    assert abs(difference - call.discount * (call.forward - call.strike)) < Decimal("1e-28")


@pytest.mark.parametrize(("sign", "strike", "pays"), [(1, "90", 10), (1, "110", 0), (-1, "90", 0), (-1, "110", 10)])
def test_value__at_expiry_is_what_the_option_pays(sign: int, strike: str, pays: int) -> None:
    """With no time left nothing is divided by zero."""
    assert black76.value(EXACT, option(sign, strike, "100", "0.5", 0)) == pays


def test_value__before_its_expiry_only() -> None:
    """An option past its expiry is valued as at it."""
    assert black76.value(EXACT, option(1, "90", "100", "0.5", -5)) == 10


@pytest.mark.parametrize("sign", [1, -1])
def test_delta__is_the_slope_of_the_value(sign: int) -> None:
    """Against the central difference over a millionth of the forward, whose own error is of the order of its square."""
    one, bump = option(sign, "95", "100", "0.4", 8_000_000, "0.03"), Decimal("1e-6")
    up, down = (black76.value(EXACT, one._replace(forward=one.forward * (1 + side * bump))) for side in (1, -1))
    slope = EXACT.quotient(up - down, 2 * bump)
    assert abs(slope - black76.delta(EXACT, one)) < Decimal("1e-8")


@pytest.mark.parametrize(("sign", "worth"), [(1, 0), (-1, 90)])
def test_value__of_an_underlying_that_is_worth_nothing(sign: int, worth: int) -> None:
    """A call is worth nothing then, and a put its strike; no logarithm of 0 is taken."""
    assert abs(black76.value(EXACT, option(sign, "90", "0", "0.5", 8_000_000)) - worth) < Decimal("1e-28")
