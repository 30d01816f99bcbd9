"""The life of a version in the store, on SQLite and on PostgreSQL: who may do what, and what is in force when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rules_engine.life.store.changes import activate, approve, rollback, submit
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.store import Signer, Store
from tests.life.people import NAME, REGISTRY, at, by, founded, guards, key, put_in_force, texts


def refused(code: str, step: Callable[[], object]) -> None:
    """Whether a step is refused with this code, and leaves nothing behind."""
    with pytest.raises(StoreError) as caught:
        step()
    assert caught.value.code == code, str(caught.value)


def in_force(store: Store, hours: int) -> str:
    """The version in force so many hours after the beginning, loaded with all that vouches for it."""
    return store.load(NAME, REGISTRY, now=at(hours)).version


def test_walk__submitted_approved_scheduled_in_force_and_undone(url: str, tmp_path: Path) -> None:
    """The version changes at its instant and at no other, and the one before comes back when it is undone."""
    store = founded(url)
    first, second = texts(tmp_path, "1.0.0", "0.01"), texts(tmp_path, "1.1.0", "0.012")
    put_in_force(store, first)
    submit(store, second, REGISTRY, by("sam", 1))
    refused("STORE_APPROVALS", lambda: activate(store, second.pin, REGISTRY, by("otto", 1)))
    approve(store, second.pin, REGISTRY, by("mira", 1))
    activate(store, second.pin, REGISTRY, by("otto", 1), at=at(5))
    assert [in_force(store, hours) for hours in (1, 4, 5, 6)] == ["1.0.0", "1.0.0", "1.1.0", "1.1.0"]
    rollback(store, second.pin, REGISTRY, by("otto", 7))
    assert [in_force(store, hours) for hours in (4, 5, 6, 7, 100)] == ["1.0.0", "1.1.0", "1.1.0", "1.0.0", "1.0.0"]
    assert store.load(NAME, REGISTRY, now=at(7)).digest == first.policy.digest


def test_four_eyes__who_submits_cannot_approve(url: str, tmp_path: Path) -> None:
    """One key is one person, whatever roles it has."""
    store, version = founded(url), texts(tmp_path, "1.0.0")
    submit(store, version, REGISTRY, by("noor"))
    refused("STORE_FOUR_EYES", lambda: approve(store, version.pin, REGISTRY, by("noor")))
    approve(store, version.pin, REGISTRY, by("mira"))
    refused("STORE_APPROVED", lambda: approve(store, version.pin, REGISTRY, by("mira")))


def test_roles__each_step_needs_its_own(url: str, tmp_path: Path) -> None:
    """A key does what it was granted for, and a key that nobody granted does nothing."""
    store, version = founded(url), texts(tmp_path, "1.0.0")
    refused("STORE_ROLE", lambda: submit(store, version, REGISTRY, by("mira")))
    submit(store, version, REGISTRY, by("sam"))
    refused("STORE_ROLE", lambda: approve(store, version.pin, REGISTRY, by("otto")))
    approve(store, version.pin, REGISTRY, by("mira"))
    refused("STORE_ROLE", lambda: activate(store, version.pin, REGISTRY, by("mira")))
    refused("STORE_ROLE", lambda: store.revoke(key("otto").public.id, by("sam")))
    refused("STORE_ROLE", lambda: store.grant(key("eve").public, "eve", ["administrator"], by("mira")))
    refused("STORE_ROLE", lambda: store.set_guards(NAME, guards(), by("otto")))
    refused("AUDIT_SIGNER", lambda: activate(store, version.pin, REGISTRY, by("eve")))


def test_revocation__what_is_in_force_stays_and_nothing_after_is_accepted(url: str, tmp_path: Path) -> None:
    """The three keys behind the version in force are revoked: it stays, and they do nothing any more."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0"))
    for name in ("sam", "mira", "otto"):
        store.revoke(key(name).public.id, by("ada", 1))
    assert in_force(store, 2) == "1.0.0"
    refused("AUDIT_REVOKED", lambda: submit(store, texts(tmp_path, "1.1.0"), REGISTRY, by("sam", 2)))
    refused("STORE_KEY_REVOKED", lambda: store.grant(key("sam").public, "sam", ["submitter"], by("ada", 2)))


