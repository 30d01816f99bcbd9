"""A decision log in a database: the same lines as in files, found damaged alike, and none lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rules_engine.life.decisions.decision_lines import DecisionLogError
from rules_engine.life.decisions.decision_log import DecisionLog
from rules_engine.life.decisions.decision_places import read_log
from rules_engine.life.decisions.decision_replay import Replay, replay
from rules_engine.life.decisions.decision_rows import AT_ONCE
from rules_engine.life.decisions.logged import LoggedEngine
from rules_engine.life.store.store import Store
from tests.builders import engine_of
from tests.life.decisions import ACCOUNT, MARKET, MASK, NAMES, ORDER, engines, execute, log_at, rows_of
from tests.life.people import founded


def with_query(address: str, query: str) -> str:
    """An address with something more to it."""
    return f"{address}{'&' if '?' in address else '?'}{query}"


def written(path: Any, **options: Any) -> None:
    """An evaluation, a batch of two, and an order."""
    with log_at(path, **options) as log:
        market = LoggedEngine(engine_of(), log).at(MARKET)
        market.evaluate(ACCOUNT, "d1")
        market.evaluate_all([ACCOUNT, ACCOUNT | {"collateral": {"USDT": "-9"}}], ["d2", "d3"])
        market.check_order(ACCOUNT, ORDER, "d4")


def told(found: Replay) -> list[tuple[str, str | None, int]]:
    """The codes, decisions and lines of what a replay found."""
    return [(each.code, each.decision, each.mark.line if each.mark else 0) for each in found.problems]


@pytest.mark.parametrize("options", [{}, {"mask": MASK}, {"keep_inputs": False, "keep_answers": False}])
def test_database__holds_the_very_lines_of_a_file(address: str, tmp_path: Path, options: dict[str, Any]) -> None:
    """To the byte, so that what is true of one is true of the other."""
    written(address, **options)
    written(tmp_path / "log", **options)
    lines = (tmp_path / "log.000001.jsonl").read_bytes().splitlines()
    assert rows_of(address) == lines
    assert [line.mark.line for line in read_log(address)] == list(range(1, len(lines) + 1))
    if "mask" in options:
        assert [name for name in NAMES if name.encode() in b"".join(lines)] == []


def test_database__replays_and_goes_on_where_it_ended(address: str) -> None:
    """Opened again it says so, and its market stands there again."""
    for _ in range(2):
        written(address)
    found = replay(address, engines())
    assert (found.problems, found.equal, found.records) == ((), 8, 12)
    decided = ["market", "evaluate", "evaluate", "evaluate", "order"]
    assert [line.record["kind"] for line in read_log(address)] == ["header", *decided, "opened", *decided]
    with log_at(address) as log:
        assert log.head[0] == 13
    assert replay(address, engines(), head=found.head[1]).clean


def test_database__holds_several_logs(address: str) -> None:
    """Each with its own chain and its own writer."""
    other = with_query(address, "log=desk-2")
    with log_at(address) as one, log_at(other) as two:
        for _ in range(3):
            LoggedEngine(engine_of(), one).evaluate(ACCOUNT, MARKET)
        LoggedEngine(engine_of(), two).evaluate(ACCOUNT, MARKET)
    assert [replay(each, engines()).equal for each in (address, other)] == [3, 1]
    with pytest.raises(FileNotFoundError, match="there is no such decision log"):
        replay(with_query(address, "log=desk-3"), engines())


def test_database__finds_what_was_done_to_lines(address: str) -> None:
    """An edited line, one taken out, one put in another row, and an end cut off."""
    written(address)
    head = replay(address, engines()).head
    table = "rules_engine_decisions"
    (line,) = (data for data in rows_of(address) if b'"d1"' in data)
    execute(address, f"UPDATE {table} SET line = :line WHERE sequence = 3", line=line.replace(b'"500"', b'"501"'))
    assert told(replay(address, engines())) == [
        ("LOG_RECORD_EDITED", "d1", 3),
        ("LOG_ANSWER_DIFFERS", "d1", 3),
        ("LOG_CHAIN_BROKEN", "d2", 4),
    ]
    execute(address, f"DELETE FROM {table} WHERE sequence = 3")
    assert told(replay(address, engines())) == [("LOG_CHAIN_BROKEN", "d2", 4)]
    with pytest.raises(DecisionLogError, match="LOG_DAMAGED"):
        log_at(address)
    execute(address, f"INSERT INTO {table} (log, sequence, line) VALUES ('decisions', 3, :line)", line=line)
    execute(address, f"UPDATE {table} SET sequence = 9 WHERE sequence = 6")
    assert told(replay(address, engines())) == [("LOG_CHAIN_BROKEN", "d4", 9)]
    execute(address, f"DELETE FROM {table} WHERE sequence = 9")
    assert replay(address, engines()).clean
    assert told(replay(address, engines(), head=head[1])) == [("LOG_CUT", "d3", 5)]
    execute(address, f"DELETE FROM {table} WHERE sequence = 1")
    assert [each.code for each in replay(address, engines()).problems] == ["LOG_LINE_INVALID", "LOG_FILE_MISSING"]


def test_database__of_sqlite_survives_values_of_any_type(tmp_path: Path) -> None:
    """SQLite keeps a text in the place of a number, or of bytes: it is told, and the rest is read."""
    address = f"sqlite:///{tmp_path}/log.db"
    written(address)
    execute(address, "UPDATE rules_engine_decisions SET line = 7 WHERE sequence = 5")
    execute(address, "UPDATE rules_engine_decisions SET sequence = 'x' WHERE sequence = 6")
    codes = [each.code for each in replay(address, engines()).problems]
    assert codes == ["LOG_CHAIN_BROKEN", "LOG_LINE_INVALID"]


@pytest.mark.parametrize("number", [0, -1, -(2**63)])
def test_database__names_rows_before_the_first_line(address: str, number: int) -> None:
    """A copy of a line, whatever its number: told with its row, not replayed, and no head of the log."""
    written(address)
    head = replay(address, engines()).head
    table = "rules_engine_decisions"
    execute(address, f"INSERT INTO {table} SELECT log, {number}, line FROM {table} WHERE sequence = {head[0]}")
    found = replay(address, engines(), head=head[1])
    assert told(found) == [("LOG_LINE_INVALID", "d4", number)]
    assert f"row {number} stands before the first line" in found.problems[0].message
    assert (found.clean, found.equal, found.head) == (False, 4, head)
    with pytest.raises(DecisionLogError, match=f"row {number} stands before(.|\n)*LOG_DAMAGED"):
        log_at(address)
    execute(address, f"DELETE FROM {table} WHERE sequence = {head[0]}")
    assert [each.code for each in replay(address, engines(), head=head[1]).problems] == ["LOG_LINE_INVALID", "LOG_CUT"]
    execute(address, f"DELETE FROM {table} WHERE sequence > 0")
    assert told(replay(address, engines())) == [("LOG_LINE_INVALID", "d4", number)]


def test_database__of_sqlite_names_the_row_whose_text_is_none(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, kept as a text: its row is told, and the others are read and replayed."""
    address = f"sqlite:///{tmp_path}/log.db"
    written(address)
    execute(address, "UPDATE rules_engine_decisions SET line = CAST(x'FFFE22' AS TEXT) WHERE sequence = 4")
    found = replay(address, engines())
    assert told(found) == [("LOG_LINE_INVALID", None, 4), ("LOG_CHAIN_BROKEN", "d3", 5)]
    assert found.equal == 3
    with pytest.raises(DecisionLogError, match=r"log\.db:4(.|\n)*LOG_DAMAGED"):
        log_at(address)


