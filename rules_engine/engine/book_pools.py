"""Rows of a book in its own order, as a sweep's answer is read: account, names and pool of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Group, Integers
from rules_engine.engine.book_labels import ANY_ID, label_of_rows
from rules_engine.engine.pools import Unplaced, place, pool_name
from rules_engine.engine.quote import Quote
from rules_engine.numbers.exact import ONE
from rules_engine.terms.account import Position
from rules_engine.terms.policy import Policy

PART = 65_536


class RowNames(msgspec.Struct, frozen=True):
    """Names of some rows of a book, and where each stands in a sweep's columns. A pool that cannot be told is empty."""

    slots: Integers
    accounts: list[str]
    ids: list[str]
    instruments: list[str]
    modes: list[str]
    pools: list[str]


def row_names(policy: Policy, book: Book, quote_of: Callable[[str], Quote]) -> Iterator[RowNames]:
    """The names of all rows, in the book's order, a part at a time; asked for `with exactly():`, as plugins are."""
    contents = book.contents
    every = (*contents.groups, *contents.apart)
    starts = np.cumsum([0, *(group.size for group in every)])
    faulty = [place for place, _ in contents.faulty.values()]
    owners = np.concatenate([*(group.accounts for group in every), np.array(faulty, np.int64)])
    keys = [_key(policy, group, quote_of) for group in every]
    for start in range(0, len(book), PART):
        rows = range(start, min(start + PART, len(book)))
        slots = book.slots[rows.start : rows.stop]
        which = (np.searchsorted(starts, slots, "right") - 1).tolist()
        accounts = [str(book.names[place]) for place in owners[slots].tolist()]
        ids = [str(each) for each in book.ids[rows.start : rows.stop]]
        yield RowNames(
            slots,
            accounts,
            ids,
            [
                every[i].instrument if i < len(every) else contents.faulty[r][1].instrument
                for i, r in zip(which, rows, strict=True)
            ],
            [every[i].mode if i < len(every) else contents.faulty[r][1].mode for i, r in zip(which, rows, strict=True)],
            [
                keys[i](account, id) if i < len(every) else _pool(policy, account, contents.faulty[r][1], quote_of)
                for i, r, account, id in zip(which, rows, accounts, ids, strict=True)
            ],
        )


def _key(policy: Policy, group: Group, quote_of: Callable[[str], Quote]) -> Callable[[str, str], str]:
    """What names the pool of a row of a group, from its account and id."""
    quote, allowed = quote_of(group.instrument), policy.modes.get(group.mode)
    label = None if allowed is None else label_of_rows(allowed, group, quote)
    if label is not None and label.key is ANY_ID:
        return lambda account, id: f"{account}/{group.mode}/{id}"
    if label is not None:
        end = pool_name("", group.mode, label)
        return lambda account, id: account + end

    def pool(account: str, id: str) -> str:
        position = Position(
            id=id,
            instrument=group.instrument,
            mode=group.mode,
            group=group.group,
            quantity=ONE,
            entry_price=ONE,
        )
        return _pool(policy, account, position, quote_of)

    return pool


def _pool(policy: Policy, account: str, position: Position, quote_of: Callable[[str], Quote]) -> str:
    try:
        allowed, label = place(policy, quote_of(position.instrument), position)
    except Unplaced:
        return ""
    return pool_name(account, allowed.name, label)
