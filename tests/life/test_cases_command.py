"""`rules-engine test`: what it prints of policies and their cases, and with which code it exits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rules_engine.cli.main import cli
from rules_engine.cli.test import test as command
from tests.life.case_examples import HEAD, LONG, POLICY, document

Run = Callable[..., Result]
HOLDS = "name: it\n" + LONG + "expect: {positions: {p1: {tier: 2}}}\n"
FAILS = HOLDS.replace("tier: 2", "tier: 3")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `rules-engine test` with these arguments; a bug of ours raises instead of becoming an exit code."""
    monkeypatch.setitem(cli.commands, "test", command)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(cli, ["test", *map(str, arguments)], catch_exceptions=False)

    return invoke


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policies root with the small policy in it; its path."""
    file = tmp_path / "policies" / "small" / "1.0.0.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(POLICY, encoding="utf-8")
    return file


def with_cases(policy: Path, text: str) -> Path:
    """Writes the cases beside a policy; their path."""
    file = policy.with_name("1.0.0.cases.yaml")
    file.write_text(text, encoding="utf-8")
    return file


def test_test__exits_with_0_where_all_hold(run: Run, policy: Path) -> None:
    """The coverage is the result, the summary a message."""
    with_cases(policy, document(HOLDS))
    result = run(policy)
    assert result.exit_code == 0
    assert result.stdout.startswith("what the cases of small 1.0.0 touch")
    assert result.stderr == "small 1.0.0: 1 case with 1 figure, 0 laws, 4 of 13 parts of the policy touched (30.7 %)\n"


def test_test__exits_with_1_where_a_figure_differs(run: Run, policy: Path) -> None:
    """The first line is the figure, at its place."""
    cases = with_cases(policy, document(FAILS))
    result = run(policy)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == f"{cases}:11:37: it: positions.p1.tier: expected 3, found 2 (1 less)"


def test_test__exits_with_1_where_a_law_does_not_hold(run: Run, policy: Path) -> None:
    with_cases(policy, document(laws="- {law: long_mirrors_short, instruments: [XRPUSDT]}\n"))
    result = run(policy)
    assert result.exit_code == 1
    assert "long_mirrors_short: was tried on nothing" not in result.stdout
    assert "long_mirrors_short: was not tried on XRPUSDT (XRPUSDT isolated: MARK_MISSING" in result.stdout


def test_test__exits_with_2_where_cases_cannot_be_used_and_runs_the_others(run: Run, policy: Path) -> None:
    """What is wrong goes to stderr; the other policy is tested all the same."""
    other = policy.with_name("1.1.0.yaml")
    other.write_text(POLICY.replace("1.0.0", "1.1.0"), encoding="utf-8")
    other.with_name("1.1.0.cases.yaml").write_text(document(HOLDS), encoding="utf-8")
    cases = with_cases(policy, document("name: it\n"))
    result = run(policy, other)
    assert result.exit_code == 2
    assert f"{cases}:7:5: SCHEMA_MISSING_KEY the key expect is missing" in result.stderr
    assert "what the cases of small 1.1.0 touch" in result.stdout


@pytest.mark.parametrize("text", [None, "schema: rules-engine/policy/1\n"])
def test_test__exits_with_2_where_the_policy_cannot_be_used(run: Run, policy: Path, text: str | None) -> None:
    """It is not there, or it is none; cases beside it change nothing."""
    with_cases(policy, document(HOLDS))
    policy.unlink() if text is None else policy.write_text(text, encoding="utf-8")
    assert run(policy).exit_code == 2


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--cover", "1%"], 1)])
def test_test__tells_of_a_policy_without_cases(run: Run, policy: Path, options: list[str], code: int) -> None:
    """It is a fault only where coverage is asked for."""
    result = run(*options, policy)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == f"{policy}: no cases stand beside it ({policy.with_name('1.0.0.cases.yaml')})\n"


@pytest.mark.parametrize(("percent", "code"), [("30%", 0), ("30.7", 0), ("30.8 %", 1), ("100", 1)])
def test_cover__asks_for_so_much_of_the_policy(run: Run, policy: Path, percent: str, code: int) -> None:
    """4 of 13 parts are touched."""
    with_cases(policy, document(HOLDS))
    assert run("--cover", percent, policy).exit_code == code


def test_cover__says_where_the_untouched_parts_stand(run: Run, policy: Path) -> None:
    with_cases(policy, document(HOLDS))
    lines = run("--cover", "80%", policy).stdout.splitlines()
    assert lines[0] == f"{policy}:8:9: no case touches tier 1 of table majors (from 0)"
    assert lines[9] == f"{policy}: 4 of 13 parts of the policy touched (30.7 %), wanted 80 %"


@pytest.mark.parametrize("percent", ["0", "101", "-1", "much", "%", "nan"])
def test_cover__is_a_percentage(run: Run, policy: Path, percent: str) -> None:
    result = run("--cover", percent, policy)
    assert (result.exit_code, "wanted a percentage above 0 and up to 100" in result.stderr) == (2, True)


def test_cover__tells_at_most_100_untouched_parts_unless_all_are_asked_for(run: Run, policy: Path) -> None:
    """Of 9 and 150 instruments, 59 are counted."""
    many = "".join(f"  C{number}USD: {{payoff: linear, table: majors}}\n" for number in range(150))
    policy.write_text(POLICY.replace("instruments:\n", f"instruments:\n{many}"), encoding="utf-8")
    with_cases(policy, document(HOLDS))
    lines = run("--cover", "100", policy).stdout.splitlines()
    assert lines[100] == f"{policy}: and 59 parts more that no case touches (--coverage full)"
    lines = run("--cover", "100", "--coverage", "full", policy).stdout.splitlines()
    assert sum("no case touches" in line for line in lines) == 159


def test_test__shows_all_that_can_be_touched_where_that_is_asked_for(run: Run, policy: Path) -> None:
    """By default a row a kind."""
    with_cases(policy, document(HOLDS))
    brief, full = run(policy).stdout, run("--coverage", "full", policy).stdout
    assert ("globs" in brief, "glob " in brief) == (True, False)
    assert ("globs" in full, "glob " in full) == (False, True)


def test_name_filter__runs_what_has_the_text_in_its_name(run: Run, policy: Path) -> None:
    """Cases and laws, in capitals or not; coverage would say nothing."""
    laws = "- {law: long_mirrors_short}\n- {law: more_collateral_never_worsens}\n"
    with_cases(policy, document(FAILS, HOLDS.replace("name: it", "name: The Other"), laws=laws))
    result = run("-k", "OTHER", policy)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "small 1.0.0: 1 case with 1 figure, 0 laws\n"
    assert "0 cases with 0 figures, 1 law" in run("-k", "collateral", policy).stderr


def test_name_filter__is_refused_where_nothing_has_it_or_coverage_is_asked_for(run: Run, policy: Path) -> None:
    """A CI job that runs nothing must not pass."""
    with_cases(policy, document(HOLDS))
    nothing, both = run("-k", "nobody", policy), run("-k", "it", "--cover", "80%", policy)
    assert (nothing.exit_code, both.exit_code) == (2, 2)
    assert "no case or law has 'nobody' in its name" in nothing.stderr
    assert "--cover asks for what all of them touch" in both.stderr


def test_test__says_what_it_runs_where_somebody_watches(
    run: Run, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line of stderr, written over."""
    with_cases(policy, document(HOLDS, laws="- {law: long_mirrors_short}\n"))
    told: list[str] = []
    monkeypatch.setattr("rules_engine.cli.output.progress", told.append)
    run(policy)
    law = "small@1.0.0: 2 of 2: long_mirrors_short"
    assert told == ["small@1.0.0: 1 of 2: it", f"{law}: BTCUSDT isolated", f"{law}: BTCUSDT cross", ""]


