"""Whatever key of a policy changes, the difference shows it, with the direction that it has."""

from __future__ import annotations

from typing import Final

import pytest

from rules_engine.life.impact.diff import diff_of
from rules_engine.terms.policy import Policy
from tests.docs.test_policy_format import ROOT, published
from tests.policy.policy_examples import changed, check

TEXT: Final = """\
schema: rules-engine/policy/1
policy: keys
version: 1.0.0
effective_from: 2026-12-01T00:00:00Z
effective_until: 2027-12-01T00:00:00Z
applies_to: all_positions
settlement: {currency: USDT, quantum: 0.01}
tables:
  t:
    unit: notional
    form: marginal
    tiers:
      - {up_to: 1000, maintenance_rate: 0.01, max_leverage: 20}
      - {up_to: unlimited, maintenance_rate: 0.02, initial_rate: 0.1}
  u: {tiers: [{up_to: unlimited, maintenance_rate: 0.02, max_leverage: 10}]}
buffers:
  b: {kind: volatility, measure: v, requirements: [initial, maintenance], bands: [{from: 0, multiply: 1, add_rate: 0}, {from: 1, multiply: 1.5, add_rate: 0.001}]}
  c: {kind: depth, measure: d, curve: {reference: 1, slope: 0.5, cap: 1.5}}
modes:
  isolated: {split_positions: false}
  cross: {split_positions: false}
  hybrid: {split_positions: false, group_by: underlying, shared_draw_cap: 0.5}
collateral: {BTC: {haircut: 0.05, cap: 1000}}
instruments:
  A: {payoff: linear, table: t, buffers: [b, c], underlying: X, contract_size: 1, price_tick: 0.1, quantity_step: 0.001, expires_at: null, terms: {strike: 5}, venue_symbol: a}
  Q: {payoff: quanto, table: u, contract_size: 1, conversion: 0.5}
liquidation:
  trigger: at_or_below
  margin_call: 1.25
  restore_to: 1.5
  closing_fee: {rate: 0.0005, counts_in: [trigger], valued_at: mark}
  close_out: {plan: smallest}
conventions: {maintenance_priced_at: mark, initial_priced_at: mark, liquidation_price: solve, liquidation_price_rounding: conservative}
market_data: {stale_after: 10s, max_divergence: 0.1, max_confidence: 0.1}
orders: {opening_fee_rate: 0.0005}
"""  # noqa: E501

SAID_AT_ITS_HEAD: Final = {"schema", "policy", "version", "extends", "change"}
"""Who a policy is and what it is made from: its identity, with the digest, heads every difference."""

