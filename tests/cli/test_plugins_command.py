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


def file_of(folder: Path, text: str) -> str:
    """A plugin `mine` in one file."""
    file = folder / "mine.py"
    file.write_text(text, encoding="utf-8")
    return str(file)


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
    result = run("list", "--plugin", file)
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
    """A name that is not known cannot be shown: 2. The nearest is named, or how a file is given."""
    for name, hint in (
        ("standard_mode", "did you mean standard_modes?"),
        ("mine", "there is "),
        ("mine.py", "use --plugin mine.py"),
    ):
        result = run("info", name)
        assert result.exit_code == 2
        assert f"Error: there is no plugin {name}; {hint}" in result.stderr


@pytest.mark.parametrize("name", ["Standard-Modes", "rules-engine", "rules_engine"])
def test_info__finds_a_plugin_by_its_distribution_and_whatever_the_hyphens(name: str) -> None:
    """As pip would: what one has installed is what one asks about."""
    (plugin,) = json.loads(run("info", name, "--json").stdout)["loaded"]
    assert plugin["name"] == "standard_modes"


@pytest.mark.parametrize("option", ["--plugin", "--file"])
def test_info__takes_a_file_by_both_names_of_the_option(tmp_path: Path, option: str) -> None:
    """`--plugin`, as everywhere; `--file`, as it was once called here."""
    result = run("info", "mine", option, file_of(tmp_path, MODE))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "margin mode capped" in result.stdout


def test_info__tells_of_a_schema_that_no_policy_could_use(tmp_path: Path) -> None:
    """Before the first policy needs it; the plugin is loaded, for Cerberus is asked only here."""
    file = file_of(tmp_path, MODE.replace('"number"', '"nonsense"'))
    result = run("info", "mine", "--plugin", file)
    assert result.exit_code == 1
    assert "margin mode capped" in result.stdout
    assert result.stderr.startswith("margin mode capped: the schema of its parameters is not one of Cerberus: ")


@pytest.mark.parametrize("command", [["list"], ["info", "mine"]])
def test_plugins__that_supply_nothing_are_said_to(tmp_path: Path, command: list[str]) -> None:
    """It is no fault, but what one forgets when one begins."""
    result = run(*command, "--plugin", file_of(tmp_path, "def margin_modes(): return []"))
    assert result.exit_code == 0
    assert result.stderr.startswith("plugin mine of mine.py (a file) supplies nothing: a hook is a function such as ")


def test_list__says_that_a_hook_is_not_marked(tmp_path: Path) -> None:
    """It is quarantined, for it was meant to supply something."""
    result = run("list", "--plugin", file_of(tmp_path, MODE.replace("@hookimpl", "")))
    assert result.exit_code == 1
    assert "rules_engine_margin_modes is not marked with @hookimpl" in result.stdout


@pytest.mark.parametrize(
    "command", [["plugins", "list"], ["plugins", "info", "mine"], ["plugins", "check"], ["schema"], ["check", "p.yaml"]]
)
def test_plugins__whose_file_is_not_there_end_every_command(tmp_path: Path, command: list[str]) -> None:
    """With the name of the file: 2."""
    file = tmp_path / "absent.py"
    result = CliRunner().invoke(cli, [*command, "--plugin", str(file)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{file}: FILE_UNUSABLE there is no file {file}\n"


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
    result = CliRunner().invoke(cli, ["schema", "--plugin", str(file)])
    schema = json.loads(result.stdout)
    Draft202012Validator.check_schema(schema)
    assert result.exit_code == 0
    capped = schema["properties"]["modes"]["properties"]["capped"]
    assert capped["properties"]["cap"] == {"type": "number", "exclusiveMinimum": 0}
    assert schema["then"]["properties"]["modes"]["properties"]["capped"] == {"required": ["cap"]}


def test_schema__says_which_plugin_it_lacks_and_exits_with_1(tmp_path: Path) -> None:
    """The schema is printed all the same."""
    result = CliRunner().invoke(cli, ["schema", "--plugin", file_of(tmp_path, "1 / 0")])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["title"] == "Margin policy"
    assert result.stderr.startswith("plugin mine of mine.py (a file) (")
