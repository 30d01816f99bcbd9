"""Replay of sweeps: a log keeps the hash of a book and of its statuses; who still has the book can sweep it again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from rules_engine.life.decisions.decision_lines import Line, LogProblem
from rules_engine.life.decisions.decision_masks import Mask

if TYPE_CHECKING:
    from rules_engine.engine.book import Book

Books = Callable[[str], Iterable["Book"]]
"""Books, or parts of one, one after the other, whose collateral without an asset is of a settlement currency."""


class LoggedSweep(msgspec.Struct, frozen=True):
    """The record of a sweep and its market; `locked` says that its hash is under a key which nobody gave."""

    line: Line
    market: Mapping[str, Any]
    currency: str
    locked: bool


class Sweeps:
    """Sweeps that wait for their books."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._masks: list[Mask] = []
        self._locked = False
        self._waiting: dict[str, list[LoggedSweep]] = {}

    def take_mask(self, stated: Any) -> None:
        """Takes down under which mask the records that follow were written."""
        fields = stated.get("fields") if isinstance(stated, dict) else None
        self._locked = bool(fields)
        if fields and self._key:
            with contextlib.suppress(ValueError, TypeError):  # too short a key, or a header that nobody wrote
                mask = Mask(fields, self._key)
                self._locked = mask.to_dict() != stated
                self._masks += [] if self._locked else [mask]

    def take(self, line: Line, market: Mapping[str, Any], currency: str) -> None:
        """Takes a sweep down, to be answered when its book is there."""
        one = LoggedSweep(line, market, currency, self._locked)
        self._waiting.setdefault(line.record["book_hash"], []).append(one)

    @property
    def currencies(self) -> list[str]:
        """The settlement currencies of those that wait."""
        return sorted({one.currency for found in self._waiting.values() for one in found})

    def of(self, book: Book, currency: str) -> list[LoggedSweep]:
        """Those of a book, which wait no more."""
        from rules_engine.life.decisions.decision_books import book_hash

        hashed = book_hash(book)
        found: list[LoggedSweep] = []
        for name in dict.fromkeys([hashed, *(mask.hash(hashed) for mask in self._masks)]):
            waiting = self._waiting.pop(name, [])
            found += [one for one in waiting if one.currency == currency]
            if others := [one for one in waiting if one.currency != currency]:
                self._waiting[name] = others
        return found

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    def problems(self) -> Iterator[LogProblem]:
        """What was not replayed, a warning for each book, and what to give."""
        for hashed, found in self._waiting.items():
            record = found[0].line.record
            count = "1 sweep was" if len(found) == 1 else f"{len(found)} sweeps were"
            size = f"{record.get('positions')} positions of {record.get('accounts')} accounts"
            hint = "give that book as --book, with the --collateral, --orders and --part-rows of its sweep"
            if found[0].locked:
                given = "the key given is not that of the log" if self._key else "the log is masked"
                hint = f"{given}: give its key as --log-key, and the book as --book"
            what = f"{count} not replayed, of the book {hashed} of {size}"
            yield found[0].line.problem("LOG_BOOK_MISSING", what, hint, "warning")
