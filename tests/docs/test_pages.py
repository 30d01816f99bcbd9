"""The pages hold together: links lead somewhere, paths exist, words are defined once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
SOURCE_PATH = re.compile(r"`((?:rules_engine|plugins|tests|docs|policies)/[\w./-]+)`")
WORD = re.compile(r"^\| (?!word|--)([^|]+) \|", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_page__links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file = page.parent / target if target else page
        assert file.exists(), f"{target} does not exist"
        assert not anchor or anchor in anchors(file), f"{target or page.name} has no heading #{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_page__names_paths_that_exist(page: Path) -> None:
    for path in SOURCE_PATH.findall(page.read_text(encoding="utf-8")):
        assert "NAME" in path or "first-book" in path or (ROOT / path).exists(), path


def test_architecture__names_files_of_the_engine_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    flow = text.partition("```text\n")[2].partition("```")[0]
    named = re.findall(r"^(\w+\.py)", flow, re.MULTILINE)
    assert named and [name for name in named if not (ROOT / "rules_engine" / "engine" / name).is_file()] == []


def test_architecture__names_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "rules_engine").glob("*/__init__.py")}
    assert rooms == set(re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE))


def test_glossary__defines_each_word_once_in_order() -> None:
    words = WORD.findall((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    assert words == sorted(set(words), key=str.lower)


def test_decisions__are_numbered_without_gaps() -> None:
    files = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    for name in files:
        text = (ROOT / "docs" / "decisions" / name).read_text(encoding="utf-8")
        assert text.startswith(f"# {int(name[:4])}. ")
        assert all(part in text for part in ("**Context.**", "**Decision.**", "**Why.**")), name
