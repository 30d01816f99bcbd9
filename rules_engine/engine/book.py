"""The book: positions of many accounts as columns, grouped by instrument, mode and side, each group by size. Immutable.

What cannot stand in columns (a row at fault, one of no contracts, an instrument held twice, a fee rate of its own) makes
its whole account one that is decided exactly, from the record that `Book.account` gives back for any account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules_engine.numbers.bounded import Floats
from rules_engine.terms.account import Account, Order, Position

CHUNK: Final = 32_768
"""Rows that are worked on together: enough to hide what a call costs, few enough for their columns to stay in a cache."""

COLUMNS: Final = ("quantity", "entry_price", "margin", "leverage", "accrued")
"""The columns of numbers, in the order of bounds."""

Integers: TypeAlias = NDArray[np.int64]


class Span(msgspec.Struct, frozen=True):
    """A chunk of a group, and between which bounds each of its columns lies, in the order of `COLUMNS`."""

    start: int
    stop: int
    bounds: tuple[tuple[float, float], ...]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Positions of one instrument, mode and side, by quantity. `rows` are their numbers in the book.

    `columns` holds an array for each of `COLUMNS`, of the doubles nearest to the numbers; None where no row of the group
    states one. `accounts` are places in the book's list of accounts.
    """

    instrument: str
    mode: str
    rows: Integers
    accounts: Integers
    columns: Mapping[str, Floats | None]
    spans: tuple[Span, ...]

    @property
    def size(self) -> int:
        return len(self.rows)


def group_of(instrument: str, mode: str, rows: Integers, accounts: Integers, columns: Mapping[str, Floats]) -> Group:
    """A group of rows that are alike, put in order of quantity and cut into chunks. NaN is what is not stated."""
    order = np.argsort(columns["quantity"], kind="stable")
    stated = {name: None if np.isnan(column[0]) else column[order] for name, column in columns.items()}
    return Group(
        instrument=instrument,
        mode=mode,
        rows=rows[order],
        accounts=accounts[order],
        columns=stated,
        spans=tuple(_span(stated, start, stop) for start, stop in pairwise(_cuts(len(rows)))),
    )


