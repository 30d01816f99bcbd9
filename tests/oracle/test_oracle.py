"""The oracle against figures that others published."""

from __future__ import annotations

from fractions import Fraction
from operator import attrgetter
from typing import Any

import pytest

from tests.oracle import (
    bankruptcy_price,
    decimal_text,
    evaluate,
    liquidate_decision,
    liquidation_price,
)

TIME = "2026-12-02T00:00:00Z"
UNLIMITED = "unlimited"
LAST_PLACE = Fraction(1, 10**8)


def a_policy(tiers: list[dict[str, str]], **changes: Any) -> dict[str, Any]:
    """A policy with one table and no closing fee, with whole sections replaced."""
    liquidation = {"trigger": "at_or_below", "margin_call": "1.25", "restore_to": "1.5"}
    return {
        "settlement": {"currency": "USDT", "quantum": "0.00000001"},
        "tables": {"table": {"unit": "notional", "form": "marginal", "tiers": tiers}},
        "modes": {"isolated": {}, "cross": {}, "hybrid": {"group_by": "underlying", "shared_draw_cap": "0.25"}},
        "collateral": {"USDT": {"haircut": "0"}, "BTC": {"haircut": "0.05", "cap": "1000000"}},
        "instruments": {"*USDT": {"payoff": "linear", "table": "table"}},
        "liquidation": liquidation,
    } | changes


def flat(rate: str, leverage: str, cum: str = "0") -> list[dict[str, str]]:
    """A table whose last line is `rate` * notional - `cum`: one tier at half the rate, ending at cum / (rate / 2)."""
    last = {"up_to": UNLIMITED, "maintenance_rate": rate, "max_leverage": leverage}
    if cum == "0":
        return [last]
    half = Fraction(rate) / 2
    floor = decimal_text(Fraction(cum) / half, 20)
    return [{"up_to": floor, "maintenance_rate": decimal_text(half, 20), "max_leverage": leverage}, last]


def a_position(instrument: str, mode: str, quantity: str, entry: str, **more: str) -> dict[str, str]:
    """A position whose id is its instrument's name."""
    return {"id": instrument, "instrument": instrument, "mode": mode, "quantity": quantity, "entry_price": entry} | more


def an_account(*positions: dict[str, str], **collateral: str) -> dict[str, Any]:
    """An account with those positions and that shared collateral."""
    return {"account": "A", "collateral": collateral, "positions": list(positions)}


def a_market(**marks: str) -> dict[str, Any]:
    """A market with those marks, fresh."""
    return {"as_of": TIME, "instruments": {name: {"mark_price": mark, "time": TIME} for name, mark in marks.items()}}


EXAMPLE_POLICY = a_policy(
    [
        {"up_to": "50000", "maintenance_rate": "0.004", "max_leverage": "125"},
        {"up_to": "250000", "maintenance_rate": "0.005", "max_leverage": "100"},
        {"up_to": UNLIMITED, "maintenance_rate": "0.025", "max_leverage": "20"},
    ]
)
EXAMPLE_P1 = {
    "id": "p1", "instrument": "BTCUSDT", "mode": "isolated", "quantity": "0.5", "entry_price": "60000",
    "margin": "3000", "leverage": "10", "accrued": "-1.25",
}  # fmt: skip
EXAMPLE = (EXAMPLE_POLICY, an_account(EXAMPLE_P1, USDT="12000"), a_market(BTCUSDT="61000"))


def test_evaluate__gives_the_figures_of_the_documented_example() -> None:
    evaluation = evaluate(*EXAMPLE)
    position, pool = evaluation.positions[0], evaluation.pools["A/isolated/p1"]
    assert attrgetter("notional", "unrealized_pnl", "tier")(position) == (30500, 500, 1)
    assert attrgetter("initial", "maintenance")(position) == (3050, 122)
    assert attrgetter("equity", "status", "top_up")(pool) == (Fraction("3498.75"), "healthy", 0)
    assert attrgetter("free_margin", "withdrawable")(pool) == (Fraction("448.75"), 0)


def test_prices__round_up_to_those_of_the_documented_example() -> None:
    liquidation = liquidation_price(*EXAMPLE, "A/isolated/p1", "BTCUSDT")
    bankruptcy = bankruptcy_price(*EXAMPLE, "A/isolated/p1", "BTCUSDT")
    assert liquidation is not None and Fraction("54219.3") < liquidation <= Fraction("54219.4")
    assert bankruptcy == Fraction("54002.5")


