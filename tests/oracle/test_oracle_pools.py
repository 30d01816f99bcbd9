"""The oracle's pools, orders and close-outs against sentences of the semantics, worked by hand."""

from __future__ import annotations

from fractions import Fraction
from operator import attrgetter
from typing import Any

import pytest

from tests.oracle import evaluate, order_accepted, restored_after
from tests.oracle.test_oracle import EXAMPLE_POLICY, a_market, a_policy, a_position, an_account, flat

FIVE_PERCENT = a_policy(
    flat("0.05", "10"),
    instruments={"BTCUSDT": {"payoff": "linear", "table": "table", "underlying": "BTC"},
                 "ETHUSDT": {"payoff": "linear", "table": "table", "underlying": "ETH"}},
)  # fmt: skip
HUNDRED = a_market(BTCUSDT="100", ETHUSDT="100")


def held(margin: str) -> dict[str, Any]:
    """An account with ten contracts at 100, isolated: initial margin 100, maintenance 50."""
    return an_account(a_position("BTCUSDT", "isolated", "10", "100", margin=margin), USDT="0")


@pytest.mark.parametrize(
    ("trigger", "margin", "status"),
    [
        ("at_or_below", "50", "liquidate"), ("below", "50", "margin_call"), ("at_or_below", "50.01", "margin_call"),
        ("at_or_below", "62.5", "margin_call"), ("below", "62.5", "healthy"), ("at_or_below", "62.51", "healthy"),
        ("at_or_below", "0", "liquidate"),
    ],
)  # fmt: skip
def test_status__on_a_line_is_what_the_trigger_says(trigger: str, margin: str, status: str) -> None:
    policy = FIVE_PERCENT | {"liquidation": FIVE_PERCENT["liquidation"] | {"trigger": trigger}}
    assert evaluate(policy, held(margin), HUNDRED).pools["A/isolated/BTCUSDT"].status == status


def test_status__below_zero_equity_is_bankrupt() -> None:
    market = a_market(BTCUSDT="94.9")
    assert evaluate(FIVE_PERCENT, held("50"), market).pools["A/isolated/BTCUSDT"].status == "bankrupt"


def test_status__without_a_mark_is_undetermined_for_its_pools_only() -> None:
    account = held("500")
    account["positions"].append(a_position("ETHUSDT", "cross", "1", "100"))
    pools = evaluate(FIVE_PERCENT, account, a_market(BTCUSDT="100")).pools
    assert (pools["A/cross"].status, pools["A/isolated/BTCUSDT"].status) == ("undetermined", "healthy")


@pytest.mark.parametrize(("margin", "status"), [("80", "undetermined"), ("40", "liquidate"), ("126", "healthy")])
def test_status__with_a_missing_measure_stands_where_both_ends_agree(margin: str, status: str) -> None:
    """Maintenance is 50 at the least severe band and 100 at the most."""
    bands = [{"from": "0", "multiply": "1"}, {"from": "1", "multiply": "2"}]
    policy = FIVE_PERCENT | {
        "buffers": {"volatility": {"kind": "volatility", "measure": "realized", "bands": bands}},
        "instruments": {"BTCUSDT": {"payoff": "linear", "table": "table", "buffers": ["volatility"]}},
    }
    pool = evaluate(policy, held(margin), HUNDRED).pools["A/isolated/BTCUSDT"]
    assert pool.status == status
    assert pool.initial == 200


def test_requirement__multiplies_then_adds_then_caps_at_one() -> None:
    bands = {"m": [{"from": "0", "multiply": "3"}], "a": [{"from": "0", "add_rate": "0.01"}]}
    buffers = {name: {"kind": "volatility", "measure": "x", "bands": band} for name, band in bands.items()}
    instrument = {"payoff": "linear", "table": "table", "buffers": ["a", "m"]}
    policy = FIVE_PERCENT | {"buffers": buffers, "instruments": {"BTCUSDT": instrument}}
    market = a_market(BTCUSDT="100")
    market["instruments"]["BTCUSDT"]["measures"] = {"x": "5"}
    figures = evaluate(policy, held("500"), market).positions[0]
    assert attrgetter("maintenance", "initial")(figures) == (Fraction("160"), Fraction("310"))


def test_collateral__counts_after_haircut_up_to_its_cap_and_debts_in_full() -> None:
    policy = FIVE_PERCENT | {
        "collateral": {"USDT": {}, "BTC": {"haircut": "0.05", "cap": "900"}, "ETH": {"haircut": "0.1"}}
    }
    market = a_market() | {
        "prices": {name: {"price": "1000", "time": "2026-12-02T00:00:00Z"} for name in ("BTC", "ETH")}
    }
    account = an_account(USDT="10", BTC="1", ETH="-1", OTHER="5")
    assert evaluate(policy, account, market).pools["A/cross"].equity == 10 + 900 - 1100


