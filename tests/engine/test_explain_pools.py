"""Pools explained: equity, what orders reserve, what is free, the lines of the status, the steps of a close-out."""

from __future__ import annotations

from rules_engine.terms.explanation import Line
from tests.builders import engine_of, flat_engine, market, order, position
from tests.engine.explaining import explained, line, part

QUANTUM = ", and a quantum, for the line itself falls short"


def test_pool__of_a_group_says_what_it_may_draw() -> None:
    """A quarter of the 100 that are free in the shared pool."""
    explanation = explained(
        flat_engine(), position("10", mode="hybrid"), group_margins={"BTC": "20"}, collateral={"USDT": "100"}
    )
    assert line(explanation, "A/hybrid/BTC", "own_equity").how == "margin 20"
    assert line(explanation, "A/hybrid/BTC", "equity").how == "own_equity 20 + draw_limit 25"
    assert line(explanation, "A/hybrid/BTC", "draw") == Line(
        "draw", "25", "smallest of (draw_limit 25; initial_margin 100 - own_equity 20)"
    )
    assert line(explanation, "A/cross", "free_margin") == Line(
        "free_margin", "75", "equity 100 - draw of A/hybrid/BTC 25"
    )
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
    """Each doubt with its sentence, at the pool and at the position; a closed position requires nothing."""
    explanation = explained(
        flat_engine(), position("1", margin="10"), position("0", id="p2", margin="1"), at=market(BTCUSDT={})
    )
    doubt = Line("MARK_MISSING", "?", "BTCUSDT: the market has no mark price")
    assert part(explanation, "A/isolated/p1").lines == (
        Line("status", "undetermined", "what is doubtful could change it"),
        doubt,
    )
    assert part(explanation, "p1").lines == (doubt,)
    assert line(explanation, "p2", "notional").how == "no contracts are held, and nothing is required"


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
    assert line(explanation, "A/cross", "equity").how == ("collateral USDT 50 + collateral BTC 95 + accrued of p1 -2")
    assert line(explanation, "A/cross", "initial_margin").how == "p1 10 + orders 10"


def test_status__says_its_lines_and_the_fee_in_them() -> None:
    """Maintenance 1 and a fee of 0.1 in the decision: 1.1, and 1.25 * 1 + 0.1."""
    rules = "{trigger: below, margin_call: 1.25, restore_to: 1.5, closing_fee: {rate: 0.001, counts_in: [trigger]}}"
    explanation = explained(flat_engine(liquidation=rules), position("1", margin="10"))
    assert line(explanation, "A/isolated/p1", "status").how == (
        "liquidate below 1.1 (with closing fees 0.1), call below 1.35"
    )


def test_pool__adds_up_what_is_beyond_twelve_positions() -> None:
    """Fifteen positions that have each gained 1: twelve by name, three together."""
    held = [position("1", "99", id=f"p{n}", mode="cross", instrument=f"I{n}USDT") for n in range(15)]
    engine = flat_engine(instruments='{"*USDT": {payoff: linear, table: flat}}')
    marks = {"as_of": "2026-12-02T00:00:00Z", "instruments": {one["instrument"]: {"mark_price": "100"} for one in held}}
    equity = line(explained(engine, *held, at=marks, collateral={"USDT": "500"}), "A/cross", "equity")
    assert equity.value == "515"
    assert equity.how.startswith("collateral USDT 500 + pnl of p0 1 + ")
    assert equity.how.endswith(" + pnl of p10 1 + 4 more: 4")


def test_pool__derives_what_orders_reserve() -> None:
    """Buys of 1 and 2 at 110 lose 10 a contract to the mark; with them filled, 400 instead of 100 needs a tenth."""
    orders = [order("1", price="110"), order("2", id="o2", price="110"), order("-1", id="o3")]
    held = position("1", mode="cross")
    engine = flat_engine(orders="{opening_fee_rate: 0.001}")
    explanation = explained(engine, held, collateral={"USDT": "500"}, orders=orders)
    reserved = line(explanation, "A/cross", "orders BTCUSDT")
    assert (reserved.value, reserved.how) == (
        "60.43",
        "o1, o2, o3: largest of (with buys filled 40 - initial now 10; with sells filled 0 - initial now 10)"
        " + loss of o1 to the mark 10 + loss of o2 to the mark 20"
        " + opening fee of o1 0.11 + opening fee of o2 0.22 + opening fee of o3 0.1",
    )
    many = [order("1", id=f"o{n}") for n in range(5)]
    explanation = explained(engine, held, collateral={"USDT": "500"}, orders=many)
    assert line(explanation, "A/cross", "orders BTCUSDT").how.startswith("5 orders: with buys filled 60 - ")


