"""The how-to of components: each section's example supplies its kind of component, and passes the section's test."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from rules_engine import load_policy
from rules_engine.extension.kinds import KINDS
from rules_engine.extension.loading import supply_of
from rules_engine.extension.registry import build_registry

PAGE = (Path(__file__).parents[2] / "docs" / "plugins" / "how-to.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FRAGMENT = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
POLICY = """\
schema: rules-engine/policy/1
policy: how-to
version: 1.0.0
settlement: {currency: USDT, quantum: 0.00000001}
liquidation: {trigger: at_or_below, margin_call: 1.25, restore_to: 1.5}
"""
"""What every policy states beside the fragments of the page."""
SHELVES = {
    "Mode": "modes",
    "Pool mode": "modes",
    "Payoff": "payoffs",
    "Buffer": "buffers",
    "Close-out plan": "close_out_plans",
    "Policy check": "checks",
    "Command": "commands",
    "Observer": "observers",
}


def section_of(title: str) -> str:
    """What stands under a heading of the second level."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def module_of(section: str, code: str) -> ModuleType:
    """An example, run as a module."""
    module = ModuleType("example")
    exec(compile(code, section, "exec"), vars(module))
    return module


def test_page__has_a_section_for_each_kind() -> None:
    """Those of the hooks, and modes of whole pools apart."""
    assert re.findall(r"^## (.*)$", PAGE, re.MULTILINE) == ["Numbers", *SHELVES]
    assert set(SHELVES.values()) == {kind.shelf for kind in KINDS}


@pytest.mark.parametrize("section", SHELVES)
def test_section__its_example_loads_and_passes_its_test(section: str) -> None:
    """The example first, then the test, as a reader would put both into files."""
    example, test = EXAMPLE.findall(section_of(section))
    module = module_of(section, example)
    assert supply_of(module).shelves[SHELVES[section]]
    exec(compile(test, section, "exec"), vars(module))
    (run,) = [function for name, function in vars(module).items() if name.startswith("test_")]
    run()


def test_pool_mode__its_policy_is_sound(tmp_path: Path) -> None:
    """A table that the mode does not read is enough, and there is nothing to warn of."""
    text = section_of("Pool mode")
    (fragment,) = FRAGMENT.findall(text)
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY + fragment, encoding="utf-8")
    registry = build_registry([module_of("Pool mode", EXAMPLE.findall(text)[0])])
    assert load_policy(file, registry=registry).warnings == ()
