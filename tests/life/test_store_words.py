"""The sentences of steps: what is in force from when on, what falls away, and what to do where one is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.life.offices import LATER, LATEST, Office, answer, run
from tests.life.people import NAME

INSTANT = r"20\d\d-\d\d-\d\dT[\d:.]+Z"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A store with its people, and nothing in force."""
    return Office(tmp_path, monkeypatch)


def test_activate__says_what_is_in_force_until_then(office: Office) -> None:
    """The first version, at once; then one that is scheduled, and one that is scheduled to follow that."""
    first = office.approved("1.0.0", "0.01")
    assert re.search(rf"{first} is in force from {INSTANT} on$", said(office, first))
    second = office.approved("1.1.0", "0.011")
    assert (
        said(office, second, "--at", LATER) == f"{second} is scheduled for {LATER}; until then {first} stays in force"
    )
    third = office.approved("1.2.0", "0.012")
    until = f"until then {first} stays in force, and then {second}, which is scheduled too"
    assert said(office, third, "--at", LATEST) == f"{third} is scheduled for {LATEST}; {until}"
    undone = office.step("rollback", second, by="sam").stdout
    assert f"{second} is undone; {first} stays in force; {third}, which was to follow, never comes\n" in undone


def test_activate__a_first_version_to_come(office: Office) -> None:
    """Until then there is none, and the next one has only that to follow."""
    first = office.approved("1.0.0", "0.01")
    assert said(office, first, "--at", LATER) == f"{first} is scheduled for {LATER}; until then no version is in force"
    second = office.approved("1.1.0", "0.011")
    comes = f"{first}, which is scheduled too, comes first"
    assert said(office, second, "--at", LATEST) == f"{second} is scheduled for {LATEST}; {comes}"
    assert f"{second} is undone; no version stays in force" in office.step("rollback", second, by="sam").stdout


def test_rollback__says_what_is_in_force_again(office: Office) -> None:
    first, second = office.in_force("1.0.0", "0.01"), office.approved("1.1.0", "0.011")
    assert said(office, second).endswith(f" on, in the place of {first}")
    undone = office.step("rollback", second, by="sam").stdout
    assert re.search(rf"{second} is undone; {first} is in force again from {INSTANT} on$", undone, re.MULTILINE)


def said(office: Office, pin: str, *options: str) -> str:
    """What Sam is told when he activates a version."""
    return str(answer(office.step("activate", pin, *options, "--json", by="sam"))["said"])


@pytest.mark.parametrize("verb", ["approve", "activate"])
def test_step__without_a_version_says_which_wait(office: Office, verb: str) -> None:
    office.in_force("1.0.0", "0.01")
    nothing = office.step(verb, NAME, by="mira" if verb == "approve" else "sam")
    assert (
        f"{NAME} names no version, wanted NAME@VERSION (nothing of {NAME} waits; submitted were 1.0.0)"
        in nothing.stderr
    )
    pin = office.submitted("1.1.0", "0.011")
    told = office.step(verb, NAME, by="mira" if verb == "approve" else "sam")
    assert f"({pin} waits: it has 0 of 1 approval)" in told.stderr


def test_rollback__of_what_is_not_there_says_what_is(office: Office) -> None:
    """Without a version, with another one, and of a policy that has none."""
    pin = office.in_force("1.0.0", "0.01")
    for name, found in ((NAME, "no version, wanted NAME@VERSION"), (f"{NAME}@7.0.0", "neither in force nor scheduled")):
        told = office.step("rollback", name, by="sam").stderr
        assert re.search(rf"STORE_NOT_IN_FORCE {name} is {found} \({pin} is from {INSTANT} on\)", told)
    assert "(nothing of that name is in force)" in office.step("rollback", "other@1.0.0", by="sam").stderr


def test_instants__are_written_as_they_are_given(office: Office) -> None:
    """An instant that has passed, one that is not that of the submission, one before what is scheduled."""
    office.in_force("1.0.0", "0.01", "--at", LATER)
    path, past = office.version("1.1.0", "0.011"), "2020-01-01T00:00:00Z"
    early = office.step("submit", path, "--at", past, by="sam").stderr
    assert f"STORE_TOO_LATE {NAME}@1.1.0 was to take effect at {past}, and it is 20" in early
    same = office.step("submit", path, "--at", LATER, by="sam").stderr
    said = f"{NAME}@1.0.0 takes effect at {LATER}, and {NAME}@1.1.0 would take effect at {LATER}"
    assert f"STORE_SCHEDULED {said}" in same
    pin = office.approved("1.1.0", "0.011", "--at", LATEST)
    other = office.step("activate", pin, "--at", past, by="sam").stderr
    assert f"STORE_DIFFERS {pin} was submitted and approved for {LATEST}, not for {past}" in other
    assert office.step("activate", pin, by="sam").exit_code == 0
    text = Path(office.version("1.2.0", "0.012")).read_text() + f"effective_until: {LATER}\n"
    Path(path.replace("1.1.0", "1.2.0")).write_text(text)
    span = office.step("submit", path.replace("1.1.0", "1.2.0"), "--at", LATEST, by="sam").stderr
    assert f"by its text {NAME}@1.2.0 is in force until {LATER}, not at {LATEST}" in span


