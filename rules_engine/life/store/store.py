"""The store: versions of policies that people submit, approve and put in force, each step signed, in one log.

Every answer comes from the whole log, read and verified anew. A step is a statement that is built on what was read,
verified as any reader will verify it, and added in one transaction: it is in the log whole, or not at all.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from rules_engine.extension.registry import Registry
from rules_engine.life.store.checked import Checked
from rules_engine.life.store.guards import Guards
from rules_engine.life.store.keys import PrivateKey, PublicKey, check_name
from rules_engine.life.store.ledger import Ledger
from rules_engine.life.store.lines import Submission, Turn
from rules_engine.life.store.log import Entry, hash_of, sha256
from rules_engine.life.store.refusals import refusal
from rules_engine.life.store.replay import follow, replay
from rules_engine.life.store.statements import (
    SCHEMA,
    Found,
    Grant,
    Revoke,
    Role,
    SetClock,
    SetGuards,
    Statement,
    encoded,
    fault_of_note,
)
from rules_engine.life.store.tables import Tables
from rules_engine.life.store.texts import Texts, end_of, kept_texts
from rules_engine.policy.pins import parse_pin
from rules_engine.terms.policy import Policy
from rules_engine.terms.rendering import instant

SLACK: Final = timedelta(minutes=1)
"""How far the clocks of two people may differ: a step is then dated just after the one before it."""


Kind = TypeVar("Kind", bound=Statement)


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes a step, at what time by his clock, and what he remarks on it."""

    key: PrivateKey
    now: datetime
    note: str = ""


class Store:
    """A store of policies in a database: a file of SQLite, or `postgresql://...`.

    `trust` is the hash of its first entry, known from elsewhere. Without it everything is verified but where it all
    begins: whoever can write to the database can put another store in its place. `load` therefore demands it. `head` is
    a hash of the log that was seen before, later ones are remembered: a log that does not hold it any more was cut off.
    Refusals are `StoreError`s.
    """

    def __init__(self, url: str | os.PathLike[str], *, trust: str | None = None, head: str | None = None) -> None:
        self.tables = Tables(os.fspath(url))
        self.trust = trust
        self.head = head
        self._checked: tuple[Registry, Checked] | None = None

    def ledger(self) -> Ledger:
        """The whole log, verified; its head is what the next log that is read must still hold."""
        if not self.tables.exists:
            hint = "rules-engine store init founds a store"
            raise refusal("STORE_MISSING", "there is no store", hint, document=self.tables.name)
        head = self.head  # before the entries: another thread may read later ones and note theirs meanwhile
        ledger = replay(self.tables.entries(), trust=self.trust, head=head)
        self.head = ledger.head
        return ledger

    def trusted_ledger(self) -> Ledger:
        """The whole log, of a store that somebody vouches for."""
        if self.trust is None:
            hint = "state the hash that `store init` printed"
            raise refusal("STORE_UNTRUSTED", "nobody says which store is the true one", hint, document=self.tables.name)
        return self.ledger()

    def found(self, name: str, by: Signer, guards: Guards | None = None) -> str:
        """Makes a store with its first administrator, who signs, and gives the hash to trust."""
        check_name(name)
        self.tables.create()
        if self.tables.entries():
            raise refusal("STORE_EXISTS", "this store is founded already", document=self.tables.name)
        ledger = Ledger()
        ledger.store = secrets.token_hex(16)
        self.append(ledger, by, Found, {"key": by.key.public.text, "name": name, "guards": guards or Guards()})
        return ledger.anchor

    def grant(self, public: PublicKey, name: str, roles: Iterable[Role], by: Signer) -> Entry:
        """Gives roles to a key, besides those that it has; an administrator does."""
        check_name(name)
        fields = {"key": public.text, "name": name, "roles": tuple(sorted(set(roles)))}
        return self.append(self.ledger(), by, Grant, fields)

    def revoke(self, key: str, by: Signer) -> Entry:
        """Takes a key, by its id, out of use for ever; an administrator does.

        What is in force stays. What is scheduled falls away where too few people stand behind it without this key.
        """
        return self.append(self.ledger(), by, Revoke, {"key": key})

    def set_guards(self, policy: str, guards: Guards, by: Signer) -> Entry:
        """Gives a policy line guards of its own; an administrator does."""
        check_policy_name(policy)
        return self.append(self.ledger(), by, SetGuards, {"policy": policy, "guards": guards})

    def set_clock(self, by: Signer) -> Entry:
        """Sets the clock of the log back to the signer's, where steps were dated ahead; an administrator does."""
        return self.append(self.ledger(), by, SetClock, {})

    def load(self, name: str, registry: Registry, *, now: datetime) -> Policy:
        """The version in force at an instant, compiled, after all that vouches for it was verified.

        Raises PolicyError too, where this version of the software refuses the policy.
        """
        ledger = self.trusted_ledger()
        line, turn = ledger.line(name), turn_at(ledger, name, now)
        beneath = line.beneath(turn)
        turns = [each for each in line.turns if each.undone is None or each is turn or each in beneath]
        self.check_texts(each.submission for each in turns)
        checked = self.checked(registry)
        policy = [checked.turn(line, each) for each in turns][turns.index(turn)]
        check_not_over(policy, now)
        return policy

    def checked(self, registry: Registry) -> Checked:
        """What verifies policies, and remembers what it has worked out as long as the registry is the same one."""
        known = self._checked
        if known is None or known[0] is not registry:
            known = self._checked = registry, Checked(lambda submission: self.policy_of(submission, registry))
        return known[1]

    def policy_of(self, submission: Submission, registry: Registry) -> Policy:
        """The policy of a submission, compiled from the texts in the store, which must be those that were signed."""
        return self.texts_of(submission, registry).policy

    def texts_of(self, submission: Submission, registry: Registry) -> Texts:
        """The same with all texts that it is made of."""
        said = submission.statement

        def find(pin: str) -> bytes | None:
            return self.text_of(pin, said.documents[pin]) if pin in said.documents else None

        texts = kept_texts(submission.pin, find, registry)
        policy = texts.policy
        if (policy.name, policy.version, policy.digest) != (said.policy, said.version, said.digest):
            raise refusal("DOCUMENT_DIGEST", f"{submission.pin} is {policy.digest}, and {said.digest} was signed")
        return texts

    def text_of(self, pin: str, digest: str) -> bytes:
        """The text that was signed by its SHA-256."""
        return as_signed(pin, digest, self.tables.text(digest))

    def ends(self, ledger: Ledger) -> dict[str, datetime]:
        """When versions that were not undone end by their texts, by their digests; most never do."""
        found = {}
        for turn in (turn for line in ledger.lines.values() for turn in line.turns if turn.undone is None):
            pin, said = turn.submission.pin, turn.submission.statement
            until = end_of(self.text_of(pin, said.documents[pin]), pin)
            if until is not None:
                found[said.digest] = until
        return found

    def check_texts(self, submissions: Iterable[Submission]) -> None:
        """Looks whether all texts of submissions are there and are those that were signed."""
        signed = {digest: pin for each in submissions for pin, digest in each.statement.documents.items()}
        found = self.tables.texts(signed)
        for digest, pin in signed.items():
            as_signed(pin, digest, found.get(digest))

    def append(
        self,
        ledger: Ledger,
        by: Signer,
        kind: type[Kind],
        fields: Mapping[str, Any],
        texts: Mapping[str, bytes] | None = None,
    ) -> Entry:
        """Signs a statement, verifies it as any reader will, and adds it with the texts that it names."""
        data = encoded(stated(ledger, by, kind, fields))
        signature = by.key.sign(data)
        entry = Entry(len(ledger.steps) + 1, data, signature, hash_of(ledger.head, data, signature))
        follow(ledger, entry)
        self.tables.append(entry, texts or {})
        return entry

    def close(self) -> None:
        """Closes all connections."""
        self.tables.close()


