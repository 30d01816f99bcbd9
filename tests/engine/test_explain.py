"""Explanations: every named step has the evaluation's own figure, how it was made, and where the policy says so."""

from __future__ import annotations

from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.report.explanation import explanation_text
from rules_engine.terms.explanation import Explanation, Line, Part
from tests.builders import FLAT, account, engine_of, flat_engine, market, order, position
from tests.strange_modes import strange_engine


def part(explanation: Explanation, title: str) -> Part:
    """The part whose title begins so."""
    return next(one for one in (*explanation.positions, *explanation.pools) if one.title.startswith(title))


def line(explanation: Explanation, title: str, figure: str) -> Line:
    """A line of a part by its figure."""
    return next(one for one in part(explanation, title).lines if one.figure == figure)


def explained(
    engine: Engine, *positions: dict[str, Any], at: dict[str, Any] | None = None, **fields: Any
) -> Explanation:
    """The explanation of an account at a mark of 100."""
    return engine.explain(account(*positions, **fields), at or market())


@pytest.mark.parametrize(
    "engine",
    [engine_of(), flat_engine(liquidation="{restore_to: 2, closing_fee: {rate: 0.001, counts_in: [trigger]}}")],
)
def test_explanation__says_the_evaluations_own_figures(engine: Engine) -> None:
    """What is explained is what is printed: status, margins and prices of every position and pool."""
    document = account(
        position("7", "101.3", margin="90", leverage="3"),
        position("-12", id="p2", mode="hybrid", instrument="ETHUSDT"),
        position("3", id="p3", mode="cross", instrument="SOLUSDT", accrued="-0.7"),
        group_margins={"ETH": "31"},
        collateral={"USDT": "120"},
    )
    evaluation, explanation = engine.evaluate(document, market()), engine.explain(document, market())
    assert explanation.title.startswith("A under example 1.0.0 (sha256:")
    for figures in evaluation.to_dict()["positions"]:
        for name in ("notional", "unrealized_pnl", "initial_margin", "maintenance_margin", "liquidation_price"):
            assert line(explanation, f"{figures['id']}  ", name).value == figures[name]
    for figures in evaluation.to_dict()["pools"]:
        for name in ("equity", "initial_margin", "maintenance_margin", "status"):
            assert line(explanation, f"{figures['pool']}  ", name).value == figures[name]


def test_position__is_explained_by_tier_rates_and_formula() -> None:
    """10 contracts at 100 begin the second tier, on line 9 of the policy: 2 % less a deduction of 10."""
    explanation = explained(engine_of(), position("10", margin="90"))
    assert part(explanation, "p1").title == "p1  BTCUSDT  isolated  in A/isolated/p1"
    assert line(explanation, "p1", "tier") == Line("tier", "2", "steps: notional from 1000 to 5000", "example.yaml:9")
    kept = line(explanation, "p1", "table_maintenance")
    assert (kept.value, kept.how) == ("10", "maintenance_rate 0.02 * notional 1000 - deduction 10")
    initial = line(explanation, "p1", "initial_margin")
    assert initial.how == (
        "largest of (notional 1000 * 1 / max_leverage 0.04; notional 1000 * initial_rate 0.04; table_maintenance 10)"
    )


def test_tier__of_contracts_is_said_in_contracts() -> None:
    """Floors of a table in contracts are no notionals, and the last tier has no end."""
    explanation = explained(engine_of(), position("12", margin="90", instrument="CONTRACTS"))
    assert line(explanation, "p1", "tier").how == "contracts: contracts from 10 to unlimited"


def test_notional__at_entry_is_told_from_that_at_the_mark() -> None:
    """Maintenance valued at an entry of 90 goes by a notional of 90, beside one of 100 at the mark."""
    engine = flat_engine(conventions="{maintenance_priced_at: entry}")
    explanation = explained(engine, position("1", "90", margin="50"))
    assert line(explanation, "p1", "notional").value == "100"
    assert line(explanation, "p1", "notional at entry").value == "90"
    assert line(explanation, "p1", "table_maintenance").value == "0.9"


