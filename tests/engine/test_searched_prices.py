"""Liquidation prices of modes that are not piecewise linear: found by trying ticks, and right to the tick."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.plugin import Exposure, Requirement, notional
from tests.builders import account, market, one_pool, one_position, position
from tests.engine.strangers import Strange, Supplies, engine_with

CENT, TICK = Decimal("0.01"), Decimal("0.1")


def by_root(num: Any, exposure: Exposure) -> Requirement:
    """Keeps the root of notional, in cents, rounded up: 31.63 of 1000."""
    kept = num.square_root(notional(num, exposure), CENT, "up")
    return Requirement(kept * 2, kept)


def by_tens(num: Any, exposure: Exposure) -> Requirement:
    """Keeps 5 % of notional, rounded up to whole tens."""
    kept = num.rounded(notional(num, exposure) * Decimal("0.05"), Decimal(10), "up")
    return Requirement(kept * 2, kept)


def by_square(num: Any, exposure: Exposure) -> Requirement:
    """Keeps a ten-thousandth of the square of notional."""
    size = notional(num, exposure)
    return Requirement(size * size * Decimal("0.0001"), size * size * Decimal("0.0001"))


def engine_of(answer: Any, **sections: str) -> Engine:
    return engine_with(Supplies(Strange(answer)), **sections)


def status_at(engine: Engine, document: Any, mark: Decimal) -> str:
    """The status of the pool at a mark, by its document."""
    evaluation = engine.evaluate(document, market(BTCUSDT=str(mark)))
    return str(next(pool for pool in evaluation.to_dict()["pools"] if pool["mode"] == "strange")["status"])


def is_liquidated(status: str) -> bool:
    return status in ("liquidate", "bankrupt")


@pytest.mark.parametrize("mark", ["100", "100.04", "99.96", "0.1", "0.17"])
@pytest.mark.parametrize("trigger", ["at_or_below", "below"])
@pytest.mark.parametrize("cash", ["0.001", "60", "150", "400"])
@pytest.mark.parametrize("quantity", ["10", "-10", "-3.7"])
@pytest.mark.parametrize("answer", [by_root, by_tens])
def test_price__printed_is_the_last_tick_at_which_the_decision_does_not_hold(
    answer: Any, quantity: str, cash: str, trigger: str, mark: str
) -> None:
    """The pool, evaluated at the printed price, is not liquidated, and one tick beyond it is, on the side it holds."""
    engine = engine_of(answer, liquidation=f"{{trigger: {trigger}}}")
    document = account(position(quantity, mark, mode="strange"), collateral={"USDT": cash})
    evaluation = engine.evaluate(document, market(BTCUSDT=mark))
    price = one_position(evaluation).liquidation_price
    if price is None:
        assert "LIQUIDATION_PRICE_NONE" in one_position(evaluation).notes
        assert no_tick_differs(engine, document, Decimal(mark), is_liquidated(one_pool(evaluation, "A/strange").status))
        return
    assert "LIQUIDATION_PRICE_SEARCHED" in one_position(evaluation).notes
    assert price > 0
    assert not is_liquidated(status_at(engine, document, price))
    beyond = [tick for tick in (price - TICK, price + TICK) if tick > 0]
    if abs(price - Decimal(mark)) < TICK:
        beyond.append(Decimal(mark))  # between two ticks the mark itself is the one beyond
    assert any(is_liquidated(status_at(engine, document, tick)) for tick in beyond)


def no_tick_differs(engine: Engine, document: Any, mark: Decimal, now: bool) -> bool:
    """Whether the decision is the same at the ends of what is searched, and at the ticks around the mark."""
    ticks = mark // TICK
    tried = [TICK, ticks * TICK, ticks * 10 * TICK, ticks * 1000 * TICK]
    return all(is_liquidated(status_at(engine, document, tick)) is now for tick in tried if tick > 0)


def test_price__of_a_root_by_fractions() -> None:
    """10 long at 100 with 150: 150 + 10 * (m - 100) stands above the root of 10 * m at 88 and not at 87.9."""
    evaluation = engine_of(by_root).evaluate(
        account(position("10", mode="strange"), collateral={"USDT": "150"}), market()
    )
    price = one_position(evaluation).liquidation_price
    assert price is not None

    def stands(mark: Fraction) -> bool:
        equity = 150 + 10 * (mark - 100)
        return equity > 0 and equity**2 > 10 * mark

    assert (stands(Fraction(price)), stands(Fraction(price) - Fraction(1, 10))) == (True, False)
    assert price == Decimal("88.0")


def test_price__nearest_of_two() -> None:
    """A square grows faster than a long's gains: 10 long with 150 stand between two marks, and the nearer is printed.

    150 + 10 * (m - 100) = m * m / 100 at 500 - sqrt(165000) = 93.79... and at 906.2....
    """
    engine = engine_of(by_square)
    document = account(position("10", mode="strange"), collateral={"USDT": "150"})
    assert one_position(engine.evaluate(document, market())).liquidation_price == Decimal("93.8")
    near_the_other = one_position(engine.evaluate(document, market("900")))
    assert near_the_other.liquidation_price == Decimal("906.2")


@pytest.mark.parametrize(("rounding", "expected"), [("conservative", "88.0"), ("half_up", "88.0"), ("none", "87.95")])
def test_price__is_known_to_lie_between_two_ticks(rounding: str, expected: str) -> None:
    """Unrounded it is given as the middle of them."""
    engine = engine_of(by_root, conventions=f"{{liquidation_price_rounding: {rounding}}}")
    evaluation = engine.evaluate(account(position("10", mode="strange"), collateral={"USDT": "150"}), market())
    assert one_position(evaluation).liquidation_price == Decimal(expected)


def test_price__of_a_pool_already_liquidated_is_where_it_would_no_longer_be() -> None:
    """10 long at 100 with 20 keep 31.63; at 101.2 it is 32 against 31.82, at 101.1 31 against 31.80."""
    evaluation = engine_of(by_root).evaluate(
        account(position("10", mode="strange"), collateral={"USDT": "20"}), market()
    )
    assert one_pool(evaluation, "A/strange").status == "liquidate"
    assert one_position(evaluation).liquidation_price == Decimal("101.2")


@pytest.mark.parametrize(("quantity", "cash"), [("1", "1000"), ("-1", "1000000")])
def test_price__that_does_not_exist_is_null_with_a_note(quantity: str, cash: str) -> None:
    """More cash than a long can lose; more than a short does up to a thousand times the mark."""
    evaluation = engine_of(by_root).evaluate(
        account(position(quantity, mode="strange"), collateral={"USDT": cash}), market()
    )
    figures = one_position(evaluation)
    assert figures.liquidation_price is None
    assert "LIQUIDATION_PRICE_NONE" in figures.notes


def test_price__of_a_mark_below_the_tick_is_looked_for_above_it() -> None:
    """A short of 1000 at 0.05 with 60 keeps 10 there and 10 at the first tick, at which it has 10 left."""
    document = account(position("-1000", "0.05", mode="strange"), collateral={"USDT": "60"})
    engine = engine_of(by_tens)
    evaluation = engine.evaluate(document, market("0.05"))
    assert one_position(evaluation).liquidation_price == 0
    assert status_at(engine, document, TICK) == "liquidate"


def test_price__without_a_tick_is_searched_by_the_quantum() -> None:
    """To the cent: 87.9822... by the root of (10 * m), which is kept in cents rounded up."""
    instruments = "{BTCUSDT: {payoff: linear, table: flat}}"
    engine = engine_of(by_root, instruments=instruments)
    document = account(position("10", mode="strange"), collateral={"USDT": "150"})
    price = one_position(engine.evaluate(document, market())).liquidation_price
    assert price is not None
    assert not is_liquidated(status_at(engine, document, price))
    assert is_liquidated(status_at(engine, document, price - CENT))
    assert "PRICE_TICK_MISSING" in one_position(engine.evaluate(document, market())).notes


def test_price__of_a_hedge_in_one_instrument_is_one() -> None:
    """Long and short of one instrument gain nothing together and keep two roots: 14.99 each to 224.7, then 15 of 30."""
    rows = position("1", mode="strange"), position("-1", mode="strange", id="p2")
    evaluation = engine_of(by_root).evaluate(account(*rows, collateral={"USDT": "30"}), market())
    assert [one.liquidation_price for one in evaluation.positions] == [Decimal("224.7"), Decimal("224.7")]
