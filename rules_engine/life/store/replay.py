"""The log replayed: every entry verified, and what follows from all of them. Nothing else says what is in force.

An entry is accepted if its statement is of this store, of this place in the log and of this chain, if its key was
granted before and not revoked, if the signature is that key's, and if the step is allowed where it stands (`steps`).
Whoever appends a step runs the same verification first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from rules_engine.errors import Problem
from rules_engine.life.store.keys import parse_public_key
from rules_engine.life.store.ledger import Ledger, Step
from rules_engine.life.store.log import NOTHING, Entry, entry_of, hash_of
from rules_engine.life.store.refusals import StoreError, refusal
from rules_engine.life.store.statements import AnyStatement, Found, SetClock, decoded
from rules_engine.life.store.steps import apply
from rules_engine.terms.rendering import instant


def follow(ledger: Ledger, entry: Entry) -> None:
    """Accepts one more entry, or raises `StoreError` with the name of what is wrong with it."""
    statement = decoded(entry.statement)
    _place(ledger, statement, entry)
    _authenticate(ledger, statement, entry)
    head = hash_of(ledger.head, entry.statement, entry.signature)
    if entry.hash != head:
        raise refusal("AUDIT_HASH", f"the hash says {entry.hash:.80}, and it is {head}")
    apply(ledger, statement)
    ledger.add(Step(entry, statement))


def _place(ledger: Ledger, statement: AnyStatement, entry: Entry) -> None:
    """Whether a statement was made for this place of this log."""
    if bool(ledger.steps) == isinstance(statement, Found):
        raise refusal("AUDIT_FOUNDING", "a store is founded once, by its first entry")
    if ledger.steps and statement.store != ledger.store:
        raise refusal("AUDIT_FOREIGN", f"it was signed for the store {statement.store}, this is {ledger.store}")
    if statement.sequence != len(ledger.steps) + 1 or statement.sequence != entry.sequence:
        raise refusal("AUDIT_REPLAYED", f"it was signed as entry {statement.sequence}, not {entry.sequence}")
    if statement.previous != ledger.head:
        raise refusal("AUDIT_CHAIN", f"it was signed after {statement.previous}, what stands there is {ledger.head}")


def _authenticate(ledger: Ledger, statement: AnyStatement, entry: Entry) -> None:
    if isinstance(statement, Found):
        key = parse_public_key(statement.key)[0]
        if key.id != statement.signer:
            raise refusal("AUDIT_SIGNER", "the founder signs with another key than the one that is stated")
    else:
        known = ledger.keys.get(statement.signer)
        if known is None:
            hint = "an administrator grants it a role: rules-engine store grant"
            raise refusal("AUDIT_SIGNER", f"nobody granted the key {statement.signer}", hint)
        if known.revoked is not None:
            raise refusal(
                "AUDIT_REVOKED", f"{known.name}'s key {statement.signer} was revoked by entry {known.revoked}"
            )
        key = known.key
    if not key.verifies(entry.statement, entry.signature):
        raise refusal("AUDIT_SIGNATURE", f"the signature is not that of {statement.signer} under these bytes")
    if ledger.time is not None and statement.time <= ledger.time and not isinstance(statement, SetClock):
        said = f"it says {instant(statement.time)}, and the entry before it says {instant(ledger.time)}"
        raise refusal("AUDIT_TIME", said)


def replay(rows: Iterable[tuple[object, ...]], *, trust: str | None = None, head: str | None = None) -> Ledger:
    """The ledger of the rows of a log. Raises `StoreError` that names the first entry that is not accepted.

    `trust` is the hash of the first entry that is believed. `head` is a hash that was seen before: without it nobody
    can tell whether the last entries were cut off.
    """
    ledger = Ledger()
    for sequence, row in enumerate(rows, 1):
        try:
            entry = entry_of(row, sequence)
            if sequence == 1 and trust is not None:
                _recognise(entry, trust)
            follow(ledger, entry)
        except StoreError as error:
            raise StoreError([_at_entry(problem, sequence) for problem in error.problems]) from error
    if not ledger.steps:
        raise refusal("AUDIT_EMPTY", "nothing founds this store", "rules-engine store init, or the log was emptied")
    if head is not None and all(step.entry.hash != head for step in ledger.steps):
        last = f"it ends with entry {len(ledger.steps)}, {ledger.head}"
        raise refusal("AUDIT_CUT", f"{head} is not in the log: {last}", "its end was cut off, or it is another log")
    return ledger


def known_at(ledger: Ledger, at: datetime) -> Ledger:
    """What a verified log said at an instant, when later steps were not taken yet.

    A step that is dated later, and stands before one that is not, was taken by a clock that was set back since.
    """
    earlier = Ledger()
    known = max((place for place, step in enumerate(ledger.steps, 1) if step.statement.time <= at), default=0)
    for step in ledger.steps[:known]:
        apply(earlier, step.statement)
        earlier.add(step)
    if not earlier.steps:
        since = instant(ledger.steps[0].statement.time)
        raise refusal("STORE_MISSING", f"at {instant(at)} there was no store yet", f"it was founded at {since}")
    return earlier


def _recognise(entry: Entry, trust: str) -> None:
    """Whether the first entry is the one that is believed."""
    found = hash_of(NOTHING, entry.statement, entry.signature)
    if found != trust:
        raise refusal("AUDIT_ANCHOR", f"the store was founded by {found}, and {trust} is trusted")


def _at_entry(problem: Problem, sequence: int) -> Problem:
    return msgspec.structs.replace(problem, document=f"log entry {sequence}")