def test_database__of_sqlite_that_lost_its_key_tells_of_rows_with_one_number(tmp_path: Path) -> None:
    """A page ends between the two, and the next one begins behind both."""
    address, table = f"sqlite:///{tmp_path}/log.db", "rules_engine_decisions"
    with log_at(address, keep_inputs=False, keep_answers=False) as log:
        LoggedEngine(engine_of(), log).at(MARKET).evaluate_all([{"account": "A"}] * AT_ONCE)
    execute(address, f"ALTER TABLE {table} RENAME TO old")
    execute(address, f"CREATE TABLE {table} (log, sequence BIGINT, line)")
    execute(address, f"INSERT INTO {table} SELECT * FROM old")
    assert not any(line.problems for line in read_log(address))
    execute(address, f"INSERT INTO {table} SELECT log, sequence, x'7B7D' FROM old WHERE sequence = {AT_ONCE}")
    (problem,) = (each for line in read_log(address) for each in line.problems)
    last = AT_ONCE + 1
    assert (problem.code, problem.mark and problem.mark.line) == ("LOG_CHAIN_BROKEN", last)
    assert f"up to line {last} there are {last + 1} rows, of which {last} could be read" in problem.message


@pytest.mark.parametrize("nested", [b'{"a":' + b"[" * 200_000, b"[" * 200_000 + b"]" * 200_000])
def test_database__names_a_line_that_is_too_deep_to_read(address: str, nested: bytes) -> None:
    """And reads the others."""
    written(address)
    execute(address, "UPDATE rules_engine_decisions SET line = :line WHERE sequence = 4", line=nested)
    found = replay(address, engines())
    assert told(found) == [("LOG_LINE_INVALID", None, 4), ("LOG_CHAIN_BROKEN", "d3", 5)]


