"""Close-out plans that break their contract: the pool is liquidated all the same, and its steps are not known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from rules_engine.plugin import Closing
from tests.builders import account, market, one_pool, position
from tests.engine.placed import unplaced
from tests.engine.strangers import SUPPLIER, Supplies, engine_with, fail
from tests.engine.test_component_faults import CASH, ONE, OTHERS, ZERO, meddle


class Plan:
    """A close-out plan that answers as a test tells."""

    name = "plan"
    parameters: dict[str, Any] = {}

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self.answer = answer

    def closings(self, pool: Any, parameters: Any) -> Any:
        """As the test tells."""
        return self.answer(pool)


def steps(*closings: Any) -> Callable[[Any], Any]:
    return lambda pool: closings


def closing(position: Any = "p1", quantity: Any = ONE, reason: Any = "so", **fields: Any) -> Closing:
    return Closing(position=position, quantity=quantity, reason=reason, **fields)


def generated(pool: Any) -> Iterator[Closing]:
    """One step, and a failure before the next."""
    yield closing()
    raise RuntimeError("no more")


PLANS: dict[str, Callable[[Any], Any]] = {
    "raised SystemExit": lambda pool: fail(SystemExit()),
    "raised RuntimeError: no more": generated,
    "raised ValueError: Decimal('0') contracts of p1 cannot be closed": lambda pool: pool.close("p1", ZERO),
    "raised ValueError: 1.5 contracts of p1 cannot be closed": lambda pool: pool.close("p1", 1.5),
    "raised InvalidOperation: [<class 'decimal.InvalidOperation'>]": lambda pool: pool.close("p1", Decimal("NaN")),
    "raised KeyError: 'nobody'": lambda pool: pool.smallest("nobody"),
    "raised AttributeError: immutable type: 'Closable'": lambda pool: setattr(pool, "balance", None),
    "raised AttributeError: immutable type: 'Leg'": lambda pool: setattr(pool.legs[0], "size", ZERO),
    "returned NoneType, wanted closings": lambda pool: None,
    "returned int, wanted closings": lambda pool: 7,
    "returned a str, wanted a Closing": lambda pool: ["p1"],
    "closes Decimal('1') contracts of 'nobody', of which 0 are open": steps(closing("nobody")),
    "closes Decimal('11') contracts of 'p1', of which 10 are open": steps(closing(quantity=Decimal(11))),
    "closes Decimal('6') contracts of 'p1', of which 5 are open": steps(
        closing(quantity=Decimal(5)), closing(quantity=Decimal(6))
    ),
    "closes Decimal('0') contracts of 'p1', of which 10 are open": steps(closing(quantity=ZERO)),
    "closes Decimal('-1') contracts of 'p1', of which 10 are open": steps(closing(quantity=-ONE)),
    "closes Decimal('NaN') contracts of 'p1', of which 10 are open": steps(closing(quantity=Decimal("NaN"))),
    "closes 1.0 contracts of 'p1', of which 10 are open": steps(closing(quantity=1.0)),
    "closes Decimal('1') contracts of ['p1'], of which 0 are open": steps(closing(["p1"])),
    "closes 'p1' for the reason None, wanted text": steps(closing(reason=None)),
    "reports 'limit' as 0.5 (float, not exact), wanted an exact number": steps(closing(figures={"limit": 0.5})),
    "reports NoneType as figures, wanted a mapping": steps(closing(figures=None)),
    "changed the precision of decimal arithmetic": lambda pool: meddle([closing()]),
}


def liquidated(plan: Callable[[Any], Any]) -> Any:
    """The pool of 10 at 100, backed by 5."""
    engine = engine_with(Supplies(plans=[Plan(plan)]), liquidation="{restore_to: 1.5, close_out: {plan: plan}}")
    rows = (position("10", margin="5"), *OTHERS)
    evaluation = engine.evaluate(account(*rows, **CASH), market())
    without = engine.evaluate(account(*OTHERS, **CASH), market())
    pool = one_pool(evaluation)
    assert [one for one in evaluation.pools if one != pool] == list(without.pools)
    assert pool.status == "liquidate"
    return pool


@pytest.mark.parametrize("what", PLANS)
def test_plan__at_fault_leaves_the_steps_unknown(what: str) -> None:
    """The pool is liquidated all the same; the evidence names the plan and its supplier."""
    pool = liquidated(PLANS[what])
    assert (pool.close_out, pool.notes) == ((), ("CLOSE_OUT_UNKNOWN",))
    assert unplaced(pool.evidence[0].message) == f"plan of {SUPPLIER} {what}"


def test_plan__sees_where_the_pool_stands() -> None:
    """10 at 100 keep 10, backed by 5, and 15 restore it; after 5 are closed 5 are kept."""
    seen: list[Any] = []

    def watching(pool: Any) -> list[Closing]:
        after = pool.close("p1", Decimal(5))
        seen.extend((one.equity, one.maintenance, one.surplus, one.restored) for one in (pool, after))
        return [closing(quantity=Decimal(10))]

    liquidated(watching)
    assert seen == [(5, 10, -10, False), (5, 5, Decimal("-2.5"), False)]


def test_plan__reports_figures_of_its_own() -> None:
    """As they are, in documents too."""
    figures = {"limit_price": Decimal("99.50")}
    pool = liquidated(steps(closing(figures=figures), closing(quantity=Decimal(9))))
    assert [one["quantity"] for one in pool.to_dict()["close_out"]] == ["1", "9"]
    assert [one.get("figures") for one in pool.to_dict()["close_out"]] == [{"limit_price": "99.5"}, None]
