"""Decisions on orders explained: what is required and available, each condition, and what bounds the quantity."""

from __future__ import annotations

from typing import Any

import pytest

from rules_engine import DocumentError, Engine
from rules_engine.terms.explanation import Line
from tests.builders import account, engine_of, flat_engine, market, order, position
from tests.strange_modes import strange_engine

CASH = {"USDT": "100"}


def decided(
    engine: Engine, new: dict[str, Any], *positions: dict[str, Any], at: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Line]:
    """The lines of the decision by their figures."""
    explanation = engine.explain_order(account(*positions, **fields), at or market(), new)
    assert explanation.order is not None
    return {one.figure: one for one in explanation.order.lines}


def test_accepted_order__says_what_is_required_and_what_bounds_it() -> None:
    """A tenth of 300 beside a tenth of 200 that another reserves; 8 contracts use up the 80 that are free."""
    lines = decided(flat_engine(), order("3", id="o9"), collateral=CASH, orders=[order("2")])
    assert list(lines.values()) == [
        Line("accepted", "true", "nothing refuses it"),
        Line("required_margin", "30", "orders reserve in A/cross with it 50 - without it 20"),
        Line("available_margin", "80", "free margin of A/cross without it 80"),
        Line(
            "MARGIN_INSUFFICIENT",
            "50",
            "free margin of A/cross with the order in it, before what groups draw; refuses below 0",
        ),
        Line("largest_quantity", "8", "a step more, 8.001, is refused: MARGIN_INSUFFICIENT"),
    ]


def test_refused_order__says_each_condition_and_how_far_it_is_off() -> None:
    """11 contracts of 100 at leverage 50 in a table that ends at 1000: 100 beyond the end, leverage at its cap."""
    lines = decided(engine_of(), order("11", instrument="CAPPED", leverage="50"), collateral={"USDT": "1"})
    assert lines["accepted"].value == "false"
    assert lines["accepted"].how.startswith("POSITION_ABOVE_CAP o1: ")
    assert lines["POSITION_ABOVE_CAP"] == Line(
        "POSITION_ABOVE_CAP",
        "-100",
        "end of the last tier 1000 less the size of the resulting position; refuses at or below 0",
    )
    assert (lines["LEVERAGE_ABOVE_TIER"].value, lines["MARGIN_INSUFFICIENT"].value) == ("0", "-21")
    assert lines["largest_quantity"].how == "a step more, 1, is refused: MARGIN_INSUFFICIENT"


def test_reducing_order__is_accepted_without_conditions() -> None:
    """Selling 1 of 2 contracts only reduces; with 100 behind them 12 may be sold, which opens 10 on the other side."""
    lines = decided(flat_engine(), order("-1"), position("2", mode="cross"), collateral=CASH)
    assert lines["accepted"] == Line("accepted", "true", "it only reduces, which is always accepted")
    assert "MARGIN_INSUFFICIENT" not in lines
    assert lines["largest_quantity"].how == "a step more, 12.001, is refused: MARGIN_INSUFFICIENT"


def test_reduce_only_order__is_bounded_by_what_is_held() -> None:
    """No condition bounds it but its own word."""
    lines = decided(flat_engine(), order("-1", reduce_only=True), position("2", mode="cross"), collateral=CASH)
    assert lines["largest_quantity"] == Line("largest_quantity", "2", "reduce_only: no more than the position holds")


def test_order__in_a_pool_in_doubt_leaves_its_figures_open() -> None:
    """Beside a position without a mark nothing is known: neither what is free nor how large the order could be."""
    held = position("2", mode="cross", instrument="ETHUSDT")
    lines = decided(flat_engine(), order("1"), held, collateral=CASH, at=market(ETHUSDT={}))
    assert lines["accepted"].how.startswith("POOL_UNDETERMINED o1: A/cross cannot be decided; MARK_MISSING ")
    assert lines["available_margin"] == Line("available_margin", "?", "what is free in A/cross is not known")
    assert lines["largest_quantity"] == Line("largest_quantity", "?", "the pool is undetermined")


def test_order__without_a_mark_requires_what_no_one_knows() -> None:
    """What it would reserve follows from the mark that is missing."""
    lines = decided(flat_engine(), order("1"), collateral=CASH, at=market(BTCUSDT={}))
    assert lines["required_margin"] == Line("required_margin", "?", "what orders reserve in A/cross is not known")


def test_order__that_nothing_bounds_says_so() -> None:
    """Under a mode that requires nothing any quantity is accepted."""
    lines = decided(strange_engine("free"), order("1", mode="free"), collateral=CASH)
    assert lines["largest_quantity"] == Line("largest_quantity", "-", "no quantity is refused")


def test_order__without_a_place_says_why() -> None:
    """A mode that the policy does not allow has no pool."""
    lines = decided(flat_engine(modes="{cross: {}}"), order("1", mode="isolated"), collateral=CASH)
    assert list(lines) == ["MODE_NOT_ALLOWED"]


def test_order__with_the_id_of_another_is_refused_as_a_document() -> None:
    """As in `check_order`."""
    with pytest.raises(DocumentError):
        decided(flat_engine(), order("1"), collateral=CASH, orders=[order("2")])
