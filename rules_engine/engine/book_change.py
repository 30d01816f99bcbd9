"""A book with some rows added, changed or removed: groups that hold none of them stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from rules_engine.engine.book import COLUMNS, Book, Contents, Exactly, Group, Instants, Integers, group_of
from rules_engine.engine.book_build import in_order
from rules_engine.engine.book_rows import Row, book_from_rows
from rules_engine.numbers.columns import Floats, Mask
from rules_engine.terms.account import Position

Key = tuple[object, ...]
"""What the rows of one group have in common."""


def changed(book: Book, rows: Iterable[Row] = (), removed: Iterable[tuple[str, str]] = ()) -> Book:
    """The book with these rows in it, each in place of the one of its account and id or after the last, and without
    those that are removed, by account and id. Rows behind a removed one move up. The old book stays what it is.

    A row is a dict, as for `book_from_rows`, and is stated whole. Raises `KeyError` where a row that is to be removed
    is not there, and `DocumentError` where a row names no account.
    """
    change = Change(book)
    fresh = book_from_rows(rows)
    held = fresh.held(range(len(fresh.names)))
    put = {row: (str(fresh.names[place]), each) for place, rows in held.items() for row, each in rows.items()}
    gone = list(removed)
    change.prepare({name for name, _ in (*put.values(), *gone)})
    for name, id in gone:
        change.remove(name, id)
    for row in range(len(fresh)):
        change.put(*put[row])
    return Book(change.contents())


class Picked(Sequence[object]):
    """Texts of a sequence, picked by index, with further ones behind them: those of which the index is negative."""

    def __init__(self, base: Any, where: Integers, further: list[str]) -> None:
        self.base, self.where, self.further = base, where, further

    def __len__(self) -> int:
        return len(self.where)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        at = int(self.where[index])
        return self.base[at] if at >= 0 else self.further[-at - 1]


def picked(texts: Any, keep: Mask | None, further: Sequence[str]) -> Picked:
    """The texts that are kept (all, for None), and further ones."""
    old = texts if isinstance(texts, Picked) else Picked(texts, np.arange(len(texts)), [])
    where = old.where if keep is None else old.where[keep]
    new = -1 - np.arange(len(old.further), len(old.further) + len(further))
    return Picked(old.base, np.concatenate([where, new]), [*old.further, *further])


class Change:
    """A change to a book at work: the rows of the accounts that are touched, by number."""

    def __init__(self, book: Book) -> None:
        self.book, self.size = book, len(book)
        self.places: dict[str, int] = {}
        self.before: dict[int, dict[int, Position]] = {}
        self.after: dict[int, dict[int, Position]] = {}
        self.new_names: list[str] = []
        self.new_ids: list[str] = []

    def prepare(self, names: set[str]) -> None:
        """Finds the accounts that are touched, and their rows."""
        self.places = {str(name): place for place, name in enumerate(self.book.names) if str(name) in names}
        self.new_names = sorted(names - self.places.keys())
        self.places |= {name: len(self.book.names) + index for index, name in enumerate(self.new_names)}
        self.before = self.book.held([place for place in self.places.values() if place < len(self.book.names)])
        self.after = {place: dict(self.before.get(place, {})) for place in self.places.values()}

    def remove(self, name: str, id: str) -> None:
        """Takes a row out."""
        if not self._take(self.places[name], id):
            raise KeyError(f"account {name} has no position {id}")

    def put(self, name: str, position: Position) -> None:
        """Puts a row in, in place of the one that has its id."""
        place = self.places[name]
        taken = self._take(place, position.id)
        if taken:
            row = taken[0]
        else:
            row = self.size + len(self.new_ids)
            self.new_ids.append(position.id)
        self.after[place][row] = position

    def _take(self, place: int, id: str) -> list[int]:
        rows = [row for row, position in self.after[place].items() if position.id == id]
        for row in rows:
            del self.after[place][row]
        return rows

    def contents(self) -> Contents:
        """What the book holds after the change."""
        old = self.book.contents
        out, into, faulty = self._moves()
        exactly = {key: x for key, x in old.exactly.numbers.items() if key[0] not in COLUMNS or key[1] not in out}
        made: dict[bool, tuple[Group, ...]] = {}
        for apart, groups in ((False, old.groups), (True, old.apart)):
            made[apart] = _regrouped(groups, out, into[apart], exactly)
        standing = {row for rows in self.after.values() for row in rows}
        gone = np.array(sorted(row for row in out if row not in standing), np.int64)
        unused = sorted(row for row in range(self.size, self.size + len(self.new_ids)) if row not in standing)
        gone = np.concatenate([gone, np.array(unused, np.int64)])
        contents = msgspec.structs.replace(
            old,
            names=picked(old.names, None, self.new_names) if self.new_names else old.names,
            ids=picked(old.ids, None, self.new_ids) if self.new_ids else old.ids,
            groups=made[False],
            apart=made[True],
            faulty=faulty,
            exactly=Exactly(exactly),
            opened=self._opened(),
        )
        return _without(contents, gone) if len(gone) else contents

    def _moves(self) -> tuple[set[int], dict[bool, list[tuple[int, int, Position]]], dict[int, tuple[int, Position]]]:
        """The rows that leave their groups, those that join others (in columns, apart), and those at fault."""
        out: set[int] = set()
        into: dict[bool, list[tuple[int, int, Position]]] = {False: [], True: []}
        faulty = dict(self.book.contents.faulty)
        apart_before = set(self.book.records[np.isin(self.book.records, list(self.before))].tolist())
        for place, after in self.after.items():
            before = self.before.get(place, {})
            apart = self._irregular(place, after.values())
            moved = apart != (place in apart_before)
            stay = set() if moved else {row for row, each in after.items() if before.get(row) == each}
            out |= before.keys() - stay
            for row in before.keys() - stay:
                faulty.pop(row, None)
            for row, position in after.items():
                if row in stay:
                    continue
                if position.fault is None:
                    into[apart].append((row, place, position))
                else:
                    faulty[row] = place, position
        return out, into, faulty

    def _irregular(self, place: int, positions: Iterable[Position]) -> bool:
        contents, listed = self.book.contents, list(positions)
        sides = {(p.instrument, p.mode, p.quantity > 0) for p in listed}
        return (
            place in contents.fee_rates
            or place in contents.collateral_doubts
            or len(sides) < len(listed)
            or any(
                p.fault is not None
                or p.quantity == 0
                or p.entry_price <= 0
                or (p.leverage is not None and p.leverage <= 0)
                for p in listed
            )
        )

    def _opened(self) -> Instants | None:
        times = {row: each.opened_at for rows in self.after.values() for row, each in rows.items()}
        old = self.book.contents.opened
        if old is None and not any(times.values()):
            return None
        opened = np.full(self.size + len(self.new_ids), "NaT", "datetime64[us]")
        if old is not None:
            opened[: self.size] = old
        for row, time in times.items():
            opened[row] = "NaT" if time is None else np.datetime64(time.replace(tzinfo=None), "us")
        return opened


def _key(instrument: str, mode: str, group: str | None, stated: Iterable[bool]) -> Key:
    return instrument, mode, group, *stated


def _key_of(group: Group) -> Key:
    stated = (group.columns[name] is not None for name in COLUMNS)
    return _key(group.instrument, group.mode, group.group, stated)


def _numbers(position: Position) -> list[Decimal | None]:
    numbers = [getattr(position, name) for name in COLUMNS[:-1]]
    return [*numbers, position.accrued if position.accrued else None]


def _regrouped(
    groups: tuple[Group, ...],
    out: set[int],
    into: list[tuple[int, int, Position]],
    exactly: dict[tuple[str, int], Decimal],
) -> tuple[Group, ...]:
    """Groups without some rows and with others; those that are not touched are the same objects."""
    joining: dict[Key, list[tuple[int, int, Position]]] = {}
    for row, place, p in into:
        stated = (x is not None for x in _numbers(p))
        joining.setdefault(_key(p.instrument, p.mode, p.group, stated), []).append((row, place, p))
    leaving = np.array(sorted(out), np.int64)
    made = []
    for group in groups:
        keep = ~np.isin(group.rows, leaving)
        more = joining.pop(_key_of(group), [])
        if keep.all() and not more:
            made.append(group)
        elif keep.any() or more:
            made.append(_merged(group, keep, more, exactly))
    for fresh in joining.values():
        made.append(_merged(None, np.empty(0, bool), fresh, exactly))
    return in_order(made)


def _merged(
    group: Group | None,
    keep: Mask,
    more: list[tuple[int, int, Position]],
    exactly: dict[tuple[str, int], Decimal],
) -> Group:
    like = more[0][2] if group is None else group
    rows = np.array([row for row, _, _ in more], np.int64)
    places = np.array([place for _, place, _ in more], np.int64)
    columns: dict[str, Floats] = {}
    for index, name in enumerate(COLUMNS):
        values = []
        for row, _, position in more:
            x = _numbers(position)[index]
            values.append(float("nan") if x is None else float(x))
            if x is not None and Decimal(repr(values[-1])) != x:
                exactly[name, row] = x
        columns[name] = np.array(values, np.float64)
    if group is not None:
        rows, places = np.concatenate([group.rows[keep], rows]), np.concatenate([group.accounts[keep], places])
        for name, column in group.columns.items():
            kept = np.full(int(keep.sum()), np.nan) if column is None else column[keep]
            columns[name] = np.concatenate([kept, columns[name]])
    return group_of(like.instrument, like.mode, rows, places, columns, like.group)


def _without(contents: Contents, gone: Integers) -> Contents:
    """The contents without numbers that no row has any more: rows behind them move up."""
    keep = np.ones(len(contents.ids), bool)
    keep[gone] = False

    def moved(rows: Any) -> Any:
        return rows - np.searchsorted(gone, rows)

    def regrouped(groups: tuple[Group, ...]) -> tuple[Group, ...]:
        return tuple(msgspec.structs.replace(group, rows=moved(group.rows)) for group in groups)

    numbers: Mapping[tuple[str, int], Decimal] = {
        (name, int(moved(row)) if name in COLUMNS else row): x for (name, row), x in contents.exactly.numbers.items()
    }
    return msgspec.structs.replace(
        contents,
        ids=picked(contents.ids, keep, []),
        groups=regrouped(contents.groups),
        apart=regrouped(contents.apart),
        faulty={int(moved(row)): found for row, found in contents.faulty.items()},
        exactly=Exactly(numbers),
        opened=None if contents.opened is None else contents.opened[keep],
    )
