"""Prices explained: at the price that is told, what equity and requirement are there, and under which tier."""

from __future__ import annotations

from tests.builders import engine_of, flat_engine, market, position
from tests.engine.explaining import explained, line
from tests.strange_modes import strange_engine

FEE = "{restore_to: 2, closing_fee: {rate: 0.001, counts_in: [trigger]}}"


def test_liquidation_price__states_the_equation_that_holds_there() -> None:
    """In the second tier at the mark of 100, in the first where it is liquidated: 90 + 10 (P - 100) = 0.01 * 10 P."""
    explanation = explained(engine_of(), position("10", margin="90"))
    price = line(explanation, "p1", "liquidation_price")
    # P = 910 / 9.9 = 91.9191..., notional 919.19, below the floor of 1000.
    assert (price.value, price.how) == (
        "92",
        "91.9191919192… rounded up to 0.1: equity there = required there, no other mark moving",
    )
    equity, required = line(explanation, "p1", "equity there"), line(explanation, "p1", "required there")
    assert equity.value == required.value == "9.19191919192…"
    assert equity.how == "equity 90 + pnl there -80.8080808081… - pnl now 0"
    assert required.how == "maintenance of p1 9.19191919192…; tier 1 of p1: 0.01 * notional 919.191919192…"


def test_liquidation_price__counts_the_others_and_the_fees() -> None:
    """Long 10 at 100 beside a short of 5: 110 + 10 (P - 100) = 0.01 * 10 P + 5 + 0.001 * (10 P + 500)."""
    positions = (
        position("10", mode="cross"),
        position("-5", id="p2", mode="cross", instrument="ETHUSDT"),
    )
    explanation = explained(flat_engine(liquidation=FEE), *positions, collateral={"USDT": "110"})
    required = line(explanation, "p1", "required there")
    # 9.89 P = 895.5: P = 90.5460..., of which a tenth is own maintenance and a hundredth the fee.
    assert required.value == line(explanation, "p1", "equity there").value == "15.4600606673…"
    assert required.how == (
        "maintenance of p1 9.05460060667… + maintenance of the others 5 + closing fees 1.40546006067…"
        "; tier 1 of p1: 0.01 * notional 905.460060667…"
    )


def test_liquidation_price__of_long_and_short_moves_both() -> None:
    """Long 10 and short 4 of one instrument: 60 + 6 (P - 100) = 0.01 * 14 P."""
    positions = (position("10", mode="cross"), position("-4", id="p2", mode="cross"))
    explanation = explained(flat_engine(), *positions, collateral={"USDT": "60"})
    for name in ("p1", "p2"):
        required = line(explanation, name, "required there")
        # P = 540 / 5.86 = 92.150...
        assert required.how.startswith("maintenance of p1 9.21501706485… + maintenance of p2 3.68600682594…; tier 1")
        assert line(explanation, name, "equity there").value == required.value


def test_liquidation_price__at_a_cliff_is_where_the_requirement_jumps() -> None:
    """From a notional of 1000 on, 5 % of all of it: a short of 9 is liquidated as it comes there, at 111.1."""
    explanation = explained(engine_of(), position("-9", margin="130", instrument="CLIFFS"))
    price = line(explanation, "p1", "liquidation_price")
    assert price.value == "111.1"
    assert price.how.endswith("there what is required jumps past equity, no other mark moving")
    assert line(explanation, "p1", "equity there").value == "30"
    assert line(explanation, "p1", "required there").how == "maintenance of p1 50; tier 2 of p1: notional 1000 * 0.05"


def test_liquidation_price__at_the_mark_keeps_the_requirement_of_now() -> None:
    """Maintenance 1 and fee 0.1 as they are at a mark of 100, wherever the price lies: 10 + P - 100 = 1.1."""
    engine = flat_engine(conventions="{liquidation_price: at_mark}", liquidation=FEE)
    explanation = explained(engine, position("1", margin="10"))
    assert line(explanation, "p1", "liquidation_price").value == "91.1"
    assert line(explanation, "p1", "required there").how == (
        "maintenance of p1 1 + closing fees 0.1; what is required stays as it is at the mark"
    )


def test_liquidation_price__of_a_mode_without_tables_names_no_tier() -> None:
    """A stranger's mode that requires nothing is liquidated where equity is gone, and no tier has a part in it."""
    explanation = explained(strange_engine("free"), position("1", mode="free"), collateral={"USDT": "10"})
    assert line(explanation, "p1", "liquidation_price").value == "90"
    assert line(explanation, "p1", "required there").how == "0"


def test_bankruptcy_price__is_that_of_an_inverse_contract_too() -> None:
    """100 / 100 - 100 / P loses all of 0.25 at P = 80."""
    explanation = explained(engine_of(), position("1", instrument="INVERSE", margin="0.25"), at=market())
    price = line(explanation, "p1", "bankruptcy_price")
    assert (price.value, price.how) == (
        "80",
        "80: there equity 0.25 + pnl there -0.25 - pnl now 0 = 0, no other mark moving",
    )
