"""A decision log in a table of a database, SQLite or PostgreSQL; the policy store may be in the same one.

`sqlite:///FILE` and `postgresql://...` are the log named `decisions` there, with `?log=NAME` another one. Each line is
a row, written as it stands in a file. A batch is one transaction, so no line is ever torn.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from errno import ENOENT
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Table, event, insert, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from rules_engine.errors import Mark, Problem
from rules_engine.life.decisions.decision_ends import REOPEN, LogEnd, in_use, locked
from rules_engine.life.decisions.decision_lines import DecisionLogError, Line, Reader, line_hash
from rules_engine.life.store.databases import engine_of, fault_of, file_of, url_of, without_password

METADATA: Final = MetaData()
TABLE: Final = Table(
    "rules_engine_decisions",
    METADATA,
    Column("log", String, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("line", LargeBinary, nullable=False),
)
NAMED: Final = "decisions"
"""The name of a log where the address says none."""
AT_ONCE: Final = 1_000
"""Lines that are read at a time, so that no reader keeps writers waiting; and those that opening judges."""
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
# What is read comes as the driver has it: a converter of types would already believe what somebody put there.
_PAGE: Final = text(
    "SELECT sequence, line FROM rules_engine_decisions"
    f" WHERE log = :log AND sequence > :after ORDER BY sequence LIMIT {AT_ONCE}"
)
_BEFORE: Final = text(
    "SELECT sequence, line FROM rules_engine_decisions WHERE log = :log AND sequence <= 0 UNION ALL"
    " SELECT sequence, line FROM rules_engine_decisions WHERE log = :log AND sequence IS NULL"
)
"""What no log writes, for lines are counted from 1; with what `_PAGE` reads behind 0, this is every row."""
_LAST: Final = text(
    "SELECT sequence, line FROM rules_engine_decisions WHERE log = :log ORDER BY sequence DESC LIMIT :count"
)
_LOCK: Final = text("SELECT pg_advisory_lock(hashtextextended(:log, 'rules_engine_decisions'::regclass::oid::bigint))")
"""Held by the connection for as long as it lives. The table is in the hash: there may be one in each schema."""
_NO_TABLE: Final = ("42P01", "no such table")
_TAKEN: Final = ("55P03", "23505", "SQLITE_CONSTRAINT_PRIMARYKEY")
"""That another one writes: PostgreSQL's lock_not_available and unique_violation, and SQLite's name for the latter."""

Row = tuple[Any, Any]


class Place:
    """One log in a database: its address, and a connection whose faults have names."""

    def __init__(self, address: str) -> None:
        self.name = without_password(address)
        try:
            url = url_of(address)
            log = url.query.get("log", NAMED)
            if not isinstance(log, str) or not _NAME.fullmatch(log):
                raise ArgumentError(f"?log= is {log!r}; wanted up to 100 letters, digits, and _ . -")
            if not url.database:
                raise ArgumentError("the address names no database")
            self.log, self._url = log, url.difference_update_query(["log"])
            self._engine = engine_of(self._url)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            hint = "sqlite:///FILE, or postgresql://...; PostgreSQL needs pip install 'rules-engine[postgres]'"
            raise self.refusal("LOG_UNUSABLE", str(error), hint) from error
        self.file = file_of(self._url)
        if self.file is not None:
            event.listen(self._engine, "connect", _take_any_text)

    def connect(self) -> Connection:
        """A connection of its own, that no pool takes back."""
        connection = self._engine.connect()
        connection.detach()
        return connection

    def page(self, connection: Connection, after: object) -> list[Row]:
        """The next rows."""
        with connection.begin():
            return [tuple(row) for row in connection.execute(_PAGE, {"log": self.log, "after": after})]

    def before(self, connection: Connection) -> list[Line]:
        """The rows that stand before the first line, each told as a problem; in a transaction of the caller's.

        They are neither part of the chain nor replayed, nor do they count as the head of a log.
        """
        rows = [tuple(row) for row in connection.execute(_BEFORE, {"log": self.log})]
        return [_stray(row[0], *self.read(row)) for row in rows]

    def last(self, connection: Connection, count: int = 1) -> list[Row]:
        """The last rows, the last one first; in a transaction of the caller's."""
        return [tuple(row) for row in connection.execute(_LAST, {"log": self.log, "count": count})]

    def read(self, row: Row) -> tuple[Mark, bytes]:
        """A row as a line, whatever somebody put there; the place is its number."""
        sequence, line = row
        data = bytes(line) if isinstance(line, bytes | memoryview) else str(line).encode("utf-8", "replace")
        return Mark(self.name, sequence if isinstance(sequence, int) else 0, 1), data + b"\n"

    @contextmanager
    def named_faults(self, code: str, doing: str) -> Iterator[None]:
        """Gives what the database raises a name."""
        try:
            yield
        except DBAPIError as error:
            said, fault = fault_of(error)
            if fault in _TAKEN:
                raise in_use(self.name) from error
            if fault == _NO_TABLE[0] or _NO_TABLE[1] in said:
                raise self.missing() from error
            raise self.refusal(code, f"{doing}: {said}") from error
        except (SQLAlchemyError, ValueError, TypeError) as error:
            raise self.refusal(code, f"{doing}: {error}") from error

    def missing(self) -> FileNotFoundError:
        """That there is no such log."""
        return FileNotFoundError(ENOENT, "there is no such decision log", self.name)

    def refusal(self, code: str, message: str, hint: str = "") -> DecisionLogError:
        """One problem with this log."""
        return DecisionLogError([Problem(code=code, message=message, hint=hint, document=self.name)])