@pytest.mark.parametrize("name", ["sam", "mira", "otto"])
def test_revocation__what_is_scheduled_needs_its_people(url: str, tmp_path: Path, name: str) -> None:
    """A version that is not in force yet falls away with the key of anyone who was needed for it."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0"))
    put_in_force(store, texts(tmp_path, "1.1.0"), 1, effective=at(5))
    store.revoke(key(name).public.id, by("ada", 2))
    assert in_force(store, 9) == "1.0.0"
    assert [fallen.turn.submission.pin for fallen in store.ledger().line(NAME).fallen] == [f"{NAME}@1.1.0"]


def test_revocation__an_approval_that_was_not_needed_changes_nothing(url: str, tmp_path: Path) -> None:
    """Two approved where one is asked for."""
    store, version = founded(url), texts(tmp_path, "1.0.0")
    submit(store, version, REGISTRY, by("sam"))
    approve(store, version.pin, REGISTRY, by("mira"))
    approve(store, version.pin, REGISTRY, by("noor"))
    activate(store, version.pin, REGISTRY, by("otto"), at=at(5))
    store.revoke(key("mira").public.id, by("ada", 2))
    assert in_force(store, 5) == "1.0.0"


def test_revocation__of_a_key_that_has_nothing_to_do_with_it_changes_nothing(url: str, tmp_path: Path) -> None:
    """Nor do guards that were set after it was activated."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0"), effective=at(5))
    store.set_guards(NAME, guards(approvals=3), by("ada", 1))
    store.revoke(key("noor").public.id, by("ada", 2))
    assert in_force(store, 5) == "1.0.0"


def test_revocation__an_approval_of_a_version_that_waits_does_not_count(url: str, tmp_path: Path) -> None:
    """A stolen key has approved: once it is revoked, another person must."""
    store, version = founded(url), texts(tmp_path, "1.0.0")
    submit(store, version, REGISTRY, by("sam"))
    approve(store, version.pin, REGISTRY, by("mira"))
    store.revoke(key("mira").public.id, by("ada", 1))
    refused("STORE_APPROVALS", lambda: activate(store, version.pin, REGISTRY, by("otto", 2)))
    approve(store, version.pin, REGISTRY, by("noor", 2))
    activate(store, version.pin, REGISTRY, by("otto", 2))


def test_administrator__the_last_one_stays(url: str) -> None:
    """Nobody could ever grant a key again."""
    store = founded(url)
    refused("STORE_LAST_ADMINISTRATOR", lambda: store.revoke(key("ada").public.id, by("ada")))
    store.grant(key("abe").public, "abe", ["administrator"], by("ada"))
    store.revoke(key("ada").public.id, by("ada"))
    refused("AUDIT_REVOKED", lambda: store.revoke(key("abe").public.id, by("ada")))


def test_grant__one_name_a_key_one_key_a_name(url: str) -> None:
    """Nobody takes somebody else's name, and no key two names."""
    store = founded(url)
    refused("STORE_KEY_NAME", lambda: store.grant(key("eve").public, "mira", ["approver"], by("ada")))
    refused("STORE_KEY_NAME", lambda: store.grant(key("mira").public, "eve", ["approver"], by("ada")))
    store.revoke(key("mira").public.id, by("ada"))
    store.grant(key("eve").public, "mira", ["approver"], by("ada"))


