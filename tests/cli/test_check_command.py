from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


def edited(policy: Path, *edits: tuple[str, str]) -> Path:
    """The policy with parts of its text replaced, each of which must be there."""
    text = policy.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    policy.write_text(text, encoding="utf-8")
    return policy


FALLING_RATE = ("maintenance_rate: 0.005", "maintenance_rate: 0.003")
UNKNOWN_TABLE = ('"*USDT": {payoff: linear, table: majors}', '"*USDT": {payoff: linear, table: minors}')
WHOLE = ("form: marginal", "form: whole")


def test_check__a_clean_policy_prints_nothing_and_exits_with_0(run: Run, policy: Path) -> None:
    """A clean policy gives no result, a summary on stderr, and 0."""
    result = run("check", policy)
    problems = [line for line in result.stdout.splitlines() if "warning" not in line]
    assert (result.exit_code, problems) == (0, [])
    assert result.stderr.startswith("1 policy, ")


def test_check__every_problem_has_its_place_and_stands_in_the_order_of_the_text(run: Run, policy: Path) -> None:
    """Both problems are printed as file:line:column: CODE message, first the one that stands first."""
    result = run("check", edited(policy, FALLING_RATE, UNKNOWN_TABLE))
    errors = [line for line in result.stdout.splitlines() if " warning " not in line]
    places = [re.match(rf"{re.escape(str(policy))}:(\d+):(\d+): ([A-Z_]+) \w", line) for line in errors]
    assert result.exit_code == 1
    assert [(match[1], match[3]) for match in places if match] == [("11", "TIER_RATE_FALLS"), ("22", "TABLE_UNKNOWN")]


def test_check__the_summary_counts_policies_and_problems(run: Run, policy: Path) -> None:
    """The summary on stderr speaks of all policies together."""
    other = policy.with_name("1.3.0.yaml")
    other.write_text("schema: rules-engine/policy/1\npolicy: [\n", encoding="utf-8")
    result = run("check", edited(policy, FALLING_RATE), other)
    count = len(result.stdout.splitlines())
    assert result.stderr.splitlines()[-1].startswith(f"2 policies, {count} problems")


def test_check__a_text_that_is_no_yaml_is_a_problem_found(run: Run, policy: Path) -> None:
    """Broken YAML is what check is for: exit 1 and a place, not 2."""
    policy.write_text("tables: {majors: [\n", encoding="utf-8")
    result = run("check", policy)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{policy}:")


def test_check__a_missing_file_exits_with_2_and_the_others_are_checked(run: Run, policy: Path) -> None:
    """A file that cannot be read does not hide the problems of the next one."""
    result = run("check", policy.with_name("none.yaml"), edited(policy, FALLING_RATE))
    assert result.exit_code == 2
    assert "TIER_RATE_FALLS" in result.stdout
    assert "none.yaml" in result.stderr


def test_check__json_is_a_list_of_objects(run: Run, policy: Path) -> None:
    """With --json stdout is one JSON list; an entry says place, code, message and hint."""
    result = run("check", "--json", edited(policy, FALLING_RATE))
    (found,) = [entry for entry in json.loads(result.stdout) if entry["severity"] == "error"]
    assert result.exit_code == 1
    assert (found["file"], found["line"], found["code"]) == (str(policy), 11, "TIER_RATE_FALLS")
    assert {"column", "message", "hint", "path"} <= found.keys()


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--strict"], 1)])
def test_check__warnings_are_printed_and_matter_only_when_strict(
    run: Run, policy: Path, options: list[str], code: int
) -> None:
    """The cliffs of a whole table are warnings."""
    result = run("check", *options, edited(policy, WHOLE))
    assert result.exit_code == code
    assert "warning CLIFF" in result.stdout


def test_check__at_most_100_problems_of_a_file_are_printed(run: Run, policy: Path) -> None:
    """Of 150 problems, 100 are printed and 50 are counted."""
    rules = "".join(f"  C{number}: {{payoff: linear, table: nowhere}}\n" for number in range(150))
    policy.write_text(policy.read_text(encoding="utf-8") + rules, encoding="utf-8")
    lines = run("check", policy).stdout.splitlines()
    assert len(lines) == 101
    assert lines[-1] == f"{policy}: and 50 problems more"


def test_check__control_characters_of_a_document_do_not_reach_the_terminal(run: Run, policy: Path) -> None:
    """An escape sequence in a policy is printed as text."""
    name = '"\\e[31mred"'
    result = run("check", edited(policy, ("table: majors, buffers", f"table: {name}, buffers")))
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout


def test_check__a_folder_means_all_policies_in_it(run: Run, policy: Path) -> None:
    """Worked cases that lie beside them are passed over."""
    policy.with_name("1.2.0.cases.yaml").write_text("cases: []\n", encoding="utf-8")
    result = run("check", policy.parents[1])
    assert result.exit_code == 0
    assert "passing over 1 file of worked cases" in result.stderr
    assert "2 policies, " in result.stderr


def test_check__a_file_whose_name_is_another_version_is_told(run: Run, policy: Path) -> None:
    """Asked for by its name it is refused; as a copy that somebody works on it may be."""
    copy = policy.with_name("1.3.0.yaml")
    copy.write_text(policy.read_text(encoding="utf-8"), encoding="utf-8")
    result = run("check", copy)
    assert result.exit_code == 0
    said = "POLICY_IDENTITY it holds usdt-perpetuals@1.2.0, and is looked up as usdt-perpetuals@1.3.0"
    assert f"warning {said}" in result.stdout
    assert run("check", "--strict", copy).exit_code == 1


def test_check__nothing_but_cases_is_a_mistake(run: Run, policy: Path) -> None:
    """Nothing was checked, which is not the same as nothing found."""
    cases = policy.with_name("1.2.0.cases.yaml")
    cases.write_text("cases: []\n", encoding="utf-8")
    result = run("check", cases)
    assert (result.exit_code, "holds no policy, only worked cases: `rules-engine test` runs" in result.stderr) == (
        2,
        True,
    )


def test_check__cases_that_nobody_would_look_for_are_refused(run: Run, policy: Path) -> None:
    """They are neither a policy nor found beside one: whoever wrote them believes that they are run."""
    misnamed = policy.with_name("1.2.0.cases.yml")
    misnamed.write_text("cases: []\n", encoding="utf-8")
    said = f"{misnamed}: FILE_UNUSABLE worked cases are looked for in files that end in .cases.yaml (rename it)"
    for command, path in (("check", policy.parents[1]), ("check", misnamed), ("test", policy.parents[1])):
        result = run(command, path)
        assert (result.exit_code, said in result.stderr) == (2, True)


def test_check__a_folder_without_policies_exits_with_2(run: Run, tmp_path: Path) -> None:
    """Nothing was checked, which is not the same as nothing found."""
    result = run("check", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{tmp_path}: FILE_UNUSABLE no policies" in result.stderr


def test_check__what_cannot_be_read_is_an_entry_for_programs(run: Run, policy: Path) -> None:
    """A file that is not there and a name that is unknown are objects of the list too, and the exit code is 2."""
    result = run("check", "--json", policy.with_name("none.yaml"), "nobody@1.0.0")
    entries = json.loads(result.stdout)
    assert result.exit_code == 2
    assert [entry["code"] for entry in entries] == ["FILE_UNUSABLE", "POLICY_UNKNOWN"]
    assert entries[0]["file"] == str(policy.with_name("none.yaml"))
