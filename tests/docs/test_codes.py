"""The page of codes and the source name the same codes."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import rules_engine

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = Path(rules_engine.__file__).parent
CODE = re.compile(r"[A-Z][A-Z0-9]{4,}(?:_[A-Z0-9]+)*|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
MENTION = re.compile(r"`([A-Z]+(?:_[A-Z]+)+)`")

NOT_CODES = {"NO_COLOR", "POLICY", "EXACT", "MIRROR", "COLLATERAL", "DOUBTFUL", "BEGIN", "KEY_ID", "PUBLIC_KEY"}
NOT_CODES |= {"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CONSTRAINT_PRIMARYKEY"}
NOT_CODES |= {f"SQLITE_{name}" for name in ("CANTOPEN", "FULL", "NOTADB", "PERM", "READONLY")}
NOT_CODES |= {f"RULES_ENGINE_{name}" for name in ("STORE", "TRUST", "HEAD", "PASSPHRASE")}
"""Text in capitals that is no code: a variable of the environment, names of arguments and of constants."""
NOT_CODES_OF_DOCS = {"NO_COLOR"}
PREFIXES = {"MARK_", "COLLATERAL_PRICE_"}
"""What is put before the codes that `time_doubt` gives, for a mark and for the price of collateral."""


def trees() -> Iterator[ast.Module]:
    """The source, parsed."""
    for file in sorted(SOURCE.rglob("*.py")):
        if "testing" in file.relative_to(SOURCE).parts:
            continue  # the kit's examples have instruments and accounts in capitals, and no codes of their own
        yield ast.parse(file.read_text(encoding="utf-8"))


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text constant that has the form of a code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            yield node.value


def suffixes() -> set[str]:
    """The ends of codes that are put together: what `time_doubt` gives."""
    nodes = [node for tree in trees() for node in ast.walk(tree)]
    return {
        text
        for node in nodes
        if isinstance(node, ast.FunctionDef) and node.name == "time_doubt"
        for text in texts(node)
    }


def used() -> set[str]:
    """Every code of the source."""
    whole = {text for tree in trees() for text in texts(tree)} - NOT_CODES - suffixes()
    return whole | {prefix + suffix for prefix, suffix in product(PREFIXES, suffixes())}


def documented() -> list[str]:
    """The codes of the page, in its order."""
    return [code for code, _, _ in ROW.findall((DOCS / "codes.md").read_text(encoding="utf-8"))]


def test_codes__each_one_in_the_source_is_documented() -> None:
    assert used() - set(documented()) == set(), "document them in docs/codes.md (or list them as NOT_CODES here)"


def test_codes__each_documented_one_is_in_the_source() -> None:
    assert set(documented()) - used() == set(), "no longer used: remove them from docs/codes.md"


def test_codes__each_one_is_documented_once() -> None:
    assert [code for code, count in Counter(documented()).items() if count > 1] == []


def test_codes__are_put_together_with_no_prefix_but_the_known_ones() -> None:
    found = {
        node.values[0].value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant)
    }
    assert {text for text in found if isinstance(text, str) and re.fullmatch(r"[A-Z_]+_", text)} == PREFIXES


def test_pages__mention_no_code_that_does_not_exist() -> None:
    known = set(documented()) | NOT_CODES_OF_DOCS
    for page in sorted(DOCS.rglob("*.md")):
        mentioned = set(MENTION.findall(page.read_text(encoding="utf-8")))
        assert mentioned - known == set(), page.name
