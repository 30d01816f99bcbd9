"""A small policy, ways to change it, and what a check says of the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rules_engine_standard_modes

from rules_engine.errors import Problem
from rules_engine.extension.registry import Registry, build_registry
from rules_engine.policy.check import check_policy
from rules_engine.terms.policy import Policy

REGISTRY: Registry = build_registry([rules_engine_standard_modes])

EXAMPLE = """\
schema: rules-engine/policy/1
policy: example
version: 1.0.0
effective_from: 2026-12-01T08:00:00Z
settlement: {currency: USDT, quantum: 0.01}
tables:
  majors:
    unit: notional
    form: marginal
    tiers:
      - {up_to: 50000, maintenance_rate: 0.004, max_leverage: 125}
      - {up_to: 250000, maintenance_rate: 0.005, max_leverage: 75}
      - {up_to: unlimited, maintenance_rate: 0.025, max_leverage: 20}
buffers:
  volatility:
    kind: volatility
    measure: realized_24h
    bands: [{from: 0, multiply: 1}, {from: 0.8, multiply: 1.25}]
modes:
  isolated: {}
  hybrid: {shared_draw_cap: 0.25}
collateral:
  BTC: {haircut: 0.05, cap: 1000000}
instruments:
  BTCUSDT: {payoff: linear, table: majors, buffers: [volatility], contract_size: 1}
  "*USDT": {payoff: linear, table: majors}
liquidation:
  margin_call: 1.25
  restore_to: 1.5
  closing_fee: {rate: 0.0005, counts_in: [trigger]}
  close_out: {plan: smallest}
market_data: {stale_after: 10s}
"""


def changed(*changes: tuple[str, str], text: str = EXAMPLE) -> str:
    """The example with pieces of its text replaced, each of which it must contain."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def check(
    text: str, parents: Mapping[str, str] | None = None, registry: Registry = REGISTRY
) -> tuple[Policy | None, list[Problem]]:
    """What a check says of a text whose parents are given as `NAME@VERSION` -> text."""
    known = parents or {}

    def find_parent(name: str, version: str) -> tuple[bytes, str] | None:
        pin = f"{name}@{version}"
        return (known[pin].encode(), f"{pin}.yaml") if pin in known else None

    return check_policy(text.encode(), "policy.yaml", registry, find_parent)


def policy(text: str = EXAMPLE, **more: Any) -> Policy:
    """The compiled policy of a text that has no errors."""
    compiled, problems = check(text, **more)
    assert compiled is not None, "\n".join(map(str, problems))
    return compiled


def said(text: str, **more: Any) -> list[str]:
    """Code and place of every problem of a text, in order: `CODE line:column`."""
    _, problems = check(text, **more)
    return [f"{problem.code} {problem.mark.line}:{problem.mark.column}" for problem in problems if problem.mark]


def place(text: str, piece: str) -> str:
    """Where a text first holds a piece: `line:column`."""
    start = text.index(piece)
    return f"{text.count(chr(10), 0, start) + 1}:{start - text.rfind(chr(10), 0, start)}"