CHANGES: Final = {
    (ROOT, "effective_from"): ("2026-12-01T", "2026-12-05T", "version: effective_from", "neutral"),
    (ROOT, "effective_until"): ("2027-12-01T", "2027-11-01T", "version: effective_until", "unclear"),
    (ROOT, "applies_to"): ("all_positions", "new_positions", "version: applies_to", "unclear"),
    ("settlement", "currency"): ("currency: USDT", "currency: USDC", "settlement: currency", "unclear"),
    ("settlement", "quantum"): ("0.01}", "1}", "settlement: quantum", "tightened"),
    ("tables.NAME", "unit"): ("unit: notional", "unit: quantity", "table t: unit", "unclear"),
    ("tables.NAME", "form"): ("form: marginal", "form: whole", "table t: maintenance margin", "tightened"),
    ("tables.NAME.tiers[]", "up_to"): ("up_to: 1000", "up_to: 2000", "table t: maintenance margin", "loosened"),
    ("tables.NAME.tiers[]", "maintenance_rate"): (
        "maintenance_rate: 0.01", "maintenance_rate: 0.015", "table t: maintenance margin", "tightened"),
    ("tables.NAME.tiers[]", "max_leverage"): (
        "max_leverage: 20", "max_leverage: 15", "table t: initial margin", "tightened"),
    ("tables.NAME.tiers[]", "initial_rate"): (
        "initial_rate: 0.1", "initial_rate: 0.2", "table t: initial margin", "tightened"),
    ("buffers.NAME", "kind"): (
        "kind: depth, measure: d, curve: {reference: 1, slope: 0.5, cap: 1.5}",
        "kind: expiry, bands: [{from: 0d, multiply: 1}]",
        "buffer c: rates", "unclear"),
    ("buffers.NAME", "requirements"): (
        "[initial, maintenance]", "[initial]", "buffer b: maintenance rates", "loosened"),
    ("buffers.NAME", "measure"): ("measure: v", "measure: w", "buffer b: rates", "unclear"),
    ("buffers.NAME.bands[]", "from"): ("from: 1", "from: 2", "buffer b: initial rates", "loosened"),
    ("buffers.NAME.bands[]", "multiply"): ("multiply: 1.5", "multiply: 1.6", "buffer b: initial rates", "tightened"),
    ("buffers.NAME.bands[]", "add_rate"): (
        "add_rate: 0.001", "add_rate: 0.002", "buffer b: maintenance rates", "tightened"),
    ("buffers.NAME.curve", "reference"): (
        "reference: 1", "reference: 2", "buffer c: initial and maintenance rates", "loosened"),
    ("buffers.NAME.curve", "slope"): (
        "slope: 0.5", "slope: 0.6", "buffer c: initial and maintenance rates", "tightened"),
    ("buffers.NAME.curve", "cap"): ("cap: 1.5", "cap: 1.6", "buffer c: initial and maintenance rates", "tightened"),
    ("modes.isolated", "split_positions"): (
        "isolated: {split_positions: false", "isolated: {split_positions: true", "mode isolated: split_positions",
        "loosened"),
    ("modes.cross", "split_positions"): (
        "cross: {split_positions: false", "cross: {split_positions: true", "mode cross: split_positions", "loosened"),
    ("modes.hybrid", "split_positions"): (
        "hybrid: {split_positions: false", "hybrid: {split_positions: true", "mode hybrid: split_positions",
        "loosened"),
    ("modes.hybrid", "group_by"): ("group_by: underlying", "group_by: instrument", "mode hybrid: group_by", "unclear"),
    ("modes.hybrid", "shared_draw_cap"): ("0.5}\ncollat", "0.6}\ncollat", "mode hybrid: shared_draw_cap", "loosened"),
    ("collateral.NAME", "haircut"): ("haircut: 0.05", "haircut: 0.1", "collateral BTC: haircut", "tightened"),
    ("collateral.NAME", "cap"): ("cap: 1000", "cap: 500", "collateral BTC: cap", "tightened"),
    ("instruments.NAME", "payoff"): ("payoff: linear", "payoff: inverse", "instrument A: payoff", "unclear"),
    ("instruments.NAME", "table"): ("table: t", "table: u", "instrument A: maintenance margin", "tightened"),
    ("instruments.NAME", "buffers"): (
        "buffers: [b, c]", "buffers: [b]", "instrument A: initial and maintenance rates", "loosened"),
    ("instruments.NAME", "underlying"): ("underlying: X", "underlying: Z", "instrument A: underlying", "unclear"),
    ("instruments.NAME", "contract_size"): (
        "contract_size: 1", "contract_size: 2", "instrument A: contract_size", "unclear"),
    ("instruments.NAME", "conversion"): ("conversion: 0.5", "conversion: 0.6", "instrument Q: conversion", "unclear"),
    ("instruments.NAME", "price_tick"): ("price_tick: 0.1", "price_tick: 1", "instrument A: price_tick", "neutral"),
    ("instruments.NAME", "quantity_step"): (
        "quantity_step: 0.001", "quantity_step: 100", "instrument A: quantity_step", "tightened"),
    ("instruments.NAME", "expires_at"): (
        "expires_at: null", "expires_at: 2027-03-01T00:00:00Z", "instrument A: expires_at", "unclear"),
    ("instruments.NAME", "terms"): ("strike: 5", "strike: 6", "instrument A: terms", "unclear"),
    ("instruments.NAME", "venue_symbol"): (
        "venue_symbol: a", "venue_symbol: b", "instrument A: venue_symbol", "neutral"),
    ("liquidation", "trigger"): ("at_or_below", "below", "liquidation: trigger", "loosened"),
    ("liquidation", "margin_call"): ("margin_call: 1.25", "margin_call: 1.3", "liquidation: margin_call", "tightened"),
    ("liquidation", "restore_to"): ("restore_to: 1.5", "restore_to: 1.4", "liquidation: restore_to", "loosened"),
    ("liquidation.closing_fee", "rate"): (
        "{rate: 0.0005", "{rate: 0.0006", "liquidation: closing_fee.rate", "tightened"),
    ("liquidation.closing_fee", "counts_in"): (
        "[trigger]", "[trigger, initial]", "liquidation: closing_fee.counts_in", "tightened"),
    ("liquidation.closing_fee", "valued_at"): (
        "valued_at: mark", "valued_at: bankruptcy", "liquidation: closing_fee.valued_at", "unclear"),
    ("liquidation.close_out", "plan"): ("plan: smallest", "plan: full", "liquidation: close_out.plan", "unclear"),
    ("conventions", "maintenance_priced_at"): (
        "maintenance_priced_at: mark", "maintenance_priced_at: entry", "convention: maintenance_priced_at", "unclear"),
    ("conventions", "initial_priced_at"): (
        " initial_priced_at: mark", " initial_priced_at: entry", "convention: initial_priced_at", "unclear"),
    ("conventions", "liquidation_price"): ("solve", "at_mark", "convention: liquidation_price", "neutral"),
    ("conventions", "liquidation_price_rounding"): (
        "conservative", "half_up", "convention: liquidation_price_rounding", "neutral"),
    ("market_data", "stale_after"): ("10s", "20s", "market data: stale_after", "loosened"),
    ("market_data", "max_divergence"): (
        "max_divergence: 0.1", "max_divergence: 0.05", "market data: max_divergence", "unclear"),
    ("market_data", "max_confidence"): (
        "max_confidence: 0.1", "max_confidence: 0.05", "market data: max_confidence", "unclear"),
    ("orders", "opening_fee_rate"): (
        "opening_fee_rate: 0.0005", "opening_fee_rate: 0.0004", "orders: opening_fee_rate", "loosened"),
}  # fmt: skip
"""For every key of the schema: what stands there, what then does, and the place and the direction that are told."""


