"""Every printed figure is rounded once, in its own direction; none of these amounts is a multiple of the quantum."""

from __future__ import annotations

from decimal import Decimal

from tests.builders import FLAT, account, engine_of, flat_engine, market, one_pool, order, position


def test_pool__requirements_and_draws_go_up_equity_and_free_amounts_down() -> None:
    """0.3333 hybrid contracts at 100 backed by 1.1111, beside a shared pool of 100.0033.

    Initial 3.333, maintenance 0.3333, own equity 1.1111. Limit 100.0033 / 4 = 25.000825, equity 26.111925, draw
    3.333 - 1.1111 = 2.2219. Free: 26.111925 - 3.333 = 22.778925; in the shared pool 100.0033 - 2.2219 = 97.7814.
    """
    document = account(
        position("0.3333", mode="hybrid"), group_margins={"BTC": "1.1111"}, collateral={"USDT": "100.0033"}
    )
    evaluation = flat_engine().evaluate(document, market())
    group, shared = one_pool(evaluation, "A/hybrid/BTC"), one_pool(evaluation, "A/cross")
    assert (str(group.initial_margin), str(group.maintenance_margin)) == ("3.34", "0.34")
    assert (str(group.own_equity), str(group.draw_limit), str(group.equity)) == ("1.11", "25.00", "26.11")
    assert (str(group.draw), str(group.free_margin)) == ("2.23", "22.77")
    assert (str(shared.equity), str(shared.free_margin), str(shared.withdrawable)) == ("100.00", "97.78", "97.78")


def test_position__says_its_tier_and_its_rate_counted_from_one() -> None:
    """10 contracts at 100 begin the second tier of 2 %, 50 the third of 5 %."""
    found = [
        engine_of().evaluate(account(position(quantity, margin="900")), market()).positions[0]
        for quantity in ("9.999", "10", "50")
    ]
    assert [(one.tier, one.maintenance_rate) for one in found] == [
        (1, Decimal("0.01")),
        (2, Decimal("0.02")),
        (3, Decimal("0.05")),
    ]


def test_position__rates_and_buffers_go_up_at_18_decimals() -> None:
    """A factor of 13/12 and an addition of 1e-19 end on the decimal above; the rate is 0.01 * 13/12 + 1e-19."""
    engine = engine_of(
        tables=FLAT,
        instruments="{BTCUSDT: {payoff: linear, table: flat, buffers: [smooth, tiny], price_tick: 0.1}}",
        buffers="""{smooth: {kind: volatility, measure: m, curve: {reference: 0.6, slope: 0.5, cap: 2}},
                    tiny: {kind: depth, measure: m, bands: [{from: 0, add_rate: 1e-19}]}}""",
    )
    data = {"mark_price": "100", "measures": {"m": "0.7"}}
    figures = engine.evaluate(account(position("1", margin="50")), market(BTCUSDT=data)).positions[0]
    assert figures.buffers[0].multiply == Decimal("1.083333333333333334")
    assert figures.buffers[1].add_rate == Decimal("0.000000000000000001")
    assert figures.maintenance_rate == Decimal("0.010833333333333334")


def test_order__requires_rounded_up_what_is_there_rounded_down() -> None:
    """0.3333 contracts require 3.333 of the 100.009 that are free."""
    decision = flat_engine().check_order(account(collateral={"USDT": "100.009"}), market(), order("0.3333"))
    assert (decision.required_margin, decision.available_margin) == (Decimal("3.34"), Decimal("100"))
