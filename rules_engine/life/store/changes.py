"""A version on its way: submitted, approved, put in force, undone. Who signs looks first at what there is to sign."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from rules_engine.extension.registry import Registry
from rules_engine.life.store.figures import figures_of
from rules_engine.life.store.guards import Figures
from rules_engine.life.store.ledger import Ledger
from rules_engine.life.store.lines import Submission
from rules_engine.life.store.log import Entry, sha256
from rules_engine.life.store.refusals import StoreError, refusal
from rules_engine.life.store.statements import Activate, Approve, Rollback, Submit
from rules_engine.life.store.steps import SAID_OF_A_VERSION, check_parent
from rules_engine.life.store.store import Signer, Store, stated, step_time, zoned
from rules_engine.life.store.texts import Texts
from rules_engine.terms.policy import Policy


def submit(
    store: Store,
    texts: Texts,
    registry: Registry,
    by: Signer,
    *,
    effective: datetime | None = None,
    report: bytes | None = None,
) -> Entry:
    """Proposes a version that is to follow the newest of its line; refused at once where a guard forbids it.

    `effective` fixes when it takes effect; None leaves it to who activates. `report` is the impact report.
    """
    ledger, policy = store.ledger(), texts.policy
    last = ledger.line(policy.name).last
    parent = None if last is None else store.policy_of(last.submission, registry)
    fields = {
        "policy": policy.name,
        "version": policy.version,
        "digest": policy.digest,
        "parent": None if parent is None else parent.digest,
        "effective": None if effective is None else zoned(effective),
        "documents": {pin: sha256(data) for pin, data in texts.documents.items()},
        "figures": figures_of(parent, policy, report),
        "report": None if report is None else sha256(report),
    }
    proposal = Submission(statement=stated(ledger, by, Submit, fields))
    if forbidden := ledger.demand_on(proposal).forbidden:
        raise StoreError(forbidden)
    if effective is not None:
        check_span(policy, zoned(effective))
    return store.append(ledger, by, Submit, fields, texts.documents)


def approve(store: Store, pin: str, registry: Registry, by: Signer, *, report: bytes | None = None) -> Entry:
    """Stands behind the newest submission of `NAME@VERSION`, whose texts and figures are worked out anew before.

    `report` is the impact report, where there is one: the approval says that it was seen.
    """
    ledger = store.ledger()
    sequence, submission = submission_of(ledger, pin)
    examine(store, ledger, submission, registry, report)
    fields = _version_of(submission) | {"submission": sequence, "report": None if report is None else sha256(report)}
    return store.append(ledger, by, Approve, fields)


def activate(store: Store, pin: str, registry: Registry, by: Signer, *, at: datetime | None = None) -> Entry:
    """Puts the newest submission of `NAME@VERSION` in force: at the instant that was submitted, else `at`.

    Where neither is stated: at once, or when its `effective_from` comes.
    """
    ledger = store.ledger()
    sequence, submission = submission_of(ledger, pin)
    policy = examine(store, ledger, submission, registry, None)
    planned = submission.statement.effective if at is None else zoned(at)
    effective = planned or max(filter(None, (step_time(ledger, by.now), policy.effective_from)))
    check_span(policy, effective)
    fields = _version_of(submission) | {"submission": sequence, "effective": effective}
    return store.append(ledger, by, Activate, fields)


def rollback(store: Store, pin: str, registry: Registry, by: Signer) -> Entry:
    """Undoes `NAME@VERSION`: in force, and its parent comes back at once; scheduled, and it never comes."""
    ledger = store.ledger()
    line, time = ledger.line(pin.partition("@")[0]), step_time(ledger, by.now)
    turns = (*line.scheduled(time), line.at(time))
    undone = next((turn.submission for turn in turns if turn and turn.submission.pin == pin), None)
    if undone is None:
        raise refusal("STORE_NOT_IN_FORCE", f"{pin} is neither in force nor scheduled")
    before = line.activated(undone.statement.parent) if undone.statement.parent else None
    if before is not None and undone not in [turn.submission for turn in line.scheduled(time)]:
        check_span(store.policy_of(before, registry), time)
    return store.append(ledger, by, Rollback, _version_of(undone) | {"effective": time})


def submission_of(ledger: Ledger, pin: str) -> tuple[int, Submission]:
    """The newest submission of a version that nothing has made use of, and its sequence."""
    found = [one for one in ledger.line(pin.partition("@")[0]).submissions.items() if one[1].pin == pin]
    if not found:
        raise refusal("STORE_NOT_SUBMITTED", f"{pin} was never submitted")
    sequence, submission = found[-1]
    if submission.activation is not None:
        said = f"{pin} was activated by entry {submission.activation}"
        raise refusal("STORE_ACTIVATED", said, "to put it in force again, submit it again")
    return sequence, submission


def examine(store: Store, ledger: Ledger, submission: Submission, registry: Registry, report: bytes | None) -> Policy:
    """The policy of a submission, whose texts and figures are those that were signed.

    Without the report the part of notional newly liquidatable is believed.
    """
    said, line = submission.statement, ledger.line(submission.statement.policy)
    check_parent(line, said)
    policy = store.policy_of(submission, registry)
    parent = None if line.last is None else store.policy_of(line.last.submission, registry)
    found, signed = figures_of(parent, policy, report), said.figures
    if report is None:
        found = msgspec.structs.replace(found, newly_liquidatable=signed.newly_liquidatable)
    if found != signed:
        raise refusal("STORE_FIGURES", f"it was submitted with {_text(signed)}, and it has {_text(found)}")
    return policy


def check_span(policy: Policy, effective: datetime) -> None:
    """Whether a version takes effect within the time that its text states."""
    early = policy.effective_from is not None and effective < policy.effective_from
    late = policy.effective_until is not None and effective >= policy.effective_until
    if early or late:
        span = f"from {policy.effective_from or 'ever'} until {policy.effective_until or 'ever'}"
        raise refusal("STORE_SPAN", f"by its text it is in force {span}, not at {effective}")


def _version_of(submission: Submission) -> dict[str, Any]:
    return {name: getattr(submission.statement, name) for name in SAID_OF_A_VERSION}


def _text(figures: Figures) -> str:
    return ", ".join(f"{name} {value}" for name, value in msgspec.to_builtins(figures).items())
