"""Policies of a line from the texts in a store, held against what was signed: their digests, figures and instants.

Whoever asks has looked at the texts. What follows from them by their digests alone is worked out once: a policy is
compiled once, and two are compared once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from rules_engine.errors import DocumentError
from rules_engine.life.store.figures import figures_of
from rules_engine.life.store.guards import Figures, demand
from rules_engine.life.store.lines import Line, Submission, Turn
from rules_engine.life.store.refusals import StoreError, refusal
from rules_engine.life.versions import Gap, PolicyLine
from rules_engine.terms.policy import Policy
from rules_engine.terms.rendering import instant

UNLAWFUL: Final = ("STORE_FIGURES", "STORE_SPAN")
"""What its signers' own programs let pass: nobody is answered by such a version, and where it was undone nobody was."""


class Checked:
    """The policies of a store, each verified as whoever approves it verifies it. May be used by many threads.

    `compiled` gives the policy of a submission from the texts that were signed.
    """

    def __init__(self, compiled: Callable[[Submission], Policy]) -> None:
        self._compiled = compiled
        self._policies: dict[tuple[object, ...], Policy] = {}
        self._figures: dict[tuple[str, ...], Figures] = {}

    def line(self, line: Line, now: datetime) -> PolicyLine:
        """The versions of a line, with the times at which one was in force that cannot be read and was undone by now.

        Those are left out that were undone and should never have been, and those that were built on such a one. Raises
        `StoreError` and `PolicyError` where one that was not undone does not hold.
        """
        found: list[tuple[datetime, Policy, datetime | None]] = []
        unknown: list[Gap] = []
        unlawful: list[int] = []
        for turn in line.turns:
            if any(each.sequence in unlawful for each in line.beneath(turn)):
                continue
            try:
                found.append((turn.effective, self.turn(line, turn), turn.undone))
            except DocumentError as error:
                if turn.undone is None or turn.undone > now:
                    raise
                if error.problems[0].code in UNLAWFUL:
                    unlawful.append(turn.sequence)
                else:
                    unknown.append(Gap(turn.effective, turn.undone, error.problems))
        return PolicyLine.of_turns(found, unknown)

    def turn(self, line: Line, turn: Turn) -> Policy:
        """The policy of a turn, whose instant is one that its text allows, and which has the approvals that it needs.

        Figures that are not those that were signed do no harm where the guards of its time ask for no more by them:
        what counts as looser may be judged otherwise by another version of this software.
        """
        policy, found = self.policy(turn.submission), self._unlike(line, turn.submission)
        if found is not None:
            asked = demand(turn.guards, found)
            if asked.forbidden or asked.approvals > turn.approved:
                raise _false(turn.submission, found)
        check_span(policy, turn.effective)
        return policy

    def whole(self, line: Line, submission: Submission) -> None:
        """Judges a submission and all that it is built on, as whoever loads it does. Raises as `turn` does."""
        for turn in reversed(line.followed(submission) or ()):
            self.turn(line, turn)
        self.any(line, submission)

    def any(self, line: Line, submission: Submission) -> Policy:
        """The policy of a submission, judged as the turn that it became, or else as what waits. Raises as these do."""
        turn = next((turn for turn in line.turns if turn.submission is submission), None)
        return self.submission(line, submission) if turn is None else self.turn(line, turn)

    def submission(self, line: Line, submission: Submission) -> Policy:
        """The policy of a submission, whose figures are true. Raises `StoreError` (`STORE_FIGURES`)."""
        policy, found = self.policy(submission), self._unlike(line, submission)
        if found is not None:
            raise _false(submission, found)
        return policy

    def _unlike(self, line: Line, submission: Submission) -> Figures | None:
        """The figures of a submission where they are not those that were signed; the report's are taken as signed."""
        followed, said = line.followed(submission), submission.statement.figures
        if followed is None:
            return None
        found = self.figures(self.policy(submission), followed)
        found = msgspec.structs.replace(found, newly_liquidatable=said.newly_liquidatable)
        return None if found == said else found

    def policy(self, submission: Submission) -> Policy:
        """The policy of a submission, compiled once."""
        said = submission.statement
        key = submission.pin, said.digest, *sorted(said.documents.items())
        if key not in self._policies:
            self._policies[key] = self._compiled(submission)
        return self._policies[key]

    def parent(self, followed: Sequence[Turn]) -> Policy | None:
        """The newest of the versions that one is to follow; None for a first version."""
        return self.policy(followed[0].submission) if followed else None

    def figures(self, policy: Policy, followed: Sequence[Turn], report: bytes | None = None) -> Figures:
        """The figures of a policy that is to follow these turns, the newest first."""
        parents = self.replaced(policy, followed)
        if report is not None:
            return figures_of(parents[0] if parents else None, policy, report, parents[1:])
        key = policy.digest, *(parent.digest for parent in parents)
        if key not in self._figures:
            self._figures[key] = figures_of(parents[0] if parents else None, policy, None, parents[1:])
        return self._figures[key]

    def replaced(self, policy: Policy, followed: Sequence[Turn]) -> list[Policy]:
        """The versions in the place of which a policy comes: its parent, and for all positions the parent's elders."""
        return self.governing(followed[:1] if policy.applies_to == "new_positions" else followed)

    def governing(self, turns: Sequence[Turn]) -> list[Policy]:
        """The versions of turns, the newest first, that govern positions: none older than one for all of them."""
        found: list[Policy] = []
        for turn in turns:
            found.append(self.policy(turn.submission))
            if found[-1].applies_to == "all_positions":
                break
        return found


def check_span(policy: Policy, effective: datetime) -> None:
    """Whether a version takes effect within the time that its text states."""
    since, until = policy.effective_from, policy.effective_until
    if (since is not None and effective < since) or (until is not None and effective >= until):
        stated = [f"{word} {instant(time)}" for word, time in (("from", since), ("until", until)) if time is not None]
        said = f"by its text {policy.name}@{policy.version} is in force {' '.join(stated)}, not at {instant(effective)}"
        raise refusal("STORE_SPAN", said, "choose another instant, or submit another text")


def _false(submission: Submission, found: Figures) -> StoreError:
    said = submission.statement
    message = f"{submission.pin} was submitted with {words(said.figures)}, and it has {words(found)}"
    return refusal("STORE_FIGURES", message, f"look at entry {said.sequence} and its signers; undo it")


def words(figures: Figures) -> str:
    """Figures as a message says them."""
    return ", ".join(f"{name} {value}" for name, value in msgspec.to_builtins(figures).items())