def check_policy_name(name: str) -> None:
    """Whether a policy can have this name."""
    if parse_pin(f"{name}@0.0.0") is None:
        hint = "wanted 1 to 64 small letters, digits and hyphens, such as usdt-perpetuals"
        raise refusal("NAME_INVALID", f"{name!a:.100} is no policy name", hint)


def as_signed(pin: str, digest: str, data: object) -> bytes:
    """The text that a database holds, if it is the one that was signed by its SHA-256."""
    if data is None:
        raise refusal("DOCUMENT_MISSING", f"the text of {pin}, {digest}, is not in the store")
    if type(data) is not bytes or sha256(data) != digest:
        raise refusal("DOCUMENT_ALTERED", f"the text of {pin} is not the one that was signed, {digest}")
    return data


def stated(ledger: Ledger, by: Signer, kind: type[Kind], fields: Mapping[str, Any]) -> Kind:
    """The statement that somebody would sign next."""
    if fault := fault_of_note(by.note):
        raise refusal("STORE_NOTE", fault, "state it again, on one line")
    header: dict[str, Any] = {
        "schema": SCHEMA,
        "store": ledger.store,
        "sequence": len(ledger.steps) + 1,
        "previous": ledger.head,
        "signer": by.key.public.id,
        "time": zoned(by.now) if kind is SetClock else step_time(ledger, by.now),
        "note": by.note,
    }
    return kind(**header, **fields)


def step_time(ledger: Ledger, now: datetime) -> datetime:
    """The time of the next step: now, or just after the step before it, which a faster clock has taken."""
    time = zoned(now)
    if ledger.time is None or ledger.time < time:
        return time
    if ledger.time - time > SLACK:
        said = f"the last step was taken at {instant(ledger.time)}, and it is {instant(time)}"
        hint = "of the two clocks one is wrong: set yours, or let an administrator set the log's (store clock)"
        raise refusal("STORE_CLOCK", said, hint)
    return ledger.time + timedelta.resolution


def turn_at(ledger: Ledger, name: str, now: datetime) -> Turn:
    """The turn of a policy line that is in force at an instant."""
    at = zoned(now)
    line = ledger.line(name)
    turn = line.at(at)
    if turn is None:
        coming = [f"{each.submission.pin} is from {instant(each.effective)} on" for each in line.scheduled(at)]
        hint = ", ".join(coming) or "submit, approve and activate one"
        raise refusal("VERSION_NONE", f"no version of {name} is in force at {instant(at)}", hint)
    return turn


def check_not_over(policy: Policy, now: datetime) -> None:
    """Whether a version that a store puts in force is, by its own text, not over yet."""
    if policy.effective_until is not None and zoned(now) >= policy.effective_until:
        said = f"{policy.name}@{policy.version} was in force until {instant(policy.effective_until)}"
        raise refusal("VERSION_NONE", said, "submit, approve and activate another one")


def zoned(time: datetime) -> datetime:
    """An instant in UTC; a time without a zone is none."""
    if time.tzinfo is None:
        raise refusal("TIME_NAIVE", f"{time.isoformat()} has no zone, so it is no instant", "state one, as in ...Z")
    return time.astimezone(UTC)
