"""What the tests are written in: a small policy whose sections can be replaced, accounts and markets."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from rules_engine import Engine, Evaluation, Policy
from rules_engine.extension.registry import Registry, load_registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from rules_engine.terms.evaluation import PoolFigures, PositionFigures

AS_OF = "2026-12-02T00:00:00Z"

SECTIONS = {
    "schema": "rules-engine/policy/1",
    "policy": "example",
    "version": "1.0.0",
    "settlement": "{currency: USDT, quantum: 0.01}",
    "tables": """
  steps:      # deductions: 0, 1000 * 0.01 = 10, 10 + 5000 * 0.03 = 160
    tiers:
      - {up_to: 1000,      maintenance_rate: 0.01, max_leverage: 50}
      - {up_to: 5000,      maintenance_rate: 0.02, max_leverage: 25}
      - {up_to: unlimited, maintenance_rate: 0.05, max_leverage: 10}
  capped: {tiers: [{up_to: 1000, maintenance_rate: 0.01, max_leverage: 50}]}
  cliffs: {form: whole, tiers: [
    {up_to: 1000, maintenance_rate: 0.01, max_leverage: 50},
    {up_to: unlimited, maintenance_rate: 0.05, max_leverage: 10}]}
  contracts: {unit: quantity, tiers: [
    {up_to: 10, maintenance_rate: 0.01, max_leverage: 50},
    {up_to: unlimited, maintenance_rate: 0.05, max_leverage: 10}]}
  contract_cliffs: {unit: quantity, form: whole, tiers: [
    {up_to: 10, maintenance_rate: 0.01, max_leverage: 50},
    {up_to: unlimited, maintenance_rate: 0.05, max_leverage: 10}]}
""",
    "modes": "{isolated: {}, cross: {}, hybrid: {shared_draw_cap: 0.25}}",
    "collateral": "{BTC: {haircut: 0.05, cap: 1000}, ETH: {haircut: 0.1}}",
    "instruments": """
  BTCUSDT: {payoff: linear, table: steps, underlying: BTC, price_tick: 0.1, quantity_step: 0.001}
  ETHUSDT: {payoff: linear, table: steps, underlying: ETH, price_tick: 0.1, quantity_step: 0.001}
  SOLUSDT: {payoff: linear, table: steps, underlying: SOL, price_tick: 0.1, quantity_step: 0.001}
  CAPPED: {payoff: linear, table: capped, underlying: BTC, price_tick: 0.1, quantity_step: 1}
  CLIFFS: {payoff: linear, table: cliffs, underlying: BTC, price_tick: 0.1, quantity_step: 1}
  CONTRACTS: {payoff: linear, table: contracts, underlying: BTC, price_tick: 0.1, quantity_step: 1}
  CONTRACT_CLIFFS: {payoff: linear, table: contract_cliffs, underlying: BTC, price_tick: 0.1, quantity_step: 1}
  INVERSE: {payoff: inverse, table: steps, contract_size: 100, underlying: BTC, price_tick: 0.1, quantity_step: 1}
  QUANTO: {payoff: quanto, table: steps, contract_size: 2, conversion: 0.5, underlying: BTC, price_tick: 0.1}
""",
    "liquidation": "{trigger: at_or_below, margin_call: 1.25, restore_to: 1.5}",
}

FLAT = "{flat: {tiers: [{up_to: unlimited, maintenance_rate: 0.01, initial_rate: 0.1}]}}"
"""A table of one tier: maintenance is a hundredth of notional, initial margin a tenth."""

FLAT_INSTRUMENTS = "{" + ", ".join(
    f"{name}: {{payoff: linear, table: flat, underlying: {name[:3]}, price_tick: 0.1, quantity_step: 0.001}}"
    for name in ("BTCUSDT", "ETHUSDT", "SOLUSDT")
) + "}"  # fmt: skip


@lru_cache(maxsize=1)
def registry() -> Registry:
    """What is installed, loaded once."""
    return load_registry()


def policy_of(**sections: str) -> Policy:
    """The example policy with some sections (YAML text) replaced or added; fails with every error that it has."""
    text = "".join(f"{name}: {section}\n" for name, section in {**SECTIONS, **sections}.items())
    compiled, problems = check_policy(text.encode(), "example.yaml", registry(), policy_finder(None))
    assert compiled is not None, "\n".join(str(problem) for problem in problems)
    return compiled


@lru_cache(maxsize=256)
def _engine(sections: tuple[tuple[str, str], ...]) -> Engine:
    return Engine(policy_of(**dict(sections)))


def engine_of(**sections: str) -> Engine:
    """The engine of the example policy with some sections replaced or added."""
    return _engine(tuple(sections.items()))


def flat_engine(**sections: str) -> Engine:
    """An engine with one tier for all: maintenance 1 % and initial margin 10 % of notional."""
    return engine_of(**{"tables": FLAT, "instruments": FLAT_INSTRUMENTS, **sections})


def position(quantity: str, entry: str = "100", **fields: Any) -> dict[str, Any]:
    """An isolated position of BTCUSDT, named p1, unless fields say otherwise."""
    standard = {"id": "p1", "instrument": "BTCUSDT", "mode": "isolated"}
    return {**standard, "quantity": quantity, "entry_price": entry, **fields}


def order(quantity: str, **fields: Any) -> dict[str, Any]:
    """A market order for BTCUSDT in cross margin, named o1, unless fields say otherwise."""
    return {"id": "o1", "instrument": "BTCUSDT", "mode": "cross", "quantity": quantity, **fields}


def account(*positions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Account A with these positions."""
    return {"account": "A", "positions": list(positions), **fields}


def market(mark: str = "100", **others: Any) -> dict[str, Any]:
    """Every instrument of the example at one mark; `others` gives some of them another mark or a whole document."""
    names = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "CAPPED", "CLIFFS", "CONTRACTS", "CONTRACT_CLIFFS", "INVERSE", "QUANTO")
    marks: dict[str, Any] = {**dict.fromkeys(names, mark), **others}
    return {
        "as_of": AS_OF,
        "instruments": {name: m if isinstance(m, dict) else {"mark_price": m} for name, m in marks.items()},
    }


def one_position(evaluation: Evaluation, name: str = "p1") -> PositionFigures:
    """The figures of a position by its id."""
    return next(one for one in evaluation.positions if one.id == name)


def one_pool(evaluation: Evaluation, name: str = "A/isolated/p1") -> PoolFigures:
    """The figures of a pool by its name."""
    return next(one for one in evaluation.pools if one.pool == name)