def compiled(text: str) -> Policy:
    """The policy of a text that has no errors."""
    policy, problems = check(text)
    assert policy is not None, "\n".join(map(str, problems))
    return policy


def test_keys__of_the_schema_are_all_tried() -> None:
    """But for those that hold others, which stand for them, and those of other modes, which are like these."""
    every = dict(published())
    holding = {path.rpartition(".")[::2] for path, _ in every}
    holders = {((above or ROOT).removesuffix(".NAME"), key) for above, key in holding} | {
        (path, key) for path, key in every if any(other.startswith(_inside(path, key)) for other, _ in every)
    }
    leaves = set(every) - holders - {(ROOT, key) for key in SAID_AT_ITS_HEAD} - {("modes.NAME", "split_positions")}
    assert leaves == set(CHANGES)


def _inside(path: str, key: str) -> str:
    """How the section of a key's own keys begins."""
    return key if path == ROOT else f"{path}.{key}"


@pytest.mark.parametrize("key", CHANGES, ids=".".join)
def test_key__that_changes_is_shown(key: tuple[str, str]) -> None:
    """With its direction; and one that is called neutral says what it does, or needs no more words than its name."""
    old, new, place, direction = CHANGES[key]
    found = diff_of(compiled(TEXT), compiled(changed((old, new), text=TEXT))).changes
    told = [change for change in found if change.place == place]
    assert direction in {change.direction for change in told}, [(change.place, change.direction) for change in found]
    if direction == "neutral" and key[1] not in ("venue_symbol", "effective_from"):
        assert all(change.note for change in told)


@pytest.mark.parametrize("key", sorted(SAID_AT_ITS_HEAD - {"schema", "extends"}))
def test_identity__heads_the_difference(key: str) -> None:
    """Another name, version or remark is another identity."""
    now = {
        "policy": "policy: other\n",
        "version": "version: 1.0.1\n",
        "change": "change: {ticket: T}\nversion: 1.0.0\n",
    }
    was = "policy: keys\n" if key == "policy" else "version: 1.0.0\n"
    diff = diff_of(compiled(TEXT), compiled(changed((was, now[key]), text=TEXT)))
    assert diff.before != diff.after
    assert diff.changes == ()
