"""Plugins load one by one; a broken one is quarantined with name, version and reason, and hurts no other."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from importlib.metadata import EntryPoint, version
from pathlib import Path

import pytest

from rules_engine.extension import hookspecs
from rules_engine.extension.loading import QuarantinedPlugin, _source_of
from rules_engine.extension.registry import ContractWarning, QuarantineWarning, Registry, load_registry

GOOD = """
from rules_engine.plugin import Backing, PoolLabel, Requirement, hookimpl, tiered_requirement

class Whole:
    name = "whole_account"
    parameters = {}
    def pool(self, position, parameters):
        return PoolLabel(key="", backing=Backing.ACCOUNT)
    def requirement(self, num, exposure, parameters):
        return tiered_requirement(num, exposure)

@hookimpl
def rules_engine_margin_modes():
    return [Whole()]
"""
HOOK = "from rules_engine.plugin import hookimpl\n@hookimpl\n"
BROKEN = {
    "import_error": ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    "syntax": ("def :", "SyntaxError: "),
    "exits": ("raise SystemExit(3)", "it called for the program's exit (3)"),
    "hook_raises": (HOOK + "def rules_engine_payoffs(): raise ValueError('no')", "ValueError: no"),
    "hook_exits": (HOOK + "def rules_engine_payoffs(): raise SystemExit", "it called for the program's exit (None)"),
    "wrong_type": (HOOK + "def rules_engine_payoffs(): return 7", "rules_engine_payoffs returned int, wanted a list"),
    "text": (HOOK + "def rules_engine_payoffs(): return 'linear'", "rules_engine_payoffs returned str, wanted a list"),
    "nameless": (HOOK + "def rules_engine_buffers(): return [object()]", "a buffer (object) has no name"),
    "half_a_mode": (
        HOOK + "def rules_engine_margin_modes(): return [type('Half', (), {'name': 'half', 'parameters': {}})()]",
        "margin mode 'half' has no pool",
    ),
    "silent_mode": (
        GOOD.replace("def requirement", "def requires"),
        "margin mode 'whole_account' has neither requirement nor pool_requirement",
    ),
    "empty_payoff": (
        HOOK + "def rules_engine_payoffs(): return [type('Empty', (), {'name': 'empty'})()]",
        "payoff 'empty' has no required and no value_range and no value and no price",
    ),
    "verb": (
        "import click\n" + HOOK + "def rules_engine_commands(): return [click.Command('check')]",
        "command 'check' has the name of a verb of rules-engine itself",
    ),
    "twice": (GOOD.replace("[Whole()]", "[Whole(), Whole()]"), "it supplies two margin modes named 'whole_account'"),
    "taken": (GOOD.replace("whole_account", "cross"), "there is a margin mode named 'cross' already, of rules-"),
    "unknown_hook": (HOOK + "def rules_engine_prices(): return []", "it implements a hook that does not exist: "),
    "next_contract": ("rules_engine_contract = 2", "it is written for contract 2; this version supports 1: set "),
    "unmarked": (
        GOOD.replace("@hookimpl\n", ""),
        "rules_engine_margin_modes is not marked with @hookimpl",
    ),
    "class": (
        GOOD.replace("[Whole()]", "[Whole]"),
        "rules_engine_margin_modes returned the class Whole, wanted a margin mode: Whole()",
    ),
    "few_arguments": (
        GOOD.replace("num, exposure, parameters)", "num, exposure: object)"),
        "margin mode 'whole_account': requirement takes (num, exposure), wanted (num, exposure, parameters)",
    ),
}
Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a distribution of one module on the path, with metadata and entry point as pip writes them."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, source: str) -> None:
        module = f"plugin_{name}_{tmp_path.name.replace('-', '_')}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = tmp_path / f"{name}-4.5.6.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 4.5.6\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[rules_engine]\n{name} = {module}\n", encoding="utf-8")

    return put


def quarantine_of(registry: Registry, name: str) -> QuarantinedPlugin:
    return next(plugin for plugin in registry.quarantined if plugin.name == name)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_plugin__is_quarantined_by_name_version_and_reason_and_hurts_no_other(
    name: str, install: Install
) -> None:
    """The fault is said loudly; a good stranger and the standard modes load beside it."""
    source, reason = BROKEN[name]
    install(name, source)
    install("good", GOOD)
    if name == "twice":
        install("other", GOOD.replace("whole_account", "other"))
    with pytest.warns(QuarantineWarning, match=f"plugin {name} of {name} 4.5.6"):
        registry = load_registry()
    broken = quarantine_of(registry, name)
    assert (broken.version, broken.reason[: len(reason)]) == ("4.5.6", reason)
    assert {"isolated", "cross", "hybrid", "whole_account"} <= set(registry.modes)


def test_good_plugin__is_listed_with_version_origin_and_components(install: Install) -> None:
    """What is loaded can be told from where and what it brought."""
    install("good", GOOD)
    plugin = next(plugin for plugin in load_registry().plugins if plugin.name == "good")
    assert (plugin.distribution, plugin.version) == ("good", "4.5.6")
    assert plugin.components == ("margin mode whole_account",)
    assert plugin.origin.startswith("plugin_good_")


def test_good_plugin__supplies_its_components_by_distribution_and_version(install: Install) -> None:
    """Of every component it can be said whose it is; of one that is not there, nothing."""
    install("good", GOOD)
    registry = load_registry()
    assert registry.supplier("modes", "whole_account") == "good 4.5.6"
    assert registry.supplier("payoffs", "linear") == f"rules-engine {version('rules-engine')}"
    assert registry.supplier("modes", "nothing") == ""


def test_entry_point__of_no_distribution_is_called_by_its_module() -> None:
    """As some packagers' importers give them: there is no version to tell."""
    source = _source_of(EntryPoint("mine", "my_package.my_module:plugin", "rules_engine"))
    assert source.supplier == "my_package.my_module (no version)"


