"""What happens in one pool stays there, and groups never draw more than the shared pool has free."""

from __future__ import annotations

import copy
from collections.abc import Callable
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from rules_engine.terms.evaluation import PoolFigures
from tests.oracle import evaluate, number
from tests.properties.accounts import documents
from tests.properties.documents import Document, Documents, exact
from tests.properties.laws import examples
from tests.properties.product import engine_of, evaluation_of, pools_of

FACTORS = st.sampled_from((Fraction("0.01"), Fraction("0.9"), Fraction(3), Fraction(1000)))


def hybrid(position: Document) -> Document:
    """The position in hybrid mode."""
    return {key: value for key, value in position.items() if key != "margin"} | {"mode": "hybrid"}


def mostly_hybrid(drawn: Documents) -> Documents:
    """The same with all but isolated positions in groups, at most one a side, and without orders."""
    positions = {
        (each["instrument"], each["mode"] == "isolated", each["quantity"][0] == "-"): each
        if each["mode"] == "isolated"
        else hybrid(each)
        for each in drawn.account["positions"]
    }
    collateral = drawn.account["collateral"] | {"USDT": "1000"}
    account = drawn.account | {"positions": list(positions.values()), "orders": [], "collateral": collateral}
    return Documents(drawn.policy, account, drawn.market)


def scaled(account: Document, factor: Fraction, chosen: Callable[[Document], bool]) -> Document:
    """The account with the numbers of some positions multiplied, their entry prices too."""
    result = copy.deepcopy(account)
    for position in filter(chosen, result["positions"]):
        for key in ("quantity", "entry_price", "margin", "accrued"):
            if key in position:
                position[key] = exact(number(position[key]) * factor)
    return result


def other_pools(drawn: Documents, account: Document, changed: str) -> dict[str, PoolFigures]:
    """All pools but the changed one, and the shared one where a group changed."""
    pools = pools_of(engine_of(drawn.policy).evaluate(account, drawn.market))
    shared = "A/cross" if "/hybrid/" in changed else ""
    return {name: pool for name, pool in pools.items() if name not in (changed, shared)}


@examples(80)
@given(documents(4, 4, 5, 2).map(mostly_hybrid))
def test_draw_limits__never_exceed_what_is_free(drawn: Documents) -> None:
    """What all groups together may draw is at most what the shared pool has free."""
    shared = evaluate(drawn.policy, drawn.account, drawn.market).pools["A/cross"]
    assert shared.equity is not None and shared.initial is not None
    limits = [Fraction(pool.draw_limit or 0) for pool in evaluation_of(drawn).pools]
    assert sum(limits) <= max(Fraction(0), shared.equity - shared.initial)


@examples(80)
@given(documents(4, 4, 5, 2).map(mostly_hybrid), st.data(), FACTORS)
def test_group__does_not_depend_on_other_groups(drawn: Documents, data: st.DataObject, factor: Fraction) -> None:
    """Changing the positions and the margin of one group changes no figure of another group or isolated pool."""
    wanted = evaluate(drawn.policy, drawn.account, drawn.market)
    groups = sorted({each.pool for each in wanted.positions if each.mode == "hybrid"})
    assume(groups)
    group = data.draw(st.sampled_from(groups))
    members = {each.id for each in wanted.positions if each.pool == group}
    changed = scaled(drawn.account, factor, lambda position: position["id"] in members)
    changed["group_margins"] = drawn.account["group_margins"] | {group.split("/")[-1]: "12.5"}
    assert other_pools(drawn, changed, group) == other_pools(drawn, drawn.account, group)


@examples(80)
@given(documents(4, 4, 6, 0), st.data(), FACTORS)
def test_isolated__changes_no_other_pool(drawn: Documents, data: st.DataObject, factor: Fraction) -> None:
    """Changing the numbers of one isolated position changes no figure of any other pool."""
    isolated = [each["id"] for each in drawn.account["positions"] if each["mode"] == "isolated"]
    assume(isolated)
    chosen = data.draw(st.sampled_from(isolated))
    changed = scaled(drawn.account, factor, lambda position: bool(position["id"] == chosen))
    pool = f"A/isolated/{chosen}"
    assert other_pools(drawn, changed, pool) == other_pools(drawn, drawn.account, pool)
