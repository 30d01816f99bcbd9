"""More collateral is never worse, more size never needs less, and a long mirrors a short."""

from __future__ import annotations

import copy
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from rules_engine import Engine
from rules_engine.terms.evaluation import PoolFigures
from tests.oracle import number
from tests.properties.accounts import documents, mark_of
from tests.properties.documents import QUANTUM, Document, Documents, exact
from tests.properties.laws import examples
from tests.properties.product import engine_of, pools_of

WORST_FIRST = ("bankrupt", "liquidate", "margin_call", "healthy")
AMOUNTS = (QUANTUM, Fraction(1), Fraction(1000), Fraction(10**9))
SINGLE = documents(max_tiers=8, max_instruments=2, max_positions=1, max_orders=0)


def is_marginal(drawn: Documents, instrument: str) -> bool:
    """Whether the instrument's table applies rates to slices."""
    listed = drawn.policy["instruments"]
    table = (listed.get(instrument) or listed[f"{instrument}*"])["table"]
    return bool(drawn.policy["tables"][table]["form"] == "marginal")


@examples(80)
@given(documents(4, 3, 4, 2), st.sampled_from(AMOUNTS))
def test_status__never_worsens_with_more_collateral(drawn: Documents, amount: Fraction) -> None:
    """An amount added to every margin worsens no pool's status, and one added to the shared pool alone neither."""
    engine = engine_of(drawn.policy)
    account = copy.deepcopy(drawn.account)
    account["collateral"]["USDT"] = exact(number(account["collateral"]["USDT"]) + amount)
    everywhere = copy.deepcopy(account)
    for group, margin in everywhere["group_margins"].items():
        everywhere["group_margins"][group] = exact(number(margin) + amount)
    for position in everywhere["positions"]:
        if position["mode"] == "isolated":
            position["margin"] = exact(number(position["margin"]) + amount)
    before = pools_of(engine.evaluate(drawn.account, drawn.market))
    for richer in (account, everywhere):
        for name, pool in pools_of(engine.evaluate(richer, drawn.market)).items():
            assert WORST_FIRST.index(pool.status) >= WORST_FIRST.index(before[name].status)


def only_pool(engine: Engine, account: Document, market: Document) -> PoolFigures:
    """The pool of the account's only position."""
    evaluation = engine.evaluate(account, market)
    return pools_of(evaluation)[str(evaluation.positions[0].pool)]


def with_only(account: Document, **changes: str) -> Document:
    """The account with its only position changed."""
    (position,) = account["positions"]
    return account | {"positions": [position | changes]}


@examples(80)
@given(SINGLE, st.sampled_from(("1.0000001", "1.5", "2", "10", "1000")))
def test_requirements__never_fall_as_size_grows(drawn: Documents, factor: str) -> None:
    """Maintenance and initial margin of one position on marginal tables rise or stay as its size grows."""
    assume(drawn.account["positions"])
    (position,) = drawn.account["positions"]
    assume(is_marginal(drawn, position["instrument"]))
    larger = with_only(drawn.account, quantity=exact(number(position["quantity"]) * number(factor)))
    engine = engine_of(drawn.policy)
    before, after = (only_pool(engine, account, drawn.market) for account in (drawn.account, larger))
    assert before.maintenance_margin is not None and after.maintenance_margin is not None
    assert before.initial_margin is not None and after.initial_margin is not None
    assert after.maintenance_margin >= before.maintenance_margin
    assert after.initial_margin >= before.initial_margin


def with_fee_at_mark(drawn: Documents) -> Documents:
    """The same with all things valued at the mark, where both sides are alike."""
    liquidation = copy.deepcopy(drawn.policy["liquidation"])
    liquidation["closing_fee"]["valued_at"] = "mark"
    return Documents(drawn.policy | {"liquidation": liquidation, "conventions": {}}, drawn.account, drawn.market)


@examples(80)
@given(SINGLE.map(with_fee_at_mark))
def test_long__mirrors_a_short(drawn: Documents) -> None:
    """The other side requires the same and gains what this one loses; reflected at the mark, all is the same."""
    assume(drawn.account["positions"])
    (position,) = drawn.account["positions"]
    quantity, name = exact(-number(position["quantity"])), position["instrument"]
    reflected = 2 * mark_of(drawn.market, name) - number(position["entry_price"])
    engine = engine_of(drawn.policy)
    here = engine.evaluate(drawn.account, drawn.market).positions[0]
    there = engine.evaluate(with_only(drawn.account, quantity=quantity), drawn.market).positions[0]
    for figure in ("notional", "initial_margin", "maintenance_margin", "tier", "maintenance_rate"):
        assert getattr(here, figure) == getattr(there, figure)
    assert here.unrealized_pnl is not None and there.unrealized_pnl is not None
    assert 0 <= -(here.unrealized_pnl + there.unrealized_pnl) <= QUANTUM
    if name != "XBTUSD" and reflected > 0:
        mirrored = with_only(drawn.account, quantity=quantity, entry_price=exact(reflected))
        before, after = (only_pool(engine, account, drawn.market) for account in (drawn.account, mirrored))
        assert (after.status, after.equity, after.top_up) == (before.status, before.equity, before.top_up)