def test_activation__a_submission_is_used_once(url: str, tmp_path: Path) -> None:
    """What was undone needs new approvals before it comes back."""
    store = founded(url)
    first, second = texts(tmp_path, "1.0.0"), texts(tmp_path, "1.1.0", "0.02")
    put_in_force(store, first)
    put_in_force(store, second, 1)
    refused("STORE_ACTIVATED", lambda: activate(store, second.pin, REGISTRY, by("otto", 2)))
    rollback(store, second.pin, REGISTRY, by("otto", 2))
    refused("STORE_ACTIVATED", lambda: activate(store, second.pin, REGISTRY, by("otto", 3)))
    put_in_force(store, second, 3)
    assert in_force(store, 4) == "1.1.0"


def test_activation__only_after_the_version_that_it_was_compared_with(url: str, tmp_path: Path) -> None:
    """Two versions are submitted side by side; when one is in force, the other was compared with something else."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0"))
    one, other = texts(tmp_path, "1.1.0", "0.02"), texts(tmp_path, "1.2.0", "0.03")
    submit(store, other, REGISTRY, by("sam", 1))
    approve(store, other.pin, REGISTRY, by("mira", 1))
    put_in_force(store, one, 2)
    refused("STORE_PARENT", lambda: activate(store, other.pin, REGISTRY, by("otto", 3)))


def test_activation__never_in_the_past_and_never_before_what_is_scheduled(url: str, tmp_path: Path) -> None:
    """What was in force at an instant that has passed never changes."""
    store, first, second = founded(url), texts(tmp_path, "1.0.0"), texts(tmp_path, "1.1.0", "0.02")
    submit(store, first, REGISTRY, by("sam", 3))
    approve(store, first.pin, REGISTRY, by("mira", 3))
    refused("STORE_TOO_LATE", lambda: activate(store, first.pin, REGISTRY, by("otto", 3), at=at(2)))
    refused("TIME_NAIVE", lambda: activate(store, first.pin, REGISTRY, by("otto", 3), at=datetime(2027, 1, 1)))
    activate(store, first.pin, REGISTRY, by("otto", 3), at=at(9))
    submit(store, second, REGISTRY, by("sam", 4))
    approve(store, second.pin, REGISTRY, by("mira", 4))
    refused("STORE_SCHEDULED", lambda: activate(store, second.pin, REGISTRY, by("otto", 4), at=at(8)))
    refused("VERSION_NONE", lambda: in_force(store, 8))
    refused("TIME_NAIVE", lambda: store.load(NAME, REGISTRY, now=datetime(2027, 1, 1)))


def test_activation__the_instant_that_was_submitted_is_the_one(url: str, tmp_path: Path) -> None:
    """Whoever approves a planned instant has approved no other."""
    store, first = founded(url), texts(tmp_path, "1.0.0")
    submit(store, first, REGISTRY, by("sam"), effective=at(6))
    approve(store, first.pin, REGISTRY, by("mira"))
    refused("STORE_DIFFERS", lambda: activate(store, first.pin, REGISTRY, by("otto"), at=at(7)))
    activate(store, first.pin, REGISTRY, by("otto"))
    refused("VERSION_NONE", lambda: in_force(store, 5))
    assert in_force(store, 6) == "1.0.0"


def test_activation__within_the_time_that_the_text_states(url: str, tmp_path: Path) -> None:
    """A text in force from six o'clock until nine is scheduled for six, and never for nine."""
    span = "effective_from: 2026-12-01T14:00:00Z\neffective_until: 2026-12-01T17:00:00Z\n"
    store, first = founded(url), texts(tmp_path, "1.0.0", extra=span)
    submit(store, first, REGISTRY, by("sam"))
    approve(store, first.pin, REGISTRY, by("mira"))
    refused("STORE_SPAN", lambda: activate(store, first.pin, REGISTRY, by("otto"), at=at(5)))
    refused("STORE_SPAN", lambda: activate(store, first.pin, REGISTRY, by("otto"), at=at(9)))
    activate(store, first.pin, REGISTRY, by("otto"))
    refused("VERSION_NONE", lambda: in_force(store, 5))
    assert in_force(store, 6) == "1.0.0"
    refused("VERSION_NONE", lambda: in_force(store, 9))