def test_test__takes_folders_files_of_cases_and_pins(run: Run, policy: Path, tmp_path: Path) -> None:
    """Each is the same policy, tested once."""
    cases = with_cases(policy, document(HOLDS))
    root = policy.parents[1]
    for arguments in ([root], [cases], ["--policies", root, "small@1.0.0"]):
        result = run(*arguments)
        assert (result.exit_code, result.stderr.count("1 case with 1 figure")) == (0, 1), arguments


def test_test__reads_packaged_cases(run: Run) -> None:
    """They are found beside the policy that a pin names."""
    result = run("usdt-perpetuals@1.2.0")
    assert (result.exit_code, result.stderr.startswith("usdt-perpetuals 1.2.0: ")) == (0, True)


def test_test__reads_files_that_cases_name_from_beside_them(run: Run, policy: Path) -> None:
    (policy.parent / "market.json").write_text(
        '{"as_of": "2026-12-02T00:00:00Z", "instruments": {"BTCUSDT": {"mark_price": "50000"}}}', encoding="utf-8"
    )
    with_cases(policy, document(HOLDS, head="schema: rules-engine/cases/1\nmarket_file: market.json\n"))
    assert run(policy).exit_code == 0


def test_test__gives_programs_everything(run: Run, policy: Path) -> None:
    """Figures, laws and coverage, each with its place."""
    cases = with_cases(policy, document(FAILS, laws="- {law: long_mirrors_short}\n"))
    result = run("--json", policy)
    (found,) = json.loads(result.stdout)["policies"]
    assert (result.exit_code, found["held"], found["policy"]["name"], found["file"]) == (1, False, "small", str(cases))
    (case,) = found["cases"]
    assert case["differences"] == [
        {
            "figure": "positions.p1.tier",
            "expected": "3",
            "found": 2,
            "absent": False,
            "hint": "",
            "file": str(cases),
            "line": 11,
            "column": 37,
        }
    ]
    assert found["parts"] == {"reachable": 13, "touched": 4}
    (law,) = found["laws"]
    assert (law["law"], law["held"], law["tried"]) == (
        "long_mirrors_short",
        True,
        ["BTCUSDT isolated", "BTCUSDT cross"],
    )
    tier = next(one for one in found["coverage"] if one["kind"] == "tier" and one["touched"])
    assert tier == {
        "kind": "tier",
        "name": "majors",
        "part": 2,
        "text": "from 50000",
        "file": str(policy),
        "line": 9,
        "column": 9,
        "reachable": True,
        "touched": [{"by": "BTCUSDT", "case": "it"}],
    }


def test_test__tells_programs_of_policies_without_cases(run: Run, policy: Path) -> None:
    assert json.loads(run("--json", policy).stdout) == {"policies": [], "without_cases": [str(policy)]}


def test_test__gives_programs_what_cannot_be_used(run: Run, policy: Path) -> None:
    with_cases(policy, HEAD.replace("cases/1", "cases/2"))
    result = run("--json", policy)
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["policies"], answer["without_cases"]) == (2, [], [])
    assert [problem["code"] for problem in answer["problems"]] == ["SCHEMA_VALUE"]
