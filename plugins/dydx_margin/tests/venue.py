"""What the tests are written in: policies of one liquidity tier, accounts whose collateral gives a net collateral."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import rules_engine_dydx_margin
import rules_engine_standard_modes

from rules_engine import Engine, Evaluation
from rules_engine.extension.registry import Registry, build_registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from rules_engine.terms.policy import Policy

BASE_QUANTUMS: Final = {"BTC": "100000000", "ETH": "1000000000"}
CASES: Final[list[dict[str, Any]]] = json.loads(Path(__file__).with_name("cases.json").read_text())["cases"]

TIER: Final = {
    "initial_margin_ppm": "200000",
    "maintenance_fraction_ppm": "500000",
    "open_interest_lower_cap": "0",
    "open_interest_upper_cap": "0",
}
PLAN: Final = {
    "bankruptcy_adjustment_ppm": "1000000",
    "spread_to_maintenance_margin_ratio_ppm": "100000",
    "min_position_notional_liquidated": "0",
    "max_position_portion_liquidated_ppm": "1000000",
}

POLICY: Final = """
schema: rules-engine/policy/1
policy: chain
version: 1.0.0
settlement: {{currency: USDC, quantum: 0.000001}}
tables: {{unused: {{tiers: [{{up_to: unlimited, maintenance_rate: 0.01, initial_rate: 0.05}}]}}}}
modes:
  dydx_cross: {{tiers: {{all: {{markets: ["*"], {tier}}}}}}}
  dydx_isolated: {{tiers: {{all: {{markets: ["*"], {tier}}}}}}}
instruments:
  BTC: {{payoff: linear, table: unused, price_tick: 0.000001, quantity_step: 0.00000001}}
  "*": {{payoff: linear, table: unused, price_tick: 0.000001, quantity_step: {step}}}
liquidation: {{{liquidation}, close_out: {{plan: dydx_partial, {plan}}}}}
"""


def registry() -> Registry:
    """The standard components and ours."""
    return build_registry([rules_engine_standard_modes, rules_engine_dydx_margin])


def checked(text: str) -> tuple[Policy | None, list[str]]:
    """A policy, if it compiles, and the codes of its problems."""
    policy, problems = check_policy(text.encode(), "chain.yaml", registry(), policy_finder(None))
    return policy, [problem.code for problem in problems]


def policy_text(
    tier: Mapping[str, str] | None = None,
    plan: Mapping[str, str] | None = None,
    liquidation: str = "trigger: below",
    step: str = "0.000000001",
) -> str:
    """A policy in which every market has one tier, by default the 20 % / 10 % tier of the chain's tests."""

    tier, plan = {**TIER, **(tier or {})}, {**PLAN, **(plan or {})}
    parts = {"tier": tier, "plan": plan}
    written = {name: ", ".join(f"{key}: {value}" for key, value in part.items()) for name, part in parts.items()}
    return POLICY.format(**written, liquidation=liquidation, step=step)


def engine_of(
    tier: Mapping[str, str] | None = None,
    plan: Mapping[str, str] | None = None,
    liquidation: str = "trigger: below",
    step: str = "0.000000001",
) -> Engine:
    """The engine of such a policy."""
    policy, codes = checked(policy_text(tier, plan, liquidation, step))
    assert policy is not None, codes
    return Engine(policy)


def position(market: str, quantity: Decimal | str | int, price: Decimal | str | int, **fields: Any) -> dict[str, Any]:
    """A cross position entered at this price, named after its market unless fields say otherwise."""
    entered = {"id": market, "instrument": market, "mode": "dydx_cross", "entry_price": f"{Decimal(price):f}"}
    return {**entered, "quantity": f"{Decimal(quantity):f}", **fields}


def evaluated(
    engine: Engine,
    positions: list[dict[str, Any]],
    *,
    net_collateral: Decimal | str,
    prices: Mapping[str, str] | None = None,
    open_interest: Decimal | str = "0",
) -> Evaluation:
    """An account that holds the positions and has this net collateral while marks are where they were entered."""
    marks = {one["instrument"]: one["entry_price"] for one in positions}
    market = {
        "as_of": "2026-12-02T00:00:00Z",
        "instruments": {
            name: {"mark_price": mark, "measures": {"open_interest_notional": f"{Decimal(open_interest):f}"}}
            for name, mark in {**marks, **(prices or {})}.items()
        },
    }
    account = {"account": "A", "collateral": {"USDC": f"{Decimal(net_collateral):f}"}, "positions": positions}
    return engine.evaluate(account, market)


def size(inputs: Mapping[str, Any], market: str) -> Decimal:
    """How much of a market a case holds, in whole coins."""
    per_unit = inputs.get("base_quantums_per_unit", BASE_QUANTUMS)[market]
    return Decimal(inputs["positions_base_quantums"][market]) / Decimal(per_unit)


def worth(inputs: Mapping[str, Any]) -> Decimal:
    """The net collateral of a case: its dollars and its positions at their prices."""
    held = inputs["positions_base_quantums"]
    return Decimal(inputs["usdc"]) + sum(size(inputs, market) * Decimal(inputs["prices"][market]) for market in held)
