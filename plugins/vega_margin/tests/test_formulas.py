"""The formulas alone: against Vega's algorithms written out in fractions, worked figures, and every number system."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rules_engine_vega_margin.formulas import (
    Held,
    Market,
    Resting,
    Scaling,
    liquidation_price,
    maintenance_margin,
    margin_levels,
    order_margin,
    position_margin,
    side_order_margin,
)
from rules_engine_vega_margin.transfers import MarginAccount, Trade, transfer_on_position_change

from rules_engine.numbers.exact import EXACT, Ratio, exactly
from rules_engine.numbers.functions import NotLinear
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.traced import TracedNumbers

D = Decimal
ZERO = D(0)
UNIT = D(1)
FACTORS = (D("0.1"), D("0.11"))
NUMBERS = PiecewiseNumbers((ZERO, 1), None)

sizes = st.integers(1, 30).map(D)
prices = st.integers(1, 60).map(D)
positions = st.integers(-60, 60).map(D)
books = st.lists(st.tuples(sizes, prices), max_size=6)


def resting(buys: Sequence[tuple[Decimal, Decimal]], sells: Sequence[tuple[Decimal, Decimal]] = ()) -> list[Resting]:
    """Orders of both sides."""
    return [*(Resting(size, price) for size, price in buys), *(Resting(-size, price) for size, price in sells)]


def side_by_sorting(
    side: int, position: Decimal, book: Sequence[tuple[Decimal, Decimal]], auction: Decimal | None
) -> Fraction:
    """Vega's own loop (`calcOrderSideMargin`): best to worst, the first |position| of opposite volume is free."""
    covered = max(-side * position, ZERO)
    notional = Fraction(0)
    for size, price in sorted(book, key=lambda order: -side * order[1]):
        free = min(covered, size)
        covered -= free
        notional += (Fraction(size) - Fraction(free)) * Fraction(max(price, auction or ZERO))
    return notional


@given(positions, books, books, st.none() | prices)
def test_side_order_margin__is_what_sorting_leaves(
    position: Decimal, buys: Any, sells: Any, auction: Decimal | None
) -> None:
    """The largest of lines says without a comparison what Vega's sorted loop says, on either side."""
    held = Held(position, D(40), resting(buys, sells))
    with exactly():
        for side, book in ((1, buys), (-1, sells)):
            assert side_order_margin(EXACT, D(side), held, D(1), auction) == side_by_sorting(
                side, position, book, auction
            )


def maintenance_by_branches(
    volume: Fraction, buy: Fraction, sell: Fraction, mark: Fraction, factors: tuple[Fraction, Fraction]
) -> Fraction:
    """`computeMaintenanceMargin` as it is written, for linear slippage 0.25 and quadratic 0.01."""
    long = short = Fraction(0)
    if volume + buy > 0:
        held = max(volume, Fraction(0))
        long = mark * (held / 4 + held * held / 100) + held * factors[0] * mark + buy * factors[0] * mark
    if volume - sell < 0:
        held = abs(min(volume, Fraction(0)))
        short = mark * (held / 4 + held * held / 100) + held * factors[1] * mark + sell * factors[1] * mark
    return max(long, short)


@given(positions, books, books, prices)
def test_maintenance__is_that_of_the_branches(position: Decimal, buys: Any, sells: Any, mark: Decimal) -> None:
    """Riskiest long and short of a market with position factor 10, without a branch."""
    size = D("0.1")
    market = Market(FACTORS, D("0.25"), D("0.01"), size)
    orders = [Resting(order.quantity, order.value * size) for order in resting(buys, sells)]
    with exactly():
        found = maintenance_margin(EXACT, Held(position, mark * size, orders), market)
    buy, sell = (sum((Fraction(order[0]) for order in book), Fraction(0)) / 10 for book in (buys, sells))
    factors = (Fraction(1, 10), Fraction(11, 100))
    assert found == maintenance_by_branches(Fraction(position) / 10, buy, sell, Fraction(mark), factors)


@pytest.mark.parametrize(("sold", "expected"), [("6", "60"), ("7", "77")])
def test_maintenance__counts_reducing_orders_only_once_they_reverse(sold: str, expected: str) -> None:
    """6 long at 100 take 6 * 10 = 60. Sells of 6 reverse nothing; sells of 7 count in full, 7 * 11 = 77."""
    with exactly():
        found = maintenance_margin(EXACT, Held(D(6), D(100), [Resting(-D(sold), D(100))]), Market(FACTORS))
    assert found == D(expected)


