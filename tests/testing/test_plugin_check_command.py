"""`plugins check`: its tables, its JSON, its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from rules_engine.cli.plugin_check import check_command

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


def run(*arguments: str) -> Result:
    """The command, run in this process."""
    return CliRunner().invoke(check_command, [*arguments, "--cases", "10"])


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
    result = run("--file", file_of(tmp_path, BRANCHING))
    assert result.exit_code == 1
    assert "margin mode tiered: opaque broken" in result.stdout
    assert "a number is used with >" in result.stdout


def test_check__for_programs_is_json(tmp_path: Path) -> None:
    result = run("--file", file_of(tmp_path, GOOD), "--json")
    assert result.exit_code == 0
    (report,) = json.loads(result.stdout)
    assert (report["component"], report["held"]) == ("margin mode tiered", True)


def test_check__that_cannot_exercise_a_mode_exits_with_2(tmp_path: Path) -> None:
    result = run("--file", file_of(tmp_path, NEEDY))
    assert result.exit_code == 2
    assert "no usable measure beta" in result.stdout


def test_check__with_documents_of_ones_own(tmp_path: Path) -> None:
    """A policy that allows the mode, an account and a market."""
    from rules_engine.testing.documents import built_in, example_account, example_market, policy_text

    paths = {"policy": tmp_path / "p.yaml", "account": tmp_path / "a.json", "market": tmp_path / "m.json"}
    paths["policy"].write_text(policy_text(built_in(modes={"tiered": {}})), encoding="utf-8")
    paths["account"].write_text(json.dumps(example_account("tiered")), encoding="utf-8")
    paths["market"].write_text(json.dumps(example_market()), encoding="utf-8")
    options = [text for name, path in paths.items() for text in (f"--{name}", str(path))]
    result = run("--file", file_of(tmp_path, GOOD), *options)
    assert result.exit_code == 0, result.output
    assert run("--file", file_of(tmp_path, GOOD), *options[:4]).exit_code == 2


def test_check__of_nothing_known_exits_with_2(tmp_path: Path) -> None:
    """No such plugin, no such file, a file that breaks down, neither or both of them."""
    assert run("no_such_plugin").exit_code == 2
    assert run("--file", str(tmp_path / "none.py")).exit_code == 2
    assert run("--file", file_of(tmp_path, "1 / 0")).exit_code == 2
    assert run().exit_code == 2
