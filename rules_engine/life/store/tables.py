"""The two tables of a store, on SQLite or PostgreSQL: the log, and the texts of policies by their SHA-256.

There is nothing else: no table of versions, keys or approvals that somebody could edit. SQLite keeps a rollback journal
that is truncated (`journal_mode=TRUNCATE`) under `synchronous=FULL`: a step that was acknowledged is on the disk, and
the store is one file, of which a copy is whole. (A write-ahead log would keep the last steps in a second file.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Table, create_engine, event, insert, text
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rules_engine.life.store.log import Entry, sha256
from rules_engine.life.store.refusals import StoreError, refusal

PATIENCE: Final = 5_000
"""Milliseconds that a step waits for another one that is being written."""
METADATA: Final = MetaData()
LOG: Final = Table(
    "rules_engine_log",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("statement", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("hash", String(71), nullable=False),
)
DOCUMENTS: Final = Table(
    "rules_engine_documents",
    METADATA,
    Column("sha256", String(71), primary_key=True),
    Column("text", LargeBinary, nullable=False),
)
# What is read comes as the driver has it: a converter of types would already believe what somebody put there.
_ENTRIES: Final = text("SELECT sequence, statement, signature, hash FROM rules_engine_log ORDER BY sequence")
_TEXT: Final = text("SELECT text FROM rules_engine_documents WHERE sha256 = :sha256")
_NAMES: Final = text("SELECT sha256 FROM rules_engine_documents")
_LAST: Final = text("SELECT statement, signature, hash FROM rules_engine_log WHERE sequence = :sequence")
_DURABLE: Final = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
)
_DRIVERS: Final = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_BUSY: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03")
"""That another one writes: result codes of SQLite, and PostgreSQL's lock_not_available."""
_NO_TABLE: Final = "42P01"
"""PostgreSQL's undefined_table."""
_PASSWORD: Final = re.compile(r"//([^:/@]*):[^@]*@")

Row = tuple[object, ...]


class Tables:
    """A database with a log and texts in it. What it gives is not verified yet."""

    def __init__(self, url: str) -> None:
        self.name = _PASSWORD.sub(r"//\1:***@", url)
        try:
            self._url = _url_of(url)
            self._engine = _engine_of(self._url)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            hint = "a path, or postgresql://...; PostgreSQL needs pip install 'rules-engine[postgres]'"
            raise refusal("STORE_UNUSABLE", str(error), hint, document=self.name) from error

    @property
    def exists(self) -> bool:
        """Whether there is a database at all; a server is asked when it is first needed."""
        return self._file is None or self._file.is_file()

    @property
    def _file(self) -> Path | None:
        return Path(str(self._url.database)) if self._url.drivername == "sqlite" else None

    def create(self) -> None:
        """Makes the tables where they are missing, and the file of SQLite."""
        with self._connection() as connection:
            METADATA.create_all(connection)

    def entries(self) -> list[Row]:
        """The rows of the log by sequence, as they are."""
        with self._connection() as connection:
            return [tuple(row) for row in connection.execute(_ENTRIES)]

    def text(self, digest: str) -> object:
        """The text that stands under a SHA-256; None where none does."""
        with self._connection() as connection:
            return connection.execute(_TEXT, {"sha256": digest}).scalar()

    def names(self) -> list[object]:
        """Under which names texts stand."""
        with self._connection() as connection:
            return list(connection.execute(_NAMES).scalars())

    def append(self, entry: Entry, texts: Mapping[str, bytes]) -> None:
        """Adds one entry and the texts that it names, all or nothing, and looks whether it is there.

        The sequence is the key of the log: of two that write at once, one is refused (`STORE_CONFLICT`).
        """
        with self._connection() as connection:
            connection.execute(insert(LOG).values(msgspec.structs.asdict(entry)))
            for data in texts.values():
                row = {"sha256": sha256(data), "text": data}
                if connection.execute(_TEXT, row).first() is None:
                    connection.execute(insert(DOCUMENTS).values(**row))
        with self._connection() as connection:
            kept = connection.execute(_LAST, {"sequence": entry.sequence}).first()
        if kept is None or tuple(kept) != (entry.statement, entry.signature, entry.hash):
            hint = "a trigger or a rule of the database keeps it out"
            raise refusal("STORE_NOT_KEPT", f"entry {entry.sequence} was written and is not there", hint)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A transaction, whose faults have names."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError as error:
            hint = "look at the history, then take the step again"
            raise refusal("STORE_CONFLICT", "another step was taken meanwhile", hint, document=self.name) from error
        except DBAPIError as error:
            code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", "")
            raise self._unusable(" ".join(str(error.orig).split()), str(code)) from error
        except (SQLAlchemyError, OSError, ValueError, TypeError) as error:
            raise self._unusable(str(error)) from error

    def _unusable(self, said: str, code: str = "") -> StoreError:
        """A fault of the database by the code of its driver: SQLite's names, PostgreSQL's SQLSTATE."""
        if code in _BUSY:
            return refusal("STORE_CONFLICT", "another step is being taken", "take the step again", document=self.name)
        if code == _NO_TABLE or "no such table" in said:
            return refusal("STORE_MISSING", said, "rules-engine store init founds a store", document=self.name)
        return refusal("STORE_UNUSABLE", said, "look at the history before a step is taken again", document=self.name)


def _url_of(text: str) -> URL:
    """The address of a database; a text without `://` is a file."""
    if "://" not in text:
        return URL.create("sqlite", database=text)
    url = make_url(text)
    backend = url.get_backend_name()
    if backend not in _DRIVERS:
        raise ArgumentError(f"{backend} is no database for a store")
    return url.set(drivername=_DRIVERS[backend])


def _engine_of(url: URL) -> Engine:
    if url.drivername == "sqlite":
        engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": PATIENCE // 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    else:
        engine = create_engine(url, pool_pre_ping=True)
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """Durable before it says so, and transactions begin where we say (the driver has ideas of its own)."""
    connection.isolation_level = None
    for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}").close()


def _prepare_postgresql(connection: Any, _: Any) -> None:
    """A server that acknowledges before it has written is asked not to, for our steps; none waits for ever."""
    with connection.cursor() as cursor:
        cursor.execute(_DURABLE)
        cursor.execute(f"SET lock_timeout = {PATIENCE}")
    connection.commit()
