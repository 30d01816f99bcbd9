"""The page of hooks is held to the hooks: each has its heading, an example that loads, and a test of its own."""

from __future__ import annotations

import ast
import inspect
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rules_engine.extension import hookspecs
from rules_engine.extension.kinds import KINDS
from rules_engine.extension.loading import supply_of
from rules_engine.policy.document import Document
from rules_engine.policy.findings import Findings
from rules_engine.policy.parameters import Normaliser

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plugins" / "hooks.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HOOKS = {
    name: hook
    for name, hook in vars(hookspecs).items()
    if inspect.isfunction(hook) and hasattr(hook, f"{hookspecs.PROJECT}_spec")
}


def heading(name: str) -> str:
    """The heading of a hook: its name and arguments as they are."""
    return f"## {name}({', '.join(inspect.signature(HOOKS[name]).parameters)})"


def section(title: str) -> str:
    """What stands under a heading of the second level."""
    assert PAGE.count(f"\n{title}\n") == 1, f"docs/plugins/hooks.md has no heading {title}, or several"
    return PAGE.partition(f"\n{title}\n")[2].partition("\n## ")[0]


def plugin_of(code: str) -> ModuleType:
    """An example, run as a module."""
    module = ModuleType("example")
    exec(compile(code, "docs/plugins/hooks.md", "exec"), vars(module))
    return module


def test_hooks__each_one_has_a_kind_of_component() -> None:
    assert [kind.hook for kind in KINDS] == list(HOOKS)


def test_page__describes_no_hook_that_does_not_exist() -> None:
    headings = re.findall(r"^## rules_engine_.*$", PAGE, re.MULTILINE)
    assert headings == [heading(name) for name in HOOKS]


@pytest.mark.parametrize("name", HOOKS)
def test_page__has_an_example_of_each_hook_that_loads(name: str) -> None:
    (code,) = EXAMPLE.findall(section(heading(name)))
    shelves = supply_of(plugin_of(code)).shelves
    (shelf,) = [kind.shelf for kind in KINDS if kind.hook == name]
    assert shelves[shelf]


def test_page__its_example_of_a_contract_is_the_current_one() -> None:
    (code,) = EXAMPLE.findall(section("## Contract versions"))
    stated: Any = plugin_of(code)
    assert stated.rules_engine_contract == hookspecs.CONTRACT


def test_page__its_example_of_parameters_takes_what_the_page_says() -> None:
    (code,) = EXAMPLE.findall(section("## Parameters"))
    schema: Any = plugin_of(code)
    normaliser = Normaliser("page", schema.parameters)
    findings = Findings(Document("policy.yaml", {}, {}, {}))
    bands = [{"from": Decimal(floor), "addition": Decimal(1)} for floor in (-1, 1)]
    written = {"rate": Decimal(1), "scenarios": None, "begins": "2026-12-01T08:00:00Z", "steps": bands}
    assert normaliser.normalise(findings, (), written) == {
        "rate": 1,
        "scenarios": 16,
        "window": 8 * 3600,
        "begins": datetime(2026, 12, 1, 8, tzinfo=UTC),
        "side": "long",
        "steps": tuple(bands),
    }
    assert normaliser.normalise(findings, (), {**written, "steps": bands[::-1]}) is None
    assert [problem.code for problem in findings.problems] == ["BUFFER_BANDS"]


@pytest.mark.parametrize("name", HOOKS)
def test_hooks__each_one_has_a_test_of_its_own(name: str) -> None:
    tree = ast.parse((ROOT / "tests" / "extension" / "test_hooks.py").read_text(encoding="utf-8"))
    wanted = f"test_hook_{name.removeprefix('rules_engine_')}"
    tests = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [test for test in tests if test == wanted or test.startswith(f"{wanted}__")]
