"""The clock of the log: dated ahead by somebody, set back by an administrator, who so changes nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rules_engine.life.store.changes import activate, approve, rollback, submit
from rules_engine.life.store.ledger import Ledger
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.replay import known_at
from rules_engine.life.store.statements import Activate, Approve
from rules_engine.life.store.store import Signer, Store
from tests.life.people import (
    NAME,
    REGISTRY,
    activation_fields,
    at,
    by,
    forged,
    founded,
    key,
    put_in_force,
    texts,
)
from tests.life.test_store import in_force, refused
from tests.life.test_store_false import found

STEPS, HOURS = 30, 90
APPROVERS = ("ben", "cleo", "dora", "eric", "fay", "gus", "hal", "ivy")

FAR = [timedelta(days=30), datetime.max.replace(tzinfo=UTC) - at(1)]


@pytest.mark.parametrize("ahead", FAR)
def test_clock__that_an_approver_has_far_ahead_is_set_back(url: str, tmp_path: Path, ahead: timedelta) -> None:
    """An administrator does it, what was approved stays, and steps are taken again."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0"))
    second = texts(tmp_path, "1.1.0", "0.02")
    submit(store, second, REGISTRY, by("sam", 1))
    fields = activation_fields(store, second.pin, report=None)
    wrong = ahead_of(by("mira", 1), ahead)
    store.append(store.ledger(), wrong, Approve, fields)
    stuck: list[Callable[[], Any]] = [
        lambda: rollback(store, f"{NAME}@1.0.0", REGISTRY, by("otto", 2)),
        lambda: store.revoke(key("mira").public.id, by("ada", 2)),
    ]
    for step in stuck:
        refused("STORE_CLOCK", step)
    refused("STORE_ROLE", lambda: store.set_clock(by("otto", 2)))
    store.set_clock(by("ada", 2))
    refused("STORE_CLOCK", lambda: store.set_clock(by("ada", 2)))
    forged(store, "otto", 3, Activate, activation_fields(store, second.pin, effective=at(4)))
    assert in_force(store, 4) == "1.1.0"
    assert found(store) == []
    whole = store.ledger()
    known = [len(known_at(whole, at(hours)).steps) - len(whole.steps) for hours in (1, 2, 3)]
    assert known == [-3, -1, 0]  # what was dated ahead was taken by the time at which the clock was set back


def ahead_of(signer: Signer, ahead: timedelta) -> Signer:
    """The same person with a clock that is ahead."""
    return Signer(key=signer.key, now=signer.now + ahead)


def test_clock__that_an_activator_has_ahead_is_set_back_and_changes_nothing_else(url: str, tmp_path: Path) -> None:
    """What was undone by a clock ahead is undone at once by another step; until then nothing comes in its place."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    put_in_force(store, texts(tmp_path, "1.1.0", "0.02"), 1)
    rollback(store, f"{NAME}@1.1.0", REGISTRY, by("otto", 800))
    store.set_clock(by("ada", 4))
    assert [in_force(store, hours) for hours in (3, 4, 799, 800)] == 3 * ["1.1.0"] + ["1.0.0"]
    refused("STORE_SCHEDULED", lambda: put_in_force(store, texts(tmp_path, "1.2.0", "0.03"), 5))
    rollback(store, f"{NAME}@1.1.0", REGISTRY, by("otto", 6))
    assert [in_force(store, hours) for hours in (3, 5, 6, 900)] == 2 * ["1.1.0"] + 2 * ["1.0.0"]
    activate(store, f"{NAME}@1.2.0", REGISTRY, by("otto", 7))
    assert [in_force(store, hours) for hours in (6, 7, 900)] == ["1.0.0", "1.2.0", "1.2.0"]
    assert found(store) == []


def test_clock__set_back_behind_what_came_and_went_by_it_leaves_that_to_be_rolled_back(
    url: str, tmp_path: Path
) -> None:
    """It would come, for as long as the wrong clock said; nothing is put in force before it."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    put_in_force(store, texts(tmp_path, "1.1.0", "0.02"), 899)
    rollback(store, f"{NAME}@1.1.0", REGISTRY, by("otto", 901))
    store.set_clock(by("ada", 2))
    assert [in_force(store, hours) for hours in (2, 900, 901)] == ["1.0.0", "1.1.0", "1.0.0"]
    refused("STORE_SCHEDULED", lambda: put_in_force(store, texts(tmp_path, "1.2.0", "0.03"), 3))
    rollback(store, f"{NAME}@1.1.0", REGISTRY, by("otto", 4))
    assert [in_force(store, hours) for hours in (4, 900, 901)] == 3 * ["1.0.0"]
    activate(store, f"{NAME}@1.2.0", REGISTRY, by("otto", 5))
    assert [in_force(store, hours) for hours in (4, 5, 901)] == ["1.0.0", "1.2.0", "1.2.0"]
    assert found(store) == []


