"""Books made of accounts, of columns that a back-end has, or of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np

from rules_engine.engine.book import Book
from rules_engine.engine.book_amounts import Amounts, Backing, Part, read_collateral, read_orders
from rules_engine.engine.book_build import assembled
from rules_engine.engine.book_cells import PART, Cells, Faults
from rules_engine.engine.book_table import (
    COLLATERAL_COLUMNS,
    ORDER_COLUMNS,
    POSITION_COLUMNS,
    Places,
    Tables,
)
from rules_engine.terms.account import Account

Row = Mapping[str, object]
Columns = Mapping[str, Cells]


def book_from_columns(
    positions: Columns,
    collateral: Columns | None = None,
    orders: Columns | None = None,
    *,
    currency: str | None = None,
) -> Book:
    """The book of columns by name: lists, NumPy arrays or Arrow arrays, of equal length; names may be `Coded`.

    Numbers are text, integers, Decimals or float64, which means its shortest decimal; NaN, None and empty text say
    nothing. Arrays are not copied before they are put in order. A bad row is at fault, and stops no other.
    Without collateral, every pool that it would back is undetermined. Groups' amounts are in `currency`.
    Raises `DocumentError` where a column is not known or missing, or where rows name no account.
    """
    tables = Tables()
    tables.add(positions)
    return finished(
        tables,
        None if collateral is None else [(collateral, {})],
        None if orders is None else [(orders, {})],
        currency=currency,
    )


def book_from_rows(
    positions: Iterable[Row],
    collateral: Iterable[Row] | None = None,
    orders: Iterable[Row] | None = None,
    *,
    currency: str | None = None,
) -> Book:
    """The book of rows, each a dict with the names of columns as keys; otherwise as `book_from_columns`."""
    tables = Tables()
    rows = iter(positions)
    while part := list(islice(rows, PART)):
        start = tables.rows
        tables.add(transposed(part, POSITION_COLUMNS))
        for index, row in enumerate(part):
            for key in row.keys() - set(POSITION_COLUMNS):
                tables.faults.add(start + index, f"{str(key)!r} is not a column here")
    if not tables.rows:
        tables.add(transposed([], POSITION_COLUMNS))
    return finished(
        tables,
        None if collateral is None else _parts(collateral, COLLATERAL_COLUMNS),
        None if orders is None else _parts(orders, ORDER_COLUMNS),
        currency=currency,
    )


def _parts(rows: Iterable[Row], columns: Sequence[str]) -> Iterator[Part]:
    """Rows as columns, all of them at once; one with a key that means nothing is at fault."""
    listed, known = list(rows), set(columns)
    odd = {index: row.keys() - known for index, row in enumerate(listed) if not row.keys() <= known}
    yield (
        transposed(listed, columns),
        {index: f"{min(map(str, keys))!r} is not a column here" for index, keys in odd.items()},
    )


def transposed(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, list[object]]:
    """Rows as columns; what a row does not state is None."""
    return {name: [row.get(name) for row in rows] for name in columns}


def finished(
    tables: Tables,
    collateral: Iterable[Part] | None,
    orders: Iterable[Part] | None,
    *,
    currency: str | None = None,
    places: Mapping[str, Places] = {},
) -> Book:
    """The book of tables whose positions are read; `places` say where rows of the others stand."""
    backing = (
        Backing()
        if collateral is None
        else read_collateral(tables.accounts, collateral, places.get("collateral", Places("collateral")), currency)
    )
    resting = {} if orders is None else read_orders(tables.accounts, orders, places.get("orders", Places("orders")))
    return assembled(tables, backing, resting)


def book_of(accounts: Iterable[Account]) -> Book:
    """The book of some accounts. Positions keep their order: they are the book's rows."""
    listed = list(accounts)
    tables = Tables()
    rows = [(account.account, position) for account in listed for position in account.positions]
    places = _places(tables, listed)
    columns: dict[str, list[Any]] = {
        name: [getattr(position, name) for _, position in rows] for name in POSITION_COLUMNS if name != "account"
    }
    tables.add({"account": [name for name, _ in rows], **columns})
    for row, (_, position) in enumerate(rows):
        if position.fault is not None:
            tables.faults.add(row, position.fault)
            tables.records[row] = position
    found = dict(zip(places, listed, strict=True))
    if len(found) < len(listed):
        raise ValueError("two accounts have the same name")
    return assembled(
        tables,
        _backing(found),
        {place: account.orders for place, account in found.items() if account.orders},
        {place: account.fee_rate for place, account in found.items() if account.fee_rate is not None},
    )


def _places(tables: Tables, accounts: Sequence[Account]) -> list[int]:
    codes: list[int] = tables.accounts.codes([account.account for account in accounts], Faults()).tolist()
    return codes


def _backing(accounts: Mapping[int, Account]) -> Backing:
    """What accounts state, as columns."""
    exactly: dict[tuple[str, int], Decimal] = {}
    tables: dict[str, Amounts] = {"collateral": {}, "group_margins": {}}
    for table, columns in tables.items():
        entries: dict[str, list[tuple[int, float]]] = {}
        for place in sorted(accounts):
            for name, amount in getattr(accounts[place], table).items():
                value = float(amount)
                if Decimal(repr(value)) != amount:
                    exactly[f"{table} {name}", place] = amount
                entries.setdefault(name, []).append((place, value))
        for name, rows in entries.items():
            columns[name] = np.array([each for each, _ in rows], np.int64), np.array([x for _, x in rows], np.float64)
    doubts = {place: account.collateral_doubts for place, account in accounts.items() if account.collateral_doubts}
    return Backing(tables["collateral"], tables["group_margins"], exactly, doubts)
