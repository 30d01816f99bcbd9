"""The generated documents reach what the properties are about, and the oracle is at one with itself on them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from tests.oracle import (
    after_closing,
    evaluate,
    liquidate_decision,
    liquidation_price,
    number,
    order_accepted,
    restored_after,
)
from tests.properties.accounts import documents, documents_with_order
from tests.properties.documents import Documents, solving

QUICK = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SEARCH = settings(QUICK, max_examples=400, phases=[Phase.generate], database=None)


@pytest.mark.parametrize("status", ["healthy", "margin_call", "liquidate", "bankrupt"])
def test_documents__reach_every_status_of_a_pool_with_positions(status: str) -> None:
    def reached(drawn: Documents) -> bool:
        pools = evaluate(drawn.policy, drawn.account, drawn.market).pools.values()
        return any(pool.status == status and pool.maintenance for pool in pools)

    assert find(documents(), reached, settings=SEARCH)


def test_documents__stand_exactly_on_the_liquidation_line() -> None:
    def reached(drawn: Documents) -> bool:
        pools = evaluate(drawn.policy, drawn.account, drawn.market).pools.values()
        return any(
            pool.maintenance and pool.trigger_fee is not None and pool.equity == pool.maintenance + pool.trigger_fee
            for pool in pools
        )

    assert find(documents(), reached, settings=SEARCH)


@pytest.mark.parametrize("accepted", [True, False])
def test_documents_with_order__reach_acceptance_and_refusal(accepted: bool) -> None:
    found = find(
        documents_with_order(),
        lambda drawn: order_accepted(drawn[0].policy, drawn[0].account, drawn[0].market, drawn[1]) is accepted,
        settings=SEARCH,
    )
    assert found


@QUICK
@given(documents())
def test_documents__leave_no_pool_undetermined_where_nothing_is_in_doubt(drawn: Documents) -> None:
    pools = evaluate(drawn.policy, drawn.account, drawn.market).pools
    assert {pool.reasons for pool in pools.values()} == {frozenset()}


@QUICK
@given(documents(max_tiers=4, max_instruments=2, max_positions=3, max_orders=1).map(solving))
def test_liquidation_price__is_where_the_decision_changes(drawn: Documents) -> None:
    arguments = drawn.policy, drawn.account, drawn.market
    for position in evaluate(*arguments).positions:
        price = liquidation_price(*arguments, position.pool, position.instrument)
        if price is not None:
            around = [price * (1 + Fraction(step, 10**15)) for step in (-1, 0, 1)]
            decisions = {liquidate_decision(*arguments, position.pool, position.instrument, at) for at in around}
            assert decisions == {True, False}


@QUICK
@given(documents())
def test_after_closing__everything_costs_the_fee_and_nothing_else(drawn: Documents) -> None:
    """And a pool without positions is restored from zero equity up."""
    before = evaluate(drawn.policy, drawn.account, drawn.market)
    account = drawn.account | {"orders": []}
    rate = number(account.get("fee_rate", drawn.policy["liquidation"]["closing_fee"]["rate"]))
    closings = [{"position": each["id"], "quantity": each["quantity"]} for each in account["positions"]]
    after = evaluate(drawn.policy, after_closing(drawn.policy, account, drawn.market, closings), drawn.market).pools
    for name, pool in before.pools.items():
        fees = sum((rate * (each.notional or 0) for each in before.positions if each.pool == name), Fraction(0))
        if name in after and pool.own_equity is not None:
            assert after[name].own_equity == pool.own_equity - fees
            restored = restored_after(drawn.policy, account, drawn.market, name, closings)
            assert restored == (pool.own_equity - fees >= 0)
