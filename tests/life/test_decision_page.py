"""The page on the decision log: its examples run, and it names every member of a record and every code of a log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rules_engine import Engine
from rules_engine.life.decisions.logged import LoggedEngine
from tests.builders import engine_of
from tests.docs.test_codes import CODE
from tests.docs.test_python_page import ROOT
from tests.docs.test_python_page import test_page__every_example_runs_and_prints_what_it_says as run_examples
from tests.life.decisions import ACCOUNT, MARKET, ORDER, log_at, records_of
from tests.life.test_decision_sweeps import aged
from tests.life.test_versions import MAY, V3, market

PAGE = (ROOT / "docs" / "decision-log.md").read_text(encoding="utf-8")


def test_page__every_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    run_examples("docs/decision-log.md", monkeypatch)


def test_page__names_every_member_of_decisions_and_no_other(tmp_path: Path) -> None:
    with log_at(tmp_path / "log") as log:
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
        LoggedEngine(engine_of(), log).check_order(ACCOUNT, MARKET, ORDER)
        LoggedEngine(Engine(V3), log).sweep(aged(), market(MAY))
    members = {member for record in records_of(tmp_path, "evaluate", "order", "sweep") for member in record}
    rows = PAGE.partition("## What stands in it")[2].partition("## Masking")[0]
    named = {name for row in re.findall(r"^\| (`.*?`) \|", rows, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == members


def test_page__names_every_code_that_a_replay_tells() -> None:
    files = ("replay", "lines", "sweeps", "engines")
    sources = [ROOT / "rules_engine" / "life" / "decisions" / f"decision_{name}.py" for name in files]
    codes = {code for each in sources for code in CODE.findall(each.read_text()) if code.startswith("LOG_")}
    assert codes - set(re.findall(r"`(LOG_\w+)`", PAGE)) == set()
