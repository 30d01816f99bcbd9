"""Inputs and answers of a decision as documents: written, hashed, and read back as the records that they were.

Inputs have the form that every command reads, without what is at its default. An account out of a book may also hold
rows at fault: those stand with their `fault`, and `collateral_doubts` say what is not known of its collateral. Answers
are the published documents without sentences (`message`, `reason`): codes are what holds, sentences may be reworded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET

from rules_engine.engine.documents import decode_account, decode_market, decode_order
from rules_engine.errors import Doubt
from rules_engine.numbers.text import MOST_DIGITS, parse_number, plain
from rules_engine.terms.account import Account, Order, Position
from rules_engine.terms.evaluation import Evaluation, OrderDecision
from rules_engine.terms.market import Market
from rules_engine.terms.rendering import instant

Row = TypeVar("Row", Position, Order)
NUMBERS: Final = ("quantity", "entry_price", "margin", "leverage", "accrued", "price")
"""The members of a row that are numbers."""


def hash_of(document: Any) -> str:
    """The SHA-256 of a document of plain values as canonical JSON: keys sorted, no spaces, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def input_hash(account: Mapping[str, Any], market_hash: str, order: Mapping[str, Any] | None = None) -> str:
    """The hash of what a decision was made of; the market counts by its own hash, for it is that of many."""
    return hash_of({"account": account, "market": market_hash, **({} if order is None else {"order": order})})


def market_document(market: Market) -> dict[str, Any]:
    """A market in plain values."""
    return _struct(market)


def account_document(account: Account) -> dict[str, Any]:
    """An account in plain values."""
    document = _struct(account)
    if account.collateral_doubts:
        document["collateral_doubts"] = [
            {"group": group, "code": doubt.code, "message": doubt.message}
            for group, doubt in account.collateral_doubts.items()
        ]
    return document


def order_document(order: Order) -> dict[str, Any]:
    """An order in plain values."""
    return _struct(order)


def market_of(document: Mapping[str, Any]) -> Market:
    """The market that was written. Raises `DocumentError`."""
    return decode_market(document)


def account_of(document: Mapping[str, Any]) -> Account:
    """The account that was written. Raises `DocumentError`."""
    positions, orders = document.get("positions", ()), document.get("orders", ())
    sound: dict[str, Any] = {key: member for key, member in document.items() if key != "collateral_doubts"}
    sound |= {"positions": _sound(positions), "orders": _sound(orders)}
    account = decode_account(sound)
    return msgspec.structs.replace(
        account,
        positions=_in_place(positions, account.positions, Position),
        orders=_in_place(orders, account.orders, Order),
        collateral_doubts={
            doubt["group"]: Doubt(code=doubt["code"], message=doubt["message"])
            for doubt in document.get("collateral_doubts", ())
        },
    )


def order_of(document: Mapping[str, Any]) -> Order:
    """The order that was written. Raises `DocumentError`."""
    return _at_fault(document, Order) if "fault" in document else decode_order(document)


def answer_document(answer: Evaluation | OrderDecision) -> dict[str, Any]:
    """An answer in plain values, without sentences."""
    document: dict[str, Any] = _without_sentences(answer.to_dict())
    return document


def _without_sentences(value: Any) -> Any:
    """Codes stay: the `reasons` of pools and orders, what doubts and notes are called."""
    if isinstance(value, dict):
        return {key: _without_sentences(member) for key, member in value.items() if key not in ("message", "reason")}
    return [_without_sentences(member) for member in value] if isinstance(value, list) else value


def _sound(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if "fault" not in row]


def _in_place(rows: Iterable[Mapping[str, Any]], sound: Iterable[Row], kind: type[Row]) -> tuple[Row, ...]:
    """The rows in their order, those at fault among the others."""
    others = iter(sound)
    return tuple(_at_fault(row, kind) if "fault" in row else next(others) for row in rows)


def _at_fault(row: Mapping[str, Any], kind: type[Row]) -> Row:
    """A row that no document could hold, for it may lack anything; its numbers keep to the grammar."""
    numbers = {name: parse_number(row[name]) for name in NUMBERS if isinstance(row.get(name), str)}
    return msgspec.convert({**row, **numbers}, kind)


@cache
def _members(kind: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    """The members of a record, each with its default; `NODEFAULT` where it has none."""
    return tuple(
        (field.name, field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory())
        for field in msgspec.structs.fields(kind)
    )


def _struct(record: msgspec.Struct) -> dict[str, Any]:
    """The members that are not at their default."""
    document = {}
    for name, default in _members(type(record)):
        value = getattr(record, name)
        if (value is not default and value != default) or default is msgspec.NODEFAULT:
            document[name] = _plain(value)
    return document


def _plain(value: Any) -> Any:
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, msgspec.Struct):
        return _struct(value)
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items() if member is not UNSET and key is not None}
    return [_plain(member) for member in value] if isinstance(value, list | tuple) else value


def _number(value: Decimal) -> str:
    """A number in plain digits, or with an exponent where those would be more than the grammar reads."""
    text = plain(value)
    if len(text) <= MOST_DIGITS:
        return text
    sign, digits, exponent = value.as_tuple()
    whole = "".join(map(str, digits)).lstrip("0")
    stripped = whole.rstrip("0")
    return f"{'-' if sign else ''}{stripped}e{int(exponent) + len(whole) - len(stripped)}"


_WRITERS: Final[Mapping[type, Callable[[Any], str]]] = {Decimal: _number, datetime: instant, str: str}
