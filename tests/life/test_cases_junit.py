"""`rules-engine test --junit`: what CI systems read of cases, laws, coverage and what cannot be run."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from click.testing import CliRunner, Result

from rules_engine.cli.main import cli
from rules_engine.errors import Mark, Problem
from rules_engine.report.case_junit import Outcome, junit_document
from tests.life.case_examples import LONG, POLICY, document

NONE = {"tests": "0", "failures": "0", "errors": "0", "skipped": "0"}


def case(name: str, tier: int) -> str:
    """A case that expects a tier; 2 is right."""
    return f"name: {name}\n{LONG}expect: {{positions: {{p1: {{tier: {tier}}}}}}}\n"


def run(folder: Path, cases: str | None, *options: str) -> tuple[Result, ElementTree.Element]:
    """Tests the small policy with these cases beside it; the result, and the document for CI."""
    policy = folder / "policies" / "small" / "1.0.0.yaml"
    policy.parent.mkdir(parents=True)
    policy.write_text(POLICY, encoding="utf-8")
    if cases is not None:
        policy.with_name("1.0.0.cases.yaml").write_text(cases, encoding="utf-8")
    file = folder / "cases.xml"
    result = CliRunner().invoke(cli, ["test", *options, "--junit", str(file), str(policy)], catch_exceptions=False)
    assert f"wrote {file}\n" in result.stderr
    return result, ElementTree.fromstring(file.read_bytes())


def counts(element: ElementTree.Element) -> dict[str, str]:
    """How many tests there are, and how many of them did not pass."""
    return {name: element.attrib[name] for name in NONE}


def test_junit__is_a_test_for_each_case_and_law(tmp_path: Path) -> None:
    """What differs is told as on the terminal; every test has its place."""
    cases = document(case("good", 2), case("bad", 3), laws="- {law: long_mirrors_short}\n")
    result, root = run(tmp_path, cases)
    assert result.exit_code == 1
    (suite,) = root
    assert counts(root) == counts(suite) == {**NONE, "tests": "3", "failures": "1"}
    assert suite.attrib["name"] == "small@1.0.0"
    assert [test.attrib["name"] for test in suite] == ["good", "bad", "long_mirrors_short"]
    file = str(tmp_path / "policies" / "small" / "1.0.0.cases.yaml")
    assert [(test.attrib["file"], test.attrib["line"]) for test in suite] == [(file, "7"), (file, "12"), (file, "18")]
    (failure,) = suite[1]
    assert (failure.tag, failure.text) == ("failure", failure.attrib["message"])
    assert failure.text == f"{file}:16:37: bad: positions.p1.tier: expected 3, found 2 (1 less)"
    assert [len(suite[0]), len(suite[2])] == [0, 0]


def test_junit__has_a_test_for_coverage_that_is_asked_for(tmp_path: Path) -> None:
    """It fails with the lines of what is untouched."""
    _, root = run(tmp_path, document(case("it", 2)), "--cover", "80%")
    coverage = root[0][-1]
    assert (coverage.attrib["name"], counts(root)["failures"]) == ("coverage", "1")
    assert coverage[0].attrib["message"] == "4 of 13 parts of the policy touched (30.7 %), wanted 80 %"
    assert "no case touches tier 1 of table majors" in (coverage[0].text or "")


def test_junit__says_that_there_are_no_cases(tmp_path: Path) -> None:
    """It is skipped, or fails where coverage is asked for."""
    _, skipped = run(tmp_path / "one", None)
    _, failed = run(tmp_path / "other", None, "--cover", "1")
    assert counts(skipped) == {**NONE, "tests": "1", "skipped": "1"}
    assert counts(failed) == {**NONE, "tests": "1", "failures": "1"}


def test_junit__has_an_error_where_cases_cannot_be_used(tmp_path: Path) -> None:
    """A CI job sees each problem, not an empty document."""
    result, root = run(tmp_path, document("name: it\n"))
    assert (result.exit_code, counts(root)) == (2, {**NONE, "tests": "1", "errors": "1"})
    assert "SCHEMA_MISSING_KEY the key expect is missing" in root[0][0][0].attrib["message"]


def test_junit__shortens_long_failures_and_escapes_what_xml_cannot_hold() -> None:
    """Of 150 problems fifty are counted; a control character in a stranger's text is written as it is escaped."""
    problems = [
        Problem(code="X", message=f"\x1b<{number}>", mark=Mark("a.yaml", number, 1)) for number in range(1, 151)
    ]
    root = ElementTree.fromstring(junit_document([Outcome("a.yaml", "a.cases.yaml", None, problems)], None))
    (error,) = root[0][0]
    lines = (error.text or "").splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("a.yaml:1:1: X \\x1b<1>", "and 50 lines more", 101)


def test_junit__that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The exit code says that something could not be done."""
    file = tmp_path / "nowhere" / "cases.xml"
    result = CliRunner().invoke(cli, ["test", "--junit", str(file), "usdt-perpetuals@1.2.0"], catch_exceptions=False)
    assert (result.exit_code, f"{file}: FILE_UNUSABLE No such file or directory" in result.stderr) == (2, True)
