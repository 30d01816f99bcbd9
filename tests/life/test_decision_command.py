"""`rules-engine replay`: what people and programs are told of a log."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from rules_engine import Engine, load_policy
from rules_engine.cli.commands import Commands
from rules_engine.cli.evaluate import evaluate
from rules_engine.cli.replay import replay
from rules_engine.cli.sweep import sweep
from rules_engine.life.decisions.logged import LoggedEngine
from tests.life.decisions import MASK, edited, log_at

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def program() -> None:
    """The root group, in which faults become messages and exit codes; commands remember what it calls for help."""


program.add_command(evaluate)
program.add_command(replay)
program.add_command(sweep)


def run(*arguments: object) -> Result:
    """Runs the command; a bug of ours raises instead of becoming an exit code."""
    return CliRunner().invoke(program, ["replay", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The published example, evaluated and asked for an order."""
    account, market, order = ((EXAMPLES / f"{name}.json").read_bytes() for name in ("account", "market", "order"))
    with log_at(tmp_path / "log", mask=MASK) as log:
        engine = LoggedEngine(Engine(load_policy("usdt-perpetuals@1.2.0")), log)
        engine.evaluate(account, market, "d1")
        engine.check_order(account, market, order, "d2")
    return tmp_path / "log.000001.jsonl"


def test_replay__of_a_log_that_stands(log: Path) -> None:
    """Counts, the head, and a word on what cannot be seen; exit code 0."""
    found = run(log)
    assert found.exit_code == 0
    lines = found.stdout.splitlines()
    assert [re.split(r"  +", line.strip()) for line in lines[3:10]] == [
        ["evaluate", "1"],
        ["order", "1"],
        ["same answer", "2"],
        ["different, or not to be judged", "0"],
        ["inputs not kept", "0"],
        ["book not given", "0"],
        ["dropped", "0"],
    ]
    assert lines[-1].startswith("4 records; the last is 4, ")
    assert found.stderr.startswith(
        "without --head it cannot be seen whether lines were cut off at the end, or all written"
    )
    head = lines[-1].split(", ")[1]
    assert run(log, "--head", head).stderr == ""


def test_replay__tells_what_differs(log: Path) -> None:
    """At the line, with exit code 1."""

    def enrich(record: dict[str, Any]) -> None:
        record["inputs"]["account"]["collateral"]["USDT"] = "1"

    edited(log, 2, enrich, rechained=True)
    found = run(log)
    assert found.exit_code == 1
    assert found.stdout.startswith(f"{log}:3:1: LOG_RECORD_EDITED its inputs do not have the hash")


def test_replay__for_programs(log: Path) -> None:
    """One document, with the decision of each problem."""
    edited(log, 2, lambda record: record["policy"].update(version="1.2.1"), rechained=True)
    found = run(log, "--json", "--head", "0" * 64)
    assert found.exit_code == 1
    document = json.loads(found.stdout)
    assert document["decisions"] == {"evaluate": 1, "order": 1}
    assert (document["equal"], document["different"]) == (1, 1)
    assert [(each["code"], each["decision"], each["line"]) for each in document["problems"]] == [
        ("LOG_POLICY_UNKNOWN", "d1", 3),
        ("LOG_CUT", "d2", 4),
    ]


def test_replay__of_no_log(tmp_path: Path) -> None:
    """Exit code 2."""
    found = run(tmp_path / "log")
    assert found.exit_code == 2
    assert found.stderr == f"{tmp_path}/log.000001.jsonl: FILE_UNUSABLE there is no such decision log\n"


CANDIDATE = """
schema: rules-engine/policy/1
policy: usdt-perpetuals
version: 1.3.0
extends: usdt-perpetuals@1.2.0
liquidation: {margin_call: 30}
"""


def test_replay__with_a_candidate(log: Path, tmp_path: Path) -> None:
    """What it would change, by kind and with examples; the exit code is that of the log."""
    candidate = tmp_path / "candidate.yaml"
    candidate.write_text(CANDIDATE, encoding="utf-8")
    found = run(log, "--candidate", candidate)
    assert found.exit_code == 0
    lines = [re.split(r"  +", line.strip()) for line in found.stdout.splitlines()]
    assert ["compared", "2"] in lines
    assert ["differing", "2"] in lines
    assert ["status healthy -> margin_call", "2"] in lines
    assert [line[0] for line in lines if line[3:] == ["status healthy -> margin_call", "healthy", "margin_call"]] == [
        "d1",
        "d2",
    ]
    document = json.loads(run(log, "--candidate", candidate, "--json").stdout)["candidate"]
    assert (document["compared"], document["kinds"]) == (2, {"status healthy -> margin_call": 2})
    same = run(log, "--candidate", "usdt-perpetuals@1.2.0").stdout.splitlines()
    assert "examples" not in [line.strip() for line in same]


def test_replay__with_a_candidate_that_fails(log: Path, tmp_path: Path) -> None:
    """Why is told beside how often."""
    candidate = tmp_path / "candidate.yaml"
    candidate.write_text(CANDIDATE + "settlement: {currency: EUR, quantum: 0.01}\n", encoding="utf-8")
    found = run(log, "--candidate", candidate)
    assert found.exit_code == 0
    assert re.search(r"failed: ValueError: it settles in EUR, and 1.2.0 in USDT +2\n", found.stdout)