@pytest.mark.parametrize("revoked_first", [True, False])
def test_clock__set_back_takes_nothing_away_that_has_begun(url: str, tmp_path: Path, revoked_first: bool) -> None:
    """An administrator alone cannot undo a version by setting the clock back and revoking who stands behind it."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0"))
    put_in_force(store, texts(tmp_path, "1.1.0", "0.02"), 2)
    put_in_force(store, texts(tmp_path, "1.2.0", "0.03"), 3, effective=at(9))
    if revoked_first:
        store.revoke(key("mira").public.id, by("ada", 4))
        store.set_clock(by("ada", 1))
    else:
        store.set_clock(by("ada", 1))
        store.revoke(key("mira").public.id, at_minute("ada", 61))
    assert [in_force(store, hours) for hours in (1, 3, 5, 9)] == ["1.0.0", "1.1.0", "1.1.0", "1.1.0"]
    assert found(store) == []


def at_minute(name: str, minutes: int) -> Signer:
    """Somebody some minutes after the beginning."""
    return ahead_of(by(name, 0), timedelta(minutes=minutes))


def answers(ledger: Ledger) -> list[str | None]:
    """What is in force half an hour after each hour."""
    line = ledger.line(NAME)
    turns = [line.at(at(hours) + timedelta(minutes=30)) for hours in range(HOURS)]
    return [turn.submission.pin if turn else None for turn in turns]


@contextmanager
def unless_refused() -> Iterator[None]:
    """A step that the house may refuse: another one is taken then."""
    try:
        yield
    except StoreError as error:
        assert error.code in (
            "STORE_CLOCK",
            "STORE_SCHEDULED",
            "STORE_NOT_IN_FORCE",
            "STORE_NOTHING_BEFORE",
            "STORE_KEY_UNKNOWN",
        )


def stepped(store: Store, folder: Path, random: Random, hours: int) -> None:
    """Some step of somebody, by a clock that is right, slow or ahead."""
    wrong, kind = hours + random.choice([0, 0, 0, -2, 10, 25]), random.randrange(10)
    ledger = store.ledger()
    trusted = [name for name in APPROVERS if ledger.trusted(key(name).public.id)]
    if kind < 4:
        later = at(wrong + random.randrange(1, 30)) if random.random() < 0.5 else None
        version = texts(folder, f"1.{hours}.0", f"0.0{10 + hours}")
        submit(store, version, REGISTRY, by("sam", wrong))
        approve(store, version.pin, REGISTRY, by(random.choice(trusted), wrong))
        activate(store, version.pin, REGISTRY, by("otto", wrong), at=later)
    elif kind < 5:
        rollback(store, random.choice(ledger.line(NAME).turns).submission.pin, REGISTRY, by("otto", wrong))
    elif kind < 8:
        store.set_clock(by("ada", hours - random.randrange(3)))
    elif len(trusted) > 1:
        behind = ledger.line(NAME).turns[-1].submission.approvals[0].signer  # most often somebody whom it matters
        store.revoke(random.choice([behind, key(trusted[0]).public.id]), by("ada", wrong))


@pytest.mark.parametrize("seed", range(12))
def test_clock__an_administrator_changes_nothing_that_has_begun(tmp_path: Path, seed: int) -> None:
    """Whatever is set and revoked; instants rise, one version answers at each, and the audit finds nothing."""
    random, store = Random(seed), founded(str(tmp_path / "store.db"))
    put_in_force(store, texts(tmp_path, "1.0.0"))
    for name in APPROVERS:
        store.grant(key(name).public, name, ["approver"], by("ada", 0))
    for count in range(1, STEPS):
        before = store.ledger()
        with unless_refused():
            stepped(store, tmp_path, random, count)
        after = store.ledger()
        was, now = answers(before), answers(after)
        for step in after.steps[len(before.steps) :]:
            if step.statement.signer == key("ada").public.id:
                assert now[: seen(before)] == was[: seen(before)]
        turns = after.line(NAME).turns
        assert [turn.effective for turn in turns] == sorted({turn.effective for turn in turns})
        assert all(one.undone is None or one.undone < two.effective for one, two in pairwise(turns))
    assert found(store) == []


def seen(ledger: Ledger) -> int:
    """The hours that the log has seen, by the latest time in it."""
    return next((hours for hours in range(HOURS) if at(hours) + timedelta(minutes=30) > ledger.latest), HOURS)
