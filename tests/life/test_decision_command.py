"""`rules-engine replay`: what people and programs are told of a log."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from rules_engine import Engine, load_policy
from rules_engine.cli.commands import Commands
from rules_engine.cli.replay import replay
from rules_engine.life.decisions.logged import LoggedEngine
from tests.life.decisions import edited, log_at
from tests.life.test_decision_masks import MASK

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


@click.group(cls=Commands)
def program() -> None:
    """The root group, in which faults become messages and exit codes."""


program.add_command(replay)


def run(*arguments: object) -> Result:
    """Runs the command; a bug of ours raises instead of becoming an exit code."""
    return CliRunner().invoke(program, ["replay", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The published example, evaluated and asked for an order."""
    account, market, order = ((EXAMPLES / f"{name}.json").read_bytes() for name in ("account", "market", "order"))
    with log_at(tmp_path / "log", mask=MASK) as log:
        engine = LoggedEngine(Engine(load_policy("usdt-perpetuals@1.2.0")), log)
        engine.evaluate(account, market, "d1")
        engine.check_order(account, market, order, "d2")
    return tmp_path / "log.000001.jsonl"


def test_replay__of_a_log_that_stands(log: Path) -> None:
    """Counts, the head, and a word on what cannot be seen; exit code 0."""
    found = run(log)
    assert found.exit_code == 0
    lines = found.stdout.splitlines()
    assert [re.split(r"  +", line.strip()) for line in lines[3:9]] == [
        ["evaluate", "1"],
        ["order", "1"],
        ["same answer", "2"],
        ["different, or not to be judged", "0"],
        ["inputs not kept", "0"],
        ["dropped", "0"],
    ]
    assert lines[-1].startswith("4 records; the last is 4, ")
    assert found.stderr == "without --head it cannot be seen whether lines were cut off at the end\n"
    head = lines[-1].split(", ")[1]
    assert run(log, "--head", head).stderr == ""


def test_replay__tells_what_differs(log: Path) -> None:
    """At the line, with exit code 1."""

    def enrich(record: dict[str, Any]) -> None:
        record["inputs"]["account"]["collateral"]["USDT"] = "1"

    edited(log, 2, enrich, rechained=True)
    found = run(log)
    assert found.exit_code == 1
    assert found.stdout.startswith(f"{log}:3:1: LOG_RECORD_EDITED its inputs do not have the hash")


def test_replay__for_programs(log: Path) -> None:
    """One document, with the decision of each problem."""
    edited(log, 2, lambda record: record["policy"].update(version="1.2.1"), rechained=True)
    found = run(log, "--json", "--head", "none")
    assert found.exit_code == 1
    document = json.loads(found.stdout)
    assert document["decisions"] == {"evaluate": 1, "order": 1}
    assert (document["equal"], document["different"]) == (1, 1)
    assert [(each["code"], each["decision"], each["line"]) for each in document["problems"]] == [
        ("LOG_POLICY_UNKNOWN", "d1", 3),
        ("LOG_CUT", "d2", 4),
    ]


def test_replay__of_no_log(tmp_path: Path) -> None:
    """Exit code 2."""
    found = run(tmp_path / "log")
    assert found.exit_code == 2
    assert found.stderr == f"{tmp_path}/log.000001.jsonl: FILE_UNUSABLE there is no such decision log\n"
