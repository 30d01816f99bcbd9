"""`rules-engine plugins list` and `info`: what is loaded from where, and why something is not."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from click.testing import CliRunner, Result

from rules_engine.cli.main import cli


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["plugins", *map(str, arguments)])


def test_list__names_the_standard_modes_like_any_plugin() -> None:
    """They have a version, an origin and components, and no privilege."""
    result = run("list", "--json")
    (standard,) = [one for one in json.loads(result.stdout)["loaded"] if one["name"] == "standard_modes"]
    assert result.exit_code == 0
    assert standard == {
        "name": "standard_modes",
        "version": version("rules-engine"),
        "origin": "rules_engine_standard_modes",
        "components": ["margin mode isolated", "margin mode cross", "margin mode hybrid"],
    }


def test_list__shows_what_is_quarantined_and_why_and_exits_with_1(tmp_path: Path) -> None:
    """A plugin that exits while it loads is a row of its own."""
    file = tmp_path / "leaver.py"
    file.write_text("raise SystemExit(3)", encoding="utf-8")
    result = run("list", "--file", file)
    assert result.exit_code == 1
    assert "leaver" in result.stdout
    assert "it called for the program's exit (3)" in result.stdout


def test_info__is_about_one_plugin() -> None:
    """Others are left out."""
    result = run("info", "standard_modes")
    assert result.exit_code == 0
    assert "margin mode hybrid" in result.stdout
    assert json.loads(run("info", "standard_modes", "--json").stdout)["quarantined"] == []


def test_info__of_an_unknown_plugin_says_which_there_are() -> None:
    """A name that is not known cannot be shown: 2."""
    result = run("info", "standard_mode")
    assert result.exit_code == 2
    assert "there is no plugin standard_mode; there is standard_modes" in result.stderr