def test_rollback__of_what_is_scheduled_leaves_what_is_in_force(url: str, tmp_path: Path) -> None:
    """It never comes, and the version in force was never touched."""
    store, second = founded(url), texts(tmp_path, "1.1.0", "0.02")
    put_in_force(store, texts(tmp_path, "1.0.0"))
    put_in_force(store, second, 1, effective=at(9))
    rollback(store, second.pin, REGISTRY, by("otto", 2))
    assert in_force(store, 9) == "1.0.0"
    refused("STORE_NOT_IN_FORCE", lambda: rollback(store, second.pin, REGISTRY, by("otto", 3)))


def test_rollback__step_by_step_to_the_first_and_no_further(url: str, tmp_path: Path) -> None:
    """Each undoing leads to the version before, and drops what was scheduled."""
    store = founded(url)
    for hours, version in enumerate(("1.0.0", "1.1.0", "1.2.0")):
        put_in_force(store, texts(tmp_path, version, f"0.0{hours + 1}"), hours)
    put_in_force(store, texts(tmp_path, "1.3.0", "0.04"), 3, effective=at(90))
    rollback(store, f"{NAME}@1.2.0", REGISTRY, by("otto", 4))
    assert in_force(store, 90) == "1.1.0"
    rollback(store, f"{NAME}@1.1.0", REGISTRY, by("otto", 5))
    assert in_force(store, 5) == "1.0.0"
    refused("STORE_NOTHING_BEFORE", lambda: rollback(store, f"{NAME}@1.0.0", REGISTRY, by("otto", 6)))


def test_version__is_never_another_text(url: str, tmp_path: Path) -> None:
    """A version that was submitted keeps its digest; and nothing follows itself."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    refused("STORE_VERSION_TAKEN", lambda: submit(store, texts(tmp_path, "1.0.0", "0.02"), REGISTRY, by("sam")))
    refused("STORE_UNCHANGED", lambda: submit(store, texts(tmp_path, "1.0.0", "0.01"), REGISTRY, by("sam")))


def test_clock__a_step_is_always_dated_after_the_one_before_it(url: str) -> None:
    """A clock that is seconds behind dates just after the last step; one that is far behind is refused."""
    store = founded(url)
    store.grant(key("abe").public, "abe", ["approver"], by("ada", 5))
    late = Signer(key=key("ada"), now=at(5) - timedelta(seconds=59))
    store.grant(key("bea").public, "bea", ["approver"], late)
    assert store.ledger().time == at(5) + timedelta(microseconds=1)
    refused("STORE_CLOCK", lambda: store.grant(key("cleo").public, "cleo", ["approver"], by("ada", 4)))


def test_load__demands_to_know_which_store_is_the_true_one(url: str, tmp_path: Path) -> None:
    """Without trust from elsewhere the log could be another one, signed by strangers throughout."""
    store = founded(url)
    put_in_force(store, texts(tmp_path, "1.0.0"))
    refused("STORE_UNTRUSTED", lambda: Store(url).load(NAME, REGISTRY, now=at(1)))
    other = Store(url, trust="sha256:" + 64 * "0")
    refused("AUDIT_ANCHOR", lambda: other.load(NAME, REGISTRY, now=at(1)))


def test_store__is_founded_once_and_must_be_there(new_database: Callable[[], str]) -> None:
    """A second founding is refused, and so is a store that is not there."""
    url = new_database()
    refused("STORE_MISSING", lambda: Store(url).ledger())
    founded(url)
    refused("STORE_EXISTS", lambda: Store(url).found("eve", by("eve")))


@pytest.mark.parametrize("name", ["", "mi\u202era", "a\nb", "x" * 65])
def test_names__are_what_people_can_read(url: str, name: str) -> None:
    """What nobody can see does not get into the log."""
    store = founded(url)
    refused("AUDIT_MALFORMED", lambda: store.grant(key("x").public, name, ["approver"], by("ada")))
