"""The line of one policy as its log tells it: what was submitted and approved, and what is in force when."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from rules_engine.life.store.guards import Demand, Guards, demand
from rules_engine.life.store.statements import Approve, Hash, Submit

State: TypeAlias = Literal["submitted", "activated"]


class Submission(msgspec.Struct, kw_only=True):
    """A submitted version with the approvals it has; `activation` is the entry that made use of it."""

    statement: Submit
    approvals: list[Approve] = []
    activation: int | None = None

    @property
    def pin(self) -> str:
        """`NAME@VERSION`."""
        return f"{self.statement.policy}@{self.statement.version}"


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """From an instant on a version is in force, by the entry of this sequence; `signer` is who said so.

    `guards` are those of that time, and `approved` is how many approvals there are, those aside of keys that were
    revoked before it began. `undone` is when it was rolled back: from then on nobody is answered by it, nor by it as an
    elder; what was in force before counts as if it had never been.
    """

    effective: datetime
    sequence: int
    signer: str
    submission: Submission
    approved: int
    guards: Guards
    undone: datetime | None = None

    @property
    def asked(self) -> Demand:
        """What the guards of its time asked for."""
        return demand(self.guards, self.submission.statement.figures)

    def stands(self, instant: datetime) -> bool:
        """Whether it began, and was not undone, by an instant."""
        return self.effective <= instant and (self.undone is None or instant < self.undone)


class Fallen(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that was scheduled and never came, and the entry that took it away."""

    turn: Turn
    by: int


class Line(msgspec.Struct, kw_only=True):
    """One policy: its submissions by sequence, and its turns, whose instants rise.

    A turn is added after all others, and begins after each of them has begun and, if it was undone, ended: so what was
    in force at an instant that has passed never changes.
    """

    name: str
    submissions: dict[int, Submission] = {}
    turns: list[Turn] = []
    fallen: list[Fallen] = []

    def at(self, instant: datetime) -> Turn | None:
        """The turn in force at an instant; None before the first."""
        return next((turn for turn in reversed(self.turns) if turn.stands(instant)), None)

    def scheduled(self, instant: datetime) -> list[Turn]:
        """The turns that are still to come."""
        return [turn for turn in self.turns if turn.effective > instant]

    def undoable(self, instant: datetime) -> list[Turn]:
        """The turns that can be undone at an instant: what is in force, and then what is scheduled, in order."""
        current = self.at(instant)
        return [*([current] if current else []), *self.scheduled(instant)]

    @property
    def last(self) -> Turn | None:
        """The turn after which the next one would come: the newest that was not undone."""
        return next((turn for turn in reversed(self.turns) if turn.undone is None), None)

    @property
    def newest(self) -> Hash | None:
        """The digest of the version that the next one is to follow; None for a line that has none yet."""
        return self.last.submission.statement.digest if self.last else None

    @property
    def to_follow(self) -> list[Turn]:
        """The turns that the next version is to follow, the newest first."""
        return [self.last, *self.beneath(self.last)] if self.last else []

    @property
    def waiting(self) -> list[Submission]:
        """What may still come into force: submitted to follow the newest version, and not made use of."""
        mine = [one for one in self.submissions.values() if one.activation is None]
        return list({one.pin: one for one in mine if one.statement.parent == self.newest}.values())

    def called(self, digest: Hash | None) -> str:
        """What people call the version of a digest: `NAME@VERSION`, or the digest itself where nobody submitted it."""
        if digest is None:
            return "nothing"
        return next((one.pin for one in self.submissions.values() if one.statement.digest == digest), digest)

    def beneath(self, turn: Turn) -> list[Turn]:
        """The turns on which one was built, the newest first: none that was undone before it began."""
        return [
            each for each in reversed(self.turns) if each.effective < turn.effective and each.stands(turn.effective)
        ]

    def followed(self, submission: Submission) -> list[Turn] | None:
        """The turns that a submission follows, the newest first: none for a first version.

        None where its parent was only scheduled and never came: nothing can follow it.
        """
        own = next((turn for turn in self.turns if turn.submission is submission), None)
        if own is not None:
            return self.beneath(own)
        if submission.statement.parent is None:
            return []
        alike = [turn for turn in self.turns if turn.submission.statement.digest == submission.statement.parent]
        parent = next((turn for turn in reversed(alike) if turn.undone is None), alike[-1] if alike else None)
        return None if parent is None else [parent, *self.beneath(parent)]

    def undo(self, turn: Turn, at: datetime) -> None:
        """Ends a turn at an instant."""
        self.turns[self.turns.index(turn)] = msgspec.structs.replace(turn, undone=at)

    def fall_from(self, index: int, by: int) -> None:
        """Takes away the turns from an index on."""
        self.fallen += [Fallen(turn=turn, by=by) for turn in self.turns[index:]]
        del self.turns[index:]
