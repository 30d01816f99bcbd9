"""The close-out plan: how much a step closes, whose turn it is, and when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest
from rules_engine_dydx_margin.close_out import STEPS
from venue import engine_of, evaluated, position

from rules_engine.terms.evaluation import Closing

TENTH = {"max_position_portion_liquidated_ppm": "100000"}


def _steps(plan: Mapping[str, str], net_collateral: str, *quantities: str, step: str = "0.0001") -> list[Closing]:
    """The close-out of positions at 50000 in markets A, B and so on; a coin requires 5000 to be kept."""
    held = [position(market, quantity, 50000) for market, quantity in zip("ABC", quantities, strict=False)]
    return list(evaluated(engine_of(plan=plan, step=step), held, net_collateral=net_collateral).pools[0].close_out)


def _closed(steps: list[Closing]) -> list[tuple[str, Decimal]]:
    return [(step.position, step.quantity) for step in steps]


def test_step__is_a_portion_of_the_position() -> None:
    """A tenth closed leaves 4500 to be kept, which is there."""
    assert _closed(_steps(TENTH, "4500", "1")) == [("A", Decimal("0.1"))]


def test_steps__take_turns_by_id() -> None:
    """10000 less 500, 500 and 450 is 8550: the first position comes again after the second."""
    assert _closed(_steps(TENTH, "8600", "1", "-1")) == [
        ("A", Decimal("0.1")),
        ("B", Decimal("0.1")),
        ("A", Decimal("0.09")),
    ]


def test_step__closes_the_least_notional() -> None:
    """20000 is more than a tenth of 50000; the 10000 that two of them leave are all of what is left."""
    plan = {**TENTH, "min_position_notional_liquidated": "20000"}
    assert _closed(_steps(plan, "1", "1")) == [("A", Decimal("0.4")), ("A", Decimal("0.4")), ("A", Decimal("0.2"))]


def test_step__closes_no_more_than_the_account_may() -> None:
    """2000 a step are 0.04 of a coin, each of which frees 200 of the 5000."""
    plan = {**TENTH, "max_notional_liquidated": "2000"}
    assert _closed(_steps(plan, "4450", "1")) == [("A", Decimal("0.04"))] * 3


@pytest.mark.parametrize(("step", "quantity"), [("0.03", "0.09"), ("0.3", "0.3"), ("2", "1")])
def test_step__is_rounded_down_to_whole_steps(step: str, quantity: str) -> None:
    """A tenth of a coin in steps of 0.03; at least a step, and all where a step is more than all."""
    assert _closed(_steps(TENTH, "4600", "1", step=step))[0] == ("A", Decimal(quantity))


def test_figures__of_a_short() -> None:
    """Maintenance 5000, 4000 there: a rating of 0.2, a spread of 10 % of 5000 of it is 100 a coin above the mark.

    A tenth costs 5000 at the mark and may cost 400 more, its share of what is there: 54000 a coin.
    """
    step = _steps(TENTH, "4000", "-1")[0]
    assert step.figures == {
        "least_notional": 0,
        "most_notional": 5000,
        "fillable_price": 50100,
        "bankruptcy_price": 54000,
        "bankruptcy_quote": -5400,
    }


def test_figures__on_ticks() -> None:
    """What a long is sold for is rounded up: 50000 - (1 - 4000 / 5000) * 500 = 49900, on ticks of 7."""
    step = _steps({**TENTH, "price_tick": "7"}, "4000", "1")[0]
    assert step.figures["fillable_price"] == 49903
    assert step.figures["bankruptcy_price"] == 46004


def test_plan__ends() -> None:
    """Limits of nearly nothing: after a thousand steps the rest is closed at once."""
    steps = _steps({"max_position_portion_liquidated_ppm": "1"}, "1", "1")
    assert len(steps) == STEPS + 1
    assert sum(step.quantity for step in steps) == 1


def test_plan__where_nothing_is_kept() -> None:
    """Without maintenance there is no share of a loss, and no price: all is closed as it is."""
    engine = engine_of({"maintenance_fraction_ppm": "0"}, liquidation="trigger: at_or_below")
    step = evaluated(engine, [position("A", 1, 50000)], net_collateral="0").pools[0].close_out[0]
    assert step.quantity == 1
    assert step.figures == {}