def test_database__tells_of_line_feeds_behind_a_line(address: str) -> None:
    """A row holds a line without any: the line after it does not follow from what stands there."""
    written(address)
    (line,) = (data for data in rows_of(address) if b'"d2"' in data)
    execute(address, "UPDATE rules_engine_decisions SET line = :line WHERE line = :old", line=line + b"\n\n", old=line)
    assert [code for code, *_ in told(replay(address, engines()))] == ["LOG_CHAIN_BROKEN"]


def test_database__is_read_a_page_at_a_time(address: str) -> None:
    """A reader keeps no writer waiting: between pages lines are added, and read too."""
    with log_at(address, keep_inputs=False, keep_answers=False) as log:
        market = LoggedEngine(engine_of(), log).at(MARKET)
        market.evaluate_all([{"account": "A"}] * (AT_ONCE + 200))
        lines = read_log(address)
        next(lines)
        market.evaluate_all([{"account": "A"}] * AT_ONCE)
        rest = list(lines)
    assert len(rest) == 2 * AT_ONCE + 200
    assert not any(line.problems for line in rest)


def test_database__has_a_header_again_instead_of_a_next_file(address: str) -> None:
    """After as many bytes as would fill a file, so that neither writer nor reader keeps the markets of a year."""
    with log_at(address, file_size=5_000) as log:
        for _ in range(10):
            LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
    kinds = [line.record["kind"] for line in read_log(address)]
    assert kinds.count("header") == kinds.count("market") > 2
    found = replay(address, engines())
    assert (found.problems, found.equal) == ((), 10)
    execute(address, f"DELETE FROM rules_engine_decisions WHERE sequence <= {kinds.index('header', 1)}")
    found = replay(address, engines())
    assert found.clean
    assert [(each.code, each.severity) for each in found.problems] == [("LOG_FILE_MISSING", "warning")]


@pytest.mark.parametrize("log_first", [True, False])
def test_database__may_be_that_of_the_store(url: str, address: str, log_first: bool) -> None:
    """Whichever is there first; neither sees the other, and both verify."""
    steps: list[Callable[[], object]] = [lambda: written(address), lambda: founded(url)]
    for step in steps if log_first else reversed(steps):
        step()
    assert len(Store(url).ledger().steps) == 5
    assert replay(address, engines()).clean


def test_database__that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    """Neither where there is no file, nor where it has no log in it."""
    founded(str(tmp_path / "store.db"))
    for name in ("none.db", "store.db"):
        with pytest.raises(FileNotFoundError, match="there is no such decision log"):
            replay(f"sqlite:///{tmp_path}/{name}", engines())
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "address",
    [
        "mysql://a:secret@b/c",
        "postgresql://nobody:secret@127.0.0.1:1/c",
        "postgresql://127.0.0.1:1/c?user=nobody&password=secret",
        "postgresql://nobody:a@secret@127.0.0.1:1/c",
        "postgresql://nobody:secret/c",
        "sqlite://",
        "sqlite:///log.db?log=a/b",
        "sqlite:///log.db?log=a&log=b",
    ],
)
def test_address__that_cannot_be_used_is_refused_without_its_password(address: str) -> None:
    """Another kind of database, no server, no file, and a name that is none."""
    for use in (log_at, lambda each: replay(each, engines())):
        with pytest.raises(DecisionLogError, match="LOG_UN") as caught:
            use(address)
        assert "secret" not in str(caught.value)


def test_database__that_cannot_be_begun_says_so(tmp_path: Path) -> None:
    """In a folder that is not there, and where a file is no database."""
    with pytest.raises(DecisionLogError, match="LOG_UNWRITABLE the log cannot be opened: No such file or directory"):
        log_at(f"sqlite:///{tmp_path}/nowhere/log.db")
    (tmp_path / "no.db").write_bytes(b"no database" * 100)
    with pytest.raises(DecisionLogError, match="LOG_UNWRITABLE the log cannot be opened: file is not a database"):
        DecisionLog.open(f"sqlite:///{tmp_path}/no.db", clock=lambda: None)  # type: ignore[arg-type, return-value]