@pytest.mark.parametrize(("auction_price", "expected"), [("0", "227.9"), ("144", "234.8"), ("150", "239.6")])
def test_maintenance__values_orders_of_an_auction(auction_price: str, expected: str) -> None:
    """9 long at 144, buys 3 at 141 and 5 at 132: 129.6 + 0.1 * max(1083, 8 * auction price), less funding of 90."""
    held = Held(D(9), D(144), resting([(D(3), D(141)), (D(5), D(132))]))
    funding = D(10)
    with exactly():
        market = Market(FACTORS, auction_value=D(auction_price), funding_per_unit=funding)
        found = maintenance_margin(EXACT, held, market)
    orders = {"0": D("108.3"), "144": D("115.2"), "150": D(120)}[auction_price]
    assert found == D("129.6") + orders + 90
    assert found - 100 == D(expected)


@pytest.mark.parametrize(
    ("quantity", "funding", "expected"),
    [("1", "35", "5600"), ("-1", "35", "5565"), ("1", "-45", "5565"), ("-1", "-45", "5610")],
)
def test_maintenance__adds_the_funding_that_is_to_be_paid(quantity: str, funding: str, expected: str) -> None:
    """0019-MCAL-027 to 0019-MCAL-030 of the specification: 15900 * 0.35 and half of payments of 70 and -90."""
    market = Market((D("0.1"), D("0.1")), D("0.25"), funding_per_unit=D(funding))
    with exactly():
        assert maintenance_margin(EXACT, Held(D(quantity), D(15900)), market) == D(expected)


def test_levels__cut_a_scaling_factor_after_five_decimals() -> None:
    """1000000 at 1.1000099 is 1100000, not 1100009: Vega holds factors as whole multiples of 0.00001."""
    with exactly():
        found = margin_levels(EXACT, D("999999.5"), Scaling(D("1.1000099"), D("1.2"), D("1.4")), UNIT)
    assert found == (1000000, 1100000, 1200000, 1400000)


def test_order_margin__is_that_of_the_specification() -> None:
    """0019-MCAL-039: 3 short and 10 bought at 145000 with margin factor 0.9 take 145000 * 7 * 0.9 = 913500."""
    with exactly():
        assert order_margin(EXACT, Held(D(-3), D(15900), resting([(D(10), D(145000))])), D("0.9"), UNIT) == 913500


def test_position_margin__is_rounded_down() -> None:
    """15900 * 10 * 0.50001 = 79501.59; 0019-MCAL-070.feature has 79501."""
    with exactly():
        assert position_margin(EXACT, D(-10), D(15900), D("0.50001"), UNIT) == 79501


def transferred(side: int, trades: Sequence[tuple[int, int]], after: int, mark: int, balance: int) -> Any:
    """A transfer at margin factor 0.5 and position factor 10."""
    account = MarginAccount(D(balance), D("0.5"), D("0.1"))
    with exactly():
        return transfer_on_position_change(
            EXACT, D(side), [Trade(D(s), D(p)) for s, p in trades], D(after), D(mark), account
        )


@pytest.mark.parametrize(
    ("side", "trades", "after", "balance", "moved"),
    [
        (1, [(5, 12), (10, 10)], 15, 1000, 8),  # 0.5 * 160 / 10
        (-1, [(10, 10), (5, 12)], -15, 1000, 8),
        (-1, [(5, 12), (10, 10)], 5, 40, -27),  # (40 + 20 / 10 * (10 - 12)) * 15 / 20
        (1, [(5, 10), (10, 12)], -5, 40, -28),  # (40 + 20 / 10 * (11 - 12)) * 15 / 20 = 28.5
        (-1, [(15, 12)], 0, 40, -40),  # closed at the mark: all of it
        (-1, [(15, 11), (10, 12)], -5, 1000, -997),  # back comes 1000, 0.5 * 5 * 12 / 10 = 3 is taken
        (1, [(10, 12), (15, 11)], 5, 1000, -998),  # 0.5 * 5 * 11 / 10 = 2.75
        (-1, [(10, 12), (15, 11)], -5, 1, 1),
        (-1, [(10, 1)], 10, 10, 0),  # 10 - 20 / 10 * 11 is below 0: nothing is left to give back
    ],
)
def test_transfer__of_every_kind(side: int, trades: Any, after: int, balance: int, moved: int) -> None:
    """Growing, shrinking, closing, changing sides: `TestGetIsolatedMarginTransfersOnPositionChange...`, and by hand."""
    assert transferred(side, trades, after, 12, balance) == moved


