"""What a verified log says: keys, guards, lines. Queries only; `steps` makes it grow."""

from __future__ import annotations

from datetime import datetime

import msgspec

from rules_engine.life.store.guards import Demand, Guards, demand
from rules_engine.life.store.keys import PublicKey
from rules_engine.life.store.lines import Line, Submission, Turn
from rules_engine.life.store.log import NOTHING, Entry
from rules_engine.life.store.statements import AnyStatement, Role


class KeyRecord(msgspec.Struct, kw_only=True):
    """A key that the log knows: its roles, and the entries that granted and revoked it."""

    key: PublicKey
    name: str
    roles: set[Role]
    granted: int
    revoked: int | None = None


class Step(msgspec.Struct, frozen=True):
    """An entry that was verified, and what it says."""

    entry: Entry
    statement: AnyStatement


class Ledger:
    """What a verified log says. After a refusal it is not to be used any more."""

    def __init__(self) -> None:
        self.store = ""
        self.head = NOTHING
        self.steps: list[Step] = []
        self.keys: dict[str, KeyRecord] = {}
        self.lines: dict[str, Line] = {}
        self.guards: dict[str, Guards] = {}
        self.default_guards = Guards()
        self.latest: datetime | None = None

    def add(self, step: Step) -> None:
        """Adds a step whose effects are there: the head, and the latest time that any step has stated, move on."""
        self.head = step.entry.hash
        self.steps.append(step)
        self.latest = max(filter(None, (self.latest, step.statement.time)))

    @property
    def anchor(self) -> str:
        """The hash of the first entry, which stands for the whole store: its id, its first key, its first guards."""
        return self.steps[0].entry.hash if self.steps else NOTHING

    @property
    def time(self) -> datetime | None:
        """The time that the last entry states: the clock of the log, which an administrator may set back."""
        return self.steps[-1].statement.time if self.steps else None

    def line(self, policy: str) -> Line:
        """The line of a policy; an empty one where nothing was submitted yet."""
        return self.lines.get(policy) or Line(name=policy)

    def guards_of(self, policy: str) -> Guards:
        """The guards that decide about a policy now."""
        return self.guards.get(policy, self.default_guards)

    def trusted(self, key: str) -> bool:
        """Whether a key is known and not revoked."""
        return key in self.keys and self.keys[key].revoked is None

    def demand_on(self, submission: Submission) -> Demand:
        """What the guards in force ask of a submission."""
        return demand(self.guards_of(submission.statement.policy), submission.statement.figures)

    def approvers_of(self, submission: Submission) -> list[str]:
        """The keys whose approval counts: of each key once, never the submitter's, and none that was revoked."""
        signers = dict.fromkeys(approval.signer for approval in submission.approvals)
        return [key for key in signers if self.trusted(key) and key != submission.statement.signer]

    def progress(self, submission: Submission) -> str:
        """How far a submission is on its way, in words: it `has 1 of 2 approvals`."""
        asked = self.demand_on(submission)
        if asked.forbidden:
            return f"is stopped by a guard: {asked.forbidden[0].message}"
        noun = "approval" if asked.approvals == 1 else "approvals"
        return f"has {len(self.approvers_of(submission))} of {asked.approvals} {noun}"

    def holders(self, role: Role, *but: str) -> list[str]:
        """The names of those whose keys have a role, but for some keys."""
        holding = {key: each.name for key, each in self.keys.items() if role in each.roles and self.trusted(key)}
        return [name for key, name in holding.items() if key not in but]

    def sustains(self, turn: Turn) -> bool:
        """Whether enough keys stand behind a turn that is still to come."""
        submission = turn.submission
        enough = len(self.approvers_of(submission)) >= turn.asked.approvals
        return enough and self.trusted(turn.signer) and self.trusted(submission.statement.signer)
