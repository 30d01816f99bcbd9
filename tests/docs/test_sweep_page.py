"""The page on the sweep: its examples run, and its columns are those of the tables."""

from __future__ import annotations

import re

import pytest

from rules_engine.cli.sweep import FIGURES, NAMES
from rules_engine.engine.book_table import COLLATERAL_COLUMNS, ORDER_COLUMNS, POSITION_COLUMNS, REQUIRED
from tests.docs.test_python_page import ROOT
from tests.docs.test_python_page import test_page__every_example_runs_and_prints_what_it_says as run_examples

PAGE = (ROOT / "docs" / "sweep.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \|(.*)\|$", re.MULTILINE)


def named(section: str) -> dict[str, str]:
    """The columns of a section's table, with the ends of their lines."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return {name: rest for names, rest in ROW.findall(text) for name in re.findall(r"\w+", names)}


def test_page__every_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    run_examples("docs/sweep.md", monkeypatch)


def test_page__names_the_columns_of_the_book_and_those_that_must_be_there() -> None:
    columns = named("The tables")
    assert tuple(columns) == POSITION_COLUMNS
    assert tuple(name for name, rest in columns.items() if rest.endswith("| yes ")) == REQUIRED


def test_page__names_the_columns_of_the_other_tables() -> None:
    for columns in (COLLATERAL_COLUMNS, ORDER_COLUMNS):
        assert ", ".join(f"`{name}`" for name in columns) in PAGE


def test_page__names_the_columns_of_the_answer() -> None:
    assert tuple(named("What comes out")) == (*NAMES, *FIGURES)