@pytest.mark.parametrize("quantity", ["40", "-40"])
@pytest.mark.parametrize("factor", ["1", "1.7", "0.9"])
def test_liquidation_price__is_where_maintenance_eats_the_collateral(quantity: str, factor: str) -> None:
    """At the estimate, collateral after the loss is the maintenance margin there, exactly."""
    market = Market(FACTORS, D("0.05"), D("0.001"), funding_per_unit=D("-2"))
    with exactly():
        now = Held(D(quantity), D(110))
        collateral = maintenance_margin(EXACT, now, market) * D(factor)
        price = liquidation_price(EXACT, now, collateral, market)
        then = maintenance_margin(EXACT, Held(now.quantity, price), market)
        assert collateral + now.quantity * (price - now.value) == then


def test_liquidation_price__is_not_below_zero() -> None:
    """1 long at 10 with 100 of collateral: nothing liquidates it; Vega says 0."""
    with exactly():
        assert liquidation_price(EXACT, Held(D(1), D(10)), D(100), Market(FACTORS)) == 0


@given(positions, books, books, prices, st.none() | prices)
def test_formulas__agree_as_functions_of_the_mark(
    position: Decimal, buys: Any, sells: Any, mark: Decimal, auction: Decimal | None
) -> None:
    """Run with the mark unknown, maintenance is the function whose value at a mark is the figure there."""
    market = Market(FACTORS, D("0.05"), D("0.001"), auction_value=auction, funding_per_unit=D(1))
    orders = resting(buys, sells)
    with exactly():
        function = maintenance_margin(NUMBERS, Held(position, NUMBERS.unknown, orders), market)
        assert function.at(mark) == maintenance_margin(EXACT, Held(position, mark, orders), market)


@given(positions, books, books, sizes)
def test_formulas__agree_as_functions_of_an_orders_size(
    position: Decimal, buys: Any, sells: Any, size: Decimal
) -> None:
    """Run with an order's size unknown, order margin without rounding is the function of that size."""
    orders = resting(buys, sells)
    with exactly():
        function = order_margin(
            NUMBERS, Held(position, D(40), [*orders, Resting(NUMBERS.unknown, D(35))]), D("0.5"), None
        )
        exact = order_margin(EXACT, Held(position, D(40), [*orders, Resting(size, D(35))]), D("0.5"), None)
        assert function.at(size) == exact


@given(positions, books, books, prices)
def test_formulas__agree_in_explanations(position: Decimal, buys: Any, sells: Any, mark: Decimal) -> None:
    """Numbers that remember how they were made come to the same figures."""
    num = TracedNumbers()
    market = Market(FACTORS, D("0.05"), D("0.001"), funding_per_unit=D(1))
    orders = resting(buys, sells)
    with exactly():
        given_orders = [Resting(num.given("order", o.quantity), num.given("price", o.value)) for o in orders]
        traced = Held(num.given("quantity", position), num.given("value", mark), given_orders)
        plain = Held(position, mark, orders)
        maintenance = maintenance_margin(num, traced, market)
        assert num.constant(maintenance).value == maintenance_margin(EXACT, plain, market)
        reserved = order_margin(num, traced, D("0.5"), UNIT)
        assert num.constant(reserved).value == order_margin(EXACT, plain, D("0.5"), UNIT)


def test_levels__rounded_to_a_unit_are_no_lines_of_the_mark() -> None:
    """So the engine searches such a liquidation price by ticks."""
    with exactly():
        maintenance = maintenance_margin(NUMBERS, Held(D(1), NUMBERS.unknown), Market(FACTORS))
        levels = margin_levels(NUMBERS, maintenance, Scaling(D(1), D(1), D(1)), UNIT)
        with pytest.raises(NotLinear):
            levels.initial.at(D(5))


def test_margin_factor__of_a_third_stays_exact() -> None:
    """Leverage 3 is a factor of one third: 10 bought at 40 take 400 / 3."""
    with exactly():
        third = EXACT.quotient(D(1), D(3))
        assert order_margin(EXACT, Held(ZERO, D(40), resting([(D(10), D(40))])), third, None) == Ratio(D(400), D(3))
