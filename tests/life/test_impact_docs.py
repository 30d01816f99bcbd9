"""The page on what a change does: its examples run."""

from __future__ import annotations

import pytest

from rules_engine.life.impact.diff_changes import Direction
from rules_engine.life.impact.impact_tallies import KINDS
from rules_engine.report.impact import HEADINGS
from tests.docs.test_python_page import ROOT
from tests.docs.test_python_page import test_page__every_example_runs_and_prints_what_it_says as run_examples

PAGE = (ROOT / "docs" / "impact.md").read_text(encoding="utf-8")


def test_page__every_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    run_examples("docs/impact.md", monkeypatch)


def test_page__explains_every_direction_and_every_head() -> None:
    for word in (*Direction.__args__, *(name.replace("_", " ") for name in HEADINGS)):  # type: ignore[attr-defined]
        assert f"| {word} |" in PAGE
    assert KINDS == 5
