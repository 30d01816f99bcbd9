"""`plugins check`: its tables, its JSON, its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from rules_engine.cli.main import cli

GOOD = """
from rules_engine.plugin import Backing, PoolLabel, hookimpl, tiered_requirement


class Tiered:
    name = "tiered"
    parameters = {}

    def pool(self, position, parameters):
        return PoolLabel(key=position.id, backing=Backing.POSITION)

    def requirement(self, num, exposure, parameters):
        return tiered_requirement(num, exposure)


@hookimpl
def rules_engine_margin_modes():
    return [Tiered()]
"""
BRANCHING = GOOD.replace(
    "        return tiered_requirement(num, exposure)",
    "        if exposure.quantity > 0:\n            pass\n        return tiered_requirement(num, exposure)",
)
NEEDY = GOOD.replace("tiered_requirement(num, exposure)", 'exposure.market.measure("beta")')
SILENT = """
from rules_engine.plugin import hookimpl


class Silent:
    name = "silent"

    def evaluated(self, evaluations):
        pass


@hookimpl
def rules_engine_observers():
    return [Silent()]
"""


def run(*arguments: str) -> Result:
    """The command, run in this process."""
    return CliRunner().invoke(cli, ["plugins", "check", *arguments, "--cases", "10"])


def file_of(folder: Path, text: str) -> str:
    """A plugin in a file."""
    path = folder / "my_modes.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_check__of_an_installed_plugin_prints_every_law() -> None:
    result = run("standard_modes")
    assert result.exit_code == 0, result.output
    assert "margin mode cross" in result.stdout
    assert "the mode sees one position at a time" in result.stdout


def test_check__of_a_file_exits_with_1_and_the_counterexample(tmp_path: Path) -> None:
    result = run("--plugin", file_of(tmp_path, BRANCHING))
    assert result.exit_code == 1
    assert "margin mode tiered: opaque broken" in result.stdout
    assert "a number is used with > (my_modes.py:13); write num.maximum" in result.stdout


def test_check__for_programs_is_json(tmp_path: Path) -> None:
    result = run("--plugin", file_of(tmp_path, GOOD), "--json")
    assert result.exit_code == 0
    (report,) = json.loads(result.stdout)
    assert (report["component"], report["held"]) == ("margin mode tiered", True)


def test_check__that_cannot_exercise_a_mode_exits_with_2(tmp_path: Path) -> None:
    result = run("--plugin", file_of(tmp_path, NEEDY))
    assert result.exit_code == 2
    assert "no usable measure beta" in result.stdout
    assert "--policy, --account and --market" in result.stdout


def test_check__with_documents_of_ones_own(tmp_path: Path) -> None:
    """A policy that allows the mode, an account and a market."""
    from rules_engine.testing.documents import built_in, example_account, example_market, policy_text

    paths = {"policy": tmp_path / "p.yaml", "account": tmp_path / "a.json", "market": tmp_path / "m.json"}
    paths["policy"].write_text(policy_text(built_in(modes={"tiered": {}})), encoding="utf-8")
    paths["account"].write_text(json.dumps(example_account("tiered")), encoding="utf-8")
    paths["market"].write_text(json.dumps(example_market()), encoding="utf-8")
    options = [text for name, path in paths.items() for text in (f"--{name}", str(path))]
    result = run("--plugin", file_of(tmp_path, GOOD), *options)
    assert result.exit_code == 0, result.output
    assert run("--plugin", file_of(tmp_path, GOOD), *options[:4]).exit_code == 2


def test_check__of_nothing_known_exits_with_2(tmp_path: Path) -> None:
    """No such plugin, no such file, a file that breaks down, neither or both of them."""
    assert run("no_such_plugin").exit_code == 2
    assert run("--plugin", str(tmp_path / "none.py")).exit_code == 2
    assert run("--plugin", file_of(tmp_path, "1 / 0")).exit_code == 2
    assert run().exit_code == 2
    assert "use --plugin my_modes.py" in run("my_modes.py").stderr


def test_check__of_a_distribution_is_that_of_its_plugins() -> None:
    assert run("rules-engine", "--json").stdout == run("standard_modes", "--json").stdout


def test_check__of_a_plugin_that_supplies_nothing_exits_with_2_and_says_what_to_do(tmp_path: Path) -> None:
    result = run("--plugin", file_of(tmp_path, "def margin_modes(): return []"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("PLUGIN_BROKEN the plugin my_modes supplies nothing: a hook is a function such as ")


def test_check__of_a_schema_that_no_policy_could_use_exits_with_2(tmp_path: Path) -> None:
    """With `--json` as every problem that ends a command."""
    file = file_of(tmp_path, GOOD.replace("= {}", '= {"speed": {"type": "nonsense"}}'))
    result = run("--plugin", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("PLUGIN_BROKEN margin mode tiered: the schema of its parameters is not one of Cer")
    (problem,) = json.loads(run("--plugin", file, "--json").stdout)["problems"]
    assert problem["message"].startswith("margin mode tiered: the schema of its parameters")


def test_check__of_components_for_which_there_are_no_laws_says_so(tmp_path: Path) -> None:
    """It is not silent, and finds nothing wrong."""
    result = run("--plugin", file_of(tmp_path, SILENT))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "the conformance kit has no laws for what it supplies (observer silent)\n"
