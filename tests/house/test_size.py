"""Files and functions stay small enough to be seen as a whole. The exceptions may only shrink."""

from __future__ import annotations

import ast

from tests.house.sources import PACKAGE, PLUGINS, ROOT, python_files, tree_of

LONGEST_FILE = 300
LONGEST_FUNCTION = 60
LONGER_FILES: dict[str, int] = {}
"""Files above the limit, with the lines they had when they were let through; no entry is ever raised."""
LONGER_FUNCTIONS: dict[str, int] = {}


def too_long(lengths: dict[str, int], limit: int, exceptions: dict[str, int]) -> dict[str, int]:
    """What is above its limit, or above what was let through."""
    return {name: length for name, length in lengths.items() if length > exceptions.get(name, limit)}


def no_longer_needed(lengths: dict[str, int], limit: int, exceptions: dict[str, int]) -> set[str]:
    """Exceptions for what has gone or become short enough: their entries are to be removed."""
    return {name for name in exceptions if lengths.get(name, 0) <= limit}


def test_files__are_at_most_300_lines() -> None:
    """Ours, the plugins', the tests' and the benchmarks'."""
    folders = (PACKAGE, PLUGINS, ROOT / "tests", ROOT / "benchmarks")
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in python_files(*folders)
    }
    assert too_long(lengths, LONGEST_FILE, LONGER_FILES) == {}
    assert no_longer_needed(lengths, LONGEST_FILE, LONGER_FILES) == set()


def test_functions__are_at_most_60_lines() -> None:
    """Of the package and of the plugins, docstrings and signatures included."""
    lengths = {
        f"{file.relative_to(ROOT)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for file in python_files(PACKAGE, PLUGINS)
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.FunctionDef)
    }
    assert too_long(lengths, LONGEST_FUNCTION, LONGER_FUNCTIONS) == {}
    assert no_longer_needed(lengths, LONGEST_FUNCTION, LONGER_FUNCTIONS) == set()
