"""`--plugin FILE`: a policy may use what a plugin in one file supplies, and a file that cannot be let in is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]

PLUGIN = """\
from rules_engine.plugin import Backing, PoolLabel, hookimpl, tiered_requirement


class Mine:
    name = "isolated_by_me"
    parameters = {}

    def pool(self, position, parameters):
        return PoolLabel(key=position.id, backing=Backing.POSITION)

    def requirement(self, num, exposure, parameters):
        return tiered_requirement(num, exposure)


@hookimpl
def rules_engine_margin_modes():
    return [Mine()]
"""


@pytest.fixture
def plugin(tmp_path: Path, policy: Path, documents: list[str], order: Callable[..., str]) -> Path:
    """A file with a mode, which the example policy then allows and its position and order use."""
    order(mode="isolated_by_me")
    policy.write_text(policy.read_text(encoding="utf-8") + "modes: {isolated_by_me: {}}\n", encoding="utf-8")
    account = tmp_path / "account.json"
    account.write_text(account.read_text(encoding="utf-8").replace('"isolated"', '"isolated_by_me"'), encoding="utf-8")
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN, encoding="utf-8")
    return file


def test_plugin__check_and_show_take_it(run: Run, policy: Path, plugin: Path) -> None:
    """The policy is refused without it, and clean with it."""
    assert run("check", policy).exit_code == 1
    assert run("check", "--plugin", plugin, policy).exit_code == 0
    assert run("show", policy).exit_code == 2
    assert run("show", "--plugin", plugin, policy).exit_code == 0


def test_plugin__evaluate_and_order_take_it(run: Run, documents: list[str], plugin: Path) -> None:
    """The position is in a pool of the plugin's mode, and the order acts on it."""
    evaluated = run("evaluate", "--plugin", plugin, *documents, "--json")
    assert {pool["mode"]: pool["status"] for pool in json.loads(evaluated.stdout)["pools"]}[
        "isolated_by_me"
    ] == "healthy"
    decided = run("order", "--plugin", plugin, *documents, "--order", plugin.parent / "order.json", "--json")
    assert (decided.exit_code, json.loads(decided.stdout)["accepted"]) == (0, True)


def test_plugin__several_files_may_be_given(run: Run, policy: Path, plugin: Path) -> None:
    """Each is a plugin of its own."""
    other = plugin.with_name("other.py")
    other.write_text(PLUGIN.replace("isolated_by_me", "another"), encoding="utf-8")
    assert run("check", "--plugin", other, "--plugin", plugin, policy).exit_code == 0


@pytest.mark.parametrize("text", ["import nothing_of_that_name", "raise SystemExit(0)", PLUGIN.replace("pool", "pond")])
def test_plugin__one_that_cannot_be_let_in_ends_the_command(run: Run, policy: Path, plugin: Path, text: str) -> None:
    """It was asked for, so nothing is done without it: 2."""
    plugin.write_text(text, encoding="utf-8")
    result = run("check", "--plugin", plugin, policy)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"PLUGIN_BROKEN plugin mine of mine.py (a file) ({plugin}) is quarantined: ")


def test_plugin__one_that_is_not_there_ends_the_command(run: Run, policy: Path, plugin: Path) -> None:
    """With its name: 2."""
    result = run("check", "--plugin", plugin.with_name("nowhere.py"), policy)
    assert result.exit_code == 2
    assert "nowhere.py" in result.stderr
