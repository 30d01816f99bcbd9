"""Statements: bytes that can be read in one way, or not at all."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any

import msgspec
import pytest

from rules_engine.life.store.guards import Figures, Guards
from rules_engine.life.store.log import NOTHING
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.statements import LARGEST, SCHEMA, Found, Grant, Submit, decoded, encoded
from tests.life.people import START, key

HEADER: dict[str, Any] = {
    "schema": SCHEMA,
    "store": 32 * "a",
    "sequence": 3,
    "previous": NOTHING,
    "signer": key("ada").public.id,
    "time": START,
    "note": "",
}
GRANT = Grant(**HEADER, key=key("mira").public.text, name="mira", roles=("approver",))
SUBMIT = Submit(
    **HEADER,
    policy="majors",
    version="1.0.0",
    digest=NOTHING,
    parent=None,
    effective=None,
    documents={"majors@1.0.0": NOTHING},
    figures=Figures(compared=False),
    report=None,
)


def test_statement__is_the_canonical_json_of_its_fields() -> None:
    """Keys sorted, no spaces, every field there: the bytes of this one, written out."""
    assert encoded(GRANT).decode() == (
        '{"action":"grant","key":"' + key("mira").public.text + '","name":"mira","note":"",'
        '"previous":"sha256:' + 64 * "0" + '","roles":["approver"],"schema":"rules-engine/statement/1","sequence":3,'
        '"signer":"' + key("ada").public.id + '","store":"' + 32 * "a" + '","time":"2026-12-01T08:00:00Z"}'
    )
    assert decoded(encoded(GRANT)) == GRANT
    assert decoded(encoded(SUBMIT)) == SUBMIT


def refused(data: bytes) -> None:
    """Whether these bytes are no statement."""
    with pytest.raises(StoreError) as caught:
        decoded(data)
    assert caught.value.code == "AUDIT_MALFORMED"


def test_bytes__in_another_form_are_refused() -> None:
    """The same JSON in other words: spaces, order, escapes, a key twice, a number for another."""
    data = encoded(GRANT)
    document = json.loads(data)
    for other in (
        data + b"\n",
        data.replace(b",", b", "),
        json.dumps(document, separators=(",", ":")).encode().replace(b'"note"', b'"\\u006eote"'),
        json.dumps(dict(reversed(document.items())), separators=(",", ":")).encode(),
        data.replace(b'"name":"mira"', b'"name":"eve","name":"mira"'),
        data.replace(b'"sequence":3', b'"sequence":3.0'),
        data.replace(b'"sequence":3', b'"sequence":"3"'),
        data.replace(b'"sequence":3', b'"sequence":03'),
        data.replace(b"08:00:00Z", b"08:00:00.000Z"),
        data.replace(b"08:00:00Z", b"08:00:00+00:00"),
        b"\xef\xbb\xbf" + data,
        data.replace(b"mira", b"mir\xe9"),
        data.replace(b'"name":"mira"', b'"name":"\\ud800"'),
        b"[" * 50_000,
        b"",
        bytes(LARGEST + 1),
    ):
        refused(other)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 0},
        {"sequence": 2**53},
        {"store": "a"},
        {"store": 32 * "a" + "\n"},
        {"previous": "sha256:"},
        {"signer": 32 * "A"},
        {"time": START.astimezone(timezone(timedelta(hours=2)))},
        {"time": START.replace(tzinfo=None)},
        {"time": START.replace(year=1969)},
        {"note": "a\u202eb"},
        {"note": "a\nb"},
        {"name": ""},
        {"roles": ()},
        {"roles": ("submitter", "approver")},
        {"roles": ("approver", "approver")},
        {"roles": ("auditor",)},
        {"schema": "rules-engine/statement/2"},
    ],
)
def test_field__out_of_bounds_is_refused(changes: dict[str, Any]) -> None:
    """Of a grant: each field with a value that it may not have."""
    refused(encoded(msgspec.structs.replace(GRANT, **changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "1.0"},
        {"version": "1.0.0\n"},
        {"policy": "Majors"},
        {"documents": {}},
        {"documents": {"majors@1.0.0": NOTHING, "x": NOTHING}},
        {"documents": {"majors@1.0.0": "sha256:0"}},
    ],
)
def test_field__of_a_version_out_of_bounds_is_refused(changes: dict[str, Any]) -> None:
    """Of a submission: names, versions and texts that are none."""
    refused(encoded(msgspec.structs.replace(SUBMIT, **changes)))


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "-0.1", "1E+999999999", "1e-40"])
def test_figure__that_is_no_number_is_refused(figure: str) -> None:
    """Guards compare them: what is not a number is above nothing."""
    data = encoded(SUBMIT).replace(b'"rate_change":null', f'"rate_change":"{figure}"'.encode())
    refused(data)


def test_guards__are_part_of_the_founding() -> None:
    """And come back as they were."""
    founding = Found(**HEADER, key=key("ada").public.text, name="ada", guards=Guards(approvals=2, looser="forbid"))
    assert decoded(encoded(founding)) == founding
