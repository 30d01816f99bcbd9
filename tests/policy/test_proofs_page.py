"""The page on proofs says what the check says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from rules_engine.cli.check import check
from rules_engine.policy.counterexamples import Counterexample

PAGE = (Path(__file__).parents[2] / "docs" / "proofs.md").read_text(encoding="utf-8")


def test_page__shows_what_the_check_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, text = re.findall(r"```yaml file=(\S+)\n(.*?)```", PAGE, re.DOTALL)[0]
    (command, *printed) = re.findall(r"```console\n\$ rules-engine (.*?)```", PAGE, re.DOTALL)[0].splitlines()
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(check, command.split()[1:])
    assert result.output.splitlines() == printed


def test_page__names_every_member_of_a_counterexample() -> None:
    named = {
        word for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for word in re.findall(r"`([a-z_]+)`", row)
    }
    assert named == set(Counterexample.__struct_fields__)
