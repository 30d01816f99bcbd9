"""The sources of the house as syntax trees, for the tests of its rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "rules_engine"
PLUGINS = ROOT / "plugins"


def python_files(*folders: Path) -> list[Path]:
    """The Python files of folders, in order."""
    return sorted(file for folder in folders for file in folder.rglob("*.py") if not hidden(file))


def hidden(file: Path) -> bool:
    """Whether a file lies in a folder that tools made."""
    return any(part.startswith(".") or part in ("build", "dist") for part in file.relative_to(ROOT).parts)


@cache
def tree_of(file: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def module_of(file: Path) -> str:
    """`rules_engine.engine.prices` of a file in the package."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports from, anywhere in it, with the line.

    What `from package import name` brings counts as the module `package.name` where there is one.
    """
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner if is_module(inner) else node.module or ""), node.lineno


def is_module(name: str) -> bool:
    """Whether there is such a module among the sources."""
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def documented(node: ast.AST) -> bool:
    """Whether a module, class or function has a docstring."""
    return isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and bool(ast.get_docstring(node))


def without_docstrings(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node of a tree that is not a string standing by itself."""
    skipped = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    return (node for node in ast.walk(tree) if id(node) not in skipped)
