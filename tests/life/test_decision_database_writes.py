"""Writing a decision log into a database: one writer, whole batches, nothing acknowledged that is lost."""

from __future__ import annotations

import random
import sqlite3
import threading
from datetime import datetime
from pathlib import Path

import pytest

from rules_engine.life.decisions.decision_lines import DecisionLogError
from rules_engine.life.decisions.decision_log import DecisionLog
from rules_engine.life.decisions.decision_places import read_log
from rules_engine.life.decisions.decision_replay import replay
from rules_engine.life.decisions.logged import LoggedEngine
from rules_engine.life.store import databases
from tests.builders import engine_of
from tests.life.decisions import ACCOUNT, MARKET, engines, execute, log_at, rows_of
from tests.life.test_decision_kills import killed

KILLS = {"sqlite": 20, "postgresql": 5}
"""Kills of one run, by the kind of database."""


def test_database__is_open_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock keeps a second writer out; with its end the next one may write."""
    monkeypatch.setattr(databases, "PATIENCE", 500)
    with log_at(address), pytest.raises(DecisionLogError, match="LOG_IN_USE"):
        log_at(address)
    log_at(address).close()


def test_log__that_is_closed_says_so(address: str, tmp_path: Path) -> None:
    """In a database and in files: nothing failed, somebody closed it."""
    for where in (address, tmp_path / "log"):
        log = log_at(where)
        log.close()
        with pytest.raises(DecisionLogError, match=r"LOG_UNWRITABLE the log is closed \(open it again\)"):
            LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)


def test_database__of_two_writers_one_is_refused_without_a_lock(tmp_path: Path) -> None:
    """Whoever takes the lock away cannot break the chain: the key of the table is the number of the line."""
    address = f"sqlite:///{tmp_path}/log.db"
    with log_at(address) as one:
        (tmp_path / "log.db.decisions.lock").unlink()
        with log_at(address) as other:
            LoggedEngine(engine_of(), other).evaluate(ACCOUNT, MARKET)
            with pytest.raises(DecisionLogError, match="LOG_IN_USE"):
                LoggedEngine(engine_of(), one).evaluate(ACCOUNT, MARKET)
            with pytest.raises(DecisionLogError, match="an earlier write is in doubt"):
                LoggedEngine(engine_of(), one).evaluate(ACCOUNT, MARKET)
    assert replay(address, engines()).equal == 1


REFUSE = "CREATE TRIGGER t BEFORE INSERT ON rules_engine_decisions WHEN new.sequence = {} BEGIN SELECT RAISE({}); END"


@pytest.mark.parametrize(("how", "code"), [("FAIL, 'full'", "full"), ("IGNORE", "was written and is not there")])
def test_batch__is_there_whole_or_not_at_all(tmp_path: Path, how: str, code: str) -> None:
    """Refused in its last line, it leaves nothing, there is no answer, and the next batch may succeed."""
    address = f"sqlite:///{tmp_path}/log.db"
    with log_at(address) as log:
        market = LoggedEngine(engine_of(), log).at(MARKET)
        market.evaluate(ACCOUNT, "d1")
        assert market.evaluate_all([]) == []
        execute(address, REFUSE.format(6, how))
        with pytest.raises(DecisionLogError, match=f"LOG_UNWRITABLE .*{code}"):
            market.evaluate_all([ACCOUNT] * 3, ["d2", "d3", "d4"])
        assert len(rows_of(address)) == 3
        execute(address, "DROP TRIGGER t")
        market.evaluate_all([ACCOUNT] * 3, ["d2", "d3", "d4"])
        assert log.logged == 4
    found = replay(address, engines())
    assert (found.problems, found.equal) == ((), 4)


def test_opening__that_cannot_be_written_down_lets_go_of_the_log(tmp_path: Path) -> None:
    """A trigger refuses the record that it was opened, or the clock has no zone: the next one opens it."""
    for address in (f"sqlite:///{tmp_path}/log.db", str(tmp_path / "log")):
        log_at(address).close()
        with pytest.raises(DecisionLogError, match="TIME_WITHOUT_ZONE") as kept:
            DecisionLog.open(address, clock=lambda: datetime(2026, 12, 2))
        log_at(address).close()
        assert len(list(read_log(address))) == 2
        del kept
    address = f"sqlite:///{tmp_path}/log.db"
    execute(address, REFUSE.format(3, "FAIL, 'full'"))
    with pytest.raises(DecisionLogError, match=r"LOG_UNWRITABLE .*full"):
        log_at(address)
    execute(address, "DROP TRIGGER t")
    log_at(address).close()
    assert replay(address, engines()).records == 3


def test_strict__gives_no_answer_while_another_one_holds_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits its time, then refuses; when the other one is done it goes on."""
    monkeypatch.setattr(databases, "PATIENCE", 1_000)
    address = f"sqlite:///{tmp_path}/log.db"
    with log_at(address) as log:
        logged = LoggedEngine(engine_of(), log)
        other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DecisionLogError, match="LOG_UNWRITABLE the log takes no record: database is locked"):
            logged.evaluate(ACCOUNT, MARKET)
        other.execute("ROLLBACK")
        other.close()
        logged.evaluate(ACCOUNT, MARKET)
    assert replay(address, engines()).equal == 1


