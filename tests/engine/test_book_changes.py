"""Books that change: rows added, changed and removed, and the groups that they do not touch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.engine.book import Book
from rules_engine.engine.book_change import changed
from rules_engine.engine.book_rows import book_from_columns, book_from_rows
from tests.engine.books import row, statuses
from tests.properties.laws import examples

LONG = "0.1234567890123456789012345678901234567"


def same(one: Book, other: Book) -> bool:
    """Whether two books hold the same rows in the same order, of the same accounts."""
    found = []
    for book in (one, other):
        held = book.held(range(len(book.names)))
        rows = {number: (str(book.names[place]), each) for place, rows in held.items() for number, each in rows.items()}
        assert sorted(rows) == list(range(len(book)))
        assert all(book.original(number) == each for number, (_, each) in rows.items())
        found.append([(name, each) for _, (name, each) in sorted(rows.items())])
    return found[0] == found[1]


def test_change__keeps_the_groups_that_it_does_not_touch() -> None:
    """The very objects: no column of theirs is built again."""
    book = book_from_rows(
        [row("A"), row("B", instrument="SOLUSDT", quantity=LONG), row("C", quantity="-1", instrument="ETHUSDT")]
    )
    after = changed(
        book, [row("C", quantity="-2", instrument="ETHUSDT"), row("D", quantity="-3", instrument="ETHUSDT")]
    )
    kept = [group for group in after.groups if any(group is each for each in book.groups)]
    assert [group.rows.tolist() for group in kept] == [[0], [1]]
    assert [after.original(number).quantity for number in (2, 3)] == [-2, -3]
    assert [book.original(2).quantity, len(book)] == [-1, 3]


def test_change__moves_an_account_to_exact_numbers_and_back() -> None:
    """A second row of one instrument, mode and side takes all rows of its account with it."""
    book = book_from_rows([row("A"), row("A", "p2", "cross"), row("B")], [])
    odd = changed(book, [row("A", "p3")])
    assert sum(group.size for group in odd.contents.apart) == 3
    assert statuses(odd)[1:3] == ["healthy", "healthy"]
    back = changed(odd, removed=[("A", "p3")])
    assert back.contents.apart == ()
    assert same(back, book)


def test_change__takes_faults_in_and_repairs_them() -> None:
    book = book_from_rows([row("A"), row("B", quantity="?", accrued=LONG)])
    assert statuses(book) == ["healthy", "undetermined"]
    repaired = changed(book, [row("B", accrued=LONG)])
    assert statuses(repaired) == ["healthy", "healthy"]
    assert same(repaired, book_from_rows([row("A"), row("B", accrued=LONG)]))
    assert statuses(changed(repaired, [row("A", margin="x")])) == ["undetermined", "healthy"]


def test_change__of_rows_that_share_an_id_leaves_one_of_them() -> None:
    book = book_from_rows([row("A", "p1"), row("A", "p1", instrument="SOLUSDT"), row("B")])
    assert same(changed(book, [row("A", "p1")]), book_from_rows([row("A", "p1"), row("B")]))


def test_change__of_a_book_of_integers_and_ranges() -> None:
    """Names that no one wrote out stay unwritten; new ones join them."""
    names = {"account": np.array([5, 7]), "id": range(2), "instrument": ["BTCUSDT"] * 2, "mode": ["isolated"] * 2}
    book = book_from_columns({**names, "quantity": [1.0, 2.0], "entry_price": [60000] * 2, "margin": [6000] * 2})
    after = changed(book, [row("7", "1", quantity="3"), row("9", "x")], [("5", "0")])
    assert [after.original(number).id for number in range(2)] == ["1", "x"]
    assert [str(name) for name in after.names] == ["5", "7", "9"]
    assert after.ids[0:2] == [1, "x"]
    assert same(changed(after, [row("9", "y", "cross")]), changed(after, [row("9", "y", "cross")]))


def test_change__of_a_row_that_is_not_there_is_a_mistake() -> None:
    book = book_from_rows([row("A")])
    for missing in (("A", "p9"), ("Z", "p1")):
        with pytest.raises(KeyError, match="has no position"):
            changed(book, removed=[missing])


CELLS = st.fixed_dictionaries(
    {
        "account": st.sampled_from("AB"),
        "id": st.sampled_from(("p1", "p2", "p3")),
        "mode": st.sampled_from(("isolated", "cross")),
        "quantity": st.sampled_from(("1", "-1", "0", LONG, "?")),
        "margin": st.sampled_from(("1", LONG, None)),
        "opened_at": st.sampled_from((None, "2026-11-30T12:00:00Z")),
    }
)


@examples(60)
@given(before=st.lists(CELLS, max_size=6), change=st.lists(CELLS, max_size=4), out=st.booleans())
def test_change__is_the_book_of_the_changed_rows(
    before: list[dict[str, Any]], change: list[dict[str, Any]], out: bool
) -> None:
    """Whatever stands in it: the same rows as when it is built anew, and the same statuses."""
    rows = {(each["account"], each["id"]): row(**each) for each in before}
    change = list({(each["account"], each["id"]): row(**each) for each in change}.values())
    book = book_from_rows(rows.values(), [])
    gone = [next(iter(rows))] if out and rows else []
    for key in gone:
        del rows[key]
    rows |= {(each["account"], each["id"]): each for each in change}
    after, anew = changed(book, change, gone), book_from_rows(rows.values(), [])
    if any(each["quantity"] == "?" for each in rows.values()):  # places differ, all else is the same
        assert statuses(after) == statuses(anew)
    else:
        assert same(after, anew)
        assert statuses(after) == statuses(anew)
