"""The page on tests for policies is true: its files are written, its commands run, its cases and laws hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rules_engine.cli.main import cli
from rules_engine.cli.test import test as command
from rules_engine.life.cases.case_laws import LAWS
from tests.docs.test_first_policy import BLOCK, change, lines_of, output_of

PAGE = (Path(__file__).parents[2] / "docs" / "policy-tests.md").read_text(encoding="utf-8")
CASES = Path("policies/first-book/1.0.0.cases.yaml")


def test_page__every_command_prints_what_it_says_and_every_case_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases of the page that stand by themselves are put into its file of cases, before the laws."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(cli.commands, "test", command)
    added = 0
    for kind, file, content in BLOCK.findall(PAGE):
        if kind == "console":
            line, _, said = content.removeprefix("$ ").partition("\n")
            assert output_of(line) == lines_of(said), line
        elif kind == "diff":
            change(tmp_path / file, content)
        elif file:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text(content, encoding="utf-8")
        else:
            CASES.write_text(
                CASES.read_text(encoding="utf-8").replace("laws:\n", f"{content}\nlaws:\n"), encoding="utf-8"
            )
            added += 1
    assert added
    summary = output_of("rules-engine test policies/first-book/1.0.0.yaml")[-1]
    assert summary.startswith("first-book 1.0.0: 5 cases with 15 figures, 2 laws, ")


def test_page__names_every_law_with_what_it_states() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (sizes|accounts) \|$", PAGE, re.MULTILINE)
    assert [name for name, _, _ in rows] == list(LAWS)
    for name, statement, on in rows:
        assert statement.split(". ")[0].rstrip(".").lower() == LAWS[name].statement.lower()
        assert (on == "sizes") == (LAWS[name].of_sizes is not None)
