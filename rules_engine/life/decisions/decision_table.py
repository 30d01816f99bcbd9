"""The end of a decision log in a table of a database, SQLite or PostgreSQL; the policy store may be in the same one.

A batch is one transaction, so no line is ever torn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import insert, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from rules_engine.life.decisions.decision_ends import REOPEN, LogEnd, locked
from rules_engine.life.decisions.decision_lines import DecisionLogError, Reader, line_hash
from rules_engine.life.decisions.decision_rows import AT_ONCE, METADATA, TABLE, Place, in_place

LOCK: Final = text("SELECT pg_advisory_lock(hashtextextended(:log, 'rules_engine_decisions'::regclass::oid::bigint))")
"""Held by the connection for as long as it lives. The table is in the hash: there may be one in each schema."""


class LogTable(LogEnd):
    """The end of a log in a database. Opening judges its last lines.

    A second process is kept out by a lock: of a file beside that of SQLite, of PostgreSQL's own. Where a lock is lost
    the key of the table keeps the chain whole: of two lines with one number, one is refused.
    """

    def __init__(self, address: str, limit: int, header: Callable[[], Mapping[str, Any]]) -> None:
        self._place = Place(address)
        super().__init__(self._place.name, limit, header)
        self._connection: Connection | None = None
        self._lock = -1
        try:
            with self._place.named_faults("LOG_UNWRITABLE", "the log cannot be opened"):
                self._open()
        except BaseException as error:
            self.close()
            if not isinstance(error, OSError):
                raise
            what = f"the log cannot be opened: {error.strerror or error}"
            raise DecisionLogError([self._problem("LOG_UNWRITABLE", what)]) from error

    def _open(self) -> None:
        place = self._place
        if place.file is not None:
            self._lock = locked(place.file.with_name(f"{place.file.name}.{place.log}"))
        with place.connect() as connection, connection.begin():
            METADATA.create_all(connection)
        connection = self._connected()
        with connection.begin():
            before = place.before(connection)
            rows = place.last(connection, AT_ONCE)[::-1]
        self._judge(before)
        if rows:
            reader = Reader()
            lines = [place.read(row) for row in rows]
            self._judge(in_place(reader.line(mark, data.removesuffix(b"\n"))) for mark, data in lines)
            self.resumed, self._sequence, self._hash = True, reader.sequence, reader.hash
            self._size = sum(len(data) for _, data in lines)
        else:
            self._write([], durable=True)

    def _connected(self) -> Connection:
        """The connection that writes, which on PostgreSQL holds the lock; after a failure it is a new one."""
        if self._connection is None:
            self._connection = self._place.connect()
            if self._place.file is None:
                with self._connection.begin():
                    self._connection.execute(LOCK, {"log": self._place.log})
        return self._connection

    def _begin(self) -> None:
        """There is one table, however long: only a header stands there again, before which no market counts."""
        self._size, self._markets = 0, set()

    def _put(self, lines: Sequence[bytes], *, durable: bool) -> None:
        """Adds rows in one transaction, which is on the disk when it ends, and looks whether the last one is there.

        After a failure the last row is looked at first: where nobody knows what became of a transaction, the log takes
        nothing until it is reopened.
        """
        if not lines:
            return
        last = self._sequence + len(lines)
        numbers = range(self._sequence + 1, last + 1)
        rows = [
            {"log": self._place.log, "sequence": each, "line": line} for each, line in zip(numbers, lines, strict=True)
        ]
        try:
            with self._place.named_faults("LOG_UNWRITABLE", "the log takes no record"):
                again = self._connection is None
                connection = self._connected()
                with connection.begin():
                    if again and not self._ends_with(connection, self._sequence, self._hash):
                        self._broken = True
                        raise self._place.refusal("LOG_UNWRITABLE", "an earlier write is in doubt", REOPEN)
                    connection.execute(insert(TABLE), rows)
                    if not self._ends_with(connection, last, line_hash(lines[-1])):
                        hint = "look for triggers and rules of the database"
                        raise self._place.refusal("LOG_UNWRITABLE", "a line was written and is not there", hint)
        except BaseException:
            self._disconnect()
            raise

    def _ends_with(self, connection: Connection, sequence: int, hashed: str | None) -> bool:
        """Whether this is the last line."""
        rows = self._place.last(connection)
        if not rows:
            return hashed is None
        return rows[0][0] == sequence and line_hash(self._place.read(rows[0])[1].removesuffix(b"\n")) == hashed

    def sync(self) -> None:
        """Each transaction was on the disk when it ended."""

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Closes the connection and lets another process have the log."""
        self._disconnect()
        if self._lock >= 0:
            os.close(self._lock)
        self._lock, self._closed = -1, True
