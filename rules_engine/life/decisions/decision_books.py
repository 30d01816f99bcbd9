"""The hash of a book of positions, and what a sweep says of it: counts, and the status of every row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from rules_engine.engine.book import Book, Group
from rules_engine.engine.sweep import Sweep
from rules_engine.engine.sweep_rows import STATUSES, Codes
from rules_engine.life.decisions.decision_documents import account_document

NAMES_AT_ONCE: Final = 100_000
"""Names that are made text at a time."""


def status_counts(sweep: Sweep) -> dict[str, int]:
    """How many rows have each status."""
    counts = np.bincount(sweep.columns.status, minlength=len(STATUSES)).tolist()
    return dict(zip(STATUSES, counts, strict=True))


def row_statuses(sweep: Sweep) -> Codes:
    """The status of every row in the order of the book's table, which no policy and no worker moves; a copy."""
    statuses: Codes = sweep.columns.status[sweep.book.slots]
    return statuses


def statuses_hash(sweep: Sweep) -> str:
    """The SHA-256 of the statuses, a byte a row: its place in `STATUSES`.

    A status is certain: what doubles leave in doubt is decided exactly. So it is the same on any machine, whereas the
    last bit of a figure need not be.
    """
    return "sha256:" + hashlib.sha256(row_statuses(sweep).tobytes()).hexdigest()


def book_hash(book: Book) -> str:
    """The SHA-256 of what a book holds, in the order in which it holds it; worked out once a book.

    Not of sentences about rows at fault: they name the file that the book came from.
    """
    return book.kept(("hash",), lambda: _hash(book))


def _hash(book: Book) -> str:
    contents, sha = book.contents, hashlib.sha256()

    def add(*texts: object) -> None:
        for text in texts:
            data = str(text).encode("utf-8", "surrogatepass")
            sha.update(len(data).to_bytes(8, "big") + data)

    def add_array(array: Any) -> None:
        if array is None:
            add("none")
            return
        add(array.dtype.str, len(array))
        sha.update(np.ascontiguousarray(array).data.cast("B") if len(array) else b"")

    def add_group(group: Group) -> None:
        add(group.instrument, group.mode, group.group)
        for array in (group.rows, group.accounts, *group.columns.values()):
            add_array(array)

    def add_amounts(amounts: Mapping[str, tuple[Any, Any]]) -> None:
        for name, (accounts, sums) in amounts.items():
            add(name)
            add_array(accounts)
            add_array(sums)

    for names in (contents.names, contents.ids):
        add(len(names))
        for part in _parts(names):
            add("\n".join(map(str, part)))  # no name has a line's end in it
    for group in (*contents.groups, *contents.apart):
        add_group(group)
    for key, number in sorted(contents.exactly.numbers.items()):
        add(*key, number)
    add_array(None if contents.opened is None else contents.opened.view(np.int64))
    add_amounts({"no table": (None, None)} if contents.collateral is None else contents.collateral)
    add_amounts(contents.group_margins)
    # What is no matter for columns: the accounts that hold it, whole and as documents.
    told = sorted({*contents.orders, *book.records.tolist()})
    for account in book.accounts(told) if told else ():
        add(_without_sentences(account_document(account)))
    return "sha256:" + sha.hexdigest()


def _without_sentences(account: dict[str, Any]) -> dict[str, Any]:
    """The account without what is said of its faults; that they are there stays."""
    told = dict(account)
    for field in ("positions", "orders"):
        told[field] = [{**row, "fault": ""} if "fault" in row else row for row in account.get(field, ())]
    told["collateral_doubts"] = [{**doubt, "message": ""} for doubt in account.get("collateral_doubts", ())]
    return told


def _parts(names: Sequence[object]) -> Iterable[Sequence[object]]:
    return (names[start : start + NAMES_AT_ONCE] for start in range(0, len(names), NAMES_AT_ONCE))
