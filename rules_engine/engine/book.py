"""The book: positions of many accounts as columns, grouped by instrument and mode, each group by size. Immutable.

What columns cannot decide (a row at fault, one of no contracts, an instrument held twice, a fee rate of its own) makes
its whole account one that is decided exactly: its rows stand apart. Every account can be had as an exact record.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from itertools import takewhile
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

from rules_engine.engine.book_groups import CHUNK as CHUNK
from rules_engine.engine.book_groups import COLUMNS as COLUMNS
from rules_engine.engine.book_groups import Group as Group
from rules_engine.engine.book_groups import Instants as Instants
from rules_engine.engine.book_groups import Integers as Integers
from rules_engine.engine.book_groups import Span as Span
from rules_engine.engine.book_groups import group_of as group_of
from rules_engine.errors import Doubt
from rules_engine.numbers.columns import Floats
from rules_engine.terms.account import Account, Order, Position

WORTH: Final = 30_000
"""Rows that can be passed over in the time that looking for one account takes."""

Kept = TypeVar("Kept")


class Exactly(msgspec.Struct, frozen=True):
    """Numbers of which a double's shortest decimal is not the number itself, by column and row (or account)."""

    numbers: Mapping[tuple[str, int], Decimal] = {}

    def of(self, column: str, row: int, value: float) -> Decimal:
        """The exact number that a double stands for: the one kept for it, else the shortest that rounds to it."""
        kept = self.numbers.get((column, row))
        return Decimal(repr(float(value))) if kept is None else kept


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What a book holds. `names` are the accounts, `ids` and `opened` the positions by row.

    `apart` are groups of rows, and `faulty` the rows at fault (with their accounts), of accounts decided exactly.
    `collateral` gives accounts and amounts by asset, None where there is no collateral table; `group_margins` by group.
    `orders`, `fee_rates` and `collateral_doubts` are of the accounts that have any, by place.
    """

    names: Sequence[object]
    ids: Sequence[object]
    groups: tuple[Group, ...]
    apart: tuple[Group, ...] = ()
    faulty: Mapping[int, tuple[int, Position]] = {}
    exactly: Exactly = Exactly()
    opened: Instants | None = None
    collateral: Mapping[str, tuple[Integers, Floats]] | None = None
    group_margins: Mapping[str, tuple[Integers, Floats]] = {}
    orders: Mapping[int, tuple[Order, ...]] = {}
    fee_rates: Mapping[int, Decimal] = {}
    collateral_doubts: Mapping[int, Mapping[str | None, Doubt]] = {}


NO_COLLATERAL: Final = Doubt(code="COLLATERAL_MISSING", message="the book has no collateral table")


class Book:
    """Many accounts' positions; `book_of`, `book_from_columns` and `book_from_rows` make one."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.names, self.ids, self.groups = contents.names, contents.ids, contents.groups
        self._kept: dict[tuple[object, ...], Any] = {}
        self.exactly, self.collateral, self.orders = contents.exactly, contents.collateral, contents.orders
        self.group_margins = contents.group_margins

    def __len__(self) -> int:
        return len(self.ids)

    def kept(self, key: tuple[object, ...], make: Callable[[], Kept]) -> Kept:
        """What is worked out of the book once, such as which pools its rows belong to."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]  # type: ignore[no-any-return]

    def by_cohort(self, cutoffs: Sequence[datetime]) -> Book:
        """The book with each group parted by how many of the cutoffs (newest first) its rows were opened before."""
        if not cutoffs:
            return self
        return self.kept(("cohorts", *cutoffs), lambda: self._parted(cutoffs))

    def _parted(self, cutoffs: Sequence[datetime]) -> Book:
        opened = self.contents.opened
        instants = [np.datetime64(each.astimezone(UTC).replace(tzinfo=None), "us") for each in cutoffs]
        groups: list[Group] = []
        for group in self.groups:
            if opened is None:
                groups.append(msgspec.structs.replace(group, cohort=None))
                continue
            times = opened[group.rows]
            counts = np.sum([times < instant for instant in instants], axis=0)
            counts[np.isnat(times)] = -1
            for cohort in np.unique(counts).tolist():
                groups.append(group.part(counts == cohort, None if cohort < 0 else cohort))
        return Book(msgspec.structs.replace(self.contents, groups=tuple(groups)))

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where each group's rows begin in the columns of a sweep; rows of recorded accounts follow the last group."""
        return tuple(np.cumsum([0, *(group.size for group in self.groups)]).tolist())

    @cached_property
    def records(self) -> Integers:
        """The places of the accounts that are decided exactly, whole."""
        contents = self.contents
        told = [*(place for place, _ in contents.faulty.values()), *contents.fee_rates, *contents.collateral_doubts]
        return np.unique(np.concatenate([np.array(told, np.int64), *(group.accounts for group in contents.apart)]))

    @cached_property
    def slots(self) -> Integers:
        """Where each row of the book stands in a sweep's columns."""
        every = (*self.groups, *self.contents.apart)
        rows = np.concatenate([*(group.rows for group in every), np.array(list(self.contents.faulty), np.int64)])
        slots = np.empty(len(rows), np.int64)
        slots[rows] = np.arange(len(rows))
        return slots

    def account(self, place: int) -> Account:
        """One account as an exact record, its positions in the order of their rows."""
        return self.accounts([place])[0]

    def accounts(self, places: Sequence[int]) -> list[Account]:
        """Some accounts as exact records, in one pass over the book."""
        return [account for account, _ in self.standing(places)]

    def standing(self, places: Sequence[int]) -> list[tuple[Account, list[int]]]:
        """As `accounts`, each with where its rows stand in a sweep's columns, in the order of its positions."""
        held = self._held(places)
        return [
            (
                self._account(place, [self._row(*each) for each in rows]),
                self.slots[[row for row, _, _ in rows]].tolist(),
            )
            for place, rows in held.items()
        ]

    def held(self, places: Sequence[int]) -> dict[int, dict[int, Position]]:
        """The rows of some accounts as exact records, by their numbers, in order."""
        return {place: {found[0]: self._row(*found) for found in rows} for place, rows in self._held(places).items()}

    def _held(self, places: Sequence[int]) -> dict[int, list[tuple[int, Group | None, int]]]:
        """The rows of some accounts, in order, each with its group (None for one at fault) and its index there."""
        if len(places) * WORTH < len(self) and self._in_order:
            return {place: self._together(place) for place in places}
        wanted = np.zeros(len(self.names), bool)
        wanted[list(places)] = True
        held: dict[int, list[tuple[int, Group | None, int]]] = {place: [] for place in places}
        for group in (*self.groups, *self.contents.apart):
            for index in np.flatnonzero(wanted[group.accounts]).tolist():
                held[int(group.accounts[index])].append((int(group.rows[index]), group, index))
        for row, (place, _) in self.contents.faulty.items():
            if wanted[place]:
                held[place].append((row, None, 0))
        return {place: sorted(found, key=lambda one: one[0]) for place, found in held.items()}

    @cached_property
    def _in_order(self) -> bool:
        """Whether accounts follow one another in the order of their places: the rows of each stand together then."""
        accounts = np.empty(len(self), np.int64)
        for group in (*self.groups, *self.contents.apart):
            accounts[group.rows] = group.accounts
        for row, (place, _) in self.contents.faulty.items():
            accounts[row] = place
        return bool(np.all(accounts[1:] >= accounts[:-1]))

    def _together(self, place: int) -> list[tuple[int, Group | None, int]]:
        """As `_held`, of an account whose rows stand together."""
        start = bisect_left(range(len(self)), place, key=lambda row: self._at(row)[0])
        rows = takewhile(lambda one: one[1][0] == place, ((row, self._at(row)) for row in range(start, len(self))))
        return [(row, group, index) for row, (_, group, index) in rows]

    @cached_property
    def _every(self) -> tuple[Sequence[Group], Sequence[int]]:
        """All groups, those of accounts decided exactly too, and where the rows of each begin among the slots."""
        every = (*self.groups, *self.contents.apart)
        return every, np.cumsum([0, *(group.size for group in every)]).tolist()

    def _at(self, row: int) -> tuple[int, Group | None, int]:
        """The account of a row, its group (None for one at fault) and its index there."""
        if row in self.contents.faulty:
            return self.contents.faulty[row][0], None, 0
        slot = int(self.slots[row])
        every, starts = self._every
        number = bisect_right(starts, slot) - 1
        group, index = every[number], slot - starts[number]
        return int(group.accounts[index]), group, index

    def _row(self, row: int, group: Group | None, index: int) -> Position:
        return self.contents.faulty[row][1] if group is None else self.position(group, index)

    def original(self, row: int) -> Position:
        """One row of the book as an exact record, by its number."""
        return self._row(row, *self._at(row)[1:])

    def position(self, group: Group, index: int) -> Position:
        """One row of a group as an exact record."""
        row = int(group.rows[index])
        stated: dict[str, Any] = {
            name: self.exactly.of(name, row, column[index])
            for name, column in group.columns.items()
            if column is not None
        }
        if self.contents.opened is not None:
            opened: datetime | None = self.contents.opened[row].item()
            stated["opened_at"] = None if opened is None else opened.replace(tzinfo=UTC)
        return Position(
            id=str(self.ids[row]), instrument=group.instrument, mode=group.mode, group=group.group, **stated
        )

    def _account(self, place: int, positions: Sequence[Position]) -> Account:
        doubts = self.contents.collateral_doubts.get(place, {})
        return Account(
            account=str(self.names[place]),
            collateral=self._amounts("collateral", self.collateral or {}, place),
            group_margins=self._amounts("group_margins", self.group_margins, place),
            positions=tuple(positions),
            orders=self.orders.get(place, ()),
            fee_rate=self.contents.fee_rates.get(place),
            collateral_doubts=doubts if self.collateral is not None else {**doubts, None: NO_COLLATERAL},
        )

    def _amounts(self, table: str, columns: Mapping[str, tuple[Integers, Floats]], place: int) -> dict[str, Decimal]:
        """What an account has in a table of amounts; accounts stand in order in each."""
        found = {}
        for name, (accounts, amounts) in columns.items():
            index = int(np.searchsorted(accounts, place))
            if index < len(accounts) and accounts[index] == place:
                found[name] = self.exactly.of(f"{table} {name}", place, amounts[index])
        return found
