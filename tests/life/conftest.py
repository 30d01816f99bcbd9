"""Databases for stores: a file of SQLite, and a schema of a PostgreSQL server."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.life.servers import postgresql

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server."""
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes databases of one kind and then of the other, each time an empty one, and gives their URLs."""

    def sqlite() -> str:
        return str(tmp_path / f"store-{next(_NUMBERS)}.db")

    def database() -> str:
        server: str = request.getfixturevalue("server")
        name = f"store_{next(_NUMBERS)}"
        with psycopg.connect(server) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{server}&options=-csearch_path%3D{name}"

    return sqlite if request.param == "sqlite" else database


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    """One empty database."""
    return new_database()


@pytest.fixture
def address(url: str) -> str:
    """The address of a decision log in an empty database, which a path alone is not."""
    return url if "://" in url else f"sqlite:///{url}"