def test_draw_limit__is_the_cap_or_an_equal_share_of_what_is_free() -> None:
    """The shared pool has 1000 free; the cap of 0.25 is less than half each."""
    positions = [a_position(name, "hybrid", "10", "100") for name in ("BTCUSDT", "ETHUSDT")]
    account = an_account(*positions, USDT="1000") | {"group_margins": {"BTC": "60", "ETH": "500"}}
    pools = evaluate(FIVE_PERCENT, account, HUNDRED).pools
    group = pools["A/hybrid/BTC"]
    assert attrgetter("own_equity", "draw_limit", "draw", "free_margin")(group) == (60, 250, 40, 210)
    assert pools["A/hybrid/ETH"].draw == 0
    assert pools["A/cross"].free_margin == 960


def test_group__is_decided_without_a_draw_where_the_shared_pool_is_undetermined() -> None:
    positions = [a_position(name, "hybrid", "10", "100") for name in ("BTCUSDT", "ETHUSDT")]
    account = an_account(*positions, USDT="1000", BTC="1") | {"group_margins": {"BTC": "60", "ETH": "500"}}
    pools = evaluate(FIVE_PERCENT, account, HUNDRED).pools
    assert [pools[f"A/hybrid/{name}"].status for name in ("BTC", "ETH")] == ["undetermined", "healthy"]


def order(quantity: str, price: str | None = None, **more: Any) -> dict[str, Any]:
    """A cross order in BTCUSDT at 10x."""
    mode = {"id": "o", "instrument": "BTCUSDT", "mode": "cross"}
    return mode | {"quantity": quantity, "price": price, "leverage": "10"} | more


@pytest.mark.parametrize(
    ("orders", "initial"),
    [
        ([order("4")], 140), ([order("-4")], 100), ([order("-25")], 150), ([order("4"), order("-25")], 150),
        ([order("4", "101")], 144), ([order("4", "99")], 140), ([order("-4", "90", reduce_only=True)], 140),
        ([order("4", leverage="5")], 280),
    ],
)  # fmt: skip
def test_order_margin__is_the_larger_side_and_every_loss_to_the_mark(orders: list[Any], initial: int) -> None:
    """Ten contracts at 100 are held in a cross pool: initial margin 100."""
    account = an_account(a_position("BTCUSDT", "cross", "10", "100", leverage="10"), USDT="0") | {"orders": orders}
    assert evaluate(FIVE_PERCENT, account, HUNDRED).pools["A/cross"].initial == initial


@pytest.mark.parametrize(
    ("collateral", "asked", "accepted"),
    [
        ("140", order("4"), True), ("139.99", order("4"), False), ("0", order("-10"), True),
        ("0", order("-10.01"), False), ("1000", order("4", leverage="10.1"), False),
    ],
)  # fmt: skip
def test_order_accepted__up_to_no_free_margin_and_whenever_it_only_reduces(
    collateral: str, asked: dict[str, Any], accepted: bool
) -> None:
    account = an_account(a_position("BTCUSDT", "cross", "10", "100", leverage="10"), USDT=collateral)
    assert order_accepted(FIVE_PERCENT, account, HUNDRED, asked) is accepted


def test_order_accepted__not_beyond_a_capped_last_tier() -> None:
    policy = a_policy([{"up_to": "1000", "maintenance_rate": "0.05", "max_leverage": "10"}])
    account = an_account(USDT="100000")
    assert order_accepted(policy, account, HUNDRED, order("9.99"))
    assert not order_accepted(policy, account, HUNDRED, order("10"))


def test_order_margin__of_an_isolated_order_that_opens_is_reserved_in_the_shared_pool() -> None:
    account = held("500") | {"orders": [order("4", mode="isolated")]}
    pools = evaluate(FIVE_PERCENT, account, HUNDRED).pools
    assert pools["A/cross"].initial == 40
    assert pools["A/isolated/BTCUSDT"].initial == 100


@pytest.mark.parametrize(("quantity", "restored"), [("2.67", True), ("2.66", False), ("10", True)])
def test_restored_after__from_the_fraction_of_the_closed_form_up(quantity: str, restored: bool) -> None:
    """design 3.3: (k * r * n - equity) / (n * k * r) = (75 - 55) / 75 of ten contracts, 2.666..."""
    closings = [{"position": "BTCUSDT", "quantity": quantity}]
    assert restored_after(FIVE_PERCENT, held("55"), HUNDRED, "A/isolated/BTCUSDT", closings) is restored


def test_initial__is_the_chosen_leverage_s_where_that_is_more_than_the_table_s() -> None:
    account = an_account(a_position("BTCUSDT", "cross", "0.5", "60000", leverage="10"), USDT="0")
    assert evaluate(EXAMPLE_POLICY, account, a_market(BTCUSDT="61000")).positions[0].initial == 3050
