"""Books made from accounts: which rows can stand in columns, and which accounts are kept as records."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from rules_engine.engine.book import COLUMNS, Book, Exactly, Group, Integers, group_of
from rules_engine.numbers.bounded import Floats
from rules_engine.terms.account import Account, Order, Position


def book_of(accounts: Iterable[Account]) -> Book:
    """The book of some accounts. Positions keep their order: they are the book's rows."""
    builder = BookBuilder()
    for account in accounts:
        builder.add(account)
    return builder.book()


class BookBuilder:
    """Collects accounts one after another."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._ids: list[str] = []
        self._groups: dict[tuple[object, ...], list[tuple[float, ...]]] = {}
        self._records: dict[int, Account] = {}
        self._record_rows: dict[int, list[int]] = {}
        self._exact: dict[tuple[str, int], Decimal] = {}
        self._amounts: dict[str, dict[str, list[tuple[int, float]]]] = {"collateral": {}, "group_margins": {}}
        self._orders: dict[int, tuple[Order, ...]] = {}

    def add(self, account: Account) -> None:
        """Takes an account in. One that columns cannot hold is kept whole."""
        place = len(self._names)
        self._names.append(account.account)
        rows = range(len(self._ids), len(self._ids) + len(account.positions))
        self._ids += [position.id for position in account.positions]
        if not _is_regular(account):
            self._records[place] = account
            self._record_rows[place] = list(rows)
            return
        for row, position in zip(rows, account.positions, strict=True):
            self._add_row(place, row, position)
        for table in ("collateral", "group_margins"):
            for name, amount in getattr(account, table).items():
                value = self._double(f"{table} {name}", place, amount)
                self._amounts[table].setdefault(name, []).append((place, value))
        if account.orders:
            self._orders[place] = account.orders

    def _add_row(self, place: int, row: int, position: Position) -> None:
        numbers = [getattr(position, name) for name in COLUMNS[:-1]]
        numbers.append(position.accrued if position.accrued else None)
        doubles = [self._double(name, row, x) for name, x in zip(COLUMNS, numbers, strict=True)]
        key = (position.instrument, position.mode, position.quantity > 0, *(x is None for x in numbers))
        self._groups.setdefault(key, []).append((row, place, *doubles))

    def _double(self, column: str, row: int, x: Decimal | None) -> float:
        """The double nearest to a number, which is kept where the double's shortest decimal is another."""
        if x is None:
            return float("nan")
        value = float(x)
        if Decimal(repr(value)) != x:
            self._exact[column, row] = x
        return value

    def book(self) -> Book:
        """The book of what has been added."""
        return Book(
            names=self._names,
            ids=self._ids,
            groups=[_group(str(key[0]), str(key[1]), rows) for key, rows in sorted(self._groups.items(), key=repr)],
            records=self._records,
            record_rows=self._record_rows,
            exactly=Exactly(self._exact),
            collateral=_columns(self._amounts["collateral"]),
            group_margins=_columns(self._amounts["group_margins"]),
            orders=self._orders,
        )


def _is_regular(account: Account) -> bool:
    """Whether columns can hold an account: nothing in it is empty, held twice, doubtful or a rule of its own."""
    if account.fee_rate is not None:
        return False
    sides = {(p.instrument, p.mode, p.quantity > 0) for p in account.positions}
    if len(sides) < len(account.positions):
        return False
    return all(
        p.quantity != 0 and p.entry_price > 0 and p.group is None and (p.leverage is None or p.leverage > 0)
        for p in account.positions
    )


def _group(instrument: str, mode: str, rows: list[tuple[float, ...]]) -> Group:
    table = np.array(rows)
    columns = {name: np.ascontiguousarray(table[:, 2 + index]) for index, name in enumerate(COLUMNS)}
    return group_of(instrument, mode, table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), columns)


def _columns(tables: dict[str, list[tuple[int, float]]]) -> dict[str, tuple[Integers, Floats]]:
    """Amounts by name, each in the order of accounts."""
    return {
        name: (np.array([place for place, _ in rows], np.int64), np.array([amount for _, amount in rows], np.float64))
        for name, rows in tables.items()
    }
