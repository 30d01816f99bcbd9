"""The rows of a decision log in a table of a database, as whoever can write to it may have left them.

`sqlite:///FILE` and `postgresql://...` are the log named `decisions` there, with `?log=NAME` another one. Each line is
a row, written as it stands in a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOENT
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Table, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from rules_engine.errors import Mark, Problem
from rules_engine.life.decisions.decision_ends import in_use
from rules_engine.life.decisions.decision_lines import DecisionLogError, Line, Reader
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
_COUNT: Final = text("SELECT count(*) FROM rules_engine_decisions WHERE log = :log AND sequence BETWEEN 1 AND :last")
_LAST: Final = text(
    "SELECT sequence, line FROM rules_engine_decisions WHERE log = :log ORDER BY sequence DESC LIMIT :count"
)
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

    def twice(self, connection: Connection, rows: int, last: int) -> list[Line]:
        """That rows have the same number, as where somebody took the table its key: pages leave some of them out."""
        with connection.begin():
            there = connection.execute(_COUNT, {"log": self.log, "last": last}).scalar_one()
        if there == rows:
            return []
        line = Line(mark=Mark(self.name, last, 1), hash="", record={})
        what = f"up to line {last} there are {there} rows, of which {rows} could be read: several have one number"
        hint = "somebody took the table its key; compare with a copy of the log"
        return [msgspec.structs.replace(line, problems=(line.problem("LOG_CHAIN_BROKEN", what, hint),))]

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
        rows = _Rows(place, connection, page)
        yield from map(in_place, Reader().lines(1, map(place.read, rows), last=False))
        yield from place.twice(connection, rows.count, rows.last)


class _Rows:
    """The rows of a page and of all that follow; `count` and `last` are how many were read, and the last number."""

    def __init__(self, place: Place, connection: Connection, page: list[Row]) -> None:
        self.place, self.connection, self.page = place, connection, page
        self.count, self.last = 0, 0

    def __iter__(self) -> Iterator[Row]:
        while self.page:
            yield from self.page
            self.count, self.last = self.count + len(self.page), self.page[-1][0]
            self.page = self.place.page(self.connection, self.last)


def in_place(line: Line) -> Line:
    """A line, told where its row has another number than it has itself."""
    sequence = line.record.get("sequence")
    if not line.record or line.mark.line == sequence or line.problems:
        return line
    problem = line.problem("LOG_CHAIN_BROKEN", f"line {sequence} of the log stands in another row")
    return msgspec.structs.replace(line, problems=(problem,))


def _stray(number: object, mark: Mark, data: bytes) -> Line:
    """A row with a number that no line has, as a line without a record."""
    line = Reader().line(mark, data.removesuffix(b"\n"))
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
