"""Plugins load one by one; a broken one is quarantined with name, version and reason, and hurts no other."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from rules_engine.extension.loading import QuarantinedPlugin
from rules_engine.extension.registry import QuarantineWarning, Registry, load_registry

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
        "margin mode 'half' has no pool and no requirement",
    ),
    "twice": (GOOD.replace("[Whole()]", "[Whole(), Whole()]"), "it supplies two margin modes named 'whole_account'"),
    "taken": (GOOD.replace("whole_account", "cross"), "there is a margin mode named 'cross' already"),
    "unknown_hook": (HOOK + "def rules_engine_prices(): return []", "it implements a hook that does not exist: "),
    "next_contract": ("rules_engine_contract = 2", "it is written for contract 2; this version supports 1"),
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
    with pytest.warns(QuarantineWarning, match=f"plugin {name} 4.5.6"):
        registry = load_registry()
    broken = quarantine_of(registry, name)
    assert (broken.version, broken.reason[: len(reason)]) == ("4.5.6", reason)
    assert {"isolated", "cross", "hybrid", "whole_account"} <= set(registry.modes)


def test_good_plugin__is_listed_with_version_origin_and_components(install: Install) -> None:
    """What is loaded can be told from where and what it brought."""
    install("good", GOOD)
    plugin = next(plugin for plugin in load_registry().plugins if plugin.name == "good")
    assert (plugin.version, plugin.components) == ("4.5.6", ("margin mode whole_account",))
    assert plugin.origin.startswith("plugin_good_")


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


@pytest.mark.parametrize(
    ("name", "reason"), [("absent.py", "FileNotFoundError"), ("modes.txt", "it is no Python file")]
)
def test_file__that_cannot_be_loaded_is_quarantined(tmp_path: Path, name: str, reason: str) -> None:
    """A file that is missing or no Python is named with its reason."""
    if name.endswith(".txt"):
        (tmp_path / name).write_text("modes", encoding="utf-8")
    with pytest.warns(QuarantineWarning):
        registry = load_registry(files=[tmp_path / name])
    assert registry.quarantined[-1].reason.startswith(reason)
