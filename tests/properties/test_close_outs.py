"""Close-outs and top-ups restore a pool, and nothing less of them does."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given

from rules_engine.terms.evaluation import Closing, PoolFigures
from tests.oracle import OraclePool, evaluate, number, restored_after
from tests.properties.accounts import documents
from tests.properties.documents import QUANTUM, Document, Documents, exact
from tests.properties.laws import examples
from tests.properties.product import down, engine_of, pools_of

STEP = Fraction("0.001")
SMALL = documents(max_tiers=4, max_instruments=3, max_positions=4, max_orders=1)


def with_plan(drawn: Documents, plan: str) -> Documents:
    """The same under another close-out plan."""
    liquidation = drawn.policy["liquidation"] | {"close_out": {"plan": plan}}
    return Documents(drawn.policy | {"liquidation": liquidation}, drawn.account, drawn.market)


def closed(steps: tuple[Closing, ...]) -> list[Document]:
    """The steps as the oracle takes them, those of one position together."""
    sizes: dict[str, Fraction] = {}
    for step in steps:
        sizes[step.position] = sizes.get(step.position, Fraction(0)) + Fraction(step.quantity)
    return [{"position": position, "quantity": size} for position, size in sizes.items()]


def held(drawn: Documents, pool: str) -> dict[str, Fraction]:
    """The sizes of a pool's positions."""
    in_pool = {each.id for each in evaluate(drawn.policy, drawn.account, drawn.market).positions if each.pool == pool}
    return {each["id"]: abs(number(each["quantity"])) for each in drawn.account["positions"] if each["id"] in in_pool}


def closes_everything(drawn: Documents, pool: PoolFigures) -> bool:
    """Whether the close-out leaves no position in the pool."""
    return {each["position"]: each["quantity"] for each in closed(pool.close_out)} == held(drawn, pool.pool)


def restores(drawn: Documents, pool: str, closings: list[Document]) -> bool:
    """The oracle's word on closings."""
    return restored_after(drawn.policy, drawn.account, drawn.market, pool, closings)


def liquidated(drawn: Documents) -> list[PoolFigures]:
    """The pools to be liquidated, with their close-outs; what is not to be closed has none."""
    pools = engine_of(drawn.policy).evaluate(drawn.account, drawn.market).pools
    for pool in pools:
        assert bool(pool.close_out) == (pool.status in ("liquidate", "bankrupt") and bool(held(drawn, pool.pool)))
        assert pool.status != "bankrupt" or closes_everything(drawn, pool)
    return [pool for pool in pools if pool.status == "liquidate"]


@examples(100)
@given(SMALL)
def test_smallest__restores_and_one_step_less_does_not(drawn: Documents) -> None:
    """The plan `smallest` restores the pool, one step less of its last closing does not; or it closes everything."""
    for pool in liquidated(drawn):
        closings, last = closed(pool.close_out), pool.close_out[-1]
        if last.reason != "restores the pool":
            assert closes_everything(drawn, pool)
            continue
        assert restores(drawn, pool.pool, closings)
        size = Fraction(last.quantity)
        assert size % STEP == 0 or size == held(drawn, pool.pool)[last.position]
        less = down(size - STEP / 2, STEP)
        shorter = closings[:-1] + ([{"position": last.position, "quantity": less}] if less > 0 else [])
        assert not restores(drawn, pool.pool, shorter)


@examples(60)
@given(SMALL)
def test_smallest__closes_first_what_releases_most_maintenance(drawn: Documents) -> None:
    """Positions are closed in order of maintenance per notional, to which the fee is proportional; ties go by id."""
    figures = {each.id: each for each in evaluate(drawn.policy, drawn.account, drawn.market).positions}

    def rank(position: str) -> tuple[Fraction, str]:
        maintenance, notional = figures[position].maintenance, figures[position].notional
        assert maintenance is not None and notional is not None
        return -maintenance / notional, position

    for pool in liquidated(drawn):
        closed_ones = [step.position for step in pool.close_out]
        if pool.close_out[-1].reason == "restores the pool":
            assert closed_ones == sorted(closed_ones, key=rank)


@examples(60)
@given(documents(max_tiers=4, max_instruments=3, max_positions=1, max_orders=0))
def test_smallest__closes_everything_only_where_no_part_restores(drawn: Documents) -> None:
    """Where `smallest` closes a whole position, none of sixteen smaller quantities restores the pool."""
    for pool in liquidated(drawn):
        if not closes_everything(drawn, pool):
            continue
        ((position, size),) = held(drawn, pool.pool).items()
        parts = {down(size * part / 17, STEP) for part in range(1, 17)} - {Fraction(0)}
        assert not any(restores(drawn, pool.pool, [{"position": position, "quantity": part}]) for part in parts)


@pytest.mark.parametrize("plan", ["tier_step", "full"])
@examples(60)
@given(SMALL)
def test_plan__restores_or_closes_everything(plan: str, drawn: Documents) -> None:
    """After `tier_step` a pool is restored or empty; after `full` it is empty."""
    changed = with_plan(drawn, plan)
    for pool in liquidated(changed):
        assert closes_everything(changed, pool) or (
            plan == "tier_step" and restores(changed, pool.pool, closed(pool.close_out))
        )


def topped_up(account: Document, pool: OraclePool, amount: Fraction) -> Document:
    """The account with an amount paid into what backs a pool."""
    result: dict[str, Any] = copy.deepcopy(account)
    name = pool.name.split("/")[-1]
    if pool.kind == "shared":
        holder, key = result["collateral"], "USDT"
    elif pool.kind == "hybrid":
        holder, key = result["group_margins"], name
    else:
        holder, key = next(each for each in result["positions"] if each["id"] == name), "margin"
    holder[key] = exact(number(holder.get(key, "0")) + amount)
    return result


@examples(100)
@given(SMALL)
def test_top_up__restores_and_one_quantum_less_does_not(drawn: Documents) -> None:
    """A pool with its top-up paid in is restored; with a quantum less it is not.

    A closing fee valued at bankruptcy moves with an isolated position's margin, so there the sentence does not hold.
    """
    fee = drawn.policy["liquidation"]["closing_fee"]
    moves = fee["valued_at"] == "bankruptcy" and set(fee["counts_in"]) & {"maintenance", "trigger"}
    printed = pools_of(engine_of(drawn.policy).evaluate(drawn.account, drawn.market))
    for name, pool in evaluate(drawn.policy, drawn.account, drawn.market).pools.items():
        top_up = Fraction(printed[name].top_up or 0)
        if moves and pool.kind == "isolated":
            continue

        def restored(amount: Fraction, pool: OraclePool = pool) -> bool | None:
            account = topped_up(drawn.account, pool, amount)
            return evaluate(drawn.policy, account, drawn.market).pools[pool.name].restored

        assert restored(top_up)
        assert top_up == 0 or not restored(top_up - QUANTUM)
