"""The end of a decision log, where lines are added: what numbered files and a table of a database have in common."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from rules_engine.errors import Problem
from rules_engine.life.decisions.decision_lines import SCHEMA, DecisionLogError, Line, line_hash, written
from rules_engine.life.decisions.decision_records import Entry

try:
    import fcntl
except ImportError:  # pragma: no cover - where there is none, nothing keeps a second process out
    fcntl = None  # type: ignore[assignment]

_ANOTHER: Final = "keep it as it is, find out who changed it, and begin a log of another name"
REOPEN: Final = "close the log and open it again"


class LogEnd(ABC):
    """The end of one log, open for writing by one process; one thread at a time writes.

    `name` is what people call the log. `torn` says how many bytes of an unfinished line were cut off when it was
    opened, `resumed` that there was a log. `header` gives what a header has beside what all headers have; one stands at
    the beginning, and again where `limit` bytes are exceeded.
    """

    def __init__(self, name: str, limit: int, header: Callable[[], Mapping[str, Any]]) -> None:
        self.name, self.torn, self.resumed = name, 0, False
        self._limit, self._header = limit, header
        self._broken = self._closed = False
        self._file, self._sequence, self._size = 1, 0, 0
        self._hash: str | None = None
        self._markets: set[str] = set()

    @property
    def head(self) -> tuple[int, str | None]:
        """The number of the last line and its hash."""
        return self._sequence, self._hash

    def append(self, entries: Sequence[Entry], *, durable: bool) -> None:
        """Writes records, all or none; `durable` waits until the disk has them. Raises `DecisionLogError`."""
        if self._closed:
            raise DecisionLogError([self._problem("LOG_UNWRITABLE", "the log is closed", "open it again")])
        if self._broken:
            raise DecisionLogError([self._problem("LOG_UNWRITABLE", "an earlier write failed", REOPEN)])
        try:
            if self._size >= self._limit:
                self._begin()
            self._write(entries, durable=durable)
        except OSError as error:
            what = f"the log takes no record: {error.strerror or error}"
            raise DecisionLogError([self._problem("LOG_UNWRITABLE", what)]) from error

    def _write(self, entries: Sequence[Entry], *, durable: bool, start: bool = False) -> None:
        """Writes entries, with the markets that do not stand behind the last header yet; a failure leaves nothing."""
        records, markets = [], set(self._markets)
        if start or not self._size:
            header = {"kind": "header", "schema": SCHEMA, "file": self._file, **self._header()}
            records.append(msgspec.json.encode(header))
        for entry in entries:
            if entry.market is not None and entry.market.hash not in markets:
                markets.add(entry.market.hash)
                records.append(entry.market.record)
            records.append(entry.record)
        sequence, previous, lines = self._sequence, self._hash, []
        for record in records:
            sequence += 1
            line = written(sequence, previous, record)
            previous = line_hash(line)
            lines.append(line)
        self._put(lines, durable=durable)
        self._sequence, self._hash, self._markets = sequence, previous, markets
        self._size += sum(map(len, lines)) + len(lines)

    def _judge(self, lines: Iterable[Line]) -> int:
        """How many records there are among lines; `DecisionLogError` where they are damaged, but for a torn end."""
        kept = 0
        for line in lines:
            faults = [problem for problem in line.problems if problem.severity == "error"]
            if faults:
                raise DecisionLogError([*faults, self._problem("LOG_DAMAGED", "the log is damaged", _ANOTHER)])
            kept += bool(line.record)
        return kept

    def _problem(self, code: str, message: str, hint: str = "") -> Problem:
        return Problem(code=code, message=message, hint=hint, document=self.name)

    @abstractmethod
    def _begin(self) -> None:
        """Makes the next line a header, before which no market counts."""

    @abstractmethod
    def _put(self, lines: Sequence[bytes], *, durable: bool) -> None:
        """Adds lines behind the last one, all or none. Raises OSError or `DecisionLogError`."""

    @abstractmethod
    def sync(self) -> None:
        """Waits until the disk has all that was written."""

    @abstractmethod
    def close(self) -> None:
        """Takes nothing more, and lets another process have the log."""


def locked(name: Path) -> int:
    """Keeps other processes out of a log for as long as this one lives; gives what holds the lock."""
    descriptor = os.open(name.with_name(f"{name.name}.lock"), os.O_RDWR | os.O_CREAT, 0o640)
    if fcntl is None:  # pragma: no cover
        return descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise in_use(str(name)) from error
    return descriptor


def in_use(name: str) -> DecisionLogError:
    """That another one writes this log."""
    what = "another process, or another part of this one, has the log open"
    hint = "give each process a log of its own"
    return DecisionLogError([Problem(code="LOG_IN_USE", message=what, hint=hint, document=name)])
