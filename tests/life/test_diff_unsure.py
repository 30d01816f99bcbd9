"""Changes that ask for more and let somebody go: each shown by an account, and no `diff` calls it tightened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.life.impact.diff import diff_of, is_looser_anywhere
from rules_engine.terms.policy import Policy
from tests.builders import policy_of

TABLES = """
  t: {tiers: [{up_to: 100000, maintenance_rate: 0.01, max_leverage: 20}, {up_to: 1000000, maintenance_rate: 0.02, max_leverage: 10}]}
"""  # noqa: E501
HALVED = TABLES.replace("{up_to: 100000,", "{up_to: 50000, maintenance_rate: 0.01, max_leverage: 20}, {up_to: 100000,")
DEARER = TABLES.replace("max_leverage: 20", "max_leverage: 10").replace("max_leverage: 10}]", "max_leverage: 8}]")
STEP = "{BTCUSDT: {payoff: linear, table: t, underlying: BTC, quantity_step: %s}}"
PLAIN = {
    "settlement": "{currency: USDT, quantum: 0.01}",
    "tables": TABLES,
    "modes": "{isolated: {}, cross: {}, hybrid: {shared_draw_cap: 0.5}}",
    "instruments": STEP % "0.001",
}
STALE = {"as_of": "2026-12-01T08:00:00Z", "time": "2026-12-01T07:59:30Z"}


def position(id: str = "p", mode: str = "isolated", **others: str) -> dict[str, str]:
    """One long at 64,000."""
    return {"id": id, "instrument": "BTCUSDT", "mode": mode, "quantity": "1", "entry_price": "64000"} | others


def evaluated(policy: Policy, positions: list[dict[str, str]], collateral: str = "0", **quote: str) -> Any:
    """The pools of an account, at a mark of 64,000."""
    account = {"account": "A", "collateral": {"USDT": collateral}, "positions": positions}
    as_of = quote.pop("as_of", "2026-12-01T08:00:00Z")
    market = {"as_of": as_of, "instruments": {"BTCUSDT": {"mark_price": "64000"} | quote}}
    return Engine(policy).evaluate(account, market).pools


def status(*positions: dict[str, str], **quote: str) -> Callable[[Policy], str]:
    """What a policy says of an account."""
    return lambda policy: evaluated(policy, list(positions), **quote)[0].status


def closed(policy: Policy) -> str:
    """How much of a long of 1.2 is closed that is short of margin."""
    pool, *_ = evaluated(policy, [position(quantity="1.2", margin="700")])
    return str(sum(each.quantity for each in pool.close_out))


SHORT = position(margin="600")
UNDECIDED = [
    ({"market_data": "{stale_after: 60s}"}, {"market_data": "{stale_after: 10s}"}, status(SHORT, **STALE)),
    ({}, {"market_data": "{max_confidence: 0.001}"}, status(SHORT, confidence="640")),
    (
        {"effective_from": "2026-11-01T00:00:00Z"},
        {"effective_from": "2026-11-10T00:00:00Z", "applies_to": "new_positions"},
        status(SHORT),
    ),
    (
        {"modes": "{isolated: {split_positions: true}}"},
        {"modes": "{isolated: {}}"},
        status(SHORT, position("q", margin="600")),
    ),
]


@pytest.mark.parametrize(("before", "after", "decide"), UNDECIDED)
def test_stricter__in_a_way_that_leaves_positions_undecided_is_unclear(
    before: dict[str, str], after: dict[str, str], decide: Callable[[Policy], str]
) -> None:
    """What was to be liquidated is undetermined, and nobody closes it."""
    one, other = (policy_of(**PLAIN | each) for each in (before, after))
    assert (decide(one), decide(other)) == ("liquidate", "undetermined")
    assert is_looser_anywhere(diff_of(one, other))


BACKED = "{closing_fee: {rate: 0.0005, counts_in: [%s], valued_at: bankruptcy}}"


@pytest.mark.parametrize("place", ["maintenance", "trigger", "maintenance, initial"])
def test_initial_margin__that_is_raised_frees_whose_fee_is_valued_at_bankruptcy(place: str) -> None:
    """Twice the initial margin stands behind the position, so it is gone at a lower notional, of which the fee is less.

    Of 64,000 with 3,200 behind it the fee is 0.0005 of 60,800, and with 6,400 of 57,600: 1.6 less.
    """
    one, other = (policy_of(**PLAIN | {"tables": each, "liquidation": BACKED % place}) for each in (TABLES, DEARER))
    told = [evaluated(each, [position(mode="cross")], "669.6")[0].status for each in (one, other)]
    assert told == ["liquidate", "healthy"]
    (lowest, *_) = diff_of(one, other).changes
    assert (lowest.what, lowest.direction) == ("initial margin", "unclear")
    assert is_looser_anywhere(diff_of(one, other))
    paid_at_mark = BACKED.replace("bankruptcy", "mark") % place
    both = (policy_of(**PLAIN | {"tables": each, "liquidation": paid_at_mark}) for each in (TABLES, DEARER))
    assert not is_looser_anywhere(diff_of(*both))


def test_floors__of_the_same_margins_decide_where_a_close_out_goes_by_them() -> None:
    """76,800 went to under 0 and now goes to under 50,000; where the smallest part is closed, floors are no change."""
    steps = "{close_out: {plan: tier_step}}"
    one, other = (policy_of(**PLAIN | {"tables": each, "liquidation": steps}) for each in (TABLES, HALVED))
    assert (closed(one), float(closed(other)) < 0.5) == ("1.2", True)
    (found,) = diff_of(one, other).changes
    assert (found.what, found.direction, found.before, found.after) == ("floors", "unclear", "2 tiers", "3 tiers")
    assert diff_of(policy_of(**PLAIN), policy_of(**PLAIN | {"tables": HALVED})).changes == ()


@pytest.mark.parametrize(("coarser", "direction"), [("0.004", "tightened"), ("0.003", "unclear")])
def test_step__that_is_no_multiple_is_neither_coarser_nor_finer(coarser: str, direction: str) -> None:
    """0.002 to 0.003: what is rounded up from 0.0025 to 0.004 becomes 0.003."""
    one, other = (policy_of(**PLAIN | {"instruments": STEP % each}) for each in ("0.002", coarser))
    (found,) = diff_of(one, other).changes
    assert (found.what, found.direction) == ("quantity_step", direction)


def test_draw_cap__that_is_lowered_leaves_more_in_the_shared_pool() -> None:
    """The group has less behind it; what it does not draw may be withdrawn."""
    one, other = (
        policy_of(**PLAIN | {"modes": f"{{cross: {{}}, hybrid: {{shared_draw_cap: {each}}}}}"})
        for each in ("0.5", "0.1")
    )
    held = [position("c", "cross", quantity="0.15"), position("h", "hybrid", quantity="0.1")]
    pools = [{pool.pool: pool for pool in evaluated(each, held, "700")} for each in (one, other)]
    withdrawable = [each["A/cross"].withdrawable for each in pools]
    assert None not in withdrawable
    assert withdrawable[0] < withdrawable[1]
    (found,) = diff_of(one, other).changes
    assert found.direction == "unclear"