def _cuts(rows: int) -> list[int]:
    """Where to cut so many rows into chunks of equal size, as near to `CHUNK` as they divide."""
    chunks = max(1, round(rows / CHUNK))
    return [rows * chunk // chunks for chunk in range(chunks + 1)]


def _span(columns: Mapping[str, Floats | None], start: int, stop: int) -> Span:
    bounds = []
    for name in COLUMNS:
        column = columns[name]
        part = np.zeros(1) if column is None else column[start:stop]
        bounds.append((float(part.min()), float(part.max())))
    return Span(start, stop, tuple(bounds))


class Exactly(msgspec.Struct, frozen=True):
    """Numbers of which a double's shortest decimal is not the number itself, by column and row (or account)."""

    numbers: Mapping[tuple[str, int], Decimal] = {}

    def of(self, column: str, row: int, value: float) -> Decimal:
        """The exact number that a double stands for: the one kept for it, else the shortest decimal that rounds to it."""
        kept = self.numbers.get((column, row))
        return Decimal(repr(float(value))) if kept is None else kept


class Book:
    """Many accounts' positions, as `rules_engine.engine.book_rows` builds it.

    `names` are the accounts, `ids` the positions by row; `records` are the accounts decided exactly, whole, by place,
    and `record_rows` the rows of their positions.
    `collateral` gives accounts and amounts by asset, None where the book has no collateral table.
    """

    def __init__(
        self,
        *,
        names: Sequence[str],
        ids: Sequence[str],
        groups: Iterable[Group],
        records: Mapping[int, Account],
        record_rows: Mapping[int, Sequence[int]],
        exactly: Exactly,
        collateral: Mapping[str, tuple[Integers, Floats]] | None,
        group_margins: Mapping[str, tuple[Integers, Floats]],
        orders: Mapping[int, tuple[Order, ...]],
    ) -> None:
        self.names, self.ids, self.groups = names, ids, tuple(groups)
        self.records, self.record_rows = records, record_rows
        self.exactly, self.collateral, self.group_margins, self.orders = exactly, collateral, group_margins, orders

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where each group's rows begin in the columns of a sweep; rows of recorded accounts follow the last group."""
        return tuple(np.cumsum([0, *(group.size for group in self.groups)]).tolist())

    @cached_property
    def slots(self) -> Integers:
        """Where each row of the book stands in a sweep's columns."""
        recorded = [row for place in sorted(self.record_rows) for row in self.record_rows[place]]
        rows = np.concatenate([*(group.rows for group in self.groups), np.array(recorded, np.int64)])
        slots = np.empty(len(rows), np.int64)
        slots[rows] = np.arange(len(rows))
        return slots

    @cached_property
    def places(self) -> Integers:
        """The account of every row in columns, group after group."""
        return np.concatenate([np.empty(0, np.int64), *(group.accounts for group in self.groups)])

    def account(self, place: int) -> Account:
        """One account as an exact record, its positions in the order of their rows."""
        return self.accounts([place])[0]

    def accounts(self, places: Sequence[int]) -> list[Account]:
        """Some accounts as exact records, in one pass over the book."""
        wanted = np.zeros(len(self.names), bool)
        wanted[list(places)] = True
        held: dict[int, list[tuple[int, Position]]] = {place: [] for place in places}
        for group in self.groups:
            for index in np.flatnonzero(wanted[group.accounts]).tolist():
                row = int(group.rows[index])
                held[int(group.accounts[index])].append((row, self.position(group, index)))
        return [self.records.get(place) or self._account(place, held[place]) for place in places]

    def rows_of(self, places: Sequence[int]) -> dict[int, list[int]]:
        """Where the rows of some accounts stand in a sweep's columns, in the order of their positions."""
        wanted = np.zeros(len(self.names), bool)
        wanted[list(places)] = True
        held: dict[int, list[tuple[int, int]]] = {place: [] for place in places}
        for group, start in zip(self.groups, self.starts, strict=False):
            for index in np.flatnonzero(wanted[group.accounts]).tolist():
                held[int(group.accounts[index])].append((int(group.rows[index]), start + index))
        after = self.starts[-1]
        for place in sorted(self.record_rows):
            rows = self.record_rows[place]
            if place in held:
                held[place] = [(row, after + index) for index, row in enumerate(rows)]
            after += len(rows)
        return {place: [slot for _, slot in sorted(found)] for place, found in held.items()}

    def position(self, group: Group, index: int) -> Position:
        """One row of a group as an exact record."""
        row = int(group.rows[index])
        numbers = {
            name: self.exactly.of(name, row, column[index])
            for name, column in group.columns.items()
            if column is not None
        }
        return Position(id=str(self.ids[row]), instrument=group.instrument, mode=group.mode, **numbers)

    def _account(self, place: int, held: list[tuple[int, Position]]) -> Account:
        return Account(
            account=str(self.names[place]),
            collateral=self._amounts("collateral", self.collateral or {}, place),
            group_margins=self._amounts("group_margins", self.group_margins, place),
            positions=tuple(position for _, position in sorted(held, key=lambda one: one[0])),
            orders=self.orders.get(place, ()),
        )

    def _amounts(self, table: str, columns: Mapping[str, tuple[Integers, Floats]], place: int) -> dict[str, Decimal]:
        """What an account has in a table of amounts; accounts stand in order in each."""
        found = {}
        for name, (accounts, amounts) in columns.items():
            index = int(np.searchsorted(accounts, place))
            if index < len(accounts) and accounts[index] == place:
                found[name] = self.exactly.of(f"{table} {name}", place, amounts[index])
        return found