def read_table(address: str) -> Iterator[Line]:
    """Every line of a log in a database. Raises OSError where there is none."""
    place = Place(address)
    if place.file is not None and not place.file.is_file():
        raise place.missing()
    with place.named_faults("LOG_UNUSABLE", "the log cannot be read"), place.connect() as connection:
        with connection.begin():
            before = place.before(connection)
        page = place.page(connection, 0)
        if not before and not page:
            raise place.missing()
        yield from before
        rows = _rows(place, connection, page)
        yield from map(_in_place, Reader().lines(1, map(place.read, rows), last=False))


def _rows(place: Place, connection: Connection, page: list[Row]) -> Iterator[Row]:
    """The rows of this page and of all that follow."""
    while page:
        yield from page
        page = place.page(connection, page[-1][0])


def _in_place(line: Line) -> Line:
    """A line, told where its row has another number than it has itself."""
    sequence = line.record.get("sequence")
    if not line.record or line.mark.line == sequence or line.problems:
        return line
    problem = line.problem("LOG_CHAIN_BROKEN", f"line {sequence} of the log stands in another row")
    return msgspec.structs.replace(line, problems=(problem,))


def _stray(number: object, mark: Mark, data: bytes) -> Line:
    """A row with a number that no line has, as a line without a record."""
    line = Reader().line(mark, data.rstrip(b"\n"))
    what = f"row {number} stands before the first line, where a log writes none"
    problem = line.problem("LOG_LINE_INVALID", what, "somebody else put it there; compare with a copy of the log")
    return Line(mark=mark, hash="", record={}, problems=(problem,))


def _take_any_text(connection: Any, _: Any) -> None:
    """A text of SQLite that is no UTF-8 is read as its bytes, so that it is told of its row and the rest is read."""

    def text_of(data: bytes) -> str | bytes:
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data

    connection.text_factory = text_of


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
            self._judge(_in_place(reader.line(mark, data.rstrip(b"\n"))) for mark, data in lines)
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
                    self._connection.execute(_LOCK, {"log": self._place.log})
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
        return rows[0][0] == sequence and line_hash(self._place.read(rows[0])[1].rstrip(b"\n")) == hashed

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
        self._lock, self._broken = -1, True