def test_figure__that_is_rounded_says_from_what() -> None:
    """100.01 / 3 is 33.33666..., printed as 33.34."""
    explanation = explained(flat_engine(), position("1", margin="90", leverage="3"), at=market("100.01"))
    initial = line(explanation, "p1", "initial_margin")
    assert initial.value == "33.34"
    assert initial.how.endswith(" = 33.3366666667…, rounded")
    assert line(explanation, "A/isolated/p1", "maintenance_margin").how == "p1 1.0001 = 1.0001, rounded"


@pytest.mark.parametrize(
    ("rounding", "value", "ending"),
    [
        ("conservative", "91", ", rounded up to 0.1"),
        ("half_up", "90.9", ", rounded down to 0.1"),
        ("none", "90.90909090909090909090909091", ", rounded up to 28 digits"),
    ],
)
def test_price__says_where_it_lies_and_how_it_was_rounded(rounding: str, value: str, ending: str) -> None:
    """90 / 0.99 = 90.909..., where equity is what a hundredth of it is, 0.909...; printed as the policy rounds."""
    engine = flat_engine(conventions=f"{{liquidation_price_rounding: {rounding}}}")
    price = line(explained(engine, position("1", margin="10")), "p1", "liquidation_price")
    assert price.value == value
    assert price.how == (f"equity comes to maintenance at 90.9090909091… (equity 0.909090909091… there){ending}")
    gained = line(explained(engine, position("1", "99", margin="9")), "p1", "liquidation_price")
    assert gained == price  # a gain of 1 in place of as much margin
    bankruptcy = line(explained(engine, position("1", margin="10")), "p1", "bankruptcy_price")
    assert (bankruptcy.value, bankruptcy.how) == ("90", "equity comes to zero at 90")


def test_price__that_does_not_exist_says_so() -> None:
    """A long fully paid is neither liquidated nor bankrupt at any positive mark."""
    explanation = explained(flat_engine(), position("1", margin="100"))
    for name in ("liquidation_price", "bankruptcy_price"):
        assert line(explanation, "p1", name).value == "-"


def test_price__of_a_requirement_without_lines_says_so() -> None:
    """A squared requirement is explained step by step; its prices are not."""
    explanation = explained(strange_engine("square"), position("1", mode="square"), collateral={"USDT": "100"})
    assert line(explanation, "p1", "prices").how == "the mode's requirement is not linear in the mark"


BUFFERS = """{
  one: {kind: volatility, measure: realized, bands: [{from: 0, multiply: 1}, {from: 1, multiply: 2}]},
  two: {kind: depth, measure: depth, bands: [{from: 0, add_rate: 0.01}, {from: 5, add_rate: 0}]},
  three: {kind: expiry, bands: [{from: 0d, multiply: 1.5, add_rate: 0.02}, {from: 1d, multiply: 1, add_rate: 0}]}}"""


def test_buffers__show_in_the_rates_that_they_change() -> None:
    """2 * 1 % + 1 %, with the most severe band where a measure is missing; a buffer that changes nothing stays out."""
    engine = engine_of(
        tables=FLAT,
        instruments="{BTCUSDT: {payoff: linear, table: flat, buffers: [one, two, three], price_tick: 0.1}}",
        buffers=BUFFERS,
    )
    data = {"mark_price": "100", "measures": {"realized": "1"}, "expires_at": None}
    explanation = explained(engine, position("1", margin="90"), at=market(BTCUSDT=data))
    rate = line(explanation, "p1", "maintenance_rate")
    assert (rate.value, rate.how) == ("0.03", "table_rate 0.01 * one 2 + two 0.01")
    assert [(one.value, one.how) for one in part(explanation, "p1").lines[1:4]] == [
        ("multiply 2", "realized, read off the market"),
        ("add_rate 0.01", "depth, most severe band: not known"),
        ("multiply 1, add_rate 0", "time to expiry, read off the market"),
    ]


