"""A mode of whole pools that breaks its contract: its pools are undetermined, named, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from rules_engine.numbers.exact import Ratio
from rules_engine.plugin import Backing, PoolRequirement, Requirement
from tests.builders import account, market, one_pool, order, position
from tests.engine.placed import unplaced
from tests.engine.strangers import SUPPLIER, StrangePool, Supplies, engine_with, fail

ONE, TWO = Decimal(1), Decimal(2)
HALVES = {"p1": Requirement(ONE, ONE), "p2": Requirement(ONE, ONE)}
"""What adds up to 2 and 2."""


def attributes(shares: Any) -> Callable[..., Any]:
    """2 and 2 for the pool, and these shares of it."""
    return lambda num, pool: PoolRequirement(TWO, TWO, shares)


ANSWERS: dict[str, Callable[..., Any]] = {
    "attributes initial margin wrongly: its shares add up to 1 of 2: off by 1": attributes(
        {"p1": Requirement(ONE, ONE), "p2": Requirement(Decimal(0), ONE)}
    ),
    "attributes maintenance margin wrongly: its shares add up to 1.9 of 2: off by 0.1": attributes(
        {"p1": Requirement(ONE, ONE), "p2": Requirement(ONE, Decimal("0.9"))}
    ),
    "attributes to ['p1', 'p2', 'stranger'], wanted ['p1', 'p2']": attributes(
        {**HALVES, "stranger": Requirement(Decimal(0), Decimal(0))}
    ),
    "attributes to ['p1'], wanted ['p1', 'p2']": attributes({"p1": Requirement(TWO, TWO)}),
    "attributes maintenance margin NaN to p2, wanted exact finite numbers": attributes(
        {"p1": Requirement(ONE, ONE), "p2": Requirement(ONE, Decimal("NaN"))}
    ),
    "attributes initial margin 1.0 (float, not exact) to p2, wanted exact finite numbers": attributes(
        {"p1": Requirement(ONE, ONE), "p2": Requirement(1.0, ONE)}
    ),
    "attributes 1 to p1, wanted a Requirement": attributes({"p1": ONE, "p2": ONE}),
    "attributes NoneType, wanted a mapping": attributes(None),
    "attributes list, wanted a mapping": attributes([1]),
    "attributes to ['1', 'p1'], wanted ['p1', 'p2']": attributes(
        {1: Requirement(ONE, ONE), "p1": Requirement(ONE, ONE)}
    ),
    "returned Requirement, wanted a PoolRequirement": lambda num, pool: Requirement(TWO, TWO),
    "returned NoneType, wanted a PoolRequirement": lambda num, pool: None,
    "requires initial margin NaN, wanted a finite amount, not below 0": lambda num, pool: PoolRequirement(
        Decimal("NaN"), TWO, HALVES
    ),
    "requires maintenance margin -2, wanted a finite amount, not below 0": lambda num, pool: PoolRequirement(
        TWO, -TWO, {"p1": Requirement(ONE, -ONE), "p2": Requirement(ONE, -ONE)}
    ),
    "says that orders reserve 0, wanted None, for it does not state reserves_orders": (
        lambda num, pool: PoolRequirement(TWO, TWO, HALVES, orders=Decimal(0))
    ),
    "reports list as figures, wanted a mapping": lambda num, pool: PoolRequirement(TWO, TWO, HALVES, figures=[1]),
    "reports 'level' as 0.5 (float, not exact), wanted an exact number": (
        lambda num, pool: PoolRequirement(TWO, TWO, HALVES, figures={"level": 0.5})
    ),
    "reports 1 as 1, wanted an exact number": attributes({**HALVES, "p2": Requirement(ONE, ONE, figures={1: ONE})}),
    "raised ValueError: no": lambda num, pool: fail(ValueError("no")),
    "raised SystemExit: 3": lambda num, pool: fail(SystemExit(3)),
    "raised AttributeError: immutable type: 'PoolExposure'": lambda num, pool: setattr(pool, "collateral", TWO),
}

HELD = [
    position("1", mode="strange", group="G"),
    position("1", mode="strange", id="p2", instrument="ETHUSDT", group="G"),
]
OTHERS = [position("1", margin="50", id="sound"), position("-3", "90", mode="cross", id="shared", instrument="ETHUSDT")]
FUNDS = {"collateral": {"USDT": "500"}, "group_margins": {"G": "100"}}
MODES = "{isolated: {}, cross: {}, strange: {}}"


def engine(answer: Callable[..., Any]) -> Any:
    return engine_with(Supplies(StrangePool(answer, Backing.GROUP)), modes=MODES)


@pytest.mark.parametrize("what", ANSWERS)
def test_mode__of_pools_at_fault_costs_its_own_pool_alone(what: str) -> None:
    """The fault is named with the component; every other pool is what it is without the pool."""
    faulty = engine(ANSWERS[what])
    evaluation = faulty.evaluate(account(*HELD, *OTHERS, **FUNDS), market())
    pool = one_pool(evaluation, "A/strange/G")
    assert (pool.status, pool.reasons) == ("undetermined", ("PLUGIN_FAULT",))
    assert unplaced(pool.evidence[0].message) == f"strange of {SUPPLIER} {what}"
    assert (pool.equity, pool.initial_margin, pool.maintenance_margin, pool.figures) == (None, None, None, {})
    without = faulty.evaluate(account(*OTHERS, **FUNDS), market())
    assert [one for one in evaluation.pools if one != pool] == list(without.pools)


def test_attribution__may_hold_less_than_nothing_and_further_figures() -> None:
    """A position that takes risk off the pool; ratios count as exact: 3 - 1 = 4 / 2, and 1 + 1."""
    shares = {
        "p1": Requirement(Decimal(3), ONE, figures={"own": Ratio(ONE, Decimal(3))}),
        "p2": Requirement(-ONE, ONE),
    }
    sound = engine(
        lambda num, pool: PoolRequirement(Ratio(Decimal(4), TWO), 2, shares, figures={"scenario": Decimal(7)})
    )
    evaluation = sound.evaluate(account(*HELD, **FUNDS), market())
    pool = one_pool(evaluation, "A/strange/G")
    assert (pool.status, pool.initial_margin, pool.maintenance_margin) == ("healthy", 2, 2)
    assert [one.initial_margin for one in evaluation.positions] == [3, -1]
    assert pool.to_dict()["figures"] == {"scenario": "7"}
    document = evaluation.to_dict()["positions"]
    assert document[0]["figures"] == {"own": "0." + 28 * "3"}
    assert "figures" not in document[1]


def test_orders__of_a_pool_at_fault_reserve_what_is_not_known() -> None:
    """The pool's own doubt is said, its orders are doubtful, and a new order is refused for it."""
    faulty = engine(ANSWERS["raised ValueError: no"])
    resting = order("1", mode="strange", position="p1")
    pool = one_pool(faulty.evaluate(account(*HELD, orders=[resting], **FUNDS), market()), "A/strange/G")
    assert (pool.reasons, pool.notes) == (("PLUGIN_FAULT",), ("ORDERS_DOUBTFUL",))
    decision = faulty.check_order(account(*HELD, **FUNDS), market(), resting)
    assert (decision.accepted, decision.reasons) == (False, ("POOL_UNDETERMINED", "PLUGIN_FAULT"))
    assert (decision.required_margin, decision.largest_quantity) == (None, None)


