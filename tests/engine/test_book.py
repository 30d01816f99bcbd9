"""Books from rows, columns and accounts: exact originals, and bad rows that cost their own pool alone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from rules_engine import Account, DocumentError, Order, Position
from rules_engine.engine import book
from rules_engine.engine.book_cells import Coded
from rules_engine.engine.book_rows import book_from_columns, book_from_rows, book_of
from tests.engine.books import ENGINE, MARKET, reasons, row, statuses

LONG = "1234567890.123456789012345678901234567891"
"""A number of 40 digits."""
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def test_book__gives_every_row_back_as_it_was() -> None:
    """Numbers of 40 digits, integers no double holds, times and groups, though rows of one account stand apart."""
    rows = [
        row("A", "p1", quantity=LONG, entry_price="0.1", accrued="-0", opened_at="2026-11-30T13:00:00+01:00"),
        row("B", "p1", "cross", quantity=-(2**53) - 1, leverage=Decimal("12.50")),
        row("A", "p2", "hybrid", instrument="SOLUSDT", quantity=0.1, group="SOL", accrued="1e-20"),
        row("A", "p3", "cross", quantity=np.float32(0.1), entry_price=np.int64(7), leverage=float("nan")),
    ]
    book = book_from_rows(rows, [])
    plain = {"mode": "isolated", "instrument": "BTCUSDT", "entry_price": Decimal(60000)}
    expected = [
        {**plain, "id": "p1", "quantity": Decimal(LONG), "entry_price": Decimal("0.1"), "margin": Decimal(6000)},
        {**plain, "id": "p1", "mode": "cross", "quantity": Decimal(-(2**53) - 1), "leverage": Decimal("12.5")},
        {**plain, "id": "p2", "mode": "hybrid", "instrument": "SOLUSDT", "quantity": Decimal("0.1"), "group": "SOL"},
        {**plain, "id": "p3", "mode": "cross", "quantity": Decimal("0.1"), "entry_price": Decimal(7)},
    ]
    positions = [Position(**each) for each in expected]
    first = Position(**expected[0], opened_at=NOON)  # type: ignore[arg-type]
    third = Position(**expected[2], accrued=Decimal("1e-20"))  # type: ignore[arg-type]
    assert [book.original(number) for number in range(4)] == [first, positions[1], third, positions[3]]
    assert book.account(0) == Account(account="A", positions=(first, third, positions[3]))


@pytest.mark.parametrize("spelled", [0.1, 1 / 3, 5e-324 * 2**1000, 123456789.123456789, 1e22, 2.0**-60])
def test_book__takes_a_double_for_its_shortest_decimal(spelled: float) -> None:
    columns = {"account": ["A"], "id": ["p"], "instrument": ["BTCUSDT"], "mode": ["cross"]}
    book = book_from_columns({**columns, "quantity": np.array([spelled]), "entry_price": [spelled]})
    if 1e-30 <= spelled <= 1e30:
        assert book.original(0).quantity == book.original(0).entry_price == Decimal(repr(spelled))
    else:
        assert "too large or too small" in str(book.original(0).fault)


def test_book__takes_a_narrow_float_for_its_own_shortest_decimal() -> None:
    """0.1 as float32 is not 0.10000000149, which is what its double would print."""
    columns = {"account": ["A"], "id": ["p"], "instrument": ["BTCUSDT"], "mode": ["cross"], "entry_price": ["1"]}
    book = book_from_columns({**columns, "quantity": np.array([0.1], np.float32)})
    assert book.original(0).quantity == Decimal("0.1")


def test_book_of__gives_accounts_back_as_they_were() -> None:
    """With collateral, orders and a fee rate of their own; two cannot have one name."""
    order = Order(id="o", instrument="BTCUSDT", mode="cross", quantity=Decimal(1))
    position = Position(id="p", instrument="BTCUSDT", mode="cross", quantity=Decimal(LONG), entry_price=Decimal(60000))
    first = Account(
        account="A", collateral={"USDT": Decimal(LONG)}, positions=(position,), orders=(order,), fee_rate=Decimal("0.1")
    )
    second = Account(account="B", collateral={"BTC": Decimal(-1)}, group_margins={"SOL": Decimal("0.3")})
    third = Account(account="C", collateral={"USDT": Decimal(7)}, positions=(position,))
    book = book_of([first, second, third])
    assert book.accounts([2, 0, 1]) == [third, first, second]
    with pytest.raises(ValueError, match="same name"):
        book_of([first, first])


CODED = {
    "account": Coded(np.array([1, 0, 1]), ("A", "B")),
    "instrument": Coded(np.array([0, 0, 1], np.uint8), ("BTCUSDT", "SOLUSDT")),
    "mode": Coded(np.zeros(3, np.int8), ("isolated",)),
}
NAMED = {"account": ["B", "A", "B"], "instrument": ["BTCUSDT", "BTCUSDT", "SOLUSDT"], "mode": ["isolated"] * 3}
FIGURES = {
    "quantity": np.array([1.0, -2.5, 3.0]),
    "entry_price": [60000] * 3,
    "margin": np.array([6000, 70000, 500000]),
}


@pytest.mark.parametrize("names", [CODED, NAMED])
@pytest.mark.parametrize("ids", [["0", "1", "2"], range(3), np.arange(3), np.array(["0", "1", "2"])])
def test_book__from_columns_is_that_of_the_same_rows(names: dict[str, Any], ids: Any) -> None:
    """However names and ids are given."""
    book = book_from_columns({**names, "id": ids, **FIGURES})
    accounts = {str(name): book.account(place) for place, name in enumerate(book.names)}
    positions = accounts["B"].positions
    assert [(each.id, each.instrument, each.quantity) for each in positions] == [
        ("0", "BTCUSDT", Decimal(1)),
        ("2", "SOLUSDT", Decimal(3)),
    ]
    assert [each.id for each in accounts["A"].positions] == ["1"]


def test_book__takes_integers_for_the_names_of_accounts() -> None:
    """In every table; an account with collateral alone is one too."""
    positions = {"account": np.array([70, 12]), "id": range(2), **{key: NAMED[key][:2] for key in ("instrument",)}}
    figures = {"mode": ["cross"] * 2, "quantity": ["1", "1"], "entry_price": ["60000"] * 2}
    collateral = {"account": np.array([99, 12, 70]), "asset": ["USDT"] * 3, "amount": np.array([1.0, 2.0, 3.0])}
    book = book_from_columns({**positions, **figures}, collateral)
    accounts = {account.account: account for account in book.accounts(range(3))}
    assert {name: account.collateral["USDT"] for name, account in accounts.items()} == {"12": 2, "70": 3, "99": 1}


def test_book__takes_arrow_arrays() -> None:
    """Texts, dictionaries, decimals, doubles, integers and nulls."""
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(
        {
            "account": ["A", "A", "B"],
            "id": ["1", "2", "3"],
            "instrument": pyarrow.array(["BTCUSDT", "SOLUSDT", "BTCUSDT"]).dictionary_encode(),
            "mode": ["cross", "cross", None],
            "quantity": pyarrow.array([Decimal("0.1"), Decimal(2), None]),
            "entry_price": [0.1, 2.0, 3.0],
            "leverage": pyarrow.array([None, 5, 2**60 + 1]),
        }
    )
    book = book_from_columns(dict(zip(table.column_names, table.columns, strict=True)))
    first, second, third = (book.original(number) for number in range(3))
    assert (first.quantity, first.entry_price, first.leverage) == (Decimal("0.1"), Decimal("0.1"), None)
    assert (second.instrument, second.leverage) == ("SOLUSDT", Decimal(5))
    assert third.fault == "row 2: mode is missing"
    assert third.leverage == 2**60 + 1


BAD = {
    "quantity": ("two", None, "", True, float("inf"), "1" * 41, "1\n2"),
    "entry_price": ("1,000", float("nan")),
    "margin": ([], "+1"),
    "leverage": ("5x",),
    "accrued": ("0x10",),
    "opened_at": ("yesterday", "2026-11-30T12:00:00"),
    "instrument": (None, "", 1.5, ["BTCUSDT"]),
    "id": (None, "", "a\nb", 1.5),
}


@pytest.mark.parametrize(("name", "cell"), [(name, cell) for name, cells in BAD.items() for cell in cells])
def test_bad_row__leaves_its_own_pool_undetermined_and_stops_no_other(name: str, cell: object) -> None:
    """Each says which row it is and what is wrong with it; the account's other pools, and others, are decided."""
    bad = {**row("A", "bad", instrument="ETHUSDT"), name: cell}
    book = book_from_rows([row("A", "p1"), bad, row("A", "p2", "cross"), row("B")], [])
    assert statuses(book) == ["healthy", "undetermined", "healthy", "healthy"]
    found = reasons(book)
    assert [pool for pool, codes in found.items() if "ROW_INVALID" in codes] == [f"A/isolated/{book.original(1).id}"]
    fault = str(book.original(1).fault)
    assert fault.startswith(f"row 1: {name}")


