"""Floors of the house: a folder imports only from those above it, and no two modules import each other."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.house.sources import PACKAGE, PLUGINS, imported, module_of, python_files

FLOORS = ("errors", "numbers", "terms", "formulas", "extension", "policy", "engine", "life", "report", "testing", "cli")
TOP = len(FLOORS)
"""The floor of `plugin`, of the package itself and of its entrance."""


def floor_of(module: str) -> int:
    """How far down a module stands: from 0, the room that imports nothing of ours."""
    first = module.split(".")[1:2]
    return FLOORS.index(first[0]) if first and first[0] in FLOORS else TOP


def ours(file: Path) -> list[tuple[str, int]]:
    """What a file imports of this package, `TYPE_CHECKING` and functions included."""
    return [(name, line) for name, line in imported(file) if name.split(".")[0] == "rules_engine"]


def test_floors__every_folder_has_one() -> None:
    """A new folder takes its place in the list."""
    folders = {file.relative_to(PACKAGE).parts[0] for file in PACKAGE.glob("*/*.py")}
    assert folders <= set(FLOORS)


def test_floors__a_folder_imports_only_from_those_above() -> None:
    """Anywhere in a module, for types only or inside of a function too."""
    wrong = [
        f"{file}:{line}: {module_of(file)} imports {name}"
        for file in python_files(PACKAGE)
        for name, line in ours(file)
        if floor_of(name) > floor_of(module_of(file))
    ]
    assert wrong == []


def test_modules__have_no_import_knots() -> None:
    """Modules can be put in an order in which each imports only from earlier ones."""
    graph = {
        module_of(file): {name for name, _ in ours(file) if name != module_of(file)} for file in python_files(PACKAGE)
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(f"import knot: {' -> '.join(error.args[1])}") from None


def test_plugins__import_only_what_plugin_authors_may() -> None:
    """Ours as any stranger's: of this package `rules_engine.plugin` alone; their tests may use it all."""
    wrong = [
        f"{file}:{line}: imports {name}"
        for file in python_files(PLUGINS)
        if "tests" not in file.relative_to(PLUGINS).parts
        for name, line in ours(file)
        if name != "rules_engine.plugin"
    ]
    assert wrong == []
