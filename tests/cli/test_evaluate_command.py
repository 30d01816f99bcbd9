"""Expected figures are the published ones of the format's example (p1); a volatility of 0.7 lies in the first band."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]


def replaced(documents: list[str], option: str, value: str) -> list[str]:
    place = documents.index(option) + 1
    return [*documents[:place], value, *documents[place + 1 :]]


def test_evaluate__json_is_the_evaluation_of_the_formats(run: Run, documents: list[str]) -> None:
    """p1 has the figures published with the format."""
    result = run("evaluate", *documents, "--json")
    evaluation = json.loads(result.stdout)
    (position,) = evaluation["positions"]
    pool = next(pool for pool in evaluation["pools"] if pool["pool"] == "A-17/isolated/p1")
    assert result.exit_code == 0
    assert (position["notional"], position["unrealized_pnl"]) == ("30500", "500")
    assert (position["initial_margin"], position["maintenance_margin"]) == ("3050", "122")
    assert (position["liquidation_price"], position["bankruptcy_price"]) == ("54219.4", "54002.5")
    assert (pool["equity"], pool["status"], pool["margin_ratio"]) == ("3498.75", "healthy", "0.03486960")


def test_evaluate__a_person_gets_tables(run: Run, documents: list[str]) -> None:
    """Without --json stdout shows position and pool with status."""
    result = run("evaluate", *documents)
    assert result.exit_code == 0
    assert "54219.4" in result.stdout
    assert "healthy" in result.stdout


def test_evaluate__explain_says_how_figures_were_made(run: Run, documents: list[str]) -> None:
    """The explanation names the position and, of its maintenance rate, the line of the tier in the policy."""
    result = run("evaluate", *documents, "--explain")
    assert result.exit_code == 0
    assert "p1" in result.stdout
    assert re.search(r"maintenance_rate +0\.004 .*1\.2\.0\.yaml:10", result.stdout)


def test_evaluate__explain_is_there_for_programs_too(run: Run, documents: list[str]) -> None:
    """With --json the explanation is a document of steps."""
    explanation = json.loads(run("evaluate", *documents, "--explain", "--json").stdout)
    (position,) = explanation["positions"]
    assert ("maintenance_margin", "122") in {(line["figure"], line["value"]) for line in position["lines"]}


def test_evaluate__a_document_may_come_from_stdin(run: Run, documents: list[str]) -> None:
    """The account is read from stdin where its path is a dash."""
    account = Path(documents[documents.index("--account") + 1]).read_text()
    result = run("evaluate", *replaced(documents, "--account", "-"), "--json", input=account)
    assert json.loads(result.stdout)["account"] == "A-17"


def test_evaluate__two_documents_from_stdin_are_a_usage_error(run: Run, documents: list[str]) -> None:
    """stdin holds one document."""
    both = replaced(replaced(documents, "--account", "-"), "--market", "-")
    result = run("evaluate", *both, input="{}")
    assert (result.exit_code, result.stdout) == (2, "")


def test_evaluate__problems_of_all_documents_are_told_at_once(run: Run, documents: list[str], tmp_path: Path) -> None:
    """A bad number in the account and a bad time in the market: both on stderr, nothing on stdout."""
    (tmp_path / "account.json").write_text('{"account": "A", "collateral": {"USDT": "NaN"}}')
    (tmp_path / "market.json").write_text('{"as_of": "yesterday"}')
    result = run("evaluate", *documents)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{tmp_path / 'account.json'}:1:" in result.stderr
    assert f"{tmp_path / 'market.json'}:1:" in result.stderr


def test_evaluate__a_missing_option_is_a_usage_error(run: Run, documents: list[str]) -> None:
    """Without --market nothing is evaluated."""
    assert run("evaluate", *documents[:4]).exit_code == 2


def test_order__an_order_that_fits_is_accepted_with_0(
    run: Run, documents: list[str], order: Callable[..., str]
) -> None:
    """0.1 BTC at 59000 with leverage 10 needs 590; 12000 are free."""
    result = run("order", *documents, "--order", order(), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["accepted"] is True


def test_order__a_refused_order_exits_with_1_and_says_why(
    run: Run, documents: list[str], order: Callable[..., str]
) -> None:
    """10 BTC at 59000 with leverage 10 need 59000; 12000 are free."""
    result = run("order", *documents, "--order", order(quantity="10"), "--json")
    decision = json.loads(result.stdout)
    assert result.exit_code == 1
    assert decision["accepted"] is False
    assert decision["reasons"]


def test_order__a_person_gets_tables(run: Run, documents: list[str], order: Callable[..., str]) -> None:
    """Without --json the decision names the order."""
    result = run("order", *documents, "--order", order())
    assert result.exit_code == 0
    assert "o1" in result.stdout


def test_order__explain_says_how_the_decision_came_about(
    run: Run, documents: list[str], order: Callable[..., str]
) -> None:
    """Refused for lack of margin: the condition and what bounds the quantity, as text and as a document."""
    asked = ("order", *documents, "--order", order(quantity="10"), "--explain")
    text, document = run(*asked), run(*asked, "--json")
    assert (text.exit_code, document.exit_code) == (1, 1)
    assert re.search(r"largest_quantity +[0-9.]+  a step more, .* is refused: MARGIN_INSUFFICIENT", text.stdout)
    lines = json.loads(document.stdout)["order"]["lines"]
    assert (lines[0]["figure"], lines[0]["value"]) == ("accepted", "false")


def test_order__a_malformed_order_exits_with_2(run: Run, documents: list[str], order: Callable[..., str]) -> None:
    """An order of 'many' is none."""
    result = run("order", *documents, "--order", order(quantity="many"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "order.json:1:" in result.stderr


def test_evaluate__with_json_the_problems_that_end_it_are_json_on_stdout(
    run: Run, documents: list[str], tmp_path: Path
) -> None:
    """A malformed account and a missing market: one document with both, shaped as those of `check --json`."""
    (tmp_path / "account.json").write_text('{"account": 5}')
    (tmp_path / "market.json").unlink()
    result = run("evaluate", *documents, "--json")
    problems = json.loads(result.stdout)["problems"]
    assert (result.exit_code, result.stderr) == (2, "")
    assert [(problem["code"], problem["file"]) for problem in problems] == [
        ("TYPE_WRONG", str(tmp_path / "account.json")),
        ("FILE_UNUSABLE", str(tmp_path / "market.json")),
    ]
    assert (problems[0]["line"], problems[0]["column"], problems[0]["path"]) == (1, 13, "account")


def test_evaluate__two_missing_files_are_both_named(run: Run, documents: list[str], tmp_path: Path) -> None:
    """One round is enough to learn what is missing."""
    for name in ("account.json", "market.json"):
        (tmp_path / name).unlink()
    result = run("evaluate", *documents)
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        str(tmp_path / "account.json"),
        str(tmp_path / "market.json"),
    ]
