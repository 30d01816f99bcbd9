"""Liquidation and bankruptcy prices are where the pool's decision changes, and are printed on the safe side."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given

from rules_engine.terms.evaluation import PositionFigures
from tests.oracle import Line, decision_line, liquidate_decision, number
from tests.properties.accounts import documents
from tests.properties.documents import Documents, solving
from tests.properties.laws import examples
from tests.properties.product import down, evaluation_of, fraction, up

TICK = Fraction("0.1")
NAMES = {True: "liquidation_price", False: "bankruptcy_price"}
SMALL = documents(max_tiers=5, max_instruments=2, max_positions=4, max_orders=1)


def lines_of(drawn: Documents, liquidation: bool) -> Iterator[tuple[PositionFigures, Line]]:
    """Every position with the decision of its pool along its own mark."""
    for figures in evaluation_of(drawn).positions:
        assert figures.pool is not None
        arguments = (drawn.policy, drawn.account, drawn.market, figures.pool, figures.instrument)
        yield figures, decision_line(*arguments, with_needs=liquidation)


def around(price: Fraction) -> tuple[Fraction, Fraction]:
    """Prices just below and just above."""
    return price * (1 - Fraction(1, 10**20)), price * (1 + Fraction(1, 10**20))


def safely_rounded(line: Line) -> Fraction | None:
    """The price as it is to be printed: on the side where the decision does not hold."""
    if not line.prices:
        return None
    price = line.prices[0]
    return down(price, TICK) if line.holds_at(around(price)[1]) else up(price, TICK)


@pytest.mark.parametrize("liquidation", [True, False], ids=NAMES.values())
@examples(100)
@given(SMALL)
def test_price__is_the_oracle_s_rounded_to_the_safe_side(liquidation: bool, drawn: Documents) -> None:
    """The printed price is the oracle's unrounded one, rounded away from where the decision holds; or both say none."""
    for figures, line in lines_of(drawn, liquidation):
        touches = line.prices and len({line.holds_at(price) for price in around(line.prices[0])}) == 1
        if not touches:
            assert fraction(getattr(figures, NAMES[liquidation])) == safely_rounded(line), (figures, line.prices)


@pytest.mark.parametrize("liquidation", [True, False], ids=NAMES.values())
@examples(60)
@given(SMALL)
def test_price__is_not_yet_decided_and_one_tick_further_is(liquidation: bool, drawn: Documents) -> None:
    """At the printed price the decision does not hold, unless the unrounded one lies on the tick; beyond it does."""
    for figures, line in lines_of(drawn, liquidation):
        printed = fraction(getattr(figures, NAMES[liquidation]))
        if printed is None:
            continue
        price, others = line.prices[0], line.prices[1:]
        step = -TICK if line.holds_at(around(price)[0]) else TICK
        alone = not any(abs(other - price) <= 2 * TICK for other in others) and price > 2 * TICK
        if alone and printed != price:
            assert not line.holds_at(printed)
            assert line.holds_at(printed + step)


@examples(60)
@given(SMALL.map(solving))
def test_liquidation_price__leaves_no_surplus_there_and_the_same_decision_up_to_there(drawn: Documents) -> None:
    """At the unrounded price a marginal surplus is 0; between it and the mark the liquidate decision is today's."""
    for figures, line in lines_of(drawn, True):
        rule = (
            drawn.policy["instruments"].get(figures.instrument) or drawn.policy["instruments"][f"{figures.instrument}*"]
        )
        if figures.liquidation_price is None or drawn.policy["tables"][rule["table"]]["form"] == "whole":
            continue
        price, mark = line.prices[0], number(drawn.market["instruments"][figures.instrument]["mark_price"])
        assert line.surplus(price) == 0
        arguments = (drawn.policy, drawn.account, drawn.market, str(figures.pool), figures.instrument)
        between = [mark + (price - mark) * Fraction(part, 8) for part in range(8)]
        decisions = {liquidate_decision(*arguments, each) for each in between if each != price}
        assert len(decisions) <= 1
