"""Databases by their address, SQLite or PostgreSQL, that have written what they say they have.

SQLite keeps a rollback journal that is truncated (`journal_mode=TRUNCATE`) under `synchronous=FULL`: what was
acknowledged is on the disk, and the database is one file, of which a copy is whole. (A write-ahead log would keep what
came last in a second file.)
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from rules_engine.life.store.addresses import MISTYPED

PATIENCE: Final = 5_000
"""Milliseconds that one who writes waits for another one."""
_DURABLE: Final = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
)
_DRIVERS: Final = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+]*")
_HOST: Final = re.compile(r"[\w.,:%-]*")
_SECRET: Final = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)
_PLAIN: Final = re.compile(r"[\w.-]+")


def without_password(address: str) -> str:
    """An address as it may be shown: one that cannot be read for certain shows nothing but its scheme.

    Where a password stands among what follows the `?`, no more of that is shown than `log`, the name of a decision log.
    """
    if mistyped := MISTYPED.match(address):
        return f"{mistyped[1]}:***"
    if "://" not in address:
        return address
    try:
        url = _parsed(address)
    except ArgumentError:
        scheme = address.partition("://")[0]
        return f"{scheme if _SCHEME.fullmatch(scheme) else '***'}://***"
    if any(_SECRET.search(f"{name}={value}") for name, value in url.query.items()):
        log = url.query.get("log")
        named = f"log={log}&" if isinstance(log, str) and _PLAIN.fullmatch(log) else ""
        return f"{url.set(query={}).render_as_string(hide_password=True)}?{named}password=***"
    return address if url.password is None else url.render_as_string(hide_password=True)


def _parsed(address: str) -> URL:
    """An address that can be read in one way only. Raises `ArgumentError`, which says nothing of what stands in it.

    An `@` within a password would make its end a part of the host, which messages name.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise ArgumentError("the address cannot be read: its form or its port is wrong") from None
    whole = address if url.password is not None else address.partition("?")[0]
    signs = whole.partition("://")[2].partition(":")[2].count("@")
    file = url.get_backend_name() == "sqlite" and url.host is None
    if not _HOST.fullmatch(url.host or "") or (not file and signs > (url.password is not None)):
        raise ArgumentError("the address can be read in several ways: write %40 for an @ within it, %26 for an &")
    return url


def url_of(address: str) -> URL:
    """The address of a database; a text without `://` is a file. Raises `ArgumentError`."""
    if MISTYPED.match(address):
        raise ArgumentError("the address of a server begins postgresql://, with two slashes")
    if "://" not in address:
        return URL.create("sqlite", database=address)
    url = _parsed(address)
    backend = url.get_backend_name()
    if backend not in _DRIVERS:
        raise ArgumentError(f"{backend} is neither SQLite nor PostgreSQL")
    return url.set(drivername=_DRIVERS[backend])


def file_of(url: URL) -> Path | None:
    """The file of a database of SQLite; None for a server."""
    return Path(str(url.database)) if url.drivername == "sqlite" else None


def engine_of(url: URL) -> Engine:
    """What connects to a database. Raises `ModuleNotFoundError` where its driver is missing."""
    if url.drivername == "sqlite":
        engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": PATIENCE // 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    else:
        engine = create_engine(url, pool_pre_ping=True)
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


def fault_of(error: DBAPIError) -> tuple[str, str]:
    """What the driver says of a fault, on one line, and its code: SQLite's name for it, PostgreSQL's SQLSTATE."""
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", "")
    return " ".join(str(error.orig).split()), str(code)


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
