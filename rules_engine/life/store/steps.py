"""What each step asks for, and what follows from it. The same rules hold for who appends and for who verifies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from rules_engine.life.store.keys import check_name, parse_public_key
from rules_engine.life.store.ledger import KeyRecord, Ledger
from rules_engine.life.store.lines import Line, Submission, Turn
from rules_engine.life.store.refusals import StoreError, refusal
from rules_engine.life.store.statements import (
    Activate,
    AnyStatement,
    Approve,
    Found,
    Grant,
    Revoke,
    Role,
    Rollback,
    SetClock,
    SetGuards,
    Statement,
    Submit,
    Versioned,
)
from rules_engine.terms.rendering import instant

SAID_OF_A_VERSION: Final = ("policy", "version", "digest", "parent", "effective")
"""What an approval repeats of the submission, so that nobody approves something else than is submitted."""


def apply(ledger: Ledger, statement: AnyStatement) -> None:
    """Does the step, or raises `StoreError` with the name of the rule that it breaks."""
    rule, role = _RULES[type(statement)]
    if role is not None and role not in ledger.keys[statement.signer].roles:
        known = ledger.keys[statement.signer]
        said = f"{known.name}'s key {statement.signer} is {', '.join(sorted(known.roles))}; this step needs {role}"
        raise refusal("STORE_ROLE", said, _others(ledger, role))
    rule(ledger, statement)


def _found(ledger: Ledger, statement: Found) -> None:
    check_name(statement.name)
    key, _ = parse_public_key(statement.key)
    ledger.store = statement.store
    ledger.default_guards = statement.guards
    ledger.keys[key.id] = KeyRecord(key=key, name=statement.name, roles={"administrator"}, granted=1)


def _grant(ledger: Ledger, statement: Grant) -> None:
    check_name(statement.name)
    key, _ = parse_public_key(statement.key)
    known = ledger.keys.get(key.id)
    if known is not None and known.revoked is not None:
        raise refusal("STORE_KEY_REVOKED", f"the key {key.id} was revoked", "a person who comes back has a new key")
    for other, record in ledger.keys.items():
        if record.revoked is None and (other == key.id) != (record.name.lower() == statement.name.lower()):
            raise refusal("STORE_KEY_NAME", f"the key {other} is {record.name}'s", "one name a key, one key a name")
    if known is None:
        known = KeyRecord(key=key, name=statement.name, roles=set(), granted=statement.sequence)
        ledger.keys[key.id] = known
    known.roles |= set(statement.roles)


def _revoke(ledger: Ledger, statement: Revoke) -> None:
    known = ledger.keys.get(statement.key)
    if known is None or known.revoked is not None:
        raise refusal("STORE_KEY_UNKNOWN", f"{statement.key} is no key that could be revoked", "status names the keys")
    others = [key for key, each in ledger.keys.items() if "administrator" in each.roles and ledger.trusted(key)]
    if others == [statement.key]:
        raise refusal("STORE_LAST_ADMINISTRATOR", "nobody could grant keys any more", "grant another one first")
    known.revoked = statement.sequence
    for line in ledger.lines.values():
        _let_fall(ledger, line, statement)


def _let_fall(ledger: Ledger, line: Line, statement: Revoke) -> None:
    """What is scheduled and has not enough people behind it any more never comes, nor what was to follow it.

    What has begun by any time that the log ever stated stays: else who sets its clock back could take it away.
    """
    latest = max(filter(None, (ledger.latest, statement.time)))
    for index, turn in enumerate(line.turns):
        if turn.effective <= latest:
            continue
        if not ledger.sustains(turn):
            line.fall_from(index, statement.sequence)
            return
        line.turns[index] = msgspec.structs.replace(turn, approved=len(ledger.approvers_of(turn.submission)))


def _set_guards(ledger: Ledger, statement: SetGuards) -> None:
    ledger.guards[statement.policy] = statement.guards


def _set_clock(ledger: Ledger, statement: SetClock) -> None:
    if ledger.time is None or statement.time >= ledger.time:
        said = f"no step is dated later than {instant(statement.time)}: there is nothing to set back"
        raise refusal("STORE_CLOCK", said)


def _submit(ledger: Ledger, statement: Submit) -> None:
    line = ledger.lines.setdefault(statement.policy, Line(name=statement.policy))
    for other in line.submissions.values():
        if other.statement.version == statement.version and other.statement.digest != statement.digest:
            hint = "give the new text a new version"
            raise refusal("STORE_VERSION_TAKEN", f"{other.pin} was submitted with {other.statement.digest}", hint)
    if statement.figures.compared != (statement.parent is not None):
        raise refusal("STORE_FIGURES", "figures compare a version with its parent, or there is none")
    if (statement.figures.newly_liquidatable is not None) != (statement.report is not None):
        raise refusal("STORE_FIGURES", "the part of notional newly liquidatable comes from a report, which is named")
    if statement.digest == statement.parent:
        said = f"{statement.policy}@{statement.version} is what it would follow: nothing would change"
        raise refusal("STORE_UNCHANGED", said)
    check_parent(line, statement)
    line.submissions[statement.sequence] = Submission(statement=statement)


def _approve(ledger: Ledger, statement: Approve) -> None:
    submission = _pending(ledger, statement)
    if statement.signer == submission.statement.signer:
        said = f"{ledger.keys[statement.signer].name} submitted {submission.pin} and cannot approve it"
        raise refusal("STORE_FOUR_EYES", said, _others(ledger, "approver", statement.signer))
    if any(approval.signer == statement.signer for approval in submission.approvals):
        said = f"{ledger.keys[statement.signer].name} has approved {submission.pin} already"
        raise refusal("STORE_APPROVED", said, _others(ledger, "approver", *_behind(submission)))
    if statement.report != submission.statement.report:
        said = f"the impact report that was seen is {statement.report or 'none'}, and the one that was submitted is"
        raise refusal("STORE_REPORT", f"{said} {submission.statement.report or 'none'}")
    submission.approvals.append(statement)


def _activate(ledger: Ledger, statement: Activate) -> None:
    submission = _pending(ledger, statement)
    effective = _instant(statement)
    line = ledger.lines[statement.policy]
    check_instant(line, submission.pin, effective, statement.time)
    check_parent(line, statement)
    asked = ledger.demand_on(submission)
    if asked.forbidden:
        raise StoreError(asked.forbidden)
    if not ledger.trusted(submission.statement.signer):
        raise refusal("STORE_KEY_REVOKED", "the key that submitted it was revoked", "another person submits it again")
    approvers = ledger.approvers_of(submission)
    if len(approvers) < asked.approvals:
        why = "".join(f"; {reason}" for reason in asked.reasons)
        hint = _others(ledger, "approver", *_behind(submission))
        raise refusal("STORE_APPROVALS", f"{submission.pin} {ledger.progress(submission)}{why}", hint)
    submission.activation = statement.sequence
    line.turns.append(
        Turn(
            effective=effective,
            sequence=statement.sequence,
            signer=statement.signer,
            submission=submission,
            approved=len(approvers),
            guards=ledger.guards_of(statement.policy),
        )
    )


def _rollback(ledger: Ledger, statement: Rollback) -> None:
    line = ledger.line(statement.policy)
    if statement.effective != statement.time:
        raise refusal("STORE_TOO_LATE", "a version is undone at once, not at another instant")
    turn = next((each for each in line.undoable(statement.time) if _is_of(each.submission, statement)), None)
    if turn is None:
        pin = f"{statement.policy}@{statement.version}"
        raise refusal("STORE_NOT_IN_FORCE", f"{pin} is neither in force nor scheduled with this digest and parent")
    if turn.effective > statement.time:
        line.fall_from(line.turns.index(turn), statement.sequence)
        return
    if not line.beneath(turn):
        said = f"{turn.submission.pin} is the first version: there is none to go back to"
        raise refusal("STORE_NOTHING_BEFORE", said, "submit another")
    line.fall_from(len(line.turns) - len(line.scheduled(statement.time)), statement.sequence)
    line.undo(turn, statement.time)


def _pending(ledger: Ledger, statement: Approve | Activate) -> Submission:
    """The submission that a statement is about, which nothing has made use of yet."""
    submission = ledger.line(statement.policy).submissions.get(statement.submission)
    if submission is None:
        raise refusal("STORE_NOT_SUBMITTED", f"entry {statement.submission} submits no version of {statement.policy}")
    if submission.activation is not None:
        raise refusal("STORE_ACTIVATED", f"it was activated by entry {submission.activation}", "submit it again")
    planned = submission.statement.effective
    differing = [
        name
        for name in SAID_OF_A_VERSION
        if getattr(statement, name) != getattr(submission.statement, name)
        and not (name == "effective" and planned is None and isinstance(statement, Activate))
    ]
    if differing:
        raise refusal("STORE_DIFFERS", f"{', '.join(differing)} differ from what was submitted")
    return submission


def check_parent(line: Line, statement: Versioned) -> None:
    """Whether a version still follows the one that it was compared with."""
    if statement.parent != line.newest:
        pin, newest = f"{statement.policy}@{statement.version}", line.called(line.newest)
        said = f"{pin} was compared with {line.called(statement.parent)}, and would follow {newest}"
        raise refusal("STORE_PARENT", said, "submit it again, so that what is compared is what changes")


def check_instant(line: Line, pin: str, effective: datetime, time: datetime) -> None:
    """Whether a version can take effect at an instant, by a step that is taken at a time."""
    if effective < time:
        said = f"{pin} was to take effect at {instant(effective)}, and it is {instant(time)}"
        raise refusal("STORE_TOO_LATE", said, "the past cannot be changed; choose another instant, or submit it anew")
    for turn in reversed(line.turns):
        other, mine = turn.submission.pin, f"{pin} would take effect at {instant(effective)}"
        if effective <= turn.effective:
            said = f"{other} takes effect at {instant(turn.effective)}, and {mine}"
            raise refusal("STORE_SCHEDULED", said, f"choose a later instant, or roll back {other} first")
        if turn.undone is not None and effective < turn.undone:
            said = f"{other} is undone from {instant(turn.undone)} on, and {mine}"
            raise refusal("STORE_SCHEDULED", said, f"roll back {other} again: its undoing was dated ahead")


def _behind(submission: Submission) -> tuple[str, ...]:
    """The keys that submitted and approved a version."""
    return submission.statement.signer, *(approval.signer for approval in submission.approvals)


def _others(ledger: Ledger, role: Role, *but: str) -> str:
    """Who could take a step instead: those with a role, but for some keys."""
    names = ledger.holders(role, *but)
    return f"ask {' or '.join(names)}" if names else f"nobody else is {role}: an administrator grants that"


def _is_of(submission: Submission, statement: Rollback) -> bool:
    names = ("version", "digest", "parent")
    return all(getattr(submission.statement, name) == getattr(statement, name) for name in names)


def _instant(statement: Versioned) -> datetime:
    """When what takes effect does: no such statement is read without it."""
    if statement.effective is None:
        raise TypeError("a statement that takes effect has no instant")
    return statement.effective


_AnyRule = Callable[[Ledger, Any], None]
_RULES: Final[dict[type[Statement], tuple[_AnyRule, Role | None]]] = {
    Found: (_found, None),
    Grant: (_grant, "administrator"),
    Revoke: (_revoke, "administrator"),
    SetGuards: (_set_guards, "administrator"),
    SetClock: (_set_clock, "administrator"),
    Submit: (_submit, "submitter"),
    Approve: (_approve, "approver"),
    Activate: (_activate, "activator"),
    Rollback: (_rollback, "activator"),
}