def test_pool__whose_orders_are_in_doubt_leaves_open_what_depends_on_them() -> None:
    """An order on an instrument without a mark: the positions' initial margin stands, with orders it is not known."""
    document = {"collateral": {"USDT": "100"}, "orders": [order("1", instrument="ETHUSDT")]}
    explanation = explained(flat_engine(), position("1", mode="cross"), at=market(ETHUSDT={}), **document)
    assert line(explanation, "A/cross", "initial_margin of positions").value == "10"
    for name in ("initial_margin", "free_margin", "MARK_MISSING"):
        assert line(explanation, "A/cross", name).value == "?"


def test_pool__of_a_group_in_doubt_about_its_draw_leaves_free_margin_open() -> None:
    """Own equity of 20 less 10 may be withdrawn; what is free depends on the draw."""
    held = (position("1", mode="hybrid"), position("1", id="p2", mode="cross", instrument="ETHUSDT"))
    explanation = explained(flat_engine(), *held, at=market(ETHUSDT={}), group_margins={"BTC": "20"})
    assert line(explanation, "A/hybrid/BTC", "free_margin").value == "?"
    assert line(explanation, "A/hybrid/BTC", "withdrawable").value == "10"


def test_pool__of_a_group_that_may_draw_nothing_is_told_beside_a_doubtful_shared_pool() -> None:
    """Under a cap of 0 the doubt of the shared pool does not reach the group."""
    held = (position("1", mode="hybrid"), position("1", id="p2", mode="cross", instrument="ETHUSDT"))
    engine = flat_engine(modes="{cross: {}, hybrid: {shared_draw_cap: 0}}")
    explanation = explained(engine, *held, at=market(ETHUSDT={}), group_margins={"BTC": "20"})
    assert line(explanation, "A/hybrid/BTC", "draw_limit").value == "0"
    assert line(explanation, "A/hybrid/BTC", "equity").how == "own_equity 20 + draw_limit 0"


def test_top_up__says_what_is_lacking_of_which_line() -> None:
    """1.5 * 1 less the equity of 0.9 or 1.5; on the line itself a quantum more; 0.333... is rounded up."""
    for margin, price, value, how in (
        ("0.9", "100", "0.61", f"restore_to 1.5 * maintenance_margin 1 - equity 0.9 = 0.6{QUANTUM}"),
        ("2", "100", "0", "equity 2 has reached restore_to 1.5 * maintenance_margin 1 = 1.5"),
        ("0.9", "100.01", "0.6", "restore_to 1.5 * maintenance_margin 1.0001 - equity 0.91 = 0.59015, rounded"),
    ):  # fmt: skip
        top_up = line(
            explained(flat_engine(), position("1", margin=margin), at=market(price)), "A/isolated/p1", "top_up"
        )
        assert (top_up.value, top_up.how) == (value, how)
    below = flat_engine(liquidation="{trigger: below, restore_to: 1.5}")
    top_up = line(explained(below, position("1", margin="0.9")), "A/isolated/p1", "top_up")
    assert (top_up.value, top_up.how) == ("0.6", "restore_to 1.5 * maintenance_margin 1 - equity 0.9")


def test_close_out__says_why_each_step_is_taken_and_what_it_leaves() -> None:
    """60 contracts (maintenance 140) and 9 (maintenance 9) on 13: closing the 60 leaves 13 - 13.5; 0.334 restore."""
    held = (position("60", mode="cross"), position("9", id="p2", mode="cross", instrument="ETHUSDT"))
    explanation = explained(engine_of(), *held, collateral={"USDT": "13"})
    assert line(explanation, "A/cross", "close_out p1") == Line(
        "close_out p1", "60", "releases more margin than closing it costs; then 0.5 lacking at restore_to 1.5"
    )
    assert line(explanation, "A/cross", "close_out p2") == Line(
        "close_out p2", "0.334", "restores the pool; then 0.001 to spare at restore_to 1.5"
    )


def test_pool__without_equity_has_no_ratio() -> None:
    """Margin lost to the last: nothing to compare maintenance with, and everything is closed."""
    explanation = explained(flat_engine(), position("1", "110", margin="10"))
    assert line(explanation, "A/isolated/p1", "margin_ratio").value == "-"


def test_status__that_a_missing_measure_could_change_is_said_to_be_doubtful() -> None:
    """Maintenance is 1 or 2 and equity 1.5: the lines are those of the most severe band."""
    engine = flat_engine(
        instruments="{BTCUSDT: {payoff: linear, table: flat, buffers: [thin]}}",
        buffers="{thin: {kind: depth, measure: depth, bands: [{from: 0, multiply: 2}, {from: 5, multiply: 1}]}}",
    )
    explanation = explained(engine, position("1", margin="1.5"))
    assert line(explanation, "A/isolated/p1", "status") == Line(
        "status", "undetermined", "liquidate at or below 2, call at or below 2.5; what is doubtful could change it"
    )
    assert line(explanation, "A/isolated/p1", "MEASURE_MISSING").value == "?"
