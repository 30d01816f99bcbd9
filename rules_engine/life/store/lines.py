"""The line of one policy as its log tells it: what was submitted and approved, and what is in force when."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

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

    `approvals` is how many the guards asked for at that time.
    """

    effective: datetime
    sequence: int
    signer: str
    submission: Submission
    approvals: int
    rolled_back: bool = False


class Fallen(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that was scheduled and never came, and the entry that took it away."""

    turn: Turn
    by: int


class Line(msgspec.Struct, kw_only=True):
    """One policy: its submissions by sequence, and its turns, whose instants rise.

    A turn may be added only after all others, so what was in force at an instant that has passed never changes.
    """

    name: str
    submissions: dict[int, Submission] = {}
    turns: list[Turn] = []
    fallen: list[Fallen] = []

    def at(self, instant: datetime) -> Turn | None:
        """The turn in force at an instant; None before the first."""
        return next((turn for turn in reversed(self.turns) if turn.effective <= instant), None)

    def scheduled(self, instant: datetime) -> list[Turn]:
        """The turns that are still to come."""
        return [turn for turn in self.turns if turn.effective > instant]

    @property
    def last(self) -> Turn | None:
        """The turn after which the next one would come."""
        return self.turns[-1] if self.turns else None

    @property
    def newest(self) -> Hash | None:
        """The digest of the version that the next one is to follow; None for a line that has none yet."""
        return self.last.submission.statement.digest if self.last else None

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

    def activated(self, digest: Hash) -> Submission | None:
        """The submission by which a version of this digest was in force."""
        return next(
            (turn.submission for turn in reversed(self.turns) if turn.submission.statement.digest == digest), None
        )

    def fall_from(self, index: int, by: int) -> None:
        """Takes away the turns from an index on."""
        self.fallen += [Fallen(turn=turn, by=by) for turn in self.turns[index:]]
        del self.turns[index:]
