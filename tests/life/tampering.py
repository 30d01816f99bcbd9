"""Hands on the database of a store: its rows read and written past all rules, and what the store says of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine

from rules_engine.errors import DocumentError
from rules_engine.life.store.audit import audited
from rules_engine.life.store.changes import activate, approve, rollback, submit
from rules_engine.life.store.keys import PrivateKey
from rules_engine.life.store.log import NOTHING, hash_of
from rules_engine.life.store.statements import AnyStatement, decoded, encoded
from rules_engine.life.store.store import Store
from tests.life.people import NAME, REGISTRY, at, by, founded, guards, key, put_in_force, texts

LOG = ("sequence", "statement", "signature", "hash")
DOCUMENTS = ("sha256", "text")
Row = dict[str, Any]


def hasty(store: Store) -> Engine:
    """The database of a store for those who do not care whether it is on the disk."""
    engine = create_engine(store.tables._url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return engine


class Hands:
    """Somebody who can read and write both tables, and has no keys."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.trust = store.trust
        self._engine = hasty(store)
        self.log = self._read("rules_engine_log", LOG, "sequence")
        self.documents = self._read("rules_engine_documents", DOCUMENTS, "sha256")
        self.before = store.load(NAME, REGISTRY, now=at(48)).digest

    def _read(self, table: str, columns: tuple[str, ...], order: str) -> list[Row]:
        with self._engine.begin() as connection:
            rows = connection.execute(text(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"))
            return [dict(row._mapping) for row in rows]

    def _write(self, table: str, rows: list[Row], columns: tuple[str, ...]) -> None:
        with self._engine.begin() as connection:
            connection.execute(text(f"DELETE FROM {table}"))
            if rows:
                values = ", ".join(f":{name}" for name in columns)
                connection.execute(text(f"INSERT INTO {table} VALUES ({values})"), rows)

    @contextmanager
    def put(self, log: list[Row] | None = None, documents: list[Row] | None = None) -> Iterator[None]:
        """The tables as somebody wants them, and afterwards as they were."""
        try:
            if log is not None:
                self._write("rules_engine_log", log, LOG)
            if documents is not None:
                self._write("rules_engine_documents", documents, DOCUMENTS)
            yield
        finally:
            if log is not None:
                self._write("rules_engine_log", self.log, LOG)
            if documents is not None:
                self._write("rules_engine_documents", self.documents, DOCUMENTS)

    def loaded(self) -> str:
        """The code with which loading is refused, or the digest that was loaded."""
        try:
            return self.store.load(NAME, REGISTRY, now=at(48)).digest
        except DocumentError as error:
            return error.problems[0].code

    def found(self, head: str | None = None) -> set[str]:
        """The codes of what an audit finds by somebody who has not looked before, but for a head that he noted."""
        store = Store(self.store.tables._url.render_as_string(), trust=self.trust, head=head)
        return {problem.code for problem in audited(store, REGISTRY).problems}

    def codes(self, log: list[Row]) -> set[str]:
        """What is said of another log: loading and the audit must say the same."""
        with self.put(log=log):
            loaded = self.loaded()
            assert self.found() == {loaded}
            return {loaded}


def walked(url: str, folder: Path) -> Hands:
    """A store in which every kind of step was taken, and hands on it."""
    store = founded(url, guards(rate_change=[{"above": "0.5", "ask": 2}]))
    put_in_force(store, texts(folder, "1.0.0", "0.01"))
    store.set_guards(NAME, guards(rate_change=[{"above": "0.4", "ask": 2}], looser=2), by("ada", 1))
    second = texts(folder, "1.1.0", "0.015")
    submit(store, second, REGISTRY, by("sam", 2), effective=at(5))
    approve(store, second.pin, REGISTRY, by("mira", 2))
    approve(store, second.pin, REGISTRY, by("noor", 3))
    activate(store, second.pin, REGISTRY, by("otto", 4))
    put_in_force(store, texts(folder, "1.2.0", "0.016"), 6)
    rollback(store, f"{NAME}@1.2.0", REGISTRY, by("otto", 7, "a mistake"))
    store.revoke(key("mira").public.id, by("ada", 8))
    return Hands(store)


def chained(rows: list[Row]) -> list[Row]:
    """The rows with their sequence and hashes computed anew, which needs no key."""
    previous, again = NOTHING, []
    for number, row in enumerate(rows, 1):
        previous = hash_of(previous, row["statement"], row["signature"])
        again.append({**row, "sequence": number, "hash": previous})
    return again


def changed(log: list[Row], index: int, **columns: Any) -> list[Row]:
    """The log with other columns in one row."""
    return [{**row, **columns} if number == index else row for number, row in enumerate(log)]


def other_value(value: Any) -> Any:
    """Something else of the same kind."""
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return value[:-1] or ["approver", "submitter"]
    if isinstance(value, dict):
        return {name: other_value(member) for name, member in value.items()} or {"x": 1}
    return _other_text(value)


def _other_text(value: str | None) -> str:
    if value is None or value == "":
        return "2026-12-01T09:00:00Z"
    swapped = {"0": "1", "1": "2", "2": "3"}
    last = value.rstrip("Z")[-1]
    return value[: len(value.rstrip("Z")) - 1] + swapped.get(last, "0") + value[len(value.rstrip("Z")) :]


def field_edits(row: Row) -> Iterator[tuple[str, bytes]]:
    """The statement of a row with each of its fields changed, and left out, in turn; and with one more."""
    document = json.loads(row["statement"])
    for path in _paths(document):
        yield f"{path} changed", _json(_edited(document, path, other_value))
        yield f"{path} left out", _json(_edited(document, path, None))
    yield "one more", _json({**document, "zzz": "1"})


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in members:
        yield (*path, step)
        yield from _paths(member, (*path, step))


def _edited(document: Any, path: tuple[Any, ...], edit: Callable[[Any], Any] | None) -> Any:
    whole = copy.deepcopy(document)
    place = whole
    for step in path[:-1]:
        place = place[step]
    if edit is None:
        del place[path[-1]]
    else:
        place[path[-1]] = edit(place[path[-1]])
    return whole


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signed(
    hands: Hands, signer: PrivateKey, index: int, alike: int, change: Callable[[Any], AnyStatement]
) -> list[Row]:
    """The log with one more entry at an index, like another one but for a change, placed and signed by a key."""
    rows = hands.log[:index]
    statement = change(decoded(hands.log[alike]["statement"]))
    previous = rows[-1]["hash"] if rows else NOTHING
    statement = msgspec.structs.replace(statement, sequence=index + 1, previous=previous, signer=signer.public.id)
    data = encoded(statement)
    return chained([*rows, {"statement": data, "signature": signer.sign(data)}, *hands.log[index:]])
