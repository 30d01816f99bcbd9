"""A law of books: whatever stands in a table, a sweep decides every row as evaluation decides its account."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.engine.book_rows import book_from_rows
from tests.engine.books import ENGINE, MARKET, row, statuses
from tests.properties.laws import examples

CELLS = st.fixed_dictionaries(
    {
        "account": st.sampled_from("AB"),
        "id": st.sampled_from(("p1", "p2", "p3", "p4", None)),
        "instrument": st.sampled_from(("BTCUSDT", "SOLUSDT", "NONE", None)),
        "mode": st.sampled_from(("isolated", "cross", "hybrid", "hybrid", "none", None)),
        "quantity": st.sampled_from(("1", "-1", "0", "?", 0.1)),
        "entry_price": st.sampled_from(("60000", 150.25, "0", "")),
        "margin": st.sampled_from((None, "100", float("nan"), 7000.0)),
        "leverage": st.sampled_from((None, "5", "0", "x")),
        "group": st.sampled_from((None, None, "SOL", "\n")),
        "accrued": st.sampled_from((None, "-0", "1.25")),
    }
)
BACKING = st.fixed_dictionaries(
    {
        "account": st.sampled_from("ABC"),
        "group": st.sampled_from((None, "SOL", "BTC", "\n")),
        "asset": st.sampled_from(("USDT", "BTC", None)),
        "amount": st.sampled_from(("1000", "-5", 0.1, "?")),
    }
)
ORDERS = st.fixed_dictionaries(
    {
        "account": st.sampled_from("AC"),
        "id": st.sampled_from(("o1", "o2")),
        "instrument": st.sampled_from(("BTCUSDT", "SOLUSDT", None)),
        "mode": st.sampled_from(("isolated", "cross", "hybrid")),
        "quantity": st.sampled_from(("1", "-1", "0")),
    }
)


@examples(300)
@given(
    rows=st.lists(CELLS, max_size=7),
    collateral=st.none() | st.lists(BACKING, max_size=4),
    orders=st.none() | st.lists(ORDERS, max_size=3),
)
def test_sweep__decides_any_table_as_evaluation_does(
    rows: list[dict[str, Any]], collateral: list[dict[str, Any]] | None, orders: list[dict[str, Any]] | None
) -> None:
    """A row at fault never makes another healthy, nor stops it."""
    book = book_from_rows([row(**each) for each in rows], collateral, orders, currency="USDT")
    held = book.held(range(len(book.names)))
    expected = {}
    for place, positions in held.items():
        evaluation = ENGINE.evaluate(book.account(place), MARKET)
        pools = {pool.pool: pool.status for pool in evaluation.pools}
        for number, figures in zip(positions, evaluation.positions, strict=True):
            expected[number] = pools.get(figures.pool or "", "undetermined")
    assert statuses(book) == [expected[number] for number in range(len(book))]
    at_fault = [number for number in expected if book.original(number).fault is not None]
    assert all(expected[number] == "undetermined" for number in at_fault)
