"""The how-to of components: each section's example supplies its kind of component, and passes the section's test."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from rules_engine.extension.kinds import KINDS
from rules_engine.extension.loading import supply_of

PAGE = (Path(__file__).parents[2] / "docs" / "plugins" / "how-to.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
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


def test_page__has_a_section_for_each_kind() -> None:
    """Those of the hooks, and modes of whole pools apart."""
    assert re.findall(r"^## (.*)$", PAGE, re.MULTILINE) == ["Numbers", *SHELVES]
    assert set(SHELVES.values()) == {kind.shelf for kind in KINDS}


@pytest.mark.parametrize("section", SHELVES)
def test_section__its_example_loads_and_passes_its_test(section: str) -> None:
    """The example first, then the test, as a reader would put both into files."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    example, test = EXAMPLE.findall(text)
    module = ModuleType("example")
    exec(compile(example, section, "exec"), vars(module))
    assert supply_of(module).shelves[SHELVES[section]]
    exec(compile(test, section, "exec"), vars(module))
    (run,) = [function for name, function in vars(module).items() if name.startswith("test_")]
    run()
