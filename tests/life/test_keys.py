"""Keys: files that nobody else may read, lines that can be read in one way, points for which only one person signs."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rules_engine.life.store.keys import _SMALL, PublicKey, new_key, parse_public_key, read_private_key, write_key
from rules_engine.life.store.refusals import StoreError
from tests.life.people import key

FIELD = 2**255 - 19
CURVE = -121665 * pow(121666, -1, FIELD) % FIELD
"""The field and the constant d of edwards25519 (RFC 8032, section 5.1)."""
# RFC 8032, section 7.1, test 2: the public key, a message of one byte and its signature.
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def code_of(text: str) -> str:
    """The code with which a line is refused."""
    with pytest.raises(StoreError) as caught:
        parse_public_key(text)
    return caught.value.code


def line(raw: bytes) -> str:
    """The line of a key with these bytes."""
    return f"ed25519:{base64.b64encode(raw).decode()}"


def test_signature__of_the_standard_is_known() -> None:
    """RFC 8032, section 7.1, test 2; and nothing else passes for it."""
    assert PublicKey(PUBLIC).verifies(b"\x72", SIGNATURE)
    assert not PublicKey(PUBLIC).verifies(b"\x73", SIGNATURE)
    assert not PublicKey(PUBLIC).verifies(b"\x72", SIGNATURE[:-1] + b"\x01")
    assert not PublicKey(bytes([1, *bytes(31)])).verifies(b"", b"")


def test_public_key__comes_back_from_its_line() -> None:
    """With the name that stands behind it."""
    assert parse_public_key(f"{line(PUBLIC)} Mira Q.\n") == (PublicKey(PUBLIC), "Mira Q.")
    assert parse_public_key(line(PUBLIC)) == (PublicKey(PUBLIC), "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ed25519:",
        line(PUBLIC[:-1]),
        line(PUBLIC + b"\0"),
        line(PUBLIC).replace("ed25519", "rsa"),
        line(PUBLIC)[:-1],
        line(PUBLIC)[:-2] + "B=",
        line(PUBLIC).replace("=", "\u2050"),
    ],
)
def test_public_key__that_is_none_is_refused(text: str) -> None:
    """Nor is one accepted that is spelled in a second way."""
    assert code_of(text) == "KEY_INVALID"


def added(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """The sum of two points (RFC 8032, section 5.1.4, in affine form)."""
    (x, y), (u, v) = one, other
    cross = CURVE * x * u * y * v
    return (
        (x * v + y * u) * pow(1 + cross, -1, FIELD) % FIELD,
        (y * v + x * u) * pow(1 - cross, -1, FIELD) % FIELD,
    )


def root_of(square: int) -> int:
    """A square root in the field (RFC 8032, section 5.1.3)."""
    root = pow(square, (FIELD + 3) // 8, FIELD)
    return root if root * root % FIELD == square % FIELD else root * pow(2, (FIELD - 1) // 4, FIELD) % FIELD


def test_weak_keys__are_the_points_that_eight_times_are_nothing() -> None:
    """Each of the five has order 1, 2, 4 or 8; in every spelling they are refused."""
    for y in _SMALL:
        x = root_of((y * y - 1) * pow(CURVE * y * y + 1, -1, FIELD))
        assert (y * y - x * x - 1 - CURVE * x * x * y * y) % FIELD == 0
        point = (x, y)
        for _ in range(3):
            point = added(point, point)
        assert point == (0, 1)
        for sign in (0, 1 << 255):
            assert code_of(line((y | sign).to_bytes(32, "little"))) == "KEY_WEAK"
    for y in range(FIELD, 2**255):
        assert code_of(line(y.to_bytes(32, "little"))) == "KEY_WEAK"


def test_weak_key__would_sign_anything() -> None:
    """Why they are refused: one signature, made without a key, holds for a message for which it was never made."""
    neutral = PublicKey(bytes([1, *bytes(31)]))
    assert neutral.verifies(b"anything", bytes([1, *bytes(63)]))


def test_private_key__is_written_for_its_owner_alone(tmp_path: Path) -> None:
    """And never over another one."""
    file = tmp_path / "mira.key"
    public = write_key(file, key("mira"), name="mira")
    assert file.stat().st_mode & 0o777 == 0o600
    assert parse_public_key(public.read_text()) == (key("mira").public, "mira")
    assert read_private_key(file).public == key("mira").public
    with pytest.raises(FileExistsError):
        write_key(file, new_key())
    assert read_private_key(file).public == key("mira").public


def test_private_key__with_a_passphrase(tmp_path: Path) -> None:
    """It is not read without it, nor with another one."""
    file = tmp_path / "mira.key"
    write_key(file, key("mira"), "open sesame")
    assert read_private_key(file, lambda: "open sesame").public == key("mira").public
    for wrong in ("", "close sesame"):
        with pytest.raises(StoreError, match="KEY_INVALID"):
            read_private_key(file, lambda wrong=wrong: wrong)  # type: ignore[misc]


def test_private_key__that_others_may_read_is_refused(tmp_path: Path) -> None:
    """As ssh does it."""
    file = tmp_path / "mira.key"
    write_key(file, key("mira"))
    file.chmod(0o640)
    with pytest.raises(StoreError, match="KEY_EXPOSED"):
        read_private_key(file)


def test_private_key__for_which_a_public_one_is_given_is_named(tmp_path: Path) -> None:
    """Everybody may read a public key, so that is not what is wrong with it; nor with a directory."""
    public = write_key(tmp_path / "mira.key", key("mira"))
    with pytest.raises(StoreError, match=r"mira\.key\.pub: KEY_INVALID this is a public key \(.* is .*mira\.key\)"):
        read_private_key(public)
    other = public.rename(tmp_path / "mira.txt")
    with pytest.raises(StoreError, match=r"mira\.txt: KEY_INVALID this is a public key \(wanted a private one\)"):
        read_private_key(other)
    with pytest.raises(IsADirectoryError):
        read_private_key(tmp_path)


@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_public_key__for_which_a_private_one_is_given_is_named(passphrase: str) -> None:
    """With the file, which is for nobody but its owner."""
    said = r"^mira\.key: KEY_INVALID this is a private key, .* \(the public one is mira\.key\.pub\)$"
    with pytest.raises(StoreError, match=said):
        parse_public_key(key("mira").pem(passphrase).decode(), "mira.key")
    with pytest.raises(StoreError, match=r"^mira\.key: KEY_INVALID this is no public key"):
        parse_public_key("mira", "mira.key")


def test_private_key__of_another_kind_is_refused(tmp_path: Path) -> None:
    """And so is a file of something else."""
    file = tmp_path / "other.key"
    other = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for data in (other, b"", b"something else"):
        file.write_bytes(data)
        file.chmod(0o600)
        with pytest.raises(StoreError, match="KEY_INVALID"):
            read_private_key(file)


def test_private_key__does_not_show_itself() -> None:
    """Not in a log, not in a traceback."""
    assert repr(key("mira")) == f"PrivateKey({key('mira').public.id})"
