"""Versions that should never have been, undone: they keep nobody out, and what stood behind them is counted anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules_engine.errors import DocumentError, PolicyError
from rules_engine.life.store.audit import audited
from rules_engine.life.store.changes import rollback
from rules_engine.life.store.following import StoreWarning
from rules_engine.life.store.log import sha256
from rules_engine.life.store.statements import Activate, Approve, Rollback, Submit
from rules_engine.life.store.store import Store
from tests.life.followers import Clock
from tests.life.people import (
    NAME,
    REGISTRY,
    activation_fields,
    at,
    by,
    forged,
    founded,
    guards,
    key,
    put_in_force,
    submission_fields,
    texts,
)
from tests.life.tampering import Hands
from tests.life.test_store import in_force, refused
from tests.life.test_store_false import follower, found

SECOND = f"{NAME}@1.1.0"
NONSENSE = b"schema: nonsense\n"


def submitted_unreadable(store: Store, folder: Path, kind: str) -> None:
    """A second version whose text nobody has, is another than was signed, or is no policy."""
    version = texts(folder, "1.1.0", "0.011")
    fields, documents = submission_fields(store, version), dict(version.documents)
    if kind == "DOCUMENT_MISSING":
        fields["documents"], documents = dict.fromkeys(documents, sha256(b"nowhere")), {}
    elif kind == "DOCUMENT_DIGEST":
        fields["digest"] = sha256(b"another")
    else:
        documents[SECOND] = NONSENSE
        fields["documents"] = {pin: sha256(text) for pin, text in documents.items()}
    store.append(store.ledger(), by("sam", 1), Submit, fields, documents)


@pytest.mark.parametrize("kind", ["DOCUMENT_MISSING", "DOCUMENT_DIGEST", "SCHEMA_MISSING_KEY"])
def test_undone__what_cannot_be_read_keeps_nobody_out(url: str, tmp_path: Path, kind: str) -> None:
    """Three signers put it in force with programs of their own: only of its own time nothing is answered."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    submitted_unreadable(store, tmp_path, kind)
    forged(store, "mira", 1, Approve, activation_fields(store, SECOND, report=None))
    forged(store, "otto", 1, Activate, activation_fields(store, SECOND, effective=at(2)))
    with pytest.raises(DocumentError, match=kind):
        in_force(store, 3)
    rollback(store, SECOND, REGISTRY, by("otto", 4))
    put_in_force(store, texts(tmp_path, "1.2.0", "0.012"), 6)
    with pytest.raises(DocumentError, match=kind):
        follower(store, 3)
    engine = follower(store, 7)
    assert [engine.engine(at(hours)).policy.version for hours in (1, 5, 7)] == ["1.0.0", "1.0.0", "1.2.0"]
    with pytest.raises(PolicyError, match=kind):
        engine.engine(at(3))
    assert in_force(store, 7) == "1.2.0"
    assert store.ends(store.ledger()) == {}


def test_undone__ahead_of_time_what_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    """Until the undoing comes the last good version stays, and it is told; a text that is found again answers."""
    store = founded(str(tmp_path / "store.db"))
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    engine, told = follower(store, 1), list[Exception]()
    engine.tell = told.append
    clock = engine.clock
    assert isinstance(clock, Clock)
    put_in_force(store, texts(tmp_path, "1.1.0", "0.011"), 2)
    rollback(store, SECOND, REGISTRY, by("otto", 20))
    hands = Hands(store)
    lost = [row for row in hands.documents if b"version: 1.1.0" not in row["text"]]
    clock.now = at(5)
    with hands.put(documents=lost):
        assert not engine.refresh()
        assert "DOCUMENT_MISSING" in str(told[-1])
        assert engine.engine(at(5)).policy.version == "1.0.0"
        clock.now = at(21)
        later = follower(store, 21)
        with pytest.raises(PolicyError, match="DOCUMENT_MISSING"):
            later.engine(at(5))
    with pytest.warns(StoreWarning, match="STORE_BACKDATED"):
        assert later.refresh()
    assert [later.engine(at(hours)).policy.version for hours in (1, 5, 21)] == ["1.0.0", "1.1.0", "1.0.0"]


def test_undone__by_a_clock_ahead_though_the_version_beneath_has_ended(url: str, tmp_path: Path) -> None:
    """It is undone again at once: an activator alone cannot freeze a line."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01", extra="effective_until: 2026-12-02T08:00:00Z\n"))
    put_in_force(store, texts(tmp_path, "1.1.0", "0.011"), 1)
    fields = activation_fields(store, SECOND, effective=at(9000))
    forged(store, "otto", 9000, Rollback, {name: value for name, value in fields.items() if name != "submission"})
    store.set_clock(by("ada", 30))
    rollback(store, SECOND, REGISTRY, by("otto", 31))
    refused("VERSION_NONE", lambda: in_force(store, 32))
    put_in_force(store, texts(tmp_path, "1.2.0", "0.012"), 33)
    assert in_force(store, 34) == "1.2.0"


def test_revocation__counts_the_approvals_of_what_is_scheduled_anew(url: str, tmp_path: Path) -> None:
    """By its true figures it needs two; by those that were signed one would do."""
    store = founded(url, guards(looser=2))
    put_in_force(store, texts(tmp_path, "1.0.0", "0.02"))
    second = texts(tmp_path, "1.1.0", "0.017")
    forged(store, "sam", 1, Submit, submission_fields(store, second), second)
    for name in ("mira", "noor"):
        forged(store, name, 1, Approve, activation_fields(store, SECOND, report=None))
    forged(store, "otto", 1, Activate, activation_fields(store, SECOND, effective=at(9)))
    assert in_force(store, 10) == "1.1.0"
    store.revoke(key("noor").public.id, by("ada", 2))
    refused("STORE_FIGURES", lambda: in_force(store, 10))
    assert found(store) == ["STORE_FIGURES"]


def test_rollback__is_of_what_is_in_force_where_the_same_is_scheduled_again(url: str, tmp_path: Path) -> None:
    """Whoever undoes a version means that it stops."""
    store = founded(url)
    first, second = texts(tmp_path, "1.0.0", "0.01"), texts(tmp_path, "1.1.0", "0.011")
    put_in_force(store, first)
    put_in_force(store, second, 1)
    put_in_force(store, first, 2, effective=at(10))
    put_in_force(store, second, 3, effective=at(20))
    rollback(store, SECOND, REGISTRY, by("otto", 4))
    assert [in_force(store, hours) for hours in (2, 5, 30)] == ["1.1.0", "1.0.0", "1.0.0"]


def test_audit__is_clean_again_when_a_submission_without_a_text_is_overtaken(url: str, tmp_path: Path) -> None:
    """A submitter alone leaves it there: while it waits it is a problem, and afterwards a warning."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    submitted_unreadable(store, tmp_path, "DOCUMENT_MISSING")
    assert audited(store, REGISTRY).errors > 0
    put_in_force(store, texts(tmp_path, "1.2.0", "0.012"), 2)
    put_in_force(store, texts(tmp_path, "1.3.0", "0.013"), 3, effective=at(9))
    rollback(store, f"{NAME}@1.3.0", REGISTRY, by("otto", 4))
    audit = audited(store, REGISTRY)
    assert ({problem.code for problem in audit.problems}, audit.errors) == ({"DOCUMENT_MISSING"}, 0)