# Binance FAQ, "liquidation price of USDT-M futures": ETH long at 10 % and 135,365; BTC long at 2.5 % and 16,300.
FAQ_ETH = {"quantity": "3683.979", "entry": "1456.84"}
FAQ_BOTH = a_policy(
    [],
    tables={"eth": {"tiers": flat("0.10", "5", "135365")}, "btc": {"tiers": flat("0.025", "20", "16300")}},
    instruments={"ETHUSDT": {"payoff": "linear", "table": "eth"}, "BTCUSDT": {"payoff": "linear", "table": "btc"}},
)


def assert_liquidation_price_prints(policy: Any, account: Any, market: Any, pool: str, printed: str) -> None:
    """ETHUSDT's liquidation price rounds half up to `printed`, and the decision changes between its neighbours."""
    half = Fraction(1, 200)
    price = liquidation_price(policy, account, market, pool, "ETHUSDT")
    assert price is not None and -half <= price - Fraction(printed) < half
    assert liquidate_decision(policy, account, market, pool, "ETHUSDT", Fraction(printed) - half)
    assert not liquidate_decision(policy, account, market, pool, "ETHUSDT", Fraction(printed) + half)


def test_liquidation_price__is_binance_s_for_an_isolated_position() -> None:
    position = a_position("ETHUSDT", "isolated", FAQ_ETH["quantity"], FAQ_ETH["entry"], margin="1535443.01")
    market = a_market(ETHUSDT="1335.18")
    assert_liquidation_price_prints(FAQ_BOTH, an_account(position), market, "A/isolated/ETHUSDT", "1114.78")


def test_liquidation_price__is_binance_s_beside_another_cross_position() -> None:
    eth = a_position("ETHUSDT", "cross", FAQ_ETH["quantity"], FAQ_ETH["entry"])
    btc = a_position("BTCUSDT", "cross", "109.488", "32481.98")
    market = a_market(ETHUSDT="1335.18", BTCUSDT="31967.27")
    account = an_account(eth, btc, USDT="1535443.01")
    assert_liquidation_price_prints(FAQ_BOTH, account, market, "A/cross", "1153.26")
    needs = evaluate(FAQ_BOTH, account, market).positions[1]
    assert needs.unrealized_pnl - needs.maintenance == Fraction("-127555.379924")  # type: ignore[operator]


def test_liquidation_price__of_a_short_inverse_position_at_1x_does_not_exist() -> None:
    """KuCoin prints its cap of 1,000,000 for this position."""
    policy = a_policy(
        flat("0.005", "1"), instruments={"XBTUSDM": {"payoff": "inverse", "table": "table", "contract_size": "1"}}
    )
    position = a_position("XBTUSDM", "isolated", "-20", "7508.22", margin="0.00266375", leverage="1")
    account, market = an_account(position), a_market(XBTUSDM="7947.83")
    figures = evaluate(policy, account, market).positions[0]
    assert figures.unrealized_pnl is not None and abs(figures.unrealized_pnl - Fraction("-0.00014735")) < 2 * LAST_PLACE
    assert figures.notional is not None and abs(figures.notional - Fraction("0.00251640")) < 2 * LAST_PLACE
    assert liquidation_price(policy, account, market, "A/isolated/XBTUSDM", "XBTUSDM") is None


def test_liquidation_price__is_binance_s_for_an_inverse_long() -> None:
    """COIN-M BTCUSD_PERP: the venue printed 25119.97445760 from a wallet printed to 8 places."""
    policy = a_policy(
        flat("0.004", "125"), instruments={"BTCUSD": {"payoff": "inverse", "table": "table", "contract_size": "100"}}
    )
    position = a_position("BTCUSD", "isolated", "2", "37643.10000021", margin="0.00268058", leverage="2")
    arguments = policy, an_account(position), a_market(BTCUSD="38103.05510455")
    price = liquidation_price(*arguments, "A/isolated/BTCUSD", "BTCUSD")
    assert price is not None and abs(price / Fraction("25119.97445760") - 1) < Fraction(2, 10**6)
    equity = evaluate(*arguments).pools["A/isolated/BTCUSD"].equity
    assert equity is not None and abs(equity - Fraction("0.00274471")) < LAST_PLACE


@pytest.mark.parametrize(
    ("quantity", "leverage", "margin", "printed"),
    [
        ("-1", "5", "2", "11.89108910891089"),
        ("1", "5", "2", "8.070707070707071"),
        ("1", "3", "3.33333333333333333333", "6.723905723905723"),
    ],
)
def test_liquidation_price__is_freqtrade_s(quantity: str, leverage: str, margin: str, printed: str) -> None:
    """freqtrade test_get_liquidation_price: entry 10, rate 0.01, amount 0.01."""
    position = a_position("X", "isolated", quantity, "10", margin=margin, leverage=leverage)
    policy = a_policy(flat("0.01", "50", "0.01"), instruments={"X": {"payoff": "linear", "table": "table"}})
    price = liquidation_price(policy, an_account(position), a_market(X="10"), "A/isolated/X", "X")
    assert price is not None and abs(price / Fraction(printed) - 1) < Fraction(1, 10**6)


