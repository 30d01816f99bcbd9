"""Policies, accounts and markets for the tests of Drift's margin, in the documents of the engine."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import rules_engine_drift_margin

from rules_engine import Engine, Evaluation
from rules_engine.extension.registry import build_registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from rules_engine.terms.evaluation import PoolFigures

HERE = Path(__file__).parent
CASES = {case["id"]: case for case in json.loads((HERE / "cases.json").read_text())["cases"]}
SHIPPED = HERE.parent / "policies" / "drift-perps" / "1.0.0.yaml"

PERP = {
    "margin_ratio_initial": "0.1",
    "margin_ratio_maintenance": "0.05",
    "unrealized_pnl_initial_asset_weight": "1",
    "unrealized_pnl_maintenance_asset_weight": "1",
}
SPOT = {
    "initial_asset_weight": "0.8",
    "maintenance_asset_weight": "0.9",
    "initial_liability_weight": "1.2",
    "maintenance_liability_weight": "1.1",
}
CLOSED = {"margin_ratio_maintenance": "0.05"}


def flow(value: Any) -> str:
    """A mapping in YAML's flow style, numbers as they are."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in value.items()) + "}"
    return str(value)


@lru_cache(maxsize=64)
def _engine(text: str) -> Engine:
    policy, problems = check_policy(
        text.encode(), "drift.yaml", build_registry([rules_engine_drift_margin]), policy_finder(None)
    )
    assert policy is not None, "\n".join(str(problem) for problem in problems)
    return Engine(policy)


def shipped_engine() -> Engine:
    """The engine of the policy that comes with the plugin."""
    return _engine(SHIPPED.read_text())


def engine_of(
    *,
    perp: dict[str, str] | None = None,
    spot: dict[str, str] | None = None,
    mode: dict[str, str] | None = None,
    plan: dict[str, Any] | None = None,
    close: dict[str, str] | None = None,
    payoff: str = "payoff: linear",
    currency: str = "USDC",
) -> Engine:
    """An engine with one perp market, SOL-PERP, and one asset, SOL, beside USDC; parameters replaced or added."""
    own: dict[str, Any] = {"liquidation_buffer": "0", **(mode or {})}
    own |= {"markets": {"SOL-PERP": PERP | (perp or {})}, "assets": {"SOL": SPOT | (spot or {})}}
    closing = {"plan": "drift_shortage", "liquidation_buffer": own["liquidation_buffer"], **(plan or {})}
    closing["markets"] = {"SOL-PERP": CLOSED | (close or {})}
    return _engine(f"""
schema: rules-engine/policy/1
policy: drift
version: 1.0.0
settlement: {{currency: {currency}, quantum: 0.000001}}
modes: {{drift_cross: {flow(own)}}}
collateral: {{USDC: {{haircut: 0}}, SOL: {{haircut: 0}}}}
liquidation: {{trigger: below, margin_call: 1.1, close_out: {flow(closing)}}}
tables: {{unused: {{tiers: [{{up_to: unlimited, maintenance_rate: 0.001, max_leverage: 200}}]}}}}
instruments: {{SOL-PERP: {{{payoff}, table: unused, underlying: SOL, price_tick: 0.000001, quantity_step: 1e-9}}}}
""")


def position(quantity: str, entry: str, **fields: Any) -> dict[str, Any]:
    """A position in SOL-PERP, named p1 unless fields say otherwise."""
    standard = {"id": "p1", "instrument": "SOL-PERP", "mode": "drift_cross"}
    return {**standard, "quantity": quantity, "entry_price": entry, **fields}


def account(*positions: dict[str, Any], orders: tuple[dict[str, Any], ...] = (), **collateral: str) -> dict[str, Any]:
    """Account A with these positions, orders and assets."""
    return {"account": "A", "positions": list(positions), "orders": list(orders), "collateral": collateral}


def market(mark: str = "100", **prices: Any) -> dict[str, Any]:
    """SOL-PERP at a mark, assets at their prices (text, or a price document)."""
    return {
        "as_of": "2026-12-02T00:00:00Z",
        "instruments": {"SOL-PERP": {"mark_price": mark}},
        "prices": {name: price if isinstance(price, dict) else {"price": price} for name, price in prices.items()},
    }


def shared_pool(evaluation: Evaluation) -> PoolFigures:
    """The pool of the whole account, which must be decided."""
    pool = next(pool for pool in evaluation.pools if pool.pool == "A/drift_cross")
    assert pool.status != "undetermined", pool.evidence
    return pool


def scaled(text: str, digits: int) -> Decimal:
    """The program's whole number as what it stands for."""
    return Decimal(text).scaleb(-digits)
