"""The engine where nothing else of ours is installed: a stranger's distribution alone supplies the margin modes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

import rules_engine

PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from rules_engine import Engine, load_policy
from rules_engine.errors import PolicyError
from rules_engine.extension.registry import load_registry

registry = load_registry()
told = {
    "modes": sorted(registry.modes),
    "plugins": [[one.name, one.distribution, one.version, one.components] for one in registry.plugins],
    "quarantined": [str(one) for one in registry.quarantined],
    "supplier": registry.supplier("payoffs", "linear"),
    "ours": [name for name in sys.modules if name.startswith("rules_engine_")],
}
documents = json.load(sys.stdin)
engine = Engine(load_policy(sys.argv[2], registry=registry))
told["evaluation"] = engine.evaluate(documents["account"], documents["market"]).to_dict()
try:
    load_policy(sys.argv[3], registry=registry)
except PolicyError as error:
    told["refused"] = [[problem.code, problem.message] for problem in error.problems]
print(json.dumps(told))
"""

POLICY = """
schema: rules-engine/policy/1
policy: stranger
version: 1.0.0
settlement: {{currency: USDT, quantum: 0.01}}
tables: {{flat: {{tiers: [{{up_to: unlimited, maintenance_rate: 0.01, initial_rate: 0.1}}]}}}}
modes: {{{modes}}}
instruments: {{"*": {{payoff: linear, table: flat, price_tick: 0.1, quantity_step: 0.001}}}}
"""
OF_STRANGER, OF_OURS = POLICY.format(modes="stranger_net: {rate: 0.1}"), POLICY.format(modes="cross: {}")

HEDGED = [
    {"id": "long", "instrument": "BTCUSDT", "mode": "stranger_net", "quantity": "10", "entry_price": "100"},
    {"id": "short", "instrument": "ETHUSDT", "mode": "stranger_net", "quantity": "-6", "entry_price": "100"},
]
DOCUMENTS = {
    "account": {"account": "A", "collateral": {"USDT": "100"}, "positions": HEDGED},
    "market": {
        "as_of": "2026-12-02T00:00:00Z",
        "instruments": {"BTCUSDT": {"mark_price": "100"}, "ETHUSDT": {"mark_price": "100"}},
    },
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process tells whose only path has our package without its metadata, what that needs, and the stranger."""
    folder = tmp_path_factory.mktemp("site")
    for installed in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(installed).iterdir():
            if "rules_engine" not in entry.name and not (folder / entry.name).exists():
                os.symlink(entry, folder / entry.name)
    os.symlink(Path(rules_engine.__file__).parent, folder / "rules_engine")
    shutil.copy(Path(__file__).parent / "stranger" / "stranger_margin.py", folder)
    info = folder / "stranger_margin-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger-margin\nVersion: 0.1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[rules_engine]\nnet = stranger_margin\n", encoding="utf-8")
    files = [folder / "stranger.yaml", folder / "ours.yaml"]
    for file, text in zip(files, (OF_STRANGER, OF_OURS), strict=True):
        file.write_text(text, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM, str(folder), *map(str, files)],
        input=json.dumps(DOCUMENTS),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_registry__has_the_strangers_mode_and_none_of_ours(told: dict[str, Any]) -> None:
    """Named with its distribution and version; the payoffs in the box are there without any metadata."""
    assert told["modes"] == ["stranger_net"]
    assert told["plugins"] == [["net", "stranger-margin", "0.1.0", ["margin mode stranger_net"]]]
    assert (told["quarantined"], told["ours"]) == ([], [])
    assert told["supplier"] == "rules-engine (not installed)"


def test_policy__of_the_strangers_mode_evaluates(told: dict[str, Any]) -> None:
    """10 % of net 400 is kept; 100 + 10 * (m - 100) meets a tenth of |10 * m - 600| at 93.33...."""
    (pool,) = told["evaluation"]["pools"]
    assert (pool["pool"], pool["status"]) == ("A/stranger_net", "healthy")
    assert (pool["maintenance_margin"], pool["initial_margin"]) == ("40", "80")
    assert [one["liquidation_price"] for one in told["evaluation"]["positions"]] == ["93.4", "111.1"]


def test_policy__of_one_of_our_modes_is_refused_as_unknown(told: dict[str, Any]) -> None:
    """The engine has no modes of its own."""
    assert told["refused"] == [["MODE_UNKNOWN", "there is no margin mode cross"]]
