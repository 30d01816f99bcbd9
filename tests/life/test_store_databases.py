"""The databases under a store: several who write at once, what is on the disk, what is no database for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rules_engine.life.store.changes import approve, submit
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.store import Store
from tests.life.people import REGISTRY, by, founded, key, texts
from tests.life.test_store import refused


def test_two_writers__one_wins_and_the_other_is_told(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read the same log; the second statement is for a place that is taken."""
    store, version = founded(url), texts(tmp_path, "1.0.0")
    submit(store, version, REGISTRY, by("sam"))
    before = store.ledger()
    approve(store, version.pin, REGISTRY, by("mira"))
    monkeypatch.setattr(store, "ledger", lambda: before)
    refused("STORE_CONFLICT", lambda: approve(store, version.pin, REGISTRY, by("noor")))
    assert len(Store(url).ledger().steps) == len(before.steps)  # `follow` has added the one that was refused


def test_many_writers__what_was_acknowledged_is_in_the_log_once(url: str) -> None:
    """Six people at once, five steps each: a step is taken, or refused because of another one."""
    store = founded(url)

    def write(number: int) -> list[str]:
        own, taken = Store(url, trust=store.trust), list[str]()
        while len(taken) < 5:
            name = f"{number}-{len(taken)}"
            try:
                taken.append(own.grant(key(name).public, name, ["approver"], by("ada", 1)).hash)
            except StoreError as error:
                assert error.code == "STORE_CONFLICT", str(error)
        own.close()
        return taken

    with ThreadPoolExecutor(6) as pool:
        acknowledged = [taken for each in pool.map(write, range(6)) for taken in each]
    hashes = [step.entry.hash for step in store.ledger().steps]
    assert sorted(hashes[-30:]) == sorted(acknowledged)


def test_sqlite__writes_before_it_acknowledges(tmp_path: Path) -> None:
    """FULL is 2; and the journal is truncated, so that the store is one file."""
    store = founded(str(tmp_path / "store.db"))
    with store.tables._connection() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "truncate"


def test_store__is_named_by_a_path_too(tmp_path: Path) -> None:
    """As files are everywhere in Python."""
    store = founded(str(tmp_path / "store.db"))
    assert Store(tmp_path / "store.db", trust=store.trust).ledger().head == store.ledger().head


def test_database__that_cannot_be_used_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """No step was begun, so nobody is sent to the history: it is no database, a directory, or in none."""
    (tmp_path / "text.db").write_text("approvals: 2\n" * 100)
    for name, hint in (
        ("text.db", r"file is not a database \(wanted a database of SQLite"),
        ("", "is a directory: name a file in it"),
        ("none/risk.db", "there is no directory .*none: make it"),
    ):
        store = Store(tmp_path / name)
        with pytest.raises(StoreError, match=f"STORE_UNUSABLE .*{hint}"):
            store.found("ada", by("ada"))
    with pytest.raises(StoreError, match=r"STORE_UNUSABLE .*is a directory"):
        Store(tmp_path).ledger()


@pytest.mark.parametrize("url", ["mysql://a:secret@b/c", "postgresql://nobody:secret@127.0.0.1:1/c", "https://a.b/c"])
def test_database__that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    """A database of another kind, and a server that is not there."""
    with pytest.raises(StoreError, match="STORE_UNUSABLE") as caught:
        Store(url).ledger()
    assert "secret" not in str(caught.value)
