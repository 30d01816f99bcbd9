"""A small risk department: its people and their keys, its policy in several versions, a store that they share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import rules_engine_standard_modes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rules_engine.extension.registry import build_registry
from rules_engine.life.store.changes import activate, approve, submit
from rules_engine.life.store.finding import submitted
from rules_engine.life.store.guards import Figures, Guards
from rules_engine.life.store.keys import PrivateKey
from rules_engine.life.store.log import sha256
from rules_engine.life.store.statements import Role, Statement
from rules_engine.life.store.steps import SAID_OF_A_VERSION
from rules_engine.life.store.store import Signer, Store
from rules_engine.life.store.texts import Texts, read_texts

REGISTRY = build_registry([rules_engine_standard_modes])
START = datetime(2026, 12, 1, 8, tzinfo=UTC)
NAME = "usdt-perpetuals"

BASE = """\
schema: rules-engine/policy/1
policy: house-base
version: 1.0.0
settlement: {currency: USDT, quantum: 0.01}
tables: {}
modes: {isolated: {}}
instruments: {}
"""

POLICY = """\
schema: rules-engine/policy/1
policy: usdt-perpetuals
version: VERSION
extends: house-base@1.0.0
tables:
  majors: {tiers: [{up_to: unlimited, maintenance_rate: RATE, max_leverage: 10}]}
instruments: {BTCUSDT: {payoff: linear, table: majors}}
"""

ROLES: Mapping[str, tuple[Role, ...]] = {
    "sam": ("submitter",),
    "mira": ("approver",),
    "noor": ("approver", "submitter"),
    "otto": ("activator",),
}


def key(name: str) -> PrivateKey:
    """Somebody's private key, the same in every test."""
    return PrivateKey(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


def at(hours: int) -> datetime:
    """An instant so many hours after the beginning."""
    return START + timedelta(hours=hours)


def by(name: str, hours: int = 0, note: str = "") -> Signer:
    """Somebody who takes a step, so many hours after the beginning."""
    return Signer(key=key(name), now=at(hours), note=note)


def texts(folder: Path, version: str, rate: str = "0.01", extra: str = "") -> Texts:
    """A version of the policy with this maintenance rate."""
    root = folder / "policies"
    for name, number, text in (("house-base", "1.0.0", BASE), (NAME, version, POLICY)):
        file = root / name / f"{number}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("VERSION", version).replace("RATE", rate) + extra, encoding="utf-8")
    (root / "house-base" / "1.0.0.yaml").write_text(BASE, encoding="utf-8")
    return read_texts(root / NAME / f"{version}.yaml", REGISTRY)


def founded(url: str, guards: Guards | None = None) -> Store:
    """A store with its people, who trust it."""
    store = Store(url)
    trust = store.found("ada", by("ada"), guards)
    store = Store(url, trust=trust)
    for name, roles in ROLES.items():
        store.grant(key(name).public, name, roles, by("ada"))
    return store


def put_in_force(store: Store, version: Texts, hours: int = 0, effective: datetime | None = None) -> None:
    """Takes a version through its three steps."""
    submit(store, version, REGISTRY, by("sam", hours))
    approve(store, version.pin, REGISTRY, by("mira", hours))
    activate(store, version.pin, REGISTRY, by("otto", hours), at=effective)


def forged(
    store: Store, name: str, hours: int, kind: type[Statement], fields: Mapping[str, object], texts: Texts | None = None
) -> None:
    """A step by somebody's own program: signed, in its place, and of fields that ours would not sign."""
    store.append(store.ledger(), by(name, hours), kind, fields, texts.documents if texts else None)


def submission_fields(store: Store, version: Texts, **fields: object) -> dict[str, object]:
    """What a submission says of a version; `fields` instead of what it should say."""
    said = {
        "policy": version.policy.name,
        "version": version.policy.version,
        "digest": version.policy.digest,
        "parent": store.ledger().line(NAME).newest,
        "effective": None,
        "documents": {pin: sha256(data) for pin, data in version.documents.items()},
        "figures": Figures(compared=True, rate_change=Decimal("0.01"), looser=False),
        "report": None,
    }
    return said | fields


def activation_fields(store: Store, pin: str, **fields: object) -> dict[str, object]:
    """What an approval or an activation says of the newest submission of a version; `fields` beside or instead."""
    sequence, submission = submitted(store.ledger(), pin)
    said = {name: getattr(submission.statement, name) for name in SAID_OF_A_VERSION}
    return said | {"submission": sequence} | fields


def guards(**settings: object) -> Guards:
    """Guards as an administrator writes them."""
    return msgspec.convert(settings, Guards, strict=False)
