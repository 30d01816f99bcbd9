"""The published examples: what the engine answers, and what the independent oracle says of the same documents."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from rules_engine import Engine, Policy, load_policy
from tests.oracle import bankruptcy_price, evaluate, liquidation_price, order_accepted

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
QUANTUM = Fraction(1, 10**8)
UP = ("initial_margin", "maintenance_margin", "top_up", "draw")
DOWN = ("equity", "own_equity", "draw_limit", "free_margin", "withdrawable")
ORACLE_NAMES = {"initial_margin": "initial", "maintenance_margin": "maintenance"}


def example(name: str) -> Any:
    """A published document in plain values."""
    return json.loads((EXAMPLES / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(ROOT / "policies" / "usdt-perpetuals" / "1.2.0.yaml")


@pytest.fixture(scope="module")
def binance() -> Policy:
    return load_policy(ROOT / "policies" / "binance-usdm-usdt" / "1.0.0.yaml")


def up(value: Fraction, unit: Fraction) -> Fraction:
    """The next multiple of the unit that is not below the value."""
    return math.ceil(value / unit) * unit


def down(value: Fraction, unit: Fraction) -> Fraction:
    """The next multiple of the unit that is not above the value."""
    return math.floor(value / unit) * unit


def as_fraction(printed: str | None) -> Fraction | None:
    """A printed figure."""
    return None if printed is None else Fraction(printed)


def assert_agrees_with_oracle(policy: Policy, account: Any, market: Any, evaluation: Any) -> None:
    """Every figure of an evaluation is the oracle's, rounded once in its stated direction."""
    expected = evaluate(dict(policy.document), account, market)
    assert [pool["pool"] for pool in evaluation["pools"]] != []
    for pool in evaluation["pools"]:
        oracle = expected.pools[pool["pool"]]
        assert pool["status"] == oracle.status, pool["pool"]
        for names, rounding in ((UP, up), (DOWN, down)):
            for name in names:
                exact = getattr(oracle, ORACLE_NAMES.get(name, name))
                wanted = None if exact is None else rounding(exact, QUANTUM)
                assert name not in pool or as_fraction(pool[name]) == wanted, f"{pool['pool']} {name}"
        assert oracle.equity and oracle.maintenance is not None
        assert Fraction(pool["margin_ratio"]) == up(oracle.maintenance / oracle.equity, Fraction(1, 10**8))
    for position, oracle_position in zip(evaluation["positions"], expected.positions, strict=True):
        for name, exact in (
            ("notional", oracle_position.notional),
            ("initial_margin", oracle_position.initial),
            ("maintenance_margin", oracle_position.maintenance),
        ):
            assert exact is not None and as_fraction(position[name]) == up(exact, QUANTUM), f"{position['id']} {name}"
        assert oracle_position.unrealized_pnl is not None
        assert as_fraction(position["unrealized_pnl"]) == down(oracle_position.unrealized_pnl, QUANTUM)
        assert (position["tier"], position["pool"]) == (oracle_position.tier, oracle_position.pool)


def assert_prices_agree_with_oracle(
    policy: Policy, account: Any, market: Any, evaluation: Any, ticks: dict[str, str]
) -> None:
    """Both prices are the oracle's, rounded to the tick: up where the price lies below the mark, down above."""
    document = dict(policy.document)
    for position in evaluation["positions"]:
        instrument, pool = position["instrument"], position["pool"]
        mark, tick = Fraction(market["instruments"][instrument]["mark_price"]), Fraction(ticks[instrument])
        for name, price_of in (("liquidation_price", liquidation_price), ("bankruptcy_price", bankruptcy_price)):
            exact = price_of(document, account, market, pool, instrument)
            wanted = None if exact is None else (up if exact <= mark else down)(exact, tick)
            assert as_fraction(position[name]) == wanted, f"{position['id']} {name}"


def test_evaluation__is_what_the_engine_answers(policy: Policy) -> None:
    answer = Engine(policy).evaluate(example("account.json"), example("market.json"))
    assert answer.to_dict() == example("evaluation.json")


def test_evaluation__agrees_with_the_oracle(policy: Policy) -> None:
    account, market, evaluation = example("account.json"), example("market.json"), example("evaluation.json")
    assert_agrees_with_oracle(policy, account, market, evaluation)
    ticks = {"BTCUSDT": "0.1", "ETHUSDT": "0.01", "SOLUSDT": "0.01"}
    assert_prices_agree_with_oracle(policy, account, market, evaluation, ticks)


def test_order_decision__is_what_the_engine_answers(policy: Policy) -> None:
    answer = Engine(policy).check_order(example("account.json"), example("market.json"), example("order.json"))
    assert answer.to_dict() == example("order-decision.json")


def test_order_decision__agrees_with_the_oracle(policy: Policy) -> None:
    account, market, order = example("account.json"), example("market.json"), example("order.json")
    decision = example("order-decision.json")
    before = evaluate(dict(policy.document), account, market).pools[decision["pool"]]
    with_order = {**account, "orders": [*account["orders"], order]}
    after = evaluate(dict(policy.document), with_order, market).pools[decision["pool"]]
    assert before.initial is not None and after.initial is not None
    assert Fraction(decision["required_margin"]) == after.initial - before.initial
    assert as_fraction(decision["available_margin"]) == before.free_margin
    assert_agrees_with_oracle(policy, with_order, market, decision["evaluation"])


def test_order_decision__the_oracle_accepts_the_largest_quantity_and_not_a_step_more(policy: Policy) -> None:
    account, market, order = example("account.json"), example("market.json"), example("order.json")
    largest = Fraction(example("order-decision.json")["largest_quantity"])
    accepted = [
        order_accepted(dict(policy.document), account, market, {**order, "quantity": -quantity})
        for quantity in (largest, largest + Fraction("0.001"))
    ]
    assert accepted == [True, False]


def test_binance_example__agrees_with_the_oracle(binance: Policy) -> None:
    account, market = example("binance/account.json"), example("binance/market.json")
    evaluation = Engine(binance).evaluate(account, market).to_dict()
    assert_agrees_with_oracle(binance, account, market, evaluation)
    ticks = {name: data["price_tick"] for name, data in market["instruments"].items()}
    assert_prices_agree_with_oracle(binance, account, market, evaluation, ticks)
