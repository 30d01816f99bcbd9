"""A policy small enough to work out by hand, documents of cases for it, and what runs them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from rules_engine.errors import DocumentError
from rules_engine.extension.registry import Registry, load_registry
from rules_engine.life.cases.case_documents import CaseFile, read_cases
from rules_engine.life.cases.cases import CaseResult
from rules_engine.life.cases.judging import Judgement, judge
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from rules_engine.terms.policy import Policy

POLICY = """\
schema: rules-engine/policy/1
policy: small
version: 1.0.0
settlement: {currency: USDT, quantum: 0.01}
tables:
  majors:
    tiers:
      - {up_to: 50000,     maintenance_rate: 0.004, max_leverage: 125}
      - {up_to: unlimited, maintenance_rate: 0.005, max_leverage: 100}
  spare: {tiers: [{up_to: unlimited, maintenance_rate: 0.01, max_leverage: 50}]}
buffers:
  volatility: {kind: volatility, measure: realized_24h, bands: [{from: 0, multiply: 1}, {from: 0.8, multiply: 2}]}
  smooth: {kind: volatility, measure: realized_24h, curve: {reference: 0.6, slope: 0.5, cap: 2}}
modes: {isolated: {}, cross: {}}
collateral:
  USDT: {haircut: 0}
  BTC: {haircut: 0.5}
instruments:
  BTCUSDT: {payoff: linear, table: majors, buffers: [volatility], price_tick: 0.1, quantity_step: 0.001}
  "*USDT": {payoff: linear, table: majors, buffers: [smooth], price_tick: 0.1, quantity_step: 0.001}
liquidation: {trigger: at_or_below, margin_call: 1.25, restore_to: 1.5, close_out: {plan: smallest}}
"""

HEAD = """\
schema: rules-engine/cases/1
market:
  as_of: 2026-12-02T00:00:00Z
  instruments:
    BTCUSDT: {mark_price: 50000, measures: {realized_24h: 0}}
"""

LONG = """\
account:
  account: A
  positions: [{id: p1, instrument: BTCUSDT, mode: isolated, quantity: 2, entry_price: 50000, margin: 2500}]
"""
"""Notional 100000 in tier 2, so maintenance 0.005 * 100000 - 50 = 450 and initial 100000 / 100 = 1000."""


def compiled(text: str = POLICY, registry: Registry | None = None, file: str = "small.yaml") -> Policy:
    """A policy's text, compiled."""
    policy, problems = check_policy(text.encode(), file, registry or load_registry(), policy_finder(None))
    assert policy is not None, problems
    return policy


def read(text: str, folder: Path | None = None) -> CaseFile:
    """A text of cases, read; files that it names stand in the folder."""

    def read_file(name: str) -> bytes:
        return ((folder or Path()) / name).read_bytes()

    return read_cases(text.encode(), "small.cases.yaml", read_file)


def document(*cases: str, laws: str = "", head: str = HEAD) -> str:
    """A document of cases, each given as the lines of its mapping."""
    parts = [f"  - {indent(dedent(case), '    ').lstrip()}" for case in cases]
    return head + ("cases:\n" + "".join(parts) if cases else "") + (f"laws:\n{dedent(laws)}" if laws else "")


def judged(text: str, policy: Policy | None = None) -> Judgement:
    """What a text of cases says of the small policy, or of another."""
    return judge(policy or compiled(), read(text))


def only(*lines: str) -> CaseResult:
    """The result of one case, which is called `it` and is about the long position."""
    return judged(document("name: it\n" + LONG + "\n".join(lines) + "\n")).cases[0]


def refused(text: str, folder: Path | None = None) -> list[str]:
    """The problems of a text of cases, as they are printed."""
    with pytest.raises(DocumentError) as caught:
        judge(compiled(), read(text, folder))
    return [str(problem) for problem in caught.value.problems]
