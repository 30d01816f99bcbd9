"""`rules-engine diff` on files: tables, JSON and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rules_engine.cli.diff import diff
from rules_engine.errors import PolicyError
from tests.engine.books import ROOT
from tests.life.impacts import TIGHTER, candidate_text

POLICY = ROOT / "policies" / "usdt-perpetuals" / "1.2.0.yaml"


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    """The published policy with higher rates and another haircut."""
    file = tmp_path / "candidate.yaml"
    file.write_text(candidate_text(TIGHTER))
    return file


def run(*words: object) -> Result:
    given = [*map(str, words), "--policies", str(ROOT / "policies")]
    names = ["-h", "--help"]  # a command remembers how the first who calls it names help
    return CliRunner().invoke(diff, given, catch_exceptions=False, help_option_names=names)


def test_diff__of_the_same_policy_exits_with_0() -> None:
    result = run(POLICY, "usdt-perpetuals@1.2.0")
    assert result.exit_code == 0
    assert "no difference" in result.stdout
    assert json.loads(run(POLICY, POLICY, "--json").stdout)["changes"] == []


def test_diff__tells_each_change_with_its_place(candidate: Path) -> None:
    """At 50,000 maintenance was 200 and is 400 + 900; its rate rises most from 20,000 to there, from 0.004 to 0.03.

    From 250,000 on, where 0.025 becomes 0.04, it grows by 0.015 more of what is beyond.
    """
    result = run(POLICY, candidate)
    assert result.exit_code == 1
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    told = next(line for line in lines if line.startswith("table majors: maintenance margin"))
    assert "tightened rate 0.004 rate 0.03 +0.015 of what is beyond (+550%) notional USDT from 0 on" in told
    assert f"{candidate}:" in told
    haircut = next(line for line in lines if line.startswith("collateral BTC: haircut"))
    assert "tightened 0.05 0.15 +0.1 (+200%) everywhere holders of BTC" in haircut
    assert "nowhere looser" in lines
    back = run(candidate, POLICY)
    assert "looser somewhere" in back.stdout


def test_diff__gives_exact_numbers_to_programs(candidate: Path) -> None:
    document = json.loads(run(POLICY, candidate, "--json").stdout)
    assert document["different"] is True
    assert document["looser_anywhere"] is False
    haircut = next(each for each in document["changes"] if each["what"] == "haircut")
    assert (haircut["absolute"], haircut["relative"], haircut["direction"]) == ("0.1", "2", "tightened")
    initial = next(each for each in document["changes"] if each["what"] == "initial margin")
    assert (initial["from"], initial["to"], initial["absolute"]) == ("0", "250000", "17500/3")
    assert initial["rate"] == {"before": "0.008", "after": "1/30", "from": "20000", "to": "50000"}


def test_diff__of_a_policy_that_cannot_be_read_raises_what_the_program_tells(tmp_path: Path) -> None:
    """The root group makes exit code 2 of it."""
    (tmp_path / "bad.yaml").write_text("schema: rules-engine/policy/1\n")
    with pytest.raises(Exception, match="SCHEMA_MISSING_KEY") as raised:
        run(POLICY, tmp_path / "bad.yaml")
    assert isinstance(raised.value, PolicyError) or hasattr(raised.value, "problems")
