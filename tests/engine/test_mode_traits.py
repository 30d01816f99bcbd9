"""What a mode states about itself: how exact it is, and how long a call may take."""

from __future__ import annotations

import warnings
from decimal import Decimal
from typing import Any

import pytest

from rules_engine.engine.calls import SlowPluginWarning
from rules_engine.plugin import Backing, PoolLabel, PoolRequirement, Requirement, notional
from tests.builders import account, market, one_pool, order, position
from tests.engine.strangers import SUPPLIER, Strange, StrangePool, Supplies, engine_with

HELD = position("10", mode="strange")


def tenth(num: Any, exposure: Any) -> Requirement:
    """Keeps 10 % of notional: 100 of 1000."""
    kept = notional(num, exposure) * Decimal("0.1")
    return Requirement(kept * 2, kept)


def whole(num: Any, pool: Any) -> PoolRequirement:
    """The same for a pool."""
    own = {one.id: tenth(num, one) for one in pool.positions}
    totals = (num.total([getattr(one, name) for one in own.values()]) for name in ("initial", "maintenance"))
    return PoolRequirement(*totals, own)


@pytest.mark.parametrize(
    ("cash", "status"),
    # Known to a hundredth: 100 to within 1, and the call at 125 to within 1.25.
    [
        ("98.99", "liquidate"),
        ("99", "undetermined"),
        ("100", "undetermined"),
        ("101", "undetermined"),
        ("101.01", "margin_call"),
        ("123.74", "margin_call"),
        ("123.75", "undetermined"),
        ("126.25", "undetermined"),
        ("126.26", "healthy"),
    ],
)
@pytest.mark.parametrize("kind", [Strange, StrangePool])
def test_tolerance__leaves_a_pool_close_to_a_line_undetermined(kind: Any, cash: str, status: str) -> None:
    """Just outside it is decided; its figures are known either way."""
    mode = kind(tenth if kind is Strange else whole, tolerance=Decimal("0.01"))
    evaluation = engine_with(Supplies(mode)).evaluate(account(HELD, collateral={"USDT": cash}), market())
    pool = one_pool(evaluation, "A/strange")
    assert (pool.status, pool.reasons) == (status, ("WITHIN_TOLERANCE",) if status == "undetermined" else ())
    assert (pool.maintenance_margin, pool.equity) == (100, Decimal(cash))
    assert (pool.top_up is None) is (status == "undetermined")


def test_tolerance__of_nothing_is_nothing() -> None:
    """A pool that requires nothing is decided exactly: empty, and with a position of which nothing is kept."""
    mode = Strange(lambda num, exposure: Requirement(num.constant(0), num.constant(0)), tolerance=Decimal("0.01"))
    engine = engine_with(Supplies(mode))
    assert one_pool(engine.evaluate(account(), market()), "A/strange").status == "healthy"
    assert (
        one_pool(engine.evaluate(account(HELD), market()), "A/strange").status == "liquidate"
    )  # 0 is at the line of 0


@pytest.mark.parametrize("kind", [Strange, StrangePool])
def test_budget__that_a_call_exceeds_is_reported_and_changes_no_answer(kind: Any) -> None:
    """Every call takes longer than no time; the evaluation is the same to the digit."""
    answer = tenth if kind is Strange else whole
    document = account(HELD, collateral={"USDT": "120"}, orders=[order("1", mode="strange", price="99")])
    slow = engine_with(Supplies(kind(answer, budget=Decimal(0))))
    with pytest.warns(SlowPluginWarning, match=f"strange of {SUPPLIER} took .* ms, more than its budget of 0 s"):
        told = slow.evaluate(document, market())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        silent = engine_with(Supplies(kind(answer))).evaluate(document, market())
        patient = engine_with(Supplies(kind(answer, budget=Decimal(60)))).evaluate(document, market())
    assert told.to_dict() == silent.to_dict() == patient.to_dict()


def test_label__is_judged() -> None:
    """A key that is no text, no backing, a part of the account's pool, a draw that is no amount: all faults."""
    for wrong in (
        PoolLabel(key=7, backing=Backing.GROUP),  # type: ignore[arg-type]
        PoolLabel(key="a", backing="group"),  # type: ignore[arg-type]
        PoolLabel(key="a", backing=Backing.ACCOUNT),
        PoolLabel(key="", backing=Backing.POSITION),
        PoolLabel(key="a", backing=Backing.GROUP, draw_cap=Decimal("NaN")),
        PoolLabel(key="a", backing=Backing.GROUP, draw_cap=Decimal("-0.1")),
        PoolLabel(key="a", backing=Backing.GROUP, draw_cap=0.5),  # type: ignore[arg-type]
    ):
        mode = Strange(tenth)
        mode.pool = lambda labels, parameters, wrong=wrong: wrong  # type: ignore[method-assign, misc]
        evaluation = engine_with(Supplies(mode)).evaluate(account(HELD, collateral={"USDT": "120"}), market())
        assert {pool.status for pool in evaluation.pools} == {"undetermined"}
        assert evaluation.evidence[0].message == f"p1: strange of {SUPPLIER} says that the pool is {wrong!r}"


def test_label__that_puts_two_positions_on_the_margin_of_one_is_at_fault() -> None:
    """A position's own margin backs that position."""
    mode = Strange(tenth)
    mode.pool = lambda labels, parameters: PoolLabel(key="x", backing=Backing.POSITION)  # type: ignore[method-assign]
    rows = [{**HELD, "margin": "500"}, {**HELD, "margin": "500", "id": "p2", "instrument": "ETHUSDT"}]
    pool = one_pool(engine_with(Supplies(mode)).evaluate(account(*rows), market()), "A/strange/x")
    assert (pool.status, pool.reasons) == ("undetermined", ("PLUGIN_FAULT",))
    text = f"strange of {SUPPLIER} puts p1, p2 into one pool, backed by one's own margin"
    assert pool.evidence[0].message == text
