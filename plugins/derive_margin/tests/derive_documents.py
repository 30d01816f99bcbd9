"""Derive's own test portfolios as documents: a policy with its parameters, an account, a market."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import rules_engine_derive_margin
import rules_engine_portfolio_margin
from derive_cases import Feed, Held, collaterals, options, parameters
from rules_engine_derive_margin.blocks import option_values

from rules_engine import Engine, Policy
from rules_engine.extension.registry import Registry, build_registry
from rules_engine.numbers.exact import EXACT, divide, exactly, rounded
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from rules_engine.terms.instrument import InstrumentView

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parent / "policies" / "derive-pmrm2-eth" / "1.0.0.yaml"
AS_OF = datetime(2025, 1, 1, tzinfo=UTC)
PLACES = Decimal("1e-24")
"""To which prices are rounded that the cases do not state; documents hold numbers of up to 40 digits."""


@lru_cache(maxsize=1)
def registry() -> Registry:
    """The standard components and both plugins."""
    return build_registry([rules_engine_portfolio_margin, rules_engine_derive_margin])


def flow(value: Any) -> str:
    """A plain value as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)}: {flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


POLICY = """
schema: rules-engine/policy/1
policy: derive
version: 1.0.0
settlement: {{currency: USDC, quantum: 0.00000001}}
tables: {{none: {{tiers: [{{up_to: unlimited, maintenance_rate: 0, initial_rate: 1}}]}}}}
modes: {{derive_pmrm2: {parameters}}}
collateral: {collateral}
instruments:
  ETH-PERP: {{payoff: linear, table: none, underlying: ETH, contract_size: 1}}
  ETH-*-C: {{payoff: call, table: none, underlying: ETH, contract_size: 1}}
  ETH-*-P: {{payoff: put, table: none, underlying: ETH, contract_size: 1}}
  BTC-PERP: {{payoff: linear, table: none, underlying: BTC, contract_size: 1}}
liquidation: {{trigger: below, margin_call: 1.25}}
"""
"""A subaccount of Derive is liquidated when its maintenance balance falls below zero."""


def policy_text(inputs: Mapping[str, Any]) -> str:
    """The policy of a case. Haircuts stand in the mode's parameters, so that the policy's own are 0."""
    listed = {one.asset: {"haircut": Decimal(0)} for one in collaterals(inputs)}
    return POLICY.format(parameters=flow(parameters(inputs)), collateral=flow(listed))


@lru_cache(maxsize=64)
def policy_of(text: str) -> Policy:
    """A policy compiled."""
    policy, problems = check_policy(text.encode(), "derive.yaml", registry(), policy_finder(None))
    assert policy is not None, "\n".join(map(str, problems))
    return policy


def engine_of(inputs: Mapping[str, Any]) -> Engine:
    """The engine of a case."""
    return Engine(policy_of(policy_text(inputs)))


def account_measures(inputs: Mapping[str, Any]) -> dict[str, str]:
    """What the spot and stable feeds say, which belongs to no single instrument."""
    return {"spot_confidence": inputs["spot_conf"], "stable_price": inputs["stable"]}


def option_market(inputs: Mapping[str, Any], held: Held, feed: Feed) -> dict[str, Any]:
    """An option's market; Derive marks options by its formula."""
    quoted: dict[str, Any] = {
        "index_price": inputs["spot"],
        "expires_at": (AS_OF + timedelta(seconds=int(held.seconds))).isoformat(),
        "terms": {"strike": held.strike},
        "measures": {
            "implied_volatility": held.volatility,
            "forward": feed.forward,
            "interest_rate": feed.rate,
            "confidence": feed.confidence,
            **account_measures(inputs),
        },
    }
    view = InstrumentView(
        name=held.name,
        payoff="call" if held.call else "put",
        expires_at=AS_OF + timedelta(seconds=int(held.seconds)),
        terms={"strike": Decimal(held.strike)},
        measures={name: Decimal(value) for name, value in quoted["measures"].items()},
    )
    compiled = engine_of(inputs).policy.modes["derive_pmrm2"].parameters
    with exactly():
        now = rounded(option_values(EXACT, view, AS_OF, compiled).now, PLACES, "half_up")
    return {"mark_price": str(max(now, PLACES)), **quoted}


def market(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The market of a case. Collateral is priced in the settlement currency: its price in USD by that of the coin."""
    instruments = {held.name: option_market(inputs, held, feed) for held, feed in options(inputs)}
    if Decimal(inputs["perps"]):
        measures = {"confidence": inputs["perp_conf"], **account_measures(inputs)}
        instruments["ETH-PERP"] = {
            "mark_price": inputs["perp_price"],
            "index_price": inputs["spot"],
            "expires_at": None,
            "measures": measures,
        }
    prices: dict[str, Any] = {"USDC": {"price": "1", "measures": account_measures(inputs)}}
    with exactly():
        for one in collaterals(inputs):
            price = rounded(divide(Decimal(one.price), Decimal(inputs["stable"])), PLACES, "half_up")
            measures = {"confidence": one.confidence, **account_measures(inputs)}
            prices[one.asset] = {"price": str(price), "measures": measures}
    return {"as_of": AS_OF.isoformat(), "instruments": instruments, "prices": prices}


def account(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The account of a case. Options are entered at 1; cash is stated before the premiums that this implies."""
    positions = [
        {
            "id": held.name,
            "instrument": held.name,
            "mode": "derive_pmrm2",
            "quantity": held.quantity,
            "entry_price": "1",
        }
        for held, _ in options(inputs)
    ]
    with exactly():
        cash = Decimal(inputs["cash"]) + sum(Decimal(held.quantity) for held, _ in options(inputs))
        if quantity := Decimal(inputs["perps"]):
            gained = rounded(divide(Decimal(inputs["unrealised_perp_pnl"]), quantity), PLACES, "half_up")
            perpetual = {
                "id": "ETH-PERP",
                "instrument": "ETH-PERP",
                "mode": "derive_pmrm2",
                "quantity": inputs["perps"],
                "entry_price": str(Decimal(inputs["perp_price"]) - gained),
                "accrued": inputs["unrealised_funding"],
            }
            positions.append(perpetual)
    amounts = {one.asset: one.amount for one in collaterals(inputs)}
    return {"account": "A", "collateral": {"USDC": str(cash), **amounts}, "positions": positions}