def test_bad_row__of_a_shared_pool_leaves_that_undetermined() -> None:
    """A leg that is left out of a sum could make a pool look healthy."""
    book = book_from_rows([row("A", "p1", "cross"), row("A", "p2", "cross", quantity="?"), row("A", "p3")], [])
    assert statuses(book) == ["undetermined", "undetermined", "healthy"]


@pytest.mark.parametrize(
    "cells",
    [{"mode": None}, {"mode": "a\nb"}, {"group": "a\nb"}, {"mode": "hybrid", "instrument": None}, {"mode": "?"}],
)
def test_bad_row__whose_pool_cannot_be_told_leaves_every_pool_of_its_account_undetermined(
    cells: dict[str, Any],
) -> None:
    """It could belong to each of them; other accounts are decided."""
    book = book_from_rows([row("A", "p1"), row("A", "bad", **cells), row("B")], [])
    assert statuses(book) == ["undetermined", "undetermined", "healthy"]
    code = "MODE_NOT_ALLOWED" if cells == {"mode": "?"} else "ROW_INVALID"
    assert reasons(book)["A/isolated/p1"] == (code,)


def test_bad_row__with_a_key_that_means_nothing_is_at_fault() -> None:
    book = book_from_rows([row("A", qty="7")])
    assert book.original(0).fault == "row 0: 'qty' is not a column here"


