"""A version on its way: submitted, approved, put in force, undone. Who signs looks first at what there is to sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from rules_engine.extension.registry import Registry
from rules_engine.life.store.checked import check_span, words
from rules_engine.life.store.figures import Report, read_report
from rules_engine.life.store.finding import waiting
from rules_engine.life.store.guards import Demand, Figures, demand
from rules_engine.life.store.ledger import Ledger
from rules_engine.life.store.lines import Line, Submission
from rules_engine.life.store.log import Entry, sha256
from rules_engine.life.store.refusals import StoreError, refusal
from rules_engine.life.store.statements import Activate, Approve, Rollback, Submit
from rules_engine.life.store.steps import SAID_OF_A_VERSION, check_instant, check_parent
from rules_engine.life.store.store import Signer, Store, step_time, zoned
from rules_engine.life.store.texts import Texts
from rules_engine.terms.policy import Policy
from rules_engine.terms.rendering import instant


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A version as who is to sign sees it first: what it follows, its figures, what guards ask.

    `elders` still govern positions that were opened before `before` began, and would not any more. `fields` is what is
    signed. A step that is taken meanwhile is a conflict (`STORE_CONFLICT`): what is signed is what
    was seen. `submission` is None for a version that is to be submitted.
    """

    ledger: Ledger
    policy: Policy
    before: Policy | None
    elders: Sequence[Policy] = ()
    figures: Figures
    fields: Mapping[str, Any]
    report: Report | None = None
    submission: Submission | None = None
    texts: Mapping[str, bytes] = {}

    @property
    def pin(self) -> str:
        """`NAME@VERSION`."""
        return f"{self.policy.name}@{self.policy.version}"

    @property
    def demand(self) -> Demand:
        """What the guards of now ask."""
        return demand(self.ledger.guards_of(self.policy.name), self.figures)

    def submit(self, store: Store, by: Signer) -> Entry:
        """Signs and adds the submission, if no guard forbids it and its instant is still to come."""
        if forbidden := self.demand.forbidden:
            raise StoreError(forbidden)
        effective = self.fields["effective"]
        if effective is not None:
            check_span(self.policy, effective)
            check_instant(self.ledger.line(self.policy.name), self.pin, effective, step_time(self.ledger, by.now))
        return store.append(self.ledger, by, Submit, self.fields, self.texts)

    def approve(self, store: Store, by: Signer) -> Entry:
        """Signs and adds the approval."""
        return store.append(self.ledger, by, Approve, self.fields)


def to_submit(
    store: Store, texts: Texts, registry: Registry, *, effective: datetime | None = None, report: bytes | None = None
) -> Review:
    """What a submission would say. `report` is the impact report. Raises where the very same waits already."""
    ledger, policy = store.ledger(), texts.policy
    line, checked = ledger.line(policy.name), store.checked(registry)
    figures = checked.figures(policy, line.to_follow, report)
    fields = {
        "policy": policy.name,
        "version": policy.version,
        "digest": policy.digest,
        "parent": line.newest,
        "effective": None if effective is None else zoned(effective),
        "documents": {pin: sha256(data) for pin, data in texts.documents.items()},
        "figures": figures,
        "report": None if report is None else sha256(report),
    }
    _check_new(ledger, line, texts.pin, fields)
    return Review(
        ledger=ledger,
        policy=policy,
        before=checked.parent(line.to_follow),
        elders=checked.replaced(policy, line.to_follow)[1:],
        figures=figures,
        fields=fields,
        report=None if report is None else read_report(report),
        texts=texts.documents,
    )


def _check_new(ledger: Ledger, line: Line, pin: str, fields: Mapping[str, Any]) -> None:
    """Whether a submission is not one that waits already: taken again it would lose its approvals for nothing."""
    for one in line.waiting:
        said = one.statement
        if ledger.trusted(said.signer) and all(getattr(said, name) == value for name, value in fields.items()):
            text = f"{ledger.keys[said.signer].name} submitted the very same {pin} by entry {said.sequence}"
            raise refusal("STORE_SUBMITTED", f"{text}: it {ledger.progress(one)}", "it need not be submitted again")


def to_approve(store: Store, pin: str, registry: Registry, *, report: bytes | None = None) -> Review:
    """What an approval of the newest submission of `NAME@VERSION` would say; its figures are worked out anew."""
    ledger = store.ledger()
    sequence, submission = waiting(ledger, pin)
    check_parent(ledger.line(submission.statement.policy), submission.statement)
    _check_report(ledger, submission, report)
    policy, before = examine(store, ledger, submission, registry, report)
    fields = _version_of(submission) | {"submission": sequence, "report": submission.statement.report}
    return Review(
        ledger=ledger,
        policy=policy,
        before=before,
        elders=store.checked(registry).replaced(policy, ledger.line(policy.name).followed(submission) or [])[1:],
        figures=submission.statement.figures,
        fields=fields,
        report=None if report is None else read_report(report),
        submission=submission,
    )


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
    return to_submit(store, texts, registry, effective=effective, report=report).submit(store, by)


