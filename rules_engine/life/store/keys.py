"""Ed25519 keys (RFC 8032): people are known to the store by nothing else.

A private key is a file of its own (PEM, PKCS 8), with a passphrase or without. A public key is one line,
`ed25519:BASE64 NAME`. The id of a key is the first 128 bits of the SHA-256 of its 32 bytes, in hexadecimal digits: too
many for a second key with the same id to be found.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from rules_engine.life.store.refusals import refusal

ALGORITHM: Final = "ed25519"
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
"""Lengths of public keys and signatures (RFC 8032, section 5.1)."""
ID_DIGITS: Final = 32
LARGEST_FILE: Final = 10_000
"""Bytes of a key file; PKCS 8 of such a key has about 120, with a passphrase 300."""
PUBLIC: Final = ".pub"
"""What the name of a public key's file ends in."""

_PRIVATE: Final = "PRIVATE KEY-----"
"""What the first line of every private key in PEM ends in, encrypted or not (RFC 7468, sections 10 and 11)."""
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_FIELD: Final = 2**255 - 19
"""The field of edwards25519 (RFC 8032, section 5.1)."""
_SIGN: Final = 1 << 255
_SMALL: Final = frozenset(
    {
        0,
        1,
        _FIELD - 1,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    }
)
"""The y coordinates of the points whose order divides 8: for such a "key" signatures can be made without any secret."""


class PublicKey(msgspec.Struct, frozen=True):
    """The 32 bytes of a public key that only the holder of its private key can sign for."""

    raw: bytes

    @property
    def id(self) -> str:
        """What statements and people call the key."""
        return hashlib.sha256(self.raw).hexdigest()[:ID_DIGITS]

    @property
    def text(self) -> str:
        """`ed25519:BASE64`."""
        return f"{ALGORITHM}:{base64.b64encode(self.raw).decode()}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature of this message was made with the private key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class PrivateKey:
    """A private key; it shows itself to nobody."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = PublicKey(private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.id})"

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""
        return self._private.sign(message)

    def pem(self, passphrase: str = "") -> bytes:
        """The file of the key, encrypted where there is a passphrase."""
        encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def check_name(name: str) -> None:
    """Whether a name can be taken for no other one: letters that look alike, and spaces, are none of it."""
    if _NAME(name) is None:
        hint = "wanted 1 to 64 of the letters A to Z and a to z, digits, and . _ -"
        raise refusal("KEY_NAME", f"{name!a:.100} is no name for a key", hint)


def new_key() -> PrivateKey:
    """A key that nobody has yet."""
    return PrivateKey(Ed25519PrivateKey.generate())


def parse_public_key(text: str, document: str = "") -> tuple[PublicKey, str]:
    """The key and the name of a line `ed25519:BASE64 NAME`; the name may be missing. Raises `StoreError`.

    `document` is the file in which the line stands.
    """
    if _PRIVATE in text:
        hint = f"the public one is {document or 'FILE'}{PUBLIC}"
        raise refusal("KEY_INVALID", "this is a private key, and a public one is wanted", hint, document=document)
    spelled, _, name = text.strip().partition(" ")
    algorithm, _, encoded = spelled.partition(":")
    try:
        raw = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    key = PublicKey(raw)
    if algorithm != ALGORITHM or len(raw) != KEY_BYTES or key.text != spelled:
        hint = f"wanted {ALGORITHM}:BASE64 NAME, on one line"
        raise refusal("KEY_INVALID", "this is no public key", hint, document=document)
    point = int.from_bytes(raw, "little") % _SIGN
    if point in _SMALL or point >= _FIELD:
        said = f"signatures for {spelled} can be made without a private key"
        raise refusal("KEY_WEAK", said, "make another key", document=document)
    return key, name.strip()


def read_private_key(path: str | os.PathLike[str], passphrase: Callable[[], str] = str) -> PrivateKey:
    """The private key in a file; the passphrase is asked for where there is one. Raises OSError and `StoreError`."""
    file = Path(path)
    data = file.read_bytes()[:LARGEST_FILE]
    if data.lstrip().startswith(f"{ALGORITHM}:".encode()):
        hint = (
            f"the private one is {str(file).removesuffix(PUBLIC)}" if file.suffix == PUBLIC else "wanted a private one"
        )
        raise refusal("KEY_INVALID", "this is a public key", hint, document=str(file))
    if os.name == "posix" and _PRIVATE.encode() in data and file.stat().st_mode & 0o077:
        raise refusal("KEY_EXPOSED", "others may read this private key", f"chmod 600 {file}", document=str(file))
    try:
        secret = passphrase().encode() if b"ENCRYPTED" in data else None
        private = load_pem_private_key(data, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        hint = "the passphrase may be wrong" if b"ENCRYPTED" in data else "wanted PEM, PKCS 8, Ed25519"
        raise refusal("KEY_INVALID", "no private key can be read from it", hint, document=str(file)) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise refusal("KEY_INVALID", "it is a key of another kind", "wanted Ed25519", document=str(file))
    return PrivateKey(private)


def write_key(path: str | os.PathLike[str], key: PrivateKey, passphrase: str = "", name: str = "") -> Path:
    """Writes the private key, and beside it `PATH.pub`, whose path comes back; never over a file that is there."""
    public = Path(f"{os.fspath(path)}{PUBLIC}")
    _write(public, f"{key.public.text} {name}".strip().encode() + b"\n", 0o644)
    try:
        _write(Path(path), key.pem(passphrase), 0o600)
    except OSError:
        public.unlink()
        raise
    return public


def _write(path: Path, data: bytes, permissions: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, permissions)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