def test_liquidation_price__valued_at_entry_is_bybit_s() -> None:
    """freqtrade test_get_liquidation_price, Bybit: maintenance of 1 % stays at entry."""
    policy = a_policy(flat("0.01", "50"), instruments={"X": {"payoff": "linear", "table": "table"}})
    policy["conventions"] = {"maintenance_priced_at": "entry"}
    for quantity, printed in (("1", "8.1"), ("-1", "11.9")):
        account = an_account(a_position("X", "isolated", quantity, "10", margin="2", leverage="5"))
        assert liquidation_price(policy, account, a_market(X="10"), "A/isolated/X", "X") == Fraction(printed)


@pytest.mark.parametrize(
    ("quantity", "entry", "rate", "fee", "initial", "maintenance"),
    [
        ("0.5", "1073.85", "0.005", "0.0006", "53.98243950", "2.97456450"),
        ("100", "0.3615", "0.01", "0.0006", "3.634521", "0.381021"),
    ],
)
def test_requirement__with_a_fee_valued_at_bankruptcy_is_bybit_s(
    quantity: str, entry: str, rate: str, fee: str, initial: str, maintenance: str
) -> None:
    """Bybit answers quoted by ccxt, cross at 10x: fee to close is counted in both, at value * (1 - 1 / leverage)."""
    policy = a_policy(flat(rate, "50"), instruments={"X": {"payoff": "linear", "table": "table"}})
    policy["liquidation"]["closing_fee"] = {
        "rate": fee, "counts_in": ["initial", "maintenance"], "valued_at": "bankruptcy",
    }  # fmt: skip
    account = an_account(a_position("X", "cross", quantity, entry, leverage="10"), USDT="100")
    figures = evaluate(policy, account, a_market(X=entry)).positions[0]
    assert attrgetter("initial", "maintenance")(figures) == (Fraction(initial), Fraction(maintenance))


# freqtrade tests/conftest.py, leverage_tiers: Binance's BTC/USDT table with the maintenance amounts it printed.
BINANCE_BTC = [
    ("50000", "0.004", "125", "0"), ("250000", "0.005", "100", "50"), ("1000000", "0.01", "50", "1300"),
    ("7500000", "0.025", "20", "16300"), ("40000000", "0.05", "10", "203800"), ("100000000", "0.1", "5", "2203800"),
    ("200000000", "0.125", "4", "4703800"), ("400000000", "0.15", "3", "9703800"),
    ("600000000", "0.25", "2", "49703800"), ("1000000000", "0.5", "1", "199703800"),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(BINANCE_BTC)))
def test_maintenance__of_every_tier_is_rate_times_notional_less_binance_s_amount(index: int) -> None:
    keys = ("up_to", "maintenance_rate", "max_leverage")
    policy = a_policy([dict(zip(keys, row[:3], strict=True)) for row in BINANCE_BTC])
    floor = BINANCE_BTC[index - 1][0] if index else "1"
    account = an_account(a_position("BTCUSDT", "cross", floor, "1"), USDT="0")
    figures = evaluate(policy, account, a_market(BTCUSDT="1")).positions[0]
    assert figures.tier == index + 1
    assert figures.maintenance == Fraction(BINANCE_BTC[index][1]) * Fraction(floor) - Fraction(BINANCE_BTC[index][3])


def test_maintenance__by_contracts_takes_the_tier_that_holds_them() -> None:
    """OKX, freqtrade tests/exchange/test_okx.py: 4001 contracts are charged 2 % on the whole."""
    tiers = [
        {"up_to": "2001", "maintenance_rate": "0.01", "max_leverage": "50"},
        {"up_to": "4001", "maintenance_rate": "0.015", "max_leverage": "30"},
        {"up_to": "8001", "maintenance_rate": "0.02", "max_leverage": "20"},
    ]
    policy = a_policy([], tables={"table": {"unit": "quantity", "form": "whole", "tiers": tiers}})
    for quantity, rate in (("2000", "0.01"), ("4001", "0.02")):
        account = an_account(a_position("ETHUSDT", "cross", quantity, "3"), USDT="0")
        maintenance = evaluate(policy, account, a_market(ETHUSDT="3")).positions[0].maintenance
        assert maintenance == Fraction(rate) * 3 * int(quantity)