def approve(store: Store, pin: str, registry: Registry, by: Signer, *, report: bytes | None = None) -> Entry:
    """Stands behind the newest submission of `NAME@VERSION`, whose texts and figures are worked out anew before.

    `report` is the impact report, where there is one: the approval says that it was seen.
    """
    return to_approve(store, pin, registry, report=report).approve(store, by)


def activate(store: Store, pin: str, registry: Registry, by: Signer, *, at: datetime | None = None) -> Entry:
    """Puts the newest submission of `NAME@VERSION` in force: at the instant that was submitted, else `at`.

    Where neither is stated: at once, or when its `effective_from` comes.
    """
    ledger = store.ledger()
    sequence, submission = waiting(ledger, pin)
    policy, _ = examine(store, ledger, submission, registry, None)
    planned, asked = submission.statement.effective, None if at is None else zoned(at)
    if planned is not None and asked is not None and asked != planned:
        said = f"{pin} was submitted and approved for {instant(planned)}, not for {instant(asked)}"
        raise refusal("STORE_DIFFERS", said, "activate it without another instant, or submit it again")
    effective = planned or asked or max(filter(None, (step_time(ledger, by.now), policy.effective_from)))
    check_span(policy, effective)
    fields = _version_of(submission) | {"submission": sequence, "effective": effective}
    return store.append(ledger, by, Activate, fields)


def rollback(store: Store, pin: str, registry: Registry, by: Signer) -> Entry:
    """Undoes `NAME@VERSION`: in force, and its parent comes back at once; scheduled, and it never comes."""
    ledger = store.ledger()
    line, time = ledger.line(pin.partition("@")[0]), step_time(ledger, by.now)
    turns = line.undoable(time)
    turn = next((turn for turn in turns if turn.submission.pin == pin), None)
    if turn is None:
        said = "neither in force nor scheduled" if "@" in pin else "no version, wanted NAME@VERSION"
        there = [f"{turn.submission.pin} is from {instant(turn.effective)} on" for turn in turns]
        hint = ", ".join(there) or "nothing of that name is in force"
        raise refusal("STORE_NOT_IN_FORCE", f"{pin} is {said}", hint)
    if turn.effective <= time and turn.undone is None and (before := line.beneath(turn)):
        check_span(store.policy_of(before[0].submission, registry), time)
    return store.append(ledger, by, Rollback, _version_of(turn.submission) | {"effective": time})


def examine(
    store: Store, ledger: Ledger, submission: Submission, registry: Registry, report: bytes | None
) -> tuple[Policy, Policy | None]:
    """The policy of a submission and the one that it is to follow, whose texts and figures are those that were signed.

    Without the report the part of notional newly liquidatable is believed.
    """
    said, line = submission.statement, ledger.line(submission.statement.policy)
    check_parent(line, said)
    checked, followed = store.checked(registry), line.to_follow
    policy = store.policy_of(submission, registry)
    found, signed = checked.figures(policy, followed, report), said.figures
    if report is None:
        found = msgspec.structs.replace(found, newly_liquidatable=signed.newly_liquidatable)
    if found != signed:
        who = ledger.keys[said.signer].name
        hint = f"do not sign it; ask {who}, who submitted it, or submit it anew if what it follows has changed since"
        raise refusal("STORE_FIGURES", f"it was submitted with {words(signed)}, and it has {words(found)}", hint)
    return policy, checked.parent(followed)


def _check_report(ledger: Ledger, submission: Submission, report: bytes | None) -> None:
    """Whether the report that is given is the one that was submitted."""
    said = submission.statement
    given = None if report is None else sha256(report)
    if given == said.report:
        return
    if said.report is None:
        raise refusal("STORE_REPORT", f"{submission.pin} was submitted without an impact report, and one is given")
    found = "none is given" if given is None else f"{given} is given"
    command = f"rules-engine impact {ledger.line(said.policy).called(said.parent)} {submission.pin} ... --json"
    hint = f"give the file that {ledger.keys[said.signer].name} submitted: --impact FILE; `{command}` wrote it"
    raise refusal("STORE_REPORT", f"{submission.pin} was submitted with the impact report {said.report}; {found}", hint)


def _version_of(submission: Submission) -> dict[str, Any]:
    return {name: getattr(submission.statement, name) for name in SAID_OF_A_VERSION}