def test_replay__of_a_log_in_a_database(tmp_path: Path) -> None:
    """`--log` and LOG take its address, and name it; where there is none, exit code 2."""
    address = f"sqlite:///{tmp_path}/risk.db"
    arguments = ["evaluate", "--policy", "usdt-perpetuals@1.2.0", "--log", address]
    arguments += [each for name in ("account", "market") for each in (f"--{name}", str(EXAMPLES / f"{name}.json"))]
    for _ in range(2):
        written = CliRunner().invoke(program, arguments, catch_exceptions=False)
        assert re.fullmatch(rf"decision [0-9a-f-]+ is in {address}\n", written.stderr)
    found = run(address, "--json")
    assert (found.exit_code, json.loads(found.stdout)["equal"]) == (0, 2)
    missing = run(f"{address}?log=other")
    assert missing.exit_code == 2
    assert missing.stderr == f"{address}?log=other: FILE_UNUSABLE there is no such decision log\n"
    refused = run("postgresql://ann:secret@127.0.0.1:1/risk")
    assert refused.exit_code == 2
    assert "postgresql://ann:***@127.0.0.1:1/risk: LOG_UNUSABLE the log cannot be read: " in refused.stderr


HEADER = "account,id,instrument,mode,quantity,entry_price,margin\n"
ROWS = (
    "Otto,otto-1,BTCUSDT,isolated,1,60000,900\nBo,bo-1,BTCUSDT,isolated,x,60000,900\nBo,bo-2,BTCUSDT,cross,-1,60000,\n"
)


@pytest.fixture
def swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a book of which one row is at fault, swept whole and in parts into a masked log."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book.csv").write_text(HEADER + ROWS, encoding="utf-8")
    (tmp_path / "c.csv").write_text("account,asset,amount\nOtto,USDT,5\nBo,,7000\n", encoding="utf-8")
    (tmp_path / "key").write_bytes(bytes(range(32)))
    mask = ("--log-mask", "account", "--log-mask", "id", "--log-key", "key")
    for parts, count in (((), "1 decision"), (("--part-rows", "1"), "2 decisions")):
        tables = ("--book", "book.csv", "--collateral", "c.csv", "--market", EXAMPLES / "market.json")
        options = ("--policy", "usdt-perpetuals@1.2.0", *tables, "--log", "swept.jsonl", *mask, *parts)
        found = CliRunner().invoke(program, ["sweep", *map(str, options)], catch_exceptions=False)
        assert found.exit_code == 1
        assert found.stderr.splitlines()[0] == f"{count} in swept.jsonl"
    return tmp_path / "swept.jsonl"


def test_replay__of_sweeps(swept: Path, tmp_path: Path) -> None:
    """A book from another folder is the same book; parts are replayed in parts; the log names nobody."""
    text = (tmp_path / "swept.000001.jsonl").read_text(encoding="utf-8")
    assert [name for name in ("Otto", "Bo", "otto", "bo-", "book.csv") if name in text] == []
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "book.csv").rename(tmp_path / "elsewhere" / "b.csv")
    book = ("--book", "elsewhere/b.csv", "--collateral", "c.csv")
    for options, equal, unmatched in (
        ((*book, "--log-key", "key"), 1, 2),
        ((*book, "--log-key", "key", "--part-rows", "1"), 2, 1),
        (book, 0, 3),
        ((*book[:2], "--log-key", "key"), 0, 3),
        ((), 0, 3),
    ):
        found = run(swept, *options, "--json")
        assert found.exit_code == 0
        document = json.loads(found.stdout)
        assert (document["equal"], document["book_not_given"]) == (equal, unmatched)
        assert {each["code"] for each in document["problems"]} == {"LOG_BOOK_MISSING"}


def test_sweep__exactly_logs_every_account(swept: Path, tmp_path: Path) -> None:
    """Each is evaluated, and so it is a decision that can be replayed without a book."""
    options = ("--book", "book.csv", "--collateral", "c.csv", "--market", str(EXAMPLES / "market.json"), "--exact")
    arguments = ["sweep", "--policy", "usdt-perpetuals@1.2.0", *options, "--log", "exact.jsonl"]
    found = CliRunner().invoke(program, arguments, catch_exceptions=False)
    assert found.stderr.splitlines()[0] == "2 decisions in exact.jsonl"
    assert json.loads(run("exact.jsonl", "--json").stdout)["equal"] == 2


def test_replay__of_a_log_without_sweeps_reads_no_book(log: Path, tmp_path: Path) -> None:
    """It says so, whatever stands in the file."""
    (tmp_path / "book.csv").write_text("no table", encoding="utf-8")
    found = run(log, "--book", tmp_path / "book.csv")
    assert found.exit_code == 0
    assert found.stderr.splitlines()[0] == "the log holds no sweeps: the books were not read"


def test_replay__of_books_that_are_not_there_or_do_not_go_together(swept: Path) -> None:
    """Before the log is read."""
    missing = run(swept, "--book", "nowhere.csv")
    assert (missing.exit_code, missing.stderr) == (2, "nowhere.csv: FILE_UNUSABLE there is no file nowhere.csv\n")
    uneven = run(swept, "--book", "book.csv", "--book", "book.csv", "--collateral", "c.csv")
    assert uneven.exit_code == 2
    assert "there are 2 books and 1 --collateral; give one --collateral for each --book" in uneven.stderr
