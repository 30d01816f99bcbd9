"""Signed statements: what a key says, as bytes that can be read in one way only.

A statement is canonical JSON (as `policy.digest` has it: keys sorted, no spaces, decimals as text) of the fields below
and `action`. Every field is always there. The bytes are signed as they are. Read back, they must come out the same
when they are written again: nothing that two readers could read differently is ever accepted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from rules_engine.life.store.guards import Figures, Guards
from rules_engine.life.store.refusals import refusal
from rules_engine.policy.digest import canonical
from rules_engine.policy.pins import parse_pin
from rules_engine.policy.text import FORBIDDEN

SCHEMA: Final = "rules-engine/statement/1"
LARGEST: Final = 65_536
"""Bytes of a statement; one with a thousand characters of remarks has some two thousand."""
EARLIEST: Final = 1970

Role: TypeAlias = Literal["administrator", "submitter", "approver", "activator"]
"""Who may grant, revoke and set guards; submit; approve; activate and roll back."""
ROLES: Final[tuple[Role, ...]] = ("administrator", "submitter", "approver", "activator")

Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
Hash: TypeAlias = Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}\\Z")]
KeyId: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}\\Z")]
StoreId: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}\\Z")]
KeyText: TypeAlias = Annotated[str, msgspec.Meta(max_length=100)]
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Note: TypeAlias = Annotated[str, msgspec.Meta(max_length=1_000)]
PolicyName: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,64}\\Z")]
Version: TypeAlias = Annotated[str, msgspec.Meta(max_length=160)]
Sequence: TypeAlias = Annotated[int, msgspec.Meta(ge=1, lt=2**53)]


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action"):
    """What every statement says: of which store and which place in its log it is, who signs and when.

    `previous` is the hash of the entry before. `time` is the signer's clock, always after that of the entry before.
    """

    schema: Literal["rules-engine/statement/1"]
    store: StoreId
    sequence: Sequence
    previous: Hash
    signer: KeyId
    time: Instant
    note: Note


class Found(Statement, frozen=True, kw_only=True, tag="found"):
    """The first entry: the first administrator's key, who signs it, and the guards of every line without its own."""

    key: KeyText
    name: Name
    guards: Guards


class Grant(Statement, frozen=True, kw_only=True, tag="grant"):
    """A key gets roles, besides those that it has."""

    key: KeyText
    name: Name
    roles: tuple[Role, ...]


class Revoke(Statement, frozen=True, kw_only=True, tag="revoke"):
    """A key is not to be believed from here on, for ever."""

    key: KeyId


class SetGuards(Statement, frozen=True, kw_only=True, tag="guards"):
    """A policy line gets guards of its own, in the place of those that it has."""

    policy: PolicyName
    guards: Guards


class Versioned(Statement, frozen=True, kw_only=True):
    """A statement on a version, and on the one that it is to follow: its `parent`, None for the first of a line.

    `effective` is when it is to take effect. None leaves it to who activates.
    """

    policy: PolicyName
    version: Version
    digest: Hash
    parent: Hash | None
    effective: Instant | None


class Submit(Versioned, frozen=True, kw_only=True, tag="submit"):
    """A version is proposed: its texts and those that it extends by their SHA-256, what guards look at, the report."""

    documents: dict[str, Hash]
    figures: Figures
    report: Hash | None


class Approve(Versioned, frozen=True, kw_only=True, tag="approve"):
    """A second person stands behind a submission, with the report that was seen."""

    submission: Sequence
    report: Hash | None


class Activate(Versioned, frozen=True, kw_only=True, tag="activate"):
    """A submission takes effect, at `effective`."""

    submission: Sequence


class Rollback(Versioned, frozen=True, kw_only=True, tag="rollback"):
    """The version is undone at once: where it is in force its `parent` comes back, where it is scheduled it falls away.

    Whatever was scheduled after it falls away too.
    """


AnyStatement: TypeAlias = Found | Grant | Revoke | SetGuards | Submit | Approve | Activate | Rollback
_DECODER: Final = msgspec.json.Decoder(AnyStatement)


def encoded(statement: Statement) -> bytes:
    """The bytes of a statement, which are signed."""
    return canonical(msgspec.to_builtins(statement))


def decoded(data: bytes) -> AnyStatement:
    """The statement that these bytes are, exactly. Raises `StoreError` (`AUDIT_MALFORMED`)."""
    if len(data) > LARGEST:
        raise refusal("AUDIT_MALFORMED", f"a statement has at most {LARGEST} bytes")
    try:
        statement: AnyStatement = _DECODER.decode(data)
        again = encoded(statement)
    except (ValueError, RecursionError) as error:  # msgspec's errors, and those of text that is no UTF-8
        raise refusal("AUDIT_MALFORMED", f"this is no statement: {error}") from error
    if again != data:
        raise refusal("AUDIT_MALFORMED", "the statement is not in canonical form")
    if fault := _fault_of(statement):
        raise refusal("AUDIT_MALFORMED", fault)
    return statement


def _fault_of(statement: AnyStatement) -> str:
    """What is wrong with the meaning of a field; empty where nothing is."""
    texts = (statement.note, getattr(statement, "name", ""))
    if any(FORBIDDEN.search(text) or "\n" in text or "\t" in text for text in texts):
        return "a name or a note has characters that nobody can see"
    for time in (statement.time, getattr(statement, "effective", None)):
        if time is not None and (time.utcoffset() != timedelta(0) or time.year < EARLIEST):
            return "a time is not in UTC, or before 1970"
    if isinstance(statement, Grant) and (not statement.roles or list(statement.roles) != sorted(set(statement.roles))):
        return "roles are at least one, sorted, each once"
    if isinstance(statement, Versioned):
        return _fault_of_version(statement)
    return ""


def _fault_of_version(statement: Versioned) -> str:
    pin = f"{statement.policy}@{statement.version}"
    if parse_pin(pin) is None:
        return f"{pin} is no NAME@VERSION"
    if isinstance(statement, Submit):
        if pin not in statement.documents or not all(map(parse_pin, statement.documents)):
            return "the documents are not those of this version"
    elif isinstance(statement, Activate | Rollback) and statement.effective is None:
        return "what takes effect does so at an instant"
    return ""
