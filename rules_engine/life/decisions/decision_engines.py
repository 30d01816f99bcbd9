"""Engines for logged decisions: those of the versions that answered, and of a candidate beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from rules_engine.engine.engine import Engine
from rules_engine.life.answering import Answering, AnsweringInMarket
from rules_engine.life.decisions.decision_documents import market_of
from rules_engine.policy.values import time_of
from rules_engine.terms.evaluation import PolicyIdentity
from rules_engine.terms.policy import Policy

ENGINES_KEPT: Final = 16
"""Engines in markets that are kept at a time: decisions of one market mostly stand together."""


class InMarkets:
    """The engines in markets that were made last."""

    def __init__(self) -> None:
        self._kept: dict[object, AnsweringInMarket] = {}

    def of(self, key: object, make: Callable[[], AnsweringInMarket]) -> AnsweringInMarket:
        """The engine that is kept under a key, or a new one."""
        if key not in self._kept:
            engine = make()
            if len(self._kept) >= ENGINES_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = engine
        return self._kept[key]


class PolicyUnknown(Exception):
    """There is no policy of an identity that a record names, or one of another digest."""

    def __init__(self, identity: PolicyIdentity) -> None:
        self.identity = identity
        super().__init__(
            f"there is no policy {identity.name} {identity.version} with the digest {identity.digest}",
        )


class Engines:
    """Finds the engine of a record, and keeps those that records share.

    Where a record names several versions, it is an engine that answers by when positions were opened, as theirs did.
    """

    def __init__(self, engine_for: Callable[[PolicyIdentity], Answering | None]) -> None:
        self._engine_for = engine_for
        self._known: dict[PolicyIdentity, Answering | None] = {}
        self._made: dict[str, Answering] = {}
        self._in_markets = InMarkets()

    def of(self, record: Mapping[str, Any]) -> Answering:
        """The engine that answered. Raises `PolicyUnknown`."""
        key = _versions(record)
        if key not in self._made:
            engine = self._one(record["policy"])
            if versions := record.get("versions"):
                first, *elders = (self._since(each) for each in versions)
                engine = Engine(first, elders=elders)
            self._made[key] = engine
        return self._made[key]

    def at(self, record: Mapping[str, Any], market: Mapping[str, Any]) -> AnsweringInMarket:
        """The engine that answered in its market. Raises `PolicyUnknown`, and `DocumentError` for the market."""
        return self._in_markets.of(key_of(record), lambda: self.of(record).at(market_of(market)))

    def _one(self, named: Any) -> Answering:
        identity = msgspec.convert(named, PolicyIdentity)
        if identity not in self._known:
            engine = self._engine_for(identity)
            known = engine is not None and engine.policy.digest == identity.digest
            self._known[identity] = engine if known else None
        if (found := self._known[identity]) is None:
            raise PolicyUnknown(identity)
        return found

    def _since(self, named: Mapping[str, Any]) -> Policy:
        """A version, in force since the instant that the record says."""
        return msgspec.structs.replace(self._one(named).policy, effective_from=time_of(named["effective_from"]))


def key_of(record: Mapping[str, Any]) -> tuple[str, str]:
    """By which versions and in which market a record was decided."""
    return _versions(record), record["market_hash"]


def _versions(record: Mapping[str, Any]) -> str:
    return msgspec.json.encode([record["policy"], record.get("versions")]).decode()
