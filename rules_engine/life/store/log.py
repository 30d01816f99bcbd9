"""The audit log: entries in a chain of hashes, each signed, and nothing beside them that says anything.

The hash of an entry is the SHA-256 of the hash before it (32 bytes, zeros before the first), the statement and the
signature (64 bytes). Each statement repeats the hash before it, so whoever signs an entry signs all that came before.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from rules_engine.life.store.keys import SIGNATURE_BYTES
from rules_engine.life.store.refusals import refusal

_PREFIX: Final = "sha256:"
NOTHING: Final = _PREFIX + 64 * "0"
"""What stands for the entry before the first."""


class Entry(msgspec.Struct, frozen=True):
    """A row of the log. `hash` is repeated for those who read it without computing; it is never believed."""

    sequence: int
    statement: bytes
    signature: bytes
    hash: str


def hash_of(previous: str, statement: bytes, signature: bytes) -> str:
    """The hash of an entry, as `sha256:<hexadecimal digits>`."""
    return sha256(bytes.fromhex(previous.removeprefix(_PREFIX)) + statement + signature)


def sha256(data: bytes) -> str:
    """`sha256:` and the hexadecimal digits."""
    return _PREFIX + hashlib.sha256(data).hexdigest()


def entry_of(row: tuple[object, ...], sequence: int) -> Entry:
    """The entry that a row of the database is, which must be the one of this sequence. Raises `StoreError`."""
    number, statement, signature, stored = row
    if type(number) is not int or number != sequence:
        raise refusal("AUDIT_ORDER", f"the entry says {number!r:.40}, wanted {sequence}: one is missing, or moved")
    if type(signature) is not bytes or len(signature) != SIGNATURE_BYTES:
        raise refusal("AUDIT_UNSIGNED", "the entry has no signature")
    if type(statement) is not bytes:
        raise refusal("AUDIT_MALFORMED", "the statement is not made of bytes")
    if type(stored) is not str:
        raise refusal("AUDIT_HASH", "the entry has no hash")
    return Entry(number, statement, signature, stored)
