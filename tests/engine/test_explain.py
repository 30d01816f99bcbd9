"""Explanations: every named step has the evaluation's own figure, how it was made, and where the policy says so."""

from __future__ import annotations

import pytest

from rules_engine import Engine
from rules_engine.report.explanation import explanation_text
from rules_engine.terms.explanation import Line
from tests.builders import account, engine_of, flat_engine, market, order, position
from tests.engine.explaining import explained, line, part
from tests.strange_modes import strange_engine


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
        for name in ("equity", "initial_margin", "maintenance_margin", "free_margin", "withdrawable", "status"):
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
        "largest of (notional 1000 * 1 / max_leverage 25; notional 1000 * initial_rate 0.04; table_maintenance 10)"
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
        ("conservative", "91", " rounded up to 0.1"),
        ("half_up", "90.9", " rounded down to 0.1"),
        ("none", "90.90909090909090909090909091", " rounded up to 28 digits"),
    ],
)
def test_price__says_where_it_lies_and_how_it_was_rounded(rounding: str, value: str, ending: str) -> None:
    """90 / 0.99 = 90.909..., where equity is what a hundredth of it is, 0.909...; printed as the policy rounds."""
    engine = flat_engine(conventions=f"{{liquidation_price_rounding: {rounding}}}")
    price = line(explained(engine, position("1", margin="10")), "p1", "liquidation_price")
    assert price.value == value
    assert price.how == f"90.9090909091…{ending}: equity there = required there, no other mark moving"
    gained = line(explained(engine, position("1", "99", margin="9")), "p1", "liquidation_price")
    assert gained == price  # a gain of 1 in place of as much margin
    bankruptcy = line(explained(engine, position("1", margin="10")), "p1", "bankruptcy_price")
    there = "there equity 10 + pnl there -10 - pnl now 0 = 0, no other mark moving"
    assert (bankruptcy.value, bankruptcy.how) == ("90", f"90: {there}")


def test_price__that_does_not_exist_says_so() -> None:
    """A long fully paid is neither liquidated nor bankrupt at any positive mark."""
    explanation = explained(flat_engine(), position("1", margin="100"))
    for name in ("liquidation_price", "bankruptcy_price"):
        assert line(explanation, "p1", name).value == "-"


def test_price__of_a_requirement_without_lines_says_so() -> None:
    """A squared requirement is explained step by step; its price was found by trying."""
    explanation = explained(strange_engine("square"), position("1", mode="square"), collateral={"USDT": "100"})
    found = line(explanation, "p1", "liquidation_price")
    assert found.value == "9999.9"
    assert "found by trying marks a tick apart" in found.how


def test_text__holds_every_line_of_every_part() -> None:
    """The explanation as text has a block for each part, with its title first."""
    explanation = explained(flat_engine(), position("1", margin="10"))
    blocks = explanation_text(explanation).split("\n\n")
    assert blocks[0] == explanation.title
    assert [block.split("\n")[0] for block in blocks[1:]] == [
        one.title for one in (*explanation.positions, *explanation.pools)
    ]


def test_deduction__is_the_sum_over_floors() -> None:
    """60 contracts at 100 lie in the third tier: 1000 * (2 % - 1 %) and 5000 * (5 % - 2 %) make 160."""
    deduction = line(explained(engine_of(), position("60", margin="1000")), "p1", "deduction")
    assert (deduction.value, deduction.how) == ("160", "1000 * (0.02 - 0.01) + 5000 * (0.05 - 0.02)")


def test_deduction__of_many_floors_goes_by_that_of_the_tier_below() -> None:
    """Five tiers that rise by 1 % at 100, 200, 300, 400: deductions of 1, 3, 6 and 10."""
    tiers = [f"{{up_to: {n}00, maintenance_rate: 0.0{n}, initial_rate: 0.1}}" for n in range(1, 5)]
    tiers.append("{up_to: unlimited, maintenance_rate: 0.05, initial_rate: 0.1}")
    engine = flat_engine(tables=f"{{flat: {{tiers: [{', '.join(tiers)}]}}}}")
    deduction = line(explained(engine, position("5", margin="1000")), "p1", "deduction")
    assert (deduction.value, deduction.how) == ("10", "deduction of tier 4 6 + 400 * (0.05 - 0.04)")
    deduction = line(explained(engine, position("3.5", margin="1000")), "p1", "deduction")
    assert (deduction.value, deduction.how.count("*")) == ("6", 3)


def test_position__without_a_pool_says_why() -> None:
    """A mode that the policy does not allow has no pool, and the other pools are in doubt with it."""
    explanation = explained(flat_engine(modes="{cross: {}}"), position("1", margin="10"), collateral={"USDT": "100"})
    assert part(explanation, "p1").title == "p1  BTCUSDT  isolated  in no pool that is known"
    assert [one.figure for one in part(explanation, "p1").lines] == ["MODE_NOT_ALLOWED"]
    assert [one.figure for one in part(explanation, "A/cross").lines] == ["status", "MODE_NOT_ALLOWED"]


def test_position__in_doubt_through_another_names_the_other() -> None:
    """A position with a mark, in a pool where another has none, has no figures of its own to show."""
    held = (position("1", mode="cross"), position("1", id="p2", mode="cross", instrument="ETHUSDT"))
    explanation = explained(flat_engine(), *held, at=market(ETHUSDT={}), collateral={"USDT": "100"})
    for name in ("p1", "p2"):
        assert [one.how for one in part(explanation, name).lines] == ["ETHUSDT: the market has no mark price"]


def test_explanation__as_a_document_holds_every_line() -> None:
    """Title, positions and pools, each line with figure, value, how and source; the decision where there is one."""
    document = account(position("1", margin="10"))
    plain = flat_engine().explain(document, market()).to_dict()
    assert list(plain) == ["title", "positions", "pools"]
    assert plain["positions"][0]["title"].startswith("p1 ")
    assert plain["positions"][0]["lines"][0]["source"].startswith("example.yaml:")
    assert set(plain["positions"][0]["lines"][0]) == {"figure", "value", "how", "source"}
    decision = flat_engine().explain_order(document, market(), order("1")).to_dict()["order"]
    assert decision["title"] == "o1  BTCUSDT  cross  refused"


def test_explanation__of_one_position_fits_a_screen() -> None:
    """A position in a higher tier with its pool, in the plain case: at most 24 lines."""
    text = explanation_text(explained(engine_of(), position("10", margin="90")))
    _, held, pool, *_ = text.split("\n\n")
    assert len(held.splitlines()) + 1 + len(pool.splitlines()) <= 24
