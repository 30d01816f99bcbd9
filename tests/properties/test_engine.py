"""The engine explains what it says, and says the same in every thread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.terms.explanation import Part
from tests.properties.accounts import documents, documents_with_order
from tests.properties.documents import QUANTUM, Document, Documents
from tests.properties.laws import examples
from tests.properties.product import engine_of

ROUNDED = re.compile(r" = (-?[0-9.]+)…?, rounded$")
TOLERANCE = QUANTUM + Fraction(1, 10**10)  # a quantum, and what an ellipsis leaves out
PRICES = ("liquidation_price", "bankruptcy_price")
ALWAYS = {
    "positions": ("notional", "unrealized_pnl", "initial_margin", "maintenance_margin"),
    "pools": ("initial_margin", "maintenance_margin", "free_margin", "status"),
    "order": ("accepted", "required_margin", "available_margin", "largest_quantity"),
}


def shown(value: object) -> tuple[str, ...]:
    """How an explanation may show a printed figure; one that does not exist or is not known as a dash or a ?."""
    if value is None:
        return ("-", "?")
    return (str(value).lower(),) if isinstance(value, bool) else (str(value),)


def assert_explained(part: Part, figures: Any, always: tuple[str, ...]) -> None:
    """Each line named as a figure shows that figure, and the chief figures have a line."""
    printed = figures.to_dict()
    for line in part.lines:
        if line.figure in printed and line.figure not in ("buffers", "maintenance_rate"):
            assert line.value in shown(printed[line.figure]), (line, figures)
        if (exact := ROUNDED.search(line.how)) is not None:
            value = Fraction(exact[1])
            assert abs(Fraction(line.value) - value) < TOLERANCE * max(Fraction(1), abs(value)), line
    names = {line.figure for line in part.lines}
    assert {name for name in always if getattr(figures, name) is not None} <= names, (names, figures)


def by_name(parts: tuple[Part, ...]) -> Mapping[str, Part]:
    """Parts by the first word of their titles, which is an id or a pool's name."""
    return {part.title.split()[0]: part for part in parts}


@examples(120)
@given(st.booleans().flatmap(lambda doubts: documents(5, 3, 5, 3, doubts)))
def test_explain__shows_what_evaluate_says(drawn: Documents) -> None:
    """Every figure that an explanation names has the value that the evaluation prints."""
    engine = engine_of(drawn.policy)
    evaluation = engine.evaluate(drawn.account, drawn.market)
    explanation = engine.explain(drawn.account, drawn.market)
    positions, pools = by_name(explanation.positions), by_name(explanation.pools)
    assert set(pools) == {pool.pool for pool in evaluation.pools}
    for pool in evaluation.pools:
        assert_explained(pools[pool.pool], pool, ALWAYS["pools"])
    assert [part.title.split()[0] for part in explanation.positions] == [one.id for one in evaluation.positions]
    for position in evaluation.positions:
        assert positions[position.id].lines
        if position.notional is not None and position.tier is not None:
            assert_explained(positions[position.id], position, (*ALWAYS["positions"], *PRICES))


@examples(60)
@given(st.booleans().flatmap(documents_with_order))
def test_explain_order__shows_what_check_order_says(drawn: tuple[Documents, Document]) -> None:
    """The decision's figures are those of `check_order`, and the rest explains the evaluation with the order in it."""
    documents, order = drawn
    engine = engine_of(documents.policy)
    decision = engine.check_order(documents.account, documents.market, order)
    explanation = engine.explain_order(documents.account, documents.market, order)
    assert explanation.order is not None
    if decision.pool is not None:
        assert_explained(explanation.order, decision, ALWAYS["order"])
    resting = documents.account | {"orders": [*documents.account.get("orders", ()), order]}
    with_order = engine.explain(resting, documents.market)
    assert (explanation.positions, explanation.pools) == (with_order.positions, with_order.pools)


@examples(10)
@given(documents(4, 3, 6, 3))
def test_evaluate__is_the_same_in_every_thread(drawn: Documents) -> None:
    """One engine asked by four threads at once gives each the same answer."""
    engine = engine_of(drawn.policy)
    alone = engine.evaluate(drawn.account, drawn.market).to_dict()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: engine.evaluate(drawn.account, drawn.market).to_dict(), range(8)))
    assert all(each == alone for each in answers)