def test_strict__goes_on_after_its_connection_was_cut(server: str) -> None:
    """A server that ends the connection refuses one answer; the next one is written, under a new lock."""
    address = f"{server}&log=cut"
    with log_at(address) as log:
        logged = LoggedEngine(engine_of(), log)
        logged.evaluate(ACCOUNT, MARKET)
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        execute(address, f"{others} AND usename = current_user")
        with pytest.raises(DecisionLogError, match="LOG_UNWRITABLE the log takes no record: "):
            logged.evaluate(ACCOUNT, MARKET)
        logged.evaluate(ACCOUNT, MARKET)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(databases, "PATIENCE", 200)
            with pytest.raises(DecisionLogError, match="LOG_IN_USE"):
                log_at(address)
    assert replay(address, engines()).equal == 2


def test_strict__threads_share_a_transaction(address: str) -> None:
    """Four threads of 25 decisions: all there, in one chain."""
    with log_at(address) as log:
        market = LoggedEngine(engine_of(), log).at(MARKET)

        def decide(thread: int) -> None:
            for number in range(25):
                market.evaluate(ACCOUNT, f"{thread}-{number}")

        threads = [threading.Thread(target=decide, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = replay(address, engines())
    assert (found.problems, found.equal) == ((), 100)


def test_lossy__counts_every_drop(address: str) -> None:
    """What found no room in the queue, and what the database refused, is dropped and counted in the log itself."""
    with log_at(address, mode="lossy", waiting=3) as log:
        market = LoggedEngine(engine_of(), log).at(MARKET)
        for _ in range(40):
            market.evaluate(ACCOUNT)
        log.flush()
        execute(address, "ALTER TABLE rules_engine_decisions RENAME TO away")
        market.evaluate(ACCOUNT)
        log.flush()
        execute(address, "ALTER TABLE away RENAME TO rules_engine_decisions")
    assert log.logged + log.dropped == 41
    assert log.dropped > 0
    found = replay(address, engines())
    assert (found.problems, found.equal, found.dropped) == ((), log.logged, log.dropped)


def test_strict__loses_no_acknowledged_decision(address: str) -> None:
    """Killed and opened again and again: whole, in one chain, and replayed to the same answers."""
    instants, kills = random.Random(11), KILLS[address.partition(":")[0]]
    acknowledged: list[str] = []
    for _ in range(kills):
        acknowledged += killed(address, instants.uniform(0, 0.1))
    lines = list(read_log(address))
    logged = [line.decision for line in lines if line.decision is not None]
    assert len(acknowledged) > kills
    assert set(acknowledged) <= set(logged)
    assert len(logged) == len(set(logged))
    assert not any(line.problems for line in lines)
    assert replay(address, engines()).equal == len(logged)
