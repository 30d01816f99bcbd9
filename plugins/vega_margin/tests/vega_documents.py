"""What the tests share: the published cases, and policy, account and market documents that carry their facts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import rules_engine_standard_modes
import rules_engine_vega_margin

from rules_engine import Engine, Evaluation
from rules_engine.extension.registry import build_registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder

FOLDER = Path(__file__).resolve().parent
REGISTRY = build_registry([rules_engine_standard_modes, rules_engine_vega_margin])
CASES: Sequence[Mapping[str, Any]] = json.loads((FOLDER / "cases.json").read_text())["cases"]
RICH = "1000000000000"
"""Collateral that no case uses up."""

POLICY = """\
schema: rules-engine/policy/1
policy: vega
version: 1.0.0
settlement: {{currency: USD, quantum: {quantum}}}
tables: {{not_used: {{tiers: [{{up_to: unlimited, maintenance_rate: 0.001, max_leverage: 100}}]}}}}
modes:
  vega_cross: {{{market}, search_factor: {search}, release_factor: {release}}}
  vega_isolated: {{{market}, margin_factor: {margin_factor}}}
instruments:
  M: {{payoff: linear, table: not_used, contract_size: {contract_size}}}
liquidation: {{trigger: at_or_below}}
conventions: {{liquidation_price_rounding: none}}
"""

LEVELS = {"search": "1.1", "initial": "1.2", "release": "1.4"}
"""Vega's `default-margin-calculator` of the integration tests."""


def cases(*kinds: str) -> list[Mapping[str, Any]]:
    """The cases whose ids begin so."""
    return [case for case in CASES if case["id"].startswith(kinds)]


def contract_size(inputs: Mapping[str, Any]) -> str:
    """One over the position factor, a power of ten."""
    return decimal_text(1 / Fraction(inputs.get("position_factor", "1")))


def decimal_text(x: Fraction) -> str:
    """A fraction over a power of ten as a plain decimal."""
    digits = 0
    while (x * 10**digits).denominator != 1:
        digits += 1
        assert digits <= 60, f"{x} is no decimal"
    return f"{x * 10**digits}e-{digits}"


def policy_text(inputs: Mapping[str, Any], *, quantum: str = "1", asset_unit: str | None = "1") -> str:
    """A policy with a case's parameters of the market."""
    scaling = inputs.get("scaling", LEVELS)
    market = {
        "risk_factor_long": inputs.get("risk_factor_long", "0.1"),
        "risk_factor_short": inputs.get("risk_factor_short", "0.1"),
        "linear_slippage": inputs.get("linear_slippage", "0"),
        "quadratic_slippage": inputs.get("quadratic_slippage", "0"),
        "initial_factor": scaling["initial"],
        "perpetual": "true",
        **({} if asset_unit is None else {"asset_unit": asset_unit}),
    }
    return POLICY.format(
        quantum=quantum,
        market=", ".join(f"{name}: {value}" for name, value in market.items()),
        search=scaling["search"],
        release=scaling["release"],
        margin_factor=inputs.get("margin_factor", "1"),
        contract_size=contract_size(inputs),
    )


def engine(inputs: Mapping[str, Any], **terms: Any) -> Engine:
    """An engine under that policy."""
    text = policy_text(inputs, **terms)
    policy, problems = check_policy(text.encode(), "vega.yaml", REGISTRY, policy_finder(None))
    assert policy is not None, "\n".join(str(problem) for problem in problems)
    return Engine(policy)


def account(
    mode: str,
    quantity: str,
    entry_price: str,
    buys: Sequence[Sequence[str]] = (),
    sells: Sequence[Sequence[str]] = (),
    collateral: str = RICH,
    margin: str = RICH,
) -> dict[str, Any]:
    """An account with a position (none of 0 contracts) and orders of (size, price) in one market."""
    own = {"margin": margin} if mode == "vega_isolated" else {}
    position = {"id": "p", "instrument": "M", "mode": mode, "quantity": quantity, "entry_price": entry_price, **own}
    sized = [*buys, *((f"-{size}", price) for size, price in sells)]
    return {
        "account": "A",
        "collateral": {"USD": collateral},
        "positions": [position] if Fraction(quantity) else [],
        "orders": [
            {"id": f"o{index}", "instrument": "M", "mode": mode, "quantity": size, "price": price}
            for index, (size, price) in enumerate(sized)
        ],
    }


def market(inputs: Mapping[str, Any], mark_price: str) -> dict[str, Any]:
    """A market of a mark, with the funding and, in an auction, the auction price of a case."""
    measures = {"funding_per_unit": inputs.get("funding_per_unit", "0")}
    in_auction = inputs.get("auction", inputs.get("auction_price") is not None)
    if in_auction:
        measures["auction_price"] = inputs["auction_price"]
    return {"as_of": "2026-12-02T00:00:00Z", "instruments": {"M": {"mark_price": mark_price, "measures": measures}}}


def shared_pool(evaluation: Evaluation) -> dict[str, Any]:
    """The pool that the account's own collateral backs, in plain values."""
    return next(pool for pool in evaluation.to_dict()["pools"] if pool["pool"] == "A/vega_cross")
