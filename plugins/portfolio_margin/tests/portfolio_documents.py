"""What the tests are written in: policies with the mode `portfolio`, accounts and markets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import rules_engine_portfolio_margin

from rules_engine import Engine, Evaluation, load_policy
from rules_engine.extension.registry import Registry, build_registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder

HERE = Path(__file__).resolve().parent
THYAO = HERE.parent / "policies" / "span-thyao" / "1.0.0.yaml"
AS_OF = "2026-12-01T00:00:00Z"
IN_73_DAYS = "2027-02-12T00:00:00Z"
"""A fifth of a year after `AS_OF`."""

POLICY = """
schema: rules-engine/policy/1
policy: example
version: 1.0.0
settlement: {{currency: USD, quantum: 0.00000001}}
tables: {{none: {{tiers: [{{up_to: unlimited, maintenance_rate: 0, initial_rate: 1}}]}}}}
modes: {{portfolio: {{price_scan_range: 0.1, volatility_scan_range: 0.25, {parameters}}}}}
instruments:
  "BTC_F*": {{payoff: linear, table: none, underlying: BTC, contract_size: 1, price_tick: 0.01, quantity_step: 0.001}}
  "ETH_F*": {{payoff: linear, table: none, underlying: ETH, contract_size: 1, price_tick: 0.01, quantity_step: 0.001}}
  "BTC_I*": {{payoff: inverse, table: none, underlying: BTC, contract_size: 100, price_tick: 0.01, quantity_step: 1}}
  "BTC_C*": {{payoff: call, table: none, underlying: BTC, contract_size: 1, price_tick: 0.01, quantity_step: 0.001}}
  "BTC_P*": {{payoff: put, table: none, underlying: BTC, contract_size: 1, price_tick: 0.01, quantity_step: 0.001}}
  "NAKED*": {{payoff: linear, table: none}}
  {instruments}
liquidation: {{trigger: at_or_below, margin_call: 1.25}}
"""
"""Prices move by up to 10 %, volatilities by up to a quarter of themselves."""


@lru_cache
def registry(*others: object) -> Registry:
    """The standard components, the plugin, and others."""
    return build_registry([rules_engine_portfolio_margin, *others])


@lru_cache(maxsize=64)
def engine_of(parameters: str = "", instruments: str = "", *others: object) -> Engine:
    """An engine with further parameters of the mode and a further instrument (YAML), beside other plugins."""
    text = POLICY.format(parameters=parameters, instruments=instruments)
    policy, problems = check_policy(text.encode(), "example.yaml", registry(*others), policy_finder(None))
    assert policy is not None, "\n".join(map(str, problems))
    return Engine(policy)


@lru_cache(maxsize=1)
def thyao_engine() -> Engine:
    """The engine of the policy that comes with the plugin."""
    return Engine(load_policy(THYAO, registry=registry()))


def cases() -> list[dict[str, Any]]:
    """The published figures, with their sources."""
    found: list[dict[str, Any]] = json.loads((HERE / "cases" / "span_thyao.json").read_text(encoding="utf-8"))
    return found


def account(cash: str = "1000000", /, **quantities: str) -> dict[str, Any]:
    """An account with positions of these quantities in instruments of these names, each entered at 100."""
    return {
        "account": "A",
        "collateral": {"USD": cash},
        "positions": [
            {"id": name, "instrument": name, "mode": "portfolio", "quantity": quantity, "entry_price": "100"}
            for name, quantity in quantities.items()
        ],
    }


def option(strike: str, mark: str = "10", **fields: Any) -> dict[str, Any]:
    """The market of an option on an underlying at 100, at 50 % volatility and no interest, ending in 73 days."""
    return {
        "mark_price": mark,
        "index_price": "100",
        "expires_at": IN_73_DAYS,
        "terms": {"strike": strike},
        "measures": {"implied_volatility": "0.5", "interest_rate": "0"},
        **fields,
    }


def market(**others: Any) -> dict[str, Any]:
    """Futures, an inverse contract, calls and puts near 100; `others` adds or replaces instruments."""
    future = {"mark_price": "100", "expires_at": None}
    return {
        "as_of": AS_OF,
        "instruments": {
            **dict.fromkeys(("BTC_F1", "BTC_F2", "ETH_F1", "BTC_I1", "NAKED"), future),
            **{f"BTC_C{strike}": option(strike) for strike in ("90", "100", "110", "400")},
            **{f"BTC_P{strike}": option(strike) for strike in ("90", "100", "110", "20")},
            **others,
        },
    }


def figures(evaluation: Evaluation) -> Mapping[str, Any]:
    """The figures that the mode reports of the pool."""
    return evaluation.pools[0].figures
