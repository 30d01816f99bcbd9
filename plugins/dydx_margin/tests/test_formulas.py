"""The edges of the formulas: where they clamp, and which way they round. Worked by hand unless a source is named."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from rules_engine_dydx_margin import formulas
from rules_engine_dydx_margin.formulas import LiquidityTier

from rules_engine.numbers.exact import EXACT, Ratio, exactly

ONE = Decimal(1)


@pytest.fixture(autouse=True)
def _exact_arithmetic() -> Iterator[None]:
    with exactly():
        yield


def _fraction(open_interest: str, lower: str, upper: str, base: str = "200000") -> Decimal:
    tier = LiquidityTier(
        initial_margin_ppm=Decimal(base),
        maintenance_fraction_ppm=Decimal(500000),
        open_interest_lower_cap=Decimal(lower),
        open_interest_upper_cap=Decimal(upper),
    )
    return Decimal(formulas.open_interest_fraction(EXACT, tier, Decimal(open_interest), ONE))


@pytest.mark.parametrize(
    ("open_interest", "fraction"),
    [("0", 200000), ("1000001", 200000), ("1234567", 387653), ("2000000", 1000000), ("2500000", 1000000)],
)
def test_open_interest_fraction__between_its_caps(open_interest: str, fraction: int) -> None:
    """0.2 + 0.8 * 0.234567 is 0.3876536, cut to 387653; the third and the last two are of `liquidity_tier_test.go`."""
    assert _fraction(open_interest, "1000000", "2000000") == fraction


@pytest.mark.parametrize(("open_interest", "fraction"), [("999", 200000), ("1000", 200000), ("1001", 1000000)])
def test_open_interest_fraction__caps_that_meet(open_interest: str, fraction: int) -> None:
    """At the lower cap the tier's own still holds; a quantum above, the upper cap has been passed."""
    assert _fraction(open_interest, "1000", "1000") == fraction


def test_open_interest_fraction__counts_whole_quantums() -> None:
    """Open interest of 1000.999 quantums is 1000."""
    assert _fraction("1000.999", "1000", "1000") == 200000


@pytest.mark.parametrize(("leverage", "fraction"), [("5", 200000), ("3", 333334), ("1", 1000000), ("0.5", 2000000)])
def test_chosen_fraction__rounds_up(leverage: str, fraction: int) -> None:
    """A third is 333333.3 ppm, of which the chain stores whole ones; up is the stricter."""
    assert formulas.chosen_fraction(EXACT, Decimal(leverage)) == fraction


@pytest.mark.parametrize(("quantity", "notional"), [("3", "0.999999"), ("-3", "-0.999999"), ("0", "0")])
def test_net_notional__is_cut_towards_zero(quantity: str, notional: str) -> None:
    """Three coins at 0.3333333 are 0.9999999 dollars, either way."""
    found = formulas.net_notional(EXACT, Decimal(quantity), Decimal("0.3333333"), Decimal("0.000001"))
    assert found == Decimal(notional)


def test_maintenance_margin__rounds_twice() -> None:
    """40 % of 6 quantums is 2.4, up to 3, of which 40 % is 1.2, up to 2; at once, 16 % of 6 would be 0.96, up to 1."""
    tier = LiquidityTier(initial_margin_ppm=Decimal(400000), maintenance_fraction_ppm=Decimal(400000))
    assert formulas.maintenance_margin(EXACT, Decimal(6), tier, ONE) == 2


@pytest.mark.parametrize(
    ("net_collateral", "rating"), [("150", "0"), ("100", "0"), ("75", "0.5"), ("0", "1"), ("-5", "1")]
)
def test_bankruptcy_rating__is_clamped(net_collateral: str, rating: str) -> None:
    """With an adjustment of 2, half of it is reached a quarter below maintenance, all of it at the half."""
    found = formulas.bankruptcy_rating(EXACT, Decimal(net_collateral), Decimal(100), Decimal(2_000_000))
    assert found == Decimal(rating)


def test_fillable_price__of_a_short_lies_above_the_mark() -> None:
    """A short of 2 at 100 with maintenance 30, half the rating and a spread of 10 %: (-200 - 1.5) / -2."""
    found = formulas.fillable_price(EXACT, Decimal(-200), Decimal(-2), Decimal(30), Decimal("0.5"), Decimal(100_000))
    assert found == Decimal("100.75")


@pytest.mark.parametrize(("net_collateral", "quote"), [("10", "97"), ("-10", "104")])
def test_bankruptcy_quote__rounds_up(net_collateral: str, quote: str) -> None:
    """A third of 10 is cut to 3, of -10 to -4: closing at what is asked never costs the insurance fund."""
    found = formulas.bankruptcy_quote(EXACT, Decimal(-100), Decimal(-1), Decimal(net_collateral), Decimal(3), ONE)
    assert found == Decimal(quote)


@pytest.mark.parametrize(
    ("notional", "least", "most"),
    [("999", "100", "499"), ("999", "600", "600"), ("50", "100", "50"), ("0", "100", "0")],
)
def test_liquidated_notional__between_the_limits(notional: str, least: str, most: str) -> None:
    """Half of 999 is cut to 499; the least wins where it is more; neither is more than there is."""
    found = formulas.most_liquidated(EXACT, Decimal(notional), Decimal(least), Decimal(500_000), ONE)
    assert found == Decimal(most)
    assert formulas.least_liquidated(EXACT, Decimal(notional), Decimal(least)) == min(Decimal(least), Decimal(notional))


@pytest.mark.parametrize(("most", "quantity"), [("100", "0.3"), ("5", "0.1"), ("1000", "0.75")])
def test_liquidated_quantity__whole_steps(most: str, quantity: str) -> None:
    """A hundred at 300 is a third of a coin, 0.3 in steps of 0.1; at least a step, at most the position."""
    found = formulas.liquidated_quantity(EXACT, Decimal(most), Decimal(300), Decimal("0.1"), Decimal("0.75"))
    assert found == Decimal(quantity)


def test_order_price__lies_on_a_tick() -> None:
    """A third of a hundred: up for who sells a long, down for who buys a short, and never below one tick."""
    third, tick = Ratio(Decimal(100), Decimal(3)), Decimal("0.01")
    assert formulas.order_price(EXACT, third, tick, "up") == Decimal("33.34")
    assert formulas.order_price(EXACT, third, tick, "down") == Decimal("33.33")
    assert formulas.order_price(EXACT, Decimal("0.001"), tick, "down") == tick
