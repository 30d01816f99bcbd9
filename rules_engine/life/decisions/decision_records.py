"""What stands in a decision log: a record for each decision, beside those that the log writes of itself.

Members common to decisions: `decision` (its id), `kind`, `time`, `policy`, `as_of`. See docs/decision-log.md.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from rules_engine.life.decisions.decision_documents import (
    account_document,
    answer_document,
    hash_of,
    input_hash,
    market_document,
    order_document,
)
from rules_engine.life.decisions.decision_masks import Mask
from rules_engine.terms.account import Account, Order
from rules_engine.terms.evaluation import Evaluation, OrderDecision, PolicyIdentity
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy
from rules_engine.terms.rendering import instant

if TYPE_CHECKING:
    from rules_engine.engine.book import Book
    from rules_engine.engine.sweep import Sweep

Kind: TypeAlias = Literal["evaluate", "order", "sweep"]
KINDS: Final = ("evaluate", "order", "sweep")
"""The kinds of records that are decisions."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


class LoggedMarket(msgspec.Struct, frozen=True):
    """A market's hash and its record, worked out once for all decisions in it."""

    hash: str
    record: bytes


class Entry(msgspec.Struct, frozen=True):
    """A record on its way into the log, as JSON, and the market that has to stand there before it."""

    record: bytes
    market: LoggedMarket | None = None


class Manner(msgspec.Struct, frozen=True):
    """How a log writes decisions: what it masks, and whether it keeps `inputs`, without which nothing can be replayed,
    and `answers` beside their hashes. `by_position` are the modes that call pools by positions, where ids are masked,
    `versions` those of a policy that answer by when a position was opened.
    """

    mask: Mask
    inputs: bool = True
    answers: bool = True
    by_position: frozenset[str] = frozenset()
    versions: tuple[Policy, ...] = ()


class Stamp(msgspec.Struct, frozen=True):
    """Which decision this is, and when it was made."""

    decision: str
    time: datetime


def new_decision(time: datetime) -> str:
    """A new id: a UUID of version 7 (RFC 9562), so that ids sort by their time, to the millisecond."""
    random, stamp = secrets.randbits(74), (time - EPOCH) // MILLISECOND
    return str(uuid.UUID(int=stamp << 80 | 0x7 << 76 | random >> 62 << 64 | 0b10 << 62 | random & (1 << 62) - 1))


def logged_market(market: Market) -> LoggedMarket:
    """A market as decisions refer to it."""
    document = market_document(market)
    hashed = hash_of(document)
    record = {"kind": "market", "market_hash": hashed, "market": document}
    return LoggedMarket(hashed, msgspec.json.encode(record))


def own_entry(kind: str, time: datetime, **members: Any) -> Entry:
    """A record that the log writes of itself."""
    return Entry(msgspec.json.encode({"kind": kind, "time": instant(time), **members}))


def evaluation_entry(
    stamp: Stamp,
    account: Account,
    market: LoggedMarket,
    answer: Evaluation,
    manner: Manner,
) -> Entry:
    """The record of an evaluation."""
    document = account_document(account)
    names = manner.mask.names(document)
    inputs = {"account": names.account(document)}
    told = names.evaluation(answer_document(answer), manner.by_position)
    record = {
        **_common(stamp, "evaluate", answer.policy, answer.as_of, manner),
        "account": told["account"],
        **_pools(told),
        **_kept(inputs, market, told, manner),
    }
    return Entry(msgspec.json.encode(record), market if manner.inputs else None)


def order_entry(
    stamp: Stamp,
    account: Account,
    market: LoggedMarket,
    order: Order,
    answer: OrderDecision,
    manner: Manner,
) -> Entry:
    """The record of a decision on an order."""
    document, ordered = account_document(account), order_document(order)
    names = manner.mask.names(document, ordered)
    inputs = {"account": names.account(document), "order": names.row(ordered)}
    told = names.order_decision(answer_document(answer), manner.by_position)
    record = {
        **_common(stamp, "order", answer.evaluation.policy, answer.evaluation.as_of, manner),
        "account": told["evaluation"]["account"],
        "order": told["order"],
        "accepted": told["accepted"],
        "refusals": told["reasons"],
        **_pools(told["evaluation"]),
        **_kept(inputs, market, told, manner),
    }
    return Entry(msgspec.json.encode(record), market if manner.inputs else None)


def sweep_entry(stamp: Stamp, book: Book, market: LoggedMarket, answer: Sweep, manner: Manner) -> Entry:
    """The record of a sweep: counts, the hash of its book and that of its statuses. Rows are not kept."""
    from rules_engine.life.decisions.decision_books import book_hash, status_counts, statuses_hash

    hashed = manner.mask.hash(book_hash(book))
    record = {
        **_common(stamp, "sweep", answer.policy, answer.as_of, manner),
        "positions": len(book),
        "accounts": len(book.names),
        "status": status_counts(answer),
        "decided_exactly": answer.rows_exact,
        "input_hash": hash_of({"book": hashed, "market": market.hash}),
        "answer_hash": statuses_hash(answer),
        "book_hash": hashed,
        "market_hash": market.hash,
    }
    return Entry(msgspec.json.encode(record), market if manner.inputs else None)


def _common(stamp: Stamp, kind: Kind, policy: PolicyIdentity, as_of: datetime, manner: Manner) -> dict[str, Any]:
    return {
        "decision": stamp.decision,
        "kind": kind,
        "time": instant(stamp.time),
        "policy": policy.to_dict(),
        **({"versions": [version_document(each) for each in manner.versions]} if manner.versions else {}),
        "as_of": instant(as_of),
    }


def version_document(policy: Policy) -> dict[str, Any]:
    """One of several versions that answered, and since when: a store may say another instant than its text."""
    identity = PolicyIdentity(name=policy.name, version=policy.version, digest=policy.digest).to_dict()
    return identity | {"effective_from": None if policy.effective_from is None else instant(policy.effective_from)}


def _pools(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The status of each pool, and the reasons of those that have any."""
    pools = evaluation["pools"]
    return {
        "status": {pool["pool"]: pool["status"] for pool in pools},
        "reasons": {pool["pool"]: pool["reasons"] for pool in pools if pool["reasons"]},
    }


def _kept(inputs: Mapping[str, Any], market: LoggedMarket, answer: Mapping[str, Any], manner: Manner) -> dict[str, Any]:
    """Hashes of what went in and came out, and what is kept of either."""
    return {
        "input_hash": input_hash(inputs["account"], market.hash, inputs.get("order")),
        "answer_hash": hash_of(answer),
        "market_hash": market.hash,
        **({"inputs": inputs} if manner.inputs else {}),
        **({"answer": answer} if manner.answers else {}),
    }
