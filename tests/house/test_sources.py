"""What may not stand in sources: names of modes in the engine, binary floats where money is, places of a machine."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import PACKAGE, PLUGINS, ROOT, documented, python_files, tree_of, without_docstrings

MONEY_ROOMS = ("numbers", "terms", "formulas", "engine", "policy", "life")
MODE_NAME = re.compile(r"(?<![^\W_])(isolated|cross|hybrid)(?![^\W_])")
OTHER_PEOPLES_WORDS = ("policy/importing/", "cli/importing.py", "report/importing.py")
"""Where policies are written from venues' files, modes stand as text to be written."""
COLUMN_PATHS = re.compile(r"/(numbers/(bounded|column|slopes)|engine/(book|sweep)|life/impact/impact)\w*\.py$")
"""Where doubles are the point: a sweep's columns, whose doubt exact numbers resolve."""
HEAVY = ("numpy", "jsonschema", "cerberus", "rich", "click")
PLACES = ("../" + "shared", "/" + "work/")
"""Places of the machine on which this was written; joined here, so that this file does not name them."""


def words(node: ast.AST) -> Iterator[str]:
    """The identifiers and text constants that a node spells itself."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for field in ("id", "attr", "arg", "name"):
        if isinstance(word := getattr(node, field, None), str):
            yield word


def test_engine__never_names_a_mode() -> None:
    """Modes come in through the hook; code that knows one by name would treat it in its own way."""
    wrong = [
        f"{file}:{getattr(node, 'lineno', 0)}: {word!r}"
        for file in python_files(PACKAGE)
        if not file.relative_to(PACKAGE).as_posix().startswith(OTHER_PEOPLES_WORDS)
        for node in without_docstrings(tree_of(file))
        for word in words(node)
        if MODE_NAME.search(word)
    ]
    assert wrong == []


def is_float(node: ast.AST) -> bool:
    """Whether a node makes a binary float: a literal or a conversion."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id == "float"
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def test_money__never_becomes_a_binary_float() -> None:
    """Neither literals nor conversions in the rooms where figures are made."""
    wrong = [
        f"{file}:{getattr(node, 'lineno', 0)}"
        for room in MONEY_ROOMS
        for file in python_files(PACKAGE / room)
        if not COLUMN_PATHS.search(file.as_posix())
        for node in ast.walk(tree_of(file))
        if is_float(node)
    ]
    assert wrong == []


def undocumented(file: Path) -> Iterator[str]:
    """What is public in a file and has no docstring; hooks are documented where they are specified."""
    tree = tree_of(file)
    if tree.body and not documented(tree):
        yield f"{file}: the module"
    for node in tree.body:
        hook = isinstance(node, ast.FunctionDef) and any("hookimpl" in ast.dump(each) for each in node.decorator_list)
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not (
            node.name.startswith("_") or hook or documented(node)
        ):
            yield f"{file}:{node.lineno}: {node.name}"


def test_public__names_have_docstrings() -> None:
    """Every public module, class and function says in one sentence what it is."""
    assert [one for file in python_files(PACKAGE, PLUGINS) for one in undocumented(file)] == []


def test_import__loads_nothing_heavy() -> None:
    """`import rules_engine` leaves NumPy, the schema libraries and the command line's libraries alone."""
    code = f"import rules_engine, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "[]"


def test_committed__names_no_place_of_a_machine() -> None:
    """What is committed works anywhere and mentions nothing outside of it."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    files = [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    assert files
    wrong = [str(file) for file in files if any(place.encode() in file.read_bytes() for place in PLACES)]
    assert wrong == []