def test_rows__that_share_an_id_are_at_fault() -> None:
    """Nothing says which of them is meant; one of another account may have it."""
    book = book_from_rows([row("A", "p1"), row("B", "p1"), row("A", "p1", instrument="SOLUSDT")])
    assert statuses(book) == ["undetermined", "healthy", "undetermined"]
    assert book.original(0).fault == "row 0: id: 'p1' is also that of row 2"


def test_rows__without_an_account_are_refused_with_their_places() -> None:
    """At most a hundred of them are told."""
    with pytest.raises(DocumentError) as caught:
        book_from_rows([row(), row(account=None), row(account=""), row(account="a\nb")])
    told = [(problem.code, problem.path) for problem in caught.value.problems]
    assert told == [("ACCOUNT_MISSING", "row 1"), ("ACCOUNT_MISSING", "row 2"), ("ACCOUNT_MISSING", "row 3")]
    with pytest.raises(DocumentError) as caught:
        book_from_rows([row(account=None)] * 1000)
    assert len(caught.value.problems) == 100


def test_columns__that_are_not_known_or_missing_are_refused_at_once() -> None:
    with pytest.raises(DocumentError) as caught:
        book_from_columns({"account": [], "id": [], "qty": [], "mode": [], "quantity": []})
    assert [problem.code for problem in caught.value.problems] == ["KEY_UNKNOWN", "KEY_MISSING", "KEY_MISSING"]
    with pytest.raises(ValueError, match="another length"):
        book_from_columns({**NAMED, "id": ["1"], **FIGURES})


@pytest.mark.parametrize(
    "odd",
    [
        {"instrument": "BTCUSDT", "quantity": "2"},
        {"instrument": "SOLUSDT", "quantity": "0"},
        {"instrument": "SOLUSDT", "entry_price": "-1"},
        {"instrument": "SOLUSDT", "leverage": "0"},
        {"instrument": "SOLUSDT", "mode": "hybrid", "group": "ETH"},
    ],
)
def test_rows__that_columns_cannot_decide_are_decided_exactly(odd: dict[str, Any]) -> None:
    """With their whole account, as evaluation decides it."""
    book = book_from_rows([row("B"), row("A", "p1", "cross"), row("A", "p2", **{"mode": "cross", **odd})], [])
    evaluation = ENGINE.evaluate(book.account(1), MARKET)
    pools = {pool.pool: pool.status for pool in evaluation.pools}
    expected = [pools.get(position.pool or "", "undetermined") for position in evaluation.positions]
    assert statuses(book)[1:] == expected
    assert len(book.contents.apart) > 0 or odd.get("group")


def test_book__of_nothing_has_no_rows() -> None:
    assert len(book_from_rows([])) == len(book_of([])) == 0
    assert statuses(book_from_rows([])) == []
    names = {name: [] for name in ("account", "id", "instrument", "mode")}
    assert len(book_from_columns({**names, "quantity": np.empty(0), "entry_price": np.empty(0)})) == 0


def test_book__of_doubles_takes_at_most_a_hundred_bytes_a_row() -> None:
    """All that it keeps, beside the ids that it was given."""
    size = 100_000
    numbers = np.random.default_rng(1).normal(1, 0.1, size).round(6)
    names = {"instrument": Coded(np.arange(size) % 3, ("BTCUSDT", "ETHUSDT", "SOLUSDT"))}
    figures = {"quantity": numbers, "entry_price": numbers, "margin": numbers, "leverage": numbers, "accrued": numbers}
    columns = {"account": np.arange(size), "id": range(size), "mode": Coded(np.zeros(size, int), ("isolated",))}
    book = book_from_columns({**columns, **names, **figures})
    arrays = [array for group in book.groups for array in (group.rows, group.accounts, *group.columns.values())]
    kept = sum(array.nbytes for array in (*arrays, book.slots, np.asarray(book.names)) if array is not None)
    assert kept <= 100 * size


@pytest.mark.parametrize("order", ["together", "apart"])
def test_accounts__of_a_large_book_are_looked_for(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few accounts of many rows are not looked for row by row where those of each stand together; rows at fault too."""
    rows = [row(f"A{n // 3}", f"p{n}", ("isolated", "cross")[n % 2], quantity=n % 4 + 1) for n in range(30)]
    rows[4]["quantity"] = "two"
    held = book_from_rows(rows if order == "together" else [*rows[::2], *rows[1::2]], [])
    expected = held.standing(range(10))
    monkeypatch.setattr(book, "WORTH", 0)
    assert held.standing(range(10)) == expected
    assert sum(len(slots) for _, slots in expected) == 30
