"""A book's other tables: what backs accounts and groups, and resting orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules_engine import DocumentError
from rules_engine.engine.book_rows import book_from_columns, book_from_rows
from tests.engine.books import ENGINE, MARKET, reasons, row, statuses

CROSS, HYBRID = row("A", "p1", "cross"), row("A", "p2", "hybrid", instrument="SOLUSDT", entry_price="150")


def amount(account: str = "A", asset: object = "USDT", amount: object = "100", group: object = None) -> dict[str, Any]:
    """A row of the collateral table."""
    return {"account": account, "group": group, "asset": asset, "amount": amount}


def order(**cells: Any) -> dict[str, Any]:
    """A row of the table of orders: an order that opens more of the isolated position of `row`."""
    plain = {"account": "A", "id": "o1", "instrument": "BTCUSDT", "mode": "isolated", "quantity": "1"}
    return {**plain, "price": "60000", "leverage": "10", **cells}


def test_collateral__backs_accounts_and_groups() -> None:
    """An empty group is the account's own; numbers of any length are kept."""
    rows = [amount(amount="0.1234567890123456789012345"), amount(asset="BTC", amount=-1), amount(group="SOL")]
    book = book_from_rows([CROSS, HYBRID], rows, currency="USDT")
    account = book.account(0)
    assert account.collateral == {"USDT": Decimal("0.1234567890123456789012345"), "BTC": Decimal(-1)}
    assert account.group_margins == {"SOL": Decimal(100)}


def test_collateral__without_a_table_leaves_every_pool_that_it_backs_undetermined() -> None:
    """Nobody knows what an account has; positions with margin of their own are decided."""
    book = book_from_rows([CROSS, HYBRID, row("A", "p3")])
    assert statuses(book) == ["undetermined", "undetermined", "healthy"]
    found = reasons(book)
    assert found["A/cross"] == found["A/hybrid/SOL"] == ("COLLATERAL_MISSING",)
    assert found["A/isolated/p3"] == ()


def test_collateral__in_a_table_without_the_account_is_none() -> None:
    """The table is known to be whole: one long BTC bought at 60,000 has gained 1,000, and backs itself."""
    assert statuses(book_from_rows([CROSS], [])) == ["healthy"]
    assert statuses(book_from_rows([row("A", "p1", "cross", entry_price="62000")], [])) == ["bankrupt"]


@pytest.mark.parametrize(
    ("bad", "cross", "hybrid"),
    [
        (amount(amount="1O0"), "undetermined", "healthy"),
        (amount(amount=None), "undetermined", "healthy"),
        (amount(asset=None), "undetermined", "healthy"),
        (amount(group="SOL", amount="?"), "healthy", "undetermined"),
        (amount(group="SOL", asset="BTC"), "healthy", "undetermined"),
        (amount(group="a\nb"), "undetermined", "undetermined"),
    ],
)
def test_collateral__that_cannot_be_read_leaves_what_it_backs_undetermined(
    bad: dict[str, Any], cross: str, hybrid: str
) -> None:
    """And nothing else: not the account's other pools, not other accounts. The group is healthy without a draw."""
    rows = [amount(asset="BTC", amount="1"), bad]
    book = book_from_rows([CROSS, HYBRID, row("A", "p3"), row("B", "p1", "cross")], rows, currency="USDT")
    assert statuses(book) == [cross, hybrid, "healthy", "healthy"]
    found = reasons(book)
    for pool, status in (("A/cross", cross), ("A/hybrid/SOL", hybrid)):
        assert found[pool] == (("ROW_INVALID",) if status == "undetermined" else ())


def test_collateral__of_one_asset_twice_is_a_fault() -> None:
    """Whether they add up or one is a mistake, nobody says."""
    book = book_from_rows([CROSS, row("B", "p1", "cross")], [amount(), amount("B"), amount()])
    assert statuses(book) == ["undetermined", "healthy"]
    (doubt,) = book.account(0).collateral_doubts.values()
    assert doubt.message == "collateral: row 0: the same account and asset stand in collateral: row 2 too"


def test_collateral__of_a_group_needs_the_currency_to_be_said() -> None:
    """An amount of another asset would be taken for money of the settlement currency; without an asset it is that."""
    assert statuses(book_from_rows([HYBRID], [amount(group="SOL")])) == ["undetermined"]
    assert statuses(book_from_rows([HYBRID], [amount(group="SOL", asset=None)])) == ["healthy"]


def test_tables__without_accounts_or_columns_are_refused() -> None:
    for collateral, orders in (([amount(account="")], None), (None, [order(account=None)])):
        with pytest.raises(DocumentError) as caught:
            book_from_rows([CROSS], collateral, orders)
        assert [problem.code for problem in caught.value.problems] == ["ACCOUNT_MISSING"]
    columns = {name: [cell] for name, cell in CROSS.items()}
    with pytest.raises(DocumentError) as caught:
        book_from_columns(columns, {"account": [], "assets": [], "amount": []})
    assert [problem.code for problem in caught.value.problems] == ["KEY_UNKNOWN", "KEY_MISSING"]


def test_orders__are_those_of_the_account() -> None:
    rows = [order(), order(id="o2", reduce_only="true", position="p1"), order(account="B", leverage=None, price="")]
    book = book_from_rows([row("A"), row("B")], [], rows)
    first, second = book.account(0).orders
    assert (first.quantity, first.price, first.reduce_only) == (Decimal(1), Decimal(60000), False)
    assert (second.reduce_only, second.position) == (True, "p1")
    assert (book.account(1).orders[0].price, book.account(1).orders[0].leverage) == (None, None)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"quantity": "0"}, "quantity: the number is zero"),
        ({"quantity": None}, "quantity is missing"),
        ({"price": "-1"}, "price: -1 is not above zero"),
        ({"reduce_only": "maybe"}, "reduce_only: found text, wanted true or false"),
        ({"mode": ""}, "mode is missing"),
        ({"id": "o0"}, "another order of the account has the same id"),
    ],
)
def test_orders__that_cannot_be_read_leave_what_they_reserve_unknown(cells: dict[str, Any], said: str) -> None:
    """The statuses stand, since orders do not change what positions must keep."""
    book = book_from_rows([row("A"), row("A", "p2", "cross")], [], [order(id="o0", quantity="0.1"), order(**cells)])
    evaluation = ENGINE.evaluate(book.account(0), MARKET)
    shared = {pool.pool: pool for pool in evaluation.pools}["A/cross"]
    assert shared.initial_margin is None
    assert "ORDERS_DOUBTFUL" in shared.notes
    assert [
        f"ROW_INVALID {each.fault and cells.get('id', 'o1')}: orders: row 1: {said}"
        for each in book.account(0).orders[1:]
    ] == [str(doubt) for doubt in shared.evidence]
    assert statuses(book) == ["healthy", "healthy"]
