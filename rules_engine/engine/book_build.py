"""From tables to a book: which rows stand in which group, and which accounts are decided exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from rules_engine.engine.book import COLUMNS, Book, Contents, Exactly, Group, Integers, group_of
from rules_engine.engine.book_amounts import Backing
from rules_engine.engine.book_table import Positions, Tables
from rules_engine.numbers.columns import Floats, Mask
from rules_engine.numbers.exact import ZERO
from rules_engine.terms.account import Order, Position


def assembled(
    tables: Tables,
    backing: Backing,
    orders: Mapping[int, tuple[Order, ...]],
    fee_rates: Mapping[int, Decimal] = {},
) -> Book:
    """The book of what the tables hold."""
    rows = tables.positions()
    names = tables.accounts.names
    _fault_twice(rows, tables)
    faulty = {row: (int(rows.accounts[row]), _faulty(rows, tables, row)) for row in tables.faults.by_row}
    alone = _irregular(rows)
    alone[list(faulty)] = True
    exactly = np.zeros(len(names), bool)
    exactly[rows.accounts[alone]] = True
    exactly[[*fee_rates, *backing.doubts]] = True
    kinds = _kinds(rows)
    exactly[_twice(rows)] = True
    kinds = kinds * 2 + exactly[rows.accounts] if exactly.any() else kinds * 2
    kinds[list(faulty)] = -1
    groups: list[Group] = []
    apart: list[Group] = []
    for kind, members in parted(kinds):
        if kind >= 0:
            (apart if kind % 2 else groups).append(_group(rows, tables, kind // 2, members))
    return Book(
        Contents(
            names=names,
            ids=rows.ids,
            groups=in_order(groups),
            apart=in_order(apart),
            faulty=faulty,
            exactly=Exactly({**rows.exactly, **backing.exactly}),
            opened=rows.opened,
            collateral=backing.collateral,
            group_margins=backing.group_margins,
            orders=orders,
            fee_rates=fee_rates,
            collateral_doubts=backing.doubts,
        )
    )


def in_order(groups: list[Group]) -> tuple[Group, ...]:
    """Groups by mode first, so that the rows of one mode stand together in a sweep's columns."""

    def key(group: Group) -> tuple[object, ...]:
        stated = [column is not None for column in group.columns.values()]
        return group.mode, group.instrument, group.group or "", stated

    return tuple(sorted(groups, key=key))


def _irregular(rows: Positions) -> Mask:
    """Rows of no contracts, and those with figures that no position can have."""
    columns = rows.numbers
    found: Mask = (columns["quantity"] == 0) | (columns["entry_price"] <= 0) | (columns["leverage"] <= 0)
    return found


def _kinds(rows: Positions) -> Integers:
    """A number for what rows of one group have in common: the last three bits say what is stated."""
    kinds = rows.instruments.astype(np.int64) + 1
    for codes in (rows.modes, rows.groups):
        size = int(codes.max(initial=0)) + 3
        kinds *= size
        kinds += codes
        kinds += 2
    kinds *= 8
    for bit, name in ((4, "margin"), (2, "leverage")):
        kinds += np.where(np.isnan(rows.numbers[name]), 0, bit)
    accrued = rows.numbers["accrued"]
    kinds += ~np.isnan(accrued) & (accrued != 0)
    return kinds


def parted(kinds: Integers) -> Iterator[tuple[int, Integers]]:
    """The rows of each kind, in order."""
    if not len(kinds):
        return
    low, high = int(kinds.min()), int(kinds.max())
    if high - low < 1 << 24:
        present = np.zeros(high - low + 1, bool)
        present[kinds - low] = True
        distinct = np.flatnonzero(present)
        number = np.cumsum(present) - 1
        small = number.astype(np.uint16) if len(distinct) < 1 << 16 else number
        codes = small[kinds - low]
        distinct += low
    else:
        distinct, codes = np.unique(kinds, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    cuts = np.cumsum(np.bincount(codes, minlength=len(distinct)))
    start = 0
    for kind, stop in zip(distinct.tolist(), cuts.tolist(), strict=True):
        yield kind, order[start:stop]
        start = stop


def _twice(rows: Positions) -> Integers:
    """The accounts that hold an instrument twice on one side in one mode."""
    modes, instruments = (int(codes.max(initial=0)) + 3 for codes in (rows.modes, rows.instruments))
    size = modes * instruments * 2
    both = rows.accounts * instruments
    both += rows.instruments
    both += 2  # the codes of what is not stated and cannot be read are -1 and -2
    both *= modes
    both += rows.modes
    both += 2
    both *= 2
    both += rows.numbers["quantity"] > 0
    both.sort()
    return np.unique(both[1:][both[1:] == both[:-1]] // size)


def _group(rows: Positions, tables: Tables, kind: int, members: Integers) -> Group:
    first = int(members[0])
    unstated = {name for bit, name in ((4, "margin"), (2, "leverage"), (1, "accrued")) if not kind & bit}
    columns: dict[str, Floats] = {
        name: np.broadcast_to(np.nan, len(members)) if name in unstated else rows.numbers[name][members]
        for name in COLUMNS
    }
    group = int(rows.groups[first])
    return group_of(
        tables.instruments.names[int(rows.instruments[first])],
        tables.modes.names[int(rows.modes[first])],
        members,
        rows.accounts[members],
        columns,
        None if group < 0 else tables.groups.names[group],
    )


def _faulty(rows: Positions, tables: Tables, row: int) -> Position:
    """A row at fault, with what can be read of it."""
    if row in tables.records:
        return tables.records[row]

    def named(codes: Any, names: list[str]) -> str:
        return names[int(codes[row])] if codes[row] >= 0 else ""

    exactly = Exactly(rows.exactly)
    stated: dict[str, Any] = {
        name: exactly.of(name, row, column[row]) for name, column in rows.numbers.items() if not np.isnan(column[row])
    }
    return Position(
        id=str(rows.ids[row]),
        instrument=named(rows.instruments, tables.instruments.names),
        mode=named(rows.modes, tables.modes.names),
        group=named(rows.groups, tables.groups.names) or None,
        fault=f"{tables.places.of(row)}: {tables.faults.by_row[row]}",
        **{"quantity": ZERO, "entry_price": ZERO, **stated},
    )


def _fault_twice(rows: Positions, tables: Tables) -> None:
    """Rows of one account that share an id are at fault: nothing says which of them is meant."""
    if isinstance(rows.ids, range) and rows.ids.step:
        return
    seen: dict[tuple[int, str], int] = {}
    for row in _candidates(rows.accounts, rows.ids).tolist():
        key = (int(rows.accounts[row]), str(rows.ids[row]))
        other = seen.setdefault(key, row)
        if other != row:
            for one, another in ((row, other), (other, row)):
                tables.faults.add(one, f"id: {key[1]!r} is also that of {tables.places.of(another)}")


def _candidates(accounts: Integers, ids: Any) -> Integers:
    """Rows whose account and id may be those of another row."""
    if isinstance(ids, np.ndarray) and ids.dtype.kind in "iu":
        hashes = ids.astype(np.int64)
    else:
        hashes = np.fromiter(map(hash, map(str, ids)), np.int64, len(ids))
    hashes = hashes * 2_862_933_555_777_941_757 + accounts * 3_202_034_522_624_059_733
    ordered = np.sort(hashes)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.flatnonzero(np.isin(hashes, again)) if len(again) else np.empty(0, np.int64)