def test_orders__of_an_account_with_a_doubtful_instrument_are_doubtful_in_the_whole_pool() -> None:
    """What a mode of pools reserves for one instrument depends on all others: without ETH's mark nothing is known."""
    faulty = engine(lambda num, pool: PoolRequirement(TWO, TWO, HALVES))
    resting = order("1", mode="strange", position="p1")
    found = faulty.evaluate(account(*HELD, orders=[resting], **FUNDS), market(ETHUSDT={}))
    pool = one_pool(found, "A/strange/G")
    assert (pool.status, pool.reasons, pool.notes) == ("undetermined", ("MARK_MISSING",), ("ORDERS_DOUBTFUL",))


def test_mode__that_fails_elsewhere_keeps_its_decision_and_knows_no_price() -> None:
    """At the mark it answers; at any other it raises: both prices are unknown, with a note."""

    def only_here(num: Any, pool: Any) -> PoolRequirement:
        if any(one.value != 100 for one in pool.positions):
            raise ValueError("only at 100")
        return PoolRequirement(TWO, TWO, HALVES)

    evaluation = engine(only_here).evaluate(account(*HELD, **FUNDS), market())
    assert one_pool(evaluation, "A/strange/G").status == "healthy"
    figures = evaluation.positions[0]
    assert (figures.liquidation_price, figures.bankruptcy_price) == (None, None)
    assert figures.notes == ("PRICES_UNKNOWN",)
