"""`rules-engine plugins`, the verbs that plugins add, and the schema with their parameters."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from rules_engine.cli.main import cli
from rules_engine.extension.kinds import VERBS

PLUGIN = """
import click
from rules_engine.plugin import hookimpl

class Silent:
    name = "silent"
    def findings(self, policy):
        return []
    def evaluated(self, evaluations):
        pass

@click.command()
def greet():
    \"\"\"Print a greeting.\"\"\"
    click.echo("good day")

@hookimpl
def rules_engine_commands():
    return [greet]

@hookimpl
def rules_engine_policy_checks():
    return [Silent()]

@hookimpl
def rules_engine_observers():
    return [Silent()]
"""
MODE = """
from rules_engine.plugin import Backing, PoolLabel, hookimpl, tiered_requirement

class Capped:
    name = "capped"
    parameters = {"cap": {"type": "number", "above": 0, "required": True}}
    def pool(self, position, parameters):
        return PoolLabel(key="", backing=Backing.ACCOUNT)
    def requirement(self, num, exposure, parameters):
        return tiered_requirement(num, exposure)

@hookimpl
def rules_engine_margin_modes():
    return [Capped()]
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution of one plugin, on the path; the folder that it is in."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "greeting_plugin.py").write_text(PLUGIN, encoding="utf-8")
    info = tmp_path / "greeting-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 2.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[rules_engine]\ngreeting = greeting_plugin\n", encoding="utf-8")
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["plugins", *map(str, arguments)])


def test_list__names_the_standard_modes_like_any_plugin() -> None:
    """They have a version, an origin and components, and no privilege."""
    result = run("list", "--json")
    (standard,) = [one for one in json.loads(result.stdout)["loaded"] if one["name"] == "standard_modes"]
    assert result.exit_code == 0
    assert standard == {
        "name": "standard_modes",
        "distribution": "rules-engine",
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


def test_info__lists_components_of_every_kind(installed: Path) -> None:
    """Checks, commands and observers, too, with the distribution that they are of."""
    (plugin,) = json.loads(run("info", "greeting", "--json").stdout)["loaded"]
    assert (plugin["distribution"], plugin["version"]) == ("greeting", "2.0")
    assert plugin["components"] == ["policy check silent", "command greet", "observer silent"]
    assert "greeting" in run("info", "greeting").stdout


def test_verbs__of_plugins_stand_beside_ours(installed: Path) -> None:
    """In the help of the program, with their own help, and they run."""
    assert "\n  greet       Print a greeting.\n" in CliRunner().invoke(cli, ["--help"]).stdout
    assert "Print a greeting." in CliRunner().invoke(cli, ["greet", "--help"]).stdout
    assert CliRunner().invoke(cli, ["greet"]).stdout == "good day\n"


def test_verbs__that_do_not_exist_may_be_of_a_plugin_that_was_not_let_in(installed: Path) -> None:
    """Why it was not is said before the verb is refused."""
    (installed / "greeting_plugin.py").write_text("raise SystemExit(3)", encoding="utf-8")
    sys.modules.pop("greeting_plugin", None)
    result = CliRunner().invoke(cli, ["greet"])
    assert result.exit_code == 2
    assert result.stderr.startswith("plugin greeting of greeting 2.0 (greeting_plugin) is quarantined: it called for")
    assert "No such command 'greet'" in result.stderr


def test_verbs__of_ours_are_those_that_no_plugin_may_replace() -> None:
    """The registry knows them without asking the program."""
    assert set(cli.commands) == VERBS


@pytest.mark.parametrize("arguments", [["--version"], ["completion", "bash"], ["check", "--help"]])
def test_verbs__of_ours_start_without_loading_plugins(arguments: list[str]) -> None:
    """The library of hooks, which every plugin needs, is not even imported by what does not need it."""
    code = (
        "import sys; from rules_engine.cli.main import cli; cli(sys.argv[1:], standalone_mode=False);"
        " print(sorted({'rules_engine.extension.registry', 'rules_engine_standard_modes'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_schema__prints_a_schema_with_the_parameters_of_a_stranger(tmp_path: Path) -> None:
    """As numbers, where the policy has numbers."""
    file = tmp_path / "my_modes.py"
    file.write_text(MODE, encoding="utf-8")
    result = CliRunner().invoke(cli, ["schema", "--file", str(file)])
    schema = json.loads(result.stdout)
    Draft202012Validator.check_schema(schema)
    assert result.exit_code == 0
    capped = schema["properties"]["modes"]["properties"]["capped"]
    assert capped["properties"]["cap"] == {"type": "number", "exclusiveMinimum": 0}
    assert schema["then"]["properties"]["modes"]["properties"]["capped"] == {"required": ["cap"]}


def test_schema__says_which_plugin_it_lacks_and_exits_with_1(tmp_path: Path) -> None:
    """The schema is printed all the same."""
    result = CliRunner().invoke(cli, ["schema", "--file", str(tmp_path / "absent.py")])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["title"] == "Margin policy"
    assert result.stderr.startswith("plugin absent of absent.py (a file) (")
