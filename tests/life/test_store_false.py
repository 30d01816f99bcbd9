"""What people sign with programs of their own, past what ours let them: nobody is answered by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules_engine.errors import DocumentError
from rules_engine.life.store.audit import audited
from rules_engine.life.store.changes import approve, rollback, submit
from rules_engine.life.store.following import FollowingEngine
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.statements import Activate, Approve, Submit
from rules_engine.life.store.store import Store
from tests.life.followers import Clock, following
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

STEPS = [{"above": "0.2", "ask": 2}, {"above": "1", "ask": "forbid"}]


def follower(store: Store, hours: int = 1) -> FollowingEngine:
    """An engine that follows a store in any database, from so many hours after the beginning on."""
    own = Store(store.tables._url.render_as_string(hide_password=False), trust=store.trust)
    return FollowingEngine(own, NAME, REGISTRY, clock=Clock(hours))


def found(store: Store) -> list[str]:
    """The codes of what an audit finds."""
    return [problem.code for problem in audited(store, REGISTRY).problems]


def colluded(store: Store, folder: Path, rate: str, approved: bool = True) -> str:
    """A submitter, one approver and an activator say of half as much again, or of four times, that it is little."""
    second = texts(folder, "1.1.0", rate)
    forged(store, "sam", 1, Submit, submission_fields(store, second), second)
    if approved:
        forged(store, "mira", 1, Approve, activation_fields(store, second.pin, report=None))
        forged(store, "otto", 1, Activate, activation_fields(store, second.pin, effective=at(2)))
    return second.pin


@pytest.mark.parametrize("rate", ["0.015", "0.04"])
def test_figures__that_are_false_are_refused_by_whoever_loads(url: str, tmp_path: Path, rate: str) -> None:
    """Guards ask for two, or forbid it: the last good version stays, and all is well once it is undone."""
    store = founded(url, guards(rate_change=STEPS))
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    told: list[Exception] = []
    engine = follower(store)
    engine.tell = told.append
    pin = colluded(store, tmp_path, rate)
    refused("STORE_FIGURES", lambda: in_force(store, 2))
    refused("STORE_FIGURES", lambda: follower(store))
    assert not engine.refresh()
    assert [error.problems[0].code for error in told if isinstance(error, DocumentError)] == ["STORE_FIGURES"]
    assert engine.engine(at(3)).policy.version == "1.0.0"
    assert found(store) == ["STORE_FIGURES"]
    rollback(store, pin, REGISTRY, by("otto", 4))
    assert in_force(store, 5) == "1.0.0"
    assert not engine.refresh()  # nobody was answered by it, and as of then nobody is
    assert [engine.engine(at(hours)).policy.version for hours in (1, 3, 5)] == 3 * ["1.0.0"]
    assert found(store) == ["STORE_FIGURES"]
    refused("STORE_FIGURES", lambda: in_force(store, 3))


def test_figures__by_which_guards_ask_for_no_more_do_no_harm(url: str, tmp_path: Path) -> None:
    """A tenth more was signed as nothing: one has approved, and one is enough for a tenth."""
    store = founded(url, guards(rate_change=STEPS))
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    colluded(store, tmp_path, "0.011")
    assert in_force(store, 3) == follower(store).engine(at(3)).policy.version == "1.1.0"
    assert found(store) == []


def test_figures__that_are_false_are_found_while_the_version_waits(url: str, tmp_path: Path) -> None:
    """By who would approve it, by who would ask it, and by the audit; what is in force is loaded."""
    store = founded(url, guards(rate_change=STEPS))
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    pin = colluded(store, tmp_path, "0.015", approved=False)
    refused("STORE_FIGURES", lambda: approve(store, pin, REGISTRY, by("mira", 1)))
    refused("STORE_FIGURES", lambda: follower(store).candidate(pin))
    assert found(store) == ["STORE_FIGURES"]
    assert in_force(store, 2) == "1.0.0"


def test_figures__below_the_version_in_force_count_too(url: str, tmp_path: Path) -> None:
    """A true change after a false one does not make it good."""
    store = founded(url, guards(rate_change=STEPS))
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    colluded(store, tmp_path, "0.015")
    put_in_force(store, texts(tmp_path, "1.2.0", "0.0151"), 3)
    refused("STORE_FIGURES", lambda: in_force(store, 4))
    for hours, version in ((5, "1.2.0"), (6, "1.1.0")):
        rollback(store, f"{NAME}@{version}", REGISTRY, by("otto", hours))
    refused("STORE_FIGURES", lambda: follower(store, 5))
    engine = follower(store, 7)
    assert [engine.engine(at(hours)).policy.version for hours in (1, 3, 4, 7)] == 4 * ["1.0.0"]
    refused("STORE_FIGURES", lambda: in_force(store, 4))
    assert in_force(store, 7) == "1.0.0"


@pytest.mark.parametrize(
    ("span", "hours"),
    [("effective_from: 2026-12-01T18:00:00Z\n", 3), ("effective_until: 2026-12-01T10:00:00Z\n", 3)],
)
def test_activation__outside_of_the_time_of_its_text_is_refused_by_whoever_loads(
    url: str, tmp_path: Path, span: str, hours: int
) -> None:
    """An activator alone cannot move a version to another instant than two people approved."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    engine, second = follower(store), texts(tmp_path, "1.1.0", "0.011", extra=span)
    engine.tell = lambda problem: None
    submit(store, second, REGISTRY, by("sam", 1))
    approve(store, second.pin, REGISTRY, by("mira", 1))
    forged(store, "otto", 2, Activate, activation_fields(store, second.pin, effective=at(hours)))
    refused("STORE_SPAN", lambda: in_force(store, hours))
    refused("STORE_SPAN", lambda: follower(store))
    assert not engine.refresh()
    assert engine.engine(at(hours)).policy.version == "1.0.0"
    assert found(store) == ["STORE_SPAN"]
    rollback(store, second.pin, REGISTRY, by("otto", 4))
    assert in_force(store, 5) == "1.0.0"
    assert not engine.refresh()


def test_following__tells_of_texts_that_are_altered(tmp_path: Path) -> None:
    """With the same log, which names the texts and does not hold them; the last good version stays."""
    store = founded(str(tmp_path / "store.db"))
    put_in_force(store, texts(tmp_path, "1.0.0"))
    told: list[Exception] = []
    engine = following(store, tell=told.append)
    rows = Hands(store)
    changed = [{**row, "text": row["text"].replace(b"0.01", b"0.02")} for row in rows.documents]
    for documents, code in ((changed, "DOCUMENT_ALTERED"), ([], "DOCUMENT_MISSING")):
        with rows.put(documents=documents):
            assert not engine.refresh()
            assert isinstance(told[-1], StoreError)
            assert told[-1].code == code
            assert engine.engine(at(1)).policy.version == "1.0.0"
    assert not engine.refresh()
    assert len(told) == 2


@pytest.mark.parametrize("note", ["RISK-1\nRISK-2", "a\tb", "a\rb", "x" * 1001, "mi\u202era"])
def test_note__is_one_line_that_people_can_read(tmp_path: Path, note: str) -> None:
    """And what is wrong with it is said."""
    store = founded(str(tmp_path / "store.db"))
    refused("STORE_NOTE", lambda: store.revoke(key("mira").public.id, by("ada", 1, note)))
    with pytest.raises(StoreError, match=r"line break|characters, and|nobody can see, U"):
        store.revoke(key("mira").public.id, by("ada", 1, note))