def test_refusals__say_who_can_instead(office: Office) -> None:
    """Another role, the same eyes, too few approvals."""
    pin = office.submitted("1.0.0", "0.01")
    role = office.step("activate", pin, by="mira").stderr
    assert re.search(r"mira's key \w+ is approver; this step needs activator \(ask sam\)", role)
    assert "has 0 of 1 approval (ask mira or noor)" in office.step("activate", pin, by="sam").stdout
    office.step("approve", pin, by="mira")
    assert f"mira has approved {pin} already (ask noor)" in office.step("approve", pin, by="mira").stdout
    assert office.step("store", "grant", "sam.key.pub", "--role", "approver", by="ada").stdout.startswith("entry ")
    assert (
        f"sam submitted {pin} and cannot approve it (ask mira or noor)" in office.step("approve", pin, by="sam").stdout
    )
    office.step("store", "revoke", "mira", by="ada")
    office.step("store", "revoke", "noor", by="ada")
    alone = office.step("approve", pin, by="sam").stdout
    assert "nobody else is approver: an administrator grants that" in alone


def test_grant__tells_all_roles_and_revoke_what_falls_with_the_key(office: Office) -> None:
    """By the person's name: a version is scheduled, one waits that he approved, and one that he submitted."""
    more = office.step("store", "grant", "noor.key.pub", "--role", "submitter", by="ada")
    assert more.stdout.splitlines()[0].endswith(" is approver, submitter")
    office.in_force("1.0.0", "0.01")
    scheduled = office.in_force("1.1.0", "0.011", "--at", LATER)
    waiting = office.approved("1.2.0", "0.012")
    gone = office.step("store", "revoke", "mira", by="ada").stdout
    assert re.search(rf"mira's key \w+ is revoked; {scheduled}, which was scheduled, never comes$", gone, re.MULTILINE)
    assert "overtaken" in run("show", waiting).stderr
    office.submitted("1.2.0", "0.012")
    office.step("approve", waiting, by="noor")
    one = office.step("store", "revoke", "noor", by="ada").stdout
    assert f"; {waiting} waits: it has 0 of 1 approval\n" in one
    other = office.step("store", "revoke", "sam", by="ada").stdout
    assert f"; {waiting}, which it submitted, is to be submitted again by somebody else\n" in other
    assert "status names the keys" in office.step("store", "revoke", "sam", by="ada").stderr


def test_submit__again_says_that_approvals_are_lost(office: Office) -> None:
    """What was approved is the submission before; the very same is refused, and keeps what it has."""
    pin = office.approved("1.0.0", "0.01")
    same = office.step("submit", office.version("1.0.0", "0.01"), by="sam")
    assert same.exit_code == 2
    said = f"STORE_SUBMITTED sam submitted the very same {pin} by entry 5: it has 1 of 1 approval"
    assert said in same.stderr
    assert "has 1 of 1 approval" in run("show", pin).stderr
    told = office.step("submit", office.version("1.0.0", "0.01"), "--at", LATER, by="sam")
    lost = f"WARNING {pin} waits already and has 1 of 1 approval: this takes its place, and approvals of it fall away"
    assert lost in told.stderr
    assert "has 0 of 1 approval" in run("show", pin).stderr


def test_guards__say_what_waits_under_them(office: Office) -> None:
    """A name that the store does not know may be a typing error."""
    assert (
        f"guards of {NAME} are set; no version of {NAME} was submitted yet" in office.guarded("approvals: 1\n").stdout
    )
    other = office.step("store", "guards", "usdt-perps", "guards.yaml", by="ada")
    assert "WARNING nothing of usdt-perps was submitted; the store has no versions at all" in other.stderr
    pin = office.approved("1.0.0", "0.01")
    other = office.step("store", "guards", "usdt-perps", "guards.yaml", by="ada")
    assert f"WARNING nothing of usdt-perps was submitted; the store has {NAME}" in other.stderr
    assert f"; {pin} waits: it has 1 of 2 approvals\n" in office.guarded("approvals: 2\n").stdout


def test_activate__again_says_where_to_look(office: Office) -> None:
    pin = office.in_force("1.0.0", "0.01")
    assert "(status says what is in force; to put it in force again, submit it again)" in (
        office.step("activate", pin, by="sam").stderr
    )


def test_parent__is_named_by_its_version(office: Office) -> None:
    """Two follow 1.0.0; one of them is put in force."""
    office.in_force("1.0.0", "0.01")
    overtaken = office.approved("1.1.0", "0.011")
    office.in_force("1.2.0", "0.012")
    told = office.step("activate", overtaken, by="sam").stderr
    assert f"STORE_PARENT {overtaken} was compared with {NAME}@1.0.0, and would follow {NAME}@1.2.0" in told
    same = office.step("submit", office.version("1.2.0", "0.012"), by="sam").stderr
    assert f"STORE_UNCHANGED {NAME}@1.2.0 is what it would follow" in same
