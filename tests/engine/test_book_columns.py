"""Columns of a book: arrays of any kind, in parts, and the names of the pools of its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from rules_engine import Engine, Position
from rules_engine.engine.book import Book
from rules_engine.engine.book_cells import Coded
from rules_engine.engine.book_pools import row_names
from rules_engine.engine.book_rows import book_from_columns, book_from_rows, book_of, finished
from rules_engine.engine.book_table import Tables
from rules_engine.engine.documents import decode_market
from rules_engine.engine.engine import Quotes
from rules_engine.numbers.exact import exactly
from rules_engine.plugin import Backing, Requirement
from rules_engine.terms.account import Account
from tests.engine.books import ENGINE, MARKET, row, statuses
from tests.engine.strangers import Strange, Supplies, engine_with, fail

PLAIN = {"account": ["A", "A"], "id": ["1", "2"], "instrument": ["BTCUSDT"] * 2, "mode": ["cross"] * 2}
FIGURES = {"quantity": ["1", "-1"], "entry_price": ["60000", "61000"]}


def pools(engine: Engine, book: Book) -> list[str]:
    """The pool of every row."""
    with exactly():
        quotes = Quotes(engine.policy, decode_market(MARKET))
        return [pool for part in row_names(engine.policy, book, quotes) for pool in part.pools]


def test_columns__of_doubles_beyond_the_limits_are_faults_of_their_rows() -> None:
    """Infinite, above 1e30, below 1e-30; -0 is 0, and NaN says nothing."""
    cells = np.array([np.inf, 1e31, 1e-31, -0.0, np.nan, 5.0])
    names = {name: cells[:1] * 6 for name, cells in PLAIN.items() if name != "id"}
    book = book_from_columns({**names, "id": range(6), "quantity": ["1"] * 6, "entry_price": [1] * 6, "accrued": cells})
    found = [book.original(number) for number in range(6)]
    assert [each.fault is None for each in found] == [False, False, False, True, True, True]
    assert [str(each.accrued) for each in found[3:]] == ["0", "0", "5.0"]
    assert found[0].fault == "row 0: accrued: inf is too large or too small for a number"


def test_columns__of_times_are_in_utc() -> None:
    """To the microsecond; a column in which none is stated says nothing."""
    times = np.array(["2026-11-30T12:00:00.5", "NaT"], "datetime64[ns]")
    book = book_from_columns({**PLAIN, **FIGURES, "opened_at": times})
    assert book.original(0).opened_at == datetime(2026, 11, 30, 12, 0, 0, 500_000, UTC)
    assert book.original(1).opened_at is None
    assert book_from_columns({**PLAIN, **FIGURES, "opened_at": times[1:].repeat(2)}).contents.opened is None


def test_columns__of_integers_name_what_they_spell() -> None:
    """In arrays and in lists; quantities beyond 2^53 are kept to the last digit."""
    large = np.array([2**60 + 1, 5])
    columns = {**PLAIN, **FIGURES, "instrument": np.array([7, 8]), "id": [1, np.int64(2)], "quantity": large}
    book = book_from_columns({**columns, "group": ["7", None]})
    first, second = (book.original(number) for number in (0, 1))
    assert (first.instrument, first.id, first.quantity, first.group) == ("7", "1", 2**60 + 1, "7")
    assert (second.instrument, second.id, second.quantity, second.group) == ("8", "2", 5, None)


@pytest.mark.parametrize("column", ["account", "instrument"])
def test_columns__of_codes_that_name_nothing_are_a_mistake(column: str) -> None:
    """A code beyond the names, and codes that are no integers; a negative one says nothing."""
    with pytest.raises(IndexError, match="code 2 has no name: there are 2"):
        book_from_columns({**PLAIN, **FIGURES, column: Coded(np.array([0, 2]), ("A", "B"))})
    book = book_from_columns({**PLAIN, **FIGURES, "instrument": Coded(np.array([0, -1]), ("BTCUSDT", "B"))})
    assert book.original(1).fault == "row 1: instrument is missing"
    with pytest.raises(TypeError, match="codes are integers"):
        book_from_columns({**PLAIN, **FIGURES, "mode": Coded(np.array([0.5, 1]), ("A", "B"))})


def test_columns__that_name_accounts_in_two_ways_mean_the_same_ones() -> None:
    """Codes in one table and text in the other; a name that stands twice among codes is a mistake."""
    collateral = {"account": ["7", "A"], "asset": ["USDT"] * 2, "amount": ["5", "6"]}
    for names in (("A", "7"), ("A", 7), ("A", np.int64(7))):
        coded = {**PLAIN, **FIGURES, "account": Coded(np.array([0, 1]), names)}
        book = book_from_columns(coded, collateral)
        assert [account.collateral["USDT"] for account in book.accounts([0, 1])] == [6, 5]
    with pytest.raises(ValueError, match="twice"):
        book_from_columns({**PLAIN, **FIGURES, "account": Coded(np.array([0, 1]), ("A", "A"))}, collateral)


def test_columns__in_parts_are_one_book() -> None:
    """Times may stand in some of the parts alone; what is not regular stands in its own row whatever the part."""
    tables = Tables()
    tables.add({**PLAIN, **FIGURES})
    tables.add({**PLAIN, **FIGURES, "id": ["3", ""], "account": ["B", "A"], "opened_at": ["2026-11-30T12:00:00Z", ""]})
    tables.add({**PLAIN, **FIGURES, "id": np.array(["5", "6"]), "entry_price": ["0.1234567890123456789", "x"]})
    book = finished(tables, None, None)
    assert [book.original(number).id for number in range(6)] == ["1", "2", "3", "row 3", "5", "6"]
    assert [book.original(number).opened_at is None for number in range(6)] == [True, True, False, True, True, True]
    assert book.original(4).entry_price == Decimal("0.1234567890123456789")
    assert [str(book.original(number).fault) for number in (3, 5)] == [
        "row 3: id is missing",
        'row 5: entry_price: \'x\' is not a number (digits as in "-0.005" or "5e-3")',
    ]


def test_columns__of_thousands_of_groups_and_instruments_are_told_apart() -> None:
    """However many groups there could be."""
    size = 6000
    names = {"account": range(size), "id": range(size), "instrument": [f"I{i % 100}" for i in range(size)]}
    columns = {name: list(cells) for name, cells in names.items()}
    book = book_from_columns(
        {**columns, "mode": ["cross"] * size, "group": [f"G{i}" for i in range(size)], "quantity": [1.0] * size}
        | {"entry_price": [1.0] * size}
    )
    assert {(group.instrument, group.group) for group in book.groups} == {(f"I{i % 100}", f"G{i}") for i in range(size)}


def test_book_of__keeps_records_at_fault() -> None:
    """As they are: their places are those of the tables from which they came."""
    bad = Position(id="p", instrument="", mode="", quantity=Decimal(0), entry_price=Decimal(0), fault="book.csv:8: ?")
    account = Account(account="A", positions=(bad,))
    assert book_of([account]).account(0) == account
    assert statuses(book_of([account])) == ["undetermined"]


def test_sweep__of_one_book_twice_says_the_same() -> None:
    book = book_from_rows([row("A", "p1", "cross"), row("B")], [])
    assert statuses(book) == statuses(book)


def test_pools__are_named_as_evaluation_names_them() -> None:
    """Where a pool cannot be told, nothing is named."""
    sol = {"instrument": "SOLUSDT", "entry_price": "150"}
    rows = [
        row("A", "p1"),
        row("A", "p2", "cross"),
        row("B", "p3", "hybrid", **sol),
        row("B", "p4", "cross", quantity="x"),
        row("C", "p5", "?"),
        row("C", "p6", "hybrid", **sol, group="ETH"),
        row("C", "p7", mode=None),
    ]
    book = book_from_rows(rows, [])
    evaluations = [ENGINE.evaluate(account, MARKET) for account in book.accounts(range(3))]
    expected = [position.pool or "" for evaluation in evaluations for position in evaluation.positions]
    assert pools(ENGINE, book) == expected
    assert expected == ["A/isolated/p1", "A/cross", "B/hybrid/SOL", "B/cross", "", "", ""]


def test_pools__of_strangers_modes_are_what_those_say() -> None:
    """By the position's id in their own way, or nothing where the mode fails."""

    def answer(num: Any, exposure: Any) -> Requirement:
        return Requirement(initial=num.constant(1), maintenance=num.constant(1))

    class ByEnd(Strange):
        def pool(self, labels: Any, parameters: Any) -> Any:
            return super().pool(type(labels)(id=f"pool-{labels.id}", instrument=labels.instrument), parameters)

    class Broken(Strange):
        def pool(self, labels: Any, parameters: Any) -> Any:
            fail(ValueError("no"))

    for mode, expected in (
        (ByEnd(answer, Backing.POSITION), ["A/strange/pool-p1"]),
        (Strange(answer), ["A/strange"]),
        (Broken(answer), [""]),
    ):
        assert pools(engine_with(Supplies(mode)), book_from_rows([row("A", "p1", "strange")], [])) == expected
