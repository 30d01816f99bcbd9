"""What a step did, in a sentence: what is in force from when on, and what else it changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules_engine.life.store.ledger import Ledger
    from rules_engine.life.store.lines import Line, Turn
    from rules_engine.life.store.log import Entry


def activated(ledger: Ledger, entry: Entry) -> str:
    """A version came into force, or is to."""
    from rules_engine.terms.rendering import instant

    said = _statement(ledger, entry)
    line, pin = ledger.line(said.policy), f"{said.policy}@{said.version}"
    since, before = instant(said.effective), line.called(said.parent)
    if said.effective <= said.time:
        return f"{pin} is in force from {since} on" + ("" if said.parent is None else f", in the place of {before}")
    current = line.at(said.time)
    if current is None:
        until = f"{before}, which is scheduled too, comes first" if said.parent else "until then no version is in force"
    elif current.submission.statement.digest == said.parent:
        until = f"until then {before} stays in force"
    else:
        until = f"until then {current.submission.pin} stays in force, and then {before}, which is scheduled too"
    return f"{pin} is scheduled for {since}; {until}"


def undone(ledger: Ledger, entry: Entry) -> str:
    """A version was rolled back, and all that was scheduled after it."""
    from rules_engine.terms.rendering import instant

    said = _statement(ledger, entry)
    line, pin = ledger.line(said.policy), f"{said.policy}@{said.version}"
    current = line.at(said.time)
    there = "no version" if current is None else current.submission.pin
    again = current is not None and any(turn.undone == said.time for turn in line.turns)
    now = f"{there} is in force again from {instant(said.time)} on" if again else f"{there} stays in force"
    lost = [turn.submission.pin for turn in _fallen(line, entry) if turn.submission.pin != pin]
    return f"{pin} is undone; {now}" + "".join(f"; {each}, which was to follow, never comes" for each in lost)


def revoked(ledger: Ledger, entry: Entry) -> str:
    """A key was revoked, and what does not stand any more without it."""
    from rules_engine.terms.rendering import instant

    said = _statement(ledger, entry)
    told = [f"{ledger.keys[said.key].name}'s key {said.key} is revoked"]
    for _, line in sorted(ledger.lines.items()):
        told += [f"{turn.submission.pin}, which was scheduled, never comes" for turn in _fallen(line, entry)]
        told += [
            f"{turn.submission.pin} stays scheduled for {instant(turn.effective)}{_unsigned(ledger, turn)}"
            for turn in line.scheduled(said.time)
            if not ledger.sustains(turn)
        ]
        told += _left_behind(ledger, line, said.key)
    return "; ".join(told)


def set_back(ledger: Ledger, entry: Entry) -> str:
    """The clock of the log was set back, and what now is still to come, for somebody to look at."""
    from rules_engine.terms.rendering import instant

    time, told = _statement(ledger, entry).time, ["the clock of the log is set back"]
    for _, line in sorted(ledger.lines.items()):
        current = line.at(time)
        if current is not None and current.undone is not None:
            told.append(f"{current.submission.pin} is undone from {instant(current.undone)} on: roll it back again")
        for turn in line.scheduled(time):
            ends = "" if turn.undone is None else f", undone from {instant(turn.undone)} on"
            told.append(
                f"{turn.submission.pin} is scheduled for {instant(turn.effective)}{ends}{_unsigned(ledger, turn)}"
            )
    return "; ".join(told)


def _unsigned(ledger: Ledger, turn: Turn) -> str:
    """That a turn to come has lost people who stood behind it, where it has."""
    return "" if ledger.sustains(turn) else ", with keys behind it that are revoked: roll it back if it must not come"


def guarded(ledger: Ledger, policy: str) -> str:
    """A policy has other guards, and what waits now needs."""
    line = ledger.line(policy)
    told = [f"{one.pin} waits: it {ledger.progress(one)}" for one in line.waiting]
    if not line.submissions:
        told = [f"no version of {policy} was submitted yet"]
    return "; ".join([f"guards of {policy} are set", *told])


def _left_behind(ledger: Ledger, line: Line, key: str) -> Iterator[str]:
    """What waits, and was submitted or approved by a key that does not count any more."""
    for one in line.waiting:
        if one.statement.signer == key:
            yield f"{one.pin}, which it submitted, is to be submitted again by somebody else"
        elif any(approval.signer == key for approval in one.approvals):
            yield f"{one.pin} waits: it {ledger.progress(one)}"


def _fallen(line: Line, entry: Entry) -> list[Turn]:
    return [fallen.turn for fallen in line.fallen if fallen.by == entry.sequence]


def _statement(ledger: Ledger, entry: Entry) -> Any:
    return ledger.steps[entry.sequence - 1].statement
