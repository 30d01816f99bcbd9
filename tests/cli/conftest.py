"""The example documents as files, and a runner of commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rules_engine.cli.main import cli

Run = Callable[..., Result]

PARENT = """\
schema: rules-engine/policy/1
policy: house-base
version: 1.0.0
settlement: {currency: USDT, quantum: 0.00000001}
tables:
  parents: {tiers: [{up_to: unlimited, maintenance_rate: 0.02, max_leverage: 10}]}
modes: {isolated: {}, cross: {}}
instruments:
  OLDUSDT: {payoff: linear, table: parents}
liquidation:
  trigger: at_or_below
  margin_call: 1.25
"""

POLICY = """\
schema: rules-engine/policy/1
policy: usdt-perpetuals
version: 1.2.0
extends: house-base@1.0.0
tables:
  majors:
    unit: notional
    form: marginal
    tiers:
      - {up_to: 50000,     maintenance_rate: 0.004, max_leverage: 125}
      - {up_to: 250000,    maintenance_rate: 0.005, max_leverage: 75}
      - {up_to: unlimited, maintenance_rate: 0.025, max_leverage: 20}
buffers:
  volatility:
    kind: volatility
    measure: realized_24h
    bands:
      - {from: 0,   multiply: 1}
      - {from: 0.8, multiply: 1.25}
instruments:
  BTCUSDT: {payoff: linear, table: majors, buffers: [volatility], price_tick: 0.1}
  "*USDT": {payoff: linear, table: majors}
"""

ACCOUNT = {
    "account": "A-17",
    "collateral": {"USDT": "12000"},
    "positions": [
        {
            "id": "p1",
            "instrument": "BTCUSDT",
            "mode": "isolated",
            "quantity": "0.5",
            "entry_price": "60000",
            "margin": "3000",
            "leverage": "10",
            "accrued": "-1.25",
        }
    ],
}

MARKET = {
    "as_of": "2026-12-02T00:00:00Z",
    "instruments": {
        "BTCUSDT": {
            "mark_price": "61000",
            "index_price": "61010",
            "time": "2026-12-02T00:00:00Z",
            "measures": {"realized_24h": "0.7"},
            "expires_at": None,
        }
    },
}

ORDER = {
    "id": "o1",
    "instrument": "BTCUSDT",
    "mode": "isolated",
    "position": "p1",
    "quantity": "0.1",
    "price": "59000",
    "leverage": "10",
}


@pytest.fixture
def run() -> Run:
    """Runs `rules-engine` with these arguments; a bug of ours raises instead of becoming an exit code."""

    def command(*arguments: object, **options: Any) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False, **options)

    return command


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policies root with a policy and the parent that it extends; the child's path."""
    for name, version, text in (("house-base", "1.0.0", PARENT), ("usdt-perpetuals", "1.2.0", POLICY)):
        path = tmp_path / "policies" / name / f"{version}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def documents(tmp_path: Path, policy: Path) -> list[str]:
    """The options `--policy --account --market` with files behind them."""
    (tmp_path / "account.json").write_text(json.dumps(ACCOUNT))
    (tmp_path / "market.json").write_text(json.dumps(MARKET))
    return [
        *("--policy", str(policy)),
        *("--account", str(tmp_path / "account.json")),
        *("--market", str(tmp_path / "market.json")),
    ]


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., str]:
    """Writes the example order, with these fields changed, and gives its path."""

    def written(**changed: str) -> str:
        path = tmp_path / "order.json"
        path.write_text(json.dumps(ORDER | changed))
        return str(path)

    return written