def test_contract__that_is_deprecated_is_loaded_with_a_warning(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it will be once contract 2 is out: the warning names the plugin and the version that will refuse it."""
    monkeypatch.setattr(hookspecs, "CONTRACT", 2)
    monkeypatch.setattr(hookspecs, "SUPPORTED_CONTRACTS", frozenset({1, 2}))
    monkeypatch.setattr(hookspecs, "DEPRECATED_CONTRACTS", {1: "0.9.0"})
    install("good", GOOD + "\nrules_engine_contract = 1\n")
    with pytest.warns(ContractWarning) as told:
        registry = load_registry()
    assert [str(one.message) for one in told] == [
        "good 4.5.6 is written for contract 1, which version 0.9.0 will refuse"
    ]
    assert "whole_account" in registry.modes


def test_contracts__are_the_current_one_and_at_most_the_one_before() -> None:
    """What is deprecated is still supported, and the current one is not deprecated."""
    assert hookspecs.CONTRACT in hookspecs.SUPPORTED_CONTRACTS <= {hookspecs.CONTRACT - 1, hookspecs.CONTRACT}
    assert set(hookspecs.DEPRECATED_CONTRACTS) == hookspecs.SUPPORTED_CONTRACTS - {hookspecs.CONTRACT}


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        (
            "4",
            "it is written for contract 4; this version supports 2, 3: set rules_engine_contract = 3 (or upgrade rul",
        ),
        (
            "'3'",
            "it is written for contract '3'; this version supports 2, 3: set rules_engine_contract = 3 (or upgrade ",
        ),
        ("1", "it is written for contract 1; this version supports 2, 3: upgrade the plugin"),
    ],
)
def test_contract__that_is_not_supported_is_refused_with_what_to_do(
    install: Install, monkeypatch: pytest.MonkeyPatch, stated: str, reason: str
) -> None:
    """As it will be in the time of contract 3."""
    monkeypatch.setattr(hookspecs, "CONTRACT", 3)
    monkeypatch.setattr(hookspecs, "SUPPORTED_CONTRACTS", frozenset({2, 3}))
    install("other", f"rules_engine_contract = {stated}\n")
    with pytest.warns(QuarantineWarning, match="plugin other"):
        registry = load_registry()
    assert quarantine_of(registry, "other").reason.startswith(reason)


def test_plugin__without_components_is_loaded(install: Install) -> None:
    """It may have them elsewhere, on another machine; that it supplies nothing is seen in what is listed of it."""
    install("empty", "def rules_of_the_house(): pass\n")
    assert [plugin.components for plugin in load_registry().plugins if plugin.name == "empty"] == [()]


def test_block_list__keeps_a_plugin_out_without_loading_it(install: Install) -> None:
    """A blocked plugin's code does not run."""
    install("exits", "raise SystemExit(3)")
    with pytest.warns(QuarantineWarning, match="it is on the block list"):
        assert quarantine_of(load_registry(block=["exits"]), "exits").reason == "it is on the block list"


def test_allow_list__lets_in_nothing_else(install: Install) -> None:
    """With an allow list even the standard modes must be named."""
    install("good", GOOD)
    with pytest.warns(QuarantineWarning, match="standard_modes .* it is not on the allow list"):
        registry = load_registry(allow=["good"])
    assert set(registry.modes) == {"whole_account"}


def test_file__is_a_plugin_too(tmp_path: Path) -> None:
    """One file, no package."""
    file = tmp_path / "my_modes.py"
    file.write_text(GOOD, encoding="utf-8")
    registry = load_registry(files=[file])
    assert "whole_account" in registry.modes
    assert (registry.plugins[-1].name, registry.plugins[-1].origin) == ("my_modes", str(file))
    assert registry.supplier("modes", "whole_account") == "my_modes.py (a file)"


@pytest.mark.parametrize(
    ("name", "reason"), [("absent.py", "there is no file "), ("modes.txt", "it is no Python file")]
)
def test_file__that_cannot_be_loaded_is_quarantined(tmp_path: Path, name: str, reason: str) -> None:
    """A file that is missing or no Python is named with its reason."""
    if name.endswith(".txt"):
        (tmp_path / name).write_text("modes", encoding="utf-8")
    with pytest.warns(QuarantineWarning):
        registry = load_registry(files=[tmp_path / name])
    assert registry.quarantined[-1].reason.startswith(reason)