def test_buffers__show_only_in_the_requirement_on_which_they_act() -> None:
    """A buffer on initial margin doubles its rate and stays out of the maintenance rate."""
    engine = engine_of(
        tables=FLAT,
        instruments="{BTCUSDT: {payoff: linear, table: flat, buffers: [one], price_tick: 0.1}}",
        buffers="{one: {kind: volatility, measure: m, bands: [{from: 0, multiply: 2}], requirements: [initial]}}",
    )
    data = {"mark_price": "100", "measures": {"m": "1"}}
    explanation = explained(engine, position("1", margin="90"), at=market(BTCUSDT=data))
    assert line(explanation, "p1", "maintenance_rate").how == "table_rate 0.01"
    assert line(explanation, "p1", "initial_rate").how == "table_rate 0.1 * one 2"


def test_pool__of_a_group_says_what_it_may_draw() -> None:
    """A quarter of the 100 that are free in the shared pool."""
    explanation = explained(
        flat_engine(), position("10", mode="hybrid"), group_margins={"BTC": "20"}, collateral={"USDT": "100"}
    )
    assert line(explanation, "A/hybrid/BTC", "equity").how == "margin 20 + pnl of p1 0 + draw_limit 25"
    assert line(explanation, "A/hybrid/BTC", "draw_limit").how == (
        "free margin of the shared pool 100 * smallest of (0.25; 1 / 1)"
    )


def test_pool__of_a_group_beside_a_doubtful_shared_pool_leaves_prices_open() -> None:
    """Healthy by itself; where it would be liquidated depends on what it may draw, which no one knows."""
    held = (position("1", mode="hybrid"), position("1", id="p2", mode="cross", instrument="ETHUSDT"))
    explanation = explained(flat_engine(), *held, at=market(ETHUSDT={}), group_margins={"BTC": "20"})
    assert line(explanation, "p1", "prices") == Line("prices", "?", "what the pool may draw is not known")
    assert line(explanation, "A/hybrid/BTC", "own_equity").value == "20"


def test_pool__in_doubt_says_why_instead_of_figures() -> None:
    """Each doubt with its sentence; positions have no part."""
    explanation = explained(flat_engine(), position("1", margin="10"), at=market(BTCUSDT={}))
    assert explanation.positions == ()
    assert part(explanation, "A/isolated/p1").lines == (
        Line("MARK_MISSING", "?", "BTCUSDT: the market has no mark price"),
    )


def test_pool__shows_collateral_accrued_amounts_and_orders() -> None:
    """10 BTC at 10 less 5 %, funding owed, and what an order for one contract reserves."""
    explanation = explained(
        flat_engine(),
        position("1", mode="cross", accrued="-2"),
        collateral={"USDT": "50", "BTC": "10"},
        orders=[order("1")],
        at={**market(), "prices": {"BTC": {"price": "10"}}},
    )
    assert line(explanation, "A/cross", "collateral BTC").value == "95"
    assert line(explanation, "A/cross", "equity").how == (
        "collateral USDT 50 + collateral BTC 95 + accrued -2 + pnl of p1 0"
    )
    assert line(explanation, "A/cross", "initial_margin").how == "p1 10 + orders 10"


def test_status__says_its_lines_and_the_fee_in_them() -> None:
    """Maintenance 1 and a fee of 0.1 in the decision: 1.1, and 1.25 * 1 + 0.1."""
    rules = "{trigger: below, margin_call: 1.25, restore_to: 1.5, closing_fee: {rate: 0.001, counts_in: [trigger]}}"
    explanation = explained(flat_engine(liquidation=rules), position("1", margin="10"))
    assert line(explanation, "A/isolated/p1", "status").how == (
        "liquidate below 1.1 (with closing fee 0.1), call below 1.35"
    )


def test_text__holds_every_line_of_every_part() -> None:
    """The explanation as text has a block for each part, with its title first."""
    explanation = explained(flat_engine(), position("1", margin="10"))
    blocks = explanation_text(explanation).split("\n\n")
    assert blocks[0] == explanation.title
    assert [block.split("\n")[0] for block in blocks[1:]] == [
        one.title for one in (*explanation.positions, *explanation.pools)
    ]
