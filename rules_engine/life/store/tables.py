"""The two tables of a store, on SQLite or PostgreSQL: the log, and the texts of policies by their SHA-256.

There is nothing else: no table of versions, keys or approvals that somebody could edit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Table, bindparam, insert, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from rules_engine.life.store.databases import engine_of, fault_of, file_of, url_of, without_password
from rules_engine.life.store.log import Entry, sha256
from rules_engine.life.store.refusals import StoreError, refusal

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
_TEXTS: Final = text("SELECT sha256, text FROM rules_engine_documents WHERE sha256 IN :names").bindparams(
    bindparam("names", expanding=True)
)
_NAMES: Final = text("SELECT sha256 FROM rules_engine_documents")
_LAST: Final = text("SELECT statement, signature, hash FROM rules_engine_log WHERE sequence = :sequence")
_BUSY: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03")
"""That another one writes: result codes of SQLite, and PostgreSQL's lock_not_available."""
_NO_TABLE: Final = "42P01"
"""PostgreSQL's undefined_table."""
_LOOK: Final = "look at the history before a step is taken again"
_RIGHTS: Final = "see who may read and write it, and make files in its directory"
_ROOM: Final = f"make room on the disk, then {_LOOK}"
_HINTS: Final = {
    "SQLITE_NOTADB": "wanted a database of SQLite, as `rules-engine store init` makes it",
    "SQLITE_CANTOPEN": _RIGHTS,
    "SQLITE_PERM": _RIGHTS,
    "SQLITE_READONLY": _RIGHTS,
    "SQLITE_FULL": _ROOM,
    "53100": _ROOM,
    "42501": "grant the role the right to read and write the tables",
}
"""What to do, by SQLite's primary result codes and PostgreSQL's disk_full and insufficient_privilege."""

Row = tuple[object, ...]


class Tables:
    """A database with a log and texts in it. What it gives is not verified yet."""

    def __init__(self, url: str) -> None:
        self.name = without_password(url)
        try:
            self._url = url_of(url)
            self._engine = engine_of(self._url)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            hint = "a path, or postgresql://...; PostgreSQL needs pip install 'rules-engine[postgres]'"
            raise refusal("STORE_UNUSABLE", str(error), hint, document=self.name) from error

    @property
    def exists(self) -> bool:
        """Whether there is a database at all; a server is asked when it is first needed."""
        file = file_of(self._url)
        return file is None or file.exists()

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

    def texts(self, names: Collection[str]) -> dict[object, object]:
        """The texts that stand under these SHA-256s."""
        with self._connection() as connection:
            return {row[0]: row[1] for row in connection.execute(_TEXTS, {"names": list(names)})}

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
            raise self._unusable(*fault_of(error)) from error
        except (SQLAlchemyError, OSError, ValueError, TypeError) as error:
            raise self._unusable(str(error)) from error

    def _unusable(self, said: str, code: str = "") -> StoreError:
        """A fault of the database by the code of its driver: SQLite's names, PostgreSQL's SQLSTATE."""
        if code in _BUSY:
            return refusal("STORE_CONFLICT", "another step is being taken", "take the step again", document=self.name)
        if code == _NO_TABLE or "no such table" in said:
            return refusal("STORE_MISSING", said, "rules-engine store init founds a store", document=self.name)
        return refusal("STORE_UNUSABLE", said, self._hint(code), document=self.name)

    def _hint(self, code: str) -> str:
        """What to do about a database that cannot be used; where something may have been written, look first."""
        kind, file = "_".join(code.split("_")[:2]), file_of(self._url)  # the first two words are SQLite's primary code
        if kind == "SQLITE_CANTOPEN" and file is not None:
            if file.is_dir():
                return f"{file} is a directory: name a file in it"
            if not file.parent.is_dir():
                return f"there is no directory {file.parent}: make it, or correct the path"
        return _HINTS.get(kind, _LOOK)
