"""`rules-engine plugins new`: what it writes works at once, and it overwrites nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from configparser import ConfigParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rules_engine import Engine, load_policy
from rules_engine.cli.main import cli
from rules_engine.cli.plugin_new import KINDS
from rules_engine.extension.registry import load_registry
from tests.cli.installing import install, run

ROOT = Path(__file__).parents[2]
RULES = "E,F,I,B,UP,C4,SIM,RUF,PIE,PT"
"""Those of our own sources."""
COMPONENTS = {
    "margin mode acme_margin_surcharge",
    "margin mode acme_margin_netting",
    "payoff acme_margin_per_thousand",
    "buffer acme_margin_divergence",
    "close-out plan acme_margin_largest_first",
    "policy check acme_margin_leverage_limit",
    "command acme-margin-calls",
    "observer acme_margin_statuses",
}


def new(*arguments: object) -> Result:
    """`rules-engine plugins new` with these arguments."""
    return CliRunner().invoke(cli, ["plugins", "new", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin with a component of every kind."""
    folder = tmp_path_factory.mktemp("whole") / "acme-margin"
    assert new("acme-margin", "--directory", folder, *(f"--kind={kind}" for kind in KINDS)).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def installed(whole: Path) -> Mapping[str, str]:
    """The environment of processes in which it is installed."""
    return install(whole)


def test_whole__its_tests_pass(whole: Path, installed: Mapping[str, str]) -> None:
    """The laws of each component, and a figure of each worked by hand."""
    result = run("pytest", "-p", "no:cacheprovider", folder=whole, environment=installed)
    assert result.returncode == 0, result.stdout


def test_whole__all_its_components_are_found_and_none_is_quarantined(whole: Path, installed: Mapping[str, str]) -> None:
    """By its entry point, with name and version of the distribution."""
    result = run("rules_engine", "plugins", "info", "acme_margin", "--json", folder=whole, environment=installed)
    document: Any = json.loads(result.stdout)
    (loaded,) = document["loaded"]
    assert (loaded["version"], document["quarantined"]) == ("0.1.0", [])
    assert set(loaded["components"]) == COMPONENTS


def test_whole__its_command_is_a_verb(whole: Path, installed: Mapping[str, str]) -> None:
    """As one of ours, and it exits as they do."""
    result = run("rules_engine", "acme-margin-calls", "nothing.json", folder=whole, environment=installed)
    assert (result.returncode, "nothing.json" in result.stderr) == (2, True)


def test_whole__declares_what_its_tests_need(whole: Path) -> None:
    """Pytest, in an extra that the README installs."""
    config = ConfigParser()
    config.read(whole / "setup.cfg", encoding="utf-8")
    assert config["options.extras_require"]["test"].split() == ["pytest"]
    assert "python -m pip install -e '.[test]'\n" in (whole / "README.md").read_text(encoding="utf-8")


def test_whole__its_explanation_tells_figures_apart(whole: Path, installed: Mapping[str, str]) -> None:
    """5,500 is the table's 5,000 with a tenth on top: two figures, two names, and the parameter has its own."""
    documents = ("--account", "examples/account.json", "--market", "examples/market.json")
    command = ("evaluate", "--policy", "policies/acme-margin/1.0.0.yaml", *documents, "--explain")
    result = run("rules_engine", *command, folder=whole, environment=installed)
    assert "  5500  (1 + surcharge 0.1) * initial_by_table 5000\n" in result.stdout


def test_whole__is_clean_and_sorted(whole: Path) -> None:
    """Of what our own sources are held to, formatting included."""
    if find_spec("ruff") is None:
        pytest.skip("ruff is not installed")
    common = ("--no-cache", "--isolated", "--line-length", "120", "--target-version", "py311")
    ignored = ("--ignore", "RUF001,RUF002,RUF003,RUF012,PT017,PT018")
    checked = run("ruff", "check", *common, "--select", RULES, *ignored, ".", folder=whole)
    assert checked.returncode == 0, checked.stdout
    formatted = run("ruff", "format", "--check", *common, ".", folder=whole)
    assert formatted.returncode == 0, formatted.stdout


def test_whole__is_typed_strictly(whole: Path, installed: Mapping[str, str]) -> None:
    """The package and its tests."""
    if find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    path = {"MYPYPATH": f"{whole}:{ROOT}:{ROOT / 'plugins' / 'standard_modes'}"}
    options = ("--strict", "--follow-imports=silent", "--cache-dir", str(whole.parent / "cache"))
    result = run("mypy", *options, "acme_margin", "tests", folder=whole, environment={**installed, **path})
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_kind__each_one_works_alone(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its policy compiles without a warning, and the example account is healthy under it."""
    name, package = f"acme-only-{kind}", f"acme_only_{kind}".replace("-", "_")
    folder = tmp_path / name
    assert new(name, "--kind", kind, "--directory", folder).exit_code == 0
    monkeypatch.syspath_prepend(folder)
    registry = load_registry(files=[folder / package / "__init__.py"])
    policy = load_policy(folder / "policies" / name / "1.0.0.yaml", registry=registry)
    account, market = ((folder / "examples" / f"{one}.json").read_text() for one in ("account", "market"))
    assert policy.warnings == ()
    assert {pool.status for pool in Engine(policy).evaluate(account, market).pools} == {"healthy"}


def test_new__says_what_it_wrote_and_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into a folder of the plugin's name, every file of it on a line of stdout; what to do next goes to stderr."""
    monkeypatch.chdir(tmp_path)
    result = new("Acme_Margin.Plugin")
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert result.exit_code == 0
    assert set(result.stdout.splitlines()) == written
    assert "acme-margin-plugin/acme_margin_plugin/mode.py" in written
    assert result.stderr.startswith("next:\n  cd acme-margin-plugin\n")


def test_new__fills_a_folder_that_is_empty(tmp_path: Path) -> None:
    """Such as that of a repository just made."""
    assert new("acme-margin", "--directory", tmp_path).exit_code == 0
    assert (tmp_path / "setup.cfg").is_file()


def test_new__leaves_a_folder_alone_in_which_something_is(tmp_path: Path) -> None:
    """It writes nothing at all: 2."""
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    result = new("acme-margin", "--directory", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the folder is not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_new__leaves_a_file_alone(tmp_path: Path) -> None:
    """What is no folder cannot be filled: 2."""
    (tmp_path / "acme").write_text("mine", encoding="utf-8")
    assert new("acme-margin", "--directory", tmp_path / "acme").exit_code == 2
    assert (tmp_path / "acme").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "name", ["9lives", "-acme", "acme-", "acme margin", "acme/margin", "ácme", "class", "a" * 65, "../acme", ""]
)
def test_new__refuses_what_is_no_name(name: str, tmp_path: Path) -> None:
    """No distribution, package and policy could have it: 2."""
    result = new("--directory", tmp_path / "there", "--", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "cannot be a plugin's name" in result.stderr
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("name", ["json", "rules-engine", "rules-engine-standard-modes", "tests", "policies"])
def test_new__refuses_a_name_that_is_taken(name: str, tmp_path: Path) -> None:
    """The package would hide another one, be hidden, or lie where its tests do: 2."""
    result = new(name, "--directory", tmp_path / "there")
    assert result.exit_code == 2
    assert f"there is a package or folder {name.replace('-', '_')} already" in result.stderr
    assert not (tmp_path / "there").exists()
