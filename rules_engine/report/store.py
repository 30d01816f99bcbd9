"""What a store holds, for programs and for people. rich loads inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from rules_engine.life.store.guards import Demand
from rules_engine.life.store.ledger import Ledger, Step
from rules_engine.life.store.lines import Line, Submission, Turn
from rules_engine.life.store.statements import Approve, Found, Grant, Revoke, SetClock, SetGuards, Versioned
from rules_engine.report.grids import grid
from rules_engine.terms.rendering import instant

SHORT = 19
"""Characters of a hash that tables show: `sha256:` and twelve digits."""
REST = "(any other)"
"""How tables call all policies that have no guards of their own."""
UNTIL = {"in force": " until ", "scheduled": " until ", "ended": ", none is in force since "}
"""How tables say when a version ends."""

ASKED: Final = ("submitted", "scheduled")
"""The states of versions of which tables say who stands behind them."""


def status_document(ledger: Ledger, now: datetime, ends: Mapping[str, datetime] | None = None) -> dict[str, Any]:
    """What is in force, scheduled and waiting at an instant, who holds which key, and the head of the log.

    `ends` says by digest when versions end by their texts; from then on such a one has ended, and none is in force.
    """
    return {
        "store": ledger.store,
        "trust": ledger.anchor,
        "head": ledger.head,
        "entries": len(ledger.steps),
        "at": instant(now),
        "guards": msgspec.to_builtins(ledger.default_guards),
        "policies": [
            _line_document(ledger, ledger.line(name), now, ends or {})
            for name in sorted({*ledger.lines, *ledger.guards})
        ],
        "keys": [
            {
                "key": key,
                "name": record.name,
                "roles": sorted(record.roles),
                "granted": record.granted,
                "revoked": record.revoked,
            }
            for key, record in ledger.keys.items()
        ],
    }


def status_tables(ledger: Ledger, now: datetime, ends: Mapping[str, datetime] | None = None) -> Iterator[Any]:
    """The same as rich renderables."""
    document = status_document(ledger, now, ends)
    versions = grid(f"policies at {document['at']}", "policy", "version", "state", "from", "approvals", "digest")
    for line in document["policies"]:
        for entry in line["versions"]:
            approved = f"{len(entry['approved_by'])} of {entry['approvals']}" if entry["state"] in ASKED else ""
            since = entry["effective"] or ""
            state = f"{entry['state']}{UNTIL[entry['state']]}{entry['ends']}" if entry.get("ends") else entry["state"]
            versions.add_row(line["policy"], entry["version"], state, since, approved, entry["digest"][:SHORT])
    yield versions
    guards = grid("guards", "policy", "approvals", "rate change", "newly liquidatable", "looser", right=("approvals",))
    for name, said in (
        *((each["policy"], each["guards"]) for each in document["policies"] if each["policy"] in ledger.guards),
        (REST, document["guards"]),
    ):
        steps = (_steps(said[each]) for each in ("rate_change", "newly_liquidatable"))
        guards.add_row(name, str(said["approvals"]), *steps, "" if said["looser"] is None else str(said["looser"]))
    yield guards
    keys = grid("keys", "name", "key", "roles", "revoked")
    for record in document["keys"]:
        revoked = f"by entry {record['revoked']}" if record["revoked"] else ""
        keys.add_row(record["name"], record["key"], ", ".join(record["roles"]), revoked)
    yield keys


def _steps(steps: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(f"above {step['above']}: {step['ask']}" for step in steps)


def history_document(ledger: Ledger) -> list[dict[str, Any]]:
    """Every entry of the log with the name of who signed it."""
    return [
        {
            "entry": step.entry.sequence,
            "hash": step.entry.hash,
            "signed_by": ledger.keys[step.statement.signer].name,
            "signature": step.entry.signature.hex(),
            "statement": msgspec.to_builtins(step.statement),
        }
        for step in ledger.steps
    ]


def history_table(ledger: Ledger) -> Any:
    """The same as a rich renderable."""
    table = grid("history", "entry", "time", "by", "step", "what", "note", "hash", right=("entry",))
    for step in ledger.steps:
        said = step.statement
        action = type(said).__struct_config__.tag
        signer, digest = ledger.keys[said.signer].name, step.entry.hash[:SHORT]
        row = (instant(said.time), signer, str(action), what(ledger, step), said.note, digest)
        table.add_row(str(step.entry.sequence), *row)
    return table


def what(ledger: Ledger, step: Step) -> str:
    """What a step is about, in a few words."""
    said = step.statement
    if isinstance(said, Found | Grant):
        roles = said.roles if isinstance(said, Grant) else ("administrator",)
        return f"{said.name}: {', '.join(roles)}"
    if isinstance(said, Revoke):
        return f"{ledger.keys[said.key].name}: {said.key}"
    if isinstance(said, SetGuards):
        return f"guards of {said.policy}"
    if isinstance(said, SetClock):
        return "the clock is set back"
    assert isinstance(said, Versioned)
    when = f" from {instant(said.effective)}" if said.effective and not isinstance(said, Approve) else ""
    return f"{said.policy}@{said.version}{when}"


def _line_document(ledger: Ledger, line: Line, now: datetime, ends: Mapping[str, datetime]) -> dict[str, Any]:
    current = line.at(now)
    until = None if current is None else ends.get(current.submission.statement.digest)
    waiting = [one for one in line.submissions.values() if one.activation is None]
    turns = [("ended" if until and until <= now else "in force", current)] if current else []
    turns += [("scheduled", turn) for turn in line.scheduled(now)]
    states = {
        one.statement.sequence: "submitted" if one.statement.parent == line.newest else "overtaken" for one in waiting
    }
    return {
        "policy": line.name,
        "guards": msgspec.to_builtins(ledger.guards_of(line.name)),
        "versions": [
            *(_turn_document(ledger, state, turn, ends) for state, turn in turns),
            *(
                _version_document(
                    ledger, states[one.statement.sequence], one, one.statement.effective, ledger.demand_on(one)
                )
                for one in waiting
            ),
        ],
    }


def _turn_document(ledger: Ledger, state: str, turn: Turn, ends: Mapping[str, datetime]) -> dict[str, Any]:
    said = (ends.get(turn.submission.statement.digest), turn.undone)
    until = min(filter(None, said), default=None)
    return {
        **_version_document(ledger, state, turn.submission, turn.effective, turn.asked),
        "ends": None if until is None else instant(until),
        "activated": turn.sequence,
    }


def _version_document(
    ledger: Ledger, state: str, submission: Submission, effective: datetime | None, asked: Demand
) -> dict[str, Any]:
    """`asked` is what the guards ask: of a version that waits those of now, of another those of its activation."""
    said = submission.statement
    return {
        "version": said.version,
        "state": state,
        "digest": said.digest,
        "parent": said.parent,
        "effective": None if effective is None else instant(effective),
        "submitted": said.sequence,
        "submitted_by": ledger.keys[said.signer].name,
        "approved_by": [ledger.keys[key].name for key in ledger.approvers_of(submission)],
        "approvals": asked.approvals,
        "reasons": [*asked.reasons, *(problem.message for problem in asked.forbidden)],
        "figures": msgspec.to_builtins(said.figures),
        "report": said.report,
    }
