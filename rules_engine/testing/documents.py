"""The built-in examples, and policies written anew: two tables, linear and inverse contracts, longs, shorts, orders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from rules_engine.numbers.text import plain
from rules_engine.policy.reader import read_document
from rules_engine.terms.rendering import instant

POLICY: Final = """
schema: rules-engine/policy/1
policy: conformance
version: 1.0.0
settlement: {currency: USD, quantum: 0.00000001}
tables:
  slices:
    tiers:
      - {up_to: 1000,      maintenance_rate: 0.01, max_leverage: 50}
      - {up_to: 5000,      maintenance_rate: 0.02, max_leverage: 25}
      - {up_to: 100000,    maintenance_rate: 0.05, max_leverage: 10}
      - {up_to: unlimited, maintenance_rate: 0.15, initial_rate: 0.3}
  lots:
    unit: quantity
    tiers:
      - {up_to: 10,        maintenance_rate: 0.01, max_leverage: 50}
      - {up_to: unlimited, maintenance_rate: 0.05, max_leverage: 10}
collateral: {COIN: {haircut: 0.05}}
instruments:
  FIRST:  {payoff: linear, table: slices, underlying: ONE, contract_size: 1, price_tick: 0.01, quantity_step: 0.001}
  SECOND: {payoff: linear, table: slices, underlying: ONE, contract_size: 0.5, price_tick: 0.01, quantity_step: 0.001}
  THIRD:  {payoff: linear, table: lots, underlying: TWO, contract_size: 1, price_tick: 0.01, quantity_step: 0.001}
  FOURTH: {payoff: inverse, table: slices, underlying: TWO, contract_size: 100, price_tick: 0.01, quantity_step: 1}
  FIFTH:  {payoff: linear, table: slices, underlying: SIX, contract_size: 1, price_tick: 0.01, quantity_step: 0.001}
liquidation: {trigger: at_or_below, margin_call: 1.25, restore_to: 1.5, closing_fee: {rate: 0.0005}}
"""
"""Rates rise and tiers lie close, so that ten contracts and ten thousand are in different ones; values are small."""

GROUP_MARGINS: Final = dict.fromkeys(("ONE", "TWO", "SIX", "FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH"), "400")
"""For modes that group by underlying or by instrument."""


def built_in(**sections: Mapping[str, Any]) -> dict[str, Any]:
    """The built-in policy as a document, with sections added."""
    return {**read_document(POLICY.encode(), "conformance.yaml").value, **sections}


def example_account(mode: str) -> Mapping[str, Any]:
    """Longs and shorts in four instruments, one of them on both sides, and orders that add, reduce and open."""
    held = (
        ("p1", "FIRST", "4", "98", "10"),
        ("p2", "FIRST", "-15", "101", None),
        ("p3", "SECOND", "120", "90", "5"),
        ("p4", "THIRD", "-30", "105", "3"),
        ("p5", "FOURTH", "300", "90", "2"),
    )
    resting = (
        ("o1", "FIRST", "2", "99", "p1"),
        ("o2", "SECOND", "-30", None, "p3"),
        ("o3", "FIFTH", "3", "101", None),
        ("o4", "FIFTH", "-5", None, None),
    )
    return {
        "account": "A",
        "collateral": {"USD": "2500", "COIN": "3"},
        "group_margins": GROUP_MARGINS,
        "positions": [
            {"id": id, "instrument": instrument, "mode": mode, "quantity": quantity, "entry_price": entry,
             "margin": "250", "leverage": leverage}
            for id, instrument, quantity, entry, leverage in held
        ],
        "orders": [
            {"id": id, "instrument": instrument, "mode": mode, "quantity": quantity, "price": price,
             "position": position, "leverage": "5"}
            for id, instrument, quantity, price, position in resting
        ],
    }  # fmt: skip


def example_market() -> Mapping[str, Any]:
    """Every instrument near 100, with an index and no expiry."""
    marks = {"FIRST": "100", "SECOND": "95", "THIRD": "103", "FOURTH": "100", "FIFTH": "100"}
    return {
        "as_of": "2026-01-02T00:00:00Z",
        "instruments": {
            name: {"mark_price": mark, "index_price": mark, "expires_at": None, "measures": {"volatility": "0.5"}}
            for name, mark in marks.items()
        },
        "prices": {"COIN": {"price": "100"}},
    }


def flow(value: Any) -> str:
    """A plain value as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(name))}: {flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, datetime):
        return instant(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Decimal | int):
        return plain(Decimal(value))
    raise TypeError(f"a policy holds text, exact numbers, lists and mappings, not {type(value).__name__}")


def policy_text(document: Mapping[str, Any]) -> str:
    """A policy as text in which every member of a section stands on a line of its own."""
    lines = []
    for name, section in document.items():
        if isinstance(section, Mapping) and section:
            lines.append(f"{flow(name)}:")
            lines += [f"  {flow(key)}: {flow(member)}" for key, member in section.items()]
        else:
            lines.append(f"{flow(name)}: {flow(section)}")
    return "\n".join(lines) + "\n"


def line_of(text: str, section: str, member: str) -> int:
    """The line, counted from 1, on which a member of a section stands in the text of `policy_text`."""
    lines = text.splitlines()
    start = lines.index(f"{flow(section)}:")
    return next(n for n, line in enumerate(lines) if n > start and line.startswith(f"  {flow(member)}:")) + 1


def with_member(document: Mapping[str, Any], section: str, member: str, value: Any) -> dict[str, Any]:
    """A policy with one member of a section replaced or added."""
    return {**document, section: {**document.get(section, {}), member: value}}
